"""BZ-LOG-005: own ids against the schedule, and what the report says of wrong ones."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bluezone_harness.checks.own_ids import matched_rows, own_ids_judgement
from bluezone_harness.checks.subjects import Rules, Subject
from bluezone_harness.findings import Judgement, Reason, Verdict
from bluezone_vectors import KnownRollingId, known_rolling_ids

DAY_MS = 86_400_000
BASE_DAY_MS = 1_596_844_800_000
SLOT_MS = 900_000
BASE_ID = "4c5224b397f8ab3896781d5aa0f3119f280513f1b592ca280ebded6357e21084"
SECOND_ID = "66b07d33da4e16a359b590eda1e8dc90892d341c86a6491376041fe44505ffb5"
CONTACT = bytes.fromhex("7C3DEC4246EA6F90E38EA254")

Ids = Callable[..., bytes]
Rows = list[tuple[int, bytes, bytes]]
Export = Callable[[Rows], bytes]


@pytest.fixture(scope="session")
def ask(
    subject: Callable[..., Subject], rules: Callable[[str], Rules], export: Export
) -> Callable[..., Judgement]:
    """Return a function from own ids by their times, and settings of the device, to the answer."""

    def answer(own_ids: list[tuple[int, bytes]], *, tail: bytes = b"", **settings: object) -> Judgement:
        device = {"base_id": BASE_ID, "base_day": "2020-08-08"} | settings
        octets = export([(time_ms, own_id, CONTACT) for time_ms, own_id in own_ids])
        return own_ids_judgement(subject(octets + tail, device=device), rules("v3"))

    return answer


Ask = Callable[..., Judgement]


@pytest.mark.req("BZ-LOG-005", "BZ-KEY-002", "BZ-KEY-004", "BZ-KEY-005", "BZ-KEY-006")
@pytest.mark.parametrize(
    "known", [k for k in known_rolling_ids() if k.evidence == "captured"], ids=lambda k: k.id
)
def test_what_real_phones_logged_passes(ask: Ask, known: KnownRollingId) -> None:
    rows = [(time_ms, known.rolling_id) for time_ms in known.times_ms]
    found = ask(rows, base_id=known.base_id.hex())
    assert (found.verdict, found.judged) == (Verdict.PASS, len(rows))
    assert ask(rows, base_id="00" * 32).verdict is Verdict.FAIL


@pytest.mark.req("BZ-LOG-005")
@pytest.mark.parametrize(
    ("off_ms", "slot", "verdict"),
    [
        (-1001, 1, Verdict.FAIL),
        (-1000, 1, Verdict.PASS),
        (-1, 1, Verdict.PASS),
        (0, 1, Verdict.PASS),
        (0, 0, Verdict.PASS),
        (999, 0, Verdict.PASS),
        (1000, 0, Verdict.PASS),
        (1001, 0, Verdict.FAIL),
        (-1000, 2, Verdict.FAIL),
    ],
)
def test_a_second_at_the_end_of_a_slot_is_allowed(
    ask: Ask, own_id: Ids, off_ms: int, slot: int, verdict: Verdict
) -> None:
    edge = BASE_DAY_MS + DAY_MS + SLOT_MS
    found = ask([(edge + off_ms, own_id(BASE_DAY_MS + DAY_MS + slot * SLOT_MS))])
    assert found.verdict is verdict


@pytest.mark.req("BZ-LOG-005", "F-01")
def test_a_time_in_seconds_leaves_out_a_second(ask: Ask, own_id: Ids) -> None:
    edge_s = (BASE_DAY_MS + SLOT_MS) // 1000
    late = own_id(edge_s * 1000)
    rows = f"{late.hex().upper()}\t{CONTACT.hex().upper()}\t-60\t"
    assert ask([], tail=f"{rows}{edge_s - 1}\n".encode()).verdict is Verdict.PASS
    assert ask([], tail=f"{rows}{edge_s - 2}\n".encode()).verdict is Verdict.FAIL


@pytest.mark.req("BZ-LOG-005")
def test_ids_that_match_nothing_never_pass(ask: Ask) -> None:
    found = ask([(BASE_DAY_MS + number * 60_000, bytes([number]) * 12) for number in range(30)])
    assert (found.verdict, found.failed, found.judged) == (Verdict.FAIL, 30, 30)
    (ground,) = found.grounds
    assert (ground.count, len(ground.evidence)) == (30, 10)
    assert "nowhere in the schedule" in ground.summary
    assert "slot 0 of day 0 (2020-08-08)" in ground.expected


@pytest.mark.req("BZ-LOG-005", "F-11")
def test_the_place_of_a_wrong_id_is_named(ask: Ask, own_id: Ids) -> None:
    time_ms = BASE_DAY_MS + 3 * DAY_MS + 5 * SLOT_MS
    found = ask([(time_ms, own_id(time_ms + DAY_MS + 7 * SLOT_MS)), (time_ms, own_id(time_ms))])
    (ground,) = found.grounds
    assert found.failed == 1
    assert ground.seen.endswith("slot 12 of day 4 (2020-08-12)")
    assert ground.expected == f"{own_id(time_ms).hex().upper()}, slot 5 of day 3 (2020-08-11)"
    (place,) = ground.evidence
    assert (place.number, place.time_ms, place.offset) == (1, time_ms, 0)


@pytest.mark.req("BZ-LOG-005", "F-11", "F-13")
@pytest.mark.parametrize(
    ("shift_ms", "cause"),
    [
        (-SLOT_MS, "each 1 slot too early: stale ids"),
        (2 * SLOT_MS, "each 2 slots too late"),
        (DAY_MS, "each 1 day too late: another base day"),
        (-2 * DAY_MS, "each 2 days too early"),
    ],
)
def test_a_common_cause_is_named(ask: Ask, own_id: Ids, shift_ms: int, cause: str) -> None:
    times = [BASE_DAY_MS + 5 * DAY_MS + (20 + number) * SLOT_MS + 5000 for number in range(20)]
    found = ask([(time_ms, own_id(time_ms + shift_ms)) for time_ms in times])
    assert found.failed == 20
    (ground,) = found.grounds
    assert cause in ground.summary


@pytest.mark.req("BZ-LOG-005", "F-10", "F-09")
def test_another_max_is_named(ask: Ask, own_id: Ids) -> None:
    times = [BASE_DAY_MS + 5 * DAY_MS + number * 700_000 for number in range(120)]
    found = ask([(time_ms, own_id(time_ms, 72)) for time_ms in times])
    assert found.verdict is Verdict.FAIL
    (ground,) = found.grounds
    assert ground.summary.endswith("as max = 72 would have them")


@pytest.mark.req("BZ-LOG-005")
def test_without_a_common_cause_none_is_named(ask: Ask, own_id: Ids) -> None:
    time_ms = BASE_DAY_MS + 5 * DAY_MS + 40 * SLOT_MS + 5000
    shifts = (SLOT_MS, DAY_MS, -3 * SLOT_MS)
    found = ask([(time_ms, own_id(time_ms + shift)) for shift in shifts])
    assert found.grounds[0].summary == "3 own ids from elsewhere in the schedule"
    # the same slot of several days, and several slots of one day that no max explains
    found = ask([(time_ms, own_id(time_ms + shift)) for shift in (DAY_MS, -DAY_MS)])
    assert found.grounds[0].summary == "2 own ids from elsewhere in the schedule"
    found = ask([(time_ms, own_id(time_ms + shift)) for shift in (SLOT_MS, -SLOT_MS)])
    assert found.grounds[0].summary == "2 own ids from elsewhere in the schedule"


@pytest.mark.req("BZ-LOG-005", "BZ-KEY-008", "F-12")
def test_rows_before_the_base_day_fail(ask: Ask, own_id: Ids) -> None:
    before = BASE_DAY_MS - 5 * SLOT_MS
    found = ask([(before, own_id(before + DAY_MS)), (BASE_DAY_MS, own_id(BASE_DAY_MS))])
    assert (found.verdict, found.failed, found.judged) == (Verdict.FAIL, 1, 2)
    (ground,) = found.grounds
    assert "has no rolling id" in ground.summary
    assert ground.expected.startswith("no row")
    assert "slot 91 of day 0" in ground.seen


@pytest.mark.req("BZ-LOG-005", "BZ-KEY-001")
@pytest.mark.parametrize("base_id", ["", "00" * 31, "00" * 33])
def test_a_base_id_without_schedule_shows_nothing(ask: Ask, own_id: Ids, base_id: str) -> None:
    found = ask([(BASE_DAY_MS, own_id(BASE_DAY_MS))], base_id=base_id)
    assert (found.verdict, found.reason) == (Verdict.INCONCLUSIVE, Reason.EVIDENCE_MISSING)


@pytest.mark.req("BZ-LOG-005")
def test_no_rows_show_nothing(ask: Ask) -> None:
    assert ask([]).reason is Reason.TOO_FEW_PACKETS
    assert ask([], tail=b"B9A665D754FE65E665D76A45\t").reason is Reason.DAMAGED


@pytest.mark.req("BZ-LOG-005", "BZ-KEY-007")
@pytest.mark.parametrize("setting", [7, 0, -1, 2**63, 97])
def test_a_max_that_no_phone_may_use_means_the_default(ask: Ask, own_id: Ids, setting: int) -> None:
    times = [BASE_DAY_MS + number * SLOT_MS for number in range(90)]
    assert ask([(time_ms, own_id(time_ms)) for time_ms in times], max=setting).verdict is Verdict.PASS


HISTORY = {
    "schema": 1,
    "devices": [
        {
            "name": "phone",
            "platform": "android",
            "bases": [
                {"base_id": BASE_ID, "base_day": "2020-08-08", "from": "2020-08-08T06:00:00Z"},
                {"base_id": SECOND_ID, "base_day": "2020-08-10", "from": "2020-08-10T06:00:00Z"},
            ],
            "max": [{"from": "2020-08-09T12:00:00Z", "value": 144}],
            "foreground": [],
        }
    ],
}


def historical(own_id: Ids, time_ms: int) -> bytes:
    if time_ms >= BASE_DAY_MS + 2 * DAY_MS + 6 * 3_600_000:
        return own_id(time_ms, 144, SECOND_ID, BASE_DAY_MS + 2 * DAY_MS)
    return own_id(time_ms, 144 if time_ms >= BASE_DAY_MS + DAY_MS + DAY_MS // 2 else 96)


@pytest.mark.req("BZ-LOG-005", "BZ-KEY-009", "BZ-KEY-010", "F-10")
def test_the_history_of_base_ids_and_settings_is_followed(
    own_id: Ids, subject: Callable[..., Subject], rules: Callable[[str], Rules], export: Export
) -> None:
    start = BASE_DAY_MS + 7 * 3_600_000
    times = range(start, start + 3 * DAY_MS, 333_333)
    rows = [(time_ms, historical(own_id, time_ms), CONTACT) for time_ms in times]
    whose = subject(export(rows), device=HISTORY)
    found = own_ids_judgement(whose, rules("v3"))
    assert (found.verdict, found.judged) == (Verdict.PASS, len(rows))
    assert matched_rows(whose, rules("v3")) == len(rows)
    # a phone that kept its old setting and its old base id
    rows = [(time_ms, own_id(time_ms), CONTACT) for time_ms in times]
    found = own_ids_judgement(subject(export(rows), device=HISTORY), rules("v3"))
    changed = sum(historical(own_id, time_ms) != own_id(time_ms) for time_ms in times)
    # within a second of a slot's end both neighbours are right
    assert changed - 3 <= found.failed <= changed
    assert matched_rows(subject(export(rows), device=HISTORY), rules("v3")) == len(rows) - found.failed


@pytest.mark.req("BZ-LOG-005", "BZ-KEY-010")
def test_the_second_base_id_is_named(
    own_id: Ids, subject: Callable[..., Subject], rules: Callable[[str], Rules], export: Export
) -> None:
    time_ms = BASE_DAY_MS + 2 * DAY_MS
    wrong = own_id(time_ms, 144, SECOND_ID, BASE_DAY_MS + 2 * DAY_MS)
    whose = subject(export([(time_ms, wrong, CONTACT)]), device=HISTORY)
    (ground,) = own_ids_judgement(whose, rules("v3")).grounds
    assert ground.seen.endswith("slot 0 of day 0 (2020-08-10), base id 2")


@pytest.mark.req("BZ-LOG-005", "BZ-KEY-010")
def test_rows_before_the_first_base_id_are_not_judged(
    own_id: Ids, subject: Callable[..., Subject], rules: Callable[[str], Rules], export: Export
) -> None:
    times = [BASE_DAY_MS, BASE_DAY_MS + 7 * 3_600_000]
    whose = subject(export([(time_ms, own_id(time_ms), CONTACT) for time_ms in times]), device=HISTORY)
    found = own_ids_judgement(whose, rules("v3"))
    assert (found.verdict, found.reason, found.judged) == (Verdict.INCONCLUSIVE, Reason.EVIDENCE_MISSING, 1)
    assert "1 row from before the first base id" in found.summary


@pytest.mark.req("BZ-LOG-005")
def test_nothing_matches_where_there_is_no_schedule(
    subject: Callable[..., Subject], rules: Callable[[str], Rules], good_log: bytes
) -> None:
    assert matched_rows(subject(good_log), rules("v3")) == 0
    weak = {"base_id": "", "base_day": "2020-08-08"}
    assert matched_rows(subject(good_log, device=weak), rules("v3")) == 0
    with pytest.raises(ValueError, match="against a device"):
        own_ids_judgement(subject(good_log), rules("v3"))
