"""Strings of octets by their numbers, held to a list and a dict that say the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_harness.sightings.octet_strings import OctetStrings


@pytest.mark.req("BZ-PRV-001")
@given(st.lists(st.binary(max_size=3)))
def test_each_string_has_one_number_in_the_order_they_came(given_strings: list[bytes]) -> None:
    known, numbers = OctetStrings(), dict[bytes, int]()
    for octets in given_strings:
        assert known.find(octets) == numbers.get(octets)
        assert known.number(octets) == numbers.setdefault(octets, len(numbers))
    assert list(known) == list(numbers)
    assert known[: len(known)] == list(numbers)
    assert known[::-1] == list(numbers)[::-1]


@pytest.mark.req("BZ-PRV-001")
def test_many_strings_are_found_again_when_the_table_has_grown() -> None:
    known = OctetStrings()
    strings = [b"%d" % number for number in range(5000)]
    assert [known.number(each) for each in strings] == list(range(5000))
    assert [known.find(each) for each in strings] == list(range(5000))
    assert known.find(b"5000") is None
    assert (len(known), known[4999]) == (5000, b"4999")


@pytest.mark.req("BZ-PRV-001")
def test_what_no_number_stands_for_is_refused() -> None:
    known = OctetStrings()
    known.number(b"")
    assert known[0] == b""
    for number in (-1, 1):
        with pytest.raises(IndexError):
            known[number]
