"""Simulated days: the same octets each time, and as good as a real phone's."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime

import pytest

from bluezone_harness.virtual.contact_logs import FIRST_DAY_MS, simulate_day
from bluezone_reference.profiles import ANDROID_V3, IOS_V3, V3, Profile

DAY_MS = 86_400_000
POSITIONS = (0, 4, 8, 12, 16, 18, 20, 22, 24, 26, 28, 30)


def hashed_id(base_id: bytes, base_day_ms: int, time_ms: int) -> bytes:
    key = base_id
    for _ in range((time_ms - base_day_ms) // DAY_MS):
        key = hashlib.sha256(key).digest()
    subkey = hashlib.sha256(key + b"bluzonesubkey").digest()
    for _ in range(time_ms % DAY_MS // 900_000):
        subkey = hashlib.sha256(subkey).digest()
    return bytes(subkey[position] for position in POSITIONS)


@pytest.mark.req("BZ-LOG-003")
def test_a_seed_gives_the_same_day_and_another_seed_another() -> None:
    assert simulate_day(5) == simulate_day(5)
    assert simulate_day(5)[0].export != simulate_day(6)[0].export
    assert {len(simulate_day(seed)) for seed in range(4)} == {2, 3}


@pytest.mark.req("BZ-LOG-005", "BZ-KEY-002", "BZ-KEY-006")
@pytest.mark.parametrize("seed", [1, 2])
def test_rows_hold_the_ids_of_both_phones(seed: int) -> None:
    phones = simulate_day(seed)
    for phone in phones:
        assert phone.records
        others = [other for other in phones if other is not phone]
        for record in phone.records:
            times = (record.time_ms, record.time_ms + 499)
            assert record.own_id in {hashed_id(phone.base_id, phone.base_day_ms, each) for each in times}
            heard = {
                hashed_id(other.base_id, other.base_day_ms, each)
                for other in others
                for each in (record.time_ms, record.time_ms - 15_000)
            }
            assert record.contact_id in heard


@pytest.mark.req("BZ-LOG-003", "BZ-LOG-004", "F-01")
@pytest.mark.parametrize(("profile", "digits"), [(V3, 13), (ANDROID_V3, 13), (IOS_V3, 10)])
def test_the_export_is_in_the_profiles_unit(profile: Profile, digits: int) -> None:
    phone = simulate_day(3, profile)[0]
    rows = phone.export.decode("ascii").splitlines()
    assert len(rows) == len(phone.records)
    assert {len(row.split("\t")[3]) for row in rows} == {digits}


@pytest.mark.req("BZ-KEY-001")
def test_the_device_file_is_the_phones() -> None:
    phone = simulate_day(4, ANDROID_V3)[1]
    day = datetime.fromtimestamp(phone.base_day_ms / 1000, UTC).date().isoformat()
    assert json.loads(phone.device_file) == {
        "base_id": phone.base_id.hex(),
        "base_day": day,
        "platform": "android",
    }
    assert "platform" not in json.loads(simulate_day(4)[1].device_file)
    assert phone.base_day_ms <= FIRST_DAY_MS


@pytest.mark.req("BZ-PRV-004")
def test_a_day_is_long_enough_to_be_judged() -> None:
    for phone in simulate_day(1):
        times = [record.time_ms for record in phone.records]
        assert times == sorted(times)
        assert times[-1] - times[0] > 12 * 3_600_000
