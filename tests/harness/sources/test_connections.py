"""What a host reads from phones: connections and pieces of L2CAP, by hand, by scapy, and as tshark sees them."""

from __future__ import annotations

import struct
import warnings
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

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
SENT, RECEIVED = 0, 2
"""Of an ACL data packet that begins something: as the host begins it, and as the controller does."""
Write = Callable[..., bytes]
SentUuid = Callable[[str], bytes]
Packets = list[bytes]
Play = Callable[..., tuple[list[GattRead], list[Unread], HciDecoder]]


def test_the_id_of_an_iphone_octet_by_octet(play: Play) -> None:
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


def test_without_discovery_the_uuids_are_not_known(connected: Write, read_id: Packets, play: Play) -> None:
    reads, _, _ = play([connected(), *read_id])
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
def test_with_whom(
    connected: Write,
    read_id: Packets,
    play: Play,
    subevent: int,
    kind: int,
    address: str,
    expected: AddressType,
) -> None:
    octets = bytes.fromhex(address)
    (read,), _, _ = play([connected(octets, kind=kind, subevent=subevent), *read_id])
    assert (read.address, read.address_type) == (octets, expected)


def test_only_connections_that_are_open(
    connected: Write, disconnected: Write, read_id: Packets, play: Play
) -> None:
    assert not play([connected(status=1), *read_id])[0]
    assert not play([connected(), disconnected(), *read_id])[0]
    assert not play([connected(), bytes.fromhex("01 030c 00"), *read_id])[0]  # reset
    assert play([connected(), disconnected(status=1), *read_id])[0]
    assert play([connected(), disconnected(0x41), *read_id])[0]
    other = bytes.fromhex("5b 0000000002")
    (read,), _, _ = play([connected(), read_id[0], connected(other), read_id[1], *read_id])
    assert read.address == other
    assert read.number == 6


def test_capability_is_that_of_what_was_captured(
    connected: Write, disconnected: Write, acl: Write, l2cap: Write, read_id: Packets, play: Play
) -> None:
    _, _, decoder = play([connected(), disconnected()])
    assert Capability.GATT not in decoder.capabilities
    # of a connection that began before the capture did
    _, _, decoder = play(read_id)
    assert decoder.capabilities[Capability.GATT] is Extent.PARTIAL
    # of BR/EDR
    _, _, decoder = play([acl(l2cap(b"audio", 0x41), 2)])
    assert decoder.capabilities[Capability.GATT] is Extent.YES
    # data that were left out, as phones do on request
    reads, unread, decoder = play([connected(), read_id[0], read_id[1][:-1], read_id[1]])
    assert (reads, unread) == ([], [])
    assert decoder.capabilities[Capability.GATT] is Extent.PARTIAL


@given(cuts=st.lists(st.integers(1, 40), max_size=6), interleaved=st.booleans())
def test_pieces_are_joined(
    connected: Write,
    acl: Write,
    asks: Write,
    read_id: Packets,
    play: Play,
    cuts: list[int],
    interleaved: bool,
) -> None:
    def pieces(packet: bytes, boundary: int) -> list[bytes]:
        octets = packet[5:]
        places = [0, *sorted({cut for cut in cuts if cut < len(octets)}), len(octets)]
        parts = [octets[a:b] for a, b in pairwise(places)]
        return [acl(part, 1 if index else boundary) for index, part in enumerate(parts)]

    response = pieces(read_id[1], RECEIVED)
    if interleaved:
        # what the phone asks the host is no affair of what the host asks the phone
        response = [each for piece in response for each in (asks("1b 0100", b"x"), piece)]
    reads, unread, _ = play([connected(), *pieces(read_id[0], SENT), *response])
    assert [each.value for each in reads] == [ID]
    assert not unread


def test_pieces_of_both_directions_need_a_direction(
    connected: Write, acl: Write, l2cap: Write, read_id: Packets, play: Play
) -> None:
    one = acl(l2cap(b"\x0b" + ID)[:9], RECEIVED)
    two = acl(l2cap(b"\x52\x01\x00")[:5], SENT)
    rest = [(1, acl(l2cap(b"\x0b" + ID)[9:], 1)), (0, acl(l2cap(b"\x52\x01\x00")[5:], 1))]
    assert not play([connected(), read_id[0], one, two, *(each for _, each in rest)])[0]
    decoder = HciDecoder(4)
    directed = [(1, connected()), (0, read_id[0]), (1, one), (0, two), *rest]
    reads, _, _ = play([bytes([0, 0, 0, received]) + each for received, each in directed], decoder)
    assert [each.value for each in reads] == [ID]


def test_a_piece_that_was_lost_is_not_made_up(
    connected: Write, acl: Write, read_id: Packets, play: Play
) -> None:
    first, second = read_id[1][5:14], read_id[1][14:]
    begin, go_on = acl(first, RECEIVED), acl(second, 1)
    assert play([connected(), read_id[0], begin, go_on])[0]
    assert not play([connected(), read_id[0], go_on])[0]
    assert not play([connected(), read_id[0], go_on, read_id[1]])[0]
    assert not play([connected(), read_id[0], begin, read_id[1], go_on])[0]
    reads, unread, _ = play([connected(), read_id[0], begin, acl(second + b"x", 1), read_id[1]])
    assert (reads, unread) == ([], [Unread.MALFORMED])
    assert not play([connected(), read_id[0], acl(first, 3), go_on])[0]
    assert not play([connected(), read_id[0], acl(read_id[1][5:], RECEIVED, broadcast=1)])[0]


def test_malformed(connected: Write, read_id: Packets, play: Play) -> None:
    for text in ("02", "02 4000", "02 4000 00", "02 4000 0100 0000"):
        assert play([bytes.fromhex(text)])[1] == [Unread.MALFORMED]
    # what was asked is forgotten: the answer may be that of another request
    assert not play([connected(), read_id[0], b"\x02\x40", read_id[1]])[0]
    assert not play([connected(), read_id[0], read_id[0] + b"x", read_id[1]])[0]


def test_many_connections_take_no_more_memory(
    connected: Write, asks: Write, answers: Write, play: Play
) -> None:
    packets = [connected(handle=handle) for handle in range(200)]
    _, _, decoder = play(packets)
    assert len(decoder._connections._open) == MOST_CONNECTIONS
    for handle, there in ((0, False), (200 - MOST_CONNECTIONS - 1, False), (200 - MOST_CONNECTIONS, True)):
        reads, _, _ = play([asks("0a 2a00", handle=handle), answers("0b", ID, handle=handle)], decoder)
        assert bool(reads) is there
    assert decoder.capabilities[Capability.GATT] is Extent.PARTIAL


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
def test_whatever_comes_no_value_is_made_up(
    connected: Write,
    disconnected: Write,
    acl: Write,
    l2cap: Write,
    play: Play,
    packets: list[tuple[int, int, bytes, int]],
) -> None:
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
    sent_uuid: SentUuid,
    tshark: Callable[..., list[list[str]]],
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
        characteristic = struct.pack("<HBH", 41, 2, 42) + sent_uuid(CHARACTERISTIC)
        value = bytes([number]) * 12
        said = [
            (0, hci.ATT_Read_By_Group_Type_Request(start=1, end=0xFFFF, uuid=0x2800)),
            (
                1,
                hci.ATT_Read_By_Group_Type_Response(
                    len=20,
                    handles=[
                        hci.ATT_Group_Handle_Variable(
                            handle=40, group_end_handle=50, value=sent_uuid(SERVICE)
                        )
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
        packets += [scapys(number, bool(received), packet) for received, packet in said]
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
    fields = ("frame.number", "bthci_acl.src.bd_addr", "btatt.value", "btatt.handle", "btatt.service_uuid128")
    theirs = []
    for told in tshark(path, *fields, only="btatt.opcode == 0x0b"):
        number_text, address_text, value_text, handle, service = told
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
