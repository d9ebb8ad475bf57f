"""The adapters to copy: small, independent of the project, green; and one made wrong on purpose is diagnosed."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

FOLDER = "vectors/bluezone_vectors/adapters"
LANGUAGES = ("python", "javascript", "java")
FEWER_LINES = 120
MOST_LINES = 400
LONGEST = 120
ZERO = "00" * 32
ADAPTERS = {"python": "adapter.py", "javascript": "adapter.mjs", "java": "Adapter.java"}
SKELETONS = {"kotlin": "Adapter.kt", "swift": "Adapter.swift"}


@dataclass(frozen=True)
class Adapter:
    """An adapter that can be started, and its folder."""

    language: str
    folder: Path
    command: tuple[str, ...]


@pytest.fixture(scope="session")
def java_classes(
    repository: Path, tool: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Compile the Java adapter, for JDK 17, without a warning."""
    classes = tmp_path_factory.mktemp("classes")
    sources = sorted((repository / FOLDER / "java").glob("*.java"))
    command: list[str | Path] = [
        tool("javac"),
        "--release",
        "17",
        "-Xlint:all,-options",
        "-Werror",
        "-d",
        classes,
        *sources,
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return classes


@pytest.fixture(params=LANGUAGES)
def adapter(request: pytest.FixtureRequest, repository: Path, tool: Callable[[str], Path]) -> Adapter:
    language = str(request.param)
    command: tuple[str, ...]
    folder = repository / FOLDER / language
    match language:
        case "python":
            command = (sys.executable, str(folder / "adapter.py"))
        case "javascript":
            command = (str(tool("node")), str(folder / "adapter.mjs"))
        case _:
            classes = request.getfixturevalue("java_classes")
            command = (
                str(tool("java")),
                "-Xshare:auto",
                "-XX:TieredStopAtLevel=1",
                "-cp",
                str(classes),
                "Adapter",
            )
    return Adapter(language, folder, command)


def bzc(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bluezone_harness", "implementation", *words],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=240,
        check=False,
    )


def replies(command: Sequence[str], *lines: str) -> list[Any]:
    done = subprocess.run(
        command,
        input="".join(f"{line}\n" for line in lines),
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=True,
    )
    assert done.stderr == ""
    return [json.loads(line) for line in done.stdout.splitlines()]


def question(op: str, seq: int = 1, **values: object) -> str:
    return json.dumps({"op": op, "seq": seq, "in": values})


def operations(repository: Path) -> set[str]:
    pack = repository / "vectors" / "bluezone_vectors" / "pack"
    return {file.stem for file in pack.glob("*.json")}


def test_every_vector_for_v3_holds(adapter: Adapter, repository: Path) -> None:
    asked = 0
    for file in (repository / "vectors" / "bluezone_vectors" / "pack").glob("*.json"):
        vectors = json.loads(file.read_text("utf-8"))["vectors"]
        asked += sum(vector["profile"] == "v3" for vector in vectors)
    done = bzc("run", "--seed", "1", "--json", "--", *adapter.command)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr
    result = json.loads(done.stdout)
    assert result["conformance"]["verdict"] == "pass"
    assert result["conformance"]["coverage"]["judged"] >= 20
    assert [each["id"] for each in result["requirements"] if each["verdict"] == "fail"] == []
    assert [each["message"] for each in result["diagnostics"] if each["severity"] != "info"] == []
    assert asked >= 300
    assert f"conformant: {asked} of {asked} vectors hold;" in result["diagnostics"][0]["message"]


def test_the_adapter_itself_is_sound(adapter: Adapter) -> None:
    done = bzc("check", "--", *adapter.command)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "BROKEN" not in done.stdout


def test_hello_names_every_operation_of_the_pack(adapter: Adapter, repository: Path) -> None:
    (hello,) = replies(adapter.command, question("hello", 7, protocol=1), '{"op":"bye","seq":8}')
    assert hello["seq"] == 7
    assert hello["ok"]["protocol"] == 1
    assert hello["ok"]["implementation"]["language"] == adapter.language
    assert hello["ok"]["profiles"] == ["v3"]
    assert operations(repository) == set(hello["ok"]["ops"])


@pytest.mark.req("BZ-KEY-004", "BZ-KEY-005", "BZ-KEY-007", "BZ-ADV-001")
def test_what_the_page_shows(adapter: Adapter) -> None:
    counting = bytes(range(32)).hex()
    found = replies(
        adapter.command,
        question("derive_ids", 2, base_id=counting, day=0, max=96, slots=[0, 1, 95]),
        question("derive_ids", 3, base_id=counting, day=0, max=7, slots=[0]),
        question("boil_water", 4),
        question("decode_advertisement", 5, ad="0201020303564e0fffb522130c"),
        question("derive_ids", 6, base_id=counting, day="tomorrow", slots=[0]),
        '{"op":"bye","seq":7}',
    )
    ids = ["130cea6472130c185d8643df", "893dae342437130ce5e23837", "0ae9ab99c50104e835045abf"]
    assert found[:4] == [
        {"seq": 2, "ok": {"ids": ids}},
        {"seq": 3, "reject": {"code": "BAD_MAX"}},
        {"seq": 4, "unsupported": {}},
        {"seq": 5, "reject": {"code": "TRUNCATED_AD"}},
    ]
    # a question that breaks the interface: whatever the core makes of it, the adapter goes on
    assert found[4]["seq"] == 6
    assert len(found) == 5


@pytest.mark.req("BZ-KEY-007")
@pytest.mark.parametrize(
    "written", ["96.0", "9.6e1", '"96"', "true", "null", "-1", "0", "97", "9007199254740991"]
)
def test_a_max_is_not_mended(adapter: Adapter, written: str) -> None:
    line = f'{{"op":"derive_ids","seq":1,"in":{{"base_id":"{ZERO}","day":0,"slots":[0],"max":{written}}}}}'
    assert replies(adapter.command, line) == [{"seq": 1, "reject": {"code": "BAD_MAX"}}]


@pytest.mark.req("BZ-MAT-005", "BZ-MSG-006")
@pytest.mark.parametrize(
    "text", ["", "[", "[NaN]", "01", "1.", "'x'", '"\t"', '{"a":1,}', "[1 2]", '"\\x"', "[" * 100_000]
)
def test_what_is_no_json_is_refused(adapter: Adapter, text: str) -> None:
    found = replies(
        adapter.command,
        question("decode_push", 1, text=text),
        question("match", 2, message=text, records=[]),
        question("decode_info", 3, kind="upload", text=text),
    )
    assert found == [{"seq": seq, "reject": {"code": "BAD_JSON"}} for seq in (1, 2, 3)]


@contextmanager
def listening(command: Sequence[str]) -> Iterator[str]:
    """Start an adapter that listens; yield where."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen([*command, "--listen", str(port)], stderr=subprocess.DEVNULL)
    try:
        for _ in range(300):
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                time.sleep(0.05)
        yield f"127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def test_it_listens_on_a_port(adapter: Adapter) -> None:
    with listening(adapter.command) as address:
        done = bzc("check", "--connect", address)
        assert done.returncode == 0, done.stdout + done.stderr
        again = bzc("check", "--connect", address)
        assert again.returncode == 0, again.stdout + again.stderr


@pytest.mark.parametrize("language", LANGUAGES)
def test_adapters_are_short(repository: Path, language: str) -> None:
    folder = repository / FOLDER / language
    for file in folder.iterdir():
        if not file.is_file():
            continue
        lines = file.read_text("utf-8").splitlines()
        assert len(lines) < (FEWER_LINES if file.name == ADAPTERS[language] else MOST_LINES), file.name
        assert max(map(len, lines)) <= LONGEST, file.name


def python_imports(text: str) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module or "").partition(".")[0])
    return found


def foreign(folder: Path) -> set[str]:
    """Return what the files of an adapter import beyond the standard library and each other."""
    files = [file for file in folder.iterdir() if file.is_file()]
    found: set[str] = set()
    for file in files:
        text = file.read_text("utf-8")
        if file.suffix == ".py":
            found |= python_imports(text) - sys.stdlib_module_names - {each.stem for each in files}
        elif file.suffix == ".mjs":
            pairs = re.findall(r"""\bfrom '([^']*)'|\bimport\(?\s*['"]([^'"]*)""", text)
            names = {first or second for first, second in pairs} - {f"./{each.name}" for each in files}
            found |= {name for name in names if not name.startswith("node:")}
        elif file.suffix == ".java":
            imported = re.findall(r"^import (?:static )?([\w.*]+);", text, flags=re.MULTILINE)
            found |= {name for name in imported if not name.startswith("java.")}
        else:
            found.add(file.name)
    return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_adapters_stand_alone(repository: Path, language: str, tmp_path: Path) -> None:
    folder = repository / FOLDER / language
    assert foreign(folder) == set()
    shutil.copytree(folder, tmp_path / language)
    planted = {
        "python": ("planted.py", "import bluezone_reference.errors\n"),
        "javascript": ("planted.mjs", "import { x } from 'left-pad';\n"),
        "java": ("Planted.java", "import org.json.JSONObject;\n"),
    }
    name, text = planted[language]
    (tmp_path / language / name).write_text(text, "utf-8")
    assert len(foreign(tmp_path / language)) == 1


def test_skeletons_say_that_nobody_compiled_them(repository: Path) -> None:
    page = (repository / FOLDER / "README.md").read_text("utf-8")
    for language, name in SKELETONS.items():
        text = (repository / FOLDER / language / name).read_text("utf-8")
        assert text.startswith("// Not compiled here: "), name
        assert f"[`{language}/`]({language}/{name}) | a skeleton, *not compiled here*" in page
    assert {path.name for path in (repository / FOLDER).iterdir() if path.is_dir()} == {
        *LANGUAGES,
        *SKELETONS,
    }


# the port in JavaScript, made wrong by one change of its text: file, what stands there, what is put there instead,
# the known fault that it then has, and a requirement that it breaks
MISTAKES = {
    "slot-late": (
        "schedule.mjs",
        "[dayNumber(baseDayMs, timeMs), slotAt(timeMs, count), DAY_MS / count]",
        "[dayNumber(baseDayMs, timeMs - DAY_MS / count), slotAt(timeMs - DAY_MS / count, count), DAY_MS / count]",
        "BZ-KEY-006",
    ),
    "corrected-salt": ("schedule.mjs", "'bluzonesubkey'", "'bluezonesubkey'", "BZ-KEY-004"),
    "first-octets": (
        "schedule.mjs",
        "[0, 4, 8, 12, 16, 18, 20, 22, 24, 26, 28, 30]",
        "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]",
        "BZ-KEY-005",
    ),
    "half-open-interval": (
        "messages.mjs",
        "atBoundary ? [last - 1, last] : [last]",
        "[last]",
        "BZ-MAT-002",
    ),
}


@pytest.mark.parametrize("fault", MISTAKES)
def test_a_wrong_port_is_diagnosed_by_name(
    fault: str, repository: Path, tool: Callable[[str], Path], tmp_path: Path
) -> None:
    name, right, wrong, requirement = MISTAKES[fault]
    copy = tmp_path / "javascript"
    shutil.copytree(repository / FOLDER / "javascript", copy)
    text = (copy / name).read_text("utf-8")
    assert text.count(right) == 1
    (copy / name).write_text(text.replace(right, wrong), "utf-8")
    done = bzc("run", "--seed", "1", "--json", "--", str(tool("node")), str(copy / "adapter.mjs"))
    assert done.returncode == 1, done.stdout[-2000:] + done.stderr
    result = json.loads(done.stdout)
    verdicts = {each["id"]: each["verdict"] for each in result["requirements"]}
    assert verdicts[requirement] == "fail"
    # the first explanation names the fault, and no other comes before it
    explanation, *_ = [each["message"] for each in result["diagnostics"] if each["severity"] == "warning"]
    assert explanation.startswith("It looks like an implementation that ")
    assert f"({fault})" in explanation


def test_nothing_of_the_machine_is_needed(adapter: Adapter, tmp_path: Path) -> None:
    # from another folder and without an environment: what the adapter needs stands beside it
    done = subprocess.run(
        adapter.command,
        input=question("hello", 1, protocol=1) + "\n",
        cwd=tmp_path,
        env={key: os.environ[key] for key in ("SYSTEMROOT",) if key in os.environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert json.loads(done.stdout)["seq"] == 1
