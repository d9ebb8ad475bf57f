"""What a host reads from phones: connections, pieces of L2CAP and ATT, by hand, by scapy, and as tshark sees them."""

from __future__ import annotations

import struct
import warnings
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from subprocess import run

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_harness.observations import (
    AddressType,
    Capability,
    Extent,
    GattRead,
    Observation,
    Source,
)
from bluezone_harness.sources.attribute_reads import MOST_HANDLES
from bluezone_harness.sources.connections import MOST_CONNECTIONS
from bluezone_harness.sources.hci import HciDecoder
from bluezone_harness.sources.packets import Unread

with warnings.catch_warnings():
    # scapy imports old ciphers, of which cryptography warns
    warnings.simplefilter("ignore")
    from scapy.layers import bluetooth as hci
    from scapy.packet import Packet

pytestmark = pytest.mark.req("BZ-GAT-001", "BZ-GAT-003")

START_US = 1_596_866_191_387_000
ADDRESS = bytes.fromhex("5a 0000000001")
ID = bytes.fromhex("b9a665d754fe65e665d76a45")
SERVICE = "89a607ad-df2a-d117-a67f-d473564e0000"
CHARACTERISTIC = "89a607ad-df2a-d117-a67f-d473564e0001"
HANDLE = 0x0040
SENT, RECEIVED = 0, 2
"""Of an ACL data packet that begins something: as the host begins it, and as the controller does."""


def uuid(text: str) -> bytes:
    """Return a UUID as it is sent."""
    return bytes.fromhex(text.replace("-", ""))[::-1]


def short(number: int) -> str:
    return f"0000{number:04x}-0000-1000-8000-00805f9b34fb"


def connected(
    address: bytes = ADDRESS, handle: int = HANDLE, kind: int = 1, status: int = 0, subevent: int = 1
) -> bytes:
    body = struct.pack("<BHBB", status, handle, 0, kind) + address[::-1]
    body += {0x01: b"", 0x0A: bytes(12), 0x29: bytes(12)}[subevent]
    body += struct.pack("<HHHB", 24, 0, 42, 0) + (b"\xff\xff\xff" if subevent == 0x29 else b"")
    return bytes([4, 0x3E, len(body) + 1, subevent]) + body


def disconnected(handle: int = HANDLE, status: int = 0) -> bytes:
    return struct.pack("<BBBBHB", 4, 5, 4, status, handle, 0x16)


def acl(piece: bytes, boundary: int, handle: int = HANDLE, broadcast: int = 0) -> bytes:
    return struct.pack("<BHH", 2, handle | boundary << 12 | broadcast << 14, len(piece)) + piece


def l2cap(packet: bytes, channel: int = 4) -> bytes:
    return struct.pack("<HH", len(packet), channel) + packet


def asks(text: str, rest: bytes = b"", handle: int = HANDLE) -> bytes:
    """Return an ATT packet of the host."""
    return acl(l2cap(bytes.fromhex(text) + rest), SENT, handle)


def answers(text: str, rest: bytes = b"", handle: int = HANDLE) -> bytes:
    """Return an ATT packet of the phone."""
    return acl(l2cap(bytes.fromhex(text) + rest), RECEIVED, handle)


def play(
    packets: Iterable[bytes], decoder: HciDecoder | None = None
) -> tuple[list[GattRead], list[Unread], HciDecoder]:
    decoder = decoder or HciDecoder()
    reads: list[GattRead] = []
    unread: list[Unread] = []
    for number, packet in enumerate(packets, start=1):
        for each in decoder.decode(number, START_US + number, "phone", packet):
            if isinstance(each, Unread):
                unread.append(each)
            else:
                assert isinstance(each, GattRead)
                reads.append(each)
    return reads, unread, decoder


DISCOVERY = [
    asks("10 0100 ffff 0028"),
    answers("11 06", struct.pack("<HHHHHH", 1, 9, 0x1800, 10, 19, 0x1801)),
    asks("10 1400 ffff 0028"),
    answers("11 14", struct.pack("<HH", 40, 50) + uuid(SERVICE)),
    asks("10 3300 ffff 0028"),
    answers("01 10 3300 0a"),
    asks("08 2800 3200 0328"),
    answers("09 15", struct.pack("<HBH", 41, 2, 42) + uuid(CHARACTERISTIC)),
]
READ = [asks("0a 2a00"), answers("0b", ID)]


def test_the_id_of_an_iphone_octet_by_octet() -> None:
    packets = [
        "04 3e 13 01 00 4000 00 01 0100000000 5a 1800 0000 2a00 00",
        "02 4000 0b00 0700 0400 10 2800 ffff 0028",
        "02 4020 1a00 1600 0400 11 14 2800 3200 00004e5673d47fa617d12adfad07a689",
        "02 4000 0b00 0700 0400 08 2800 3200 0328",
        "02 4020 1b00 1700 0400 09 15 2900 02 2a00 01004e5673d47fa617d12adfad07a689",
        "02 4000 0700 0300 0400 0a 2a00",
        "02 4020 1100 0d00 0400 0b b9a665d754fe65e665d76a45",
    ]
    reads, unread, decoder = play(map(bytes.fromhex, packets))
    assert reads == [
        GattRead(7, START_US + 7, "phone", ADDRESS, AddressType.RESOLVABLE, SERVICE, CHARACTERISTIC, ID)
    ]
    assert not unread
    assert decoder.capabilities[Capability.GATT] is Extent.YES


def test_without_discovery_the_uuids_are_not_known() -> None:
    reads, _, _ = play([connected(), *READ])
    assert [(each.service, each.characteristic, each.value) for each in reads] == [("", "", ID)]


@pytest.mark.parametrize("subevent", [0x01, 0x0A, 0x29])
@pytest.mark.parametrize(
    ("kind", "address", "expected"),
    [
        (0, "5a0000000001", AddressType.PUBLIC),
        (1, "c00000000001", AddressType.STATIC),
        (2, "5a0000000001", AddressType.PUBLIC_IDENTITY),
        (3, "c00000000001", AddressType.RANDOM_IDENTITY),
    ],
)
def test_with_whom(subevent: int, kind: int, address: str, expected: AddressType) -> None:
    octets = bytes.fromhex(address)
    (read,), _, _ = play([connected(octets, kind=kind, subevent=subevent), *READ])
    assert (read.address, read.address_type) == (octets, expected)


def test_only_connections_that_are_open() -> None:
    assert not play([connected(status=1), *READ])[0]
    assert not play([connected(), disconnected(), *READ])[0]
    assert not play([connected(), bytes.fromhex("01 030c 00"), *READ])[0]  # reset
    assert play([connected(), disconnected(status=1), *READ])[0]
    assert play([connected(), disconnected(0x41), *READ])[0]
    other = bytes.fromhex("5b 0000000002")
    (read,), _, _ = play([connected(), READ[0], connected(other), READ[1], *READ])
    assert read.address == other
    assert read.number == 6


def test_capability_is_that_of_what_was_captured() -> None:
    _, _, decoder = play([connected(), disconnected()])
    assert Capability.GATT not in decoder.capabilities
    # of a connection that began before the capture did
    _, _, decoder = play(READ)
    assert decoder.capabilities[Capability.GATT] is Extent.PARTIAL
    # of BR/EDR
    _, _, decoder = play([acl(l2cap(b"audio", 0x41), 2)])
    assert decoder.capabilities[Capability.GATT] is Extent.YES
    # data that were left out, as phones do on request
    reads, unread, decoder = play([connected(), READ[0], READ[1][:-1], READ[1]])
    assert (reads, unread) == ([], [])
    assert decoder.capabilities[Capability.GATT] is Extent.PARTIAL


@given(cuts=st.lists(st.integers(1, 40), max_size=6), interleaved=st.booleans())
def test_pieces_are_joined(cuts: list[int], interleaved: bool) -> None:
    def pieces(packet: bytes, boundary: int) -> list[bytes]:
        octets = packet[5:]
        places = [0, *sorted({cut for cut in cuts if cut < len(octets)}), len(octets)]
        parts = [octets[a:b] for a, b in pairwise(places)]
        return [acl(part, 1 if index else boundary) for index, part in enumerate(parts)]

    response = pieces(READ[1], RECEIVED)
    if interleaved:
        # what the phone asks the host is no affair of what the host asks the phone
        response = [each for piece in response for each in (asks("1b 0100", b"x"), piece)]
    reads, unread, _ = play([connected(), *pieces(READ[0], SENT), *response])
    assert [each.value for each in reads] == [ID]
    assert not unread


def test_pieces_of_both_directions_need_a_direction() -> None:
    one = acl(l2cap(b"\x0b" + ID)[:9], RECEIVED)
    two = acl(l2cap(b"\x52\x01\x00")[:5], SENT)
    rest = [(1, acl(l2cap(b"\x0b" + ID)[9:], 1)), (0, acl(l2cap(b"\x52\x01\x00")[5:], 1))]
    assert not play([connected(), READ[0], one, two, *(each for _, each in rest)])[0]
    decoder = HciDecoder(4)
    directed = [(1, connected()), (0, READ[0]), (1, one), (0, two), *rest]
    reads, _, _ = play([bytes([0, 0, 0, received]) + each for received, each in directed], decoder)
    assert [each.value for each in reads] == [ID]


def test_a_piece_that_was_lost_is_not_made_up() -> None:
    first, second = READ[1][5:14], READ[1][14:]
    begin, go_on = acl(first, RECEIVED), acl(second, 1)
    assert play([connected(), READ[0], begin, go_on])[0]
    assert not play([connected(), READ[0], go_on])[0]
    assert not play([connected(), READ[0], go_on, READ[1]])[0]
    assert not play([connected(), READ[0], begin, READ[1], go_on])[0]
    reads, unread, _ = play([connected(), READ[0], begin, acl(second + b"x", 1), READ[1]])
    assert (reads, unread) == ([], [Unread.MALFORMED])
    assert not play([connected(), READ[0], acl(first, 3), go_on])[0]
    assert not play([connected(), READ[0], acl(READ[1][5:], RECEIVED, broadcast=1)])[0]


def test_malformed() -> None:
    for text in ("02", "02 4000", "02 4000 00", "02 4000 0100 0000"):
        assert play([bytes.fromhex(text)])[1] == [Unread.MALFORMED]
    # what was asked is forgotten: the answer may be that of another request
    assert not play([connected(), READ[0], b"\x02\x40", READ[1]])[0]
    assert not play([connected(), READ[0], READ[0] + b"x", READ[1]])[0]


@pytest.mark.parametrize(
    "between",
    [
        [],
        [answers("1b 0300", ID)],  # a notification
        [asks("52 0300", ID)],  # a command
        [answers("0a 0300"), asks("0b", bytes(12))],  # what the phone reads of the host
        [answers("01 0a 2a00 01")],
        [answers("01 0c 2a00 01"), answers("0b", ID)],
        [answers("0d", bytes(12))],
        [answers("")],
        [asks("0a 0300"), answers("0b", bytes(12))],
        [acl(l2cap(b"\x0b" + bytes(12), 6), RECEIVED)],  # another channel
    ],
)
def test_only_the_answer_to_the_request(between: list[bytes]) -> None:
    reads, unread, _ = play([connected(), READ[0], *between, READ[1]])
    values = [each.value for each in reads]
    first = between[0][9:10] if between else b""
    if first in (b"\x01", b"\x0d"):
        assert values == []
    elif between and between[-1] == answers("0b", bytes(12)):
        assert values == [bytes(12)]
    else:
        assert values == [ID]
    assert not unread


def test_a_value_that_goes_on() -> None:
    value = bytes(range(60))
    begin = [connected(), *DISCOVERY, asks("0a 2a00"), answers("0b", value[:22])]
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


def test_no_value_is_longer_than_an_attribute() -> None:
    packets = [connected(), asks("0a 2a00"), answers("0b", bytes(22))]
    for number in range(1, 40):
        packets += [asks("0c 2a00", struct.pack("<H", number * 22)), answers("0d", bytes(22))]
    assert not play([*packets, disconnected()])[0]
    whole = [connected(), asks("02 0102"), answers("03 0102"), asks("0a 2a00"), answers("0b", bytes(512))]
    (read,), _, _ = play(whole)
    assert read.value == bytes(512)


@pytest.mark.parametrize(
    ("exchange", "mtu"),
    [
        ([], 23),
        ([asks("02 0500"), answers("03 0500")], 23),
        ([asks("02 0502"), answers("03 b900")], 185),
        ([answers("02 b900"), asks("03 0502")], 185),
        ([asks("02 0502"), answers("01 02 0000 06")], 23),
        ([asks("02 0502"), answers("03 b9")], 23),
        ([asks("02 05"), answers("03 b900")], 23),
    ],
)
def test_how_long_an_answer_may_be(exchange: list[bytes], mtu: int) -> None:
    for length, told in ((mtu - 2, True), (mtu - 1, False)):
        reads, _, _ = play([connected(), *exchange, asks("0a 2a00"), answers("0b", bytes(length))])
        assert bool(reads) is told


def test_services_and_characteristics_of_every_form() -> None:
    read = READ
    by_value = [asks("06 0100 ffff 0028", uuid(SERVICE)), answers("07", struct.pack("<HH", 40, 50))]
    ((one),), _, _ = play([connected(), *by_value, *read])
    assert (one.service, one.characteristic) == (SERVICE, "")
    by_value = [asks("06 0100 ffff 0028 0f18"), answers("07", struct.pack("<HHHH", 1, 5, 40, 50))]
    ((one),), _, _ = play([connected(), *by_value, *read])
    assert one.service == short(0x180F)
    secondary = [asks("10 0100 ffff 0128"), answers("11 06", struct.pack("<HHH", 40, 50, 0x180F))]
    ((one),), _, _ = play([connected(), *secondary, *read])
    assert one.service == short(0x180F)
    # two services that hold one handle: nobody knows which
    ((one),), _, _ = play([connected(), *DISCOVERY, *secondary[:1], answers("11 06 290032000f18"), *read])
    assert one.service == ""
    characteristics = [asks("08 0100 ffff 0328"), answers("09 07", struct.pack("<HBHH", 41, 2, 42, 0x2A19))]
    ((one),), _, _ = play([connected(), *characteristics, *read])
    assert (one.service, one.characteristic) == ("", short(0x2A19))
    # the server says that they are others now
    changed = [asks("08 0100 ffff 0328"), answers("09 07", struct.pack("<HBHH", 11, 2, 12, 0x2A05))]
    ((one),), _, _ = play([connected(), *DISCOVERY, *changed, answers("1d 0c00 0100ffff"), *read])
    assert (one.service, one.characteristic) == ("", "")
    ((one),), _, _ = play([connected(), *DISCOVERY, *changed, answers("1d 0d00 0100ffff"), *read])
    assert (one.service, one.characteristic) == (SERVICE, CHARACTERISTIC)


def test_values_read_by_their_uuid() -> None:
    by_uuid = [asks("08 0100 ffff", uuid(CHARACTERISTIC)), answers("09 0e 2a00", ID)]
    (read,), _, _ = play([connected(), *DISCOVERY, *by_uuid])
    assert (read.service, read.characteristic, read.value) == (SERVICE, CHARACTERISTIC, ID)
    several = [asks("08 0100 ffff 192a"), answers("09 03 0500 40 0900 41")]
    reads, _, _ = play([connected(), *several])
    assert [(each.characteristic, each.value) for each in reads] == [
        (short(0x2A19), b"\x40"),
        (short(0x2A19), b"\x41"),
    ]
    # 19 octets fill the answer: they may be the first of more
    full = [asks("08 0100 ffff", uuid(CHARACTERISTIC)), answers("09 15 2a00", bytes(19))]
    assert not play([connected(), *full])[0]
    ((read),), _, _ = play([connected(), *full, asks("0c 2a00 1300"), answers("0d 07")])
    assert (read.value, read.characteristic) == (bytes(19) + b"\x07", CHARACTERISTIC)


def test_what_is_no_value_of_a_characteristic() -> None:
    declaration = [asks("0a 2900"), answers("0b", ID)]
    assert not play([connected(), *DISCOVERY, *declaration])[0]
    descriptors = [asks("04 2900 3200"), answers("05 01", struct.pack("<HH", 43, 0x2902))]
    assert not play([connected(), *descriptors, asks("0a 2b00"), answers("0b", ID)])[0]
    for kind in ("0028", "0328", "0229", "ff29"):
        assert not play([connected(), asks("08 0100 ffff", bytes.fromhex(kind)), answers("09 0e 2a00", ID)])[
            0
        ]


@pytest.mark.parametrize(
    "discovered",
    [
        [asks("08 0100 ffff 0328"), answers("09")],
        [asks("08 0100 ffff 0328"), answers("09 00")],
        [asks("08 0100 ffff 0328"), answers("09 01 00")],
        [asks("08 0100 ffff 0328"), answers("09 07 2900 02 2a00 19")],
        [asks("08 0100 ffff 0328"), answers("09 06 2900 02 2a00 19")],
        [asks("08 0100 ffff 03"), answers("09 07 2900 02 2a00 192a")],
        [asks("10 0100 ffff 0028"), answers("11 05 2800 3200 19")],
        [asks("10 0100 ffff 0228"), answers("11 06 2800 3200 192a")],
        [asks("06 0100 ffff 0028 0f"), answers("07 2800 3200")],
        [asks("06 0100 ffff 0028 0f18"), answers("07 2800 32")],
        [asks("06 0100 ffff 0228 0f18"), answers("07 2800 3200")],
        [asks("04 0100 ffff"), answers("05 02 2a00 0229")],
        [asks("04 0100 ffff"), answers("05 01 2a00 02")],
        [asks("04 0100 ffff"), answers("05")],
    ],
)
def test_discovery_that_cannot_be_read_names_nothing(discovered: Sequence[bytes]) -> None:
    (read,), _, _ = play([connected(), *discovered, *READ])
    assert (read.service, read.characteristic, read.value) == ("", "", ID)


@pytest.mark.parametrize("text", ["0a", "0a 2a", "0a 2a00 00"])
def test_a_read_that_cannot_be_read(text: str) -> None:
    assert not play([connected(), asks(text), READ[1]])[0]
    assert not play([connected(), asks(text.replace("0a", "0c", 1)), answers("0d", ID)])[0]


def test_many_connections_take_no_more_memory() -> None:
    packets = [connected(handle=handle) for handle in range(200)]
    _, _, decoder = play(packets)
    assert len(decoder._connections._open) == MOST_CONNECTIONS
    for handle, there in ((0, False), (200 - MOST_CONNECTIONS - 1, False), (200 - MOST_CONNECTIONS, True)):
        reads, _, _ = play([asks("0a 2a00", handle=handle), answers("0b", ID, handle=handle)], decoder)
        assert bool(reads) is there
    assert decoder.capabilities[Capability.GATT] is Extent.PARTIAL


def test_many_handles_take_no_more_memory() -> None:
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


@given(
    st.lists(
        st.tuples(
            st.sampled_from([SENT, 1, RECEIVED]),
            st.sampled_from([0, *range(0x01, 0x14), 0x1B, 0x1D, 0x1E, 0x52]),
            st.binary(max_size=30),
            st.integers(0, 12),
        ),
        max_size=30,
    )
)
def test_whatever_comes_no_value_is_made_up(packets: list[tuple[int, int, bytes, int]]) -> None:
    sent = [
        acl(l2cap(bytes([kind]) + rest)[: -cut or None], boundary) for boundary, kind, rest, cut in packets
    ]
    reads, _, _ = play([connected(), *sent, disconnected()])
    heard = b"".join(packet[5:] for packet in sent)
    for read in reads:
        assert read.address == ADDRESS
        assert len(read.value) > 100 or read.value[:8] in heard


def scapys(handle: int, received: bool, packet: Packet) -> bytes:
    """Return an ATT packet in H4 by scapy."""
    layers = hci.HCI_Hdr(type=2) / hci.HCI_ACL_Hdr(connection_handle=handle, PB=2 if received else 0, BC=0)
    return bytes(layers / hci.L2CAP_Hdr(cid=4) / hci.ATT_Hdr() / packet)


def test_as_tshark_and_scapy_see_it(
    tool: Callable[[str], Path],
    tmp_path: Path,
    btsnoop: Callable[..., bytes],
    read: Callable[..., tuple[Source, list[Observation]]],
) -> None:
    packets: list[bytes] = []
    expected = []
    for number in range(1, 21):
        address = bytes([0x40 + number, 1, 2, 3, 4, number])
        event = hci.HCI_LE_Meta_Connection_Complete(
            connection_handle=number, peer_addr_type=1, peer_addr=address.hex(":")
        )
        packets.append(bytes(hci.HCI_Hdr(type=4) / hci.HCI_Event_Hdr() / hci.HCI_Event_LE_Meta() / event))
        characteristic = struct.pack("<HBH", 41, 2, 42) + uuid(CHARACTERISTIC)
        value = bytes([number]) * 12
        exchange = [
            (0, hci.ATT_Read_By_Group_Type_Request(start=1, end=0xFFFF, uuid=0x2800)),
            (
                1,
                hci.ATT_Read_By_Group_Type_Response(
                    len=20,
                    handles=[
                        hci.ATT_Group_Handle_Variable(handle=40, group_end_handle=50, value=uuid(SERVICE))
                    ],
                ),
            ),
            (0, hci.ATT_Read_By_Type_Request(start=40, end=50, uuid=0x2803)),
            (
                1,
                hci.ATT_Read_By_Type_Response(
                    len=21,
                    handles=[hci.ATT_Handle_Variable(handle=41, value=characteristic[2:])],
                ),
            ),
            (0, hci.ATT_Read_Request(gatt_handle=42)),
            (1, hci.ATT_Read_Response(value=value)),
        ]
        packets += [scapys(number, bool(received), packet) for received, packet in exchange]
        expected.append((len(packets), address.hex(":"), value.hex(), 42))
        packets.append(
            bytes(
                hci.HCI_Hdr(type=4)
                / hci.HCI_Event_Hdr()
                / hci.HCI_Event_Disconnection_Complete(connection_handle=number)
            )
        )
    octets = bytearray(btsnoop([(START_US + each, packet) for each, packet in enumerate(packets)]))
    at = 16
    for packet in packets:  # the direction of data
        octets[at + 11] = int(packet[0] == 4 or (packet[0] == 2 and packet[2] >> 4 == 2))
        at += 24 + len(packet)
    path = tmp_path / "host.btsnoop"
    path.write_bytes(octets)
    command = [str(tool("tshark")), "-r", str(path), "-T", "fields", "-Y", "btatt.opcode == 0x0b"]
    for field in (
        "frame.number",
        "bthci_acl.src.bd_addr",
        "btatt.value",
        "btatt.handle",
        "btatt.service_uuid128",
    ):
        command += ["-e", field]
    lines = run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    theirs = []
    for line in lines:
        number_text, address_text, value_text, handle, service = line.split("\t")
        assert service.replace(":", "") in (SERVICE.replace("-", ""), "")
        row = (int(number_text), address_text, value_text.replace(":", ""), int(handle, 0))
        theirs.append(row)
    source, found = read(bytes(octets))
    ours = [
        (each.number, each.address.hex(":"), each.value.hex(), 42)
        for each in found
        if isinstance(each, GattRead)
        and each.address
        and (each.service, each.characteristic) == (SERVICE, CHARACTERISTIC)
    ]
    assert ours == expected
    assert ours == theirs
    assert not source.diagnostics
