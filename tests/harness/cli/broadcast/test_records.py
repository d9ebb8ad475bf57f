"""Where ``bzc broadcast`` writes its record, and what a conversion makes of it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bluezone_harness.cli import broadcast, bzc
from bluezone_harness.live.recorder import RawFile, new_file
from bluezone_harness.virtual.ble.worlds import World

pytestmark = [
    pytest.mark.req("BZ-RCV-001"),
    pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals and sockets"),
]

Line = dict[str, object]


def test_force_writes_over_what_is_there(
    served: list[World], run: Callable[..., Result], whole: Callable[..., list[Line]]
) -> None:
    Path("session.record.jsonl").write_text("old")
    Path("device.json").write_text("old")
    run("session.toml", "--duration", "0.3s", "--force", "--serve", "vhci", "--write-device", "device.json")
    whole()
    assert Path("device.json").read_text() != "old"


def test_two_broadcasts_do_not_write_into_one_file(
    served: list[World],
    monkeypatch: pytest.MonkeyPatch,
    run: Callable[..., Result],
    whole: Callable[..., list[Line]],
) -> None:
    with Path("session.record.jsonl").open("wb") as other:

        def made(path: Path, *, overwrite: bool) -> RawFile:
            file = new_file(path, overwrite=overwrite)
            other.write(b"x" * 100_000)
            other.flush()
            return file

        monkeypatch.setattr(broadcast, "new_file", made)
        assert run("session.toml", "--duration", "0.3s", "--force", "--serve", "vhci").exit_code == 0
    whole()
    assert b"xxx" not in Path("session.record.jsonl").read_bytes()


def test_a_record_behind_a_link_is_written_there(
    served: list[World], run: Callable[..., Result], whole: Callable[..., list[Line]]
) -> None:
    Path("there.jsonl").write_text("old")
    Path("session.record.jsonl").symlink_to("there.jsonl")
    run("session.toml", "--duration", "0.3s", "--force", "--serve", "vhci")
    whole("there.jsonl")
    assert Path("session.record.jsonl").is_symlink()


@pytest.mark.req("BZ-PRV-009")
def test_a_private_conversion_holds_nothing_of_a_record(
    served: list[World], run: Callable[..., Result], lines: Callable[..., list[Line]]
) -> None:
    run("session.toml", "--serve", "vhci", "--duration", "0.3 s")
    arguments = ["convert", "session.record.jsonl", "--private", "--out", "private.jsonl"]
    assert CliRunner().invoke(bzc, arguments).exit_code == 0
    header, end = lines("private.jsonl")
    assert header["capabilities"] == {"true_ids": "no"}
    assert end["kind"] == "end"
    again = ["convert", "session.record.jsonl", "--out", "again.jsonl"]
    assert CliRunner().invoke(bzc, again).exit_code == 0
    assert lines("again.jsonl")[1:-1] == lines()[1:-1]
