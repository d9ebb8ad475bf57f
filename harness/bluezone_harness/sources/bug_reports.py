"""Texts of Android's bug reports: the log of the last Bluetooth packets that stands in them, packed, as base64.

Theory of operation. A text is read line by line until one begins the section; then its lines are octets in base64,
until one ends it. What they hold is a capture for ``open_source``, read as it is unpacked. Source: the Android Open
Source Project, ``btif_debug_btsnoop``.
"""

from __future__ import annotations

import binascii
import errno

from .octets import OctetStream

SECTION = "BTSNOOP_LOG_SUMMARY"
"""What the section is called."""
_BEGIN = f"--- BEGIN:{SECTION}".encode()
_END = b"--- END:"
_STARTS = (_BEGIN, b"========", b"== dumpstate", b"Bluetooth Status")
"""What such a text begins with: of a whole report, or of its part on Bluetooth."""
_LONGEST_LINE = 4096
"""Octets of a line of the section, its LF included; phones write 128."""


def looks_like_bug_report(head: bytes) -> bool:
    """Say whether a file that begins so is the text of a bug report, or of its part on Bluetooth."""
    return head.lstrip().startswith(_STARTS)


def looks_like_text(head: bytes) -> bool:
    """Say whether a file that begins so may be text: no octet of it stands for nothing."""
    return bool(head) and all(octet >= 0x20 or octet in b"\t\r\n\x0c\x1b" for octet in head)


class LogSection:
    """The octets of a section of a text: an ``OctetReader``.

    Args:
        text: In the line that begins it.
    """

    def __init__(self, text: OctetStream) -> None:
        self._text = text
        self._begun = False
        self._signs = b""
        self._octets = b""
        self._ended = False

    def read(self, count: int = -1, /) -> bytes:
        """Return at most so many octets, none at the end.

        Raises:
            OSError: The section is damaged or cut; everything before was returned.
        """
        if not self._begun:
            self._line()
            self._begun = True
        while not (self._octets or self._ended):
            line = self._line()
            self._ended = line.startswith(_END)
            signs = self._signs + (b"" if self._ended else line)
            whole = len(signs) if self._ended else len(signs) // 4 * 4
            self._signs = signs[whole:]
            try:
                self._octets = binascii.a2b_base64(signs[:whole], strict_mode=True)
            except binascii.Error:
                raise OSError(errno.EIO, "a line of the log is no base64") from None
        end = len(self._octets) if count < 0 else count
        octets, self._octets = self._octets[:end], self._octets[end:]
        return octets

    def _line(self) -> bytes:
        text = self._text
        searched = 0
        while True:
            start = text.position
            end = text.buffer.find(b"\n", start + searched, start + _LONGEST_LINE)
            if end >= 0:
                text.position = end + 1
                return text.buffer[start:end].strip()
            searched = text.rest
            if searched >= _LONGEST_LINE:
                raise OSError(errno.EIO, "a line of the log is too long")
            if not text.ensure(searched + 1):
                raise OSError(errno.EIO, text.failure or "the log is cut")


def find_section(text: OctetStream) -> LogSection | None:
    """Return the next section of a text; ``None`` if none follows.

    Args:
        text: Read on into the line that begins the section, or to its end.
    """
    while True:
        at = text.buffer.find(_BEGIN, text.position)
        if at >= 0:
            text.position = at + len(_BEGIN)
            return LogSection(text)
        # the line may begin in what was read last
        text.position = max(text.position, len(text.buffer) - len(_BEGIN) + 1)
        if not text.ensure(text.rest + 1):
            return None
