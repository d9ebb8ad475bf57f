"""The obfuscated names of first-generation iPhones, against examples that were worked out by hand."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_reference.errors import MalformedError, RejectCode
from bluezone_reference.name_obfuscation import STATIC_ID_CHARACTERS, is_static_id, obfuscate, reveal

static_ids = st.text(STATIC_ID_CHARACTERS, min_size=6, max_size=6)
positions = st.sampled_from(list(itertools.permutations(range(1, 6), 2)))

# The id Ab3xY9 has A b 3 x Y 9 at positions 1 to 6. For p = 2, q = 4: x, the character at 4, goes in after
# position 2, and b, the one at 2, after position 4: A b [x] 3 x [b] Y 9, between the digits.
EXAMPLES = [
    (2, 4, "2" + "Ab" + "x" + "3x" + "b" + "Y9" + "4"),
    (4, 2, "4" + "Ab" + "x" + "3x" + "b" + "Y9" + "2"),
    (1, 5, "1" + "A" + "Y" + "b3xY" + "A" + "9" + "5"),
    (5, 4, "5" + "Ab3x" + "Y" + "Y" + "x" + "9" + "4"),
    (1, 2, "1" + "A" + "b" + "b" + "A" + "3xY9" + "2"),
    (3, 1, "3" + "A" + "3" + "b3" + "A" + "xY9" + "1"),
    (3, 5, "3" + "Ab3" + "Y" + "xY" + "3" + "9" + "5"),
]


@pytest.mark.req("BZ-PRV-008", "F-21")
@pytest.mark.parametrize(("p", "q", "name"), EXAMPLES)
def test_worked_examples(p: int, q: int, name: str) -> None:
    assert obfuscate("Ab3xY9", p, q) == name
    assert reveal(name) == "Ab3xY9"


@pytest.mark.req("BZ-PRV-008")
@given(static_ids, positions)
def test_round_trip(static_id: str, drawn: tuple[int, int]) -> None:
    name = obfuscate(static_id, *drawn)
    assert len(name) == 10
    assert (name[0], name[-1]) == (str(drawn[0]), str(drawn[1]))
    assert reveal(name) == static_id


@pytest.mark.req("BZ-PRV-008")
@given(static_ids, positions)
def test_inserts_as_a_list_would(static_id: str, drawn: tuple[int, int]) -> None:
    p, q = drawn
    after: dict[int, str] = {p: static_id[q - 1], q: static_id[p - 1]}
    middle = "".join(character + after.get(place, "") for place, character in enumerate(static_id, start=1))
    assert obfuscate(static_id, p, q) == f"{p}{middle}{q}"


@pytest.mark.req("BZ-PRV-008")
@pytest.mark.parametrize(
    ("name", "offset", "reason"),
    [
        ("", 0, "not 0"),
        ("2Abx3xbY9", 9, "not 9"),
        ("2Abx3xbY944", 10, "not 11"),
        ("Bluezone", 8, "not 8"),
        ("BLEios", 6, "not 6"),
        ("2Abx3xb-94", 7, "'-' is none of 0-9A-Za-z"),
        ("2Abx3xbé94", 7, r"'\\xe9' is none of 0-9A-Za-z"),
        ("2Abx3xbY9４", 9, "is none of 0-9A-Za-z"),
        ("²Abx3xbY94", 0, "is none of 0-9A-Za-z"),
        ("0Abx3xbY94", 0, "'0' is no position of 1 to 5"),
        ("6Abx3xbY94", 0, "'6' is no position of 1 to 5"),
        ("aAbx3xbY94", 0, "'a' is no position of 1 to 5"),
        ("2Abx3xbY90", 9, "'0' is no position of 1 to 5"),
        ("2Abx3xbY96", 9, "'6' is no position of 1 to 5"),
        ("3aaaaaaaa3", 9, "both positions are 3"),
        # p = 2, q = 4: index 3 repeats index 5, index 6 repeats index 2
        ("2Ab_3xbY94".replace("_", "y"), 3, "the inserted 'y' is not the 'x' that it repeats"),
        ("2Abx3ybY94", 3, "the inserted 'x' is not the 'y' that it repeats"),
        ("2Abx3xBY94", 6, "the inserted 'B' is not the 'b' that it repeats"),
        ("2ABx3xbY94", 6, "the inserted 'b' is not the 'B' that it repeats"),
        ("2abcdefgh4", 3, "the inserted 'c' is not the 'e' that it repeats"),
    ],
)
def test_refuses_what_no_sender_writes(name: str, offset: int, reason: str) -> None:
    with pytest.raises(MalformedError, match=reason) as caught:
        reveal(name)
    assert caught.value.code is RejectCode.BAD_OBFUSCATED_NAME
    assert (caught.value.requirement, caught.value.offset) == ("BZ-PRV-008", offset)


@pytest.mark.req("BZ-PRV-008")
@given(static_ids, positions, st.integers(0, 9), st.sampled_from(STATIC_ID_CHARACTERS))
def test_one_altered_character_is_refused_or_written_otherwise(
    static_id: str, drawn: tuple[int, int], index: int, character: str
) -> None:
    name = obfuscate(static_id, *drawn)
    altered = name[:index] + character + name[index + 1 :]
    try:
        revealed = reveal(altered)
    except MalformedError:
        assert altered != name
    else:
        assert obfuscate(revealed, int(altered[0]), int(altered[-1])) == altered


@pytest.mark.req("BZ-PRV-008")
@given(
    st.one_of(
        st.text(), st.text(min_size=10, max_size=10), st.from_regex(r"[1-5][ab]{8}[1-5]", fullmatch=True)
    )
)
def test_nothing_but_malformed_error_escapes(name: str) -> None:
    try:
        static_id = reveal(name)
    except MalformedError as error:
        refused_at: int | None = error.offset
    else:
        refused_at = None
        assert is_static_id(static_id)
        assert obfuscate(static_id, int(name[0]), int(name[-1])) == name
    assert refused_at is None or 0 <= refused_at <= len(name)


@pytest.mark.req("BZ-PRV-008")
@pytest.mark.parametrize(("p", "q"), [(0, 1), (1, 6), (6, 1), (-1, 2), (3, 3), (5, 10)])
def test_refuses_to_write_with_other_positions(p: int, q: int) -> None:
    with pytest.raises(ValueError, match=f"two different ones of 1 to 5, not {p} and {q}"):
        obfuscate("Ab3xY9", p, q)


@pytest.mark.req("BZ-PRV-008")
@pytest.mark.parametrize("text", ["", "Ab3xY", "Ab3xY99", "Ab3xY_", "Ab3xYé", "Ab3xY ", "Ab3xY９"])
def test_refuses_to_write_what_is_no_static_id(text: str) -> None:
    assert not is_static_id(text)
    with pytest.raises(ValueError, match="6 characters of 0-9A-Za-z"):
        obfuscate(text, 1, 2)


@pytest.mark.req("BZ-PRV-008")
@pytest.mark.parametrize("text", ["000000", "zzzzzz", "ZZZZZZ", "aZ09Az"])
def test_static_ids(text: str) -> None:
    assert is_static_id(text)
