"""A simulated reader: what it notes, held against its rules; ids and planted faults of reads by hashlib alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from io import BytesIO
from itertools import pairwise
from pathlib import Path

import pytest

from bluezone_harness.observations import Event, GattRead
from bluezone_harness.sources.octets import OctetStream
from bluezone_harness.sources.recordings import RecordingSource
from bluezone_harness.virtual.captures import write_recording
from bluezone_harness.virtual.faults import FAULTS
from bluezone_harness.virtual.phones import AirPacket, PhonePlan, Plan, gatt_server, prepared, simulate
from bluezone_harness.virtual.read_faults import READ_FAULTS
from bluezone_harness.virtual.sessions import simulate_reading

HOUR_MS = 3_600_000
DAY_MS = 86_400_000
SLOT_US = 900_000_000
BASE_DAY_MS = 1_596_844_800_000  # 2020-08-08
START_MS = BASE_DAY_MS + 2 * DAY_MS + 8 * HOUR_MS
BASE_ID = bytes.fromhex("4c5224b397f8ab3896781d5aa0f3119f280513f1b592ca280ebded6357e21084")
POSITIONS = (0, 4, 8, 12, 16, 18, 20, 22, 24, 26, 28, 30)
SERVICE = "00004e56-73f5-4bc4-a12f-17d1ad07a667"
CHARACTERISTIC = "00004e56-73f5-4bc4-a12f-17d1ad07a689"
OLD_CHARACTERISTIC = "08590f7e-db05-467e-8757-72f6faeb13d4"

Noted = list[GattRead | Event]


def subkey(time_ms: int, base_id: bytes = BASE_ID, base_day_ms: int = BASE_DAY_MS) -> bytes:
    """Return the subkey of an instant, as the published description has it."""
    key = base_id
    for _ in range((time_ms - base_day_ms) // DAY_MS):
        key = sha256(key).digest()
    found = sha256(key + b"bluzonesubkey").digest()
    for _ in range(time_ms % DAY_MS // 900_000):
        found = sha256(found).digest()
    return found


def hashed(time_ms: int, base_day_ms: int = BASE_DAY_MS) -> bytes:
    return bytes(subkey(time_ms, base_day_ms=base_day_ms)[position] for position in POSITIONS)


def planned(
    hours: float = 2,
    faults: tuple[str, ...] = (),
    *,
    openings: tuple[tuple[int, int], ...] = (),
    silences: tuple[tuple[int, int], ...] = (),
    offset_ms: int = 0,
    loss: float = 0,
    strangers: int = 0,
    receivers: int = 1,
) -> Plan:
    phone = PhonePlan(
        "iPhone",
        "ios",
        BASE_ID,
        BASE_DAY_MS,
        faults=faults,
        openings=openings,
        silences=silences,
        offset_ms=offset_ms,
    )
    return prepared(
        Plan(
            (phone,), START_MS, int(hours * HOUR_MS), loss, receivers, strangers, interval_ms=1000, gatt=True
        ),
        1,
    )


def noted(plan: Plan, seed: int = 1) -> Noted:
    return [each for each in simulate_reading(plan, seed) if not isinstance(each, AirPacket)]


def reads(plan: Plan, seed: int = 1) -> list[GattRead]:
    return [each for each in noted(plan, seed) if isinstance(each, GattRead)]


# --- the reader ---


@pytest.mark.req("BZ-GAT-002", "BZ-GAT-003", "BZ-RCV-004")
def test_a_polite_reader_reads_once_a_slot_and_across_each_slots_end() -> None:
    found = noted(planned())
    open_at: str | None = None
    opened_us = 0
    for each in found:
        if isinstance(each, GattRead):
            assert open_at is not None
            assert each.value in {hashed(each.time_us // 1000), hashed(each.time_us // 1000 - 200)}
            assert (each.service, each.characteristic) == (SERVICE, CHARACTERISTIC)
            assert each.address is not None
            assert each.address.hex(":").upper() == open_at
        elif each.name == "gatt_services":
            assert open_at is None  # one connection at a time
            open_at, opened_us = str(each.fields["address"]), each.time_us
        else:
            assert (each.name, each.fields["address"]) == ("disconnect", open_at)
            assert each.time_us - opened_us < 130_000_000
            open_at = None
    times_us = [each.time_us for each in found]
    assert times_us == sorted(times_us)
    values = [each for each in found if isinstance(each, GattRead)]
    ends = [
        [each.time_us - end for each in values if abs(each.time_us - end) < 60_000_000]
        for end in range((START_MS * 1000 // SLOT_US + 1) * SLOT_US, (START_MS + 2 * HOUR_MS) * 1000, SLOT_US)
    ]
    assert len(ends) == 7
    for number, around in enumerate(ends, START_MS * 1000 // SLOT_US + 1):
        if number % 2 == 0:
            assert [round(each / 1_000_000) for each in around][:3] == [-50, -6, 50]
        # the new address, as soon as it is heard
        last_us = (50_000_000 if number % 2 == 0 else 0, 60_000_000 if number % 2 == 0 else 5_000_000)
        assert last_us[0] < around[-1] < last_us[1]
        assert len(around) == (4 if number % 2 == 0 else 1)
    assert len(values) == 1 + 3 * 4 + 4 + 2  # the simulation ends with a slot


@pytest.mark.req("BZ-PRV-001")
def test_addresses_change_with_the_slots_of_the_phone() -> None:
    plan = planned(offset_ms=-30_000)
    packets = [each for each in simulate(plan, 1) if each.ad.endswith(b"Bluezone")]
    changes = [after.time_us for before, after in pairwise(packets) if before.address != after.address]
    assert len(changes) == 8  # the first one 30 s after the start
    for change_us in changes:
        assert 0 <= (change_us - 30_000_000) % SLOT_US < 3_000_000
    without = [each for each in simulate(replace(plan, gatt=False), 1) if each.ad.endswith(b"Bluezone")]
    changes = [after.time_us for before, after in pairwise(without) if before.address != after.address]
    assert not any((change_us - 30_000_000) % SLOT_US < 3_000_000 for change_us in changes)


@pytest.mark.req("BZ-ADV-010")
def test_an_iphone_in_the_background_is_read_by_its_overflow_form() -> None:
    plan = planned(1, openings=((START_MS - 2 * HOUR_MS, START_MS - HOUR_MS),))
    assert not any(each.ad.endswith(b"Bluezone") for each in simulate(plan, 1))
    assert len(reads(plan)) == 1 + 1 + 4 + 1 + 2


def test_bluetooth_that_is_turned_off_ends_a_connection() -> None:
    end_ms = START_MS + 1_800_000
    plan = planned(1.5, silences=((end_ms + 10_000, end_ms + 600_000),))
    found = noted(plan)
    off_us = (end_ms + 10_000) * 1000
    assert [
        (each.name, each.time_us) for each in found if isinstance(each, Event) and each.time_us == off_us
    ] == [("disconnect", off_us)]
    assert not any(
        off_us <= each.time_us < (end_ms + 600_000) * 1000 for each in found if isinstance(each, GattRead)
    )


def test_what_fails_is_noted_and_tried_again() -> None:
    errors: dict[str, int] = {}
    for seed in range(6):
        plan = planned(2, loss=0.6, strangers=4)
        for each in noted(plan, seed):
            if isinstance(each, Event) and each.name == "gatt_error":
                errors[str(each.fields["step"])] = errors.get(str(each.fields["step"]), 0) + 1
                assert each.fields["reason"] in ("no connection within 10 s", "the connection was lost")
                assert "att_error" not in each.fields
        assert len(reads(plan, seed)) > 10
    assert errors.keys() == {"connect", "discover", "read"}


def test_the_first_receiver_reads() -> None:
    plan = planned(0.5, receivers=2)
    assert {each.receiver for each in reads(plan)} == {"receiver-1"}
    events = [each for each in noted(plan) if isinstance(each, Event)]
    assert {each.fields["receiver"] for each in events} == {"receiver-1"}


def test_android_phones_and_other_plans_are_not_read() -> None:
    android = planned(0.5)
    android = replace(android, phones=(replace(android.phones[0], platform="android"),))
    assert noted(android) == []
    with pytest.raises(ValueError, match="iPhones are not read"):
        simulate_reading(replace(android, gatt=False), 1)


def test_a_reader_changes_nothing_of_the_air_and_is_the_same_again() -> None:
    plan = planned(1, loss=0.2, strangers=4)
    air = [each for each in simulate_reading(plan, 3) if isinstance(each, AirPacket)]
    assert air == list(simulate(plan, 3))
    assert noted(plan, 3) == noted(plan, 3)
    assert noted(plan, 3) != noted(plan, 4)


@pytest.mark.req("BZ-GAT-001")
def test_its_recording_is_read_as_it_was_noted() -> None:
    plan = planned(0.5, loss=0.3)
    file = BytesIO()
    count = write_recording(simulate_reading(plan, 2), file, gatt=True)
    lines = file.getvalue().splitlines()
    assert len(lines) == count + 2
    assert json.loads(lines[0])["capabilities"]["gatt"] == "yes"
    source = RecordingSource("r", OctetStream(BytesIO(file.getvalue())))
    found = [replace(each, number=0) for each in source if isinstance(each, GattRead | Event)]
    assert found == noted(plan, 2)
    assert source.diagnostics == ()


# --- planted faults of reads ---

T1, T2 = START_MS + 100_000, START_MS + 1_000_000
"""In the first slot, and in the next."""


def answers(name: str, *asked: tuple[int, int]) -> list[bytes | int]:
    """Return what a phone with a fault answers, asked at an instant after it was connected at another."""
    plan = planned(2, (name,))
    server = gatt_server(plan.phones[0], plan, 1)
    return [server.answer(*each) for each in asked]


@pytest.mark.req("BZ-GAT-001")
@pytest.mark.parametrize(
    ("name", "offered"),
    [
        ("writable-id", [(CHARACTERISTIC, ("read", "write"))]),
        ("notifying-id", [(CHARACTERISTIC, ("read", "notify"))]),
        ("second-characteristic", [(CHARACTERISTIC, ("read",)), (OLD_CHARACTERISTIC, ("read",))]),
        ("wrong-characteristic", [(OLD_CHARACTERISTIC, ("read",))]),
        ("no-gatt-service", None),
        ("slot-late", [(CHARACTERISTIC, ("read",))]),
    ],
)
def test_what_a_phone_with_a_fault_offers(
    name: str, offered: list[tuple[str, tuple[str, ...]]] | None
) -> None:
    plan = planned(2, (name,))
    services = gatt_server(plan.phones[0], plan, 1).services
    assert [each.uuid for each in services] == ([] if offered is None else [SERVICE])
    assert [(each.uuid, each.properties) for service in services for each in service.characteristics] == (
        offered or []
    )
    listed = [
        each.fields["services"]
        for each in noted(plan)
        if isinstance(each, Event) and "services" in each.fields
    ]
    assert len(listed) >= 8
    assert bool(reads(plan)) is (CHARACTERISTIC in str(listed))


@pytest.mark.req("BZ-GAT-002", "BZ-GAT-003")
def test_what_a_phone_with_a_fault_answers() -> None:
    asked = ((T1, T1 - 1000), (T2, T1 - 1000), (T2 + 1, T2))
    right = [hashed(T1), hashed(T2), hashed(T2)]
    oracles: dict[str, Callable[[int], list[bytes | int]]] = {
        "read-needs-encryption": lambda _: [0x0F] * 3,
        "read-slot-before": lambda _: [hashed(T1 - 900_000), hashed(T1), hashed(T1)],
        "read-thirteen-octets": lambda _: [each + b"\0" for each in right],
        "read-subkey": lambda _: [subkey(T1)[:16], subkey(T2)[:16], subkey(T2)[:16]],
        "read-local-time": lambda _: [hashed(each + 7 * HOUR_MS) for each in (T1, T2, T2)],
        "fixed-at-connection": lambda _: [hashed(T1), hashed(T1), hashed(T2)],
        "cached-read": lambda _: [hashed(T1)] * 3,
        "writable-id": lambda _: list(right),
    }
    for name, expected in oracles.items():
        assert answers(name, *asked) == expected(0), name
    other = answers("read-other-base", *asked)
    assert all(isinstance(each, bytes) and len(each) == 12 for each in other)
    known = {hashed(BASE_DAY_MS + step * 900_000) for step in range(96 * 4)}
    assert not known & {each for each in other if isinstance(each, bytes)}
    # a value is cached for 40 minutes, and not before it was read
    later = answers("cached-read", (T1, T1), (T1 + 2_399_999, T1), (T1 + 2_400_000, T1), (T1 - 1, T1))
    assert later == [hashed(T1), hashed(T1), hashed(T1 + 2_400_000), hashed(T1 - 1)]


@pytest.mark.req("BZ-GAT-002", "BZ-KEY-008")
def test_a_phone_without_an_id_answers_with_an_error_or_by_a_fault_with_zeros() -> None:
    before_ms = BASE_DAY_MS - 1000
    right = planned()
    assert gatt_server(right.phones[0], right, 1).answer(before_ms, before_ms) == 0x0E
    plan = planned(2, ("read-zeros",))
    (phone,) = plan.phones
    assert (
        phone.base_day_ms == START_MS - 8 * HOUR_MS + DAY_MS
    )  # nothing of the simulation lies on it or after it
    assert {each.value for each in reads(plan)} == {bytes(12)}
    assert gatt_server(phone, plan, 1).answer(phone.base_day_ms + 1, 0) == hashed(
        phone.base_day_ms + 1, base_day_ms=phone.base_day_ms
    )
    over_midnight = prepared(replace(planned(20, ("read-zeros",))), 1)
    assert over_midnight.phones[0].base_day_ms == START_MS + 16 * HOUR_MS
    subkeys = prepared(replace(planned(2, ("read-subkey",))), 1)
    assert gatt_server(subkeys.phones[0], subkeys, 1).answer(before_ms, before_ms) == 0x0E
    longer = planned(2, ("read-thirteen-octets",))
    assert gatt_server(longer.phones[0], longer, 1).answer(before_ms, before_ms) == 0x0E


def test_every_fault_of_reads_is_held_here_and_is_of_iphones() -> None:
    assert set(READ_FAULTS) == {each for each in FAULTS.values() if each.requirement.startswith("BZ-GAT")}
    text = Path(__file__).read_text(encoding="utf-8")
    for each in READ_FAULTS:
        assert f'"{each.name}"' in text
        assert (each.platforms, each.by_reads) == (("ios",), True)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("slot-late", lambda time_ms: hashed(time_ms - 900_000)),
        ("local-day", lambda time_ms: hashed(time_ms + 7 * HOUR_MS)),
        ("before-base-day", lambda time_ms: hashed(BASE_DAY_MS + time_ms % DAY_MS)),
        ("midnight-list", lambda time_ms: hashed(time_ms - DAY_MS)),
    ],
)
def test_ids_of_reads_have_the_faults_of_ids(name: str, expected: Callable[[int], bytes]) -> None:
    found = reads(planned(1, (name,)))
    assert len(found) == 9
    for each in found:
        assert each.value in {expected(each.time_us // 1000), expected(each.time_us // 1000 - 200)}
