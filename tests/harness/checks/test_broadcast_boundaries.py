"""Contact logs beside the record of a broadcast, on both sides of each limit: instants, tolerances, slots, zones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from bluezone_harness.checks import CHECKS
from bluezone_harness.checks.log_rows_explained import Cause, explained_log
from bluezone_harness.checks.logged_times import times_judgement
from bluezone_harness.checks.receiver_grounds import foreign_grounds
from bluezone_harness.checks.subjects import Rules, Subject
from bluezone_harness.checks.wrong_reads import reads_of_decoys
from bluezone_harness.evidence.device_files import Base, Device
from bluezone_harness.findings import Judgement, Verdict

Air = Any
Receiver = Callable[..., Subject]
RulesOf = Callable[[str], Rules]

AN, BINH, CUC = "A1" * 12, "B2" * 12, "C3" * 12
PHONE, DECOY, NOBODY = (f"5A:00:00:00:00:{number}" for number in ("71", "72", "73"))
WRONG_COMPANY = "02011a0303564e0fff4c00" + "D4" * 12


def by_clock(subject: Subject, offset_ms: int = 0) -> Subject:
    """Return a subject whose clock is ahead by as much, by its device file: nothing is left to be estimated."""
    bases = (Base(b"\xab" * 32, 1_596_844_800_000, None),)
    return replace(subject, device=Device("phone", "", "", offset_ms, bases, (), ()))


def causes(subject: Subject, rules: RulesOf, profile: str = "v3") -> list[Cause]:
    return [each.cause for each in explained_log(subject, rules(profile)).rows]


def judge(requirement: str, subject: Subject, rules: RulesOf) -> Judgement:
    return CHECKS[requirement].judge(subject, rules("v3"))


# --- rows from before the record and after it ---


@pytest.mark.req("BZ-LOG-001")
@pytest.mark.parametrize(
    ("profile", "when", "cause"),
    [
        ("v3", -1.0, Cause.OTHER_TIME),
        ("v3", -1.001, Cause.OUTSIDE),
        ("v3", 901.0, Cause.OTHER_TIME),
        ("v3", 901.001, Cause.OUTSIDE),
        ("android-v3", 911.0, Cause.OTHER_TIME),  # these deliver up to 10 s late
        ("android-v3", 911.001, Cause.OUTSIDE),
    ],
)
def test_the_record_answers_for_its_own_time_give_or_take_a_second(
    on_the_air: Air, receiver: Receiver, rules: RulesOf, profile: str, when: float, cause: Cause
) -> None:
    on_the_air.android(AN, 300, 310)
    log = by_clock(receiver(on_the_air, [(305, AN), (when, AN)], seconds=900))
    assert causes(log, rules, profile) == [Cause.HEARD, cause]


@pytest.mark.req("BZ-LOG-001")
@pytest.mark.parametrize(
    ("rows", "verdict"),
    [
        ([(10, AN)] * 9, Verdict.PASS),  # one id may be the same by chance: another play's advert
        ([(10, AN)] * 8 + [(100, BINH)], Verdict.FAIL),
        ([(10, AN)] * 8 + [(100, BINH), (50, "99" * 12)], Verdict.FAIL),  # nine in ten
        ([(10, AN)] * 7 + [(100, BINH), (50, "99" * 12)], Verdict.PASS),  # eight in nine
    ],
)
def test_rows_of_two_ids_tell_of_another_clock(
    on_the_air: Air, receiver: Receiver, rules: RulesOf, rows: list[tuple[float, str]], verdict: Verdict
) -> None:
    on_the_air.android(AN, 10, 20)
    on_the_air.android(BINH, 100, 110)
    log = receiver(on_the_air, [(when - 86_400, each) for when, each in rows], alone=False, seconds=300)
    assert explained_log(log, rules("v3")).is_near is (verdict is Verdict.PASS)
    # none of them is of this broadcast, or all are a day off
    found = CHECKS["BZ-LOG-001"].judge(log, rules("v3"))
    assert (found.verdict is Verdict.FAIL) is (verdict is Verdict.FAIL)


# --- what was read: when, and in which slot ---


@pytest.mark.req("BZ-RCV-004")
@pytest.mark.parametrize(
    ("when", "cause"),
    [
        (511.0, Cause.LATE_VALUE),
        (510.999, Cause.OTHER_TIME),  # more than a second before anybody had it
        (200.0, Cause.OTHER_TIME),
    ],
)
def test_a_row_before_a_late_value_comes_of_another_time(
    on_the_air: Air, receiver: Receiver, rules: RulesOf, when: float, cause: Cause
) -> None:
    on_the_air.iphone(0, 900, address=PHONE)
    on_the_air.connect(PHONE, 500, 515, (512, AN))
    assert causes(by_clock(receiver(on_the_air, [(when, AN)], seconds=900)), rules) == [cause]


@pytest.mark.req("BZ-RCV-005", "F-19")
@pytest.mark.parametrize(
    ("slots", "start", "end"),
    [
        (96, 85_500, 86_400),  # 23:45 to midnight
        (24, 82_800, 86_400),
        (2, 43_200, 86_400),
        (96, 0, 900),
    ],
)
def test_the_first_and_the_last_slot_of_a_day(
    on_the_air: Air, receiver: Receiver, rules: RulesOf, slots: int, start: int, end: int
) -> None:
    nine = 9 * 3600  # the broadcast begins at 09:00
    start, end = start - nine + 86_400, end - nine + 86_400
    on_the_air.iphone(start - 60, end + 60, address=PHONE)
    on_the_air.connect(PHONE, start, start + 3, (start + 2, AN))
    rows = [(start + 2, AN), (start + 450, AN), (end - 0.001, AN), (end + 1, AN), (end + 1.001, AN)]
    log = by_clock(receiver(on_the_air, rows, seconds=end + 60))
    assert log.broadcast is not None
    log = replace(log, broadcast=replace(log.broadcast, slots=slots))
    assert causes(log, rules) == [*[Cause.HEARD] * 4, Cause.OTHER_SLOT]


@pytest.mark.req("BZ-RCV-005", "F-19")
@pytest.mark.parametrize(
    ("read", "profile", "cause"),
    [
        (899.0, "android-v3", Cause.HEARD),  # the same slot a day later, which that build takes
        (900.999, "android-v3", Cause.HEARD),
        (901.0, "android-v3", Cause.OTHER_SLOT),  # another slot
        (899.0, "v3", Cause.OTHER_SLOT),
    ],
)
def test_published_builds_keep_an_id_for_the_same_slot_alone(
    on_the_air: Air, receiver: Receiver, rules: RulesOf, read: float, profile: str, cause: Cause
) -> None:
    day = 86_400
    on_the_air.iphone(800, 1000, address=PHONE)
    on_the_air.iphone(day, day + 600, address=PHONE)
    on_the_air.connect(PHONE, read - 1, read + 1, (read, AN))
    log = by_clock(receiver(on_the_air, [(read, AN), (day + 5, AN)], seconds=day + 900))
    assert causes(log, rules, profile) == [Cause.HEARD, cause]


# --- times, and their order ---


@pytest.mark.req("BZ-LOG-003")
@pytest.mark.parametrize(("back_ms", "verdict"), [(11_000, Verdict.PASS), (11_001, Verdict.FAIL)])
def test_a_line_may_be_behind_by_a_delivery_and_a_reading_of_the_clock(
    on_the_air: Air, receiver: Receiver, rules: RulesOf, back_ms: int, verdict: Verdict
) -> None:
    on_the_air.android(AN, 0, 300)
    on_the_air.android(BINH, 0, 300)
    log = by_clock(receiver(on_the_air, [(100, AN), (100 - back_ms / 1000, BINH)], seconds=300))
    found = judge("BZ-LOG-003", log, rules)
    assert found.verdict is verdict
    assert bool(found.grounds) is (verdict is Verdict.FAIL)


@pytest.mark.req("BZ-LOG-001")
@pytest.mark.parametrize(
    ("offset_ms", "aside"),
    [
        (-1, ", by a clock that is 1 ms behind"),
        (0, ""),
        (1, ", by a clock that is 1 ms ahead"),
        (2, ", by a clock that is 2 ms ahead"),
    ],
)
def test_an_offset_is_told_down_to_a_millisecond(
    on_the_air: Air, receiver: Receiver, rules: RulesOf, offset_ms: int, aside: str
) -> None:
    on_the_air.android(AN, 0, 300)
    found = judge("BZ-LOG-001", by_clock(receiver(on_the_air, [(100, AN)], seconds=300), offset_ms), rules)
    assert found.verdict is Verdict.PASS
    told = found.summary.split("; ")[-1]
    assert told == f"1 of 1 time at which the contact id was on the air{aside}"


@pytest.mark.req("BZ-LOG-001")
def test_rows_by_a_clock_that_was_set_are_counted(
    on_the_air: Air, receiver: Receiver, rules: RulesOf
) -> None:
    ids = [f"{each:02X}" * 12 for each in range(0xA1, 0xAA)]
    for number, contact_id in enumerate(ids):
        on_the_air.android(contact_id, 100 * number, 100 * number + 10)
    rows = [
        (100 * number + 5 + (200 if number >= 6 else 0), contact_id) for number, contact_id in enumerate(ids)
    ]
    found = times_judgement(by_clock(receiver(on_the_air, rows, seconds=1200)), rules("v3"))
    assert found is not None
    assert (found.verdict, found.judged, found.failed) == (Verdict.FAIL, 9, 3)
    assert found.summary.startswith("3 of 9 times 3 min 14 s ahead")


@pytest.mark.req("BZ-LOG-001", "BZ-LOG-004")
@pytest.mark.parametrize(
    ("offset", "zone"),
    [
        (14 * 3600, "5 times in local time, 14 h ahead of UTC"),
        (-14 * 3600, "5 times in local time, 14 h behind UTC"),
        (14 * 3600 + 900, ""),  # no zone is farther
        (900, "5 times in local time, 15 min ahead of UTC"),
        (300, ""),  # nearer to UTC than to any other zone
    ],
)
def test_zones_lie_a_quarter_of_an_hour_to_14_hours_from_utc(
    on_the_air: Air, receiver: Receiver, rules: RulesOf, offset: int, zone: str
) -> None:
    on_the_air.android(AN, 10, 20)
    on_the_air.android(BINH, 100, 110)
    rows = [
        (when + offset, each) for when, each in [(10, AN), (20, AN), (100, BINH), (105, BINH), (110, BINH)]
    ]
    log = receiver(on_the_air, rows, seconds=300)
    assert judge("BZ-LOG-001", log, rules).verdict is Verdict.FAIL
    found = judge("BZ-LOG-004", log, rules)
    assert (found.verdict is Verdict.FAIL) is bool(zone)
    assert [each.summary for each in found.grounds] == [zone] * bool(zone)


@pytest.mark.req("BZ-LOG-001")
def test_values_that_are_logged_later_are_told_from_the_first(
    on_the_air: Air, receiver: Receiver, rules: RulesOf
) -> None:
    on_the_air.iphone(0, 900, address=PHONE)
    for when, value in ((100, AN), (200, BINH), (300, CUC)):
        on_the_air.connect(PHONE, when - 1, when + 1, (when, value))
    rows = [(130, AN), (230, BINH), (330, CUC)]
    found = judge("BZ-LOG-001", by_clock(receiver(on_the_air, rows, seconds=900)), rules)
    assert (found.verdict, found.failed) == (Verdict.FAIL, 3)
    assert found.grounds[0].summary == "3 values that were read, and logged later than they came"
    assert found.grounds[0].expected == "a row when a value was read, at 2020-11-23T09:01:40.000+00:00"
    assert [each.time_ms for each in found.grounds[0].evidence] == [
        1_606_122_100_000,
        1_606_122_200_000,
        1_606_122_300_000,
    ]


# --- connections to what is not to be read: an attempt begins up to 10 s before its connection ---


@pytest.mark.req("BZ-RCV-002")
@pytest.mark.parametrize(
    ("address", "when", "found"),
    [
        (DECOY, 99.999, []),
        (DECOY, 100.0, ["decoy"]),
        (DECOY, 200.0, ["decoy"]),
        (DECOY, 210.0, ["decoy"]),
        (DECOY, 210.001, []),
        (NOBODY, 150.0, []),  # somebody else's address, while the decoy is on the air
        (PHONE, 150.0, []),
    ],
)
def test_a_connection_is_to_what_was_on_the_air_then(
    on_the_air: Air, receiver: Receiver, rules: RulesOf, address: str, when: float, found: list[str]
) -> None:
    on_the_air.iphone(0, 900, address=PHONE)
    on_the_air.send(WRONG_COMPANY, 100, 200, address=DECOY, sender="decoy")
    on_the_air.connect(address, when, when + 0.5)
    log = receiver(on_the_air, [], seconds=900)
    assert [each.on_air.sender for _, each in reads_of_decoys(log, rules("v3"))] == found


@pytest.mark.req("BZ-RCV-002")
def test_connections_to_iphones_hide_no_other(on_the_air: Air, receiver: Receiver, rules: RulesOf) -> None:
    on_the_air.iphone(0, 900, address=PHONE)
    on_the_air.send(WRONG_COMPANY, 0, 900, address=DECOY, sender="decoy")
    for address, when in ((PHONE, 10), (DECOY, 20), (PHONE, 30), (DECOY, 40)):
        on_the_air.connect(address, when, when + 1)
    found = reads_of_decoys(receiver(on_the_air, [], seconds=900), rules("v3"))
    assert [(each.address, each.from_us) for each, _ in found] == [
        (DECOY, 1_606_122_020_000_000),
        (DECOY, 1_606_122_040_000_000),
    ]


# --- what reports say of rows that are no contact ids ---


@pytest.mark.req("BZ-RCV-002", "F-18")
def test_contact_ids_of_other_lengths_are_told_by_the_first(subject: Receiver, rules: RulesOf) -> None:
    line = "AB" * 12 + "\t{}\t-60\t1606122000000\n"
    found = judge("BZ-RCV-002", subject("".join(line.format("CD" * each) for each in (6, 7)).encode()), rules)
    assert found.grounds[0].summary == "2 contact ids of another length"
    assert (found.grounds[0].expected, found.grounds[0].seen) == ("a contact id of 12 octets", "6 octets")
    # the first alone
    found = judge("BZ-RCV-002", subject(line.format("CD" * 6).encode()), rules)
    assert (found.grounds[0].summary, found.grounds[0].seen) == (
        "1 contact id of another length",
        "6 octets",
    )


@pytest.mark.req("BZ-RCV-002", "BZ-RCV-003")
def test_where_octets_were_found_is_told_with_the_scan_response(
    on_the_air: Air, receiver: Receiver, rules: RulesOf
) -> None:
    on_the_air.send("02011a", 0, 900, response="0fff4c00" + AN, sender="with")
    on_the_air.send(WRONG_COMPANY, 0, 900, sender="without")
    rows = explained_log(receiver(on_the_air, [(5, AN), (6, "D4" * 12)], seconds=900), rules("v3")).rows
    found = foreign_grounds(rows)
    assert [each.summary for each in found] == ["1 row of what with sent", "1 row of what without sent"]
    assert [each.seen for each in found] == [
        f"{AN} out of 02011A with the scan response 0FFF4C00{AN}",
        f"{'D4' * 12} out of {WRONG_COMPANY.upper()}",
    ]


@pytest.mark.req("BZ-RCV-002", "BZ-RCV-004")
def test_a_value_that_is_no_id_is_told_by_its_address(
    on_the_air: Air, receiver: Receiver, rules: RulesOf
) -> None:
    on_the_air.iphone(0, 900, address=PHONE)
    on_the_air.connect(PHONE, 10, 11, (10.5, AN + "00"))
    rows = explained_log(receiver(on_the_air, [(10.6, AN)], seconds=900), rules("v3")).rows
    assert [each.cause for each in rows] == [Cause.NO_ID]
    (found,) = foreign_grounds(rows)
    assert found.summary == f"1 row of what {PHONE} sent"
    assert found.expected == "no row: a value of 13 octets is no id"
    assert found.seen == f"{AN} out of {AN}00"


def test_octets_that_were_found_nowhere_are_somebodys(
    on_the_air: Air, receiver: Receiver, rules: RulesOf
) -> None:
    on_the_air.android(BINH, 0, 900)
    rows = explained_log(receiver(on_the_air, [(5, AN)], seconds=900), rules("v3")).rows
    (found,) = foreign_grounds(rows)
    assert (found.summary, found.expected, found.seen) == (
        "1 row of what somebody sent",
        "no row: it is no id",
        AN,
    )
