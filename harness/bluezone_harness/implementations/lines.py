"""One line that is exchanged with an implementation, as the JSON value it holds: read strictly, within bounds.

Theory of operation. Nothing here trusts the other side: a line is at most ``LINE_LIMIT`` octets, nests at most
``DEPTH_LIMIT`` deep, holds no key twice, no integer beyond ±(2**53 - 1) (what every JSON reader keeps exactly,
RFC 7493), no fraction that is not finite, and no half of a surrogate pair. Whatever else arrives raises ``WireError``
and nothing but that.
"""

from __future__ import annotations

import json
import math
from typing import NoReturn

LINE_LIMIT = 4 * 1024 * 1024
"""Octets of the longest line, its line feed aside."""
DEPTH_LIMIT = 32
"""Objects and lists within one another."""
INTEGER_LIMIT = 2**53 - 1
"""The greatest integer, and with a minus sign the least."""


class WireError(ValueError):
    """A line that is no message.

    Attributes:
        reason: One sentence for people, without a full stop.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def decode_message(line: bytes) -> object:
    """Read one line as JSON, within the bounds of this module.

    Raises:
        WireError: It is no JSON, or beyond them.
    """
    if len(line) > LINE_LIMIT + 1:
        raise WireError(f"the line is longer than {LINE_LIMIT} octets")
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as problem:
        raise WireError(f"octet {problem.start} of the line is no UTF-8") from None
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as problem:
        raise WireError(_no_json(text, problem)) from None
    except RecursionError:
        raise WireError(_TOO_DEEP) from None
    if line.count(b"{") + line.count(b"[") > DEPTH_LIMIT:
        _check_depth(value)
    if b"\\u" in line:
        _check_surrogates(value)
    return value


_TOO_DEEP = f"the line nests deeper than {DEPTH_LIMIT}"


def _no_json(text: str, problem: json.JSONDecodeError) -> str:
    if not text.strip():
        return "the line is empty"
    return f"the line is no JSON, at character {problem.pos}: {shortened(text, 60)!r}"


def _check_depth(value: object) -> None:
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(DEPTH_LIMIT):
        level = [
            member
            for each in level
            for member in (each.values() if isinstance(each, dict) else each)
            if isinstance(member, dict | list)
        ]
    if level:
        raise WireError(_TOO_DEEP)


def _check_surrogates(value: object) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise WireError("a text holds half of a surrogate pair, which is no character") from None


def _pairs(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise WireError(f"the key {shortened(twice, 40)!r} stands there twice")
    return found


def _integer(text: str) -> int:
    # 17 characters hold every integer within the limit; a longer one is not even converted
    if len(text) > 17 or abs(number := int(text)) > INTEGER_LIMIT:
        raise WireError(
            f"the integer {shortened(text, 40)} is beyond {INTEGER_LIMIT}, which not every reader keeps"
        )
    return number


def _fraction(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise WireError(f"the number {shortened(text, 40)} is too large")
    return number


def _no_constant(name: str) -> NoReturn:
    raise WireError(f"{name} is no JSON")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_pairs, parse_int=_integer, parse_float=_fraction, parse_constant=_no_constant
)


_NAMES = {
    dict: "an object",
    list: "a list",
    str: "text",
    bool: "true or false",
    int: "an integer",
    float: "a fraction",
}


def name_of(value: object) -> str:
    """Return what a JSON value is, for people."""
    return _NAMES.get(type(value), "null")


def shortened(text: str, limit: int) -> str:
    """Return text without what is beyond a limit; three dots say so."""
    return text if len(text) <= limit else f"{text[:limit]}..."
