"""On-windows: runs of adverts of one address and one receiver without a pause of more than 5 s.

An Android phone takes a new address at each start of advertising, so that a start is an on-window. The id is fixed
when it begins. Scan responses belong to the on-window of their address.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bluezone_harness.observations import AddressType
from bluezone_harness.sightings import PAUSE_US, Sighting


@dataclass(frozen=True, slots=True)
class OnWindow:
    """A run of adverts of one address and receiver.

    Attributes:
        source: Name of the evidence.
        receiver: Who heard it.
        address: 6 octets, the most significant first; ``None`` where the source does not tell.
        address_type: Of that address.
        first_us: When its first advert was heard, in microseconds since the Unix epoch.
        last_us: When its last was heard.
        sightings: In the order in which they began.
        count: Adverts.
    """

    source: str
    receiver: str
    address: bytes | None
    address_type: AddressType | None
    first_us: int
    last_us: int
    sightings: tuple[Sighting, ...]
    count: int


def on_windows(sightings: Iterable[Sighting]) -> tuple[OnWindow, ...]:
    """Return the on-windows of sightings, in the order in which they begin.

    Where a source tells no address, its sightings of one receiver are taken for those of one address.

    Args:
        sightings: In any order.

    Source: annex C, On-windows; tolerance window_pause.
    """
    runs: dict[tuple[str, str, bytes | None, AddressType | None], list[Sighting]] = {}
    for each in sightings:
        runs.setdefault((each.source, each.receiver, each.address, each.address_type), []).append(each)
    found: list[OnWindow] = []
    for members in runs.values():
        members.sort(key=_order)
        run: list[Sighting] = []
        until_us = 0
        for each in members:
            if run and each.first_us - until_us > PAUSE_US:
                found.append(_on_window(run))
                run = []
            until_us = max(until_us, each.last_us) if run else each.last_us
            run.append(each)
        found.append(_on_window(run))
    return tuple(sorted(found, key=lambda each: (each.first_us, each.sightings[0].first_number, each.source)))


def _order(sighting: Sighting) -> tuple[int, int, int, bytes]:
    return sighting.first_us, sighting.first_number, sighting.last_us, sighting.ad or b""


def _on_window(run: list[Sighting]) -> OnWindow:
    first = run[0]
    return OnWindow(
        first.source,
        first.receiver,
        first.address,
        first.address_type,
        first.first_us,
        max(each.last_us for each in run),
        tuple(run),
        sum(each.count for each in run),
    )
