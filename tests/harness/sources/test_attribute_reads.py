"""Requests and answers of ATT: values whole and in parts, and the services and characteristics they are of."""

from __future__ import annotations

import struct
from collections.abc import Callable

import pytest

from bluezone_harness.observations import GattRead
from bluezone_harness.sources.attribute_reads import MOST_HANDLES
from bluezone_harness.sources.hci import HciDecoder
from bluezone_harness.sources.packets import Unread

pytestmark = pytest.mark.req("BZ-GAT-001", "BZ-GAT-003")

START_US = 1_596_866_191_387_000
ID = bytes.fromhex("b9a665d754fe65e665d76a45")
SERVICE = "89a607ad-df2a-d117-a67f-d473564e0000"
CHARACTERISTIC = "89a607ad-df2a-d117-a67f-d473564e0001"
SENT, RECEIVED = 0, 2
"""Of an ACL data packet that begins something: as the host begins it, and as the controller does."""
Write = Callable[..., bytes]
SentUuid = Callable[[str], bytes]
Packets = list[bytes]
Exchange = Callable[..., list[bytes]]
Play = Callable[..., tuple[list[GattRead], list[Unread], HciDecoder]]


def short(number: int) -> str:
    return f"0000{number:04x}-0000-1000-8000-00805f9b34fb"


@pytest.fixture(scope="session")
def discovery(asks: Write, answers: Write, sent_uuid: SentUuid) -> Packets:
    """Return how a host finds the service and the characteristic of a phone."""
    return [
        asks("10 0100 ffff 0028"),
        answers("11 06", struct.pack("<HHHHHH", 1, 9, 0x1800, 10, 19, 0x1801)),
        asks("10 1400 ffff 0028"),
        answers("11 14", struct.pack("<HH", 40, 50) + sent_uuid(SERVICE)),
        asks("10 3300 ffff 0028"),
        answers("01 10 3300 0a"),
        asks("08 2800 3200 0328"),
        answers("09 15", struct.pack("<HBH", 41, 2, 42) + sent_uuid(CHARACTERISTIC)),
    ]


@pytest.fixture(scope="session")
def exchange(acl: Write, l2cap: Write) -> Exchange:
    """Return a function from lines to packets: the host's ``>``, the phone's ``<``; then a channel, if not ATT's."""

    def write(*lines: str) -> Packets:
        packets = []
        for line in lines:
            who, _, octets = line.partition(" ")
            channel = int(who[1:] or 4)
            packets.append(acl(l2cap(bytes.fromhex(octets), channel), SENT if who[0] == ">" else RECEIVED))
        return packets

    return write


@pytest.mark.parametrize(
    "said",
    [
        [],
        ["< 1b 0300" + ID.hex()],  # a notification
        ["> 52 0300" + ID.hex()],  # a command
        ["< 0a 0300", "> 0b 000000000000000000000000"],  # what the phone reads of the host
        ["< 01 0a 2a00 01"],
        ["< 01 0c 2a00 01", "< 0b" + ID.hex()],
        ["< 0d 000000000000000000000000"],
        ["< "],
        ["> 0a 0300", "< 0b 000000000000000000000000"],
        ["<6 0b 000000000000000000000000"],  # another channel
    ],
)
def test_only_the_answer_to_the_request(
    connected: Write,
    asks: Write,
    answers: Write,
    exchange: Exchange,
    read_id: Packets,
    play: Play,
    said: list[str],
) -> None:
    between = exchange(*said)
    reads, unread, _ = play([connected(), read_id[0], *between, read_id[1]])
    values = [each.value for each in reads]
    first = between[0][9:10] if between else b""
    if first in (b"\x01", b"\x0d"):
        assert values == []
    elif between and between[-1] == answers("0b", bytes(12)):
        assert values == [bytes(12)]
    else:
        assert values == [ID]
    assert not unread


def test_a_value_that_goes_on(
    connected: Write, disconnected: Write, asks: Write, answers: Write, discovery: Packets, play: Play
) -> None:
    value = bytes(range(60))
    begin = [connected(), *discovery, asks("0a 2a00"), answers("0b", value[:22])]
    more = [asks("0c 2a00 1600"), answers("0d", value[22:44])]
    last = [asks("0c 2a00 2c00"), answers("0d", value[44:])]
    (read,), _, _ = play([*begin, *more, *last])
    assert (read.value, read.characteristic, read.number) == (value, CHARACTERISTIC, len(begin) + 4)
    # it did not go on
    for end in (disconnected(), asks("0a 0300"), asks("0c 2a00 0100")):
        (read,), _, _ = play([*begin, end])
        assert (read.value, read.number, read.time_us) == (value[:22], len(begin), START_US + len(begin))
    assert play(begin)[0] == []
    # there was no more of it, or it could not be read
    for code, expected in (("07", [value[:22]]), ("0b", [value[:22]]), ("05", [])):
        reads, _, _ = play([*begin, asks("0c 2a00 1600"), answers("01 0c 2a00" + code)])
        assert [each.value for each in reads] == expected
    (read,), _, _ = play([*begin, asks("0c 2a00 1600"), answers("0d")])
    assert read.value == value[:22]
    # from its middle on
    assert not play([connected(), *last])[0]
    (read,), _, _ = play([connected(), asks("0c 2a00 0000"), answers("0d", ID)])
    assert read.value == ID


def test_no_value_is_longer_than_an_attribute(
    connected: Write, disconnected: Write, asks: Write, answers: Write, play: Play
) -> None:
    packets = [connected(), asks("0a 2a00"), answers("0b", bytes(22))]
    for number in range(1, 40):
        packets += [asks("0c 2a00", struct.pack("<H", number * 22)), answers("0d", bytes(22))]
    assert not play([*packets, disconnected()])[0]
    whole = [connected(), asks("02 0102"), answers("03 0102"), asks("0a 2a00"), answers("0b", bytes(512))]
    (read,), _, _ = play(whole)
    assert read.value == bytes(512)


@pytest.mark.parametrize(
    ("said", "mtu"),
    [
        ([], 23),
        (["> 02 0500", "< 03 0500"], 23),
        (["> 02 0502", "< 03 b900"], 185),
        (["< 02 b900", "> 03 0502"], 185),
        (["> 02 0502", "< 01 02 0000 06"], 23),
        (["> 02 0502", "< 03 b9"], 23),
        (["> 02 05", "< 03 b900"], 23),
    ],
)
def test_how_long_an_answer_may_be(
    connected: Write, asks: Write, answers: Write, exchange: Exchange, play: Play, said: list[str], mtu: int
) -> None:
    for length, told in ((mtu - 2, True), (mtu - 1, False)):
        reads, _, _ = play([connected(), *exchange(*said), asks("0a 2a00"), answers("0b", bytes(length))])
        assert bool(reads) is told


def test_services_and_characteristics_of_every_form(
    sent_uuid: SentUuid,
    connected: Write,
    asks: Write,
    answers: Write,
    discovery: Packets,
    read_id: Packets,
    play: Play,
) -> None:
    by_value = [asks("06 0100 ffff 0028", sent_uuid(SERVICE)), answers("07", struct.pack("<HH", 40, 50))]
    ((one),), _, _ = play([connected(), *by_value, *read_id])
    assert (one.service, one.characteristic) == (SERVICE, "")
    by_value = [asks("06 0100 ffff 0028 0f18"), answers("07", struct.pack("<HHHH", 1, 5, 40, 50))]
    ((one),), _, _ = play([connected(), *by_value, *read_id])
    assert one.service == short(0x180F)
    secondary = [asks("10 0100 ffff 0128"), answers("11 06", struct.pack("<HHH", 40, 50, 0x180F))]
    ((one),), _, _ = play([connected(), *secondary, *read_id])
    assert one.service == short(0x180F)
    # two services that hold one handle: nobody knows which
    ((one),), _, _ = play([connected(), *discovery, *secondary[:1], answers("11 06 290032000f18"), *read_id])
    assert one.service == ""
    characteristics = [asks("08 0100 ffff 0328"), answers("09 07", struct.pack("<HBHH", 41, 2, 42, 0x2A19))]
    ((one),), _, _ = play([connected(), *characteristics, *read_id])
    assert (one.service, one.characteristic) == ("", short(0x2A19))
    # the server says that they are others now
    changed = [asks("08 0100 ffff 0328"), answers("09 07", struct.pack("<HBHH", 11, 2, 12, 0x2A05))]
    ((one),), _, _ = play([connected(), *discovery, *changed, answers("1d 0c00 0100ffff"), *read_id])
    assert (one.service, one.characteristic) == ("", "")
    ((one),), _, _ = play([connected(), *discovery, *changed, answers("1d 0d00 0100ffff"), *read_id])
    assert (one.service, one.characteristic) == (SERVICE, CHARACTERISTIC)


def test_values_read_by_their_uuid(
    sent_uuid: SentUuid, connected: Write, asks: Write, answers: Write, discovery: Packets, play: Play
) -> None:
    by_uuid = [asks("08 0100 ffff", sent_uuid(CHARACTERISTIC)), answers("09 0e 2a00", ID)]
    (read,), _, _ = play([connected(), *discovery, *by_uuid])
    assert (read.service, read.characteristic, read.value) == (SERVICE, CHARACTERISTIC, ID)
    several = [asks("08 0100 ffff 192a"), answers("09 03 0500 40 0900 41")]
    reads, _, _ = play([connected(), *several])
    assert [(each.characteristic, each.value) for each in reads] == [
        (short(0x2A19), b"\x40"),
        (short(0x2A19), b"\x41"),
    ]
    # 19 octets fill the answer: they may be the first of more
    full = [asks("08 0100 ffff", sent_uuid(CHARACTERISTIC)), answers("09 15 2a00", bytes(19))]
    assert not play([connected(), *full])[0]
    ((read),), _, _ = play([connected(), *full, asks("0c 2a00 1300"), answers("0d 07")])
    assert (read.value, read.characteristic) == (bytes(19) + b"\x07", CHARACTERISTIC)


def test_what_is_no_value_of_a_characteristic(
    connected: Write, asks: Write, answers: Write, discovery: Packets, play: Play
) -> None:
    declaration = [asks("0a 2900"), answers("0b", ID)]
    assert not play([connected(), *discovery, *declaration])[0]
    descriptors = [asks("04 2900 3200"), answers("05 01", struct.pack("<HH", 43, 0x2902))]
    assert not play([connected(), *descriptors, asks("0a 2b00"), answers("0b", ID)])[0]
    for kind in ("0028", "0328", "0229", "ff29"):
        assert not play([connected(), asks("08 0100 ffff", bytes.fromhex(kind)), answers("09 0e 2a00", ID)])[
            0
        ]


@pytest.mark.parametrize(
    "said",
    [
        ["> 08 0100 ffff 0328", "< 09"],
        ["> 08 0100 ffff 0328", "< 09 00"],
        ["> 08 0100 ffff 0328", "< 09 01 00"],
        ["> 08 0100 ffff 0328", "< 09 07 2900 02 2a00 19"],
        ["> 08 0100 ffff 0328", "< 09 06 2900 02 2a00 19"],
        ["> 08 0100 ffff 03", "< 09 07 2900 02 2a00 192a"],
        ["> 10 0100 ffff 0028", "< 11 05 2800 3200 19"],
        ["> 10 0100 ffff 0228", "< 11 06 2800 3200 192a"],
        ["> 06 0100 ffff 0028 0f", "< 07 2800 3200"],
        ["> 06 0100 ffff 0028 0f18", "< 07 2800 32"],
        ["> 06 0100 ffff 0228 0f18", "< 07 2800 3200"],
        ["> 04 0100 ffff", "< 05 02 2a00 0229"],
        ["> 04 0100 ffff", "< 05 01 2a00 02"],
        ["> 04 0100 ffff", "< 05"],
    ],
)
def test_discovery_that_cannot_be_read_names_nothing(
    connected: Write, exchange: Exchange, read_id: Packets, play: Play, said: list[str]
) -> None:
    (read,), _, _ = play([connected(), *exchange(*said), *read_id])
    assert (read.service, read.characteristic, read.value) == ("", "", ID)


@pytest.mark.parametrize("text", ["0a", "0a 2a", "0a 2a00 00"])
def test_a_read_that_cannot_be_read(
    connected: Write, asks: Write, answers: Write, read_id: Packets, play: Play, text: str
) -> None:
    assert not play([connected(), asks(text), read_id[1]])[0]
    assert not play([connected(), asks(text.replace("0a", "0c", 1)), answers("0d", ID)])[0]


def test_many_handles_take_no_more_memory(connected: Write, asks: Write, answers: Write, play: Play) -> None:
    packets = [connected(), asks("02 ffff"), answers("03 ffff")]
    for start in range(1, 60_000, 1000):
        handles = range(start, start + 1000)
        packets += [
            asks("08 0100 ffff 0328"),
            answers("09 07", b"".join(struct.pack("<HBHH", each, 2, each, each) for each in handles)),
            asks("10 0100 ffff 0028"),
            answers("11 06", b"".join(struct.pack("<HHH", each, each, each) for each in handles)),
        ]
    _, _, decoder = play(packets)
    (connection,) = decoder._connections._open.values()
    reads = connection.reads
    assert len(reads._characteristics) == len(reads._services) == len(reads._no_values) == MOST_HANDLES
