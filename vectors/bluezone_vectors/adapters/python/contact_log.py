"""A small port of the receiver and of the contact log with its data trace."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field

import advertisement as ad
from schedule import DAY_MS, RefusedError, slot_at

REPEAT_MS = 5000
ATTEMPT_MS = 10_000
SECONDS_BELOW = 100_000_000_000
LAST_MS = 253_402_300_799_999


@dataclass(frozen=True)
class Record:
    """One entry of a contact log; the names are those of the questions."""

    own_id: str
    contact_id: str
    rssi: int
    time_ms: int


@dataclass
class Receiver:
    """What turns adverts and reads into records; ``own_id`` gives the phone's own rolling id, as hex."""

    own_id: Callable[[int], str]
    count: int
    records: list[Record] = field(default_factory=list)
    cached: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    attempt: tuple[str, int] | None = None

    def advert(self, octets: Iterable[bytes], address: str, rssi: int, time_ms: int, told_ms: int) -> bool:
        """Take an advert, heard and told of at these times; return whether the address is to be read now."""
        try:
            content = ad.content_of([part for each in octets for part in ad.structures(each)[0]])
            if content.uuids & ad.ANDROID:
                self.record(ad.android_id(content), rssi, time_ms)
                return False
        except RefusedError:
            return False
        if ad.IOS not in content.uuids and not ad.is_background(content):
            return False
        read_ms, contact_id = self.cached.get(address, (0, b""))
        if contact_id and self.period(read_ms) == self.period(time_ms):
            self.record(contact_id, rssi, time_ms)
            return False
        if self.busy(told_ms):
            return False
        self.attempt = (address, told_ms)
        return True

    def read(self, value: bytes, address: str, rssi: int, time_ms: int) -> None:
        """Take what a read gave; nothing, where it failed."""
        if self.attempt is None or self.attempt[0] != address:
            return
        late = time_ms - self.attempt[1] >= ATTEMPT_MS
        self.attempt = None
        if len(value) == 12 and not late:
            self.cached[address] = (time_ms, value)
            self.record(value, rssi, time_ms)

    def busy(self, time_ms: int) -> bool:
        """Return whether an attempt to read lasts."""
        return self.attempt is not None and 0 <= time_ms - self.attempt[1] < ATTEMPT_MS

    def period(self, time_ms: int) -> tuple[int, int]:
        """Return day and slot of an instant."""
        return time_ms // DAY_MS, slot_at(time_ms, self.count)

    def record(self, contact_id: bytes, rssi: int, time_ms: int) -> None:
        """Record a contact id, unless it is a repeat or there is no own id."""
        seen = contact_id.hex()
        if any(r.contact_id == seen and abs(r.time_ms - time_ms) < REPEAT_MS for r in self.records):
            return
        try:
            own_id = self.own_id(time_ms)
        except RefusedError:
            return
        self.records.append(Record(own_id, seen, rssi, time_ms))


def export(records: Iterable[Record]) -> str:
    """Return records as data trace."""
    return "".join(f"{r.own_id.upper()}\t{r.contact_id.upper()}\t{r.rssi}\t{r.time_ms}\n" for r in records)


def read_line(line: bytes) -> tuple[Record | None, list[str]]:
    """Return the record of a line without its end, if it can be read, and the codes of its defects."""
    plain = line.removeprefix(b"\xef\xbb\xbf").removesuffix(b"\r")
    columns = plain.decode("latin-1").split("\t")
    if len(columns) != 4 or not plain.isascii():
        return None, ["BAD_LOG_LINE"]
    own_id, contact_id, rssi, time = columns
    if not all(re.fullmatch("(?:[0-9a-fA-F]{2})+", digits) for digits in (own_id, contact_id)):
        return None, ["BAD_LOG_LINE"]
    number = re.compile("[+-]?[0-9]{1,40}")
    if not number.fullmatch(rssi) or not (-127 <= int(rssi) <= 20 or int(rssi) == 127):
        return None, ["BAD_RSSI"]
    if not number.fullmatch(time) or not 0 <= int(time) <= LAST_MS:
        return None, ["BAD_TIME"]
    written = (own_id.upper(), contact_id.upper(), str(int(rssi)), str(int(time)))
    codes = [] if plain == line and tuple(columns) == written else ["BAD_LOG_LINE"]
    if len(own_id) != 24 or len(contact_id) != 24:
        codes.append("BAD_ID_LENGTH")
    time_ms = int(time) * (1000 if int(time) < SECONDS_BELOW else 1)
    return Record(own_id.lower(), contact_id.lower(), int(rssi), time_ms), codes


def import_log(octets: bytes) -> dict[str, object]:
    """Return the records of a data trace, and its defects, each with its line."""
    records: list[dict[str, object]] = []
    defects: list[dict[str, object]] = []
    *lines, rest = octets.split(b"\n")
    for number, line in enumerate([*lines, rest] if rest else lines, start=1):
        record, codes = read_line(line)
        if record:
            records.append(asdict(record))
        if number > len(lines):
            codes = [*(codes if record else []), "UNTERMINATED_LOG_LINE"]
        defects += [{"line": number, "code": code} for code in codes]
    return {"records": records, "defects": defects}
