"""Whom a capture is about: the device under test among the Bluezone senders that were heard.

Theory of operation. With a device file, a sender is a device's if it uses the address that the file names, or if its
ids, those that were read from it by GATT included, come from the device's base ids: the right ones, or ones that only
this base id explains (``known_ids``). Where a device is found, the other senders are strangers; they are counted and
never judged. But if all that was heard can be one phone's, each sender taking its turn, those of some duration are
the device's too, which then sends ids that it should not. Where no sender is found, a single Bluezone sender is the
device, and fails; of several nobody knows which, and nothing is judged.

Without a device file all senders are judged by what their own sightings show, as one subject; ``alone`` says whether
they can be one phone.

A capture of pseudonyms is nobody's whom a device file knows. Where everybody but the device under test has one, a
device is known by its own address and ids, and by nothing else: whoever has a pseudonym is not taken for it, not even
the only one that was heard. Where only some addresses were kept, nothing is concluded from who else was heard, or was
not.

Source: the rules of BZ-KEY-010 and BZ-ADV-004, which only the device under test can break.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import groupby

from bluezone_harness.checks.captures import Capture
from bluezone_harness.checks.gatt_sessions import read_values, reads_of
from bluezone_harness.checks.heard_slots import compare
from bluezone_harness.checks.kept_air import addresses_of, has_all_of_bluezone
from bluezone_harness.checks.known_ids import KnownIds, known_ids
from bluezone_harness.checks.senders import WINDOWS_TO_CLAIM, Sender, Senders, one_phone, senders
from bluezone_harness.checks.subjects import UNIDENTIFIED, Rules, Subject, subjects
from bluezone_harness.evidence.contact_log_model import ContactLogEvidence
from bluezone_harness.evidence.device_files import Device
from bluezone_harness.observations import Capability, Extent, extent_of, least
from bluezone_harness.sightings import Sighting, in_order
from bluezone_reference.key_schedule import day_start_ms


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
    heard = in_order(capture.folded.sightings for capture in captures)
    addresses = [_octets(device.address) for device in devices]
    read = read_values(captures)
    present = senders(heard, {each for each in addresses if each is not None}, read)
    unheard = _unheard(present, read)
    others_told = has_all_of_bluezone(captures, addresses_of(devices))
    alone = bool(present) and others_told and one_phone(present)

    def with_air(
        subject: Subject,
        its: Collection[Sender],
        read_addresses: Collection[bytes] = (),
        *,
        identified: bool,
    ) -> Subject:
        sightings = present.sightings if its is present else _in_order(its)
        whole = replace(
            subject,
            identified=identified,
            captures=tuple(captures),
            sightings=sightings,
            strangers=len(present) - len(its),
            window=_window(captures),
            alone=alone,
            read_addresses=frozenset(read_addresses),
        )
        return replace(whole, clock_offset_ms=_offset_ms(whole, rules))

    if not devices:
        return (with_air(found[0], present, unheard, identified=True),)
    true_ids = least(extent_of(each.capabilities, Capability.TRUE_IDS) for each in captures)
    if true_ids is Extent.NO:
        return (*found[: len(devices)], with_air(_rest(found, devices), (), identified=False))
    days_ms = _days_ms(present, captures if read else ())
    known = [known_ids(device, rules.profile, days_ms) for device in devices]
    owned = _owned(present, known, addresses)
    read_at = _read_at(unheard, known, addresses)
    if len(devices) == 1:
        all_told = others_told and true_ids is Extent.YES
        its = _of_only_device(present, owned[0], devices[0], alone=alone) if all_told else owned[0]
        if all_told and not its and not present and len(unheard) == 1:
            read_at = [list(unheard)]
        known_as = bool(its or read_at[0]) or not (present or unheard)
        return (with_air(found[0], its, read_at[0], identified=known_as),)
    for index, its in enumerate(owned):
        if its or read_at[index]:
            found[index] = with_air(found[index], its, read_at[index], identified=True)
    if not any(owned) and not any(read_at):
        found = [*found[: len(devices)], with_air(_rest(found, devices), (), identified=False)]
    return tuple(found)


def _rest(found: Sequence[Subject], devices: Sequence[Device]) -> Subject:
    """Return the owner of what is no device's, as far as logs say."""
    return found[-1] if len(found) > len(devices) else Subject(UNIDENTIFIED, None, (), identified=False)


def _owned(
    present: Senders, known: Sequence[KnownIds], addresses: Sequence[bytes | None]
) -> list[list[Sender]]:
    """Return the senders of each device: by its address, else by its ids; what two explain equally is nobody's."""
    owned: list[list[Sender]] = [[] for _ in known]
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


def _unheard(present: Senders, read: Mapping[bytes, Collection[bytes]]) -> Mapping[bytes, Collection[bytes]]:
    """Return what was read at addresses from which no advert of a sender was heard."""
    if not read:
        return {}
    sent = {each.address for each in present.sightings}
    return {address: values for address, values in read.items() if address not in sent}


def _read_at(
    unheard: Mapping[bytes, Collection[bytes]],
    known: Sequence[KnownIds],
    addresses: Sequence[bytes | None],
) -> list[list[bytes]]:
    """Return at which addresses each device was read, though none of their adverts was heard: as ``_owned``."""
    read_at: list[list[bytes]] = [[] for _ in known]
    for address, values in unheard.items():
        explained = [sum(map(each.explains, values)) for each in known]
        most = max(explained)
        if address in addresses:
            read_at[addresses.index(address)].append(address)
        elif most and explained.count(most) == 1:
            read_at[explained.index(most)].append(address)
    return read_at


def _days_ms(present: Senders, captures: Sequence[Capture]) -> set[int]:
    """Return midnights of the days on which anything was heard of senders, or read."""
    read = (each.time_us for capture in captures for each in capture.folded.reads)
    return {day_start_ms(each // 1000) for each in read} | {
        day_start_ms(each.first_us // 1000) for each in present.sightings
    }


def _of_only_device(
    present: Senders, owned: list[Sender], device: Device, *, alone: bool
) -> Collection[Sender]:
    """Return the senders of the only device of a file; ``alone``: all present can be one phone."""
    fitting = (each for each in present if not device.platform or each.platform in (device.platform, ""))
    if not owned:
        # of very many that cannot be one phone, none but the first few are looked at
        turns: list[Sender] = []
        for each in fitting:
            if not one_phone([*turns[-1:], each]):
                return []
            turns.append(each)
        return turns
    if not alone or sum(1 for _ in fitting) < len(present):
        return owned
    places = {each.place for each in owned}
    lasting = all(
        sum(len(each.windows) for each in run) >= WINDOWS_TO_CLAIM
        for is_owned, run in groupby(present, key=lambda each: each.place in places)
        if not is_owned
    )
    return present if lasting else owned


def _offset_ms(subject: Subject, rules: Rules) -> int | None:
    if subject.device is None:
        return None
    reads = reads_of(subject)
    return compare(subject.device, subject.sightings, subject.captures, rules, reads).offset_ms


def _window(captures: Iterable[Capture]) -> tuple[int, int] | None:
    firsts = [each.folded.first_us for each in captures if each.folded.first_us is not None]
    lasts = [each.folded.last_us for each in captures if each.folded.last_us is not None]
    return (min(firsts), max(lasts)) if firsts and lasts else None


def _in_order(its: Iterable[Sender]) -> Sequence[Sighting]:
    return in_order([[sighting for sender in its for sighting in sender.sightings]])


def _octets(address: str) -> bytes | None:
    return bytes.fromhex(address.replace(":", "")) if address else None
