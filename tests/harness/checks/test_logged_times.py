"""BZ-LOG-001 to BZ-LOG-004 against the record of a broadcast: times, order, local time, what is recorded again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from bluezone_harness.checks import CHECKS
from bluezone_harness.checks.subjects import Rules, Subject
from bluezone_harness.findings import Judgement, Verdict

Air = Any
Receiver = Callable[..., Subject]
RulesOf = Callable[[str], Rules]
Rows = list[tuple[float, str]]

AN, BINH, CUC = "A1" * 12, "B2" * 12, "C3" * 12


def judge(requirement: str, subject: Subject, rules: RulesOf, profile: str = "v3") -> Judgement:
    return CHECKS[requirement].judge(subject, rules(profile))


@pytest.fixture
def short(on_the_air: Air) -> Air:
    """Three phones for a few seconds each, so that the offset of the clocks is known to two seconds."""
    on_the_air.android(AN, 10, 20)
    on_the_air.android(BINH, 100, 110)
    on_the_air.android(CUC, 200, 210)
    return on_the_air


EDGES: Rows = [(10, AN), (20, AN), (100, BINH), (110, BINH)]


@pytest.mark.req("BZ-LOG-001")
@pytest.mark.parametrize(
    ("when", "verdict"),
    [
        (200.0, Verdict.PASS),
        (211.0, Verdict.PASS),
        (199.0, Verdict.PASS),
        (212.001, Verdict.FAIL),  # a tolerance for the rows at the edges, and one for this row
        (197.999, Verdict.FAIL),
        (260.0, Verdict.FAIL),
    ],
)
def test_a_time_is_that_of_hearing(
    short: Air, receiver: Receiver, rules: RulesOf, when: float, verdict: Verdict
) -> None:
    found = judge("BZ-LOG-001", receiver(short, [*EDGES, (when, CUC)], seconds=300), rules)
    assert found.verdict is verdict
    assert (found.failed == 1) == (verdict is Verdict.FAIL)


@pytest.mark.req("BZ-LOG-001")
def test_what_is_wrong_is_told(short: Air, receiver: Receiver, rules: RulesOf) -> None:
    late = judge("BZ-LOG-001", receiver(short, [*EDGES, (260, CUC)], seconds=300), rules).grounds[0]
    assert (late.expected, late.seen) == (
        "a time at which sender 3 was on the air",
        "49 s after it was on the air",
    )
    early = judge("BZ-LOG-001", receiver(short, [*EDGES, (150, CUC)], seconds=300), rules).grounds[0]
    assert early.seen == "49 s before it was on the air"


@pytest.mark.req("BZ-LOG-001", "F-28")
@pytest.mark.parametrize(("when", "verdict"), [(220.0, Verdict.PASS), (223.0, Verdict.FAIL)])
def test_published_android_builds_log_late(
    short: Air, receiver: Receiver, rules: RulesOf, when: float, verdict: Verdict
) -> None:
    log = receiver(short, [*EDGES, (when, CUC)], seconds=300)
    found = judge("BZ-LOG-001", log, rules, "android-v3")
    assert found.verdict is verdict
    assert verdict is Verdict.FAIL or "1 row delivered late (F-28)" in found.summary
    assert judge("BZ-LOG-001", log, rules).verdict is Verdict.FAIL


@pytest.mark.req("BZ-LOG-001")
@pytest.mark.parametrize("offset", [-44, -30, 30, 44])
def test_a_constant_offset_is_allowed_for_and_told(
    short: Air, receiver: Receiver, rules: RulesOf, offset: int
) -> None:
    rows = [(when + offset, contact_id) for when, contact_id in [*EDGES, (205.0, CUC)]]
    found = judge("BZ-LOG-001", receiver(short, rows, seconds=300), rules)
    assert found.verdict is Verdict.PASS
    assert f"by a clock that is {abs(offset) - 1} s {'ahead' if offset > 0 else 'behind'}" in found.summary


@pytest.mark.req("BZ-LOG-001")
def test_lateness_that_varies_is_no_offset(short: Air, receiver: Receiver, rules: RulesOf) -> None:
    rows = [(10, AN), (30, AN), (100, BINH), (120, BINH), (200, CUC), (220, CUC)]
    found = judge("BZ-LOG-001", receiver(short, rows, seconds=300), rules)
    assert (found.verdict, found.failed) == (Verdict.FAIL, 3)


@pytest.mark.req("BZ-LOG-001", "BZ-LOG-004")
@pytest.mark.parametrize(
    ("offset", "local"),
    [(7 * 3600, True), (-5.5 * 3600, True), (-3600, True), (86_400, False), (200, False), (8000, False)],
)
def test_all_rows_far_off_are_told_as_such(
    short: Air, receiver: Receiver, rules: RulesOf, offset: float, local: bool
) -> None:
    rows = [(when + offset, contact_id) for when, contact_id in [*EDGES, (205.0, CUC)]]
    log = receiver(short, rows, seconds=300)
    found = judge("BZ-LOG-001", log, rules)
    assert (found.verdict, found.failed, found.judged) == (Verdict.FAIL, 5, 10)
    assert "their ids were on the air" in found.summary
    unit = judge("BZ-LOG-004", log, rules)
    assert (unit.verdict is Verdict.FAIL) is local
    assert not local or "in local time" in unit.summary


@pytest.mark.req("BZ-LOG-001", "BZ-LOG-004")
def test_of_several_offsets_local_time_is_told_but_not_failed(
    on_the_air: Air, receiver: Receiver, rules: RulesOf
) -> None:
    """On-windows that come at even pauses leave open which of several offsets it is."""
    for start in range(0, 600, 30):
        on_the_air.android(AN, start, start + 15)
        on_the_air.android(BINH, start, start + 15)
    rows = [(when + 7 * 3600, contact_id) for when in range(245, 365, 30) for contact_id in (AN, BINH)]
    log = receiver(on_the_air, rows, seconds=600)
    assert "7 h after their ids were on the air" in judge("BZ-LOG-001", log, rules).summary
    unit = judge("BZ-LOG-004", log, rules)
    assert unit.verdict is Verdict.INCONCLUSIVE
    assert "in local time, or by a clock that is wrong" in unit.summary


@pytest.mark.req("BZ-LOG-001")
def test_rows_of_an_earlier_play_are_no_wrong_times(short: Air, receiver: Receiver, rules: RulesOf) -> None:
    """The same adverts a day before, beside phones whose ids were others then."""
    rows = [(when - 86_400, contact_id) for when, contact_id in [*EDGES, (150.0, "99" * 12)]]
    log = receiver(short, rows, seconds=300)
    assert judge("BZ-LOG-001", log, rules).verdict is Verdict.PASS
    assert judge("BZ-RCV-001", log, rules).verdict is Verdict.INCONCLUSIVE


@pytest.mark.req("BZ-LOG-001", "BZ-LOG-004")
def test_seconds_are_another_unit_and_no_wrong_time(
    short: Air, receiver: Receiver, rules: RulesOf, subject: Callable[[bytes], Subject]
) -> None:
    own = "AB" * 12
    start_s = short.start_ms // 1000
    export = "".join(f"{own}\t{each}\t-60\t{start_s + int(when)}\n" for when, each in EDGES).encode()
    broadcast = receiver(short, [], seconds=300).broadcast
    log = subject(export)
    log = replace(log, broadcast=broadcast)
    assert judge("BZ-LOG-001", log, rules).verdict is Verdict.PASS
    assert judge("BZ-LOG-004", log, rules).verdict is Verdict.FAIL
    assert judge("BZ-LOG-004", log, rules, "ios-v3").verdict is Verdict.PASS


@pytest.mark.req("BZ-LOG-001")
def test_swapped_ids_are_told(short: Air, receiver: Receiver, rules: RulesOf) -> None:
    own = "77" * 12
    rows = [(when, own, contact_id) for when, contact_id in EDGES]
    found = judge("BZ-LOG-001", receiver(short, rows, seconds=300), rules)
    assert (found.verdict, found.failed) == (Verdict.FAIL, 4)
    assert "swapped" in found.summary


@pytest.mark.req("BZ-LOG-001")
def test_rows_of_others_leave_times_alone(short: Air, receiver: Receiver, rules: RulesOf) -> None:
    rows = [*EDGES, (-500, BINH), (150, "99" * 12)]
    found = judge("BZ-LOG-001", receiver(short, rows, alone=False, seconds=300), rules)
    assert found.verdict is Verdict.PASS
    assert "1 row from before or after the broadcast not compared" in found.summary
    nothing = judge("BZ-LOG-001", receiver(short, [(150, "99" * 12)], alone=False, seconds=300), rules)
    assert nothing.verdict is Verdict.PASS


@pytest.mark.req("BZ-LOG-001", "BZ-RCV-004")
@pytest.mark.parametrize(("late", "verdict"), [(0.2, Verdict.PASS), (70, Verdict.FAIL)])
def test_values_that_are_logged_a_while_after_they_came(
    on_the_air: Air, receiver: Receiver, rules: RulesOf, late: float, verdict: Verdict
) -> None:
    rows: Rows = []
    for number, when in enumerate((10, 40, 70), 1):
        address, value = f"5A:00:00:00:00:7{number}", f"{number:02X}" * 12
        on_the_air.iphone(0, 900, address=address)
        on_the_air.connect(address, when - 1, when + 0.1, (when, value))
        rows.append((when + late, value))
    log = receiver(on_the_air, rows, seconds=900)
    assert judge("BZ-LOG-001", log, rules).verdict is verdict
    # it is told once, as a time that is wrong
    assert judge("BZ-RCV-004", log, rules).verdict is not Verdict.FAIL


@pytest.mark.req("BZ-LOG-001", "BZ-RCV-001", "BZ-RCV-002")
def test_nothing_is_failed_by_a_damaged_record(short: Air, receiver: Receiver, rules: RulesOf) -> None:
    """What a line said that cannot be read may have been on the air."""
    short.android("D4" * 12, 0, 290)
    rows = [*EDGES, (205, CUC), (260, CUC), (150, "99" * 12)]
    log = receiver(short, rows, seconds=300, scan_off=0)
    assert log.broadcast is not None
    failing = {each: judge(each, log, rules).verdict for each in ("BZ-LOG-001", "BZ-RCV-001", "BZ-RCV-002")}
    assert set(failing.values()) == {Verdict.FAIL}
    record = replace(log.broadcast.record, is_damaged=True)
    doubted = replace(log, broadcast=replace(log.broadcast, record=record))
    assert {judge(each, doubted, rules).verdict for each in failing} == {Verdict.INCONCLUSIVE}


# --- BZ-LOG-002 ---


@pytest.mark.req("BZ-LOG-002")
def test_what_is_heard_again_is_recorded_again(on_the_air: Air, receiver: Receiver, rules: RulesOf) -> None:
    on_the_air.android(AN, 0, 1500)
    on_the_air.android(BINH, 0, 1500)
    again: Rows = [(when, AN) for when in range(1, 1500, 300)]
    right = judge("BZ-LOG-002", receiver(on_the_air, [*again, *((when, BINH) for when, _ in again)]), rules)
    assert right.verdict is Verdict.PASS
    assert "6 times recorded again" in right.summary
    once = judge("BZ-LOG-002", receiver(on_the_air, [*again, (1, BINH)]), rules)
    assert (once.verdict, once.failed) == (Verdict.FAIL, 3)
    assert "1 contact id not recorded again" in once.summary
    cut = judge("BZ-LOG-002", receiver(on_the_air, [*again, (1, BINH)], extra=b"half a r"), rules)
    assert cut.verdict is Verdict.INCONCLUSIVE


@pytest.mark.req("BZ-LOG-002")
@pytest.mark.parametrize(("last", "verdict"), [(27, Verdict.FAIL), (20, Verdict.PASS)])
def test_within_a_scan_that_is_known(
    on_the_air: Air, receiver: Receiver, rules: RulesOf, last: int, verdict: Verdict
) -> None:
    """Rows of others show that it scanned: 132 adverts after the row of Binh, and 5 s, there has to be another."""
    on_the_air.android(AN, 0, 200)
    on_the_air.android(BINH, 0, 200)
    on_the_air.android(CUC, 250, 260)  # keeps the offset of the clocks to the tolerance
    rows: Rows = [(1, BINH), *((when, AN) for when in range(1, last, 5)), (250, CUC), (260, CUC)]
    log = receiver(on_the_air, rows, seconds=300)
    assert judge("BZ-LOG-002", log, rules).verdict is verdict
    # nothing is known where rows may be late, or where it may have been busy
    late = receiver(on_the_air, [*rows, (280, AN)], seconds=300)
    assert judge("BZ-LOG-002", late, rules).verdict is Verdict.PASS
    on_the_air.iphone(0, 200, address="5A:00:00:00:00:71")
    on_the_air.connect("5A:00:00:00:00:71", 8, 17)
    assert judge("BZ-LOG-002", receiver(on_the_air, rows, seconds=300), rules).verdict is Verdict.PASS


# --- BZ-LOG-003 ---


@pytest.mark.req("BZ-LOG-003")
def test_lines_stand_in_the_order_of_records(on_the_air: Air, receiver: Receiver, rules: RulesOf) -> None:
    on_the_air.android(AN, 0, 10)
    on_the_air.android(BINH, 100, 110)
    rows: Rows = [(0, AN), (10, AN), (100, BINH), (110, BINH)]
    assert judge("BZ-LOG-003", receiver(on_the_air, rows, seconds=300), rules).verdict is Verdict.PASS
    late = [rows[0], (10, AN), (4, AN), *rows[2:]]  # delivered late, by less than 10 s
    assert judge("BZ-LOG-003", receiver(on_the_air, late, seconds=300), rules).verdict is Verdict.PASS
    found = judge("BZ-LOG-003", receiver(on_the_air, rows[::-1], seconds=300), rules)
    assert (found.verdict, found.failed, found.judged) == (Verdict.FAIL, 2, 8)
