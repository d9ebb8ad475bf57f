"""The one error of this package."""

from __future__ import annotations

_LONGEST_SHOWN = 200
"""Characters of a pointer that are shown, the last ones."""


class EvidenceError(ValueError):
    """Evidence, or a device file, that cannot be read at all; a command answers it with exit code 3.

    Attributes:
        source: Name of the evidence, without folders.
        reason: One sentence for people, without a full stop.
        pointer: In JSON, the JSON Pointer (RFC 6901) to what is wrong; else empty.
    """

    def __init__(self, source: str, reason: str, *, pointer: str | None = None) -> None:
        where = "" if pointer is None else f" (at {_shown(pointer) or 'the top'})"
        super().__init__(f"{source}: {reason}{where}")
        self.source = source
        self.reason = reason
        self.pointer = pointer or ""


def _shown(pointer: str) -> str:
    """Return a pointer for people: its keys are the evidence's, and may be of any characters, for a terminal too."""
    end = pointer[-_LONGEST_SHOWN:]
    shown = "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in end)
    return shown if end == pointer else f"…{shown}"
