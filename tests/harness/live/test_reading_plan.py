"""Whom to read and when: politely, fairly, and once across the end of a slot."""

from __future__ import annotations

from collections import Counter, defaultdict

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from bluezone_harness.checks.schedules import Slots
from bluezone_harness.live import reading_plan
from bluezone_harness.live.reading_plan import ATTEMPT_S, HOLD_S, DueRead, ReadingPlan
from bluezone_harness.observations import AddressType, Advert, PduType
from bluezone_reference.profiles import V3

pytestmark = pytest.mark.req("BZ-GAT-003")

SLOT_US = 900_000_000
T_US = 1_597_046_400_000_000  # the first instant of a slot
SECOND_US = 1_000_000
IPHONE = bytes.fromhex("0201061107" + "67a607add1172fa1c44bf573564e0000")
# of company Apple, the overflow form: a bit for each of 128 UUIDs
BACKGROUND = bytes.fromhex("02011a14ff4c0001") + bytes.fromhex("ff" * 16)
ANDROID = bytes.fromhex("0201020fffb522b9a665d754fe65e665d76a450303564e")


def address(number: int) -> bytes:
    return b"\x5a" + number.to_bytes(5)


def advert(
    at_us: int, number: int | None = 1, ad: bytes = IPHONE, pdu: PduType | None = PduType.ADV_IND
) -> Advert:
    where = None if number is None else address(number)
    return Advert(0, T_US + at_us, "", where, AddressType.RESOLVABLE, pdu, ad, -60, None)


def plan_of(*own: int) -> ReadingPlan:
    return ReadingPlan(Slots(None, V3), lambda each: each in {address(number) for number in own})


def due_of(plan: ReadingPlan, at_us: int) -> int | None:
    due = plan.next_due(T_US + at_us)
    return None if due is None else int.from_bytes((due.advert.address or b"")[1:])


@pytest.mark.parametrize("ad", [IPHONE, BACKGROUND])
def test_an_iphone_is_read_once_a_slot(ad: bytes) -> None:
    plan = plan_of()
    has_phones = [plan.has_phones]
    plan.hear(advert(0, ad=ad))
    assert [*has_phones, plan.has_phones] == [False, True]
    due = plan.next_due(T_US)
    assert due == DueRead(advert(0, ad=ad))
    plan.tried(due, T_US + SECOND_US, reads=1, offers=True)
    for second in range(2, 900):
        plan.hear(advert(second * SECOND_US, ad=ad))
        assert plan.next_due(T_US + second * SECOND_US) is None
    plan.hear(advert(SLOT_US, ad=ad))
    assert due_of(plan, SLOT_US) == 1


@pytest.mark.parametrize(
    "each",
    [
        advert(0, ad=ANDROID),
        advert(0, number=None),
        advert(0, pdu=PduType.ADV_NONCONN_IND),
        advert(0, pdu=PduType.SCAN_RSP),
        advert(0, ad=b"\x02\x01\x06"),
    ],
)
def test_who_cannot_be_read_is_not(each: Advert) -> None:
    plan = plan_of(1)
    plan.hear(each)
    assert plan.next_due(T_US) is None
    assert not plan.has_phones


def test_where_the_pdu_is_not_told_an_iphone_is_read() -> None:
    plan = plan_of()
    plan.hear(advert(0, pdu=None))
    assert due_of(plan, 0) == 1


def test_the_advert_is_that_which_was_heard_last() -> None:
    plan = plan_of()
    plan.hear(advert(0))
    plan.hear(advert(7))
    plan.hear(advert(8, ad=ANDROID))  # it says nothing of what can be read
    assert plan.next_due(T_US + 9) == DueRead(advert(7))


def test_who_was_not_heard_for_a_while_may_be_gone() -> None:
    plan = plan_of()
    plan.hear(advert(0))
    assert due_of(plan, 5 * SECOND_US) == 1
    assert due_of(plan, 5 * SECOND_US + 1) is None


def test_what_fails_is_tried_once_more_after_a_while() -> None:
    plan = plan_of()
    tried: list[int] = []
    for second in range(900):
        plan.hear(advert(second * SECOND_US))
        due = plan.next_due(T_US + second * SECOND_US)
        if due is not None:
            tried.append(second)
            plan.tried(due, T_US + second * SECOND_US, reads=0, offers=True)
    assert tried == [0, 30]


def test_a_stranger_that_offers_nothing_is_never_asked_again() -> None:
    plan = plan_of()
    plan.hear(advert(0, ad=BACKGROUND))
    due = plan.next_due(T_US)
    assert due is not None
    plan.tried(due, T_US, reads=0, offers=False)
    for slot in range(5):
        plan.hear(advert(slot * SLOT_US, ad=BACKGROUND))
        assert plan.next_due(T_US + slot * SLOT_US) is None
    assert not plan.has_phones


def test_a_phone_under_test_that_offers_nothing_is_asked_again() -> None:
    plan = plan_of(1)
    plan.hear(advert(0))
    due = plan.next_due(T_US)
    assert due is not None
    plan.tried(due, T_US, reads=0, offers=False)
    plan.hear(advert(SLOT_US))
    assert due_of(plan, SLOT_US) == 1


def test_nobody_is_forgotten_while_others_are_read() -> None:
    plan = plan_of()
    times: Counter[int] = Counter()
    at_us = 0
    while at_us < SLOT_US - 20 * SECOND_US:
        for number in range(1, 41):
            plan.hear(advert(at_us, number))
        number_due = due_of(plan, at_us)
        due = plan.next_due(T_US + at_us)
        at_us += 3 * SECOND_US
        if due is not None and number_due is not None:
            times[number_due] += 1
            # every third fails
            plan.tried(due, T_US + at_us, reads=int(number_due % 3 > 0), offers=True)
    assert set(times) == set(range(1, 41))
    assert {times[each] for each in range(1, 41) if each % 3} == {1}
    assert {times[each] for each in range(3, 41, 3)} == {2}


def test_across_the_end_of_a_slot_a_phone_under_test_is_read_once() -> None:
    plan = plan_of(1)
    held: list[tuple[int, ...]] = []
    single: list[int] = []
    for second in range(0, 4 * 900):
        at_us = second * SECOND_US
        for number in (1, 2):
            plan.hear(advert(at_us, number))
        due = plan.next_due(T_US + at_us)
        if due is None:
            continue
        if not due.again_us:
            single.append(second)
            plan.tried(due, T_US + at_us, reads=1, offers=True)
        else:
            assert due.advert.address == address(1)
            held.append((second, *((each - T_US) // SECOND_US for each in due.again_us)))
            # the first attempt loses its connection before the end
            reads = 1 if len(held) == 1 else 1 + len(due.again_us)
            over_us = T_US + at_us + 2 * SECOND_US if reads == 1 else due.again_us[-1]
            plan.tried(due, over_us, reads=reads, offers=True)
    # it was the second attempt of its slot, the read at its beginning included
    assert held == [(end - 60, end - 6, end + HOLD_S) for end in (900, 1800)]
    # the phone was read in each slot; the read that was held was the one of two slots
    assert len([each for each in single if each < 900]) == 2


def test_before_the_end_the_reader_is_free() -> None:
    plan = plan_of(1)
    plan.hear(advert(0, 1))
    first = plan.next_due(T_US)
    assert first is not None
    plan.tried(first, T_US + 1, reads=1, offers=True)
    for before_s, number in ((61, 2), (60, 1), (8, 1), (7, None), (1, None)):
        at_us = SLOT_US - before_s * SECOND_US
        for each in (1, 2):
            plan.hear(advert(at_us, each))
        assert due_of(plan, at_us) == number
    last_us = T_US + SLOT_US + HOLD_S * SECOND_US
    for before_s, again_us in ((60, (T_US + SLOT_US - 6 * SECOND_US, last_us)), (9, (last_us,))):
        at_us = SLOT_US - before_s * SECOND_US
        plan.hear(advert(at_us, 1))
        held = plan.next_due(T_US + at_us)
        assert held is not None
        assert held.again_us == again_us


def test_a_connection_that_was_lost_across_the_end_read_only_the_slot_before() -> None:
    plan = plan_of(1)
    at_us = SLOT_US - 15 * SECOND_US
    plan.hear(advert(at_us))
    due = plan.next_due(T_US + at_us)
    assert due is not None
    assert due.again_us
    plan.tried(due, T_US + SLOT_US + SECOND_US, reads=1, offers=True)
    plan.hear(advert(SLOT_US + 40 * SECOND_US))
    assert due_of(plan, SLOT_US + 40 * SECOND_US) == 1


def test_a_phone_heard_shortly_before_the_end_is_left_to_the_read_across_it() -> None:
    plan = plan_of(1)
    at_us = SLOT_US - 85 * SECOND_US
    for number in (1, 2):
        plan.hear(advert(at_us, number))
    assert due_of(plan, at_us) == 2
    # one that was tried a moment ago has no attempt left for it: the others are not kept waiting
    plan = plan_of(1)
    at_us = SLOT_US - 50 * SECOND_US
    plan.hear(advert(at_us, 1))
    due = plan.next_due(T_US + at_us)
    assert due is not None
    plan.tried(due, T_US + SLOT_US - 30 * SECOND_US, reads=0, offers=True)
    plan.hear(advert(SLOT_US - 14 * SECOND_US, 2))
    plan.hear(advert(SLOT_US - 14 * SECOND_US, 1))
    assert due_of(plan, SLOT_US - 14 * SECOND_US) == 2


def test_shortly_before_the_end_nobody_else_is_read() -> None:
    plan = plan_of()
    at_us = SLOT_US - ATTEMPT_S * SECOND_US + 1
    plan.hear(advert(at_us))
    assert due_of(plan, at_us) is None


def test_a_clock_that_is_set_back_stops_nobody() -> None:
    plan = plan_of()
    plan.hear(advert(3600 * SECOND_US))
    due = plan.next_due(T_US + 3600 * SECOND_US)
    assert due is not None
    plan.tried(due, T_US + 3600 * SECOND_US, reads=0, offers=True)
    plan.hear(advert(0))
    assert due_of(plan, 0) == 1


def test_passers_by_take_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading_plan, "_LISTED", 64)
    monkeypatch.setattr(reading_plan, "_MOST_OTHERS", 64)
    plan = plan_of()
    for number in range(3000):
        at_us = number * 60 * SECOND_US
        plan.hear(advert(at_us, number))
        due = plan.next_due(T_US + at_us)
        if due is not None and number % 2:
            plan.tried(due, T_US + at_us, reads=0, offers=False)
    assert len(plan._phones) < 200
    assert len(plan._others) <= 64
    # whom nobody found to offer nothing any more may be asked again
    unknown = plan_of()
    due = DueRead(advert(0, 5))
    unknown.tried(due, T_US, reads=1, offers=True)
    assert not unknown.has_phones


class Reading(RuleBasedStateMachine):
    """A reader among phones, with connections that fail, hang, and are lost."""

    def __init__(self) -> None:
        super().__init__()
        self.plan = plan_of(1, 2)
        self.now_us = T_US
        self.begun: dict[bytes, list[int]] = defaultdict(list)
        self.over: dict[bytes, int] = {}
        self.others: set[bytes] = set()
        self.was_held = False

    @rule(
        numbers=st.sets(st.integers(1, 6)),
        passed_s=st.sampled_from([1, 4, 31, 200, 860]),
        takes_s=st.sampled_from([0, 1, 12, 30]),
        outcome=st.sampled_from(["read", "failed", "other", "lost"]),
    )
    def go_on(self, numbers: set[int], passed_s: int, takes_s: int, outcome: str) -> None:
        self.now_us += passed_s * SECOND_US
        for number in numbers:
            self.plan.hear(advert(self.now_us - T_US, number, BACKGROUND if number % 2 else IPHONE))
        due = self.plan.next_due(self.now_us)
        if due is None:
            return
        where = due.advert.address or b""
        assert self.now_us - due.advert.time_us <= 5 * SECOND_US
        assert where not in self.others
        if where in self.over:
            assert self.now_us - self.over[where] >= 30 * SECOND_US
        self.begun[where].append(self.now_us)
        slots_begun = Counter(each // SLOT_US for each in self.begun[where])
        assert max(slots_begun.values()) <= 2
        reads = 1 if outcome in ("read", "lost") else 0
        if not due.again_us:
            self.now_us += takes_s * SECOND_US
        else:
            assert not self.was_held
            assert where in (address(1), address(2))
            left_us = SLOT_US - self.now_us % SLOT_US
            assert 8 * SECOND_US <= left_us <= 60 * SECOND_US
            assert due.again_us[-1] == self.now_us + left_us + HOLD_S * SECOND_US
            assert due.again_us[:-1] == (
                (self.now_us + left_us - 6 * SECOND_US,) if left_us >= 11 * SECOND_US else ()
            )
            if outcome == "read":
                self.now_us, reads = due.again_us[-1], 1 + len(due.again_us)
                self.was_held = True
            else:
                self.now_us += takes_s * SECOND_US
        offers = outcome != "other"
        if not offers and where not in (address(1), address(2)):
            self.others.add(where)
        self.over[where] = self.now_us
        self.plan.tried(due, self.now_us, reads=reads, offers=offers)

    @invariant()
    def asking_changes_nothing(self) -> None:
        assert self.plan.next_due(self.now_us) == self.plan.next_due(self.now_us)


TestReading = Reading.TestCase
Reading.TestCase.settings = settings(max_examples=20, stateful_step_count=30)
