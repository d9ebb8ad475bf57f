"""Questions of ``derive_ids``: the ids of some slots of one day."""

from __future__ import annotations

from collections.abc import Iterator

from bluezone_vectors.generator.drafts import COUNTING, PHONE_A, ZERO, Draft, Question, drawn

from .known import derived

_LOST = ("ids-match-nothing",)


def _asked(slots: tuple[int, ...] = (0,), day: int = 0, base_id: str = ZERO, **more: object) -> Question:
    return {"base_id": base_id, "day": day, **more, "slots": list(slots)}


def drafts() -> Iterator[Draft]:
    """Yield all questions of this operation."""
    yield from derived()
    yield from _base_ids()
    yield from _days()
    yield from _slots()
    yield from _maxima()
    yield from _bad_maxima()
    yield from _builds()


def _base_ids() -> Iterator[Draft]:
    kills: tuple[str, ...]
    for octets, kills in ((31, ("empty-always",)), (32, ("rejects-always",)), (33, ())):
        good = octets == 32
        yield Draft(
            id=f"derive-ids-base-id-of-{octets}-octets",
            requirements=("KEY-001",),
            question=_asked((0, 95), base_id=(drawn("base") + drawn("more"))[: 2 * octets]),
            comment=f"A base id of {octets} octets is {'one' if good else 'none'}.",
            boundary="base-id-of-32-octets",
            kills=kills,
            flags=("guessable-ids",),
            reject="" if good else "BAD_BASE_ID",
        )
    for name, base_id, boundary, kills in (
        ("empty", "", "base-id-of-32-octets", ("any-base-id",)),
        ("of-one-octet", "a5", "", ("any-base-id", "empty-always")),
        ("of-16-octets", drawn("half", 16), "base-id-of-32-octets", ("any-base-id", "empty-always")),
        ("of-64-octets", drawn("base") + drawn("more"), "", ("any-base-id",)),
    ):
        yield Draft(
            id=f"derive-ids-base-id-{name}",
            requirements=("KEY-001",),
            question=_asked((0, 95), base_id=base_id),
            comment=f"A base id {name.replace('-', ' ')} is none: everybody would have its ids (F-15).",
            boundary=boundary,
            kills=kills,
            flags=("guessable-ids",),
            reject="BAD_BASE_ID",
        )
    yield Draft(
        id="derive-ids-weak-base-id-is-computed-with",
        requirements=("KEY-001", "KEY-004"),
        question=_asked((0, 1), base_id="ff" * 32),
        comment="A weak base id of 32 octets is a finding, not an error of form.",
        kills=("rejects-always", "salt-first"),
    )


def _days() -> Iterator[Draft]:
    for day, kills, reject in (
        (-1, ("before-base-day-ids",), "BEFORE_BASE_DAY"),
        (0, ("hurried-day-key",), ""),
        (1, ("lagging-day-key",), ""),
    ):
        yield Draft(
            id=f"derive-ids-day-{day}".replace("--", "-before-"),
            requirements=("KEY-008",) if day < 0 else ("KEY-003", "KEY-002"),
            question=_asked((0, 95), day, drawn("days")),
            comment="The base day is day 0 and has the base id as its day key; no day before it has any.",
            boundary="base-day",
            kills=kills,
            flags=("same-ids-on-two-days",),
            reject=reject,
        )
    for day, kills, reject in (
        (36_525, ("constant-day-key",), ""),
        (36_526, ("no-last-day",), "DAY_OUT_OF_RANGE"),
    ):
        yield Draft(
            id=f"derive-ids-day-{day}",
            requirements=("KEY-003",),
            question=_asked((0,), day, drawn("days")),
            comment="A hundred years are answered, and not a day more.",
            boundary="last-day",
            kills=kills,
            flags=("endless-work",),
            reject=reject,
        )
    yield Draft(
        id="derive-ids-day-of-nine-digits",
        requirements=("KEY-003", "MSG-006"),
        question=_asked((0,), 999_999_999, drawn("days")),
        comment="A wrong date must not cost a thousand million hashes.",
        kills=("empty-always",),
        flags=("endless-work",),
        reject="DAY_OUT_OF_RANGE",
    )
    yield Draft(
        id="derive-ids-days-before-the-base-day",
        requirements=("KEY-008",),
        question=_asked((0, 95), -400, drawn("days")),
        comment="A year and a month before the base day there is no id either (F-12).",
        kills=("before-base-day-ids", "empty-always"),
        flags=("same-ids-on-two-days",),
        reject="BEFORE_BASE_DAY",
    )


def _slots() -> Iterator[Draft]:
    for slot, kills, reject in ((-1, ("wrapped-slot",), "BAD_SLOT"), (0, ("skipped-subkey",), "")):
        yield Draft(
            id="derive-ids-slot-before-the-first" if slot else "derive-ids-first-slot",
            requirements=("KEY-006",),
            question=_asked((slot,), 3, drawn("slots")),
            comment="Slots are counted from 0.",
            boundary="first-slot",
            kills=kills,
            flags=_LOST,
            reject=reject,
        )
    yield Draft(
        id="derive-ids-slots-in-the-order-asked-for",
        requirements=("KEY-004",),
        question=_asked((95, 0, 47, 1), 5, drawn("slots")),
        comment="The answer has the order of the question, not that of the day.",
        kills=("lagging-day-key",),
    )
    yield Draft(
        id="derive-ids-a-slot-asked-for-twice",
        requirements=("KEY-004",),
        question=_asked((7, 7, 6), 5, drawn("slots")),
        comment="Each slot asked for is answered, a repeated one too.",
        kills=("salt-every-slot",),
    )
    yield Draft(
        id="derive-ids-all-slots-of-a-day",
        requirements=("KEY-004", "KEY-005", "KEY-006"),
        question=_asked(tuple(range(96)), 2, PHONE_A),
        comment="All 96 ids of a day, all different.",
        kills=("last-octets", "lagging-day-key"),
        flags=_LOST,
    )
    yield Draft(
        id="derive-ids-same-slots-whatever-max-is",
        requirements=("KEY-004",),
        question=_asked((0, 1, 23), 2, PHONE_A, max=24),
        comment="The chain of a day does not depend on max, only its length does.",
        kills=("last-octets", "hurried-day-key"),
    )
    yield Draft(
        id="derive-ids-default-max",
        requirements=("KEY-006",),
        question=_asked((95,), 1, COUNTING),
        comment="Without max a day has 96 slots, so that slot 95 is its last.",
        boundary="default-max",
        kills=("rejects-always",),
    )
    yield Draft(
        id="derive-ids-beyond-the-default-max",
        requirements=("KEY-006",),
        question=_asked((96,), 1, COUNTING),
        comment="Without max a day has 96 slots, so that there is no slot 96.",
        boundary="default-max",
        kills=("wrapped-slot",),
        reject="BAD_SLOT",
    )


def _maxima() -> Iterator[Draft]:
    for max_per_day in (2, 3, 24, 25, 144, 256, 1440, 84_375, 86_400):
        for slot, kills in ((max_per_day - 1, ("no-salt",)), (max_per_day, ("wrapped-slot",))):
            last = slot < max_per_day
            yield Draft(
                id=f"derive-ids-max-{max_per_day}-{'last-slot' if last else 'beyond-the-last-slot'}",
                requirements=("KEY-007", "KEY-006") if last else ("KEY-006",),
                question=_asked((slot,), 1, drawn("maxima"), max=max_per_day),
                comment=f"With max {max_per_day} the last slot is {max_per_day - 1}.",
                boundary=f"last-slot-of-max-{max_per_day}",
                kills=kills,
                flags=_LOST if last else (),
                reject="" if last else "BAD_SLOT",
            )


def _bad_maxima() -> Iterator[Draft]:
    for name, value, boundary, kills in (
        ("1", 1, "least-max", ("any-max",)),
        ("2", 2, "least-max", ("rejects-always",)),
        ("86400", 86_400, "greatest-max", ("rejects-always",)),
        ("86401", 86_401, "greatest-max", ("any-max",)),
        ("90000-divides-the-day-and-is-too-great", 90_000, "greatest-max", ("empty-always",)),
        ("6", 6, "divides-the-day-near-7", ("rejects-always",)),
        ("7", 7, "divides-the-day-near-7", ("any-max",)),
        ("8", 8, "divides-the-day-near-7", ("no-salt",)),
        ("11", 11, "divides-the-day-near-11", ("any-max",)),
        ("12", 12, "divides-the-day-near-11", ("rejects-always",)),
        ("96", 96, "divides-the-day-near-97", ("rejects-always",)),
        ("97", 97, "divides-the-day-near-97", ("any-max",)),
        ("0", 0, "", ("default-for-bad-max",)),
        ("below-0", -96, "", ("default-for-bad-max", "empty-always")),
        ("of-the-day-in-ms", 86_400_000, "", ("any-max", "empty-always")),
        ("beyond-the-day-in-ms", 86_400_001, "", ("any-max", "default-for-bad-max")),
        ("of-53-bits", 2**53 - 1, "", ("default-for-bad-max", "rejects-always")),
        ("text", "96", "max-is-an-integer", ("default-for-bad-max",)),
        ("empty-text", "", "max-is-an-integer", ("default-for-bad-max", "rejects-always")),
        ("true", True, "max-is-an-integer", ("default-for-bad-max", "empty-always")),
        ("a-fraction", 96.5, "max-is-an-integer", ("default-for-bad-max", "empty-always", "rejects-always")),
        ("an-integer", 48, "max-is-an-integer", ("no-salt",)),
        ("a-list", [96], "max-is-an-integer", ()),
    ):
        bad = type(value) is not int or not 2 <= value <= 86_400 or 86_400_000 % value != 0
        yield Draft(
            id=f"derive-ids-max-is-{name}",
            requirements=("KEY-007",),
            question=_asked((0, 1), 1, drawn("bad-maxima"), max=value),
            comment="max is an integer from 2 to 86 400 that divides the day; in a question any other is refused.",
            boundary=boundary,
            kills=kills,
            flags=("platforms-disagree",) if bad else (),
            reject="BAD_MAX" if bad else "",
        )


def _builds() -> Iterator[Draft]:
    android, ios, v2 = "android-v3", "ios-v3", "v2"
    v3, as_android, as_ios = "ignores-profile", "always-android-v3", "always-ios-v3"
    rows: tuple[tuple[str, str, Question, str, str, tuple[str, ...], str], ...] = (
        ("max-7", android, _asked((0, 6), 1, PHONE_A, max=7), "KEY-007", "", (v3,), "F-02"),
        ("max-7-slot-7", android, _asked((7,), 1, PHONE_A, max=7), "KEY-006", "BAD_SLOT", (), "F-02"),
        ("max-1", android, _asked((0,), 1, PHONE_A, max=1), "KEY-007", "no id", (as_ios,), "F-08"),
        ("max-1", ios, _asked((0,), 1, PHONE_A, max=1), "KEY-007", "", (as_android,), "F-08"),
        ("max-0", android, _asked((95,), 1, PHONE_A, max=0), "KEY-007", "", (v3,), "F-08"),
        ("day-before-the-base-day", android, _asked((0, 1), -1, PHONE_A), "KEY-008", "", (v3,), "F-12"),
        ("base-day", android, _asked((0, 2), 0, PHONE_A), "KEY-008", "", (), "F-12"),
        ("before-the-base-day", ios, _asked((0, 1), -3, PHONE_A), "KEY-008", "", (v3,), "F-12"),
        ("base-day", ios, _asked((0, 2), 0, PHONE_A), "KEY-008", "", (), "F-12"),
        ("before-the-base-day", v2, _asked((0, 1), -3, PHONE_A), "KEY-008", "", (v3,), "F-12"),
        ("base-day", v2, _asked((0, 2), 0, PHONE_A), "KEY-008", "", (), "F-12"),
        ("last-slot-by-default", v2, _asked((143,), 0, PHONE_A), "KEY-006", "", (as_android,), "F-14b"),
        ("beyond-the-default-max", v2, _asked((144,), 0, PHONE_A), "KEY-006", "BAD_SLOT", (), "F-14b"),
        ("day-1-repeats-day-0", v2, _asked((0, 1), 1, PHONE_A), "KEY-003", "", (as_android, v3), "F-14b"),
        ("day-2", v2, _asked((0, 1), 2, PHONE_A), "KEY-003", "", (as_ios, v3), "F-14b"),
        ("empty-base-id", ios, _asked((0, 95), 0, ""), "KEY-001", "", (as_android, v3), "F-15"),
        ("empty-base-id-a-day-later", ios, _asked((0, 95), 1, ""), "KEY-001", "", (v3,), "F-15"),
        ("empty-base-id", android, _asked((0, 2), 0, ""), "KEY-001", "BAD_BASE_ID", (as_ios,), "F-15"),
        (
            "no-key-schedule",
            "v1",
            _asked((0, 2), 0, PHONE_A),
            "KEY-004",
            "NO_KEY_SCHEDULE",
            (v3, as_android, as_ios),
            "F-22",
        ),
    )
    boundaries = {
        "F-02": "f-02-slots-of-max-7",
        "F-08": "f-08-one-slot-a-day",
        "F-15": "f-15-empty-base-id",
    }
    for name, profile, question, requirement, outcome, kills, fault in rows:
        boundary = boundaries.get(fault, "")
        if fault == "F-12":
            boundary = f"f-12-base-day-of-{profile}"
        elif fault == "F-14b":
            boundary = "f-14b-day-key" if "day-" in name else "f-14b-default-max"
        yield Draft(
            id=f"derive-ids-{profile}-{name}",
            requirements=(requirement,),
            question=question,
            comment=f"What the published build does with it: {fault}.",
            boundary=boundary,
            kills=kills,
            flags=("old-build-not-recognised",),
            profile=profile,
            evidence="executed" if fault in ("F-12", "F-08") and profile == android else "source",
            reject=outcome if outcome.isupper() else "",
            failure="" if outcome.isupper() else outcome,
        )
