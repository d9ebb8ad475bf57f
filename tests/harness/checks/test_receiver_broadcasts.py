"""BZ-RCV-001 to BZ-RCV-003 against the record of a broadcast: literal adverts, rows written by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bluezone_harness.checks import CHECKS
from bluezone_harness.checks.subjects import Rules, Subject
from bluezone_harness.findings import Judgement, Reason, Verdict

Air = Any
Receiver = Callable[..., Subject]
RulesOf = Callable[[str], Rules]

AN, BINH, CUC = "A1" * 12, "B2" * 12, "C3" * 12
NO_ROW = b"AB" * 12 + b"\tCD\n"
WRONG_COMPANY = "02011a0303564e0fff4c00" + "D4" * 12
SIX_OCTETS = "02011a0303564e09ffb522" + "E5" * 6
ONE_OCTET = "02011a0303564e02ffb5"
CUT = "02011a0303564e0fffb522" + "F6" * 8


def judge(requirement: str, subject: Subject, rules: RulesOf, profile: str = "v3") -> Judgement:
    assert not CHECKS[requirement].missing(subject.capabilities)
    return CHECKS[requirement].judge(subject, rules(profile))


def every(seconds: int, contact_id: str, start: int, end: int) -> list[tuple[float, str]]:
    return [(when + 1, contact_id) for when in range(start, end, seconds)]


# --- BZ-RCV-001 ---


@pytest.mark.req("BZ-RCV-001")
def test_all_that_had_to_be_heard_is_logged(on_the_air: Air, receiver: Receiver, rules: RulesOf) -> None:
    on_the_air.android(AN, 0, 900)
    on_the_air.android(BINH, 100, 900)
    log = receiver(on_the_air, [*every(300, AN, 0, 900), *every(300, BINH, 300, 900)], seconds=900)
    found = judge("BZ-RCV-001", log, rules)
    assert (found.verdict, found.judged) == (Verdict.PASS, 2)


@pytest.mark.req("BZ-RCV-001")
def test_an_id_that_is_missing_fails(on_the_air: Air, receiver: Receiver, rules: RulesOf) -> None:
    on_the_air.android(AN, 0, 900)
    on_the_air.android(BINH, 100, 400, sender="Binh")
    log = receiver(on_the_air, every(300, AN, 0, 900), seconds=900)
    found = judge("BZ-RCV-001", log, rules)
    assert (found.verdict, found.judged, found.failed) == (Verdict.FAIL, 2, 1)
    assert found.grounds[0].summary == "1 contact id not logged, sent by Binh"
    assert "371 adverts in the scans between 2020-11-23T09:01:40.000+00:00" in found.grounds[0].expected
    assert "may lose 90 %" in found.grounds[0].expected
    assert found.grounds[0].evidence[0].source == "session.record.jsonl"


@pytest.mark.req("BZ-RCV-001")
@pytest.mark.parametrize(
    ("end", "verdict"),
    [
        (100 + 274.860, Verdict.FAIL),  # 261 s without a scan at worst, and 132 adverts 105 ms apart
        (100 + 274.859, Verdict.PASS),
    ],
)
def test_131_adverts_may_be_missed(
    on_the_air: Air, receiver: Receiver, rules: RulesOf, end: float, verdict: Verdict
) -> None:
    on_the_air.android(AN, 0, 900)
    on_the_air.android(BINH, 100, end)
    log = receiver(on_the_air, every(300, AN, 0, 900), seconds=900)
    assert judge("BZ-RCV-001", log, rules).verdict is verdict


@pytest.mark.req("BZ-RCV-001")
@pytest.mark.parametrize(
    "said",
    [
        {"adverts": 100},  # the controller left most of them out
        {"adverts": 0},
        {"pdu": "ADV_EXT_IND"},  # not every receiver hears these
    ],
)
def test_what_was_hardly_sent_may_be_missed(
    on_the_air: Air, receiver: Receiver, rules: RulesOf, said: dict[str, object]
) -> None:
    on_the_air.android(AN, 0, 900)
    on_the_air.android(BINH, 0, 900, **said)
    log = receiver(on_the_air, every(300, AN, 0, 900), seconds=900)
    assert judge("BZ-RCV-001", log, rules).verdict is Verdict.PASS


@pytest.mark.req("BZ-RCV-001")
def test_nothing_is_sent_in_a_gap(on_the_air: Air, receiver: Receiver, rules: RulesOf) -> None:
    on_the_air.android(AN, 0, 900)
    on_the_air.android(BINH, 100, 400)
    on_the_air.gap(120, 390)
    log = receiver(on_the_air, every(300, AN, 0, 900), seconds=900)
    assert judge("BZ-RCV-001", log, rules).verdict is Verdict.PASS


@pytest.mark.req("BZ-RCV-001")
@pytest.mark.parametrize("rows", [[], [(10, "99" * 12)]])
def test_who_was_not_there_is_not_judged(
    on_the_air: Air, receiver: Receiver, rules: RulesOf, rows: list[tuple[float, str]]
) -> None:
    on_the_air.android(AN, 0, 2700)
    log = receiver(on_the_air, rows, alone=False)
    for requirement in ("BZ-RCV-001", "BZ-RCV-002", "BZ-RCV-003", "BZ-RCV-004", "BZ-RCV-005"):
        found = judge(requirement, log, rules)
        assert (found.verdict, found.reason) == (Verdict.INCONCLUSIVE, Reason.EVIDENCE_MISSING)
        assert "was the phone near" in found.summary


@pytest.mark.req("BZ-RCV-001")
def test_a_connection_shows_that_it_was_there(on_the_air: Air, receiver: Receiver, rules: RulesOf) -> None:
    on_the_air.android(AN, 0, 2400)
    on_the_air.iphone(0, 2700, address="5A:00:00:00:00:77")
    for start in (10, 2600):
        on_the_air.connect("5A:00:00:00:00:77", start, start + 1, (start + 0.5, None))
    assert judge("BZ-RCV-001", receiver(on_the_air, []), rules).verdict is Verdict.FAIL


@pytest.mark.req("BZ-RCV-001", "F-29")
@pytest.mark.parametrize("logged", [False, True])
def test_where_a_platform_may_pad_a_cut_id_may_be_logged_or_not(
    on_the_air: Air, receiver: Receiver, rules: RulesOf, logged: bool
) -> None:
    on_the_air.android(AN, 0, 900)
    on_the_air.send(CUT, 0, 900)
    cut = every(300, "F6" * 8 + "00" * 4, 0, 900) if logged else []
    log = receiver(on_the_air, [*every(300, AN, 0, 900), *cut], seconds=900)
    for requirement in ("BZ-RCV-001", "BZ-RCV-002"):
        assert judge(requirement, log, rules, "android-v3").verdict is not Verdict.FAIL
    assert (judge("BZ-RCV-003", log, rules).verdict is Verdict.FAIL) is logged


@pytest.mark.req("BZ-RCV-001")
def test_who_was_away_for_a_while_is_told_so(on_the_air: Air, receiver: Receiver, rules: RulesOf) -> None:
    on_the_air.android(AN, 0, 900)
    on_the_air.android(BINH, 900, 1800)
    on_the_air.android(CUC, 1800, 2700)
    away = [*every(300, AN, 0, 900), *every(300, CUC, 1800, 2700)]
    silent = judge("BZ-RCV-001", receiver(on_the_air, away), rules)
    assert silent.verdict is Verdict.FAIL
    assert silent.grounds[0].seen.endswith(
        "none of anything else: the app did not scan, or the phone was away, where it had to stay"
    )
    on_the_air.android("D4" * 12, 900, 1800)
    some = judge("BZ-RCV-001", receiver(on_the_air, [*away, (1000, "D4" * 12)]), rules)
    assert some.grounds[0].seen == f"no row of {BINH} then"


@pytest.mark.req("BZ-RCV-001")
def test_what_was_sent_before_the_first_row_is_not_missed(
    on_the_air: Air, receiver: Receiver, rules: RulesOf
) -> None:
    on_the_air.android(BINH, 0, 600)
    on_the_air.android(AN, 0, 1500)
    log = receiver(on_the_air, every(300, AN, 600, 1500), seconds=1500)
    assert judge("BZ-RCV-001", log, rules).verdict is Verdict.PASS


@pytest.mark.req("BZ-RCV-001")
def test_a_log_that_ends_early_is_not_judged_further(
    on_the_air: Air, receiver: Receiver, rules: RulesOf
) -> None:
    on_the_air.android(AN, 0, 600)
    on_the_air.android(BINH, 600, 2700)
    log = receiver(on_the_air, every(300, AN, 0, 600))
    found = judge("BZ-RCV-001", log, rules)
    assert (found.verdict, found.judged) == (Verdict.INCONCLUSIVE, 1)
    assert "the log was taken before the broadcast was over" in found.summary


@pytest.mark.req("BZ-RCV-001")
def test_nothing_long_enough_on_the_air_shows_nothing(
    on_the_air: Air, receiver: Receiver, rules: RulesOf
) -> None:
    on_the_air.android(AN, 0, 100)
    found = judge("BZ-RCV-001", receiver(on_the_air, [(1, AN)], seconds=100), rules)
    assert (found.verdict, found.reason) == (Verdict.INCONCLUSIVE, Reason.TOO_SHORT)


@pytest.mark.req("BZ-RCV-001")
def test_what_is_missing_may_be_in_a_row_that_cannot_be_read(
    on_the_air: Air, receiver: Receiver, rules: RulesOf
) -> None:
    on_the_air.android(AN, 0, 900)
    on_the_air.android(BINH, 100, 400)
    for extra in (NO_ROW, b"half a r"):
        log = receiver(on_the_air, every(300, AN, 0, 900), seconds=900, extra=extra)
        found = judge("BZ-RCV-001", log, rules)
        assert (found.verdict, found.reason) == (Verdict.INCONCLUSIVE, Reason.DAMAGED)


@pytest.mark.req("BZ-RCV-001")
def test_a_receiver_that_never_pauses_hears_more(on_the_air: Air, receiver: Receiver, rules: RulesOf) -> None:
    on_the_air.android(AN, 0, 300)
    on_the_air.android(BINH, 100, 113.9)
    log = receiver(on_the_air, every(5, AN, 0, 300), scan_off=0, seconds=300)
    assert judge("BZ-RCV-001", log, rules).verdict is Verdict.FAIL


# --- BZ-RCV-002 ---


@pytest.mark.req("BZ-RCV-002", "F-18", "F-21")
def test_nothing_of_others_logged_passes(on_the_air: Air, receiver: Receiver, rules: RulesOf) -> None:
    on_the_air.android(AN, 0, 900)
    on_the_air.send(WRONG_COMPANY, 0, 500)
    on_the_air.send(SIX_OCTETS, 0, 500)
    log = receiver(on_the_air, every(300, AN, 0, 900), seconds=900)
    found = judge("BZ-RCV-002", log, rules)
    assert (found.verdict, found.judged) == (Verdict.PASS, 2)


@pytest.mark.req("BZ-RCV-002", "F-18", "F-21")
@pytest.mark.parametrize(
    ("sent", "lacking"), [(WRONG_COMPANY, "another length"), (SIX_OCTETS, "another company")]
)
def test_what_was_not_sent_does_not_pass(
    on_the_air: Air, receiver: Receiver, rules: RulesOf, sent: str, lacking: str
) -> None:
    on_the_air.android(AN, 0, 900)
    on_the_air.send(sent, 0, 500)
    found = judge("BZ-RCV-002", receiver(on_the_air, every(300, AN, 0, 900), seconds=900), rules)
    assert (found.verdict, found.reason) == (Verdict.INCONCLUSIVE, Reason.EVIDENCE_MISSING)
    assert lacking in found.summary


@pytest.mark.req("BZ-RCV-002", "F-18")
def test_octets_of_another_company_fail(on_the_air: Air, receiver: Receiver, rules: RulesOf) -> None:
    on_the_air.android(AN, 0, 900)
    on_the_air.send(WRONG_COMPANY, 0, 500, sender="wrong company")
    log = receiver(on_the_air, [*every(300, AN, 0, 900), (20, "D4" * 12)], seconds=900)
    found = judge("BZ-RCV-002", log, rules)
    assert (found.verdict, found.failed) == (Verdict.FAIL, 1)
    assert found.grounds[0].summary == "1 row of what wrong company sent"
    assert WRONG_COMPANY.upper() in found.grounds[0].seen
    assert judge("BZ-RCV-003", log, rules).verdict is not Verdict.FAIL


@pytest.mark.req("BZ-RCV-002")
@pytest.mark.parametrize(("alone", "verdict"), [(True, Verdict.FAIL), (False, Verdict.PASS)])
def test_octets_of_nobody_fail_where_nobody_else_is_near(
    on_the_air: Air, receiver: Receiver, rules: RulesOf, alone: bool, verdict: Verdict
) -> None:
    on_the_air.android(AN, 0, 900)
    on_the_air.send(WRONG_COMPANY, 0, 500)
    on_the_air.send(SIX_OCTETS, 0, 500)
    rows = [*every(300, AN, 0, 900), (20, "99" * 12)]
    found = judge("BZ-RCV-002", receiver(on_the_air, rows, alone=alone, seconds=900), rules)
    assert found.verdict is verdict
    assert ("1 row may be of other phones near" in found.summary) is not alone


@pytest.mark.req("BZ-RCV-002")
def test_rows_from_before_and_after_are_nobodys_business(
    on_the_air: Air, receiver: Receiver, rules: RulesOf
) -> None:
    on_the_air.android(AN, 0, 900)
    rows = [(-3600, "99" * 12), *every(300, AN, 0, 900), (4000, "88" * 12)]
    log = receiver(on_the_air, rows, seconds=900)
    assert judge("BZ-RCV-002", log, rules).verdict is Verdict.INCONCLUSIVE
    assert judge("BZ-RCV-001", log, rules).verdict is Verdict.PASS


@pytest.mark.req("BZ-RCV-002")
def test_a_value_of_thirteen_octets_fails(on_the_air: Air, receiver: Receiver, rules: RulesOf) -> None:
    on_the_air.android(AN, 0, 900)
    on_the_air.iphone(0, 900, address="5A:00:00:00:00:77")
    on_the_air.connect("5A:00:00:00:00:77", 9, 10, (9.5, "E7" * 13))
    log = receiver(on_the_air, [*every(300, AN, 0, 900), (9.6, "E7" * 12)], seconds=900)
    found = judge("BZ-RCV-002", log, rules)
    assert found.verdict is Verdict.FAIL
    assert "a value of 13 octets is no id" in found.grounds[0].expected


@pytest.mark.req("BZ-RCV-002")
@pytest.mark.parametrize(("alone", "verdict"), [(True, Verdict.FAIL), (False, Verdict.PASS)])
def test_a_connection_to_what_gives_nothing_fails(
    on_the_air: Air, receiver: Receiver, rules: RulesOf, alone: bool, verdict: Verdict
) -> None:
    on_the_air.android(AN, 0, 900)
    on_the_air.send(WRONG_COMPANY, 0, 500, address="5A:00:00:00:00:66")
    on_the_air.send(SIX_OCTETS, 0, 500)
    on_the_air.connect("5A:00:00:00:00:66", 9, 10)
    log = receiver(on_the_air, every(300, AN, 0, 900), alone=alone, seconds=900)
    assert judge("BZ-RCV-002", log, rules).verdict is verdict


# --- BZ-RCV-003 ---


@pytest.mark.req("BZ-RCV-003", "F-17")
def test_a_log_that_goes_on_passes(on_the_air: Air, receiver: Receiver, rules: RulesOf) -> None:
    on_the_air.android(AN, 0, 900)
    on_the_air.send(ONE_OCTET, 0, 500)
    on_the_air.send("02010205", 0, 500)
    found = judge("BZ-RCV-003", receiver(on_the_air, every(300, AN, 0, 900), seconds=900), rules)
    assert (found.verdict, found.judged) == (Verdict.PASS, 2)


@pytest.mark.req("BZ-RCV-003", "F-17", "F-29")
@pytest.mark.parametrize(
    ("sent", "lacking"),
    [
        (ONE_OCTET, "no AdvData that are cut or damaged"),
        ("02010205", "no manufacturer data of 0 or 1 octets"),
    ],
)
def test_one_kind_of_harm_says_nothing_of_the_other(
    sent: str, lacking: str, on_the_air: Air, receiver: Receiver, rules: RulesOf
) -> None:
    on_the_air.android(AN, 0, 900)
    on_the_air.send(sent, 0, 500)
    found = judge("BZ-RCV-003", receiver(on_the_air, every(300, AN, 0, 900), seconds=900), rules)
    assert (found.verdict, found.reason) == (Verdict.INCONCLUSIVE, Reason.EVIDENCE_MISSING)
    assert lacking in found.summary


@pytest.mark.req("BZ-RCV-003")
def test_without_a_malformed_advert_nothing_is_shown(
    on_the_air: Air, receiver: Receiver, rules: RulesOf
) -> None:
    on_the_air.android(AN, 0, 900)
    found = judge("BZ-RCV-003", receiver(on_the_air, every(300, AN, 0, 900), seconds=900), rules)
    assert (found.verdict, found.reason) == (Verdict.INCONCLUSIVE, Reason.EVIDENCE_MISSING)


@pytest.mark.req("BZ-RCV-003", "F-17")
def test_a_log_that_stops_at_an_advert_fails(on_the_air: Air, receiver: Receiver, rules: RulesOf) -> None:
    on_the_air.android(AN, 0, 900)
    on_the_air.android(BINH, 900, 1800)
    on_the_air.send(ONE_OCTET, 650, 1200, sender="one octet")
    on_the_air.send(WRONG_COMPANY, 0, 1800)
    log = receiver(on_the_air, every(300, AN, 0, 900), seconds=1800)
    found = judge("BZ-RCV-003", log, rules)
    assert found.verdict is Verdict.FAIL
    assert (
        found.grounds[0].summary == "the log ends where these were on the air for the first time: one octet"
    )
    assert judge("BZ-RCV-001", log, rules).verdict is Verdict.INCONCLUSIVE
    cut = receiver(on_the_air, every(300, AN, 0, 900), seconds=1800, extra=b"half a r")
    assert judge("BZ-RCV-003", cut, rules).reason is Reason.DAMAGED


@pytest.mark.req("BZ-RCV-003", "F-29")
def test_an_id_that_was_completed_fails(on_the_air: Air, receiver: Receiver, rules: RulesOf) -> None:
    on_the_air.android(AN, 0, 900)
    on_the_air.send(CUT, 0, 500, sender="cut")
    log = receiver(on_the_air, [*every(300, AN, 0, 900), (20, "F6" * 8 + "00" * 4)], seconds=900)
    found = judge("BZ-RCV-003", log, rules)
    assert (found.verdict, found.failed) == (Verdict.FAIL, 1)
    assert found.grounds[0].summary == "1 row of what cut sent"
    assert judge("BZ-RCV-002", log, rules).verdict is not Verdict.FAIL


@pytest.mark.req("BZ-RCV-003")
def test_what_stands_before_the_damage_counts(on_the_air: Air, receiver: Receiver, rules: RulesOf) -> None:
    on_the_air.android(AN, 0, 900)
    on_the_air.send("02011a0303564e0fffb522" + CUC + "05FF00", 0, 500, sender="cut behind")
    log = receiver(on_the_air, every(300, AN, 0, 900), seconds=900)
    found = judge("BZ-RCV-003", log, rules)
    assert found.verdict is Verdict.FAIL
    assert "nothing is logged of what stands before the damage" in found.summary
    assert judge("BZ-RCV-001", log, rules).verdict is Verdict.PASS
    cut = receiver(on_the_air, every(300, AN, 0, 900), seconds=900, extra=NO_ROW)
    assert judge("BZ-RCV-003", cut, rules).reason is Reason.DAMAGED


@pytest.mark.req("BZ-RCV-002", "BZ-RCV-003")
def test_a_log_that_cannot_be_read_passes_nothing(
    on_the_air: Air, receiver: Receiver, rules: RulesOf
) -> None:
    on_the_air.iphone(0, 900, address="5A:00:00:00:00:77")
    on_the_air.connect("5A:00:00:00:00:77", 9, 10)
    on_the_air.connect("5A:00:00:00:00:77", 899, 900)
    on_the_air.send(ONE_OCTET, 0, 500)
    for extra, reason in ((NO_ROW, Reason.DAMAGED), (b"", Reason.EVIDENCE_MISSING)):
        log = receiver(on_the_air, [], seconds=900, extra=extra)
        for requirement in ("BZ-RCV-002", "BZ-RCV-003"):
            found = judge(requirement, log, rules)
            assert (found.verdict, found.reason) == (Verdict.INCONCLUSIVE, reason)


@pytest.mark.req("BZ-RCV-001", "BZ-RCV-002")
def test_published_builds_are_expected_to_err(on_the_air: Air, receiver: Receiver, rules: RulesOf) -> None:
    """F-18 and F-17 under ios-v3: any company's octets are ids, and short data end everything."""
    on_the_air.send(WRONG_COMPANY, 0, 900)
    on_the_air.android(BINH, 700, 1500)
    on_the_air.send(ONE_OCTET, 600, 1500)
    log = receiver(on_the_air, every(20, "D4" * 12, 0, 600), scan_off=0, seconds=1500)
    assert judge("BZ-RCV-001", log, rules, "ios-v3").verdict is Verdict.PASS
    assert judge("BZ-RCV-001", log, rules).verdict is Verdict.INCONCLUSIVE
