"""What is fuzzed: a function for each reader of foreign octets, with the oracles that must hold whatever comes.

A target takes octets and raises ``AssertionError`` where an oracle fails; any other exception is a finding too. What
holds of every capture: it opens or is refused by ``EvidenceError``; reading never raises; read in pieces of any length
it says the same; packet numbers rise within what was counted; what diagnostics say lies within the file; values are in
the ranges of the Core Specification; the sightings count the adverts; AdvData of legacy PDUs are octets of the file.
"""

from __future__ import annotations

import contextlib
import io
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from bluezone_harness.evidence.contact_log_model import LogKind
from bluezone_harness.evidence.contact_logs import read_contact_log
from bluezone_harness.evidence.device_files import read_device_file
from bluezone_harness.evidence.errors import EvidenceError
from bluezone_harness.observations import (
    AddressType,
    Advert,
    Capability,
    Diagnostic,
    Extent,
    GattRead,
    Observation,
    PduType,
    random_address_type,
)
from bluezone_harness.sightings import fold
from bluezone_harness.sources import Packed, looks_like_archive, open_archive, open_source
from bluezone_harness.sources.octets import OctetReader
from bluezone_harness.virtual.phones import Sender
from bluezone_harness.virtual.scenarios.model import Scenario
from bluezone_harness.virtual.scenarios.reading import read_scenario
from bluezone_harness.virtual.scenarios.scenes import scene_of
from bluezone_reference.contact_log import SECONDS_BELOW, encode_data_trace
from bluezone_reference.errors import MalformedError
from bluezone_reference.key_material import decode_key_material
from bluezone_reference.positive_cases import decode_case_message
from bluezone_reference.pushes import decode_push
from bluezone_reference.request_answers import decode_answer
from bluezone_reference.requests import REQUESTS, decode_request
from bluezone_reference.uploads import decode_log_file, decode_upload

from . import seeds

_LONGEST_AD = 1650
"""Source: Core Specification, Vol 4 Part E 7.8.57."""
_ONE_PIECE = frozenset(PduType) - {PduType.ADV_EXT_IND}
_LARGEST_LOG = 1 << 20
_PLAYED_MS = 1_795_424_400_000
"""When a scenario begins that does not say: 2026-11-23T09:00:00Z."""
_PLAYED_FOR_MS = 3_600_000
"""Longer ones are read, and not played."""
_MEMBERS_READ = 64


class Pieces:
    """A pipe that gives few octets at a time.

    Args:
        octets: All of them.
        most: So many at once.
    """

    def __init__(self, octets: bytes, most: int) -> None:
        self._stream = io.BytesIO(octets)
        self._most = most

    def read(self, count: int = -1, /) -> bytes:
        """Return the next few."""
        return self._stream.read(self._most if count < 0 else min(count, self._most))


@dataclass(frozen=True, slots=True)
class Reading:
    """What a source said when it was read to its end."""

    observations: tuple[Observation, ...]
    kind: str
    capabilities: Mapping[Capability, Extent]
    packets: int
    is_damaged: bool
    diagnostics: tuple[Diagnostic, ...]
    sha256: str


def read(octets: OctetReader) -> Reading | str:
    """Read a capture to its end; the reason where it is refused."""
    try:
        source = open_source("fuzzed", octets)
    except EvidenceError as error:
        return error.reason
    observations = tuple(source)
    return Reading(
        observations,
        source.kind,
        dict(source.capabilities),
        source.packets,
        source.damaged,
        source.diagnostics,
        source.sha256,
    )


def hold_advert(advert: Advert) -> None:
    """Hold an advert to the ranges of its fields."""
    if advert.address is None:
        assert advert.address_type is None, advert
    else:
        assert len(advert.address) == 6, advert
        if advert.address_type not in (
            AddressType.PUBLIC,
            AddressType.PUBLIC_IDENTITY,
            AddressType.RANDOM_IDENTITY,
        ):
            assert advert.address_type is random_address_type(advert.address), advert
    assert advert.rssi is None or -128 <= advert.rssi <= 126, advert
    assert advert.channel is None or 0 <= advert.channel <= 39, advert
    assert advert.ad is None or len(advert.ad) <= _LONGEST_AD, advert


def hold(reading: Reading, length: int) -> None:
    """Hold what a capture of so many octets said to what always holds."""
    number = 0
    # of a recording the numbers are those of lines, and the header is the first
    last = reading.packets + (reading.kind == "recording")
    for each in reading.observations:
        # a value that may go on is told when it is known not to, with the number of its own packet
        assert (1 if isinstance(each, GattRead) else number) <= each.number <= last, (number, each, last)
        number = max(number, each.number)
        if isinstance(each, Advert) and reading.kind != "recording":
            hold_advert(each)
    adverts = [each for each in reading.observations if isinstance(each, Advert)]
    folded = fold("fuzzed", reading.observations)
    assert folded.adverts == len(adverts)
    assert sum(each.count for each in folded.sightings) == len(adverts)
    for sighting in folded.sightings:
        assert sighting.first_us <= sighting.last_us, sighting
        assert sighting.first_number <= sighting.last_number, sighting
    for diagnostic in reading.diagnostics:
        assert diagnostic.offset is None or 0 <= diagnostic.offset <= length, (diagnostic, length)
        assert diagnostic.message
        assert diagnostic.message.isprintable(), diagnostic
    assert reading.packets <= length


def capture(octets: bytes) -> None:
    """Read octets as a capture, whole and in pieces."""
    whole = read(io.BytesIO(octets))
    most = 1 + zlib.crc32(octets) % 61
    assert read(Pieces(octets, most)) == whole, f"in pieces of {most}"
    if isinstance(whole, str):
        return
    hold(whole, len(octets))
    if whole.kind == "recording":
        return
    for each in whole.observations:
        if isinstance(each, Advert) and each.pdu in _ONE_PIECE and each.ad:
            assert each.ad in octets, each


def packets(octets: bytes) -> None:
    """Read packets that are framed as they should be: the first octet chooses the link type, then lengths and packets.

    The CRC of link-layer packets is put right where the second octet is odd: nobody guesses three octets.
    """
    if len(octets) < 2:
        return
    link_type = tuple(seeds.PACKETS)[octets[0] % len(seeds.PACKETS)]
    at, found = 2, []
    while at + 2 <= len(octets):
        length = int.from_bytes(octets[at : at + 2], "little") % 2048
        found.append(octets[at + 2 : at + 2 + length])
        at += 2 + length
    start = {251: 4, 256: 14, 272: 21}.get(link_type)
    if start is not None and octets[1] & 1:
        found = [each[:-3] + seeds.crc(each[start:-3]) if len(each) > start + 5 else each for each in found]
    octets = seeds.pcap(found, link_type)
    reading = read(io.BytesIO(octets))
    assert isinstance(reading, Reading), reading
    assert reading.packets == len(found)
    hold(reading, len(octets))


def framed(link_type: int) -> bytes:
    """Return the packets of a link type as ``packets`` takes them."""
    index = tuple(seeds.PACKETS).index(link_type)
    return bytes([index, 1]) + b"".join(
        len(each).to_bytes(2, "little") + each for each in seeds.PACKETS[link_type]
    )


def archive(octets: bytes) -> None:
    """Look into an archive, and read all that it yields."""
    if not looks_like_archive(octets[:64]):
        return
    assert _looked_into(io.BytesIO(octets), len(octets)) == _looked_into(Pieces(octets, 7), len(octets))


def _looked_into(stream: OctetReader, length: int) -> list[object]:
    found: list[object] = []
    opened = open_archive("fuzzed", stream)
    for packed in opened:
        found.append(packed.name)
        found.append(read(packed) if packed.is_capture else _log_of(packed))
        if len(found) > 2 * _MEMBERS_READ:
            break
    for diagnostic in opened.diagnostics:
        assert diagnostic.offset is None or 0 <= diagnostic.offset <= length, (diagnostic, length)
        assert diagnostic.message.isprintable(), diagnostic
    return [*found, tuple(opened.diagnostics), opened.looked_at]


def _log_of(packed: Packed) -> object:
    chunks: list[bytes] = []
    try:
        while sum(map(len, chunks)) <= _LARGEST_LOG and (chunk := packed.read(_LARGEST_LOG)):
            chunks.append(chunk)
    except OSError as error:
        return error.strerror
    try:
        return read_contact_log(packed.name, b"".join(chunks)).rows
    except EvidenceError as error:
        return error.reason


def bug_report(octets: bytes) -> None:
    """Read the log that octets are, packed as a bug report packs it."""
    text = seeds.bug_report(octets, 1 + zlib.crc32(octets) % 5000)
    whole = _looked_into(io.BytesIO(text), len(text))
    assert whole == _looked_into(Pieces(text, 1 + zlib.crc32(octets) % 61), len(text))
    for each in whole:
        if isinstance(each, Reading):
            hold(each, len(text))


def contact_log(octets: bytes) -> None:
    """Read an export or a database."""
    try:
        log = read_contact_log("fuzzed", octets)
    except EvidenceError:
        return
    assert log == read_contact_log("fuzzed", octets)
    for diagnostic in log.diagnostics:
        assert diagnostic.offset is None or 0 <= diagnostic.offset <= len(octets), diagnostic
    assert len({each.number for each in log.rows}) == len(log.rows)
    for row in log.rows:
        if log.kind is LogKind.EXPORT:
            assert row.offset is not None
            assert octets[row.offset : row.offset + len(row.octets)] == row.octets, row
    for defect in log.defects:
        assert defect.offset is None or 0 <= defect.offset <= len(octets), defect
    whole = [each for each in log.records if each.time_ms >= SECONDS_BELOW]
    if whole and all(len(each.own_id) == len(each.contact_id) == 12 for each in whole):
        again = read_contact_log("again", encode_data_trace(whole))
        assert [replace(each.record, address="") for each in again.rows] == [
            replace(each, address="") for each in whole
        ]


_PATHS = tuple(REQUESTS)
_MESSAGES: tuple[Callable[[bytes], object], ...] = (
    decode_push,
    decode_case_message,
    decode_key_material,
    lambda octets: decode_request(_PATHS[len(octets) % len(_PATHS)], octets),
    lambda octets: decode_answer(_PATHS[len(octets) % len(_PATHS)], octets),
    lambda octets: decode_upload("/", "multipart/form-data; boundary=b", octets),
    lambda octets: decode_log_file("multipart/form-data; boundary=b", octets),
)


def document(octets: bytes) -> None:
    """Read a device file or a message: the first octet chooses which."""
    choice, octets = (octets[0] if octets else 0), octets[1:]
    if choice % (len(_MESSAGES) + 1) == 0:
        with contextlib.suppress(EvidenceError):
            assert read_device_file("fuzzed", octets) == read_device_file("fuzzed", octets)
        return
    offset = 0
    try:
        _MESSAGES[choice % (len(_MESSAGES) + 1) - 1](octets)
    except MalformedError as error:
        offset = error.offset
    assert 0 <= offset <= len(octets), offset


def scenario(octets: bytes) -> None:
    """Read a scenario, and make the scene of one that does not last for long."""
    with contextlib.suppress(EvidenceError):
        found = read_scenario("fuzzed", octets)
        assert found == read_scenario("fuzzed", octets)
        _play(found)


def _play(found: Scenario) -> None:
    """Take what a scenario puts on the air: each window has a length, and none begins before the last one."""
    if found.duration_ms > _PLAYED_FOR_MS:
        return
    senders: tuple[Sender, ...] = ()
    told = "fuzzed: "
    try:
        senders = scene_of(found, _PLAYED_MS if found.start_ms is None else found.start_ms).senders
    except ValueError as error:
        told = str(error)
    assert told.startswith("fuzzed: ")
    for sender in senders:
        before_us = -(1 << 62)
        for window in sender.windows:
            assert before_us <= window.from_us < window.until_us, window
            before_us = window.from_us


@dataclass(frozen=True, slots=True)
class Target:
    """A reader, what fuzzing it begins with, and how long an input may become.

    Attributes:
        run: The reader with its oracles.
        seeds: Small inputs that it reads, every one without a finding.
        longest: Octets of an input.
    """

    run: Callable[[bytes], None]
    seeds: Callable[[], list[bytes]]
    longest: int = 2048


def _documents() -> list[bytes]:
    device = b'{"base_id": "%s", "base_day": "2020-08-08", "max": 96, "platform": "android"}' % (b"0a" * 32)
    full = (
        b'{"schema": 1, "devices": [{"name": "a", "platform": "ios", "address": "5A:00:00:00:00:01", "clock_offset_ms":'
        b' 3, "bases": [{"base_id": "%s", "base_day": "2020-08-08", "from": "2020-08-08T00:00:00Z"}], "max": [{"from":'
        b' "2020-08-08T00:00:00Z", "value": 96}], "foreground": [{"from": null, "to": null}]}]}'
    ) % (b"0a" * 32)
    case = b'{"daily_key": "%s", "time_start": 1596844800, "time_end": 1596931199, "max": 96}' % (b"0a" * 32)
    parts = b"".join(
        b'--b\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (name, value)
        for name, value in ((b"InfoF", b"{}"), (b"FindGUID", b"x"), (b"TokenFirebase", b"t"))
    )
    file = (
        b'--b\r\nContent-Disposition: form-data; name="history"; filename="data_trace.txt"\r\n'
        b"Content-Type: text/plain\r\n\r\n" + seeds.export() + b"\r\n--b--\r\n"
    )
    push = b'{"Type": "5", "DataContent": "{\\"data\\": []}", "Notify": "{}", "\\u00e9\\ud83d\\ude00": 1.5e3}'
    answer = b'{"isOk": true, "isError": false, "Status": 1, "Object": {"a": [null, true]}}'
    return [
        *(b"\x00" + each for each in (device, full)),
        *(bytes([kind]) + push for kind in (1, 4, 5)),
        b"\x02" + b'{"data": [%s, {}]}' % case,
        b"\x03" + case,
        b"\x05" + answer,
        b"\x06" + parts + file,
        b"\x07" + file,
    ]


TARGETS: Mapping[str, Target] = {
    "packets": Target(packets, lambda: [framed(each) for each in seeds.PACKETS], 4096),
    "pcap": Target(
        capture,
        lambda: [
            *(seeds.pcap(found, link_type) for link_type, found in seeds.PACKETS.items()),
            seeds.pcap(seeds.PACKETS[256][:2], 256, ">", 1_000_000_000),
        ],
    ),
    "pcapng": Target(
        capture,
        lambda: [
            *(seeds.pcapng(found[:3], link_type) for link_type, found in seeds.PACKETS.items()),
            seeds.pcapng(seeds.PACKETS[256][:2], 256, ">", rich=True),
            seeds.pcapng(seeds.HCI[:2], 187, rich=True),
        ],
    ),
    "btsnoop": Target(capture, lambda: [seeds.btsnoop(seeds.HCI, each) for each in (1001, 1002, 2001)]),
    "packetlogger": Target(capture, lambda: [seeds.packetlogger(seeds.HCI, order) for order in "><"]),
    "recording": Target(capture, lambda: [seeds.recording()]),
    "archive": Target(archive, seeds.archives),
    "bug-report": Target(bug_report, lambda: [seeds.snooz(seeds.HCI, version) for version in (1, 2)]),
    "contact-log": Target(contact_log, lambda: [b"", seeds.export(), seeds.database()], 4096),
    "document": Target(document, _documents),
    "scenario": Target(scenario, lambda: [seeds.SCENARIO], 4096),
}
"""By name."""
