"""Bystanders: whoever is heard beside the devices under test is recorded by pseudonyms.

Theory of operation. What is heard is a device's if its address is: the one that the device file names, or one that has
shown an id which the device's base ids explain, rightly or nearly so, on the air or when it was read. From then on all
that this address sends stays as it is, scan responses and GATT sessions included. All else is a bystander's and gets
pseudonyms (``writing.pseudonyms``), the same in all the recording. When in doubt somebody is a bystander: a device that
sends what nothing explains cannot be told from one, unless the device file names its address.

Nothing is looked at twice or kept back. What an address sent before it showed an id stands under its pseudonym, unless
``learn`` was told ahead of what came later. Receivers keep their names: they are those of whoever records.

Source: ``owners``, which tells whose an address is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from bluezone_harness.evidence.device_files import Device
from bluezone_harness.observations import (
    AddressType,
    Advert,
    Asked,
    Event,
    Extent,
    Gap,
    GattRead,
    Observation,
)
from bluezone_harness.sources.gatt_lines import PROPERTIES, STEPS
from bluezone_harness.writing.pseudonyms import Pseudonyms
from bluezone_harness.writing.recordings import SESSION_KINDS
from bluezone_reference.key_schedule import ID_OCTETS
from bluezone_reference.profiles import Profile

from .owners import Owners, address_of, octets_of

NOT_TOLD = "not told of a bystander"
"""What stands for text that may name somebody."""

_OWN_NOTES = frozenset({"clock_set", "confirm", "consent", "max_set"})
"""Events that say nothing of anybody but the device; a push or an upload holds others' ids."""
_KINDS_AND_STEPS = frozenset((*AddressType, *STEPS))
"""Values that name nobody."""


def true_ids(devices: Sequence[Device]) -> Extent:
    """Return how far a recording with pseudonyms of bystanders has ``Capability.TRUE_IDS``.

    Args:
        devices: Of the device file; none where there is no such file.
    """
    return Extent.PARTIAL if devices else Extent.NO


class Bystanders:
    """Gives pseudonyms to all that no device under test sent.

    Args:
        pseudonyms: By the key of the recording.
        devices: Under test; none where there is no device file, and then all are bystanders.
        profile: Whose arithmetic the devices use.
    """

    def __init__(self, pseudonyms: Pseudonyms, devices: Sequence[Device], profile: Profile) -> None:
        self._pseudonyms = pseudonyms
        self._owners = Owners(devices, profile)
        self._hosts: set[str] = set()

    def of(self, observation: Observation) -> Observation | None:
        """Return an observation as it may be recorded: as it is if it is of a device, else with pseudonyms.

        Args:
            observation: In the order of time.

        Returns:
            ``None`` where nothing is known of what a command holds.
        """
        if self.learn(observation):
            return observation
        match observation:
            case Advert():
                address, ad = observation.address, observation.ad
                return Advert(
                    observation.number,
                    observation.time_us,
                    observation.receiver,
                    None if address is None else self._pseudonyms.address(address),
                    observation.address_type,
                    observation.pdu,
                    None if ad is None else self._pseudonyms.ad(ad),
                    observation.rssi,
                    observation.channel,
                )
            case Event():
                session = observation.name in SESSION_KINDS
                return replace(observation, fields=self._session(observation.fields) if session else {})
            case _:
                private = self._pseudonyms.of(observation)
                if isinstance(private, GattRead | Asked) and isinstance(observation, GattRead | Asked):
                    return replace(private, receiver=observation.receiver)
                return private

    def learn(self, observation: Observation) -> bool:
        """Tell whether an observation is of a device; then its address is the device's from then on.

        Whoever has the whole of a GATT session before it is recorded tells it here first, so that what came before the
        read that shows whose it is stays as it is, too.

        Args:
            observation: In the order of time.
        """
        if isinstance(observation, Gap):
            return True
        if isinstance(observation, Asked):
            self._owners.turn_day(observation.time_us // 1000)
            return self._is_own_host(observation)
        if self._owners.hear_all(observation):
            return True
        # who is no phone that was heard may still be the device itself
        is_note = isinstance(observation, Event) and observation.name in _OWN_NOTES
        return is_note and address_of(observation) is None

    def _is_own_host(self, asked: Asked) -> bool:
        """Tell whether a command is of a device's own host: one that has asked for an id of its to be sent."""
        octets = asked.octets
        ends = range(ID_OCTETS, len(octets) + 1)
        if asked.receiver not in self._hosts and any(
            self._owners.explaining(octets[end - ID_OCTETS : end]) for end in ends
        ):
            self._hosts.add(asked.receiver)
        return asked.receiver in self._hosts

    def _session(self, fields: Mapping[str, object]) -> dict[str, object]:
        """Return of an event of a GATT session what is known to name nobody, in the same form."""
        found: dict[str, object] = {}
        for name, value in fields.items():
            match name, value:
                case "receiver", str():
                    found[name] = value
                case "address", str():
                    address = octets_of(value)
                    if address is not None:
                        found[name] = self._pseudonyms.address(address).hex(":").upper()
                case (("service" | "characteristic"), str()):
                    found[name] = self._pseudonyms.uuid(value)
                case "services", _:
                    found[name] = [self._service(each) for each in _list(value) if isinstance(each, Mapping)]
                case "att_error", int():
                    found[name] = value
                case (("address_type" | "step"), str()) if value in _KINDS_AND_STEPS:
                    found[name] = value
                case "reason", _:
                    found[name] = NOT_TOLD
        return found

    def _service(self, service: Mapping[str, object]) -> dict[str, object]:
        return {
            "uuid": self._pseudonyms.uuid(str(service.get("uuid", ""))),
            "characteristics": [
                {
                    "uuid": self._pseudonyms.uuid(str(each.get("uuid", ""))),
                    "properties": [word for word in _list(each.get("properties")) if word in PROPERTIES],
                }
                for each in _list(service.get("characteristics"))
                if isinstance(each, Mapping)
            ],
        }


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
