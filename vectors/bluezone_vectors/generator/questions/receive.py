"""Questions of ``receive``: what a receiver records of what it hears, and whom it reads."""

# a table has a row a line, however long
# ruff: noqa: E501

from __future__ import annotations

from collections.abc import Iterator
from typing import Unpack

from bluezone_vectors.generator.advertisement import COMPANY, IOS, MANUFACTURER, on_air, structure
from bluezone_vectors.generator.drafts import BASE_DAY_MS, DAY_MS, PHONE_A, Draft, More, drawn

SLOT_MS = 900_000
NOON_MS = DAY_MS // 2
FLAGS = structure(1, b"\x02")
UUIDS = structure(3, b"\x56\x4e")
IPHONE = structure(1, b"\x1a") + structure(7, on_air(IOS)) + structure(9, b"Bluezone")
OVERFLOW = bytes.fromhex("4c0001")
ID = bytes.fromhex("7c3dec4246ea6f90e38ea254")
"""The contact id of the first captured record."""

Event = dict[str, object]


def own(octets: bytes = ID, company: bytes = COMPANY) -> bytes:
    """Return manufacturer specific data."""
    return structure(MANUFACTURER, company + octets)


ANDROID = FLAGS + own() + UUIDS


def advert(
    ad: bytes = ANDROID, since_ms: int = NOON_MS, address: str = "4a:00:00:00:00:01", **more: object
) -> Event:
    """Return an advert, its time counted from the midnight of the base day."""
    event: Event = {
        "kind": "advert",
        "time_ms": BASE_DAY_MS + since_ms,
        "address": address,
        "ad": ad.hex(),
        "rssi": -71,
    }
    return {**event, **more}


def read(value: bytes | None = ID, since_ms: int = NOON_MS, address: str = "4a:00:00:00:00:01") -> Event:
    """Return the end of a GATT read."""
    return {
        "kind": "read",
        "time_ms": BASE_DAY_MS + since_ms,
        "address": address,
        "value": None if value is None else value.hex(),
        "rssi": -63,
    }


def draft(
    name: str,
    *events: Event,
    recorded: tuple[int, ...] = (),
    reads: tuple[int, ...] = (),
    max_per_day: int | None = None,
    **more: Unpack[More],
) -> Draft:
    """Return a draft whose author says which events are recorded and which lead to a read."""
    question: dict[str, object] = {"base_id": PHONE_A, "base_day_ms": BASE_DAY_MS, "events": list(events)}
    if max_per_day is not None:
        question["max"] = max_per_day
    more.setdefault("flags", ("contact-lost",))
    if more.get("failure"):
        return Draft(id=f"receive-{name}", question=question, **more)
    profile = more.get("profile", "v3")
    times = tuple(str(_time_of(events[index], profile)) for index in recorded)
    return Draft(id=f"receive-{name}", question=question, ok={"reads": list(reads)}, recorded=times, **more)


def _time_of(event: Event, profile: str) -> int:
    time_ms = event["time_ms"]
    if profile in ("android-v3", "v2"):
        time_ms = event.get("delivered_ms", time_ms)
    if type(time_ms) is not int:
        raise TypeError("a time is an integer")
    return time_ms - time_ms % 1000 if profile == "ios-v3" else time_ms


def drafts() -> Iterator[Draft]:
    """Yield all questions of this operation."""
    yield from _adverts()
    yield from _refused()
    yield from _damaged()


def _adverts() -> Iterator[Draft]:
    one = ("RCV-001", "LOG-001")
    orders = (FLAGS + own() + UUIDS, FLAGS + UUIDS + own(), UUIDS + own() + FLAGS, own() + UUIDS)
    for place, (ad, fault) in enumerate(
        zip(orders, ("first-octets", "order-bound", "no-salt", "little-uuid"), strict=True)
    ):
        yield draft(
            f"android-in-order-{place + 1}",
            advert(ad),
            recorded=(0,),
            requirements=(*one, "ADV-011"),
            boundary="receive-order-of-structures",
            kills=(fault,),
            flags=("deaf-to-other-stacks",),
            comment="The order of the structures has no part in it.",
        )
    yield draft(
        "android-in-no-order-at-all",
        advert(FLAGS + structure(3, b"\x0f\x18")),
        requirements=("RCV-001",),
        boundary="receive-order-of-structures",
        kills=(),
        comment="Without 0x4E56 there is nothing in any order.",
    )
    for name, ad, kills in (
        ("incomplete-list", structure(2, b"\x56\x4e") + own(), ("order-bound", "no-salt")),
        ("second-in-a-list", structure(3, b"\x0f\x18\x56\x4e") + own(), ("little-uuid", "no-salt")),
        ("list-of-32-bits", structure(5, b"\x56\x4e\x00\x00") + own(), ("rejects-always", "no-salt")),
        ("id-of-zeros", UUIDS + own(bytes(12)), ("base-day-own-id", "no-salt")),
        ("padded-with-zeros", (UUIDS + own()).ljust(31, b"\x00"), ("base-day-own-id", "first-octets")),
        ("beside-another-company", UUIDS + own(b"\x01", b"\x06\x00") + own(), ("no-salt",)),
    ):
        yield draft(
            f"android-{name}",
            advert(ad),
            recorded=(0,),
            requirements=one,
            kills=kills,
            flags=("deaf-receivers",),
            comment=f"Twelve octets of company 0x22B5 beside 0x4E56: {name.replace('-', ' ')}.",
        )
    yield draft(
        "scan-response-joins",
        advert(UUIDS, scan_response=own().hex()),
        recorded=(0,),
        requirements=one,
        boundary="scan-response",
        kills=("rejects-always",),
        flags=("deaf-receivers",),
        comment="The structures of a scan response join those of the advertisement.",
    )
    yield draft(
        "scan-response-is-missing",
        advert(UUIDS),
        requirements=("RCV-002",),
        boundary="scan-response",
        kills=(),
        comment="Without the data nothing is recorded, and nobody is read.",
    )
    for rssi, kills in (
        (-127, ("no-salt",)),
        (20, ("first-octets",)),
        (127, ("corrected-salt",)),
        (0, ("last-octets",)),
    ):
        yield draft(
            f"rssi-of-{'minus-' if rssi < 0 else ''}{abs(rssi)}",
            advert(rssi=rssi),
            recorded=(0,),
            requirements=("LOG-001",),
            boundary="ends-of-the-rssi",
            kills=kills,
            flags=("wrong-record",),
            comment="The RSSI is that of the advert, from -127 to 20, or 127 for none.",
            evidence="standard",
        )
    yield draft(
        "nobody-to-record",
        advert(b"", rssi=-30),
        requirements=("LOG-001", "RCV-003"),
        boundary="ends-of-the-rssi",
        kills=(),
        flags=("wrong-record",),
        comment="An RSSI alone is no record.",
    )


def _refused() -> Iterator[Draft]:
    kills: tuple[str, ...]
    for octets, kills in (
        (0, ()),
        (6, ("six-octets",)),
        (11, ("ignores-length",)),
        (12, ("rejects-always",)),
        (13, ("at-least-twelve", "ignores-length")),
    ):
        good = octets == 12
        yield draft(
            f"data-of-{octets}-octets",
            advert(UUIDS + own(bytes.fromhex(drawn("data", octets)))),
            recorded=(0,) if good else (),
            requirements=("RCV-001",) if good else ("RCV-002",),
            boundary="receive-12-octets",
            kills=kills,
            flags=("contact-that-never-was",),
            comment="Data of any length but twelve octets give nothing (F-21).",
        )
    rows: tuple[tuple[str, bytes, tuple[str, ...], str], ...] = (
        ("of-apple", own(company=b"\x4c\x00"), ("any-company",), "Twelve octets of another company are no id (F-18)."),
        ("swapped", own(company=b"\x22\xb5"), (), "0xB522 is another company."),
        ("ours", own(), ("no-salt",), "0x22B5 is ours."),
        ("of-another-and-ragged", own(company=b"\x4c\x00") + structure(2, b"\x01"), ("rejects-always",), "A list that is no whole number of UUIDs."),
    )  # fmt: skip
    for name, data, kills, comment in rows:
        yield draft(
            f"company-{name}",
            advert(UUIDS + data),
            recorded=(0,) if name == "ours" else (),
            requirements=("RCV-001",) if name == "ours" else ("RCV-002",),
            boundary="receive-company-0x22b5",
            kills=kills,
            flags=("contact-that-never-was",),
            comment=comment,
        )
    yield draft(
        "two-ids",
        advert(UUIDS + own(), scan_response=own(ID[::-1]).hex()),
        requirements=("RCV-002",),
        boundary="receive-two-ids",
        kills=("order-bound",),
        flags=("contact-that-never-was",),
        comment="Two different ids give nothing, whichever comes first.",
    )
    yield draft(
        "one-id-twice",
        advert(UUIDS + own(), scan_response=own().hex()),
        recorded=(0,),
        requirements=("RCV-001",),
        boundary="receive-two-ids",
        kills=("rejects-always",),
        comment="Structures that hold the same octets count as one.",
    )
    yield draft(
        "android-is-never-read",
        advert(UUIDS + own(ID[:6]), scan_response=structure(7, on_air(IOS)).hex()),
        requirements=("RCV-002",),
        kills=("rejects-always", "six-octets"),
        comment="With 0x4E56 among the UUIDs nobody is read, whatever else stands there.",
    )


def _damaged() -> Iterator[Draft]:
    kills: tuple[str, ...]
    whole = FLAGS + UUIDS + own(bytes.fromhex(drawn("cut", 12)))
    for length, kills in (
        (8, ()),
        (10, ("rejects-always",)),
        (16, ("truncated-ok",)),
        (22, ("rejects-always", "truncated-ok")),
        (23, ("empty-always",)),
    ):
        good = length == 23
        yield draft(
            f"cut-after-{length}-octets",
            advert(whole[:length]),
            recorded=(0,) if good else (),
            requirements=("RCV-001",) if good else ("RCV-003", "ADV-001"),
            boundary="receive-cut-in-data",
            kills=kills,
            flags=("contact-that-never-was",),
            comment="Nothing is taken from a structure that is cut (F-29).",
        )
    cut = structure(9, b"somebody")[:5]
    rows: tuple[tuple[str, bytes, bool, str, tuple[str, ...], str], ...] = (
        ("cut-behind-a-whole-id", UUIDS + own() + cut, True, "damage", ("rejects-always",), "What stands before the damage counts."),
        ("cut-before-the-uuids", own() + b"\x05\x03\x56\x4e", False, "damage", ("truncated-ok",), "A list that is cut lists nothing."),
        ("octets-after-an-early-end", UUIDS + own() + b"\x00" + FLAGS, True, "early-end", ("rejects-always",), "What stands before the early end counts."),
        ("id-after-an-early-end", UUIDS + b"\x00" + own(), False, "early-end", ("reads-after-end",), "What follows an early end does not."),
        ("32-octets-with-the-id-first", (UUIDS + own()).ljust(32, b"\x00"), True, "31-octets", ("damaged-dropped", "rejects-always"), "The damage begins at octet 31."),
        ("32-octets-with-the-id-last", UUIDS + structure(0x16, bytes(10)) + own(), False, "31-octets", ("base-day-own-id",), "A structure that reaches beyond octet 31 is cut."),
        ("no-octets", b"", False, "", ("base-day-own-id",), "An advert without octets says nothing."),
        ("zeros", bytes(31), False, "", ("order-bound",), "An advert of zeros says nothing."),
        ("lengths-of-255", b"\xff" * 31, False, "", ("local-day",), "An advert of one length that reaches too far."),
        ("manufacturer-data-of-0-octets", UUIDS + structure(MANUFACTURER, b""), False, "receive-company-identifier", ("crashes-on-short",), "F-17: there is no company to look at."),
        ("manufacturer-data-of-1-octet", UUIDS + structure(MANUFACTURER, b"\xb5"), False, "receive-company-identifier", ("crashes-on-short", "empty-always"), "F-17: nor in one octet."),
        ("manufacturer-data-of-2-octets", UUIDS + structure(MANUFACTURER, b"\x4c\x00") + own(), True, "receive-company-identifier", ("rejects-always",), "Two octets are a company."),
    )  # fmt: skip
    for name, ad, good, boundary, kills, comment in rows:
        yield draft(
            name,
            advert(ad),
            advert(UUIDS + own(ID[::-1]), NOON_MS + 1),
            recorded=(0, 1) if good else (1,),
            requirements=("RCV-003", "RCV-001") if good else ("RCV-003",),
            boundary=f"receive-{boundary}".replace("receive-receive", "receive") if boundary else "",
            kills=kills,
            flags=("one-advert-silences-all",) if "manufacturer" in name else ("contact-that-never-was",),
            comment=f"{comment} The next advert is recorded all the same.",
        )
