"""Questions of ``ids_over_time``: what a phone sends while its clock and its setting move."""

# a table has a row a line, however long
# ruff: noqa: E501

from __future__ import annotations

from collections.abc import Iterator

from bluezone_vectors.generator.drafts import BASE_DAY_MS, DAY_MS, PHONE_A, Draft, Question, drawn

SLOT_MS = 900_000
_STALE = ("stale-ids",)


def _at(since_ms: int, reread_ms: int | None = None) -> dict[str, object]:
    """Ask for the id at an instant, counted from the midnight of the base day."""
    event: dict[str, object] = {"kind": "id", "time_ms": BASE_DAY_MS + since_ms}
    return event if reread_ms is None else {**event, "reread_ms": BASE_DAY_MS + reread_ms}


def _set(value: object) -> dict[str, object]:
    return {"kind": "max", "value": value}


def _asked(*events: dict[str, object], base_id: str = PHONE_A, **more: object) -> Question:
    return {"base_id": base_id, "base_day_ms": BASE_DAY_MS, **more, "events": list(events)}


_NOON = DAY_MS // 2

_STORIES: tuple[tuple[str, tuple[dict[str, object], ...], str, tuple[str, ...], str], ...] = (
    ("slot-goes-by", (_at(SLOT_MS - 1), _at(SLOT_MS)), "clock-over-a-slot", ("boundary-early",), "The clock runs over the end of a slot."),
    ("slot-stays", (_at(0), _at(SLOT_MS - 1)), "clock-over-a-slot", ("boundary-late",), "The clock runs within one slot."),
    ("midnight-goes-by", (_at(DAY_MS - 1), _at(DAY_MS)), "clock-over-midnight", ("constant-day-key",), "The clock runs over midnight."),
    ("midnight-not-yet", (_at(DAY_MS - 2), _at(DAY_MS - 1)), "clock-over-midnight", ("boundary-early",), "The clock runs up to midnight."),
    ("two-midnights-slept-through", (_at(_NOON), _at(3 * DAY_MS + _NOON)), "", ("constant-day-key", "lagging-day-key", "local-day"), "A phone that was off for days steps its day key for each."),
    ("clock-set-back-a-day", (_at(2 * DAY_MS + _NOON), _at(DAY_MS + _NOON)), "clock-set-back-over-midnight", ("future-list",), "F-11: a list of a day to come is not today's."),
    ("clock-set-back-over-midnight-by-1-ms", (_at(DAY_MS), _at(DAY_MS - 1)), "clock-set-back-over-midnight", ("future-list", "boundary-early"), "F-11, by a millisecond."),
    ("clock-set-back-within-a-day", (_at(DAY_MS + _NOON), _at(DAY_MS + 1)), "clock-set-back-over-midnight", ("slot-late",), "The clock goes back to an earlier slot of the day."),
    ("clock-set-back-and-on-again", (_at(3 * DAY_MS), _at(DAY_MS), _at(3 * DAY_MS + SLOT_MS)), "", ("future-list", "slot-early"), "F-11: and nothing is left of it when the clock is right again."),
    ("clock-set-forward-for-years", (_at(0), _at(3_000 * DAY_MS)), "", ("lagging-day-key", "slot-late"), "A day key thousands of steps away."),
    ("clock-before-the-base-day", (_at(_NOON), _at(-1), _at(0)), "clock-before-the-base-day", ("before-base-day-ids",), "F-12: there is no id before the base day, and one again from it on."),
    ("clock-at-the-base-day", (_at(_NOON), _at(0)), "clock-before-the-base-day", ("slot-early",), "The first millisecond of the base day has an id."),
    ("clock-beyond-the-last-day", (_at(36_525 * DAY_MS), _at(36_526 * DAY_MS)), "clock-beyond-the-last-day", ("no-last-day",), "The last day has ids, the one after it none."),
    ("clock-at-the-end-of-the-last-day", (_at(36_525 * DAY_MS), _at(36_526 * DAY_MS - 1)), "clock-beyond-the-last-day", ("constant-day-key",), "The last millisecond of the last day."),
    ("max-rises", (_at(_NOON), _set(144), _at(_NOON)), "max-changes", ("local-day",), "F-10: the new max counts at once."),
    ("max-falls", (_at(_NOON), _set(24), _at(_NOON)), "max-changes", ("slot-late",), "F-10: fewer slots, at once."),
    ("max-stays", (_at(_NOON), _set(96), _at(_NOON)), "max-changes", ("slot-early",), "The same max again changes nothing."),
    ("max-rises-late-in-the-day", (_at(DAY_MS - 1), _set(144), _at(DAY_MS - 1)), "", ("stale-list", "boundary-early"), "F-10: where a kept list would be too short."),
    ("max-changes-and-back", (_set(48), _at(_NOON), _set(96), _at(_NOON), _set(48), _at(_NOON)), "", ("stale-list", "no-salt"), "F-10: each setting counts from its own moment on."),
    ("max-changes-before-the-first-id", (_set(24), _at(5 * SLOT_MS)), "", ("slot-early", "slot-late"), "A setting that is there before the first id."),
    ("max-changes-at-midnight", (_at(DAY_MS - 1), _set(24), _at(DAY_MS), _at(DAY_MS + 4 * SLOT_MS)), "", ("constant-day-key",), "A new max and a new day at once."),
    ("clock-read-again-after-midnight", (_at(DAY_MS - 1, DAY_MS), _at(DAY_MS + 1)), "second-reading-of-the-clock", ("midnight-list",), "F-13: an answer belongs to one reading of the clock, the first."),
    ("clock-read-again-in-the-same-slot", (_at(DAY_MS - 2, DAY_MS - 1), _at(DAY_MS - 1)), "second-reading-of-the-clock", ("boundary-early",), "A second reading in the same slot changes nothing."),
    ("clock-read-again-a-slot-later", (_at(SLOT_MS - 1, SLOT_MS), _at(SLOT_MS - 1)), "second-reading-of-the-clock", ("slot-early",), "F-13: the second reading has no part in the answer."),
)  # fmt: skip


def drafts() -> Iterator[Draft]:
    """Yield all questions of this operation."""
    for name, events, boundary, kills, comment in _STORIES:
        yield Draft(
            id=f"ids-over-time-{name}",
            requirements=_requirements(name),
            question=_asked(*events),
            comment=comment,
            boundary=boundary,
            kills=kills,
            flags=_STALE,
        )
    yield from _settings()
    yield from _refused()
    yield from _builds()


def _requirements(name: str) -> tuple[str, ...]:
    if "base-day" in name:
        return ("KEY-009", "KEY-008")
    return ("KEY-009", "KEY-003") if "last-day" in name else ("KEY-009",)


def _settings() -> Iterator[Draft]:
    """Settings that are not allowed mean the default; each stands beside one that is."""
    for name, value, boundary, kills in (
        ("0", 0, "setting-of-1-or-2", ("no-salt",)),
        ("1", 1, "setting-of-1-or-2", ("any-max",)),
        ("2", 2, "setting-of-1-or-2", ("local-day",)),
        ("below-0", -24, "", ("keeps-max-at-bad-setting", "slot-early")),
        ("7", 7, "setting-of-7-or-8", ("any-max",)),
        ("8", 8, "setting-of-7-or-8", ("local-day",)),
        ("97", 97, "setting-of-97-or-100", ("any-max",)),
        ("100", 100, "setting-of-97-or-100", ("local-day",)),
        ("86400", 86_400, "setting-of-86400-or-more", ("stale-list",)),
        ("86401", 86_401, "setting-of-86400-or-more", ("no-salt",)),
        ("90000", 90_000, "setting-of-86400-or-more", ("slot-early",)),
        ("of-53-bits", 2**53 - 1, "", ("last-octets",)),
        ("text", "24", "", ("keeps-max-at-bad-setting",)),
        ("true", True, "", ("first-octets",)),
        ("a-fraction", 24.5, "", ("slot-early",)),
        ("an-object", {"value": 24}, "", ("hex-text-hash",)),
    ):
        allowed = type(value) is int and 2 <= value <= 86_400 and 86_400_000 % value == 0
        before = 144 if not allowed else 96
        yield Draft(
            id=f"ids-over-time-setting-of-{name}",
            requirements=("KEY-007", "KEY-009", "MSG-006"),
            question=_asked(
                _set(before), _at(50_000_000), _set(value), _at(50_000_000), base_id=drawn("settings")
            ),
            comment="A setting that is not allowed means the default of 96, whatever was set before.",
            boundary=boundary,
            kills=kills,
            flags=("platforms-disagree", *_STALE),
        )


def _refused() -> Iterator[Draft]:
    yield Draft(
        id="ids-over-time-own-max-of-24",
        requirements=("KEY-009", "KEY-007"),
        question=_asked(_at(_NOON), _set(96), _at(_NOON), max=24),
        comment="The max of the question counts until a setting replaces it.",
        boundary="own-max-of-7-or-24",
        kills=("stale-list",),
    )
    yield Draft(
        id="ids-over-time-own-max-of-7",
        requirements=("KEY-007",),
        question=_asked(_at(_NOON), _set(96), _at(_NOON), max=7),
        comment="In a question max is refused; only a setting means the default.",
        boundary="own-max-of-7-or-24",
        kills=("any-max",),
        reject="BAD_MAX",
    )
    for octets, kills in ((31, ("any-base-id",)), (32, ("no-salt",))):
        yield Draft(
            id=f"ids-over-time-base-id-of-{octets}-octets",
            requirements=("KEY-001",),
            question=_asked(_at(_NOON), _set(96), _at(_NOON), max=24, base_id=drawn("short", octets)),
            comment="A base id has 32 octets.",
            boundary="ids-over-time-of-32-octets",
            kills=kills,
            flags=("guessable-ids",),
            reject="" if octets == 32 else "BAD_BASE_ID",
        )


def _builds() -> Iterator[Draft]:
    android, ios = "android-v3", "ios-v3"
    v3, as_android, as_ios = "ignores-profile", "always-android-v3", "always-ios-v3"
    last = DAY_MS - 1
    rows: tuple[tuple[str, str, Question, str, tuple[str, ...], str], ...] = (
        ("max-rises-late", android, _asked(_at(last), _set(144), _at(last)), "f-10-end-of-the-list", (v3,), "F-10: the list is too short, an exception."),
        ("max-rises-early", android, _asked(_at(0), _set(144), _at(SLOT_MS)), "f-10-end-of-the-list", (), "F-10: the list is long enough, and its id right: a chain does not depend on max."),
        ("max-rises-late", ios, _asked(_at(last), _set(144), _at(last)), "f-10-end-of-the-list-on-ios", (v3,), "F-10: the app crashes."),
        ("max-rises-a-day-later", ios, _asked(_at(last), _set(144), _at(last + DAY_MS)), "f-10-end-of-the-list-on-ios", (), "F-10: the next day has a list of its own."),
        ("clock-set-back-a-day", android, _asked(_at(2 * DAY_MS), _at(DAY_MS)), "f-11-clock-set-back", (v3,), "F-11: tomorrow's list is used today."),
        ("clock-set-back-an-hour", android, _asked(_at(2 * DAY_MS - 1), _at(2 * DAY_MS - 4 * SLOT_MS)), "f-11-clock-set-back", (), "Within the day nothing is wrong."),
        ("clock-set-back-a-day", ios, _asked(_at(2 * DAY_MS), _at(DAY_MS), _at(3 * DAY_MS)), "f-11-clock-set-back-on-ios", (v3,), "F-11: until that day has passed."),
        ("clock-set-back-an-hour", ios, _asked(_at(2 * DAY_MS - 1), _at(2 * DAY_MS - 4 * SLOT_MS)), "f-11-clock-set-back-on-ios", (), "Within the day nothing is wrong."),
        ("read-again-after-midnight", android, _asked(_at(last, DAY_MS), _at(DAY_MS + _NOON)), "f-13-second-reading", (v3,), "F-13: yesterday's list, kept as today's."),
        ("read-again-before-midnight", android, _asked(_at(last - 1, last), _at(DAY_MS + _NOON)), "f-13-second-reading", (), "Two readings on one day do no harm."),
        ("read-again-after-midnight", ios, _asked(_at(last, DAY_MS), _at(2 * DAY_MS)), "f-13-second-reading-on-ios", (v3,), "F-13: until the day is over."),
        ("read-again-before-midnight", ios, _asked(_at(last - 1, last), _at(2 * DAY_MS)), "f-13-second-reading-on-ios", (), "Two readings on one day do no harm."),
        ("clock-before-the-base-day", android, _asked(_at(-DAY_MS), _at(0)), "f-12-clock", (v3,), "F-12: the ids of day 0, a day early."),
        ("clock-on-the-base-day", android, _asked(_at(0), _at(DAY_MS)), "f-12-clock", (), "Day 0 and day 1, as they should be."),
        ("max-7-new-list-at-the-end", android, _asked(_at(last), _set(7), _at(last + DAY_MS)), "f-02-new-or-kept-list", (as_ios, v3), "F-02: no id on the very call that makes the list."),
        ("max-7-kept-list-at-the-end", android, _asked(_set(7), _at(_NOON), _at(last)), "f-02-new-or-kept-list", (as_ios,), "F-02: an exception from a kept list."),
        ("max-1", android, _asked(_set(1), _at(_NOON)), "f-08-setting-of-1", (as_ios,), "F-08: no list, no id."),
        ("max-1", ios, _asked(_set(1), _at(_NOON)), "f-08-setting-of-1", (as_android,), "F-08: one id all day."),
        ("max-0", android, _asked(_set(0), _at(_NOON)), "f-08-setting-of-1", (), "A stored value below 1 means the default (executed)."),
        ("two-days", "v2", _asked(_at(0), _at(DAY_MS), _at(2 * DAY_MS)), "f-14b-over-midnight", (v3,), "F-14b: day 1 repeats day 0."),
        ("one-day", "v2", _asked(_at(0), _at(600_001)), "f-14b-over-midnight", (), "On day 0 nothing is behind: slots of ten minutes."),
        ("empty-base-id", ios, _asked(_at(0), _at(5 * DAY_MS), base_id=""), "f-15-empty-or-zero-base-id", (v3,), "F-15: the same ids every day."),
        ("zero-base-id", ios, _asked(_at(0), _at(5 * DAY_MS), base_id="00" * 32), "f-15-empty-or-zero-base-id", (), "A zero base id has other ids every day."),
    )  # fmt: skip
    for name, profile, question, boundary, kills, comment in rows:
        yield Draft(
            id=f"ids-over-time-{profile}-{name}",
            requirements=("KEY-007",) if "max-" in name and "f-10" not in boundary else ("KEY-009",),
            question=question,
            comment=comment,
            boundary=boundary,
            kills=kills,
            flags=("old-build-not-recognised",),
            profile=profile,
            evidence="executed"
            if profile == android and boundary[:4] in ("f-02", "f-08", "f-12")
            else "source",
        )
