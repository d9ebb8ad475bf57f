"""Questions of ``decode_push``: pushes of all types, unknown ones, and malformed ones."""

# a table has a row a line, however long
# ruff: noqa: E501

from __future__ import annotations

import json
from collections.abc import Iterator

from bluezone_vectors.generator.drafts import Draft

CHECK = "KiemTraLichSuTiepXuc"
UPLOAD = "LayThongTinVaLichSu"
INFO = '{"data": []}'
CHECK_CONTENT: dict[str, object] = {"FindGUID": "123456", "Numberdays": 14, "InfoF": INFO}


_GROUPS = {
    CHECK: "types-that-ask-for-an-upload",
    UPLOAD: "types-that-ask-for-an-upload",
    "YeuCauGuiLichSu": "types-that-ask-for-an-upload",
    "GuiThongBao": "types-of-news",
    "bznews": "types-of-news",
    "urlnews": "types-of-news",
    "CanhBaoXacNhanTiepXuc": "types-of-notices",
    "MOBILE": "types-of-notices",
    "XoaThongBao": "types-of-notices",
    "CapNhatCauHinh": "types-of-settings",
    "CapNhatNgonNgu": "types-of-settings",
    "GetInfoApp": "types-of-the-app",
    "GetLogApp": "types-of-the-app",
    "PingPong": "types-of-the-app",
}


def push(kind: object = CHECK, content: object = None, notify: object = None, **more: object) -> str:
    """Return a push; objects become JSON text, as a server sends them."""
    members: dict[str, object] = {"Type": kind}
    for name, value in (("DataContent", CHECK_CONTENT if content is None else content), ("Notify", notify)):
        if value is not None:
            members[name] = json.dumps(value) if isinstance(value, dict) else value
    return json.dumps({**members, **more}, ensure_ascii=False)


def _without(name: str) -> dict[str, object]:
    return {key: value for key, value in CHECK_CONTENT.items() if key != name}


def _draft(
    name: str,
    text: str,
    *,
    comment: str,
    requirements: tuple[str, ...] = ("MSG-001",),
    boundary: str = "",
    kills: tuple[str, ...] = (),
    reject: str = "",
    ok: dict[str, object] | None = None,
) -> Draft:
    bad = bool(reject)
    return Draft(
        id=f"decode-push-{name}",
        requirements=(*requirements, "MSG-006") if bad else requirements,
        question={"text": text},
        comment=comment,
        boundary=boundary,
        kills=kills,
        flags=("server-text-crashes",) if bad else ("obeys-unknown-push",),
        evidence="source" if not bad else "inferred",
        reject=reject,
        ok=ok,
    )


def drafts() -> Iterator[Draft]:
    """Yield all questions of this operation."""
    yield from _types()
    yield from _unknown()
    yield from _further()
    yield from _malformed()


def _types() -> Iterator[Draft]:
    rows: tuple[tuple[str, dict[str, object], dict[str, object] | None], ...] = (
        (CHECK, CHECK_CONTENT, {"title": "a"}),
        (UPLOAD, {"FindGUID": "123456", "Numberdays": 7}, None),
        ("CanhBaoXacNhanTiepXuc", {}, {"title": "b", "NotifyID": "9"}),
        ("GuiThongBao", {}, {"title": "c"}),
        ("bznews", {}, {"title": "d"}),
        ("urlnews", {}, {"title": "e"}),
        ("MOBILE", {}, {"title": "f"}),
        ("XoaThongBao", {}, {"NotifyID": "7"}),
        ("CapNhatCauHinh", {"MaxNumberSubKeyPerDay": 96, "MaxNumberSubKey": 48}, None),
        ("CapNhatNgonNgu", {"text": {"title": "xin chào"}}, None),
        ("GetInfoApp", {"PushGUID": "11"}, None),
        ("GetLogApp", {}, None),
        ("PingPong", {}, {"key": "12"}),
        ("YeuCauGuiLichSu", {"OTP": "123456"}, None),
    )
    finds = (
        ("rejects-always",), ("empty-always",), (), ("rejects-always",), ("empty-always",), ("empty-always", "rejects-always"),
        ("rejects-always",), ("empty-always",), ("missing-notify-rejected",), ("rejects-always",), ("missing-notify-rejected",),
        ("rejects-always",), (), ("missing-notify-rejected",),
    )  # fmt: skip
    for (kind, content, notify), names in zip(rows, finds, strict=True):
        yield _draft(
            f"type-{kind.lower()}",
            push(kind, content, notify),
            comment=f"A push of the type {kind}, whole.",
            boundary=_GROUPS[kind],
            kills=names,
            ok={"type": kind, "content": content, "notify": notify or {}, "further": []},
        )
    for name, kind, boundary, kills in (
        ("check-in-lower-case", CHECK.lower(), "types-that-ask-for-an-upload", ("unknown-push-obeyed",)),
        ("news-in-capitals", "BZNEWS", "types-of-news", ("unknown-push-obeyed",)),
        ("mobile-in-lower-case", "mobile", "types-of-notices", ("unknown-push-obeyed",)),
        ("settings-of-nothing", "CapNhat", "types-of-settings", ("unknown-push-obeyed",)),
        ("ping-alone", "Ping", "types-of-the-app", ("unknown-push-obeyed",)),
    ):
        yield _draft(
            f"type-{name}",
            push(kind),
            comment="A type is spelt as it is, capitals included, and no part of it is one.",
            boundary=boundary,
            kills=kills,
            ok={"ignored": True},
        )


def _unknown() -> Iterator[Draft]:
    ignored: dict[str, object] = {"ignored": True}
    for name, text, boundary, kills, comment in (
        ("unknown-type", push("XoaTatCa"), "known-type", ("unknown-push-obeyed",), "Nothing is done, shown, uploaded or changed."),
        ("empty-type", push(""), "known-type", ("unknown-push-obeyed", "rejects-always"), "An empty type is unknown."),
        ("type-with-a-blank", push(CHECK + " "), "known-type", ("rejects-always",), "A blank makes another type."),
        ("type-missing", json.dumps({"DataContent": "{}"}), "type-or-none", ("rejects-always",), "A push without a type is ignored."),
        ("nothing-at-all", "{}", "type-or-none", ("empty-always",), "An empty push has no type."),
        ("type-of-another-name", json.dumps({"type": CHECK}), "type-or-none", ("unknown-push-rejected",), "The key is Type."),
        ("unknown-type-and-broken-content", push("XoaTatCa", "{"), "known-type", (), "Of an unknown push nothing is read."),
    ):  # fmt: skip
        yield _draft(f"{name}", text, comment=comment, boundary=boundary, kills=kills, ok=ignored)
    yield _draft(
        "known-type",
        push(content={**CHECK_CONTENT, "FindGUID": "2"}),
        comment="A known type is read.",
        boundary="known-type",
        kills=("missing-notify-rejected",),
    )
    yield _draft(
        "type-there",
        push(content={**CHECK_CONTENT, "FindGUID": "3"}),
        comment="With a type it is read.",
        boundary="type-or-none",
        kills=("missing-notify-rejected",),
    )


def _further() -> Iterator[Draft]:
    rows: tuple[tuple[str, str, str, tuple[str, ...], str, dict[str, object]], ...] = (
        ("further-keys", push(**{"from": "1", "collapse_key": "2", "Zeit": "3"}), "further-keys", ("strict-further-keys",), "Unknown keys are ignored, and named in the order of their code points.", {"further": ["Zeit", "collapse_key", "from"]}),
        ("no-further-keys", push(content={**CHECK_CONTENT, "FindGUID": "4"}), "further-keys", ("rejects-always",), "Nothing further.", {"further": []}),
        ("further-keys-of-other-types", push(**{"a": 1, "b": None, "c": [{}]}), "further-keys", ("strict-further-keys", "rejects-always"), "What is not known is not looked at.", {"further": ["a", "b", "c"]}),
        ("further-keys-in-the-content", push(content={**CHECK_CONTENT, "Extra": [1, None]}), "further-keys", ("empty-always",), "The content is handed on as it is.", {"content": {**CHECK_CONTENT, "Extra": [1, None]}}),
        ("without-notify", push(), "notify", ("missing-notify-rejected",), "Notify is optional, and then an empty object.", {"notify": {}}),
        ("with-notify", push(notify={"title": "a", "body": {"text": "b"}}), "notify", ("rejects-always",), "Notify is handed on as it is.", {"notify": {"title": "a", "body": {"text": "b"}}}),
        ("notify-of-nothing", push(notify={}), "notify", ("empty-always",), "An empty object.", {"notify": {}}),
        ("without-content", json.dumps({"Type": "PingPong"}), "content-or-none", ("rejects-always",), "A missing DataContent is an empty object.", {"content": {}}),
        ("with-content", push("PingPong", {"a": 1}), "content-or-none", ("empty-always",), "One that is there is handed on.", {"content": {"a": 1}}),
        ("without-days", push(UPLOAD, {"FindGUID": "1"}), "days-or-none", ("rejects-always",), "Numberdays is optional; 14 are meant then.", {"content": {"FindGUID": "1"}}),
        ("with-days", push(UPLOAD, {"FindGUID": "1", "Numberdays": 21}), "days-or-none", ("empty-always",), "Numberdays is an integer.", {"content": {"FindGUID": "1", "Numberdays": 21}}),
        ("text-of-other-scripts", push("GuiThongBao", {}, {"title": "Khẩu trang 😷"}), "notify", ("empty-always", "rejects-always"), "Text is Unicode.", {"notify": {"title": "Khẩu trang 😷"}}),
        ("info-stays-text", push(content={**CHECK_CONTENT, "InfoF": "not read here"}), "", ("missing-notify-rejected", "rejects-always"), "What InfoF holds is no business of the push.", {"content": {**CHECK_CONTENT, "InfoF": "not read here"}}),
    )  # fmt: skip
    for name, text, boundary, kills, comment, ok in rows:
        yield _draft(name, text, comment=comment, boundary=boundary, kills=kills, ok=ok)


def _malformed() -> Iterator[Draft]:
    rows: tuple[tuple[str, str, str, str, tuple[str, ...], str], ...] = (
        ("empty-text", "", "BAD_JSON", "push-is-json", (), "No text is no JSON."),
        ("cut", push()[:-1], "BAD_JSON", "push-is-json", ("empty-always",), "A push that was cut."),
        ("not-a-number", '{"Type": "PingPong", "x": NaN}', "BAD_JSON", "push-is-json", ("empty-always", "rejects-always"), "NaN is no JSON."),
        ("nested-without-end", '{"Type": ' + "[" * 10_000, "BAD_JSON", "push-nests", ("empty-always",), "Nesting of any depth blocks nobody."),
        ("a-list", "[]", "NOT_AN_OBJECT", "push-is-an-object", (), "A list is no push."),
        ("a-text", '"PingPong"', "NOT_AN_OBJECT", "push-is-an-object", ("empty-always",), "Nor is text."),
        ("null", "null", "NOT_AN_OBJECT", "push-is-an-object", ("empty-always", "rejects-always"), "Nor is null."),
        ("type-is-a-number", push(7), "NOT_TEXT", "type-is-text", (), "A type is text."),
        ("type-is-null", push(None), "NOT_TEXT", "type-is-text", ("empty-always",), "Null is no text."),
        ("content-is-an-object", json.dumps({"Type": CHECK, "DataContent": CHECK_CONTENT}), "NOT_TEXT", "content-is-text", ("objects-for-text",), "DataContent is JSON text, not an object."),
        ("content-is-null", json.dumps({"Type": "PingPong", "DataContent": None}), "NOT_TEXT", "content-is-text", ("empty-always",), "Null is not missing."),
        ("content-is-no-json", push(content="{"), "BAD_JSON", "content-is-json", (), "The text in the text is no JSON."),
        ("content-is-empty", push(content=""), "BAD_JSON", "content-is-json", ("empty-always",), "No text is no JSON."),
        ("content-is-a-list", push(content="[]"), "NOT_AN_OBJECT", "content-is-an-object", (), "DataContent holds an object."),
        ("content-is-text-in-text", push(content=json.dumps("{}")), "NOT_AN_OBJECT", "content-is-an-object", ("empty-always",), "Text within text is none."),
        ("notify-is-a-number", push(notify=1), "NOT_TEXT", "notify-is-text", (), "Notify is JSON text."),
        ("notify-is-no-json", push(notify="x"), "BAD_JSON", "notify-is-text", ("empty-always",), "The text is no JSON."),
        ("notify-is-null-as-text", push(notify="null"), "NOT_AN_OBJECT", "notify-is-text", ("empty-always", "rejects-always"), "Null is no object."),
        ("without-guid", push(content=_without("FindGUID")), "MISSING_FIELD", "contents-of-a-check", (), "A check has FindGUID."),
        ("without-info", push(content=_without("InfoF")), "MISSING_FIELD", "contents-of-a-check", ("empty-always",), "A check has InfoF."),
        ("guid-is-a-number", push(content={**CHECK_CONTENT, "FindGUID": 123456}), "NOT_TEXT", "types-of-contents", (), "FindGUID is text."),
        ("info-is-an-object", push(content={**CHECK_CONTENT, "InfoF": {"data": []}}), "NOT_TEXT", "types-of-contents", ("empty-always",), "InfoF is text."),
        ("days-are-text", push(content={**CHECK_CONTENT, "Numberdays": "14"}), "NOT_AN_INTEGER", "days-are-an-integer", (), "Numberdays is an integer."),
        ("days-are-a-fraction", push(content={**CHECK_CONTENT, "Numberdays": 14.5}), "NOT_AN_INTEGER", "days-are-an-integer", ("empty-always",), "No half days."),
        ("days-are-null", push(content={**CHECK_CONTENT, "Numberdays": None}), "NOT_AN_INTEGER", "days-are-an-integer", ("empty-always", "rejects-always"), "Null is not missing."),
        ("days-of-65-bits", push(content={**CHECK_CONTENT, "Numberdays": 2**64}), "NOT_AN_INTEGER", "days-of-64-bits", (), "More than 64 bits."),
        ("upload-without-content", json.dumps({"Type": UPLOAD}), "MISSING_FIELD", "content-or-none", (), "An empty object lacks FindGUID."),
        ("upload-without-guid", push(UPLOAD, {"Numberdays": 14}), "MISSING_FIELD", "contents-of-other-types", (), "An upload has FindGUID."),
        ("info-app-without-guid", push("GetInfoApp", {}), "MISSING_FIELD", "contents-of-other-types", ("empty-always",), "GetInfoApp has PushGUID."),
        ("history-without-otp", push("YeuCauGuiLichSu", {}), "MISSING_FIELD", "contents-of-other-types", ("empty-always", "rejects-always"), "YeuCauGuiLichSu has OTP."),
        ("otp-is-a-number", push("YeuCauGuiLichSu", {"OTP": 123456}), "NOT_TEXT", "otp-is-text", (), "A one-time code is text: it may begin with a zero."),
    )  # fmt: skip
    good = {
        "push-nests", "content-is-json", "content-is-an-object", "types-of-contents", "days-of-64-bits", "otp-is-text", "push-is-json", "push-is-an-object", "type-is-text", "content-is-text", "notify-is-text",
        "contents-of-a-check", "days-are-an-integer", "contents-of-other-types",
    }  # fmt: skip
    for name, text, reject, boundary, kills, comment in rows:
        yield _draft(name, text, comment=comment, boundary=boundary, kills=kills, reject=reject)
    for boundary in sorted(good):
        text = (
            push("YeuCauGuiLichSu", {"OTP": f"0{len(boundary)}345"})
            if boundary in ("contents-of-other-types", "otp-is-text")
            else push(notify={"title": boundary})
        )
        yield _draft(
            f"good-{boundary}",
            text,
            comment="The other side of the boundary.",
            boundary=boundary,
            kills=("rejects-always",),
        )
