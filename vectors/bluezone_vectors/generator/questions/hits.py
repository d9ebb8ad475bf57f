"""Questions of ``match`` about the ends of slots, to the millisecond (F-03, F-05)."""

from __future__ import annotations

from collections.abc import Iterator

from bluezone_vectors.generator.drafts import BASE_DAY_MS, DAY_MS, Draft

from .match import DAY_S, NEXT_IDS, SLOT_MS, ZERO_IDS, case, draft, message, record


def drafts() -> Iterator[Draft]:
    """Yield questions about records around both ends of slots, with the ids of both neighbours."""
    both = ("MAT-002", "MAT-003")
    none = ("MAT-003", "MAT-002")
    for slot in (0, 1, 23, 95):
        start_ms = slot * SLOT_MS
        end_ms = start_ms + SLOT_MS
        for name, since_ms, hit, kills in (
            ("1-ms-before", start_ms - 1, False, ("tolerant-matching",)),
            ("at-the-start", start_ms, True, ("open-start",)),
            ("1-ms-after-the-start", start_ms + 1, True, ("no-salt",)),
            ("1-ms-before-the-end", end_ms - 1, True, ("first-octets",)),
            ("at-the-end", end_ms, True, ("half-open-interval",)),
            ("1-ms-after-the-end", end_ms + 1, False, ("tolerant-matching", "seconds-matching")),
        ):
            yield draft(
                f"slot-{slot}-{name}",
                message(case()),
                record(ZERO_IDS[slot], since_ms),
                hits=(((0, 0, slot),) if hit else (),),
                requirements=(*(both if hit else none), *(("PRV-022",) if name == "at-the-end" else ())),
                boundary=f"{'start' if 'start' in name or name == '1-ms-before' else 'end'}-of-slot-{slot}-matched",
                kills=kills,
                flags=("missed-warning",) if hit else ("false-warning", "replay-window"),
                comment="Both ends of a slot match, and 1 ms outside is outside (F-03, F-05).",
                evidence="source",
            )
    yield draft(
        "boundary-with-both-ids",
        message(case()),
        record(ZERO_IDS[4], 5 * SLOT_MS),
        record(ZERO_IDS[5], 5 * SLOT_MS),
        hits=(((0, 0, 4), (1, 0, 5)),),
        requirements=both,
        boundary="boundary-of-two-slots",
        kills=("half-open-interval", "open-start"),
        comment="A boundary instant is valid for both neighbours (F-03).",
        evidence="source",
    )
    yield draft(
        "boundary-with-the-next-but-one",
        message(case()),
        record(ZERO_IDS[3], 5 * SLOT_MS),
        record(ZERO_IDS[6], 5 * SLOT_MS),
        hits=((),),
        requirements=none,
        boundary="boundary-of-two-slots",
        kills=("any-time-matching",),
        flags=("false-warning",),
        comment="And for no other.",
    )
    for name, rolling_id, since_ms, kills in (
        ("one-slot-early", ZERO_IDS[9], 8 * SLOT_MS + 1, ("empty-always", "skipped-subkey")),
        ("one-slot-late", ZERO_IDS[9], 11 * SLOT_MS - 1, ("any-time-matching",)),
        ("one-day-late", ZERO_IDS[9], DAY_MS + 9 * SLOT_MS + 1, ("any-time-matching", "constant-day-key")),
        ("one-day-early", NEXT_IDS[9], 9 * SLOT_MS + 1, ("rejects-always",)),
        ("9-s-late", ZERO_IDS[9], 10 * SLOT_MS + 9_000, ("any-time-matching", "tolerant-matching")),
        ("in-1970", ZERO_IDS[0], 1_596_844_800 - BASE_DAY_MS, ("milliseconds-in-cases",)),
        ("of-nobody", "00" * 12, 9 * SLOT_MS + 1, ("yes-always",)),
    ):
        yield draft(
            f"right-id-{name}" if name != "of-nobody" else "id-of-nobody",
            message(case(end_s=2 * DAY_S - 1)),
            record(rolling_id, since_ms),
            hits=((),),
            requirements=none,
            kills=kills,
            flags=("false-warning", "replay-window"),
            comment="A right id outside its slot was sent late, heard by a wrong clock, or sent again (F-05, F-28).",
            evidence="source",
        )
    for name, rssi, kills in (
        ("weak", -127, ("strong-signals-only",)),
        ("strong", 20, ("no-salt", "last-octets")),
        ("unknown", 127, ("milliseconds-in-cases",)),
    ):
        yield draft(
            f"signal-{name}",
            message(case()),
            record(ZERO_IDS[9], 9 * SLOT_MS + 1, rssi),
            hits=(((0, 0, 9),),),
            requirements=("MAT-002",),
            boundary="strength-has-no-part",
            kills=kills,
            comment="Neither strength nor duration has a part in matching.",
        )
    yield draft(
        "signal-of-nobody",
        message(case()),
        record(ZERO_IDS[8], 9 * SLOT_MS + SLOT_MS // 2, -20),
        hits=((),),
        requirements=none,
        boundary="strength-has-no-part",
        kills=("any-time-matching",),
        flags=("false-warning",),
        comment="A strong signal of the wrong slot is none.",
    )
