"""What app teams copy, run as they will run it: outside of the repository, with the wheel, not the checkout."""

from __future__ import annotations

import configparser
import importlib
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import click
import pytest

from bluezone_harness.cli import bzc
from bluezone_reference import __version__

SAMPLE = Path("examples", "sample-app")
TEMPLATES = Path("examples", "templates")
POSIX = pytest.mark.skipif(os.name != "posix", reason="the workflows are for a POSIX shell")
WRONG_SALT = ("app/sender.mjs", "'bluzonesubkey'", "'bluezonesubkey'")
MENDED = (
    "app/sender.mjs",
    "    return this.ids(day)[slot].toString();",
    "    const id = this.ids(day)[slot];\n    if (id === undefined) throw new SenderError('E_SLOT');\n    return id;",
)
TRANSLATED = ("conformance/deviations.toml", 'E_MAX = "BAD_MAX"', 'E_MAX = "BAD_MAX"\nE_SLOT = "BAD_SLOT"')

Read = Callable[[Path], Any]


@pytest.fixture(scope="module")
def read(lacking: Callable[[str], NoReturn]) -> Read:
    """Return what reads a YAML file."""
    try:
        yaml = importlib.import_module("yaml")
    except ImportError:
        lacking("PyYAML is not installed")
    return lambda file: yaml.safe_load(file.read_text("utf-8"))


@pytest.fixture
def sample(repository: Path, tmp_path: Path, tool: Callable[[str], Path]) -> Path:
    """Return a copy of the sample that may be changed."""
    tool("node")
    return Path(
        shutil.copytree(repository / SAMPLE, tmp_path / "sample", ignore=shutil.ignore_patterns(".tox"))
    )


def change(folder: Path, name: str, old: str, new: str) -> None:
    """Replace what stands once in a file."""
    text = (folder / name).read_text("utf-8")
    assert text.count(old) == 1
    (folder / name).write_text(text.replace(old, new), "utf-8")


# what they say


def commands(held: object) -> Iterator[list[str]]:
    """Yield each call of the kit, or of pytest, that a file as read holds, by its words."""
    if isinstance(held, str):
        for line in re.sub(r"\{posargs:?([^}]*)\}", r"\1", held.replace("\\\n", " ")).splitlines():
            if line.strip().startswith(("bzc ", "pytest ")):
                yield shlex.split(line)
    elif isinstance(held, Mapping):
        yield from commands(list(held.values()))
    elif isinstance(held, Sequence):
        for each in held:
            yield from commands(each)


@pytest.mark.parametrize(
    ("name", "programs"),
    [
        (TEMPLATES / "tox.ini", ["bzc implementation", "bzc check", "pytest --pyargs"]),
        (TEMPLATES / "gitlab-ci.yml", ["bzc implementation", "bzc check", "pytest --pyargs"]),
        (TEMPLATES / "github.yml", ["pytest --pyargs"]),
        (SAMPLE / "tox.ini", ["bzc implementation", "bzc implementation"]),
    ],
)
def test_the_options_of_each_command_exist(
    repository: Path, read: Read, name: Path, programs: list[str]
) -> None:
    if name.suffix == ".ini":
        tox = configparser.ConfigParser(interpolation=None)
        tox.read(repository / name, encoding="utf-8")
        found = list(commands({section: dict(tox[section]) for section in tox.sections()}))
    else:
        found = list(commands(read(repository / name)))
    assert [" ".join(words[:2]) for words in found] == programs
    for program, *words in found:
        if program == "bzc":  # pytest's are tried by running them
            assert len(parsed(words)) > 0
            with pytest.raises(click.NoSuchOption):
                parsed([words[0], *words[1:-1], "--no-such-option", words[-1]])


def parsed(words: list[str]) -> dict[str, object]:
    """Return what bzc's own parser makes of options and arguments."""
    command: click.Command = bzc
    words = list(words)
    with click.Context(bzc) as context:
        while isinstance(command, click.Group):
            found = command.get_command(context, words.pop(0))
            assert found is not None
            command = found
        return command.make_parser(context).parse_args(words)[0]


def test_what_is_pinned_is_this_version(repository: Path) -> None:
    """Templates, sample and action name the release that the code is, or is on its way to."""
    number = __version__.partition(".dev")[0]
    minor = number.rpartition(".")[0]
    files = [
        file for file in (repository / "examples").rglob("*") if file.is_file() and ".tox" not in file.parts
    ]
    texts = [file.read_text("utf-8") for file in [*files, repository / ".github/actions/check/action.yml"]]
    pins = re.findall(
        r"(?:bluezone-conformance==|actions/check@v|bluezone_conformance-)(\d[\w.]*\d)", "".join(texts)
    )
    ranges = re.findall(r"bluezone-conformance~=([\d.]*\d)", "".join(texts))
    assert (set(pins), set(ranges)) == ({number}, {minor})
    assert (len(pins) >= 5, len(ranges) >= 3) == (True, True)


def test_the_pages_name_every_file(repository: Path) -> None:
    for folder in (SAMPLE, Path("examples")):
        page = (repository / folder / "README.md").read_text("utf-8")
        for file in (repository / folder).rglob("*"):
            name = file.relative_to(repository / folder).as_posix()
            if name.startswith("sample-app/") or ".tox" in file.parts or name == "README.md":
                continue
            assert file.is_dir() or f"[`{name}`]({name})" in page, name
    # a folder that is copied has no link that leads out of it
    assert "](.." not in (repository / SAMPLE / "README.md").read_text("utf-8")


# the sample, with the checkout


def judged(sample: Path) -> tuple[int, str]:
    """Run the sample's vectors with its deviations; return exit code and output."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "bluezone_harness", "implementation", "run", "--seed", "1"),
            *("--deviations", "conformance/deviations.toml", "node conformance/adapter.mjs"),
        ],
        cwd=sample,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_the_sample_is_conformant_with_deviations(sample: Path) -> None:
    code, told = judged(sample)
    assert (code, "\nconformant with deviations\n" in told) == (0, True), told[-2000:]


@pytest.mark.long
@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ([MENDED, TRANSLATED], "passed   entry 1"),
        ([("conformance/deviations.toml", 'E_MAX = "BAD_MAX"\n', "")], "E_MAX"),
    ],
)
def test_whatever_is_no_longer_true_fails_the_sample(
    sample: Path, changes: list[tuple[str, str, str]], says: str
) -> None:
    for each in changes:
        change(sample, *each)
    code, told = judged(sample)
    assert code == 1, told[-2000:]
    assert says in told


@pytest.mark.long
def test_a_mended_bug_leaves_the_file(sample: Path) -> None:
    """What the sample's page says: once the bug is mended and translated, its entries go."""
    change(sample, *MENDED)
    change(sample, *TRANSLATED)
    file = sample / "conformance" / "deviations.toml"
    head, *entries = file.read_text("utf-8").split("[[deviation]]")
    kept = [entry for entry in entries if "Sender.id" not in entry]
    assert len(entries) - len(kept) == 3
    file.write_text("[[deviation]]".join([head, *kept]), "utf-8")
    code, told = judged(sample)
    assert (code, "\nconformant with deviations\n" in told) == (0, True), told[-2000:]


# all of it, with the wheel


@dataclass
class Runner:
    """Runs commands, and jobs of workflows, in an app team's folder, with nothing but the wheel and what they install.

    Of what a job uses, checkout and the tools' set-up count as done, and the kit's action is run as GitHub runs it.
    """

    read: Read
    action: Path
    programs: Path
    temp: Path
    folder: Path
    values: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    said: str = ""

    def shell(self, script: str, more: Mapping[str, str] | None = None) -> int:
        """Run a script as GitHub does and return its exit code; what it says is kept."""
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
            cwd=self.folder,
            env={**self.environment, **(more or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            timeout=240,
            check=False,
        )
        self.said += f"$ {script.strip()}\n{done.stdout}"
        for line in self.written("GITHUB_ENV").splitlines():
            name, _, value = line.partition("=")
            self.environment[name] = value
        return done.returncode

    def written(self, name: str) -> str:
        """Return what the steps wrote into a file that a variable names."""
        file = Path(self.environment[name])
        return file.read_text("utf-8") if file.exists() else ""

    def filled(self, text: object) -> str:
        """Put values in place of a text's expressions."""
        known = {"runner.temp": str(self.temp), "steps.python.outputs.python-path": sys.executable}
        known |= {f"env.{name}": value for name, value in self.environment.items()}
        return re.sub(r"\$\{\{ (\S+) \}\}", lambda found: {**known, **self.values}[found[1]], str(text))

    def steps(self, steps: Sequence[Any]) -> int:
        """Run steps and return the exit code of the first that fails."""
        code = 0
        for step in steps:
            if code and step.get("if") != "always()":
                continue
            given = {name: self.filled(value) for name, value in step.get("with", {}).items()}
            if "run" in step:
                more = {name: self.filled(value) for name, value in step.get("env", {}).items()}
                code = self.shell(step["run"], more) or code
            elif "/.github/actions/check@" in step["uses"]:
                action = self.read(self.action / "action.yml")
                assert given.keys() <= action["inputs"].keys()
                inputs = {name: each["default"] for name, each in action["inputs"].items()} | given
                self.values |= {f"inputs.{name}": value for name, value in inputs.items()}
                code = self.steps(action["runs"]["steps"]) or code
            elif "upload-artifact@" in step["uses"]:
                assert list(self.folder.glob(given["path"])) != []
            else:
                assert re.fullmatch(r"actions/(?:checkout|setup-node|setup-python)@v\d+", step["uses"])
        return code


@pytest.fixture(scope="module")
def wheel(
    repository: Path, tmp_path_factory: pytest.TempPathFactory, lacking: Callable[[str], NoReturn]
) -> Path:
    """Return the wheel of this checkout, in an environment of its own."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run([sys.executable, "-m", "venv", folder / "programs"], check=True)
    pip: list[str | Path] = [folder / "programs" / "bin" / "python", "-m", "pip", "--retries", "1"]
    install: list[str | Path] = ["install", "-q", "-c", repository / "constraints.txt", "hatchling"]
    if subprocess.run([*pip, *install], check=False).returncode:
        lacking("pip reaches no package index")
    build: list[str | Path] = ["wheel", "-q", "--no-deps", "--no-build-isolation", "-w", folder, repository]
    subprocess.run([*pip, *build], check=True)
    (made,) = folder.glob("*.whl")
    return made


@pytest.fixture
def runner(repository: Path, sample: Path, read: Read, tmp_path: Path, wheel: Path) -> Runner:
    """Return what runs jobs in a copy of the sample."""
    (tmp_path / "temp").mkdir()
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "programs"], check=True)
    kept = {
        name: value
        for name, value in os.environ.items()
        if not re.match(r"PYTHON|PYTEST|COV|BZC_|TOX|GITHUB_|VIRTUAL_ENV", name)
    }
    programs = tmp_path / "programs" / "bin"
    action = repository / ".github" / "actions" / "check"
    environment = {
        **kept,
        "PATH": os.pathsep.join([str(programs), kept["PATH"]]),
        "NO_COLOR": "1",
        "PIP_CONSTRAINT": str(repository / "constraints.txt"),
        # tox lets it not through, and runs all: elsewhere the vectors of an operation are enough
        "PYTEST_ADDOPTS": "-k derive_ids",
        "BLUEZONE_CONFORMANCE": str(wheel),
        "GITHUB_ACTION_PATH": str(action),
        "GITHUB_ENV": str(tmp_path / "temp" / "env"),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "temp" / "summary"),
        "RUNNER_TEMP": str(tmp_path / "temp"),
    }
    return Runner(read, action, programs, tmp_path / "temp", sample, environment=environment)


@pytest.fixture
def phone(sample: Path, tmp_path: Path) -> Callable[..., Path]:
    """Return what puts the capture of a simulated phone into the sample, and returns its device file."""
    capture = sample / "conformance" / "evidence" / "capture.pcapng"
    capture.parent.mkdir()

    def simulate(*words: str) -> Path:
        device = tmp_path / "device.json"
        command = [sys.executable, "-m", "bluezone_harness", "simulate", "--out", str(capture), "--force"]
        times = ["--start", "2020-08-10T22:00:00Z", "--hours", "4", "--write-device", str(device)]
        subprocess.run([*command, *times, *words], capture_output=True, check=True)
        return device

    return simulate


@POSIX
@pytest.mark.long
@pytest.mark.fresh_clone
def test_the_sample_passes_its_own_workflow(runner: Runner) -> None:
    """What happens at each push: the job passes, and it fails once the known bug is mended behind the file's back."""
    (job,) = runner.read(runner.folder / ".github" / "workflows" / "conformance.yml")["jobs"].values()
    code = runner.steps(job["steps"])
    assert (code, "\nconformant with deviations\n" in runner.said) == (0, True), runner.said[-4000:]
    change(runner.folder, *MENDED)
    assert runner.shell("tox") == 1
    assert runner.said.splitlines().count("not conformant") == 1, runner.said[-4000:]


@POSIX
@pytest.mark.long
@pytest.mark.fresh_clone
def test_the_jobs_for_github(runner: Runner, repository: Path, phone: Callable[..., Path]) -> None:
    jobs = runner.read(repository / TEMPLATES / "github.yml")["jobs"]
    assert list(jobs) == ["vectors", "evidence", "pytest"]
    runner.values["secrets.BLUEZONE_DEVICE"] = phone().read_text("utf-8")
    for name, job in jobs.items():
        assert runner.steps(job["steps"]) == 0, name + runner.said[-4000:]
    summary = runner.written("GITHUB_STEP_SUMMARY")
    assert ("sample-sender" in summary, "capture.pcapng" in summary) == (True, True)
    assert {file.name for file in (runner.folder / "bluezone-report").iterdir()} == {
        *("evidence.md", "evidence.xml", "implementation.md", "implementation.xml")
    }
    # a job fails for what it is there to find
    phone("--fault", "slot-late")
    change(runner.folder, *WRONG_SALT)
    for name in ("vectors", "evidence"):
        assert runner.steps(jobs[name]["steps"]) == 1, name
    assert "BZ-KEY-006" in runner.written("GITHUB_STEP_SUMMARY").removeprefix(summary)


@POSIX
@pytest.mark.long
@pytest.mark.fresh_clone
def test_too_little_evidence_fails_the_action_unless_it_is_let_pass(
    runner: Runner, repository: Path, phone: Callable[..., Path]
) -> None:
    device = phone("--interval-ms", "400", "--hours", "1")
    (*_, step) = runner.read(repository / TEMPLATES / "github.yml")["jobs"]["evidence"]["steps"]
    given = {**step["with"], "device": str(device)}
    assert runner.steps([{**step, "with": given}]) == 2
    assert runner.steps([{**step, "with": {**given, "allow-inconclusive": "true"}}]) == 0


@POSIX
@pytest.mark.long
@pytest.mark.fresh_clone
def test_the_environments_for_tox(runner: Runner, repository: Path, phone: Callable[..., Path]) -> None:
    runner.environment["BZC_DEVICE"] = str(phone())
    shutil.copy(repository / TEMPLATES / "tox.ini", runner.folder)
    assert runner.shell('python -m pip install -q "tox>=4.23" && tox -e ALL') == 0, runner.said[-4000:]
    reports = sorted(file.name for file in (runner.folder / ".tox").glob("*/*/*.xml"))
    assert reports == ["evidence.xml", "pytest.xml", "vectors.xml"]
    phone("--fault", "slot-late")
    assert runner.shell("tox -e evidence") == 1, runner.said[-4000:]


@POSIX
@pytest.mark.long
@pytest.mark.fresh_clone
def test_the_jobs_for_gitlab(runner: Runner, repository: Path, phone: Callable[..., Path]) -> None:
    file = runner.read(repository / TEMPLATES / "gitlab-ci.yml")
    runner.environment["BZC_DEVICE"] = str(phone())
    shared = file[".bluezone"]
    node, *install = shared["before_script"]
    assert node.startswith("apt-get update")
    assert runner.shell("\n".join(install)) == 0, runner.said[-4000:]
    jobs = {
        name: "\n".join(job["script"]) for name, job in file.items() if name not in {".bluezone", "variables"}
    }
    assert list(jobs) == ["vectors", "evidence", "pytest"]
    for name, script in jobs.items():
        assert file[name]["extends"] == ".bluezone"
        (runner.folder / shared["artifacts"]["reports"]["junit"]).unlink(missing_ok=True)
        assert runner.shell(script) == 0, runner.said[-4000:]
        assert (runner.folder / shared["artifacts"]["reports"]["junit"]).is_file()
    phone("--fault", "slot-late")
    assert runner.shell(jobs["evidence"]) == 1, runner.said[-4000:]
