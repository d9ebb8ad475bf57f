"""Attribute PDUs against octets from the Core Specification's tables, bumble's own coder, and any octets at all."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import pytest
from bumble import att
from bumble.core import UUID
from hypothesis import given
from hypothesis import strategies as st

from bluezone_harness.live.bumble_backend import attribute_protocol as protocol
from bluezone_harness.live.bumble_backend.attribute_protocol import MalformedResponseError

pytestmark = pytest.mark.req("BZ-GAT-001")

HANDLE = st.integers(1, 0xFFFF)
VALUE = st.binary(max_size=40)


@given(HANDLE, HANDLE, VALUE)
def test_requests_are_those_that_bumble_writes(one: int, two: int, value: bytes) -> None:
    for ours, theirs in (
        (protocol.exchange_mtu(one), att.ATT_Exchange_MTU_Request(client_rx_mtu=one)),
        (
            protocol.read_primary_services(one),
            att.ATT_Read_By_Group_Type_Request(
                starting_handle=one, ending_handle=0xFFFF, attribute_group_type=UUID(0x2800)
            ),
        ),
        (
            protocol.read_characteristics(one, two),
            att.ATT_Read_By_Type_Request(starting_handle=one, ending_handle=two, attribute_type=UUID(0x2803)),
        ),
        (
            protocol.find_information(one, two),
            att.ATT_Find_Information_Request(starting_handle=one, ending_handle=two),
        ),
        (protocol.read(one), att.ATT_Read_Request(attribute_handle=one)),
        (protocol.read_blob(one, two), att.ATT_Read_Blob_Request(attribute_handle=one, value_offset=two)),
        (protocol.write(one, value), att.ATT_Write_Request(attribute_handle=one, attribute_value=value)),
        (
            protocol.write_command(one, value),
            att.ATT_Write_Command(attribute_handle=one, attribute_value=value),
        ),
        (
            protocol.prepare_write(one, two, value),
            att.ATT_Prepare_Write_Request(attribute_handle=one, value_offset=two, part_attribute_value=value),
        ),
        (protocol.execute_write(True), att.ATT_Execute_Write_Request(flags=1)),
        (protocol.execute_write(False), att.ATT_Execute_Write_Request(flags=0)),
        (protocol.CONFIRMATION, att.ATT_Handle_Value_Confirmation()),
    ):
        assert ours == bytes(theirs)


@pytest.mark.parametrize(
    ("octets", "text"),
    [
        ("564e", "00004e56-0000-1000-8000-00805f9b34fb"),
        ("78563412", "12345678-0000-1000-8000-00805f9b34fb"),
        ("67a607add1172fa1c44bf573564e0000", "00004e56-73f5-4bc4-a12f-17d1ad07a667"),
    ],
)
def test_uuids_are_canonical_text(octets: str, text: str) -> None:
    assert protocol.uuid_text(bytes.fromhex(octets)) == text


@pytest.mark.parametrize("octets", [b"", b"1", b"123", b"12345", bytes(15), bytes(17)])
def test_uuids_of_other_lengths_are_none(octets: bytes) -> None:
    with pytest.raises(ValueError, match="16-char"):
        protocol.uuid_text(octets)


def test_reads_lists() -> None:
    services = protocol.services_of(bytes.fromhex("11 06 0100 0500 0018 0600 ffff 564e"), 1)
    assert [(each.start, each.end, each.uuid[4:8]) for each in services] == [
        (1, 5, "1800"),
        (6, 0xFFFF, "4e56"),
    ]
    characteristics = protocol.characteristics_of(
        bytes.fromhex("09 07 0200 02 0300 002a 0400 1a 0500 012a"), 2, 5
    )
    assert [
        (each.handle, each.properties, each.value_handle, each.uuid[4:8]) for each in characteristics
    ] == [
        (2, 2, 3, "2a00"),
        (4, 0x1A, 5, "2a01"),
    ]
    (attribute,) = protocol.attributes_of(bytes.fromhex("05 02 0600 67a607add1172fa1c44bf573564e0000"), 6, 6)
    assert (attribute.handle, attribute.uuid[:8]) == (6, "00004e56")


@given(st.integers(23, 0xFFFF))
def test_reads_the_servers_size(mtu: int) -> None:
    assert protocol.server_mtu(b"\x03" + mtu.to_bytes(2, "little")) == mtu


def test_a_servers_size_is_never_below_the_least() -> None:
    assert protocol.server_mtu(b"\x03\x16\x00") == 23


@pytest.mark.parametrize(
    "reader",
    [
        lambda pdu: protocol.services_of(pdu, 3),
        lambda pdu: protocol.characteristics_of(pdu, 3, 900),
        lambda pdu: protocol.attributes_of(pdu, 3, 900),
        protocol.server_mtu,
        protocol.value_told,
        protocol.refusal_of,
    ],
)
@given(pdu=st.binary(min_size=1, max_size=60))
def test_any_octets_are_read_or_refused(reader: Callable[[bytes], object], pdu: bytes) -> None:
    found: object = None
    with contextlib.suppress(MalformedResponseError):
        found = reader(pdu)
    assert found != []  # an empty list would be asked for again for ever


@given(
    entries=st.lists(st.tuples(HANDLE, HANDLE, st.binary(min_size=2, max_size=2)), min_size=1, max_size=5),
    start=HANDLE,
)
def test_lists_of_services_go_forward_or_are_refused(
    entries: list[tuple[int, int, bytes]], start: int
) -> None:
    pdu = b"\x11\x06" + b"".join(
        first.to_bytes(2, "little") + last.to_bytes(2, "little") + uuid for first, last, uuid in entries
    )
    handles = [start - 1, *(handle for first, last, _ in entries for handle in (first, last))]
    forward = all(handles[at] < handles[at + 1] <= handles[at + 2] for at in range(0, len(handles) - 2, 2))
    try:
        found = protocol.services_of(pdu, start)
    except MalformedResponseError:
        assert not forward
    else:
        assert forward
        assert [(each.start, each.end) for each in found] == [entry[:2] for entry in entries]
