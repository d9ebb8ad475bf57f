"""Every reader is fuzzed, the oracles can fail, and the runner tells what was found, with or without atheris."""

from __future__ import annotations

import importlib
import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import Field, replace
from pathlib import Path
from types import ModuleType
from typing import ClassVar, Protocol, cast

import pytest

from bluezone_harness.observations import AddressType, Advert, Diagnostic, Observation, PduType, Severity
from bluezone_harness.sources import link_types

pytestmark = pytest.mark.req("BZ-ADV-001")

NAMES = (
    *("packets", "pcap", "pcapng", "btsnoop", "packetlogger", "recording", "archive", "bug-report"),
    *("contact-log", "document", "scenario"),
)
ADVERT = Advert(1, 5, "", bytes(6), AddressType.PUBLIC, PduType.ADV_IND, b"", -60, 37)

STAND_IN = '''
"""Stands in for atheris: runs each seed once, then finds something or not."""
import contextlib, os, pathlib, sys

def instrument_imports(include):
    return contextlib.nullcontext()

def Setup(arguments, run):
    global _options, _folders, _run
    _options = dict(each[1:].split("=", 1) for each in arguments[1:] if each.startswith("-"))
    _folders = [each for each in arguments[1:] if not each.startswith("-")]
    _run = run

def Fuzz():
    count = 0
    for folder in _folders:
        for path in sorted(pathlib.Path(folder).iterdir()):
            _run(path.read_bytes())
            count += 1
    print("#7 DONE   cov: 12 ft: 34 corp: 5/67b exec/s: 0 rss: 40Mb")
    if os.environ.get("STAND_IN") == "finds":
        pathlib.Path(_options["artifact_prefix"] + "crash-1").write_bytes(b"octets")
        print("\\n === Uncaught Python exception: ===\\nAssertionError: an oracle\\n\\n==7== ERROR: libFuzzer")
        sys.exit(77)
    if os.environ.get("STAND_IN") != "dies":
        print("stat::number_of_executed_units: %d" % count)
    print("max_len", _options["max_len"], "seed", _options["seed"], file=sys.stderr)
'''


class Seeds(Protocol):
    """What is asked of ``fuzz.seeds``."""

    PACKETS: Mapping[int, Sequence[bytes]]


class Target(Protocol):
    """A target of ``fuzz.targets``."""

    run: Callable[[bytes], None]
    seeds: Callable[[], Sequence[bytes]]
    longest: int


class Said(Protocol):
    """What a source said, of ``fuzz.targets``."""

    __dataclass_fields__: ClassVar[dict[str, Field[object]]]
    observations: Sequence[Observation]

    def __init__(self, *said: object) -> None: ...


class Targets(Protocol):
    """What is asked of ``fuzz.targets``, which is imported under another name."""

    seeds: Seeds
    TARGETS: Mapping[str, Target]
    Reading: type[Said]
    Pieces: type
    read: Callable[[object], object]
    hold: Callable[[Said, int], None]
    capture: Callable[[bytes], None]


class Runner(Protocol):
    """What is asked of ``fuzz.__main__``."""

    main: Callable[[Sequence[str]], int]


@pytest.fixture(scope="module")
def fuzzing(repository: Path) -> Iterator[ModuleType]:
    """Yield the package under another name; it needs atheris only when it runs."""
    folder = repository / "tests" / "fuzz"
    spec = importlib.util.spec_from_file_location(
        "fuzzing", folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    assert spec is not None
    assert spec.loader is not None
    package = importlib.util.module_from_spec(spec)
    sys.modules["fuzzing"] = package
    spec.loader.exec_module(package)
    yield package
    for name in [each for each in sys.modules if each.partition(".")[0] == "fuzzing"]:
        del sys.modules[name]


@pytest.fixture(scope="module")
def targets(fuzzing: ModuleType) -> Targets:
    return cast("Targets", importlib.import_module("fuzzing.targets"))


@pytest.fixture(scope="module")
def runner(fuzzing: ModuleType) -> Runner:
    return cast("Runner", importlib.import_module("fuzzing.__main__"))


def test_every_link_type_has_seeds(targets: Targets) -> None:
    assert set(targets.seeds.PACKETS) == set(link_types._DECODERS)
    assert tuple(targets.TARGETS) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_seeds_hold_and_so_do_they_cut_and_damaged(name: str, targets: Targets) -> None:
    target = targets.TARGETS[name]
    tried = 0
    for seed in target.seeds():
        assert len(seed) <= target.longest
        target.run(seed)
        for place in range(0, len(seed), 1 + len(seed) // 12):
            target.run(seed[:place])
            target.run(seed[:place] + bytes([seed[place] ^ 0xFF]) + seed[place + 1 :])
            tried += 1
    assert tried > 10


def test_seeds_say_what_they_should(targets: Targets) -> None:
    """A target whose seeds are refused would have nothing to begin with."""
    for name in ("pcap", "pcapng", "btsnoop", "packetlogger", "recording"):
        for seed in targets.TARGETS[name].seeds():
            reading = targets.read(targets.Pieces(seed, 1000))
            assert isinstance(reading, targets.Reading)
            assert any(isinstance(each, Advert) for each in reading.observations)


@pytest.mark.parametrize(
    "changed",
    [
        {"packets": 0},
        {"packets": 1000},
        {"observations": (replace(ADVERT, number=2), ADVERT), "packets": 2},
        {"diagnostics": (Diagnostic("a", 101, Severity.ERROR, "late"),)},
        {"diagnostics": (Diagnostic("a", -1, Severity.ERROR, "early"),)},
        {"diagnostics": (Diagnostic("a", 1, Severity.ERROR, "bell\x07"),)},
        {"observations": (replace(ADVERT, address=bytes(5)),)},
        {"observations": (replace(ADVERT, address=None),)},
        {"observations": (replace(ADVERT, address_type=AddressType.STATIC),)},
        {"observations": (replace(ADVERT, rssi=127),)},
        {"observations": (replace(ADVERT, channel=40),)},
        {"observations": (replace(ADVERT, ad=bytes(1651)),)},
    ],
)
def test_each_oracle_can_fail(changed: dict[str, object], targets: Targets) -> None:
    sound = targets.Reading((ADVERT,), "pcap", {}, 1, False, (), "")
    targets.hold(sound, 100)
    with pytest.raises(AssertionError):
        targets.hold(replace(sound, **changed), 100)


def test_a_reader_that_minds_how_octets_come_is_found(
    targets: Targets,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(targets.Pieces, "read", lambda self, count=-1: self._stream.read(3)[:2])
    with pytest.raises(AssertionError, match="in pieces of"):
        targets.capture(targets.TARGETS["pcap"].seeds()[0])


def test_data_that_the_file_does_not_hold_are_found(
    targets: Targets,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = targets.Reading((replace(ADVERT, ad=b"not there"),), "pcap", {}, 1, False, (), "")
    monkeypatch.setattr(targets, "read", lambda stream: found)
    with pytest.raises(AssertionError, match="not there"):
        targets.capture(bytes(100))


@pytest.mark.parametrize(("ci", "code"), [("", 0), ("true", 1)])
def test_without_atheris_a_user_is_told_and_ci_fails(
    ci: str,
    code: int,
    runner: Runner,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("CI", ci)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert runner.main([]) == code
    assert "atheris is not installed" in capsys.readouterr().out


def run(repository: Path, folder: Path, finds: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command with a stand-in for atheris."""
    (folder / "atheris.py").write_text(STAND_IN, encoding="utf-8")
    paths = [str(folder), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(paths),
        "STAND_IN": finds,
        "TMPDIR": str(folder),
    }
    return subprocess.run(
        [sys.executable, "-m", "tests.fuzz", *arguments],
        cwd=repository,
        env=environment,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def test_the_command_tells_what_was_done(repository: Path, tmp_path: Path) -> None:
    done = run(repository, tmp_path, "", "packetlogger", "recording", "--seconds", "1")
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]
    assert lines[1] == ["target", "executions", "edges", "features", "corpus", "seed"]
    assert [line[:5] + line[6:] for line in lines[2:4]] == [
        ["packetlogger", "2", "12", "34", "5", "sound"],
        ["recording", "1", "12", "34", "5", "sound"],
    ]
    assert lines[2][5] != lines[3][5]
    assert lines[4][:3] == ["fuzzing:", "3", "executions,"]
    assert not list(tmp_path.glob("bluezone-fuzz-*"))


def test_a_finding_is_kept_and_shown(repository: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    done = run(repository, tmp_path, "finds", "recording", "--keep", str(kept))
    assert done.returncode == 1
    assert "AssertionError: an oracle" in done.stdout
    assert "libFuzzer" not in done.stdout
    path = kept / "findings" / "recording" / "crash-1"
    assert path.read_bytes() == b"octets"
    assert f"the input: {path}, 6 octets; in base64:\nb2N0ZXRz\n" in done.stdout
    assert "findings in 1 targets: recording" in done.stdout


def test_a_worker_that_does_nothing_is_no_success(repository: Path, tmp_path: Path) -> None:
    done = run(repository, tmp_path, "dies", "recording")
    assert done.returncode == 1
    assert "FOUND" in done.stdout


def test_what_is_no_target_is_refused(repository: Path, tmp_path: Path) -> None:
    done = run(repository, tmp_path, "", "recordings")
    assert done.returncode == 2
    assert "no such target: recordings" in done.stderr
