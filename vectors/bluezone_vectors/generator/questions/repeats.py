"""Questions of ``receive`` about repeats, own ids and times."""

# a table has a row a line, however long
# ruff: noqa: E501

from __future__ import annotations

from collections.abc import Iterator

from bluezone_vectors.generator.drafts import BASE_DAY_MS, DAY_MS, Draft

from .receive import ID, NOON_MS, SLOT_MS, UUIDS, Event, advert, draft, own


def drafts() -> Iterator[Draft]:
    """Yield questions about what is recorded again, and about what a record says."""
    yield from _repeats()
    yield from _times()


def _repeats() -> Iterator[Draft]:
    one, other = UUIDS + own(), UUIDS + own(ID[::-1])
    rows: tuple[tuple[str, tuple[Event, ...], tuple[int, ...], str, tuple[str, ...], str], ...] = (
        ("4999-ms-later", (advert(one), advert(one, NOON_MS + 4_999)), (0,), "repeat-of-5000-ms", ("no-repeat-limit",), "At 4999 ms it is a repeat."),
        ("5000-ms-later", (advert(one), advert(one, NOON_MS + 5_000)), (0, 1), "repeat-of-5000-ms", ("rejects-always",), "At 5000 ms it is recorded."),
        ("5001-ms-later", (advert(one), advert(one, NOON_MS + 5_001)), (0, 1), "repeat-of-5000-ms", ("first-octets",), "At 5001 ms too."),
        ("4100-ms-over-five-whole-seconds", (advert(one, NOON_MS + 900), advert(one, NOON_MS + 5_000)), (0,), "repeat-in-seconds", ("repeat-in-seconds",), "Five whole seconds apart, and less than 5000 ms (F-20)."),
        ("5000-ms-from-a-fraction", (advert(one, NOON_MS + 900), advert(one, NOON_MS + 5_900)), (0, 1), "repeat-in-seconds", ("no-salt",), "5000 ms, counted to the millisecond."),
        ("heard-between", (advert(one), advert(one, NOON_MS + 3_000), advert(one, NOON_MS + 5_000)), (0, 2), "repeat-heard-between", ("repeat-by-hearing",), "What was heard between changes nothing: records are compared."),
        ("heard-between-and-too-soon", (advert(one), advert(one, NOON_MS + 3_000), advert(one, NOON_MS + 4_999)), (0,), "repeat-heard-between", ("no-repeat-limit",), "Still too soon after the record."),
        ("of-another", (advert(one), advert(other, NOON_MS + 1)), (0, 1), "repeat-of-another", ("base-day-own-id",), "Other contact ids have no part in it."),
        ("of-another-from-the-same-address", (advert(one), advert(other, NOON_MS + 2), advert(one, NOON_MS + 3)), (0, 1), "repeat-of-another", ("no-repeat-limit",), "The contact id counts, not the address."),
        ("from-another-address", (advert(one), advert(one, NOON_MS + 10, "4a:00:00:00:00:02")), (0,), "", ("no-repeat-limit",), "A phone changes its address: the contact id is the same."),
        ("clock-set-back-an-hour", (advert(one), advert(one, NOON_MS - 3_600_000)), (0, 1), "repeat-clock-set-back", ("repeat-by-last-record",), "A clock that is set back locks nobody out."),
        ("clock-set-back-4999-ms", (advert(one), advert(one, NOON_MS - 4_999)), (0,), "repeat-clock-set-back", ("no-repeat-limit", "repeat-by-earlier-records"), "Less than 5000 ms away, before the record."),
        ("clock-set-back-5000-ms", (advert(one), advert(one, NOON_MS - 5_000)), (0, 1), "repeat-clock-set-back", ("no-salt",), "5000 ms away, before the record."),
        ("clock-back-and-forth", (advert(one), advert(one, NOON_MS - 60_000), advert(one, NOON_MS + 4_999)), (0, 1), "repeat-clock-set-back", ("no-repeat-limit", "repeat-by-last-record"), "No id is recorded twice when the clock is right again."),
        ("over-a-slot", (advert(one, 49 * SLOT_MS - 1), advert(one, 49 * SLOT_MS)), (0,), "", ("no-repeat-limit", "slot-late"), "The end of a slot does not make it new."),
        ("many-adverts", tuple(advert(one, NOON_MS + 100 * place) for place in range(60)), (0, 50), "", ("no-repeat-limit", "slot-early"), "Ten adverts a second for six seconds: two records."),
    )  # fmt: skip
    for name, events, recorded, boundary, kills, comment in rows:
        yield draft(
            f"repeat-{name}",
            *events,
            recorded=recorded,
            requirements=("LOG-002",),
            boundary=boundary,
            kills=kills,
            flags=("log-floods",) if len(recorded) < len(events) else ("contact-lost",),
            comment=comment,
        )


def _times() -> Iterator[Draft]:
    one = UUIDS + own()
    for name, since_ms, kills in (
        ("before", -1, ("boundary-early",)),
        ("at", 0, ("boundary-late",)),
        ("after", 1, ("slot-early",)),
    ):
        yield draft(
            f"own-id-{name}-a-slots-end",
            advert(one, 49 * SLOT_MS + since_ms),
            recorded=(0,),
            requirements=("LOG-001", "KEY-006"),
            boundary="own-id-at-a-slots-end",
            kills=kills,
            flags=("wrong-record",),
            comment="The own id is the receiver's rolling id at the time of the record.",
        )
    for name, since_ms, kills in (("before", -1, ("local-day",)), ("at", 0, ("constant-day-key",))):
        yield draft(
            f"own-id-{name}-midnight",
            advert(one, 3 * DAY_MS + since_ms),
            recorded=(0,),
            requirements=("LOG-001", "KEY-009"),
            boundary="own-id-at-midnight",
            kills=kills,
            flags=("wrong-record",),
            comment="The own id of a record is that of its UTC day.",
        )
    yield draft(
        "own-id-with-max-24",
        advert(one, 5 * SLOT_MS),
        recorded=(0,),
        requirements=("LOG-001", "KEY-006"),
        kills=("base-day-own-id", "no-salt", "slot-late"),
        flags=("wrong-record",),
        comment="The receiver's own max counts for its own id.",
        max_per_day=24,
    )
    for name, late_ms, kills in (("9-s", 9_000, ("delivery-time",)), ("at-once", 0, ("no-salt",))):
        yield draft(
            f"delivered-{name}",
            advert(one, 49 * SLOT_MS - (late_ms > 0), delivered_ms=BASE_DAY_MS + 49 * SLOT_MS + late_ms),
            recorded=(0,),
            requirements=("LOG-001",),
            boundary="late-delivery",
            kills=kills,
            flags=("wrong-record",),
            comment="The time of a record is that of hearing, however late it is delivered (F-28).",
        )
    yield draft(
        "delivered-out-of-order",
        advert(one, NOON_MS + 9_000),
        advert(one, NOON_MS + 4_000, delivered_ms=BASE_DAY_MS + NOON_MS + 9_500),
        advert(one, NOON_MS + 4_001, delivered_ms=BASE_DAY_MS + NOON_MS + 9_501),
        recorded=(0, 1),
        requirements=("LOG-002", "LOG-001"),
        kills=("delivery-time", "repeat-at-limit"),
        flags=("contact-lost",),
        comment="A batch that comes late is compared by the times of hearing: 5000 ms before is recorded, 4999 is not.",
    )
