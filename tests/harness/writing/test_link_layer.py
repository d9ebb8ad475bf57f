"""The CRC of the link layer against scapy's, and against a register that shifts bit by bit."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_harness.observations import AddressType, PduType
from bluezone_harness.writing.link_layer import advertising_pdu, crc24


def shifted(pdu: bytes, init: int) -> bytes:
    """Compute the CRC as the Core Specification draws it: Vol 6 Part B 3.1.1, figure 3.2; sent position 23 first."""
    register = init
    for octet in pdu:
        for bit in range(8):  # least significant bit first
            feedback = register >> 23 ^ octet >> bit & 1
            register = register << 1 & 0xFFFFFF
            if feedback:
                register ^= 1 << 10 | 1 << 9 | 1 << 6 | 1 << 4 | 1 << 3 | 1 << 1 | 1
    bits = f"{register:024b}"
    return bytes(int(bits[at : at + 8][::-1], 2) for at in (0, 8, 16))


@given(st.binary(max_size=39), st.integers(0, 0xFFFFFF))
def test_the_crc_is_that_of_a_shift_register(pdu: bytes, init: int) -> None:
    assert crc24(pdu, init) == shifted(pdu, init)


@given(st.binary(min_size=2, max_size=39))
def test_the_crc_is_scapys(scapy_crc: Callable[[bytes], bytes], pdu: bytes) -> None:
    assert crc24(pdu) == scapy_crc(pdu)


@pytest.mark.parametrize(
    ("pdu", "address_type", "header"),
    [
        (PduType.ADV_IND, AddressType.PUBLIC, 0x00),
        (PduType.ADV_IND, AddressType.STATIC, 0x40),
        (PduType.ADV_NONCONN_IND, AddressType.NON_RESOLVABLE, 0x42),
        (PduType.ADV_SCAN_IND, AddressType.RESOLVABLE, 0x46),
        (PduType.SCAN_RSP, AddressType.RESOLVABLE, 0x44),
    ],
)
def test_the_header_of_a_pdu(pdu: PduType, address_type: AddressType, header: int) -> None:
    octets = advertising_pdu(pdu, bytes.fromhex("010203040506"), address_type, b"\x01\x02")
    assert octets == bytes([header, 8]) + bytes.fromhex("0605040302010102")
