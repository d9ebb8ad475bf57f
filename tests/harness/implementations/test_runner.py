"""A run of vectors: what is asked, how often, in which order, and what comes of each vector."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import pytest

from bluezone_harness.implementations import session as session_module
from bluezone_harness.implementations.links import AdapterError
from bluezone_harness.implementations.runner import Outcome, Run
from bluezone_harness.implementations.wire import AnswerKind
from bluezone_vectors.pack import Vector

Scripted: TypeAlias = Any  # a class of conftest, which cannot be imported here
Make: TypeAlias = Callable[..., Vector]


@pytest.fixture
def good(hand_made: Make) -> Vector:
    return hand_made("key-first", "id_at", {"time_ms": 1}, {"ok": {"id": "aa"}})


@pytest.fixture
def negative(hand_made: Make) -> Vector:
    return hand_made("key-bad-max", "id_at", {"max": 7}, {"reject": "BAD_MAX"}, ("BZ-KEY-007",))


def outcomes(run: Run) -> dict[str, tuple[Outcome, str]]:
    return {each.vector.id: (each.outcome, each.text) for each in run.outcomes}


def test_every_vector_is_asked_twice_shuffled_and_nothing_else_of_it_is_sent(
    scripted: Scripted, hand_made: Make
) -> None:
    vectors = [hand_made(f"v-{n}", "id_at", {"time_ms": n}, {"ok": n}) for n in range(30)]
    scripted.answer_right(*vectors)
    run = scripted.run(*vectors, seed=5)
    assert {each.outcome for each in run.outcomes} == {Outcome.PASS}
    assert [each.vector for each in run.outcomes] == vectors
    assert (run.asked, run.links, run.seed, run.remarks, run.noise) == (60, 1, 5, (), "scripted")
    hello, unknown, *asked, bye = scripted.asked()
    assert (hello["op"], bye["op"]) == ("hello", "bye")
    assert unknown["op"] not in ("id_at", "match")
    assert all(set(each) == {"op", "seq", "in"} and each["op"] == "id_at" for each in asked)
    order = [each["in"]["time_ms"] for each in asked]
    assert sorted(order[:30]) == sorted(order[30:]) == list(range(30))
    assert order[:30] != order[30:]
    assert order[:30] != list(range(30))
    assert not any(vector.id in str(asked) for vector in vectors)


def test_the_seed_decides_the_order(scripted: Scripted, hand_made: Make) -> None:
    vectors = [hand_made(f"v-{n}", "id_at", {"time_ms": n}, {"ok": n}) for n in range(30)]
    scripted.answer_right(*vectors)
    for seed in (1, 1, 2):
        scripted.run(*vectors, seed=seed)
    asked = scripted.asked()
    first, second, third = (
        asked[: len(asked) // 3],
        asked[len(asked) // 3 :][: len(asked) // 3],
        asked[-len(asked) // 3 :],
    )
    assert first == second
    assert first != third


def test_what_is_random_is_asked_once_and_never_drawn_again(scripted: Scripted, hand_made: Make) -> None:
    scripted.hello["ops"] = ["new_base_ids"]
    some, other = "8c" + "3a" * 31, "0f" + "71" * 31
    vectors = [
        hand_made("one", "new_base_ids", {"count": 1}, {"properties": {}}),
        hand_made("two", "new_base_ids", {"count": 2}, {"properties": {}}),
    ]
    scripted.answer(vectors[0], {"ok": {"base_ids": [some]}})
    scripted.answer(vectors[1], {"ok": {"base_ids": [other, some]}})
    run = scripted.run(*vectors)
    assert run.asked == 2
    assert outcomes(run) == {
        "one": (Outcome.PASS, ""),
        "two": (Outcome.OK, "a base id that another answer held before"),
    }


def test_each_wrong_answer_is_named(
    scripted: Scripted, hand_made: Make, good: Vector, negative: Vector
) -> None:
    wrong = [hand_made(f"v-{n}", "match", {"n": n}, {"ok": 0}) for n in range(6)]
    scripted.answer_right(good, negative)
    scripted.answer(wrong[0], {"ok": 1})
    scripted.answer(wrong[1], {"reject": {"code": "BAD_JSON"}})
    scripted.answer(wrong[2], {"unsupported": {"message": "not yet"}})
    scripted.answer(wrong[3], {"error": {"message": "line 7"}}, {"error": {"message": "line 8"}})
    scripted.answer(wrong[4], "crash")
    scripted.answer(wrong[5], {"maybe": 1})
    run = scripted.run(good, *wrong, negative)
    found = outcomes(run)
    assert found["key-first"] == found["key-bad-max"] == (Outcome.PASS, "")
    assert found["v-0"] == (Outcome.OK, "the answer is 1, expected is 0")
    assert found["v-1"] == (Outcome.REJECT, "refused with BAD_JSON")
    assert found["v-2"] == (Outcome.UNSUPPORTED, "unsupported: not yet")
    assert found["v-3"] in [(Outcome.ERROR, "error: line 7"), (Outcome.ERROR, "error: line 8")]
    assert found["v-4"][0] is Outcome.CRASH
    assert found["v-5"][0] is Outcome.VIOLATION
    assert run.links > 1


@pytest.mark.parametrize(
    ("bodies", "text"),
    [
        (({"ok": 0}, {"ok": 1}), "answered 1, and asked again: answered 0"),
        (({"ok": 1}, {"ok": 0}), "answered 1, and asked again: answered 0"),
        (({"ok": 1}, {"ok": 2}), "answered 1, and asked again: answered 2"),
        (({"ok": 0}, {"error": {"message": "x"}}), "error: x, and asked again: answered 0"),
    ],
)
def test_what_answers_in_two_ways_has_a_memory(
    scripted: Scripted,
    hand_made: Make,
    bodies: tuple[object, ...],
    text: str,
) -> None:
    vector = hand_made("v", "match", {}, {"ok": 0})
    scripted.answer(vector, *bodies)
    assert outcomes(scripted.run(vector)) == {"v": (Outcome.STATE, text)}


def test_what_is_right_twice_holds_though_it_differs(scripted: Scripted, hand_made: Make) -> None:
    scripted.hello["ops"] = ["encode_advertisement"]
    vector = hand_made("v", "encode_advertisement", {}, {"ok": {"ad": "02011a0303564e"}})
    scripted.answer(vector, {"ok": {"ad": "0303564e"}}, {"ok": {"ad": "0303564e02011a"}})
    assert outcomes(scripted.run(vector)) == {"v": (Outcome.PASS, "")}


def test_what_hello_does_not_name_is_not_asked_and_not_excused(
    scripted: Scripted, hand_made: Make, good: Vector
) -> None:
    scripted.answer_right(good)
    lacking = hand_made("log", "log_export", {}, {"ok": 0})
    run = scripted.run(good, lacking)
    assert outcomes(run)["log"] == (
        Outcome.UNSUPPORTED,
        "unsupported: hello does not name the operation log_export",
    )
    assert "log_export" not in str(scripted.asked())
    assert run.asked == 2


def test_a_profile_is_named_in_the_question_and_must_be_in_hello(
    scripted: Scripted, hand_made: Make, good: Vector
) -> None:
    quirk = hand_made("quirk", "id_at", {"time_ms": 9}, {"failure": "exception"}, profile="android-v3")
    run = scripted.run(good, quirk, profile="android-v3")
    assert outcomes(run) == {
        "quirk": (Outcome.UNSUPPORTED, "unsupported: hello does not name the profile android-v3")
    }
    scripted.hello["profiles"] = ["v3", "android-v3"]
    scripted.answers['id_at {"profile": "android-v3", "time_ms": 9}'] = [{"error": {"message": "9"}}]
    assert outcomes(scripted.run(good, quirk, profile="android-v3")) == {"quirk": (Outcome.PASS, "")}
    named = hand_made(
        "named",
        "id_at",
        {"profile": "android-v3", "time_ms": 9},
        {"failure": "exception"},
        profile="android-v3",
    )
    assert outcomes(scripted.run(named, profile="android-v3")) == {"named": (Outcome.PASS, "")}


def test_a_hardened_phone_speaks_v3(scripted: Scripted, good: Vector) -> None:
    scripted.answer_right(good)
    run = scripted.run(good, profile="v3-hardened")
    assert (run.profile, outcomes(run)) == ("v3-hardened", {"key-first": (Outcome.PASS, "")})


def test_the_error_map_gives_codes_their_meaning(scripted: Scripted, negative: Vector) -> None:
    scripted.answer(negative, {"reject": {"code": "E_MAX"}})
    assert outcomes(scripted.run(negative))["key-bad-max"] == (Outcome.REJECT, "refused, but with E_MAX")
    run = scripted.run(negative, error_map={"E_MAX": "BAD_MAX"})
    assert outcomes(run)["key-bad-max"] == (Outcome.PASS, "")


@pytest.mark.parametrize("body", [{"ok": {}}, {"ok": None}, {"reject": {"code": "BAD_MAX"}}])
def test_who_answers_an_operation_that_does_not_exist_is_not_believed(
    scripted: Scripted, good: Vector, body: object
) -> None:
    scripted.answer_right(good)
    scripted.otherwise = body
    with pytest.raises(AdapterError, match="none of its answers can be believed"):
        scripted.run(good)


@pytest.mark.parametrize(
    ("body", "remark"),
    [({"error": {"message": "what?"}}, "error: what?"), ("crash", "crash: the process ended ")],
)
def test_who_fails_at_an_operation_that_does_not_exist_is_remarked(
    scripted: Scripted,
    good: Vector,
    body: object,
    remark: str,
) -> None:
    scripted.answer_right(good)
    scripted.otherwise = body
    run = scripted.run(good)
    assert outcomes(run) == {"key-first": (Outcome.PASS, "")}
    assert run.remarks[0].startswith(
        f"an operation that it does not have is not answered with 'unsupported': {remark}"
    )


def test_what_is_not_asked_any_more_is_neither_right_nor_wrong(
    scripted: Scripted,
    hand_made: Make,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(session_module, "BREAK_LIMIT", 1)
    vectors = [hand_made(f"v-{n}", "match", {"n": n}, {"ok": 0}) for n in range(3)]
    for vector in vectors:
        scripted.answer(vector, "crash")
    run = scripted.run(*vectors)
    assert run.given_up == "it had to be started again 1 times"
    found = [each.outcome for each in run.outcomes]
    assert sorted(found) == [Outcome.CRASH, Outcome.NOT_ASKED, Outcome.NOT_ASKED]
    assert [each.failed for each in run.outcomes].count(True) == 1
    assert {each.answer.kind for each in run.outcomes if each.answer} == {AnswerKind.CRASH}
