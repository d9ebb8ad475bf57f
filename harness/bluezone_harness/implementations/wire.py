"""The messages between the harness and an implementation under test: what they mean and how they are written.

Theory of operation. A message is one line of JSON (UTF-8, ended by a line feed, an object). The harness asks,

    {"op": "derive_ids", "seq": 3, "in": {...}}

and the implementation replies once to each question, with the same ``seq`` and exactly one of

    {"seq": 3, "ok": {...}}                                   the answer
    {"seq": 3, "reject": {"code": "BAD_MAX"}}                 refused on purpose; "message" may stand beside
    {"seq": 3, "unsupported": {}}                             it has no such operation; "message" may stand inside
    {"seq": 3, "error": {"message": "IndexOutOfBounds: 7"}}   it failed, and says so

Nothing here trusts the other side: each line is held to the bounds of ``lines``, and what is no message raises
``WireError`` and nothing but that.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from bluezone_harness.implementations.lines import WireError, decode_message, name_of, shortened

PROTOCOL = 1
"""Version of the messages."""
TEXT_LIMIT = 1000
"""Characters kept of what an implementation says about an error."""
HELLO = "hello"
BYE = "bye"


class AnswerKind(StrEnum):
    """How a question was answered; the last three are the harness's own words for what it saw."""

    OK = "ok"
    REJECT = "reject"
    UNSUPPORTED = "unsupported"
    ERROR = "error"
    CRASH = "crash"
    """The process ended, or the connection was closed."""
    TIMEOUT = "timeout"
    VIOLATION = "violation"
    """What came instead of a reply was none: no JSON, endless, repeated, to no question."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What an implementation answered to one question.

    Attributes:
        kind: How.
        value: The JSON value of ``ok``; ``None`` for every other kind.
        code: Of a reject; else empty.
        text: What was said besides, or what the harness saw; at most about ``TEXT_LIMIT`` characters.
    """

    kind: AnswerKind
    value: object = None
    code: str = ""
    text: str = ""


def ok(value: object) -> Answer:
    """Return the answer with a value."""
    return Answer(AnswerKind.OK, value)


def reject(code: str, text: str = "") -> Answer:
    """Return the answer that refuses on purpose."""
    return Answer(AnswerKind.REJECT, code=code, text=text)


def unsupported(text: str = "") -> Answer:
    """Return the answer that there is no such operation."""
    return Answer(AnswerKind.UNSUPPORTED, text=text)


def error(text: str) -> Answer:
    """Return the answer of an implementation that failed and says so."""
    return Answer(AnswerKind.ERROR, text=text)


@dataclass(frozen=True, slots=True)
class Question:
    """A question as it arrives at an adapter.

    Attributes:
        op: The operation; ``hello`` and ``bye`` too.
        seq: Its number.
        question: What stands under ``in``; empty where nothing does.
    """

    op: str
    seq: int
    question: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply as it arrives at the harness: to which question, and the answer."""

    seq: int
    answer: Answer


@dataclass(frozen=True, slots=True)
class Hello:
    """What an implementation says of itself.

    Attributes:
        name: Of the implementation.
        version: Its own.
        language: In which it is written.
        ops: The operations that it has.
        profiles: Names of the profiles that it can be asked about.
    """

    name: str
    version: str
    language: str
    ops: tuple[str, ...]
    profiles: tuple[str, ...] = ("v3",)

    def value(self) -> dict[str, object]:
        """Return what stands under ``ok`` in the reply to ``hello``."""
        return {
            "protocol": PROTOCOL,
            "implementation": {"name": self.name, "version": self.version, "language": self.language},
            "ops": list(self.ops),
            "profiles": list(self.profiles),
        }


def encode_question(op: str, seq: int, question: Mapping[str, object] | None = None) -> bytes:
    """Return a question as a line; ``bye`` has no ``in``."""
    message: dict[str, object] = {"op": op, "seq": seq}
    if question is not None:
        message["in"] = question
    return _line(message)


def encode_reply(seq: int, answer: Answer) -> bytes:
    """Return a reply as a line.

    Raises:
        ValueError: The answer is of a kind that only the harness gives.
    """
    match answer.kind:
        case AnswerKind.OK:
            body: object = answer.value
        case AnswerKind.REJECT:
            body = {"code": answer.code, **_message(answer.text)}
        case AnswerKind.UNSUPPORTED:
            body = _message(answer.text)
        case AnswerKind.ERROR:
            body = {"message": answer.text}
        case _:
            raise ValueError(f"no implementation can reply {answer.kind}")
    return _line({"seq": seq, str(answer.kind): body})


def _message(text: str) -> dict[str, str]:
    return {"message": text} if text else {}


def _line(message: Mapping[str, object]) -> bytes:
    return json.dumps(message, separators=(",", ":"), allow_nan=False).encode("ascii") + b"\n"


def decode_question(line: bytes) -> Question:
    """Read a question, with or without its line feed.

    Raises:
        WireError: It is none.
    """
    message = _object(decode_message(line), "a question", ("op", "seq"), ("in",))
    op = _text(message["op"], "'op'")
    if op != BYE and "in" not in message:
        raise WireError("a question has no 'in'")
    return Question(op, _seq(message["seq"]), _object(message.get("in", {}), "'in'", (), None))


def decode_reply(line: bytes) -> Reply:
    """Read a reply, with or without its line feed.

    Raises:
        WireError: It is none.
    """
    message = decode_message(line)
    if not isinstance(message, dict):
        raise WireError(f"a reply is an object, not {name_of(message)}")
    if "seq" not in message:
        raise WireError("the reply has no 'seq'")
    kinds = [key for key in message if key != "seq"]
    if len(kinds) != 1 or kinds[0] not in _BODIES:
        shown = ", ".join(repr(shortened(key, 40)) for key in kinds[:5]) or "nothing"
        raise WireError(
            f"a reply holds exactly one of {', '.join(_BODIES)} beside 'seq', here stands {shown}"
        )
    return Reply(_seq(message["seq"]), _answer(kinds[0], message[kinds[0]]))


_BODIES = (str(AnswerKind.OK), str(AnswerKind.REJECT), str(AnswerKind.UNSUPPORTED), str(AnswerKind.ERROR))


def _answer(kind: str, body: object) -> Answer:
    if kind == AnswerKind.OK:
        return ok(body)
    if kind == AnswerKind.REJECT:
        refusal = _object(body, "'reject'", ("code",), ("message",))
        return reject(_text(refusal["code"], "'code'"), _said(refusal))
    if kind == AnswerKind.UNSUPPORTED:
        return unsupported(_said(_object(body, "'unsupported'", (), ("message",))))
    return error(_said(_object(body, "'error'", ("message",), ())))


def _said(body: Mapping[str, object]) -> str:
    text = body.get("message", "")
    if not isinstance(text, str):
        raise WireError(f"'message' is {name_of(text)}, not text")
    return shortened(text, TEXT_LIMIT)


def decode_hello(value: object) -> Hello:
    """Read what stands under ``ok`` in the reply to ``hello``.

    Raises:
        WireError: It is not as it should be, or of another version of the messages.
    """
    body = _object(value, "the answer to hello", ("protocol", "implementation", "ops", "profiles"), ())
    if body["protocol"] != PROTOCOL or isinstance(body["protocol"], bool):
        raise WireError(
            f"the adapter does not speak version {PROTOCOL} of the messages, the only one there is"
        )
    about = _object(body["implementation"], "'implementation'", ("name", "version", "language"), ())
    return Hello(
        _text(about["name"], "'name'"),
        _text(about["version"], "'version'"),
        _text(about["language"], "'language'"),
        _texts(body["ops"], "'ops'"),
        _texts(body["profiles"], "'profiles'"),
    )


def _object(
    value: object, what: str, required: tuple[str, ...], optional: tuple[str, ...] | None
) -> dict[str, object]:
    """Hold an object to its keys; ``optional`` of ``None`` lets any stand there."""
    if not isinstance(value, dict):
        raise WireError(f"{what} is {name_of(value)}, not an object")
    for key in required:
        if key not in value:
            raise WireError(f"{what} has no '{key}'")
    if optional is not None:
        for key in value:
            if key not in required and key not in optional:
                raise WireError(f"{what} has the unknown key {shortened(key, 40)!r}")
    return value


def _text(value: object, what: str) -> str:
    if not isinstance(value, str):
        raise WireError(f"{what} is {name_of(value)}, not text")
    if not value or len(value) > TEXT_LIMIT:
        raise WireError(f"{what} is {'empty' if not value else 'far too long'}")
    return value


def _texts(value: object, what: str) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise WireError(f"{what} is {name_of(value)}, not a list")
    texts = tuple(_text(each, f"a member of {what}") for each in value)
    if len(set(texts)) != len(texts):
        raise WireError(f"{what} names one thing twice")
    return texts


def _seq(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise WireError("'seq' is no integer of at least 0")
    return value
