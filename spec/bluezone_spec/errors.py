"""Where something stands in the specification's files, and the one error that says what is wrong there."""

from __future__ import annotations

from dataclasses import dataclass


class SpecificationError(ValueError):
    """A chapter or a profile is not written as it must be.

    Attributes:
        file: Name of the chapter or profile, such as ``02-key-schedule.md``.
        line: Counted from 1; 1 where the file as a whole is wrong.
        reason: What is wrong and what to do, for people, without a full stop.
    """

    def __init__(self, file: str, line: int, reason: str) -> None:
        super().__init__(f"{file}:{line}: {reason}")
        self.file = file
        self.line = line
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a file.

    Attributes:
        file: Name of the chapter or profile.
        line: Counted from 1.
    """

    file: str
    line: int

    def error(self, reason: str) -> SpecificationError:
        """Return the error to raise for what stands here."""
        return SpecificationError(self.file, self.line, reason)
