"""BZ-RCV-004 and BZ-RCV-005 against the record of a broadcast: who connected, what was read, what was logged."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bluezone_harness.checks import CHECKS
from bluezone_harness.checks.read_attempts import reading
from bluezone_harness.checks.subjects import Rules, Subject
from bluezone_harness.findings import Judgement, Reason, Verdict

Air = Any
Receiver = Callable[..., Subject]
RulesOf = Callable[[str], Rules]

ONE, TWO, THREE = (f"5A:00:00:00:00:{number}" for number in ("71", "72", "73"))
FIRST, SECOND, THIRD, FOURTH = "A1" * 12, "B2" * 12, "C3" * 12, "D4" * 12
BACKGROUND = "02011a14ff4c000108000000000000000000000000000000"
OTHER_BITS = "02011a14ff4c00010a000000000000000000000000000100"


def judge(requirement: str, subject: Subject, rules: RulesOf) -> Judgement:
    return CHECKS[requirement].judge(subject, rules("v3"))


@pytest.fixture
def three(on_the_air: Air) -> Air:
    """Three iPhones for a slot, with the app open, in the background, and beside other apps; each is read at once."""
    on_the_air.iphone(0, 900, address=ONE, sender="Giang")
    on_the_air.send(BACKGROUND, 0, 900, address=TWO, sender="Hoa")
    on_the_air.send(OTHER_BITS, 0, 900, address=THREE, sender="Khanh")
    return on_the_air


READ = [(5.0, FIRST), (7.0, SECOND), (9.0, THIRD)]


def read_all(on_the_air: Air) -> None:
    """Read each, and give up another attempt that nobody answers."""
    for address, (when, value) in zip((ONE, TWO, THREE), READ, strict=True):
        on_the_air.connect(address, when - 1, when + 0.2, (when, value))
    on_the_air.connect(ONE, 12, 21.9, (21.9, None))


@pytest.mark.req("BZ-RCV-004")
def test_all_read_and_logged_passes(three: Air, receiver: Receiver, rules: RulesOf) -> None:
    read_all(three)
    found = judge("BZ-RCV-004", receiver(three, READ, seconds=900), rules)
    assert (found.verdict, found.judged) == (Verdict.PASS, 6)
    assert (
        found.summary
        == "3 of 3 iPhones read that had to be, slot by slot; 4 reads tried, 3 gave a contact id"
    )


@pytest.mark.req("BZ-RCV-004")
def test_where_all_answer_nobody_sees_whether_an_attempt_is_given_up(
    three: Air, receiver: Receiver, rules: RulesOf
) -> None:
    for address, (when, value) in zip((ONE, TWO, THREE), READ, strict=True):
        three.connect(address, when - 1, when + 0.2, (when, value))
    found = judge("BZ-RCV-004", receiver(three, READ, seconds=900), rules)
    assert (found.verdict, found.reason) == (Verdict.INCONCLUSIVE, Reason.EVIDENCE_MISSING)
    assert found.summary.endswith("no iPhone that never answers was read, or had to be")


@pytest.mark.req("BZ-RCV-004", "F-26")
def test_an_iphone_that_is_never_read_fails(three: Air, receiver: Receiver, rules: RulesOf) -> None:
    three.connect(ONE, 4, 5.2, (5, FIRST))
    three.connect(TWO, 6, 7.2, (7, SECOND))
    three.android(FOURTH, 890, 990)
    rows = [*READ[:2], (985, FOURTH)]
    found = judge("BZ-RCV-004", receiver(three, rows, seconds=990), rules)
    assert (found.verdict, found.failed) == (Verdict.FAIL, 1)
    assert found.grounds[0].summary == "1 iPhone not read, slot by slot: Khanh"
    assert THREE in found.grounds[0].expected
    # who was away after the last row has nothing to read
    away = judge("BZ-RCV-004", receiver(three, READ[:2], seconds=990), rules)
    assert away.verdict is Verdict.INCONCLUSIVE


@pytest.mark.req("BZ-RCV-004")
@pytest.mark.parametrize(
    "said", [{"pdu": "ADV_NONCONN_IND"}, {"adverts": 200}, {"interval_us": 3_000_000}, {"pdu": "ADV_EXT_IND"}]
)
def test_what_need_not_be_read_may_be_left(
    three: Air, receiver: Receiver, rules: RulesOf, said: dict[str, object]
) -> None:
    read_all(three)
    three.iphone(0, 900, address="5A:00:00:00:00:74", **said)
    # nobody can tell whether it is a phone that cannot be connected to that keeps the receiver busy
    assert judge("BZ-RCV-004", receiver(three, READ, seconds=900), rules).verdict is not Verdict.FAIL


@pytest.mark.req("BZ-RCV-004")
def test_one_scan_is_too_little(on_the_air: Air, receiver: Receiver, rules: RulesOf) -> None:
    on_the_air.iphone(0, 500, address=ONE)
    on_the_air.android(FIRST, 0, 500)
    found = judge("BZ-RCV-004", receiver(on_the_air, [(1, FIRST), (301, FIRST)], seconds=500), rules)
    assert (found.verdict, found.reason) == (Verdict.INCONCLUSIVE, Reason.EVIDENCE_MISSING)
    assert "iPhone with the app open" in found.summary


@pytest.mark.req("BZ-RCV-004")
def test_another_phone_may_keep_it_busy(three: Air, receiver: Receiver, rules: RulesOf) -> None:
    three.connect(ONE, 4, 5.2, (5, FIRST))
    for start in range(20, 900, 20):  # never longer free than before an attempt
        three.connect(TWO, start, start + 9.9, (start + 9.9, None))
    found = judge("BZ-RCV-004", receiver(three, READ[:1], seconds=900), rules)
    assert (found.verdict, found.reason) == (Verdict.INCONCLUSIVE, Reason.EVIDENCE_MISSING)


@pytest.mark.req("BZ-RCV-004")
@pytest.mark.parametrize(("alone", "verdict"), [(True, Verdict.FAIL), (False, Verdict.PASS)])
def test_what_was_read_is_logged(
    three: Air, receiver: Receiver, rules: RulesOf, alone: bool, verdict: Verdict
) -> None:
    read_all(three)
    found = judge("BZ-RCV-004", receiver(three, READ[:2], alone=alone, seconds=900), rules)
    assert found.verdict is verdict
    assert [each.summary for each in found.grounds] == ["1 contact id read, and not logged"] * alone


@pytest.mark.req("BZ-RCV-004")
def test_a_record_shortly_before_makes_another_needless(
    three: Air, receiver: Receiver, rules: RulesOf
) -> None:
    read_all(three)
    three.connect(ONE, 9.4, 9.9, (9.8, FIRST))
    assert judge("BZ-RCV-004", receiver(three, READ, seconds=900), rules).verdict is Verdict.PASS


@pytest.mark.req("BZ-RCV-004")
@pytest.mark.parametrize(
    ("alone", "lasts", "verdict"),
    [(True, 11.0, Verdict.PASS), (True, 11.001, Verdict.FAIL), (False, 60.0, Verdict.PASS)],
)
def test_an_attempt_lasts_ten_seconds(
    three: Air, receiver: Receiver, rules: RulesOf, alone: bool, lasts: float, verdict: Verdict
) -> None:
    read_all(three)
    three.connect(ONE, 100, 100 + lasts, (100.1, None))
    found = judge("BZ-RCV-004", receiver(three, READ, alone=alone, seconds=900), rules)
    assert found.verdict is verdict
    assert bool(found.grounds) == (verdict is Verdict.FAIL)


@pytest.mark.req("BZ-RCV-004")
@pytest.mark.parametrize(
    ("start", "read", "verdict"),
    [
        (100.9, 100.5, Verdict.PASS),  # the end of the one reached the other side a little late
        (100.9, 100.95, Verdict.FAIL),  # the one is still read
        (99.9, 99.5, Verdict.FAIL),  # both last for more than a second
        (101.2, 100.5, Verdict.PASS),
    ],
)
def test_one_attempt_at_a_time(
    three: Air, receiver: Receiver, rules: RulesOf, start: float, read: float, verdict: Verdict
) -> None:
    read_all(three)
    three.connect(ONE, 99, 101, (read, None))
    three.connect(TWO, start, start + 3, (start + 2, None))
    found = judge("BZ-RCV-004", receiver(three, READ, seconds=900), rules)
    assert found.verdict is verdict


@pytest.mark.req("BZ-RCV-004")
def test_a_value_that_comes_too_late_gives_nothing(three: Air, receiver: Receiver, rules: RulesOf) -> None:
    read_all(three)
    three.connect(ONE, 300, 315, (312, "D4" * 12))
    log = receiver(three, [*READ, (312, "D4" * 12)], alone=False, seconds=900)
    found = judge("BZ-RCV-004", log, rules)
    assert (found.verdict, found.failed) == (Verdict.FAIL, 1)
    assert "when the attempt was over" in found.grounds[0].summary


@pytest.mark.req("BZ-RCV-004")
def test_missing_rows_may_be_those_that_cannot_be_read(
    three: Air, receiver: Receiver, rules: RulesOf
) -> None:
    read_all(three)
    log = receiver(three, READ[:2], seconds=900, extra=b"AB" * 12 + b"\tCD\n")
    found = judge("BZ-RCV-004", log, rules)
    assert (found.verdict, found.reason) == (Verdict.INCONCLUSIVE, Reason.DAMAGED)


@pytest.mark.req("BZ-RCV-004", "BZ-RCV-001", "BZ-LOG-002")
def test_a_log_that_was_taken_early_lacks_nothing(three: Air, receiver: Receiver, rules: RulesOf) -> None:
    """The app goes on to read iPhones after its log was exported."""
    read_all(three)
    for start in range(0, 2700, 600):
        three.android(f"{start // 600 + 1:02X}" * 12, start, start + 600)
    three.iphone(1900, 2700, address="5A:00:00:00:00:99")
    three.connect("5A:00:00:00:00:99", 1950, 1951, (1950.5, FOURTH))
    rows = [*READ, *((when + 0.5, "01" * 12) for when in (10, 310, 590))]
    log = receiver(three, rows)
    found = {name: judge(name, log, rules).verdict for name in ("BZ-RCV-001", "BZ-RCV-004", "BZ-LOG-002")}
    assert Verdict.FAIL not in found.values()
    assert found["BZ-RCV-001"] is Verdict.INCONCLUSIVE
    went_on = judge("BZ-RCV-004", receiver(three, [*rows, (2650, "05" * 12)]), rules)
    assert went_on.verdict is Verdict.FAIL
    assert "1 contact id read, and not logged" in [each.summary for each in went_on.grounds]


@pytest.mark.req("BZ-RCV-005")
def test_wrong_times_do_not_tell_the_slot(lasting: Air, receiver: Receiver, rules: RulesOf) -> None:
    lasting.android(FOURTH, 0, 300)
    rows = [(5, FIRST), (905, SECOND), (1805, THIRD), (1000, FIRST), (1900, SECOND)]
    assert judge("BZ-RCV-005", receiver(lasting, rows), rules).verdict is Verdict.FAIL
    wrong = [*rows, *((when, FOURTH) for when in (600, 1200, 2000, 2400))]
    found = judge("BZ-RCV-005", receiver(lasting, wrong), rules)
    assert found.verdict is Verdict.INCONCLUSIVE
    assert "4 times of rows are wrong" in found.summary


@pytest.mark.req("BZ-RCV-004")
def test_iphones_that_answer_nothing_show_nothing(three: Air, receiver: Receiver, rules: RulesOf) -> None:
    for address, (when, _) in zip((ONE, TWO, THREE), READ, strict=True):
        three.connect(address, when - 1, when, (when, None))
    found = judge("BZ-RCV-004", receiver(three, [], seconds=900), rules)
    assert (found.verdict, found.reason) == (Verdict.INCONCLUSIVE, Reason.EVIDENCE_MISSING)
    assert "no iPhone answered with an id" in found.summary


# --- BZ-RCV-005: the broadcast begins with slot 36, which lasts 900 s ---


@pytest.fixture
def lasting(on_the_air: Air) -> Air:
    """An iPhone that keeps its address for three slots, and is read in each."""
    on_the_air.iphone(0, 2700, address=ONE, sender="Lan")
    for when, value in ((5, FIRST), (905, SECOND), (1805, THIRD)):
        on_the_air.connect(ONE, when - 1, when + 0.2, (when, value))
    return on_the_air


RIGHT: list[tuple[float, str]] = [(5, FIRST), (600, FIRST), (905, SECOND), (1805, THIRD)]


@pytest.mark.req("BZ-RCV-005")
def test_each_id_in_its_slot_passes(lasting: Air, receiver: Receiver, rules: RulesOf) -> None:
    found = judge("BZ-RCV-005", receiver(lasting, RIGHT), rules)
    assert (found.verdict, found.judged) == (Verdict.PASS, 3)


@pytest.mark.req("BZ-RCV-005", "F-19")
@pytest.mark.parametrize(
    ("when", "verdict"), [(901.0, Verdict.PASS), (901.1, Verdict.FAIL), (2699, Verdict.FAIL)]
)
def test_an_id_of_an_earlier_slot_fails(
    lasting: Air, receiver: Receiver, rules: RulesOf, when: float, verdict: Verdict
) -> None:
    # a row each at the first and the last instant keeps the offset of the clocks to the tolerance
    lasting.android("E5" * 12, 300, 310)
    near = [(299.0, "E5" * 12), (311.0, "E5" * 12)]
    log = receiver(lasting, sorted([*RIGHT, *near, (when, FIRST)]))
    assert judge("BZ-RCV-005", log, rules).verdict is verdict


@pytest.mark.req("BZ-RCV-005", "F-19")
def test_the_same_slot_a_day_later_fails(on_the_air: Air, receiver: Receiver, rules: RulesOf) -> None:
    day = 86_400
    on_the_air.iphone(0, 600, address=ONE)
    on_the_air.iphone(day, day + 600, address=ONE)
    on_the_air.connect(ONE, 4, 5.2, (5, FIRST))
    log = receiver(on_the_air, [(5, FIRST), (day + 5, FIRST)], seconds=day + 900)
    found = judge("BZ-RCV-005", log, rules)
    assert (found.verdict, found.failed) == (Verdict.FAIL, 1)
    assert "read at 2020-11-23T09:00:05.000+00:00" in found.grounds[0].seen
    published = CHECKS["BZ-LOG-001"].judge(log, rules("android-v3"))
    assert published.verdict is Verdict.PASS  # that build is expected to (F-19)


@pytest.mark.req("BZ-RCV-005")
def test_one_slot_shows_nothing(three: Air, receiver: Receiver, rules: RulesOf) -> None:
    read_all(three)
    found = judge("BZ-RCV-005", receiver(three, READ, seconds=900), rules)
    assert (found.verdict, found.reason) == (Verdict.INCONCLUSIVE, Reason.EVIDENCE_MISSING)


@pytest.mark.req("BZ-RCV-004", "BZ-RCV-005")
def test_an_id_of_another_slot_is_told_once(on_the_air: Air, receiver: Receiver, rules: RulesOf) -> None:
    """Who serves the id of the slot before does not read: that is BZ-RCV-005's matter, and no failure to read."""
    on_the_air.iphone(0, 1800, address=ONE)
    on_the_air.connect(ONE, 4, 5.2, (5, FIRST))
    log = receiver(on_the_air, [(5, FIRST), (1000, FIRST), (1300, FIRST)], seconds=1800)
    assert judge("BZ-RCV-005", log, rules).verdict is Verdict.FAIL
    assert judge("BZ-RCV-004", log, rules).verdict is Verdict.INCONCLUSIVE


def test_who_has_no_record_is_not_asked(subject: Receiver, rules: RulesOf, good_log: bytes) -> None:
    with pytest.raises(ValueError, match="by the record of a broadcast"):
        reading(subject(good_log), rules("v3"))
