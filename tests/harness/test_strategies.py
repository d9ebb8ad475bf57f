"""The strategies draw what they say: proper things that the reference takes, and hostile ones that it survives."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import find, given
from hypothesis import strategies as st

from bluezone_harness import strategies
from bluezone_harness.implementations.drawn import BASE_DAY_MS
from bluezone_reference.advertisement import Advertisement, OtherAdvertisement, decode_advertisement
from bluezone_reference.advertisement import encode_advertisement as encode
from bluezone_reference.contact_log import Record, decode_data_trace
from bluezone_reference.errors import MalformedError
from bluezone_reference.matching import match
from bluezone_reference.positive_cases import PositiveCase, decode_cases


@given(strategies.advertisements())
def test_advertisements_are_ours(advertisement: Advertisement) -> None:
    assert not isinstance(decode_advertisement(encode(advertisement)), OtherAdvertisement)


@given(strategies.adverts())
def test_adverts_fit(octets: bytes) -> None:
    assert 0 < len(octets) <= 31


@given(strategies.hostile_ad_octets())
def test_hostile_octets_are_refused_at_worst(octets: bytes) -> None:
    with suppress(MalformedError):
        assert decode_advertisement(octets)


def test_hostile_octets_are_now_and_then_malformed() -> None:
    def malformed(octets: bytes) -> bool:
        try:
            decode_advertisement(octets)
        except MalformedError:
            return True
        return False

    assert malformed(find(strategies.hostile_ad_octets(), malformed))


@given(strategies.schedules())
def test_a_schedule_has_the_slot_of_its_instant(schedule: strategies.DrawnSchedule) -> None:
    slot = schedule.slot()
    assert slot.valid_from_ms <= schedule.time_ms < slot.valid_until_ms
    assert slot.day >= 0
    slots = schedule.slots()
    assert (len(slots), slots[slot.slot]) == (schedule.max_per_day, slot)


@given(st.data())
def test_a_log_of_a_schedule_has_its_own_ids(data: st.DataObject) -> None:
    schedule = strategies.DrawnSchedule(bytes(32), BASE_DAY_MS, 96, BASE_DAY_MS)
    octets = data.draw(strategies.data_traces(schedule))
    log = decode_data_trace(octets)
    assert not log.defects
    for line in log.lines:
        at = strategies.DrawnSchedule(bytes(32), BASE_DAY_MS, 96, line.record.time_ms)
        assert line.record.own_id == at.slot().rolling_id


@given(strategies.hostile_data_traces())
def test_hostile_exports_are_read_as_far_as_they_go(octets: bytes) -> None:
    log = decode_data_trace(octets)
    assert bool(octets) == bool(log.lines or log.defects)


@given(strategies.case_messages())
def test_messages_are_read_whole(message: str) -> None:
    assert all(isinstance(each, PositiveCase) for each in decode_cases(message.encode()))


@given(strategies.cases(), strategies.logs())
def test_cases_can_be_matched(case: PositiveCase, log: tuple[Record, ...]) -> None:
    assert match([case], log).contact in (True, False)


@given(strategies.hostile_case_messages())
def test_hostile_messages_are_refused_at_worst(message: str) -> None:
    with suppress(MalformedError):
        assert isinstance(decode_cases(message.encode("utf-8", "surrogatepass")), tuple)


def test_what_is_drawn_shrinks_to_the_plainest() -> None:
    assert find(strategies.schedules(), lambda drawn: True).base_id == bytes(32)
    with pytest.raises(MalformedError):
        decode_cases(find(strategies.hostile_case_messages(), lambda text: "data" not in text).encode())
