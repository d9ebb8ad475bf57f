"""What a release consists of, what holds it up, and the action that app teams use."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import NoReturn

import pytest

POSIX = pytest.mark.skipif(os.name != "posix", reason="the script is for a POSIX shell")
SAMPLE = Path("examples", "sample-app")
TEMPLATE = Path("examples", "templates", "github.yml")
ACTION = Path(".github", "actions", "check")


def script(repository: Path, name: str) -> ModuleType:
    """Return a script of .ci/ as a module."""
    spec = importlib.util.spec_from_file_location(f"ci_{name}", repository / ".ci" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def release(repository: Path) -> ModuleType:
    return script(repository, "release")


@pytest.fixture
def changelog(repository: Path) -> ModuleType:
    return script(repository, "changelog")


# the wheel


def wheel_of(folder: Path, text: str, year: int = 2026) -> Path:
    folder.mkdir()
    with zipfile.ZipFile(folder / "a-1-py3-none-any.whl", "w") as archive:
        archive.writestr(zipfile.ZipInfo("a/same.py", (2026, 1, 1, 0, 0, 0)), "")
        archive.writestr(zipfile.ZipInfo("a/other.py", (year, 1, 1, 0, 0, 0)), text)
    return folder / "a-1-py3-none-any.whl"


def test_equal_wheels_are_the_same(release: ModuleType, tmp_path: Path) -> None:
    one, two = wheel_of(tmp_path / "one", "x"), wheel_of(tmp_path / "two", "x")
    assert release.digest(one) == release.digest(two)
    release.same(one, two)


@pytest.mark.parametrize(("text", "year"), [("y", 2026), ("x", 2025)])
def test_a_wheel_that_differs_is_named(release: ModuleType, tmp_path: Path, text: str, year: int) -> None:
    one, two = wheel_of(tmp_path / "one", "x"), wheel_of(tmp_path / "two", text, year)
    with pytest.raises(release.ReleaseError, match=r"differs: a/other\.py$"):
        release.same(one, two)


@pytest.mark.parametrize("arguments", [[], ["publish"], ["build"], ["sbom", "a", "b"], ["try", "a", "b"]])
def test_wrong_usage_is_refused(
    release: ModuleType, changelog: ModuleType, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert release.main(arguments) == 64
    assert changelog.main(arguments) == 64
    assert "python .ci/release.py build" in capsys.readouterr().err


@pytest.mark.long
@pytest.mark.fresh_clone
def test_a_release_is_made_twice_alike_and_works(
    repository: Path, tmp_path: Path, tool: Callable[[str], Path], lacking: Callable[[str], NoReturn]
) -> None:
    """Make a release of the last commit, list what it brings along, and use the wheel as an app team would."""
    tool("git")
    tool("node")
    tools = tmp_path / "tools"
    subprocess.run([sys.executable, "-m", "venv", tools], check=True)
    programs = tools / ("Scripts" if os.name == "nt" else "bin")
    constraints = repository / "constraints.txt"
    pip: list[str | Path] = [
        programs / "pip",
        "-q",
        "install",
        "-c",
        constraints,
        "hatchling",
        "cyclonedx-bom",
    ]
    if subprocess.run(pip, check=False).returncode:
        lacking("pip reaches no package index")
    folder = tmp_path / "release"
    ci(repository, programs, "build", folder)
    ci(repository, programs, "sbom", folder)
    names = sorted(file.name for file in folder.iterdir())
    sums = (folder / "SHA256SUMS").read_text("utf-8")
    assert [line.partition("  ")[2] for line in sums.splitlines()] == [*names[1:]]
    assert [name.rpartition(".")[2] for name in names] == ["SHA256SUMS", "whl", "gz", "json"]
    # a second bill is the same, and no release is made over another
    assert ci(repository, programs, "sbom", folder) == sums
    refused = subprocess.run(
        [programs / "python", repository / ".ci" / "release.py", "build", folder], check=False
    )
    assert refused.returncode == 1
    told = ci(repository, programs, "try", folder)
    assert told.splitlines()[-1] == "conformant with deviations"


def ci(repository: Path, programs: Path, *words: str | Path) -> str:
    done = subprocess.run(
        [programs / "python", repository / ".ci" / "release.py", *words],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


# the changelog

BEFORE = "# Changelog\n\n## [Unreleased]\n\n### Added\n\n- One\n  thing.\n\n## [0.1.0] - 2026-01-31\n\n- B.\n"
TOLD = BEFORE.replace("  thing.\n", "  thing.\n- Another.\n")
WRAPPED = BEFORE.replace("One\n  thing.", "One thing.")
RELEASED = BEFORE.replace("## [Unreleased]", "## [Unreleased]\n\n## [0.2.0] - 2026-02-28")
CODE = "harness/bluezone_harness/verdicts.py"


@pytest.mark.parametrize(
    ("changed", "after", "message", "holds"),
    [
        ([CODE], TOLD, "", True),
        ([CODE], BEFORE, "", False),
        ([CODE], WRAPPED, "", False),  # a line that was only broken anew tells nothing new
        ([CODE], RELEASED, "", True),
        ([CODE], BEFORE, "Sort imports\n\nChangelog: none, nobody sees it\n", True),
        ([CODE], BEFORE, "Changelog: none", False),  # a waiver has a reason
        ([CODE], BEFORE.replace("- B.", "- B.\n- C."), "", False),  # told under a release that is out
        (["tests/conftest.py", "README.md", ".ci/run"], BEFORE, "", True),
        (["README.md", "spec/bluezone_spec/chapters/04-gatt.md"], BEFORE, "", False),
        (["vectors/bluezone_vectors/pack/match.json"], BEFORE, "", False),
    ],
)
def test_a_change_is_told(
    changelog: ModuleType, changed: list[str], after: str, message: str, holds: bool
) -> None:
    assert (changelog.fault_of_change(changed, BEFORE, after, message) == "") == holds


@pytest.mark.parametrize(
    ("tag", "version", "text", "fault"),
    [
        ("v0.2.0", "0.2.0", RELEASED, ""),
        ("0.2.0", "0.2.0", RELEASED, "not of the form"),
        ("v0.2.0", "0.2.0.dev0", RELEASED, "version of the code"),
        ("v0.1.0", "0.1.0", RELEASED, "newest release"),
        ("v0.1.0", "0.1.0", BEFORE, "move it"),
        ("v0.2.0", "0.2.0", RELEASED.replace("- One\n  thing.\n", ""), "names no change"),
        ("v0.2.0", "0.2.0", "# Changelog\n", "none, not 0.2.0"),
    ],
)
def test_a_release_is_told(changelog: ModuleType, tag: str, version: str, text: str, fault: str) -> None:
    found = changelog.fault_of_release(tag, version, text)
    assert fault in found
    assert (found == "") == (fault == "")


def test_the_gate_reads_this_repository(
    changelog: ModuleType, tool: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    tool("git")
    assert changelog.main(["change", "HEAD"]) == 0
    assert capsys.readouterr().err == ""
    assert changelog.main(["change", "0" * 40]) == 0
    assert "nothing to compare with" in capsys.readouterr().err
    assert changelog.main(["change", "no-such-commit"]) == 1
    assert changelog.main(["release", "v999.0.0"]) == 1
    assert "the tag is v999.0.0" in capsys.readouterr().err


@pytest.fixture
def clone(
    repository: Path,
    changelog: ModuleType,
    tool: Callable[[str], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., None]:
    """Return what commits to a repository of its own, which was cloned once it had a commit."""
    monkeypatch.setattr(changelog, "ROOT", tmp_path / "clone")
    who = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]

    def git(folder: Path, *words: str | Path) -> None:
        subprocess.run([tool("git"), *who, *words], cwd=folder, check=True, capture_output=True)

    def commit(message: str, **texts: str) -> None:
        folder = tmp_path / ("clone" if (tmp_path / "clone").exists() else "origin")
        for name, text in texts.items():
            file = folder / {"code": CODE, "changes": "CHANGELOG.md"}[name]
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, "utf-8")
        git(folder, "add", ".")
        git(folder, "commit", "-q", "-m", message)

    (tmp_path / "origin").mkdir()
    git(tmp_path / "origin", "init", "-q")
    commit("Begin", code="a = 1\n", changes=BEFORE)
    git(tmp_path, "clone", "-q", tmp_path / "origin", tmp_path / "clone")
    return commit


def test_the_gate_compares_with_where_the_remote_begins(
    changelog: ModuleType, clone: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    assert changelog.main(["change"]) == 0
    clone("Change", code="a = 2\n")
    assert changelog.main(["change"]) == 1
    assert f"1 files changed that users have, such as {CODE}" in capsys.readouterr().err
    clone("Tell it", changes=TOLD)
    assert changelog.main(["change"]) == 0
    assert changelog.main(["change", "HEAD~1"]) == 0
    assert capsys.readouterr().err == ""


# the workflows and the action


def test_no_workflow_can_publish(repository: Path) -> None:
    workflows = sorted((repository / ".github" / "workflows").glob("*.yml"))
    assert [file.name for file in workflows] == ["ci.yml", "fuzz.yml", "release.yml"]
    own = [*workflows, repository / SAMPLE / ".github" / "workflows" / "conformance.yml"]
    for file in [*own, repository / TEMPLATE]:
        text = file.read_text("utf-8").replace(
            "${{ secrets.BLUEZONE_DEVICE }}", "" if file not in own else "secrets."
        )
        assert "permissions:\n  contents: read\n" in text, file.name
        assert re.findall(r"\bwrite\b|secrets\.|id-token|twine|publish@|gh release", text) == [], file.name
        # every job has an end, but for one that is a workflow of its own
        jobs = re.split(r"^  (?=\w+:\n)", text.partition("\njobs:\n")[2], flags=re.MULTILINE)[1:]
        assert jobs != []
        assert [job for job in jobs if "timeout-minutes:" not in job and "    uses: ./" not in job] == []


def test_workflows_and_action_use_what_is_there(repository: Path) -> None:
    files = [*(repository / ".github").rglob("*.yml")]
    used = [word for file in files for word in re.findall(r"uses: (\S+)", file.read_text("utf-8"))]
    for word in used:
        if word.startswith("./"):
            assert (repository / word).exists(), word
        else:
            assert re.fullmatch(r"actions/[a-z-]+@v\d+", word), word
    assert "./.github/actions/check" in used
    scripts = [word for file in files for word in re.findall(r"\.ci/\w+(?:\.py)?", file.read_text("utf-8"))]
    assert {".ci/run", ".ci/release.py", ".ci/changelog.py"} == set(scripts)
    assert [word for word in scripts if not (repository / word).is_file()] == []


def test_inputs_never_become_text_of_a_script(repository: Path) -> None:
    """An expression inside of ``run`` would let a file's name become a command."""
    for file in [*(repository / ".github").rglob("*.yml"), repository / TEMPLATE]:
        for line in file.read_text("utf-8").splitlines():
            # a value of its own, not a line of a script
            value = re.match(r"\s*(?:- )?(?!run:)[\w-]+: \S", line)
            assert value or "${{" not in line, f"{file.name}: {line}"
    text = (repository / ACTION / "action.yml").read_text("utf-8")
    declared = set(re.findall(r"^  ([a-z-]+):$", text.partition("\nruns:")[0], flags=re.MULTILINE))
    assert set(re.findall(r"\$\{\{ inputs\.([a-z-]+) \}\}", text)) == declared
    handed = set(re.findall(r"^        ([A-Z_]+): \$\{\{", text, flags=re.MULTILINE)) - {"PYTHON", "PACKAGE"}
    asked = set(re.findall(r"\$\{?([A-Z_]+)", (repository / ACTION / "check.sh").read_text("utf-8")))
    assert asked - {"BLUEZONE_PROGRAMS", "GITHUB_STEP_SUMMARY"} == handed


@pytest.fixture
def action(
    repository: Path, tmp_path: Path, tool: Callable[[str], Path]
) -> Callable[..., tuple[int, list[str], str]]:
    """Return what runs the action's script with a bzc that only notes its words and ends as told."""
    bash = tool("bash")
    stub = tmp_path / "bzc"
    stub.write_text(
        f"#!{sys.executable}\nimport os, sys, pathlib\n"
        "with open('words', 'a') as words: words.write('|'.join(sys.argv[1:]) + '\\n')\n"
        "pathlib.Path(sys.argv[sys.argv.index('--markdown') + 1]).write_text(sys.argv[1] + ' judged\\n')\n"
        "sys.exit(int(os.environ['ENDS_' + sys.argv[1].upper()]))\n",
        "utf-8",
    )
    stub.chmod(0o755)
    names = ["IMPLEMENTATION", "DEVIATIONS", "EVIDENCE", "DEVICE", "ACCEPT", "STRICT", "ALLOW_INCONCLUSIVE"]

    def run(implementation: int = 0, check: int = 0, **inputs: str) -> tuple[int, list[str], str]:
        environment = {**dict.fromkeys(names, ""), "PROFILE": "v3", "REPORT": "out", **inputs}
        ends = {"ENDS_IMPLEMENTATION": str(implementation), "ENDS_CHECK": str(check)}
        places = {"BLUEZONE_PROGRAMS": str(tmp_path), "GITHUB_STEP_SUMMARY": str(tmp_path / "summary")}
        done = subprocess.run(
            [bash, repository / ACTION / "check.sh"],
            cwd=tmp_path,
            env={"PATH": os.environ["PATH"], **environment, **ends, **places},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        words, summary = tmp_path / "words", tmp_path / "summary"
        return (
            done.returncode,
            words.read_text("utf-8").splitlines() if words.exists() else [],
            summary.read_text("utf-8") if summary.exists() else done.stderr,
        )

    return run


@POSIX
def test_the_action_asks_for_both(action: Callable[..., tuple[int, list[str], str]]) -> None:
    code, words, summary = action(
        IMPLEMENTATION="node a.mjs; exit",
        DEVIATIONS="d e.toml",
        EVIDENCE="a b.pcap\n$(c).txt\n",
        DEVICE="device.json",
        ACCEPT="accept.toml",
        STRICT="true",
        ALLOW_INCONCLUSIVE="true",
    )
    common = "--profile|v3|--strict|--allow-inconclusive|--junit|out/{0}.xml|--markdown|out/{0}.md"
    assert code == 0
    assert words == [
        "implementation|run|node a.mjs; exit|--deviations|d e.toml|" + common.format("implementation"),
        "check|a b.pcap|$(c).txt|--device|device.json|--accept|accept.toml|" + common.format("evidence"),
    ]
    assert summary == "implementation judged\ncheck judged\n"


@POSIX
@pytest.mark.parametrize(
    ("implementation", "check", "ends"),
    [(0, 0, 0), (0, 2, 2), (1, 0, 1), (1, 3, 1), (2, 1, 1), (3, 1, 1), (3, 2, 3), (2, 3, 3)],
)
def test_the_worst_verdict_ends_the_action(
    action: Callable[..., tuple[int, list[str], str]], implementation: int, check: int, ends: int
) -> None:
    code, words, _ = action(implementation, check, IMPLEMENTATION="x", EVIDENCE="y")
    assert (code, len(words)) == (ends, 2)


@POSIX
def test_an_action_without_a_task_fails(action: Callable[..., tuple[int, list[str], str]]) -> None:
    code, words, told = action()
    assert (code, words) == (64, [])
    assert "'implementation'" in told
