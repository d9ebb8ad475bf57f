"""The bulk path: large captures, read as fast as the disk gives them; needs the extra ``fast``.

Theory of operation. A phone sends the same octets hundreds of times. A compiled loop (``walking``) goes over the
records in a buffer, and knows packets again that it has seen before: adverts that differ in nothing but RSSI and
channel. What it sees for the first time, and whatever is no plain advert, it hands to the decoder of the plain
path, in order; what that tells stands for all packets that are the same. A second loop folds (``kernels``). Blocks
of pcapng that hold no packet of the ordinary form are read by the source of the plain path, one by one; and where
records end, or are damaged, it reads on from there. So the plain path decides what every packet means and what is
said about damage, and this one only saves it the repetition. While the loops run, a second thread hashes the file.

Nothing here is imported, and neither numpy nor numba, until a large capture is there.
"""

from __future__ import annotations

from importlib.util import find_spec

from bluezone_harness.checks.captures import Capture
from bluezone_harness.sources import btsnoop, packetlogger, pcap, pcapng
from bluezone_harness.sources.octets import OctetReader

__all__ = ["WORTHWHILE_OCTETS", "is_available", "read_capture_fast", "serves"]

WORTHWHILE_OCTETS = 16 * 1024 * 1024
"""Octets of a capture from which on the bulk path is faster, its own start included."""


def is_available() -> bool:
    """Say whether the extra ``fast`` is installed."""
    return find_spec("numba") is not None and find_spec("numpy") is not None


def serves(head: bytes) -> bool:
    """Say whether a capture that begins so has a format that the bulk path reads, but for rare things in it.

    Args:
        head: Its first octets, 16 or more where it has as many.
    """
    return (
        head[:4] in pcap.FIRST_OCTETS
        or head.startswith((pcapng.FIRST_OCTETS, btsnoop.FIRST_OCTETS))
        or packetlogger.order_of(head) is not None
    )


def read_capture_fast(name: str, stream: OctetReader, keep_times: bool = False) -> Capture | None:
    """Read a capture as ``read_capture`` does, if the bulk path serves it.

    Args:
        name: Of the evidence, without folders.
        stream: A file, open for reading, at its start. It is read; ``readinto`` is used where it is there.
        keep_times: As ``fold`` takes it.

    Returns:
        What ``read_capture`` returns, equal in everything; ``None`` if the capture must be read by it, from its
        start: it has another format, times beyond all use in it, clocks that are set back by minutes while sightings
        go on; or the extra is not installed.

    Raises:
        EvidenceError: Its header is cut, or of a kind that is not read.
    """
    if not is_available():
        return None
    from .reading import read

    return read(name, stream, keep_times)
