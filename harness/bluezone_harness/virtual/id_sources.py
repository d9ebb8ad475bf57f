"""Where a virtual phone's ids come from: the reference for what is right, this module for what is not.

Each function takes the plan of a phone and returns its source: a function from what the phone's clock says to the
octets that it puts on the air.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from hashlib import sha256

from bluezone_reference.errors import BuildFailureError, RefusedError
from bluezone_reference.key_schedule import (
    DAY_MS,
    ID_POSITIONS,
    SUBKEY_SALT,
    day_key,
    day_start_ms,
    slots_a_day,
    slots_from_setting,
)
from bluezone_reference.profiles import ANDROID_V3, IOS_V3, V3, Profile
from bluezone_reference.rolling_id_source import RollingIdSource

from .plans import IdSource, PhonePlan


def slots_at(phone: PhonePlan, time_ms: int) -> int:
    """Return the slots a day that hold for a correct phone when its clock says an instant."""
    count = slots_a_day(None) if phone.max_per_day is None else slots_from_setting(phone.max_per_day)
    for from_ms, value in phone.max_changes:
        if from_ms <= time_ms:
            count = slots_from_setting(value)
    return count


def build_of(phone: PhonePlan) -> Profile:
    """Return the profile of the published build of a phone's platform."""
    return IOS_V3 if phone.platform == "ios" else ANDROID_V3


def of_profile(phone: PhonePlan, profile: Profile = V3) -> IdSource:
    """Return what a build of a profile sends, whatever happens to clock and ``max``.

    Raises:
        RefusedError: BAD_BASE_ID.
        ValueError: The base day is not a UTC midnight.

    Source: BZ-KEY-009.
    """
    source = RollingIdSource(phone.base_id, phone.base_day_ms, profile, phone.max_per_day)
    changes = list(phone.max_changes)

    def rolling_id(time_ms: int) -> bytes | None:
        while changes and changes[0][0] <= time_ms:
            source.set_max(changes.pop(0)[1])
        return _answer(source, time_ms)

    return rolling_id


def with_list_of_next_day(phone: PhonePlan, from_ms: int) -> IdSource:
    """Return what a published build (3.0.3) sends whose clock stood a day ahead for a moment.

    Args:
        phone: Its plan.
        from_ms: When that was, by the right clock; the clock has been right again ever since.

    Source: F-11.
    """
    source = RollingIdSource(phone.base_id, phone.base_day_ms, build_of(phone), phone.max_per_day)
    waiting = [from_ms]

    def rolling_id(time_ms: int) -> bytes | None:
        if waiting and waiting[0] <= time_ms:
            _answer(source, waiting.pop() + DAY_MS)
        return _answer(source, time_ms)

    return rolling_id


def with_list_of_day_before(phone: PhonePlan, midnight_ms: int) -> IdSource:
    """Return what a published build (3.0.3) sends that made its list of ids at a midnight: the day before's.

    Args:
        phone: Its plan.
        midnight_ms: Which; until then it sends what is right.

    Source: F-13.
    """
    before = of_profile(phone)
    source = RollingIdSource(phone.base_id, phone.base_day_ms, build_of(phone), phone.max_per_day)
    source.rolling_id(midnight_ms - 1, reread_ms=midnight_ms)
    return lambda time_ms: before(time_ms) if time_ms < midnight_ms else _answer(source, time_ms)


def with_list_until_midnight(phone: PhonePlan) -> IdSource:
    """Return what a build sends that keeps the day's list, with the slots it was made for, when ``max`` changes.

    Source: F-10.
    """

    @lru_cache(maxsize=4)
    def of_count(count: int) -> IdSource:
        return by_other_rules(phone, slots=lambda time_ms: count)

    return lambda time_ms: of_count(slots_at(phone, day_start_ms(time_ms)))(time_ms)


def by_other_rules(
    phone: PhonePlan,
    *,
    salt: bytes = SUBKEY_SALT,
    positions: tuple[int, ...] = ID_POSITIONS,
    shift_ms: int = 0,
    lag: int = 0,
    slots: Callable[[int], int] | None = None,
) -> IdSource:
    """Return what a build sends that computes its ids by other rules.

    Args:
        phone: Its plan.
        salt: What the day key is hashed with for the first subkey.
        positions: Which octets of a subkey are the id.
        shift_ms: By how much the time it computes with is ahead of its clock.
        lag: Steps by which its day key stays behind from day 1 on.
        slots: Slots a day, by the clock; else those of the plan.

    Raises:
        RefusedError: BAD_BASE_ID.
    """
    day_key(phone.base_id, 0)

    @lru_cache(maxsize=2)
    def ids_of(day: int, count: int) -> tuple[bytes, ...]:
        subkey = sha256(day_key(phone.base_id, max(0, day - lag)) + salt).digest()
        ids = []
        for _ in range(count):
            ids.append(bytes(subkey[position] for position in positions))
            subkey = sha256(subkey).digest()
        return tuple(ids)

    def rolling_id(time_ms: int) -> bytes | None:
        count = slots_at(phone, time_ms) if slots is None else slots(time_ms)
        day, since_ms = divmod(time_ms + shift_ms - phone.base_day_ms, DAY_MS)
        return ids_of(day, count)[since_ms * count // DAY_MS] if day >= 0 else None

    return rolling_id


def java_random_octets(seed: int, count: int) -> bytes:
    """Return what ``java.util.Random(seed).nextBytes`` writes.

    Args:
        seed: Such as the clock in milliseconds.
        count: How many octets, a multiple of 4.

    Source: F-22; the Java platform's documented generator.
    """
    mask = (1 << 48) - 1
    state = (seed ^ 0x5DEECE66D) & mask
    octets = bytearray()
    while len(octets) < count:
        state = (state * 0x5DEECE66D + 0xB) & mask
        octets += (state >> 16).to_bytes(4, "little")
    return bytes(octets)


def _answer(source: RollingIdSource, time_ms: int) -> bytes | None:
    """Return the id, or nothing where the build has none: it advertises nothing then."""
    try:
        return source.rolling_id(time_ms)
    except BuildFailureError:
        return None
    except RefusedError:  # BZ-KEY-008: a time before the base day has no id
        return None
