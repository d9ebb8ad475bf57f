"""Where the record of a broadcast stands: beside its scenario, unless somebody says otherwise."""

from __future__ import annotations

from pathlib import Path

_ENDING = ".record.jsonl"
"""What the name of a record ends with, in place of the ending of its scenario's name."""


def record_beside(scenario: str) -> Path:
    """Return the path of a scenario's record.

    Args:
        scenario: Path of the scenario. What has no name, such as ``.``, is a folder; whoever reads it says so.
    """
    path = Path(scenario)
    return path.with_suffix(_ENDING) if path.name else path / _ENDING
