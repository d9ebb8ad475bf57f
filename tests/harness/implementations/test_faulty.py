"""Faulty implementations: each named, explained and different from the reference in what it says, and in nothing else.

Their answers are held to values that were worked out here, with hashlib or by hand.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any, TypeAlias

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bluezone_spec
from bluezone_harness.implementations.faulty import FAULTY
from bluezone_harness.implementations.questions_drawn import QUESTIONS
from bluezone_harness.implementations.reference_answers import ANSWERERS, answer_of
from bluezone_harness.implementations.wire import AnswerKind

BRIEFED = {
    "no-salt", "corrected-salt", "local-day", "slot-late", "slot-early", "first-octets", "hex-text-hash",
    "lagging-day-key", "before-base-day-ids", "stale-list", "future-list", "midnight-list", "any-max",
    "default-for-bad-max", "rounded-slot", "empty-base-ids", "counting-bases", "repeated-bases",
    "unclamped-published-key", "published-key-of-today", "any-company", "ignores-length", "six-octets",
    "truncated-ok", "zeros-rejected", "order-bound", "little-uuid", "crashes-on-short", "no-repeat-limit",
    "repeat-in-seconds", "cache-without-day", "delivery-time", "seconds-log", "lower-case-log", "no-final-lf",
    "half-open-interval", "open-start", "tolerant-matching", "no-slot-at-end", "anchored-at-midnight",
    "stops-at-first", "one-bad-case-hides-all", "any-case-length", "odd-hex-padded", "yes-always", "no-always",
    "rejects-always", "empty-always", "depends-on-order", "hidden-state", "right-ids-wrong-times",
    "unknown-push-obeyed", "strict-further-keys", "missing-notify-rejected", "wrong-info-seconds",
}  # fmt: skip
"""What vectors were promised to find."""
BASE_DAY_MS = 1_596_844_800_000
DAY_MS = 86_400_000
BASE_DAY_S = BASE_DAY_MS // 1000
COUNTING = bytes(range(32))
B = {"base_id": COUNTING.hex(), "base_day_ms": BASE_DAY_MS}
POSITIONS = (0, 4, 8, 12, 16, 18, 20, 22, 24, 26, 28, 30)


Json: TypeAlias = Any
"""What ``json.loads`` would give; a test says by its assertions of what form it is."""


def sha(octets: bytes) -> bytes:
    """Return the SHA-256 of octets."""
    return hashlib.sha256(octets).digest()


def shown(subkey: bytes) -> str:
    """Return the rolling id of a subkey."""
    return bytes(subkey[position] for position in POSITIONS).hex()


def right_id(day: int, slot: int) -> str:
    """Return a rolling id of the counting base id."""
    key = COUNTING
    for _ in range(day):
        key = sha(key)
    subkey = sha(key + b"bluzonesubkey")
    for _ in range(slot):
        subkey = sha(subkey)
    return shown(subkey)


def value(name: str, op: str, **question: object) -> Json:
    """Return the value of a faulty implementation's answer."""
    answer = FAULTY[name].answer_of(op, question)
    assert answer.kind is AnswerKind.OK, answer
    json.dumps(answer.value)
    return answer.value


def code(name: str, op: str, **question: object) -> str:
    """Return the code with which a faulty implementation refuses."""
    answer = FAULTY[name].answer_of(op, question)
    assert answer.kind is AnswerKind.REJECT, answer
    return answer.code


def test_every_promised_one_is_there() -> None:
    assert not BRIEFED - set(FAULTY)


def test_each_is_named_and_explained_by_the_specification() -> None:
    specification = bluezone_spec.load()
    for name, faulty in FAULTY.items():
        assert faulty.name == name
        assert faulty.requirement in specification.requirements, name
        assert faulty.fault == "" or faulty.fault in specification.faults, name
        assert faulty.text, name
        assert not faulty.text.endswith("."), name
        assert set(faulty.changes) <= set(ANSWERERS), name
        assert faulty.changes or faulty.quirks, name
    texts = [faulty.text for faulty in FAULTY.values()]
    assert len(set(texts)) == len(texts)


def test_those_that_explain_little_come_last() -> None:
    general = [faulty.is_general for faulty in FAULTY.values()]
    assert general == sorted(general)


@pytest.mark.req("BZ-MSG-006")
@pytest.mark.parametrize("op", sorted(QUESTIONS))
@settings(max_examples=15)
@given(data=st.data())
def test_each_answers_whatever_is_drawn(op: str, data: st.DataObject) -> None:
    question = data.draw(QUESTIONS[op])
    for faulty in FAULTY.values():
        if op in faulty.changes:
            answer = faulty.answer_of(op, question)
            assert answer.kind in (AnswerKind.OK, AnswerKind.REJECT, AnswerKind.ERROR), faulty.name


@pytest.mark.parametrize("op", sorted(ANSWERERS))
def test_each_answers_a_question_of_no_form(op: str) -> None:
    for question in ({}, {"text": 1, "events": [{}], "records": 0, "message": None, "advertisement": {}}):
        for faulty in FAULTY.values():
            answer = faulty.answer_of(op, question)
            assert answer.kind is not AnswerKind.OK or faulty.is_general, faulty.name


def test_none_answers_under_a_quirk_profile_but_those_that_take_it_for_another() -> None:
    asked = {**B, "time_ms": BASE_DAY_MS + 12_342_900, "max": 7, "profile": "android-v3"}
    right = answer_of("id_at", asked)
    wrong = {name for name, faulty in FAULTY.items() if faulty.answer_of("id_at", asked) != right}
    assert wrong == {"ignores-profile", "always-ios-v3"}
    assert FAULTY["ignores-profile"].answer_of("id_at", asked).code == "BAD_MAX"
    assert value("always-ios-v3", "id_at", **asked)["slot"] == 0
    assert value("always-android-v3", "id_at", **{**asked, "profile": "ios-v3"})["slot"] == 1


# --- key schedule -------------------------------------------------------------------------------------------


@pytest.mark.req("BZ-KEY-003", "BZ-KEY-004", "BZ-KEY-005", "F-14b")
def test_faulty_chains_compute_what_they_say() -> None:
    salted = sha(COUNTING + b"bluzonesubkey")
    text_salted = sha(COUNTING.hex().encode() + b"bluzonesubkey")
    expected = {
        "no-salt": (shown(sha(COUNTING)), shown(sha(sha(COUNTING)))),
        "corrected-salt": (shown(sha(COUNTING + b"bluezonesubkey")), None),
        "salt-first": (shown(sha(b"bluzonesubkey" + COUNTING)), None),
        "salt-every-slot": (shown(salted), shown(sha(salted + b"bluzonesubkey"))),
        "skipped-subkey": (right_id(0, 1), right_id(0, 2)),
        "first-octets": (salted[:12].hex(), sha(salted)[:12].hex()),
        "last-octets": (salted[20:].hex(), sha(salted)[20:].hex()),
        "hex-text-hash": (shown(text_salted), shown(sha(text_salted.hex().encode()))),
        "hurried-day-key": (right_id(1, 0), right_id(1, 1)),
        "lagging-day-key": (right_id(0, 0), right_id(0, 1)),
        "constant-day-key": (right_id(0, 0), right_id(0, 1)),
    }
    for name, (first, second) in expected.items():
        ids = value(name, "derive_ids", base_id=B["base_id"], day=0, slots=[1, 0])["ids"]
        assert ids[1] == first, name
        assert second is None or ids[0] == second, name
        assert value(name, "id_at", **B, time_ms=BASE_DAY_MS)["id"] == first
        events = [{"kind": "max", "value": 48}, {"kind": "id", "time_ms": BASE_DAY_MS + 1_800_000}]
        assert value(name, "ids_over_time", **B, events=events)["ids"] == [{"id": ids[0]}], name
    day_one = {"base_id": B["base_id"], "day": 1, "slots": [0]}
    assert value("lagging-day-key", "derive_ids", **day_one)["ids"] == [right_id(0, 0)]
    assert value("constant-day-key", "derive_ids", **day_one)["ids"] == [right_id(0, 0)]
    assert value("lagging-day-key", "derive_ids", **{**day_one, "day": 2})["ids"] == [right_id(1, 0)]


@pytest.mark.req("BZ-MAT-001", "BZ-MSG-004")
def test_a_faulty_chain_shows_in_matching_and_in_what_is_published() -> None:
    hit = {"own_id": "00" * 12, "contact_id": right_id(0, 0), "rssi": -60, "time_ms": BASE_DAY_MS}
    case = {"daily_key": COUNTING.hex(), "time_start": BASE_DAY_S, "time_end": BASE_DAY_S, "max": 96}
    asked = {"message": json.dumps({"data": [case]}), "records": [hit]}
    assert value("no-salt", "match", **asked)["contact"] is False
    assert value("lagging-day-key", "match", **asked)["contact"] is True
    now = {**B, "now_ms": BASE_DAY_MS + 15 * DAY_MS}
    assert value("constant-day-key", "published_key", **now)["day_key"] == COUNTING.hex()
    info = json.loads(value("constant-day-key", "encode_info", kind="upload", **now)["text"])
    assert (info["daily_key"], info["time_start"]) == (COUNTING.hex(), BASE_DAY_S + 86_400)
    assert "published_key" not in FAULTY["no-salt"].changes


@pytest.mark.req("BZ-KEY-002", "BZ-KEY-006")
@pytest.mark.parametrize(
    ("name", "since_ms", "day", "slot", "from_ms"),
    [
        ("local-day", 17 * 3_600_000, 1, 0, 17 * 3_600_000),
        ("slot-late", 900_000, 0, 0, 900_000),
        ("slot-early", 0, 0, 1, 0),
        ("boundary-late", 900_000, 0, 0, 1),
        ("boundary-early", 899_999, 0, 1, 899_999),
        ("until-included", 0, 0, 0, 0),
    ],
)
def test_faulty_slots_are_where_they_say(name: str, since_ms: int, day: int, slot: int, from_ms: int) -> None:
    found = value(name, "id_at", **B, time_ms=BASE_DAY_MS + since_ms)
    assert (found["day"], found["slot"], found["id"]) == (day, slot, right_id(day, slot))
    assert found["valid_from_ms"] == BASE_DAY_MS + from_ms
    length_ms = 899_999 if name == "until-included" else 900_000
    assert found["valid_until_ms"] - found["valid_from_ms"] == length_ms


@pytest.mark.req("BZ-KEY-006", "F-02")
def test_other_faulty_slots() -> None:
    found = value("rounded-slot", "id_at", **B, time_ms=BASE_DAY_MS + 337_500, max=256)
    assert (found["slot"], found["valid_until_ms"]) == (0, BASE_DAY_MS + 338_000)
    found = value("right-ids-wrong-times", "id_at", **B, time_ms=BASE_DAY_MS + DAY_MS + 900_000)
    assert (found["id"], found["valid_from_ms"], found["valid_until_ms"]) == (
        right_id(1, 1),
        900_000,
        1_800_000,
    )
    wrapped = value("wrapped-slot", "derive_ids", base_id=B["base_id"], day=0, slots=[-1, 96], max=96)
    assert wrapped["ids"] == [right_id(0, 95), right_id(0, 0)]


@pytest.mark.req("BZ-KEY-001", "BZ-KEY-003", "BZ-KEY-008", "F-12", "F-15")
def test_ids_where_there_are_none() -> None:
    found = value("before-base-day-ids", "id_at", **B, time_ms=BASE_DAY_MS - 1)
    assert (found["day"], found["id"]) == (-1, right_id(0, 95))
    early = value("before-base-day-ids", "derive_ids", base_id=B["base_id"], day=-3, slots=[0])
    assert early["ids"] == [right_id(0, 0)]
    assert value("no-last-day", "derive_ids", base_id=B["base_id"], day=36_526, slots=[0])["ids"]
    late = value("no-last-day", "id_at", **B, time_ms=BASE_DAY_MS + 36_526 * DAY_MS)
    assert (late["day"], late["valid_from_ms"]) == (36_526, BASE_DAY_MS + 36_526 * DAY_MS)
    assert code("no-last-day", "id_at", **B, time_ms=BASE_DAY_MS + 400_001 * DAY_MS) == "DAY_OUT_OF_RANGE"
    empty = value("any-base-id", "derive_ids", base_id="", day=0, slots=[0])
    assert empty["ids"] == ["d31a1de6b2096087f1d18d90"]
    assert value("any-base-id", "id_at", **{**B, "base_id": ""}, time_ms=BASE_DAY_MS)["id"] == empty["ids"][0]


@pytest.mark.req("BZ-KEY-007", "F-02")
def test_faulty_max() -> None:
    seven = {**B, "time_ms": BASE_DAY_MS + 12_342_857, "max": 7}
    assert value("any-max", "id_at", **seven)["slot"] == 1
    assert value("any-max", "id_at", **{**seven, "max": 0})["slot"] == 13
    assert value("any-max", "derive_ids", base_id=B["base_id"], day=0, max=7, slots=[6])["ids"] == [
        right_id(0, 6)
    ]
    assert code("any-max", "derive_ids", base_id=B["base_id"], day=0, max=7, slots=[7]) == "BAD_SLOT"
    assert value("default-for-bad-max", "id_at", **seven)["slot"] == 13
    assert value("default-for-bad-max", "id_at", **{**seven, "max": 24})["slot"] == 3
    events = [
        {"kind": "max", "value": 24},
        {"kind": "max", "value": 7},
        {"kind": "id", "time_ms": BASE_DAY_MS + 3_600_000},
    ]
    kept = value("keeps-max-at-bad-setting", "ids_over_time", **B, events=events)
    assert kept["ids"] == [{"id": right_id(0, 1)}]
    late = {"kind": "id", "time_ms": BASE_DAY_MS - 1}
    assert value("any-max", "ids_over_time", **B, events=[late])["ids"] == [{"reject": "BEFORE_BASE_DAY"}]


@pytest.mark.req("BZ-KEY-009", "F-10", "F-11", "F-13")
def test_lists_that_are_kept_too_long() -> None:
    at = {"kind": "id", "time_ms": BASE_DAY_MS + DAY_MS}
    back = {"kind": "id", "time_ms": BASE_DAY_MS}
    last = {"kind": "id", "time_ms": BASE_DAY_MS + 2 * DAY_MS - 1}
    early = {"kind": "id", "time_ms": BASE_DAY_MS - 1}

    def ids(name: str, *events: object) -> list[dict[str, str]]:
        found: list[dict[str, str]] = value(name, "ids_over_time", **B, events=list(events))["ids"]
        return found

    rises, falls = {"kind": "max", "value": 144}, {"kind": "max", "value": 48}
    assert ids("stale-list", at, rises, last)[1] == {"failure": "exception"}
    assert ids("stale-list", at, falls, last)[1] == {"id": right_id(1, 47)}
    assert ids("future-list", at, back)[1] == {"id": right_id(1, 0)}
    assert ids("future-list", early, at, falls, back)[2] == {"id": right_id(0, 0)}
    reread = {"kind": "id", "time_ms": BASE_DAY_MS + DAY_MS - 1, "reread_ms": BASE_DAY_MS + DAY_MS}
    assert ids("midnight-list", reread, at) == [{"id": right_id(0, 0)}] * 2
    for name in ("stale-list", "future-list", "midnight-list"):
        assert ids(name, early, back, at, back) == [
            {"reject": "BEFORE_BASE_DAY"},
            {"id": right_id(0, 0)},
            {"id": right_id(1, 0)},
            {"id": right_id(1 if name == "future-list" else 0, 0)},
        ]


@pytest.mark.req("BZ-KEY-001", "BZ-MSG-004", "F-15", "F-24")
def test_faulty_base_ids_and_published_keys() -> None:
    assert value("empty-base-ids", "new_base_ids", count=2) == {"base_ids": ["", ""]}
    assert value("zero-base-ids", "new_base_ids", count=1) == {"base_ids": ["00" * 32]}
    counting = value("counting-bases", "new_base_ids", count=2)["base_ids"]
    assert counting == [COUNTING.hex(), bytes(range(1, 33)).hex()]
    assert len(set(value("repeated-bases", "new_base_ids", count=9)["base_ids"])) == 1
    assert {len(each) for each in value("short-bases", "new_base_ids", count=3)["base_ids"]} == {32}
    now = {**B, "now_ms": BASE_DAY_MS + 2 * DAY_MS}
    unclamped = value("unclamped-published-key", "published_key", **now)
    assert unclamped == {"day": -12, "day_key": COUNTING.hex(), "time_start_ms": BASE_DAY_MS - 12 * DAY_MS}
    info = json.loads(value("unclamped-published-key", "encode_info", kind="upload", **now)["text"])
    assert info["time_start"] == BASE_DAY_S - 12 * 86_400
    assert value("published-key-of-today", "published_key", **now, days=14)["day"] == 2
    assert value("published-key-of-fourteen-days", "published_key", **now, days=0)["day"] == 0
    assert value("published-base-id", "published_key", **now, days=0)["day_key"] == COUNTING.hex()


# --- advertisements and the receiver ------------------------------------------------------------------------

ID = "b9a665d754fe65e665d76a45"
ANDROID = f"0201020fffb522{ID}0303564e"


def decoded(name: str, ad: str, **more: object) -> Json:
    """Return what a faulty decoder says, or the code with which it refuses."""
    answer = FAULTY[name].answer_of("decode_advertisement", {"ad": ad, **more})
    if answer.kind is AnswerKind.REJECT:
        return answer.code
    assert isinstance(answer.value, dict)
    return answer.value["advertisement"]


HEARD = {"kind": "android", "id": ID}


@pytest.mark.req("BZ-ADV-001", "BZ-ADV-002", "BZ-ADV-003", "BZ-ADV-011", "F-18", "F-21", "F-29")
@pytest.mark.parametrize(
    ("name", "ad", "said"),
    [
        ("any-company", ANDROID.replace("b522", "0000"), HEARD),
        ("swapped-company", ANDROID, "MISSING_ID"),
        ("swapped-company", ANDROID.replace("b522", "22b5"), HEARD),
        ("little-uuid", ANDROID, {"kind": "other"}),
        ("little-uuid", ANDROID.replace("564e", "4e56"), HEARD),
        ("truncated-ok", f"0303564e0fffb522{ID}"[:-2], {**HEARD, "id": ID[:-2] + "00"}),
        ("damage-passed-over", ANDROID + "ff", HEARD),
        ("reads-after-end", f"0303564e000fffb522{ID}", HEARD),
        ("reads-after-end", f"0303564e000fffb522{ID}05", "TRUNCATED_AD"),
        ("zeros-rejected", ANDROID + "00", "DATA_AFTER_END"),
        ("order-bound", f"0303564e0fffb522{ID}", "MISSING_ID"),
        ("complete-lists-only", f"0302564e0fffb522{ID}", {"kind": "other"}),
        ("short-lists-only", f"0505564e00000fffb522{ID}", {"kind": "other"}),
        ("first-uuid-only", f"05030f18564e0fffb522{ID}", {"kind": "other"}),
        ("exact-overflow", "14ff4c000109" + "00" * 15, {"kind": "other"}),
        ("ignores-length", "0303564e05ffb5220102", {**HEARD, "id": "0102"}),
        ("ignores-length", ANDROID, HEARD),
        ("ignores-length", ANDROID[:-2], "TRUNCATED_AD"),
        ("six-octets", ANDROID, "BAD_ID_LENGTH"),
        ("six-octets", "0303564e09ffb522010203040506", {**HEARD, "id": "010203040506"}),
        ("at-least-twelve", f"0303564e10ffb522{ID}77", {**HEARD, "id": f"{ID}77"}),
        (
            "raw-name-for-id",
            "110767a607add1172fa1c44bf573f4390ae2020941",
            {"kind": "old_ios", "local_name": "A", "static_id": "A"},
        ),
        ("raw-name-for-id", ANDROID, HEARD),
    ],
)
def test_faulty_decoders(name: str, ad: str, said: object) -> None:
    assert decoded(name, ad) == said
    assert answer_of("decode_advertisement", {"ad": ad}).value != {"advertisement": said} or said == HEARD


@pytest.mark.req("BZ-ADV-001", "F-17")
def test_faulty_decoders_of_scan_responses_and_short_data() -> None:
    data = f"0fffb522{ID}"
    assert decoded("no-scan-response", "0303564e", scan_response=data) == "MISSING_ID"
    # AdvData cut in the middle of a structure that the scan response goes on with
    assert decoded("joined-scan-response", "0303564e0fffb522", scan_response=ID) == HEARD
    assert decoded("joined-scan-response", ANDROID, scan_response="00" * 31) == HEARD
    short = FAULTY["crashes-on-short"].answer_of("decode_advertisement", {"ad": "01ff"})
    assert short.kind is AnswerKind.ERROR
    assert decoded("crashes-on-short", ANDROID) == HEARD


@pytest.mark.req("BZ-ADV-003", "F-21")
def test_faulty_encoders() -> None:
    android = {"advertisement": {"kind": "android", "id": ID}}
    assert ID not in value("six-octets", "encode_advertisement", **android)["ad"]
    assert ID[:12] in value("six-octets", "encode_advertisement", **android)["ad"]
    long_id = {"advertisement": {"kind": "android", "id": "ab" * 13}}
    assert "ab" * 13 in value("ignores-length", "encode_advertisement", **long_id)["ad"]
    assert "03034e56" in value("little-uuid", "encode_advertisement", **android)["ad"]
    assert "22b5" in value("swapped-company", "encode_advertisement", **android)["ad"]
    ios = {"advertisement": {"kind": "ios", "local_name": None}}
    assert FAULTY["six-octets"].answer_of("encode_advertisement", ios) == answer_of(
        "encode_advertisement", ios
    )


NOON_MS = BASE_DAY_MS + DAY_MS // 2
IPHONE = "02011a110767a607add1172fa1c44bf573564e0000"


def advert(since_ms: int, ad: str = ANDROID, **more: object) -> dict[str, object]:
    """Return an advert after noon."""
    return {"kind": "advert", "time_ms": NOON_MS + since_ms, "address": "a", "ad": ad, "rssi": -60, **more}


def read(since_ms: int, octets: str | None = "cd" * 12) -> dict[str, object]:
    """Return the end of a read after noon."""
    return {"kind": "read", "time_ms": NOON_MS + since_ms, "address": "a", "value": octets, "rssi": -61}


def recorded(name: str, *events: dict[str, object]) -> list[int]:
    """Return when a faulty receiver records, in ms after noon."""
    records = value(name, "receive", **B, events=list(events))["records"]
    return [record["time_ms"] - NOON_MS for record in records]


@pytest.mark.req("BZ-LOG-002", "F-20")
@pytest.mark.parametrize(
    ("name", "times_ms", "expected"),
    [
        ("no-repeat-limit", (0, 1), [0, 1]),
        ("repeat-in-seconds", (999, 4999, 5000), [999, 5000]),
        ("repeat-at-limit", (0, 5000, 5001), [0, 5001]),
        ("repeat-by-hearing", (0, 4000, 8000, 13_000), [0, 13_000]),
        ("repeat-by-last-record", (0, -6000), [0]),
        ("repeat-by-earlier-records", (0, -1), [0, -1]),
    ],
)
def test_faulty_rules_of_repeats(name: str, times_ms: tuple[int, ...], expected: list[int]) -> None:
    assert recorded(name, *(advert(time_ms) for time_ms in times_ms)) == expected


@pytest.mark.req("BZ-RCV-002", "BZ-RCV-003", "BZ-RCV-004", "BZ-RCV-005", "F-17", "F-19", "F-28")
def test_other_faulty_receivers() -> None:
    assert recorded("delivery-time", advert(0, delivered_ms=NOON_MS + 9000)) == [9000]
    found = advert(0, IPHONE), read(100), advert(DAY_MS, IPHONE)
    assert recorded("cache-without-day", *found) == [100, DAY_MS]
    assert recorded("cache-for-half-a-day", *found[:2], advert(900_000, IPHONE)) == [100, 900_000]
    assert value("no-cache", "receive", **B, events=[*found[:2], advert(6000, IPHONE)])["reads"] == [0, 2]
    failing = [advert(0, IPHONE), read(100, None), advert(200, IPHONE)]
    assert value("read-pause", "receive", **B, events=failing)["reads"] == [0]
    assert recorded("any-read-recorded", read(0), read(6000, None), read(7000, "00")) == [0]
    records = value("base-day-own-id", "receive", **B, events=[advert(0)])["records"]
    assert records[0]["own_id"] == right_id(0, 0)
    assert recorded("damaged-dropped", advert(0, ANDROID + "ff"), advert(1)) == [1]
    assert recorded("six-octets", advert(0), advert(1, "0303564e09ffb522010203040506")) == [1]
    long_value = value("ignores-length", "receive", **B, events=[advert(0, IPHONE), read(1, "cd" * 13)])
    assert [record["contact_id"] for record in long_value["records"]] == ["cd" * 13]
    assert recorded("ignores-length", advert(0, IPHONE), read(1, None)) == []
    crash = FAULTY["crashes-on-short"].answer_of("receive", {**B, "events": [advert(0, "01ff"), read(0)]})
    assert crash.kind is AnswerKind.ERROR
    assert recorded("slot-late", advert(0)) == [0]


# --- contact log and matching -------------------------------------------------------------------------------

RECORD = {"own_id": ID, "contact_id": "7c3dec4246ea6f90e38ea254", "rssi": -71, "time_ms": 1_596_866_191_387}
ROW = f"{ID.upper()}\t7C3DEC4246EA6F90E38EA254\t-71\t1596866191387\n"


@pytest.mark.req("BZ-LOG-003", "BZ-LOG-004", "F-01")
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("seconds-log", ROW[:-4] + "\n"),
        ("lower-case-log", ROW.lower()),
        ("no-final-lf", ROW[:-1]),
        ("crlf-log", ROW[:-1] + "\r\n"),
        ("blanks-for-tabs", ROW.replace("\t", " ")),
    ],
)
def test_faulty_exports(name: str, text: str) -> None:
    assert value(name, "log_export", records=[RECORD]) == {"text": text}


@pytest.mark.req("BZ-LOG-003", "BZ-LOG-004")
@pytest.mark.parametrize(
    ("name", "records", "defects"),
    [
        ("stops-at-bad-line", 1, [2]),
        ("sound-lines-only", 2, [2, 4]),
        ("silent-import", 4, []),
        ("no-unterminated-line", 3, [2]),
        ("seconds-unscaled", 4, [2, 4]),
    ],
)
def test_faulty_imports(name: str, records: int, defects: list[int]) -> None:
    # a sound line, one in lower case, one in seconds, one without its LF
    text = ROW + ROW.lower().replace("\t-71", "\t-72") + ROW[:-4] + "\n" + ROW[:-1]
    found = value(name, "log_import", octets=text.encode().hex())
    assert len(found["records"]) == records
    assert sorted({each["line"] for each in found["defects"]}) == defects
    if name == "seconds-unscaled":
        assert found["records"][2]["time_ms"] == 1_596_866_191
    clean = value(name, "log_import", octets=ROW.encode().hex())
    assert clean == {"records": [RECORD], "defects": []}


ZERO_IDS = ("490c085d937456a4dd07e710", "cc4111fec540c346ec6a053f", "5e38c5006c2c14915b56f217")
"""Slots 0, 1 and 2 of 32 octets of zeros on day 0: published values."""


def case(span_s: int = 900, **more: object) -> dict[str, object]:
    """Return a case of the zero day key."""
    return {
        "daily_key": "00" * 32,
        "time_start": BASE_DAY_S,
        "time_end": BASE_DAY_S + span_s,
        "max": 96,
        **more,
    }


def matched(name: str, cases: list[object], *records: tuple[int, int]) -> list[Any]:
    """Return the hits of each case as (record, slot), or its code; records are (slot of the id, ms of the day)."""
    log = [
        {"own_id": "00" * 12, "contact_id": ZERO_IDS[slot], "rssi": -87, "time_ms": BASE_DAY_MS + since_ms}
        for slot, since_ms in records
    ]
    found = value(name, "match", message=json.dumps({"data": cases}), records=log)
    return [
        each["reject"] if "reject" in each else [(hit["record"], hit["slot"]) for hit in each["hits"]]
        for each in found["cases"]
    ]


@pytest.mark.req("BZ-MAT-001", "BZ-MAT-002", "BZ-MAT-003", "BZ-MAT-004", "BZ-MAT-008")
@pytest.mark.parametrize(
    ("name", "cases", "records", "expected"),
    [
        ("half-open-interval", [case()], [(0, 0), (0, 900_000)], [[(0, 0)]]),
        ("open-start", [case()], [(0, 0), (0, 900_000)], [[(1, 0)]]),
        ("tolerant-matching", [case()], [(0, 945_000), (0, 945_001)], [[(0, 0)]]),
        ("seconds-matching", [case()], [(0, 900_999), (0, 901_000)], [[(0, 0)]]),
        ("any-time-matching", [case()], [(0, 80_000_000)], [[(0, 0)]]),
        ("no-slot-at-end", [case()], [(1, 900_000), (0, 0)], [[(1, 0)]]),
        ("whole-slots-only", [case(1799)], [(1, 900_000), (0, 0)], [[(1, 0)]]),
        ("anchored-at-midnight", [case(900, time_start=BASE_DAY_S + 900)], [(1, 900_000), (0, 900_000)], [[(0, 1)]]),
        ("stops-at-first", [case(), case(), 1], [(0, 0), (0, 1)], [[(0, 0)], [], []]),
        ("one-bad-case-hides-all", [case(), 1, case()], [(0, 0)], [[], "BAD_JSON", []]),
        ("one-bad-case-hides-later", [case(), 1, case()], [(0, 0)], [[(0, 0)], "BAD_JSON", []]),
        ("hits-in-log-order", [case(), 1], [(1, 900_000), (0, 0)], [[(0, 1), (1, 0)], "BAD_JSON"]),
        ("depends-on-order", [case()], [(1, 900_001), (0, 0)], [[(0, 1)]]),
        ("strong-signals-only", [case()], [(0, 0)], [[]]),
        ("yes-always", [case(), 1], [], [[], []]),
        ("no-always", [case()], [(0, 0)], [[]]),
        ("any-case-length", [case(34_560_000)], [(0, 0)], [[(0, 0)]]),
        ("any-key-length", [case(daily_key="00" * 31), case(daily_key="0")], [(0, 0)], [[], "BAD_DAY_KEY"]),
        ("backward-case", [case(-1), case()], [(0, 0)], [[], [(0, 0)]]),
        ("any-time", [case(time_end=10**12)], [(0, 0)], [[(0, 0)]]),
        ("odd-hex-padded", [case(daily_key="0" * 63), 1], [(0, 0)], [[(0, 0)], "BAD_JSON"]),
        ("lenient-numbers", [case(max="96"), case(max=96.0), case(max="x")], [(0, 0)],
         [[(0, 0)], [(0, 0)], "NOT_AN_INTEGER"]),
        ("own-max", [case(max=24), case(max=7)], [(1, 900_000)], [[(0, 1)], "BAD_MAX"]),
        ("milliseconds-in-cases", [case(), 1], [(0, 0)], [[], "BAD_JSON"]),
        ("any-max", [case(max=7), case(max=0)], [(0, 0)], [[(0, 0)], "BAD_MAX"]),
        ("default-for-bad-max", [case(max=7)], [(1, 900_000)], [[(0, 1)]]),
    ],
)  # fmt: skip
def test_faulty_matching(
    name: str, cases: list[object], records: list[tuple[int, int]], expected: list[object]
) -> None:
    assert matched(name, cases, *records) == expected


def test_the_parts_of_matching_are_right_where_none_is_replaced() -> None:
    from bluezone_harness.implementations.faulty.matchings import evaluated

    cases = [case(), case(86_400, max=24), 1, case(max=7), case(450, time_start=BASE_DAY_S + 450)]
    log = [
        {"own_id": "00" * 12, "contact_id": ZERO_IDS[slot], "rssi": -60, "time_ms": BASE_DAY_MS + since_ms}
        for slot in range(3)
        for since_ms in (0, 450_000, 900_000, 900_001, 1_350_000, 3_600_000, 7_200_000)
    ]
    asked = {"message": json.dumps({"data": cases}), "records": log}
    assert evaluated(asked) == answer_of("match", asked).value


# --- messages and the rest ----------------------------------------------------------------------------------

UPLOAD = {"base_id": "00" * 32, "time": BASE_DAY_S, "daily_key": "00" * 32, "time_start": BASE_DAY_S}


@pytest.mark.req("BZ-MSG-001", "BZ-MSG-002")
def test_faulty_messages() -> None:
    unknown = json.dumps({"Type": "neu", "Notify": "{}"})
    assert value("unknown-push-obeyed", "decode_push", text=unknown)["type"] == "neu"
    assert value("unknown-push-obeyed", "decode_push", text="{}") == {"ignored": True}
    assert code("unknown-push-obeyed", "decode_push", text='{"Type": "neu", "Notify": "x"}') == "BAD_JSON"
    assert code("unknown-push-obeyed", "decode_push", text="{") == "BAD_JSON"
    assert code("unknown-push-rejected", "decode_push", text=unknown) == "BAD_VALUE"
    known = json.dumps({"Type": "PingPong", "x": "1"})
    assert value("unknown-push-rejected", "decode_push", text=known)["further"] == ["x"]
    assert code("strict-further-keys", "decode_push", text=known) == "BAD_VALUE"
    assert value("silent-further-keys", "decode_push", text=known)["further"] == []
    assert value("silent-further-keys", "decode_push", text="{}") == {"ignored": True}
    assert code("missing-notify-rejected", "decode_push", text=known) == "MISSING_FIELD"
    assert value("missing-notify-rejected", "decode_push", text="{}") == {"ignored": True}
    inner = json.dumps({"Type": "PingPong", "DataContent": {"a": 1}})
    assert value("objects-for-text", "decode_push", text=inner)["content"] == {"a": 1}
    for more in ({"data": [], "x": 1}, {"data": [case(x=1)]}):
        assert code("strict-further-keys", "match", message=json.dumps(more), records=[]) == "BAD_VALUE"
    strict = value("strict-further-keys", "match", message=json.dumps({"data": [case()]}), records=[])
    assert strict["contact"] is False


@pytest.mark.req("BZ-MSG-002")
def test_faulty_info() -> None:
    upload = value("wrong-info-seconds", "decode_info", kind="upload", text=json.dumps(UPLOAD))
    assert (upload["base_day_ms"], upload["time_start_ms"]) == (BASE_DAY_S, BASE_DAY_S)
    cases = value("wrong-info-seconds", "decode_info", kind="cases", text=json.dumps({"data": [case(), 1]}))
    assert cases["cases"][0]["time_end_ms"] == BASE_DAY_S + 900
    assert cases["cases"][1] == {"reject": "BAD_JSON"}
    now = {**B, "now_ms": BASE_DAY_MS}
    assert (
        json.loads(value("wrong-info-seconds", "encode_info", kind="upload", **now)["text"])["time"]
        == BASE_DAY_MS
    )
    written = {"day_key": "00" * 32, "time_start_ms": BASE_DAY_MS, "time_end_ms": BASE_DAY_MS, "max": 96}
    text = value("wrong-info-seconds", "encode_info", kind="cases", cases=[written])["text"]
    assert json.loads(text)["data"][0]["time_start"] == BASE_DAY_MS
    wrong = json.dumps({**UPLOAD, "daily_key": "AB" * 32})
    assert value("day-key-unchecked", "decode_info", kind="upload", text=wrong)["day_key"] == "ab" * 32
    assert value("day-key-unchecked", "decode_info", kind="upload", text=json.dumps(UPLOAD)) == upload | {
        "base_day_ms": BASE_DAY_MS,
        "time_start_ms": BASE_DAY_MS,
    }
    lenient = json.dumps({**UPLOAD, "time": str(BASE_DAY_S)})
    assert value("lenient-info", "decode_info", kind="upload", text=lenient)["base_day_ms"] == BASE_DAY_MS
    assert code("lenient-info", "decode_info", kind="upload", text="[]") == "BAD_JSON"


def test_those_that_do_not_listen() -> None:
    asked = {"base_id": B["base_id"], "day": 0, "slots": [0]}
    assert code("rejects-always", "derive_ids", **asked) == "BAD_BASE_ID"
    assert value("empty-always", "derive_ids", **asked) == {"ids": []}
    assert value("empty-always", "derive_ids") == {}
    heard = value("empty-always", "decode_advertisement", ad="14ff4c000108" + "00" * 15)
    assert heard == {"advertisement": {"kind": "", "services": "", "only_bluezone": False}}
    assert value("empty-always", "decode_advertisement", ad=IPHONE)["advertisement"]["local_name"] is None
    assert value("empty-always", "id_at", **B, time_ms=BASE_DAY_MS)["valid_from_ms"] == 0


def test_one_remembers_what_it_was_asked() -> None:
    faulty = FAULTY["hidden-state"]
    asked = {**B, "time_ms": BASE_DAY_MS + 3_600_000}
    assert faulty.answer_of("id_at", {**asked, "max": 24}) == answer_of("id_at", {**asked, "max": 24})
    assert faulty.answer_of("id_at", asked) != answer_of("id_at", asked)
