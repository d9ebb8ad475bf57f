"""pcapng, little-endian, with microseconds: an interface for each receiver and link type.

Source: the pcapng draft (draft-ietf-opsawg-pcapng), sections 4.1 (section header), 4.2 (interface description), 4.3
(enhanced packet).
"""

from __future__ import annotations

import struct
from typing import BinaryIO

LATEST_US = (1 << 64) - 1
"""Two words of 32 bits hold the time."""

_SECTION_HEADER, _INTERFACE, _ENHANCED_PACKET = 0x0A0D0D0A, 1, 6
_BYTE_ORDER_MAGIC = 0x1A2B3C4D
_VERSION = (1, 0)
_LENGTH_UNKNOWN = -1
_COMMENT = 1
_IF_NAME = 2
_LONGEST_OPTION = 0xFFFF
_SNAP_LENGTH = 0x40000


class PcapngWriter:
    """Writes packets as they come; the section header at once, an interface before its first packet.

    Args:
        file: Open for writing.
        comment: Of the section; empty for none.
    """

    def __init__(self, file: BinaryIO, comment: str = "") -> None:
        self._file = file
        self._interfaces: dict[tuple[str, int], int] = {}
        self.begin_section(comment)

    def begin_section(self, comment: str = "") -> None:
        """Write a section header; interfaces are described anew after it.

        Args:
            comment: Of the section; empty for none.
        """
        self._interfaces.clear()
        header = struct.pack("<IHHq", _BYTE_ORDER_MAGIC, *_VERSION, _LENGTH_UNKNOWN)
        self._file.write(_block(_SECTION_HEADER, header + _option(_COMMENT, comment)))

    def add_interface(self, receiver: str, link_type: int) -> int:
        """Return the index of an interface, written now if it was not before.

        Args:
            receiver: Its name; may be empty.
            link_type: Of its packets.
        """
        index = self._interfaces.get((receiver, link_type))
        if index is None:
            index = self._interfaces[receiver, link_type] = len(self._interfaces)
            self._file.write(_interface(receiver, link_type))
        return index

    def add(self, receiver: str, link_type: int, time_us: int, octets: bytes) -> None:
        """Write a packet.

        Args:
            receiver: Who heard it; may be empty.
            link_type: Of the packet.
            time_us: Microseconds since the Unix epoch.
            octets: The packet.

        Raises:
            ValueError: The time is before 1970.
        """
        index = self.add_interface(receiver, link_type)
        if not 0 <= time_us <= LATEST_US:
            raise ValueError("a pcapng file holds no times before 1970")
        length = len(octets)
        head = struct.pack("<IIIII", index, time_us >> 32, time_us & 0xFFFF_FFFF, length, length)
        self._file.write(_block(_ENHANCED_PACKET, head + _padded(octets)))


def _interface(name: str, link_type: int) -> bytes:
    described = struct.pack("<HHI", link_type, 0, _SNAP_LENGTH)
    return _block(_INTERFACE, described + _option(_IF_NAME, name))


def _option(code: int, text: str) -> bytes:
    """Return an option and the end of the options; nothing where there is no text."""
    octets = text.encode("utf-8", "replace")[:_LONGEST_OPTION]
    return struct.pack("<HH", code, len(octets)) + _padded(octets) + bytes(4) if octets else b""


def _block(kind: int, body: bytes) -> bytes:
    length = len(body) + 12
    return struct.pack("<II", kind, length) + body + struct.pack("<I", length)


def _padded(octets: bytes) -> bytes:
    return octets + bytes(-len(octets) % 4)
