"""What a command writes: whole or not at all, and an error names the file as it was given."""

from __future__ import annotations

import errno
import shlex
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from bluezone_harness.cli import bzc, implementation
from bluezone_harness.cli.failures import CallerError
from bluezone_harness.cli.files import keep_inputs, write_text, written
from bluezone_vectors.pack import Pack

ADAPTER = shlex.join([sys.executable, "-m", "bluezone_harness.implementations.reference_adapter"])


def failing(path: str, number: int) -> str:
    """Return the message where the operating system fails while a file is written, with an error of its own."""
    with pytest.raises(click.ClickException) as caught, written(path):
        raise OSError(number, "It Failed.", "a-name-of-its-own")
    return caught.value.message


def assert_refused(arguments: list[str], path: str) -> None:
    """Hold a command to its one sentence about a file in a folder that does not exist."""
    result = CliRunner().invoke(bzc, [*arguments, path])
    assert result.stderr.splitlines()[-1] == (
        f"bzc: {path!r} cannot be written, no such file or directory: check the path"
    )
    assert (result.exit_code, result.stdout) == (3, "")


def test_a_file_appears_when_it_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "a.pcap"
    path.write_bytes(b"before")
    with written(str(path)) as file:
        file.write(b"octets")
        assert path.read_bytes() == b"before"
    assert path.read_bytes() == b"octets"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.ENOENT, "check the path"),
        (errno.ENOTDIR, "check the path"),
        (errno.EISDIR, "give a file"),
        (errno.EACCES, "check its permissions"),
        (errno.ENOSPC, "make room there"),
        (errno.EIO, "give another file"),
    ],
)
def test_an_error_names_the_file_as_it_was_given_and_leaves_nothing(
    number: int, advice: str, tmp_path: Path
) -> None:
    path = str(tmp_path / "a.pcap")
    assert failing(path, number) == f"{path!r} cannot be written, it Failed: {advice}"
    assert list(tmp_path.iterdir()) == []


def test_a_reader_that_went_away_is_no_error_of_the_file(tmp_path: Path) -> None:
    with pytest.raises(BrokenPipeError), written(str(tmp_path / "a.pcap")):
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")
    assert list(tmp_path.iterdir()) == []


def test_text_is_written_with_line_feeds_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    write_text(str(path), "é\n")
    assert path.read_bytes() == b"\xc3\xa9\n"
    with pytest.raises(click.ClickException) as caught:
        write_text(str(tmp_path), "é\n")
    assert caught.value.message == f"{str(tmp_path)!r} cannot be written, is a directory: give a file"


@pytest.mark.parametrize("option", ["--junit", "--markdown"])
@pytest.mark.parametrize("lost", ["data_trace.txt", "device.json", "accepted.toml"])
def test_a_report_is_not_written_over_what_it_is_about(option: str, lost: str, tmp_path: Path) -> None:
    for name in ("data_trace.txt", "device.json", "accepted.toml"):
        (tmp_path / name).write_text("as it was")
    paths = [str(tmp_path / name) for name in ("data_trace.txt", "device.json", "accepted.toml")]
    command = ["check", paths[0], "--device", paths[1], "--accept", paths[2], option, str(tmp_path / lost)]
    result = CliRunner().invoke(bzc, command)
    assert result.exit_code == 64
    assert f"{option} {lost!r} is what is read, and would be lost: give another file" in result.stderr
    assert (tmp_path / lost).read_text() == "as it was"


def test_a_simulation_is_not_written_over_its_device_file(tmp_path: Path) -> None:
    path = tmp_path / "device.json"
    path.write_text("as it was")
    for options in (("--out", str(path)), ("--out", str(tmp_path / "a.pcap"), "--write-device", str(path))):
        result = CliRunner().invoke(bzc, ["simulate", "--device", str(path), "--force", *options])
        assert (result.exit_code, path.read_text()) == (64, "as it was")
        assert "is what is read, and would be lost" in result.stderr


@pytest.mark.parametrize("option", ["--junit", "--markdown"])
def test_a_report_is_not_written_over_the_deviations(option: str, tmp_path: Path) -> None:
    path = tmp_path / "deviations.toml"
    path.write_text("as it was")
    command = ["implementation", "run", ADAPTER, "--deviations", str(path), option, str(path)]
    result = CliRunner().invoke(bzc, command)
    assert (result.exit_code, path.read_text()) == (64, "as it was")
    assert f"{option} 'deviations.toml' is what is read, and would be lost" in result.stderr


def test_what_is_no_file_cannot_be_lost(tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.touch()
    keep_inputs(["/dev/null", "-", None], [("--out", "/dev/null"), ("--junit", "-"), ("--markdown", None)])
    keep_inputs([str(there), "\0"], [("--out", str(tmp_path / "new")), ("--junit", "\0")])
    with pytest.raises(CallerError):
        keep_inputs([str(there)], [("--out", str(tmp_path / "new")), ("--junit", str(there))])


@pytest.mark.parametrize("option", ["--junit", "--markdown"])
def test_the_reports_of_check_say_so(option: str, tmp_path: Path) -> None:
    log = tmp_path / "data_trace.txt"
    log.write_bytes(b"%s\t%s\t-71\t1596866191387\n" % (b"AB" * 12, b"CD" * 12))
    assert_refused(["check", str(log), option], str(tmp_path / "none" / "report"))


@pytest.mark.parametrize("option", ["--junit", "--markdown"])
def test_the_reports_of_a_run_say_so(option: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(implementation, "load_pack", lambda: Pack("1.2.0", "ab" * 32, (), {}, ()))
    assert_refused(["implementation", "run", ADAPTER, option], str(tmp_path / "none" / "report"))


def test_a_disagreement_says_so(tmp_path: Path) -> None:
    search = ("implementation", "explore", f"{ADAPTER} --faulty no-salt", "--op", "id_at", "--seconds", "30")
    assert_refused([*search, "--out"], str(tmp_path / "none" / "found.json"))
