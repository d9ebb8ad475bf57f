"""Questions of ``match`` about malformed messages and cases, and about what published builds do with them."""

# a table has a row a line, however long
# ruff: noqa: E501

from __future__ import annotations

import json
from collections.abc import Iterator

from bluezone_vectors.generator.drafts import BASE_DAY_MS, DAY_MS, PHONE_A, ZERO, Draft, Question
from bluezone_vectors.generator.key_schedule import ids_from

from .match import DAY_S, SLOT_MS, START_S, ZERO_IDS, case, message, record

LAST_SECOND = 253_402_300_799
_HIT = {"contact": True, "hits": [{"record": 0, "day": 0, "slot": 7}]}
_NO_HIT: dict[str, object] = {"contact": False, "hits": []}


def _without(name: str) -> dict[str, object]:
    return {key: value for key, value in case().items() if key != name}


def _raw(**members: str) -> str:
    """Return a case whose members are JSON text as it stands."""
    texts = {key: json.dumps(value) for key, value in case().items()} | members
    return "{" + ", ".join(f'"{key}": {text}' for key, text in texts.items()) + "}"


def _asked(text: str, place: int = 0) -> Question:
    """Ask for one record in slot 7; ``place`` tells questions apart that are answered alike."""
    return {"message": text, "records": [record(ZERO_IDS[7], 7 * SLOT_MS + 1 + place)]}


def drafts() -> Iterator[Draft]:
    """Yield all questions of this kind."""
    yield from _messages()
    for place, (name, bad, reject, boundary, kills) in enumerate(_rows()):
        good = json.dumps(case())
        cases = ([bad, good], [good, bad], [bad])[place % 3] if reject else [bad]
        alone = {"reject": reject} if reject else _HIT
        yield Draft(
            id=f"match-case-{name}",
            requirements=("MAT-006", "MAT-005", "MSG-006") if "span" in name else ("MAT-005", "MSG-006"),
            question=_asked('{"data": [' + ", ".join(cases) + "]}", 0 if reject else place),
            comment="One malformed case is refused with its code, alone or beside a good one, which keeps its hit."
            if reject
            else "What is allowed stays allowed.",
            boundary=boundary,
            kills=kills,
            flags=("bad-case-hides-good",) if reject else ("missed-warning",),
            ok=None if name == "max-2" else {"cases": [_HIT if each == good else alone for each in cases]},
        )
    yield Draft(
        id="match-one-bad-case-among-three",
        requirements=("MAT-005", "MAT-008"),
        question=_asked(message(case("33" * 32), case(max_per_day=0), case())),
        comment="The bad one in the middle hides neither the one before it nor the one after.",
        kills=("one-bad-case-hides-all", "one-bad-case-hides-later"),
        flags=("bad-case-hides-good",),
        ok={"contact": True, "cases": [_NO_HIT, {"reject": "BAD_MAX"}, _HIT]},
    )
    yield Draft(
        id="match-three-bad-cases",
        requirements=("MAT-005",),
        question=_asked(message(7, case("00"), _without("max"))),
        comment="Each has its own code, and there is no contact.",
        kills=("any-key-length", "yes-always"),
        flags=("bad-case-hides-good",),
        ok={
            "contact": False,
            "cases": [{"reject": "BAD_JSON"}, {"reject": "BAD_DAY_KEY"}, {"reject": "MISSING_FIELD"}],
        },
    )
    yield from _builds()


def _rows() -> tuple[tuple[str, str, str, str, tuple[str, ...]], ...]:
    """Return name, case as JSON, code or nothing, boundary, and what it kills."""
    year_9999 = LAST_SECOND - START_S

    def of(**members: object) -> str:
        return json.dumps({**case(), **members})

    hides = "one-bad-case-hides-all"
    later = "one-bad-case-hides-later"
    return (
        ("not-an-object-but-a-number", "7", "BAD_JSON", "a-case-is-an-object", (later,)),
        ("not-an-object-but-null", "null", "BAD_JSON", "a-case-is-an-object", (hides,)),
        ("not-an-object-but-a-list", json.dumps([ZERO, 0, 1, 96]), "BAD_JSON", "a-case-is-an-object", ()),
        ("an-object", of(), "", "a-case-is-an-object", ("rejects-always",)),
        ("unknown-key", of(further="x"), "", "a-case-is-an-object", ("strict-further-keys",)),
        ("without-daily-key", json.dumps(_without("daily_key")), "MISSING_FIELD", "four-keys", ()),
        ("without-time-start", json.dumps(_without("time_start")), "MISSING_FIELD", "four-keys", ("empty-always",)),
        ("without-time-end", json.dumps(_without("time_end")), "MISSING_FIELD", "four-keys", ("stops-at-first",)),
        ("without-max", json.dumps(_without("max")), "MISSING_FIELD", "four-keys", ("empty-always", "rejects-always")),
        ("four-keys-in-another-order", json.dumps(dict(reversed(case().items()))), "", "four-keys", ("rejects-always",)),
        ("key-of-62-digits", of(daily_key="00" * 31), "BAD_DAY_KEY", "key-of-64-digits", ("any-key-length",)),
        ("key-of-63-digits", of(daily_key="0" * 63), "BAD_DAY_KEY", "key-of-64-digits", ("odd-hex-padded",)),
        ("key-of-64-digits", of(daily_key="0" * 64), "", "key-of-64-digits", ("rejects-always",)),
        ("key-of-65-digits", of(daily_key="0" * 65), "BAD_DAY_KEY", "key-of-64-digits", ("stops-at-first",)),
        ("key-of-66-digits", of(daily_key="00" * 33), "BAD_DAY_KEY", "key-of-64-digits", ("any-key-length", "empty-always")),
        ("key-of-no-digits", of(daily_key=""), "BAD_DAY_KEY", "key-of-64-digits", ("any-key-length", hides)),
        ("key-with-g", of(daily_key="g" + "0" * 63), "BAD_DAY_KEY", "hex-digits-of-a-key", (hides,)),
        ("key-with-a-blank", of(daily_key="0" * 62 + " 0"), "BAD_DAY_KEY", "hex-digits-of-a-key", ("empty-always",)),
        ("key-with-blanks-around", of(daily_key=" " + "0" * 62 + " "), "BAD_DAY_KEY", "hex-digits-of-a-key", (later,)),
        ("key-with-full-width-digits", of(daily_key="０" * 64), "BAD_DAY_KEY", "hex-digits-of-a-key", ("yes-always",)),
        ("key-with-0x", of(daily_key="0x" + "0" * 62), "BAD_DAY_KEY", "hex-digits-of-a-key", ("no-always",)),
        ("key-is-a-number", of(daily_key=0), "BAD_DAY_KEY", "key-is-text", (hides,)),
        ("key-is-null", of(daily_key=None), "BAD_DAY_KEY", "key-is-text", ("empty-always",)),
        ("key-is-text", of(daily_key=ZERO), "", "key-is-text", ("rejects-always",)),
        ("time-start-is-text", of(time_start=str(START_S)), "NOT_AN_INTEGER", "time-start-is-an-integer", ("lenient-numbers",)),
        ("time-start-is-a-fraction", _raw(time_start=f"{START_S}.0"), "NOT_AN_INTEGER", "time-start-is-an-integer", ("lenient-numbers", hides)),
        ("time-start-is-an-integer", of(time_start=START_S), "", "time-start-is-an-integer", ("rejects-always",)),
        ("time-end-has-an-exponent", _raw(time_end="1.596931199e9"), "NOT_AN_INTEGER", "time-end-is-an-integer", ("lenient-numbers",)),
        ("time-end-is-null", of(time_end=None), "NOT_AN_INTEGER", "time-end-is-an-integer", (hides,)),
        ("time-end-is-an-integer", of(time_end=START_S + DAY_S), "", "time-end-is-an-integer", ("rejects-always",)),
        ("max-is-text", of(max="96"), "NOT_AN_INTEGER", "max-is-an-integer", ("lenient-numbers",)),
        ("max-is-a-fraction", _raw(max="96.0"), "NOT_AN_INTEGER", "max-is-an-integer", ("lenient-numbers", "empty-always")),
        ("max-is-true", of(max=True), "NOT_AN_INTEGER", "max-is-an-integer", ("empty-always",)),
        ("max-is-an-integer", of(max=96), "", "max-is-an-integer", ("rejects-always",)),
        ("max-of-63-bits", of(max=2**63 - 1), "BAD_MAX", "integers-of-64-bits", ()),
        ("max-of-64-bits", of(max=2**63), "NOT_AN_INTEGER", "integers-of-64-bits", ("rejects-always",)),
        ("max-of-least-64-bits", of(max=-(2**63)), "BAD_MAX", "integers-of-64-bits", ("default-for-bad-max",)),
        ("max-below-64-bits", of(max=-(2**63) - 1), "NOT_AN_INTEGER", "integers-of-64-bits", ("empty-always",)),
        ("max-of-5000-digits", _raw(max="9" * 5_000), "NOT_AN_INTEGER", "integers-of-64-bits", ("backward-case",)),
        ("max-1", of(max=1), "BAD_MAX", "least-max-of-a-case", ("any-max",)),
        ("max-2", of(max=2), "", "least-max-of-a-case", ("rejects-always",)),
        ("max-0", of(max=0), "BAD_MAX", "max-0-of-a-case", ("default-for-bad-max",)),
        ("max-minus-1", of(max=-1), "BAD_MAX", "max-0-of-a-case", ("default-for-bad-max", hides)),
        ("max-95", of(max=95), "BAD_MAX", "max-0-of-a-case", ("any-max",)),
        ("max-3-again", json.dumps(case()), "", "max-0-of-a-case", ("rejects-always",)),
        ("max-7", of(max=7), "BAD_MAX", "max-7-of-a-case", ("any-max", hides)),
        ("max-97", of(max=97), "BAD_MAX", "max-7-of-a-case", ("any-max",)),
        ("max-96", of(max=96), "", "max-7-of-a-case", ("rejects-always",)),
        ("max-86401", of(max=86_401), "BAD_MAX", "greatest-max-of-a-case", ("any-max",)),
        ("max-86400000", of(max=86_400_000), "BAD_MAX", "greatest-max-of-a-case", (hides,)),
        ("max-86400001", of(max=86_400_001), "BAD_MAX", "greatest-max-of-a-case", ("default-for-bad-max",)),
        ("time-start-before-1970", of(time_start=-1), "BAD_TIME", "times-of-a-case", ("any-time",)),
        ("time-end-after-9999", of(time_end=LAST_SECOND + 1), "BAD_TIME", "times-of-a-case", (hides,)),
        ("times-in-milliseconds", of(time_start=BASE_DAY_MS, time_end=BASE_DAY_MS + DAY_MS - 1), "BAD_TIME", "times-of-a-case", ("empty-always",)),
        ("times-in-seconds", of(time_start=START_S, time_end=START_S + DAY_S - 1), "", "times-of-a-case", ("rejects-always",)),
        ("end-1-s-before-start", of(time_end=START_S - 1), "TIME_END_BEFORE_TIME_START", "end-before-start", ("backward-case",)),
        ("end-in-1970", of(time_end=0), "TIME_END_BEFORE_TIME_START", "end-before-start", ()),
        ("end-later-than-start", of(time_end=START_S + 7 * 900), "", "end-before-start", ("no-slot-at-end",)),
        ("span-of-400-days-less-1-s", of(time_end=START_S + 400 * DAY_S - 1), "", "span-of-400-days", ("rejects-always",)),
        ("span-of-400-days", of(time_end=START_S + 400 * DAY_S), "CASE_TOO_LONG", "span-of-400-days", ("any-case-length",)),
        ("span-of-400-days-and-1-s", of(time_end=START_S + 400 * DAY_S + 1), "CASE_TOO_LONG", "span-of-400-days", (later,)),
        ("span-up-to-9999", of(time_end=START_S + year_9999), "CASE_TOO_LONG", "span-of-400-days", ("empty-always",)),
        ("span-of-all-time-and-max-86400", of(time_start=0, time_end=LAST_SECOND, max=86_400), "CASE_TOO_LONG", "span-of-400-days", ()),
        ("key-in-upper-case", json.dumps({**case(), "daily_key": "0" * 64}), "", "", ("milliseconds-in-cases", "rejects-always")),
    )  # fmt: skip


def _messages() -> Iterator[Draft]:
    data = json.dumps([case()])
    rows: tuple[tuple[str, str, str, str, tuple[str, ...]], ...] = (
        ("empty", "", "BAD_JSON", "message-is-json", ()),
        ("no-json", "data", "BAD_JSON", "message-is-json", ("empty-always",)),
        ("cut", f'{{"data": {data}', "BAD_JSON", "message-is-json", ("empty-always", "rejects-always")),
        ("json", f'{{"data": {data}}}', "", "message-is-json", ("rejects-always",)),
        ("text-after-it", f'{{"data": {data}}} x', "BAD_JSON", "message-as-a-whole", ()),
        ("comma-at-the-end", f'{{"data": [{json.dumps(case())},]}}', "BAD_JSON", "message-as-a-whole", ("rejects-always",)),
        ("single-quotes", "{'data': []}", "BAD_JSON", "message-as-a-whole", ("empty-always",)),
        ("not-a-number", f'{{"data": {data}, "x": NaN}}', "BAD_JSON", "numbers-of-a-message", ()),
        ("infinity", f'{{"data": {data}, "x": -Infinity}}', "BAD_JSON", "numbers-of-a-message", ("empty-always",)),
        ("byte-order-mark", f'\ufeff{{"data": {data}}}', "", "message-as-a-whole", ("milliseconds-in-cases",)),
        ("numbers-of-all-kinds", f'{{"data": {data}, "x": [-0.5e-3, 1E400, -0]}}', "", "numbers-of-a-message", ("rejects-always",)),
        ("nested-without-end", "[" * 10_000, "BAD_JSON", "nesting-of-a-message", ("empty-always",)),
        ("nested-ten-deep", f'{{"data": {data}, "x": {"[" * 10}{"]" * 10}}}', "", "nesting-of-a-message", ("rejects-always",)),
        ("a-list", data, "BAD_JSON", "message-is-an-object", ()),
        ("null", "null", "BAD_JSON", "message-is-an-object", ("empty-always",)),
        ("a-number", "1596844800", "BAD_JSON", "message-is-an-object", ("empty-always", "rejects-always")),
        ("an-object", f'{{"data": {data}}}', "", "message-is-an-object", ("rejects-always",)),
        ("without-data", "{}", "MISSING_FIELD", "message-has-data", ()),
        ("data-is-null", '{"data": null}', "MISSING_FIELD", "message-has-data", ("empty-always",)),
        ("data-is-an-object", '{"data": {}}', "MISSING_FIELD", "message-has-data", ("own-max",)),
        ("data-is-text", json.dumps({"data": data}), "MISSING_FIELD", "message-has-data", ("odd-hex-padded",)),
        ("data-of-another-name", f'{{"Data": {data}}}', "MISSING_FIELD", "message-has-data", ("empty-always", "rejects-always")),
        ("data", f'{{"data": {data}}}', "", "message-has-data", ("rejects-always",)),
        ("unknown-keys", f'{{"version": 2, "data": {data}, "note": {{"a": [1.5, null]}}}}', "", "message-has-data", ("strict-further-keys",)),
        ("blanks-and-line-ends", f' \n\t{{ "data"\r\n: {data} }}\n', "", "", ("salt-first",)),
        ("escaped-keys", '{"d\\u0061ta": ' + data + "}", "", "", ("rejects-always", "no-salt", "yes-always")),
    )  # fmt: skip
    for place, (name, text, reject, boundary, kills) in enumerate(rows):
        yield Draft(
            id=f"match-message-{name}",
            requirements=("MAT-005", "MSG-006", "MSG-002"),
            question=_asked(text, 0 if reject or name == "json" else 1_000 + place),
            comment="A message is refused as a whole only if it is no JSON object with an array data.",
            boundary=boundary,
            kills=kills,
            flags=("server-text-crashes",),
            evidence="standard" if reject == "BAD_JSON" else "inferred",
            reject=reject,
            ok=None if reject else {"contact": True, "cases": [_HIT]},
        )


def _builds() -> Iterator[Draft]:
    android, ios = "android-v3", "ios-v3"
    v3, as_android, as_ios = "ignores-profile", "always-android-v3", "always-ios-v3"
    short_key = "5c" * 16
    short = record(ids_from(bytes.fromhex(short_key), 96)[7], 7 * SLOT_MS + 1)
    garbage = record(ids_from(b"\xff" + bytes(31), 96)[7], 7 * SLOT_MS + 1)
    first = [
        record(ZERO_IDS[7], 7 * SLOT_MS + 1),
        record(ids_from(bytes.fromhex(PHONE_A), 96)[9], 9 * SLOT_MS + 1),
    ]
    rows: tuple[tuple[str, str, str, list[dict[str, object]], str, str, tuple[str, ...], str], ...] = (
        ("max-0", android, message(case(max_per_day=0)), first, "exception", "f-07-max", (v3,), "F-07: a division by zero."),
        ("max-0", ios, message(case(max_per_day=0)), first, "exception", "f-07-max-on-ios", (v3,), "F-07: a crash."),
        ("max-minus-1", android, message(case(max_per_day=-1)), first, "endless loop", "f-07-negative-max", (), "F-07: time goes backwards."),
        ("max-1", android, message(case(max_per_day=1)), [record(ZERO_IDS[0], 5)], "", "f-07-negative-max", (v3,), "F-07: one slot a day is evaluated."),
        ("max-beyond-the-day", android, message(case(max_per_day=86_400_001)), first, "endless loop", "f-07-slot-of-0-ms", (v3,), "F-07: a slot of 0 ms."),
        ("max-of-the-day", android, message(case(end_s=0, max_per_day=86_400_000)), [record(ZERO_IDS[0], 0)], "", "f-07-slot-of-0-ms", (), "F-07: a slot of 1 ms, and one of them."),
        ("max-96", android, message(case()), first, "", "f-07-max", (), "F-07: an ordinary max."),
        ("max-96", ios, message(case()), first, "", "f-07-max-on-ios", (), "F-07: an ordinary max."),
        ("time-end-in-9999", android, message({**case(), "time_end": LAST_SECOND, "max": 86_400}), first, "endless loop", "f-07-time-end", (v3,), "F-07: a huge time_end."),
        ("time-end-in-a-year", android, message(case("33" * 32, end_s=420 * DAY_S)), first, "", "f-07-time-end", (), "F-07: 420 days are evaluated."),
        ("odd-digits", android, message(case("0" * 63)), first, "exception", "f-16-digits", (v3,), "F-16: an odd number of digits throws."),
        ("bad-digit", android, message(case("0g" + "0" * 62)), [garbage], "", "f-16-digits", (as_ios,), "F-16: a bad digit counts as -1, and a key of garbage has its hits."),
        ("bad-digit", ios, message(case("0g" + "0" * 62)), [garbage], "exception", "f-16-digits", (as_android,), "F-16: iOS crashes on it."),
        ("key-of-16-octets", android, message(case(short_key)), [short], "", "f-16-key-length", (as_ios,), "F-16: passed over in silence."),
        ("key-of-16-octets", ios, message(case(short_key)), [short], "", "f-16-key-length", (as_android,), "F-16: used as it is."),
        ("key-missing", android, message(case(), _without("max"), case(PHONE_A)), [first[1]], "", "f-16-missing-key", (v3,), "The message ends at the case that lacks a key."),
        ("key-missing-behind-a-hit", android, message(case(), _without("max")), [first[0]], "", "f-16-missing-key", (as_ios,), "A case before it was evaluated."),
        ("key-missing-behind-a-hit", ios, message(case(), _without("max")), [first[0]], "", "f-16-missing-key", (as_android,), "iOS drops the whole message."),
        ("two-hits", android, message(case(), case(PHONE_A)), first, "", "stops-at-the-first-hit", (v3,), "The build stops at the first hit of the first case that has one."),
        ("one-hit", android, message(case(), case(PHONE_A)), first[1:], "", "stops-at-the-first-hit", (), "Without a hit it goes on to the next case."),
    )  # fmt: skip
    for name, profile, text, records, failure, boundary, kills, comment in rows:
        yield Draft(
            id=f"match-{profile}-{name}",
            requirements=("MAT-008",) if "hit" in boundary else ("MAT-005", "MSG-006"),
            question={"message": text, "records": list(records)},
            comment=comment,
            boundary=boundary,
            kills=kills,
            flags=("old-build-not-recognised",),
            profile=profile,
            evidence="executed" if failure and profile == android and "max" in name else "source",
            failure=failure,
        )
