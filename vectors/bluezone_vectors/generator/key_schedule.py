"""The key schedule, written a second time from the chapter "Key schedule".

Days are counted, keys hashed and slots divided here without a thought for speed or beauty. Whoever compares this
with the reference compares two readings of the same text.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

from .errors import FailedError, RefusedError

DAY_MS = 24 * 60 * 60 * 1000
LAST_DAY = 36_525
GREATEST_MAX = 86_400
SALT = b"bluzonesubkey"
POSITIONS = (0, 4, 8, 12, 16, 18, 20, 22, 24, 26, 28, 30)


@dataclass(frozen=True, slots=True)
class Schedule:
    """How a profile computes; the defaults are those of the corrected protocol.

    Attributes:
        default: Slots a day where nothing is configured.
        lag: Steps by which the day key stays behind (F-14b).
        builds: A published build: any ``max``, ids before the base day, a list that is kept.
        seconds: Whole seconds are divided by a floating slot length (F-02).
        empty: An empty base id is used (F-15).
    """

    default: int = 96
    lag: int = 0
    builds: bool = False
    seconds: bool = False
    empty: bool = False


SCHEDULES = {
    "v3": Schedule(),
    "android-v3": Schedule(builds=True),
    "ios-v3": Schedule(builds=True, seconds=True, empty=True),
    "v2": Schedule(default=144, lag=1, builds=True),
}


def schedule_of(profile: str) -> Schedule:
    """Return how a profile computes.

    Raises:
        RefusedError: NO_KEY_SCHEDULE, the first generation has one static id (BZ-KEY-004).
    """
    if profile not in SCHEDULES:
        raise RefusedError("NO_KEY_SCHEDULE")
    return SCHEDULES[profile]


def is_allowed(value: object) -> bool:
    """Tell whether a value may be ``max``: an integer from 2 to 86 400 that divides the day (BZ-KEY-007)."""
    return type(value) is int and 2 <= value <= GREATEST_MAX and DAY_MS % value == 0


def slots_asked(question: dict[str, object], schedule: Schedule) -> int:
    """Return the slots a day that a question names, or the default where it names none.

    Raises:
        RefusedError: BAD_MAX.
    """
    if "max" not in question:
        return schedule.default
    value = question["max"]
    if not schedule.builds:
        if not is_allowed(value):
            raise RefusedError("BAD_MAX")
    elif type(value) is not int or value > GREATEST_MAX:
        raise RefusedError("BAD_MAX")
    elif value < 1:
        return schedule.default
    return number(value)


def slots_set(value: object, schedule: Schedule) -> int:
    """Return the slots a day that a setting means; one that is not allowed means the default (BZ-KEY-007)."""
    try:
        return slots_asked({"max": value}, schedule)
    except RefusedError:
        return schedule.default


def base_id_of(digits: object, schedule: Schedule) -> bytes:
    """Return a base id of 32 octets, or none at all where a build used that.

    Raises:
        RefusedError: BAD_BASE_ID.
    """
    base_id = bytes.fromhex(str(digits))
    if len(base_id) == 32 or (not base_id and schedule.empty):
        return base_id
    raise RefusedError("BAD_BASE_ID")


def day_key(base_id: bytes, day: int, schedule: Schedule) -> bytes:
    """Return the day key of a day, counted from the base day (BZ-KEY-003, BZ-KEY-008).

    Raises:
        RefusedError: BEFORE_BASE_DAY or DAY_OUT_OF_RANGE.
    """
    if day < 0 and not schedule.builds:
        raise RefusedError("BEFORE_BASE_DAY")
    if day > LAST_DAY:
        raise RefusedError("DAY_OUT_OF_RANGE")
    key = base_id
    if base_id:  # an empty one is taken anew each day (F-15)
        for _ in range(max(0, day - schedule.lag)):
            key = sha256(key).digest()
    return key


def ids_from(key: bytes, count: int) -> list[str]:
    """Return the first rolling ids of a day, in hex (BZ-KEY-004, BZ-KEY-005)."""
    found = []
    subkey = key + SALT
    for _ in range(count):
        subkey = sha256(subkey).digest()
        found.append(bytes(subkey[position] for position in POSITIONS).hex())
    return found


def slot_of(time_ms: int, count: int, schedule: Schedule) -> int:
    """Return the slot of an instant; under a build it can be ``count`` itself (F-02)."""
    since_ms = time_ms % DAY_MS
    if schedule.seconds:
        return int((since_ms // 1000) / (86_400.0 / count))
    return since_ms // (DAY_MS // count)


def slot_start_ms(slot: int, count: int, schedule: Schedule) -> int:
    """Return the first millisecond of a slot, counted from midnight."""
    if not schedule.seconds:
        return slot * (DAY_MS // count)
    if slot == count:
        return DAY_MS
    low, high = 0, 86_400
    while low < high:  # the least second that lies in the slot or after it
        middle = (low + high) // 2
        if int(middle / (86_400.0 / count)) >= slot:
            high = middle
        else:
            low = middle + 1
    return low * 1000


def derive_ids(question: dict[str, object], profile: str) -> dict[str, object]:
    """Answer ``derive_ids``."""
    schedule = schedule_of(profile)
    base_id = base_id_of(question["base_id"], schedule)
    count = slots_asked(question, schedule)
    key = day_key(base_id, number(question["day"]), schedule)
    slots = [number(slot) for slot in members(question["slots"])]
    if any(not 0 <= slot < count for slot in slots):
        raise RefusedError("BAD_SLOT")
    refuse_one_slot(count, schedule)
    ids = ids_from(key, max(slots, default=-1) + 1)
    return {"ids": [ids[slot] for slot in slots]}


def refuse_one_slot(count: int, schedule: Schedule) -> None:
    """Fail as Android does with one slot a day: it makes no list of ids (F-08)."""
    if count == 1 and not schedule.seconds:
        raise FailedError("no id")


def id_at(question: dict[str, object], profile: str) -> dict[str, object]:
    """Answer ``id_at``."""
    schedule = schedule_of(profile)
    base_id = base_id_of(question["base_id"], schedule)
    count = slots_asked(question, schedule)
    base_day_ms, time_ms = number(question["base_day_ms"]), number(question["time_ms"])
    day = (time_ms - base_day_ms) // DAY_MS
    key = day_key(base_id, day, schedule)
    refuse_one_slot(count, schedule)
    slot = slot_of(time_ms, count, schedule)
    if slot >= count:
        raise FailedError("exception")
    midnight_ms = base_day_ms + day * DAY_MS
    return {
        "day": day,
        "slot": slot,
        "id": ids_from(key, slot + 1)[slot],
        "valid_from_ms": midnight_ms + slot_start_ms(slot, count, schedule),
        "valid_until_ms": midnight_ms + slot_start_ms(slot + 1, count, schedule),
    }


def published_key(question: dict[str, object], profile: str) -> dict[str, object]:
    """Answer ``published_key`` (BZ-MSG-004)."""
    schedule = schedule_of(profile)
    base_id = base_id_of(question["base_id"], schedule)
    base_day_ms = number(question["base_day_ms"])
    target_ms = number(question["now_ms"]) - number(question.get("days", 14)) * DAY_MS
    day = max(0, (target_ms - base_day_ms) // DAY_MS)
    key = day_key(base_id, day, schedule)
    return {"day": day, "day_key": key.hex(), "time_start_ms": base_day_ms + day * DAY_MS}


class KeptIds:
    """A phone that is asked for its rolling id again and again.

    The corrected protocol computes each answer anew (BZ-KEY-009). A published build keeps the list of a day: it is
    used as long as its day is not over by the clock (F-11), indexed with the ``max`` of now (F-10), and labelled with
    the day of a second reading of the clock (F-13).

    Args:
        question: With ``base_id``, ``base_day_ms`` and perhaps ``max``.
        profile: Whose phone.

    Raises:
        RefusedError: BAD_BASE_ID or BAD_MAX.
    """

    def __init__(self, question: dict[str, object], profile: str) -> None:
        self._schedule = schedule_of(profile)
        self._base_id = base_id_of(question["base_id"], self._schedule)
        self._base_day_ms = number(question["base_day_ms"])
        self._count = slots_asked(question, self._schedule)
        self._kept: list[str] = []
        self._kept_day = 0

    def take_setting(self, value: object) -> None:
        """Take a new ``max``."""
        self._count = slots_set(value, self._schedule)

    def id_at(self, time_ms: int, reread_ms: int) -> str:
        """Return the rolling id at an instant, in hex.

        Raises:
            RefusedError: BEFORE_BASE_DAY or DAY_OUT_OF_RANGE.
            FailedError: The build has none.
        """
        schedule = self._schedule
        day = (time_ms - self._base_day_ms) // DAY_MS
        if not schedule.builds:
            key = day_key(self._base_id, day, schedule)
            slot = slot_of(time_ms, self._count, schedule)
            return ids_from(key, slot + 1)[slot]
        if self._kept and self._kept_day >= time_ms // DAY_MS:
            slot = slot_of(time_ms, self._count, schedule)
            if slot >= len(self._kept):
                raise FailedError("exception")
            return self._kept[slot]
        key = day_key(self._base_id, day, schedule)
        refuse_one_slot(self._count, schedule)
        self._kept = ids_from(key, self._count)
        self._kept_day = reread_ms // DAY_MS
        slot = slot_of(reread_ms, self._count, schedule)
        if slot >= len(self._kept):
            raise FailedError("no id")
        return self._kept[slot]


def ids_over_time(question: dict[str, object], profile: str) -> dict[str, object]:
    """Answer ``ids_over_time``."""
    phone = KeptIds(question, profile)
    found: list[object] = []
    for event in members(question["events"]):
        if not isinstance(event, dict):
            raise TypeError("an event is an object")
        if event["kind"] == "max":
            phone.take_setting(event["value"])
            continue
        time_ms = number(event["time_ms"])
        try:
            found.append({"id": phone.id_at(time_ms, number(event.get("reread_ms", time_ms)))})
        except RefusedError as error:
            found.append({"reject": error.code})
        except FailedError as error:
            found.append({"failure": error.failure})
    return {"ids": found}


def number(value: object) -> int:
    """Return what must be an integer in a question of the generator's own."""
    if type(value) is not int:
        raise TypeError("the question holds no integer here")
    return value


def members(value: object) -> list[object]:
    """Return what must be a list in a question of the generator's own."""
    if not isinstance(value, list):
        raise TypeError("the question holds no list here")
    return value
