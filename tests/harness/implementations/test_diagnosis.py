"""What a wrong answer looks like: the fault that gives it, and no fault for what is right or unheard of."""

from __future__ import annotations

import pytest

from bluezone_harness.implementations.diagnosis import (
    MOST_WEIGHED,
    Explanation,
    Likeness,
    explanations,
    looks_like,
    names_alike,
    text_of,
)
from bluezone_harness.implementations.faulty import FAULTY
from bluezone_harness.implementations.reference_answers import answer_of
from bluezone_harness.implementations.wire import Answer, AnswerKind, error, ok, reject
from bluezone_harness.implementations.work import hashes_of

BASE_DAY_MS = 1_596_844_800_000
DAY_MS = 86_400_000
DERIVE = {"base_id": "00" * 32, "day": 0, "slots": [0, 1]}
AT = {"base_id": "00" * 32, "base_day_ms": BASE_DAY_MS, "time_ms": BASE_DAY_MS}
SHORT = {"ad": "01ff"}


@pytest.mark.req("BZ-KEY-004")
def test_ids_without_the_salt_are_named() -> None:
    # SHA-256 of 32 octets of zeros and of that, and of these the twelve octets: worked out with hashlib
    from hashlib import sha256

    subkeys = [sha256(bytes(32)).digest()]
    subkeys.append(sha256(subkeys[0]).digest())
    positions = (0, 4, 8, 12, 16, 18, 20, 22, 24, 26, 28, 30)
    ids = [bytes(subkey[each] for each in positions).hex() for subkey in subkeys]
    (found,) = looks_like("derive_ids", DERIVE, ok({"ids": ids}))
    assert found == Likeness("no-salt", "", "BZ-KEY-004", FAULTY["no-salt"].text)


def test_a_right_answer_and_one_unheard_of_look_like_nothing() -> None:
    assert looks_like("derive_ids", DERIVE, answer_of("derive_ids", DERIVE)) == ()
    assert names_alike("derive_ids", DERIVE, ok({"ids": ["00" * 12] * 2})) == ()
    assert names_alike("derive_ids", DERIVE, Answer(AnswerKind.TIMEOUT)) == ()
    assert names_alike("derive_ids", {"profile": "x"}, ok({})) == ()


def test_the_specific_comes_before_the_general() -> None:
    names = names_alike("derive_ids", {**DERIVE, "slots": [0], "max": 97}, reject("BAD_BASE_ID"))
    assert names == ("rejects-always",)
    message = '{"data": []}'
    found = names_alike("match", {"message": message, "records": []}, ok({"contact": True, "cases": []}))
    assert found == ("yes-always",)
    early = names_alike(
        "id_at",
        {**AT, "time_ms": BASE_DAY_MS - 1, "max": 2},
        ok(
            FAULTY["before-base-day-ids"]
            .answer_of("id_at", {**AT, "time_ms": BASE_DAY_MS - 1, "max": 2})
            .value
        ),
    )
    assert early == ("before-base-day-ids",)


@pytest.mark.req("F-17")
@pytest.mark.parametrize("answer", [error("anything"), Answer(AnswerKind.CRASH, text="signal 11")])
def test_a_crash_looks_like_an_error(answer: Answer) -> None:
    assert names_alike("decode_advertisement", SHORT, answer) == ("crashes-on-short",)
    assert names_alike("decode_advertisement", {"ad": ""}, answer) == ()


@pytest.mark.req("BZ-KEY-001", "F-15")
def test_random_answers_are_compared_by_what_is_wrong_with_them() -> None:
    def names(*base_ids: object) -> tuple[str, ...]:
        return names_alike("new_base_ids", {"count": 2}, ok({"base_ids": list(base_ids)}))

    assert names("", "") == ("empty-base-ids",)
    assert names("00" * 32, "00" * 32) == ("zero-base-ids",)
    assert names("ab" * 31 + "00", "ab" * 31 + "00") == ("repeated-bases",)
    assert names("ab" * 15 + "00", "ab" * 16) == ("short-bases",)
    assert names("ab" * 31 + "00", "cd" * 31 + "00") == ()
    assert names_alike("new_base_ids", {"count": 0}, ok({"base_ids": []})) == ()
    assert names_alike("new_base_ids", {"count": 2}, reject("BAD_BASE_ID")) == ("rejects-always",)


def test_a_question_that_takes_long_is_compared_with_nothing() -> None:
    far = {**DERIVE, "day": 30_000}
    wrong = FAULTY["no-salt"].answer_of("derive_ids", far)
    assert names_alike("derive_ids", far, wrong) == ()


def test_a_run_is_explained_by_the_fault_that_gives_most_and_contradicts_nothing() -> None:
    days = [{**DERIVE, "day": day} for day in (1, 2, 3)]
    failures = [
        ("derive_ids", each, FAULTY["lagging-day-key"].answer_of("derive_ids", each)) for each in days
    ]
    best, second = explanations(failures, [("derive_ids", DERIVE)])[:2]
    assert (best.likeness.name, best.explained, best.failures, best.contradicted) == (
        "lagging-day-key",
        3,
        3,
        0,
    )
    assert (second.likeness.name, second.explained) == ("constant-day-key", 1)  # on day 1 the two are alike
    # day 2 was answered right: so neither can be what was done
    contradicted = explanations(failures[:1], [("derive_ids", days[1])])
    assert [each.contradicted for each in contradicted] == [1, 1]
    assert explanations([]) == ()
    assert explanations([("derive_ids", DERIVE, ok({}))], [("derive_ids", DERIVE)]) == ()
    assert len(explanations(failures)) <= MOST_WEIGHED


@pytest.mark.parametrize(
    ("explained", "failures", "contradicted", "ending"),
    [
        (1, 1, 0, "which gives the 1 wrong answer"),
        (3, 3, 0, "which gives all 3 wrong answers"),
        (2, 3, 0, "which gives 2 of the 3 wrong answers"),
        (2, 3, 4, "which gives 2 of the 3 wrong answers, but would give 4 more"),
    ],
)
def test_an_explanation_is_one_sentence(
    explained: int, failures: int, contradicted: int, ending: str
) -> None:
    likeness = Likeness("x", "", "BZ-KEY-004", "does it")
    text = Explanation(likeness, explained, failures, contradicted).text
    assert text == f"It looks like an implementation that does it (x), {ending}"
    assert text_of("no-salt") == f"{FAULTY['no-salt'].text} (no-salt)"


@pytest.mark.parametrize(
    ("op", "question", "hashes"),
    [
        ("derive_ids", {**DERIVE, "day": 3, "slots": [5, 7]}, 10),
        ("derive_ids", {**DERIVE, "day": 36_526, "slots": []}, 0),
        ("derive_ids", {**DERIVE, "day": -1, "slots": [1]}, 1),
        ("id_at", {**AT, "time_ms": BASE_DAY_MS + 9 * DAY_MS, "max": 86_400}, 86_409),
        ("id_at", {**AT, "max": 10**9}, 96),
        ("published_key", {**AT, "now_ms": BASE_DAY_MS + 5 * DAY_MS}, 5),
        ("encode_info", {"kind": "cases", "cases": []}, 0),
        (
            "ids_over_time",
            {**AT, "events": [{"kind": "id", "time_ms": BASE_DAY_MS}, {"kind": "max", "value": 24}] * 2},
            96 + 24,
        ),
        ("log_export", {}, 0),
        ("match", {"message": '{"data": [{}]}'}, 0),
        ("match", {"message": "{"}, 0),
        ("id_at", {}, 0),
    ],
)
def test_work_is_counted_in_hashes(op: str, question: dict[str, object], hashes: int) -> None:
    assert hashes_of(op, question) == hashes


def test_work_of_cases_is_their_slots() -> None:
    case = '{"daily_key": "' + "00" * 32 + '", "time_start": 0, "time_end": 172800, "max": 96}'
    assert hashes_of("match", {"message": f'{{"data": [{case}, {case}]}}'}) == 384
