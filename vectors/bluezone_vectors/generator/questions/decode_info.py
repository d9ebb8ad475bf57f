"""Questions of ``decode_info``: positive cases of a push, and key material of an upload."""

# a table has a row a line, however long
# ruff: noqa: E501

from __future__ import annotations

import json
from collections.abc import Iterator
from hashlib import sha256

from bluezone_vectors.generator.drafts import BASE_DAY_MS, DAY_MS, PHONE_A, Draft, drawn

from .match import DAY_S, START_S, case, message

BASE = drawn("upload")
NEXT_KEY = sha256(bytes.fromhex(BASE)).hexdigest()


def info(**members: object) -> str:
    """Return the ``InfoF`` of an upload of day 1; ``None`` leaves a key out."""
    whole: dict[str, object] = {
        "base_id": BASE,
        "time": START_S,
        "daily_key": NEXT_KEY,
        "time_start": START_S + DAY_S,
    }
    return json.dumps({key: value for key, value in (whole | members).items() if value is not None})


def drafts() -> Iterator[Draft]:
    """Yield all questions of this operation."""
    yield from _cases()
    yield from _uploads()
    yield from _malformed()


def _cases() -> Iterator[Draft]:
    whole = {
        "day_key": "00" * 32,
        "time_start_ms": BASE_DAY_MS,
        "time_end_ms": BASE_DAY_MS + DAY_MS - 1000,
        "max": 96,
    }
    rows: tuple[tuple[str, str, str, str, tuple[str, ...], dict[str, object] | None], ...] = (
        ("no-cases", '{"data": []}', "", "cases-read", ("rejects-always",), {"cases": [], "further": []}),
        ("one-case", message(case()), "", "cases-read", ("wrong-info-seconds",), {"cases": [whole]}),
        ("two-cases", message(case(), case(max_per_day=24)), "", "cases-read", ("empty-always",), {"cases": [whole, {**whole, "max": 24}]}),
        ("no-json", "{", "BAD_JSON", "cases-read", (), None),
        ("case-in-upper-case", message(case("AB" * 32)), "", "digits-of-a-case", ("rejects-always",), {"cases": [{**whole, "day_key": "ab" * 32}]}),
        ("case-of-62-digits", message(case("ab" * 31)), "", "digits-of-a-case", (), {"cases": [{"reject": "BAD_DAY_KEY"}]}),
        ("case-of-63-digits", message(case("0" * 63)), "", "digits-of-a-case", ("empty-always",), {"cases": [{"reject": "BAD_DAY_KEY"}]}),
        ("bad-case-beside-a-good-one", message(case(max_per_day=7), case()), "", "bad-case-or-good", ("wrong-info-seconds",), {"cases": [{"reject": "BAD_MAX"}, whole]}),
        ("good-case-alone", message(case(start_s=900)), "", "bad-case-or-good", ("rejects-always",), {"cases": [{**whole, "time_start_ms": BASE_DAY_MS + 900_000}]}),
        ("case-backwards", message(case(end_s=-1)), "", "bad-case-or-good", (), {"cases": [{"reject": "TIME_END_BEFORE_TIME_START"}]}),
        ("case-of-400-days", message(case(end_s=400 * DAY_S)), "", "bad-case-or-good", ("empty-always",), {"cases": [{"reject": "CASE_TOO_LONG"}]}),
        ("case-with-text-for-max", message(case(max_per_day="96")), "", "kinds-of-a-case", (), {"cases": [{"reject": "NOT_AN_INTEGER"}]}),
        ("case-of-the-least-max", message(case(max_per_day=2)), "", "kinds-of-a-case", ("rejects-always",), {"cases": [{**whole, "max": 2}]}),
        ("case-that-is-none", message(None), "", "kinds-of-a-case", ("empty-always",), {"cases": [{"reject": "BAD_JSON"}]}),
        ("further-keys-of-a-message", message(case(), note=1, Version="2"), "", "further-keys-of-a-message", ("silent-further-keys", "strict-further-keys"), {"further": ["Version", "note"]}),
        ("no-further-keys-of-a-message", message(case("5c" * 32)), "", "further-keys-of-a-message", ("rejects-always",), {"further": []}),
        ("cases-without-data", '{"cases": []}', "MISSING_FIELD", "data-of-a-message", (), None),
        ("cases-with-data", '{"data": [] }', "", "data-of-a-message", ("rejects-always",), None),
        ("cases-in-a-list", "[]", "BAD_JSON", "data-of-a-message", ("empty-always",), None),
        ("key-material-for-cases", info(), "MISSING_FIELD", "data-of-a-message", ("empty-always", "rejects-always"), None),
    )  # fmt: skip
    for name, text, reject, boundary, kills, ok in rows:
        yield Draft(
            id=f"decode-info-{name}",
            requirements=("MSG-002", "MAT-005", "MSG-006") if reject or "case-" in name else ("MSG-002",),
            question={"kind": "cases", "text": text},
            comment="InfoF of a push is a message of positive cases; times count seconds there and ms in the answer.",
            boundary=boundary,
            kills=kills,
            flags=("server-text-crashes",) if reject else ("missed-warning",),
            reject=reject,
            ok=ok,
        )


def _uploads() -> Iterator[Draft]:
    captured = json.dumps(
        {"base_id": PHONE_A.upper(), "time": START_S, "daily_key": PHONE_A.upper(), "time_start": START_S}
    )
    yield Draft(
        id="decode-info-captured-upload",
        requirements=("MSG-002", "MSG-004"),
        question={"kind": "upload", "text": captured},
        comment="As the first captured phone sent it: on its base day both keys are the base id (F-24).",
        boundary="upload-of-the-base-day",
        kills=("wrong-info-seconds",),
        flags=("published-key-matches-nothing",),
        evidence="captured",
        ok={
            "base_id": PHONE_A,
            "day_key": PHONE_A,
            "base_day_ms": BASE_DAY_MS,
            "time_start_ms": BASE_DAY_MS,
            "further": [],
        },
    )
    key, base = NEXT_KEY, bytes.fromhex(BASE)
    for days in (2, 14, 365):
        digest = base
        for _ in range(days):
            digest = sha256(digest).digest()
        yield Draft(
            id=f"decode-info-upload-of-day-{days}",
            requirements=("MSG-002", "KEY-003"),
            question={
                "kind": "upload",
                "text": info(daily_key=digest.hex(), time_start=START_S + days * DAY_S),
            },
            comment=f"The day key is the base id, hashed {days} times.",
            boundary="day-key-of-an-upload",
            kills={2: ("rejects-always",), 14: ("empty-always",), 365: ("wrong-info-seconds",)}[days],
            flags=("published-key-matches-nothing",),
        )
    for name, members, reject, kills in (
        ("day-1", {}, "", ("rejects-always", "wrong-info-seconds")),
        ("day-1-with-the-base-id", {"daily_key": BASE}, "WRONG_DAY_KEY", ("day-key-unchecked",)),
        (
            "day-1-with-the-key-of-day-2",
            {"daily_key": sha256(bytes.fromhex(key)).hexdigest()},
            "WRONG_DAY_KEY",
            (),
        ),
        (
            "day-1-one-bit-off",
            {"daily_key": f"{int(key, 16) ^ 1:064x}"},
            "WRONG_DAY_KEY",
            ("day-key-unchecked", "rejects-always"),
        ),
    ):
        yield Draft(
            id=f"decode-info-upload-of-{name}",
            requirements=("MSG-002",),
            question={"kind": "upload", "text": info(**members)},
            comment="A reader checks the day key against the base id.",
            boundary="day-key-of-an-upload",
            kills=kills,
            flags=("published-key-matches-nothing",),
            reject=reject,
        )


def _malformed() -> Iterator[Draft]:
    bad_base, bad_key = "BAD_BASE_ID", "BAD_DAY_KEY"
    rows: tuple[tuple[str, dict[str, object], str, str, tuple[str, ...]], ...] = (
        ("base-id-of-62-digits", {"base_id": BASE[:62]}, bad_base, "base-id-of-an-upload", ()),
        ("base-id-of-64-digits", {"base_id": BASE.upper()}, "", "base-id-of-an-upload", ("rejects-always",)),
        ("base-id-of-66-digits", {"base_id": BASE + "00"}, bad_base, "base-id-of-an-upload", ("empty-always",)),
        ("base-id-empty", {"base_id": ""}, bad_base, "base-id-digits-of-an-upload", ()),
        ("base-id-in-both-cases", {"base_id": BASE[:32].upper() + BASE[32:]}, "", "base-id-digits-of-an-upload", ("rejects-always",)),
        ("base-id-with-g", {"base_id": "g" + BASE[1:]}, bad_base, "base-id-digits-of-an-upload", ("empty-always",)),
        ("base-id-is-a-number", {"base_id": 5}, "NOT_TEXT", "base-id-of-an-upload", ("empty-always", "rejects-always")),
        ("daily-key-of-63-digits", {"daily_key": NEXT_KEY[:63]}, bad_key, "daily-key-of-an-upload", ()),
        ("daily-key-in-upper-case", {"daily_key": NEXT_KEY.upper()}, "", "daily-key-of-an-upload", ("rejects-always",)),
        ("daily-key-with-a-blank", {"daily_key": NEXT_KEY[:63] + " "}, bad_key, "daily-key-of-an-upload", ("empty-always",)),
        ("daily-key-is-a-list", {"daily_key": [NEXT_KEY]}, "NOT_TEXT", "daily-key-of-an-upload", ("empty-always", "rejects-always")),
        ("time-1-s-after-midnight", {"time": START_S + 1}, "NOT_MIDNIGHT", "midnights-of-an-upload", ()),
        ("time-at-local-midnight", {"time": START_S + 17 * 3_600 - DAY_S}, "NOT_MIDNIGHT", "midnights-of-an-upload", ("empty-always",)),
        ("time-start-1-s-before-midnight", {"time_start": START_S + DAY_S - 1}, "NOT_MIDNIGHT", "midnights-of-an-upload", ("empty-always", "rejects-always")),
        ("times-at-midnight", {"time": 0, "time_start": DAY_S}, "", "midnights-of-an-upload", ("rejects-always",)),
        ("time-start-a-day-before-time", {"time_start": START_S - DAY_S}, "DAY_BEFORE_BASE_DAY", "upload-of-the-base-day", ()),
        ("time-start-on-the-base-day", {"time_start": START_S, "daily_key": BASE}, "", "upload-of-the-base-day", ("rejects-always",)),
        ("time-is-text", {"time": str(START_S)}, "NOT_AN_INTEGER", "times-of-an-upload", ("lenient-info",)),
        ("time-is-a-fraction", {"time": START_S + 0.5}, "NOT_AN_INTEGER", "times-of-an-upload", ("empty-always",)),
        ("time-start-is-true", {"time_start": True}, "NOT_AN_INTEGER", "times-of-an-upload", ()),
        ("time-start-of-65-bits", {"time_start": 2**64}, "NOT_AN_INTEGER", "times-of-an-upload", ("empty-always", "rejects-always")),
        ("times-are-integers", {"time": START_S + DAY_S, "time_start": START_S + 2 * DAY_S}, "", "times-of-an-upload", ("rejects-always",)),
        ("without-base-id", {"base_id": None}, "MISSING_FIELD", "keys-of-an-upload", ()),
        ("without-time", {"time": None}, "MISSING_FIELD", "keys-of-an-upload", ("empty-always",)),
        ("without-daily-key", {"daily_key": None}, "MISSING_FIELD", "key-and-day-of-an-upload", ()),
        ("without-time-start", {"time_start": None}, "MISSING_FIELD", "key-and-day-of-an-upload", ("rejects-always",)),
        ("with-all-keys", {"time": START_S - DAY_S, "time_start": START_S}, "", "keys-of-an-upload", ("rejects-always",)),
        ("with-further-keys", {"max": 96, "Version": "3"}, "", "key-and-day-of-an-upload", ("strict-further-keys",)),
    )  # fmt: skip
    for name, members, reject, boundary, kills in rows:
        text = info(**members)
        yield Draft(
            id=f"decode-info-upload-{name}",
            requirements=("MSG-002", "MSG-006") if reject else ("MSG-002",),
            question={"kind": "upload", "text": text},
            comment="One thing is wrong with it." if reject else "What is allowed is read.",
            boundary=boundary,
            kills=kills,
            flags=("server-text-crashes",) if reject else ("published-key-matches-nothing",),
            reject=reject,
            ok={"further": ["Version", "max"]} if "further" in name else None,
        )
    for name, text, reject, kills in (
        ("no-json", "InfoF", "BAD_JSON", ()),
        ("cut", info()[:-1], "BAD_JSON", ("empty-always",)),
        ("json", info() + "\n", "", ("rejects-always",)),
        ("cases-for-key-material", message(case()), "MISSING_FIELD", ("empty-always", "rejects-always")),
        ("nested-without-end", '{"base_id": ' * 5_000, "BAD_JSON", ("empty-always",)),
        ("nested-ten-deep", info(x=[[[[[[[[[[]]]]]]]]]]), "", ("rejects-always",)),
    ):
        nests = "nested" in name
        yield Draft(
            id=f"decode-info-upload-text-{name}",
            requirements=("MSG-002", "MSG-006"),
            question={"kind": "upload", "text": text},
            comment="InfoF of an upload is JSON text of an object with its keys.",
            boundary="nesting-of-an-upload" if nests else "text-of-an-upload",
            kills=kills,
            flags=("server-text-crashes",),
            reject=reject,
        )
