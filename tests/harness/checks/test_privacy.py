"""BZ-PRV-004, -005, -007, -016 and -017 on contact logs."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, datetime

import pytest

from bluezone_harness.checks import privacy as checks
from bluezone_harness.checks.subjects import Rules, Subject
from bluezone_harness.findings import Reason, Verdict
from bluezone_reference.contact_log import CONNECT_INFO_SQL, TRACE_INFO_SQL_ANDROID

DAY_MS = 86_400_000
BASE_DAY_MS = 1_596_844_800_000
SLOT_MS = 900_000
LATE_MS = 166_000  # the lateness of an on-window, and a second for separate readings of the clock
MIDNIGHT = BASE_DAY_MS + 5 * DAY_MS
DEVICE = {
    "base_id": "4c5224b397f8ab3896781d5aa0f3119f280513f1b592ca280ebded6357e21084",
    "base_day": "2020-08-08",
}
CONTACT = bytes.fromhex("7C3DEC4246EA6F90E38EA254")
A, B = b"A" * 12, b"B" * 12

Make = Callable[..., Subject]
RulesOf = Callable[[str], Rules]
Ids = Callable[..., bytes]
Export = Callable[[Sequence[tuple[int, bytes, bytes]]], bytes]


def rows(*own_ids: tuple[int, bytes]) -> list[tuple[int, bytes, bytes]]:
    return [(time_ms, own_id, CONTACT) for time_ms, own_id in own_ids]


# --- BZ-PRV-004 ---


@pytest.mark.req("BZ-PRV-004", "F-14b", "F-25")
@pytest.mark.parametrize(
    ("span_ms", "verdict"), [(SLOT_MS + LATE_MS, Verdict.PASS), (SLOT_MS + LATE_MS + 1, Verdict.FAIL)]
)
def test_an_own_id_lives_for_a_slot_and_the_lateness_allowed(
    subject: Make, rules: RulesOf, export: Export, span_ms: int, verdict: Verdict
) -> None:
    start = MIDNIGHT + 3 * SLOT_MS
    octets = export(rows((start, A), (start + span_ms, A), (start + 10 * SLOT_MS, B)))
    found = checks.an_id_lives_for_its_slot(subject(octets, device=DEVICE), rules("v3"))
    assert (found.verdict, found.judged) == (verdict, 2)
    if verdict is Verdict.FAIL:
        (ground,) = found.grounds
        assert found.failed == 1
        assert [each.number for each in ground.evidence] == [1, 2]
        assert ground.seen == f"{A.hex().upper()} for 17 min 46 s"


@pytest.mark.req("BZ-PRV-004", "BZ-KEY-006")
def test_the_longest_slot_of_the_settings_counts(subject: Make, rules: RulesOf, export: Export) -> None:
    octets = export(rows((MIDNIGHT, A), (MIDNIGHT + 1_800_000, A), (MIDNIGHT + DAY_MS, B)))
    assert (
        checks.an_id_lives_for_its_slot(subject(octets, device=DEVICE | {"max": 48}), rules("v3")).verdict
        is Verdict.PASS
    )
    assert (
        checks.an_id_lives_for_its_slot(subject(octets, device=DEVICE), rules("v3")).verdict is Verdict.FAIL
    )


@pytest.mark.req("BZ-PRV-004", "BZ-KEY-009")
@pytest.mark.parametrize(("change_ms", "verdict"), [(600_000, Verdict.PASS), (DAY_MS // 2, Verdict.FAIL)])
def test_a_setting_that_arrives_while_an_own_id_lives_counts(
    subject: Make, rules: RulesOf, export: Export, change_ms: int, verdict: Verdict
) -> None:
    octets = export(rows((MIDNIGHT, A), (MIDNIGHT + 1_800_000, A), (MIDNIGHT + DAY_MS, B)))
    since = datetime.fromtimestamp((MIDNIGHT + change_ms) / 1000, UTC).isoformat()
    device = {
        "name": "phone",
        "platform": "android",
        "bases": [DEVICE],
        "max": [{"value": 48, "from": since}],
        "foreground": [],
    }
    known = {"schema": 1, "devices": [device]}
    found = checks.an_id_lives_for_its_slot(subject(octets, device=known), rules("v3"))
    assert found.verdict is verdict


@pytest.mark.req("BZ-PRV-004")
@pytest.mark.parametrize(
    ("profile", "span_ms", "verdict"),
    [
        ("v3", 2 * SLOT_MS, Verdict.INCONCLUSIVE),
        ("v3", DAY_MS // 2 + LATE_MS, Verdict.INCONCLUSIVE),
        ("v3", DAY_MS // 2 + LATE_MS + 1, Verdict.FAIL),  # no max makes a longer slot
        ("ios-v3", DAY_MS // 2 + LATE_MS + 1, Verdict.INCONCLUSIVE),
        ("ios-v3", DAY_MS + LATE_MS + 1, Verdict.FAIL),
        ("v1", 2 * SLOT_MS, Verdict.FAIL),  # which has no max
    ],
)
def test_without_a_device_file_another_max_could_explain_it(
    subject: Make, rules: RulesOf, export: Export, profile: str, span_ms: int, verdict: Verdict
) -> None:
    octets = export(rows((MIDNIGHT, A), (MIDNIGHT + span_ms, A)))
    found = checks.an_id_lives_for_its_slot(subject(octets), rules(profile))
    assert found.verdict is verdict
    if verdict is Verdict.INCONCLUSIVE:
        assert found.reason is Reason.EVIDENCE_MISSING
        assert found.grounds


@pytest.mark.req("BZ-PRV-004")
@pytest.mark.parametrize("last_ms", [0, SLOT_MS + LATE_MS])
def test_a_short_log_shows_nothing(subject: Make, rules: RulesOf, export: Export, last_ms: int) -> None:
    octets = export(rows((MIDNIGHT, A), (MIDNIGHT + last_ms, B)))
    found = checks.an_id_lives_for_its_slot(subject(octets, device=DEVICE), rules("v3"))
    assert (found.verdict, found.reason) == (Verdict.INCONCLUSIVE, Reason.TOO_SHORT)
    assert checks.an_id_lives_for_its_slot(subject(b""), rules("v3")).reason is Reason.TOO_FEW_PACKETS


@pytest.mark.req("BZ-PRV-004")
def test_a_clock_set_back_is_no_longer_life(subject: Make, rules: RulesOf, export: Export) -> None:
    # the order of rows does not matter, their times do
    octets = export(rows((MIDNIGHT + 5 * SLOT_MS, B), (MIDNIGHT + 100, A), (MIDNIGHT, A)))
    assert (
        checks.an_id_lives_for_its_slot(subject(octets, device=DEVICE), rules("v3")).verdict is Verdict.PASS
    )


# --- BZ-PRV-005 ---


@pytest.mark.req("BZ-PRV-005", "F-11", "F-12", "F-14b", "F-15")
@pytest.mark.parametrize(
    ("first_ms", "last_ms", "verdict"),
    [
        (MIDNIGHT, MIDNIGHT + 2 * SLOT_MS - 1, Verdict.PASS),  # slots that touch
        (MIDNIGHT + SLOT_MS - 1001, MIDNIGHT + 2 * SLOT_MS + 1000, Verdict.FAIL),
        (
            MIDNIGHT + SLOT_MS - 1000,
            MIDNIGHT + 2 * SLOT_MS + 1000,
            Verdict.PASS,
        ),  # as far off as times may be
        (MIDNIGHT + SLOT_MS - 1001, MIDNIGHT + 2 * SLOT_MS + 999, Verdict.PASS),
        (MIDNIGHT, MIDNIGHT + 3 * SLOT_MS, Verdict.FAIL),
        (MIDNIGHT - 1, MIDNIGHT + 165_000, Verdict.PASS),  # midnight's lateness
        (MIDNIGHT - 1, MIDNIGHT + 165_001, Verdict.FAIL),
        (MIDNIGHT, MIDNIGHT + DAY_MS, Verdict.FAIL),
        (MIDNIGHT, MIDNIGHT + 30 * DAY_MS, Verdict.FAIL),
    ],
)
def test_an_own_id_stays_in_slots_that_touch(
    subject: Make, rules: RulesOf, export: Export, first_ms: int, last_ms: int, verdict: Verdict
) -> None:
    octets = export(rows((first_ms, A), (last_ms, A), (MIDNIGHT + 20 * SLOT_MS, B)))
    found = checks.an_id_does_not_come_again(subject(octets, device=DEVICE), rules("v3"))
    assert (found.verdict, found.judged) == (verdict, 2)
    assert found.failed == (1 if verdict is Verdict.FAIL else 0)


@pytest.mark.req("BZ-PRV-005")
def test_an_own_id_in_two_logs_of_a_phone_is_one_id(subject: Make, rules: RulesOf, export: Export) -> None:
    one, two = export(rows((MIDNIGHT, A))), export(rows((MIDNIGHT + 5 * SLOT_MS, A)))
    found = checks.an_id_does_not_come_again(subject(one, two, device=DEVICE), rules("v3"))
    assert found.verdict is Verdict.FAIL
    assert [each.source for each in found.grounds[0].evidence] == ["log0", "log1"]


@pytest.mark.req("BZ-PRV-005")
@pytest.mark.parametrize(
    ("last_ms", "verdict"),
    [
        (3 * SLOT_MS, Verdict.INCONCLUSIVE),
        (DAY_MS // 2 + 165_000, Verdict.INCONCLUSIVE),
        (DAY_MS // 2 + 165_001, Verdict.FAIL),
        (DAY_MS, Verdict.FAIL),
        (DAY_MS + 165_001, Verdict.FAIL),
    ],
)
def test_without_a_device_file_two_days_are_two_days(
    subject: Make, rules: RulesOf, export: Export, last_ms: int, verdict: Verdict
) -> None:
    octets = export(rows((MIDNIGHT, A), (MIDNIGHT + last_ms, A)))
    found = checks.an_id_does_not_come_again(subject(octets), rules("v3"))
    assert found.verdict is verdict
    assert found.grounds


@pytest.mark.req("BZ-PRV-005", "F-21")
def test_both_kinds_are_told_apart(subject: Make, rules: RulesOf, export: Export) -> None:
    octets = export(
        rows((MIDNIGHT, A), (MIDNIGHT + 1, B), (MIDNIGHT + 5 * SLOT_MS, B), (MIDNIGHT + DAY_MS + SLOT_MS, A))
    )
    found = checks.an_id_does_not_come_again(subject(octets), rules("v1"))
    assert (found.verdict, found.failed, found.judged) == (Verdict.FAIL, 2, 2)
    assert [each.summary for each in found.grounds] == [
        "1 of 2 own ids on two days",
        "1 of 2 own ids in two slots that do not touch",
    ]


@pytest.mark.req("BZ-PRV-005")
def test_rows_in_slots_that_touch_show_nothing(subject: Make, rules: RulesOf, export: Export) -> None:
    octets = export(rows((MIDNIGHT, A), (MIDNIGHT + 2 * SLOT_MS - 1, B)))
    found = checks.an_id_does_not_come_again(subject(octets, device=DEVICE), rules("v3"))
    assert (found.verdict, found.reason) == (Verdict.INCONCLUSIVE, Reason.TOO_SHORT)
    assert checks.an_id_does_not_come_again(subject(b""), rules("v3")).reason is Reason.TOO_FEW_PACKETS


# --- BZ-PRV-007 ---


@pytest.mark.req("BZ-PRV-007")
def test_ids_of_the_device_are_not_searched_for(subject: Make, rules: RulesOf, good_log: bytes) -> None:
    found = checks.no_id_comes_from_a_weak_base_id(subject(good_log, device=DEVICE), rules("v3"))
    assert (found.verdict, found.judged) == (Verdict.PASS, len({line[:24] for line in good_log.splitlines()}))
    assert "by the device file's base ids" in found.summary
    assert found.summary.endswith("absence proves nothing")


@pytest.mark.req("BZ-PRV-007")
def test_a_stranger_among_them_is_searched_for(
    subject: Make, rules: RulesOf, good_log: bytes, export: Export
) -> None:
    octets = good_log + export(rows((MIDNIGHT, A)))
    found = checks.no_id_comes_from_a_weak_base_id(subject(octets, device=DEVICE), rules("v3"))
    assert found.verdict is Verdict.PASS
    assert "1 own id searched for, days 0, 1, 2, 5" in found.summary


@pytest.mark.req("BZ-PRV-007", "F-15")
@pytest.mark.parametrize(
    ("base_id", "day"), [("00" * 32, 0), ("00" * 32, 3), ("a5" * 32, 400), (bytes(range(32)).hex(), 2)]
)
def test_without_a_device_file_all_base_days_are_searched(
    subject: Make, rules: RulesOf, export: Export, own_id: Ids, base_id: str, day: int
) -> None:
    start = MIDNIGHT + 2 * SLOT_MS
    base_day_ms = MIDNIGHT - day * DAY_MS
    times = [start, start + SLOT_MS]
    octets = export(rows(*((t, own_id(t, base_id=base_id, base_day_ms=base_day_ms)) for t in times)))
    found = checks.no_id_comes_from_a_weak_base_id(subject(octets), rules("v3"))
    assert found.verdict is Verdict.FAIL
    assert f"day {day}, slot 2" in found.grounds[0].seen


@pytest.mark.req("BZ-PRV-007")
def test_the_weak_base_id_of_a_device_is_found_in_every_row(
    subject: Make, rules: RulesOf, export: Export, own_id: Ids
) -> None:
    times = [MIDNIGHT + number * SLOT_MS for number in range(0, 96, 5)]
    octets = export(rows(*((t, own_id(t, base_id="77" * 32)) for t in times)))
    device = {"base_id": "77" * 32, "base_day": "2020-08-08"}
    found = checks.no_id_comes_from_a_weak_base_id(subject(octets, device=device), rules("v3"))
    assert (found.verdict, found.failed, found.judged) == (Verdict.FAIL, 20, 20)


@pytest.mark.req("BZ-PRV-007", "F-15")
def test_the_empty_base_id_is_found_on_any_day(subject: Make, rules: RulesOf, export: Export) -> None:
    empty = bytes.fromhex("d31a1de6b2096087f1d18d90")  # slot 0, every day
    found = checks.no_id_comes_from_a_weak_base_id(
        subject(export(rows((MIDNIGHT, empty))), device={"base_id": "", "base_day": "2020-08-08"}),
        rules("v3"),
    )
    assert (found.verdict, found.failed) == (Verdict.FAIL, 1)
    assert "base id empty" in found.grounds[0].seen


@pytest.mark.req("BZ-PRV-007")
def test_another_phones_ids_pass_after_the_whole_search(
    subject: Make, rules: RulesOf, export: Export, own_id: Ids
) -> None:
    octets = export(rows((MIDNIGHT, own_id(MIDNIGHT))))
    for device in (
        None,
        DEVICE | {"base_id": "66b07d33da4e16a359b590eda1e8dc90892d341c86a6491376041fe44505ffb5"},
    ):
        found = checks.no_id_comes_from_a_weak_base_id(subject(octets, device=device), rules("v3"))
        assert found.verdict is Verdict.PASS
        assert "1 own id searched for, 400 base days" in found.summary
    assert checks.no_id_comes_from_a_weak_base_id(subject(b""), rules("v3")).reason is Reason.TOO_FEW_PACKETS


@pytest.mark.req("BZ-PRV-007", "F-21", "F-22")
@pytest.mark.parametrize("profile", ["v1", "v3"])
def test_static_ids_are_not_searched_for_and_pass_nothing(
    subject: Make, rules: RulesOf, export: Export, profile: str
) -> None:
    octets = export(rows((MIDNIGHT, b"aB3dE6")))
    found = checks.no_id_comes_from_a_weak_base_id(subject(octets), rules(profile))
    assert (found.verdict, found.reason) == (Verdict.NOT_OBSERVABLE, Reason.EVIDENCE_MISSING)


@pytest.mark.req("BZ-PRV-007")
def test_a_device_without_a_schedule_explains_nothing(
    subject: Make, rules: RulesOf, export: Export, own_id: Ids
) -> None:
    octets = export(rows((MIDNIGHT, own_id(MIDNIGHT))))
    found = checks.no_id_comes_from_a_weak_base_id(subject(octets, device=DEVICE), rules("v1"))
    assert "1 own id searched for" in found.summary


# --- BZ-PRV-016 and BZ-PRV-017 ---

Values = Sequence[tuple[int, str | None, int]]


def database(values: Values, cache: Sequence[str | None] | None = None) -> bytes:
    """Let SQLite write a database; values are _id, macid, timestamp."""
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute(TRACE_INFO_SQL_ANDROID)
        connection.executemany(
            "insert into trace_info (_id, blid, blid_contact, macid, rssi, timestamp) "
            "values (?, x'aaaaaaaaaaaaaaaaaaaaaaaa', x'bbbbbbbbbbbbbbbbbbbbbbbb', ?, -60, ?)",
            values,
        )
        if cache is not None:
            connection.execute(CONNECT_INFO_SQL)
            connection.executemany(
                "insert into connect_info (blid_id, mac_id, time) values (x'00', ?, 1)",
                [(each,) for each in cache],
            )
        connection.commit()
        return connection.serialize()


def cache_only(*addresses: str) -> bytes:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute(CONNECT_INFO_SQL)
        connection.executemany(
            "insert into connect_info (mac_id) values (?)", [(each,) for each in addresses]
        )
        connection.commit()
        return connection.serialize()


@pytest.mark.req("BZ-PRV-016", "F-23")
@pytest.mark.parametrize(
    ("first_row", "age_ms", "verdict"),
    [
        (1, 14 * DAY_MS + 1, Verdict.FAIL),
        (90, 14 * DAY_MS + 1, Verdict.FAIL),
        (2, 14 * DAY_MS, Verdict.PASS),
        (1, 14 * DAY_MS, Verdict.INCONCLUSIVE),
    ],
)
def test_records_older_than_fourteen_days(
    subject: Make, rules: RulesOf, first_row: int, age_ms: int, verdict: Verdict
) -> None:
    octets = database([(first_row, None, MIDNIGHT - age_ms), (first_row + 1, None, MIDNIGHT)])
    found = checks.no_record_is_kept_too_long(subject(octets), rules("v3"))
    assert (found.verdict, found.judged) == (verdict, 2)
    if verdict is Verdict.FAIL:
        assert [each.number for each in found.grounds[0].evidence] == [first_row]


@pytest.mark.req("BZ-PRV-016")
def test_an_empty_or_cut_database_passes_nothing(subject: Make, rules: RulesOf) -> None:
    assert (
        checks.no_record_is_kept_too_long(subject(database([])), rules("v3")).reason is Reason.TOO_FEW_PACKETS
    )
    octets = database([(number, None, MIDNIGHT + number) for number in range(2, 400)])
    found = checks.no_record_is_kept_too_long(subject(octets[:-5000]), rules("v3"))
    assert (found.verdict, found.reason) == (Verdict.INCONCLUSIVE, Reason.DAMAGED)


@pytest.mark.req("BZ-PRV-017")
@pytest.mark.parametrize(
    ("logs", "platform", "verdict", "reason"),
    [
        ([database([(1, None, MIDNIGHT)], [])], None, Verdict.PASS, None),
        (
            [database([(1, "iOS", MIDNIGHT), (2, "Android", MIDNIGHT), (3, "", MIDNIGHT)], [])],
            None,
            Verdict.PASS,
            None,
        ),
        ([database([(1, None, MIDNIGHT)]), cache_only()], None, Verdict.PASS, None),
        ([database([(1, "iOS", MIDNIGHT)])], "ios", Verdict.PASS, None),
        ([database([(1, "iOS", MIDNIGHT)])], None, Verdict.INCONCLUSIVE, Reason.EVIDENCE_MISSING),
        ([database([(1, None, MIDNIGHT)])], "android", Verdict.INCONCLUSIVE, Reason.EVIDENCE_MISSING),
        ([cache_only()], None, Verdict.INCONCLUSIVE, Reason.TOO_FEW_PACKETS),
        ([database([], [])], None, Verdict.INCONCLUSIVE, Reason.TOO_FEW_PACKETS),
        ([database([(1, "5A:01:23:45:67:89", MIDNIGHT)], [])], None, Verdict.FAIL, None),
        ([database([(1, "some phone", MIDNIGHT)], [])], "ios", Verdict.FAIL, None),
        ([database([(1, None, MIDNIGHT)], ["5A:01:23:45:67:89"])], None, Verdict.FAIL, None),
        ([database([(1, None, MIDNIGHT)], [None])], None, Verdict.FAIL, None),
        ([cache_only("5A:01:23:45:67:89")], None, Verdict.FAIL, None),
    ],
)
def test_no_address_is_kept(
    subject: Make,
    rules: RulesOf,
    logs: list[bytes],
    platform: str | None,
    verdict: Verdict,
    reason: Reason | None,
) -> None:
    device = None if platform is None else DEVICE | {"platform": platform}
    found = checks.no_hardware_address_is_kept(subject(*logs, device=device), rules("v3"))
    assert (found.verdict, found.reason) == (verdict, reason)


@pytest.mark.req("BZ-PRV-017")
def test_addresses_are_shown_with_their_table(subject: Make, rules: RulesOf) -> None:
    octets = database([(7, "5A:01:23:45:67:89", MIDNIGHT), (8, None, MIDNIGHT)], ["5A:01:23:45:67:90", None])
    found = checks.no_hardware_address_is_kept(subject(octets), rules("v3"))
    assert (found.failed, found.judged) == (3, 4)
    assert [[each.text for each in ground.evidence] for ground in found.grounds] == [
        ["trace_info: 5A:01:23:45:67:89"],
        ["connect_info: 5A:01:23:45:67:90", "connect_info: a row without an address"],
    ]
    assert [each.summary for each in found.grounds] == [
        "1 row of trace_info with an address",
        "2 rows of connect_info with an address",
    ]


@pytest.mark.req("BZ-PRV-017")
def test_the_profile_of_iphones_needs_no_cache_and_damage_passes_nothing(
    subject: Make, rules: RulesOf
) -> None:
    octets = database([(number, "iOS", MIDNIGHT) for number in range(1, 400)])
    assert checks.no_hardware_address_is_kept(subject(octets), rules("ios-v3")).verdict is Verdict.PASS
    found = checks.no_hardware_address_is_kept(subject(octets[:-5000]), rules("ios-v3"))
    assert (found.verdict, found.reason) == (Verdict.INCONCLUSIVE, Reason.DAMAGED)
