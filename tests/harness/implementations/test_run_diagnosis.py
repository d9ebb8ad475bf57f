"""A run is told which known faults its wrong answers look like."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import pytest

from bluezone_harness.implementations.answers import difference
from bluezone_harness.implementations.faulty import FAULTY
from bluezone_harness.implementations.reference_answers import answer_of
from bluezone_harness.implementations.run_diagnosis import SAMPLE, diagnosed, sample
from bluezone_harness.implementations.runner import Outcome, Run, VectorOutcome
from bluezone_harness.implementations.wire import Answer, AnswerKind, Hello, ok, unsupported
from bluezone_vectors.pack import Vector

Make: TypeAlias = Callable[..., Vector]
BASE_ID = "4c5224b397f8ab3896781d5aa0f3119f280513f1b592ca280ebded6357e21084"
BASE_DAY_MS = 1_596_844_800_000


@pytest.fixture
def vectors(hand_made: Make) -> list[Vector]:
    found = []
    for number in range(40):
        question = {"base_id": BASE_ID, "base_day_ms": BASE_DAY_MS, "time_ms": BASE_DAY_MS + number * 900_000}
        expect = {"ok": answer_of("id_at", question).value}
        found.append(hand_made(f"id-{number}", "id_at", question, expect))
        question = {"ad": f"0303564e0fffb522{number:02x}{'3c' * 11}"}
        expect = {"ok": answer_of("decode_advertisement", question).value}
        found.append(hand_made(f"ad-{number}", "decode_advertisement", question, expect))
    return found


def run_of(vectors: list[Vector], answered: Callable[[Vector], Answer]) -> Run:
    outcomes = []
    for vector in vectors:
        answer = answered(vector)
        wrong = difference(vector.operation, vector.expect, answer, vector.question)
        outcome = Outcome.PASS if wrong is None else Outcome(answer.kind)
        outcomes.append(VectorOutcome(vector, outcome, answer, wrong or ""))
    return Run(Hello("x", "1", "c", ("id_at",)), "v3", 0, tuple(outcomes), 0, 1, "", ())


@pytest.mark.req("BZ-KEY-004")
def test_a_known_fault_is_named_on_every_answer_that_it_gives(vectors: list[Vector]) -> None:
    faulty = FAULTY["no-salt"]
    run = diagnosed(run_of(vectors, lambda each: faulty.answer_of(each.operation, each.question)))
    wrong = [each for each in run.outcomes if each.failed]
    assert {each.vector.operation for each in wrong} == {"id_at"}
    assert len(wrong) == 40
    assert {each.looks_like for each in wrong} == {("no-salt",)}
    assert {each.looks_like for each in run.outcomes if not each.failed} == {()}
    (sentence,) = run.explanations
    assert sentence.endswith("(no-salt), which gives all 40 wrong answers")


def test_what_looks_like_nothing_known_is_not_named(vectors: list[Vector]) -> None:
    run = run_of(vectors, lambda each: ok({"id": "ff"}))
    assert diagnosed(run) == run
    lacking = run_of(vectors, lambda each: unsupported())
    assert diagnosed(lacking) == lacking


def test_a_fault_that_right_answers_speak_against_explains_nothing(vectors: list[Vector]) -> None:
    faulty = FAULTY["no-salt"]

    def answered(vector: Vector) -> Answer:
        return (faulty.answer_of if vector.id == "id-3" else answer_of)(vector.operation, vector.question)

    run = diagnosed(run_of(vectors, answered))
    assert [each.looks_like for each in run.outcomes if each.failed] == [()]
    assert run.explanations == ()


def test_answers_that_one_fault_explains_in_part_are_counted(vectors: list[Vector]) -> None:
    faulty = FAULTY["no-salt"]

    def answered(vector: Vector) -> Answer:
        if vector.id == "id-39":
            return Answer(AnswerKind.CRASH)
        return faulty.answer_of(vector.operation, vector.question)

    run = diagnosed(run_of(vectors, answered))
    assert run.explanations[0].endswith("(no-salt), which gives 39 of the 40 wrong answers")
    assert run.outcomes[-2].looks_like == ()


@pytest.mark.req("F-17")
def test_what_ends_one_implementation_may_be_caught_by_another(hand_made: Make) -> None:
    faulty = FAULTY["crashes-on-short"]
    found = [
        hand_made(f"ad-{ad}", "decode_advertisement", {"ad": ad}, {"reject": "SHORT_MANUFACTURER_DATA"})
        for ad in ("0303564e01ff", "0303564e02ffb5", "02ffb50303564e", "01ff0303564e")
    ]
    given = [faulty.answer_of(each.operation, each.question) for each in found]
    assert {each.kind for each in given} == {AnswerKind.ERROR}

    def answered(vector: Vector) -> Answer:
        return Answer(AnswerKind.CRASH)

    run = diagnosed(run_of(found, answered))
    assert {each.looks_like for each in run.outcomes} == {("crashes-on-short",)}


def test_a_sample_holds_some_of_each_operation(vectors: list[Vector], hand_made: Make) -> None:
    run = run_of([*vectors, hand_made("one", "match", {}, {"ok": 1})], lambda each: ok(1))
    some = sample(run.outcomes)
    operations = [each.vector.operation for each in some]
    assert len(some) <= SAMPLE
    assert len({each.vector.id for each in some}) == len(some)
    assert (operations.count("match"), operations.count("id_at")) == (1, 10)
    assert sample([]) == []
