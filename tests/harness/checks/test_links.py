"""Chains of addresses and ids, and ids in two places at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_harness.checks.heard import HeardId
from bluezone_harness.checks.links import Chain, at_once, longest_chain
from bluezone_harness.checks.subjects import Rules
from bluezone_harness.observations import AddressType

S = 1_000_000
Making = Callable[[str], Rules]


def made(
    id_letter: str,
    address_letter: str,
    first_s: float,
    last_s: float,
    *,
    receiver: str = "",
    kind: AddressType | None = AddressType.RESOLVABLE,
) -> HeardId:
    address = None if not address_letter else address_letter.encode() * 6
    return HeardId(
        id_letter.encode() * 12,
        False,
        "capture",
        receiver,
        address,
        kind,
        round(first_s * S),
        round(last_s * S),
        1,
        1,
    )


def chain_of(*heard: HeardId) -> Chain:
    found = longest_chain(heard)
    assert found is not None
    return found


# --- chains ---


@pytest.mark.req("BZ-PRV-001")
def test_nothing_heard_makes_no_chain() -> None:
    assert longest_chain([]) is None


@pytest.mark.req("BZ-PRV-001")
def test_addresses_of_one_id_are_linked_and_two_ids_of_one_address() -> None:
    slot = [made("x", "a", 0, 15), made("x", "b", 30, 45)]
    other = [made("y", "c", 60, 75)]
    found = chain_of(*slot, *other)
    assert (found.length_us, found.addresses, found.ids) == (45 * S, 2, 1)
    assert found.path == ("61:61:61:61:61:61", "78" * 12, "62:62:62:62:62:62")
    assert found.text == f"45 s: 61:61:61:61:61:61 -> {'78' * 12} -> 62:62:62:62:62:62"
    linked = chain_of(*slot, made("y", "b", 46, 59), *other)
    assert (linked.length_us, linked.addresses, linked.ids) == (75 * S, 3, 2)
    assert linked.path == (
        "61:61:61:61:61:61",
        "78" * 12,
        "62:62:62:62:62:62",
        "79" * 12,
        "63:63:63:63:63:63",
    )
    assert [each.first_us // S for each in linked.links] == [0, 30, 46, 60]


@pytest.mark.req("BZ-PRV-001")
def test_one_address_with_two_ids_is_the_shortest_chain() -> None:
    assert chain_of(made("x", "a", 0, 15), made("y", "a", 20, 40)).path == (
        "78" * 12,
        "61:61:61:61:61:61",
        "79" * 12,
    )
    alone = chain_of(made("x", "a", 0, 15))
    assert (alone.path, alone.length_us) == (("61:61:61:61:61:61", "78" * 12), 15 * S)


@pytest.mark.req("BZ-PRV-001")
@pytest.mark.parametrize("address", ["", "i"])
def test_no_address_and_identities_link_nothing(address: str) -> None:
    hidden = [
        made(each, address, second, second + 1, kind=AddressType.RANDOM_IDENTITY if address else None)
        for second, each in enumerate("xyxz")
    ]
    found = chain_of(*hidden)
    assert (found.length_us, found.addresses, found.ids) == (3 * S, 0, 1)
    assert found.path == ("78" * 12,)


@pytest.mark.req("BZ-PRV-001")
def test_a_long_chain_is_shortened_in_its_text_only() -> None:
    heard = [
        made(chr(65 + number // 2), chr(97 + (number + 1) // 2), number, number + 1) for number in range(20)
    ]
    found = chain_of(*heard)
    assert len(found.path) == 21
    assert "(13 more)" in found.text
    assert len(found.text.split(" -> ")) == 9


@pytest.mark.req("BZ-PRV-001")
@given(
    pairs=st.lists(
        st.tuples(st.sampled_from("xyz"), st.sampled_from("abcd"), st.integers(0, 100)),
        min_size=1,
        max_size=12,
    ),
    data=st.data(),
)
def test_a_chain_leads_from_link_to_link(pairs: list[tuple[str, str, int]], data: st.DataObject) -> None:
    heard = [made(letter, address, start, start + 3) for letter, address, start in pairs]
    found = chain_of(*heard)
    assert found.links[0] == found.first
    assert found.links[-1] == found.last
    for one, other in zip(found.links, found.links[1:], strict=False):
        assert one.octets == other.octets or one.address == other.address
    assert len(found.path) == len(set(found.path))
    shuffled = chain_of(*data.draw(st.permutations(heard)))
    assert (shuffled.length_us, shuffled.path) == (found.length_us, found.path)
    # by hand: grow each part until nothing is added
    longest_us = 0
    for start in heard:
        part = [start]
        for _ in heard:
            part = [
                each
                for each in heard
                if any(each.octets == other.octets or each.address == other.address for other in part)
            ]
        length_us = max(each.last_us for each in part) - min(each.first_us for each in part)
        longest_us = max(longest_us, length_us)
    assert found.length_us == longest_us


# --- one id in two places ---


@pytest.mark.req("BZ-PRV-009", "F-27")
@pytest.mark.parametrize(
    ("other", "overlap_s"),
    [
        (made("x", "b", 14, 30), 1),
        (made("x", "b", 5, 6), 1),
        (made("x", "b", 0, 15), 15),
        (made("x", "b", 15, 30), None),
        (made("x", "b", 16, 30), None),
        (made("x", "a", 5, 20), None),
        (made("y", "b", 5, 20), None),
        (made("x", "", 5, 20), None),
        (made("x", "b", 5, 20, kind=AddressType.RANDOM_IDENTITY), None),
    ],
)
def test_by_one_clock_two_addresses_overlap_or_not(
    rules: Making, other: HeardId, overlap_s: int | None
) -> None:
    one = made("x", "a", 0, 15)
    for heard in ([one, other], [other, one]):
        found = at_once(heard, rules("v3"))
        assert [pair.length_us for pair in found] == ([] if overlap_s is None else [overlap_s * S])


@pytest.mark.req("BZ-PRV-009")
def test_two_receivers_of_one_address_hear_one_phone(rules: Making) -> None:
    heard = [made("x", "a", 0, 15), made("x", "a", 2, 17, receiver="b")]
    assert at_once(heard, rules("v3")) == ()


def windows(address_letters: str, phase_s: float, period_s: float, receiver: str) -> list[HeardId]:
    return [
        made("x", letter, phase_s + number * period_s, phase_s + number * period_s + 15, receiver=receiver)
        for number, letter in enumerate(address_letters)
    ]


@pytest.mark.req("BZ-PRV-009")
def test_between_two_clocks_only_what_overlaps_however_they_differ_counts(rules: Making) -> None:
    near = windows("abcdefghij", 0, 30, "near")
    # one window each could be one phone's, 45 s apart by clocks that differ
    assert at_once([near[0], *windows("k", 0, 30, "far")], rules("v3")) == ()
    # somebody who never stops sending overlaps with each of ten windows, whatever the clocks
    relay = [made("x", "z", -60, 400, receiver="far")]
    (pair,) = at_once([*near, *relay], rules("v3"))
    assert pair.length_us is None
    assert b"zzzzzz" in (pair.one.address, pair.other.address)
    # one rhythm out of step with the other: a difference of 15 s makes them take turns
    assert at_once([*near, *windows("klmnopqrst", 1, 30, "far")], rules("v3")) == ()
    # denser than that, nothing does
    assert at_once([*near, *windows("klmnopqrst", 1, 20, "far")], rules("v3")) != ()


@pytest.mark.req("BZ-PRV-009")
def test_an_address_that_both_heard_tells_how_their_clocks_differ(rules: Making) -> None:
    near = windows("abcdefghij", 0, 30, "near")
    far = windows("klmnopqrst", 1, 30, "far")
    # both heard the phone itself for a moment, at the same time by their clocks: the rest is a relay
    common = [made("x", "y", 302, 303, receiver="near"), made("x", "y", 302, 303, receiver="far")]
    assert at_once([*near, *far, *common], rules("v3")) != ()
    # 15 s apart by their clocks, the two take turns
    shifted = [common[0], made("x", "y", 317.5, 318.5, receiver="far")]
    assert at_once([*near, *far, *shifted], rules("v3")) == ()
    # two that contradict each other tell nothing
    contradiction = [
        *shifted,
        made("x", "z", 400, 410, receiver="near"),
        made("x", "z", 40, 50, receiver="far"),
    ]
    assert at_once([near[0], far[0], *contradiction], rules("v3")) == ()
    # by what one of the two tells alone, these would overlap
    apart = [made("x", "u", 50, 60, receiver="near"), made("x", "v", 62, 70, receiver="far")]
    assert at_once([*contradiction, *apart], rules("v3")) == ()
    relay = made("x", "w", -60, 250, receiver="far")
    assert any(pair.length_us is None for pair in at_once([*near, relay, *contradiction], rules("v3")))


@pytest.mark.req("BZ-PRV-009")
@given(
    difference_s=st.integers(-45, 45),
    heard_by=st.lists(st.sampled_from(["near", "far", "both"]), min_size=2, max_size=30),
    phase_s=st.integers(0, 29),
)
def test_one_phone_heard_by_two_receivers_is_never_in_two_places(
    rules: Making, difference_s: int, heard_by: list[str], phase_s: int
) -> None:
    heard: list[HeardId] = []
    for number, who in enumerate(heard_by):
        window = made(
            "x", chr(97 + number), phase_s + 30 * number, phase_s + 30 * number + 15, receiver="near"
        )
        if who != "far":
            heard.append(window)
        if who != "near":
            shift_us = difference_s * S
            heard.append(
                replace(
                    window,
                    receiver="far",
                    first_us=window.first_us + shift_us,
                    last_us=window.last_us + shift_us,
                )
            )
    assert at_once(heard, rules("v3")) == ()
