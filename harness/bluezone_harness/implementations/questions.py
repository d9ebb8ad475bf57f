"""The parts of a question, read strictly: lowercase hex for octets, integers for times and numbers.

What stands here is the interface, not the protocol: a part that is missing or of another type is a mistake of whoever
asks, a ``QuestionError``, and none of the specification's reject codes describes it. A ``max`` is the exception,
because BZ-KEY-007 says what becomes of any value of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from bluezone_reference.contact_log import Record
from bluezone_reference.errors import RefusedError, RejectCode
from bluezone_reference.profiles import PROFILES, V3, Profile

Asked: TypeAlias = Mapping[str, object]

_NOTHING = object()


class QuestionError(ValueError):
    """A question that is not of the form that its operation has: a mistake of the caller."""


def profile_of(question: Asked) -> Profile:
    """Return the profile that a question names, v3 where it names none.

    Raises:
        QuestionError: There is no such profile.
    """
    name = question.get("profile", V3.name)
    if not isinstance(name, str) or name not in PROFILES:
        raise QuestionError("'profile' is none of " + ", ".join(PROFILES))
    return PROFILES[name]


def octets(question: Asked, name: str) -> bytes:
    """Return octets, written as lowercase hex."""
    text = question.get(name, _NOTHING)
    if not isinstance(text, str):
        raise _wrong(text, name, "hex")
    try:
        found = bytes.fromhex(text)
    except ValueError:
        raise QuestionError(f"'{name}' is not hex") from None
    if len(text) != 2 * len(found):  # bytes.fromhex passes over blanks
        raise QuestionError(f"'{name}' is not hex")
    return found


def optional_octets(question: Asked, name: str) -> bytes | None:
    """Return octets, or ``None`` where there are none."""
    return None if question.get(name) is None else octets(question, name)


def integer(question: Asked, name: str) -> int:
    """Return an integer; neither a boolean nor a number with a fraction is one."""
    value = question.get(name, _NOTHING)
    if type(value) is not int:
        raise _wrong(value, name, "an integer")
    return value


def optional_integer(question: Asked, name: str) -> int | None:
    """Return an integer, or ``None`` where there is none."""
    return None if question.get(name) is None else integer(question, name)


def text(question: Asked, name: str) -> str:
    """Return text."""
    value = question.get(name, _NOTHING)
    if not isinstance(value, str):
        raise _wrong(value, name, "text")
    return value


def optional_text(question: Asked, name: str) -> str | None:
    """Return text, or ``None`` where there is none."""
    return None if question.get(name) is None else text(question, name)


def flag(question: Asked, name: str) -> bool:
    """Return true or false."""
    value = question.get(name, _NOTHING)
    if not isinstance(value, bool):
        raise _wrong(value, name, "true or false")
    return value


def part(question: Asked, name: str) -> Asked:
    """Return an object within a question."""
    value = question.get(name, _NOTHING)
    if not isinstance(value, dict):
        raise _wrong(value, name, "an object")
    return value


def parts(question: Asked, name: str) -> list[Asked]:
    """Return a list of objects within a question."""
    value = question.get(name, _NOTHING)
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise _wrong(value, name, "a list of objects")
    return value


def integers(question: Asked, name: str) -> list[int]:
    """Return a list of integers."""
    value = question.get(name, _NOTHING)
    if not isinstance(value, list) or not all(type(item) is int for item in value):
        raise _wrong(value, name, "a list of integers")
    return value


def max_asked(question: Asked) -> int | None:
    """Return the ``max`` of a question, ``None`` where it has none.

    Raises:
        RefusedError: BAD_MAX, it is no integer.

    Source: BZ-KEY-007.
    """
    if "max" not in question:
        return None
    value = question["max"]
    if type(value) is not int:
        raise RefusedError(RejectCode.BAD_MAX, "BZ-KEY-007", "max must be an integer")
    return value


def records(question: Asked) -> list[Record]:
    """Return the records of a question."""
    return [
        Record(
            octets(each, "own_id"),
            octets(each, "contact_id"),
            integer(each, "rssi"),
            integer(each, "time_ms"),
        )
        for each in parts(question, "records")
    ]


def _wrong(value: object, name: str, wanted: str) -> QuestionError:
    return QuestionError(f"'{name}' is missing" if value is _NOTHING else f"'{name}' is not {wanted}")
