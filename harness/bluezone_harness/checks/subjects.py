"""What is judged and by what: a device with its evidence, a profile with the tolerances.

Theory of operation. A run judges subjects. With a device file each device is one; a contact log belongs to
the only device there is, or to the one of several whose schedule explains more of its own ids than any
other's does. A log that none of several explains, or two explain equally well, belongs to no device: what
needs a base id is then inconclusive, never a pass. Without a device file all evidence is taken to come from
one phone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bluezone_harness.checks.broadcasts import Broadcast
from bluezone_harness.checks.captures import Capture
from bluezone_harness.checks.schedules import schedule_of
from bluezone_harness.evidence.contact_log_model import ContactLogEvidence
from bluezone_harness.evidence.device_files import Device
from bluezone_harness.observations import (
    UNLESS_DENIED,
    Capability,
    Extent,
    extent_of,
    least,
    shown_by,
    tells_fields,
)
from bluezone_harness.sightings import Sighting
from bluezone_reference.profiles import Profile

UNNAMED = "phone"
"""What reports call a device of which no device file speaks."""
UNIDENTIFIED = "not identified"
"""What reports call the owner of evidence that belongs to none of several devices."""


@dataclass(frozen=True, slots=True, eq=False)
class Rules:
    """By what a subject is judged.

    Attributes:
        profile: Whose behaviour is right.
        tolerances: The specification's, by name; each in its own unit.
    """

    profile: Profile
    tolerances: Mapping[str, int]


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """A device under test and its evidence.

    Attributes:
        label: What reports call it.
        device: What the device file says of it; ``None`` where there is none, or where it is not identified.
        logs: Its contact logs, of any kind.
        identified: ``False``: there is a device file, and whose the evidence is it does not tell.
        captures: All captures, where they are evidence of this device.
        sightings: What was heard of it, in the order in which it began; without a device file, of all senders.
        strangers: How many other Bluezone senders were heard; a sender whose id and address changed together
            counts again.
        clock_offset_ms: By how much its clock is ahead of the receivers'; ``None`` where nothing tells.
        window: The first and the last instant of the captures, in microseconds; ``None`` where they are empty.
        alone: All that was heard of Bluezone can be one phone's.
        read_addresses: At which it was read by GATT, though no advert from them was heard.
        broadcast: What was sent towards it while its contact logs were made; ``None`` where nothing tells.
    """

    label: str
    device: Device | None
    logs: tuple[ContactLogEvidence, ...]
    identified: bool = True
    captures: tuple[Capture, ...] = ()
    sightings: Sequence[Sighting] = ()
    strangers: int = 0
    clock_offset_ms: int | None = None
    window: tuple[int, int] | None = None
    alone: bool = False
    read_addresses: frozenset[bytes] = frozenset()
    broadcast: Broadcast | None = None

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What its evidence can show, wholly or in part."""
        evidence: tuple[ContactLogEvidence | Capture, ...] = (*self.logs, *self.captures)
        shown = {capability for each in evidence for capability in shown_by(each.capabilities)}
        if self.device is not None:
            shown.add(Capability.BASE_ID)
        if self.broadcast is not None:
            shown.add(Capability.SENT)
        # what one capture lacks of these, nobody knows of the others beside it
        shown.update(each for each in UNLESS_DENIED if self.captures)
        denied = {each for each in UNLESS_DENIED if self.extent(each) is not Extent.YES}
        if self.has_pseudonyms_of_others and (self.device is not None or not self.identified):
            denied -= {Capability.TRUE_IDS}  # of the device under test ids are true; all else is nobody's
        return frozenset(shown - denied)

    @property
    def fields_from(self) -> frozenset[str]:
        """Names of its captures whose AdvData an operating system told: the times are a little late, too."""
        return frozenset(each.name for each in self.captures if tells_fields(each.capabilities))

    @property
    def has_pseudonyms_of_others(self) -> bool:
        """Ids, addresses and names are true of the device under test, and pseudonyms of everybody else."""
        return self.extent(Capability.TRUE_IDS) is Extent.PARTIAL

    def extent(self, capability: Capability) -> Extent:
        """Return how far all its captures have a capability."""
        return least(extent_of(each.capabilities, capability) for each in self.captures)

    @property
    def record_logs(self) -> tuple[ContactLogEvidence, ...]:
        """Its contact logs that hold records."""
        return tuple(log for log in self.logs if Capability.RECORDS in log.capabilities)


def subjects(
    logs: Sequence[ContactLogEvidence], devices: Sequence[Device], profile: Profile
) -> tuple[Subject, ...]:
    """Say whose each contact log is.

    Args:
        logs: All there are.
        devices: Of the device file; none where there is no such file.
        profile: Whose schedules the devices have.

    Returns:
        Each device in the order of the file, with its logs; then, if there is any, the owner of the rest.
    """
    if not devices:
        return (Subject(UNNAMED, None, tuple(logs)),)
    owners = [_owner(log, devices, profile) for log in logs]
    found = [
        Subject(
            device.name, device, tuple(log for log, owner in zip(logs, owners, strict=True) if owner == index)
        )
        for index, device in enumerate(devices)
    ]
    rest = tuple(log for log, owner in zip(logs, owners, strict=True) if owner is None)
    if rest:
        found.append(Subject(UNIDENTIFIED, None, rest, identified=False))
    return tuple(found)


def _owner(log: ContactLogEvidence, devices: Sequence[Device], profile: Profile) -> int | None:
    """Return the index of the device that a log belongs to, or ``None``."""
    if len(devices) == 1:
        return 0
    explained = [_explained(log, device, profile) for device in devices]
    most = max(explained)
    return explained.index(most) if explained.count(most) == 1 else None


def _explained(log: ContactLogEvidence, device: Device, profile: Profile) -> int:
    """Return how many rows of a log bear an own id of a device's schedule, wherever in it."""
    schedule = schedule_of(device, profile)
    if schedule.unusable:
        return 0
    places = schedule.places(row.record.time_ms for row in log.rows)
    return sum(row.record.own_id in places for row in log.rows)
