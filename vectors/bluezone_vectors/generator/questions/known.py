"""Questions from the known answers: values that came off real phones, or out of the published code as it ran."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from bluezone_vectors.generator.drafts import COUNTING, DAY_MS, PHONE_A, PHONE_B, ZERO, Draft
from bluezone_vectors.known_answers import KnownRollingId, known_published_day_keys, known_rolling_ids

_NAMES = {ZERO: "zero", COUNTING: "counting", PHONE_A: "phone-a", PHONE_B: "phone-b"}
# each set of questions finds other wrong chains, so that together they find all
_CHAINS = {
    "zero": "no-salt",
    "counting": "corrected-salt",
    "phone-a": "first-octets",
    "phone-b": "hex-text-hash",
}
_DAYS = {
    0: (),
    1: ("constant-day-key",),
    2: ("lagging-day-key",),
    13: ("hurried-day-key",),
    14: ("skipped-subkey",),
    365: ("salt-every-slot",),
}
_SLOTS = {
    24: "last-octets",
    48: "salt-first",
    144: "salt-every-slot",
    288: "lagging-day-key",
    1440: "first-octets",
}
_CAPTURED = {"phone-a": ("first-octets", "salt-first"), "phone-b": ("hex-text-hash", "skipped-subkey")}
_SEEN = ("no-salt", "corrected-salt", "salt-first", "first-octets", "last-octets", "hex-text-hash")
_PUBLISHED = {
    0: "rejects-always",
    13: "unclamped-published-key",
    14: "empty-always",
    15: "lagging-day-key",
    20: "constant-day-key",
    30: "published-key-of-today",
}


def derived() -> Iterator[Draft]:
    """Yield a question of ``derive_ids`` for each base id, ``max`` and day of which ids are known."""
    groups: dict[tuple[bytes, int, int, str], list[KnownRollingId]] = defaultdict(list)
    for known in known_rolling_ids():
        groups[known.base_id, known.max_per_day, known.day, known.evidence].append(known)
    for (base_id, max_per_day, day, evidence), some in groups.items():
        name = _NAMES[base_id.hex()]
        if evidence == "captured":
            kills: tuple[str, ...] = _CAPTURED[name]
        elif max_per_day == 96:
            kills = (_CHAINS[name], *_DAYS[day])
        else:
            kills = ("constant-day-key", _SLOTS[max_per_day])
        yield Draft(
            id=f"derive-ids-{evidence}-{name}-max-{max_per_day}-day-{day}",
            requirements=("KEY-004", "KEY-005", "KEY-003"),
            question={
                "base_id": base_id.hex(),
                "day": day,
                "max": max_per_day,
                "slots": [known.slot for known in some],
            },
            comment=f"Known ids of base id {name} on day {day}: {some[0].source}.",
            boundary=f"first-day-of-{name}" if evidence == "executed" and day < 2 else "",
            kills=kills,
            flags=("ids-match-nothing",),
            evidence=evidence,
            ok={"ids": [known.rolling_id.hex() for known in some]},
        )


def seen() -> Iterator[Draft]:
    """Yield two questions of ``id_at`` for each captured slot: when its id was first and last seen."""
    captured = [known for known in known_rolling_ids() if known.evidence == "captured"]
    for place, known in enumerate(captured):
        for which, time_ms, fault in zip(
            ("first", "last"), known.times_ms, ("slot-late", "slot-early"), strict=True
        ):
            yield Draft(
                id=f"id-at-{known.id}-{which}-seen",
                requirements=("KEY-006", "KEY-002", "KEY-004", "KEY-005"),
                question={
                    "base_id": known.base_id.hex(),
                    "base_day_ms": known.base_day_ms,
                    "time_ms": time_ms,
                },
                comment=f"When the id of slot {known.slot} was {which} seen as own id in the log of a real phone.",
                kills=(fault, _SEEN[place]),
                flags=("ids-match-nothing",),
                evidence="captured",
                ok={"id": known.rolling_id.hex(), "slot": known.slot, "day": known.day},
            )


def published() -> Iterator[Draft]:
    """Yield a question of ``published_key`` for each day key that the published code gave."""
    for known in known_published_day_keys():
        name, now_day = _NAMES[known.base_id.hex()], (known.now_ms - known.base_day_ms) // DAY_MS
        yield Draft(
            id=f"published-key-executed-{name}-on-day-{now_day}",
            requirements=("MSG-004", "KEY-003"),
            question={
                "base_id": known.base_id.hex(),
                "base_day_ms": known.base_day_ms,
                "now_ms": known.now_ms,
                "days": known.days_back,
            },
            comment=f"What {name} publishes on its day {now_day}: {known.source} (F-24 up to day 14).",
            boundary=f"fourteen-days-after-the-base-day-of-{name}",
            kills=(_PUBLISHED[now_day],),
            flags=("published-key-matches-nothing",),
            evidence="executed",
            ok={"day_key": known.day_key.hex(), "time_start_ms": known.time_start_ms},
        )
