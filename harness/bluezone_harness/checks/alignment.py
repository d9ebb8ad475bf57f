"""Several captures of the same air, judged by one clock where that is sure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bluezone_harness.checks.captures import Capture
from bluezone_harness.merging import (
    SAME_CLOCK,
    ClockOffset,
    clock_offsets,
    is_applied,
    shared_addresses,
    shifted,
)
from bluezone_harness.observations import Diagnostic, Severity, duration_text, instant_text

_MS = 1000
_TOLD_FROM = 10
"""What the time in between adds is told when it is so many times as much."""


def aligned(captures: Sequence[Capture]) -> tuple[Capture, ...]:
    """Return captures with their times by the clock of the first; those whose offset is not sure as they are.

    Each but the first says so in one diagnostic, unless its clock shows the same: by how much it was shifted, how sure
    that is, and how many phones tell it; or that its offset is not sure.
    """
    return tuple(capture for capture, _ in by_one_clock(captures))


def by_one_clock(captures: Sequence[Capture]) -> tuple[tuple[Capture, ClockOffset], ...]:
    """Return what ``aligned`` returns, each with the offset by which it was shifted, or ``SAME_CLOCK``."""
    offsets = clock_offsets([each.folded for each in captures])
    found: list[tuple[Capture, ClockOffset]] = []
    for capture, offset in zip(captures, offsets, strict=True):
        if offset is not None and not is_applied(offset):
            found.append((capture, SAME_CLOCK))
            continue
        message = offset_text(captures[0], capture, offset)
        folded = capture.folded
        if offset is not None:
            message += "; its times are shifted by that"
            folded = shifted(folded, offset)
        told = Diagnostic(capture.name, None, Severity.INFO, message)
        diagnostics = (*capture.diagnostics, told)
        found.append((replace(capture, folded=folded, diagnostics=diagnostics), offset or SAME_CLOCK))
    return tuple(found)


def offset_text(reference: Capture, capture: Capture, offset: ClockOffset | None) -> str:
    """Write for people by how much the clock of one capture is ahead of that of another, and how sure that is.

    Args:
        reference: With whose clock it is compared.
        capture: Whose clock it is.
        offset: What ``clock_offsets`` gave; ``None`` where it is not sure.
    """
    if offset is None:
        shared = shared_addresses(reference.folded, capture.folded)
        return (
            f"by how much its clock differs from that of {reference.name} is not sure: "
            f"{shared} addresses were heard by both"
        )
    first, last = offset.agreements[0], offset.agreements[-1]
    text = f"its clock is {_side_text(first.offset_us)} that of {reference.name}"
    if first is not last:
        text += f" at {instant_text(first.time_us // _MS)}, {_side_text(last.offset_us)} it"
    text += f" at {instant_text(last.time_us // _MS)} ({_surety_text(offset)}"
    drift = offset.drift
    if drift is not None and abs(drift.ppm) > drift.uncertainty_ppm:
        speed = "faster" if drift.ppm > 0 else "slower"
        text += f"; it goes {abs(drift.ppm):.0f} ppm {speed}, give or take {drift.uncertainty_ppm:.0f}"
    away_us = _away_us(offset, capture)
    if away_us > _TOLD_FROM * max(each.uncertainty_us for each in offset.agreements):
        text += f"; at other times it may be {_duration_text(away_us)} off"
    return f"{text})"


def _side_text(offset_us: int) -> str:
    return f"{_duration_text(abs(offset_us))} {'behind' if offset_us < 0 else 'ahead of'}"


def _surety_text(offset: ClockOffset) -> str:
    """Write how many tell an offset, and how exactly."""
    found = offset.agreements
    times = f"known at {len(found)} times, " if len(found) > 1 else ""
    shared = max(each.shared for each in found)
    wrong_us = max(each.uncertainty_us for each in found)
    return f"{times}from {shared} addresses that both heard, to {_duration_text(wrong_us)}"


def _away_us(offset: ClockOffset, capture: Capture) -> int:
    """Return by how much an offset can be wrong where a capture begins or ends."""
    folded = capture.folded
    ends_us = [each for each in (folded.first_us, folded.last_us) if each is not None]
    return max((offset.uncertainty_at(offset.reference_us(each)) for each in ends_us), default=0)


def _duration_text(duration_us: int) -> str:
    """Write a duration to the next greater millisecond."""
    return duration_text(-(-duration_us // _MS))
