"""Values stay as they were made: the dataclasses of the reference and of the checks are frozen and slotted."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import pkgutil
from collections.abc import Iterator

import pytest

import bluezone_harness.checks
import bluezone_reference

BUILT_UP = {  # they grow while something is read, and are no values
    "bluezone_harness.checks.gatt_sessions._Open",
    "bluezone_harness.checks.heard._Run",
    "bluezone_harness.checks.id_windows._Part",
}


def values() -> Iterator[type]:
    """Yield the dataclasses of the reference and of the checks."""
    for package in (bluezone_reference, bluezone_harness.checks):
        for found in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            module = importlib.import_module(found.name)
            for _, value in inspect.getmembers(module, inspect.isclass):
                if value.__module__ == found.name and dataclasses.is_dataclass(value):
                    yield value


def changeable(value: type) -> bool:
    """Say whether an object of a dataclass can be given another value or another attribute."""
    parameters = value.__dataclass_params__  # type: ignore[attr-defined]  # every dataclass has them
    return not parameters.frozen or "__slots__" not in vars(value)


def test_every_value_is_frozen_and_slotted() -> None:
    found = list(values())
    assert len(found) > 40
    assert {f"{value.__module__}.{value.__qualname__}" for value in found if changeable(value)} == BUILT_UP
    assert [value.__qualname__ for value in found if "__slots__" not in vars(value)] == []


@pytest.mark.parametrize(("frozen", "slots"), [(False, True), (True, False), (False, False)])
def test_a_planted_one_is_seen(frozen: bool, slots: bool) -> None:
    made = dataclasses.make_dataclass("Made", ["part"], frozen=frozen, slots=slots)
    assert changeable(made)
