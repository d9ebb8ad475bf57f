"""What explains wrong ids: on-windows made by hand, one cause at a time, and the requirement that it breaks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256

import pytest

from bluezone_harness.checks.hypotheses import Explanation, Heard, explain
from bluezone_harness.checks.id_windows import IdWindow
from bluezone_harness.checks.known_ids import KnownIds, known_ids
from bluezone_harness.evidence.device_files import Base, Device
from bluezone_reference.profiles import V3

DAY_MS = 86_400_000
SLOT_MS = 900_000
BASE_DAY_MS = 1_596_844_800_000  # 2020-08-08
BASE_ID = bytes.fromhex("4c5224b397f8ab3896781d5aa0f3119f280513f1b592ca280ebded6357e21084")
DEVICE = Device("phone", "android", "", None, (Base(BASE_ID, BASE_DAY_MS, None),), (), ())
FOREIGN = b"one id of 12"

OwnId = Callable[..., bytes]
MakeHeard = Callable[..., Heard]


@pytest.fixture(scope="module")
def known() -> KnownIds:
    """Return what a device file of one base id explains on its first four days."""
    return known_ids(DEVICE, V3, [BASE_DAY_MS + day * DAY_MS for day in range(4)])


@pytest.fixture
def heard(known: KnownIds, own_id: OwnId) -> MakeHeard:
    """Return a function from a time (day, ms of it) to an on-window of 15 s then, with the id of another time.

    By name: ``sent`` instead of that id, ``seen`` whether its beginning was heard.
    """

    def make(
        day: int,
        since_ms: int,
        id_day: int | None = None,
        id_since_ms: int | None = None,
        *,
        sent: bytes | None = None,
        seen: bool = True,
    ) -> Heard:
        time_ms = BASE_DAY_MS + day * DAY_MS + since_ms
        id_ms = BASE_DAY_MS + (day if id_day is None else id_day) * DAY_MS
        id_ms += since_ms if id_since_ms is None else id_since_ms
        octets = own_id(id_ms) if sent is None else sent
        address = sha256(str(time_ms).encode()).digest()[:6]
        window = IdWindow(
            octets, address, time_ms * 1000, time_ms * 1000 + 15_000_000, time_ms * 1000, seen, 0, False, ()
        )
        place = known.place(octets)
        start_ms = id_ms - id_ms % SLOT_MS
        slots = () if place is None else ((start_ms, start_ms + SLOT_MS),)
        right = place is not None and octets == own_id(time_ms)
        return Heard(window, time_ms, None, 0, BASE_DAY_MS, place, slots, right)

    return make


def told(found: tuple[Explanation, ...]) -> list[tuple[tuple[str, ...], str, int]]:
    return [(each.requirements, each.text, len(each.heard)) for each in found]


@pytest.mark.req("BZ-KEY-006")
def test_right_ids_want_no_explanation(heard: MakeHeard, known: KnownIds) -> None:
    assert explain([heard(1, 5_000), heard(2, SLOT_MS)], known) == ()
    assert explain([], known) == ()


@pytest.mark.req("BZ-KEY-004")
def test_an_id_of_another_salt_breaks_what_says_the_salt(heard: MakeHeard, known: KnownIds) -> None:
    key = sha256(BASE_ID).digest()
    subkey = sha256(key).digest()
    unsalted = bytes(subkey[at] for at in (0, 4, 8, 12, 16, 18, 20, 22, 24, 26, 28, 30))
    foreign, right = heard(1, SLOT_MS, sent=FOREIGN), heard(1, 2 * SLOT_MS)
    wrong = heard(1, 5_000, sent=unsalted)
    found = explain([wrong, foreign, right], known)
    assert [(each.requirements, each.heard) for each in found] == [
        (("BZ-KEY-004",), (wrong,)),
        (("BZ-KEY-010",), (foreign,)),
    ]


@pytest.mark.req("BZ-KEY-010", "F-14")
@pytest.mark.parametrize(
    ("days", "also_misplaced", "first_day"),
    [((0,), False, True), ((0,), True, True), ((1,), False, False), ((0, 1), True, False)],
)
def test_a_base_id_that_was_not_saved_shows_on_the_first_day_alone(
    heard: MakeHeard, known: KnownIds, days: tuple[int, ...], also_misplaced: bool, first_day: bool
) -> None:
    foreign = [heard(day, 20 * SLOT_MS, sent=FOREIGN) for day in days]
    misplaced = [heard(2, 50 * SLOT_MS, 2, 10 * SLOT_MS)] * also_misplaced
    found = explain([*foreign, heard(1, 0), *misplaced], known)
    assert (found[0].requirements, len(found[0].heard)) == (("BZ-KEY-010",), len(days))
    assert ("the first day" in found[0].text) is first_day
    # where nothing is right, nothing shows that another one was saved
    assert "from nowhere" in explain(foreign, known)[0].text


@pytest.mark.req("BZ-KEY-002", "BZ-KEY-003", "BZ-KEY-009", "F-11", "F-14")
@pytest.mark.parametrize(
    ("times", "right_on", "requirement", "text"),
    [
        ([(2, 1)], None, "BZ-KEY-003", "1 day too early: the day key stays one step behind (F-14b)"),
        ([(2, 1)], 0, "BZ-KEY-003", "1 day too early: the day key stays one step behind (F-14b)"),
        ([(2, 1)], 1, "BZ-KEY-009", "1 day too early: the list of a day gone by was kept"),
        ([(1, 2)], None, "BZ-KEY-009", "1 day too late: a list of a day to come is used (F-11)"),
        ([(1, 2), (2, 3)], None, "BZ-KEY-002", "1 day too late: of another base day"),
        ([(1, 3)], None, "BZ-KEY-002", "2 days too late: of another base day"),
        ([(1, 3)], 1, "BZ-KEY-009", "2 days too late: a list of a day to come is used (F-11)"),
        ([(3, 1)], None, "BZ-KEY-002", "2 days too early: of another base day"),
        ([(2, 0), (3, 0)], None, "BZ-KEY-003", "of day 0: the day key does not advance"),
    ],
)
def test_the_right_slots_of_another_day(
    heard: MakeHeard,
    known: KnownIds,
    times: list[tuple[int, int]],
    right_on: int | None,
    requirement: str,
    text: str,
) -> None:
    windows = [heard(day, slot * SLOT_MS + 5_000, id_day) for day, id_day in times for slot in (10, 11, 40)]
    if right_on is not None:
        windows.append(heard(right_on, 70 * SLOT_MS))
    found = told(explain(windows, known))
    assert {each[:2] for each in found} == {((requirement,), text)}
    assert sum(each[2] for each in found) == 3 * len(times)


@pytest.mark.req("BZ-ADV-005", "BZ-KEY-006")
def test_late_ones_are_late_only_beside_right_ones(heard: MakeHeard, known: KnownIds) -> None:
    late = heard(1, 5 * SLOT_MS + 20_000, 1, 4 * SLOT_MS)
    unseen = heard(1, 9 * SLOT_MS + 30_000, 1, 8 * SLOT_MS, seen=False)
    right = [heard(1, slot * SLOT_MS + 1_000) for slot in (3, 6, 7)]
    assert told(explain([late, unseen, *right], known)) == [
        (("BZ-ADV-005", "BZ-KEY-006"), "of the slot before, up to 20 s after its end", 1),
        (("BZ-ADV-005",), "of the slot before, heard from up to 30 s after its end", 1),
    ]
    assert [each.is_late for each in explain([late, unseen, *right], known)] == [True, False]


@pytest.mark.req("BZ-KEY-002")
@pytest.mark.parametrize(
    ("shift_ms", "text"),
    [
        (7 * 3_600_000, "of local time, 7 h ahead of UTC"),
        (-3 * 3_600_000, "of local time, 3 h behind UTC"),
    ],
)
def test_one_constant_shift_of_hours_is_local_time(
    heard: MakeHeard, known: KnownIds, shift_ms: int, text: str
) -> None:
    windows = [
        heard(1, slot * SLOT_MS + at_ms, 1, slot * SLOT_MS + at_ms + shift_ms)
        for slot in (20, 30, 50)
        for at_ms in (1_000, SLOT_MS - 1_000)
    ]
    assert told(explain(windows, known)) == [(("BZ-KEY-002",), text, 6)]


@pytest.mark.req("BZ-KEY-006")
@pytest.mark.parametrize(
    ("shift_ms", "text"),
    [(-SLOT_MS, "one slot late: of the slot before"), (SLOT_MS, "one slot early")],
)
def test_one_slot_off_at_every_time_is_a_fault_of_the_slot(
    heard: MakeHeard, known: KnownIds, shift_ms: int, text: str
) -> None:
    windows = [
        heard(1, slot * SLOT_MS + at_ms, 1, slot * SLOT_MS + at_ms + shift_ms)
        for slot in (20, 30, 50)
        for at_ms in (1_000, SLOT_MS - 1_000)
    ]
    assert told(explain(windows, known)) == [(("BZ-KEY-006",), text, 6)]


@pytest.mark.req("BZ-KEY-006")
@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(("off_ms", "of_the_slot"), [(-45_001, False), (-45_000, True), (45_000, True)])
def test_a_slot_is_off_if_the_clock_is_off_by_45_s_at_most_besides(
    heard: MakeHeard, known: KnownIds, sign: int, off_ms: int, of_the_slot: bool
) -> None:
    shift_ms = sign * (SLOT_MS + off_ms)
    # by the shifted clock, the first and the last millisecond of slots
    windows = [heard(1, shown_ms - shift_ms, 1, shown_ms) for shown_ms in (20 * SLOT_MS, 31 * SLOT_MS - 1)]
    text = {1: "one slot early", -1: "one slot late: of the slot before"}[sign]
    if not of_the_slot:
        text = f"as a clock has them that is about 14 min 14 s {'ahead' if sign > 0 else 'behind'}"
    # what is off by less than a slot leaves one of the two in its own
    assert told(explain(windows, known)) == [(("BZ-KEY-006",), text, 1 if off_ms < 0 else 2)]


@pytest.mark.req("BZ-KEY-008", "F-12")
def test_what_is_sent_before_the_base_day_is_that_whatever_it_is(heard: MakeHeard, known: KnownIds) -> None:
    of_day_0 = replace(heard(-1, SLOT_MS, 0), right=False)
    assert told(explain([heard(-1, 0, sent=FOREIGN), of_day_0], known)) == [
        (("BZ-KEY-008",), "from before the base day (F-12)", 2)
    ]


@pytest.mark.req("BZ-KEY-006", "BZ-KEY-009")
def test_what_no_cause_explains_is_of_other_slots(heard: MakeHeard, known: KnownIds) -> None:
    windows = [
        heard(1, 10 * SLOT_MS, 1, 50 * SLOT_MS),
        heard(1, 20 * SLOT_MS, 1, 3 * SLOT_MS),
        heard(1, 30 * SLOT_MS, 2, 70 * SLOT_MS),
        heard(1, 40 * SLOT_MS),
    ]
    assert told(explain(windows, known)) == [
        (("BZ-KEY-006",), "of other slots of the day", 2),
        (("BZ-KEY-009",), "of other slots of other days", 1),
    ]
