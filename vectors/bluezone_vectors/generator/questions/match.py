"""Questions of ``match``: which records are hits of which cases."""

# a table has a row a line, however long
# ruff: noqa: E501

from __future__ import annotations

import json
from collections.abc import Iterator
from hashlib import sha256
from typing import Unpack

from bluezone_vectors.generator.drafts import BASE_DAY_MS, DAY_MS, PHONE_A, ZERO, Draft, More
from bluezone_vectors.generator.key_schedule import ids_from

SLOT_MS = 900_000
START_S = BASE_DAY_MS // 1000
DAY_S = 86_400
ZERO_IDS = ids_from(bytes(32), 96)
NEXT_IDS = ids_from(sha256(bytes(32)).digest(), 96)

Record = dict[str, object]


def case(
    key: str = ZERO, start_s: int = 0, end_s: int = DAY_S - 1, max_per_day: object = 96
) -> dict[str, object]:
    """Return a case, its times in seconds since the midnight of the base day."""
    return {
        "daily_key": key,
        "time_start": START_S + start_s,
        "time_end": START_S + end_s,
        "max": max_per_day,
    }


def message(*cases: object, **more: object) -> str:
    """Return a message of positive cases."""
    return json.dumps({"data": list(cases), **more})


def record(contact_id: str, since_ms: int, rssi: int = -75) -> Record:
    """Return a record of a contact id, its time counted from the midnight of the base day."""
    return {
        "own_id": "29abd013b41c90269332ab5d",
        "contact_id": contact_id,
        "rssi": rssi,
        "time_ms": BASE_DAY_MS + since_ms,
    }


def draft(
    name: str,
    text: str,
    *records: Record,
    hits: tuple[tuple[tuple[int, int, int], ...], ...] | None = None,
    **more: Unpack[More],
) -> Draft:
    """Return a draft whose author says the hits of each case: record, day, slot."""
    expected = None
    if hits is not None:
        cases = [
            {"contact": bool(some), "hits": [{"record": r, "day": d, "slot": s} for r, d, s in some]}
            for some in hits
        ]
        expected = {"contact": any(hits), "cases": cases}
    question: dict[str, object] = {"message": text, "records": list(records)}
    more.setdefault("flags", ("missed-warning",))
    return Draft(id=f"match-{name}", question=question, ok=expected, **more)


def drafts() -> Iterator[Draft]:
    """Yield all questions of this operation."""
    yield from _expansion()
    yield from _no_slots_of_a_case()
    yield from _ends_of_cases()
    yield from _anchors()
    yield from _many()


def _expansion() -> Iterator[Draft]:
    for max_per_day, slot in (
        (2, 1),
        (24, 23),
        (96, 95),
        (144, 143),
        (256, 255),
        (1440, 1439),
        (86_400, 86_399),
    ):
        length_ms = DAY_MS // max_per_day
        ids = ids_from(bytes(32), max_per_day)
        for name, day, which, since_ms, rolling_id, kills in (
            ("last-slot", 0, slot, slot * length_ms, ids[slot], ("no-salt",)),
            ("next-day", 1, 0, DAY_MS, NEXT_IDS[0], ("constant-day-key",)),
        ):
            # a whole day of a second's slots costs time enough: the next day is asked for elsewhere
            if max_per_day == 86_400 and day:
                which, since_ms, rolling_id, day = 0, 0, ids[0], 0
            yield draft(
                f"max-{max_per_day}-{name}",
                message(
                    case(end_s=2 * DAY_S - 1 if max_per_day < 86_400 else DAY_S - 1, max_per_day=max_per_day)
                ),
                record(rolling_id, since_ms + 1 if max_per_day < 86_400 else since_ms),
                hits=(((0, day, which),),),
                requirements=("MAT-001",),
                boundary=f"last-slot-of-a-day-of-{max_per_day}",
                kills=kills if not (max_per_day == 86_400 and name == "next-day") else ("first-octets",),
                comment=f"A day of {max_per_day} slots, then the day key steps.",
            )
    for day in (2, 13, 14, 365, 399):
        key = bytes.fromhex(PHONE_A)
        for _ in range(day):
            key = sha256(key).digest()
        yield draft(
            f"day-{day}-of-a-case",
            message(case(PHONE_A, end_s=(day + 1) * DAY_S - 1)),
            record(ids_from(key, 96)[95], (day + 1) * DAY_MS - 1),
            hits=(((0, day, 95),),),
            requirements=("MAT-001",),
            kills={
                2: ("constant-day-key", "first-octets", "milliseconds-in-cases"),
                13: ("constant-day-key", "last-octets", "whole-slots-only"),
                14: ("constant-day-key", "corrected-salt"),
                365: ("constant-day-key", "salt-first", "whole-slots-only"),
                399: ("constant-day-key", "hex-text-hash"),
            }[day],
            comment=f"The day key has stepped {day} times.",
            evidence="executed" if day in (2, 13, 14, 365) else "inferred",
        )
    yield draft(
        "captured-record",
        message(case(PHONE_A)),
        record("b9a665d754fe65e665d76a45", 21_391_387),
        hits=(((0, 0, 23),),),
        requirements=("MAT-001", "MAT-002"),
        kills=("milliseconds-in-cases", "no-salt"),
        comment="What a second phone would have recorded of the first captured one.",
        evidence="captured",
    )
    yield draft(
        "captured-message-of-36-days",
        message(case(PHONE_A, end_s=3_155_200)),
        record("b9a665d754fe65e665d76a45", 21_391_387),
        hits=(((0, 0, 23),),),
        requirements=("MAT-006", "MAT-001"),
        kills=("corrected-salt",),
        comment="The researcher's message of 2020-08-08 spans 36.5 days and was accepted.",
        evidence="captured",
    )


def _no_slots_of_a_case() -> Iterator[Draft]:
    # ids that a receiver would find which took its own max, or stepped the subkey past the day's last slot
    for name, max_per_day, contact_id, since_ms, boundary, kills, comment in (
        ("max-192-at-the-time-of-96", 192, ZERO_IDS[50], 50 * SLOT_MS, "", ("own-max", "any-time-matching"), "Slot 50 of 192 is over when slot 50 of 96 begins."),
        ("max-48-id-of-slot-50", 48, ZERO_IDS[50], 50 * SLOT_MS, "", ("own-max",), "A case of 48 slots a day has no slot 50."),
        ("subkey-past-the-day", 96, ids_from(bytes(32), 97)[96], DAY_MS + 1, "last-slot-of-a-day-of-96", ("yes-always",), "The 97th subkey of a day key of 96 slots is no slot's."),
    ):  # fmt: skip
        yield draft(
            name,
            message(case(end_s=2 * DAY_S - 1, max_per_day=max_per_day)),
            record(contact_id, since_ms),
            hits=((),),
            requirements=("MAT-001",),
            boundary=boundary,
            kills=kills,
            flags=("false-warning",),
            comment=comment,
        )


def _ends_of_cases() -> Iterator[Draft]:
    for name, end_s, slot, day in (("slot-12", 12 * 900, 12, 0), ("midnight", DAY_S, 0, 1)):
        rolling_id = (NEXT_IDS if day else ZERO_IDS)[slot]
        start_ms = day * DAY_MS + slot * SLOT_MS
        for which, offset_s, since_ms, hit, kills in (
            ("1-s-before", -1, start_ms, False, ()),
            ("at", 0, start_ms, True, ("no-slot-at-end",)),
            ("at-and-15-minutes-more", 0, start_ms + SLOT_MS, True, ("whole-slots-only",)),
            ("1-s-after", 1, start_ms, True, ("no-salt",)),
        ):
            yield draft(
                f"end-{which}-{name}",
                message(case(end_s=end_s + offset_s)),
                record(rolling_id, since_ms),
                hits=(((0, day, slot),) if hit else (),),
                requirements=("MAT-004", *(("PRV-023",) if "minutes" in which else ())),
                boundary=f"time-end-at-{name}",
                kills=kills,
                flags=("missed-warning",) if hit else ("false-warning",),
                comment="A slot is tested, in full, if it begins no later than time_end (F-04).",
                evidence="executed",
            )
    for name, since_ms, rolling_id, hits, kills in (
        ("first-slot", 0, ZERO_IDS[0], ((0, 0, 0),), ("no-slot-at-end",)),
        ("second-slot", SLOT_MS, ZERO_IDS[1], (), ("skipped-subkey",)),
    ):
        yield draft(
            f"end-is-start-{name}",
            message(case(end_s=0)),
            record(rolling_id, since_ms),
            hits=(hits,),
            requirements=("MAT-004",),
            boundary="case-of-one-slot",
            kills=kills,
            comment="With time_end = time_start exactly one slot is tested.",
        )
    for name, end_s, hits, kills in (
        ("97-slots", DAY_S, ((0, 1, 0),), ("no-slot-at-end",)),
        ("96-slots", DAY_S - 1, (), ()),
    ):
        yield draft(
            f"whole-day-of-{name}",
            message(case(end_s=end_s)),
            record(NEXT_IDS[0], DAY_MS + 5),
            record(NEXT_IDS[1], DAY_MS + SLOT_MS + 5),
            hits=(hits,),
            requirements=("MAT-004",),
            boundary="a-whole-day",
            kills=kills,
            comment="The end of a day names the first slot of the next, and no more.",
            evidence="executed",
        )


def _anchors() -> Iterator[Draft]:
    for name, contact_id, since_ms, hits, kills in (
        (
            "anchored-id",
            ZERO_IDS[0],
            3_600_000,
            ((0, 0, 0),),
            ("anchored-at-midnight", "midnight-starts-only"),
        ),
        ("sent-id", ZERO_IDS[4], 3_600_000, (), ("yes-always",)),
        ("last-anchored-id", ZERO_IDS[4], 7_200_000, ((0, 0, 4),), ("anchored-at-midnight", "no-salt")),
    ):
        yield draft(
            f"start-at-one-o-clock-{name}",
            message(case(start_s=3_600, end_s=7_200)),
            record(contact_id, since_ms),
            hits=(hits,),
            requirements=("MAT-007", "MAT-001"),
            boundary="start-that-is-not-midnight",
            kills=kills,
            comment="Slots are anchored at time_start, midnight or not (F-06).",
            level="SHOULD",
            evidence="executed",
        )
    for name, slot, hits, kills in (
        ("95", 95, ((0, 0, 95),), ("anchored-at-midnight",)),
        ("96", 96, ((0, 1, 0),), ("anchored-at-midnight", "constant-day-key")),
    ):
        yield draft(
            f"start-at-noon-slot-{name}",
            message(case(start_s=43_200, end_s=3 * DAY_S)),
            record(NEXT_IDS[0] if slot == 96 else ZERO_IDS[95], DAY_MS // 2 + slot * SLOT_MS + 1),
            hits=(hits,),
            requirements=("MAT-001", "MAT-007"),
            boundary="day-that-begins-at-noon",
            kills=kills,
            comment="The day key steps after max slots, not at midnight (F-06).",
            evidence="executed",
        )


def _many() -> Iterator[Draft]:
    other = ids_from(bytes.fromhex(PHONE_A), 96)
    records = (
        record(other[40], 40 * SLOT_MS + 9), record("11" * 12, 5), record(ZERO_IDS[7], 7 * SLOT_MS + 2),
        record(ZERO_IDS[3], 3 * SLOT_MS + 2), record(ZERO_IDS[7], 7 * SLOT_MS + 1), record(ZERO_IDS[7], 7 * SLOT_MS + 3, -99),
    )  # fmt: skip
    rows: tuple[tuple[str, tuple[object, ...], tuple[int, ...], tuple[tuple[tuple[int, int, int], ...], ...], str, tuple[str, ...], str], ...] = (
        ("no-cases", (), (2,), (), "cases-of-a-message", ("rejects-always",), "A message without cases: no contact."),
        ("one-case", (case(),), (2, 3), (((1, 0, 3), (0, 0, 7)),), "cases-of-a-message", ("stops-at-first",), "Hits stand in the order of the slots."),
        ("two-cases", (case(), case(PHONE_A)), (0, 2), (((1, 0, 7),), ((0, 0, 40),)), "cases-of-a-message", ("stops-at-first", "no-salt"), "Each case has its own hits."),
        ("two-cases-the-other-way-round", (case(PHONE_A), case()), (0, 2), (((0, 0, 40),), ((1, 0, 7),)), "cases-of-a-message", ("stops-at-first", "first-octets"), "In the order of the message."),
        ("case-without-hit-first", (case("33" * 32), case()), (2,), ((), ((0, 0, 7),)), "cases-of-a-message", ("milliseconds-in-cases",), "A case without a hit ends nothing."),
        ("same-case-twice", (case(), case()), (2,), (((0, 0, 7),), ((0, 0, 7),)), "cases-of-a-message", ("stops-at-first", "last-octets"), "One record can be a hit of several cases."),
        ("no-records", (case(),), (), ((),), "records-of-a-log-matched", ("yes-always",), "No records, no contact."),
        ("out-of-order", (case(),), (5, 0, 2, 3, 1, 4), (((3, 0, 3), (0, 0, 7), (2, 0, 7), (5, 0, 7)),), "records-of-a-log-matched", ("depends-on-order",), "A log may be in any order of time; within a slot its order counts."),
        ("hits-of-one-slot", (case(),), (2, 4, 5), (((0, 0, 7), (1, 0, 7), (2, 0, 7)),), "records-of-a-log-matched", ("stops-at-first",), "Every record of a slot is a hit."),
        ("later-slot-first-in-the-log", (case(),), (4, 3, 1), (((1, 0, 3), (0, 0, 7)),), "records-of-a-log-matched", ("hits-in-log-order",), "Slots before records."),
        ("same-record-twice", (case(),), (2, 2), (((0, 0, 7), (1, 0, 7)),), "records-of-a-log-matched", (), "Two records that say the same are two."),
    )  # fmt: skip
    for name, cases, places, hits, boundary, kills, comment in rows:
        yield draft(
            name,
            message(*cases),
            *(records[place] for place in places),
            hits=hits,
            requirements=("MAT-008",),
            boundary=boundary,
            kills=kills,
            flags=("missed-warning",),
            comment=comment,
        )
