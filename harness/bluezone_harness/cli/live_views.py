"""What people see while ``bzc sniff`` listens: a table on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

import click

from bluezone_harness.checks.frames import Platform
from bluezone_harness.checks.rows import count_text
from bluezone_harness.findings import Verdict
from bluezone_harness.live.judging import undecided
from bluezone_harness.live.rows import Row
from bluezone_harness.live.session import Snapshot
from bluezone_harness.observations import duration_text, instant_text
from bluezone_spec.model import Axis

from .failures import NAME
from .output import one_line

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.live import Live

_US = 1_000_000
_MS = 1000
_HERE_US = 3 * _US
"""Who was heard so recently sends now."""
_EACH_US = 60 * _US
"""Plain lines tell where things stand so often, even if nothing changed."""
_TOLD, _MOST_NAMED = 3, 6
"""Requirements that are told with what was found, and those that are named."""
_LEAST_ROWS = 3
_LINES_BESIDE = 9
_LONGEST_LABEL, _ID_DIGITS = 9, 8
_SHORT_LABEL, _SHORT_DIGITS = 8, 5
"""Where reads have a column."""
_HIGH_RATE = 99.95
_UNHEARD_US = 120 * _US
"""Who is heard alone is taken for the device under test; before so long nobody need be alarmed by that."""
_STYLES = {Verdict.PASS: "green", Verdict.FAIL: "bold red", Verdict.INCONCLUSIVE: "yellow"}
_PLATFORMS: dict[Platform, str] = {"android": "Android", "ios": "iPhone", "": "?"}


class View(Protocol):
    """Shows how listening goes on."""

    def show(self, snapshot: Snapshot) -> None:
        """Show where things stand."""

    def say(self, text: str) -> None:
        """Say a sentence."""


@contextmanager
def opened_view(recording: str, least_rssi: int | None) -> Iterator[View]:
    """Return what shows a session: a table where standard error is a terminal, plain lines elsewhere.

    Args:
        recording: Where it is recorded.
        least_rssi: Strangers that are weaker have no row, in dBm; ``None``: all have one.
    """
    if sys.stderr is None or not sys.stderr.isatty():
        yield Lines(lambda line: click.echo(line, err=True), least_rssi)
        return
    from rich.console import Console
    from rich.live import Live

    console = Console(stderr=True)
    with Live(console=console, auto_refresh=False, transient=True) as live:
        yield Screen(live, recording, least_rssi)


class Screen:
    """A table that stands still and changes.

    Args:
        live: Shows it.
        recording: Where it is recorded.
        least_rssi: Strangers that are weaker have no row.
    """

    def __init__(self, live: Live, recording: str, least_rssi: int | None) -> None:
        self._live = live
        self._recording = recording
        self._least_rssi = least_rssi

    def show(self, snapshot: Snapshot) -> None:
        """Show where things stand."""
        height = max(_LEAST_ROWS, self._live.console.size.height - _LINES_BESIDE)
        self._live.update(screen_of(snapshot, self._recording, self._least_rssi, height), refresh=True)

    def say(self, text: str) -> None:
        """Say a sentence above the table, where it stays."""
        self._live.console.print(f"{NAME}: {one_line(text)}", markup=False, highlight=False)


def screen_of(snapshot: Snapshot, recording: str, least_rssi: int | None, height: int) -> RenderableType:
    """Return the table of an instant, and what stands above and below it.

    Args:
        snapshot: Of the instant.
        recording: Where it is recorded.
        least_rssi: Strangers that are weaker have no row.
        height: Most rows.
    """
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    rows, hidden = _shown(snapshot.rows, least_rssi, height)
    # 80 columns are enough
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold")
    reads = snapshot.reads or any(row.reads for row in rows)
    columns = [each for each in _COLUMNS if each[0] != _READS or reads]
    for name, right in columns:
        table.add_column(name, justify="right" if right else "left", no_wrap=True)
    for row in rows:
        here = snapshot.now_us - row.heard_us <= _HERE_US
        verdict = _row_verdict(row, snapshot)
        cells = [Text(cell) for cell in _cells(row, here=here, reads=reads)]
        cells.append(Text(verdict[0], _STYLES.get(verdict[1], "dim") if verdict[1] else "dim"))
        table.add_row(*cells, style="bold" if row.device is not None else "" if here else "dim")
    lines: list[RenderableType] = [Text(_head(snapshot, recording)), table]
    if hidden:
        lines.append(Text(f"and {hidden} more", "dim"))
    if not rows:
        lines.append(Text("no Bluezone phone was heard yet", "dim"))
    lines += [Text(line) for line in _standing(snapshot)]
    if snapshot.waiting:
        lines.append(Text(snapshot.waiting, "yellow"))
    lines.append(Text("Ctrl-C ends", "dim"))
    return Group(*lines)


_READS = "GATT"
_COLUMNS = (
    ("device", False),
    ("phone", False),
    ("address", False),
    ("id", False),
    ("slot", True),
    ("left", True),
    ("dBm", True),
    ("/s", True),
    (_READS, True),
    ("so far", False),
)


class Lines:
    """A line for whatever changes: a phone, an id, a verdict.

    Args:
        echo: Writes a line.
        least_rssi: Strangers that are weaker have no line.
    """

    def __init__(self, echo: Callable[[str], None], least_rssi: int | None) -> None:
        self._echo = echo
        self._least_rssi = least_rssi
        self._shown: dict[tuple[int | None, bytes | None], None] = {}
        self._verdict = ""
        self._told_us = 0

    def show(self, snapshot: Snapshot) -> None:
        """Write what changed."""
        rows, _ = _shown(snapshot.rows, self._least_rssi, len(snapshot.rows))
        for row in rows:
            key = row.device, row.rolling_id if row.rolling_id is not None else row.address
            if row.adverts and key not in self._shown:
                self._shown[key] = None
                self._say(snapshot.now_us, _line_of(row))
        while len(self._shown) > _REMEMBERED:
            del self._shown[next(iter(self._shown))]
        verdict = "; ".join(_standing(snapshot))
        changed = verdict.partition(";")[0] != self._verdict.partition(";")[0]
        is_due = changed or snapshot.now_us - self._told_us >= _EACH_US
        if is_due and (snapshot.adverts or not rows):  # what was just heard is on its way into the recording
            self._told_us = snapshot.now_us
            told = f"{count_text(snapshot.adverts, 'advert')} of {count_text(len(rows), 'phone')}"
            self._say(snapshot.now_us, f"{told}; {verdict}" if verdict else told)
            self._verdict = verdict

    def say(self, text: str) -> None:
        """Say a sentence."""
        self._echo(f"{NAME}: {one_line(text)}")

    def _say(self, now_us: int, text: str) -> None:
        self._echo(f"{_instant(now_us)}  {one_line(text)}")


_REMEMBERED = 4096


def _shown(rows: Sequence[Row], least_rssi: int | None, height: int) -> tuple[Sequence[Row], int]:
    """Return the rows that are shown, and how many are not for want of room."""
    wanted = [
        row
        for row in rows
        if row.device is not None or least_rssi is None or (row.rssi is not None and row.rssi >= least_rssi)
    ]
    return wanted[:height], max(0, len(wanted) - height)


def _cells(row: Row, *, here: bool, reads: bool) -> tuple[str, ...]:
    shown_id = row.rolling_id.hex().upper() if row.rolling_id is not None else "?"
    digits = _SHORT_DIGITS if reads else _ID_DIGITS
    return (
        row.label[: _SHORT_LABEL if reads else _LONGEST_LABEL] or "stranger",
        _PLATFORMS[row.platform],
        row.address.hex(":").upper() if row.address is not None else "?",
        shown_id[:digits] + ("…" if len(shown_id) > digits else ""),
        str(row.slot) if reads else f"{row.slot}/{row.slots_a_day}",
        _countdown(row.left_ms),
        f"{row.rssi:.0f}" if row.rssi is not None else "",
        _rate_text(row.rate) if here else "-",
        *((str(row.reads) if row.reads else "",) if reads else ()),
    )


def _rate_text(rate: float) -> str:
    return f"{rate:.1f}" if rate < _HIGH_RATE else f"{rate:.0f}"


def _line_of(row: Row) -> str:
    """Return a line on a phone that shows itself anew."""
    parts = [
        row.label or "stranger",
        _PLATFORMS[row.platform],
        f"address {row.address.hex(':').upper()}" if row.address is not None else "no address",
        f"id {row.rolling_id.hex().upper()}" if row.rolling_id is not None else "no id",
        f"slot {row.slot} of {row.slots_a_day}",
    ]
    if row.rssi is not None:
        parts.append(f"{row.rssi:.0f} dBm")
    return ", ".join(parts)


def _head(snapshot: Snapshot, recording: str) -> str:
    seconds = max(0, snapshot.now_us - snapshot.since_us) // _US
    rate = sum(row.rate for row in snapshot.rows)
    return (
        f"{_instant(snapshot.now_us)}  listening for {duration_text(seconds * _MS)}, "
        f"{count_text(snapshot.adverts, 'advert')}, "
        f"{rate:.0f}/s of Bluezone; recording: {recording}"
    )


def _standing(snapshot: Snapshot) -> Iterator[str]:
    """Yield the verdicts so far, what failed, and what is still to be decided."""
    result = snapshot.result
    if result is None:
        return
    if _is_unheard(snapshot):
        yield "the device under test was not heard yet"
        return
    yield ", ".join(
        f"{axis} {verdict_text(found.verdict)} so far ({found.coverage.judged} of {found.coverage.total} MUSTs judged)"
        for axis, found in ((each, result.axis(each)) for each in Axis)
    )
    failed = [each for each in result.requirements if each.verdict is Verdict.FAIL]
    if failed:
        yield "failed: " + _named([(each.id, each.summary) for each in failed])
    waiting = list(undecided(result, reads=snapshot.reads))
    if waiting:
        named = [each.id for each in waiting[:_MOST_NAMED]]
        yield f"undecided: {', '.join(named)}" + (" and others" if len(waiting) > _MOST_NAMED else "")


def _named(each: Sequence[tuple[str, str]]) -> str:
    named = "; ".join(f"{name} ({text})" for name, text in each[:_TOLD])
    return named if len(each) <= _TOLD else f"{named}; and {len(each) - _TOLD} more"


def _is_unheard(snapshot: Snapshot) -> bool:
    """Tell whether there is a device under test that was not heard, in a session that has hardly begun."""
    result = snapshot.result
    young = snapshot.now_us - snapshot.since_us < _UNHEARD_US
    is_sought = any(row.device is not None for row in snapshot.rows)
    return young and is_sought and result is not None and not any(each.matched for each in result.devices)


def _row_verdict(row: Row, snapshot: Snapshot) -> tuple[str, Verdict | None]:
    """Return what is said of a phone: of the only device under test the worse of both axes, else what failed."""
    result = snapshot.result
    if result is None or row.device is None or _is_unheard(snapshot):
        return ("", None)
    if len(result.devices) > 1:
        failed = any(each.device == row.label and each.verdict is Verdict.FAIL for each in result.findings)
        return (verdict_text(Verdict.FAIL), Verdict.FAIL) if failed else ("", None)
    found = {result.axis(axis).verdict for axis in Axis}
    worst = next(
        (each for each in (Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.PASS) if each in found),
        Verdict.NOT_OBSERVABLE,
    )
    return verdict_text(worst), worst


def verdict_text(verdict: Verdict) -> str:
    """Return a verdict as it is shown."""
    return verdict.value.replace("_", " ").upper()


def _countdown(left_ms: int) -> str:
    minutes, seconds = divmod(max(0, left_ms) // _MS, 60)
    return f"{minutes}:{seconds:02d}"


def _instant(now_us: int) -> str:
    return instant_text(now_us // _MS)[:19] + "+00:00"
