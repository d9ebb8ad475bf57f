"""The reference as an implementation: what phones gave or the chapters print, refusals, mistakes, and any junk."""

from __future__ import annotations

import json
from typing import Any, TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_harness.implementations.reference_answers import ANSWERERS, answer_of
from bluezone_harness.implementations.wire import Answer, AnswerKind
from bluezone_reference.profiles import PROFILES
from bluezone_vectors import known_published_day_keys, known_rolling_ids
from bluezone_vectors.known_answers import KnownPublishedDayKey, KnownRollingId

PHONE_A = "4c5224b397f8ab3896781d5aa0f3119f280513f1b592ca280ebded6357e21084"
ZERO = "00" * 32
BASE_DAY_MS = 1_596_844_800_000  # 2020-08-08
BASE_DAY_S = BASE_DAY_MS // 1000
DAY_MS = 86_400_000
ANDROID = "0201020fffb522b9a665d754fe65e665d76a450303564e"
IPHONE = "02011a110767a607add1172fa1c44bf573564e00000909426c75657a6f6e65"
OWN_ID = "b9a665d754fe65e665d76a45"
CONTACT_ID = "7c3dec4246ea6f90e38ea254"
ROW = f"{OWN_ID.upper()}\t{CONTACT_ID.upper()}\t-71\t1596866191387\n"
RECORD = {"own_id": OWN_ID, "contact_id": CONTACT_ID, "rssi": -71, "time_ms": 1_596_866_191_387}
A = {"base_id": PHONE_A, "base_day_ms": BASE_DAY_MS}


Json: TypeAlias = Any
"""What ``json.loads`` would give; a test says by its assertions of what form it is."""


def ok(op: str, **question: object) -> Json:
    """Return the value of a question that is answered."""
    answer = answer_of(op, question)
    assert answer.kind is AnswerKind.OK, answer
    json.dumps(answer.value)  # nothing else than JSON
    return answer.value


def rejected(op: str, **question: object) -> str:
    """Return the code of a question that is refused."""
    answer = answer_of(op, question)
    assert answer.kind is AnswerKind.REJECT, answer
    assert answer.text
    return answer.code


def failed(op: str, **question: object) -> str:
    """Return what an error says."""
    answer = answer_of(op, question)
    assert answer.kind is AnswerKind.ERROR, answer
    return answer.text


# --- key schedule -------------------------------------------------------------------------------------------


@pytest.mark.req("BZ-KEY-003", "BZ-KEY-004", "BZ-KEY-005")
@pytest.mark.parametrize("known", known_rolling_ids(), ids=lambda known: known.id)
def test_gives_the_known_ids(known: KnownRollingId) -> None:
    base_id = known.base_id.hex()
    # a chain does not depend on max; a slot of the day does
    found = ok("derive_ids", base_id=base_id, day=known.day, max=86_400, slots=[known.slot, 0])
    assert found["ids"][0] == known.rolling_id.hex()


@pytest.mark.req("BZ-KEY-006")
def test_gives_a_captured_id_with_its_interval() -> None:
    assert ok("id_at", **A, time_ms=1_596_866_191_387) == {
        "day": 0,
        "slot": 23,
        "id": OWN_ID,
        "valid_from_ms": BASE_DAY_MS + 20_700_000,
        "valid_until_ms": BASE_DAY_MS + 21_600_000,
    }


@pytest.mark.req("BZ-KEY-009", "F-10", "F-11")
def test_ids_follow_the_clock_and_max() -> None:
    events = [
        {"kind": "id", "time_ms": BASE_DAY_MS + 12_342_900},
        {"kind": "max", "value": 24},
        {"kind": "id", "time_ms": BASE_DAY_MS + 3_600_000},
        {"kind": "max", "value": 7},
        {"kind": "id", "time_ms": BASE_DAY_MS + DAY_MS, "reread_ms": BASE_DAY_MS},
        {"kind": "id", "time_ms": BASE_DAY_MS - 1},
        {"kind": "max", "value": None},
        {"kind": "id", "time_ms": BASE_DAY_MS},
    ]
    assert ok("ids_over_time", **A, max=96, events=events)["ids"] == [
        {"id": "e84b0912d742ee47e732ce1f"},
        {"id": "e26b0fcb3a70a8892b38a074"},
        {"id": "64c0d2707c49d2f0d5e3e348"},
        {"reject": "BEFORE_BASE_DAY"},
        {"id": "29abd013b41c90269332ab5d"},
    ]


@pytest.mark.req("F-02", "F-08")
def test_names_the_failures_of_the_published_builds() -> None:
    events = [{"kind": "id", "time_ms": BASE_DAY_MS}, {"kind": "id", "time_ms": BASE_DAY_MS + DAY_MS - 1}]
    found = ok("ids_over_time", **A, max=7, events=events, profile="android-v3")["ids"]
    assert found == [{"id": "29abd013b41c90269332ab5d"}, {"failure": "exception"}]
    assert "F-08" in failed("derive_ids", base_id=ZERO, day=0, max=1, slots=[0], profile="android-v3")
    assert "F-02" in failed("id_at", **A, time_ms=BASE_DAY_MS + DAY_MS - 1, max=7, profile="android-v3")


@pytest.mark.req("F-08", "F-15")
def test_gives_what_the_ios_build_computes() -> None:
    one_slot = ok("derive_ids", base_id=ZERO, day=0, max=1, slots=[0], profile="ios-v3")
    assert one_slot == {"ids": ["490c085d937456a4dd07e710"]}
    empty = ok("derive_ids", base_id="", day=5, slots=[0], profile="ios-v3")
    assert empty == {"ids": ["d31a1de6b2096087f1d18d90"]}


@pytest.mark.req("BZ-KEY-001", "BZ-KEY-003", "BZ-KEY-006", "BZ-KEY-007", "BZ-KEY-008")
def test_refuses_what_has_no_id() -> None:
    asked = {"base_id": ZERO, "day": 0, "slots": [0]}
    assert rejected("derive_ids", **{**asked, "base_id": "00" * 31}) == "BAD_BASE_ID"
    assert rejected("derive_ids", **{**asked, "max": 97}) == "BAD_MAX"
    assert rejected("derive_ids", **{**asked, "slots": [0, 96]}) == "BAD_SLOT"
    assert rejected("derive_ids", **{**asked, "slots": [-1]}) == "BAD_SLOT"
    assert rejected("derive_ids", **{**asked, "day": -1}) == "BEFORE_BASE_DAY"
    assert rejected("derive_ids", **{**asked, "day": 36_526}) == "DAY_OUT_OF_RANGE"
    assert rejected("derive_ids", **asked, profile="v1") == "NO_KEY_SCHEDULE"
    assert rejected("ids_over_time", **A, max=True, events=[]) == "BAD_MAX"
    assert ok("derive_ids", base_id=ZERO, day=0, slots=[]) == {"ids": []}


@pytest.mark.req("BZ-KEY-001")
def test_draws_base_ids_that_differ() -> None:
    drawn = ok("new_base_ids", count=20)["base_ids"]
    assert len(set(drawn)) == 20
    assert {len(each) for each in drawn} == {64}
    assert ok("new_base_ids", count=20)["base_ids"] != drawn
    assert "'count'" in failed("new_base_ids", count=-1)
    assert "'count'" in failed("new_base_ids", count=10_001)


@pytest.mark.req("BZ-MSG-004", "F-24")
@pytest.mark.parametrize("known", known_published_day_keys(), ids=lambda known: known.id)
def test_publishes_the_known_keys(known: KnownPublishedDayKey) -> None:
    asked = {"base_id": known.base_id.hex(), "base_day_ms": known.base_day_ms, "now_ms": known.now_ms}
    found = ok("published_key", **asked, days=known.days_back)
    assert (found["day_key"], found["time_start_ms"]) == (known.day_key.hex(), known.time_start_ms)
    assert found == ok("published_key", **asked, days=None)
    text = json.loads(ok("encode_info", kind="upload", **asked)["text"])
    assert (text["daily_key"].lower(), text["time_start"]) == (
        found["day_key"],
        found["time_start_ms"] // 1000,
    )


# --- advertisements -----------------------------------------------------------------------------------------


@pytest.mark.req("BZ-ADV-001", "BZ-ADV-003", "BZ-ADV-009", "BZ-ADV-010", "BZ-ADV-011")
@pytest.mark.parametrize(
    ("ad", "said"),
    [
        (ANDROID, {"kind": "android", "id": OWN_ID}),
        (IPHONE, {"kind": "ios", "local_name": "Bluezone"}),
        (
            "14ff4c000108" + "00" * 15,
            {"kind": "ios_background", "services": "08" + "00" * 15, "only_bluezone": True},
        ),
        (
            "02010209ffb522614233785939110789a807add1172fa1c44bf573f4390ae2",
            {"kind": "old_android", "static_id": "aB3xY9"},
        ),
        (
            "110767a607add1172fa1c44bf573f4390ae20b09" + b"2aBY3xYB95".hex(),
            {"kind": "old_ios", "local_name": "2aBY3xYB95", "static_id": "aB3xY9"},
        ),
    ],
)
def test_decodes_and_encodes_every_kind(ad: str, said: dict[str, object]) -> None:
    assert ok("decode_advertisement", ad=ad) == {"advertisement": said}
    written = ok("encode_advertisement", advertisement=said)["ad"]
    assert ok("decode_advertisement", ad=written, scan_response=None) == {"advertisement": said}
    assert ok("decode_advertisement", ad="", scan_response=ad) == {"advertisement": said}


@pytest.mark.req("BZ-ADV-001", "BZ-ADV-003")
def test_refuses_advertisements_that_are_malformed() -> None:
    assert ok("decode_advertisement", ad="") == {"advertisement": {"kind": "other"}}
    assert rejected("decode_advertisement", ad=ANDROID[:-2]) == "TRUNCATED_AD"
    assert rejected("decode_advertisement", ad=ANDROID, scan_response="02") == "TRUNCATED_AD"
    other = "0fffb522" + "00" * 12
    assert rejected("decode_advertisement", ad=ANDROID, scan_response=other) == "AMBIGUOUS_ID"
    short = {"kind": "android", "id": "00" * 11}
    assert rejected("encode_advertisement", advertisement=short) == "BAD_ID_LENGTH"
    assert "no form of ours" in failed("encode_advertisement", advertisement={"kind": "other"})
    assert "static id" in failed(
        "encode_advertisement", advertisement={"kind": "old_android", "static_id": ""}
    )


# --- receiver and contact log -------------------------------------------------------------------------------


def advert(time_ms: int, ad: str = ANDROID, **more: object) -> dict[str, object]:
    """Return an advert."""
    return {"kind": "advert", "time_ms": time_ms, "address": "a", "ad": ad, "rssi": -60, **more}


@pytest.mark.req("BZ-RCV-001", "BZ-RCV-004", "BZ-RCV-005", "BZ-LOG-001", "BZ-LOG-002")
def test_records_what_the_receiver_hears_and_reads() -> None:
    noon_ms = BASE_DAY_MS + DAY_MS // 2
    read = {"kind": "read", "time_ms": noon_ms + 1000, "address": "a", "value": CONTACT_ID, "rssi": -61}
    events = [
        advert(noon_ms, IPHONE),
        read,
        advert(noon_ms + 6000, "", scan_response=IPHONE),
        advert(noon_ms + 7000, ANDROID, delivered_ms=noon_ms + 17_000),
        advert(noon_ms + 7001, ANDROID),
        advert(BASE_DAY_MS - 1, "0fffb522" + "77" * 12 + "0303564e"),
        advert(noon_ms + 900_000, IPHONE),
        {**read, "time_ms": noon_ms + 901_000, "value": None},
    ]
    found = ok("receive", **A, max=96, events=events)
    records = [(each["contact_id"], each["time_ms"] - noon_ms) for each in found["records"]]
    assert records == [(CONTACT_ID, 1000), (CONTACT_ID, 6000), (OWN_ID, 7000)]
    own_id = ok("id_at", **A, time_ms=noon_ms)["id"]
    assert {each["own_id"] for each in found["records"]} == {own_id}
    assert found["reads"] == [0, 6]


@pytest.mark.req("F-17")
def test_a_build_that_crashes_gives_no_answer() -> None:
    short = [advert(BASE_DAY_MS, "02ffb50303564e")]
    assert "F-17" in failed("receive", **A, events=short, profile="ios-v3")
    assert ok("receive", **A, events=short) == {"records": [], "reads": []}


@pytest.mark.req("BZ-LOG-003", "BZ-LOG-004", "F-01")
def test_writes_and_reads_the_data_trace() -> None:
    assert ok("log_export", records=[RECORD]) == {"text": ROW}
    assert ok("log_export", records=[RECORD], profile="ios-v3") == {"text": ROW.replace("191387", "191")}
    assert ok("log_import", octets=ROW.encode().hex()) == {"records": [RECORD], "defects": []}
    lower = ok("log_import", octets=(ROW.lower() + "x\n").encode().hex())
    assert lower["records"] == [RECORD]
    assert lower["defects"] == [{"line": 1, "code": "BAD_LOG_LINE"}] * 2 + [
        {"line": 2, "code": "BAD_LOG_LINE"}
    ]
    assert "octets" in failed("log_export", records=[{**RECORD, "own_id": "00"}])


# --- matching and messages ----------------------------------------------------------------------------------


def message(*cases: object) -> str:
    """Return a message of positive cases."""
    return json.dumps({"data": list(cases)})


CASE = {"daily_key": ZERO, "time_start": BASE_DAY_S, "time_end": BASE_DAY_S + 86_400, "max": 96}


@pytest.mark.req("BZ-MAT-002", "BZ-MAT-005", "BZ-MAT-008", "F-03", "F-16")
def test_matches_as_the_chapter_does() -> None:
    records = [
        {**RECORD, "contact_id": contact_id, "time_ms": BASE_DAY_MS + since_ms}
        for contact_id, since_ms in (
            ("d80cc204fa6491af30d0932a", DAY_MS + 900_000),
            ("490c085d937456a4dd07e710", 900_000),
            ("490c085d937456a4dd07e710", 900_001),
        )
    ]
    found = ok("match", message=message(CASE, {**CASE, "max": 97}, 1), records=records)
    hits = [{"record": 1, "day": 0, "slot": 0}, {"record": 0, "day": 1, "slot": 0}]
    assert found["contact"] is True
    assert found["cases"] == [{"contact": True, "hits": hits}, {"reject": "BAD_MAX"}, {"reject": "BAD_JSON"}]
    first = ok("match", message=message(CASE, CASE), records=records, profile="android-v3")
    assert first["cases"] == [{"contact": True, "hits": hits[:1]}]
    odd = message({**CASE, "daily_key": "0" * 63})
    assert "F-16" in failed("match", message=odd, records=[], profile="ios-v3")
    assert rejected("match", message="\ud800", records=[]) == "BAD_JSON"
    assert rejected("match", message="{}", records=[]) == "MISSING_FIELD"


@pytest.mark.req("BZ-MSG-001")
def test_reads_pushes() -> None:
    content = {"FindGUID": "123456", "Numberdays": 14}
    push = {"Type": "LayThongTinVaLichSu", "DataContent": json.dumps(content), "b": "1", "a": "2"}
    assert ok("decode_push", text=json.dumps(push)) == {
        "type": "LayThongTinVaLichSu",
        "content": content,
        "notify": {},
        "further": ["a", "b"],
    }
    assert ok("decode_push", text='{"Type": "neu"}') == {"ignored": True}
    assert rejected("decode_push", text="[]") == "NOT_AN_OBJECT"


@pytest.mark.req("BZ-MSG-002")
def test_reads_and_writes_info() -> None:
    found = ok("decode_info", kind="cases", text=json.dumps({"data": [CASE, {}], "more": 1}))
    case = {
        "day_key": ZERO,
        "time_start_ms": BASE_DAY_MS,
        "time_end_ms": BASE_DAY_MS + DAY_MS,
        "max": 96,
    }
    assert found == {"cases": [case, {"reject": "MISSING_FIELD"}], "further": ["more"]}
    assert json.loads(ok("encode_info", kind="cases", cases=[case])["text"]) == {"data": [CASE]}
    upload = {"base_id": PHONE_A, "time": BASE_DAY_S, "daily_key": PHONE_A, "time_start": BASE_DAY_S}
    assert ok("decode_info", kind="upload", text=json.dumps(upload)) == {
        "base_id": PHONE_A,
        "base_day_ms": BASE_DAY_MS,
        "day_key": PHONE_A,
        "time_start_ms": BASE_DAY_MS,
        "further": [],
    }
    wrong = json.dumps({**upload, "time_start": BASE_DAY_S + 86_400})
    assert rejected("decode_info", kind="upload", text=wrong) == "WRONG_DAY_KEY"
    for slots in ("96", 97):
        assert rejected("encode_info", kind="cases", cases=[{**case, "max": slots}]) == "BAD_MAX"
    without = {name: value for name, value in case.items() if name != "max"}
    assert rejected("encode_info", kind="cases", cases=[without]) == "BAD_MAX"
    odd = json.dumps({"data": [{**CASE, "daily_key": "0" * 63}]})
    assert "F-16" in failed("decode_info", kind="cases", text=odd, profile="android-v3")


def test_mistakes_of_the_caller_are_errors() -> None:
    assert answer_of("hello", {}).kind is AnswerKind.UNSUPPORTED
    assert "'profile'" in failed("id_at", profile="v9")
    assert failed("id_at") == "'base_id' is missing"
    assert "midnight" in failed("id_at", base_id=ZERO, base_day_ms=1, time_ms=1)
    assert "of kind" in failed("ids_over_time", **A, events=[{"kind": "x"}])
    assert "of kind" in failed("receive", **A, events=[{"kind": "x"}])
    for op in ("decode_info", "encode_info"):
        assert "'kind'" in failed(op, kind="x", text="")


JUNK = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**53), 2**53),
        st.floats(allow_nan=False),
        st.text(max_size=4),
        st.sampled_from(
            [ZERO, "", "00", ANDROID, "{}", message(CASE), "id", "max", "advert", "read", "android"]
        ),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(["kind", "time_ms", "value", "address", "ad", "rssi", "id", "own_id"]),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=8,
)
PARTS = [
    "base_id", "base_day_ms", "time_ms", "now_ms", "day", "days", "max", "slots", "events", "count", "ad",
    "scan_response", "advertisement", "records", "octets", "message", "text", "kind", "cases",
]  # fmt: skip


@pytest.mark.req("BZ-MSG-006")
@given(
    st.sampled_from(sorted(ANSWERERS)),
    st.dictionaries(st.sampled_from(PARTS), JUNK, max_size=8),
    st.sampled_from([*PROFILES, "v3", 1]),
)
def test_answers_whatever_is_asked(op: str, question: dict[str, object], profile: object) -> None:
    base = {"base_day_ms": 0, "base_id": ZERO, "records": [], "profile": profile}
    answer = answer_of(op, base | question)
    assert isinstance(answer, Answer)
    assert answer.kind in (AnswerKind.OK, AnswerKind.REJECT, AnswerKind.ERROR)
