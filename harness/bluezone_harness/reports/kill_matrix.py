"""The kill matrix of the self-test: as text, as Markdown, and as what JSON can hold.

Markdown is the page that the project keeps: it holds no time and no machine, so that the same faults and checks give
the same octets.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from bluezone_harness.selftest.kills import Cell, Matrix, Part, Row, Spare, Trial

_FEW = 8
"""Requirements that are named; JSON names all."""
SCHEMA = 1
"""Version of the form that a matrix written as JSON has."""
_TITLES = {
    Part.VECTORS: "Faulty implementations against the vectors",
    Part.CAPTURES: "Faulty phones against the checks of captures",
    Part.LOGS: "Faulty contact logs against the checks of logs",
    Part.APPS: "Faulty receivers against the record of what they were played",
}


def matrix_value(matrix: Matrix) -> dict[str, object]:
    """Return a matrix as JSON can hold it."""
    return {
        "schema": SCHEMA,
        "holds": matrix.holds,
        "seeds": list(matrix.seeds),
        "tried": dict(matrix.tried),
        "requirements": list(matrix.requirements),
        "faults": [_row_value(each) for each in matrix.rows],
        "controls": [_trial_value(each) for each in matrix.controls],
        "spares": [
            {"part": str(each.part), "name": each.name, "finds": each.finds, "reason": each.reason}
            for each in matrix.spares
        ],
    }


def matrix_lines(matrix: Matrix) -> Iterator[str]:
    """Yield the lines of a matrix for people; a fault is a line, with what it failed."""
    names = max((len(each.planted.name) for each in matrix.rows), default=0)
    for part in Part:
        rows = [each for each in matrix.rows if each.planted.part is part]
        controls = [each for each in matrix.controls if each.part is part]
        if not rows and not controls:
            continue
        yield _TITLES[part]
        for control in controls:
            said = "nothing fails" if control.holds else "FALSE ALARM: " + ", ".join(sorted(control.failed))
            yield f"  control  {control.given}: {said}"
        for row in rows:
            yield _row_line(row, names)
        killed = sum(each.found is Cell.KILLED for each in rows)
        yield f"  {killed} of {len(rows)} killed"
        yield ""
    yield from _spare_lines(matrix)
    yield conclusion(matrix)


def matrix_markdown(matrix: Matrix) -> str:
    """Return a matrix as Markdown, to be written as UTF-8."""
    return "\n\n".join(_blocks(matrix)) + "\n"


def _blocks(matrix: Matrix) -> Iterator[str]:
    yield "# The kill matrix"
    yield f"What `bzc selftest --seed {matrix.seeds[0]}` finds. {conclusion(matrix)}." if matrix.seeds else ""
    for part in Part:
        rows = [each for each in matrix.rows if each.planted.part is part]
        if rows:
            yield f"## {_TITLES[part]}"
            yield _table(("fault", "what it does", "breaks", "found", "fails besides"), map(_cells, rows))
    if matrix.controls:
        yield "## Without a fault"
        yield _table(
            ("what is tried", "fails"),
            (
                (f"{each.part}: {each.given}", ", ".join(sorted(each.failed)) or "nothing")
                for each in matrix.controls
            ),
        )
    checks, idle = _checks(matrix), _idle(matrix)
    if checks:
        yield "## Checks that kill nothing alone"
        yield _table(
            ("check", "why it is there"), ((each.name, each.reason or "NO REASON") for each in checks)
        )
    if idle:
        yield "## Vectors that find nothing, or are asked of the reference alone"
        yield _table(
            ("vector", "why it is there"), ((f"`{each.name}`", each.reason or "NO REASON") for each in idle)
        )


def _cells(row: Row) -> tuple[str, ...]:
    planted = row.planted
    name = f"`{planted.name}`" + (f" {planted.fault}" if planted.fault else "")
    return name, planted.text, planted.requirement, str(row.found), _few(_besides(row))


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def conclusion(matrix: Matrix) -> str:
    """Say in a line what was found."""
    killed, shown = len(matrix.of(Cell.KILLED)), len(matrix.of(Cell.SHOWN))
    cells = sum(len(_besides(row)) for row in matrix.rows)
    alarms = sum(not each.holds for each in matrix.controls)
    return (
        f"{killed} of {len(matrix.rows)} faults killed, each under the requirement that it breaks; "
        f"{shown} shown by vectors of level MAY alone; {len(matrix.missed)} missed; "
        f"{cells} collateral, not counted; "
        f"{alarms} false alarm{'' if alarms == 1 else 's'} in {len(matrix.controls)} controls"
    )


def _few(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_FEW])
    return f"{shown} and {len(names) - _FEW} more" if len(names) > _FEW else shown


def _besides(row: Row) -> list[str]:
    return [name for name, cell in row.cells.items() if cell is Cell.COLLATERAL]


def _checks(matrix: Matrix) -> list[Spare]:
    return [each for each in matrix.spares if each.part is not Part.VECTORS]


def _idle(matrix: Matrix) -> list[Spare]:
    """Return the vectors that find nothing, and those that are there without a reason."""
    return [each for each in matrix.spares if each.part is Part.VECTORS and not (each.finds and each.reason)]


def _row_line(row: Row, names: int) -> str:
    requirement = row.planted.requirement
    word = str(row.found).upper() if row.found is Cell.MISSED else str(row.found)
    line = f"  {word.ljust(7)}  {requirement}  {row.planted.name.ljust(names)}"
    vectors = {name for trial in row.trials for name in trial.shown_by}
    if vectors:
        line += f"  {len(vectors)} vector{'' if len(vectors) == 1 else 's'}"
    if besides := _besides(row):
        line += f"  collateral: {_few(besides)}"
    if row.found is Cell.SHOWN:
        line += "  by vectors of level MAY, which fail nothing"
    if row.found is Cell.MISSED:
        line += f"  not found: {'; '.join(each.given for each in row.trials if not each.holds)}"
    return line.rstrip()


def _spare_lines(matrix: Matrix) -> Iterator[str]:
    checks, idle = _checks(matrix), _idle(matrix)
    vectors = [each for each in matrix.spares if each.part is Part.VECTORS]
    if checks:
        yield f"{len(checks)} of {matrix.tried['checks']} checks kill nothing alone"
        for each in checks:
            yield f"  {each.name}  {each.reason or 'NO REASON'}"
        yield ""
    if vectors:
        yield f"{len(vectors)} of {matrix.tried['vectors']} vectors kill nothing alone (--json lists them with reasons)"
        yield f"{len(idle)} of them find nothing, or are asked of the reference alone:"
        for each in idle:
            yield f"  {each.name}  {each.reason or 'NO REASON'}"
        yield ""


def _row_value(row: Row) -> dict[str, object]:
    return {
        "part": str(row.planted.part),
        "name": row.planted.name,
        "requirement": row.planted.requirement,
        "fault": row.planted.fault,
        "text": row.planted.text,
        "found": str(row.found),
        "cells": {name: str(cell) for name, cell in row.cells.items()},
        "trials": [_trial_value(each) for each in row.trials],
    }


def _trial_value(trial: Trial) -> dict[str, object]:
    return {
        "part": str(trial.part),
        "given": trial.given,
        "holds": trial.holds,
        "failed": sorted(trial.failed),
        "shown_by": list(trial.shown_by),
    }
