"""What was seen before is known by its octets: it is not decoded again, and nothing else is taken for it."""

from __future__ import annotations

import struct
from collections.abc import Callable

import pytest

pytest.importorskip("numba")

from bluezone_harness.bulk import keys, reading, tables
from bluezone_harness.checks.captures import Capture
from bluezone_harness.sources.hci import HciDecoder
from bluezone_harness.sources.link_layer import BareLinkLayerDecoder, LinkLayerDecoder
from bluezone_harness.sources.nordic import NordicDecoder

pytestmark = pytest.mark.req("BZ-ADV-001")

START_US = 1_596_866_191_387_000
AD = bytes.fromhex("020102 0fffb522b9a665d754fe65e665d76a45 0303564e")
FORMS = (
    *("pcap 187", "pcap 201", "pcap 251", "pcap 256", "pcap 272"),
    *("btsnoop", "packetlogger", "pcapng"),
)
Write = Callable[..., bytes]
Read = Callable[[bytes], Capture]
MayRead = Callable[[bytes], Capture | None]


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


@pytest.mark.parametrize("form", FORMS)
def test_what_was_seen_before_is_not_decoded_again(
    fast: MayRead, ordinary: dict[str, bytes], form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # single octets are asked of the decoders before
    meanings = tables.meanings_of(range(1, 5))
    monkeypatch.setattr(reading, "meanings_of", lambda kinds: meanings)
    decodes = Decodes(monkeypatch)
    assert fast(ordinary[form]) is not None
    # in the first walk over few packets, each of several reports or of a bad CRC is decoded: a quarter of them
    assert decodes.count <= 13


def test_a_decoder_that_reads_nothing_is_believed(
    btsnoop: Write, report: Write, equal: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(HciDecoder, "decode", lambda *_: ())
    assert equal(btsnoop([(START_US, report())])).folded.adverts == 0


def test_a_decoder_that_reads_otherwise_is_believed(
    btsnoop: Write, report: Write, fast: MayRead, monkeypatch: pytest.MonkeyPatch
) -> None:
    decode = HciDecoder.decode

    def decode_short(self: HciDecoder, number: int, time_us: int, receiver: str, packet: bytes) -> object:
        return decode(self, number, time_us, receiver, packet) if number % 2 else ()

    monkeypatch.setattr(HciDecoder, "decode", decode_short)
    found = fast(btsnoop([(START_US, report(rssi=127)), (START_US, report(AD[:6]))] * 4))
    # of the second it is asked only once, of its first four the answer stands for all
    assert found is not None
    assert found.folded.adverts == 4


def test_packets_of_the_same_hash_are_kept_apart(pcap: Write, heard: Write, equal: Read) -> None:
    # of the third 8 octets the hash adds two random numbers, and multiplies the sums: it does not tell which is which
    random = 0xA4093822, 0x299F31D0
    sums = 0x12345678, 0x9ABCDEF0

    def with_sums(one: int, other: int) -> bytes:
        words = (one - random[0]) % 2**32, (other - random[1]) % 2**32
        # before them stand flags, access address, PDU header, address, and 2 octets
        return heard(ad=b"\x09\xff" + struct.pack("<II", *words))

    rows = [(START_US + 1000 * index, with_sums(*sums[:: (1, -1)[index % 2]])) for index in range(10)]
    assert [each.count for each in equal(pcap(rows)).folded.sightings] == [5, 5]


def test_keys_are_forgotten_when_there_are_too_many(
    pcap: Write, heard: Write, equal: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "_FIRST_KEYS", 8)
    monkeypatch.setattr(keys, "_MOST_KEYS", 16)
    rows = [(START_US + 1000 * index, heard(ad=bytes([1 + index % 40]))) for index in range(400)]
    assert len(equal(pcap(rows)).folded.sightings) == 40


def test_each_interface_has_its_own_keys(
    section: bytes, interface: Write, enhanced: Write, heard: Write, equal: Read
) -> None:
    # the same octets, heard by two receivers, the second of which starts its clock a minute later
    named = struct.pack("<HH4s", 2, 4, b"left"), struct.pack("<HHq", 14, 8, 60)
    head = section + b"".join(interface(256, options) for options in named)
    file = head + b"".join(enhanced(START_US + 1000 * index, heard(), index % 2) for index in range(20))
    found = equal(file)
    assert [(each.receiver, each.count) for each in found.folded.sightings] == [
        ("left", 10),
        ("interface 1", 10),
    ]
