"""Adverts in several PDUs: by hand, by the tables of the Core Specification, and as tshark joins them."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from subprocess import run

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_harness.observations import AddressType, Advert, Observation, PduType, Severity, Source
from bluezone_harness.sources.extended_advertising import (
    MOST_AWAITED,
    TOLERANCE_US,
    ExtendedParts,
    Pointer,
    extended_parts,
)
from bluezone_harness.sources.hci import HciDecoder
from bluezone_harness.sources.link_layer import BareLinkLayerDecoder, LinkLayerDecoder, crc_octets
from bluezone_harness.sources.nordic import NordicDecoder
from bluezone_harness.sources.packets import Unread

pytestmark = pytest.mark.req("BZ-ADV-001", "BZ-ADV-007")

START_US = 1_596_866_191_387_000
AIR_ADDRESS = bytes.fromhex("0100000000 5a")
ADDRESS = AIR_ADDRESS[::-1]
ADI = bytes.fromhex("3412")
DATA = bytes.fromhex("020102 0fffb522b9a665d754fe65e665d76a45 0303564e") * 11
PRIMARY, FIRST, SECOND, THIRD = 37, 5, 20, 36


def pointer(channel: int, offset_us: int) -> bytes:
    """Write AuxPtr by Vol 6 Part B 2.3.4.5, in the units that fit."""
    large = offset_us > 0x1FFF * 30
    return (channel | large << 7 | offset_us // (300 if large else 30) << 8).to_bytes(3, "little")


def pdu(flags: int, fields: bytes, ad: bytes = b"", header: int = 0x47) -> bytes:
    """Write an extended advertising PDU: header, and payload with an extended header of these fields."""
    extended = bytes([flags]) + fields if flags else b""
    payload = bytes([len(extended)]) + extended + ad
    return bytes([header, len(payload)]) + payload


def points(channel: int = FIRST, offset_us: int = 3000, adi: bytes = ADI) -> bytes:
    return pdu(0x18, adi + pointer(channel, offset_us))


TRAIN = [
    (0, 37, points(offset_us=3000)),
    (600, 38, points(offset_us=2400)),
    (1200, 39, points(offset_us=1800)),
    (3000, FIRST, pdu(0x19, AIR_ADDRESS + ADI + pointer(SECOND, 3000), DATA[:200])),
    (6000, SECOND, pdu(0x18, ADI + pointer(THIRD, 300_000), DATA[200:240])),
    (306_000, THIRD, pdu(0x08, ADI, DATA[240:])),
]
"""An advert as it is sent: time, channel, PDU."""


def rf_channel(index: int) -> int:
    """Return the RF channel of a channel's index, by Vol 6 Part B 1.4.1."""
    return {37: 0, 38: 12, 39: 39}.get(index, index + (1 if index < 11 else 2))


def radio(octets: bytes, channel: int, flags: int = 0x0C13) -> bytes:
    receiver = struct.pack("<BbbBIH", rf_channel(channel), -60, -100, 0, 0x8E89BED6, flags)
    return receiver + bytes.fromhex("d6be898e") + octets + crc_octets(octets)


class Air:
    """A decoder, and what it said of the PDUs that it was given."""

    def __init__(self) -> None:
        self.decoder = LinkLayerDecoder()
        self.number = 0

    def hear(
        self, time_us: int, channel: int, octets: bytes, flags: int = 0x0C13
    ) -> Sequence[Observation | Unread]:
        self.number += 1
        return self.decoder.decode(self.number, START_US + time_us, "", radio(octets, channel, flags))


def played(train: Sequence[tuple[int, int, bytes]]) -> tuple[list[Observation | Unread], LinkLayerDecoder]:
    air = Air()
    return [each for sent in train for each in air.hear(*sent)], air.decoder


def whole(number: int = 6, time_us: int = 306_000, channel: int = THIRD) -> Advert:
    return Advert(
        *(
            number,
            START_US + time_us,
            "",
            ADDRESS,
            AddressType.RESOLVABLE,
            PduType.ADV_EXT_IND,
            DATA,
            -60,
            channel,
        )
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", None),
        ("05 01", None),  # the header announces more than there is
        ("01 01", None),  # an address is announced where there is no room
        ("0b 19 0100000000 5a 1122 3344", None),
        ("12 20" + "00" * 17, None),
        ("00", (None, "", None, "")),
        ("00 0201 06", (None, "", None, "0201 06")),
        ("01 00", (None, "", None, "")),
        ("07 01 0100000000 5a", ("0100000000 5a", "", None, "")),
        (
            "47 01 0100000000 5a 0201 06",
            ("0100000000 5a", "", None, "0201 06"),
        ),  # AdvMode stands above the length
        ("09 09 0100000000 5a 1122 0201 06", ("0100000000 5a", "1122", None, "0201 06")),
        (
            "08 08 aabb 1122334455 66",
            (None, "aabb", None, "66"),
        ),  # octets of its own at the header's end (ACAD)
        ("0c 19 0100000000 5a 1122 852000 02", ("0100000000 5a", "1122", (5, 0x20 * 300), "02")),
        ("0a 11 0100000000 5a 0501a0 0201", ("0100000000 5a", "", (5, 30), "0201")),
        ("06 18 1122 65ff1f", (None, "1122", (0x25, 0x1FFF * 30), "")),
        ("13 20" + "00" * 18, (None, "", None, "")),
        (
            "26 7f 0100000000 5a 0200000000 5a 03 1122 050100" + "00" * 18 + "08 0201 06",
            ("0100000000 5a", "1122", (5, 30), "0201 06"),
        ),
    ],
)
def test_the_payload_of_an_extended_pdu(
    text: str, expected: tuple[str | None, str, tuple[int, int] | None, str] | None
) -> None:
    parts = extended_parts(bytes.fromhex(text))
    if expected is None:
        assert parts is None
        return
    address, adi, where, ad = expected
    assert parts == ExtendedParts(
        None if address is None else bytes.fromhex(address),
        bytes.fromhex(adi),
        None if where is None else Pointer(*where),
        bytes.fromhex(ad),
    )


def test_an_advert_in_pieces_is_told_once_with_its_last_piece() -> None:
    found, decoder = played(TRAIN)
    assert found == [whole()]
    assert decoder.missing == {}


def test_the_pieces_of_two_phones_do_not_mix() -> None:
    other = bytes.fromhex("0200000000 5a")
    theirs = [
        (100, PRIMARY, points(FIRST, 4000, b"\x34\x22")),
        (4100, FIRST, pdu(0x19, other + b"\x34\x22" + pointer(SECOND, 2000), DATA[:21])),
        (6100, SECOND, pdu(0x08, b"\x34\x22", DATA[21:42])),
    ]
    found, decoder = played(sorted(TRAIN + theirs))
    assert [each.ad for each in found if isinstance(each, Advert)] == [DATA[:42], DATA]
    assert [each.address for each in found if isinstance(each, Advert)] == [other[::-1], ADDRESS]
    assert decoder.missing == {}


@pytest.mark.parametrize("lost", [3, 4, 5])
def test_without_one_of_its_pieces_there_is_no_advert(lost: int) -> None:
    found, decoder = played(TRAIN[:lost] + TRAIN[lost + 1 :])
    assert found == []
    # what follows a lost piece points from nowhere, and is counted too
    counts = {3: {Unread.ELSEWHERE: (1, 1), Unread.IN_PIECES: (4, 2)}, 4: {Unread.IN_PIECES: (1, 2)}}
    assert decoder.missing == counts.get(lost, {Unread.IN_PIECES: (1, 1)})


@pytest.mark.parametrize("heard", [(0,), (1,), (2,), (0, 2), ()])
def test_of_the_pointers_on_primary_channels_one_will_do_and_none_where_the_address_follows(
    heard: tuple[int, ...],
) -> None:
    found, decoder = played([TRAIN[each] for each in heard] + TRAIN[3:])
    assert found == [whole(3 + len(heard))]
    assert decoder.missing == {}


def test_pointers_alone_are_no_adverts() -> None:
    """A sniffer that stays on the primary channels hears nothing else; each event counts once."""
    later = [(time_us + 5_000_000, channel, octets) for time_us, channel, octets in TRAIN[:3]]
    found, decoder = played(TRAIN[:3] + later)
    assert found == []
    assert decoder.missing == {Unread.ELSEWHERE: (1, 2)}


def test_without_auxiliary_pdus_an_advert_has_an_address_and_no_data() -> None:
    (advert,) = Air().hear(0, PRIMARY, pdu(0x01, AIR_ADDRESS))
    assert isinstance(advert, Advert)
    assert (advert.address, advert.ad, advert.channel) == (ADDRESS, b"", 37)


def test_one_piece_is_an_advert_as_it_is() -> None:
    (advert,) = Air().hear(0, FIRST, pdu(0x09, AIR_ADDRESS + ADI, DATA[:21]))
    assert isinstance(advert, Advert)
    assert (advert.address, advert.ad, advert.channel) == (ADDRESS, DATA[:21], FIRST)


def test_a_scan_response_needs_no_pointer_and_may_go_on() -> None:
    air = Air()
    assert air.hear(0, FIRST, pdu(0x11, AIR_ADDRESS + pointer(SECOND, 900), DATA[:100])) == ()
    (advert,) = air.hear(900, SECOND, pdu(0, b"", DATA[100:]))  # without ADI: by channel and time
    assert isinstance(advert, Advert)
    assert (advert.address, advert.ad) == (ADDRESS, DATA)


def test_the_address_may_stand_in_the_pointer_alone() -> None:
    air = Air()
    air.hear(0, PRIMARY, pdu(0x19, AIR_ADDRESS + ADI + pointer(FIRST, 3000), header=0x07))  # TxAdd: public
    (advert,) = air.hear(3000, FIRST, pdu(0x08, ADI, DATA[:21]))
    assert isinstance(advert, Advert)
    assert (advert.address, advert.address_type) == (ADDRESS, AddressType.PUBLIC)


def test_an_anonymous_advert_has_no_address() -> None:
    air = Air()
    air.hear(0, PRIMARY, points())
    (advert,) = air.hear(3000, FIRST, pdu(0x08, ADI, DATA[:21]))
    assert isinstance(advert, Advert)
    assert (advert.address, advert.address_type, advert.ad) == (None, None, DATA[:21])


def test_data_of_nobody_knows_whom_are_none() -> None:
    """Without its pointer, nothing tells an anonymous advert from the end of another."""
    air = Air()
    assert air.hear(0, FIRST, pdu(0x08, ADI, DATA[:21])) == ()
    assert air.decoder.missing == {Unread.IN_PIECES: (1, 1)}


@pytest.mark.parametrize(
    ("time_us", "channel", "adi"),
    [
        (6001 + TOLERANCE_US, SECOND, ADI),
        (5999 - TOLERANCE_US, SECOND, ADI),
        (6000, FIRST, ADI),
        (6000, SECOND, b"\x34\x13"),
        (6000, SECOND, b""),
    ],
)
def test_a_piece_is_met_there_then_and_of_the_same_data(time_us: int, channel: int, adi: bytes) -> None:
    air = Air()
    for sent in TRAIN[:4]:
        air.hear(*sent)
    assert air.hear(time_us, channel, pdu(0x08 if adi else 0, adi, DATA[200:])) == ()
    assert air.decoder.missing == {Unread.IN_PIECES: (1, 2)}


@pytest.mark.parametrize("off_us", [-TOLERANCE_US, -31, 0, 31, TOLERANCE_US])
def test_clocks_may_be_a_little_off(off_us: int) -> None:
    air = Air()
    for sent in TRAIN[:4]:
        air.hear(*sent)
    (advert,) = air.hear(6000 + off_us, SECOND, pdu(0x08, ADI, DATA[200:]))
    assert isinstance(advert, Advert)
    assert advert.ad == DATA


def test_a_pdu_with_another_address_is_not_what_was_pointed_at() -> None:
    air = Air()
    air.hear(0, PRIMARY, pdu(0x19, AIR_ADDRESS + ADI + pointer(FIRST, 3000)))
    other = bytes.fromhex("0200000000 5a")
    (advert,) = air.hear(3000, FIRST, pdu(0x09, other + ADI, DATA[:21]))
    assert isinstance(advert, Advert)
    assert advert.address == other[::-1]
    assert air.decoder.missing == {Unread.ELSEWHERE: (1, 1)}


def test_whose_piece_it_is_must_be_plain() -> None:
    """Two phones chose the same channel, time and ADI: then neither's data are told."""
    air = Air()
    for number in (1, 2):
        address = bytes([number]) + AIR_ADDRESS[1:]
        air.hear(number, FIRST, pdu(0x19, address + ADI + pointer(SECOND, 3000), DATA[:21]))
    assert air.hear(3001, SECOND, pdu(0x08, ADI, DATA[21:42])) == ()
    assert air.decoder.missing == {Unread.IN_PIECES: (1, 2)}


def test_more_data_than_any_advert_has_are_none() -> None:
    air = Air()
    air.hear(0, 0, pdu(0x19, AIR_ADDRESS + ADI + pointer(1, 3000), bytes(200)))
    for number in range(1, 8):
        assert air.hear(number * 3000, number, pdu(0x18, ADI + pointer(number + 1, 3000), bytes(200))) == ()
    (advert,) = air.hear(24_000, 8, pdu(0x18, ADI + pointer(9, 3000), bytes(51)))
    assert isinstance(advert, Advert)
    assert advert.ad is None


def test_what_is_awaited_is_bounded() -> None:
    air = Air()
    for number in range(3 * MOST_AWAITED):
        air.hear(number, PRIMARY, points(FIRST, 200_000, number.to_bytes(2, "little")))
    assert len(air.decoder._extended._awaited) == MOST_AWAITED
    assert air.decoder.missing == {Unread.ELSEWHERE: (1, 3 * MOST_AWAITED)}
    # the last is still known
    (advert,) = air.hear(200_190, FIRST, pdu(0x09, AIR_ADDRESS + (191).to_bytes(2, "little"), DATA[:21]))
    assert isinstance(advert, Advert)


def test_without_channels_adi_alone_holds_pieces_together() -> None:
    """Link type 251 tells no channel."""
    decoder = BareLinkLayerDecoder()
    found = [
        each
        for number, (time_us, _, octets) in enumerate(TRAIN, start=1)
        for each in decoder.decode(
            number, START_US + time_us, "", bytes.fromhex("d6be898e") + octets + crc_octets(octets)
        )
    ]
    (advert,) = found
    assert isinstance(advert, Advert)
    assert (advert.number, advert.address, advert.ad, advert.channel) == (6, ADDRESS, DATA, None)
    assert decoder.missing == {}
    # without ADI nothing holds them together
    first = pdu(0x11, AIR_ADDRESS + pointer(SECOND, 900), DATA[:100])
    for time_us, octets in ((0, first), (900, pdu(0, b"", DATA[100:]))):
        packet = bytes.fromhex("d6be898e") + octets + crc_octets(octets)
        assert decoder.decode(7, START_US + 9_000_000 + time_us, "", packet) == ()
    assert decoder.missing == {Unread.IN_PIECES: (7, 2)}


def test_the_nordic_sniffer_tells_the_same() -> None:
    decoder = NordicDecoder()
    found: list[Observation | Unread] = []
    for number, (time_us, channel, octets) in enumerate(TRAIN, start=1):
        held = struct.pack("<BBBBHI", 10, 1, channel, 60, 0, 0) + bytes.fromhex("d6be898e")
        held += octets + crc_octets(octets)
        packet = struct.pack("<BHBHB", 0, len(held), 3, number, 2) + held
        found += decoder.decode(number, START_US + time_us, "", packet)
    assert found == [whole()]


def test_a_controllers_report_of_it_has_the_same_shape() -> None:
    """What HCI reports in two pieces, and what was heard in three PDUs, is the same advert but for its channel."""
    decoder = HciDecoder()
    found: list[Observation | Unread] = []
    for number, (status, piece) in enumerate(((0x20, DATA[:200]), (0x00, DATA[200:])), start=5):
        fixed = struct.pack("<HB6sBBBbbHB6s", status, 1, AIR_ADDRESS, 1, 1, 3, 127, -60, 0, 0, bytes(6))
        body = b"\x0d\x01" + fixed + bytes([len(piece)]) + piece
        found += decoder.decode(number, START_US + 306_000, "", bytes([4, 0x3E, len(body)]) + body)
    (advert,) = found
    assert isinstance(advert, Advert)
    ((heard,), _) = played(TRAIN)
    assert heard == whole()
    assert advert == Advert(
        *(6, advert.time_us, "", ADDRESS, AddressType.RESOLVABLE, PduType.ADV_EXT_IND, DATA, -60, None)
    )


def test_a_capture_says_what_is_not_whole(
    pcap: Callable[..., bytes], read: Callable[..., tuple[Source, list[Observation]]]
) -> None:
    packets = [(START_US + time_us, radio(octets, channel)) for time_us, channel, octets in TRAIN[:5]]
    source, found = read(pcap(packets))
    assert found == []
    (diagnostic,) = source.diagnostics
    assert diagnostic.severity is Severity.INFO
    assert diagnostic.message.endswith("lack a piece and are no observations: 1, the first is packet 1")
    assert not source.damaged


@pytest.mark.parametrize("cut", [200, 100])
def test_tshark_joins_the_same(
    pcap: Callable[..., bytes],
    read: Callable[..., tuple[Source, list[Observation]]],
    tool: Callable[[str], Path],
    tmp_path: Path,
    cut: int,
) -> None:
    """tshark takes the kind of an auxiliary PDU from the flags of the receiver; two passes let it join."""
    train = list(TRAIN)
    train[3] = (3000, FIRST, pdu(0x19, AIR_ADDRESS + ADI + pointer(SECOND, 3000), DATA[:cut]))
    train[4] = (6000, SECOND, pdu(0x18, ADI + pointer(THIRD, 300_000), DATA[cut:240]))
    packets = []
    for time_us, channel, octets in train:
        flags = 0x0C13 if channel >= PRIMARY else 0x0C93 if channel == FIRST else 0x1C93
        packets.append((START_US + time_us, radio(octets, channel, flags)))
    path = tmp_path / "extended.pcap"
    path.write_bytes(pcap(packets))
    command = [str(tool("tshark")), "-2", "-r", str(path), "-V"]
    said = run(command, capture_output=True, text=True, check=True).stdout
    assert re.findall(r"Reassembled EA HAD length: (\d+)", said) == [str(len(DATA))]
    (pieces,) = re.findall(
        r"\[3 EA HAD fragments \((\d+) bytes\): #4\((\d+)\), #5\((\d+)\), #6\((\d+)\)\]", said
    )
    assert list(map(int, pieces)) == [len(DATA), cut, 240 - cut, len(DATA) - 240]
    source, found = read(path.read_bytes())
    assert found == [whole()]
    assert source.diagnostics == ()


@given(
    st.lists(
        st.tuples(
            st.integers(0, 40_000), st.sampled_from([37, FIRST, SECOND]), st.sampled_from([0x00, 0x01, 0x08, 0x09]),
            st.sampled_from([b"", pointer(FIRST, 3000), pointer(SECOND, 3000), pointer(FIRST, 0)]),
            st.binary(max_size=3),
        ),
        max_size=30,
    )
)  # fmt: skip
def test_whatever_is_sent_data_are_told_whole_or_counted(
    sent: list[tuple[int, int, int, bytes, bytes]],
) -> None:
    """Octets of AdvData that are told, and pieces that are counted, never come to more than what was heard."""
    air = Air()
    pieces, adverts, numbers = 0, 0, []
    for time_us, channel, flags, where, ad in sent:
        fields = (AIR_ADDRESS if flags & 1 else b"") + (ADI if flags & 8 else b"") + where
        octets = pdu(flags | (0x10 if where else 0), fields, b"" if channel == PRIMARY else ad)
        for each in air.hear(time_us, channel, octets):
            assert isinstance(each, Advert)
            adverts += 1
            numbers.append(each.number)
        pieces += 1
    assert numbers == sorted(set(numbers))
    assert adverts + sum(count for _, count in air.decoder.missing.values()) <= pieces
