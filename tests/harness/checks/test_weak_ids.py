"""Rolling ids of weak base ids are found where they belong, ids of others nowhere."""

from __future__ import annotations

from collections.abc import Callable, Collection

import pytest

from bluezone_harness.checks import weak_ids
from bluezone_harness.checks.weak_ids import BASE_DAYS, WeakPlace, weak_places

Ids = Callable[..., bytes]
DAY_MS = 86_400_000


@pytest.mark.req("BZ-PRV-007", "BZ-KEY-001", "F-15")
def test_known_ids_of_weak_base_ids_are_found() -> None:
    # executed and computed: the specification's chapter on the key schedule
    known = {
        "490c085d937456a4dd07e710": WeakPlace("all octets 0x00", 0, 0),
        "cc4111fec540c346ec6a053f": WeakPlace("all octets 0x00", 0, 1),
        "d80cc204fa6491af30d0932a": WeakPlace("all octets 0x00", 1, 0),
        "d31a1de6b2096087f1d18d90": WeakPlace("empty", 0, 0),
        "130cea6472130c185d8643df": WeakPlace("counting up from 0x00", 0, 0),
    }
    found = weak_places([bytes.fromhex(each) for each in known], [0, 1], 2)
    assert found == {bytes.fromhex(each): place for each, place in known.items()}


@pytest.mark.req("BZ-PRV-007")
def test_days_and_slots_bound_the_search(own_id: Ids) -> None:
    base_id = "ff" * 32
    late = own_id(9 * DAY_MS + 95 * 900_000, base_id=base_id, base_day_ms=0)
    assert weak_places([late], [9], 96) == {late: WeakPlace("all octets 0xff", 9, 95)}
    assert weak_places([late], [9], 95) == {}
    assert weak_places([late], [8, 10], 96) == {}
    assert weak_places([late], [-1, BASE_DAYS + 1], 96) == {}


@pytest.mark.req("BZ-PRV-007", "F-15")
def test_the_empty_base_id_has_no_other_day_and_no_day_lies_outside_the_search(own_id: Ids) -> None:
    empty = own_id(3 * DAY_MS, base_id="", base_day_ms=0)
    assert weak_places([empty], [3], 1) == {}
    beyond = own_id((BASE_DAYS + 1) * DAY_MS, base_id="00" * 32, base_day_ms=0)
    assert weak_places([beyond], [BASE_DAYS + 1], 1) == {}


@pytest.mark.req("BZ-PRV-007")
def test_the_last_base_day_is_searched(own_id: Ids) -> None:
    last = own_id(BASE_DAYS * DAY_MS, base_id=bytes(range(1, 33)).hex(), base_day_ms=0)
    assert weak_places([last], range(BASE_DAYS + 1), 1) == {
        last: WeakPlace("counting up from 0x01", BASE_DAYS, 0)
    }


@pytest.mark.req("BZ-PRV-007", "F-21")
def test_other_ids_are_not_found(own_id: Ids) -> None:
    assert weak_places([own_id(1_596_844_800_000), b"ABC123", b""], [0, 1, 2], 96) == {}


@pytest.mark.req("BZ-PRV-007")
def test_what_was_looked_for_is_not_looked_for_again(own_id: Ids, monkeypatch: pytest.MonkeyPatch) -> None:
    weak, later = (own_id(day * DAY_MS, base_id="ff" * 32, base_day_ms=0) for day in (7, 8))
    others = [own_id(1_596_844_800_000 + slot * 900_000) for slot in range(3)]
    sought: list[set[bytes]] = []
    search = weak_ids._sought

    def counted(ids: Collection[bytes], days: tuple[int, ...], count: int) -> dict[bytes, WeakPlace]:
        sought.append({*ids})
        return search(ids, days, count)

    monkeypatch.setattr(weak_ids, "_sought", counted)
    weak_ids._search.cache_clear()
    place = {weak: WeakPlace("all octets 0xff", 7, 0)}
    assert weak_places([weak, *others[:2]], [7, 8], 2) == place
    assert weak_places([weak, *others], [8, 7], 2) == place
    assert weak_places([weak, later], (7, 8), 2) == {**place, later: WeakPlace("all octets 0xff", 8, 0)}
    assert weak_places([*others], [7, 8], 2) == {}
    assert sought == [{weak, *others[:2]}, {others[2]}, {later}]
    assert weak_places([weak], [7], 2) == place  # other days are another search
    monkeypatch.setattr(weak_ids, "_REMEMBERED", 3)
    assert weak_places([weak, b"ABC123"], [7, 8], 2) == place  # too much is known: it is forgotten
    assert weak_places([weak], [7, 8], 2) == place
    assert sought[3:] == [{weak}, {b"ABC123"}, {weak}]
