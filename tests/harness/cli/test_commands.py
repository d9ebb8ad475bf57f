"""The command line as a whole: help at once, errors in one line, the exit codes, and no traceback, ever."""

from __future__ import annotations

import errno
import importlib
import io
import json
import os
import runpy
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

import bluezone_harness
from bluezone_harness import cli
from bluezone_harness.cli import bzc, commands
from bluezone_harness.cli.commands import COMMANDS, LazyGroup
from bluezone_harness.cli.failures import CallerError
from bluezone_reference import __version__
from bluezone_reference.errors import BuildFailureError, Failure, MalformedError, RefusedError, RejectCode

HEAVY = {"construct", "rich", "markdown_it", "sqlite3", "jsonschema", "numpy", "numba", "pathlib"}
BASE_ID = "4c5224b397f8ab3896781d5aa0f3119f280513f1b592ca280ebded6357e21084"
IDS = ("ids", "--base-id", BASE_ID, "--base-day", "2020-08-08", "--at", "1596866191387")
LONG = ("ids", "--base-id", BASE_ID, "--base-day", "2020-08-08", "--day", "0", "--max", "86400")


def process(*arguments: str, **options: object) -> subprocess.CompletedProcess[bytes]:
    """Run ``bzc`` as a process of its own."""
    command = [sys.executable, "-m", "bluezone_harness", *arguments]
    return subprocess.run(command, capture_output=True, timeout=60, check=False, **options)  # type: ignore[call-overload, no-any-return]  # options by name


def modules_after(arguments: list[str]) -> set[str]:
    """Return the modules that a process has imported when ``bzc`` has done what it was asked for."""
    program = (
        "import sys\n"
        "from bluezone_harness.cli import bzc\n"
        "try:\n"
        f"    bzc.main({arguments!r}, 'bzc')\n"
        "finally:\n"
        "    print(' '.join(sys.modules), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=60, check=False)
    return set(done.stderr.decode().splitlines()[-1].split())


@dataclass
class Planted:
    """What a planted command raises."""

    error: BaseException


@pytest.fixture
def planted(monkeypatch: pytest.MonkeyPatch) -> Planted:
    """Plant a command ``ids`` that raises an error, which the test chooses."""
    planted = Planted(KeyboardInterrupt())

    @click.command
    def command() -> None:
        raise planted.error

    monkeypatch.setattr(importlib.import_module("bluezone_harness.cli.ids"), "command", command)
    return planted


def test_the_help_lists_every_command_with_its_line() -> None:
    result = CliRunner().invoke(bzc, ["--help"])
    assert (result.exit_code, result.stderr) == (0, "")
    table = [line.split(maxsplit=1) for line in result.stdout.splitlines()]
    assert [[name, text] for name, text in COMMANDS.items()] == [
        row for row in table if row[:1] and row[0] in COMMANDS
    ]
    assert CliRunner().invoke(bzc, ["-h"]).stdout == result.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_the_table_of_commands_is_what_the_commands_say(name: str) -> None:
    command = bzc.get_command(click.Context(bzc), name)
    assert command is not None
    assert (command.help or "").splitlines()[0] == COMMANDS[name]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_examples(name: str) -> None:
    result = CliRunner().invoke(bzc, [name, "--help"])
    assert (result.exit_code, result.stderr) == (0, "")
    assert f"Usage: bzc {name}" in result.stdout
    examples = result.stdout.partition("Examples:")[2]
    assert f"    bzc {name}" in examples or f"$(bzc {name}" in examples


@pytest.mark.parametrize(
    "arguments",
    [
        ("--help",),
        ("--version",),
        IDS,
        ("ids", "--help"),
        ("decode", "0201020fffb522b9a665d754fe65e665d76a450303564e"),
        ("decode", "020102"),
        ("completion", "bash"),
        ("idz",),
    ],
)
def test_what_is_quick_stays_quick(arguments: tuple[str, ...]) -> None:
    loaded = {module.partition(".")[0] for module in modules_after(list(arguments))}
    assert "click" in loaded
    assert loaded & HEAVY == set()


def test_the_commands_are_in_the_order_of_the_help() -> None:
    assert bzc.list_commands(click.Context(bzc)) == list(COMMANDS)


def test_the_help_imports_no_command() -> None:
    done = modules_after(["--help"])
    assert done & {f"bluezone_harness.cli.{name}" for name in COMMANDS} == set()


def test_the_version() -> None:
    result = CliRunner().invoke(bzc, ["--version"])
    assert (result.exit_code, result.stdout) == (0, f"bzc {__version__}\n")


def test_without_a_command_the_help_is_shown_as_wrong_usage() -> None:
    result = CliRunner().invoke(bzc, [])
    assert (result.exit_code, result.stdout) == (64, "")
    assert result.stderr == CliRunner().invoke(bzc, ["--help"]).stdout


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["decod"], "there is no command 'decod', see 'bzc --help'; did you mean decode?"),
        (["IDS"], "there is no command 'IDS', see 'bzc --help'; did you mean ids?"),
        (["xyz"], "there is no command 'xyz', see 'bzc --help'"),
        (["a\nb"], "there is no command 'a\\nb', see 'bzc --help'"),
        (["--versoin"], "there is no option '--versoin', see 'bzc --help'; did you mean --version?"),
        (["ids", "--josn"], "there is no option '--josn', see 'bzc ids --help'; did you mean --json?"),
        (["ids", "--zz"], "there is no option '--zz', see 'bzc ids --help'"),
        (["ids", "--base-id"], "option '--base-id' requires an argument; see 'bzc ids --help'"),
        (["ids", "x"], "missing option '--base-id'; see 'bzc ids --help'"),
        ([*IDS, "x"], "got unexpected extra argument (x); see 'bzc ids --help'"),
    ],
)
def test_wrong_usage_is_one_line_with_advice(arguments: list[str], line: str) -> None:
    result = CliRunner().invoke(bzc, arguments)
    assert (result.exit_code, result.stdout, result.stderr) == (64, "", f"bzc: {line}\n")


@pytest.mark.parametrize(
    ("error", "exit_code", "line"),
    [
        (KeyboardInterrupt(), 130, "interrupted"),
        (click.Abort(), 130, "interrupted"),
        (CallerError("this is wrong: do that"), 64, "this is wrong: do that"),
        (click.UsageError("Odd."), 64, "odd; see 'bzc ids --help'"),
        (click.ClickException("Disk full."), 3, "disk full"),
        (click.ClickException("A disk."), 3, "A disk"),
        (RefusedError(RejectCode.BAD_MAX, "BZ-KEY-007", "no"), 64, "no (BAD_MAX, BZ-KEY-007)"),
        (
            BuildFailureError("F-02", Failure.EXCEPTION, "no"),
            1,
            "the published build gives no answer: no (F-02: exception)",
        ),
        (
            MalformedError(RejectCode.BAD_JSON, "BZ-MAT-005", 3, "no"),
            3,
            "no (BAD_JSON, BZ-MAT-005, octet 3)",
        ),
        (
            PermissionError(errno.EACCES, "Permission denied", "a\nb"),
            3,
            "reading or writing failed: permission denied ('a\\nb')",
        ),
        (OSError("odd"), 3, "reading or writing failed: odd"),
        (
            ZeroDivisionError("by zero\n"),
            3,
            "a defect of bzc, ZeroDivisionError: by zero ; set BZC_DEBUG=1 to see the traceback",
        ),
        (AssertionError(), 3, "a defect of bzc, AssertionError; set BZC_DEBUG=1 to see the traceback"),
    ],
)
def test_every_error_is_one_line_and_an_exit_code(
    planted: Planted, error: BaseException, exit_code: int, line: str
) -> None:
    planted.error = error
    result = CliRunner().invoke(bzc, ["ids"])
    assert (result.exit_code, result.stdout, result.stderr) == (exit_code, "", f"bzc: {line}\n")


def test_the_traceback_of_a_defect_can_be_seen(planted: Planted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BZC_DEBUG", "1")
    planted.error = ZeroDivisionError("by zero")
    result = CliRunner().invoke(bzc, ["ids"])
    assert result.exit_code == 3
    assert result.stderr.startswith("Traceback (most recent call last):\n")
    assert result.stderr.splitlines()[-1].startswith("bzc: a defect of bzc, ZeroDivisionError: by zero; ")
    planted.error = CallerError("no defect")
    assert CliRunner().invoke(bzc, ["ids"]).stderr == "bzc: no defect\n"


def test_a_reader_gone_away_ends_it_quietly(planted: Planted) -> None:
    planted.error = BrokenPipeError(errno.EPIPE, "Broken pipe")
    result = CliRunner().invoke(bzc, ["ids"])
    assert (result.exit_code, result.stdout, result.stderr) == (141, "", "")


@pytest.mark.parametrize("code", [0, 1, 2])
def test_a_command_chooses_its_exit_code(planted: Planted, code: int) -> None:
    planted.error = click.exceptions.Exit(code)
    assert CliRunner().invoke(bzc, ["ids"]).exit_code == code
    planted.error = SystemExit(code)
    assert CliRunner().invoke(bzc, ["ids"]).exit_code == code


def test_other_programs_can_call_it_without_its_exit_codes(planted: Planted) -> None:
    planted.error = RefusedError(RejectCode.BAD_MAX, "BZ-KEY-007", "no")
    with pytest.raises(RefusedError):
        bzc.main(["ids"], standalone_mode=False)


@pytest.mark.parametrize(("variable", "value"), [("NO_COLOR", "1"), ("TERM", "dumb"), ("TERM", "xterm")])
def test_colour_can_be_refused(variable: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    colours: list[bool | None] = []

    @click.command
    @click.pass_context
    def command(ctx: click.Context) -> None:
        colours.append(ctx.color)

    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv(variable, value)
    monkeypatch.setattr(importlib.import_module("bluezone_harness.cli.ids"), "command", command)
    assert CliRunner().invoke(bzc, ["ids"]).exit_code == 0
    assert colours == [None if value == "xterm" else False]


def test_the_console_entry_answers_and_leaves(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["/usr/bin/bluezone-conformance", "ids", "--help"])
    with pytest.raises(SystemExit) as left:
        cli.main()
    assert left.value.code == 0
    assert capsys.readouterr().out.startswith("Usage: bluezone-conformance ids")
    monkeypatch.setattr(sys, "argv", ["/usr/lib/bluezone_harness/__main__.py", "--version"])
    with pytest.raises(SystemExit) as left:
        # not run_module: where the plugin for pytest is installed, pytest loads the package, in a way that runpy cannot
        runpy.run_path(str(Path(bluezone_harness.__file__).with_name("__main__.py")), run_name="__main__")
    assert left.value.code == 0
    assert capsys.readouterr().out == f"bzc {__version__}\n"


def test_text_that_the_terminal_cannot_show_is_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    octets = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(octets, "latin-1"))
    monkeypatch.setattr(sys, "argv", ["bzc", "decode", "0409e8aa9e"])  # a name of one Chinese character
    with pytest.raises(SystemExit) as left:
        cli.main()
    assert left.value.code == 0
    assert b"'\\u8a9e'" in octets.getvalue()


def test_the_processes_exit_codes() -> None:
    done = process(*IDS, "--json")
    assert (done.returncode, done.stderr) == (0, b"")
    assert json.loads(done.stdout)["rolling_id"] == "b9a665d754fe65e665d76a45"
    for arguments, exit_code in (
        (["decode", "ff"], 1),
        (["match", "--cases", "/nonexistent", "--log", "/nonexistent"], 3),
        (["nothing"], 64),
    ):
        done = process(*arguments)
        assert (done.returncode, done.stdout, done.stderr.count(b"\n")) == (exit_code, b"", 1), arguments


def test_ctrl_c_while_it_waits_for_a_terminal() -> None:
    terminal, its_side = os.openpty()
    command = [sys.executable, "-m", "bluezone_harness", "decode", "-"]
    prompt = b"AdvData in hex: "
    try:
        with subprocess.Popen(command, stdin=its_side, stderr=subprocess.PIPE) as running:
            assert running.stderr is not None
            assert running.stderr.read(len(prompt)) == prompt
            for _ in range(10):  # a signal just before the read would be seen only after it
                running.send_signal(signal.SIGINT)
                with suppress(subprocess.TimeoutExpired):
                    running.wait(timeout=5)
                    break
            assert running.wait(timeout=0) == 130
            assert running.stderr.read() == b"bzc: interrupted\n"
    finally:
        os.close(terminal)
        os.close(its_side)


def test_ctrl_c_on_a_terminal_begins_a_new_line(planted: Planted, monkeypatch: pytest.MonkeyPatch) -> None:
    planted.error = KeyboardInterrupt()
    monkeypatch.setattr(commands, "_is_terminal", lambda: True)
    assert CliRunner().invoke(bzc, ["ids"]).stderr == "\nbzc: interrupted\n"


def test_a_closed_pipe_is_no_error_to_speak_of() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        command = [sys.executable, "-m", "bluezone_harness", *LONG]
        done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, timeout=60, check=False)
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (141, b"")


class Full(io.StringIO):
    """A stream to a disk that is full; it may have a number of its own, as files have."""

    number: int | None = None

    def flush(self) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    def fileno(self) -> int:
        if self.number is None:
            raise OSError(errno.EBADF, "Bad file descriptor")
        return self.number


@pytest.mark.parametrize("has_number", [True, False])
def test_what_cannot_be_written_is_let_go(
    has_number: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stream = Full()
    with (tmp_path / "file").open("wb", buffering=0) as file:
        stream.number = file.fileno() if has_number else None
        monkeypatch.setattr(sys, "stdout", stream)
        with pytest.raises(SystemExit) as left:
            bzc.main(["--version"], "bzc")
        assert left.value.code == 3
        file.write(b"what comes later")
    assert (tmp_path / "file").read_bytes() == (b"" if has_number else b"what comes later")
    assert capsys.readouterr().err == "bzc: reading or writing failed: no space left on device\n"


@pytest.mark.parametrize("arguments", [["--version"], ["nothing"]])
def test_without_streams_the_exit_code_remains(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    monkeypatch.setattr(sys, "argv", ["bzc", *arguments])
    with pytest.raises(SystemExit) as left:
        cli.main()
    assert left.value.code == (0 if arguments == ["--version"] else 64)


def test_an_error_that_nobody_can_hear_still_has_its_exit_code() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        command = [sys.executable, "-m", "bluezone_harness", "nothing"]
        assert subprocess.run(command, stderr=writing, timeout=60, check=False).returncode == 64
    finally:
        os.close(writing)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, a disk that is always full")
@pytest.mark.parametrize("arguments", [IDS, ("--help",), ("decode", "ff", "--json")])
def test_an_answer_that_cannot_be_written_is_an_error(arguments: tuple[str, ...]) -> None:
    with Path("/dev/full").open("wb") as full:
        command = [sys.executable, "-m", "bluezone_harness", *arguments]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (
        3,
        b"bzc: reading or writing failed: no space left on device\n",
    )


def test_closed_streams_do_no_harm() -> None:
    quoted = f"'{sys.executable}' -m bluezone_harness"
    for rest, exit_code in ((f"{' '.join(IDS)} >&-", 0), ("nothing 2>&-", 64), ("decode - <&-", 64)):
        done = subprocess.run(
            ["/bin/sh", "-c", f"{quoted} {rest}"], capture_output=True, timeout=60, check=False
        )
        assert done.returncode == exit_code, rest
        assert done.stderr.count(b"\n") == (rest == "decode - <&-")


def test_completion_names_commands_without_importing_them(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: LazyGroup, ctx: click.Context, cmd_name: str) -> None:
        pytest.fail(f"{cmd_name} was imported")

    monkeypatch.setattr(LazyGroup, "get_command", refuse)
    context = click.Context(bzc)
    assert [item.value for item in bzc.shell_complete(context, "de")] == ["demo", "decode"]
    assert [item.value for item in bzc.shell_complete(context, "--ver")] == ["--version"]


words = st.one_of(
    st.text(max_size=10),
    st.sampled_from(
        ["ids", "decode", "match", "completion", "--help", "--json", "-", "--", "-h", "--version", "0"]
    ),
)


@given(st.lists(words, max_size=5), st.binary(max_size=20))
def test_no_arguments_end_in_an_exception(arguments: list[str], stdin: bytes) -> None:
    result = CliRunner().invoke(bzc, arguments, input=stdin)
    assert isinstance(result.exception, SystemExit | None), arguments
    assert result.exit_code in (0, 1, 3, 64), (arguments, result.stderr)
    assert not result.stderr.startswith("bzc: a defect of bzc")
    if result.exit_code == 64 and arguments:
        assert result.stderr.count("\n") == 1
