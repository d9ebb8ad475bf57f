"""On-windows by the id that they carry, as far as it was seen when they began.

Theory of operation. What several receivers heard of one address and id at once is one on-window. So is what a long run
of lost adverts has split: a new start would have brought a new address. The beginning of an on-window counts as seen
only if nothing but the phone can explain that it was not heard before:

- a capture that shows each advert was running in the 5 s before, without a gap (tolerance ``window_pause``);
- the same address did not send the same id shortly before: what lost adverts have split has one beginning;
- the phone was in range: another of its on-windows was heard within the minute before;
- enough adverts were heard, of it and of most of the phone's on-windows, to know at which pace they come;
- the id is not just then sent from another address too, which is another requirement's business (BZ-PRV-009).

Even then its first adverts may have been lost: ``missed_ms`` is how long ten adverts take at the pace at which they, or
most of the phone's, were heard. All other on-windows are judged by their ends alone (BZ-ADV-005).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median_high

from bluezone_harness.checks.captures import Capture
from bluezone_harness.checks.frames import frame_of
from bluezone_harness.checks.heard import on_air
from bluezone_harness.checks.senders import STEP_US
from bluezone_harness.checks.spans import LATE_US
from bluezone_harness.checks.windows import OnWindow, on_windows
from bluezone_harness.findings import Evidence, EvidenceKind
from bluezone_harness.observations import Capability, Extent, duration_text, tells_fields
from bluezone_harness.sightings import PAUSE_US, Sighting
from bluezone_reference.key_schedule import ID_OCTETS

LOST_ADVERTS = 10
"""So many adverts in a row are lost once in 150,000 times where every third is lost."""
_NEVER_US = 3_600_000_000
"""The pace of a phone most of whose on-windows were heard too little to know it."""
_FEWEST_ADVERTS = 4
"""Of an on-window of which one receiver heard fewer, nobody knows how much was lost."""


@dataclass(frozen=True, slots=True)
class IdWindow:
    """An on-window, as far as it carries one id.

    Attributes:
        rolling_id: 12 octets.
        address: 6 octets; ``None`` where the source does not tell.
        first_us: When its first advert was heard, in microseconds since the Unix epoch.
        last_us: When its last was heard.
        run_us: Since when it was heard without a pause of more than 5 s until then.
        start_seen: Its beginning was seen, but for ``missed_ms``.
        missed_ms: By how much it may have begun before its first advert that was heard.
        changed: It goes on, with another id, where an on-window of the same address had begun.
        late_ms: By how much later than it came an advert may have been told.
        sightings: In the order in which they began; none of a read.
        read: Where it is a GATT read: the read.
    """

    rolling_id: bytes
    address: bytes | None
    first_us: int
    last_us: int
    run_us: int
    start_seen: bool
    missed_ms: int
    changed: bool
    sightings: tuple[Sighting, ...]
    late_ms: int = 0
    read: Evidence | None = None

    @property
    def first_ms(self) -> int:
        """When its first advert was heard, in milliseconds."""
        return self.first_us // 1000

    @property
    def last_ms(self) -> int:
        """When its last advert was heard, in milliseconds."""
        return self.last_us // 1000

    @property
    def length_ms(self) -> int:
        """How long it was heard."""
        return self.last_ms - self.first_ms

    def evidence(self) -> Evidence:
        """Point at its first packet."""
        if self.read is not None:
            return self.read
        first = self.sightings[0]
        count = sum(each.count for each in self.sightings)
        text = (
            f"{self.rolling_id.hex().upper()} from {address_text(self.address)}: "
            f"{count} adverts in {duration_text(self.length_ms)}"
        )
        return Evidence(
            EvidenceKind.PACKET,
            first.source,
            first.first_number,
            None,
            self.first_ms,
            first.receiver,
            first.ad or b"",
            text,
        )


def address_text(address: bytes | None) -> str:
    """Write an address for people, such as ``4B:0A:11:22:33:44``."""
    return "no address" if address is None else address.hex(":").upper()


@dataclass(slots=True)
class _Part:
    """What one receiver heard of one id in one on-window; parts of several receivers are joined."""

    first_us: int
    last_us: int
    run_us: int
    changed: bool
    sightings: list[Sighting]


def id_windows(
    sightings: Iterable[Sighting], captures: Sequence[Capture], longest_us: int
) -> tuple[IdWindow, ...]:
    """Return the on-windows of a phone that carry a rolling id, in the order in which they begin.

    Args:
        sightings: Of the phone, in any order.
        captures: From which they come.
        longest_us: The longest that an on-window may last: for so long, on-windows of one address and id are one that
            lost adverts have split. 0: none are.
    """
    parts: dict[tuple[bytes | None, bytes], list[_Part]] = {}
    for window in on_windows(sightings):
        for rolling_id, part in _parts(window):
            parts.setdefault((window.address, rolling_id), []).append(part)
    found = [
        (address, rolling_id, part)
        for (address, rolling_id), members in parts.items()
        for part in _joined(members, 0 if address is None else longest_us)
    ]
    found.sort(key=lambda each: (each[2].first_us, each[2].last_us, each[1]))
    paces_us = [_pace_us(part) for *_, part in found]
    usual_us = (
        median_high([_NEVER_US if each is None else each for each in paces_us]) if paces_us else _NEVER_US
    )
    windows: list[IdWindow] = []
    told = {each.name for each in captures if tells_fields(each.capabilities)}
    listening = _Listening(captures)
    latest_us: int | None = None
    sent: dict[bytes, list[tuple[bytes | None, int]]] = {}
    for (address, rolling_id, part), pace_us in zip(found, paces_us, strict=True):
        others = sent.setdefault(rolling_id, [])
        elsewhere = any(other != address and until_us >= part.first_us for other, until_us in others)
        missed_us = LOST_ADVERTS * max(pace_us or 0, usual_us)
        since_us = part.first_us - max(missed_us, PAUSE_US)
        goes_on = any(other == address and until_us >= since_us for other, until_us in others)
        in_range = latest_us is not None and part.first_us - latest_us <= STEP_US
        known = pace_us is not None and usual_us < _NEVER_US
        windows.append(
            IdWindow(
                rolling_id,
                address,
                part.first_us,
                part.last_us,
                part.run_us,
                known and in_range and not goes_on and not elsewhere and listening.before(part),
                missed_us // 1000,
                part.changed,
                tuple(part.sightings),
                LATE_US // 1000 if any(each.source in told for each in part.sightings) else 0,
            )
        )
        latest_us = part.last_us if latest_us is None else max(latest_us, part.last_us)
        others.append((address, part.last_us))
    return tuple(windows)


def _parts(window: OnWindow) -> Iterable[tuple[bytes, _Part]]:
    found: dict[bytes, _Part] = {}
    for each in window.sightings:
        octets = frame_of(each).id_octets
        if octets is None or len(octets) != ID_OCTETS:
            continue
        part = found.get(octets)
        if part is None:
            # who tells no address that was on the air does not tell either whether a new on-window began
            changed = bool(found) and on_air(window.address, window.address_type)
            found[octets] = _Part(each.first_us, each.last_us, each.first_us, changed, [each])
        else:
            part.last_us = max(part.last_us, each.last_us)
            part.sightings.append(each)
    return found.items()


def _joined(parts: list[_Part], longest_us: int) -> list[_Part]:
    """Join what several receivers heard of one on-window, or what is left of one that lost adverts have split."""
    found: list[_Part] = []
    for part in sorted(parts, key=lambda each: each.first_us):
        before = found[-1] if found else None
        without_pause = before is not None and part.first_us - before.last_us <= PAUSE_US
        if before is not None and (without_pause or part.last_us - before.first_us <= longest_us):
            before.run_us = before.run_us if without_pause else part.run_us
            before.last_us = max(before.last_us, part.last_us)
            before.changed = before.changed or part.changed
            before.sightings += part.sightings
        else:
            found.append(part)
    return found


class _Listening:
    """Since when each receiver listens, as far as what it heard tells.

    Args:
        captures: Of all receivers.
    """

    def __init__(self, captures: Sequence[Capture]) -> None:
        self._captures = [
            each for each in captures if each.capabilities.get(Capability.INTERVAL) is Extent.YES
        ]
        self._since_us: dict[int, dict[str, int]] = {}

    def before(self, part: _Part) -> bool:
        """Tell whether a receiver that heard it, and shows each advert, listened in the 5 s before."""
        heard = {(each.source, each.receiver) for each in part.sightings}
        from_us = part.first_us - PAUSE_US
        return any(
            any(
                self._since(capture, receiver, from_us)
                for source, receiver in heard
                if source == capture.name
            )
            and not any(gap.time_us < part.first_us and gap.until_us > from_us for gap in capture.folded.gaps)
            for capture in self._captures
        )

    def _since(self, capture: Capture, receiver: str, time_us: int) -> bool:
        """Tell whether a receiver had heard something at a time, of whomever."""
        begun_us = capture.folded.first_us
        if begun_us is None or begun_us > time_us:
            return False
        if capture.capabilities.get(Capability.SEVERAL_RECEIVERS, Extent.NO) is Extent.NO:
            return True
        found = self._since_us.get(id(capture))
        if found is None:
            found = self._since_us[id(capture)] = {}
            for each in capture.folded.sightings:  # in the order in which they begin
                found.setdefault(each.receiver, each.first_us)
        # one of several that begins after the others may not have listened while they did
        return len(found) < 2 or found[receiver] <= time_us


def _pace_us(part: _Part) -> int | None:
    """Return the mean time between two adverts that one receiver heard; ``None``: too few were."""
    heard: dict[tuple[str, str], list[Sighting]] = {}
    for each in part.sightings:
        heard.setdefault((each.source, each.receiver), []).append(each)
    paces_us = [
        (max(each.last_us for each in known) - min(each.first_us for each in known)) // (count - 1)
        for known in heard.values()
        if (count := sum(each.count for each in known)) >= _FEWEST_ADVERTS
    ]
    return min(paces_us, default=None)
