"""Bystanders: of none of them anything is recorded that names them, and of the device under test nothing is changed."""

from __future__ import annotations

import io
import json
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_harness.evidence.device_files import Device, read_device_file
from bluezone_harness.live.bystanders import NOT_TOLD, Bystanders, true_ids
from bluezone_harness.live.recorder import Recorder
from bluezone_harness.observations import (
    AddressType,
    Advert,
    Asked,
    Capability,
    Event,
    Extent,
    Gap,
    GattRead,
    Observation,
    PduType,
)
from bluezone_harness.sources import open_source
from bluezone_harness.virtual.phones import Plan, device_file, drawn_phone, prepared, simulate
from bluezone_harness.writing.pseudonyms import Pseudonyms
from bluezone_reference.profiles import V3

pytestmark = pytest.mark.req("BZ-PRV-002")

KEY = bytes(range(16))
BASE_ID = "4c5224b397f8ab3896781d5aa0f3119f280513f1b592ca280ebded6357e21084"
DAY_MS = 86_400_000
NOON_US = (1_596_844_800_000 + DAY_MS + 43_200_000) * 1000  # 2020-08-09T12:00Z
OURS, THEIRS = bytes.fromhex("5A0000000001"), bytes.fromhex("6B9E21D4A83C")
THEIR_ID = bytes.fromhex("e17a52c9048bd63f91a40c77")
APPLE = bytes.fromhex("02011a0aff4c0010051122334455")
NAMED = bytes.fromhex("0b09") + b"Ann's radio"[:10]
SERVICE = "00004e56-73f5-4bc4-a12f-17d1ad07a667"
CHARACTERISTIC = "00004e56-73f5-4bc4-a12f-17d1ad07a689"
OTHER_UUID = "12345678-1234-1234-1234-123456789abc"

OwnId = Callable[..., bytes]


def ad_of(rolling_id: bytes) -> bytes:
    head = bytes.fromhex("020102") + bytes([len(rolling_id) + 3]) + bytes.fromhex("ffb522")
    return head + rolling_id + bytes.fromhex("0303564e")


def advert(address: bytes | None, ad: bytes, *, after_s: float = 0, pdu: PduType = PduType.ADV_IND) -> Advert:
    time_us = NOON_US + round(after_s * 1_000_000)
    return Advert(1, time_us, "hci0", address, AddressType.RESOLVABLE, pdu, ad, -60, None)


def gatt_read(address: bytes | None, value: bytes, after_s: float = 0) -> GattRead:
    time_us = NOON_US + round(after_s * 1_000_000)
    kind = AddressType.RESOLVABLE
    return GattRead(1, time_us, "hci0", address, kind, SERVICE, CHARACTERISTIC, value)


def devices_of(**more: object) -> tuple[Device, ...]:
    octets = json.dumps({"base_id": BASE_ID, "base_day": "2020-08-08", **more}).encode()
    return read_device_file("device.json", octets).devices


def bystanders(**more: object) -> Bystanders:
    return Bystanders(Pseudonyms(KEY), devices_of(**more), V3)


def private(observation: Advert) -> Advert:
    """Return what is recorded of a bystander's advert."""
    known = Pseudonyms(KEY)
    assert observation.ad is not None
    address = None if observation.address is None else known.address(observation.address)
    return replace(observation, address=address, ad=known.ad(observation.ad))


def test_what_a_recording_says_of_its_ids() -> None:
    assert true_ids(()) is Extent.NO
    assert true_ids(devices_of()) is Extent.PARTIAL


def test_an_id_makes_an_address_the_devices(own_id: OwnId) -> None:
    found = bystanders()
    response = advert(OURS, NAMED, pdu=PduType.SCAN_RSP)
    assert found.of(response) == private(response)  # nobody knows yet
    for ours in (
        advert(OURS, ad_of(own_id(NOON_US // 1000))),
        response,
        advert(OURS, APPLE),
        gatt_read(OURS, bytes(5)),
        Event(1, NOON_US, "disconnect", {"address": "5a:00:00:00:00:01", "reason": "Ann left"}),
    ):
        assert found.of(ours) is ours
    for theirs in (advert(THEIRS, ad_of(THEIR_ID)), advert(THEIRS, APPLE), advert(None, ad_of(THEIR_ID))):
        assert found.of(theirs) == private(theirs)
    nothing = replace(advert(THEIRS, b""), ad=None)
    assert found.of(nothing) == replace(private(advert(THEIRS, b"")), ad=None)


def test_the_address_that_the_device_file_names() -> None:
    found = bystanders(address="5A:00:00:00:00:01")
    for ours in (advert(OURS, APPLE), advert(OURS, ad_of(THEIR_ID)), gatt_read(OURS, b"")):
        assert found.of(ours) is ours
    assert found.of(advert(THEIRS, APPLE)) == private(advert(THEIRS, APPLE))


def nearly(name: str, own_id: OwnId) -> bytes:
    """Return what nearly is the device's id, by hashlib alone."""
    now_ms = NOON_US // 1000
    match name:
        case "the next day's":
            return own_id(now_ms + DAY_MS)
        case "of two weeks ago, and more a day":
            return own_id(now_ms - DAY_MS, 144)
        case "another salt":
            key = sha256(bytes.fromhex(BASE_ID)).digest()
            subkey = sha256(key + b"bluezonesubkey").digest()
            return bytes(subkey[each] for each in (0, 4, 8, 12, 16, 18, 20, 22, 24, 26, 28, 30))
        case "other octets":
            key = sha256(bytes.fromhex(BASE_ID)).digest()
            return sha256(key + b"bluzonesubkey").digest()[:12]
        case "longer":
            return own_id(now_ms) + b"\x01\x02\x03\x04"
        case _:
            return own_id(now_ms)[:8]


@pytest.mark.parametrize(
    "name",
    [
        "the next day's",
        "of two weeks ago, and more a day",
        "another salt",
        "other octets",
        "longer",
        "shorter",
    ],
)
@pytest.mark.parametrize("is_read", [False, True])
def test_ids_that_only_the_device_can_have(name: str, is_read: bool, own_id: OwnId) -> None:
    found, octets = bystanders(), nearly(name, own_id)
    ours = gatt_read(OURS, octets) if is_read else advert(OURS, ad_of(octets))
    assert found.of(ours) is ours
    assert found.of(advert(OURS, APPLE)) == advert(OURS, APPLE)
    # five octets are no sign of anybody
    weak = gatt_read(THEIRS, octets[:5]) if is_read else advert(THEIRS, ad_of(octets[:5]))
    assert found.of(weak) != weak


def test_a_gatt_session_that_is_told_ahead(own_id: OwnId) -> None:
    listed = [{"uuid": SERVICE, "characteristics": [{"uuid": CHARACTERISTIC, "properties": ["read"]}]}]
    services = Event(1, NOON_US, "gatt_services", {"address": "5A:00:00:00:00:01", "services": listed})
    value = gatt_read(OURS, own_id(NOON_US // 1000), 1)
    found = bystanders()
    told = found.of(services)
    assert isinstance(told, Event)
    assert told.fields["address"] == Pseudonyms(KEY).address(OURS).hex(":").upper()
    assert found.of(value) is value
    found = bystanders()
    assert [found.learn(each) for each in (services, value)] == [False, True]
    assert [found.of(each) for each in (services, value)] == [services, value]


def test_gatt_events_of_bystanders() -> None:
    whose = {"receiver": "hci0", "address": "6B:9E:21:D4:A8:3C", "address_type": "resolvable"}
    pseudonym = Pseudonyms(KEY).address(THEIRS).hex(":").upper()
    hidden = Pseudonyms(KEY).uuid(OTHER_UUID)
    characteristic = {"uuid": OTHER_UUID, "properties": ["read", "Ann"]}
    services = [
        {"uuid": SERVICE, "characteristics": [characteristic], "name": "Ann"},
        "Ann",
        {"uuid": OTHER_UUID},
    ]
    found = bystanders()

    def told(name: str, fields: dict[str, object]) -> object:
        event = found.of(Event(1, NOON_US, name, fields))
        assert isinstance(event, Event)
        return event.fields

    known = {**whose, "address": pseudonym}
    assert told("gatt_services", {**whose, "services": services}) == known | {
        "services": [
            {"uuid": SERVICE, "characteristics": [{"uuid": hidden, "properties": ["read"]}]},
            {"uuid": hidden, "characteristics": []},
        ]
    }
    failed = {
        "step": "read",
        "service": SERVICE,
        "characteristic": OTHER_UUID,
        "att_error": 5,
        "reason": "Ann",
    }
    assert told("gatt_error", whose | failed) == known | failed | {
        "characteristic": hidden,
        "reason": NOT_TOLD,
    }
    assert told("disconnect", {**whose, "by": "Ann", "step": "Ann", "address_type": "Ann's"}) == {
        "receiver": "hci0",
        "address": pseudonym,
    }
    assert told("disconnect", {"address": "a host's own name for Ann", "services": "Ann"}) == {"services": []}
    odd = {"uuid": 5, "characteristics": [{"properties": 5}, 5]}
    assert told("gatt_services", {"services": [odd, {"characteristics": "Ann"}]}) == {
        "services": [
            {"uuid": Pseudonyms(KEY).uuid("5"), "characteristics": [{"uuid": "", "properties": []}]},
            {"uuid": "", "characteristics": []},
        ]
    }


def test_notes_and_gaps() -> None:
    found = bystanders()
    for ours in (
        Gap(1, NOON_US, NOON_US + 1),
        Event(1, NOON_US, "clock_set", {"by_ms": 5}),
        Event(1, NOON_US, "max_set", {"value": 48}),
    ):
        assert found.of(ours) is ours
    for name in ("push", "upload"):
        assert found.of(Event(1, NOON_US, name, {"id": THEIR_ID.hex()})) == Event(1, NOON_US, name, {})
    note = Event(1, NOON_US, "confirm", {"address": "6B:9E:21:D4:A8:3C"})
    assert found.of(note) == replace(note, fields={})


def test_commands(own_id: OwnId) -> None:
    found = bystanders()

    def command(receiver: str, name: str, octets: bytes) -> Asked:
        return Asked(1, NOON_US, receiver, name, octets)

    theirs = command("hci0", "HCI_LE_Set_Random_Address", THEIRS[::-1])
    assert found.of(theirs) == replace(theirs, octets=Pseudonyms(KEY).address(THEIRS)[::-1])
    assert found.of(command("hci0", "HCI_LE_Unheard_Of", THEIRS)) is None
    ad = ad_of(own_id(NOON_US // 1000))
    ours = command("the phone", "HCI_LE_Set_Advertising_Data", bytes([len(ad)]) + ad + bytes(31 - len(ad)))
    assert found.of(ours) is ours
    address = command("the phone", "HCI_LE_Set_Random_Address", OURS[::-1])
    assert found.of(address) is address
    assert found.of(theirs) != theirs


def test_without_a_device_file_all_are_bystanders(own_id: OwnId) -> None:
    found = Bystanders(Pseudonyms(KEY), (), V3)
    ours = advert(OURS, ad_of(own_id(NOON_US // 1000)))
    assert found.of(ours) == private(ours)
    value = gatt_read(OURS, own_id(NOON_US // 1000))
    assert found.of(value) == replace(
        value, address=Pseudonyms(KEY).address(OURS), value=Pseudonyms(KEY).id_octets(value.value)
    )


def test_several_devices(own_id: OwnId) -> None:
    other = "ab" * 32
    entries = [
        {"name": name, "platform": "android", "bases": [{"base_id": base, "base_day": "2020-08-08"}]}
        for name, base in (("one", BASE_ID), ("two", other))
    ]
    octets = json.dumps({"schema": 1, "devices": [{**each, "max": [], "foreground": []} for each in entries]})
    found = Bystanders(Pseudonyms(KEY), read_device_file("d", octets.encode()).devices, V3)
    for number, base in enumerate((BASE_ID, other)):
        ours = advert(bytes([0x5A, 0, 0, 0, 1, number]), ad_of(own_id(NOON_US // 1000, base_id=base)))
        assert found.of(ours) is ours


def test_days_go_on_and_addresses_are_forgotten(own_id: OwnId) -> None:
    found = bystanders()
    assert found.of(advert(OURS, ad_of(own_id(NOON_US // 1000)))) != private(advert(OURS, APPLE))
    day_s = 86_400
    tomorrow = advert(OURS, APPLE, after_s=day_s)
    assert found.of(tomorrow) is tomorrow
    ours = advert(OURS, APPLE, after_s=2 * day_s + 43_000)
    assert found.of(ours) is ours
    # heard last on the third day: on the fifth it is somebody's
    later = advert(OURS, APPLE, after_s=4 * day_s)
    assert found.of(later) == private(later)
    # a month later its ids are others
    month = NOON_US // 1000 + 30 * DAY_MS
    again = advert(OURS, ad_of(own_id(month)), after_s=30 * day_s)
    assert found.of(again) is again
    old = advert(THEIRS, ad_of(own_id(NOON_US // 1000)), after_s=30 * day_s)
    assert found.of(old) == private(old)


NAMING = ["Ann", "6B:9E:21:D4:A8:3C", "6b9e21d4a83c", OTHER_UUID]
"""What may name somebody."""
OBSERVED = st.one_of(
    st.builds(
        Advert,
        *(
            st.integers(1),
            st.just(NOON_US),
            st.text(max_size=5),
            st.none() | st.binary(min_size=6, max_size=6),
        ),
        *(st.sampled_from(AddressType), st.sampled_from(PduType), st.none() | st.binary(max_size=40)),
        *(st.integers(-100, 0), st.none()),
    ),
    st.builds(
        GattRead,
        *(
            st.integers(1),
            st.just(NOON_US),
            st.text(max_size=5),
            st.none() | st.binary(min_size=6, max_size=6),
        ),
        *(st.sampled_from(AddressType), st.uuids().map(str), st.uuids().map(str), st.binary(max_size=20)),
    ),
    st.builds(
        Event,
        *(st.integers(1), st.just(NOON_US), st.sampled_from(["gatt_services", "gatt_error", "disconnect"])),
        st.dictionaries(
            st.sampled_from(["address", "services", "service", "reason", "step", "att_error", "text"]),
            st.recursive(
                st.text(max_size=17) | st.integers() | st.none(),
                lambda inner: (
                    st.lists(inner, max_size=3)
                    | st.dictionaries(st.sampled_from(["uuid", "characteristics", "properties"]), inner)
                ),
            ),
        ),
    ),
)


@given(OBSERVED)
def test_whatever_is_heard(observation: Advert | GattRead | Event) -> None:
    found = bystanders(address="5A:00:00:00:00:01")
    told = found.of(observation)
    assert isinstance(told, type(observation))
    assert (told.number, told.time_us) == (observation.number, NOON_US)
    if isinstance(told, Event):
        written = json.dumps(told.fields)
        assert [each for each in NAMING if each in written] == []
    if not isinstance(observation, Event):
        assert told.receiver == observation.receiver  # type: ignore[union-attr]  # it is of the same type
        if observation.address is not None:
            assert told.address == Pseudonyms(KEY).address(observation.address)  # type: ignore[union-attr]  # the same
        ours = replace(observation, address=OURS)
        assert found.of(ours) is ours


def spellings(secret: bytes) -> Iterator[bytes]:
    for octets in (secret, secret[::-1]):
        digits = octets.hex()
        yield from (octets, digits.encode(), digits.upper().encode())
        for between in (":", "-", " "):
            yield octets.hex(between).encode()
            yield octets.hex(between).upper().encode()
        for encode in (b64encode, urlsafe_b64encode):
            for before in range(3):
                # what does not depend on what stands before and behind
                text = encode(bytes(before) + octets)
                yield text[-(-before * 8 // 6) : (before + len(octets)) * 8 // 6]


def recorded(observations: Iterable[Observation], found: Bystanders | None) -> bytes:
    """Return the recording of observations, with pseudonyms if anybody gives them."""

    class Kept(io.BytesIO):
        def close(self) -> None:
            pass

    file = Kept()
    recorder = Recorder(file, None, "hci", "hci0", {Capability.RAW_AD: Extent.YES}, now=lambda: 0)
    for each in observations:
        private = each if found is None else found.of(each)
        if private is not None:
            recorder.add(private)
    recorder.close("it was enough")
    return file.getvalue()


def simulated(plan: Plan) -> list[Advert]:
    return [
        Advert(1, each.time_us, each.receiver, *each[1:5], each.rssi, each.channel)
        for each in simulate(plan, 7)
    ]


@pytest.mark.parametrize("platform", ["android", "ios"])
def test_nothing_of_strangers_is_left_in_any_spelling(platform: str, own_id: OwnId) -> None:
    start_ms = 1_597_046_400_000
    phone = drawn_phone("phone", platform, start_ms, 7)
    plan = prepared(Plan((phone,), start_ms, 240_000, strangers=14, interval_ms=1000), 7)
    ours = {each.address for each in simulated(replace(plan, strangers=0))}
    heard = simulated(plan)
    theirs = [each for each in heard if each.address not in ours]
    assert len({each.address for each in theirs}) > 14
    secrets = {each.address for each in theirs if each.address is not None}
    for each in theirs:
        assert each.ad is not None
        at = each.ad.find(b"\xff\xb5\x22")
        if at >= 0:
            secrets.add(each.ad[at + 3 : at + each.ad[at - 1]])
    observations: list[Observation] = [*heard]
    if platform == "ios":
        # an iPhone shows no id on the air: it is known when it was read
        first = next(each for each in heard if each.address in ours)
        rolling_id = own_id(start_ms, base_id=phone.base_id.hex(), base_day_ms=phone.base_day_ms)
        value = replace(gatt_read(first.address, rolling_id), time_us=first.time_us)
        observations.insert(0, value)
    devices = read_device_file("device.json", device_file(plan.phones)).devices
    open_octets = recorded(observations, None)
    octets = recorded(observations, Bystanders(Pseudonyms(KEY), devices, V3))
    sought = [(secret, spelling) for secret in secrets for spelling in spellings(secret)]
    assert {secret for secret, spelling in sought if spelling in open_octets} == secrets
    assert [spelling for _, spelling in sought if spelling in octets] == []
    # and of the device nothing is changed, line by line
    before, after = open_octets.splitlines(), octets.splitlines()
    assert len(before) == len(after)
    spelt = [address.hex(":").upper().encode() for address in ours if address is not None]
    of_device = [place for place, line in enumerate(before) if any(each in line for each in spelt)]
    if platform == "ios":
        # an address that comes later was not read yet
        read_address = value.address or b""
        of_device = [place for place in of_device if read_address.hex(":").upper().encode() in before[place]]
    assert len(of_device) > 10
    assert [after[place] for place in of_device] == [before[place] for place in of_device]


def test_fields_of_a_system_have_pseudonyms_too(own_id: OwnId) -> None:
    shown = {Capability.AD_FIELDS: Extent.YES, Capability.RAW_AD: Extent.NO}
    file = io.BytesIO()
    recorder = Recorder(file, None, "bleak", "", shown, now=lambda: 0)
    found = bystanders()
    heard = [
        replace(advert(address, ad), pdu=None)
        for address, ad in (
            (OURS, bytes.fromhex("0303564e0fffb522") + own_id(NOON_US // 1000)),
            (THEIRS, bytes.fromhex("0303564e0fffb522") + THEIR_ID + bytes.fromhex("0409416e6e")),
        )
    ]
    returned = []
    for each in heard:
        told = found.of(each)
        assert told is not None
        returned.append(recorder.add(told))
    recorder.flush()
    octets = file.getvalue()
    assert [json.loads(line).get("ad") for line in octets.splitlines()] == [None] * 3
    assert [*open_source("night.jsonl", io.BytesIO(octets))] == returned
    assert returned[0] == replace(heard[0], number=2)
    assert returned[1] == replace(private(heard[1]), number=3)
