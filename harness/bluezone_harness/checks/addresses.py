"""Addresses on the air: BZ-PRV-001, -002, -003 and -009.

Judged are addresses that were on the air. Where a controller resolved one and reports an identity instead, or a
source tells none, nothing is known of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from bluezone_harness.checks.heard import HeardId, by_id, ids_of, on_air
from bluezone_harness.checks.heard_text import address_text, id_text, length_text, of_heard, of_sighting
from bluezone_harness.checks.links import AtOnce, Chain, at_once, longest_chain
from bluezone_harness.checks.registry import check
from bluezone_harness.checks.rows import count_text, of_text
from bluezone_harness.checks.schedules import Slots
from bluezone_harness.checks.spans import US, change_seen, least_length_us, longest_slot_ms, sure_until_us
from bluezone_harness.checks.subjects import Rules, Subject
from bluezone_harness.checks.system_scans import or_fields
from bluezone_harness.checks.undecided import of_one_phone, several_phones, undecided, without_ids
from bluezone_harness.findings import (
    Ground,
    Judgement,
    Reason,
    failed,
    ground,
    inconclusive,
    not_observable,
    passed,
)
from bluezone_harness.observations import AddressType, Capability, instant_text
from bluezone_harness.sightings import Sighting

_PRIVATE = (AddressType.RESOLVABLE, AddressType.NON_RESOLVABLE)
_NO_ADDRESS = "the capture tells no address that was on the air"
_UNRESOLVED = "addresses that a controller resolved are not those that were on the air"


# --- address and id ---


@check("BZ-PRV-001", needs=or_fields(Capability.ADDRESS))
def an_address_has_one_id(subject: Subject, rules: Rules) -> Judgement:
    """Judge whether an address was heard with two ids, and state the longest linkable time.

    An on-window that lasts into the next slot keeps its id, so that it is one id too. A pass takes a rotation
    that was seen: one id that gives way to another within a slot.
    """
    doubt = undecided(subject)
    if doubt is not None:
        return doubt
    heard = ids_of(subject, rules)
    chain = longest_chain(heard)
    if chain is None:
        return without_ids(subject)
    known = [each for each in heard if on_air(each.address, each.address_type)]
    if not known:
        return not_observable(Reason.CAPABILITY_MISSING, f"{_NO_ADDRESS}; {_UNRESOLVED}")
    ids: dict[bytes, dict[bytes, HeardId]] = {}
    for each in known:
        ids.setdefault(each.address or b"", {}).setdefault(each.octets, each)
    linkable = f"longest linkable time {chain.text}"
    wrong = {address: list(found.values()) for address, found in ids.items() if len(found) > 1}
    if wrong:
        summary = f"{of_text(len(wrong), len(ids), 'address')} with two rolling ids or more"
        return failed(
            len(ids), len(wrong), f"{summary}; {linkable}", [_two_ids_ground(summary, wrong, chain)]
        )
    if not of_one_phone(subject):
        return several_phones(f"no address of {len(ids)} with two rolling ids, {linkable}")
    within_us = longest_slot_ms(Slots(subject.device, rules.profile), heard) * US
    if not change_seen(heard, lambda each: each.octets, within_us):
        summary = f"no rotation was seen: no id gave way to another within {length_text(within_us)}"
        return inconclusive(Reason.NO_ROTATION, f"{summary}; {linkable}", judged=len(ids))
    return passed(len(ids), f"{of_text(len(ids), len(ids), 'address')} with one rolling id; {linkable}")


def _two_ids_ground(summary: str, wrong: dict[bytes, list[HeardId]], chain: Chain) -> Ground:
    address, found = next(iter(wrong.items()))
    ids = " and ".join(
        f"{id_text(each.octets, each.static)} at {instant_text(each.first_us // US)}" for each in found[:2]
    )
    seen = f"{address_text(address)} with {ids}; linkable for {chain.text}"
    return ground(
        summary,
        "each address with one rolling id",
        seen,
        [of_heard(each) for several in wrong.values() for each in several],
    )


# --- the kind of address ---


@check("BZ-PRV-002", needs=or_fields(Capability.ADDRESS, Capability.ADDRESS_TYPE))
def addresses_are_private(subject: Subject, rules: Rules) -> Judgement:
    """Judge the type of each address: resolvable and non-resolvable ones are private, and no others."""
    doubt = undecided(subject)
    if doubt is not None:
        return doubt
    groups: dict[tuple[bytes, AddressType], Sighting] = {}
    hidden: set[tuple[bytes | None, AddressType | None]] = set()
    for each in subject.sightings:
        if each.address is None or each.address_type is None or not on_air(each.address, each.address_type):
            hidden.add((each.address, each.address_type))
        else:
            groups.setdefault((each.address, each.address_type), each)
    if not groups:
        return not_observable(Reason.CAPABILITY_MISSING, f"{_NO_ADDRESS} with its type; {_UNRESOLVED}")
    wrong: dict[AddressType, list[Sighting]] = {}
    for (_, kind), each in groups.items():
        if kind not in _PRIVATE:
            wrong.setdefault(kind, []).append(each)
    judged = len(groups)
    rest = f"; {count_text(len(hidden), 'address')} not judged: {_UNRESOLVED}" if hidden else ""
    if wrong:
        count = sum(map(len, wrong.values()))
        summary = f"{of_text(count, judged, 'address')} not private{rest}"
        grounds = [
            ground(
                f"{of_text(len(found), judged, 'address')} {kind.value}",
                "a resolvable or non-resolvable private address",
                f"{address_text(found[0].address)}, {kind.value}",
                [of_sighting(each) for each in found],
            )
            for kind, found in sorted(wrong.items())
        ]
        return failed(judged, count, summary, grounds)
    return passed(judged, f"{of_text(judged, judged, 'address')} private{rest}")


# --- how long an address lives ---


@check("BZ-PRV-003", needs=or_fields(Capability.ADDRESS))
def no_address_lives_too_long(subject: Subject, rules: Rules) -> Judgement:
    """Judge the time from the first to the last advert of each address.

    An address that was read from by GATT had a connection, which may hold it, and is not judged. A pass takes more of
    the phone than an address may live, and one address that was seen to give way to another.
    """
    doubt = undecided(subject)
    if doubt is not None:
        return doubt
    limit_us = rules.tolerances["address_life"] * US
    known = [each for each in subject.sightings if on_air(each.address, each.address_type)]
    if not known:
        return not_observable(Reason.CAPABILITY_MISSING, f"{_NO_ADDRESS}; {_UNRESOLVED}")
    connected = {read.address for capture in subject.captures for read in capture.folded.reads}
    groups: dict[bytes, list[Sighting]] = {}
    for each in known:
        if each.address is not None and each.address not in connected:
            groups.setdefault(each.address, []).append(each)
    if not groups:
        return inconclusive(Reason.EVIDENCE_MISSING, "each address had a connection, which may hold it")
    late = subject.fields_from
    lives_us = {address: least_length_us(found, rules, late) for address, found in groups.items()}
    long = [address for address in sorted(groups) if lives_us[address] > limit_us]
    if long:
        worst = max(long, key=lives_us.__getitem__)
        summary = f"{of_text(len(long), len(groups), 'address')} for longer than {length_text(limit_us)}"
        found = ground(
            summary,
            f"an address for {length_text(limit_us)} at most",
            f"{address_text(worst)} for {length_text(lives_us[worst])}",
            [of_sighting(end) for address in long for end in _ends(groups[address])],
        )
        return failed(len(groups), len(long), summary, [found])
    longest = f"the longest for {length_text(max(lives_us.values()))}"
    counted = f"{of_text(len(groups), len(groups), 'address')} for no longer than {length_text(limit_us)}"
    if not of_one_phone(subject):
        return several_phones(f"{counted}, {longest}")
    if least_length_us(known, rules, late) <= limit_us:
        summary = f"the phone was heard for {length_text(least_length_us(known, rules, late))}"
        return inconclusive(
            Reason.TOO_SHORT, f"{summary}, which is no more than {length_text(limit_us)}", judged=len(groups)
        )
    if not change_seen(known, lambda each: each.address, limit_us):
        summary = f"no address was seen to give way to another within {length_text(limit_us)}"
        return inconclusive(Reason.NO_ROTATION, summary, judged=len(groups))
    return passed(len(groups), f"{counted}, {longest}")


def _ends(sightings: Iterable[Sighting]) -> tuple[Sighting, Sighting]:
    found = list(sightings)
    return min(found, key=lambda each: each.first_us), max(found, key=lambda each: each.last_us)


# --- one id in one place ---


@check("BZ-PRV-009", needs=or_fields(Capability.ADDRESS))
def an_id_is_in_one_place(subject: Subject, rules: Rules) -> Judgement:
    """Judge whether on-windows of one id and different addresses overlap.

    Two receivers that hear one address hear one phone. What two receivers heard of different addresses counts
    only if it overlaps however their clocks differ, within the tolerance. Where the receivers stood is not known.
    """
    doubt = undecided(subject)
    if doubt is not None:
        return doubt
    heard = ids_of(subject, rules)
    if not heard:
        return without_ids(subject)
    known = [each for each in heard if on_air(each.address, each.address_type)]
    if not known:
        return not_observable(Reason.CAPABILITY_MISSING, f"{_NO_ADDRESS}; {_UNRESOLVED}")
    ids = by_id(known)
    late = subject.fields_from
    pairs = at_once([replace(each, last_us=sure_until_us(each, late)) for each in known], rules)
    if pairs:
        wrong = {pair.one.octets for pair in pairs}
        summary = f"{of_text(len(wrong), len(ids), 'id')} heard from two addresses at once"
        found = ground(
            f"{summary}: a relay, or an advertising set that was never stopped (F-27)",
            "each id from one address at a time",
            _at_once_text(pairs[0]),
            [of_heard(each) for pair in pairs for each in (pair.one, pair.other)],
        )
        return failed(len(ids), len(wrong), summary, [found])
    if len(known) < 2:
        return inconclusive(Reason.TOO_FEW_PACKETS, "a single on-window was heard", judged=len(ids))
    summary = (
        f"{of_text(len(ids), len(ids), 'id')} heard from one address at a time, in {len(known)} on-windows"
    )
    return passed(len(ids), f"{summary}; a relay that is silent while the phone sends cannot be told")


def _at_once_text(pair: AtOnce) -> str:
    one, other = pair.one, pair.other
    if pair.length_us is None:
        how = f"by receivers {one.receiver or one.source} and {other.receiver or other.source}, whatever their clocks"
    else:
        how = f"for {length_text(pair.length_us)}"
    return (
        f"{id_text(one.octets, one.static)} from {address_text(one.address)} and {address_text(other.address)} "
        f"at {instant_text(other.first_us // US)}, {how}"
    )
