"""Try the project on the genuine BlueZ: in a machine with Debian's kernel and bluetoothd, and virtual phones.

    tox -e bluez                      all tests of tests/bluez
    tox -e bluez -- -k rotation       those that pytest chooses
    python .ci/bluez/run.py [ARGUMENT ...]

ARGUMENTs are pytest's; paths are those below the repository. The machine's image is built once, as root, and kept in
BZC_BLUEZ_CACHE, else below the user's caches; remove that folder to build it anew. What the machine leaves (junit.xml,
btmon's records, bluetoothd's and the kernel's logs) is in a folder that is named at the end, or in BZC_BLUEZ_RESULTS.

Exit code: the tests'; 1 where all took longer than BZC_BLUEZ_SECONDS (470); 0 where there can be no such machine here,
and one line says why, but 1 under CI=true.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.etree import ElementTree

import image
import machine

PACKAGES = ("bluezone_spec", "bluezone_vectors", "bluezone_reference", "bluezone_harness")
TESTS = Path("tests", "bluez")
SECONDS = 470
FAILED = 1
ENDED = 143
_LONGEST = 30.0
"""At least so long the machine is given, whatever building took."""


def program(folder: Path, file: Path, arguments: Sequence[str]) -> None:
    """Make the disk with what is tried: the four packages as this Python has them, and the tests.

    Args:
        folder: An empty one, where the disk's contents are gathered.
        file: The disk.
        arguments: Pytest's.

    Raises:
        UnbuiltError: One of the packages is not installed here.
    """
    ignored = shutil.ignore_patterns("__pycache__")
    for name in PACKAGES:
        found = importlib.util.find_spec(name)
        if found is None or not found.submodule_search_locations:
            raise image.UnbuiltError(f"{name} is not installed for {sys.executable}: run tox -e bluez")
        place = Path(found.submodule_search_locations[0])
        shutil.copytree(place, folder / "packages" / name, ignore=ignored)
    shutil.copytree(image.ROOT / TESTS, folder / "tree" / TESTS, ignore=ignored)
    shutil.copy(image.ROOT / "pyproject.toml", folder / "tree")
    shutil.copy(image.HERE / "init", folder / "init")
    (folder / "init").chmod(0o755)
    (folder / "arguments").write_text("".join(f"{each}\0" for each in pytest_arguments(arguments)), "utf-8")
    image.compile_tree(folder)
    image.file_system(folder, file)


def pytest_arguments(given: Sequence[str]) -> list[str]:
    """Return pytest's arguments in the machine, whose own come first; paths are where the arguments say."""
    own = ["-v", "-rs", "--color=no", "--junit-xml=/results/junit.xml", "-o", "faulthandler_timeout=120"]
    own += ["-o", "junit_family=xunit1"]
    has_path = any(each.partition("::")[0].startswith("tests") for each in given)
    return [*own, *given, *([] if has_path else [TESTS.as_posix()])]


def table(marks: str, junit: str, before: Mapping[str, float]) -> list[str]:
    """Return what took how long, for people.

    Args:
        marks: What the machine wrote of itself: words, and seconds since its kernel began, line by line.
        junit: Pytest's report; empty where there is none.
        before: What was done on this computer, and its seconds.
    """
    rows = list(before.items())
    last = 0.0
    for line in marks.splitlines():
        name, _, seconds = line.rpartition(" ")
        rows.append((name, float(seconds) - last))
        last = float(seconds)
    if junit:
        for case in ElementTree.fromstring(junit).iter("testcase"):  # noqa: S314 - pytest wrote it just now
            module = case.get("classname", "").rpartition(".")[2]
            rows.append((f"  {module}::{case.get('name', '')}", float(case.get("time", "0"))))
    return [f"bluez: {seconds:7.1f} s  {name}" for name, seconds in rows]


def unable(reason: str, environment: Mapping[str, str]) -> int:
    """Say why there is no machine; return the exit code."""
    in_ci = environment.get("CI", "").lower() == "true"
    print(
        f"bluez: {'under CI=true nothing may be missing' if in_ci else 'skipped'}: {reason}", file=sys.stderr
    )
    return FAILED if in_ci else 0


def main(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Build, boot, try and tell; return the exit code."""
    began = time.monotonic()
    if reason := machine.missing_to_run():
        return unable(reason, environment)
    try:
        found = image.image(image.cache_folder(environment), image.recipe())
    except image.UnbuiltError as error:
        return unable(str(error), environment)
    before = {"image built" if found.is_new else "image, from the cache": time.monotonic() - began}
    told = ", ".join(
        f"{each} {found.packages.get(each, '?')}" for each in ("linux", "bluez", "dbus", "python3")
    )
    print(f"bluez: {told}", flush=True)
    results = Path(
        environment.get("BZC_BLUEZ_RESULTS") or tempfile.mkdtemp(prefix="bluezone-bluez-")
    ).absolute()
    results.mkdir(parents=True, exist_ok=True)
    for each in ("exit_code", "times", "junit.xml"):
        (results / each).unlink(missing_ok=True)
    code = FAILED
    limit = float(environment.get("BZC_BLUEZ_SECONDS") or SECONDS)
    with tempfile.TemporaryDirectory(prefix="bluezone-program-") as name:
        try:
            at = time.monotonic()
            (folder := Path(name, "contents")).mkdir()
            program(folder, Path(name, "program.ext4"), arguments)
            before["disk with what is tried"] = time.monotonic() - at
            words = machine.command(found.folder, Path(name, "program.ext4"), results)
            machine.run(
                words, max(_LONGEST, limit - (time.monotonic() - began)), lambda line: print(line, flush=True)
            )
            code = int((results / "exit_code").read_text("utf-8"))
        except image.UnbuiltError as error:
            print(f"bluez: {error}", file=sys.stderr)
        except machine.StoppedError as error:
            print(f"bluez: {error}", file=sys.stderr)
            code = FAILED
        except (OSError, ValueError):
            print("bluez: the machine ended before its tests did; what it said is above", file=sys.stderr)
    for line in table(_text(results / "times"), _text(results / "junit.xml"), before):
        print(line)
    print(f"bluez: {time.monotonic() - began:7.1f} s  all; what the machine left: {results}", flush=True)
    return code


def _text(file: Path) -> str:
    return file.read_text("utf-8") if file.exists() else ""


def _end(number: int, frame: object) -> None:
    raise SystemExit(ENDED)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _end)
    try:
        sys.exit(main(sys.argv[1:], os.environ))
    except KeyboardInterrupt:
        sys.exit(130)
