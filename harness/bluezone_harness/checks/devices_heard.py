"""Whom a capture is about: the device under test among the Bluezone senders that were heard.

Theory of operation. With a device file, a sender is a device's if it uses the address that the file names, or if its
ids come from the device's base ids: the right ones, or ones that only this base id explains (``known_ids``). Where a
device is found, the other senders are strangers; they are counted and never judged. But if all that was heard can be
one phone's, each sender taking its turn, those of some duration are the device's too, which then sends ids that it
should not. Where no sender is found, a single Bluezone sender is the device, and fails; of several nobody knows which,
and nothing is judged.

Without a device file all senders are judged by what their own sightings show, as one subject; ``alone`` says whether
they can be one phone.

Source: the rules of BZ-KEY-010 and BZ-ADV-004, which only the device under test can break.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from itertools import groupby

from bluezone_harness.checks.captures import Capture
from bluezone_harness.checks.heard_slots import compare
from bluezone_harness.checks.known_ids import known_ids
from bluezone_harness.checks.senders import WINDOWS_TO_CLAIM, Sender, one_phone, senders
from bluezone_harness.checks.subjects import UNIDENTIFIED, Rules, Subject, subjects
from bluezone_harness.evidence.contact_logs import ContactLogEvidence
from bluezone_harness.evidence.device_files import Device
from bluezone_harness.sightings import Sighting


def all_subjects(
    logs: Sequence[ContactLogEvidence],
    captures: Sequence[Capture],
    devices: Sequence[Device],
    rules: Rules,
) -> tuple[Subject, ...]:
    """Say whose all the evidence is.

    Args:
        logs: Contact logs.
        captures: Captures and recordings.
        devices: Of the device file; none where there is no such file.
        rules: By which they will be judged.

    Returns:
        Each device in the order of the file; then, if there is any, the owner of the rest.
    """
    found = list(subjects(logs, devices, rules.profile))
    if not captures:
        return tuple(found)
    heard = [each for capture in captures for each in capture.folded.sightings]
    addresses = [_octets(device.address) for device in devices]
    present = senders(heard, {each for each in addresses if each is not None})
    alone = bool(present) and one_phone(present)

    def with_air(subject: Subject, its: Collection[Sender], *, identified: bool) -> Subject:
        sightings = _in_order(each for sender in its for each in sender.sightings)
        return replace(
            subject,
            identified=identified,
            captures=tuple(captures),
            sightings=sightings,
            strangers=len(present) - len(its),
            clock_offset_ms=_offset_ms(subject.device, sightings, captures, rules),
            window=_window(captures),
            alone=alone,
        )

    if not devices:
        return (with_air(found[0], present, identified=True),)
    owned = _owned(present, devices, addresses, rules)
    if len(devices) == 1:
        its = _of_only_device(present, owned[0], devices[0])
        return (with_air(found[0], its, identified=bool(its) or not present),)
    for index, its in enumerate(owned):
        if its:
            found[index] = with_air(found[index], its, identified=True)
    if not any(owned):
        rest = found.pop() if len(found) > len(devices) else Subject(UNIDENTIFIED, None, (), identified=False)
        found.append(with_air(rest, (), identified=False))
    return tuple(found)


def _owned(
    present: Sequence[Sender],
    devices: Sequence[Device],
    addresses: Sequence[bytes | None],
    rules: Rules,
) -> list[list[Sender]]:
    """Return the senders of each device: by its address, else by its ids; what two explain equally is nobody's."""
    times_ms = {sighting.first_us // 1000 for each in present for sighting in each.sightings}
    known = [known_ids(device, rules.profile, times_ms) for device in devices]
    owned: list[list[Sender]] = [[] for _ in devices]
    for sender in present:
        by_address = [index for index, address in enumerate(addresses) if address in sender.addresses]
        explained = [
            sum(map(each.explains, sender.ids)) + sum(map(each.explains_part, sender.parts)) for each in known
        ]
        most = max(explained)
        if by_address:
            owned[by_address[0]].append(sender)
        elif most and explained.count(most) == 1:
            owned[explained.index(most)].append(sender)
    return owned


def _of_only_device(present: Sequence[Sender], owned: list[Sender], device: Device) -> list[Sender]:
    """Return the senders of the only device of a file."""
    fitting = [each for each in present if not device.platform or each.platform in (device.platform, "")]
    if not owned:
        return fitting if one_phone(fitting) else []
    runs = groupby(sorted(present, key=lambda each: each.first_us), key=lambda each: each in owned)
    lasting = all(
        sum(len(each.windows) for each in run) >= WINDOWS_TO_CLAIM for is_owned, run in runs if not is_owned
    )
    return list(present) if lasting and len(fitting) == len(present) and one_phone(present) else owned


def _offset_ms(
    device: Device | None, sightings: Sequence[Sighting], captures: Sequence[Capture], rules: Rules
) -> int | None:
    if device is None:
        return None
    return compare(device, sightings, captures, rules).offset_ms


def _window(captures: Iterable[Capture]) -> tuple[int, int] | None:
    firsts = [each.folded.first_us for each in captures if each.folded.first_us is not None]
    lasts = [each.folded.last_us for each in captures if each.folded.last_us is not None]
    return (min(firsts), max(lasts)) if firsts and lasts else None


def _in_order(sightings: Iterable[Sighting]) -> tuple[Sighting, ...]:
    return tuple(sorted(sightings, key=lambda each: (each.first_us, each.first_number, each.source)))


def _octets(address: str) -> bytes | None:
    return bytes.fromhex(address.replace(":", "")) if address else None
