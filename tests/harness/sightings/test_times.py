"""Times of adverts: of the same payloads in every capture, in bounded memory, in whichever order they come."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_harness.observations import AddressType, Advert, PduType
from bluezone_harness.sightings import fold, times
from bluezone_harness.sightings.times import AdvertTimes, payload_hash

pytestmark = pytest.mark.req("BZ-ADV-001")

Heard = list[tuple[int, int]]
"""Whose adverts, and when."""


def expected(heard: Heard, hashes: list[int], limit: int, of_one: int) -> dict[int, list[int]]:
    """Say by sets and sorting what is kept."""
    whole: dict[int, list[int]] = {}
    for whose, time_us in heard:
        whole.setdefault(whose, []).append(time_us)
    kept, total = {}, 0
    for payload in sorted({hashes[whose] for whose in whole}):
        same = {whose: found[:of_one] for whose, found in whole.items() if hashes[whose] == payload}
        total += sum(map(len, same.values()))
        if total > limit:
            break
        kept.update(same)
    return kept


@given(
    st.lists(st.tuples(st.integers(0, 11), st.integers(0, 10**6)), max_size=120),
    st.lists(st.integers(0, 2**32 - 1) | st.integers(0, 3), min_size=12, max_size=12),
    st.integers(0, 40),
    st.integers(1, 8),
    st.integers(1, 50),
)
def test_those_whose_hashes_are_least_are_kept(
    heard: Heard, hashes: list[int], limit: int, of_one: int, at_once: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(times, "TIMES_LIMIT", limit)
        patch.setattr(times, "TIMES_OF_ONE", of_one)
        one, other = AdvertTimes(hashes.__getitem__), AdvertTimes(hashes.__getitem__)
        for whose, time_us in heard:
            if one.is_kept(hashes[whose]):
                one.add(whose, time_us)
        for start in range(0, len(heard), at_once):
            part = [each for each in heard[start : start + at_once] if hashes[each[0]] < other.bar]
            other.extend([whose for whose, _ in part], [time_us for _, time_us in part])
        found = {whose: list(kept) for whose, kept in one.known().items()}
        assert found == expected(heard, hashes, limit, of_one)
        assert {whose: list(kept) for whose, kept in other.known().items()} == found


def test_two_captures_keep_the_same_payloads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(times, "TIMES_LIMIT", 200)
    drawn = random.Random(1)
    payloads = [drawn.randbytes(8) for _ in range(100)]

    def heard(share: float) -> set[bytes | None]:
        adverts = [
            Advert(
                number,
                number * 1000,
                "",
                payload[:6],
                AddressType.RESOLVABLE,
                PduType.ADV_IND,
                payload,
                None,
                None,
            )
            for number, payload in enumerate(drawn.choices(payloads, k=2000))
            if drawn.random() < share
        ]
        folded = fold("air", adverts, keep_times=True)
        assert sum(map(len, folded.times.values())) <= 200
        for (address, _, _, ad), found in folded.times.items():
            assert list(found) == [
                each.time_us for each in adverts if (each.address, each.ad) == (address, ad)
            ]
        return {ad for _, _, _, ad in folded.times}

    often, seldom = heard(1.0), heard(0.5)
    assert 5 < len(often) < len(seldom)
    assert often < seldom


def test_a_hash_tells_addresses_and_payloads_apart() -> None:
    assert len({payload_hash(address, ad) for address in (None, b"a", b"b") for ad in (None, b"a", b"b")}) > 5
    assert payload_hash(b"123456789", None) == 0xCBF43926  # the check value of CRC-32
