"""Ids as they were heard: which sighting carries one, and from which address, when and by whose clock.

Theory of operation. Only Android phones, and phones of the first generation, show an id in their adverts; an
iPhone's is read, and counts where its address is one that the phone sent. Sightings of one id, one address and one
receiver are joined as long as no pause exceeds the tolerance ``window_pause``: what comes of it is an on-window as
far as it carries one id, so that an on-window whose id changes gives two, each with the address.

Everything here depends on what was heard, never on the order in which sightings are given.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from bluezone_harness.checks.frames import frame_of
from bluezone_harness.checks.gatt_sessions import reads_of
from bluezone_harness.checks.spans import US
from bluezone_harness.checks.subjects import Rules, Subject
from bluezone_harness.observations import AddressType, GattRead, PduType
from bluezone_harness.sightings import Sighting, in_order
from bluezone_reference.ad_structures import COMPLETE_LOCAL_NAME, SHORTENED_LOCAL_NAME
from bluezone_reference.advertisement import (
    AndroidAdvertisement,
    OldAndroidAdvertisement,
    OldIosAdvertisement,
)
from bluezone_reference.errors import MalformedError
from bluezone_reference.key_schedule import ID_OCTETS
from bluezone_reference.name_obfuscation import reveal

_IDENTITIES = (AddressType.PUBLIC_IDENTITY, AddressType.RANDOM_IDENTITY)

_FEWEST_RUNS = 4096
"""So many ids are followed before it is looked for those that are over."""


@dataclass(frozen=True, slots=True)
class HeardId:
    """One id from one address, heard without a pause, or read once.

    Attributes:
        octets: The 12 octets of a rolling id, or the six characters of a static id as ASCII.
        static: A static id of the first generation.
        source: Name of the evidence.
        receiver: Who heard it.
        address: 6 octets; ``None`` where the source does not tell.
        address_type: Of that address.
        first_us: When it was heard first, in microseconds since the Unix epoch.
        last_us: When it was heard last.
        first_number: Packet number of the first in the source.
        count: How many adverts; 1 for a read.
        is_read: It was read, and not heard.
    """

    octets: bytes
    static: bool
    source: str
    receiver: str
    address: bytes | None
    address_type: AddressType | None
    first_us: int
    last_us: int
    first_number: int
    count: int
    is_read: bool = False


# --- what an advert says ---


def local_names(sighting: Sighting) -> tuple[str, ...]:
    """Return the local names in the adverts of a sighting, as they come."""
    return tuple(
        each.data.decode("utf-8", "replace")
        for each in frame_of(sighting).structures
        if each.ad_type in (SHORTENED_LOCAL_NAME, COMPLETE_LOCAL_NAME)
    )


def static_id_of(name: str) -> str | None:
    """Return the static id in an obfuscated name, or ``None``."""
    try:
        return reveal(name)
    except MalformedError:
        return None


def on_air(address: bytes | None, address_type: AddressType | None) -> bool:
    """Tell whether an address is one that was on the air: no controller put an identity in its place."""
    return address is not None and address_type not in _IDENTITIES


# --- ids ---


@lru_cache(maxsize=2)
def ids_of(subject: Subject, rules: Rules) -> tuple[HeardId, ...]:
    """Return the ids that a subject was heard with, and those that were read at the addresses it sent.

    The last answers are kept: several checks ask.

    Args:
        subject: With its sightings and captures.
        rules: For the tolerance ``window_pause``.

    Returns:
        In order of time, then of octets.
    """
    read = [(source, each) for source, each in reads_of(subject) if len(each.value) == ID_OCTETS]
    heard_until_us: dict[tuple[str, bytes], int] = {}
    for each in subject.sightings if read else ():
        if each.address is not None:
            key = each.source, each.address
            heard_until_us[key] = max(each.last_us, heard_until_us.get(key, each.last_us))
    reads = [_read_id(source, each, heard_until_us) for source, each in read]
    return tuple(sorted((*heard_ids(subject.sightings, rules), *reads), key=_order))


def _read_id(source: str, read: GattRead, heard_until_us: Mapping[tuple[str, bytes], int]) -> HeardId:
    """Return what was read; its address counts as the phone's then only if an advert from it was heard afterwards.

    A connection keeps the address that it was opened to, though the phone may send from another by now.
    """
    address = read.address
    if address is not None and heard_until_us.get((source, address), read.time_us - 1) < read.time_us:
        address = None
    return HeardId(
        read.value,
        False,
        source,
        read.receiver,
        address,
        read.address_type,
        read.time_us,
        read.time_us,
        read.number,
        1,
        is_read=True,
    )


def heard_ids(sightings: Iterable[Sighting], rules: Rules) -> tuple[HeardId, ...]:
    """Return the ids that adverts carry, each as long as it was heard from one address without a pause.

    Args:
        sightings: In any order.
        rules: For the tolerance ``window_pause``.

    Returns:
        In order of time, then of octets.
    """
    pause_us = rules.tolerances["window_pause"] * US
    known = in_order([sightings])
    # The name of an old iPhone rarely finds room beside the service UUID: it comes in the scan response.
    old_iphones = {
        each.address for each in known if isinstance(frame_of(each).advertisement, OldIosAdvertisement)
    } - {None}
    runs: dict[tuple[str, str, bytes | None, bytes, bool], _Run] = {}
    search_at = _FEWEST_RUNS
    found: list[HeardId] = []
    for each in known:
        carried = _carried(each, each.address in old_iphones)
        if carried is None:
            continue
        key = (each.source, each.receiver, each.address, *carried)
        run = runs.get(key)
        if run is not None and each.first_us - run.last_us <= pause_us:
            run.add(each)
            continue
        if run is not None:
            found.append(_joined(key, run))
        elif len(runs) >= search_at:
            over = [key for key, run in runs.items() if each.first_us - run.last_us > pause_us]
            found.extend(_joined(key, runs.pop(key)) for key in over)
            search_at = max(_FEWEST_RUNS, 2 * len(runs))
        runs[key] = _Run(
            each.first_us, each.last_us, each.first_number, each.last_us, each.count, each.address_type
        )
    found.extend(_joined(*each) for each in runs.items())
    found.sort(key=_order)
    return tuple(found)


@dataclass(slots=True)
class _Run:
    """Sightings of one id, address and receiver without a pause; the first is the one that ended first, of several."""

    first_us: int
    first_until_us: int
    first_number: int
    last_us: int
    count: int
    address_type: AddressType | None

    def add(self, each: Sighting) -> None:
        if (each.first_us, each.last_us, each.first_number) < (
            self.first_us,
            self.first_until_us,
            self.first_number,
        ):
            self.first_until_us, self.first_number = each.last_us, each.first_number
        self.last_us = max(self.last_us, each.last_us)
        self.count += each.count
        if self.address_type is None or (
            each.address_type is not None and each.address_type < self.address_type
        ):
            self.address_type = each.address_type


def _carried(sighting: Sighting, old_iphone: bool) -> tuple[bytes, bool] | None:
    """Return the id that the adverts of a sighting carry, and whether it is static; or ``None``."""
    advertisement = frame_of(sighting).advertisement
    if isinstance(advertisement, AndroidAdvertisement):
        return advertisement.rolling_id, False
    static_id: str | None = None
    if isinstance(advertisement, OldAndroidAdvertisement | OldIosAdvertisement):
        static_id = advertisement.static_id
    elif old_iphone and sighting.pdu is PduType.SCAN_RSP:
        revealed = (static_id_of(name) for name in local_names(sighting))
        static_id = min((each for each in revealed if each is not None), default=None)
    return None if static_id is None else (static_id.encode("ascii"), True)


def _joined(key: tuple[str, str, bytes | None, bytes, bool], run: _Run) -> HeardId:
    source, receiver, address, octets, static = key
    return HeardId(
        octets,
        static,
        source,
        receiver,
        address,
        run.address_type,
        run.first_us,
        run.last_us,
        run.first_number,
        run.count,
    )


def _order(heard: HeardId) -> tuple[int, int, bytes, bytes, str, str]:
    address = heard.address or b""
    return heard.first_us, heard.last_us, heard.octets, address, heard.source, heard.receiver


def by_id(heard: Iterable[HeardId]) -> dict[bytes, list[HeardId]]:
    """Return what was heard of each id."""
    found: dict[bytes, list[HeardId]] = {}
    for each in heard:
        found.setdefault(each.octets, []).append(each)
    return found
