"""What was read of iPhones, and what had to be, on both sides of slots and of tolerances.

The broadcast begins with slot 36, which lasts 900 s. A receiver that scans 40 s of 300 s has to hear an iPhone in each
300 s that it is on the air; twice in a slot, and it has to be read.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from bluezone_harness.checks import CHECKS
from bluezone_harness.checks.read_attempts import Reading, reading
from bluezone_harness.checks.subjects import Rules, Subject
from bluezone_harness.evidence.device_files import Base, Device
from bluezone_harness.findings import Verdict

Air = Any
Receiver = Callable[..., Subject]
RulesOf = Callable[[str], Rules]
Rows = list[tuple[float, str]]

ONE, TWO = "5A:00:00:00:00:71", "5A:00:00:00:00:72"
FIRST, SECOND, ANDROID = "A1" * 12, "B2" * 12, "D4" * 12


def by_clock(subject: Subject, offset_ms: int = 0) -> Subject:
    """Return a subject whose clock is ahead by as much, by its device file: nothing is left to be estimated."""
    bases = (Base(b"\xab" * 32, 1_596_844_800_000, None),)
    return replace(subject, device=Device("phone", "", "", offset_ms, bases, (), ()))


@pytest.fixture
def read_by(receiver: Receiver, rules: RulesOf) -> Callable[..., Reading]:
    """Return a function from what was on the air, rows and the offset of the log's clock to what was read."""

    def read(on_the_air: Air, rows: Rows, *, offset_ms: int = 0, seconds: float = 2700) -> Reading:
        return reading(by_clock(receiver(on_the_air, rows, seconds=seconds), offset_ms), rules("v3"))

    return read


# --- in which slot an address was read ---


@pytest.mark.req("BZ-RCV-005")
@pytest.mark.parametrize(
    ("first", "second", "offset_ms", "later"),
    [
        (5.0, 899.999, 0, 0),
        (5.0, 900.0, 0, 1),
        (899.999, 900.0, 0, 1),
        (900.0, 1799.999, 0, 0),
        (5.0, 899.999, 1, 1),  # by the receiver's clock
        (5.0, 900.0, -1, 0),
    ],
)
def test_two_reads_lie_in_one_slot_or_in_two(
    on_the_air: Air,
    read_by: Callable[..., Reading],
    first: float,
    second: float,
    offset_ms: int,
    later: int,
) -> None:
    # on the air too shortly to have to be heard
    on_the_air.iphone(first - 1, first + 1, address=ONE)
    on_the_air.iphone(second - 0.0005, second + 1, address=ONE)
    on_the_air.connect(ONE, first - 0.0004, first + 0.0002, (first, FIRST))
    on_the_air.connect(ONE, second - 0.0002, second + 0.0005, (second, SECOND))
    assert read_by(on_the_air, [], offset_ms=offset_ms).served_later == later


@pytest.mark.req("BZ-RCV-005")
@pytest.mark.parametrize(
    ("when", "offset_ms", "later"), [(899.999, 0, 1), (900.0, 0, 0), (900.0, -1, 1), (899.999, 1, 0)]
)
def test_a_phone_is_served_later_that_was_read_in_an_earlier_slot(
    on_the_air: Air, read_by: Callable[..., Reading], when: float, offset_ms: int, later: int
) -> None:
    on_the_air.iphone(800, 1790, address=ONE)
    on_the_air.connect(ONE, when - 0.5, when + 0.5, (when, FIRST))
    found = read_by(on_the_air, [(when + offset_ms / 1000, FIRST)], offset_ms=offset_ms)
    assert len(found.due) == 1  # in the slot from 900 s on
    assert found.served_later == later


# --- a row of another slot in place of a read is told once, as such (BZ-RCV-005) ---


@pytest.fixture
def away(on_the_air: Air) -> Air:
    """An iPhone that was read, was away, and had to be heard from 950 s to 1250 s, and to 1550 s."""
    on_the_air.iphone(0, 100, address=ONE)
    on_the_air.iphone(950, 1790, address=ONE)
    on_the_air.android(ANDROID, 1600, 1610)
    on_the_air.connect(ONE, 4, 5.2, (5, FIRST))
    return on_the_air


@pytest.mark.req("BZ-RCV-004", "BZ-RCV-005")
@pytest.mark.parametrize("offset", [-30, 0, 30])
@pytest.mark.parametrize(
    ("when", "not_read"),
    [
        (949.999, 1),
        (950.0, 0),  # the first instant at which it had to be heard
        (1549.999, 0),
        (1550.0, 0),  # the last
        (1550.001, 1),
    ],
)
def test_a_stale_row_excuses_the_read_in_whose_place_it_is(
    away: Air, read_by: Callable[..., Reading], when: float, not_read: int, offset: int
) -> None:
    rows = [(5 + offset, FIRST), (when + offset, FIRST), (1605 + offset, ANDROID)]
    assert len(read_by(away, rows, offset_ms=offset * 1000).not_read) == not_read


@pytest.mark.req("BZ-RCV-004", "BZ-RCV-005")
@pytest.mark.parametrize(("when", "not_read"), [(949, 1), (950, 0), (1550, 0), (1551, 1)])
def test_a_stale_row_in_seconds_may_lie_anywhere_in_its_second(
    away: Air, receiver: Receiver, rules: RulesOf, subject: Receiver, when: int, not_read: int
) -> None:
    rows = [(5, FIRST), (when, FIRST), (1605, ANDROID)]
    export = "".join(f"{'AB' * 12}\t{each}\t-60\t{1_606_122_000 + at}\n" for at, each in rows).encode()
    log = replace(subject(export), broadcast=receiver(away, []).broadcast)
    assert len(reading(by_clock(log), rules("v3")).not_read) == not_read


@pytest.mark.req("BZ-RCV-004", "BZ-RCV-005")
def test_a_stale_row_excuses_no_other_iphone(away: Air, read_by: Callable[..., Reading]) -> None:
    away.iphone(950, 1790, address=TWO)
    found = read_by(away, [(5, FIRST), (1000, FIRST), (1605, ANDROID)])
    assert [each.sending.on_air.address for each in found.not_read] == [TWO]


@pytest.mark.req("BZ-RCV-004")
@pytest.mark.parametrize(
    ("read", "when", "unlogged"),
    [
        (898.999, 901.0, 0),  # the row may be of a second before
        (899.0, 901.001, 0),  # and the read of a second later
        (898.999, 901.001, 1),  # a row of another slot is none of this one
    ],
)
def test_a_row_of_another_slot_is_no_record_of_a_read(
    on_the_air: Air, read_by: Callable[..., Reading], read: float, when: float, unlogged: int
) -> None:
    on_the_air.iphone(880, 1000, address=ONE)
    on_the_air.android(ANDROID, 950, 960)
    on_the_air.connect(ONE, 898, 899.9, (read, FIRST))
    found = read_by(on_the_air, [(when, FIRST), (955, ANDROID)])
    assert (len(found.unlogged), found.logged) == (unlogged, 1 - unlogged)


# --- what is told of an iPhone that was not read ---


@pytest.mark.req("BZ-RCV-004")
def test_the_first_iphone_that_was_not_read_is_told(
    on_the_air: Air, receiver: Receiver, rules: RulesOf
) -> None:
    on_the_air.iphone(0, 900, address=ONE, sender="Giang")
    on_the_air.iphone(900, 1800, address=TWO, sender="Hoa")
    on_the_air.android(ANDROID, 0, 1900)
    log = by_clock(receiver(on_the_air, [(0.0, ANDROID), (1900, ANDROID)], seconds=1900))
    found = CHECKS["BZ-RCV-004"].judge(log, rules("v3"))
    assert (found.verdict, found.failed) == (Verdict.FAIL, 2)
    assert found.grounds[0].summary == "2 iPhones not read, slot by slot: Giang, Hoa"
    assert found.grounds[0].expected == (
        f"a connection to {ONE} of Giang, which had to be heard twice: 371 adverts in the scans between "
        "2020-11-23T09:00:00.000+00:00 and 2020-11-23T09:05:00.000+00:00, at the worst of all phases, of which "
        "radio may lose 90 %; and again until 2020-11-23T09:10:00.000+00:00"
    )
    assert [each.time_ms for each in found.grounds[0].evidence] == [1_606_122_000_000, 1_606_122_900_000]


@pytest.mark.req("BZ-RCV-004")
def test_what_was_read_and_not_logged_is_told_with_its_time(
    on_the_air: Air, receiver: Receiver, rules: RulesOf
) -> None:
    on_the_air.iphone(0, 900, address=ONE)
    on_the_air.android(ANDROID, 0, 900)
    on_the_air.connect(ONE, 9, 11, (10.25, FIRST))
    log = by_clock(receiver(on_the_air, [(5, ANDROID), (600, ANDROID)], seconds=900))
    found = CHECKS["BZ-RCV-004"].judge(log, rules("v3"))
    assert (found.verdict, found.failed) == (Verdict.FAIL, 1)
    assert found.grounds[0].expected == f"a row of {FIRST} at 2020-11-23T09:00:10.250+00:00"
    assert found.grounds[0].seen == "no row of it then"
