"""Questions of ``receive`` about iPhones, and about what published receivers do."""

# a table has a row a line, however long
# ruff: noqa: E501

from __future__ import annotations

from collections.abc import Iterator

from bluezone_vectors.generator.advertisement import MANUFACTURER, structure
from bluezone_vectors.generator.drafts import BASE_DAY_MS, DAY_MS, Draft

from .receive import ANDROID, ID, IPHONE, NOON_MS, OVERFLOW, SLOT_MS, UUIDS, Event, advert, draft, own, read

ALONE = structure(MANUFACTURER, OVERFLOW + b"\x08" + bytes(15))
OTHERS = structure(MANUFACTURER, OVERFLOW + b"\x18" + bytes(15))
_NOBODY = structure(MANUFACTURER, OVERFLOW + b"\xf7" + b"\xff" * 15)
START_MS = 52 * SLOT_MS
"""The start of a slot."""
OTHER_ADDRESS = "4a:00:00:00:00:02"

Rows = tuple[tuple[str, tuple[Event, ...], tuple[int, ...], tuple[int, ...], str, tuple[str, ...], str], ...]


def drafts() -> Iterator[Draft]:
    """Yield questions about reads under the corrected protocol, then those about the builds."""
    rows: Rows = (
        ("foreground", (advert(IPHONE), read(since_ms=NOON_MS + 1_200)), (1,), (0,), "who-is-read", ("first-octets",), "An iPhone is read, and the id recorded at the time of the read."),
        ("background", (advert(ALONE), read(since_ms=NOON_MS + 900)), (1,), (0,), "who-is-read", ("no-salt",), "Bluezone's bit leads to a read."),
        ("background-with-others", (advert(OTHERS), read(since_ms=NOON_MS + 900)), (1,), (0,), "who-is-read", ("exact-overflow",), "Other bits have no part in it (F-26)."),
        ("background-of-others", (advert(_NOBODY),), (), (), "who-is-read", ("rejects-always",), "Without the bit nobody is read."),
        ("nobodys-advert", (advert(structure(9, b"Bluezone")),), (), (), "who-is-read", (), "A name alone leads to nothing."),
        ("nobody-asked", (read(),), (), (), "unasked-read", (), "A value that no attempt asked for gives nothing."),
        ("of-another-address", (advert(IPHONE), read(since_ms=NOON_MS + 1, address=OTHER_ADDRESS)), (), (0,), "unasked-read", ("any-read-recorded",), "Nor does one of another address."),
        ("twice-from-one-attempt", (advert(IPHONE), read(since_ms=NOON_MS + 1), read(ID[::-1], NOON_MS + 2)), (1,), (0,), "unasked-read", ("rejects-always",), "An attempt ends with its value."),
        ("after-9999-ms", (advert(IPHONE), read(since_ms=NOON_MS + 9_999)), (1,), (0,), "read-attempt-of-10000-ms", ("rejects-always",), "The last millisecond of an attempt."),
        ("after-10000-ms", (advert(IPHONE), read(since_ms=NOON_MS + 10_000)), (), (0,), "read-attempt-of-10000-ms", ("any-read-recorded",), "After 10 000 ms the attempt has ended."),
        ("second-phone-after-9999-ms", (advert(IPHONE), advert(IPHONE, NOON_MS + 9_999, OTHER_ADDRESS)), (), (0,), "one-attempt-at-a-time", ("little-uuid",), "While an attempt lasts no other begins."),
        ("second-phone-after-10000-ms", (advert(IPHONE), advert(IPHONE, NOON_MS + 10_000, OTHER_ADDRESS)), (), (0, 1), "one-attempt-at-a-time", (), "A phone that does not answer blocks nobody for longer."),
        ("second-phone-after-the-first", (advert(IPHONE), read(since_ms=NOON_MS + 500), advert(IPHONE, NOON_MS + 501, OTHER_ADDRESS), read(ID[::-1], NOON_MS + 900, OTHER_ADDRESS)), (1, 3), (0, 2), "one-attempt-at-a-time", ("rejects-always",), "One after another."),
        ("same-phone-again-while-it-is-read", (advert(IPHONE), advert(IPHONE, NOON_MS + 1)), (), (0,), "", ("empty-always", "rejects-always"), "Adverts go on while a phone is read."),
        ("of-11-octets", (advert(IPHONE), read(ID[:11], NOON_MS + 1), advert(IPHONE, NOON_MS + 2)), (), (0, 2), "read-of-12-octets", ("ignores-length",), "Another length gives nothing and is not cached."),
        ("of-12-octets", (advert(IPHONE), read(ID, NOON_MS + 1), advert(IPHONE, NOON_MS + 2)), (1,), (0,), "read-of-12-octets", ("rejects-always",), "Twelve octets are an id, and cached."),
        ("of-13-octets", (advert(IPHONE), read(ID + b"\x00", NOON_MS + 1), advert(IPHONE, NOON_MS + 2)), (), (0, 2), "read-of-12-octets", ("at-least-twelve", "ignores-length"), "Another length gives nothing and is not cached."),
        ("of-no-octets", (advert(IPHONE), read(b"", NOON_MS + 1), advert(IPHONE, NOON_MS + 2)), (), (0, 2), "read-of-12-octets", ("read-pause",), "No octets are no id."),
        ("of-a-name", (advert(IPHONE), read(b"2aBY3xYB95", NOON_MS + 1)), (), (0,), "", ("ignores-length", "little-uuid"), "Ten octets: a name of the first generation is no id (F-21)."),
        ("without-the-service", (advert(ALONE), read(None, NOON_MS + 1)), (), (0,), "service-or-none", ("empty-always",), "A device without the service gives nothing."),
        ("with-the-service", (advert(ALONE), read(ID, NOON_MS + 1)), (1,), (0,), "service-or-none", ("rejects-always",), "The bit was a hint, the read decides."),
        ("cached-6-s-later", (advert(IPHONE, START_MS), read(ID, START_MS + 1), advert(IPHONE, START_MS + 6_000)), (1, 2), (0,), "cached-id", ("no-cache",), "A cached id is recorded without another read."),
        ("cached-a-moment-later", (advert(IPHONE, START_MS), read(ID, START_MS + 1), advert(IPHONE, START_MS + 5_000)), (1,), (0,), "cached-id", ("no-repeat-limit",), "4999 ms after the record: a repeat, and no read."),
        ("cached-to-the-slots-end", (advert(IPHONE, START_MS), read(ID, START_MS + 1), advert(IPHONE, START_MS + SLOT_MS - 1)), (1, 2), (0,), "cached-to-the-slots-end", ("boundary-early",), "Good to the last millisecond of its slot."),
        ("cached-at-the-slots-end", (advert(IPHONE, START_MS), read(ID, START_MS + 1), advert(IPHONE, START_MS + SLOT_MS)), (1,), (0, 2), "cached-to-the-slots-end", ("cache-for-half-a-day",), "After its slot an id belongs to nobody."),
        ("cached-since-1-ms-before-the-slots-end", (advert(IPHONE, START_MS - 10), read(ID, START_MS - 1), advert(IPHONE, START_MS + 5_000)), (1,), (0, 2), "cached-to-the-slots-end", (), "The slot counts, not how old the value is."),
        ("cached-a-day-ago", (advert(IPHONE, START_MS), read(ID, START_MS + 1), advert(IPHONE, START_MS + DAY_MS + 2)), (1,), (0, 2), "cached-on-another-day", ("cache-without-day",), "The same slot of another day is another slot (F-19)."),
        ("cached-on-the-day", (advert(IPHONE, START_MS), read(ID, START_MS + 1), advert(IPHONE, START_MS + 500_000)), (1, 2), (0,), "cached-on-another-day", ("no-cache",), "The same slot of the same day."),
        ("cached-anew", (advert(IPHONE, START_MS), read(ID, START_MS + 1), advert(IPHONE, START_MS + SLOT_MS), read(ID[::-1], START_MS + SLOT_MS + 1), advert(IPHONE, START_MS + SLOT_MS + 6_000)), (1, 3, 4), (0, 2), "", ("no-cache",), "The newer value of an address replaces the older (F-19)."),
        ("cached-and-clock-set-back", (advert(IPHONE, START_MS), read(ID, START_MS + 1), advert(IPHONE, START_MS - 1)), (1,), (0, 2), "", ("cache-for-half-a-day",), "By the receiver's clock another slot has begun, again."),
        ("cached-at-another-address", (advert(IPHONE), read(ID, NOON_MS + 1), advert(IPHONE, NOON_MS + 6_000, OTHER_ADDRESS)), (1,), (0, 2), "", ("any-read-recorded",), "An id is cached with the address that it was read from."),
    )  # fmt: skip
    for name, events, recorded, reads, boundary, kills, comment in rows:
        yield draft(
            f"read-{name}",
            *events,
            recorded=recorded,
            reads=reads,
            requirements=("RCV-005", "RCV-004")
            if "cached" in name
            else ("RCV-004", "RCV-002")
            if "octets" in name
            else ("RCV-004",),
            boundary=boundary,
            kills=kills,
            flags=("iphones-overlooked",) if reads else ("contact-that-never-was",),
            comment=comment,
        )
    yield draft(
        "read-cached-by-own-max",
        advert(IPHONE, START_MS),
        read(ID, START_MS + 1),
        advert(IPHONE, START_MS + SLOT_MS),
        recorded=(1, 2),
        reads=(0,),
        requirements=("RCV-005",),
        kills=("no-cache", "slot-late"),
        comment="With a max of 24 the slot lasts an hour, and so does what was read in it.",
        max_per_day=24,
    )
    yield from _builds()


def _builds() -> Iterator[Draft]:
    android, ios = "android-v3", "ios-v3"
    v3, as_android, as_ios = "ignores-profile", "always-android-v3", "always-ios-v3"
    apple = UUIDS + own(company=b"\x4c\x00")
    cut = UUIDS + own()[:-2]
    later = BASE_DAY_MS + NOON_MS + 9_000
    day = (advert(IPHONE, START_MS), read(ID, START_MS + 1), advert(IPHONE, START_MS + DAY_MS + 1))
    slot = (advert(IPHONE, START_MS), read(ID, START_MS + 1), advert(IPHONE, START_MS + SLOT_MS), read(ID[::-1], START_MS + SLOT_MS + 1), advert(IPHONE, START_MS + SLOT_MS + 6_000))  # fmt: skip
    seconds = (advert(ANDROID, NOON_MS + 900), advert(ANDROID, NOON_MS + 5_000))
    rows: tuple[tuple[str, str, tuple[Event, ...], tuple[int, ...] | None, tuple[int, ...], str, tuple[str, ...], str, str], ...] = (
        ("cut-structure", android, (advert(cut),), (0,), (), "f-29-cut-structure", (v3,), "RCV-003", "F-29: two zeros complete the id."),
        ("cut-structure", ios, (advert(cut),), (), (0,), "f-29-cut-structure", (as_android,), "RCV-003", "F-29: iOS hands over what is whole."),
        ("whole-structure", android, (advert(UUIDS + own()),), (0,), (), "f-29-cut-structure", (), "RCV-001", "A whole structure is recorded by all."),
        ("another-company", ios, (advert(apple),), (0,), (), "f-18-another-company", (v3,), "RCV-002", "F-18: the company is not looked at."),
        ("another-company", android, (advert(apple),), (), (), "f-18-another-company", (as_ios,), "RCV-002", "F-18: Android looks at it."),
        ("manufacturer-data-of-1-octet", ios, (advert(UUIDS + structure(MANUFACTURER, b"\xb5")),), None, (), "f-17-short-data", (v3,), "RCV-003", "F-17: the app crashes."),
        ("manufacturer-data-of-2-octets", ios, (advert(UUIDS + structure(MANUFACTURER, b"\xb5\x22")),), (), (), "f-17-short-data", (), "RCV-003", "F-17: two octets are enough to live on."),
        ("manufacturer-data-of-1-octet", android, (advert(UUIDS + structure(MANUFACTURER, b"\xb5")),), (), (), "f-17-short-data", (as_ios,), "RCV-003", "F-17: Android drops the record."),
        ("android-without-data", ios, (advert(UUIDS),), (), (0,), "read-of-an-android-phone", (v3,), "RCV-002", "iOS reads whoever shows no manufacturer data."),
        ("android-without-data", android, (advert(UUIDS),), (), (), "read-of-an-android-phone", (as_ios,), "RCV-002", "Android drops it."),
        ("same-slot-a-day-later", android, day, (1, 2), (0,), "f-19-cached-id", (v3,), "RCV-005", "F-19: yesterday's id, from the cache."),
        ("oldest-row", android, slot, (1, 3), (0, 2, 4), "f-19-cached-id", (v3, as_ios), "RCV-005", "F-19: the oldest row is found, so every sighting reads again."),
        ("no-cache", ios, (advert(IPHONE), read(ID, NOON_MS + 1), advert(IPHONE, NOON_MS + 6_000)), (1,), (0, 2), "f-19-cached-id", (as_android,), "RCV-005", "iOS keeps no id."),
        ("cached", android, (advert(IPHONE), read(ID, NOON_MS + 1), advert(IPHONE, NOON_MS + 6_000)), (1, 2), (0,), "f-19-cached-id", (as_ios,), "RCV-005", "Android keeps it."),
        ("five-whole-seconds", ios, seconds, (0, 1), (), "f-20-five-seconds", (v3,), "LOG-002", "F-20: 4100 ms over five whole seconds are enough; times are cut (F-01)."),
        ("five-whole-seconds", android, seconds, (0,), (), "f-20-five-seconds", (as_ios,), "LOG-002", "F-20: 4100 ms are too few."),
        ("background-with-others", android, (advert(OTHERS),), (), (), "f-26-background", (v3,), "RCV-004", "F-26: the filter asks for one exact field."),
        ("background-alone", android, (advert(ALONE),), (), (0,), "f-26-background", (), "RCV-004", "F-26: no other app, and it is read."),
        ("background-with-others", ios, (advert(OTHERS),), (), (0,), "f-26-background", (as_android,), "RCV-004", "F-26: iOS leaves it to the system."),
        ("delivered-late", android, (advert(ANDROID, NOON_MS - 1, delivered_ms=later),), (0,), (), "f-28-late-delivery", (v3,), "LOG-001", "F-28: the time of delivery is recorded, and the own id of that time."),
        ("delivered-at-once", android, (advert(ANDROID, NOON_MS - 1),), (0,), (), "f-28-late-delivery", (), "LOG-001", "F-28: at once, nothing is wrong."),
        ("clock-set-back", android, (advert(ANDROID), advert(ANDROID, NOON_MS - 60_000)), (0,), (), "f-20-clock-set-back", (v3,), "LOG-002", "Nothing of an id is recorded until the clock has caught up."),
        ("clock-caught-up", android, (advert(ANDROID), advert(ANDROID, NOON_MS - 60_000), advert(ANDROID, NOON_MS + 5_000)), (0, 2), (), "f-20-clock-set-back", (), "LOG-002", "Then it is."),
        ("read-after-12-s", ios, (advert(IPHONE), read(ID, NOON_MS + 12_000)), (1,), (0,), "read-without-a-limit", (v3,), "RCV-004", "iOS waits without a limit."),
        ("read-after-12-s", android, (advert(IPHONE), read(ID, NOON_MS + 12_000)), (), (0,), "read-without-a-limit", (as_ios,), "RCV-004", "Android gives up after 10 s."),
        ("two-ids", android, (advert(UUIDS + own(), scan_response=own(ID[::-1]).hex()),), (0,), (), "android-two-ids", (v3,), "RCV-002", "The later structure of one company wins."),
        ("one-id-twice", android, (advert(UUIDS + own(), scan_response=own().hex()),), (0,), (), "android-two-ids", (), "RCV-001", "One id, twice."),
    )  # fmt: skip
    for name, profile, events, recorded, reads, boundary, kills, requirement, comment in rows:
        yield draft(
            f"{profile}-{name}",
            *events,
            recorded=recorded or (),
            reads=reads,
            requirements=(requirement,),
            boundary=boundary,
            kills=kills,
            flags=("old-build-not-recognised",),
            comment=comment,
            profile=profile,
            failure="exception" if recorded is None else "",
            evidence="inferred" if boundary[:4] in ("f-26", "f-29") else "source",
        )
