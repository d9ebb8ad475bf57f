"""Whose address is it: learned as adverts and reads come, by the rules by which a capture's senders are told apart.

Theory of operation. An address is a device's if the device file names it, or if it showed an id, or gave one when it
was read, that the device's base ids explain, rightly or nearly so. From then on all that it sends is the device's. What
two devices explain alike is nobody's. When in doubt it is nobody's.

Memory is that of a day or two: addresses that were not heard for so long are forgotten, and the ids that are looked for
are those of the days around.

Source: the rules by which ``checks.devices_heard`` says whose a sender is.
"""

from __future__ import annotations

from collections.abc import Sequence

from bluezone_harness.checks.frames import frame_of_ad
from bluezone_harness.checks.known_ids import KnownIds
from bluezone_harness.evidence.device_files import Device
from bluezone_harness.observations import Advert, Event, GattRead, Observation
from bluezone_reference.key_schedule import DAY_MS, ID_OCTETS, day_start_ms
from bluezone_reference.profiles import Profile

_US = 1000
_REMEMBERED = 65_536
"""Ids of which it is remembered whose they are, so that each is looked for once."""
_FEWEST_OCTETS = 6
"""Of an id that is not whole, so many octets still tell whose it is."""
_ADDRESS_OCTETS = 6


class Owners:
    """Says whose an address is.

    Args:
        devices: Of the device file; none where there is no such file, and then all is nobody's.
        profile: Whose schedules they have.
    """

    def __init__(self, devices: Sequence[Device], profile: Profile) -> None:
        self._devices = tuple(devices)
        self._profile = profile
        self._named: dict[bytes, tuple[int]] = {}
        for number, each in enumerate(devices):
            if each.address:
                self._named.setdefault(bytes.fromhex(each.address.replace(":", "")), (number,))
        self._learned: dict[bytes, tuple[tuple[int, ...], int]] = {}
        self._day_ms: int | None = None
        self._known: list[KnownIds] = []
        self._explaining: dict[bytes, tuple[int, ...]] = {}

    def hear(self, observation: Observation) -> int | None:
        """Take an observation, and return whose it is.

        Args:
            observation: In the order of time, but for a clock that is set back.

        Returns:
            The index of the device; ``None``: nobody's, or it bears no address and no id.
        """
        return _only(self.hear_all(observation))

    def hear_all(self, observation: Observation) -> tuple[int, ...]:
        """Take an observation, and return all devices whose it may be: several where their base ids explain it alike.

        Args:
            observation: In the order of time, but for a clock that is set back.
        """
        if not self._devices or not isinstance(observation, Advert | GattRead | Event):
            return ()
        time_us = observation.time_us
        self.turn_day(time_us // _US)
        address = address_of(observation)
        found = self._whose(address)
        if len(found) != 1:
            found = self.explaining(id_of(observation) or b"") or found
        if found and address is not None:
            self._learned[address] = found, time_us
        return found

    def of(self, address: bytes | None) -> int | None:
        """Return the index of the device whose address it is known to be, or ``None``."""
        return _only(self._whose(address))

    def _whose(self, address: bytes | None) -> tuple[int, ...]:
        if address is None:
            return ()
        return self._named.get(address) or self._learned.get(address, ((), 0))[0]

    def explaining(self, octets: bytes) -> tuple[int, ...]:
        """Return the indices of the devices whose base ids explain an id, whole or in part, on the day that it is."""
        if len(octets) < _FEWEST_OCTETS:
            return ()
        found = self._explaining.get(octets)
        if found is None:
            if len(self._explaining) >= _REMEMBERED:
                self._explaining.clear()
            found = self._explaining[octets] = tuple(
                number
                for number, known in enumerate(self._known)
                if (known.explains if len(octets) == ID_OCTETS else known.explains_part)(octets)
            )
        return found

    def turn_day(self, time_ms: int) -> None:
        """Look for the ids of the days around an instant's, and forget who was not heard since the day before it."""
        day_ms = day_start_ms(time_ms)
        # what comes a little late, or by a clock that was set back, is of a day around
        if self._day_ms is not None and 0 <= self._day_ms - day_ms <= DAY_MS:
            return
        self._day_ms = day_ms
        self._known = [KnownIds(each, self._profile, (day_ms,)) for each in self._devices]
        self._explaining.clear()
        since_us = (day_ms - DAY_MS) * _US
        self._learned = {
            address: (found, heard_us)
            for address, (found, heard_us) in self._learned.items()
            if heard_us >= since_us
        }


def _only(found: tuple[int, ...]) -> int | None:
    return found[0] if len(found) == 1 else None


def id_of(observation: Advert | GattRead | Event) -> bytes | None:
    """Return the id that an advert shows or a read gave, or what stands in its place; ``None``: there is none."""
    if isinstance(observation, GattRead):
        return observation.value
    if not isinstance(observation, Advert) or not observation.ad:
        return None
    frame = frame_of_ad(observation.ad, observation.pdu)
    return frame.id_octets if frame.id_octets is not None else frame.part


def address_of(observation: Advert | GattRead | Event) -> bytes | None:
    """Return the address that something bears; ``None`` where it is none, such as a system's own number of a phone."""
    return (
        octets_of(observation.fields.get("address"))
        if isinstance(observation, Event)
        else observation.address
    )


def octets_of(address: object) -> bytes | None:
    """Return an address as octets; ``None`` for what is none."""
    try:
        octets = bytes.fromhex(str(address).replace(":", ""))
    except ValueError:
        return None
    return octets if len(octets) == _ADDRESS_OCTETS else None
