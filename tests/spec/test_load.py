"""Loading: the files of a package, read once."""

from __future__ import annotations

from pathlib import Path

import pytest

import bluezone_spec
from bluezone_spec import SpecificationError
from bluezone_spec.model import Specification


@pytest.fixture
def package(
    tmp_path: Path, chapters: dict[str, str], profiles: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> Path:
    """The tiny specification as files, in the place of the package's own."""
    for directory, texts in (("chapters", chapters), ("profiles", profiles)):
        (tmp_path / directory).mkdir()
        for file, text in texts.items():
            (tmp_path / directory / file).write_text(text, encoding="utf-8")
    monkeypatch.setattr(bluezone_spec, "files", {"bluezone_spec": tmp_path}.__getitem__)
    return tmp_path


def test_reads_all_files_but_hidden_ones(package: Path, tiny: Specification) -> None:
    (package / "chapters" / ".01-overview.md.swp").write_bytes(b"\xff")
    assert bluezone_spec.load.__wrapped__() == tiny


def test_refuses_any_other_file(package: Path) -> None:
    (package / "chapters" / "notes.md").write_text("# Notes\n")
    with pytest.raises(SpecificationError, match="unexpected file name") as caught:
        bluezone_spec.load.__wrapped__()
    assert (caught.value.file, caught.value.line) == ("notes.md", 1)


def test_refuses_what_is_not_utf8(package: Path) -> None:
    (package / "profiles" / "v1.toml").write_bytes(b'name = "v1"\ntitle = "\xe9"\n')
    with pytest.raises(SpecificationError, match="not UTF-8") as caught:
        bluezone_spec.load.__wrapped__()
    assert (caught.value.file, caught.value.line) == ("v1.toml", 2)


def test_reads_once() -> None:
    assert bluezone_spec.load() is bluezone_spec.load()
