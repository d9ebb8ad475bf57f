"""btsnoop of version 1, as Android phones and Linux write it; all integers most significant octet first.

Each record has four octets of flags. Of HCI packets their last bit is the direction, 1 what the host received, and
the one before it tells commands and events from data; of the Linux monitor they are the adapter and what follows.
So the flags, put before a packet, are the header that link types 201 and 254 have. Source: RFC 1761, from which it
was derived; datalinks and the epoch are those that hosts write.
"""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct

from bluezone_harness.evidence.errors import EvidenceError

from .hci import ACL, COMMAND, DIRECTION_OCTETS, EVENT, HciDecoder
from .monitor import MonitorDecoder
from .octets import OctetStream
from .packets import Decoder
from .records import DamagedRecordError, RecordSource

FIRST_OCTETS = b"btsnoop\x00"
"""What such a file begins with."""
EPOCH_US = 0x00DCDDB30F2F8000
"""Its clock at 1970-01-01T00:00:00Z: microseconds since the year 0."""
_HEADER = Struct(">8sII")
_WITHOUT_H4 = 1001
_DECODERS: dict[int, Callable[[], Decoder]] = {
    _WITHOUT_H4: lambda: HciDecoder(DIRECTION_OCTETS),
    1002: lambda: HciDecoder(DIRECTION_OCTETS),
    2001: MonitorDecoder,
}
_READ = "1001 (HCI without H4), 1002 (H4) and 2001 (Linux monitor)"
_NOT_READ = {1003: "HCI BSCP", 1004: "H5", 2002: "simulator"}
_RECORD = Struct(">IIIIq")
_FLAGS_AT = 8
_FLAGS_OCTETS = 4
_KINDS = tuple(bytes([kind]) for kind in (ACL, ACL, COMMAND, EVENT))
"""By the last two bits of the flags, of packets that do not tell their own kind."""


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
        make = _DECODERS.get(datalink)
        if make is None:
            kind = f"{datalink} ({_NOT_READ[datalink]})" if datalink in _NOT_READ else str(datalink)
            raise EvidenceError(name, f"a btsnoop file of datalink {kind}, where only {_READ} are read")
        octets.position = _HEADER.size
        super().__init__(name, "btsnoop", octets, make(), _RECORD.size)
        self._without_h4 = datalink == _WITHOUT_H4

    def _header(self, buffer: bytes, at: int) -> tuple[int, int, bool]:
        original, length, _, _, time = _RECORD.unpack_from(buffer, at)
        if length > original:
            raise DamagedRecordError(f"{length} octets of a packet of {original}")
        flags = buffer[at + _FLAGS_AT : at + _FLAGS_AT + _FLAGS_OCTETS]
        self._before = flags + _KINDS[flags[-1] & 0x03] if self._without_h4 else flags
        return time - EPOCH_US, length, length < original
