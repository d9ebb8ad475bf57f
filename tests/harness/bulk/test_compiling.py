"""Compiled loops are kept between runs where there is a place for it, and whatever is wrong with that is no error."""

from __future__ import annotations

import errno
import subprocess
import sys
import warnings
from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import cast

import pytest

pytest.importorskip("numba")

from bluezone_harness.bulk import compiling

pytestmark = pytest.mark.req("BZ-ADV-001")

MODULE = """
from bluezone_harness.bulk.compiling import compiled

@compiled
def twice(number):
    return {result}
"""


@pytest.fixture(autouse=True)
def _no_bytecode(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let Python not take its own cache for a module that was changed within a second."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)


def load(folder: Path, result: str = "2 * number") -> Callable[[int], int]:
    """Return a compiled function of a module that stands in a folder."""
    path = folder / "loops.py"
    path.write_text(MODULE.format(result=result), encoding="utf-8")
    spec = spec_from_file_location("loops", path)
    assert spec
    assert spec.loader
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return cast(Callable[[int], int], module.twice)


def kept(folder: Path) -> list[Path]:
    return sorted([*folder.rglob("*.nbi"), *folder.rglob("*.nbc")])


def hits(function: Callable[[int], int]) -> int:
    """Return how many times what was kept was taken."""
    return sum(cast("compiling._Part", function).stats.cache_hits.values())


def test_what_was_compiled_is_kept_beside_the_module(tmp_path: Path) -> None:
    assert load(tmp_path)(4) == 8
    assert kept(tmp_path)
    again = load(tmp_path)
    assert again(4) == 8
    assert hits(again) == 1


def test_another_version_of_the_loops_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert load(tmp_path)(4) == 8
    monkeypatch.setattr(compiling, "_STAMP", "of other modules")
    again = load(tmp_path, "3 * number")
    assert again(4) == 12
    assert hits(again) == 0


@pytest.mark.parametrize("octets", [b"", b"\x00" * 100, b"\x80\x05\x95"])
@pytest.mark.parametrize("kind", [".nbi", ".nbc"])
def test_what_is_damaged_is_compiled_anew(tmp_path: Path, kind: str, octets: bytes) -> None:
    assert load(tmp_path)(4) == 8
    for path in kept(tmp_path):
        if path.suffix == kind:
            path.write_bytes(octets)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        again = load(tmp_path)
        assert again(4) == 8
    assert hits(again) == 0


def test_a_full_disk_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(compiling._Index, "_save_data", full)
    assert load(tmp_path)(4) == 8
    assert not list(tmp_path.rglob("*.nbc"))


@pytest.mark.parametrize(
    "error", [RuntimeError("no locator available"), AttributeError("moved"), OSError("no")]
)
def test_no_place_to_keep_it_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def refuse(*_: object) -> None:
        raise error

    monkeypatch.setattr(compiling._Kept, "__init__", refuse)
    assert load(tmp_path)(4) == 8
    assert not kept(tmp_path)


def test_processes_that_compile_at_the_same_time_do_not_disturb_each_other(tmp_path: Path) -> None:
    (tmp_path / "loops.py").write_text(MODULE.format(result="2 * number"), encoding="utf-8")
    command = [
        sys.executable,
        "-W",
        "error::UserWarning",
        "-c",
        "import loops; print(loops.twice(4), loops.twice(0.5))",
    ]
    running = [
        subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    assert [each.communicate() for each in running] == [("8 1.0\n", "")] * 3
    again = load(tmp_path)
    assert again(4) == 8


def test_all_loops_are_kept(tmp_path: Path) -> None:
    from bluezone_harness.bulk import kernels, walking

    loops = [kernels.fold, kernels.forget_intervals, walking.walk, walking.fill_table]
    assert all(isinstance(cast("compiling._Part", each)._cache, compiling._Kept) for each in loops)
