"""The pack as it is read: complete, verified, and refused in one sentence where it was changed."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from hashlib import sha256
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import pytest

from bluezone_vectors import known_published_day_keys, known_rolling_ids
from bluezone_vectors.pack import Pack, PackError, load, read_pack, suite_digest

PACKAGE = files("bluezone_vectors")


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """Return a copy of the pack that may be changed."""
    with as_file(PACKAGE) as folder:
        for name in ("MANIFEST.json", "flags.json", "OPERATIONS.md"):
            shutil.copy(folder / name, tmp_path)
        for name in ("pack", "schemas"):
            shutil.copytree(folder / name, tmp_path / name)
    return tmp_path


def test_the_pack_is_large_and_of_every_kind(pack: Pack) -> None:
    assert pack.version == "1.0.0"
    assert len(pack.vectors) >= 400
    operations = Counter(vector.operation for vector in pack.vectors)
    assert len(operations) == 14
    assert min(operations.values()) >= 4
    assert {vector.profile for vector in pack.vectors} == {"v3", "android-v3", "ios-v3", "v2", "v1"}
    assert {vector.evidence for vector in pack.vectors} == {
        *("captured", "executed", "source", "standard", "inferred")
    }
    assert load() is pack


def test_a_copy_is_read_alike(copied: Path, pack: Pack) -> None:
    assert read_pack(copied) == pack


def test_vectors_are_values(pack: Pack) -> None:
    vector = pack.vectors[0]
    assert vector.requirements
    assert isinstance(vector.requirements, tuple)
    assert isinstance(vector.kills, tuple)
    with pytest.raises(AttributeError):
        vector.id = "other"  # type: ignore[misc]  # the mistake that is tried
    assert {vector.is_negative for vector in pack.vectors} == {True, False}


@pytest.mark.req("BZ-KEY-004", "BZ-KEY-005", "BZ-KEY-006", "BZ-MSG-004")
def test_every_known_answer_is_in_the_pack(pack: Pack) -> None:
    ids = {
        (vector.question["base_id"], vector.question["day"], slot): found
        for vector in pack.vectors
        if vector.operation == "derive_ids" and vector.evidence in ("captured", "executed")
        if isinstance(vector.expect.get("ok"), dict)
        for slot, found in zip(
            _list(vector.question["slots"]), _list(_dict(vector.expect["ok"])["ids"]), strict=True
        )
    }
    for known in known_rolling_ids():
        assert ids[known.base_id.hex(), known.day, known.slot] == known.rolling_id.hex(), known.id
    keys = {
        (vector.question["base_id"], vector.question["now_ms"]): vector.expect["ok"]
        for vector in pack.vectors
        if vector.operation == "published_key" and vector.evidence == "executed"
    }
    assert len(keys) == len(known_published_day_keys()) == 12
    for key in known_published_day_keys():
        found = _dict(keys[key.base_id.hex(), key.now_ms])
        assert (found["day_key"], found["time_start_ms"]) == (key.day_key.hex(), key.time_start_ms)


def _list(value: object) -> list[Any]:
    assert isinstance(value, list)
    return value


def _dict(value: object) -> dict[str, Any]:
    assert isinstance(value, dict)
    return value


def test_the_digest_is_over_all_files() -> None:
    manifest = json.loads((PACKAGE / "MANIFEST.json").read_text("utf-8"))
    lines = "".join(f"{file['sha256']}  {file['path']}\n" for file in manifest["files"])
    assert manifest["digest"] == sha256(lines.encode()).hexdigest()
    assert suite_digest([("a", "0"), ("b", "1")]) != suite_digest([("b", "1"), ("a", "0")])


def rewrite(folder: Path, name: str, change: dict[str, object]) -> None:
    """Change members of the manifest."""
    content = json.loads((folder / name).read_text("utf-8"))
    (folder / name).write_text(json.dumps({**content, **change}), "utf-8")


@pytest.mark.parametrize(
    "name", ["pack/match.json", "flags.json", "OPERATIONS.md", "schemas/messages.schema.json"]
)
def test_a_changed_file_is_refused(copied: Path, name: str) -> None:
    (copied / name).write_bytes((copied / name).read_bytes() + b"\n")
    with pytest.raises(PackError, match="its SHA-256 is another"):
        read_pack(copied)


def test_a_missing_file_is_refused(copied: Path) -> None:
    (copied / "pack" / "match.json").unlink()
    with pytest.raises(PackError, match=r"no file pack/match\.json"):
        read_pack(copied)


def test_no_pack_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PackError, match=r"no file MANIFEST\.json"):
        read_pack(tmp_path)


@pytest.mark.parametrize("text", ["{", "[]", '{"schema": 2}', "[" * 100_000])
def test_another_manifest_is_refused(copied: Path, text: str) -> None:
    (copied / "MANIFEST.json").write_text(text, "utf-8")
    with pytest.raises(PackError, match=r"MANIFEST\.json is"):
        read_pack(copied)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"digest": "0" * 64}, "the digest of the suite"),
        ({"vectors": 7}, "its manifest names 7"),
        ({"tombstones": [{"id": "x"}]}, "not of its form"),
        ({"operations": [{"operation": "guess_ids"}]}, "not of its form"),
        ({"files": 7}, "not of its form"),
    ],
)
def test_a_manifest_that_does_not_fit_is_refused(copied: Path, change: dict[str, object], said: str) -> None:
    rewrite(copied, "MANIFEST.json", change)
    with pytest.raises(PackError, match=said) as caught:
        read_pack(copied)
    assert "\n" not in str(caught.value)
