"""The receiver, written a second time from the chapters "Receiver" and "Contact log".

One class holds what a receiver remembers: when it recorded which contact id, which id it read at which address, and
which read is under way. What an advert holds is worked out by one of three functions, one for each way in which
octets are taken apart: the protocol's, Android's and iOS's.
"""

from __future__ import annotations

from .advertisement import (
    ANDROID,
    COMPANY,
    IOS,
    MANUFACTURER,
    OVERFLOW,
    Structures,
    advertisement_of,
    intact_structures,
    manufacturer_data,
    service_uuids,
)
from .errors import FailedError, RefusedError
from .key_schedule import DAY_MS, KeptIds, members, number, schedule_of, slot_of, slots_asked

REPEAT_MS = 5_000
ATTEMPT_MS = 10_000
PADDED_OCTETS = 62
READ = b""
"""What stands for an id that has to be read by GATT first."""


def v3_content(records: list[bytes]) -> bytes | None:
    """Return the contact id that an advert holds, ``READ``, or ``None`` for nothing (BZ-RCV-001 to -004)."""
    structures = [each for record in records for each in intact_structures(record)[0]]
    try:
        found = advertisement_of(structures)
    except RefusedError:
        return None
    if found["kind"] == "android":
        return bytes.fromhex(str(found["id"]))
    return READ if found["kind"] in ("ios", "ios_background") else None


def android_content(records: list[bytes]) -> bytes | None:
    """Return the same as Android 3.0.3: zeros complete a record that is cut (F-29), the field is exact (F-26)."""
    record = b"".join(records).ljust(PADDED_OCTETS, b"\x00")
    structures: Structures = []
    at = 0
    while at < len(record) and record[at]:
        end = at + 1 + record[at]
        if end > len(record):
            return None
        structures.append((record[at + 1], record[at + 2 : end]))
        at = end
    if any(len(data) < 2 for data in manufacturer_data(structures)):
        return None
    uuids, _ = service_uuids(structures)
    if ANDROID in uuids:
        own = [data[2:] for data in manufacturer_data(structures) if data[:2] == COMPANY]
        return own[-1] if own and len(own[-1]) == 12 else None
    exact = OVERFLOW + b"\x08" + bytes(15)
    return READ if IOS in uuids or exact in manufacturer_data(structures) else None


def ios_content(records: list[bytes]) -> bytes | None:
    """Return the same as iOS 3.0.3: any company (F-18), and a crash where there is none (F-17).

    Raises:
        FailedError: Manufacturer specific data of less than two octets.
    """
    structures = [each for record in records for each in intact_structures(record)[0]]
    uuids, _ = service_uuids(structures)
    fields = [data for data in manufacturer_data(structures) if data[:3] == OVERFLOW and len(data) == 19]
    if not uuids & {ANDROID, IOS} and not any(data[3] & 0x08 for data in fields):
        return None
    handed = [data for ad_type, data in structures if ad_type == MANUFACTURER and data[:3] != OVERFLOW]
    if any(len(data) < 2 for data in handed):
        raise FailedError("exception")
    if not handed:
        return READ
    return handed[-1][2:] if len(handed[-1]) == 14 else None


CONTENTS = {
    "v3": v3_content,
    "android-v3": android_content,
    "v2": android_content,
    "ios-v3": ios_content,
}


class Receiver:
    """What a receiver remembers from event to event.

    Args:
        question: Of ``receive``.
        profile: Whose receiver.
    """

    def __init__(self, question: dict[str, object], profile: str) -> None:
        self._profile = profile
        self._schedule = schedule_of(profile)
        self._count = slots_asked(question, self._schedule)
        self._phone = KeptIds(question, profile)
        self._recorded: dict[bytes, list[int]] = {}
        self._cached: dict[str, tuple[bytes, int]] = {}
        self._attempt: tuple[str, int] | None = None
        self._tried: dict[str, int] = {}
        self.records: list[dict[str, object]] = []
        self.reads: list[int] = []

    def hear(self, index: int, event: dict[str, object]) -> None:
        """Take an advert."""
        octets = [bytes.fromhex(str(event.get(key, ""))) for key in ("ad", "scan_response")]
        content = CONTENTS[self._profile](octets)
        if content is None:
            return
        time_ms = number(event["time_ms"])
        if self._schedule.builds:  # F-28: a build takes the time of delivery
            time_ms = number(event.get("delivered_ms", time_ms))
        address = str(event["address"])
        if content == READ:
            content = self._cached_id(address, time_ms)
            if content is None:
                self._want_read(index, address, time_ms)
                return
        self._record(content, time_ms, number(event["rssi"]))

    def read(self, event: dict[str, object]) -> None:
        """Take the end of a GATT read (BZ-RCV-002, BZ-RCV-004)."""
        address, time_ms = str(event["address"]), number(event["time_ms"])
        attempt, self._attempt = self._attempt, None
        if attempt is None or attempt[0] != address:
            self._attempt = attempt
            return
        if not self._schedule.seconds and time_ms - attempt[1] >= ATTEMPT_MS:
            return
        value = None if event["value"] is None else bytes.fromhex(str(event["value"]))
        if value is None or len(value) != 12:
            return
        if self._profile in ("android-v3", "v2"):
            self._cached.setdefault(address, (value, time_ms))  # F-19: the oldest row is found
        elif not self._schedule.builds:
            self._cached[address] = (value, time_ms)
        self._record(value, time_ms, number(event["rssi"]))

    def _cached_id(self, address: str, time_ms: int) -> bytes | None:
        if address not in self._cached:
            return None
        value, read_ms = self._cached[address]
        same_slot = slot_of(read_ms, self._count, self._schedule) == slot_of(
            time_ms, self._count, self._schedule
        )
        same_day = read_ms // DAY_MS == time_ms // DAY_MS or self._schedule.builds
        return value if same_slot and same_day else None

    def _want_read(self, index: int, address: str, time_ms: int) -> None:
        if self._schedule.seconds:  # iOS: each address at most every 5 s
            if address in self._tried and 0 <= time_ms - self._tried[address] < REPEAT_MS:
                return
            self._tried[address] = time_ms
        elif self._attempt is not None and 0 <= time_ms - self._attempt[1] < ATTEMPT_MS:
            return  # BZ-RCV-004: one attempt at a time
        self._attempt = (address, time_ms)
        self.reads.append(index)

    def _record(self, contact_id: bytes, time_ms: int, rssi: int) -> None:
        if self._schedule.seconds:
            time_ms -= time_ms % 1000
        times = self._recorded.setdefault(contact_id, [])
        if self._schedule.builds:
            repeated = bool(times) and time_ms - times[-1] < REPEAT_MS
        else:
            repeated = any(abs(time_ms - recorded_ms) < REPEAT_MS for recorded_ms in times)
        if repeated:
            return
        own_id = self._phone.id_at(time_ms, time_ms)
        times.append(time_ms)
        self.records.append(
            {"own_id": own_id, "contact_id": contact_id.hex(), "rssi": rssi, "time_ms": time_ms}
        )


def receive(question: dict[str, object], profile: str) -> dict[str, object]:
    """Answer ``receive``."""
    receiver = Receiver(question, profile)
    for index, event in enumerate(members(question["events"])):
        if not isinstance(event, dict):
            raise TypeError("an event is an object")
        if event["kind"] == "advert":
            receiver.hear(index, event)
        else:
            receiver.read(event)
    return {"records": receiver.records, "reads": receiver.reads}
