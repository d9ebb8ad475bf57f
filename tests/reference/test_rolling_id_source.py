"""What a phone sends while clock and ``max`` move: v3 against an oracle, the builds against a model of their list."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from bluezone_reference.errors import BuildFailureError, Failure, RefusedError
from bluezone_reference.profiles import ANDROID_V3, IOS_V3, V1, V2, V3, Profile
from bluezone_reference.rolling_id_source import RollingIdSource

DAY_MS = 86_400_000
BASE_DAY_MS = 1_596_844_800_000
BASE = bytes(range(32))


def oracle(day: int, slot: int) -> bytes:
    key = BASE
    for _ in range(day):
        key = sha256(key).digest()
    subkey = sha256(key + b"bluzonesubkey").digest()
    for _ in range(slot):
        subkey = sha256(subkey).digest()
    return subkey[0:16:4] + subkey[16:32:2]


def at(day: int, since_midnight_ms: int = 0) -> int:
    return BASE_DAY_MS + day * DAY_MS + since_midnight_ms


@pytest.mark.req("BZ-KEY-009", "F-10")
@pytest.mark.parametrize("profile", [ANDROID_V3, IOS_V3], ids=lambda profile: profile.name)
def test_a_change_of_max_during_the_day(profile: Profile) -> None:
    fresh, kept = RollingIdSource(BASE, BASE_DAY_MS), RollingIdSource(BASE, BASE_DAY_MS, profile)
    assert fresh.rolling_id(at(0)) == kept.rolling_id(at(0)) == oracle(0, 0)
    for source in (fresh, kept):
        source.set_max(48)
    noon_ms = at(0, DAY_MS // 2)
    assert fresh.rolling_id(noon_ms) == oracle(0, 24)
    assert kept.rolling_id(noon_ms) == oracle(0, 24)  # right, by chance: the chain does not depend on max
    for source in (fresh, kept):
        source.set_max(144)
    late_ms = at(0, 23 * 3_600_000)
    assert fresh.rolling_id(late_ms) == oracle(0, 138)
    with pytest.raises(BuildFailureError) as caught:
        kept.rolling_id(late_ms)
    assert (caught.value.fault, caught.value.failure) == ("F-10", Failure.EXCEPTION)
    assert kept.rolling_id(at(1)) == oracle(1, 0)  # the next day makes a new list


@pytest.mark.req("BZ-KEY-009", "F-11")
@pytest.mark.parametrize("profile", [ANDROID_V3, IOS_V3], ids=lambda profile: profile.name)
def test_a_clock_set_back_a_day(profile: Profile) -> None:
    fresh, kept = RollingIdSource(BASE, BASE_DAY_MS), RollingIdSource(BASE, BASE_DAY_MS, profile)
    for source in (fresh, kept):
        assert source.rolling_id(at(5)) == oracle(5, 0)
    assert fresh.rolling_id(at(4)) == oracle(4, 0)
    assert kept.rolling_id(at(4)) == oracle(5, 0)


@pytest.mark.req("BZ-KEY-009", "F-13")
@pytest.mark.parametrize("profile", [ANDROID_V3, IOS_V3], ids=lambda profile: profile.name)
def test_a_clock_read_on_both_sides_of_midnight(profile: Profile) -> None:
    fresh, kept = RollingIdSource(BASE, BASE_DAY_MS), RollingIdSource(BASE, BASE_DAY_MS, profile)
    before_ms, after_ms = at(0, DAY_MS - 1), at(1)
    assert fresh.rolling_id(before_ms, reread_ms=after_ms) == oracle(0, 95)
    assert kept.rolling_id(before_ms, reread_ms=after_ms) == oracle(0, 0)  # yesterday's list, today's slot
    noon_ms = at(1, DAY_MS // 2)
    assert fresh.rolling_id(noon_ms) == oracle(1, 48)
    assert kept.rolling_id(noon_ms) == oracle(0, 48)  # and so all day


@pytest.mark.req("F-02")
def test_the_last_milliseconds_of_a_day_of_seven_slots() -> None:
    new = RollingIdSource(BASE, BASE_DAY_MS, ANDROID_V3, 7)
    with pytest.raises(BuildFailureError) as caught:
        new.rolling_id(at(0, DAY_MS - 1))
    assert (caught.value.fault, caught.value.failure) == ("F-02", Failure.NO_ID)
    kept = RollingIdSource(BASE, BASE_DAY_MS, ANDROID_V3, 7)
    assert kept.rolling_id(at(0, DAY_MS - 2)) == oracle(0, 6)
    with pytest.raises(BuildFailureError) as caught:
        kept.rolling_id(at(0, DAY_MS - 1))
    assert (caught.value.fault, caught.value.failure) == ("F-02", Failure.EXCEPTION)
    assert RollingIdSource(BASE, BASE_DAY_MS, IOS_V3, 7).rolling_id(at(0, DAY_MS - 1)) == oracle(0, 6)


@pytest.mark.req("F-08")
def test_one_slot_a_day() -> None:
    android = RollingIdSource(BASE, BASE_DAY_MS, ANDROID_V3, 1)
    for _ in range(2):
        with pytest.raises(BuildFailureError, match="F-08"):
            android.rolling_id(at(0))
    assert RollingIdSource(BASE, BASE_DAY_MS, IOS_V3, 1).rolling_id(at(0, DAY_MS - 1)) == oracle(0, 0)
    assert RollingIdSource(BASE, BASE_DAY_MS, V3, 1).rolling_id(at(0)) == oracle(0, 0)  # the default of 96


@pytest.mark.req("BZ-KEY-008", "F-12")
def test_a_clock_before_the_base_day() -> None:
    with pytest.raises(RefusedError, match="BEFORE_BASE_DAY"):
        RollingIdSource(BASE, BASE_DAY_MS).rolling_id(at(-1))
    assert RollingIdSource(BASE, BASE_DAY_MS, ANDROID_V3).rolling_id(at(-3)) == oracle(0, 0)


@pytest.mark.req("F-15")
def test_an_empty_base_id() -> None:
    source = RollingIdSource(b"", BASE_DAY_MS, IOS_V3)
    assert {source.rolling_id(at(day)).hex() for day in range(4)} == {"d31a1de6b2096087f1d18d90"}


def test_what_cannot_be_a_source_is_refused_at_once() -> None:
    for base_id, base_day_ms, profile in (
        (b"x", BASE_DAY_MS, V3),
        (b"", BASE_DAY_MS, V2),
        (BASE, 1, V3),
        (BASE, BASE_DAY_MS, V1),
    ):
        with pytest.raises(ValueError, match=r"octets|midnight|key schedule"):
            RollingIdSource(base_id, base_day_ms, profile)


class ClockAndSetting(RuleBasedStateMachine):
    """Clock jumps, midnights and changes of ``max``, against a model that shares no code with the reference."""

    profile = V3

    @initialize()
    def start(self) -> None:
        self.source = RollingIdSource(BASE, BASE_DAY_MS, self.profile)
        self.max = 96
        self.kept: list[bytes] = []
        self.kept_day = -1

    @rule(count=st.sampled_from([-1, 0, 2, 7, 24, 48, 96, 97, 144]))
    def set_max(self, count: int) -> None:
        self.source.set_max(count)
        if self.profile is V3:
            self.max = count if count > 1 and DAY_MS % count == 0 else 96
        else:
            self.max = count if count >= 1 else 96

    @rule(
        day=st.integers(0, 4),
        since_midnight_ms=st.one_of(
            st.sampled_from([0, 1, 899_999, 900_000, DAY_MS - 1]), st.integers(0, DAY_MS - 1)
        ),
        passes_ms=st.sampled_from([0, 0, 1, 2]),
    )
    def ask(self, day: int, since_midnight_ms: int, passes_ms: int) -> None:
        time_ms = at(day, since_midnight_ms)
        expected = self.expect(time_ms, time_ms + passes_ms)
        try:
            found: bytes | None = self.source.rolling_id(time_ms, reread_ms=time_ms + passes_ms)
        except BuildFailureError:
            found = None
        assert found == expected

    def index(self, time_ms: int) -> int:
        since_ms = (time_ms - BASE_DAY_MS) % DAY_MS
        if self.profile is IOS_V3:
            return int((since_ms // 1000) / (86_400 / self.max))
        return since_ms // (DAY_MS // self.max)

    def expect(self, time_ms: int, reread_ms: int) -> bytes | None:
        today = (time_ms - BASE_DAY_MS) // DAY_MS
        if self.profile is V3:
            return oracle(today, self.index(time_ms))
        if not (self.kept and self.kept_day >= today):
            self.kept = [oracle(today, slot) for slot in range(self.max)]
            self.kept_day = (reread_ms - BASE_DAY_MS) // DAY_MS
            time_ms = reread_ms
        slot = self.index(time_ms)
        return self.kept[slot] if slot < len(self.kept) else None


class AndroidClockAndSetting(ClockAndSetting):
    profile = ANDROID_V3


class IosClockAndSetting(ClockAndSetting):
    profile = IOS_V3


TestClockAndSetting = pytest.mark.req("BZ-KEY-009")(ClockAndSetting.TestCase)
TestAndroidClockAndSetting = pytest.mark.req("F-10", "F-11", "F-13")(AndroidClockAndSetting.TestCase)
TestIosClockAndSetting = pytest.mark.req("F-10", "F-11", "F-13")(IosClockAndSetting.TestCase)
