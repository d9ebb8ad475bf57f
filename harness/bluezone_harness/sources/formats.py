"""Which format a capture has is known by its first octets; what a file is called does not matter."""

from __future__ import annotations

from bluezone_harness.evidence.errors import EvidenceError
from bluezone_harness.observations import Source

from . import btsnoop, btsnooz, packetlogger, pcap, pcapng, recordings
from .octets import OctetReader, OctetStream

HEAD_OCTETS = 64
"""As many first octets tell every format."""
_NOT_READ = {
    b"\x1f\x8b": "it is compressed by gzip, and no capture itself",
    b"PK\x03\x04": "it is a zip archive, and no capture itself",
    b"SQLite format 3\x00": "it is a database and no capture",
}


def looks_like_capture(head: bytes) -> bool:
    """Say whether a file that begins so is one for ``open_source``; contact logs never are.

    Args:
        head: Its first octets, 16 or more where it has as many.
    """
    return (
        head[:4] in pcap.FIRST_OCTETS
        or head.startswith((pcapng.FIRST_OCTETS, btsnoop.FIRST_OCTETS))
        or recordings.looks_like_recording(head)
        or packetlogger.order_of(head) is not None
        or btsnooz.looks_like_btsnooz(head)
    )


def open_source(name: str, octets: OctetReader) -> Source:
    """Return the source that reads a capture or recording, recognised by what it holds.

    Args:
        name: Of the evidence, without folders; for reports.
        octets: A file or pipe, open for reading, at its start. The source reads it when it is iterated.

    Raises:
        EvidenceError: It is empty, or nothing that is known, or of a kind that is known and not read.
    """
    stream = OctetStream(octets)
    stream.ensure(HEAD_OCTETS)
    head = stream.buffer[:HEAD_OCTETS]
    if not head:
        raise EvidenceError(name, stream.failure or "the file is empty: check how it was made")
    if head[:4] in pcap.FIRST_OCTETS:
        return pcap.PcapSource(name, stream)
    if head.startswith(pcapng.FIRST_OCTETS):
        return pcapng.PcapngSource(name, stream)
    if head.startswith(btsnoop.FIRST_OCTETS):
        return btsnoop.BtsnoopSource(name, stream)
    if btsnooz.looks_like_btsnooz(head):
        return btsnooz.BtsnoozSource(name, stream)
    if recordings.looks_like_recording(head):
        return recordings.RecordingSource(name, stream)
    if packetlogger.order_of(head):
        return packetlogger.PacketLoggerSource(name, stream)
    for magic, reason in _NOT_READ.items():
        if head.startswith(magic):
            raise EvidenceError(name, reason)
    text = all(0x20 <= octet < 0x7F or octet in b"\t\r\n" for octet in head)
    seen = "text" if text else f"something that begins {head[:8].hex(' ').upper()}"
    raise EvidenceError(
        name,
        f"it is {seen}, and no capture: known are pcap, pcapng, btsnoop, btsnooz, PacketLogger and "
        "recordings (JSON Lines)",
    )
