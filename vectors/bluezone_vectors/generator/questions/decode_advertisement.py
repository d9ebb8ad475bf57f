"""Questions of ``decode_advertisement``: what octets on the air say, and which are refused."""

# a table has a row a line, however long
# ruff: noqa: E501

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations
from typing import Unpack

from bluezone_vectors.generator.advertisement import COMPANY, MANUFACTURER, structure
from bluezone_vectors.generator.drafts import Draft, More, drawn

ID = bytes.fromhex("b9a665d754fe65e665d76a45")
FLAGS = structure(1, b"\x02")
UUIDS = structure(3, b"\x56\x4e")
DATA = structure(MANUFACTURER, COMPANY + ID)
NAME_LIKE = structure(9, b"ten octets")
"""A local name of twelve octets in all, as many as an id has."""
OVERFLOW = bytes.fromhex("4c0001")


def draft(
    name: str,
    *records: bytes,
    ok: dict[str, object] | None = None,
    **more: Unpack[More],
) -> Draft:
    """Return a draft of an advertisement, and of its scan response where there are two records."""
    question: dict[str, object] = {"ad": records[0].hex()}
    if len(records) > 1:
        question["scan_response"] = records[1].hex()
    return Draft(id=f"decode-advertisement-{name}", question=question, ok=ok, **more)


def drafts() -> Iterator[Draft]:
    """Yield all questions of this operation."""
    yield from _orders()
    yield from _cuts()
    yield from _joins()
    yield from _ends()
    yield from _uuids()
    yield from _companies()


def _orders() -> Iterator[Draft]:
    names = {FLAGS: "flags", UUIDS: "uuids", DATA: "data"}
    kills = (
        ("swapped-company",),
        ("six-octets",),
        ("little-uuid",),
        ("six-octets", "swapped-company"),
        ("rejects-always",),
        ("empty-always",),
    )
    for place, order in enumerate(permutations((FLAGS, DATA, UUIDS))):
        name = "-".join(names[part] for part in order)
        yield draft(
            f"order-{name}",
            b"".join(order),
            requirements=("ADV-011", "ADV-002", "ADV-003"),
            comment="The same three structures mean the same in every order; Android's order comes first.",
            boundary="order-of-structures",
            kills=kills[place],
            flags=("deaf-to-other-stacks",),
            evidence="captured" if place == 0 else "standard",
            ok={"advertisement": {"kind": "android", "id": ID.hex()}},
        )
    yield draft(
        "order-contradiction",
        UUIDS + DATA,
        structure(MANUFACTURER, COMPANY + ID[::-1]),
        requirements=("ADV-011", "ADV-003"),
        comment="Two different ids are refused, whichever comes first.",
        boundary="order-of-structures",
        kills=(),
        flags=("contact-that-never-was",),
        reject="AMBIGUOUS_ID",
    )
    yield draft(
        "same-id-twice",
        UUIDS + DATA,
        DATA,
        requirements=("ADV-003", "ADV-011"),
        comment="The same id twice is one id.",
        boundary="order-of-structures",
        kills=("at-least-twelve", "rejects-always"),
        flags=("contact-lost",),
    )
    yield draft(
        "no-flags",
        UUIDS + DATA,
        requirements=("ADV-003", "ADV-002"),
        comment="Flags may be missing.",
        kills=("little-uuid", "order-bound"),
    )
    yield draft(
        "other-flags",
        structure(1, b"\x06") + DATA + UUIDS,
        requirements=("ADV-003", "ADV-002"),
        comment="Flags may have another value.",
        kills=("little-uuid", "swapped-company"),
    )


def _cuts() -> Iterator[Draft]:
    whole = FLAGS + UUIDS + structure(MANUFACTURER, COMPANY + bytes.fromhex(drawn("cut", 12)))
    for length in (1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 22, 23):
        ends = length in (3, 7, 23)
        yield draft(
            f"cut-after-{length}-octets",
            whole[:length],
            requirements=("ADV-001", "ADV-003") if length == 7 else ("ADV-001",),
            comment="A structure announces more octets than follow." if not ends else "The cut is between structures.",
            boundary="cut-in-flags" if length < 4 else "cut-in-uuids" if length < 8 else "cut-in-data",
            kills={
                1: (), 2: ("truncated-ok",), 3: ("rejects-always",), 4: (), 5: ("truncated-ok",),
                6: ("truncated-ok", "empty-always"), 7: ("empty-always",), 8: (), 9: ("truncated-ok",),
                11: ("empty-always",), 12: ("damage-passed-over", "truncated-ok"), 22: ("truncated-ok", "empty-always"),
                23: ("rejects-always",),
            }[length],
            flags=("contact-that-never-was",),
            evidence="standard",
            reject={3: "", 7: "MISSING_ID", 23: ""}.get(length, "TRUNCATED_AD"),
        )  # fmt: skip
    for name, cut, kills in (
        ("length-of-255", FLAGS + UUIDS + b"\xff\xff\xb5\x22" + ID, ("truncated-ok",)),
        ("length-one-too-far", FLAGS + UUIDS + b"\x10\xff\xb5\x22" + ID, ("empty-always", "truncated-ok")),
    ):
        yield draft(
            name,
            cut,
            requirements=("ADV-001",),
            comment="No octets are added to complete a structure (F-29).",
            kills=kills,
            flags=("contact-that-never-was",),
            evidence="standard",
            reject="TRUNCATED_AD",
        )


def _joins() -> Iterator[Draft]:
    rows: tuple[tuple[str, tuple[bytes, ...], str, tuple[str, ...], str], ...] = (
        ("cut-and-completed-by-the-scan-response", (UUIDS + DATA[:4], NAME_LIKE),  "TRUNCATED_AD", ("joined-scan-response",), "A structure does not go on in another record."),
        ("whole-beside-a-scan-response", (UUIDS + DATA, NAME_LIKE), "", ("rejects-always",), "Two records, each whole."),
        ("ended-early-before-the-scan-response", (UUIDS + b"\x00\x00", DATA), "", ("empty-always",), "An early end ends its own record alone."),
        ("scan-response-cut", (UUIDS + DATA, b"\x05\x09x"), "TRUNCATED_AD", ("empty-always", "no-scan-response"), "Damage of either is damage."),
    )  # fmt: skip
    for name, records, reject, kills, comment in rows:
        yield draft(
            name,
            *records,
            requirements=("ADV-001",),
            comment=comment,
            boundary="record-of-its-own",
            kills=kills,
            flags=("contact-that-never-was",),
            evidence="standard",
            reject=reject,
        )


def _ends() -> Iterator[Draft]:
    whole = FLAGS + UUIDS + DATA
    for name, ad, reject, boundary, kills in (
        ("no-octets", b"", "", "something-or-nothing", ()),
        ("zeros-only", bytes(31), "", "something-or-nothing", ("zeros-rejected",)),
        ("zeros-of-32-octets", bytes(32), "AD_TOO_LONG", "thirty-one-octets", ()),
        (
            "padded-to-31-octets",
            whole.ljust(31, b"\x00"),
            "",
            "thirty-one-octets",
            ("zeros-rejected", "rejects-always"),
        ),
        (
            "padded-to-32-octets",
            whole.ljust(32, b"\x00"),
            "AD_TOO_LONG",
            "thirty-one-octets",
            ("empty-always",),
        ),
        ("zero-after-the-end", whole + b"\x00", "", "early-end", ("zeros-rejected",)),
        ("one-after-the-end", whole + b"\x00\x01", "DATA_AFTER_END", "early-end", ("empty-always",)),
        (
            "data-after-an-early-end",
            FLAGS + UUIDS + b"\x00" + DATA,
            "DATA_AFTER_END",
            "early-end",
            ("reads-after-end",),
        ),
        ("early-end-before-everything", b"\x00" + FLAGS, "DATA_AFTER_END", "early-end", ()),
        (
            "structure-without-data",
            FLAGS + UUIDS + b"\x01\x00" + DATA,
            "",
            "something-or-nothing",
            ("little-uuid",),
        ),
        (
            "extended-record",
            whole + structure(0x16, bytes(20)),
            "AD_TOO_LONG",
            "",
            ("damage-passed-over", "empty-always"),
        ),
    ):
        yield draft(
            name,
            ad,
            requirements=("ADV-001",),
            comment="Nothing but zeros stands after an early end, and a legacy record has 31 octets at most.",
            boundary=boundary,
            kills=kills,
            flags=("contact-that-never-was",) if reject else ("deaf-to-other-stacks",),
            evidence="standard",
            reject=reject,
        )


def _uuids() -> Iterator[Draft]:
    base = bytes.fromhex("fb349b5f800000800010000000000000")
    long_uuid = base[:12] + b"\x56\x4e\x00\x00"
    rows: tuple[tuple[str, tuple[bytes, ...], str, str, tuple[str, ...], str], ...] = (
        ("incomplete-list", (structure(2, b"\x56\x4e") + DATA,), "", "", ("complete-lists-only", "little-uuid"), "An incomplete list is a list."),
        ("second-in-a-list", (structure(3, b"\x0f\x18\x56\x4e") + DATA,), "", "", ("little-uuid", "six-octets", "order-bound"), "0x4E56 may stand behind another UUID."),
        ("in-two-lists", (structure(2, b"\x0f\x18") + structure(3, b"\x56\x4e") + DATA,), "", "", ("little-uuid", "order-bound", "rejects-always"), "All lists count as one."),
        ("of-32-bits", (structure(5, b"\x56\x4e\x00\x00") + DATA,), "", "list-of-32-bits", ("rejects-always",), "0x4E56 in a list of 32-bit UUIDs."),
        ("of-32-bits-and-another", (structure(5, b"\x56\x4e\x01\x00") + DATA,), "", "list-of-32-bits", ("empty-always",), "0x00014E56 is another's, and its data are not judged."),
        ("of-128-bits", (DATA, structure(7, long_uuid)), "", "list-of-128-bits", ("rejects-always", "short-lists-only"), "0x4E56 in its long form."),
        ("of-128-bits-and-another", (DATA, structure(7, long_uuid[:-1] + b"\x01")), "", "list-of-128-bits", ("empty-always",), "One octet off is another UUID."),
        ("swapped", (structure(3, b"\x4e\x56") + DATA,), "", "octet-order-of-the-uuid", ("little-uuid",), "0x564E is another UUID: the least significant octet comes first."),
        ("not-swapped", (structure(3, b"\x56\x4e") + DATA + b"\x00",), "", "octet-order-of-the-uuid", ("rejects-always",), "0x4E56 is ours."),
        ("none", (FLAGS + DATA,), "", "ragged-list", ("empty-always",), "Without a service UUID the company alone is nobody's."),
        ("ragged-beside-our-company", (structure(3, b"\x56") + DATA,), "BAD_UUID_LIST", "ragged-list", (), "One octet is no UUID; the company marks it as ours."),
        ("ragged-with-ours-in-it", (structure(3, b"\x56\x4e\x0f") + DATA,), "BAD_UUID_LIST", "ragged-list", ("first-uuid-only",), "Three octets are no whole number of UUIDs."),
        ("ragged-and-nobodys", (structure(3, b"\x0f\x18\x56"),), "", "ragged-list", ("rejects-always",), "Another's damage is not ours."),
        ("ragged-of-32-bits", (structure(4, b"\x56\x4e\x00") + DATA,), "BAD_UUID_LIST", "ragged-list", ("complete-lists-only",), "Three octets are no 32-bit UUID."),
        ("ragged-of-128-bits", (UUIDS + DATA, structure(6, bytes(15))), "BAD_UUID_LIST", "ragged-list", ("complete-lists-only", "empty-always"), "Fifteen octets are no 128-bit UUID."),
        ("empty-list", (structure(3, b"") + UUIDS + DATA,), "", "ragged-list", ("little-uuid",), "A list of none is a whole number of UUIDs."),
    )  # fmt: skip
    for name, records, reject, boundary, kills, comment in rows:
        yield draft(
            f"uuids-{name}",
            *records,
            requirements=("ADV-002",),
            comment=comment,
            boundary=boundary,
            kills=kills,
            flags=("deaf-receivers",),
            evidence="standard",
            reject=reject,
        )


def _companies() -> Iterator[Draft]:
    kills: tuple[str, ...]
    for octets, kills in (
        (0, ()),
        (1, ("swapped-company",)),
        (5, ("empty-always",)),
        (6, ("six-octets",)),
        (11, ("ignores-length",)),
        (12, ("rejects-always",)),
        (13, ("ignores-length", "empty-always")),
    ):
        yield draft(
            f"id-of-{octets}-octets",
            UUIDS + structure(MANUFACTURER, COMPANY + bytes.fromhex(drawn("lengths", octets))),
            requirements=("ADV-003",),
            comment="Exactly twelve octets follow the company identifier (F-21: six in the first generation).",
            boundary="decode-id-of-12-octets",
            kills=kills,
            flags=("contact-lost",),
            reject="" if octets == 12 else "BAD_ID_LENGTH",
        )
    rows: tuple[tuple[str, tuple[bytes, ...], str, str, tuple[str, ...], str], ...] = (
        ("of-0-octets", (UUIDS + structure(MANUFACTURER, b"") + DATA,), "SHORT_MANUFACTURER_DATA", "company-identifier", ("order-bound",), "There is no company in no octets (F-17)."),
        ("of-1-octet", (UUIDS + structure(MANUFACTURER, b"\xb5") + DATA,), "SHORT_MANUFACTURER_DATA", "company-identifier", ("crashes-on-short", "empty-always"), "There is no company in one octet (F-17)."),
        ("of-2-octets-of-another", (UUIDS + structure(MANUFACTURER, b"\x4c\x00") + DATA,), "", "company-identifier", ("rejects-always",), "Another company's data are not judged."),
        ("of-another-company", (UUIDS + structure(MANUFACTURER, b"\x4c\x00" + ID),), "MISSING_ID", "company-0x22b5", ("any-company",), "Twelve octets of another company are no id (F-18)."),
        ("swapped", (UUIDS + structure(MANUFACTURER, b"\x22\xb5" + ID),), "MISSING_ID", "company-0x22b5", ("empty-always",), "0xB522 is another company: the least significant octet comes first."),
        ("ours", (UUIDS + structure(MANUFACTURER, COMPANY + ID[::-1]),), "", "company-0x22b5", ("little-uuid",), "0x22B5 is ours."),
        ("missing", (UUIDS,), "MISSING_ID", "company-0x22b5", (), "0x4E56 without data is no advertisement of ours."),
        ("another-beside-ours", (UUIDS + DATA + structure(MANUFACTURER, b"\x06\x00\x01"),), "", "company-0x22b5", ("order-bound",), "Data of another company stand beside ours and are not judged."),
        ("another-before-ours", (structure(MANUFACTURER, b"\x06\x00\x01") + DATA + UUIDS,), "", "company-0x22b5", ("six-octets",), "The same, the other way round."),
        ("six-octets-beside-twelve", (UUIDS + DATA, structure(MANUFACTURER, COMPANY + ID[:6])), "BAD_ID_LENGTH", "", ("empty-always", "no-scan-response"), "Each of our data must have twelve octets."),
        ("two-ids", (UUIDS + structure(MANUFACTURER, COMPANY + ID[::-1]), DATA), "AMBIGUOUS_ID", "two-ids", (), "Two ids cannot both be the sender's."),
        ("two-ids-one-octet-apart", (UUIDS + DATA, structure(MANUFACTURER, COMPANY + ID[:-1] + b"\x46")), "AMBIGUOUS_ID", "two-ids", ("empty-always",), "One octet makes another id."),
        ("one-id-twice", (DATA, UUIDS + DATA), "", "two-ids", ("rejects-always",), "One id, seen twice."),
    )  # fmt: skip
    for name, records, reject, boundary, kills, comment in rows:
        yield draft(
            f"company-{name}",
            *records,
            requirements=("ADV-003", "ADV-011") if "before" in name or "beside" in name else ("ADV-003",),
            comment=comment,
            boundary=boundary,
            kills=kills,
            flags=("one-advert-silences-all",)
            if "short" in name or name.startswith("of-")
            else ("contact-that-never-was",),
            reject=reject,
        )
