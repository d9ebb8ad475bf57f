"""The bulk path, case by case: what it serves, what it leaves to the plain path, and what it must not mix up."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
from collections.abc import Callable, Sequence
from hashlib import sha256
from itertools import cycle

import pytest

pytest.importorskip("numba")

from bluezone_harness import bulk
from bluezone_harness.bulk import keys, octets, reading, tables
from bluezone_harness.checks.captures import Capture, read_capture
from bluezone_harness.evidence.errors import EvidenceError
from bluezone_harness.sources import open_source
from bluezone_harness.sources.hci import HciDecoder
from bluezone_harness.sources.link_layer import BareLinkLayerDecoder, LinkLayerDecoder
from bluezone_harness.sources.nordic import NordicDecoder
from bluezone_harness.sources.pcapng import PcapngSource

pytestmark = pytest.mark.req("BZ-ADV-001")

START_US = 1_596_866_191_387_000
BTSNOOP_EPOCH_US = 0x00DCDDB30F2F8000
AD = bytes.fromhex("020102 0fffb522b9a665d754fe65e665d76a45 0303564e")
ADDRESS = bytes.fromhex("01000000005a")

Record = tuple[int, bytes]
Write = Callable[[Sequence[Record]], bytes]


def pcap(link_type: int, order: str = "<", units: int = 1_000_000) -> Write:
    def write(records: Sequence[Record]) -> bytes:
        magic = 0xA1B23C4D if units == 1_000_000_000 else 0xA1B2C3D4
        parts = [struct.pack(order + "IHHIIII", magic, 2, 4, 0, 0, 65535, link_type)]
        for time_us, packet in records:
            seconds, rest_us = divmod(time_us, 1_000_000)
            fraction = rest_us * (units // 1_000_000)
            parts.append(struct.pack(order + "IIII", seconds, fraction, len(packet), len(packet)) + packet)
        return b"".join(parts)

    return write


def btsnoop(records: Sequence[Record]) -> bytes:
    parts = [b"btsnoop\x00" + struct.pack(">II", 1, 1002)]
    for time_us, packet in records:
        size = len(packet)
        parts.append(struct.pack(">IIIIq", size, size, 1, 0, time_us + BTSNOOP_EPOCH_US) + packet)
    return b"".join(parts)


def report(
    address: bytes = ADDRESS,
    ad: bytes = AD,
    *,
    event: int = 0,
    kind: int = 1,
    rssi: int = 200,
    count: int = 1,
) -> bytes:
    one = bytes([event, kind]) + address + bytes([len(ad)]) + ad + bytes([rssi])
    body = bytes([2, count]) + one * count
    return bytes([4, 0x3E, len(body)]) + body


def extended(
    address: bytes = ADDRESS, ad: bytes = AD, *, event: int = 0x13, kind: int = 1, rssi: int = 200
) -> bytes:
    head = struct.pack(
        "<HB6sBBBBBHB6sB", event, kind, address, 1, 0, 0xFF, 127, rssi, 0, 0, bytes(6), len(ad)
    )
    body = b"\x0d\x01" + head + ad
    return bytes([4, 0x3E, len(body)]) + body


def heard(
    address: bytes = ADDRESS,
    ad: bytes = AD,
    *,
    header: int = 0x40,
    rf_channel: int = 0,
    rssi: int = 200,
    flags: int = 0x0C13,
    access_address: int = 0x8E89BED6,
) -> bytes:
    receiver = struct.pack("<BBbBIH", rf_channel, rssi, -100, 0, 0x8E89BED6, flags)
    payload = address + ad
    return receiver + struct.pack("<IBB", access_address, header, len(payload)) + payload + b"\x01\x02\x03"


def plain(file: bytes) -> Capture:
    return read_capture(open_source("air", io.BytesIO(file)))


def fast(file: bytes) -> Capture | None:
    return bulk.read_capture_fast("air", io.BytesIO(file))


def assert_equal(file: bytes) -> Capture:
    found = fast(file)
    assert found is not None
    assert found == plain(file)
    return found


@pytest.fixture(params=["as it is", "in small pieces"])
def _pieces(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "in small pieces":
        monkeypatch.setattr("bluezone_harness.sources.octets.READ_OCTETS", 100)
        monkeypatch.setattr(octets, "CHUNK_OCTETS", 150)
        monkeypatch.setattr(reading, "_ROWS", 5)
        monkeypatch.setattr(reading, "_TOLD", 2)
        monkeypatch.setattr(keys, "_FIRST_KEYS", 2)


def block(kind: int, body: bytes) -> bytes:
    padded = body + bytes(-len(body) % 4)
    length = struct.pack("<I", 12 + len(padded))
    return struct.pack("<I", kind) + length + padded + length


SECTION = block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))


def interface(link_type: int, options: bytes = b"") -> bytes:
    return block(1, struct.pack("<HHI", link_type, 0, 0) + options)


def enhanced(time_us: int, packet: bytes, index: int = 0, options: bytes = b"") -> bytes:
    head = struct.pack("<IIIII", index, time_us >> 32, time_us & 0xFFFFFFFF, len(packet), len(packet))
    return block(6, head + packet + bytes(-len(packet) % 4) + options)


def pcapng(records: Sequence[Record]) -> bytes:
    named = interface(256, struct.pack("<HH8s", 2, 8, b"nRF left"))
    return SECTION + named + b"".join(enhanced(*each) for each in records)


def packetlogger(records: Sequence[Record]) -> bytes:
    parts = [struct.pack(">IIIB", 9, 1_596_866_191, 0, 0xFB)]
    for time_us, packet in records:
        seconds, rest_us = divmod(time_us, 1_000_000)
        parts.append(struct.pack(">IIIB", len(packet) + 8, seconds, rest_us, 1) + packet[1:])
    return b"".join(parts)


def bare() -> bytes:
    return bytes.fromhex("d6be898e 4009 01000000005a 020106 38113d")


def sniffed(rssi: int, channel: int) -> bytes:
    air = b"\xd6\xbe\x89\x8e" + bytes([0x40, 6 + len(AD)]) + ADDRESS + AD + b"\x01\x02\x03"
    fields = struct.pack("<BBBBHI", 10, 1, channel, rssi, 0, 0)
    return struct.pack("<BHBHB", 0, len(fields + air), 3, 0, 2) + fields + air


def ordinary() -> dict[str, bytes]:
    times = [START_US + 100_000 * index for index in range(40)]
    radio = cycle([heard(), heard(rf_channel=12, rssi=190), heard(AD[:6], rssi=180), heard(flags=0x0413)])
    host = cycle([report(), report(rssi=190), extended(rssi=180), report(AD[:6], count=2)])
    nordic = cycle([sniffed(60, 37), sniffed(70, 38), sniffed(60, 39)])
    return {
        "pcap 187": pcap(187)(list(zip(times, host, strict=False))),
        "pcap 201": pcap(201)(
            [(time_us, bytes(4) + packet) for time_us, packet in zip(times, host, strict=False)]
        ),
        "pcap 251": pcap(251)([(time_us, bare()) for time_us in times]),
        "pcap 256": pcap(256)(list(zip(times, radio, strict=False))),
        "pcap 272": pcap(272)(list(zip(times, nordic, strict=False))),
        "btsnoop": btsnoop(list(zip(times, host, strict=False))),
        "packetlogger": packetlogger(list(zip(times, host, strict=False))),
        "pcapng": pcapng(list(zip(times, radio, strict=False))),
    }


class Decodes:
    """Counts what the plain decoders are asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        for kind in (HciDecoder, LinkLayerDecoder, BareLinkLayerDecoder, NordicDecoder):
            monkeypatch.setattr(kind, "decode", self._counting(kind.decode))

    def _counting(self, decode: Callable[..., object]) -> Callable[..., object]:
        def counted(*arguments: object) -> object:
            self.count += 1
            return decode(*arguments)

        return counted


@pytest.mark.parametrize("form", ordinary())
def test_what_was_seen_before_is_not_decoded_again(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # single octets are asked of the decoders before
    meanings = tables.meanings_of(range(1, 5))
    monkeypatch.setattr(reading, "meanings_of", lambda kinds: meanings)
    decodes = Decodes(monkeypatch)
    assert fast(ordinary()[form]) is not None
    # in the first walk over few packets, each of several reports or of a bad CRC is decoded: a quarter of them
    assert decodes.count <= 13


@pytest.mark.usefixtures("_pieces")
@pytest.mark.parametrize("form", ordinary())
def test_ordinary_captures_are_served(form: str) -> None:
    found = assert_equal(ordinary()[form])
    assert found.packets == 40 + (form == "packetlogger")
    assert found.folded.adverts >= 30


@pytest.mark.parametrize("form", ordinary())
def test_a_capture_cut_anywhere_is_equal(form: str) -> None:
    file = ordinary()[form]
    for end in range(len(file) - 100, len(file)):
        assert_equal(file[:end])


def test_headers_are_refused_as_the_plain_path_does() -> None:
    file = pcap(256)([(START_US, heard())])
    foreign = file[:20] + b"\x01\x00\x00\x00" + file[24:]
    for damaged in (file[:10], foreign, file[:4] + b"\x09" + file[5:], b"btsnoop\x00" + bytes(8)):
        with pytest.raises(EvidenceError) as expected:
            plain(damaged)
        with pytest.raises(EvidenceError) as found:
            fast(damaged)
        assert str(found.value) == str(expected.value)


@pytest.mark.parametrize("packet", [b"\x00\x00\x00\x03" + report()[1:], b"\x00"])
def test_another_link_type_is_read_as_it_stands(packet: bytes) -> None:
    assert_equal(pcap(254)([(START_US, packet)] * 3))


def test_another_datalink_is_read_as_it_stands() -> None:
    file = btsnoop([(START_US, report()[1:])] * 3)
    assert_equal(file[:12] + struct.pack(">I", 1001) + file[16:])


@pytest.mark.parametrize("file", [b"", b"{}", b"PK\x03\x04" + b" " * 60])
def test_other_formats_are_left_to_the_plain_path(file: bytes) -> None:
    assert fast(file) is None


def test_a_long_sighting_counts_its_intervals() -> None:
    steps_us = cycle([100_000, 101_500, 103_000, 250_999, 4_999_999, 0])
    time_us, rows = START_US, []
    for _ in range(6000):
        time_us += next(steps_us)
        rows.append((time_us, heard()))
    # twice, with a pause: what the first counted is of no more meaning
    rows += [(time_us + 6_000_000 + 1000 * index, heard()) for index in range(3000)]
    found = assert_equal(pcap(256)(rows))
    assert [each.count for each in found.folded.sightings] == [6000, 3000]


@pytest.mark.usefixtures("_pieces")
def test_intervals_of_what_is_long_over_are_forgotten() -> None:
    rows = []
    for minute in range(60):
        address = bytes([minute // 15, 0, 0, 0, 0, 0x5A])
        rows += [(START_US + 60_000_000 * minute + 90_000 * index, heard(address)) for index in range(40)]
    # an id that comes back after hours is another sighting
    rows.append((START_US + 7_200_000_000, heard(bytes([0, 0, 0, 0, 0, 0x5A]))))
    found = assert_equal(pcap(256)(rows))
    assert len(found.folded.sightings) == 61


def test_a_clock_set_back_into_what_was_forgotten_is_left_to_the_plain_path(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reading, "_ROWS", 5)
    early = [(START_US + 1000 * index, heard()) for index in range(5)]
    late = [(START_US + 3_600_000_000 + index, heard(bytes(6), bytes([index % 200]))) for index in range(400)]
    file = pcap(256)([*early, *late, (START_US + 9000, heard())])
    assert fast(file) is None
    assert_equal(pcap(256)([*early, *late]))


def test_adverts_of_one_packet_keep_their_order() -> None:
    one, two = bytes([1, 0, 0, 0, 0, 0x5A]), bytes([2, 0, 0, 0, 0, 0x5A])

    def both(first: bytes, second: bytes) -> bytes:
        reports = b"".join(b"\x00\x01" + each + b"\x00\xc0" for each in (first, second))
        return b"\x04\x3e" + bytes([2 + len(reports)]) + b"\x02\x02" + reports

    rows = [
        (START_US, both(one, two)),
        (START_US + 9_000_000, both(two, one)),
        (START_US + 18_000_000, both(two, one)),
    ]
    assert len(assert_equal(btsnoop(rows)).folded.sightings) == 6


@pytest.mark.parametrize("rest", [1, 3])
def test_a_time_before_the_clock_of_btsnoop_is_read_by_the_plain_path(rest: int) -> None:
    file = btsnoop([(START_US, report()), (-BTSNOOP_EPOCH_US - 1, report()), (START_US, report())][:rest])
    assert assert_equal(file).packets == rest


def test_a_time_beyond_all_use_is_left_to_the_plain_path() -> None:
    file = btsnoop([(START_US, report()), (-(1 << 63) - BTSNOOP_EPOCH_US, report())])
    assert fast(file) is None


class Failing(io.BytesIO):
    """A file of which a part cannot be read."""

    def __init__(self, file: bytes, good: int) -> None:
        super().__init__(file)
        self._good = good

    def read1(self, size: int | None = -1, /) -> bytes:
        if self.tell() >= self._good:
            raise OSError(5, "Input/output error")
        return super().read(min(size or 0, self._good - self.tell()))

    def readinto1(self, room: object, /) -> int:
        view = memoryview(room).cast("B")  # type: ignore[arg-type]
        octets = self.read1(len(view))
        view[: len(octets)] = octets
        return len(octets)


@pytest.mark.parametrize("good", [200, 500, 140_000])
@pytest.mark.parametrize("write", [pcap(256), pcapng], ids=["pcap", "pcapng"])
def test_a_disk_that_fails_is_told_as_the_plain_path_does(write: Write, good: int) -> None:
    file = write([(START_US + 1000 * index, heard()) for index in range(4000)])
    expected = read_capture(open_source("air", Failing(file, good)))
    assert bulk.read_capture_fast("air", Failing(file, good)) == expected
    assert "Input/output error" in expected.diagnostics[-1].message


class Asked(io.BytesIO):
    """A file that notes how many octets are asked of it at once."""

    def __init__(self, file: bytes) -> None:
        super().__init__(file)
        self.sizes: list[int] = []

    def readinto1(self, room: object, /) -> int:
        self.sizes.append(len(memoryview(room)))  # type: ignore[arg-type]
        return super().readinto1(room)  # type: ignore[arg-type]


def test_a_file_is_asked_for_a_mebibyte_at_once() -> None:
    # who waits for it is told at each of them how far it is
    file = pcap(256)([(START_US + 1000 * index, heard()) for index in range(40_000)])
    stream = Asked(file)
    found = bulk.read_capture_fast("air", stream)
    assert found is not None
    assert found.sha256 == sha256(file).hexdigest()
    assert set(stream.sizes) == {1024 * 1024}
    assert len(stream.sizes) == 4


class OnlyRead:
    """A stream that offers no more than it must."""

    def __init__(self, file: bytes) -> None:
        self._file = io.BytesIO(file)

    def read(self, count: int = -1, /) -> bytes:
        return self._file.read(min(count, 1000))


def test_a_stream_that_only_reads_will_do() -> None:
    file = pcap(256)([(START_US + 1000 * index, heard()) for index in range(4000)])
    assert bulk.read_capture_fast("air", OnlyRead(file)) == plain(file)


def test_a_decoder_that_reads_nothing_is_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(HciDecoder, "decode", lambda *_: ())
    assert assert_equal(btsnoop([(START_US, report())])).folded.adverts == 0


def test_a_decoder_that_reads_otherwise_is_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    decode = HciDecoder.decode

    def decode_short(self: HciDecoder, number: int, time_us: int, receiver: str, packet: bytes) -> object:
        return decode(self, number, time_us, receiver, packet) if number % 2 else ()

    monkeypatch.setattr(HciDecoder, "decode", decode_short)
    found = fast(btsnoop([(START_US, report(rssi=127)), (START_US, report(AD[:6]))] * 4))
    # of the second it is asked only once, of its first four the answer stands for all
    assert found is not None
    assert found.folded.adverts == 4


def test_packets_of_the_same_hash_are_kept_apart() -> None:
    # of the third 8 octets the hash adds two random numbers, and multiplies the sums: it does not tell which is which
    random = 0xA4093822, 0x299F31D0
    sums = 0x12345678, 0x9ABCDEF0

    def with_sums(one: int, other: int) -> bytes:
        words = (one - random[0]) % 2**32, (other - random[1]) % 2**32
        # before them stand flags, access address, PDU header, address, and 2 octets
        return heard(ad=b"\x09\xff" + struct.pack("<II", *words))

    rows = [(START_US + 1000 * index, with_sums(*sums[:: (1, -1)[index % 2]])) for index in range(10)]
    assert [each.count for each in assert_equal(pcap(256)(rows)).folded.sightings] == [5, 5]


@pytest.mark.usefixtures("_pieces")
def test_what_a_host_reads_from_a_phone_is_told_among_adverts() -> None:
    sent, received = bytes(4), b"\x00\x00\x00\x01"
    value = bytes(range(12))
    packets = [
        received + bytes.fromhex("043e 13 01 00 4000 00 01 01000000005a 1800 0000 4800 00"),
        received + report(),
        sent + bytes.fromhex("02 4000 0700 0300 0400 0a0300"),
        received + report(rssi=190),
        received + bytes.fromhex("02 4020 1100 0d00 0400 0b") + value,
        received + report(rssi=180),
        sent + bytes.fromhex("01052006 0102030405c5"),
    ]
    found = assert_equal(pcap(201)([(START_US + 1000 * index, each) for index, each in enumerate(packets)]))
    assert [(each.number, each.value) for each in found.folded.reads] == [(5, value)]
    assert [each.name for each in found.folded.asked] == ["HCI_LE_Set_Random_Address"]
    assert [each.count for each in found.folded.sightings] == [3]


def test_keys_are_forgotten_when_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "_FIRST_KEYS", 8)
    monkeypatch.setattr(keys, "_MOST_KEYS", 16)
    rows = [(START_US + 1000 * index, heard(ad=bytes([1 + index % 40]))) for index in range(400)]
    assert len(assert_equal(pcap(256)(rows)).folded.sightings) == 40


def test_each_interface_has_its_own_keys() -> None:
    # the same octets, heard by two receivers, the second of which starts its clock a minute later
    named = struct.pack("<HH4s", 2, 4, b"left"), struct.pack("<HHq", 14, 8, 60)
    head = SECTION + b"".join(interface(256, options) for options in named)
    file = head + b"".join(enhanced(START_US + 1000 * index, heard(), index % 2) for index in range(20))
    found = assert_equal(file)
    assert [(each.receiver, each.count) for each in found.folded.sightings] == [
        ("left", 10),
        ("interface 1", 10),
    ]


@pytest.mark.parametrize(("exponent", "steps"), [(0, 1), (3, 1), (6, 1), (7, 1), (9, 1), (10, 20)])
def test_clocks_of_every_resolution(exponent: int, steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    called = []
    step = PcapngSource.step

    def counted(self: PcapngSource) -> object:
        called.append(self)
        return step(self)

    monkeypatch.setattr(PcapngSource, "step", counted)
    ticks = START_US * 10**exponent // 10**6
    options = struct.pack("<HHBxxx", 9, 1, exponent)
    found = assert_equal(SECTION + interface(256, options) + enhanced(ticks, heard()) * 20)
    assert found.folded.first_us == ticks * 10**6 // 10**exponent
    # the plain path is asked for the first packet, and where ticks are more than the loop counts
    assert len(called) == steps


def test_lost_packets_are_counted_as_the_plain_path_does() -> None:
    lost = struct.pack("<HHQ", 4, 8, 3)
    blocks = [
        enhanced(START_US + 1000 * index, heard(), options=lost if index == 15 else b"")
        for index in range(30)
    ]
    found = assert_equal(SECTION + interface(256) + b"".join(blocks))
    assert "packets were lost by the receivers, as they say: 3" in [
        each.message for each in found.diagnostics
    ]


def test_where_the_plain_path_is_asked_too_often_it_reads_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_FIRST_STEPS", 3)
    monkeypatch.setattr(reading, "_TOLD", 4)
    lost = struct.pack("<HHQ", 4, 8, 3)
    file = SECTION + interface(256)
    file += b"".join(enhanced(START_US + 1000 * index, heard(), options=lost) for index in range(30))
    assert assert_equal(file).packets == 30


@pytest.mark.parametrize("seconds", [-(1 << 45), 1 << 45])
def test_a_clock_beyond_all_use_is_left_to_the_plain_path(seconds: int) -> None:
    options = struct.pack("<HHq", 14, 8, seconds)
    assert fast(SECTION + interface(256, options) + enhanced(START_US, heard())) is None


def test_nothing_is_read_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "find_spec", lambda name: None)
    assert not bulk.is_available()
    assert fast(pcap(256)([])) is None


def test_nothing_is_imported_before_it_is_needed() -> None:
    code = "import sys, bluezone_harness.bulk; print({'numba', 'numpy'} & set(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "set()\n"


def test_what_is_served_is_known_by_its_first_octets() -> None:
    assert all(bulk.serves(file[:64]) for file in ordinary().values())
    assert not any(bulk.serves(head) for head in (b"", b"{}", b"PK\x03\x04" + b" " * 60))
