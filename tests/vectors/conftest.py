"""What the tests of the vectors share: the pack as it comes, its schemas, and the specification."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.resources import files
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

import bluezone_spec
from bluezone_spec.model import Level, Specification
from bluezone_vectors.pack import Pack, load

PACKAGE = files("bluezone_vectors")


@pytest.fixture(scope="session")
def pack() -> Pack:
    return load()


@pytest.fixture(scope="session")
def specification() -> Specification:
    return bluezone_spec.load()


@pytest.fixture(scope="session")
def levels(specification: Specification) -> dict[str, str]:
    """Return each requirement with its level."""
    return {name: str(requirement.level) for name, requirement in specification.requirements.items()}


@pytest.fixture(scope="session")
def shown(specification: Specification) -> frozenset[str]:
    """Return the MUSTs that vectors show: those with the letter V."""
    return frozenset(
        name
        for name, requirement in specification.requirements.items()
        if requirement.level is Level.MUST and any("V" in letters for letters in requirement.verified_by)
    )


@pytest.fixture(scope="session")
def schemas() -> dict[str, dict[str, Any]]:
    """Return each schema of the package by its short name."""
    return {
        file.name.removesuffix(".schema.json"): json.loads(file.read_text("utf-8"))
        for file in (PACKAGE / "schemas").iterdir()
        if file.name.endswith(".schema.json")
    }


@pytest.fixture(scope="session")
def errors_of(schemas: dict[str, dict[str, Any]]) -> Callable[[str, object], list[str]]:
    """Return a function from a schema's name (or a part of one) and a value to what is wrong with the value."""
    registry: Registry[Any] = Registry().with_resources(
        [(schema["$id"], Resource.from_contents(schema)) for schema in schemas.values()]
    )

    def errors(name: str, value: object) -> list[str]:
        name, _, part = name.partition("#")
        schema = schemas[name]
        if part:
            schema = {"$ref": f"{schema['$id']}#/$defs/{part}"}
        found = Draft202012Validator(schema, registry=registry).iter_errors(value)
        return [f"{list(error.absolute_path)}: {error.message}" for error in found]

    return errors
