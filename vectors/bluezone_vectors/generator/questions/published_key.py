"""Questions of ``published_key``: which day key an upload publishes."""

from __future__ import annotations

from collections.abc import Iterator

from bluezone_vectors.generator.drafts import BASE_DAY_MS, DAY_MS, Draft, Question, drawn

from .known import published

_FLAGS = ("published-key-matches-nothing",)


def _asked(since_ms: int, base_id: str = "", **more: object) -> Question:
    """Ask for an upload at an instant, counted from the midnight of the base day."""
    return {
        "base_id": base_id or drawn("published"),
        "base_day_ms": BASE_DAY_MS,
        "now_ms": BASE_DAY_MS + since_ms,
        **more,
    }


def drafts() -> Iterator[Draft]:
    """Yield all questions of this operation."""
    kills: tuple[str, ...]
    yield from published()
    for days, now_day in ((14, 15), (14, 31), (1, 2), (7, 20), (21, 40)):
        for before in (True, False):
            yield Draft(
                id=f"published-key-{days}-days-ago-{'before' if before else 'at'}-midnight-of-day-{now_day}",
                requirements=("MSG-004",),
                question=_asked(now_day * DAY_MS - before, days=days),
                comment="The day is that of now less the days asked for: it changes at midnight UTC.",
                boundary=f"midnight-of-day-{now_day}-less-{days}",
                kills=("published-key-of-today",) if before else ("constant-day-key",),
                flags=_FLAGS,
                ok={"day": now_day - days - before},
            )
    for days, kills in (
        (9, ("lagging-day-key",)),
        (10, ("published-key-of-today",)),
        (11, ("unclamped-published-key",)),
    ):
        yield Draft(
            id=f"published-key-of-{days}-days-on-day-10",
            requirements=("MSG-004",),
            question=_asked(10 * DAY_MS + 5, days=days),
            comment="A young install publishes its base id, and no day before the base day (F-24).",
            boundary="clamped-to-the-base-day",
            kills=kills,
            flags=_FLAGS,
            ok={"day": max(0, 10 - days)},
        )
    for name, question, day, kills in (
        ("no-days", _asked(20 * DAY_MS, days=0), 20, ("lagging-day-key", "hex-text-hash")),
        ("one-day", _asked(20 * DAY_MS, days=1), 19, ("published-key-of-today", "hex-text-hash")),
    ):
        yield Draft(
            id=f"published-key-{name}",
            requirements=("MSG-004",),
            question=question,
            comment="The days asked for count, and none is today.",
            boundary="no-days-or-one",
            kills=kills,
            flags=("uploads-too-much",),
            ok={"day": day},
        )
    for name, question, kills in (
        ("default", _asked(20 * DAY_MS), ("published-key-of-today", "constant-day-key")),
        (
            "default-said",
            _asked(20 * DAY_MS, drawn("said"), days=14),
            ("constant-day-key", "lagging-day-key", "published-base-id"),
        ),
    ):
        yield Draft(
            id=f"published-key-{name}-of-14-days",
            requirements=("MSG-004",),
            question=question,
            comment="Where nobody says how many days, 14 are meant.",
            kills=kills,
            flags=("uploads-too-much",),
            ok={"day": 6},
        )
    for name, since_ms, kills in (
        ("on-the-base-day", 0, ("unclamped-published-key", "hurried-day-key")),
        ("before-the-base-day", -1, ("unclamped-published-key",)),
    ):
        yield Draft(
            id=f"published-key-{name}",
            requirements=("MSG-004",),
            question=_asked(since_ms, drawn(name)),
            comment="On the base day, and by a clock before it, the base id is published (F-24).",
            boundary="upload-at-the-base-day",
            kills=kills,
            flags=_FLAGS,
            ok={"day": 0, "day_key": drawn(name), "time_start_ms": BASE_DAY_MS},
        )
    yield from _refused()


def _refused() -> Iterator[Draft]:
    for day, kills in ((36_525, ("constant-day-key",)), (36_526, ())):
        yield Draft(
            id=f"published-key-of-day-{day}",
            requirements=("KEY-003", "MSG-004"),
            question=_asked((day + 14) * DAY_MS, days=14),
            comment="The last day that is answered is day 36 525.",
            boundary="last-day-published",
            kills=kills,
            flags=("endless-work",),
            reject="" if day == 36_525 else "DAY_OUT_OF_RANGE",
        )
    for octets, kills in ((0, ("empty-always",)), (31, ()), (32, ("rejects-always",))):
        yield Draft(
            id=f"published-key-base-id-of-{octets}-octets",
            requirements=("KEY-001", "MSG-004"),
            question={**_asked(20 * DAY_MS, days=14), "base_id": drawn("octets", octets)},
            comment="A base id has 32 octets.",
            boundary="published-of-32-octets",
            kills=kills,
            flags=("guessable-ids",),
            reject="" if octets == 32 else "BAD_BASE_ID",
        )
