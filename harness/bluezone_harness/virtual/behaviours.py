"""What a virtual phone does, taken apart so that a planted fault can replace one part and leave the rest.

``CORRECT`` is the protocol as the specification has it. A planted fault gives another value to one field or two.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from random import Random
from typing import Literal, NamedTuple

from bluezone_harness.observations import PduType
from bluezone_reference.advertisement import (
    ONLY_BLUEZONE_SERVICES,
    AndroidAdvertisement,
    IosAdvertisement,
    IosBackgroundAdvertisement,
    encode_advertisement,
)
from bluezone_reference.profiles import PROFILES, V3

from .addresses import Addresses, new_at_each_start
from .id_sources import of_profile
from .plans import IdSource, PhonePlan, Plan, SentWindow
from .reads import RIGHT_READS, GattBehaviour
from .schedules import Schedule

AdWriter = Callable[[bytes], bytes]
"""From an id to AdvData."""
Windows = Iterable[SentWindow]


class IosFrames(NamedTuple):
    """What an iPhone's app has its system send.

    Attributes:
        open_ad: AdvData while the app is open.
        background_ad: AdvData while it is in the background; ``None``: nothing of the app's.
        open_response: What is answered to a scan request while the app is open; empty: nothing.
    """

    open_ad: bytes
    background_ad: bytes | None
    open_response: bytes = b""


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What a phone does.

    Attributes:
        plan: Changes the phone's own plan before anything happens, such as its base id; twice is as once.
        ids: Makes the source of its ids.
        ad_writer: Makes what writes an id into AdvData; drawn once for a phone.
        ios_frames: What an iPhone sends; drawn once for a phone.
        addresses: Makes the policy of its addresses.
        pdu: Which PDU it sends.
        schedule: Of its scheduled on-windows.
        windows: Changes what is sent: on-windows that last too long, or are sent twice.
        reads: What an iPhone offers to whoever connects, and what it answers.
        in_step: Where iPhones are read, the address of an iPhone changes with its slots, and not minutes later.
    """

    plan: Callable[[PhonePlan, Plan, Random], PhonePlan]
    ids: Callable[[PhonePlan, Plan, Random], IdSource]
    ad_writer: Callable[[Random], AdWriter]
    ios_frames: Callable[[PhonePlan, Random], IosFrames]
    addresses: Callable[[Random], Addresses]
    pdu: PduType
    schedule: Schedule
    windows: Callable[[PhonePlan, Random, Windows], Iterator[SentWindow]]
    reads: GattBehaviour
    in_step: bool


def _same_plan(phone: PhonePlan, plan: Plan, random: Random) -> PhonePlan:
    return phone


def _right_ids(phone: PhonePlan, plan: Plan, random: Random) -> IdSource:
    return of_profile(phone, PROFILES[phone.profile])


def _android_writer(random: Random) -> AdWriter:
    # some 30 on-windows in a row carry one id
    return lru_cache(maxsize=2)(lambda rolling_id: encode_advertisement(AndroidAdvertisement(rolling_id)))


def ios_frames(name: str, services: bytes = b"") -> IosFrames:
    """Return what an iPhone sends.

    Args:
        name: The local name while the app is open.
        services: The field of the overflow form, 16 octets; empty: no other app has its system advertise.

    Source: BZ-ADV-009, BZ-ADV-010.
    """
    return IosFrames(
        encode_advertisement(IosAdvertisement(name)),
        encode_advertisement(
            IosBackgroundAdvertisement(
                services or ONLY_BLUEZONE_SERVICES, only_bluezone=services in (b"", ONLY_BLUEZONE_SERVICES)
            )
        ),
    )


def _right_ios_frames(phone: PhonePlan, random: Random) -> IosFrames:
    return ios_frames(V3.advertisement.ios_local_name, phone.services)


def _same_windows(phone: PhonePlan, random: Random, windows: Windows) -> Iterator[SentWindow]:
    return iter(windows)


CORRECT = Behaviour(
    plan=_same_plan,
    ids=_right_ids,
    ad_writer=_android_writer,
    ios_frames=_right_ios_frames,
    addresses=new_at_each_start,
    pdu=PduType.ADV_IND,
    schedule=Schedule(),
    windows=_same_windows,
    reads=RIGHT_READS,
    in_step=True,
)


Change = Callable[[Behaviour], Behaviour]


@dataclass(frozen=True, slots=True)
class PlantedFault:
    """A fault that can be built into a virtual phone.

    Attributes:
        name: On the command line and in plans.
        requirement: Under which a check must find it.
        text: What the phone does, a sentence for people without a full stop.
        change: From the behaviour of a phone to that of one with the fault.
        fault: Of annex A, such as ``F-11``; empty where no published build did it.
        breaks: Other requirements that it breaks.
        needs_key: Under ``requirement`` it can be seen with the device file only.
        platforms: Into which phones it can be planted.
        by_reads: In an iPhone, GATT reads alone can show it.
    """

    name: str
    requirement: str
    text: str
    change: Change
    fault: str = ""
    breaks: tuple[str, ...] = ()
    needs_key: bool = False
    platforms: tuple[Literal["android", "ios"], ...] = ("android",)
    by_reads: bool = False
