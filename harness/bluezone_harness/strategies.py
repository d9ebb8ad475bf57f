"""Hypothesis strategies for tests of one's own: adverts, schedules, contact logs, positive cases, hostile octets.

What is drawn stands beside a boundary more often than not, and shrinks towards the plainest. The proper things are
values of the reference; what begins with ``hostile`` is whole, damaged or odd, and must make nothing crash.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from bluezone_harness.implementations.drawn import BASE_DAY_MS
from bluezone_harness.implementations.questions_drawn import QUESTIONS
from bluezone_reference.advertisement import (
    Advertisement,
    AndroidAdvertisement,
    IosAdvertisement,
    OldAndroidAdvertisement,
    encode_advertisement,
)
from bluezone_reference.contact_log import Record, encode_data_trace
from bluezone_reference.key_schedule import DAY_MS, ID_OCTETS, KEY_OCTETS, SlotId, id_at, ids_of_day
from bluezone_reference.positive_cases import PositiveCase

ALLOWED_MAX = (96, 144, 24, 48, 2, 256, 1440)
"""Slots a day that are drawn: the default first."""
_DAYS = 20
_STATIC_ID_LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_STATIC_ID_LENGTH = 6
_MOST_OCTETS = 62
_RSSI = st.one_of(st.sampled_from((-60, -86, -87)), st.integers(-127, 20), st.just(127))


@dataclass(frozen=True, slots=True)
class DrawnSchedule:
    """A phone's base and setting, and an instant of its life.

    Attributes:
        base_id: 32 octets.
        base_day_ms: UTC midnight of the day on which it was drawn.
        max_per_day: Slots a day.
        time_ms: Not before the base day.
    """

    base_id: bytes
    base_day_ms: int
    max_per_day: int
    time_ms: int

    def slot(self) -> SlotId:
        """Return the slot of the instant with its rolling id, by the reference."""
        return id_at(self.base_id, self.base_day_ms, self.time_ms, self.max_per_day)

    def slots(self) -> tuple[SlotId, ...]:
        """Return all slots of the instant's day, by the reference."""
        return ids_of_day(self.base_id, self.base_day_ms, self.slot().day, self.max_per_day)


def rolling_ids() -> SearchStrategy[bytes]:
    """Draw 12 octets."""
    return st.binary(min_size=ID_OCTETS, max_size=ID_OCTETS)


def advertisements() -> SearchStrategy[Advertisement]:
    """Draw what a phone means to send, of any generation and platform."""
    return st.one_of(
        rolling_ids().map(AndroidAdvertisement),
        st.sampled_from((None, "Bluezone")).map(IosAdvertisement),
        st.text(_STATIC_ID_LETTERS, min_size=_STATIC_ID_LENGTH, max_size=_STATIC_ID_LENGTH).map(
            OldAndroidAdvertisement
        ),
    )


def adverts() -> SearchStrategy[bytes]:
    """Draw proper AdvData: what ``advertisements`` draws, as octets."""
    return advertisements().map(encode_advertisement)


def hostile_ad_octets() -> SearchStrategy[bytes]:
    """Draw AdvData as anybody may send it: ours, another's, cut, with octets behind it, or any octets at all."""
    return st.one_of(
        QUESTIONS["decode_advertisement"].map(lambda question: bytes.fromhex(str(question["ad"]))),
        st.binary(max_size=_MOST_OCTETS),
    )


@st.composite
def schedules(draw: st.DrawFn) -> DrawnSchedule:
    """Draw a base, a setting of ``max`` and an instant, mostly at an edge of a slot or of a day."""
    max_per_day = draw(st.sampled_from(ALLOWED_MAX))
    day, slot = draw(st.integers(0, _DAYS)), draw(st.integers(0, max_per_day))
    beside_ms = draw(st.one_of(st.sampled_from((0, -1, 1, 999, 1000)), st.integers(0, DAY_MS - 1)))
    time_ms = BASE_DAY_MS + day * DAY_MS + slot * (DAY_MS // max_per_day) + beside_ms
    base_id = draw(st.binary(min_size=KEY_OCTETS, max_size=KEY_OCTETS))
    return DrawnSchedule(base_id, BASE_DAY_MS, max_per_day, max(BASE_DAY_MS, time_ms))


@st.composite
def logs(draw: st.DrawFn, schedule: DrawnSchedule | None = None) -> tuple[Record, ...]:
    """Draw the records of a contact log, in the order of their times.

    Args:
        draw: Hypothesis's own.
        schedule: Of the phone that keeps the log; its own ids are then right. Else they are any.
    """
    times_ms = sorted(
        draw(st.lists(st.integers(BASE_DAY_MS, BASE_DAY_MS + _DAYS * DAY_MS), max_size=6, unique=True))
    )
    return tuple(
        Record(
            draw(rolling_ids())
            if schedule is None
            else id_at(schedule.base_id, schedule.base_day_ms, time_ms, schedule.max_per_day).rolling_id,
            draw(rolling_ids()),
            draw(_RSSI),
            time_ms,
        )
        for time_ms in times_ms
    )


def data_traces(schedule: DrawnSchedule | None = None) -> SearchStrategy[bytes]:
    """Draw a contact log as it is exported, in milliseconds."""
    return logs(schedule).map(encode_data_trace)


def hostile_data_traces() -> SearchStrategy[bytes]:
    """Draw exports that are whole, damaged in some rows, or any octets at all."""
    return st.one_of(
        QUESTIONS["log_import"].map(lambda question: bytes.fromhex(str(question["octets"]))),
        st.binary(max_size=200),
    )


@st.composite
def cases(draw: st.DrawFn) -> PositiveCase:
    """Draw a positive case of up to some days, in whole seconds as it is published."""
    start_ms = BASE_DAY_MS + draw(st.one_of(st.just(0), st.integers(0, _DAYS * 86_400))) * 1000
    spans_s = st.one_of(st.sampled_from((0, 899, 900, 901, 86_399, 86_400)), st.integers(0, 3 * 86_400))
    return PositiveCase(
        draw(st.binary(min_size=KEY_OCTETS, max_size=KEY_OCTETS)),
        start_ms,
        start_ms + draw(spans_s) * 1000,
        draw(st.sampled_from(ALLOWED_MAX)),
    )


def case_messages() -> SearchStrategy[str]:
    """Draw proper messages of one to three cases, as JSON."""

    def published(case: PositiveCase) -> dict[str, object]:
        return {
            "daily_key": case.day_key.hex(),
            "time_start": case.time_start_ms // 1000,
            "time_end": case.time_end_ms // 1000,
            "max": case.max_per_day,
        }

    return st.lists(cases().map(published), min_size=1, max_size=3).map(
        lambda drawn: json.dumps({"data": drawn})
    )


def hostile_case_messages() -> SearchStrategy[str]:
    """Draw messages of cases some of which have one thing wrong, and texts that are none."""
    return st.one_of(QUESTIONS["match"].map(lambda question: str(question["message"])), st.text(max_size=40))
