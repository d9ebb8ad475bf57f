"""The search: finds planted faults, shrinks them to the least question, repeats itself, and ends when it must."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from referencing import Registry, Resource

import bluezone_spec
import bluezone_vectors
from bluezone_harness.implementations.explore import (
    EXPLORED,
    REQUIREMENTS,
    Disagreement,
    EndedError,
    explore,
    vector_file,
)
from bluezone_harness.implementations.faulty import FAULTY
from bluezone_harness.implementations.questions import Asked
from bluezone_harness.implementations.questions_drawn import QUESTIONS
from bluezone_harness.implementations.reference_answers import ANSWERERS, answer_of
from bluezone_harness.implementations.wire import Answer, AnswerKind, ok, unsupported

BASE_DAY_MS = 1_596_844_800_000
SCHEMAS = Path(bluezone_vectors.__file__).with_name("schemas")


class Clock:
    """Seconds that go on by a step with each look."""

    def __init__(self, step_s: float) -> None:
        self._now_s = 0.0
        self._step_s = step_s

    def __call__(self) -> float:
        """Look."""
        self._now_s += self._step_s
        return self._now_s


def found(name: str, op: str, seed: int = 1) -> Disagreement:
    """Return what a search of a faulty implementation finds within some thousand questions."""
    exploration = explore(FAULTY[name].answer_of, ops=[op], seed=seed, seconds=4000, clock=Clock(1.0))
    (disagreement,) = exploration.disagreements
    return disagreement


def schema(name: str) -> dict[str, Any]:
    """Return a schema of the vectors."""
    read: dict[str, Any] = json.loads((SCHEMAS / f"{name}.schema.json").read_text("utf-8"))
    return read


@pytest.mark.req("BZ-KEY-006")
def test_a_planted_slot_error_is_found_and_shrunk() -> None:
    disagreement = found("slot-early", "id_at")
    assert disagreement.question == {
        "base_id": "00" * 32,
        "base_day_ms": BASE_DAY_MS,
        "time_ms": BASE_DAY_MS,
    }
    assert disagreement.looks_like[0] == "slot-early"
    assert disagreement.text
    assert disagreement.expected == answer_of("id_at", disagreement.question)
    assert disagreement.seen == FAULTY["slot-early"].answer_of("id_at", disagreement.question)


@pytest.mark.req("BZ-KEY-006")
def test_an_error_at_one_millisecond_is_found_at_its_boundary() -> None:
    events = found("boundary-early", "ids_over_time").question["events"]
    assert isinstance(events, list)
    (event,) = events
    assert (event["time_ms"] + 1) % 900_000 == 0


@pytest.mark.parametrize(
    ("name", "op"),
    [
        ("no-salt", "derive_ids"),
        ("future-list", "ids_over_time"),
        ("stale-list", "ids_over_time"),
        ("unclamped-published-key", "published_key"),
        ("six-octets", "encode_advertisement"),
        ("order-bound", "decode_advertisement"),
        ("no-repeat-limit", "receive"),
        ("lower-case-log", "log_export"),
        ("silent-import", "log_import"),
        ("half-open-interval", "match"),
        ("missing-notify-rejected", "decode_push"),
        ("day-key-unchecked", "decode_info"),
        ("wrong-info-seconds", "encode_info"),
    ],
)
def test_a_fault_of_every_operation_is_found(name: str, op: str) -> None:
    disagreement = found(name, op)
    assert name in disagreement.looks_like
    assert len(json.dumps(disagreement.question)) < 700


def test_a_search_repeats_itself() -> None:
    assert found("boundary-early", "receive", seed=5) == found("boundary-early", "receive", seed=5)


def test_the_reference_agrees_with_itself_on_what_is_drawn() -> None:
    exploration = explore(answer_of, seconds=1200, clock=Clock(1.0))
    assert exploration.disagreements == ()
    assert list(exploration.asked) == list(EXPLORED) == list(REQUIREMENTS)
    assert all(count > 20 for count in exploration.asked.values())
    assert (exploration.unsupported, exploration.ended) == ((), "")


def test_what_is_drawn_is_asked_once_and_the_search_ends_in_time() -> None:
    asked: list[str] = []

    def answered(op: str, question: Asked) -> Answer:
        asked.append(json.dumps(question, sort_keys=True))
        return answer_of(op, question)

    exploration = explore(answered, ops=["log_export"], seconds=100, clock=Clock(1.0))
    assert len(set(asked)) == len(asked) == exploration.asked["log_export"] <= 100


def test_an_implementation_with_a_memory_does_not_confuse_the_search() -> None:
    answers = [ok({"ids": []}), ok({"ids": ["x"]})]

    def answered(op: str, question: Asked) -> Answer:
        answers.reverse()
        return answers[0]

    (disagreement,) = explore(answered, ops=["derive_ids"], seconds=500, clock=Clock(1.0)).disagreements
    assert disagreement.looks_like == ()


def test_what_is_not_supported_is_no_disagreement() -> None:
    exploration = explore(lambda op, question: unsupported(), ops=["match", "match"], seconds=10)
    assert (exploration.unsupported, exploration.disagreements) == (("match",), ())
    assert exploration.asked == {"match": 1}


def test_a_search_ends_when_the_implementation_does() -> None:
    def answered(op: str, question: Asked) -> Answer:
        raise EndedError("it ended")

    exploration = explore(answered, ops=["match", "id_at"], seconds=10)
    assert (exploration.ended, exploration.asked) == ("it ended", {"match": 0})


def test_a_crash_is_a_disagreement() -> None:
    def answered(op: str, question: Asked) -> Answer:
        return Answer(AnswerKind.CRASH, text="signal 11")

    (disagreement,) = explore(answered, ops=["decode_push"], seconds=500, clock=Clock(1.0)).disagreements
    assert disagreement.text == "crash: signal 11"


def test_only_operations_whose_answers_can_be_compared_are_searched() -> None:
    assert set(ANSWERERS) - set(EXPLORED) == {"new_base_ids"}
    assert set(QUESTIONS) == set(EXPLORED)
    assert set(REQUIREMENTS.values()) <= set(bluezone_spec.load().requirements)
    for op in ("new_base_ids", "x"):
        with pytest.raises(ValueError, match=f"there is no operation '{op}' to search"):
            explore(answer_of, ops=[op])


@pytest.mark.parametrize(("name", "op"), [("no-salt", "derive_ids"), ("any-key-length", "match")])
def test_a_disagreement_is_written_in_the_packs_shape(name: str, op: str) -> None:
    disagreement = found(name, op)
    written = vector_file(disagreement)
    registry: Registry[Any] = Registry().with_resources(
        (content["$id"], Resource.from_contents(content))
        for content in map(schema, ("operations", "vectors"))
    )
    jsonschema.Draft202012Validator(schema("vectors"), registry=registry).validate(written)
    (vector,) = json.loads(json.dumps(written))["vectors"]
    assert vector["in"] == disagreement.question
    kind = "ok" if name == "no-salt" else "reject"
    assert list(vector["expect"]) == ["ok"] if op == "derive_ids" else kind in json.dumps(vector["expect"])
    assert vector == vector_file(disagreement)["vectors"][0]  # type: ignore[index]  # JSON, whose values are of any type


@pytest.mark.parametrize("op", sorted(QUESTIONS))
@given(data=st.data())
def test_questions_are_drawn_that_the_reference_answers_or_refuses(op: str, data: st.DataObject) -> None:
    question = data.draw(QUESTIONS[op])
    assert answer_of(op, question).kind in (AnswerKind.OK, AnswerKind.REJECT)
    assert json.loads(json.dumps(question)) == question
