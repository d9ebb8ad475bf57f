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

import struct
from collections.abc import Callable, Iterable, Mapping
from enum import IntEnum
from typing import BinaryIO

from bluezone_harness.observations import Capability, Event, Extent, GattRead
from bluezone_harness.writing import packets as forms
from bluezone_harness.writing.packets import hci_octets, radio_octets, received
from bluezone_harness.writing.pcapng import PcapngWriter
from bluezone_harness.writing.recordings import advert_line, end_line, header_line, observation_line

from .plans import AirPacket


class LinkType(IntEnum):
    """What the packets of a pcap or pcapng are."""

    HCI = forms.HCI
    RADIO = forms.RADIO


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
_SNAP_LENGTH = 0x40000

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
    writer = PcapngWriter(file)
    octets_of = _OCTETS[link]
    count = 0
    for packet in packets:
        count += 1
        writer.add(packet.receiver, link, packet.time_us, octets_of(packet))
    if not count:
        writer.add_interface("", link)
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
        octets = hci_octets(packet)
        length = len(octets)
        file.write(
            record.pack(length, length, _BTSNOOP_RECEIVED_EVENT, 0, packet.time_us + _BTSNOOP_EPOCH_US)
            + octets
        )
    return count


def write_recording(
    packets: Iterable[AirPacket | GattRead | Event],
    file: BinaryIO,
    receivers: int = 1,
    *,
    gatt: bool = False,
    responses: bool = False,
) -> int:
    """Write a recording: a header, an observation a line, and an end.

    Args:
        packets: In the order of time.
        file: Open for writing.
        receivers: How many there are; with several, each advert names its own.
        gatt: iPhones are read.
        responses: Receivers ask for scan responses.

    Returns:
        How many observations there were.
    """
    several = Extent.YES if receivers > 1 else Extent.NO
    capabilities = {**_RECORDING_CAPABILITIES, Capability.SEVERAL_RECEIVERS: several}
    if gatt:
        capabilities[Capability.GATT] = Extent.YES
    if responses:
        capabilities[Capability.SCAN_RESPONSE] = Extent.YES
    file.write(header_line(_RECORDING_SOURCE, "", capabilities))
    count = 0
    for packet in packets:
        count += 1
        if isinstance(packet, GattRead | Event):
            file.write(observation_line(packet))
        else:
            file.write(advert_line(packet, crc_ok=True))
    file.write(end_line("the simulation ended"))
    return count


_OCTETS: Mapping[LinkType, Callable[[AirPacket], bytes]] = {
    LinkType.RADIO: radio_octets,
    LinkType.HCI: lambda packet: received(hci_octets(packet)),
}
