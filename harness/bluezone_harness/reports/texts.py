"""Phrases that reports for people share: places in the evidence, ranges of ids, what cannot steer a reader."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from itertools import groupby

from bluezone_harness.findings import Acceptance, AcceptEntry, AcceptState, Evidence, Finding, Verdict
from bluezone_harness.observations import instant_text
from bluezone_harness.results import Result
from bluezone_spec.model import Axis

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z])")


def words(name: str) -> str:
    """Write a word of a closed list, such as ``not_observable``, as people do."""
    return name.replace("_", " ")


def plain(text: str) -> str:
    """Return text in which nothing can steer a terminal or another reader."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def plain_markdown(markdown: str) -> str:
    """Return a paragraph of Markdown as one line, without the signs for code and for bold text."""
    return " ".join(plain(markdown.replace("\n", " ")).replace("`", "").replace("**", "").split())


def first_sentence(markdown: str) -> str:
    """Return the first sentence of a paragraph, as ``plain_markdown`` does."""
    return _SENTENCE_END.split(plain_markdown(markdown), maxsplit=1)[0]


def coverage_text(result: Result, axis: Axis) -> str:
    """Say how much of an axis was judged, and how many of its failures are accepted."""
    coverage = result.axis(axis).coverage
    accepted = result.accepted()
    count = sum(each.id in accepted for each in result.requirements if each.axis is axis)
    text = f"{coverage.judged} of {coverage.total} MUSTs judged"
    return f"{text}, {count} {'failure' if count == 1 else 'failures'} accepted" if count else text


def contents_text(contents: Mapping[str, int]) -> str:
    """Say what a piece of evidence holds, such as ``1800 packets, 1795 adverts, 120 sightings``."""
    return ", ".join(f"{count} {words(name)}" for name, count in contents.items())


def worst_first(findings: Iterable[Finding]) -> list[Finding]:
    """Return findings in the order of reports: failures that count, accepted ones, what is in doubt."""
    return sorted(findings, key=lambda each: (each.verdict is not Verdict.FAIL, each.accepted is not None))


def place_text(place: Evidence) -> str:
    """Say where a piece of evidence stands, when it was, and what it says."""
    parts = [plain(place.source)]
    if place.number is not None:
        parts.append(f"{place.kind} {place.number}")
    if place.time_ms is not None:
        parts.append(instant_text(place.time_ms))
    return f"{', '.join(parts)}: {plain(place.text)}"


def id_ranges(ids: Iterable[str]) -> str:
    """Write ids in order, neighbours as ``BZ-KEY-002 to 005``."""
    parts: list[str] = []
    for area, members in groupby(ids, key=lambda each: each[:-3]):
        numbers = [int(each[-3:]) for each in members]
        # neighbours have the same distance from their place in the list
        for _, run in groupby(enumerate(numbers), key=lambda pair: pair[1] - pair[0]):
            first, *rest = [number for _, number in run]
            parts.append(f"{area}{first:03d}" + (f" to {rest[-1]:03d}" if rest else ""))
    return ", ".join(parts)


def acceptance_text(accepted: Acceptance) -> str:
    """Say until when a failure is accepted, and why."""
    until = "" if accepted.expires is None else f"until {accepted.expires}: "
    return f"{until}{plain(accepted.reason)}"


def entry_title(entry: AcceptEntry) -> str:
    """Name an entry of the accepted findings, or of the deviations."""
    return f"entry {entry.number}, {plain(entry.vector) or entry.requirement}"


def entries_title(entries: Iterable[AcceptEntry]) -> str:
    """Name what the entries are."""
    return "deviations" if any(entry.vector for entry in entries) else "accepted findings"


def entry_text(entry: AcceptEntry) -> str:
    """Say what became of an entry of the accepted findings, or of the deviations."""
    if entry.vector:
        return _deviation_text(entry)
    limits = [
        *([f"device {plain(entry.device)}"] if entry.device is not None else []),
        *([f"summary with '{plain(entry.summary_match)}'"] if entry.summary_match is not None else []),
    ]
    head = f"{entry_title(entry)}{''.join(f', {each}' for each in limits)}"
    if entry.state is AcceptState.APPLIED:
        count = f"{entry.matched} {'failure' if entry.matched == 1 else 'failures'}"
        return f"{head}: {count} accepted until {entry.expires}: {plain(entry.reason)}"
    if entry.state is AcceptState.EXPIRED:
        return f"{head}: expired after {entry.expires}: mend what it accepts, or decide anew"
    return f"{head}: no failure matches it: take it out of the file, or correct it"


_DEVIATIONS = {
    AcceptState.UNMATCHED: "there is no such vector: take it out of the file, or correct it",
    AcceptState.PASSED: "it holds now, here or in part: take it out of the file, or correct it",
    AcceptState.CHANGED: "it fails in another way than the file says: look at it anew",
    AcceptState.MISCOUNTED: "that is not the count of the file: correct it",
}


def _deviation_text(entry: AcceptEntry) -> str:
    """Say what became of an entry of the deviations."""
    head = f"{entry_title(entry)}: {entry.matched} {'vector' if entry.matched == 1 else 'vectors'}"
    if entry.state is AcceptState.APPLIED:
        until = "" if entry.expires is None else f" until {entry.expires}"
        return f"{head} known to deviate{until}: {plain(entry.reason)}"
    if entry.state is AcceptState.EXPIRED:
        return f"{head}: expired after {entry.expires}: mend what deviates, or decide anew"
    return f"{head}: {_DEVIATIONS[entry.state]}"
