"""The schemas of vectors, questions, answers and messages: sound, strict, and obeyed."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from importlib.resources import files
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from bluezone_vectors.pack import Pack

PACKAGE = files("bluezone_vectors")
Errors = Callable[[str, object], list[str]]


def test_each_schema_is_one(schemas: dict[str, dict[str, Any]]) -> None:
    assert set(schemas) == {"flags", "manifest", "messages", "operations", "vectors"}
    for schema in schemas.values():
        Draft202012Validator.check_schema(schema)
        assert schema["$comment"].startswith("CC0-1.0")


def test_every_file_of_the_pack_obeys_its_schema(errors_of: Errors) -> None:
    names = sorted(file.name for file in (PACKAGE / "pack").iterdir())
    assert len(names) == 14
    for name in names:
        content = json.loads((PACKAGE / "pack" / name).read_text("utf-8"))
        assert f"{content['operation']}.json" == name
        assert errors_of("vectors", content) == [], name
    for name in ("MANIFEST", "flags"):
        assert errors_of(name.lower(), json.loads((PACKAGE / f"{name}.json").read_text("utf-8"))) == []


def objects_of(schema: object) -> list[dict[str, Any]]:
    """Return every object schema within a schema."""
    found: list[dict[str, Any]] = []
    if isinstance(schema, dict):
        if "properties" in schema and schema.get("type") == "object":
            found.append(schema)
        for part in schema.values():
            found += objects_of(part)
    elif isinstance(schema, list):
        for part in schema:
            found += objects_of(part)
    return found


def test_every_object_forbids_what_is_unknown(schemas: dict[str, dict[str, Any]]) -> None:
    count = 0
    for name, schema in schemas.items():
        for each in objects_of(schema):
            assert each["additionalProperties"] is False, (name, list(each["properties"]))
            count += 1
    assert count > 60


@pytest.fixture(scope="module")
def first_file() -> dict[str, Any]:
    content: dict[str, Any] = json.loads((PACKAGE / "pack" / "id_at.json").read_text("utf-8"))
    return content


@pytest.mark.parametrize(
    ("where", "value"),
    [
        (("surprise",), 1),
        (("vectors", 0, "surprise"), 1),
        (("vectors", 0, "id"), "With Blanks"),
        (("vectors", 0, "requirements"), []),
        (("vectors", 0, "level"), "REPORT"),
        (("vectors", 0, "profile"), "v4"),
        (("vectors", 0, "in", "surprise"), 1),
        (("vectors", 0, "in", "base_day_ms"), 1),
        (("vectors", 0, "in", "base_id"), "ABCD"),
        (("vectors", 0, "expect"), {}),
        (("vectors", 0, "expect"), {"ok": {}, "reject": "BAD_MAX"}),
        (("vectors", 0, "expect", "ok", "id"), "short"),
        (("vectors", 0, "expect", "ok", "surprise"), 1),
        (("vectors", 0, "evidence"), "paper"),
        (("vectors", 0, "since"), "1.0"),
        (("operation",), "guess_ids"),
    ],
)
def test_a_planted_mistake_breaks_the_schema(
    first_file: dict[str, Any], errors_of: Errors, where: tuple[str | int, ...], value: object
) -> None:
    content = copy.deepcopy(first_file)
    place: Any = content
    for step in where[:-1]:
        place = place[step]
    place[where[-1]] = value
    assert errors_of("vectors", first_file) == []
    assert errors_of("vectors", content) != []


def test_every_vector_is_a_message_and_its_answer(pack: Pack, errors_of: Errors) -> None:
    for vector in pack.vectors[::7]:
        question = {"op": vector.operation, "seq": 3, "in": vector.question}
        assert errors_of("messages", question) == [], vector.id
        if "ok" in vector.expect:
            assert errors_of("messages#ok", {"seq": 3, "ok": vector.expect["ok"]}) == [], vector.id
            assert errors_of(f"operations#{vector.operation}_ok", vector.expect["ok"]) == [], vector.id


@pytest.mark.parametrize(
    "message",
    [
        {"op": "hello", "seq": 1, "in": {"protocol": 1}},
        {"op": "bye", "seq": 6},
        {"seq": 1, "reject": {"code": "BAD_MAX", "message": "no"}},
        {"seq": 1, "unsupported": {}},
        {"seq": 1, "error": {"message": "IndexOutOfBounds: 7"}},
        {"op": "guess_ids", "seq": 2, "in": {}},
    ],
)
def test_other_messages(errors_of: Errors, message: dict[str, object]) -> None:
    assert errors_of("messages", message) == []
    assert errors_of("messages", {**message, "surprise": 1}) != []


@pytest.mark.parametrize(
    "message",
    [
        {"seq": 1},
        {"seq": -1, "unsupported": {}},
        {"seq": 1, "reject": {}},
        {"seq": 1, "reject": {"code": "bad max"}},
        {"seq": 1, "error": {}},
        {"op": "id_at", "seq": 2, "in": {"base_id": "00"}},
        {"op": "hello", "seq": 1, "in": {"protocol": 2}},
    ],
)
def test_a_broken_message_is_none(errors_of: Errors, message: dict[str, object]) -> None:
    assert errors_of("messages", message) != []


def test_the_page_names_every_operation_and_every_code(
    pack: Pack, schemas: dict[str, dict[str, Any]]
) -> None:
    page = (PACKAGE / "OPERATIONS.md").read_text("utf-8")
    for operation in schemas["vectors"]["properties"]["operation"]["enum"]:
        section = page.split(f"### {operation}\n")[1].split("\n#")[0]
        codes = {
            str(vector.expect["reject"])
            for vector in pack.vectors
            if vector.operation == operation and vector.is_negative
        }
        if "as derive_ids" in section:
            section += page.split("### derive_ids\n")[1].split("\n#")[0]
        assert [code for code in sorted(codes) if code not in section] == [], operation
