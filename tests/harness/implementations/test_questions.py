"""Parts of questions: taken as the interface says, and refused in one sentence where they are not of their form."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bluezone_harness.implementations import questions
from bluezone_harness.implementations.questions import Asked, QuestionError
from bluezone_reference.errors import RefusedError
from bluezone_reference.profiles import ANDROID_V3, V3


@pytest.mark.parametrize(
    ("read", "value", "found"),
    [
        (questions.octets, "00ff", b"\x00\xff"),
        (questions.octets, "", b""),
        (questions.optional_octets, "aa", b"\xaa"),
        (questions.optional_octets, None, None),
        (questions.integer, -1, -1),
        (questions.optional_integer, 5, 5),
        (questions.optional_integer, None, None),
        (questions.text, "é", "é"),
        (questions.optional_text, "a", "a"),
        (questions.optional_text, None, None),
        (questions.flag, False, False),
        (questions.part, {"a": 1}, {"a": 1}),
        (questions.parts, [{}], [{}]),
        (questions.integers, [1, 2], [1, 2]),
    ],
)
def test_takes_what_is_of_its_form(
    read: Callable[[Asked, str], object], value: object, found: object
) -> None:
    assert read({"x": value}, "x") == found


@pytest.mark.parametrize(
    ("read", "value", "reason"),
    [
        (questions.octets, "0", "'x' is not hex"),
        (questions.octets, "zz", "'x' is not hex"),
        (questions.octets, "00 ff", "'x' is not hex"),
        (questions.octets, 1, "'x' is not hex"),
        (questions.integer, True, "'x' is not an integer"),
        (questions.integer, 1.0, "'x' is not an integer"),
        (questions.text, 1, "'x' is not text"),
        (questions.flag, 1, "'x' is not true or false"),
        (questions.part, [], "'x' is not an object"),
        (questions.parts, {}, "'x' is not a list of objects"),
        (questions.parts, [1], "'x' is not a list of objects"),
        (questions.integers, [1, True], "'x' is not a list of integers"),
    ],
)
def test_refuses_what_is_of_another(read: Callable[[Asked, str], object], value: object, reason: str) -> None:
    with pytest.raises(QuestionError, match=f"^{reason}$"):
        read({"x": value}, "x")


@pytest.mark.parametrize(
    "read",
    [
        questions.octets,
        questions.integer,
        questions.text,
        questions.flag,
        questions.part,
        questions.parts,
        questions.integers,
    ],
)
def test_says_that_a_part_is_missing(read: Callable[[Asked, str], object]) -> None:
    with pytest.raises(QuestionError, match=r"^'x' is missing$"):
        read({}, "x")


def test_a_profile_is_named_or_v3() -> None:
    assert questions.profile_of({}) is V3
    assert questions.profile_of({"profile": "android-v3"}) is ANDROID_V3
    others: tuple[object, ...] = ("v4", 3, None, [])
    for other in others:
        with pytest.raises(QuestionError, match=r"'profile' is none of v3, android-v3"):
            questions.profile_of({"profile": other})


@pytest.mark.req("BZ-KEY-007")
@pytest.mark.parametrize("value", [None, True, "96", 96.0, [], {}])
def test_a_max_that_is_no_integer_is_refused_and_not_left_out(value: object) -> None:
    assert questions.max_asked({}) is None
    assert questions.max_asked({"max": 7}) == 7  # whether that is allowed is the reference's to say
    with pytest.raises(RefusedError, match="BAD_MAX"):
        questions.max_asked({"max": value})
