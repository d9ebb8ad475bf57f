"""The machine of ``tox -e bluez``, as far as it can be held without it: what it is made of, its cache, how it ends."""

from __future__ import annotations

import importlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the machine runs on Linux")
SCRIPTS = ("image", "machine", "run")
LISTED = """\
http://deb.example/debian/|bookworm|main
http://deb.example/debian/|bookworm|contrib
http://deb.example/debian/|bookworm-updates|main
http://deb.example/debian-security/|bookworm-security|main
http://deb.example/debian/|bookworm|main
https://other.example/apt|stable|main
https://other.example/apt|bookworm-pgdg|main
"""


@pytest.fixture(scope="module")
def scripts(repository: Path) -> Iterator[dict[str, ModuleType]]:
    """Yield the scripts, imported as they import one another."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(repository / ".ci" / "bluez")
        yield {name: importlib.import_module(name) for name in SCRIPTS}
    for name in SCRIPTS:
        del sys.modules[name]


@pytest.fixture
def image(scripts: dict[str, ModuleType], monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return the script that builds, where building takes no time and no root."""
    module = scripts["image"]

    def build(folder: Path, wanted: object) -> dict[str, str]:
        for name in module.FILES:
            (folder / name).write_text(f"{name} of {wanted}", "utf-8")
        return {"bluez": "5.66"}

    monkeypatch.setattr(module, "_build", build)
    monkeypatch.setattr(module, "missing_to_build", lambda: "")
    return module


def recipe(module: ModuleType, **changed: object) -> object:
    """Return what an image is made of, with something else in its place."""
    parts = {"suite": "bookworm", "archives": ("deb a b c",), "requirements": ("x",), "constraints": "x==1"}
    return module.Recipe(**(parts | changed))


def test_each_part_of_the_recipe_changes_the_key(image: ModuleType) -> None:
    changes: list[dict[str, object]] = [
        {},
        {"suite": "trixie"},
        {"archives": ("deb a b d",)},
        {"requirements": ("x", "y")},
        {"constraints": "x==2"},
    ]
    keys = {recipe(image, **each).key for each in changes}  # type: ignore[attr-defined] # of a script
    assert len(keys) == len(changes)
    assert recipe(image).key == recipe(image).key  # type: ignore[attr-defined] # likewise


def test_only_debians_own_archives_are_taken(scripts: dict[str, ModuleType]) -> None:
    assert scripts["image"].archives_of(LISTED, "bookworm") == (
        "deb http://deb.example/debian/ bookworm main",
        "deb http://deb.example/debian/ bookworm-updates main",
        "deb http://deb.example/debian-security/ bookworm-security main",
    )


def test_pip_is_asked_for_what_the_project_needs(scripts: dict[str, ModuleType]) -> None:
    names = {each.partition(">")[0].partition("=")[0] for each in scripts["image"].requirements()}
    assert names == {"bleak", "bumble", "click", "construct", "markdown-it-py", "pytest", "rich", "scapy"}


@pytest.mark.parametrize(
    ("environment", "folder"),
    [
        ({"BZC_BLUEZ_CACHE": "/kept", "XDG_CACHE_HOME": "/caches"}, "/kept"),
        ({"XDG_CACHE_HOME": "/caches"}, "/caches/bluezone-conformance/bluez"),
        (
            {"XDG_CACHE_HOME": "relative, which the standard forbids"},
            "{home}/.cache/bluezone-conformance/bluez",
        ),
        ({}, "{home}/.cache/bluezone-conformance/bluez"),
    ],
)
def test_images_are_kept_outside_the_repository(
    scripts: dict[str, ModuleType], environment: dict[str, str], folder: str
) -> None:
    assert scripts["image"].cache_folder(environment) == Path(folder.format(home=Path.home()))


def test_an_image_is_built_once(image: ModuleType, tmp_path: Path) -> None:
    first = image.image(tmp_path / "kept", recipe(image))
    again = image.image(tmp_path / "kept", recipe(image))
    assert (first.is_new, again.is_new) == (True, False)
    assert first.folder == again.folder
    assert again.packages == {"bluez": "5.66"}


def test_an_image_of_another_recipe_gives_way(image: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    old = image.image(tmp_path, recipe(image))
    new = image.image(tmp_path, recipe(image, suite="trixie"))
    assert not old.folder.exists()
    assert sorted(each.name for each in tmp_path.iterdir()) == sorted(["lock", "notes", new.folder.name])


@pytest.mark.parametrize("damage", ["root.ext4", "kernel", "initramfs", "contents.json"])
@pytest.mark.parametrize("how", ["changed", "emptied", "removed"])
def test_a_damaged_image_is_built_anew(image: ModuleType, tmp_path: Path, damage: str, how: str) -> None:
    file = image.image(tmp_path, recipe(image)).folder / damage
    if how == "changed":
        file.write_bytes(file.read_bytes().replace(b"o", b"0"))
    elif how == "emptied":
        file.write_bytes(b"")
    else:
        file.unlink()
    assert image.image(tmp_path, recipe(image)).is_new
    assert not image.image(tmp_path, recipe(image)).is_new


def test_an_image_that_fails_leaves_nothing(
    image: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(folder: Path, wanted: object) -> dict[str, str]:
        (folder / "kernel").write_text("half", "utf-8")
        raise image.UnbuiltError("no archive answers")

    monkeypatch.setattr(image, "_build", fail)
    with pytest.raises(image.UnbuiltError, match="no archive answers"):
        image.image(tmp_path, recipe(image))
    assert [each.name for each in tmp_path.iterdir()] == ["lock"]


def test_a_half_built_image_is_cleared_away(image: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "new-killed").mkdir()
    (tmp_path / "new-killed" / "kernel").touch()
    found = image.image(tmp_path, recipe(image))
    assert sorted(each.name for each in tmp_path.iterdir()) == sorted(["lock", found.folder.name])


@pytest.mark.parametrize(("ci", "code"), [("", 0), ("false", 0), ("true", 1), ("TRUE", 1)])
def test_without_qemu_it_says_so(
    scripts: dict[str, ModuleType],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    ci: str,
    code: int,
) -> None:
    monkeypatch.setattr(scripts["image"], "PATH", "/nowhere")
    assert scripts["run"].main([], {"CI": ci}) == code
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.splitlines() == [
        f"bluez: {'under CI=true nothing may be missing' if code else 'skipped'}: "
        "there is no qemu-system-x86_64: install Debian's package qemu-system-x86"
    ]


def test_without_root_it_says_so(
    scripts: dict[str, ModuleType],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    image, run = scripts["image"], scripts["run"]
    monkeypatch.setattr(scripts["machine"], "missing_to_run", lambda: "")
    monkeypatch.setattr(image, "recipe", lambda: recipe(image))
    monkeypatch.setattr(image.shutil, "which", lambda name, path=None: name)
    monkeypatch.setattr(image.platform, "machine", lambda: image.MACHINE)
    monkeypatch.setattr(image, "_release", lambda: {"ID": "debian"})
    monkeypatch.setattr(image, "PYTHON", Path(sys.executable))
    monkeypatch.setattr(image.os, "geteuid", lambda: 1000)
    assert run.main([], {"BZC_BLUEZ_CACHE": str(tmp_path)}) == 0
    assert "to build the machine takes root, once" in capsys.readouterr().err


def test_arguments_are_pytests(scripts: dict[str, ModuleType]) -> None:
    arguments = scripts["run"].pytest_arguments
    assert arguments([])[-1] == "tests/bluez"
    assert arguments(["-k", "rotation"])[-3:] == ["-k", "rotation", "tests/bluez"]
    assert arguments(["tests/bluez/test_adapter.py::test_it", "-x"])[-2:] == [
        "tests/bluez/test_adapter.py::test_it",
        "-x",
    ]


def test_the_machine_has_no_network_and_no_kvm_and_writes_nothing_but_results(
    scripts: dict[str, ModuleType],
) -> None:
    words = scripts["machine"].command(Path("/kept/key"), Path("/made/a,b.ext4"), Path("/results"))
    assert words[words.index("-accel") + 1].startswith("tcg,")
    assert "-nodefaults" in words
    assert not [word for word in words if "net" in word or "kvm" in word]
    drives = [word for word in words if word.startswith("file=")]
    assert [word.partition(",format")[0] for word in drives] == [
        "file=/kept/key/root.ext4",
        "file=/made/a,,b.ext4",
    ]
    assert all(word.endswith(",readonly=on") for word in drives)


def test_lines_come_as_they_are_said(scripts: dict[str, ModuleType]) -> None:
    told: list[tuple[str, float]] = []
    code = "import time; print('one\\r', flush=True); time.sleep(0.4); print('two', end='', flush=True)"
    scripts["machine"].run(
        [sys.executable, "-c", code], 30, lambda line: told.append((line, time.monotonic()))
    )
    assert [line for line, _ in told] == ["one", "two"]
    assert told[1][1] - told[0][1] > 0.2


def test_a_late_machine_is_killed(scripts: dict[str, ModuleType], tmp_path: Path) -> None:
    machine = scripts["machine"]
    told: list[str] = []
    pid = str(tmp_path / "pid")
    code = (
        f"import os, pathlib, time; pathlib.Path({pid!r}).write_text(str(os.getpid())); "
        "print('up', flush=True); time.sleep(600)"
    )
    with pytest.raises(machine.StoppedError, match="did not end within 2 s, and was killed"):
        machine.run([sys.executable, "-c", code], 2, told.append)
    assert told == ["up"]
    assert not is_alive(int((tmp_path / "pid").read_text("utf-8")))


def test_a_machine_that_fails_says_why(scripts: dict[str, ModuleType]) -> None:
    machine = scripts["machine"]
    with pytest.raises(machine.StoppedError, match="exit code 3: no such disk"):
        machine.run(
            [sys.executable, "-c", "print('no such disk'); raise SystemExit(3)"], 30, lambda line: None
        )


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_who_ends_the_run_ends_the_machine(repository: Path, tmp_path: Path, how: signal.Signals) -> None:
    """A stand-in for QEMU: what counts is that it is gone."""
    pid = tmp_path / "pid"
    child = (
        f"import os, pathlib, time; pathlib.Path({str(pid)!r}).write_text(str(os.getpid())); time.sleep(600)"
    )
    parent = (
        f"import signal, sys; sys.path.insert(0, {str(repository / '.ci' / 'bluez')!r}); import machine, run; "
        "signal.signal(signal.SIGTERM, run._end); "
        f"machine.run([sys.executable, '-c', {child!r}], 600, print)"
    )
    process = subprocess.Popen([sys.executable, "-c", parent], stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 30
        while not pid.exists() or not pid.read_text("utf-8"):
            assert time.monotonic() < until
            time.sleep(0.02)
        process.send_signal(how)
        assert process.wait(30) != 0
        while is_alive(int(pid.read_text("utf-8"))):
            assert time.monotonic() < until
            time.sleep(0.02)
    finally:
        process.kill()
        process.wait()


def is_alive(pid: int) -> bool:
    """Tell whether a process runs; one that nobody has waited for yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_times_are_told_in_order(scripts: dict[str, ModuleType]) -> None:
    junit = (
        '<testsuites><testsuite><testcase classname="tests.bluez.test_x" name="test_it" time="4.25"/>'
        "</testsuite></testsuites>"
    )
    lines = scripts["run"].table("kernel and disks 2.5\ntests 12.0\n", junit, {"image built": 36.0})
    assert lines == [
        "bluez:    36.0 s  image built",
        "bluez:     2.5 s  kernel and disks",
        "bluez:     9.5 s  tests",
        "bluez:     4.2 s    test_x::test_it",
    ]


def test_what_runs_in_the_machine_is_collected_there_alone(repository: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:xdist", "tests/bluez"],
        cwd=repository,
        env={name: value for name, value in os.environ.items() if name != "BZC_BLUEZ_MACHINE"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "no tests collected" in done.stdout
