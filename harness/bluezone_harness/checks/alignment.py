"""Several captures of the same air, judged by one clock where that is sure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bluezone_harness.checks.captures import Capture
from bluezone_harness.merging import clock_offsets, is_applied, shifted
from bluezone_harness.observations import Diagnostic, Severity, duration_text


def aligned(captures: Sequence[Capture]) -> tuple[Capture, ...]:
    """Return captures with their times by the clock of the first; those whose offset is not sure as they are.

    What is shifted says so in a diagnostic: by how much, how sure that is, and how many phones tell it.
    """
    offsets = clock_offsets([each.folded for each in captures])
    found: list[Capture] = []
    for capture, offset in zip(captures, offsets, strict=True):
        if offset is None or not is_applied(offset):
            found.append(capture)
            continue
        side = "ahead of" if offset.offset_us > 0 else "behind"
        message = (
            f"its clock is {duration_text(abs(offset.offset_us) // 1000)} {side} that of {captures[0].name} "
            f"(half of what tells it differs by no more than {duration_text(offset.uncertainty_us // 1000)}, "
            f"from {offset.shared} addresses that both heard): its times are shifted by that"
        )
        told = Diagnostic(capture.name, None, Severity.INFO, message)
        folded = shifted(capture.folded, offset.offset_us)
        found.append(replace(capture, folded=folded, diagnostics=(*capture.diagnostics, told)))
    return tuple(found)
