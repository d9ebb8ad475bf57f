"""A capture as evidence: the observations of one source, folded, with what is known of the source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bluezone_harness.observations import Capability, Diagnostic, Extent, Source
from bluezone_harness.sightings import Folded, fold


@dataclass(frozen=True, slots=True)
class Capture:
    """A capture, read.

    Attributes:
        name: Of the file, without folders.
        sha256: Of its octets, in hex.
        kind: What it is, such as ``pcap``.
        capabilities: What it can show.
        packets: How many packets or lines it holds, of any kind.
        partial: Some of it could not be read.
        diagnostics: What there is to know about its damage.
        folded: What it says.
    """

    name: str
    sha256: str
    kind: str
    capabilities: Mapping[Capability, Extent]
    packets: int
    partial: bool
    diagnostics: tuple[Diagnostic, ...]
    folded: Folded

    @property
    def contents(self) -> Mapping[str, int]:
        """How many packets, adverts and sightings it holds."""
        folded = self.folded
        return {"packets": self.packets, "adverts": folded.adverts, "sightings": len(folded.sightings)}


def read_capture(source: Source, keep_times: bool = False) -> Capture:
    """Read a source to its end; what is known of it is known then."""
    return folded_capture(source, fold(source.name, source, keep_times))


def folded_capture(source: Source, folded: Folded) -> Capture:
    """Return the capture that a source was, read to its end, with what it says."""
    return Capture(
        source.name,
        source.sha256,
        source.kind,
        dict(source.capabilities),
        source.packets,
        source.damaged,
        source.diagnostics,
        folded,
    )
