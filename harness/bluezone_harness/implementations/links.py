"""What a session asks of the way to an implementation, be it a process or a socket."""

from __future__ import annotations

from typing import Protocol

END_S = 2.0
"""How long an implementation may take to end after ``bye``."""
READ_LIMIT = 65_536
"""Octets read at once."""
NOISE_LIMIT = 65_536
"""Octets kept of what an implementation writes to standard error: the last ones."""


class AdapterError(Exception):
    """An adapter that cannot be started or reached, or does not speak the protocol; nothing can be judged.

    Attributes:
        reason: One sentence for people, without a full stop.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Link(Protocol):
    """The way to an implementation; nothing here waits but ``ending`` and ``close``, and both for a bounded time."""

    def output_fileno(self) -> int:
        """Return what is readable where replies are."""
        ...

    def input_fileno(self) -> int:
        """Return what is writable where questions can go."""
        ...

    def noise_fileno(self) -> int | None:
        """Return what is readable where noise is; ``None`` where there can be none."""
        ...

    def read(self) -> bytes | None:
        """Return what arrived; nothing at the end; ``None`` where nothing is there yet."""
        ...

    def read_noise(self) -> bytes | None:
        """Return what was written to standard error, in the same way."""
        ...

    def write(self, octets: bytes) -> int:
        """Write what can be written now, and return how much that was.

        Raises:
            OSError: Nobody reads there any more.
        """
        ...

    def close_input(self) -> None:
        """Say that no more questions come."""
        ...

    def ending(self) -> str:
        """Say how the other side ended, after its output has."""
        ...

    def close(self, *, asked_to_end: bool = False) -> str:
        """Let go of the other side, whatever it does: nothing of it is left.

        Args:
            asked_to_end: It was said goodbye, so that it may end by itself first.

        Returns:
            What was needed beyond that, in one clause; empty where nothing was.
        """
        ...


class Noise:
    """What an implementation wrote to standard error: all counted, the last of it kept."""

    def __init__(self) -> None:
        self.count = 0
        self._kept = bytearray()

    def add(self, octets: bytes) -> None:
        """Take what arrived."""
        self.count += len(octets)
        self._kept += octets
        del self._kept[:-NOISE_LIMIT]

    def text(self) -> str:
        """Return what is kept, as text."""
        return self._kept.decode("utf-8", "replace")

    def last_line(self) -> str:
        """Return the last line that says anything; empty where there is none."""
        return next((line.strip() for line in reversed(self.text().splitlines()) if line.strip()), "")
