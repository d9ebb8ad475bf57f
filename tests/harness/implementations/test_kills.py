"""The pack and the faulty implementations, held against each other and against the reference."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import pytest

from bluezone_harness.implementations.answers import difference
from bluezone_harness.implementations.diagnosis import MOST_HASHES, explanations
from bluezone_harness.implementations.faulty import FAULTY
from bluezone_harness.implementations.questions import Asked
from bluezone_harness.implementations.reference_answers import ANSWERERS, answer_of
from bluezone_harness.implementations.wire import Answer
from bluezone_harness.implementations.work import hashes_of
from bluezone_vectors import Vector, load

VECTORS = load().vectors
OPERATIONS = tuple(dict.fromkeys(vector.operation for vector in VECTORS))
NAMES = sorted(FAULTY)


@cache
def claimed() -> Mapping[str, list[Vector]]:
    """Return, for each faulty implementation, the vectors that claim to find it."""
    found: dict[str, list[Vector]] = {}
    for vector in VECTORS:
        for name in vector.kills:
            found.setdefault(name, []).append(vector)
    return found


def wrong(vector: Vector, answer: Answer) -> str | None:
    """Return how an answer differs from what a vector expects."""
    return difference(vector.operation, vector.expect, answer, vector.question)


@pytest.mark.parametrize("op", OPERATIONS)
def test_the_reference_satisfies_every_vector(op: str) -> None:
    found = {
        vector.id: said
        for vector in VECTORS
        if vector.operation == op and (said := wrong(vector, answer_of(op, vector.question)))
    }
    assert found == {}


def test_the_pack_asks_every_operation_and_names_no_other_faulty_implementation() -> None:
    assert set(OPERATIONS) == set(ANSWERERS)
    assert set(claimed()) <= set(FAULTY)


@pytest.mark.parametrize("name", [name for name in NAMES if not FAULTY[name].remembers])
def test_every_claim_to_find_a_faulty_implementation_is_true(name: str) -> None:
    vectors = claimed().get(name, [])
    assert vectors, "no vector finds it"
    faulty = FAULTY[name]
    alive = [
        vector.id
        for vector in vectors
        if wrong(vector, faulty.answer_of(vector.operation, vector.question)) is None
    ]
    assert alive == []


def test_what_remembers_is_found_by_asking_in_two_orders() -> None:
    faulty = FAULTY["hidden-state"]
    vectors = [each for each in VECTORS if each.operation in faulty.changes and each.profile == "v3"]
    orders = (vectors, vectors[::-1])
    failed = [
        {each.id for each in order if wrong(each, faulty.answer_of(each.operation, each.question))}
        for order in orders
    ]
    assert failed[0] != failed[1]


@pytest.mark.parametrize(
    "name",
    [
        "no-salt",
        "lagging-day-key",
        "slot-late",
        "any-max",
        "stale-list",
        "repeated-bases",
        "six-octets",
        "repeat-in-seconds",
        "one-bad-case-hides-all",
        "half-open-interval",
        "seconds-log",
        "strict-further-keys",
        "always-ios-v3",
        "no-always",
    ],
)
def test_a_whole_run_of_a_faulty_implementation_is_diagnosed_by_name(name: str) -> None:
    failures: list[tuple[str, Asked, Answer]] = []
    passed: list[tuple[str, Asked]] = []
    for vector in VECTORS:
        op, question = vector.operation, vector.question
        if hashes_of(op, question) > MOST_HASHES:
            continue
        answer = FAULTY[name].answer_of(op, question)
        if wrong(vector, answer):
            failures.append((op, question, answer))
        else:
            passed.append((op, question))
    best = explanations(failures, passed)[0]
    assert (best.likeness.name, best.explained, best.contradicted) == (name, len(failures), 0)
