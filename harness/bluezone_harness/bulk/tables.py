"""What single octets of a packet mean, asked of the plain decoders: so that it is written in one place alone."""

from __future__ import annotations

import struct
from collections.abc import Callable, Collection, Iterable

import numpy as np

from bluezone_harness.observations import Advert
from bluezone_harness.sources.hci import EVENT, READ_COMMANDS, HciDecoder
from bluezone_harness.sources.link_layer import (
    ADVERTISING_ACCESS_ADDRESS,
    ADVERTISING_ACCESS_OCTETS,
    LinkLayerDecoder,
    crc_octets,
)
from bluezone_harness.sources.nordic import NordicDecoder
from bluezone_harness.sources.packets import Decoder

from . import kernels, recognising
from .recognising import Meanings

_ADDRESS = bytes(6)
_OCTETS = range(256)
_OPCODES = 1 << 16
_LE_META = 0x3E
_GOOD_FLAGS = 0x0C03
"""Dewhitened, signal power valid, CRC checked and valid. Source: LINKTYPE_BLUETOOTH_LE_LL_WITH_PHDR."""
_EMPTY_PDU = b"\x40\x06" + _ADDRESS
_CRC_START = 0xAAAAAA


def meanings_of(read_kinds: Collection[int]) -> Meanings:
    """Return what octets mean.

    Args:
        read_kinds: The first octets of packets of HCI that may say something.
    """
    hci = HciDecoder()
    commands = np.ones(_OPCODES, np.uint8)
    commands[sorted(READ_COMMANDS)] = 0
    rows = np.zeros((recognising.CRCS + 1, len(_OCTETS)), np.int32)
    rows[recognising.KINDS] = [each not in read_kinds for each in _OCTETS]
    rows[recognising.EVENTS] = [not hci.decode(1, 0, "", bytes((EVENT, each, 0))) for each in _OCTETS]
    rows[recognising.LE_EVENTS] = [
        not hci.decode(1, 0, "", bytes((EVENT, _LE_META, 1, each))) for each in _OCTETS
    ]
    rows[recognising.RSSI_OF_REPORT] = _asked(hci, map(_report, _OCTETS), _rssi)
    rows[recognising.RSSI_OF_EXTENDED] = _asked(hci, map(_extended, _OCTETS), _rssi)
    radio, nordic = LinkLayerDecoder(), NordicDecoder()
    rows[recognising.RSSI_OF_RADIO] = _asked(radio, (_heard(0, each) for each in _OCTETS), _rssi)
    rows[recognising.RSSI_OF_NORDIC] = _asked(nordic, (_sniffed(0, each) for each in _OCTETS), _rssi)
    rows[recognising.CHANNEL_OF_RADIO] = _asked(radio, (_heard(each, 0) for each in _OCTETS), _channel)
    rows[recognising.CHANNEL_OF_NORDIC] = _asked(nordic, (_sniffed(each, 0) for each in _OCTETS), _channel)
    rows[recognising.CRCS] = _crc_rows()
    return Meanings(rows, commands)


def _asked(decoder: Decoder, packets: Iterable[bytes], read: Callable[[Advert | None], int]) -> list[int]:
    answers = []
    for packet in packets:
        told = decoder.decode(1, 0, "", packet)
        advert = told[0] if len(told) == 1 else None
        answers.append(read(advert if isinstance(advert, Advert) else None))
    return answers


def _rssi(advert: Advert | None) -> int:
    return kernels.NO_RSSI if advert is None or advert.rssi is None else advert.rssi


def _channel(advert: Advert | None) -> int:
    return kernels.NO_CHANNEL if advert is None or advert.channel is None else advert.channel


def _report(octet: int) -> bytes:
    # Core Specification, Vol 4 Part E 7.7.65.2
    body = b"\x02\x01\x00\x01" + _ADDRESS + bytes((0, octet))
    return bytes((EVENT, _LE_META, len(body))) + body


def _extended(octet: int) -> bytes:
    # Core Specification, Vol 4 Part E 7.7.65.13
    body = b"\x0d\x01\x13\x00\x01" + _ADDRESS + bytes((1, 0, 0xFF, 0x7F, octet, 0, 0, 0)) + bytes(6) + b"\x00"
    return bytes((EVENT, _LE_META, len(body))) + body


def _heard(rf_channel: int, signal: int) -> bytes:
    head = struct.pack("<BBbBIH", rf_channel, signal, 0, 0, ADVERTISING_ACCESS_ADDRESS, _GOOD_FLAGS)
    return head + ADVERTISING_ACCESS_OCTETS + _EMPTY_PDU + bytes(3)


def _sniffed(channel: int, signal: int) -> bytes:
    # version 3: what follows the header has its length, then what the packet is; LINKTYPE_NORDIC_BLE
    rest = bytes((10, 1, channel, signal)) + bytes(6) + ADVERTISING_ACCESS_OCTETS + _EMPTY_PDU + bytes(3)
    return b"\x00" + len(rest).to_bytes(2, "little") + b"\x03\x00\x00\x02" + rest


def _crc_rows() -> list[int]:
    # what one octet leaves in the register is its row, and what was shifted
    rows = [0] * len(_OCTETS)
    for octet in _OCTETS:
        state = int.from_bytes(crc_octets(bytes((octet,))), "little")
        rows[(_CRC_START ^ octet) & 0xFF] = state ^ _CRC_START >> 8
    return rows
