"""Which observations ``bzc convert`` and ``bzc sniff`` keep: by time, by address, or Bluezone's alone.

Theory of operation. What is Bluezone's, addresses tell. One is sure that sent an advert marked so, listed Bluezone's
service, or gave a value of it: all that it sends is a phone's that runs the app. One is ambiguous that sent an overflow
form, as other apps do, too: of it those adverts alone are kept, and whatever a reader made of it, since that is how to
know. Who converts a file knows all addresses before; who listens learns them as they come.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache

from bluezone_harness.checks.gatt_sessions import (
    SERVICES,
    SESSION_EVENTS,
    has_bluezone_service,
    session_address,
)
from bluezone_harness.checks.senders import frame_of
from bluezone_harness.observations import (
    Advert,
    Asked,
    Event,
    Extent,
    Gap,
    GattRead,
    Observation,
    PduType,
)
from bluezone_harness.sightings import Sighting, fold
from bluezone_harness.writing.pseudonyms import BLUEZONE_UUIDS

_DATA_COMMANDS = {
    "HCI_LE_Set_Advertising_Data": 1,
    "HCI_LE_Set_Scan_Response_Data": 1,
    "HCI_LE_Set_Extended_Advertising_Data": 4,
    "HCI_LE_Set_Extended_Scan_Response_Data": 4,
}
"""Commands that hold AdvData, and the octet where they begin. Source: Core Specification, Vol 4 Part E 7.8."""


@dataclass(frozen=True, slots=True)
class BluezoneAddresses:
    """Addresses that are Bluezone's, as far as was heard.

    Attributes:
        sure: Of phones that run it.
        ambiguous: Of those that sent an overflow form.
    """

    sure: set[bytes] = field(default_factory=set)
    ambiguous: set[bytes] = field(default_factory=set)

    def hear(self, heard: Observation | Sighting) -> None:
        """Take what was heard into account."""
        match heard:
            case Advert() | Sighting():
                address = heard.address
                if address is None or address in self.sure:
                    return
                sure, ambiguous = marks(heard.ad, heard.pdu)
            case GattRead():
                address, sure, ambiguous = heard.address, _is_read_of_ours(heard), False
            case Event() if heard.name == SERVICES:
                address, sure, ambiguous = session_address(heard), has_bluezone_service(heard), False
            case _:
                return
        if address is not None and sure:
            self.sure.add(address)
        elif address is not None and ambiguous:
            self.ambiguous.add(address)

    def hear_all(self, heard: Iterable[Observation | Sighting]) -> None:
        """Take all that was heard into account."""
        for each in heard:
            self.hear(each)


@dataclass(frozen=True, slots=True)
class Selection:
    """What is kept; without arguments all of it.

    Attributes:
        from_us: Nothing before; microseconds since the Unix epoch.
        until_us: Nothing from here on.
        addresses: Of adverts, GATT reads and events of GATT sessions only those of these addresses, and no commands;
            empty: of all.
        bluezone_only: Of adverts all of an address that is Bluezone's, and those that are marked so themselves; of
            commands none that hold other AdvData; of GATT reads and events of sessions those of an address of which
            adverts are kept, and what shows Bluezone's service.
    """

    from_us: int | None = None
    until_us: int | None = None
    addresses: frozenset[bytes] = frozenset()
    bluezone_only: bool = False

    @property
    def whole_air(self) -> Extent:
        """How much of what was heard is left; a time that is shorter is one in which nobody listened longer."""
        if self.addresses:
            return Extent.NO
        return Extent.PARTIAL if self.bluezone_only else Extent.YES

    def keeps(self, observation: Observation, bluezone: BluezoneAddresses) -> bool:
        """Say whether an observation is kept.

        Args:
            observation: Of a capture.
            bluezone: What is known of addresses; they are asked for only with ``bluezone_only``.
        """
        until_us = observation.until_us if isinstance(observation, Gap) else observation.time_us
        if self.from_us is not None and until_us < self.from_us:
            return False
        if self.until_us is not None and observation.time_us >= self.until_us:
            return False
        match observation:
            case Advert():
                if not self._has(observation.address):
                    return False
                marked = observation.address in bluezone.sure or any(marks(observation.ad, observation.pdu))
                return not self.bluezone_only or marked
            case GattRead():
                address, ours = observation.address, _is_read_of_ours(observation)
            case Event() if observation.name in SESSION_EVENTS:
                address = session_address(observation)
                ours = observation.name == SERVICES and has_bluezone_service(observation)
            case Asked():
                return not self.addresses and (not self.bluezone_only or _is_ours(observation))
            case _:
                return True
        if not self._has(address):
            return False
        return not self.bluezone_only or ours or address in bluezone.sure or address in bluezone.ambiguous

    def _has(self, address: bytes | None) -> bool:
        return not self.addresses or address in self.addresses


class StreamingSelection:
    """Chooses from what comes, and cannot know what will come: an address is Bluezone's once it has shown it.

    Args:
        selection: What is kept.
    """

    def __init__(self, selection: Selection) -> None:
        self._selection = selection
        self._bluezone = BluezoneAddresses()

    def keeps(self, observation: Observation) -> bool:
        """Say whether an observation is kept; it is taken into account for those that come."""
        if self._selection.bluezone_only:
            self._bluezone.hear(observation)
        return self._selection.keeps(observation, self._bluezone)


def _is_read_of_ours(read: GattRead) -> bool:
    return bool({read.service.lower(), read.characteristic.lower()} & BLUEZONE_UUIDS)


def _is_ours(asked: Asked) -> bool:
    start = _DATA_COMMANDS.get(asked.name)
    if start is None or not any(asked.octets[start:]):
        return True
    return any(marks(asked.octets[start:], None))


@lru_cache(maxsize=8192)
def marks(ad: bytes | None, pdu: PduType | None) -> tuple[bool, bool]:
    """Say whether AdvData are marked as Bluezone's, and whether an overflow field holds its bit, as others' may."""
    frame = frame_of(fold("", [Advert(0, 0, "", None, None, pdu, ad, None, None)]).sightings[0])
    return bool(frame.platform), frame.overflow
