"""Rows of phones: what a person follows, held to what was heard."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from bluezone_harness.checks.schedules import Slots
from bluezone_harness.evidence.device_files import Device, read_device_file
from bluezone_harness.live.rows import GONE_US, Row, Rows
from bluezone_harness.observations import AddressType, Advert, Event, GattRead, PduType
from bluezone_reference.profiles import V3

T_US = 1_597_046_400_000_000  # 2020-08-10T08:00:00+00:00
SECOND_US = 1_000_000
SLOT_US = 900 * SECOND_US
IPHONE = bytes.fromhex("020106 11 07 67a607add1172fa1c44bf573564e0000".replace(" ", ""))
DEVICES = read_device_file(
    "device.json",
    b'{"schema": 1, "devices": ['
    b'{"name": "desk", "platform": "android", "bases": [{"base_id": "%s", "base_day": "2020-08-08"}],'
    b' "max": [{"from": "2020-08-08T00:00:00Z", "value": 288}], "foreground": []},'
    b'{"name": "shelf", "platform": "ios", "bases": [{"base_id": "%s", "base_day": "2020-08-08"}],'
    b' "max": [], "foreground": []}]}' % (b"4c" * 32, b"5d" * 32),
).devices


def slots(device: Device | None) -> Slots:
    return Slots(device, V3)


def address(number: int) -> bytes:
    return b"\x4a" + number.to_bytes(5)


def rolling_id(number: int) -> bytes:
    return number.to_bytes(12)


def android(octets: bytes) -> bytes:
    """Return the AdvData of an Android phone: flags, company 0x22B5 with an id, service UUID 0x4E56."""
    return bytes.fromhex("0201020fffb522") + octets + bytes.fromhex("0303564e")


def advert(
    at_us: int, number: int | None = 1, ad: bytes | None = None, rssi: int | None = -60, shown: int = 1
) -> Advert:
    return Advert(
        0,
        T_US + at_us,
        "",
        None if number is None else address(number),
        AddressType.RESOLVABLE,
        PduType.ADV_IND,
        android(rolling_id(shown)) if ad is None else ad,
        rssi,
        None,
    )


def read(at_us: int, number: int | None = 1, value: bytes = b"id") -> GattRead:
    return GattRead(
        0,
        T_US + at_us,
        "",
        None if number is None else address(number),
        AddressType.RESOLVABLE,
        "",
        "",
        value,
    )


def strangers(rows: Rows, at_us: int = 0) -> list[Row]:
    return [each for each in rows.rows(T_US + at_us) if each.device is None]


def test_devices_have_their_rows_before_they_are_heard() -> None:
    desk, shelf = Rows(DEVICES, slots).rows(T_US)
    assert desk == Row("desk", 0, "android", None, None, 96, 288, 300_000, None, 0.0, 0, 0, 0)
    assert (shelf.label, shelf.platform, shelf.slots_a_day, shelf.slot) == ("shelf", "ios", 96, 32)


@pytest.mark.req("BZ-KEY-006")
def test_the_countdown_is_that_of_the_slot() -> None:
    rows = Rows((), slots)
    rows.hear(advert(0), None)
    for at_us in (0, 1, SLOT_US // 2, SLOT_US - 1000):
        rows.hear(advert(at_us), None)
        (row,) = rows.rows(T_US + at_us)
        assert row.left_ms == (SLOT_US - at_us + 999) // 1000
        assert row.slot == 32
    rows.hear(advert(SLOT_US), None)
    (row,) = rows.rows(T_US + SLOT_US)
    assert (row.slot, row.left_ms) == (33, 900_000)


def test_a_row_tells_signal_and_rate_of_the_last_seconds() -> None:
    rows = Rows((), slots)
    for tenth in range(300):
        rows.hear(advert(tenth * 100_000, rssi=-90 if tenth < 200 else -40), None)
    (row,) = rows.rows(T_US + 30 * SECOND_US)
    assert (row.rssi, row.adverts) == (-40.0, 300)
    assert row.rate == pytest.approx(9.9, abs=0.2)
    (row,) = rows.rows(T_US + 45 * SECOND_US)  # nothing of late, but it is still there
    assert (row.rssi, row.rate, row.heard_us) == (None, 0.0, T_US + 29_900_000)


def test_an_unknown_signal_is_no_number() -> None:
    rows = Rows((), slots)
    rows.hear(advert(0, rssi=None), None)
    assert strangers(rows)[0].rssi is None


def test_one_address_or_one_id_is_one_row() -> None:
    rows = Rows((), slots)
    rows.hear(advert(0, number=1, shown=1), None)
    rows.hear(advert(1, number=2, shown=1), None)  # the id tells
    rows.hear(advert(2, number=2, shown=2), None)  # the address tells
    rows.hear(advert(3, number=2, ad=b"\x02\x01\x06"), None)  # no mark, but a known address
    (row,) = strangers(rows)
    assert (row.adverts, row.address, row.rolling_id) == (4, address(2), rolling_id(2))
    rows.hear(advert(4, number=3, shown=3), None)
    assert len(strangers(rows)) == 2


def test_two_rows_that_turn_out_to_be_one_become_one() -> None:
    rows = Rows((), slots)
    rows.hear(advert(0, number=1, shown=1), None)
    rows.hear(advert(1, number=2, shown=2), None)
    rows.hear(advert(2, number=1, shown=2), None)
    rows.hear(advert(3, number=2, shown=1), None)
    assert sum(each.adverts for each in strangers(rows)) <= 4
    assert len(strangers(rows)) <= 2
    rows.hear(advert(GONE_US, number=1, shown=2), None)
    assert len(strangers(rows, GONE_US + 10)) == 1


def test_who_has_no_bluezone_has_no_row() -> None:
    rows = Rows((), slots)
    rows.hear(advert(0, ad=b"\x02\x01\x06"), None)
    rows.hear(read(1, number=7), None)
    rows.hear(read(1, number=None), None)
    rows.hear(Event(0, T_US, "push", {}), None)
    assert not rows.rows(T_US)


def test_without_addresses_ids_tell() -> None:
    rows = Rows((), slots)
    rows.hear(advert(0, number=None, shown=1), None)
    rows.hear(advert(1, number=None, shown=2), None)
    rows.hear(advert(2, number=None, shown=1), None)
    assert sorted(each.adverts for each in strangers(rows)) == [1, 2]
    assert {each.address for each in strangers(rows)} == {None}


def test_a_read_gives_an_iphone_its_id() -> None:
    rows = Rows(DEVICES, slots)
    rows.hear(advert(0, number=5, ad=IPHONE), None)
    rows.hear(read(1, number=5, value=rolling_id(9)), None)
    (row,) = strangers(rows)
    assert (row.platform, row.rolling_id, row.reads) == ("ios", rolling_id(9), 1)
    rows.hear(read(2, number=6, value=rolling_id(8)), 1)
    shelf = rows.rows(T_US)[1]
    assert (shelf.rolling_id, shelf.reads, shelf.adverts) == (rolling_id(8), 1, 0)


def test_a_device_is_one_row_whatever_it_changes_to() -> None:
    rows = Rows(DEVICES, slots)
    rows.hear(advert(0, number=1, shown=1), None)  # nobody knows yet
    for number in range(1, 9):
        rows.hear(advert(number, number=number, shown=number), 0)
    desk, _, *rest = rows.rows(T_US)
    assert (desk.adverts, desk.address, desk.rolling_id) == (8, address(8), rolling_id(8))
    assert not rest
    desk, shelf = rows.rows(T_US + 10 * GONE_US)
    assert (desk.label, shelf.label) == ("desk", "shelf")


def test_strangers_go_after_a_minute_and_come_anew() -> None:
    rows = Rows((), slots)
    rows.hear(advert(0), None)
    assert len(strangers(rows, GONE_US)) == 1
    assert not strangers(rows, GONE_US + 1)
    rows.hear(advert(GONE_US + 2), None)
    assert [each.adverts for each in strangers(rows, GONE_US + 2)] == [1]


def test_strangers_stand_in_the_order_of_their_signals() -> None:
    rows = Rows((), slots)
    for number, rssi in ((3, -70), (1, -40), (4, None), (2, -70)):
        rows.hear(advert(number, number=number, shown=number, rssi=rssi), None)
    assert [each.address for each in strangers(rows)] == [address(each) for each in (1, 2, 3, 4)]
    assert strangers(rows) == strangers(rows)


def test_a_clock_that_is_set_back_keeps_nobody_and_loses_nobody() -> None:
    rows = Rows((), slots)
    for second in range(3000):
        rows.hear(advert(3_600 * SECOND_US + second * SECOND_US, number=1, shown=1), None)
    rows.hear(advert(5, number=2, shown=2), None)
    assert [each.address for each in strangers(rows, 10)] == [address(2)]
    for tenth in range(600):
        rows.hear(advert(tenth * 100_000, number=1, shown=1), None)
    assert max(each.rate for each in strangers(rows, 60 * SECOND_US)) < 11


def test_a_crowd_takes_little_memory_and_hides_nobody() -> None:
    rows = Rows(DEVICES, slots)
    tracemalloc.start()
    for number in range(8_000):
        rows.hear(advert(number * 2000, number=number + 100, ad=IPHONE), None)
        if number % 100 == 0:
            rows.hear(advert(number * 2000, number=1, shown=number % 3), 0)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4_000_000
    shown = rows.rows(T_US + 16 * SECOND_US)
    assert shown[0].adverts == 80
    # who was heard last is there, though many are
    assert address(8_099) in {each.address for each in shown}
    assert 500 < len(shown) < 2100


def test_one_stranger_with_more_ids_than_are_kept_is_still_there() -> None:
    rows = Rows((), slots)
    for number in range(5000):
        rows.hear(advert(number, number=1, shown=number), None)
    assert len(strangers(rows)) == 1


class Watching(RuleBasedStateMachine):
    """What is heard in any order, and the clock that goes on."""

    def __init__(self) -> None:
        super().__init__()
        self.rows = Rows(DEVICES, slots)
        self.now_us = T_US
        self.heard: list[Advert] = []
        self.reads = 0
        self.own = 0

    @rule(number=st.integers(1, 4), shown=st.integers(1, 4), device=st.sampled_from([None, None, 0, 1]))
    def hear(self, number: int, shown: int, device: int | None) -> None:
        each = advert(self.now_us - T_US, number=number, shown=shown)
        self.rows.hear(each, device)
        self.own += device is not None
        if device is None:
            self.heard.append(each)

    @rule(number=st.integers(1, 4), device=st.sampled_from([None, 1]))
    def read(self, number: int, device: int | None) -> None:
        self.rows.hear(read(self.now_us - T_US, number=number), device)
        self.reads += 1

    @rule(passed_us=st.sampled_from([1, SECOND_US, 11 * SECOND_US, GONE_US + 1]))
    def wait(self, passed_us: int) -> None:
        self.now_us += passed_us

    @precondition(lambda self: self.heard)
    @invariant()
    def recent_strangers_have_a_row(self) -> None:
        shown = self.rows.rows(self.now_us)
        last = self.heard[-1]
        if self.now_us - last.time_us <= GONE_US and not self.own:
            assert last.address in {each.address for each in shown}

    @invariant()
    def rows_are_sound(self) -> None:
        shown = self.rows.rows(self.now_us)
        assert [each.device for each in shown[:2]] == [0, 1]
        assert all(each.device is None for each in shown[2:])
        assert len(shown) <= 2 + 4 + 4
        assert all(abs(self.now_us - each.heard_us) <= GONE_US for each in shown[2:])
        assert all(0 < each.left_ms <= 900_000 and each.rate >= 0 for each in shown)
        assert sum(each.adverts for each in shown) <= self.own + len(self.heard)
        assert sum(each.reads for each in shown) <= self.reads
        # to look changes nothing
        assert self.rows.rows(self.now_us) == shown


TestWatching = Watching.TestCase
Watching.TestCase.settings = settings(max_examples=25, stateful_step_count=25)
