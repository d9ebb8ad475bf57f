"""Observations as packets again: link type 256 as a sniffer heard them, 201 as a controller reported them.

Only what the octets can say without anything being made up has a form: an advert of legacy advertising whose address,
type, PDU and AdvData are known, and a command of a host. Of extended and directed advertising an observation does not
keep all that their packets hold (PHY, set, target), and values read by GATT stand without their connection.

Sources: LINKTYPE_BLUETOOTH_LE_LL_WITH_PHDR; LINKTYPE_BLUETOOTH_HCI_H4_WITH_PHDR; Core Specification, Vol 6 Part B 2.1,
2.3 and 3.1.1; Vol 4 Part A 2, Part E 5.4.1, 7.7.65.2 and 7.8.
"""

from __future__ import annotations

from functools import lru_cache
from struct import Struct
from typing import Protocol

from bluezone_harness.observations import (
    AddressType,
    Advert,
    Asked,
    Observation,
    PduType,
    random_address_type,
)
from bluezone_harness.sources.recording_lines import LATEST_US

from .link_layer import (
    ACCESS_ADDRESS,
    ADDRESS_OCTETS,
    GREATEST_RSSI,
    LEAST_RSSI,
    advertising_pdu,
    advertising_report,
    crc24,
)

HCI = 201
RADIO = 256
OPCODES = {
    "HCI_LE_Set_Random_Address": 0x2005,
    "HCI_LE_Set_Advertising_Parameters": 0x2006,
    "HCI_LE_Set_Advertising_Data": 0x2008,
    "HCI_LE_Set_Scan_Response_Data": 0x2009,
    "HCI_LE_Set_Advertising_Enable": 0x200A,
    "HCI_LE_Set_Advertising_Set_Random_Address": 0x2035,
    "HCI_LE_Set_Extended_Advertising_Parameters": 0x2036,
    "HCI_LE_Set_Extended_Advertising_Data": 0x2037,
    "HCI_LE_Set_Extended_Scan_Response_Data": 0x2038,
    "HCI_LE_Set_Extended_Advertising_Enable": 0x2039,
    "HCI_LE_Remove_Advertising_Set": 0x203C,
    "HCI_LE_Clear_Advertising_Sets": 0x203D,
}
"""Commands that have a form. Source: Core Specification, Vol 4 Part E 7.8."""
_PARAMETERS_V2 = ("HCI_LE_Set_Extended_Advertising_Parameters", 27, 0x207F)
"""The second version of a command: its name is the first's, its parameters are longer. Source: the same, 7.8.53."""

_RADIO_HEADER = Struct("<BbbBIH")
_RF_CHANNELS = {37: 0, 38: 12, 39: 39, None: 0}
_DEWHITENED, _SIGNAL_VALID, _REFERENCE_VALID, _CHANNEL_ALIASED = 0x0001, 0x0002, 0x0010, 0x0040
_CRC_CHECKED, _CRC_VALID = 0x0400, 0x0800
_FLAGS = _DEWHITENED | _REFERENCE_VALID | _CRC_CHECKED | _CRC_VALID

_TOLD = frozenset({AddressType.PUBLIC, AddressType.PUBLIC_IDENTITY, AddressType.RANDOM_IDENTITY})
"""Types that packets tell; of others readers are told by the address."""
_SENT, _RECEIVED = bytes(4), b"\x00\x00\x00\x01"
_COMMAND = 1
_LONGEST_PARAMETERS = 255


class Heard(Protocol):
    """An advert as it was heard; what a source cannot show is ``None``."""

    @property
    def address(self) -> bytes | None:
        """6 octets, the most significant first."""

    @property
    def address_type(self) -> AddressType | None:
        """Of that address."""

    @property
    def pdu(self) -> PduType | None:
        """Which PDU."""

    @property
    def ad(self) -> bytes | None:
        """AdvData."""

    @property
    def rssi(self) -> int | None:
        """In dBm."""

    @property
    def channel(self) -> int | None:
        """Index of the channel."""


def radio_octets(advert: Heard) -> bytes:
    """Return an advert as a packet of link type 256 whose CRC is right.

    Raises:
        ValueError: It has no such form.
    """
    pdu, address, address_type, ad = _known(advert)
    rssi, channel = advert.rssi, advert.channel
    if channel not in _RF_CHANNELS:
        raise ValueError("this is no legacy advertising PDU: it was heard on another channel")
    if rssi is not None and not LEAST_RSSI <= rssi <= GREATEST_RSSI:
        raise ValueError("the RSSI is not from -127 to 20 dBm")
    flags = _FLAGS | (_SIGNAL_VALID if rssi is not None else 0) | (_CHANNEL_ALIASED if channel is None else 0)
    head = _RADIO_HEADER.pack(_RF_CHANNELS[channel], rssi or 0, 0, 0, ACCESS_ADDRESS, flags)
    return head + _on_air(pdu, address, address_type, ad)


def hci_octets(advert: Heard) -> bytes:
    """Return an advert as an H4 packet: the event by which a controller reports it.

    Raises:
        ValueError: It has no such form.
    """
    pdu, address, address_type, ad = _known(advert)
    return advertising_report(pdu, address, address_type, ad, advert.rssi)


def received(octets: bytes) -> bytes:
    """Return an H4 packet that a host received, as one of link type 201."""
    return _RECEIVED + octets


def command_octets(asked: Asked) -> bytes:
    """Return a command of a host as a packet of link type 201.

    Raises:
        ValueError: It has no such form.
    """
    name, length, later = _PARAMETERS_V2
    opcode = later if asked.name == name and len(asked.octets) == length else OPCODES.get(asked.name)
    if opcode is None or len(asked.octets) > _LONGEST_PARAMETERS:
        raise ValueError("this is no command that has a form")
    return _SENT + bytes((_COMMAND, opcode & 0xFF, opcode >> 8, len(asked.octets))) + asked.octets


@lru_cache(maxsize=256)
def _on_air(pdu: PduType, address: bytes, address_type: AddressType, ad: bytes) -> bytes:
    """Return access address, PDU and CRC; a phone repeats the same octets hundreds of times."""
    octets = advertising_pdu(pdu, address, address_type, ad)
    return ACCESS_ADDRESS.to_bytes(4, "little") + octets + crc24(octets)


def _known(advert: Heard) -> tuple[PduType, bytes, AddressType, bytes]:
    """Return what each form needs.

    Raises:
        ValueError: Some of it is not known.
    """
    pdu, address, address_type, ad = advert.pdu, advert.address, advert.address_type, advert.ad
    if pdu is None or address is None or address_type is None or ad is None:
        raise ValueError("this is no legacy advertising PDU: not all of it is known")
    if len(address) != ADDRESS_OCTETS or address_type not in (_TOLD | {random_address_type(address)}):
        raise ValueError("this is no legacy advertising PDU: its address is not of that type")
    return pdu, address, address_type, ad


def packet_of(observation: Observation, links: dict[str, int]) -> tuple[str, int, bytes]:
    """Return the receiver, the link type and the octets of an observation.

    Args:
        observation: Any.
        links: The link type of each receiver whose adverts were written: that of the first. It is added to.

    Raises:
        ValueError: It has no such form.
    """
    if not 0 <= observation.time_us <= LATEST_US:
        raise ValueError("no calendar goes so far")
    if isinstance(observation, Asked):
        return observation.receiver, HCI, command_octets(observation)
    if not isinstance(observation, Advert):
        raise ValueError("this is no packet")
    # only who listens to the air itself knows the channel
    link = links.get(observation.receiver, HCI if observation.channel is None else RADIO)
    octets = radio_octets(observation) if link == RADIO else received(hci_octets(observation))
    links[observation.receiver] = link
    return observation.receiver, link, octets
