"""What the chapters state in figures: constants equal the reference's, worked examples are computed again."""

from __future__ import annotations

import hashlib
from uuid import UUID

import pytest

import bluezone_spec
from bluezone_reference import key_schedule
from bluezone_reference.profiles import V1, V3
from bluezone_spec.blocks import TableRow, read_blocks
from bluezone_spec.model import Specification


@pytest.fixture(scope="module")
def specification() -> Specification:
    return bluezone_spec.load()


def chapter_text(specification: Specification, slug: str) -> str:
    """Return a chapter with each run of blanks and line ends as one blank."""
    (chapter,) = (chapter for chapter in specification.chapters if chapter.slug == slug)
    return " ".join(chapter.text.split())


def table_rows(specification: Specification, slug: str, *columns: str) -> list[TableRow]:
    """Return the rows of all tables of a chapter that have these columns, each row cut down to them."""
    (chapter,) = (chapter for chapter in specification.chapters if chapter.slug == slug)
    found: list[TableRow] = []
    for block in read_blocks(slug, chapter.text):
        if block.kind == "table" and set(columns) <= set(block.rows[0].cells):
            picks = [block.rows[0].cells.index(column) for column in columns]
            found += [TableRow(row.place, tuple(row.cells[pick] for pick in picks)) for row in block.rows[1:]]
    return found


@pytest.mark.req("BZ-KEY-004")
def test_the_salt_is_written_in_text_and_octets(specification: Specification) -> None:
    salt = key_schedule.SUBKEY_SALT
    assert salt == b"bluzonesubkey"
    text = " ".join(specification.requirements["BZ-KEY-004"].text.split())
    assert f"`{salt.decode()}`, `{salt.hex(' ').upper()}`" in text


@pytest.mark.req("BZ-KEY-005")
def test_the_positions_of_the_rolling_id_are_written(specification: Specification) -> None:
    positions = [str(position) for position in key_schedule.ID_POSITIONS]
    assert positions == ["0", "4", "8", "12", "16", "18", "20", "22", "24", "26", "28", "30"]
    text = " ".join(specification.requirements["BZ-KEY-005"].text.split())
    assert f"{', '.join(positions[:-1])} and {positions[-1]}" in text


@pytest.mark.req("BZ-KEY-006")
def test_the_length_of_a_day_is_written(specification: Specification) -> None:
    assert key_schedule.DAY_MS == 86_400_000
    assert "86 400 000" in specification.requirements["BZ-KEY-006"].text


@pytest.mark.req("BZ-ADV-002", "BZ-ADV-003", "BZ-ADV-009", "BZ-GAT-001")
@pytest.mark.parametrize(
    ("identity", "written", "built"),
    [
        ("BZ-ADV-002", "0x4E56", V3.advertisement.android_service_uuid),
        (
            "BZ-ADV-002",
            "00004E56-0000-1000-8000-00805F9B34FB",
            V3.advertisement.android_service_uuid,
        ),
        ("BZ-ADV-009", "00004E56-73F5-4BC4-A12F-17D1AD07A667", V3.advertisement.ios_service_uuid),
        ("BZ-GAT-001", "00004E56-73F5-4BC4-A12F-17D1AD07A667", V3.advertisement.ios_service_uuid),
        ("BZ-GAT-001", "00004E56-73F5-4BC4-A12F-17D1AD07A689", V3.advertisement.ios_characteristic_uuid),
    ],
)
def test_the_uuids_are_those_of_the_reference(
    specification: Specification, identity: str, written: str, built: str
) -> None:
    assert written in specification.requirements[identity].text
    whole = f"0000{written[2:]}-0000-1000-8000-00805f9b34fb" if written.startswith("0x") else written
    assert UUID(whole) == UUID(built)


@pytest.mark.req("BZ-ADV-003", "BZ-ADV-009")
def test_company_length_and_name_are_those_of_the_reference(specification: Specification) -> None:
    assert V3.advertisement.company == V1.advertisement.company == 0x22B5
    assert (V3.advertisement.id_octets, V3.advertisement.ios_local_name) == (12, "Bluezone")
    text = specification.requirements["BZ-ADV-003"].text
    assert "company 0x22B5" in text
    assert "exactly twelve octets" in " ".join(text.split())
    assert "`Bluezone`" in specification.requirements["BZ-ADV-009"].text


@pytest.mark.req("BZ-ADV-002", "BZ-ADV-009")
def test_the_uuids_of_the_first_generation_are_written(specification: Specification) -> None:
    overview = chapter_text(specification, "overview")
    rules = V1.advertisement
    for uuid in (rules.android_service_uuid, rules.ios_service_uuid, rules.ios_characteristic_uuid):
        assert uuid.upper() in overview


@pytest.mark.req("BZ-ADV-002", "BZ-ADV-009")
def test_uuids_have_their_least_significant_octet_first_in_advdata(specification: Specification) -> None:
    rows = [
        (uuid, octets)
        for row in table_rows(specification, "advertisement", "in text", "in AdvData")
        for uuid, octets in [row.cells]
        if len(uuid) == 36
    ]
    assert len(rows) == 3
    for uuid, octets in rows:
        assert octets == f"`{UUID(uuid).bytes[::-1].hex(' ').upper()}`"


def subkey(day_key: bytes, slot: int) -> bytes:
    """Return a subkey, by hashlib alone."""
    key = hashlib.sha256(day_key + b"bluzonesubkey").digest()
    for _ in range(slot):
        key = hashlib.sha256(key).digest()
    return key


def rolling_id(day_key: bytes, slot: int) -> str:
    """Return a rolling id as hex digits, by hashlib alone."""
    octets = subkey(day_key, slot)
    return bytes(octets[position] for position in (0, 4, 8, 12, 16, 18, 20, 22, 24, 26, 28, 30)).hex()


CAPTURED_BASE = bytes.fromhex("4c5224b397f8ab3896781d5aa0f3119f280513f1b592ca280ebded6357e21084")


@pytest.mark.req("BZ-KEY-004", "BZ-KEY-005", "BZ-KEY-006")
def test_the_worked_slots_are_right(specification: Specification) -> None:
    columns = ("slot", "first ms since midnight", "first ms after", "UTC", "rolling id")
    rows = [row.cells for row in table_rows(specification, "key-schedule", *columns)]
    assert [row[0] for row in rows] == ["0", "1", "23", "24", "25", "26", "27", "95"]
    assert CAPTURED_BASE.hex() in chapter_text(specification, "key-schedule")
    for slot, begin, end, utc, written in rows:
        first = int(slot) * 900_000
        assert (begin, end) == (f"{first:,}".replace(",", " "), f"{first + 900_000:,}".replace(",", " "))
        minutes = [f"{minute // 60:02}:{minute % 60:02}" for minute in (int(slot) * 15, int(slot) * 15 + 15)]
        assert utc == " to ".join(minutes)
        assert written == f"`{rolling_id(CAPTURED_BASE, int(slot))}`"


@pytest.mark.req("BZ-KEY-003", "BZ-KEY-004", "BZ-KEY-005")
def test_the_worked_keys_are_right(specification: Specification) -> None:
    text = chapter_text(specification, "key-schedule")
    next_day_key = hashlib.sha256(CAPTURED_BASE).digest()
    for written in (
        f"D(0) {CAPTURED_BASE.hex()}",
        f"S(0) {subkey(CAPTURED_BASE, 0).hex()}",
        f"S(1) {subkey(CAPTURED_BASE, 1).hex()}",
        f"S(23) {subkey(CAPTURED_BASE, 23).hex()}",
        f"D(1) {next_day_key.hex()}",
        f"S(0) {subkey(next_day_key, 0).hex()}",
        f"rolling id {rolling_id(next_day_key, 0)}",
    ):
        assert written in text


@pytest.mark.req("BZ-PRV-007")
def test_the_ids_of_weak_base_ids_are_right(specification: Specification) -> None:
    rows = table_rows(specification, "key-schedule", "base id", "slot 0")
    bases = (b"", bytes(32), bytes(range(32)))
    assert [row.cells[1] for row in rows] == [f"`{rolling_id(base, 0)}`" for base in bases]


@pytest.mark.req("BZ-KEY-007")
def test_the_allowed_values_of_max_are_written(specification: Specification) -> None:
    allowed = [value for value in range(2, 86_401) if 86_400_000 % value == 0]
    whole_seconds = [value for value in allowed if 86_400 % value == 0]
    text = chapter_text(specification, "key-schedule")
    assert f"the {len(allowed)} divisors of 86 400 000 from 2 to 86 400" in text
    assert f"For {len(whole_seconds)} of them the slot is a whole number of seconds" in text
    assert ", ".join(str(value) for value in allowed[:20]) in text


@pytest.mark.req("BZ-KEY-002", "BZ-KEY-006")
def test_the_instants_around_a_boundary_are_right(specification: Specification) -> None:
    rows = [
        row.cells for row in table_rows(specification, "key-schedule", "ms since midnight", "day", "slot")
    ]
    assert len(rows) == 7
    for instant, day, slot in rows:
        time_ms = int(instant.replace(" ", ""))
        assert day == ("n", "n + 1")[time_ms // 86_400_000]
        assert int(slot) == time_ms % 86_400_000 // 900_000


@pytest.mark.req("BZ-KEY-007")
def test_the_slots_of_max_7_are_right(specification: Specification) -> None:
    columns = ("ms since midnight", "`v3` (uses 96)", "`android-v3`", "`ios-v3`")
    rows = [row.cells for row in table_rows(specification, "key-schedule", *columns)]
    assert len(rows) == 11
    for instant, v3, android, ios in rows:
        time_ms = int(instant.replace(" ", ""))
        assert int(v3) == time_ms // 900_000
        index = time_ms // (86_400_000 // 7)
        assert android == (str(index) if index < 7 else f"{index}: exception")
        assert int(ios) == int(time_ms // 1000 / (86400.0 / 7))


@pytest.mark.req("BZ-ADV-002", "BZ-ADV-003")
def test_the_worked_advertisement_is_right(specification: Specification) -> None:
    rows = [row.cells for row in table_rows(specification, "advertisement", "octet", "value", "meaning")]
    octets = bytes.fromhex("".join(value.strip("`") for _, value, _ in rows))
    assert [octet for octet, _, _ in rows] == [str(offset) for offset in range(23)]
    assert octets == (
        bytes.fromhex("020102 0fffb522")
        + bytes.fromhex(rolling_id(CAPTURED_BASE, 23))
        + bytes.fromhex("0303564e")
    )
    assert octets.hex(" ").upper() in chapter_text(specification, "advertisement").replace("  ", " ")
