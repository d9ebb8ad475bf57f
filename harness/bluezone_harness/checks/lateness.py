"""How long after its slot an id is heard: the lateness of BZ-ADV-005.

An on-window that goes on after its slot ends in time if it lasts no longer than one may: 15 s, or 165 s around the
foreground. When the app was open is known only where the device file tells of it; where it does not, 165 s are allowed.
What was missed of it began in its slot, at its end at the latest.
"""

from __future__ import annotations

from collections.abc import Sequence

from bluezone_harness.checks.clock import Interval
from bluezone_harness.checks.hypotheses import Heard
from bluezone_harness.checks.id_windows import IdWindow
from bluezone_harness.checks.rows import count_text
from bluezone_harness.checks.subjects import Rules
from bluezone_harness.evidence.device_files import Device
from bluezone_harness.findings import Ground
from bluezone_harness.observations import duration_text


def limit_ms(window: IdWindow, device: Device, rules: Rules) -> int:
    """Return how long an on-window may last if it goes on after its slot.

    Source: BZ-ADV-005: 15 s, or 165 s around the foreground, which is known only where the device file tells of it.
    Annex C: lengths of on-windows are compared with the allowance of a pause.
    """
    pause_ms = rules.tolerances["window_pause"]
    # nobody knows by whose clock the app was open: the phone's may be off
    around_ms = pause_ms + max(abs(device.clock_offset_ms or 0), rules.tolerances["clock_offset"])
    spans = [(each.from_ms, each.to_ms) for each in device.foreground]
    if spans and not any(_meets(window, span, around_ms) for span in spans):
        return rules.tolerances["window"] + pause_ms
    return rules.tolerances["foreground_window"]


def over_ms(heard: Heard, device: Device, rules: Rules) -> int:
    """Return by how much an on-window whose id is right ends too late; 0 or less: it does not."""
    until_ms = slot_end_ms(heard)
    end_ms = heard.time_ms + heard.window.length_ms - heard.window.late_ms
    if end_ms < until_ms:
        return 0
    # whatever was missed, it began in its slot
    begin_ms = min(heard.time_ms + heard.window.run_us // 1000 - heard.window.first_ms, until_ms)
    return end_ms - begin_ms - limit_ms(heard.window, device, rules)


def _meets(window: IdWindow, span: tuple[int | None, int | None], around_ms: int) -> bool:
    from_ms, to_ms = span
    begins_in_time = to_ms is None or window.first_ms <= to_ms + around_ms
    return begins_in_time and (from_ms is None or window.last_ms >= from_ms - around_ms)


def slot_end_ms(heard: Heard) -> int:
    """Return the end of the slot of a right id: of several, the one that began last before the on-window."""
    begun: list[Interval] = [slot for slot in heard.slots if slot[0] <= heard.time_ms]
    return max(until_ms for _, until_ms in begun)


def over_ground(over: Sequence[tuple[Heard, int]]) -> Ground:
    """Make a ground of on-windows that end too late, each with by how much; at least one."""
    worst, worst_ms = max(over, key=lambda each: each[1])
    least_ms = min(by_ms for _, by_ms in over)
    by = (
        duration_text(worst_ms)
        if len(over) == 1
        else f"{duration_text(least_ms)} to {duration_text(worst_ms)}"
    )
    return Ground(
        f"{count_text(len(over), 'on-window')} ended {by} too late: an alarm that the platform delays while the phone "
        "is at rest (Doze, F-25), or an advertising set that is never stopped (F-27)",
        "an on-window that goes on after its slot for what is left of 15 s, or of 165 s around the foreground",
        f"{worst.window.rolling_id.hex().upper()} for {duration_text(worst.window.length_ms)}",
        len(over),
        tuple(each.window.evidence() for each, _ in over[:10]),
    )
