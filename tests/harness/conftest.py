"""A phone worked out by hand: its rolling ids by hashlib alone, its contact log written octet by octet."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256
from itertools import count

import pytest

import bluezone_spec
from bluezone_harness.checks import weak_ids
from bluezone_harness.checks.captures import Capture
from bluezone_harness.checks.subjects import Rules, Subject
from bluezone_harness.evidence.contact_logs import read_contact_log
from bluezone_harness.evidence.device_files import read_device_file
from bluezone_harness.observations import AddressType, Capability, Extent, Gap, PduType
from bluezone_harness.profiles import profiles_of
from bluezone_harness.results import Result
from bluezone_harness.selftest import phones
from bluezone_harness.sightings import Folded, Sighting
from bluezone_harness.verdicts import judge
from bluezone_harness.virtual.phones import Plan
from bluezone_spec.model import Specification

DAY_MS = 86_400_000
BASE_ID = "4c5224b397f8ab3896781d5aa0f3119f280513f1b592ca280ebded6357e21084"
BASE_DAY_MS = 1_596_844_800_000  # 2020-08-08
POSITIONS = (0, 4, 8, 12, 16, 18, 20, 22, 24, 26, 28, 30)

Rows = Iterable[tuple[int, bytes, bytes]]


def hashed_id(
    time_ms: int, max_per_day: int = 96, base_id: str = BASE_ID, base_day_ms: int = BASE_DAY_MS
) -> bytes:
    """Return the rolling id of an instant, as the published description has it."""
    key = bytes.fromhex(base_id)
    for _ in range((time_ms - base_day_ms) // DAY_MS):
        key = sha256(key).digest()
    subkey = sha256(key + b"bluzonesubkey").digest()
    for _ in range(time_ms % DAY_MS // (DAY_MS // max_per_day)):
        subkey = sha256(subkey).digest()
    return bytes(subkey[position] for position in POSITIONS)


@pytest.fixture(scope="session")
def own_id() -> Callable[..., bytes]:
    """Return a function from an instant (and other than usual settings) to the phone's rolling id."""
    return hashed_id


@pytest.fixture(scope="session")
def scapy_crc() -> Callable[[bytes], bytes]:
    """Return the CRC of the link layer by another hand: scapy's function from a PDU to its three octets."""
    with warnings.catch_warnings():
        # scapy imports old ciphers, of which cryptography warns
        warnings.simplefilter("ignore")
        from scapy.layers.bluetooth4LE import BTLE

    def crc(pdu: bytes) -> bytes:
        return bytes(BTLE.compute_crc(pdu))  # type: ignore[no-untyped-call]  # scapy has no annotations

    return crc


@pytest.fixture(scope="session")
def export() -> Callable[[Rows], bytes]:
    """Return a function from rows (time in ms, own id, contact id) to the octets of their export."""

    def write(rows: Rows) -> bytes:
        return b"".join(
            b"%s\t%s\t-71\t%d\n" % (own.hex().upper().encode(), contact.hex().upper().encode(), time_ms)
            for time_ms, own, contact in rows
        )

    return write


@pytest.fixture(scope="session")
def good_rows() -> list[tuple[int, bytes, bytes]]:
    """Return two days of good rows, one every ten minutes, from day 1 at 00:07 on."""
    contact = bytes.fromhex("7C3DEC4246EA6F90E38EA254")
    times_ms = [BASE_DAY_MS + DAY_MS + 420_000 + 600_000 * number for number in range(200)]
    return [(time_ms, hashed_id(time_ms), contact) for time_ms in times_ms]


@pytest.fixture(scope="session")
def good_log(good_rows: list[tuple[int, bytes, bytes]], export: Callable[[Rows], bytes]) -> bytes:
    """Return the export of the good rows."""
    return export(good_rows)


@pytest.fixture(scope="session")
def good_device() -> dict[str, object]:
    """Return the phone's device file, in its short form."""
    return {"base_id": BASE_ID, "base_day": "2020-08-08"}


@pytest.fixture(scope="session")
def specification() -> Specification:
    """Return the specification of this repository."""
    return bluezone_spec.load()


@pytest.fixture(scope="session")
def rules(specification: Specification) -> Callable[[str], Rules]:
    """Return a function from the name of a profile to its rules."""
    tolerances = {name: each.value for name, each in specification.tolerances.items()}
    return lambda profile: Rules(profiles_of(specification)[profile], tolerances)


@pytest.fixture(scope="session")
def subject() -> Callable[..., Subject]:
    """Return a function from contact logs (octets), and what a device file says, to a subject."""

    def make(*logs: bytes, device: Mapping[str, object] | None = None) -> Subject:
        read = tuple(read_contact_log(f"log{number}", octets) for number, octets in enumerate(logs))
        if device is None:
            return Subject("phone", None, read)
        return Subject("phone", read_device_file("device.json", json.dumps(device).encode()).devices[0], read)

    return make


@pytest.fixture(scope="session")
def judged(specification: Specification) -> Callable[..., Result]:
    """Return a function that judges contact logs (octets), with what a device file says."""

    def run(*logs: bytes, device: Mapping[str, object] | None = None, profile: str = "v3") -> Result:
        read = [read_contact_log(f"log{number}", octets) for number, octets in enumerate(logs)]
        file = None if device is None else read_device_file("device.json", json.dumps(device).encode())
        return judge(specification, profiles_of(specification)[profile], read, file, "check")

    return run


def android_ad(rolling_id: bytes) -> bytes:
    """Return the AdvData of an Android phone: Flags, company 0x22B5 with the id, service UUID 0x4E56."""
    return b"\x02\x01\x02\x0f\xff\xb5\x22" + rolling_id + b"\x03\x03\x56\x4e"


@pytest.fixture(scope="session")
def sighting() -> Callable[..., Sighting]:
    """Return a function that makes a sighting by hand.

    Positional: when it began (ms since 1970), and what was sent (AdvData, or a rolling id of 12 octets, or ``None``).
    By name: ``seconds`` it lasted, ``address`` (as people write it; ``None``: unknown), ``address_type``, ``pdu``,
    ``receiver``, ``source``, ``every_ms`` (between two adverts), ``rssi``, ``number`` of its first packet.
    """
    numbers = count(1)

    def make(
        time_ms: int,
        sent: bytes | None,
        *,
        seconds: float = 15,
        address: str | None = "4B:00:00:00:00:01",
        address_type: AddressType | None = AddressType.RESOLVABLE,
        pdu: PduType | None = PduType.ADV_IND,
        receiver: str = "",
        source: str = "capture",
        every_ms: int = 100,
        rssi: int | None = -60,
        number: int | None = None,
    ) -> Sighting:
        ad = android_ad(sent) if sent is not None and len(sent) == 12 else sent
        last_us = round((time_ms + seconds * 1000) * 1000)
        adverts = max(1, round(seconds * 1000 / every_ms)) if seconds else 1
        first = next(numbers) * 1_000_000 if number is None else number
        return Sighting(
            source=source,
            receiver=receiver,
            address=None if address is None else bytes.fromhex(address.replace(":", "")),
            address_type=None if address is None else address_type,
            pdu=pdu,
            ad=ad,
            first_us=time_ms * 1000,
            last_us=last_us,
            first_number=first,
            last_number=first + adverts - 1,
            count=adverts,
            rssi_min=rssi,
            rssi_mean=None if rssi is None else float(rssi),
            rssi_max=rssi,
            channels=frozenset({37, 38, 39}),
            interval_min_us=every_ms * 1000 if adverts > 1 else None,
            interval_median_us=every_ms * 1000 if adverts > 1 else None,
        )

    return make


RADIO = (
    Capability.RAW_AD,
    Capability.AD_ORDER,
    Capability.ADDRESS,
    Capability.ADDRESS_TYPE,
    Capability.PDU_TYPE,
    Capability.INTERVAL,
    Capability.RSSI,
    Capability.SCAN_RESPONSE,
)


@pytest.fixture(scope="session")
def capture() -> Callable[..., Capture]:
    """Return a function from sightings to a capture of them, from a minute before the first to one after the last.

    By name: ``from_ms`` and ``to_ms`` of the capture, ``gaps`` (pairs in ms), ``without`` (capabilities), ``name``.
    """

    def make(
        sightings: Iterable[Sighting],
        *,
        from_ms: int | None = None,
        to_ms: int | None = None,
        gaps: Iterable[tuple[int, int]] = (),
        without: Iterable[Capability] = (),
        name: str = "capture",
        partial: bool = False,
    ) -> Capture:
        found = tuple(sorted(sightings, key=lambda each: (each.first_us, each.first_number)))
        first_us = min((each.first_us for each in found), default=None)
        last_us = max((each.last_us for each in found), default=None)
        if first_us is not None and last_us is not None:
            first_us, last_us = first_us - 60_000_000, last_us + 60_000_000
        first_us = first_us if from_ms is None else from_ms * 1000
        last_us = last_us if to_ms is None else to_ms * 1000
        adverts = sum(each.count for each in found)
        folded = Folded(
            sightings=found,
            reads=(),
            asked=(),
            events=(),
            gaps=tuple(Gap(1, start_ms * 1000, end_ms * 1000) for start_ms, end_ms in gaps),
            adverts=adverts,
            first_us=first_us,
            last_us=last_us,
        )
        shown = {each: Extent.YES for each in RADIO if each not in set(without)}
        return Capture(name, "0" * 64, "pcap", shown, adverts, partial, (), folded)

    return make


@pytest.fixture(scope="session")
def sniffed() -> frozenset[Capability]:
    """Return what a sniffer's capture shows."""
    return frozenset(phones.SHOWN)


@pytest.fixture(scope="session")
def capture_of() -> Callable[[Plan, int], Capture]:
    """Return a function from the plan of a simulation, and its seed, to the capture of a sniffer that heard it."""
    return phones.heard


@pytest.fixture
def short_search(monkeypatch: pytest.MonkeyPatch) -> None:
    """Search for ids of weak base ids 20 days back instead of 400, which spares most of the time of a judgement."""
    monkeypatch.setattr(weak_ids, "BASE_DAYS", 20)


@pytest.fixture(scope="session")
def heard(capture: Callable[..., Capture]) -> Callable[..., Subject]:
    """Return a function from the sightings of a device under test to a subject, nobody being asked whose they are.

    By name: ``device`` (what a device file says), ``alone``, ``strangers``, ``clock_offset_ms``, ``identified``, and
    what the fixture ``capture`` takes.
    """

    def make(
        sightings: Iterable[Sighting],
        *,
        device: Mapping[str, object] | None = None,
        alone: bool = True,
        strangers: int = 0,
        clock_offset_ms: int | None = None,
        identified: bool = True,
        **of_capture: object,
    ) -> Subject:
        evidence = capture(sightings, **of_capture)
        folded = evidence.folded
        ends = None
        if folded.first_us is not None and folded.last_us is not None:
            ends = (folded.first_us, folded.last_us)
        file = None if device is None else read_device_file("device.json", json.dumps(device).encode())
        return Subject(
            "phone",
            None if file is None else file.devices[0],
            (),
            identified,
            (evidence,),
            folded.sightings if identified else (),
            strangers,
            clock_offset_ms,
            ends,
            alone,
        )

    return make


@pytest.fixture(scope="session")
def sends(sighting: Callable[..., Sighting]) -> Callable[..., list[Sighting]]:
    """Return a function that makes the sightings of an Android phone, with a new address at each start.

    Positional: from and to (ms since 1970; starts lie in between). By name: ``ids`` (a function from the phone's clock
    to what it sends, or ``None``), ``phase_ms`` (of the first start), ``on_ms``, ``off_ms``, ``offset_ms`` (by how much
    the phone's clock is ahead), ``open_ms`` (pairs: the app is open, 150 s on, 5 s off, and 15 s more when it is left),
    ``first_address``, and what the fixture ``sighting`` takes.
    """

    def make(
        from_ms: int,
        to_ms: int,
        *,
        ids: Callable[[int], bytes | None] = hashed_id,
        phase_ms: int = 0,
        on_ms: int = 15_000,
        off_ms: int = 15_000,
        offset_ms: int = 0,
        open_ms: Iterable[tuple[int, int]] = (),
        first_address: int = 1,
        **of_sighting: object,
    ) -> list[Sighting]:
        found: list[Sighting] = []
        at_ms, number = from_ms + phase_ms, first_address
        while at_ms < to_ms:
            opened = [each for each in open_ms if each[0] <= at_ms < each[1]]
            length_ms, pause_ms = (150_000, 5_000) if opened else (on_ms, off_ms)
            if opened and opened[0][1] < at_ms + length_ms:
                length_ms = opened[0][1] + 15_000 - at_ms
            sent = ids(at_ms + offset_ms)
            if sent is not None:
                address = f"4B:{number >> 32 & 255:02X}:{number >> 24 & 255:02X}:{number >> 16 & 255:02X}"
                address = f"{address}:{number >> 8 & 255:02X}:{number & 255:02X}"
                found.append(
                    sighting(
                        at_ms, sent, **{"seconds": length_ms / 1000 - 0.1, "address": address, **of_sighting}
                    )
                )
            number += 1
            at_ms += length_ms + pause_ms
        return found

    return make


@pytest.fixture(scope="session")
def air(specification: Specification, capture: Callable[..., Capture]) -> Callable[..., Result]:
    """Return a function that judges sightings, with what a device file says; it takes what ``capture`` takes."""

    def run(
        sightings: Iterable[Sighting],
        *,
        device: Mapping[str, object] | None = None,
        profile: str = "v3",
        **of_capture: object,
    ) -> Result:
        file = None if device is None else read_device_file("device.json", json.dumps(device).encode())
        evidence = capture(sightings, **of_capture)
        return judge(specification, profiles_of(specification)[profile], [], file, "check", [evidence])

    return run


@pytest.fixture(scope="session")
def verdicts() -> Callable[[Result], dict[str, str]]:
    """Return a function from a result to its verdicts by requirement, each as a word."""
    return lambda result: {each.id: str(each.verdict) for each in result.requirements}
