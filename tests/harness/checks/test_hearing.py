"""What had to be heard of a broadcast, to the millisecond: hand-computed stretches of 132 adverts, 105 ms apart."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from bluezone_harness.checks import CHECKS
from bluezone_harness.checks.hearing import hearing
from bluezone_harness.checks.subjects import Rules, Subject
from bluezone_harness.evidence.device_files import Base, Device
from bluezone_harness.findings import Verdict

Air = Any
Receiver = Callable[..., Subject]
RulesOf = Callable[[str], Rules]

AN, BINH, CUC = "A1" * 12, "B2" * 12, "C3" * 12
PHONE = "5A:00:00:00:00:71"
CUT = "02011a0303564e0fffb522" + "F6" * 8


def by_clock(subject: Subject, offset_ms: int = 0) -> Subject:
    """Return a subject whose clock is ahead by as much, by its device file: nothing is left to be estimated."""
    bases = (Base(b"\xab" * 32, 1_596_844_800_000, None),)
    return replace(subject, device=Device("phone", "", "", offset_ms, bases, (), ()))


# --- what may have stopped a log: from the last row to the end of the first stretch without one ---


@pytest.mark.req("BZ-RCV-003")
@pytest.mark.parametrize(
    ("start", "end", "stopped_by"),
    [
        (600.0, 900, ["odd"]),  # in the instant in which another id had to be logged
        (600.001, 900, []),
        (50, 100.0, ["odd"]),  # in the instant of the last row
        (50, 99.999, []),
    ],
)
def test_what_was_on_the_air_when_the_log_ends_may_have_stopped_it(
    on_the_air: Air, receiver: Receiver, rules: RulesOf, start: float, end: float, stopped_by: list[str]
) -> None:
    on_the_air.android(AN, 0, 110)
    on_the_air.android(BINH, 300, 1500)  # the first stretch: one period of the scans, 300 s to 600 s
    on_the_air.send(CUT, start, end, sender="odd")
    found = hearing(by_clock(receiver(on_the_air, [(100, AN)], seconds=1500)), rules("v3"))
    assert found.silent[0].stretch.until_ms == 1_606_122_600_000
    assert [each.on_air.sender for each in found.stopped_by] == stopped_by


# --- scans that rows show: a row every five seconds of one phone, and another phone beside it ---


def scan_rows(until: float) -> list[tuple[float, str]]:
    """Return a row of Binh at each fifth second, and one of An at the first second; the last at an instant."""
    return [(0.0, BINH), (1.0, AN), *((float(when), BINH) for when in range(5, int(until), 5)), (until, CUC)]


@pytest.fixture
def beside(on_the_air: Air) -> Air:
    """Three phones on the air for 45 s, too short a time for anything to have to be heard at any phase."""
    for contact_id in (AN, BINH, CUC):
        on_the_air.android(contact_id, 0, 45)
    return on_the_air


@pytest.mark.req("BZ-LOG-002")
@pytest.mark.parametrize(
    ("until", "not_again"),
    [
        (21.860, 1),  # 5 s after its row, a second each of tolerance, and 132 adverts: 13.860 s
        (21.859, 0),
        (39.0, 1),  # twice as many adverts in the same pause are one row that is missing
    ],
)
def test_an_id_is_recorded_again_in_a_scan_that_is_known(
    beside: Air, receiver: Receiver, rules: RulesOf, until: float, not_again: int
) -> None:
    log = by_clock(receiver(beside, scan_rows(until), seconds=900))
    found = hearing(log, rules("v3"))
    assert [each.contact_id.hex().upper() for each in found.not_again] == [AN] * not_again
    judged = CHECKS["BZ-LOG-002"].judge(log, rules("v3"))
    assert (judged.verdict is Verdict.FAIL, judged.failed) == (not_again > 0, not_again)


@pytest.mark.req("BZ-LOG-002")
@pytest.mark.parametrize(
    ("start", "end", "not_again"),
    [
        (2, 23.140, 1),  # a second later 13.860 s are left before the last second
        (2, 23.141, 0),
        (21.860, 50, 1),  # so many from 7 s on, until a second before it
        (21.859, 50, 0),
        (800, 810, 1),
    ],
)
def test_who_is_connected_may_not_scan(
    beside: Air, receiver: Receiver, rules: RulesOf, start: float, end: float, not_again: int
) -> None:
    beside.iphone(0, 900, address=PHONE)
    beside.connect(PHONE, start, end)
    found = hearing(by_clock(receiver(beside, scan_rows(39.0), seconds=900)), rules("v3"))
    assert len(found.not_again) == not_again


@pytest.mark.req("BZ-LOG-002")
@pytest.mark.parametrize("offset_ms", [-30_000, 1, 30_000])
def test_a_known_offset_changes_nothing(
    beside: Air, receiver: Receiver, rules: RulesOf, offset_ms: int
) -> None:
    for until, not_again in ((21.860, 1), (21.859, 0)):
        rows = [(when + offset_ms / 1000, contact_id) for when, contact_id in scan_rows(until)]
        found = hearing(by_clock(receiver(beside, rows, seconds=900), offset_ms), rules("v3"))
        assert len(found.not_again) == not_again
