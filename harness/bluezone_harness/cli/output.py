"""How answers are written: JSON, tables, wrapped text, instants and durations for people."""

from __future__ import annotations

import re
import shutil
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime, timedelta

import click

LINE_LIMIT = 1000
"""Characters of a sentence about an error; what is longer loses its middle."""
GREATEST_WIDTH = 100
"""Columns; longer lines are hard to read."""
LEAST_WIDTH = 40
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_BEGINS_ANEW = re.compile(r"\s*(?:[-*|#]|\d+\. )")
_CYCLE_YEARS = 400
_CYCLE_MS = 146_097 * 86_400_000
"""The calendar repeats after 400 years of 146 097 days."""


def examples(*lines: str) -> str:
    """Return the examples of a command as its help shows them last."""
    return "\n".join(("\b", "Examples:", *(f"  {line}" for line in lines)))


def echo_json(answer: object) -> None:
    """Print one JSON object, ASCII only, in the order of ``answer``."""
    import json

    click.echo(json.dumps(plain(answer), indent=2, ensure_ascii=True))


def plain(value: object) -> object:
    """Return a value as JSON can hold it: dataclasses as objects, octets as hex, sets sorted."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (frozenset, set)):
        return sorted(plain(item) for item in value)  # type: ignore[type-var]  # sets of letters and words only
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value.hex() if isinstance(value, bytes) else value


def printable(text: str) -> str:
    """Return text with all escaped that is no visible character: nothing in it can steer a terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def shown(value: str) -> str:
    """Return a value in quotes for a message, shortened; not for keys."""
    return repr(value if len(value) <= 60 else f"{value[:40]}...")


def one_line(text: str) -> str:
    """Return text as one printable line of at most ``LINE_LIMIT`` characters, or a few more."""
    text = printable(" ".join(text.split(" ")).replace("\r\n", " ").replace("\n", " "))
    if len(text) <= LINE_LIMIT:
        return text
    return f"{text[: LINE_LIMIT // 2]} ... {text[-LINE_LIMIT // 2 :]}"


def time_text(time_ms: int) -> str:
    """Return an instant in ISO 8601, UTC, with offset; years of other than four digits with a sign."""
    cycles = 0
    try:
        moment = _EPOCH + timedelta(milliseconds=time_ms)
    except OverflowError:
        cycles, rest_ms = divmod(time_ms, _CYCLE_MS)
        moment = _EPOCH + timedelta(milliseconds=rest_ms)
    if not cycles:
        return moment.isoformat(timespec="milliseconds")
    return f"{moment.year + cycles * _CYCLE_YEARS:+06d}{moment.isoformat(timespec='milliseconds')[4:]}"


def duration_text(duration_ms: int) -> str:
    """Return a duration with its unit: seconds where they are whole."""
    seconds, rest_ms = divmod(duration_ms, 1000)
    return f"{duration_ms} ms" if rest_ms else f"{seconds} s"


def width() -> int:
    """Return the columns to wrap text at."""
    return max(LEAST_WIDTH, min(GREATEST_WIDTH, shutil.get_terminal_size((80, 24)).columns))


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return rows below their header in aligned columns, two spaces between."""
    columns = zip(header, *rows, strict=True)
    widths = [max(map(len, column)) for column in columns]
    lines = (
        "  ".join(cell.ljust(size) for cell, size in zip(row, widths, strict=True)) for row in (header, *rows)
    )
    return "\n".join(line.rstrip() for line in lines)


def wrapped(markdown: str, indent: str = "") -> str:
    """Return Markdown wrapped to the terminal: paragraphs and list items, not tables and code."""
    return "\n".join(_wrapped_line(line, indent) for line in _logical_lines(markdown))


def labelled(label: str, text: str) -> str:
    """Return text wrapped beside its label, in a hanging column."""
    filled = textwrap.fill(
        text,
        width(),
        initial_indent=label,
        subsequent_indent=" " * len(label),
        break_long_words=False,
        break_on_hyphens=False,
    )
    return filled or label


def _logical_lines(markdown: str) -> list[str]:
    """Join the lines of each paragraph and list item into one."""
    lines: list[str] = []
    fenced = False
    for line in markdown.splitlines():
        fence = line.lstrip().startswith("```")
        begins_anew = (
            not lines
            or not lines[-1]
            or not line.strip()
            or fenced
            or fence
            or lines[-1].lstrip().startswith(("|", "```", "#"))
            or lines[-1].startswith("    ")
            or _BEGINS_ANEW.match(line)
        )
        fenced ^= fence
        if begins_anew:
            lines.append(line.rstrip())
        else:
            lines[-1] += f" {line.strip()}"
    return lines


def _wrapped_line(line: str, indent: str) -> str:
    body = line.lstrip()
    lead = line[: len(line) - len(body)]
    if not body or body.startswith(("|", "```", "#")) or len(lead) > 3:
        return f"{indent}{line}".rstrip()
    hanging = "  " if body.startswith(("- ", "* ")) else ""
    return textwrap.fill(
        body,
        width(),
        initial_indent=indent + lead,
        subsequent_indent=indent + lead + hanging,
        break_long_words=False,
        break_on_hyphens=False,
    )
