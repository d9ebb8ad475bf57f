"""The key schedule: base id -> day keys -> subkeys -> rolling ids, and the slots of a day.

::

    D(0) = base id                        D(n+1) = SHA-256(D(n))           one step a UTC day      BZ-KEY-002, -003
    S(0) = SHA-256(D || "bluzonesubkey")  S(i+1) = SHA-256(S(i))           one step a slot         BZ-KEY-004
    rolling id = octets 0 4 8 12 16 18 20 22 24 26 28 30 of S(i)                                   BZ-KEY-005
    slot = milliseconds since UTC midnight // (86 400 000 / max)                                   BZ-KEY-006

Everything here is a function of its arguments. A quirk profile (``ANDROID_V3`` and so on) gives what the published
build computed, and raises ``BuildFailureError`` where that build gave no answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice

from .errors import BuildFailureError, Failure, RefusedError, RejectCode
from .profiles import V3, KeyScheduleRules, Profile

DAY_MS = 86_400_000
KEY_OCTETS = 32
ID_OCTETS = 12
SUBKEY_SALT = b"bluzonesubkey"
"""13 ASCII octets, spelt without the second ``e``. Source: BZ-KEY-004."""
ID_POSITIONS = (0, 4, 8, 12, 16, 18, 20, 22, 24, 26, 28, 30)
"""Which octets of a subkey are the rolling id. Source: BZ-KEY-005."""
LEAST_MAX = 2
GREATEST_MAX = 86_400
"""Slots of one second: no more than these are ever computed, under any profile. Source: BZ-KEY-007."""
LAST_DAY = 36_525
"""A hundred years after the base day: later days are refused, so that work is bounded. Source: tolerance last_day."""
DAYS_PUBLISHED = 14
"""How far back the published day key lies by default. Source: BZ-MSG-004."""


@dataclass(frozen=True, slots=True)
class SlotId:
    """A rolling id and where it belongs.

    Attributes:
        day: UTC days since the base day; negative only where a quirk profile answers before it.
        slot: Of that day, from 0.
        rolling_id: 12 octets.
        valid_from_ms: First instant of the slot.
        valid_until_ms: First instant after the slot. The phone sends the id before it; matching takes it there too
            (BZ-MAT-002).
    """

    day: int
    slot: int
    rolling_id: bytes
    valid_from_ms: int
    valid_until_ms: int


@dataclass(frozen=True, slots=True)
class PublishedKey:
    """What an upload publishes.

    Attributes:
        day: UTC days since the base day.
        day_key: 32 octets; the base id itself on day 0 (F-24).
        time_start_ms: First instant of that day.
    """

    day: int
    day_key: bytes
    time_start_ms: int


def day_start_ms(time_ms: int) -> int:
    """Return the UTC midnight at or before an instant. Source: BZ-KEY-002."""
    return _instant(time_ms) - time_ms % DAY_MS


def day_number(base_day_ms: int, time_ms: int) -> int:
    """Return the UTC days from the base day to an instant's day; negative before the base day.

    Raises:
        ValueError: ``base_day_ms`` is not a UTC midnight.

    Source: BZ-KEY-002.
    """
    if _instant(base_day_ms) % DAY_MS:
        raise ValueError("the base day must be a UTC midnight in milliseconds")
    return (_instant(time_ms) - base_day_ms) // DAY_MS


def slots_a_day(max_per_day: int | None = None, profile: Profile = V3) -> int:
    """Return the slots a day that a question asks for.

    Args:
        max_per_day: ``None`` for the profile's default.
        profile: Decides what is allowed.

    Raises:
        RefusedError: BAD_MAX, or NO_KEY_SCHEDULE under ``V1``.

    Source: BZ-KEY-007.
    """
    rules = _rules(profile)
    if max_per_day is None:
        return rules.default_max
    if type(max_per_day) is not int:
        raise RefusedError(RejectCode.BAD_MAX, "BZ-KEY-007", "max must be an integer")
    if rules.max_rule == "setting" and max_per_day < 1:
        return rules.default_max  # executed: a stored value below 1 means the default
    least = LEAST_MAX if rules.max_rule == "divisor" else 1
    if not least <= max_per_day <= GREATEST_MAX:
        raise RefusedError(
            RejectCode.BAD_MAX,
            "BZ-KEY-007",
            f"max must be {least} to {GREATEST_MAX} slots a day, not {_number(max_per_day)}",
        )
    if rules.max_rule == "divisor" and DAY_MS % max_per_day:
        raise RefusedError(
            RejectCode.BAD_MAX,
            "BZ-KEY-007",
            f"max must divide the day's 86400000 ms, and {max_per_day} does not",
        )
    return max_per_day


def slots_from_setting(max_per_day: object, profile: Profile = V3) -> int:
    """Return the slots a day that a phone uses when ``max_per_day`` arrives as a setting, of whatever type.

    Where a question would be refused, a phone goes on with the default. Source: BZ-KEY-007.
    """
    try:
        return slots_a_day(max_per_day if type(max_per_day) is int else None, profile)
    except RefusedError as error:
        if error.code is RejectCode.NO_KEY_SCHEDULE:
            raise
        return _rules(profile).default_max


def day_key(base_id: bytes, day: int, profile: Profile = V3) -> bytes:
    """Return the day key of a day.

    Args:
        base_id: 32 octets; empty too under a profile that accepts it (F-15).
        day: UTC days since the base day.
        profile: v2 stays one step behind (F-14b); the published builds use the base id before the base day (F-12).

    Returns:
        32 octets; empty for an empty base id, on every day.

    Raises:
        RefusedError: BAD_BASE_ID, BEFORE_BASE_DAY, DAY_OUT_OF_RANGE or NO_KEY_SCHEDULE.

    Source: BZ-KEY-003.
    """
    rules = _rules(profile)
    key = _base(base_id, rules)
    if _instant(day) < 0 and rules.before_base_day == "refuse":
        raise RefusedError(
            RejectCode.BEFORE_BASE_DAY, "BZ-KEY-008", "a time before the base day has no rolling id"
        )
    if day > LAST_DAY:
        raise RefusedError(
            RejectCode.DAY_OUT_OF_RANGE,
            "BZ-KEY-003",
            f"the day is more than {LAST_DAY} days after the base day",
        )
    if not key:
        return key  # F-15: drawn anew, and failed anew, every day
    for _ in range(day - rules.day_key_lag):
        key = sha256(key).digest()
    return key


def subkeys(day_key: bytes, count: int) -> Iterator[bytes]:
    """Yield the subkeys of one day, first slot first.

    Args:
        day_key: 32 octets.
        count: How many, up to 86 400.

    Yields:
        ``count`` subkeys of 32 octets.

    Raises:
        ValueError: ``day_key`` is not 32 octets, or ``count`` is out of range.

    Source: BZ-KEY-004.
    """
    if type(day_key) is not bytes or len(day_key) != KEY_OCTETS:
        raise ValueError("a day key is 32 octets")
    if not 0 <= _instant(count) <= GREATEST_MAX:
        raise ValueError(f"a day has at most {GREATEST_MAX} slots")
    return islice(_chain(day_key), count)


def rolling_id(subkey: bytes) -> bytes:
    """Return the 12 octets of a subkey that are its rolling id.

    Raises:
        ValueError: ``subkey`` is not 32 octets.

    Source: BZ-KEY-005.
    """
    if type(subkey) is not bytes or len(subkey) != KEY_OCTETS:
        raise ValueError("a subkey is 32 octets")
    return bytes(subkey[position] for position in ID_POSITIONS)


def rolling_ids(day_key: bytes, count: int) -> tuple[bytes, ...]:
    """Return the first ``count`` rolling ids of the day of a day key; errors as ``subkeys``."""
    return tuple(map(rolling_id, subkeys(day_key, count)))


def slot_at(time_ms: int, max_per_day: int | None = None, profile: Profile = V3) -> int:
    """Return the slot of the UTC day in which an instant lies.

    Raises:
        RefusedError: BAD_MAX or NO_KEY_SCHEDULE.
        BuildFailureError: F-02, the last milliseconds of a day that ``max`` does not divide.

    Source: BZ-KEY-006.
    """
    count = slots_a_day(max_per_day, profile)
    slot = slot_index(time_ms, count, _rules(profile))
    if slot >= count:
        raise BuildFailureError(
            "F-02", Failure.EXCEPTION, f"slot {slot} of a day of {count} slots: the list ends before the day"
        )
    return slot


def slot_index(time_ms: int, count: int, rules: KeyScheduleRules) -> int:
    """Return the index that a build computes, which may be ``count`` itself (F-02); the arguments are not checked."""
    since_midnight_ms = _instant(time_ms) % DAY_MS
    if rules.slot_arithmetic == "float_s":
        return int(since_midnight_ms // 1000 / (86_400.0 / count))
    return since_midnight_ms // (DAY_MS // count)


def slot_bounds_ms(slot: int, count: int, rules: KeyScheduleRules) -> tuple[int, int]:
    """Return a slot's first instant and the first after it, in ms since midnight; the arguments are not checked."""
    if rules.slot_arithmetic == "float_s":
        return _first_second(slot, count) * 1000, _first_second(slot + 1, count) * 1000
    length_ms = DAY_MS // count
    return slot * length_ms, (slot + 1) * length_ms


def id_at(
    base_id: bytes, base_day_ms: int, time_ms: int, max_per_day: int | None = None, profile: Profile = V3
) -> SlotId:
    """Return the rolling id of an instant, with its slot and its validity interval.

    Args:
        base_id: 32 octets.
        base_day_ms: UTC midnight of the day on which the base id was made.
        time_ms: The instant.
        max_per_day: Slots a day; ``None`` for the profile's default.
        profile: Whose arithmetic.

    Raises:
        ValueError: ``base_day_ms`` is not a UTC midnight.
        RefusedError: As ``slots_a_day`` and ``day_key``.
        BuildFailureError: F-02, F-08.

    Source: BZ-KEY-002 to BZ-KEY-008.
    """
    day = day_number(base_day_ms, time_ms)
    count = slots_a_day(max_per_day, profile)
    key = day_key(base_id, day, profile)
    _refuse_one_slot(count, profile)
    slot = slot_at(time_ms, count, profile)
    subkey = next(islice(_chain(key), slot, None))
    return _slot_id(base_day_ms, day, slot, subkey, count, _rules(profile))


def ids_of_day(
    base_id: bytes, base_day_ms: int, day: int, max_per_day: int | None = None, profile: Profile = V3
) -> tuple[SlotId, ...]:
    """Return all rolling ids of a day, first slot first; arguments and errors as ``id_at``."""
    day_number(base_day_ms, base_day_ms)
    count = slots_a_day(max_per_day, profile)
    key = day_key(base_id, day, profile)
    _refuse_one_slot(count, profile)
    chain = islice(_chain(key), count)
    return tuple(
        _slot_id(base_day_ms, day, slot, subkey, count, _rules(profile)) for slot, subkey in enumerate(chain)
    )


def published_day_key(
    base_id: bytes, base_day_ms: int, now_ms: int, days_back: int = DAYS_PUBLISHED, profile: Profile = V3
) -> PublishedKey:
    """Return the day key that an upload publishes: that of ``now - days_back``, but of no day before the base day.

    Raises:
        ValueError: ``days_back`` is negative, or ``base_day_ms`` is not a UTC midnight.
        RefusedError: As ``day_key``.

    Source: BZ-MSG-004; F-24.
    """
    if _instant(days_back) < 0:
        raise ValueError("the days asked for must not be negative")
    day = max(0, day_number(base_day_ms, now_ms) - days_back)
    return PublishedKey(day, day_key(base_id, day, profile), base_day_ms + day * DAY_MS)


def _chain(key: bytes) -> Iterator[bytes]:
    subkey = sha256(key + SUBKEY_SALT).digest()
    while True:
        yield subkey
        subkey = sha256(subkey).digest()


def _slot_id(
    base_day_ms: int, day: int, slot: int, subkey: bytes, count: int, rules: KeyScheduleRules
) -> SlotId:
    midnight_ms = base_day_ms + day * DAY_MS
    start_ms, end_ms = slot_bounds_ms(slot, count, rules)
    return SlotId(day, slot, rolling_id(subkey), midnight_ms + start_ms, midnight_ms + end_ms)


def _first_second(slot: int, count: int) -> int:
    """Return the first whole second of the day whose floating quotient reaches ``slot``."""
    length_s = 86_400.0 / count
    second = int(slot * length_s)
    while int(second / length_s) >= slot and second > 0:
        second -= 1
    while int(second / length_s) < slot:
        second += 1
    return second


def _rules(profile: Profile) -> KeyScheduleRules:
    if profile.key_schedule is None:
        raise RefusedError(
            RejectCode.NO_KEY_SCHEDULE, "BZ-KEY-004", f"{profile.name} has one static id and no key schedule"
        )
    return profile.key_schedule


def _base(base_id: bytes, rules: KeyScheduleRules) -> bytes:
    if type(base_id) is not bytes:
        raise RefusedError(RejectCode.BAD_BASE_ID, "BZ-KEY-001", "a base id is 32 octets")
    if len(base_id) != KEY_OCTETS and (base_id or rules.empty_base == "refuse"):
        raise RefusedError(
            RejectCode.BAD_BASE_ID, "BZ-KEY-001", f"a base id is 32 octets, not {len(base_id)}"
        )
    return base_id


def _refuse_one_slot(count: int, profile: Profile) -> None:
    if count == 1 and _rules(profile).one_slot == "no_id":
        raise BuildFailureError("F-08", Failure.NO_ID, "with one slot a day this build makes no list of ids")


def _instant(value: int) -> int:
    if type(value) is not int:
        raise ValueError("times, days and counts are integers")
    return value


def _number(value: int) -> str:
    """Return a number for a message, shortened where it would fill the line."""
    return str(value) if abs(value) < 10**20 else "a number of more than twenty digits"
