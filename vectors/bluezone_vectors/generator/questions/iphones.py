"""Questions of ``decode_advertisement`` about iPhones, and about the first generation."""

# a table has a row a line, however long
# ruff: noqa: E501

from __future__ import annotations

from collections.abc import Iterator

from bluezone_vectors.generator.advertisement import (
    COMPANY,
    IOS,
    MANUFACTURER,
    OLD_ANDROID,
    OLD_IOS,
    obfuscated,
    on_air,
    structure,
)
from bluezone_vectors.generator.drafts import Draft

from .decode_advertisement import FLAGS, OVERFLOW, draft


def drafts() -> Iterator[Draft]:
    """Yield questions about iPhones in the foreground and background, then about old builds."""
    yield from _iphones()
    yield from _old()


def _iphones() -> Iterator[Draft]:
    uuid, name_ad = structure(7, on_air(IOS)), structure(9, b"Bluezone")
    rows: tuple[tuple[str, tuple[bytes, ...], str, tuple[str, ...], str], ...] = (
        ("foreground", (structure(1, b"\x1a") + uuid + name_ad,), "ios-uuid", ("rejects-always",), "The constructed example of the chapter, 31 octets."),
        ("name-in-the-scan-response", (structure(1, b"\x1a") + uuid, name_ad), "ios-uuid", ("empty-always",), "The system chooses where the name stands."),
        ("uuid-in-the-scan-response", (structure(1, b"\x1a") + name_ad, uuid), "ios-uuid", ("no-scan-response",), "And where the UUID stands."),
        ("uuid-swapped", (structure(7, on_air(IOS)[::-1]),), "ios-uuid", ("little-uuid",), "Most significant octet first is another UUID."),
        ("uuid-of-the-characteristic", (structure(7, b"\x89" + on_air(IOS)[1:]),), "ios-uuid", (), "The UUID of the characteristic is not that of the service."),
        ("no-name", (uuid,), "ios-name", ("rejects-always",), "A frame without a name."),
        ("shortened-name", (uuid + structure(8, b"Blue"),), "ios-name", ("empty-always",), "A shortened name is a name."),
        ("owners-name", (uuid + structure(9, "Lan's📱".encode()),), "ios-name", ("little-uuid",), "A name that is not Bluezone is told as it is."),
        ("name-that-is-no-utf-8", (uuid + structure(9, b"Blue\xffone"),), "ios-name", (), "An octet that is no UTF-8 becomes a replacement character."),
        ("name-alone", (structure(1, b"\x1a") + name_ad,), "ios-name", ("empty-always", "rejects-always"), "Without the UUID the name says nothing."),
        ("incomplete-list", (structure(6, on_air(IOS)),), "ios-uuid", ("complete-lists-only",), "An incomplete list is a list."),
    )  # fmt: skip
    for name, records, boundary, kills, comment in rows:
        yield draft(
            f"ios-{name}",
            *records,
            requirements=("ADV-009", "ADV-011") if len(records) > 1 else ("ADV-009",),
            comment=comment,
            boundary=boundary,
            kills=kills,
            flags=("deaf-receivers",),
            evidence="source",
        )
    alone = b"\x08" + bytes(15)
    fields: tuple[tuple[str, tuple[bytes, ...], tuple[str, ...], str], ...] = (
        ("alone", (structure(MANUFACTURER, OVERFLOW + alone),), ("rejects-always",), "Bluezone's bit and no other."),
        ("with-others", (structure(MANUFACTURER, OVERFLOW + b"\x18" + bytes(14) + b"\x01"),), ("exact-overflow",), "Other apps' bits have no part in it (F-26)."),
        ("with-all", (structure(MANUFACTURER, OVERFLOW + b"\xff" * 16),), ("exact-overflow", "rejects-always"), "All bits are set, ours among them."),
        ("without-ours", (structure(MANUFACTURER, OVERFLOW + b"\xf7" + b"\xff" * 15),), ("empty-always",), "All bits but ours are nothing of ours."),
        ("of-15-octets", (structure(MANUFACTURER, OVERFLOW + alone[:15]),), (), "The field has exactly 16 octets."),
        ("of-17-octets", (structure(MANUFACTURER, OVERFLOW + alone + b"\x00"),), ("rejects-always",), "The field has exactly 16 octets."),
        ("of-type-2", (structure(MANUFACTURER, b"\x4c\x00\x02" + alone),), (), "Another type of Apple's is another thing."),
        ("in-two-fields", (structure(MANUFACTURER, OVERFLOW + alone), structure(MANUFACTURER, OVERFLOW + bytes(15) + b"\x40")), ("empty-always", "exact-overflow"), "Several fields are joined by OR."),
    )  # fmt: skip
    for name, records, kills, comment in fields:
        yield draft(
            f"ios-background-{name}",
            *records,
            requirements=("ADV-010",),
            comment=comment,
            boundary="field-of-16-octets"
            if "octets" in name or "two" in name
            else "bit-of-the-overflow-form",
            kills=kills,
            flags=("iphones-overlooked",),
            level="MAY",
            evidence="source",
        )


def _old() -> Iterator[Draft]:
    static, old_uuid = b"aB3xY9", structure(7, on_air(OLD_ANDROID))
    ios_uuid = structure(7, on_air(OLD_IOS))
    names = {
        (p, q): structure(9, obfuscated("aB3xY9", p, q).encode("ascii"))
        for p, q in ((2, 5), (5, 2), (1, 2), (4, 3))
    }
    rows: tuple[tuple[str, tuple[bytes, ...], str, tuple[str, ...], str], ...] = (
        ("android", (FLAGS + structure(MANUFACTURER, COMPANY + static) + old_uuid,), "static-id-of-six-characters", (), "Six characters, 31 octets (F-21)."),
        ("android-of-five-characters", (FLAGS + structure(MANUFACTURER, COMPANY + static[:5]) + old_uuid,), "static-id-of-six-characters", ("rejects-always",), "Five characters are no static id."),
        ("android-of-other-characters", (FLAGS + structure(MANUFACTURER, COMPANY + b"aB3-Y9") + old_uuid,), "static-id-of-six-characters", ("empty-always",), "A static id is written in 0-9A-Za-z."),
        ("ios-name-2-5", (ios_uuid, names[2, 5]), "obfuscated-name", (), "The static id, by p = 2 and q = 5."),
        ("ios-name-5-2", (ios_uuid, names[5, 2]), "digits-of-a-name", (), "The static id, by p = 5 and q = 2."),
        ("ios-name-1-2", (ios_uuid, names[1, 2]), "digits-of-a-name", ("rejects-always",), "Neighbours: p = 1 and q = 2."),
        ("ios-name-4-3", (ios_uuid, names[4, 3]), "obfuscated-name", ("rejects-always",), "Neighbours, the other way round: p = 4 and q = 3."),
        ("ios-without-name", (ios_uuid,), "obfuscated-name", ("empty-always",), "The name may be in a scan response that nobody asked for."),
        ("ios-raw-name", (ios_uuid, structure(9, b"2aBX3xYB95")), "obfuscated-name", ("raw-name-for-id",), "A name that does not check out holds no static id."),
        ("ios-same-digits", (ios_uuid, structure(9, b"2aBY3xYB92")), "digits-of-a-name", ("empty-always",), "p and q differ."),
        ("ios-digit-6", (ios_uuid, structure(9, b"2aBY3xYB96")), "digits-of-a-name", ("raw-name-for-id",), "Positions are 1 to 5."),
        ("ios-of-nine-characters", (ios_uuid, structure(9, b"2aBY3xYB9")), "name-of-ten-characters", (), "A name has ten characters."),
        ("ios-of-ten-characters", (ios_uuid, structure(9, b"3aB3YxYB35")), "name-of-ten-characters", ("rejects-always",), "Ten characters whose insertions do not check out."),
    )  # fmt: skip
    for name, records, boundary, kills, comment in rows:
        yield draft(
            f"static-id-{name}",
            *records,
            requirements=("ADV-011",),
            comment=comment,
            boundary=boundary,
            kills=kills,
            flags=("old-build-not-recognised",),
            level="MAY",
            evidence="source",
        )
