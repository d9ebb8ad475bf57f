"""What a virtual app does, taken apart so that a planted fault can replace one part and leave the rest.

``RIGHT`` is the protocol as the specification has it. Parts with a memory of their own are drawn once for an app.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from types import MappingProxyType
from typing import Literal

from bluezone_harness.virtual.id_sources import of_profile
from bluezone_harness.virtual.plans import IdSource
from bluezone_reference.contact_log import Record
from bluezone_reference.profiles import V3, Profile
from bluezone_reference.receiver import READ_ATTEMPT_MS, HeardAdvert

from .exports import export_of
from .model import AppPlan

Hearing = Callable[[HeardAdvert], HeardAdvert | None]
"""From an advert to what the receiver is given in its place; ``None``: nothing."""
Recording = Callable[[Record], Iterable[Record]]
"""From a record that the receiver made to those that are kept, in order."""
Recalling = Callable[[str, int], bytes | None]
"""From an address, and what the clock says, to an id that is taken for one that was read just now."""
Keeping = Callable[[str, int, bytes], None]
"""Is told of each value that was read: of which address, when, and what."""


@dataclass(frozen=True, slots=True)
class Memory:
    """What an app remembers of its reads beside its receiver.

    Attributes:
        recall: What it takes in place of a read.
        keep: Is told of reads.
    """

    recall: Recalling
    keep: Keeping


@dataclass(frozen=True, slots=True)
class Reading:
    """How an app reads phones by GATT.

    Attributes:
        attempt_us: When an attempt is given up; ``None``: never.
        at_once: How many attempts there are at a time, at most.
        stays_us: How long a connection is kept after the value.
        wants: Whether an advert that is an iPhone's makes it read.
        wants_ignored: Whether an advert makes it read in which the receiver finds nothing.
        value: From a value that was read to the one that is taken.
    """

    attempt_us: int | None = READ_ATTEMPT_MS * 1000
    at_once: int = 1
    stays_us: int = 0
    wants: Callable[[HeardAdvert], bool] = lambda advert: True
    wants_ignored: Callable[[HeardAdvert], bool] = lambda advert: False
    value: Callable[[bytes], bytes] = lambda value: value


@dataclass(frozen=True, slots=True)
class AppBehaviour:
    """What an app does.

    Attributes:
        profile: Whose rules its receiver has.
        hearing: Makes what stands between the radio and the receiver.
        taken: What it logs for a contact id of an advert in which the receiver finds nothing.
        reading: How it reads phones.
        memory: Makes what it remembers of its reads beside the receiver.
        own_ids: Makes the source of its own ids.
        recording: Makes what stands between the receiver and the log.
        stored_time: From the time of a record in ms to the number that the log holds.
        export: From records, and what makes a time a number, to the octets of the export.
    """

    profile: Profile
    hearing: Callable[[Random], Hearing]
    taken: Callable[[HeardAdvert], bytes | None]
    reading: Reading
    memory: Callable[[AppPlan], Memory]
    own_ids: Callable[[AppPlan], IdSource]
    recording: Callable[[AppPlan, Random], Recording]
    stored_time: Callable[[int], int]
    export: Callable[[Sequence[Record], Callable[[int], int]], bytes]


def _hears_all(random: Random) -> Hearing:
    return lambda advert: advert


def _takes_nothing(advert: HeardAdvert) -> bytes | None:
    return None


def _remembers_nothing(plan: AppPlan) -> Memory:
    return Memory(lambda address, clock_ms: None, lambda address, clock_ms, value: None)


def _right_ids(plan: AppPlan) -> IdSource:
    return of_profile(plan.phone)


def _records_all(plan: AppPlan, random: Random) -> Recording:
    return lambda record: (record,)


def _milliseconds(time_ms: int) -> int:
    return time_ms


RIGHT = AppBehaviour(
    profile=V3,
    hearing=_hears_all,
    taken=_takes_nothing,
    reading=Reading(),
    memory=_remembers_nothing,
    own_ids=_right_ids,
    recording=_records_all,
    stored_time=_milliseconds,
    export=export_of,
)

Change = Callable[[AppBehaviour], AppBehaviour]
Platform = Literal["android", "ios"]


@dataclass(frozen=True, slots=True)
class AppFault:
    """A fault that can be built into a virtual app.

    Attributes:
        name: On the command line.
        requirement: Under which a check must find it.
        text: What the app does, a sentence for people without a full stop.
        change: From the behaviour of an app to that of one with the fault.
        fault: Of annex A, such as ``F-19``; empty where no published build did it.
        breaks: Other requirements that it breaks.
        takes_a_day: It shows where the same phone is met again on another day.
        settings: Later values of ``max``, by milliseconds after the start, without which it does not show.
        platforms: Into which apps it can be planted.
    """

    name: str
    requirement: str
    text: str
    change: Change
    fault: str = ""
    breaks: tuple[str, ...] = ()
    takes_a_day: bool = False
    settings: Mapping[int, int] = field(default_factory=lambda: MappingProxyType({}))
    platforms: tuple[Platform, ...] = ("android", "ios")
