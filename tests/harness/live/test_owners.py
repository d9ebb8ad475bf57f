"""Whose an address is: learned as it comes, the same as the checks find out afterwards."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bluezone_harness.checks.captures import Capture
from bluezone_harness.checks.devices_heard import all_subjects
from bluezone_harness.checks.subjects import Rules
from bluezone_harness.evidence.device_files import Device, read_device_file
from bluezone_harness.live import owners as owners_module
from bluezone_harness.live.owners import Owners
from bluezone_harness.observations import AddressType, Advert, Event, Gap, GattRead, Observation, PduType
from bluezone_harness.profiles import profiles_of
from bluezone_harness.sightings import fold
from bluezone_harness.virtual.captures import _RECORDING_CAPABILITIES
from bluezone_harness.virtual.phones import Plan, device_file, drawn_phone, prepared, simulate
from bluezone_harness.virtual.sessions import simulate_reading
from bluezone_reference.profiles import V3
from bluezone_spec.model import Specification

pytestmark = pytest.mark.req("BZ-KEY-010")

START_MS = 1_597_046_400_000
DAY_US = 86_400_000_000
FAULTS: tuple[tuple[str, ...], ...] = ((), ("slot-late",))
SILENT = bytes.fromhex("020106")


def observations_of(plan: Plan, seed: int) -> list[Observation]:
    found: list[Observation] = []
    for each in (simulate_reading if plan.gatt else simulate)(plan, seed):
        if isinstance(each, GattRead | Event):
            found.append(replace(each, number=len(found) + 2))
        else:
            found.append(
                Advert(
                    len(found) + 2,
                    each.time_us,
                    each.receiver,
                    each.address,
                    each.address_type,
                    each.pdu,
                    each.ad,
                    each.rssi,
                    each.channel,
                )
            )
    return found


def advert(time_us: int, address: bytes | None, ad: bytes = SILENT) -> Advert:
    return Advert(0, time_us, "", address, AddressType.RESOLVABLE, PduType.ADV_IND, ad, None, None)


def android(octets: bytes) -> bytes:
    return bytes.fromhex("0201020fffb522") + octets + bytes.fromhex("0303564e")


@settings(max_examples=12)
@given(
    seed=st.integers(1, 50),
    phones=st.lists(
        st.tuples(st.sampled_from(["android", "ios"]), st.sampled_from(FAULTS)), min_size=2, max_size=2
    ),
    strangers=st.integers(0, 4),
)
def test_the_same_as_the_checks_say(
    specification: Specification, seed: int, phones: list[tuple[str, tuple[str, ...]]], strangers: int
) -> None:
    drawn = tuple(
        drawn_phone(f"phone {number}", platform, START_MS, seed, faults if platform == "android" else ())
        for number, (platform, faults) in enumerate(phones)
    )
    plan = prepared(Plan(drawn, START_MS, 1_200_000, interval_ms=2000, gatt=True, strangers=strangers), seed)
    devices = read_device_file("device.json", device_file(plan.phones)).devices
    heard = observations_of(plan, seed)
    owners = Owners(devices, V3)
    for each in heard:
        owners.hear(each)
    rules = Rules(
        profiles_of(specification)["v3"],
        {name: each.value for name, each in specification.tolerances.items()},
    )
    capture = Capture(
        "c", "", "recording", dict(_RECORDING_CAPABILITIES), len(heard), False, (), fold("c", heard)
    )
    found = {each.label: each for each in all_subjects((), (capture,), devices, rules)}
    addresses = {each.address for each in heard if isinstance(each, Advert) and each.address is not None}
    for number, device in enumerate(devices):
        judged = {each.address for each in found[device.name].sightings} | found[device.name].read_addresses
        assert {each for each in addresses if owners.of(each) == number} == judged - {None}


def own_device(**more: object) -> Device:
    (device,) = read_device_file(
        "device.json", b'{"base_id": "%s", "base_day": "2020-08-08"}' % (b"4c5224b397f8ab38" * 4)
    ).devices
    return replace(device, **more)  # type: ignore[arg-type]  # values of several types, by name


def id_of(device: Device, time_ms: int) -> bytes:
    from bluezone_harness.checks.schedules import Schedule

    (slot,) = Schedule(device, V3).between(time_ms, time_ms)
    return slot.rolling_id


A, B = bytes.fromhex("5A0000000001"), bytes.fromhex("5A0000000002")


def test_a_named_address_is_the_devices_from_the_start() -> None:
    owners = Owners((own_device(address="5A:00:00:00:00:01"),), V3)
    assert owners.of(A) == 0
    assert owners.hear(advert(START_MS * 1000, A)) == 0
    assert owners.hear(advert(START_MS * 1000, B)) is None


def test_an_id_tells_whose_all_that_follows_is() -> None:
    device = own_device()
    owners = Owners((device,), V3)
    time_us = START_MS * 1000
    own = id_of(device, START_MS)
    assert owners.hear(advert(time_us, A)) is None
    assert owners.hear(advert(time_us, A, android(own))) == 0
    assert owners.hear(advert(time_us + 1, A)) == 0
    assert owners.hear(Event(0, time_us, "gatt_services", {"address": "5A:00:00:00:00:01"})) == 0
    # without an address the id alone tells
    assert owners.hear(advert(time_us, None, android(own))) == 0
    assert owners.of(None) is None
    # a read, and an id that is cut
    assert owners.hear(GattRead(0, time_us, "", B, None, "", "", own)) == 0
    assert owners.hear(advert(time_us, b"\x5a" * 6, bytes.fromhex("02010209ffb522") + own[:6])) == 0
    # nothing of it is anybody's
    assert owners.hear(Gap(0, time_us, time_us)) is None
    assert owners.hear(Event(0, time_us, "push", {"address": "nobody knows"})) is None
    assert owners.hear(Event(0, time_us, "push", {"address": "5A:00"})) is None
    assert owners.hear(GattRead(0, time_us, "", None, None, "", "", b"short")) is None


def test_without_devices_all_is_nobodys() -> None:
    assert Owners((), V3).hear(advert(START_MS * 1000, A)) is None


def test_what_two_devices_explain_is_neithers() -> None:
    device = own_device()
    owners = Owners((device, device), V3)
    own = android(id_of(device, START_MS))
    assert owners.hear(advert(START_MS * 1000, A, own)) is None
    assert owners.explaining(id_of(device, START_MS)) == (0, 1)
    assert owners.hear_all(advert(START_MS * 1000, A)) == (0, 1)


def test_who_was_not_heard_for_a_day_or_two_is_forgotten() -> None:
    device = own_device()
    owners = Owners((device,), V3)
    time_us = START_MS * 1000
    owners.hear(advert(time_us, A, android(id_of(device, START_MS))))
    owners.hear(advert(time_us + DAY_US, B))
    assert owners.of(A) == 0
    owners.hear(advert(time_us - DAY_US, B))  # by a clock that was set back a little
    assert owners.of(A) == 0
    owners.hear(advert(time_us + 2 * DAY_US, B))
    assert owners.of(A) is None
    # the ids of a later day are known on it
    later_ms = START_MS + 40 * 86_400_000
    assert owners.hear(advert(later_ms * 1000, B, android(id_of(device, later_ms)))) == 0


def test_ids_of_a_crowd_take_little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(owners_module, "_REMEMBERED", 16)
    owners = Owners((own_device(),), V3)
    for number in range(200):
        owners.hear(advert(START_MS * 1000, number.to_bytes(6), android(number.to_bytes(12))))
    assert len(owners._explaining) <= 16
    assert not owners._learned
