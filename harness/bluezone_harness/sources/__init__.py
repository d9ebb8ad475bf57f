"""Sources of observations: captures and recordings, read lazily, in constant memory.

Theory of operation. ``open_source`` looks at the first octets and returns the source that reads them; what a
file is called does not matter. A source reads its octets once, in chunks, hashes them as they come, and
yields observations in their order. It never raises while it is read: what is damaged gives every good record
before the damage, and one diagnostic that says where. ``open_archive`` finds captures inside gzip and zip,
and unpacks them as they are read.
"""

from __future__ import annotations

from .archives import Archive, Packed, looks_like_archive, open_archive
from .formats import HEAD_OCTETS, looks_like_capture, open_source

__all__ = [
    "HEAD_OCTETS",
    "Archive",
    "Packed",
    "looks_like_archive",
    "looks_like_capture",
    "open_archive",
    "open_source",
]
