"""What re-links a phone across a rotation: BZ-PRV-006, a first measure by payload and advertising interval.

Theory of operation. An observer hears several phones and joins the ids of a slot to those of the next by what stays
the same: what is sent beside the id, and the advertising interval. Of the ids of the next slot he takes those that
are alike, and guesses among them. Where a device file says which ids are the device's, his guesses are scored, and
the score is held against that of guessing among all. A phone that does what most do is not blamed for another that
can be told. Without one nobody knows which guess is right; then only a
payload counts that one id alone bears in both slots. The interval of an id is the shortest time between two adverts,
which losses do not change. How strongly a phone is heard is not measured yet, so that nothing passes.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

from bluezone_harness.checks.extras import Extra, extras, own_frames
from bluezone_harness.checks.frames import frame_of
from bluezone_harness.checks.heard import heard_ids, local_names
from bluezone_harness.checks.heard_text import of_sighting
from bluezone_harness.checks.registry import check
from bluezone_harness.checks.rows import count_text, of_text
from bluezone_harness.checks.schedules import Slots
from bluezone_harness.checks.spans import US
from bluezone_harness.checks.subjects import Rules, Subject
from bluezone_harness.checks.undecided import of_one_phone, undecided
from bluezone_harness.findings import Judgement, Reason, failed, ground, inconclusive
from bluezone_harness.observations import Capability
from bluezone_harness.sightings import Sighting, in_order
from bluezone_harness.sightings.octet_strings import OctetStrings
from bluezone_reference.advertisement import AndroidAdvertisement

_NO_INTERVAL = 1 << 62
_LEAST_INTERVAL_US = 20_000
"""What is less is one advert on two channels. Source: Core Specification, Vol 6 Part B 4.4.2.2."""
_SAME_PERCENT = 10
"""By how much two intervals may differ and still be alike; phones add up to 10 ms to each at random."""
_CERTAIN = 2.33
"""Standard deviations above chance from which on the observer does better: one time in a hundred by luck."""

_Payload = frozenset[Extra]
"""What is sent beside an id."""


@dataclass(frozen=True, slots=True)
class _Sent:
    """An id of a slot: what was sent beside it, how often adverts came, and where it was heard first."""

    octets: bytes
    payload: _Payload
    interval_us: int | None
    count: int
    where: Sighting

    def has_interval_of(self, other: _Sent) -> bool:
        """Tell whether two ids were sent at one interval, as far as anybody can tell."""
        if self.interval_us is None or other.interval_us is None:
            return True
        shorter, longer = sorted((self.interval_us, other.interval_us))
        return longer * 100 <= shorter * (100 + _SAME_PERCENT)


class _InSlots:
    """The ids of each slot, which is the one in the middle of the time in which an id was heard.

    There can be a million, so that what is kept of each are numbers; what was sent is put together slot by slot.

    Args:
        ours: Own frames, in order of time.
        slots: By which slots are told.
    """

    def __init__(self, ours: Sequence[Sighting], slots: Slots) -> None:
        self._ours = ours
        self._ids, self._addresses = OctetStrings(), OctetStrings()
        # of each id: when it was heard, how often, its first address; of few, the others
        self._first_us, self._last_us, self._counts = array("q"), array("q"), array("q")
        self._firsts = array("I")
        self._others: dict[int, set[int]] = {}
        # of each address: where it was heard first, its shortest interval; of few, what was sent beside ids
        self._places, self._intervals_us = array("I"), array("q")
        self._beside: dict[int, set[Extra]] = {}
        for place, each in enumerate(ours):
            self._add(place, each)
        self._numbers: dict[int, array[int]] = {}
        if self._ids:
            slot_us = slots.longest_ms(min(self._first_us) // US, max(self._last_us) // US) * US
            for number, (first_us, last_us) in enumerate(zip(self._first_us, self._last_us, strict=True)):
                slot = (first_us + last_us) // 2 // slot_us
                self._numbers.setdefault(slot, array("I")).append(number)

    def __iter__(self) -> Iterator[int]:
        """Yield slots in which ids were heard, going up."""
        return iter(sorted(self._numbers))

    def size(self, slot: int) -> int:
        """Return how many ids a slot has."""
        return len(self._numbers.get(slot, ()))

    def __getitem__(self, slot: int) -> list[_Sent]:
        return [self._sent(each) for each in self._numbers.get(slot, ())]

    def _add(self, place: int, sighting: Sighting) -> None:
        address = self._addresses.number(sighting.address or b"")
        interval_us = sighting.interval_min_us or 0
        if interval_us < _LEAST_INTERVAL_US:
            interval_us = _NO_INTERVAL
        if address == len(self._places):
            self._places.append(place)
            self._intervals_us.append(interval_us)
        else:
            self._intervals_us[address] = min(self._intervals_us[address], interval_us)
        beside = _beside(sighting)
        if beside:
            self._beside.setdefault(address, set()).update(beside)
        advertisement = frame_of(sighting).advertisement
        if not isinstance(advertisement, AndroidAdvertisement):
            return
        number = self._ids.number(advertisement.rolling_id)
        if number == len(self._counts):
            self._first_us.append(sighting.first_us)
            self._last_us.append(sighting.last_us)
            self._counts.append(sighting.count)
            self._firsts.append(address)
            return
        # in order of time, the first stays the first
        self._last_us[number] = max(self._last_us[number], sighting.last_us)
        self._counts[number] += sighting.count
        if address != self._firsts[number]:
            self._others.setdefault(number, set()).add(address)

    def _sent(self, number: int) -> _Sent:
        first = self._firsts[number]
        addresses = {first} | self._others.get(number, set())
        interval_us = min(self._intervals_us[each] for each in addresses)
        return _Sent(
            self._ids[number],
            frozenset(item for each in addresses for item in self._beside.get(each, ())),
            None if interval_us == _NO_INTERVAL else interval_us,
            self._counts[number],
            self._ours[self._places[first]],
        )


@check("BZ-PRV-006", needs=frozenset({Capability.RAW_AD, Capability.ADDRESS}))
def payload_and_interval_do_not_link(subject: Subject, rules: Rules) -> Judgement:
    """Join ids of several phones across rotations, and say how much better than chance that goes."""
    doubt = undecided(subject)
    if doubt is not None:
        return doubt
    if subject.device is None and of_one_phone(subject):
        return _alone()
    if subject.device is None:
        return _by_payload(_InSlots(own_frames(subject.sightings), Slots(None, rules.profile)))
    heard = in_order(each.folded.sightings for each in subject.captures)
    slots = _InSlots(own_frames(heard), Slots(subject.device, rules.profile))
    if all(slots.size(slot) < 2 for slot in slots):
        return _alone()
    return _by_score(slots, {each.octets for each in heard_ids(subject.sightings, rules)})


def _alone() -> Judgement:
    return inconclusive(Reason.EVIDENCE_MISSING, "one phone alone is always re-linked: it takes several")


def _no_rotation() -> Judgement:
    return inconclusive(Reason.NO_ROTATION, "no two slots in turn in which several ids were heard")


def _by_score(slots: _InSlots, ids: set[bytes]) -> Judgement:
    """Score the observer's guesses for the device under test."""
    steps: list[tuple[_Sent, _Sent, float, float]] = []
    after: list[_Sent] = []
    following: int | None = None
    for number in slots:
        before, after = after if number == following else slots[number], slots[number + 1]
        following = number + 1
        ours = [_most_heard(each for each in group if each.octets in ids) for group in (before, after)]
        if len(after) < 2 or ours[0] is None or ours[1] is None:
            continue
        alike = _alike(ours[0], after)
        steps.append((ours[0], ours[1], (ours[1] in alike) / len(alike), 1 / len(after)))
    if not steps:
        return _no_rotation()
    score = sum(each for *_, each, _ in steps)
    chance = sum(each for *_, each in steps)
    spread = sqrt(sum(each * (1 - each) for *_, each in steps))
    summary = (
        f"an observer re-links {score / len(steps):.0%} of {count_text(len(steps), 'rotation')} by payload and "
        f"interval, {chance / len(steps):.0%} by chance"
    )
    if score - chance < _CERTAIN * spread:
        return inconclusive(
            Reason.EVIDENCE_MISSING,
            f"{summary}, which is not surely better; signal is not measured",
            judged=len(steps),
        )
    right = [(one, other) for one, other, hit, by_chance in steps if hit > by_chance]
    first, then = right[0]
    found = ground(
        summary,
        "no better than chance",
        f"{_text(first)}, then {_text(then)}, {(score - chance) / spread:.1f} standard deviations above chance",
        [of_sighting(each.where) for pair in right for each in pair],
    )
    return failed(len(steps), len(right), summary, [found])


def _alike(ours: _Sent, after: Sequence[_Sent]) -> Sequence[_Sent]:
    """Return the ids of the next slot that an observer takes for the phone's, by what this phone does.

    What others do that is not right is no fault of this phone: what they send beside their ids counts only where it
    sends something itself, and an interval only if most others have another.
    """
    pool = [each for each in after if not ours.payload or each.payload == ours.payload] or after
    near = [each for each in pool if ours.has_interval_of(each)]
    return near if near and len(near) * 2 < len(after) else pool


def _most_heard(ids: Iterable[_Sent]) -> _Sent | None:
    return max(ids, key=lambda each: (each.count, each.octets), default=None)


def _text(sent: _Sent) -> str:
    beside = ", ".join(f"{what} {said}" for what, said in sorted(sent.payload)) or "nothing"
    interval = "an unknown interval" if sent.interval_us is None else f"{sent.interval_us / US:.1f} ms"
    return f"{sent.octets.hex().upper()} with {beside} beside it, every {interval} or more"


def _by_payload(slots: _InSlots) -> Judgement:
    """Look for payloads that one id alone bears in a slot and in the next."""
    rotations = [each for each in slots if slots.size(each) > 1 and slots.size(each + 1) > 1]
    if not rotations:
        return _no_rotation()
    ids = sum(map(slots.size, rotations))
    told = f"{count_text(len(rotations), 'rotation')} of several phones"
    linked: list[tuple[_Payload, _Sent, _Sent]] = []
    for each in rotations:
        before, after = _singles(slots[each]), _singles(slots[each + 1])
        singles = sorted(before.items(), key=lambda each: each[1].octets)
        linked += [(payload, sent, after[payload]) for payload, sent in singles if payload in after]
    if not linked:
        summary = f"no payload tells phones apart in {told}; interval and signal take a device file, or more"
        return inconclusive(Reason.EVIDENCE_MISSING, summary, judged=ids)
    by_chance = sum(slots.size(each) / slots.size(each + 1) for each in rotations) / ids
    joined = of_text(len(linked), ids, "id")
    summary = f"{joined} joined to an id of the next slot by payload, in {told}; {by_chance:.0%} by chance"
    payload, sent, following = linked[0]
    text = ", ".join(f"{what} {said}" for what, said in sorted(payload))
    found = ground(
        summary,
        "no payload that tells phones apart across a rotation",
        f"{text} beside {sent.octets.hex().upper()}, then {following.octets.hex().upper()}, and no other id",
        [of_sighting(each.where) for _, *both in linked for each in both],
    )
    return failed(ids, len(linked), summary, [found])


def _beside(sighting: Sighting) -> frozenset[Extra]:
    """Return what a sighting holds beside what the app sends."""
    return extras(sighting) | {("local name", repr(name)) for name in local_names(sighting)}


def _singles(ids: Sequence[_Sent]) -> Mapping[_Payload, _Sent]:
    """Return the payloads that one id of a slot bears and no other, nothing sent beside it not among them."""
    counts = Counter(each.payload for each in ids)
    return {each.payload: each for each in ids if each.payload and counts[each.payload] == 1}
