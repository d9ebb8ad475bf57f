"""Phones on the air, written by hand: their on-windows, an address for each, ids by hashlib alone."""

from __future__ import annotations

import json
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from io import BytesIO
from random import Random

import pytest

from bluezone_harness.checks import CHECKS
from bluezone_harness.checks.broadcasts import Broadcast
from bluezone_harness.checks.captures import Capture
from bluezone_harness.checks.devices_heard import all_subjects
from bluezone_harness.checks.scan_times import ScanSchedule
from bluezone_harness.checks.subjects import Rules, Subject
from bluezone_harness.evidence.device_files import read_device_file
from bluezone_harness.findings import Judgement
from bluezone_harness.observations import (
    RADIO,
    UNLESS_DENIED,
    AddressType,
    Advert,
    Capability,
    Event,
    Extent,
    GattRead,
)
from bluezone_harness.results import Result
from bluezone_harness.sightings import Sighting, fold
from bluezone_harness.sources import open_source
from bluezone_harness.sources.ad_fields import AdFields, ad_of_fields, fields_of_ad
from bluezone_harness.sources.broadcast_records import BroadcastRecord, read_broadcast_record
from bluezone_harness.virtual.plans import AirPacket

DAY_MS = 86_400_000
BASE_ID = bytes.fromhex("4c5224b397f8ab3896781d5aa0f3119f280513f1b592ca280ebded6357e21084")
BASE_DAY_MS = 1_596_844_800_000  # 2020-08-08
POSITIONS = (0, 4, 8, 12, 16, 18, 20, 22, 24, 26, 28, 30)


def private_address(*words: object) -> str:
    """Return a resolvable private address that depends on some words: its two most significant bits are 01."""
    octets = sha256(repr(words).encode()).digest()[:6]
    return bytes([octets[0] & 0x3F | 0x40, *octets[1:]]).hex(":").upper()


@pytest.fixture(scope="session")
def phone(sighting: Callable[..., Sighting], own_id: Callable[..., bytes]) -> Callable[..., list[Sighting]]:
    """Return a function from an interval (start in ms, minutes) to the sightings of a phone in ordinary operation.

    On-windows of 15 s begin every 30 s, each with an address of its own and the id of its beginning. By name: ``name``
    (other names, other addresses), ``id_at`` (instant to id), ``address_at`` (instant to address), ``phase_ms``,
    ``every_ms``, ``seconds``, ``between_ms`` (two adverts), and what the fixture ``sighting`` takes.
    """

    def make(
        start_ms: int,
        minutes: float,
        *,
        name: str = "phone",
        id_at: Callable[[int], bytes] | None = None,
        address_at: Callable[[int], str] | None = None,
        phase_ms: int = 0,
        every_ms: int = 30_000,
        seconds: float = 15,
        between_ms: int = 100,
        **sent: object,
    ) -> list[Sighting]:
        id_of = own_id if id_at is None else id_at
        return [
            sighting(
                time_ms,
                id_of(time_ms),
                seconds=seconds,
                every_ms=between_ms,
                address=private_address(name, time_ms) if address_at is None else address_at(time_ms),
                **sent,
            )
            for time_ms in range(start_ms + phase_ms, start_ms + round(minutes * 60_000), every_ms)
        ]

    return make


@pytest.fixture(scope="session")
def privacy(rules: Callable[[str], Rules]) -> Callable[..., Mapping[str, Judgement]]:
    """Return a function from a subject to what each check of the privacy axis that it can answer says of it.

    By name: ``profile``, and ``without`` (requirements that are not asked about).
    """

    def run(subject: Subject, profile: str = "v3", without: Container[str] = ()) -> Mapping[str, Judgement]:
        shown = subject.capabilities
        return {
            name: each.judge(subject, rules(profile))
            for name, each in CHECKS.items()
            if name.startswith("BZ-PRV") and name not in without
            if Capability.RAW_AD in shown and not each.missing(shown)
        }

    return run


@pytest.fixture(scope="session")
def schedule() -> Callable[..., Callable[[int], bytes]]:
    """Return a function that makes a schedule, which may be wrong, by hashlib alone: from an instant to its id."""

    def make(
        salt: bytes = b"bluzonesubkey",
        positions: tuple[int, ...] = POSITIONS,
        lag: int = 0,
        count: int = 96,
        base_id: bytes = BASE_ID,
        base_day_ms: int = BASE_DAY_MS,
        shift_ms: int = 0,
    ) -> Callable[[int], bytes]:
        days: dict[int, list[bytes]] = {}

        def rolling_id(time_ms: int) -> bytes:
            time_ms += shift_ms
            day = (time_ms - base_day_ms) // DAY_MS
            if day not in days:
                key = base_id
                for _ in range(max(0, day - lag)):
                    key = sha256(key).digest()
                subkey = sha256(key + salt).digest()
                days[day] = []
                for _ in range(count):
                    days[day].append(bytes(subkey[position] for position in positions))
                    subkey = sha256(subkey).digest()
            return days[day][time_ms % DAY_MS * count // DAY_MS]

        return rolling_id

    return make


@pytest.fixture(scope="session")
def right_id(schedule: Callable[..., Callable[[int], bytes]]) -> Callable[[int], bytes]:
    """Return a function from an instant to the phone's rolling id, as it should be."""
    return schedule()


@pytest.fixture(scope="session")
def failing() -> Callable[[Result], set[str]]:
    """Return a function from a result to the requirements that fail."""
    return lambda result: {each.id for each in result.requirements if each.verdict == "fail"}


# --- what an operating system's scanner tells ---


@pytest.fixture(scope="session")
def thinned() -> Callable[..., list[Advert]]:
    """Return a function that thins packets out as an operating system's scanner does.

    Positional: packets in the order of time, a seed, a system (``BlueZ``, ``CoreBluetooth``, ``WinRT``), and by how
    many dB the signal must have changed to be told again; ``None``: only a change of what is told counts. What an
    address sent is put together with what it sent before and with an answer to scans; the first report waits for up to
    1.5 s, each comes up to 2 s late, and who was silent for three minutes is forgotten.
    """

    def thin(packets: Iterable[AirPacket], seed: int, system: str, threshold: int | None) -> list[Advert]:
        random = Random(f"{seed} {system} {threshold}")
        known: dict[bytes, _Told] = {}
        found: list[Advert] = []
        now_us = 0
        for each in packets:
            told = known.get(each.address)
            if told is None or each.time_us - told.heard_us > 180_000_000:
                first_us = each.time_us + int(1_500_000 * random.random())
                answer = {"0000180a-0000-1000-8000-00805f9b34fb": None} if random.random() < 0.5 else {}
                told = known[each.address] = _Told(first_us, answer)
            told.hear(each)
            octets = told.octets()
            changed = threshold is not None and abs(each.rssi - told.rssi) >= threshold
            if each.time_us < told.first_us or (octets == told.octets_told and not changed):
                continue
            told.octets_told, told.rssi = octets, each.rssi
            now_us = max(now_us, each.time_us + int(2_000_000 * random.random()))
            address = None if system == "CoreBluetooth" else each.address
            kind = each.address_type if system == "BlueZ" else None
            found.append(
                Advert(len(found) + 1, now_us, each.receiver, address, kind, None, octets, each.rssi, None)
            )
        return found

    return thin


@dataclass
class _Told:
    """What a system knows of an address."""

    first_us: int
    services: dict[str, None]
    heard_us: int = 0
    companies: dict[int, bytes] = field(default_factory=dict)
    data: dict[str, bytes] = field(default_factory=dict)
    name: str | None = None
    tx_power: int | None = None
    octets_told: bytes = b"\xff"
    rssi: int = 0

    def hear(self, packet: AirPacket) -> None:
        fields = fields_of_ad(packet.ad)
        self.heard_us = packet.time_us
        self.services.update(dict.fromkeys(fields.service_uuids))
        self.companies.update(fields.manufacturer_data)
        self.data.update(fields.service_data)
        self.name = fields.local_name or self.name
        self.tx_power = self.tx_power if fields.tx_power is None else fields.tx_power

    def octets(self) -> bytes:
        return ad_of_fields(
            AdFields(tuple(self.services), self.companies, self.data, self.name, self.tx_power)
        )


@pytest.fixture(scope="session")
def told() -> Callable[[list[Advert], str], Capture]:
    """Return a function from adverts, and the system that told them, to a recording of theirs."""

    def make(adverts: list[Advert], system: str) -> Capture:
        folded = fold("told", adverts)
        known = {
            Capability.AD_FIELDS: True,
            Capability.RSSI: True,
            Capability.ADDRESS: system != "CoreBluetooth",
            Capability.ADDRESS_TYPE: system == "BlueZ",
        }
        shown = {each: Extent.YES if known.get(each) else Extent.NO for each in RADIO - UNLESS_DENIED}
        return Capture("told", "2" * 64, "recording", shown, folded.adverts, False, (), folded)

    return make


# --- what GATT sessions tell ---

IPHONE = bytes.fromhex("02011A110767A607ADD1172FA1C44BF573564E0000")
NOON_MS = 1_597_060_800_000  # 2020-08-10T12:00:00Z, day 2 of the phone
ADDRESS = "5A:00:00:00:00:01"
DEVICE: Mapping[str, object] = {"base_id": BASE_ID.hex(), "base_day": "2020-08-08", "platform": "ios"}

Told = tuple[int, str, Mapping[str, object]]
"""When, in ms; the kind; what else."""


def octets(address: object) -> bytes | None:
    return bytes.fromhex(address.replace(":", "")) if isinstance(address, str) else None


@pytest.fixture
def read(capture: Callable[..., Capture], sighting: Callable[..., Sighting]) -> Callable[..., Capture]:
    """Return a function from what happened in sessions to a capture: an iPhone that is heard all the time, and read.

    By name: ``heard`` (other sightings), ``receiver``, ``without`` and what else the fixture ``capture`` takes.
    """

    def make(
        *told: Told, heard: Sequence[Sighting] | None = None, receiver: str = "", **of_capture: object
    ) -> Capture:
        if heard is None:
            heard = [sighting(NOON_MS, IPHONE, seconds=3600, address=ADDRESS)]
        evidence = capture(heard, **of_capture)
        reads: list[GattRead] = []
        events: list[Event] = []
        for number, (time_ms, kind, fields) in enumerate(told, 1_000_000_000):
            if kind == "gatt_read":
                value = fields["value"]
                assert isinstance(value, bytes)
                address = octets(fields["address"])
                characteristic = str(fields["characteristic"])
                kept = AddressType.RESOLVABLE
                reads.append(
                    GattRead(number, time_ms * 1000, receiver, address, kept, "", characteristic, value)
                )
            else:
                events.append(Event(number, time_ms * 1000, kind, fields))
        folded = replace(evidence.folded, reads=tuple(reads), events=tuple(events))
        capabilities = {**evidence.capabilities, Capability.GATT: Extent.YES}
        return replace(evidence, folded=folded, capabilities=capabilities)

    return make


@pytest.fixture
def subject_of(rules: Callable[[str], Rules]) -> Callable[..., Subject]:
    """Return a function from a capture, and whether there is a device file, to the first subject."""

    def make(evidence: Capture, device: Mapping[str, object] | None = DEVICE) -> Subject:
        file = () if device is None else read_device_file("d", json.dumps(device).encode()).devices
        return all_subjects([], [evidence], file, rules("v3"))[0]

    return make


@pytest.fixture
def answer(subject_of: Callable[..., Subject], rules: Callable[[str], Rules]) -> Callable[..., Judgement]:
    """Return a function from a requirement and a capture to what its check says."""

    def ask(requirement: str, evidence: Capture, device: Mapping[str, object] | None = DEVICE) -> Judgement:
        subject = subject_of(evidence, device)
        assert not CHECKS[requirement].missing(subject.capabilities)
        return CHECKS[requirement].judge(subject, rules("v3"))

    return ask


# --- broadcasts: their records written line by line, and logs beside them ---

BROADCAST_MS = 1_606_122_000_000  # 2020-11-23T09:00:00Z, the beginning of slot 36


class OnTheAir:
    """The record of a broadcast, written line by line; times are seconds after its beginning."""

    def __init__(self) -> None:
        self.start_ms = BROADCAST_MS
        self._lines: list[tuple[float, dict[str, object]]] = []
        self._sets = 0

    def android(self, contact_id: str, start: float, end: float, **said: object) -> None:
        self.send("02011a0303564e0fffb522" + contact_id, start, end, **said)

    def iphone(self, start: float, end: float, **said: object) -> None:
        self.send("02011a110767a607add1172fa1c44bf573564e0000", start, end, **said)

    def send(self, ad: str, start: float, end: float, **said: object) -> None:
        """Send AdvData; by name any member of the line, and ``adverts``."""
        self._sets += 1
        adverts = said.pop("adverts", None)
        line = {
            **{"kind": "on_air", "set": self._sets, "sender": f"sender {self._sets}"},
            **{"address": f"5A:00:00:00:00:{self._sets:02X}", "address_type": "resolvable"},
            **{"pdu": "ADV_IND", "ad": ad, "interval_us": 100_000, **said},
        }
        self._lines.append((start, line))
        told = {} if adverts is None else {"adverts": adverts}
        self._lines.append((end, {"kind": "off_air", "set": self._sets, **told}))

    def connect(self, address: str, start: float, end: float, *values: tuple[float, str | None]) -> None:
        whom = {"address": address, "address_type": "resolvable"}
        self._lines.append((start, {"kind": "peer_connected", **whom}))
        for when, value in values:
            read = {"characteristic": "00004e56-73f5-4bc4-a12f-17d1ad07a689"}
            answer = {} if value is None else {"value": value}
            self._lines.append((when, {"kind": "peer_read", **whom, **read, **answer}))
        self._lines.append((end, {"kind": "peer_disconnected", **whom}))

    def gap(self, start: float, end: float) -> None:
        self._lines.append((start, {"kind": "gap", "until_us": self._us(end)}))

    def octets(self, seconds: float) -> bytes:
        told: list[dict[str, object]] = [
            {"schema": 1, "source": "broadcast", "receiver": "", "capabilities": {"sent": "yes"}},
            {"kind": "scenario", "time_us": self._us(0), "sha256": "0" * 64, "text": "schema = 1\n"},
        ]
        # of the same instant, what ends comes first
        for when, line in sorted(self._lines, key=lambda each: (each[0], each[1]["kind"] != "off_air")):
            told.append({"time_us": self._us(when), **line})
        told.append({"kind": "event", "time_us": self._us(seconds), "name": "consent"})
        told.append({"kind": "end", "time_us": self._us(seconds), "reason": "played"})
        return b"".join(json.dumps(line).encode() + b"\n" for line in told)

    def record(self, seconds: float) -> BroadcastRecord:
        return read_broadcast_record(open_source("session.record.jsonl", BytesIO(self.octets(seconds))))

    def _us(self, seconds: float) -> int:
        return self.start_ms * 1000 + round(seconds * 1_000_000)


@pytest.fixture
def on_the_air() -> OnTheAir:
    """Return an empty record of a broadcast."""
    return OnTheAir()


@pytest.fixture
def receiver(subject: Callable[..., Subject]) -> Callable[..., Subject]:
    """Return a function from what was on the air and rows (seconds, contact id, own id if need be) to who heard it.

    By name: ``scan_on`` and ``scan_off`` in seconds (40 and 260), ``alone`` (true), ``seconds`` of the broadcast,
    ``extra`` (octets that stand at the end of the log).
    """

    def make(
        on_the_air: OnTheAir,
        rows: Iterable[tuple[float, str] | tuple[float, str, str]],
        *,
        scan_on: int = 40,
        scan_off: int = 260,
        alone: bool = True,
        seconds: float = 2700,
        extra: bytes = b"",
    ) -> Subject:
        lines = b""
        for when, contact_id, *own_id in rows:
            own, time_ms = [*own_id, "AB" * 12][0], on_the_air.start_ms + round(when * 1000)
            lines += f"{own.upper()}\t{contact_id.upper()}\t-60\t{time_ms}\n".encode()
        scans = ScanSchedule(scan_on * 1000, scan_off * 1000)
        return replace(
            subject(lines + extra), broadcast=Broadcast(on_the_air.record(seconds), scans, 96, alone)
        )

    return make
