"""The captures that ``bzc convert`` reads: side by side, in the order of time, and by one clock where that is sure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from heapq import merge as merge_in_order

from bluezone_harness.checks.alignment import by_one_clock
from bluezone_harness.checks.captures import read_capture
from bluezone_harness.merging import SAME_CLOCK, ClockOffset
from bluezone_harness.observations import (
    UNLESS_DENIED,
    Advert,
    Asked,
    Capability,
    Diagnostic,
    Event,
    Extent,
    Gap,
    GattRead,
    Observation,
    Severity,
    Source,
    extent_of,
    least,
)
from bluezone_harness.sightings import Sighting
from bluezone_harness.sources.packets import merge

from .opened_captures import CaptureFile
from .selections import BluezoneAddresses, Selection
from .watching import Watch

KINDS: dict[type[Observation], str] = {
    Advert: "adverts",
    GattRead: "GATT reads",
    Asked: "commands",
    Event: "events",
    Gap: "gaps",
}


@dataclass(slots=True)
class Counts:
    """What became of observations, by kind.

    Attributes:
        read: All that were read.
        kept: Those that were chosen and written.
        formless: Those that had no form to be written in.
        unknown: Those of which nobody knows where they may hold an id.
    """

    read: Counter[str] = field(default_factory=Counter)
    kept: Counter[str] = field(default_factory=Counter)
    formless: Counter[str] = field(default_factory=Counter)
    unknown: Counter[str] = field(default_factory=Counter)


class Inputs:
    """The captures, of which those that hold the same octets as one before are left out.

    Several captures are read twice: first by how much their clocks differ, since they are put in the order of time. So
    is one of which Bluezone's addresses have to be known before the first advert is written.

    Args:
        paths: Of the files; ``-`` for standard input.
        selection: What is kept of them.
        watch: Is told how reading goes on.
        until: Keeps them open until it closes.
    """

    def __init__(self, paths: Sequence[str], selection: Selection, watch: Watch, until: ExitStack) -> None:
        self.counts = Counts()
        self._selection = selection
        self._bluezone = BluezoneAddresses()
        self._told: list[Diagnostic] = []
        files = [CaptureFile(path, watch, until) for path in paths]
        if selection.bluezone_only or len(files) > 1:
            for each in files:
                each.keep()
        opened = [each.open() for each in files]
        self.sources = [source for each in opened for source in each.sources]
        self._told += [diagnostic for each in opened for diagnostic in each.diagnostics]
        self._archive_damaged = any(each.severity is Severity.ERROR for each in self._told)
        self._clocks = [SAME_CLOCK] * len(self.sources)
        if len(self.sources) > 1:
            self._compare([source for each in files for source in each.open().sources])
        elif selection.bluezone_only:
            self._bluezone.hear_all(files[0].open().sources[0])

    def _compare(self, sources: Sequence[Source]) -> None:
        """Read all captures: which are the same, by how much their clocks differ, and who is Bluezone's."""
        captures = [read_capture(each, keep_times=True) for each in sources]
        first = {each.sha256: each for each in reversed(captures)}
        once = [each for each in captures if first[each.sha256] is each]
        places = [place for place, each in enumerate(captures) if first[each.sha256] is each]
        for each in captures:
            if first[each.sha256] is not each:
                message = f"the same octets as {first[each.sha256].name}, and converted once"
                self._told.append(Diagnostic(each.name, None, Severity.INFO, message))
        self.sources = [self.sources[place] for place in places]
        self._clocks = []
        for each, (shifted, clock) in zip(once, by_one_clock(once), strict=True):
            self._clocks.append(clock)
            self._told += shifted.diagnostics[len(each.diagnostics) :]
        for each in once:
            folded = each.folded
            parts: tuple[Sequence[Observation | Sighting], ...] = (
                folded.sightings,
                folded.reads,
                folded.events,
            )
            for part in parts:
                self._bluezone.hear_all(part)

    @property
    def kinds(self) -> str:
        """What they are, for people."""
        return ", ".join(sorted({source.kind for source in self.sources}))

    @property
    def name(self) -> str:
        """What messages call them."""
        return self.sources[0].name if len(self.sources) == 1 else "the captures together"

    @property
    def capabilities(self) -> dict[Capability, Extent]:
        """What is kept of all can show; known when everything was read."""
        shown = [source.capabilities for source in self.sources]
        found = merge([{name: each[name] for name in each if name not in UNLESS_DENIED} for each in shown])
        if len(self.sources) > 1 and found.get(Capability.INTERVAL) is Extent.YES:
            # each shows each advert of its own time only
            found[Capability.INTERVAL] = Extent.PARTIAL
        true = least(extent_of(each, Capability.TRUE_IDS) for each in shown)
        air = least([self._selection.whole_air, *(extent_of(each, Capability.WHOLE_AIR) for each in shown)])
        denied = ((Capability.TRUE_IDS, true), (Capability.WHOLE_AIR, air))
        return found | {name: extent for name, extent in denied if extent is not Extent.YES}

    @property
    def damaged(self) -> bool:
        """Something could not be read."""
        return self._archive_damaged or any(source.damaged for source in self.sources)

    @property
    def diagnostics(self) -> list[Diagnostic]:
        """What there is to know about damage, and about clocks."""
        return [*self._told, *(each for source in self.sources for each in source.diagnostics)]

    def observations(self) -> Iterator[Observation]:
        """Yield what is kept of all captures, in the order of time; once."""
        streams = [
            self._kept(source, name, clock)
            for source, name, clock in zip(self.sources, self._names(), self._clocks, strict=True)
        ]
        return streams[0] if len(streams) == 1 else merge_in_order(*streams, key=lambda each: each.time_us)

    def _kept(self, source: Source, name: str, clock: ClockOffset) -> Iterator[Observation]:
        keeps, bluezone, read = self._selection.keeps, self._bluezone, self.counts.read
        for each in source:
            read[KINDS[type(each)]] += 1
            found = each if clock is SAME_CLOCK else _shifted(each, clock.reference_us)
            if not keeps(found, bluezone):
                continue
            if name and isinstance(found, Advert | GattRead | Asked):
                yield replace(found, receiver=f"{name}: {found.receiver}" if found.receiver else name)
            else:
                yield found

    def _names(self) -> list[str]:
        """Return what tells the receivers of each capture from those of the others; one alone needs nothing."""
        if len(self.sources) == 1:
            return [""]
        seen: Counter[str] = Counter()
        found = []
        for source in self.sources:
            seen[source.name] += 1
            again = f" {seen[source.name]}" if seen[source.name] > 1 else ""
            found.append(f"{source.name}{again}")
        return found


def _shifted(observation: Observation, by: Callable[[int], int]) -> Observation:
    time_us = by(observation.time_us)
    if isinstance(observation, Gap):
        return replace(observation, time_us=time_us, until_us=by(observation.until_us))
    return replace(observation, time_us=time_us)


def with_pseudonyms(
    replaced: Callable[[Observation], Observation | None], observations: Iterator[Observation], counts: Counts
) -> Iterator[Observation]:
    """Yield observations with pseudonyms; what cannot have one is left out, and counted.

    Args:
        replaced: Returns an observation with pseudonyms, or ``None``.
        observations: In any order.
        counts: Of what became of them.
    """
    for each in observations:
        private = replaced(each)
        if private is None:
            counts.unknown[KINDS[type(each)]] += 1
        else:
            yield private
