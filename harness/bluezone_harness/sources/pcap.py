"""pcap: a header of 24 octets, then records of 16 octets and a packet; either byte order, micro- or nanoseconds.

Source: the pcap draft (draft-ietf-opsawg-pcap), sections 4 and 5.
"""

from __future__ import annotations

from struct import Struct

from bluezone_harness.evidence.errors import EvidenceError

from .link_types import READ, decoder_of, names_of
from .octets import OctetStream
from .records import DamagedRecordError, RecordSource

FIRST_OCTETS = {
    b"\xd4\xc3\xb2\xa1": ("<", 1_000_000),
    b"\xa1\xb2\xc3\xd4": (">", 1_000_000),
    b"\x4d\x3c\xb2\xa1": ("<", 1_000_000_000),
    b"\xa1\xb2\x3c\x4d": (">", 1_000_000_000),
}
"""What such a file begins with: byte order, and units of a second in its times."""
_HEADER_OCTETS = 24
_LINK_TYPE_BITS = 0xFFFF
"""Those above tell of a frame check sequence."""


class PcapSource(RecordSource):
    """A pcap file.

    Args:
        name: Of the evidence, without folders.
        octets: From its first octet on, which is one of ``FIRST_OCTETS``.

    Raises:
        EvidenceError: Its header is cut or of another version, or its link type is not read.
    """

    def __init__(self, name: str, octets: OctetStream) -> None:
        if not octets.ensure(_HEADER_OCTETS):
            raise EvidenceError(
                name, f"a pcap file that is cut within its header, after {octets.rest} octets"
            )
        order, self._units = FIRST_OCTETS[octets.buffer[:4]]
        major, _, _, _, _, link_type = Struct(order + "HHIIII").unpack_from(octets.buffer, 4)
        if major != 2:
            raise EvidenceError(name, f"a pcap file of version {major}, where only version 2 is known")
        link_type &= _LINK_TYPE_BITS
        decoder = decoder_of(link_type)
        if decoder is None:
            raise EvidenceError(name, f"a capture of link type {names_of([link_type])}: {READ}")
        record = Struct(order + "IIII")
        self._unpack = record.unpack_from
        self._parts = self._units // 1_000_000
        octets.position = _HEADER_OCTETS
        super().__init__(name, "pcap", octets, decoder, record.size)

    def _header(self, buffer: bytes, at: int) -> tuple[int, int, bool]:
        seconds, fraction, length, original = self._unpack(buffer, at)
        if fraction >= self._units:
            raise DamagedRecordError(f"{fraction} parts of a second where there are {self._units}")
        return seconds * 1_000_000 + fraction // self._parts, length, length < original
