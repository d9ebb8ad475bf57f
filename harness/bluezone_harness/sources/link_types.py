"""Link types that are read, and the names of those that people hand over by mistake."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from .hci import DIRECTION_OCTETS, HciDecoder
from .link_layer import BareLinkLayerDecoder, LinkLayerDecoder
from .monitor import MonitorDecoder
from .nordic import NordicDecoder
from .packets import Decoder

# Source: the registry of link types, LINKTYPE_*
_DECODERS: dict[int, Callable[[], Decoder]] = {
    187: HciDecoder,
    201: lambda: HciDecoder(DIRECTION_OCTETS),
    251: BareLinkLayerDecoder,
    254: MonitorDecoder,
    256: LinkLayerDecoder,
    272: NordicDecoder,
}
_NAMES = {
    0: "loopback",
    1: "Ethernet",
    101: "raw IP",
    105: "IEEE 802.11",
    113: "Linux cooked capture",
    127: "IEEE 802.11 with radiotap",
    189: "USB of Linux",
    195: "IEEE 802.15.4",
    220: "USB of Linux, padded",
    249: "USBPcap",
    255: "Bluetooth BR/EDR baseband",
    276: "Linux cooked capture v2",
}
READ = (
    "Bluetooth captures are read if they have link type 187 or 201 (HCI), 254 (Linux monitor), 251 or 256 (LE link"
    " layer) or 272 (Nordic sniffer)"
)
"""Which link types are read, for people."""


def decoder_of(link_type: int) -> Decoder | None:
    """Return a new decoder for one receiver of a link type; ``None`` if it is not read."""
    make = _DECODERS.get(link_type)
    return make() if make else None


def names_of(link_types: Iterable[int]) -> str:
    """Return link types for people, such as ``1 (Ethernet)``."""
    return ", ".join(
        f"{each} ({_NAMES[each]})" if each in _NAMES else str(each) for each in sorted(set(link_types))
    )
