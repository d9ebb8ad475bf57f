"""What an answer is compared with: when it satisfies a vector's expectation, and where it differs.

Theory of operation. An expectation holds exactly one of

- ``ok``: the value that the answer must have;
- ``reject``: the code that the question must be refused with: nothing but a reject of that code does, since an
  exception may happen for any reason;
- ``failure`` (of quirk profiles): the published build gives no answer, so an ``error`` is right, or an answer that
  names the failure;
- ``properties``: the answer is random, and what must hold of it follows from the question.

Values are compared as JSON: the order of keys means nothing, 1 is neither 1.0 nor true, and no key may be missing or
stand there besides. Two operations are compared by what their text means: ``encode_advertisement`` (AD structures
come in any order, and Flags may be there or not: BZ-ADV-002) and ``encode_info`` (JSON, its hex in any case).
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping

from bluezone_harness.implementations.lines import WireError, decode_message, shortened
from bluezone_harness.implementations.wire import Answer, AnswerKind
from bluezone_reference.ad_structures import decode_ad
from bluezone_reference.errors import MalformedError
from bluezone_reference.key_schedule import KEY_OCTETS
from bluezone_reference.weak_bases import weakness

ENDLESS_LOOP = "endless loop"
"""The failure of a build that a run shows by a timeout, too."""
RANDOM_OPS = frozenset({"new_base_ids"})
"""Operations that draw random numbers: two answers to one question differ by right."""
_FLAGS = 0x01
_COMPLETE = {0x02: 0x03, 0x06: 0x07}
"""AD types of lists of 16-bit and of 128-bit UUIDs that call themselves incomplete, and of those that do not."""
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2})+")
_VALUE_SHOWN = 160
_MISSING = object()


def satisfies(op: str, expect: Mapping[str, object], answer: Answer, question: Mapping[str, object]) -> bool:
    """Tell whether an answer is what a vector expects.

    Args:
        op: The operation.
        expect: The vector's expectation.
        answer: The answer.
        question: What was asked, for properties.

    Raises:
        ValueError: The expectation is of no kind that there is.
    """
    return difference(op, expect, answer, question) is None


def difference(
    op: str, expect: Mapping[str, object], answer: Answer, question: Mapping[str, object]
) -> str | None:
    """Return how an answer differs from what a vector expects, in one phrase; ``None`` where it does not.

    Args:
        op: The operation.
        expect: The vector's expectation.
        answer: The answer.
        question: What was asked, for properties.

    Raises:
        ValueError: The expectation is of no kind that there is.
    """
    if len(expect) != 1:
        raise ValueError(f"an expectation holds one key, this one {sorted(expect)}")
    (kind,) = expect
    match kind:
        case "ok":
            if answer.kind is AnswerKind.OK:
                return _value_difference(op, expect["ok"], answer.value)
        case "properties":
            if answer.kind is AnswerKind.OK:
                return _random_difference(op, question, answer.value)
        case "reject":
            if answer.kind is AnswerKind.REJECT:
                return None if answer.code == expect["reject"] else f"refused, but with {answer.code}"
        case "failure":
            if _is_failure(answer, expect):
                return None
        case _:
            raise ValueError(f"an expectation is of no kind {kind!r}")
    return answer_text(answer)


def _is_failure(answer: Answer, expect: Mapping[str, object]) -> bool:
    """Tell whether an answer shows the failure of a build: by failing, or by naming it; none has to loop for ever."""
    match answer.kind:
        case AnswerKind.ERROR:
            return True
        case AnswerKind.TIMEOUT:
            return expect["failure"] == ENDLESS_LOOP
        case AnswerKind.OK:
            return same(answer.value, expect)
    return False


def same_answer(first: Answer, second: Answer) -> bool:
    """Tell whether two answers say the same; what is said beside an error, a reject or a crash may differ."""
    return first.kind is second.kind and first.code == second.code and same(first.value, second.value)


def same(first: object, second: object) -> bool:
    """Tell whether two JSON values are equal: 1 is neither 1.0 nor true."""
    return _pointer_to_difference(first, second) is None


def expected_text(expect: Mapping[str, object]) -> str:
    """Say what a vector expects, for people."""
    match expect:
        case {"ok": value}:
            return _shown(value)
        case {"reject": code}:
            return f"refused with {code}"
        case {"failure": failure}:
            return f"no answer, as the published build gives none ({failure})"
    return "random values that hold to the requirement"


def answer_text(answer: Answer) -> str:
    """Say what was answered, for people."""
    said = f": {shortened(answer.text, _VALUE_SHOWN)}" if answer.text else ""
    match answer.kind:
        case AnswerKind.OK:
            return f"answered {_shown(answer.value)}"
        case AnswerKind.REJECT:
            return f"refused with {answer.code}{said}"
        case AnswerKind.UNSUPPORTED:
            return f"unsupported{said}"
        case AnswerKind.ERROR:
            return f"error{said}"
        case AnswerKind.CRASH:
            return f"crash{said}"
        case AnswerKind.TIMEOUT:
            return f"no reply in time{said}"
    return f"no valid reply{said}"


def _value_difference(op: str, expected: object, seen: object) -> str | None:
    if op == "encode_advertisement":
        return _ad_difference(expected, seen)
    if op == "encode_info":
        return _json_difference(expected, seen)
    pointer = _pointer_to_difference(expected, seen)
    return None if pointer is None else _at(pointer, expected, seen)


def _at(pointer: tuple[str | int, ...], expected: object, seen: object) -> str:
    """Say what stands at a place where two values differ; a member that one of them lacks is its own phrase."""
    for part in pointer:
        expected, seen = _member(expected, part), _member(seen, part)
    where = "".join(f"/{part}" for part in pointer) or "the answer"
    if seen is _MISSING:
        return f"{where} is missing, expected is {_shown(expected)}"
    if expected is _MISSING:
        return f"{where} is not expected, here it is {_shown(seen)}"
    return f"{where} is {_shown(seen)}, expected is {_shown(expected)}"


def _member(value: object, part: str | int) -> object:
    """Return a member of an object or list, ``_MISSING`` where it has no such one."""
    if isinstance(value, dict):
        return value.get(part, _MISSING)
    if isinstance(value, list) and isinstance(part, int) and part < len(value):
        return value[part]
    return _MISSING


def _pointer_to_difference(first: object, second: object) -> tuple[str | int, ...] | None:
    """Return the way to the first difference of two JSON values, ``None`` where they are equal."""
    if type(first) is not type(second):
        return ()
    if isinstance(first, dict) and isinstance(second, dict):
        for key in (*first, *(key for key in second if key not in first)):
            if key not in first or key not in second:
                return (key,)
            if (deeper := _pointer_to_difference(first[key], second[key])) is not None:
                return (key, *deeper)
        return None
    if isinstance(first, list) and isinstance(second, list):
        for index, (one, other) in enumerate(zip(first, second, strict=False)):
            if (deeper := _pointer_to_difference(one, other)) is not None:
                return (index, *deeper)
        return None if len(first) == len(second) else (min(len(first), len(second)),)
    return None if first == second else ()


def _ad_difference(expected: object, seen: object) -> str | None:
    wanted, found = _structures(expected), _structures(seen)
    if found is None:
        return f"no AdvData in hex under 'ad' alone: {_shown(seen)}"
    if wanted == found:
        return None
    return f"the AD structures of {_shown(seen)} are not those of {_shown(expected)}"


def _structures(value: object) -> Counter[tuple[int, bytes]] | None:
    """Return the AD structures of ``{"ad": hex}`` in no order, Flags aside; ``None`` where it is no such thing."""
    digits = _only(value, "ad")
    if not isinstance(digits, str) or (digits and not _is_lower_hex(digits)):
        return None
    try:
        structures = decode_ad(bytes.fromhex(digits))
    except MalformedError:
        return None
    # whether a list of UUIDs calls itself complete is left open (BZ-ADV-002)
    return Counter(
        (_COMPLETE.get(each.ad_type, each.ad_type), each.data)
        for each in structures
        if each.ad_type != _FLAGS
    )


def _only(value: object, key: str) -> object:
    """Return the member of an object that holds nothing else; ``None`` where it is no such object."""
    return value.get(key) if isinstance(value, dict) and len(value) == 1 else None


def _is_lower_hex(digits: str) -> bool:
    return _HEX.fullmatch(digits) is not None and digits == digits.lower()


def _json_difference(expected: object, seen: object) -> str | None:
    wanted, found = _parsed_text(expected), _parsed_text(seen)
    if found is None:
        return f"no JSON under 'text' alone: {_shown(seen)}"
    return None if wanted is not None and same(wanted, found) else f"{_shown(seen)} is not {_shown(expected)}"


def _parsed_text(value: object) -> list[object] | None:
    """Return the JSON value of ``{"text": JSON}``, alone in a list; ``None`` where it is no such thing."""
    text = _only(value, "text")
    if not isinstance(text, str):
        return None
    try:
        return [_lower_hex(decode_message(text.encode("utf-8", "surrogatepass")))]
    except WireError:
        return None


def _lower_hex(value: object) -> object:
    if isinstance(value, dict):
        return {key: _lower_hex(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_lower_hex(item) for item in value]
    return value.lower() if isinstance(value, str) and _HEX.fullmatch(value) else value


def _random_difference(op: str, question: Mapping[str, object], value: object) -> str | None:
    if op not in RANDOM_OPS:
        raise ValueError(f"the answer of {op} is not random")
    base_ids = _only(value, "base_ids")
    if not isinstance(base_ids, list):
        return f"no list under 'base_ids' alone: {_shown(value)}"
    return _base_ids_difference(question.get("count"), base_ids)


def _base_ids_difference(count: object, base_ids: list[object]) -> str | None:
    """Hold base ids to BZ-KEY-001: as many as asked for, 32 octets each, all different, none of the weak ones."""
    if len(base_ids) != count:
        return f"{len(base_ids)} base ids, asked for were {count}"
    for index, digits in enumerate(base_ids):
        if not isinstance(digits, str) or len(digits) != 2 * KEY_OCTETS or not _is_lower_hex(digits):
            return f"/base_ids/{index} is no lower-case hex of {KEY_OCTETS} octets"
        weak = weakness(bytes.fromhex(digits))
        if weak is not None:
            return f"/base_ids/{index} is weak: {weak}"
    if len(set(map(str, base_ids))) != len(base_ids):
        return "a base id stands there twice"
    return None


def _shown(value: object) -> str:
    return shortened(json.dumps(value, ensure_ascii=True), _VALUE_SHOWN)
