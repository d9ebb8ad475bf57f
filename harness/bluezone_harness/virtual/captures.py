"""Writers of captures: pcap, pcapng, btsnoop and the recording, from packets as they come.

============  =====================================================================================
pcap          link type 256: a sniffer's view, with channel, signal, access address and CRC
pcapng        link type 256, or 201: a controller's reports to its host; an interface for each receiver
btsnoop       data link 1002 (HCI H4): what an Android phone logs
recording     JSON Lines, one object a line
============  =====================================================================================

pcap and btsnoop have no place for a receiver: give them the packets of one.

Source: the pcap and pcapng drafts; the registry of link types, 201 BLUETOOTH_HCI_H4_WITH_PHDR and 256
BLUETOOTH_LE_LL_WITH_PHDR; btsnoop, which derives from RFC 1761.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterable, Mapping
from enum import IntEnum
from functools import lru_cache
from typing import BinaryIO

from bluezone_harness.observations import AddressType, Capability, Extent, PduType

from .link_layer import ACCESS_ADDRESS, advertising_pdu, advertising_report, crc24
from .plans import AirPacket


class LinkType(IntEnum):
    """What the packets of a pcap or pcapng are."""

    HCI = 201
    RADIO = 256


_RECORDING_SCHEMA = 1
_RECORDING_SOURCE = "simulation"
_RECORDING_CAPABILITIES: Mapping[Capability, Extent] = {
    Capability.RAW_AD: Extent.YES,
    Capability.AD_ORDER: Extent.YES,
    Capability.ADDRESS: Extent.YES,
    Capability.ADDRESS_TYPE: Extent.YES,
    Capability.PDU_TYPE: Extent.YES,
    Capability.CHANNEL: Extent.YES,
    Capability.CRC: Extent.YES,
    Capability.INTERVAL: Extent.YES,
    Capability.RSSI: Extent.YES,
    Capability.SCAN_RESPONSE: Extent.NO,
    Capability.GATT: Extent.NO,
    Capability.OWN_COMMANDS: Extent.NO,
}

_PCAP_HEADER = struct.Struct("<IHHiIII")
_PCAP_PACKET = struct.Struct("<IIII")
_RADIO_HEADER = struct.Struct("<BbbBIH")
_SNAP_LENGTH = 0x40000
_RF_CHANNELS = {37: 0, 38: 12, 39: 39}
# dewhitened, signal power valid, reference access address valid, CRC checked and found right
_RADIO_FLAGS = 0x0001 | 0x0002 | 0x0010 | 0x0400 | 0x0800
_RECEIVED = b"\x00\x00\x00\x01"

_SECTION_HEADER, _INTERFACE, _ENHANCED_PACKET = 0x0A0D0D0A, 1, 6
_BYTE_ORDER_MAGIC = 0x1A2B3C4D
_IF_NAME = 2

_BTSNOOP_H4 = 1002
_BTSNOOP_EPOCH_US = 0x00DCDDB30F2F8000
"""1970-01-01 in microseconds since the year 0."""
_BTSNOOP_RECEIVED_EVENT = 3


def write_pcap(packets: Iterable[AirPacket], file: BinaryIO, link: LinkType = LinkType.RADIO) -> int:
    """Write a pcap file, little-endian, with microseconds.

    Args:
        packets: Of one receiver, in the order of time.
        file: Open for writing.
        link: What its packets are.

    Returns:
        How many packets there were.

    Raises:
        ValueError: A time is not from 1970 to 2106, or a packet has no such form.
    """
    file.write(_PCAP_HEADER.pack(0xA1B2C3D4, 2, 4, 0, 0, _SNAP_LENGTH, link))
    octets_of = _OCTETS[link]
    count = 0
    for packet in packets:
        count += 1
        octets = octets_of(packet)
        seconds, rest_us = divmod(packet.time_us, 1_000_000)
        if not 0 <= seconds <= 0xFFFF_FFFF:
            raise ValueError("a pcap file holds times from 1970 to 2106")
        file.write(_PCAP_PACKET.pack(seconds, rest_us, len(octets), len(octets)) + octets)
    return count


def write_pcapng(packets: Iterable[AirPacket], file: BinaryIO, link: LinkType = LinkType.RADIO) -> int:
    """Write a pcapng file, little-endian, with microseconds; each receiver is an interface of that name.

    Args:
        packets: In the order of time.
        file: Open for writing.
        link: What its packets are.

    Returns:
        How many packets there were.

    Raises:
        ValueError: A time is before 1970, or a packet has no such form.
    """
    file.write(_block(_SECTION_HEADER, struct.pack("<IHHq", _BYTE_ORDER_MAGIC, 1, 0, -1)))
    octets_of = _OCTETS[link]
    interfaces: dict[str, int] = {}
    count = 0
    for packet in packets:
        count += 1
        if packet.receiver not in interfaces:
            interfaces[packet.receiver] = len(interfaces)
            file.write(_interface(packet.receiver, link))
        octets = octets_of(packet)
        if packet.time_us < 0:
            raise ValueError("a pcapng file holds no times before 1970")
        file.write(
            _block(
                _ENHANCED_PACKET,
                struct.pack(
                    "<IIIII",
                    interfaces[packet.receiver],
                    packet.time_us >> 32,
                    packet.time_us & 0xFFFF_FFFF,
                    len(octets),
                    len(octets),
                )
                + _padded(octets),
            )
        )
    if not interfaces:
        file.write(_interface("", link))
    return count


def write_btsnoop(packets: Iterable[AirPacket], file: BinaryIO) -> int:
    """Write a btsnoop file of HCI H4 packets: LE Advertising Report events.

    Args:
        packets: Of one receiver, in the order of time.
        file: Open for writing.

    Returns:
        How many packets there were.

    Raises:
        ValueError: A packet has no such form.
    """
    file.write(b"btsnoop\0" + struct.pack(">II", 1, _BTSNOOP_H4))
    record = struct.Struct(">IIIIq")
    count = 0
    for packet in packets:
        count += 1
        octets = _hci(packet)
        length = len(octets)
        file.write(
            record.pack(length, length, _BTSNOOP_RECEIVED_EVENT, 0, packet.time_us + _BTSNOOP_EPOCH_US)
            + octets
        )
    return count


def write_recording(packets: Iterable[AirPacket], file: BinaryIO, receivers: int = 1) -> int:
    """Write a recording: a header, an advert a line, and an end.

    Args:
        packets: In the order of time.
        file: Open for writing.
        receivers: How many there are; with several, each advert names its own.

    Returns:
        How many packets there were.
    """
    several = Extent.YES if receivers > 1 else Extent.NO
    capabilities = {**_RECORDING_CAPABILITIES, Capability.SEVERAL_RECEIVERS: several}
    _write_line(
        file,
        {
            "schema": _RECORDING_SCHEMA,
            "source": _RECORDING_SOURCE,
            "receiver": "",
            "capabilities": {str(name): str(extent) for name, extent in capabilities.items()},
        },
    )
    count = 0
    for packet in packets:
        count += 1
        _write_line(
            file,
            {
                "kind": "advert",
                "time_us": packet.time_us,
                **({"receiver": packet.receiver} if packet.receiver else {}),
                "address": packet.address.hex(":").upper(),
                "address_type": str(packet.address_type),
                "pdu": str(packet.pdu),
                "ad": packet.ad.hex(),
                "rssi": packet.rssi,
                "channel": packet.channel,
                "crc_ok": True,
            },
        )
    _write_line(file, {"kind": "end", "reason": "the simulation ended"})
    return count


@lru_cache(maxsize=256)
def _on_air(pdu: PduType, address: bytes, address_type: AddressType, ad: bytes) -> bytes:
    """Return access address, PDU and CRC; a phone repeats the same octets hundreds of times."""
    octets = advertising_pdu(pdu, address, address_type, ad)
    return ACCESS_ADDRESS.to_bytes(4, "little") + octets + crc24(octets)


def _radio(packet: AirPacket) -> bytes:
    return _RADIO_HEADER.pack(
        _RF_CHANNELS[packet.channel], packet.rssi, 0, 0, ACCESS_ADDRESS, _RADIO_FLAGS
    ) + _on_air(packet.pdu, packet.address, packet.address_type, packet.ad)


def _hci(packet: AirPacket) -> bytes:
    return advertising_report(packet.pdu, packet.address, packet.address_type, packet.ad, packet.rssi)


_OCTETS: dict[LinkType, Callable[[AirPacket], bytes]] = {
    LinkType.RADIO: _radio,
    LinkType.HCI: lambda packet: _RECEIVED + _hci(packet),
}


def _interface(name: str, link: LinkType) -> bytes:
    octets = name.encode("utf-8")
    options = struct.pack("<HH", _IF_NAME, len(octets)) + _padded(octets) + bytes(4) if octets else b""
    return _block(_INTERFACE, struct.pack("<HHI", link, 0, _SNAP_LENGTH) + options)


def _block(kind: int, body: bytes) -> bytes:
    length = len(body) + 12
    return struct.pack("<II", kind, length) + body + struct.pack("<I", length)


def _padded(octets: bytes) -> bytes:
    return octets + bytes(-len(octets) % 4)


def _write_line(file: BinaryIO, value: Mapping[str, object]) -> None:
    file.write(f"{json.dumps(value, separators=(',', ':'))}\n".encode("ascii"))
