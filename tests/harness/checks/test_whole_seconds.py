"""Repeats that were told by whole seconds (F-20): shown by when in its second a row comes too soon."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import product
from math import comb

import pytest

from bluezone_harness.checks import contact_log as checks
from bluezone_harness.checks.subjects import Rules, Subject
from bluezone_harness.checks.whole_seconds import chance_of, whole_seconds_judgement
from bluezone_harness.findings import Verdict

OWN = "B9A665D754FE65E665D76A45"
SECOND_MS = 1_596_866_190_000

Make = Callable[..., Subject]
RulesOf = Callable[[str], Rules]


def log_of(*rows: tuple[int, int]) -> bytes:
    """Return an export: of each row the number of its contact id, and its time after a whole second."""
    return b"".join(
        f"{OWN}\t{number:024X}\t-71\t{SECOND_MS + after_ms}\n".encode() for number, after_ms in rows
    )


def early(ids: int, phase_ms: int = 60) -> list[tuple[int, int]]:
    """Return two rows of each contact id: at 0.9 s, and 4 s and some ms later."""
    return [(number, after_ms) for number in range(ids) for after_ms in (900, 5_000 + phase_ms)]


@pytest.mark.parametrize(
    ("ids", "verdict"),
    [
        (19, Verdict.PASS),
        (20, Verdict.FAIL),
        (31, Verdict.FAIL),
    ],  # 2^-19 and 2^-20 are beside one in a million
)
@pytest.mark.req("BZ-LOG-002", "F-20")
def test_rows_that_are_too_soon_just_after_a_second_began(
    subject: Make, rules: RulesOf, ids: int, verdict: Verdict
) -> None:
    found = checks.a_contact_id_comes_again_only_after_a_while(subject(log_of(*early(ids))), rules("v3"))
    assert found.verdict is verdict
    if verdict is Verdict.FAIL:
        assert found.failed == ids
        assert "F-20" in found.grounds[0].summary
        assert (
            found.grounds[0].seen
            == f"{ids} contact ids of {ids} too soon mostly in the first half of a second"
        )


@pytest.mark.parametrize(
    "rows",
    [
        # two readings of the clock know no seconds: half of the rows in either half of one
        [row for number in range(60) for row in ((number, 900), (number, 5_000 + number * 899 // 60))],
        # adverts that are delivered every second at its tenth part, and more, and repeats told by that time
        [(number, after_ms) for number in range(60) for after_ms in (900, 5_100 + number)],
        # one contact id is one coin, however often
        [(1, 4_160 * time) for time in range(0, 500)],
        # later in the second, and never too soon
        early(40, 700),
        [(number, after_ms) for number in range(40) for after_ms in (0, 5_000)],
        # too soon by more than the tolerance is for others to say
        [(number, after_ms) for number in range(40) for after_ms in (900, 4_800)],
        [],
    ],
)
@pytest.mark.req("BZ-LOG-002")
def test_what_chance_explains_shows_nothing(
    subject: Make, rules: RulesOf, rows: list[tuple[int, int]]
) -> None:
    assert whole_seconds_judgement(subject(log_of(*rows)), rules("v3")) is None


@pytest.mark.req("BZ-LOG-002", "F-01")
def test_where_times_count_seconds_it_is_not_asked(subject: Make, rules: RulesOf) -> None:
    octets = log_of(*early(40))
    assert whole_seconds_judgement(subject(octets), rules("ios-v3")) is None
    in_seconds = b"".join(each[:-4] + b"\n" for each in octets.splitlines(keepends=True))
    assert whole_seconds_judgement(subject(in_seconds), rules("v3")) is None


@pytest.mark.parametrize("total", range(8))
def test_odds_are_those_of_coins(total: int) -> None:
    heads = [sum(coins) for coins in product((0, 1), repeat=total)]
    for count in range(total + 2):
        assert chance_of(count, total) == Fraction(sum(each >= count for each in heads), 2**total)


def test_of_many_coins_there_is_a_bound() -> None:
    assert chance_of(100_000, 100_000) == 0.0
    assert chance_of(100, 1_000) == 1.0
    assert chance_of(500, 1_000) == 1.0
    # beside the exact figure, which is less
    assert sum(comb(300, each) for each in range(200, 301)) / 2**300 < chance_of(200, 300) < 1e-6
