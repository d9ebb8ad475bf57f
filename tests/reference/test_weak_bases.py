"""Weak base ids are named; others are not."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bluezone_reference.weak_bases import weak_base_ids, weakness

# printed by java.util.Random(seed).nextBytes(new byte[32]) on OpenJDK 17
JAVA = {
    0: "60b420bb3851d9d47acb933dbe70399bf6c92da33af01d4fb770e98c0325f41d",
    1_596_844_800_000: "3bf08fe6e371f84e16efda6c8e84c15fb778f88f9c2df9b675ab3f11162b9388",
    1_588_000_000_123: "c2d8f40c4569b95d902cf8cac71fcc6fd9c821699fa0ef23479315faa88528b3",
    -7: "8c2ae544838bc8e62c9a55acf7ed22f25c588085df297c253eb114da5803c950",
    281_474_976_710_655: "b36cd944c3228770172024039eff4b8c695e7ea94cbbcd999ab39b6a0cc53766",
}


@pytest.mark.req("BZ-KEY-001", "F-22")
@pytest.mark.parametrize("seed", JAVA)
def test_output_of_the_java_generator_is_found_whatever_its_seed(seed: int) -> None:
    assert "java.util.Random" in (weakness(bytes.fromhex(JAVA[seed])) or "")


def java_octets(state: int) -> bytes:
    """Return what ``nextBytes`` writes next from a state, as the Java platform documents it."""
    words = []
    for _ in range(8):
        state = (state * 25_214_903_917 + 11) % 2**48
        words.append((state >> 16).to_bytes(4, "little"))
    return b"".join(words)


@pytest.mark.req("BZ-KEY-001", "F-22")
@given(st.integers(0, 2**48 - 1))
@example(0)
@example(2**48 - 1)
def test_any_state_of_the_java_generator_is_found(state: int) -> None:
    assert "java.util.Random" in (weakness(java_octets(state)) or "")


@pytest.mark.req("F-22")
def test_so_are_the_states_at_the_ends_of_what_is_tried() -> None:
    inverse = pow(25_214_903_917, -1, 2**48)
    for upper in (0, 1, 0x8000_0000, 0xFFFF_FFFF):
        for lower in (0, 1, 0xFFFE, 0xFFFF):
            before = ((upper << 16 | lower) - 11) * inverse % 2**48
            octets = java_octets(before)
            assert octets[:4] == upper.to_bytes(4, "little")
            assert "java.util.Random" in (weakness(octets) or "")


@pytest.mark.req("F-22")
@pytest.mark.parametrize("upper", [1, 0x8000_0001, 0xFFFF_FFFF])
@pytest.mark.parametrize("lower", [0, 1, 1000])
def test_a_first_word_one_too_low_is_not_that_generator(upper: int, lower: int) -> None:
    """The other seven words are, and the state would be found 65 536 above where the first word begins."""
    before = ((upper << 16 | lower) - 11) * pow(25_214_903_917, -1, 2**48) % 2**48
    octets = java_octets(before)
    assert "java.util.Random" in (weakness(octets) or "")
    assert weakness((upper - 1).to_bytes(4, "little") + octets[4:]) is None


@pytest.mark.req("F-22")
@pytest.mark.parametrize("seed", JAVA)
def test_one_bit_off_is_not_that_generator(seed: int) -> None:
    octets = bytearray.fromhex(JAVA[seed])
    octets[31] ^= 1
    assert weakness(bytes(octets)) is None


@pytest.mark.req("BZ-KEY-001", "F-15")
@pytest.mark.parametrize(
    ("base_id", "named"),
    [
        (b"", "empty"),
        (b"\x01", "1 octets instead of 32"),
        (bytes(31), "31 octets instead of 32"),
        (bytes(33), "33 octets instead of 32"),
        (bytes(32), "all octets 0x00"),
        (b"\xff" * 32, "all octets 0xff"),
        (bytes(range(32)), "counting up from 0x00"),
        (bytes((250 + at) % 256 for at in range(32)), "counting up from 0xfa"),
        (bytes(range(31, -1, -1)), "counting down from 0x1f"),
    ],
)
def test_weak_base_ids_are_named(base_id: bytes, named: str) -> None:
    assert weakness(base_id) == named


@pytest.mark.req("BZ-KEY-001")
@pytest.mark.parametrize(
    "base_id",
    [
        "4c5224b397f8ab3896781d5aa0f3119f280513f1b592ca280ebded6357e21084",
        "66b07d33da4e16a359b590eda1e8dc90892d341c86a6491376041fe44505ffb5",
        "00" * 31 + "01",
        bytes(range(31)).hex() + "ff",
    ],
)
def test_other_base_ids_are_not(base_id: str) -> None:
    assert weakness(bytes.fromhex(base_id)) is None


@pytest.mark.req("BZ-PRV-007")
def test_the_listed_ones_are_all_weak_and_all_different() -> None:
    listed = weak_base_ids()
    assert listed[0] == ("empty", b"")
    assert len(listed) == len({octets for _, octets in listed}) == 1 + 3 * 256
    for name, octets in listed:
        assert weakness(octets) == name


@given(base_id=st.binary(max_size=40))
def test_any_octets_get_an_answer(base_id: bytes) -> None:
    found = weakness(base_id)
    assert found is None or found
    assert (found is not None) or len(base_id) == 32
