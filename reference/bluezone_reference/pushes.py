"""Pushes: what the server sends to a phone by Firebase Cloud Messaging.

::

    {"Type": text, "DataContent": JSON text of an object, "Notify": JSON text of an object}

A flat object whose values are text. A push of no type, or of one that the table does not have, is ignored
(BZ-MSG-001); one that is malformed is treated as if it had not come (BZ-MSG-006).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from .errors import MalformedError
from .json_text import decode_object, encode_json, octets_of


class Content(NamedTuple):
    """A key that ``DataContent`` of a type of push has: its JSON type, and whether it may be missing."""

    kind: Literal["text", "integer"]
    optional: bool = False


_FIND_GUID = {"FindGUID": Content("text")}
# 14 days are meant where a push does not say (BZ-MSG-004); in August 2020 none said
_NUMBER_OF_DAYS = {"Numberdays": Content("integer", optional=True)}

PUSH_TYPES: Mapping[str, Mapping[str, Content]] = {
    "KiemTraLichSuTiepXuc": _FIND_GUID | _NUMBER_OF_DAYS | {"InfoF": Content("text")},
    "LayThongTinVaLichSu": _FIND_GUID | _NUMBER_OF_DAYS,
    "CanhBaoXacNhanTiepXuc": {},
    "GuiThongBao": {},
    "bznews": {},
    "urlnews": {},
    "MOBILE": {},
    "XoaThongBao": {},
    "CapNhatCauHinh": {},
    "CapNhatNgonNgu": {},
    "GetInfoApp": {"PushGUID": Content("text")},
    "GetLogApp": {},
    "PingPong": {},
    "YeuCauGuiLichSu": {"OTP": Content("text")},
}
"""All types of push, as they are spelt, each with what its ``DataContent`` must hold. Source: BZ-MSG-001."""
_KEYS = ("Type", "DataContent", "Notify")


@dataclass(frozen=True, slots=True)
class Push:
    """A push of a known type.

    Attributes:
        type: One of ``PUSH_TYPES``.
        content: The object of ``DataContent``, empty where that is missing; ``InfoF`` in it stays text.
        notify: The object of ``Notify``, empty where that is missing.
        further: Keys of the push that nobody knows, sorted.
    """

    type: str
    content: Mapping[str, object]
    notify: Mapping[str, object]
    further: tuple[str, ...] = ()


def decode_push(text: bytes) -> Push | None:
    """Read a push.

    Args:
        text: The flat object as JSON in UTF-8.

    Returns:
        The push; ``None`` for one to ignore, because its ``Type`` is missing or unknown.

    Raises:
        MalformedError: BAD_JSON, NOT_AN_OBJECT, NOT_TEXT, MISSING_FIELD or NOT_AN_INTEGER. In a pointer, what
            ``DataContent`` and ``Notify`` hold stands below them as if it were no text.

    Source: BZ-MSG-001, BZ-MSG-006.
    """
    push = decode_object(text, "BZ-MSG-001")
    if "Type" not in push.members or (kind := push.text("Type")) not in PUSH_TYPES:
        return None
    inner = {name: push.inner(name) for name in _KEYS[1:] if name in push.members}
    content = inner.get("DataContent") or decode_object(b"{}", "BZ-MSG-001", pointer="/DataContent")
    for name, wanted in PUSH_TYPES[kind].items():
        if wanted.optional and name not in content.members:
            continue
        if wanted.kind == "text":
            content.text(name)
        else:
            content.integer(name)
    return Push(
        kind, content.plain(), inner["Notify"].plain() if "Notify" in inner else {}, push.further(_KEYS)
    )


def encode_push(
    push_type: str, content: Mapping[str, object], notify: Mapping[str, object] | None = None
) -> str:
    """Write a push.

    Args:
        push_type: One of ``PUSH_TYPES``.
        content: What ``DataContent`` is to hold; where it is empty, ``DataContent`` is left out.
        notify: What ``Notify`` is to hold; likewise.

    Raises:
        ValueError: The type is unknown, or a value is none of JSON.
        RefusedError: A reader would refuse the push.

    Source: BZ-MSG-001.
    """
    if push_type not in PUSH_TYPES:
        raise ValueError("there is no such type of push")
    push = {"Type": push_type}
    for name, inner in (("DataContent", content), ("Notify", notify)):
        if inner:
            push[name] = encode_json(dict(inner))
    text = encode_json(push)
    try:
        decode_push(octets_of(text))
    except MalformedError as error:
        raise error.refusal() from None
    return text
