"""btsnoop of version 1 with H4 packets, as Android phones write it; all integers most significant octet first.

Source: RFC 1761, from which it was derived; datalink 1002 and the epoch are those that hosts write.
"""

from __future__ import annotations

from struct import Struct

from bluezone_harness.evidence.errors import EvidenceError

from .hci import HciDecoder
from .octets import OctetStream
from .records import DamagedRecordError, RecordSource

FIRST_OCTETS = b"btsnoop\x00"
"""What such a file begins with."""
EPOCH_US = 0x00DCDDB30F2F8000
"""Its clock at 1970-01-01T00:00:00Z: microseconds since the year 0."""
_HEADER = Struct(">8sII")
_H4 = 1002
_DATALINKS = {1001: "HCI without H4", 1003: "HCI BSCP", 1004: "H5", 2001: "Linux monitor", 2002: "simulator"}
_RECORD = Struct(">IIIIq")


class BtsnoopSource(RecordSource):
    """A btsnoop file.

    Args:
        name: Of the evidence, without folders.
        octets: From its first octet on, which begins ``FIRST_OCTETS``.

    Raises:
        EvidenceError: Its header is cut or of another version, or its packets are of another kind.
    """

    def __init__(self, name: str, octets: OctetStream) -> None:
        if not octets.ensure(_HEADER.size):
            raise EvidenceError(
                name, f"a btsnoop file that is cut within its header, after {octets.rest} octets"
            )
        _, version, datalink = _HEADER.unpack_from(octets.buffer)
        if version != 1:
            raise EvidenceError(name, f"a btsnoop file of version {version}, where only version 1 is known")
        if datalink != _H4:
            kind = f"{datalink} ({_DATALINKS[datalink]})" if datalink in _DATALINKS else str(datalink)
            raise EvidenceError(name, f"a btsnoop file of datalink {kind}, where only {_H4} (H4) is read")
        octets.position = _HEADER.size
        super().__init__(name, "btsnoop", octets, HciDecoder(), _RECORD.size)

    def _header(self, buffer: bytes, at: int) -> tuple[int, int]:
        original, length, _, _, time = _RECORD.unpack_from(buffer, at)
        if length > original:
            raise DamagedRecordError(f"{length} octets of a packet of {original}")
        return time - EPOCH_US, length
