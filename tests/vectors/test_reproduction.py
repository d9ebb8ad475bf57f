"""The reproduction in Node: written from the chapters alone, it agrees with the pack and reads nothing else."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

ZERO = "00" * 32
CAPTURED = "4c5224b397f8ab3896781d5aa0f3119f280513f1b592ca280ebded6357e21084"
BASE_DAY_MS = 1_596_844_800_000
OPERATIONS = {
    *("derive_ids", "id_at", "ids_over_time", "new_base_ids", "published_key", "encode_advertisement"),
    *("decode_advertisement", "receive", "log_export", "log_import", "match", "decode_push", "decode_info"),
    "encode_info",
}
MOST_LINES = 400
IMPORT = re.compile(r"""^(?:import|export)\b[^'"]*?from '([^']*)'|^import '([^']*)'""", flags=re.MULTILINE)
# ways out of the standard library, and ways to the network, to other programs and to the environment
WAYS_OUT = re.compile(
    r"\brequire\b|\bimport\s*\(|\bimport\.meta\b|\bfetch\b|\bprocess\.(?:env|binding|dlopen|cwd)\b|"
    r"\beval\b|\bFunction\s*\("
)
ALLOWED = {"node:crypto", "node:fs", "node:path", "node:util"}


@pytest.fixture(scope="module")
def node(tool: Callable[[str], Path]) -> Path:
    return tool("node")


@pytest.fixture(scope="module")
def folder(repository: Path) -> Path:
    return repository / "vectors" / "reproduction"


@pytest.fixture(scope="module")
def pack(repository: Path) -> Path:
    return repository / "vectors" / "bluezone_vectors" / "pack"


def replies(node: Path, folder: Path, questions: Sequence[tuple[str, Mapping[str, object]]]) -> list[Any]:
    """Ask questions through the adapter and return what stands beside ``seq`` in each reply."""
    lines = [
        json.dumps({"op": op, "seq": seq, "in": question}) for seq, (op, question) in enumerate(questions)
    ]
    bye = json.dumps({"op": "bye", "seq": len(lines)})
    done = subprocess.run(
        [node, folder / "adapter.mjs"],
        input="\n".join([*lines, bye, ""]),
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=True,
    )
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert [reply.pop("seq") for reply in found] == list(range(len(questions)))
    return found


def reproduce(
    node: Path, folder: Path, *arguments: object, options: Sequence[str] = ()
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [node, *options, folder / "reproduce.mjs", *map(str, arguments)],
        cwd=folder,
        env={},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=300,
        check=False,
    )


def imported(text: str) -> set[str]:
    """Return what a module imports."""
    return {first or second for first, second in IMPORT.findall(text)}


def strange(text: str, siblings: set[str]) -> list[str]:
    """Return what a module reaches for beyond the standard library and its siblings."""
    code = re.sub(r"//.*", "", text)
    return sorted(imported(text) - ALLOWED - siblings) + WAYS_OUT.findall(code)


@pytest.mark.req("BZ-KEY-003", "BZ-KEY-004", "BZ-KEY-005", "BZ-KEY-006")
def test_known_rolling_ids(node: Path, folder: Path, repository: Path) -> None:
    known = repository / "vectors" / "bluezone_vectors" / "known_answers" / "rolling_ids.json"
    answers = [a for a in json.loads(known.read_text("utf-8"))["answers"] if len(a["base_id"]) == 64]
    questions = [
        (
            "derive_ids",
            {key: answer[key] for key in ("base_id", "day", "max") if key in answer}
            | {"slots": [answer["slot"]]},
        )
        for answer in answers
    ]
    assert len(answers) > 50
    expected = [{"ok": {"ids": [answer["rolling_id"]]}} for answer in answers]
    assert replies(node, folder, questions) == expected


@pytest.mark.req("BZ-MSG-004", "F-24")
def test_known_published_day_keys(node: Path, folder: Path, repository: Path) -> None:
    known = repository / "vectors" / "bluezone_vectors" / "known_answers" / "published_day_keys.json"
    answers = json.loads(known.read_text("utf-8"))["answers"]
    questions = [
        (
            "published_key",
            {
                "base_id": answer["base_id"],
                "base_day_ms": answer["base_day_ms"],
                "now_ms": answer["now_ms"],
                "days": answer["days_back"],
            },
        )
        for answer in answers
    ]
    assert len(answers) >= 12
    found = [
        (reply["ok"]["day_key"], reply["ok"]["time_start_ms"]) for reply in replies(node, folder, questions)
    ]
    assert found == [(answer["day_key"], answer["time_start_ms"]) for answer in answers]


@pytest.mark.req("BZ-KEY-006", "BZ-KEY-007", "F-02")
def test_seven_slots_a_day_under_each_profile(node: Path, folder: Path) -> None:
    # the table "max = 7 under each profile" of the chapter Key schedule
    events = [
        {"kind": "max", "value": 7},
        *({"kind": "id", "time_ms": BASE_DAY_MS + since} for since in (12_342_900, 86_399_999)),
    ]
    question = {"base_id": CAPTURED, "base_day_ms": BASE_DAY_MS, "events": events}
    profiles = ("v3", "android-v3", "ios-v3", "v1")
    found = replies(
        node, folder, [("ids_over_time", {**question, "profile": profile}) for profile in profiles]
    )
    assert [reply.get("ok", reply)["ids"] for reply in found[:3]] == [
        [{"id": "e84b0912d742ee47e732ce1f"}, {"id": "b0a3ca441eec82955e4e6252"}],
        [{"id": "e26b0fcb3a70a8892b38a074"}, {"failure": "exception"}],
        [{"id": "29abd013b41c90269332ab5d"}, {"id": "8204c053cf822a4b231e04bb"}],
    ]
    assert found[3] == {"reject": {"code": "NO_KEY_SCHEDULE"}}


@pytest.mark.req("BZ-MAT-005")
@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("[]", "BAD_JSON"),
        ('{"data":[01]}', "BAD_JSON"),
        ('{"data":[NaN]}', "BAD_JSON"),
        ('{"data":[]} x', "BAD_JSON"),
        ('{"data":["\t"]}', "BAD_JSON"),
        ('{"data":"\\ud83d\\u00zz"}', "BAD_JSON"),
        ("[" * 100_000, "BAD_JSON"),
        ('{"data":' + "[" * 100_000 + "]" * 100_000 + "}", "BAD_JSON"),
        ("{}", "MISSING_FIELD"),
        ('{"data":{}}', "MISSING_FIELD"),
    ],
)
def test_json_is_read_strictly(node: Path, folder: Path, text: str, outcome: str) -> None:
    (reply,) = replies(node, folder, [("match", {"message": text, "records": []})])
    assert reply == {"reject": {"code": outcome}}


@pytest.mark.req("BZ-MAT-005")
@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("96.0", "NOT_AN_INTEGER"),
        ("9.6e1", "NOT_AN_INTEGER"),
        ("true", "NOT_AN_INTEGER"),
        ("9223372036854775808", "NOT_AN_INTEGER"),
        ("9223372036854775807", "BAD_MAX"),
        ("-9223372036854775808", "BAD_MAX"),
        ("97", "BAD_MAX"),
    ],
)
def test_integers_are_kept_apart(node: Path, folder: Path, written: str, code: str) -> None:
    case = f'{{"daily_key":"{ZERO}","time_start":0,"time_end":0,"max":{written}}}'
    question = {"kind": "cases", "text": f'{{"data":[{case}]}}'}
    (reply,) = replies(node, folder, [("decode_info", question)])
    assert reply == {"ok": {"cases": [{"reject": code}], "further": []}}


def test_hello_names_all_operations(node: Path, folder: Path) -> None:
    hello, unknown = replies(node, folder, [("hello", {"protocol": 1}), ("boil_water", {})])
    assert set(hello["ok"]["ops"]) == OPERATIONS
    assert hello["ok"]["profiles"] == ["v3", "android-v3", "ios-v3", "v2", "v1"]
    assert unknown == {"unsupported": {}}


def test_it_agrees_with_the_pack(node: Path, folder: Path, pack: Path) -> None:
    number = {file.stem: len(json.loads(file.read_text("utf-8"))["vectors"]) for file in pack.glob("*.json")}
    done = reproduce(node, folder, pack)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    assert set(number) == OPERATIONS
    lines = [f"{operation}: {count} of {count} agree" for operation, count in sorted(number.items())]
    total = sum(number.values())
    assert total >= 400
    assert done.stdout.splitlines() == [*lines, f"{total} of {total} vectors agree"]


def test_it_reads_the_pack_and_nothing_else(node: Path, folder: Path, pack: Path, tmp_path: Path) -> None:
    # a copy far from the project, which may read itself and the copy of the pack
    shutil.copytree(folder, tmp_path / "reproduction")
    shutil.copytree(pack, tmp_path / "pack")
    (tmp_path / "secret.json").write_text("{}", "utf-8")
    usage = subprocess.run([node, "--help"], capture_output=True, text=True, check=True).stdout
    permission = next(
        (flag for flag in ("--permission", "--experimental-permission") if f"  {flag} " in usage), ""
    )
    options = [
        *([permission] if permission else []),
        *(f"--allow-fs-read={tmp_path / name}/*" for name in ("reproduction", "pack") if permission),
        *(["--no-warnings"] if permission else []),
    ]
    done = reproduce(node, tmp_path / "reproduction", tmp_path / "pack", options=options)
    assert done.returncode == 0, done.stdout + done.stderr
    if permission:
        # the restriction holds: what is outside cannot be read
        denied = reproduce(node, tmp_path / "reproduction", tmp_path, options=options)
        assert denied.returncode != 0
        assert "ERR_ACCESS_DENIED" in denied.stderr


@pytest.mark.req("BZ-KEY-005")
def test_a_wrong_vector_is_named(node: Path, folder: Path, tmp_path: Path) -> None:
    right = {"base_id": ZERO, "day": 0, "slots": [0]}
    vectors = [
        {"id": "right", "in": right, "expect": {"ok": {"ids": ["490c085d937456a4dd07e710"]}}},
        {"id": "wrong", "in": right, "expect": {"ok": {"ids": ["490c085d937456a4dd07e711"]}}},
        {"id": "refused", "in": {**right, "max": 7}, "expect": {"reject": "BAD_SLOT"}},
    ]
    (tmp_path / "derive_ids.json").write_text(
        json.dumps({"schema": 1, "operation": "derive_ids", "vectors": vectors}), "utf-8"
    )
    done = reproduce(node, folder, tmp_path)
    assert done.returncode == 1
    assert [line.split(":")[0] for line in done.stdout.splitlines()] == [
        "derive_ids wrong",
        "derive_ids refused",
        "derive_ids",
        "1 of 3 vectors agree",
    ]


def test_no_vectors_are_no_agreement(node: Path, folder: Path, tmp_path: Path) -> None:
    assert reproduce(node, folder, tmp_path).returncode == 1
    assert reproduce(node, folder).returncode == 64


def test_it_imports_the_standard_library_alone(folder: Path) -> None:
    modules = sorted(folder.glob("*.mjs"))
    assert sorted(folder.iterdir()) == modules
    siblings = {f"./{module.name}" for module in modules}
    assert len(modules) > 5
    for module in modules:
        text = module.read_text("utf-8")
        assert strange(text, siblings) == [], module.name
        # files are read in one place, from the folder that is its argument
        assert ("node:fs" in text) == (module.name == "reproduce.mjs"), module.name
        assert len(text.splitlines()) <= MOST_LINES, module.name
        assert max(map(len, text.splitlines())) <= 120, module.name


@pytest.mark.parametrize(
    "planted",
    [
        "import { x } from '../../reference/x.mjs';",
        "import {\n  x,\n  y,\n} from 'left-pad';",
        "import 'node:child_process';",
        "export { x } from '../x.mjs';",
        "const x = require('x');",
        "const x = await import('x');",
        "const key = process.env.KEY;",
        "await fetch('https://example.org');",
    ],
)
def test_a_planted_import_is_seen(planted: str) -> None:
    assert strange(planted, {"./json.mjs"}) != []


def test_neither_implementation_reads_the_other(repository: Path) -> None:
    # the reference and the pack's generator know nothing of the reproduction
    for place in ("reference", "vectors/bluezone_vectors"):
        for file in (repository / place).rglob("*.py"):
            assert ".mjs" not in file.read_text("utf-8"), file
