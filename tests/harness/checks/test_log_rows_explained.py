"""What rows come of; and a receiver of the test's own, which is never failed, whatever radio loses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bluezone_harness.checks import CHECKS
from bluezone_harness.checks.hearing import hearing
from bluezone_harness.checks.log_rows_explained import Cause, explained_log
from bluezone_harness.checks.subjects import Rules, Subject
from bluezone_harness.evidence.device_files import Base, Device
from bluezone_harness.findings import Verdict

Air = Any
Receiver = Callable[..., Subject]
RulesOf = Callable[[str], Rules]

AN, BINH = "A1" * 12, "B2" * 12
PHONE = "5A:00:00:00:00:71"


def causes(subject: Subject, rules: RulesOf, profile: str = "v3") -> list[Cause]:
    return [each.cause for each in explained_log(subject, rules(profile)).rows]


def test_each_row_has_its_cause(on_the_air: Air, receiver: Receiver, rules: RulesOf) -> None:
    on_the_air.android(AN, 0, 100)
    on_the_air.android(BINH, 50, 60)
    on_the_air.send("02011a0303564e0fff4c00" + "C3" * 12, 0, 100)
    on_the_air.send("02011a0303564e0fffb522" + "D4" * 9, 0, 100)
    on_the_air.iphone(0, 300, address=PHONE)
    on_the_air.connect(PHONE, 9, 10, (9.5, "E5" * 12))
    rows = [
        (-5000, "99" * 12),
        (9.6, "E5" * 12),
        (20, AN),
        (30, "C3" * 12),
        (35, "D4" * 9 + "00" * 3),
        (40, "99" * 12),
        (50, BINH),
        (60, BINH),
        (250, BINH),
        (600, "E5" * 12),
        (910, "E5" * 12),
        (9000, AN),
    ]
    assert causes(receiver(on_the_air, rows), rules) == [
        Cause.OUTSIDE,
        Cause.HEARD,
        Cause.HEARD,
        Cause.NO_ID,
        Cause.CUT_PART,
        Cause.NEVER_SENT,
        Cause.HEARD,
        Cause.HEARD,
        Cause.OTHER_TIME,
        Cause.OTHER_TIME,  # in the slot of the read, when the phone was gone
        Cause.OTHER_SLOT,
        Cause.OUTSIDE,
    ]


def test_a_row_before_its_read_is_too_early(on_the_air: Air, receiver: Receiver, rules: RulesOf) -> None:
    on_the_air.android(AN, 100, 110)
    on_the_air.iphone(0, 900, address=PHONE)
    on_the_air.connect(PHONE, 500, 501, (500.5, "E5" * 12))
    rows = [(100, AN), (110, AN), (300, "E5" * 12)]
    assert causes(receiver(on_the_air, rows), rules) == [Cause.HEARD, Cause.HEARD, Cause.OTHER_TIME]


def test_a_value_read_where_no_iphone_is_on_the_air(
    on_the_air: Air, receiver: Receiver, rules: RulesOf
) -> None:
    on_the_air.android(AN, 100, 110)
    on_the_air.connect(PHONE, 500, 501, (500.5, "E5" * 12))
    rows = [(100, AN), (110, AN), (500.6, "E5" * 12), (700, "E5" * 12)]
    assert causes(receiver(on_the_air, rows), rules)[2:] == [Cause.HEARD, Cause.OTHER_TIME]


def test_a_passive_receiver_is_right_without_the_scan_response(
    on_the_air: Air, receiver: Receiver, rules: RulesOf
) -> None:
    """With the response the advert is contradictory and gives nothing; not everybody asks for it."""
    own, other = "02011a0303564e0fffb522" + AN, "0fffb522" + BINH
    on_the_air.send(own, 0, 900, response=other)
    assert causes(receiver(on_the_air, [(5, AN), (6, BINH)], seconds=900), rules) == [
        Cause.HEARD,
        Cause.NO_ID,
    ]
    found = hearing(receiver(on_the_air, [(5, AN)], seconds=900), rules("v3"))
    assert (found.recorded, found.missing, found.decoys) == ([], [], [])


def test_octets_of_a_scan_response_are_found(on_the_air: Air, receiver: Receiver, rules: RulesOf) -> None:
    on_the_air.send("02011a", 0, 900, response="0fff4c00" + BINH)
    on_the_air.send("02011a", 0, 900, response="10ff4c00" + AN)
    assert causes(receiver(on_the_air, [(5, BINH), (6, AN)]), rules) == [Cause.NO_ID, Cause.CUT_PART]


def test_few_octets_stand_in_anything(on_the_air: Air, receiver: Receiver, rules: RulesOf) -> None:
    on_the_air.android(AN, 0, 900)
    assert causes(receiver(on_the_air, [(5, AN), (6, "A1A1")]), rules) == [Cause.HEARD, Cause.NEVER_SENT]


def test_who_has_no_record_is_not_asked(subject: Receiver, rules: RulesOf, good_log: bytes) -> None:
    with pytest.raises(ValueError, match="by the record of a broadcast"):
        explained_log(subject(good_log), rules("v3"))


def test_nothing_is_asked_of_who_was_not_there(on_the_air: Air, receiver: Receiver, rules: RulesOf) -> None:
    on_the_air.android(AN, 0, 900)
    with pytest.raises(ValueError, match="was not there"):
        hearing(receiver(on_the_air, []), rules("v3"))


def test_a_clock_offset_that_is_stated_is_taken(on_the_air: Air, receiver: Receiver, rules: RulesOf) -> None:
    device = Device("phone", "", "", 30_000, (Base(b"\xab" * 32, 1_596_844_800_000, None),), (), ())
    on_the_air.android(AN, 100, 110)
    log = replace(receiver(on_the_air, [(135, AN), (105, AN)]), device=device)
    assert causes(log, rules) == [Cause.HEARD, Cause.OTHER_TIME]


def heard_rows(
    windows: list[tuple[float, float, str]], phase: float, loss: float, offset: float, seed: int
) -> list[tuple[float, str]]:
    """Return the rows of a receiver that hears what it hears in 40 s of every 300 s, and obeys the five seconds."""
    random = Random(seed)
    last: dict[str, float] = {}
    rows: list[tuple[float, str]] = []
    adverts = sorted(
        (when, contact_id)
        for start, end, contact_id in windows
        for when in _adverts(start, end, random)
        if (when - phase) % 300 < 40 and random.random() >= loss
    )
    for when, contact_id in adverts:
        if when - last.get(contact_id, -10) >= 5:
            last[contact_id] = when
            rows.append((round(when + offset, 3), contact_id))
    return rows


def _adverts(start: float, end: float, random: Random) -> list[float]:
    found: list[float] = []
    when: float = start
    while when < end:
        found.append(when)
        when += 0.1 + random.uniform(0, 0.01)
    return found


@pytest.mark.req("BZ-RCV-001", "BZ-LOG-001", "BZ-LOG-002")
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    phase=st.floats(0, 300),
    loss=st.sampled_from([0.0, 0.3, 0.6, 0.85]),
    offset=st.sampled_from([0.0, 0.4, -20.0, 44.0]),
    seed=st.integers(0, 2**32),
    meetings=st.lists(st.tuples(st.integers(0, 1200), st.integers(10, 900)), min_size=1, max_size=3),
)
def test_a_right_receiver_is_never_failed(
    on_the_air: Air,
    receiver: Receiver,
    rules: RulesOf,
    phase: float,
    loss: float,
    offset: float,
    seed: int,
    meetings: list[tuple[int, int]],
) -> None:
    air = type(on_the_air)()
    windows: list[tuple[float, float, str]] = []
    for number, (start, lasts) in enumerate(meetings):
        contact_id = f"{number + 1:02X}" * 12
        # on-windows of 15 s, a new one every 30 s
        windows += [(at, min(at + 15, start + lasts), contact_id) for at in range(start, start + lasts, 30)]
    for begin, end, contact_id in windows:
        air.android(contact_id, begin, end)
    air.send("02011a0303564e02ffb5", 0, 2100)
    rows = heard_rows(windows, phase, loss, offset, seed)
    log = receiver(air, rows, seconds=2100)
    for requirement in (
        "BZ-RCV-001",
        "BZ-RCV-002",
        "BZ-RCV-003",
        "BZ-RCV-004",
        "BZ-LOG-001",
        "BZ-LOG-002",
        "BZ-LOG-003",
    ):
        found = CHECKS[requirement].judge(log, rules("v3"))
        assert found.verdict is not Verdict.FAIL, (requirement, found)
