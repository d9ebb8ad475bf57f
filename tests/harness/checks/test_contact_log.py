"""BZ-LOG-001 to -005 on contact logs written by hand."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing

import pytest

from bluezone_harness.checks import contact_log as checks
from bluezone_harness.checks.subjects import Rules, Subject
from bluezone_harness.findings import Reason, Verdict
from bluezone_reference.contact_log import TRACE_INFO_SQL_ANDROID

OWN = "B9A665D754FE65E665D76A45"
CONTACT = "7C3DEC4246EA6F90E38EA254"
OTHER = "FD2371CE102DA252B93E5FFF"
TIME_MS = 1_596_866_191_387

Make = Callable[..., Subject]
RulesOf = Callable[[str], Rules]


def line(time: int | str = TIME_MS, contact: str = CONTACT, own: str = OWN, rssi: int | str = -71) -> bytes:
    return f"{own}\t{contact}\t{rssi}\t{time}\n".encode()


# --- BZ-LOG-001 ---


@pytest.mark.req("BZ-LOG-001")
def test_whole_rows_pass(subject: Make, rules: RulesOf) -> None:
    found = checks.a_record_is_whole(subject(line(rssi=-127) + line(rssi=20) + line(rssi=127)), rules("v3"))
    assert (found.verdict, found.judged, found.summary[:9]) == (Verdict.PASS, 3, "3 of 3 ro")


@pytest.mark.req("BZ-LOG-001", "F-21")
@pytest.mark.parametrize(
    "bad",
    [
        line(own=""),
        line(contact=""),
        line(rssi=21),
        line(rssi=-128),
        line(rssi="loud"),
        line(own="414141414141"),
        line(contact=CONTACT + "00"),
    ],
)
def test_what_is_missing_or_out_of_range_fails(subject: Make, rules: RulesOf, bad: bytes) -> None:
    found = checks.a_record_is_whole(subject(line() + bad + line()), rules("v3"))
    assert (found.verdict, found.judged, found.failed) == (Verdict.FAIL, 3, 1)
    assert [(each.number, each.source) for each in found.grounds[0].evidence] == [(2, "log0")]


@pytest.mark.req("BZ-LOG-001")
def test_a_row_that_cannot_be_read_leaves_it_open_but_masks_no_failure(subject: Make, rules: RulesOf) -> None:
    found = checks.a_record_is_whole(subject(line() + b"A\tB\n"), rules("v3"))
    assert (found.verdict, found.reason, found.judged) == (Verdict.INCONCLUSIVE, Reason.DAMAGED, 1)
    found = checks.a_record_is_whole(subject(line() + b"A\tB\n" + line(own="") + line()[:-9]), rules("v3"))
    assert (found.verdict, found.failed, found.judged) == (Verdict.FAIL, 1, 2)


@pytest.mark.req("BZ-LOG-001")
def test_a_log_without_rows_passes_nothing(subject: Make, rules: RulesOf) -> None:
    assert checks.a_record_is_whole(subject(b""), rules("v3")).reason is Reason.TOO_FEW_PACKETS
    assert checks.a_record_is_whole(subject(line()[:-1]), rules("v3")).reason is Reason.DAMAGED


@pytest.mark.req("BZ-LOG-001")
def test_a_row_of_a_database_that_is_no_record_fails(subject: Make, rules: RulesOf) -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute(TRACE_INFO_SQL_ANDROID)
        rows = [
            (bytes(12), bytes(12), -71, TIME_MS),
            (bytes(12), None, -71, TIME_MS),
            (bytes(12), b"1", -71, 0),
        ]
        connection.executemany(
            "insert into trace_info (blid, blid_contact, rssi, timestamp) values (?, ?, ?, ?)", rows
        )
        connection.commit()
        octets = connection.serialize()
    found = checks.a_record_is_whole(subject(octets), rules("v3"))
    assert (found.verdict, found.judged, found.failed) == (Verdict.FAIL, 3, 2)
    assert [each.evidence[0].number for each in found.grounds] == [2, 3]
    assert found.grounds[0].evidence[0].text == "blid_contact is NULL, not a BLOB"


# --- BZ-LOG-002 ---


@pytest.mark.req("BZ-LOG-002", "F-20")
@pytest.mark.parametrize(
    ("pause_ms", "verdict"),
    [(0, Verdict.FAIL), (3999, Verdict.FAIL), (4000, Verdict.PASS), (5000, Verdict.PASS), (-1, Verdict.PASS)],
)
def test_the_pause_between_rows_of_a_contact_id(
    subject: Make, rules: RulesOf, pause_ms: int, verdict: Verdict
) -> None:
    octets = line() + line(TIME_MS + pause_ms)
    found = checks.a_contact_id_comes_again_only_after_a_while(subject(octets), rules("v3"))
    assert (found.verdict, found.judged) == (verdict, 2)
    assert found.failed == (1 if verdict is Verdict.FAIL else 0)
    assert ("a clock set back" in found.summary) == (pause_ms < 0)


@pytest.mark.req("BZ-LOG-002")
def test_the_last_row_counts_and_other_contact_ids_do_not(subject: Make, rules: RulesOf) -> None:
    octets = b"".join(
        [
            line(TIME_MS),
            line(TIME_MS + 1, OTHER),
            line(TIME_MS + 4000),
            line(TIME_MS + 4001, OTHER),
            line(TIME_MS + 7999),
            line(TIME_MS + 11_999),
        ]
    )
    found = checks.a_contact_id_comes_again_only_after_a_while(subject(octets), rules("v3"))
    assert (found.verdict, found.failed) == (Verdict.FAIL, 1)
    assert [each.number for each in found.grounds[0].evidence] == [5]
    assert found.grounds[0].seen == "3 s 999 ms after its last row"


@pytest.mark.req("BZ-LOG-002")
def test_two_logs_do_not_know_of_one_another(subject: Make, rules: RulesOf) -> None:
    found = checks.a_contact_id_comes_again_only_after_a_while(subject(line(), line()), rules("v3"))
    assert (found.verdict, found.judged) == (Verdict.PASS, 2)


@pytest.mark.req("BZ-LOG-002", "F-01", "F-20")
@pytest.mark.parametrize(("pause_s", "verdict"), [(3, Verdict.FAIL), (4, Verdict.PASS), (5, Verdict.PASS)])
@pytest.mark.parametrize("profile", ["ios-v3", "v3"])
def test_seconds_are_compared_as_seconds(
    subject: Make, rules: RulesOf, profile: str, pause_s: int, verdict: Verdict
) -> None:
    octets = line(1_596_866_191) + line(1_596_866_191 + pause_s)
    found = checks.a_contact_id_comes_again_only_after_a_while(subject(octets), rules(profile))
    assert found.verdict is verdict
    assert [each.seen for each in found.grounds] == ["3 s after its last row"] * (pause_s == 3)


@pytest.mark.req("BZ-LOG-002", "F-01")
def test_a_single_time_in_seconds_fails_nothing_here(subject: Make, rules: RulesOf) -> None:
    # 5.003 s apart; cut to the second the row seems 4.001 s after the last
    octets = line(1_596_866_191_999) + line(1_596_866_197) + line(1_596_866_201_003)
    found = checks.a_contact_id_comes_again_only_after_a_while(subject(octets), rules("v3"))
    assert found.verdict is Verdict.PASS


@pytest.mark.req("BZ-LOG-002")
def test_no_rows_have_no_pauses(subject: Make, rules: RulesOf) -> None:
    found = checks.a_contact_id_comes_again_only_after_a_while(subject(b""), rules("v3"))
    assert found.verdict is Verdict.INCONCLUSIVE


# --- BZ-LOG-003 ---


@pytest.mark.req("BZ-LOG-003")
def test_good_lines_pass(subject: Make, rules: RulesOf) -> None:
    found = checks.an_export_is_written_as_it_must(subject(line() * 3), rules("v3"))
    assert (found.verdict, found.judged) == (Verdict.PASS, 3)


@pytest.mark.req("BZ-LOG-003")
@pytest.mark.parametrize(
    ("bad", "offset"),
    [
        (line().lower(), 0),
        (line().replace(b"\n", b"\r\n"), 67),
        (b"\xef\xbb\xbf" + line(), 0),
        (b"\n", 0),
        (line().replace(b"\t", b" "), 67),
        (line(rssi="-071"), 50),
        (line(rssi="+5"), 50),
        (line(time=f"0{TIME_MS}"), 54),
        (line(own=OWN[:-1]), 23),
        (line(own=OWN[:-2]), 0),
        (line().replace(b"\n", b"\t\n"), 67),
        (line().replace(b"B9", b"\xc4\xb9"), 0),
    ],
)
def test_a_line_that_is_written_otherwise_fails(
    subject: Make, rules: RulesOf, bad: bytes, offset: int
) -> None:
    found = checks.an_export_is_written_as_it_must(subject(line() + bad + line()), rules("v3"))
    assert (found.verdict, found.judged, found.failed) == (Verdict.FAIL, 3, 1)
    evidence = found.grounds[0].evidence[0]
    assert (evidence.number, evidence.offset) == (2, len(line()) + offset)
    assert evidence.octets == bad[:-1]


@pytest.mark.req("BZ-LOG-003")
def test_a_line_with_two_faults_is_one_line(subject: Make, rules: RulesOf) -> None:
    octets = line().replace(b"B9A6", b"b9a6").replace(b"\n", b"\r\n") * 12
    found = checks.an_export_is_written_as_it_must(subject(octets), rules("v3"))
    assert (found.failed, found.judged) == (12, 12)
    assert [each.count for each in found.grounds] == [12, 12]
    assert [len(each.evidence) for each in found.grounds] == [10, 10]


@pytest.mark.req("BZ-LOG-003")
def test_a_ground_shows_the_first_of_its_lines(subject: Make, rules: RulesOf) -> None:
    octets = b"".join(
        line(time).replace(b"\n", b"\r\n") for time in (TIME_MS, TIME_MS + 5000, TIME_MS + 10_000)
    )
    (ground,) = checks.an_export_is_written_as_it_must(subject(octets), rules("v3")).grounds
    assert str(TIME_MS) in ground.seen
    assert ground.seen == ground.evidence[0].text
    assert str(TIME_MS + 10_000) in ground.evidence[-1].text


@pytest.mark.req("BZ-LOG-003")
def test_many_kinds_of_faults_are_counted_together(subject: Make, rules: RulesOf) -> None:
    octets = line() + b"".join(line(own=f"{number:0{2 * number}d}") for number in range(2, 12)) + line()
    found = checks.an_export_is_written_as_it_must(subject(octets), rules("v3"))
    assert (found.failed, found.judged) == (10, 12)
    assert len(found.grounds) == 9
    assert sum(each.count for each in found.grounds) == 10
    assert found.grounds[-1].summary == "2 rows: further defects, of other kinds"


@pytest.mark.req("BZ-LOG-003")
@pytest.mark.parametrize("cut", range(1, len(line())))
def test_a_cut_last_line_is_damage(subject: Make, rules: RulesOf, cut: int) -> None:
    found = checks.an_export_is_written_as_it_must(subject(line() + line()[:cut]), rules("v3"))
    assert (found.verdict, found.reason, found.judged) == (Verdict.INCONCLUSIVE, Reason.DAMAGED, 1)
    assert found.summary.startswith("1 of 2 lines")


@pytest.mark.req("BZ-LOG-003")
def test_damage_masks_no_failure(subject: Make, rules: RulesOf) -> None:
    found = checks.an_export_is_written_as_it_must(subject(line().lower() + line()[:40]), rules("v3"))
    assert (found.verdict, found.failed, found.judged) == (Verdict.FAIL, 1, 1)
    # what stands before the cut is as wrong as ever
    found = checks.an_export_is_written_as_it_must(subject(line() + line().lower()[:-1]), rules("v3"))
    assert found.verdict is Verdict.FAIL


@pytest.mark.req("BZ-LOG-003")
def test_an_empty_export_passes_nothing(subject: Make, rules: RulesOf) -> None:
    assert checks.an_export_is_written_as_it_must(subject(b""), rules("v3")).reason is Reason.TOO_FEW_PACKETS


# --- BZ-LOG-004 ---


@pytest.mark.req("BZ-LOG-004", "F-01")
@pytest.mark.parametrize(
    ("profile", "time", "verdict"),
    [
        ("v3", TIME_MS, Verdict.PASS),
        ("v3", TIME_MS // 1000, Verdict.FAIL),
        ("android-v3", TIME_MS // 1000, Verdict.FAIL),
        ("ios-v3", TIME_MS // 1000, Verdict.PASS),
        ("ios-v3", TIME_MS, Verdict.FAIL),
        ("v3", "noon", Verdict.FAIL),
        ("v3", -1, Verdict.FAIL),
        ("v3", 10**18, Verdict.FAIL),
    ],
)
def test_the_unit_is_the_profiles(
    subject: Make, rules: RulesOf, profile: str, time: int | str, verdict: Verdict
) -> None:
    found = checks.times_count_milliseconds(subject(line(time)), rules(profile))
    assert (found.verdict, found.judged) == (verdict, 1)


@pytest.mark.req("BZ-LOG-004", "F-01")
def test_one_time_in_seconds_is_found(subject: Make, rules: RulesOf) -> None:
    octets = line() + line(TIME_MS // 1000, OTHER) + line("x") + line(TIME_MS + 9000)
    found = checks.times_count_milliseconds(subject(octets), rules("v3"))
    assert (found.verdict, found.failed, found.judged) == (Verdict.FAIL, 2, 4)
    assert [each.evidence[0].number for each in found.grounds] == [3, 2]
    assert found.grounds[1].seen == "1596866191, which counts seconds"
    other = checks.times_count_milliseconds(subject(line()), rules("ios-v3"))
    assert other.grounds[0].seen == f"{TIME_MS}, which counts milliseconds"


@pytest.mark.req("BZ-LOG-004")
def test_no_rows_have_no_times(subject: Make, rules: RulesOf) -> None:
    assert checks.times_count_milliseconds(subject(b""), rules("v3")).verdict is Verdict.INCONCLUSIVE


# --- BZ-LOG-005 ---


@pytest.mark.req("BZ-LOG-005")
def test_own_ids_are_judged_against_the_device(
    subject: Make, rules: RulesOf, good_log: bytes, good_device: dict[str, object]
) -> None:
    found = checks.own_ids_are_those_of_the_schedule(subject(good_log, device=good_device), rules("v3"))
    assert (found.verdict, found.summary) == (Verdict.PASS, "200 of 200 own ids as the schedule says")
