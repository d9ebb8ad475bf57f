"""Questions of ``encode_advertisement``: AdvData of each kind of phone."""

# a table has a row a line, however long
# ruff: noqa: E501

from __future__ import annotations

from collections.abc import Iterator

from bluezone_vectors.generator.advertisement import obfuscated
from bluezone_vectors.generator.drafts import Draft, drawn

CAPTURED_ID = "b9a665d754fe65e665d76a45"
"""Slot 23 of the first captured phone."""


def drafts() -> Iterator[Draft]:
    """Yield all questions of this operation."""
    kills: tuple[str, ...]
    yield Draft(
        id="encode-advertisement-captured-id",
        requirements=("ADV-001", "ADV-002", "ADV-003"),
        question={"advertisement": {"kind": "android", "id": CAPTURED_ID}},
        comment="The worked example of the chapter: Flags, company 0x22B5 and the captured id, 0x4E56.",
        kills=("little-uuid", "six-octets"),
        flags=("deaf-receivers",),
        evidence="captured",
        ok={"ad": f"0201020fffb522{CAPTURED_ID}0303564e"},
    )
    for octets, kills in (
        (11, ("ignores-length",)),
        (12, ("little-uuid",)),
        (13, ("ignores-length", "empty-always")),
    ):
        yield Draft(
            id=f"encode-advertisement-id-of-{octets}-octets",
            requirements=("ADV-003",),
            question={"advertisement": {"kind": "android", "id": drawn("encode", octets)}},
            comment="A rolling id is exactly twelve octets.",
            boundary="encode-id-of-12-octets",
            kills=kills,
            flags=("deaf-receivers",),
            reject="" if octets == 12 else "BAD_ID_LENGTH",
        )
    for name, octets, requirement, kills, comment in (
        ("no-id", 0, "ADV-003", ("ignores-length", "six-octets"), "There is nothing to advertise without an id."),
        ("six-octets", 6, "ADV-003", ("six-octets",), "Six octets were the static id of the first generation (F-21)."),
        ("a-whole-subkey", 32, "KEY-005", ("ignores-length",), "A subkey is no rolling id: twelve chosen octets of it are."),
    ):  # fmt: skip
        yield Draft(
            id=f"encode-advertisement-{name}",
            requirements=(requirement,),
            question={"advertisement": {"kind": "android", "id": drawn("encode", octets)}},
            comment=comment,
            kills=kills,
            flags=("deaf-receivers",),
            reject="BAD_ID_LENGTH",
        )
    for name, digits, kills in (
        ("of-zeros", "00" * 12, ("swapped-company",)),
        ("of-ones", "ff" * 12, ("little-uuid", "rejects-always")),
        ("like-an-ad-structure", "0303564e02010603034e5600", ("little-uuid", "empty-always")),
    ):
        yield Draft(
            id=f"encode-advertisement-id-{name}",
            requirements=("ADV-003", "ADV-001"),
            question={"advertisement": {"kind": "android", "id": digits}},
            comment="Any twelve octets are a rolling id.",
            kills=kills,
        )
    for name, local_name, kills in (
        ("foreground", "Bluezone", ("little-uuid",)),
        ("foreground-without-name", None, ("empty-always", "little-uuid", "rejects-always")),
    ):
        yield Draft(
            id=f"encode-advertisement-ios-{name}",
            requirements=("ADV-009", "ADV-001"),
            question={"advertisement": {"kind": "ios", "local_name": local_name}},
            comment="An iPhone shows its service UUID, and no name but Bluezone. The name may be in the scan response.",
            kills=kills,
            flags=("deaf-receivers",),
            evidence="source",
        )
    for name, services, kills in (
        ("alone", "08" + "00" * 15, ("rejects-always",)),
        ("with-others", "0a" + "00" * 14 + "81", ("empty-always",)),
    ):
        yield Draft(
            id=f"encode-advertisement-ios-background-{name}",
            requirements=("ADV-010",),
            question={
                "advertisement": {
                    "kind": "ios_background",
                    "services": services,
                    "only_bluezone": name == "alone",
                }
            },
            comment="The overflow form, as an iPhone's system sends it.",
            boundary="written-overflow-form",
            kills=kills,
            level="MAY",
            evidence="source",
        )
    yield Draft(
        id="encode-advertisement-v1-android",
        requirements=("ADV-001",),
        question={"advertisement": {"kind": "old_android", "static_id": "aB3xY9"}},
        comment="The first generation: six characters, and 31 octets filled to the last (F-21).",
        boundary="written-static-id",
        kills=("rejects-always",),
        flags=("old-build-not-recognised",),
        level="MAY",
        evidence="source",
        ok={"ad": "02010209ffb522614233785939110789a807add1172fa1c44bf573f4390ae2"},
    )
    yield Draft(
        id="encode-advertisement-v1-ios",
        requirements=("ADV-001",),
        question={
            "advertisement": {
                "kind": "old_ios",
                "local_name": obfuscated("aB3xY9", 2, 5),
                "static_id": "aB3xY9",
            }
        },
        comment="The first generation's name holds the static id; with the UUID it leaves no room for Flags.",
        boundary="written-static-id",
        kills=("empty-always",),
        flags=("old-build-not-recognised",),
        level="MAY",
        evidence="source",
    )
