"""What is known of a contact log that was read, whatever it came as: rows, what is wrong with them, and with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from bluezone_harness.observations import Capability, Diagnostic, Extent
from bluezone_reference.contact_log import Record
from bluezone_reference.errors import RejectCode


class LogKind(StrEnum):
    """What a contact log came as."""

    EXPORT = "contact_log_export"
    DATABASE = "contact_log_database"


@dataclass(frozen=True, slots=True)
class Row:
    """A row that can be read.

    Attributes:
        number: Line of an export, from 1; ``_id`` of a database.
        offset: Octets from the start of the export to the row; ``None`` in a database.
        unit: In which the row's time is written.
        record: What it says, its time in milliseconds.
        octets: The row of an export as written, without its LF; empty in a database.
    """

    number: int
    offset: int | None
    unit: Literal["ms", "s"]
    record: Record
    octets: bytes


@dataclass(frozen=True, slots=True)
class RowDefect:
    """What is wrong with a row; a row that can be read may have some too.

    Attributes:
        number: As of ``Row``.
        offset: Octets from the start of the export to what is wrong; ``None`` in a database.
        code: Which of the reject codes.
        requirement: The requirement that it breaks.
        reason: One sentence for people, without a full stop.
        octets: The row of an export as written; empty in a database.
    """

    number: int
    offset: int | None
    code: RejectCode
    requirement: str
    reason: str
    octets: bytes


@dataclass(frozen=True, slots=True)
class KeptAddress:
    """What a row of a database keeps in place of an address.

    Attributes:
        number: The row's ``_id``.
        text: As it stands there; octets in hex; empty where there is nothing.
    """

    number: int
    text: str


@dataclass(frozen=True, slots=True)
class ContactLogEvidence:
    """A contact log, read.

    Attributes:
        name: Of the file, without folders.
        sha256: Of its octets, in hex.
        kind: Export or database.
        rows: All that can be read and are whole, in their order.
        defects: What is wrong with rows, in their order.
        unfinished: The last row of an export whose LF is missing, if it can be read: its time may be cut
            short.
        cut: The export does not end in LF.
        addresses: ``macid`` of all rows of ``trace_info`` that hold one, readable or not; empty in an export.
        cached_reads: Rows of ``connect_info``; ``None`` where there is no such table.
        capabilities: What this evidence can show.
        diagnostics: What is wrong with it as a whole.
        partial: Some of it could not be read.
    """

    name: str
    sha256: str
    kind: LogKind
    rows: tuple[Row, ...]
    defects: tuple[RowDefect, ...]
    unfinished: Row | None
    cut: bool
    addresses: tuple[KeptAddress, ...]
    cached_reads: tuple[KeptAddress, ...] | None
    capabilities: Mapping[Capability, Extent]
    diagnostics: tuple[Diagnostic, ...]
    partial: bool

    @property
    def contents(self) -> Mapping[str, int]:
        """How many rows it holds, those that cannot be read included."""
        known = self.rows if self.unfinished is None else (*self.rows, self.unfinished)
        return {"rows": len({*(each.number for each in known), *(each.number for each in self.defects)})}

    @property
    def records(self) -> tuple[Record, ...]:
        """The records of all rows that can be read, an unfinished last one included."""
        rows = self.rows if self.unfinished is None else (*self.rows, self.unfinished)
        return tuple(row.record for row in rows)
