"""JSON that comes from outside, read strictly: what is wrong is told with its offset, or with its JSON Pointer.

Theory of operation. ``decode_json`` takes RFC 8259 to the letter, which the standard library does not: ``NaN`` and
``Infinity`` are no numbers, and nesting and length are bounded, so that no text keeps a reader busy or exhausts its
stack (BZ-MSG-006). A number of any length is read, and is no integer of 64 bits. ``JsonObject`` is an object that is
held to its keys: a value of a wrong type is refused where it is asked for, a value that nobody asks for never is.
No sentence repeats a value, because a value may be a key.

An object that holds a key twice says two things at once. It is refused where it is read; only in a message of positive
cases the last counts, because nothing but the table of BZ-MAT-005 may refuse a case there.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import NoReturn

from .errors import MalformedError, RejectCode

DEPTH_LIMIT = 64
"""Objects and lists within one another. Source: BZ-MSG-006."""
OCTET_LIMIT = 16 * 1024 * 1024
"""Octets of the longest text. Source: BZ-MSG-006."""
_INTEGER_DIGITS = 300  # a longer number is read as a fraction is: in time that grows with its length alone
_BYTE_ORDER_MARK = "\ufeff"
# what nests, and what the standard library takes for a number though RFC 8259 does not; strings are passed over
_OUTLINE = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?|[\[{]|[\]}]|NaN|-?Infinity', re.DOTALL)


class _Members(dict[str, object]):
    """The members of a JSON object, and the first key that stands there twice."""

    repeated: str | None = None


@dataclass(frozen=True, slots=True)
class JsonObject:
    """A JSON object, and where it stands.

    Attributes:
        members: Its values by their keys.
        pointer: Its JSON Pointer (RFC 6901).
        requirement: Which requirement says what it must hold.
        offset: Octets from the start of what was received to the JSON text.
    """

    members: Mapping[str, object]
    pointer: str
    requirement: str
    offset: int = 0

    def value(self, name: str) -> object:
        """Return the value of a key, whatever it is.

        Raises:
            MalformedError: MISSING_FIELD.
        """
        if name not in self.members:
            raise self.malformed(RejectCode.MISSING_FIELD, name, f"{name} is missing")
        return self.members[name]

    def text(self, name: str) -> str:
        """Return a value that must be text, and text that can be written in UTF-8.

        Raises:
            MalformedError: MISSING_FIELD or NOT_TEXT.
        """
        value = self.value(name)
        if not isinstance(value, str):
            raise self.malformed(RejectCode.NOT_TEXT, name, f"{name} is not text")
        if not _is_unicode(value):
            raise self.malformed(RejectCode.NOT_TEXT, name, f"{name} holds half of a surrogate pair")
        return value

    def integer(self, name: str) -> int:
        """Return a value that must be a JSON integer of 64 bits.

        Raises:
            MalformedError: MISSING_FIELD or NOT_AN_INTEGER.

        Source: BZ-MAT-005.
        """
        value = self.value(name)
        # a number of many digits comes as a fraction; true is an integer to Python alone
        if type(value) is not int:
            raise self.malformed(RejectCode.NOT_AN_INTEGER, name, f"{name} is not an integer of 64 bits")
        if not -(2**63) <= value < 2**63:
            raise self.malformed(RejectCode.NOT_AN_INTEGER, name, f"{name} does not fit into 64 bits")
        return value

    def boolean(self, name: str) -> bool:
        """Return a value that must be true or false.

        Raises:
            MalformedError: MISSING_FIELD or BAD_VALUE.
        """
        value = self.value(name)
        if not isinstance(value, bool):
            raise self.malformed(RejectCode.BAD_VALUE, name, f"{name} is neither true nor false")
        return value

    def inner(self, name: str, code: RejectCode = RejectCode.NOT_AN_OBJECT) -> JsonObject:
        """Return the object of which a value is the JSON text; errors tell offsets in that text.

        Raises:
            MalformedError: MISSING_FIELD, NOT_TEXT, BAD_JSON, or ``code`` where the text is of another JSON type.
        """
        octets = octets_of(self.text(name))
        return decode_object(octets, self.requirement, pointer=self._pointer(name), code=code)

    def plain(self) -> dict[str, object]:
        """Return the members as they can be handed on; errors as ``plain_value``."""
        return {name: self.plain_value(name) for name in self.members}

    def plain_value(self, name: str) -> object:
        """Return a value as it can be handed on: numbers finite, text in UTF-8, no key twice at any depth.

        Raises:
            MalformedError: MISSING_FIELD or BAD_JSON.
        """
        return self._plain(self._pointer(name), self.value(name))

    def further(self, known: Collection[str]) -> tuple[str, ...]:
        """Return the keys that are not known, sorted, half of a surrogate pair written as an escape."""
        return tuple(sorted(_printable(name) for name in self.members if name not in known))

    def malformed(self, code: RejectCode, name: str, reason: str) -> MalformedError:
        """Return the error to raise for the value of a key, or with an empty name for the object itself."""
        pointer = self._pointer(name) if name else self.pointer
        return MalformedError(code, self.requirement, self.offset, reason, pointer=pointer)

    def _plain(self, pointer: str, value: object) -> object:
        if isinstance(value, dict):
            return object_of(value, self.requirement, pointer=pointer, offset=self.offset).plain()
        if isinstance(value, list):
            return [self._plain(f"{pointer}/{index}", item) for index, item in enumerate(value)]
        if isinstance(value, float) and not math.isfinite(value):
            reason = "a number is too large"
        elif isinstance(value, str) and not _is_unicode(value):
            reason = "a text holds half of a surrogate pair"
        else:
            return value
        raise MalformedError(RejectCode.BAD_JSON, self.requirement, self.offset, reason, pointer=pointer)

    def _pointer(self, name: str) -> str:
        return f"{self.pointer}/{_printable(name).replace('~', '~0').replace('/', '~1')}"


def decode_json(octets: bytes, requirement: str, *, pointer: str = "", offset: int = 0) -> object:
    """Read a JSON text.

    Args:
        octets: UTF-8; a byte order mark in front is passed over.
        requirement: Whom an error names.
        pointer: Where the text itself stands, if it is a value of another JSON text; for errors.
        offset: Octets from the start of what was received to the text; for errors.

    Raises:
        MalformedError: BAD_JSON: it is not JSON in UTF-8, or longer or deeper than the limits.

    Source: RFC 8259; BZ-MSG-006.
    """

    def refuse(position: int, reason: str) -> NoReturn:
        raise MalformedError(
            RejectCode.BAD_JSON, requirement, offset + position, reason, pointer=pointer
        ) from None

    if len(octets) > OCTET_LIMIT:
        refuse(OCTET_LIMIT, f"the text has more than {OCTET_LIMIT} octets")
    try:
        text = octets.decode("utf-8")
    except UnicodeDecodeError as error:
        refuse(error.start, "the text is not UTF-8")
    start = len(text) - len(text.removeprefix(_BYTE_ORDER_MARK))

    def octet_at(character: int) -> int:
        return len(text[:character].encode())

    depth = 0
    for found in _OUTLINE.finditer(text, start):
        match found[0][0]:
            case "[" | "{":
                depth += 1
                if depth > DEPTH_LIMIT:
                    refuse(octet_at(found.start()), f"the text nests deeper than {DEPTH_LIMIT}")
            case "]" | "}":
                depth -= 1
            case "N" | "-" | "I":
                refuse(octet_at(found.start()), "the text is not JSON: such a number does not exist")
    try:
        value: object = json.loads(text[start:], object_pairs_hook=_members_of, parse_int=_integer_of)
    except json.JSONDecodeError as error:
        refuse(octet_at(_position(text[start:], error) + start), "the text is not JSON")
    return value


def _position(text: str, error: json.JSONDecodeError) -> int:
    """Return where a text stops being JSON, the same on every Python: some point at a comma, others at what follows."""
    at_comma = error.msg.startswith("Illegal trailing comma")
    return len(text) - len(text[error.pos + 1 :].lstrip(" \t\n\r")) if at_comma else error.pos


def decode_object(
    octets: bytes,
    requirement: str,
    *,
    pointer: str = "",
    offset: int = 0,
    code: RejectCode = RejectCode.NOT_AN_OBJECT,
    keep_last: bool = False,
) -> JsonObject:
    """Read a JSON text that must be an object; arguments as ``decode_json`` and ``object_of``.

    Raises:
        MalformedError: BAD_JSON; or ``code``, it is of another JSON type.
    """
    value = decode_json(octets, requirement, pointer=pointer, offset=offset)
    return object_of(value, requirement, pointer=pointer, offset=offset, code=code, keep_last=keep_last)


def object_of(
    value: object,
    requirement: str,
    *,
    pointer: str = "",
    offset: int = 0,
    code: RejectCode = RejectCode.NOT_AN_OBJECT,
    keep_last: bool = False,
) -> JsonObject:
    """Take a value of ``decode_json`` for an object.

    Args:
        value: The value.
        requirement: As there.
        pointer: As there.
        offset: As there.
        code: What it is refused with if it is of another JSON type.
        keep_last: Of a key that stands there twice the last counts.

    Raises:
        MalformedError: ``code``, it is of another JSON type; BAD_JSON, it holds a key twice.
    """
    if not isinstance(value, _Members):
        raise MalformedError(code, requirement, offset, "it is not a JSON object", pointer=pointer)
    found = JsonObject(value, pointer, requirement, offset)
    if value.repeated is not None and not keep_last:
        raise found.malformed(RejectCode.BAD_JSON, value.repeated, "the key stands there twice")
    return found


def octets_of(text: str) -> bytes:
    """Return a text in UTF-8; half of a surrogate pair becomes what no reader takes for UTF-8."""
    return text.encode("utf-8", "surrogatepass")


def encode_json(value: object) -> str:
    """Write a JSON text on one line without blanks, in ASCII, the keys in their order.

    Raises:
        ValueError: It is no JSON value, or nests too deep.
    """
    try:
        return json.dumps(value, separators=(",", ":"), allow_nan=False)
    except (TypeError, RecursionError):
        raise ValueError("this is no JSON value") from None


def _members_of(pairs: list[tuple[str, object]]) -> _Members:
    members = _Members()
    for name, value in pairs:
        if name in members and members.repeated is None:
            members.repeated = name
        members[name] = value
    return members


def _integer_of(digits: str) -> int | float:
    return int(digits) if len(digits) <= _INTEGER_DIGITS else float(digits)


def _is_unicode(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _printable(name: str) -> str:
    return name.encode("utf-8", "backslashreplace").decode()
