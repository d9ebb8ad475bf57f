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
from bluezone_harness.cli.files import write_text, written
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
