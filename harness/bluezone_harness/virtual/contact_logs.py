"""A simulated day: two or three phones meet, and each keeps a contact log.

Theory of operation. A seed draws base ids, meetings and the rhythm of each phone; the rest follows from the
reference. A phone sends for 15 s and pauses for 15 s, and its rolling id is fixed when an on-window begins;
it listens for 40 s and pauses for 260 s. What is heard while two phones meet goes into a ``Receiver`` of the
reference, as octets of an advertisement. Own id and time are two readings of the clock, up to half a second
apart, as in a real phone.

The same seed gives the same octets. Nothing here is random in any other sense.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random

from bluezone_reference.advertisement import AndroidAdvertisement, encode_advertisement
from bluezone_reference.contact_log import Record, encode_data_trace
from bluezone_reference.key_schedule import DAY_MS, KEY_OCTETS
from bluezone_reference.profiles import V3, Profile
from bluezone_reference.receiver import HeardAdvert, Receiver
from bluezone_reference.rolling_id_source import RollingIdSource

FIRST_DAY_MS = 1_596_844_800_000
"""2020-08-08, the UTC day that is simulated."""

_MINUTE_MS = 60_000
_SEND_ON_MS, _SEND_PERIOD_MS = 15_000, 30_000
_LISTEN_ON_MS, _LISTEN_PERIOD_MS = 40_000, 300_000
_CLOCK_READINGS_APART_MS = 500
_AGE_DAYS = 13
_HEARD = 0.4
"""The share of adverts that are heard."""
_NAMES = ("An", "Binh", "Chi")


@dataclass(frozen=True, slots=True)
class SimulatedPhone:
    """A phone at the end of the day.

    Attributes:
        name: Of the phone.
        base_id: 32 octets.
        base_day_ms: UTC midnight of the day on which it was made.
        records: Its contact log.
        export: The same as ``data_trace.txt``, in the profile's unit.
        device_file: What its owner could hand over, as JSON.
    """

    name: str
    base_id: bytes
    base_day_ms: int
    records: tuple[Record, ...]
    export: bytes
    device_file: bytes


@dataclass(frozen=True, slots=True)
class _Meeting:
    """An interval in which some phones are near one another."""

    from_ms: int
    to_ms: int
    phones: frozenset[int]


class _Phone:
    """A phone while the day goes by."""

    def __init__(self, random: Random, name: str, profile: Profile) -> None:
        self.name = name
        self.base_id = random.randbytes(KEY_OCTETS)
        self.base_day_ms = FIRST_DAY_MS - random.randint(0, _AGE_DAYS) * DAY_MS
        self.source = RollingIdSource(self.base_id, self.base_day_ms, profile)
        self.send_phase_ms = random.randrange(_SEND_PERIOD_MS)
        self.listen_phase_ms = random.randrange(_LISTEN_PERIOD_MS)
        self.began_ms = -1
        self.advert = b""
        self.records: list[Record] = []
        self.receiver = Receiver(
            lambda time_ms: self.source.rolling_id(time_ms + random.randrange(_CLOCK_READINGS_APART_MS)),
            profile,
        )

    def listens(self, time_ms: int) -> bool:
        return (time_ms - self.listen_phase_ms) % _LISTEN_PERIOD_MS < _LISTEN_ON_MS

    def advert_at(self, time_ms: int) -> bytes:
        """Return what is sent at an instant: the AdvData of its on-window; nothing in a pause."""
        since_ms = (time_ms - self.send_phase_ms) % _SEND_PERIOD_MS
        if since_ms >= _SEND_ON_MS:
            return b""
        began_ms = time_ms - since_ms
        if began_ms != self.began_ms:
            # BZ-ADV-004: the id is fixed when the on-window begins.
            self.began_ms = began_ms
            self.advert = encode_advertisement(AndroidAdvertisement(self.source.rolling_id(began_ms)))
        return self.advert


def simulate_day(seed: int, profile: Profile = V3) -> tuple[SimulatedPhone, ...]:
    """Simulate a day.

    Args:
        seed: Any integer.
        profile: Whose behaviour all phones have; one with a key schedule.

    Returns:
        Two or three phones, each of which met another.
    """
    random = Random(seed)  # noqa: S311 - a simulation, and no base id of anybody
    phones = [_Phone(random, name, profile) for name in _NAMES[: random.randint(2, 3)]]
    for meeting in _meetings(random, len(phones)):
        for time_ms, advert, sender, receiver in _chances(random, meeting, phones):
            rssi = random.randint(-95, -50)
            heard = phones[receiver].receiver.hear(HeardAdvert(time_ms, phones[sender].name, advert, rssi))
            if heard.record is not None:
                phones[receiver].records.append(heard.record)
    return tuple(_end_of_day(phone, profile) for phone in phones)


def _meetings(random: Random, count: int) -> list[_Meeting]:
    """Draw meetings in the order of time: two of all phones, and between them some of two."""
    meetings = [
        _meeting(random, hour, frozenset(random.sample(range(count), 2)))
        for hour in sorted(random.sample(range(5, 19), 3))
    ]
    everybody = frozenset(range(count))
    return [_meeting(random, 1, everybody), *meetings, _meeting(random, 23, everybody)]


def _meeting(random: Random, hour: int, phones: frozenset[int]) -> _Meeting:
    from_ms = FIRST_DAY_MS + (hour * 60 + random.randrange(20)) * _MINUTE_MS
    return _Meeting(from_ms, from_ms + random.randint(20, 55) * _MINUTE_MS, phones)


def _chances(
    random: Random, meeting: _Meeting, phones: list[_Phone]
) -> Iterator[tuple[int, bytes, int, int]]:
    """Yield time, octets, sender and receiver of each advert that is heard, in the order of time."""
    time_ms = meeting.from_ms
    while time_ms < meeting.to_ms:
        for receiver in sorted(meeting.phones):
            if phones[receiver].listens(time_ms):
                for sender in sorted(meeting.phones - {receiver}):
                    advert = phones[sender].advert_at(time_ms)
                    if advert and random.random() < _HEARD:
                        yield time_ms, advert, sender, receiver
        time_ms += random.randint(300, 1500)


def _end_of_day(phone: _Phone, profile: Profile) -> SimulatedPhone:
    base_day = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=phone.base_day_ms)).date()
    device = {"base_id": phone.base_id.hex(), "base_day": base_day.isoformat()}
    if profile.platform != "any":
        device["platform"] = profile.platform
    return SimulatedPhone(
        phone.name,
        phone.base_id,
        phone.base_day_ms,
        tuple(phone.records),
        encode_data_trace(phone.records, profile.contact_log.time_unit),
        f"{json.dumps(device, indent=2)}\n".encode(),
    )
