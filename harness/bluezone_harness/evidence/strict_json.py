"""JSON and TOML read strictly: nothing twice, nothing unknown, nothing of another type; every refusal says where.

Theory of operation. ``parse`` gives a ``Node``: a value, its JSON Pointer (RFC 6901) and the questions that a
reader asks of it. A question that the value cannot answer raises ``EvidenceError`` in one sentence. No
sentence repeats a value, because a value may be a key.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Sequence
from datetime import date, datetime, time
from typing import NoReturn

from bluezone_harness.evidence.errors import EvidenceError


class _Object(dict[str, object]):
    """A JSON object, and the first key that it holds twice."""

    repeated: str | None = None


_NAMES = {
    _Object: "an object",
    list: "a list",
    str: "text",
    bool: "true or false",
    int: "an integer",
    float: "a fraction",
    datetime: "an instant",
    date: "a day",
    time: "a time of day",
}


class Node:
    """A JSON value and where it stands.

    Attributes:
        value: As the parser of the standard library gives it.
        pointer: Its JSON Pointer.
    """

    def __init__(self, source: str, pointer: str, value: object) -> None:
        self._source = source
        self.pointer = pointer
        self.value = value

    def refusal(self, reason: str) -> EvidenceError:
        """Return the error to raise for this value."""
        return EvidenceError(self._source, reason, pointer=self.pointer)

    def __contains__(self, key: str) -> bool:
        return key in self._object()

    def __getitem__(self, key: str) -> Node:
        return self._member(key, self._object()[key])

    def keys(self, required: Sequence[str], optional: Sequence[str] = ()) -> None:
        """Hold an object to its keys.

        Raises:
            EvidenceError: One is missing or unknown.
        """
        present = self._object()
        for key in required:
            if key not in present:
                raise self.refusal(f"the key '{key}' is missing")
        for key in present:
            if key not in required and key not in optional:
                known = ", ".join(f"'{each}'" for each in (*required, *optional))
                raise self[key].refusal(f"the key is unknown here; known are {known}")

    def items(self, least: int = 0) -> tuple[Node, ...]:
        """Return the members of a list of at least ``least``."""
        if not isinstance(self.value, list):
            raise self._other_than("a list")
        if len(self.value) < least:
            raise self.refusal(f"the list holds fewer than {least}")
        return tuple(
            Node(self._source, f"{self.pointer}/{index}", item) for index, item in enumerate(self.value)
        )

    def text(self) -> str:
        """Return a text."""
        if not isinstance(self.value, str):
            raise self._other_than("text")
        return self.value

    def needed_text(self) -> str:
        """Return a text that holds more than white space."""
        if not self.text().strip():
            raise self.refusal("the text is empty")
        return self.text()

    def integer(self) -> int:
        """Return an integer; true and false are none."""
        if not isinstance(self.value, int) or isinstance(self.value, bool):
            raise self._other_than("an integer")
        return self.value

    def boolean(self) -> bool:
        """Return true or false."""
        if not isinstance(self.value, bool):
            raise self._other_than("true or false")
        return self.value

    def day(self) -> date:
        """Return a day of the calendar; JSON has none, TOML has."""
        if type(self.value) is not date:  # an instant is a kind of day for isinstance
            raise self._other_than("a day")
        return self.value

    def members(self) -> dict[str, Node]:
        """Return the members of an object, in its order."""
        return {key: self[key] for key in self._object()}

    def _object(self) -> _Object:
        if not isinstance(self.value, _Object):
            raise self._other_than("an object")
        if self.value.repeated is not None:
            raise self._member(self.value.repeated, None).refusal("the key stands there twice")
        return self.value

    def _member(self, key: str, value: object) -> Node:
        escaped = key.replace("~", "~0").replace("/", "~1")
        return Node(self._source, f"{self.pointer}/{escaped}", value)

    def _other_than(self, wanted: str) -> EvidenceError:
        return self.refusal(f"it is {_NAMES.get(type(self.value), 'null')}, not {wanted}")


def parse(source: str, octets: bytes) -> Node:
    """Parse a JSON text.

    Args:
        source: Name of the file, without folders; for messages.
        octets: UTF-8, with or without a byte order mark.

    Raises:
        EvidenceError: It is no JSON.
    """
    try:
        text = octets.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise EvidenceError(source, f"octet {error.start} is no UTF-8, so it is no JSON") from None
    try:
        value = json.loads(text, object_pairs_hook=_object_of, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise EvidenceError(
            source, f"no JSON: line {error.lineno}, column {error.colno}: {error.msg}"
        ) from None
    except (ValueError, RecursionError):
        raise EvidenceError(
            source, "no JSON that can be read: a number or its nesting is far too large"
        ) from None
    return Node(source, "", value)


def parse_toml(source: str, octets: bytes) -> Node:
    """Parse a TOML file.

    Args:
        source: Name of the file, without folders; for messages.
        octets: UTF-8, with or without a byte order mark.

    Raises:
        EvidenceError: It is no TOML.
    """
    try:
        return node_of(source, tomllib.loads(octets.decode("utf-8-sig")))
    except UnicodeDecodeError as error:
        raise EvidenceError(source, f"octet {error.start} is no UTF-8, so it is no TOML") from None
    except tomllib.TOMLDecodeError as error:
        raise EvidenceError(source, f"no TOML: {error}") from None
    except (ValueError, RecursionError):
        raise EvidenceError(
            source, "no TOML that can be read: a number or its nesting is far too large"
        ) from None


def node_of(source: str, value: object) -> Node:
    """Return a node of a value that another parser gave, such as that of TOML, which knows days besides.

    Args:
        source: Name of the file, without folders; for messages.
        value: Its objects are dictionaries with text as keys.
    """
    return Node(source, "", _with_objects(value))


def _with_objects(value: object) -> object:
    if isinstance(value, dict):
        return _Object({key: _with_objects(item) for key, item in value.items()})
    return [_with_objects(item) for item in value] if isinstance(value, list) else value


def _object_of(pairs: list[tuple[str, object]]) -> _Object:
    found = _Object()
    for key, value in pairs:
        if key in found and found.repeated is None:
            found.repeated = key
        found[key] = value
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)
