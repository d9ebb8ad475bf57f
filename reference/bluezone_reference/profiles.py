"""Profiles: what differs between the corrected protocol and the builds that were published.

``V3`` is the protocol. ``ANDROID_V3`` and ``IOS_V3`` are exact copies of the published builds of August and September
2020, faults included; ``V2`` and ``V1`` describe the generations before, so that an old build is named as one.

Source: the profiles of the specification (TOML), which give each value its evidence; a test holds the two equal.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal


@dataclass(frozen=True, slots=True)
class KeyScheduleRules:
    """How base id, day keys and slots are computed.

    Attributes:
        default_max: Slots a day where nothing else is configured.
        max_rule: ``divisor``: 2 to 86 400 and a divisor of the day (BZ-KEY-007); ``setting``: whatever is stored, the
            default where that is below 1.
        slot_arithmetic: ``exact``: the day divides evenly; ``integer_ms``: the slot length is cut to whole
            milliseconds; ``float_s``: whole seconds divided by a floating slot length.
        day_key_lag: Steps by which the day key stays behind from day 1 on (F-14b).
        before_base_day: ``refuse`` (BZ-KEY-008), or ``base``: the base id itself serves as day key (F-12).
        empty_base: ``refuse`` (BZ-KEY-001), or ``accept``: an empty base id is used, anew each day (F-15).
        one_slot: What ``max`` = 1 gives: ``refuse``, ``no_id`` or ``id`` (F-08).
        day_list: ``none``: ids follow the clock and ``max`` at once (BZ-KEY-009); ``kept``: the day's list is made
            once and kept (F-10, F-11, F-13).
    """

    default_max: int
    max_rule: Literal["divisor", "setting"]
    slot_arithmetic: Literal["exact", "integer_ms", "float_s"]
    day_key_lag: int
    before_base_day: Literal["refuse", "base"]
    empty_base: Literal["refuse", "accept"]
    one_slot: Literal["refuse", "no_id", "id"]
    day_list: Literal["none", "kept"]


@dataclass(frozen=True, slots=True)
class AdvertisementRules:
    """What a phone of the profile puts on the air.

    Attributes:
        android_service_uuid: Of Android phones, in canonical text form.
        company: Bluetooth company identifier of the manufacturer specific data.
        id_octets: Length of the id in those data.
        ios_service_uuid: Of iPhones: advertised, and of the GATT service.
        ios_characteristic_uuid: Of the one characteristic that holds the id.
        ios_local_name: The name iPhones advertise; empty where it carries the obfuscated id.
    """

    android_service_uuid: str
    company: int
    id_octets: int
    ios_service_uuid: str
    ios_characteristic_uuid: str
    ios_local_name: str


@dataclass(frozen=True, slots=True)
class ReceiverRules:
    """What a receiver takes from an advert, and what it reads by GATT.

    Attributes:
        takes_any_company: Any manufacturer specific data of the right length count (F-18).
        short_manufacturer_data: Under two octets: ``ignore`` or ``crash`` (F-17).
        pads_legacy_ad: The record is padded with zeros to 62 octets before it is taken apart (F-29).
        cached_id: ``slot``: an id read by GATT serves until its slot ends (BZ-RCV-005); ``slot_number``: the oldest
            row of an address serves whenever the slot number is the same, on any day (F-19); ``none``.
        read_pause_ms: Least time between two attempts to read the same address.
    """

    takes_any_company: bool
    short_manufacturer_data: Literal["ignore", "crash"]
    pads_legacy_ad: bool
    cached_id: Literal["slot", "slot_number", "none"]
    read_pause_ms: int


@dataclass(frozen=True, slots=True)
class ContactLogRules:
    """How records are kept and exported.

    Attributes:
        time_unit: Of the log's times: ``ms`` or ``s`` (F-01).
        repeat_after_ms: The same contact id is recorded again only after this long (F-20).
        platform_in_address: The word ``Android`` or ``iOS`` stands where an address would.
    """

    time_unit: Literal["ms", "s"]
    repeat_after_ms: int
    platform_in_address: bool


@dataclass(frozen=True, slots=True)
class MatchingRules:
    """How positive cases are read and expanded.

    Attributes:
        malformed_case: ``refuse`` (BZ-MAT-005), or as the builds took it: ``android``, ``ios`` (F-07, F-16).
        every_case: Every case is evaluated and every hit named (BZ-MAT-008); else the first hit ends it.
    """

    malformed_case: Literal["refuse", "android", "ios"]
    every_case: bool


@dataclass(frozen=True, slots=True)
class Profile:
    """One way in which the protocol is, or was, spoken.

    Attributes:
        name: As on the command line.
        generation: 1, 2 or 3.
        platform: ``any``, ``android`` or ``ios``.
        key_schedule: ``None`` in the first generation, which had one static id.
    """

    name: str
    generation: int
    platform: Literal["any", "android", "ios"]
    key_schedule: KeyScheduleRules | None
    advertisement: AdvertisementRules
    receiver: ReceiverRules
    contact_log: ContactLogRules
    matching: MatchingRules


V3 = Profile(
    name="v3",
    generation=3,
    platform="any",
    key_schedule=KeyScheduleRules(
        default_max=96,
        max_rule="divisor",
        slot_arithmetic="exact",
        day_key_lag=0,
        before_base_day="refuse",
        empty_base="refuse",
        one_slot="refuse",
        day_list="none",
    ),
    advertisement=AdvertisementRules(
        android_service_uuid="00004e56-0000-1000-8000-00805f9b34fb",
        company=0x22B5,
        id_octets=12,
        ios_service_uuid="00004e56-73f5-4bc4-a12f-17d1ad07a667",
        ios_characteristic_uuid="00004e56-73f5-4bc4-a12f-17d1ad07a689",
        ios_local_name="Bluezone",
    ),
    receiver=ReceiverRules(
        takes_any_company=False,
        short_manufacturer_data="ignore",
        pads_legacy_ad=False,
        cached_id="slot",
        read_pause_ms=0,
    ),
    contact_log=ContactLogRules(time_unit="ms", repeat_after_ms=5000, platform_in_address=False),
    matching=MatchingRules(malformed_case="refuse", every_case=True),
)

ANDROID_V3 = replace(
    V3,
    name="android-v3",
    platform="android",
    key_schedule=KeyScheduleRules(
        default_max=96,
        max_rule="setting",
        slot_arithmetic="integer_ms",
        day_key_lag=0,
        before_base_day="base",
        empty_base="refuse",
        one_slot="no_id",
        day_list="kept",
    ),
    receiver=ReceiverRules(
        takes_any_company=False,
        short_manufacturer_data="ignore",
        pads_legacy_ad=True,
        cached_id="slot_number",
        read_pause_ms=0,
    ),
    matching=MatchingRules(malformed_case="android", every_case=False),
)

IOS_V3 = replace(
    V3,
    name="ios-v3",
    platform="ios",
    key_schedule=KeyScheduleRules(
        default_max=96,
        max_rule="setting",
        slot_arithmetic="float_s",
        day_key_lag=0,
        before_base_day="base",
        empty_base="accept",
        one_slot="id",
        day_list="kept",
    ),
    receiver=ReceiverRules(
        takes_any_company=True,
        short_manufacturer_data="crash",
        pads_legacy_ad=False,
        cached_id="none",
        read_pause_ms=5000,
    ),
    contact_log=ContactLogRules(time_unit="s", repeat_after_ms=5000, platform_in_address=True),
    matching=MatchingRules(malformed_case="ios", every_case=False),
)

_V1_ADVERTISEMENT = AdvertisementRules(
    android_service_uuid="e20a39f4-73f5-4bc4-a12f-17d1ad07a889",
    company=0x22B5,
    id_octets=6,
    ios_service_uuid="e20a39f4-73f5-4bc4-a12f-17d1ad07a667",
    ios_characteristic_uuid="08590f7e-db05-467e-8757-72f6faeb13d4",
    ios_local_name="",
)

V2 = replace(
    ANDROID_V3,
    name="v2",
    generation=2,
    key_schedule=KeyScheduleRules(
        default_max=144,
        max_rule="setting",
        slot_arithmetic="integer_ms",
        day_key_lag=1,
        before_base_day="base",
        empty_base="refuse",
        one_slot="no_id",
        day_list="kept",
    ),
    advertisement=replace(
        V3.advertisement,
        ios_service_uuid=_V1_ADVERTISEMENT.ios_service_uuid,
        ios_characteristic_uuid=_V1_ADVERTISEMENT.ios_characteristic_uuid,
        ios_local_name="",
    ),
)

V1 = replace(
    V3,
    name="v1",
    generation=1,
    key_schedule=None,
    advertisement=_V1_ADVERTISEMENT,
    contact_log=replace(V3.contact_log, repeat_after_ms=50_000),
)

V3_HARDENED = replace(V3, name="v3-hardened")

PROFILES: dict[str, Profile] = {
    profile.name: profile for profile in (V3, ANDROID_V3, IOS_V3, V2, V1, V3_HARDENED)
}
