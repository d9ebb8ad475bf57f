"""btsnooz: the last packets of an Android phone, as its bug reports hold them.

A version and the time of the last packet (9 octets), then, packed by zlib, records: the octets of the packet that are
there, octets that it had (version 2 alone), microseconds since the packet before, the kind of the packet. Both counts
include the octet of H4, which the kind stands for. Integers have their least significant octet first. Times are counted
back from the last packet: a log whose end is missing tells none, and is refused. A pause of more than 2^32 microseconds
is counted without the whole 2^32, which nothing shows. Source: the Android Open Source Project,
``btif_debug_btsnoop`` and its tool ``btsnooz.py``.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from struct import Struct

from bluezone_harness.evidence.errors import EvidenceError
from bluezone_harness.observations import Diagnostic, Severity

from .hci import ACL, COMMAND, DIRECTION_OCTETS, EVENT, RECEIVED, SENT, HciDecoder
from .octets import OctetStream
from .packets import CutDecoder, Decoder, Frame, PacketSource

HEAD_OCTETS = 11
"""By so many first octets such a log is recognised: version, time, and how zlib begins."""
LONGEST_LOG = 4 * 1024 * 1024
"""Octets of a log, unpacked; phones keep 128 or 256 KiB."""

_HEADER = Struct("<BQ")
_RECORDS = {1: Struct("<HIB"), 2: Struct("<HHIB")}
_EARLIEST_US, _LATEST_US = 1_230_768_000_000_000, 4_102_444_800_000_000
"""2009 and 2100: a phone's clock stands between."""
_DEFLATE = 0x78
_SCO, _ISO = 0x03, 0x05
_KINDS = {
    0x10: RECEIVED + bytes([EVENT]),
    0x11: RECEIVED + bytes([ACL]),
    0x12: RECEIVED + bytes([_SCO]),
    0x17: RECEIVED + bytes([_ISO]),
    0x20: SENT + bytes([COMMAND]),
    0x21: SENT + bytes([ACL]),
    0x22: SENT + bytes([_SCO]),
    0x2D: SENT + bytes([_ISO]),
}
"""Direction and H4 octet, by the kind that a record tells."""
_PAUSES = "a pause of more than 71 min between packets is not told whole: what came before it may be earlier"

_Record = tuple[int, int, int, int, int]
"""Of one packet: where its octets begin and end, how many there were, microseconds, kind."""


def looks_like_btsnooz(head: bytes) -> bool:
    """Say whether a file that begins so is such a log.

    Args:
        head: Its first octets, ``HEAD_OCTETS`` or more where it has as many.
    """
    if len(head) < HEAD_OCTETS or head[0] not in _RECORDS or head[_HEADER.size] != _DEFLATE:
        return False
    _, last_us = _HEADER.unpack_from(head)
    return (
        _EARLIEST_US <= last_us < _LATEST_US
        and not int.from_bytes(head[_HEADER.size : HEAD_OCTETS], "big") % 31
    )


class BtsnoozSource(PacketSource):
    """Such a log.

    Args:
        name: Of the evidence, without folders.
        octets: From its first octet on; ``looks_like_btsnooz`` knows them.

    Raises:
        EvidenceError: It is damaged: then no packet has a time.
    """

    def __init__(self, name: str, octets: OctetStream) -> None:
        super().__init__(name, "btsnooz", octets)
        octets.ensure(_HEADER.size)
        version, self._last_us = _HEADER.unpack_from(octets.buffer)
        octets.position = _HEADER.size
        self._decoder = HciDecoder(DIRECTION_OCTETS)
        self._cut_decoder = CutDecoder(self._decoder)
        self._log = _unpacked(name, octets)
        self._records = list(_records(name, self._log, _RECORDS[version]))

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """What there is to know about it, so far; and what its times do not tell."""
        return (Diagnostic(self._name, None, Severity.INFO, _PAUSES), *super().diagnostics)

    def _decoders(self) -> Sequence[Decoder]:
        return (self._decoder,)

    def _frames(self) -> Iterator[Frame]:
        time_us = self._last_us - sum(delta_us for _, _, _, delta_us, _ in self._records)
        for start, end, length, delta_us, kind in self._records:
            time_us += delta_us
            before = _KINDS.get(kind, b"")
            packet = before + self._log[start:end] if before else b""
            yield 0, time_us, "", self._cut_decoder if end - start < length else self._decoder, packet


def _unpacked(name: str, octets: OctetStream) -> bytes:
    inflate = zlib.decompressobj()
    chunks: list[bytes] = []
    room = LONGEST_LOG
    try:
        while not inflate.eof and octets.ensure(1):
            chunks.append(inflate.decompress(octets.buffer[octets.position :], room + 1))
            octets.position = len(octets.buffer) - len(inflate.unused_data)
            room -= len(chunks[-1])
            if room < 0:
                raise EvidenceError(name, f"a btsnooz log that unpacks to more than {LONGEST_LOG} octets")
    except zlib.error:
        raise EvidenceError(
            name, "a btsnooz log whose packed octets are damaged: no packet has a time"
        ) from None
    if not inflate.eof:
        reason = octets.failure or "it is cut"
        raise EvidenceError(name, f"a btsnooz log that cannot be read: {reason}, so no packet has a time")
    return b"".join(chunks)


def _records(name: str, log: bytes, layout: Struct) -> Iterator[_Record]:
    at = 0
    while at + layout.size <= len(log):
        length, *rest = layout.unpack_from(log, at)
        original = rest[0] if len(rest) > 2 else length
        delta_us, kind = rest[-2:]
        start = at + layout.size
        at = start + length - 1
        if not length or length > original or at > len(log):
            break
        yield start, at, original - 1, delta_us, kind
    else:
        if at == len(log):
            return
    raise EvidenceError(
        name, f"a btsnooz log with a damaged record before its octet {at}: no packet has a time"
    )
