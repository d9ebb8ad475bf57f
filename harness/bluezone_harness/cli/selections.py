"""Which observations ``bzc convert`` keeps: by time, by address, or Bluezone's alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from bluezone_harness.checks.senders import frame_of
from bluezone_harness.observations import Advert, Asked, Extent, Gap, GattRead, Observation, PduType
from bluezone_harness.sightings import fold
from bluezone_harness.writing.pseudonyms import BLUEZONE_UUIDS

_DATA_COMMANDS = {
    "HCI_LE_Set_Advertising_Data": 1,
    "HCI_LE_Set_Scan_Response_Data": 1,
    "HCI_LE_Set_Extended_Advertising_Data": 4,
    "HCI_LE_Set_Extended_Scan_Response_Data": 4,
}
"""Commands that hold AdvData, and the octet where they begin. Source: Core Specification, Vol 4 Part E 7.8."""


@dataclass(frozen=True, slots=True)
class Selection:
    """What is kept; without arguments all of it.

    Attributes:
        from_us: Nothing before; microseconds since the Unix epoch.
        until_us: Nothing from here on.
        addresses: Of adverts and GATT reads only those of these addresses, and no commands; empty: of all.
        bluezone_only: Of adverts all of an address that is Bluezone's, and those that are marked so themselves; of
            commands none that hold other AdvData; of GATT reads those of Bluezone's service and of such addresses.
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

    def keeps(self, observation: Observation, bluezone: frozenset[bytes]) -> bool:
        """Say whether an observation is kept.

        Args:
            observation: Of a capture.
            bluezone: All addresses that are Bluezone's; they are asked for only with ``bluezone_only``.
        """
        until_us = observation.until_us if isinstance(observation, Gap) else observation.time_us
        if self.from_us is not None and until_us < self.from_us:
            return False
        if self.until_us is not None and observation.time_us >= self.until_us:
            return False
        match observation:
            case Advert():
                if self.addresses and observation.address not in self.addresses:
                    return False
                marked = observation.address in bluezone or any(marks(observation.ad, observation.pdu))
                return not self.bluezone_only or marked
            case GattRead():
                if self.addresses and observation.address not in self.addresses:
                    return False
                ours = {observation.service.lower(), observation.characteristic.lower()} & BLUEZONE_UUIDS
                return not self.bluezone_only or bool(ours) or observation.address in bluezone
            case Asked():
                return not self.addresses and (not self.bluezone_only or _is_ours(observation))
        return True


def bluezone_addresses(observations: Iterable[Observation]) -> frozenset[bytes]:
    """Return the addresses of adverts that are marked as Bluezone's: all that they send is a phone's that runs it."""
    return frozenset(
        each.address
        for each in observations
        if isinstance(each, Advert) and each.address is not None and marks(each.ad, each.pdu)[0]
    )


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
