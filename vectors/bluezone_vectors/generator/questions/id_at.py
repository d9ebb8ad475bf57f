"""Questions of ``id_at``: the rolling id of an instant, and when it is valid."""

from __future__ import annotations

from collections.abc import Iterator

from bluezone_vectors.generator.drafts import BASE_DAY_MS, DAY_MS, PHONE_A, Draft, Question, drawn

from .known import seen

_LOST = ("ids-match-nothing",)
_HOUR_MS = 3_600_000


def _asked(since_ms: int, base_id: str = PHONE_A, base_day_ms: int = BASE_DAY_MS, **more: object) -> Question:
    """Ask for an instant, counted from the midnight of the base day."""
    return {"base_id": base_id, "base_day_ms": base_day_ms, "time_ms": base_day_ms + since_ms, **more}


def drafts() -> Iterator[Draft]:
    """Yield all questions of this operation."""
    yield from seen()
    yield from _slot_starts()
    yield from _days()
    yield from _calendar()
    yield from _refused()
    yield from _builds()


def _slot_starts() -> Iterator[Draft]:
    for max_per_day, slot in (
        (96, 1), (96, 23), (96, 95), (2, 1), (3, 2), (24, 12), (25, 24), (144, 72), (256, 1), (256, 3),
        (1024, 511), (1440, 720), (84_375, 1), (84_375, 84_374), (86_400, 43_200),
    ):  # fmt: skip
        start_ms = slot * (DAY_MS // max_per_day)
        for which, since_ms, kills in (
            ("last-ms-before", start_ms - 1, ("boundary-early", "slot-early")),
            ("first-ms-of", start_ms, ("boundary-late", "slot-late")),
            ("second-ms-of", start_ms + 1, ("until-included",)),
        ):
            if which == "second-ms-of" and (max_per_day, slot) not in ((96, 23), (256, 1), (84_375, 1)):
                continue
            floating = which == "first-ms-of" and start_ms % 1000 != 0
            yield Draft(
                id=f"id-at-max-{max_per_day}-{which}-slot-{slot}",
                requirements=("KEY-006",),
                question=_asked(
                    since_ms, drawn("slot-starts"), **({} if max_per_day == 96 else {"max": max_per_day})
                ),
                comment=f"Slot {slot} of {max_per_day} begins {start_ms} ms after midnight, to the millisecond.",
                boundary=f"start-of-slot-{slot}-of-{max_per_day}",
                kills=(*kills, "rounded-slot") if floating else kills,
                flags=_LOST,
                ok={"slot": slot - (since_ms < start_ms)},
            )


def _days() -> Iterator[Draft]:
    for name, day, kills in (("first", 1, "lagging-day-key"), ("fourteenth", 14, "constant-day-key")):
        for before in (True, False):
            yield Draft(
                id=f"id-at-{'last-ms-before' if before else 'first-ms-after'}-the-{name}-midnight",
                requirements=("KEY-002", "KEY-003", "KEY-006"),
                question=_asked(day * DAY_MS - before, drawn("midnights")),
                comment="At midnight UTC the day key steps, and slot 0 begins.",
                boundary=f"{name}-midnight",
                kills=("boundary-early",) if before else ("boundary-late", kills),
                flags=_LOST,
                ok={"day": day - before, "slot": 95 if before else 0},
            )
    for name, since_ms in (("vietnam", 17 * _HOUR_MS), ("california", 7 * _HOUR_MS), ("nepal", 65_700_000)):
        for before in (True, False):
            yield Draft(
                id=f"id-at-{'last-ms-before' if before else 'first-ms-of'}-a-day-in-{name}",
                requirements=("KEY-002",),
                question=_asked(5 * DAY_MS + since_ms - before, drawn("local")),
                comment="Local midnight is no midnight: days are UTC days.",
                boundary=f"local-midnight-of-{name}",
                kills=("local-day", "boundary-early") if before else ("local-day", "boundary-late"),
                flags=_LOST,
                ok={"day": 5},
            )
    for name, day in (("last", 36_525), ("first-beyond-the-last", 36_526)):
        good = day == 36_525
        yield Draft(
            id=f"id-at-{name}-day",
            requirements=("KEY-003",),
            question=_asked(day * DAY_MS + (DAY_MS - 1 if good else 0), drawn("last")),
            comment="The last day is answered to its last millisecond.",
            boundary="end-of-the-last-day",
            kills=("slot-late",) if good else ("no-last-day",),
            flags=("endless-work",),
            reject="" if good else "DAY_OUT_OF_RANGE",
        )


def _calendar() -> Iterator[Draft]:
    for name, base_day_ms, since_ms, comment in (
        ("1970", 0, 900_000, "Times count from 1970, where a phone's clock may still stand."),
        ("a-leap-day", 1_709_164_800_000, DAY_MS, "29 February is a day like any other."),
        ("a-new-year", 1_609_372_800_000, DAY_MS, "A year ends like any other day."),
        ("a-leap-second", 1_483_142_400_000, DAY_MS, "Leap seconds do not exist: a day has 86 400 000 ms."),
        ("clocks-set-forward", 1_616_889_600_000, 2 * _HOUR_MS, "Summer time has no part in it."),
        ("2038", 2_147_472_000_000, 11_648_000, "Seconds beyond 31 bits."),
        ("2106", 4_294_944_000_000, 23_296_000, "Seconds beyond 32 bits."),
    ):  # fmt: skip
        for which, ms, kills in (("before", since_ms - 1, ("slot-early",)), ("at", since_ms, ("slot-late",))):
            if base_day_ms + ms < 0:
                continue
            yield Draft(
                id=f"id-at-{which}-{name}",
                requirements=("KEY-002", "KEY-006"),
                question=_asked(ms, drawn(name), base_day_ms, **({"max": 86_400} if "2" in name else {})),
                comment=comment,
                boundary=f"calendar-{name}",
                kills=kills,
                flags=_LOST,
            )


def _refused() -> Iterator[Draft]:
    for name, since_ms, kills in (
        ("last-ms-before", -1, ("before-base-day-ids",)),
        ("first-ms-of", 0, ("hurried-day-key", "right-ids-wrong-times")),
    ):
        yield Draft(
            id=f"id-at-{name}-the-base-day",
            requirements=("KEY-008", "KEY-002"),
            question=_asked(since_ms, drawn("refused")),
            comment="Before 00:00 UTC of the base day there is no id (F-12).",
            boundary="midnight-of-the-base-day",
            kills=kills,
            flags=("same-ids-on-two-days",),
            reject="BEFORE_BASE_DAY" if since_ms < 0 else "",
        )
    for name, since_ms, kills in (
        ("a-day-before", -DAY_MS, ("before-base-day-ids",)),
        ("years-before", -1_000 * DAY_MS, ("before-base-day-ids", "rejects-always")),
    ):
        yield Draft(
            id=f"id-at-{name}-the-base-day",
            requirements=("KEY-008",),
            question=_asked(since_ms, drawn("refused")),
            comment="A clock that was reset makes no ids of days that never were (F-12).",
            kills=kills,
            flags=("same-ids-on-two-days",),
            reject="BEFORE_BASE_DAY",
        )
    for max_per_day, other, kills in (
        (97, 96, ("any-max",)),
        (1, 2, ("any-max",)),
        (0, 4, ("default-for-bad-max",)),
    ):
        for value in (max_per_day, other):
            yield Draft(
                id=f"id-at-with-max-{value}",
                requirements=("KEY-007",),
                question=_asked(40_000_000, drawn("refused"), max=value),
                comment="A max that is not allowed is refused, not replaced.",
                boundary=f"max-{max_per_day}-or-{other}",
                kills=kills if value == max_per_day else ("slot-early",),
                flags=("platforms-disagree",),
                reject="BAD_MAX" if value == max_per_day else "",
            )
    for octets, kills in ((0, ("any-base-id",)), (31, ("empty-always",)), (32, ("no-salt",))):
        yield Draft(
            id=f"id-at-base-id-of-{octets}-octets",
            requirements=("KEY-001",),
            question=_asked(40_000_000, drawn("refused", octets)),
            comment="A base id has 32 octets.",
            boundary="id-at-of-32-octets",
            kills=kills,
            flags=("guessable-ids",),
            reject="" if octets == 32 else "BAD_BASE_ID",
        )


def _builds() -> Iterator[Draft]:
    """Ask what the chapter's table gives for ``max`` 7, and for other differences of the builds."""
    android, ios = "android-v3", "ios-v3"
    v3, as_android, as_ios = "ignores-profile", "always-android-v3", "always-ios-v3"
    rows = (
        (android, 7, 12_342_856, 0, "max-7-slot-1", (v3,)),
        (android, 7, 12_342_857, 1, "max-7-slot-1", (as_ios,)),
        (ios, 7, 12_342_999, 0, "max-7-slot-1", (as_android,)),
        (ios, 7, 12_343_000, 1, "max-7-slot-1", (as_android, v3)),
        (android, 7, 24_685_714, 2, "max-7-slot-2", (as_ios, v3)),
        (ios, 7, 24_685_714, 1, "max-7-slot-2", (as_android, v3)),
        (ios, 7, 24_686_000, 2, "max-7-slot-2", (v3,)),
        (android, 7, 74_057_142, 6, "max-7-slot-6", (as_ios, v3)),
        (ios, 7, 74_057_142, 5, "max-7-slot-6", (as_android, v3)),
        (ios, 7, 74_058_000, 6, "max-7-slot-6", (v3,)),
        (android, 7, 86_399_998, 6, "max-7-end", (v3,)),
        (android, 7, 86_399_999, None, "max-7-end", (as_ios, v3)),
        (ios, 7, 86_399_998, 6, "max-7-end", ()),
        (android, 11, 86_399_994, 10, "max-11-end", (v3,)),
        (android, 11, 86_399_995, None, "max-11-end", (as_ios, v3)),
        (android, 97, 86_399_936, 96, "max-97-end", (v3,)),
        (android, 97, 86_399_937, None, "max-97-end", (as_ios, v3)),
        (ios, 256, 337_500, 0, "max-256-slot-1", (as_android, v3)),
        (ios, 256, 337_999, 0, "max-256-slot-1", (as_android,)),
        (ios, 256, 338_000, 1, "max-256-slot-1", (v3,)),
    )
    for profile, max_per_day, since_ms, slot, place, kills in rows:
        yield Draft(
            id=f"id-at-{profile}-max-{max_per_day}-at-{since_ms}",
            requirements=("KEY-006", "KEY-007"),
            question=_asked(since_ms, max=max_per_day),
            comment="F-02: Android cuts the slot length to whole ms, iOS divides whole seconds by a floating one.",
            boundary=f"f-02-{place}",
            kills=kills,
            flags=("platforms-disagree", "old-build-not-recognised"),
            profile=profile,
            evidence="executed" if slot is None else "source",
            failure="exception" if slot is None else "",
            ok=None if slot is None else {"slot": slot},
        )
    for profile, since_ms, day in (
        (android, -1, -1), (android, 0, 0), (ios, -1, -1), (ios, 0, 0), ("v2", DAY_MS - 1, 0), ("v2", DAY_MS, 1),
    ):  # fmt: skip
        yield Draft(
            id=f"id-at-{profile}-{'before-the-base-day' if day < 0 else f'day-{day}'}",
            requirements=("KEY-003",) if profile == "v2" else ("KEY-008",),
            question=_asked(since_ms),
            comment="F-12: the base id serves before its day; F-14b: v2 stays a step behind from day 1 on.",
            boundary=f"f-14b-{profile}-midnight" if profile == "v2" else f"f-12-{profile}-midnight",
            kills=(v3,) if day < 0 or (profile, day) == ("v2", 1) else (),
            flags=("old-build-not-recognised",),
            profile=profile,
            evidence="executed" if profile == android else "source",
            ok={"day": day},
        )
    yield Draft(
        id="id-at-v1",
        requirements=("KEY-004",),
        question=_asked(0),
        comment="The first generation has one static id and no key schedule.",
        kills=("ignores-profile", "always-ios-v3"),
        flags=("old-build-not-recognised",),
        profile="v1",
        evidence="source",
        reject="NO_KEY_SCHEDULE",
    )
