"""What people see of a session: a table on any terminal, a line for each change elsewhere."""

from __future__ import annotations

import io
import re
import sys
from dataclasses import replace

import pytest
from rich.console import Console
from rich.live import Live

from bluezone_harness.cli import live_views
from bluezone_harness.cli.live_views import Lines, Screen, opened_view, screen_of
from bluezone_harness.evidence.device_files import read_device_file
from bluezone_harness.findings import Reason, Verdict
from bluezone_harness.live.rows import Row
from bluezone_harness.live.session import Snapshot
from bluezone_harness.profiles import profiles_of
from bluezone_harness.results import Result
from bluezone_harness.verdicts import judge
from bluezone_spec.model import Specification

pytestmark = pytest.mark.req("BZ-ADV-004")

T_US = 1_597_046_400_000_000
OWN = Row("desk", 0, "android", b"\x5a\0\0\0\0\1", bytes(12), 32, 96, 61_000, -50.4, 9.9, T_US, 100, 2)
OTHER = replace(
    OWN, label="", device=None, platform="ios", address=None, rolling_id=None, rssi=-80.0, reads=0
)
GONE = replace(OTHER, platform="", rssi=None, heard_us=T_US - 30_000_000)


@pytest.fixture
def result(specification: Specification) -> Result:
    file = read_device_file("d", b'{"base_id": "%s", "base_day": "2020-08-08"}' % (b"4c5224b397f8ab38" * 4))
    found = judge(specification, profiles_of(specification)["v3"], (), file, "sniff")
    return replace(found, devices=tuple(replace(each, matched=3) for each in found.devices))


def snapshot(*rows: Row, now_us: int = T_US, result: Result | None = None, waiting: str = "") -> Snapshot:
    return Snapshot(now_us, T_US - 5_000_000, 1234, rows, result, waiting)


def drawn(snapshot: Snapshot, width: int = 160, height: int = 10, least: int | None = None) -> str:
    file = io.StringIO()
    Console(file=file, width=width).print(screen_of(snapshot, "desk.jsonl", least, height))
    return file.getvalue()


def test_the_table(result: Result) -> None:
    text = drawn(snapshot(replace(OWN, reads=0), OTHER, GONE, result=result, waiting="the adapter is gone"))
    for part in (
        "2020-08-10T08:00:00+00:00  listening for 5 s, 1234 adverts",
        "recording: desk.jsonl",
        "desk",
        "Android",
        "5A:00:00:00:00:01",
        "32/96",
        "1:01",
        "-50",
        "9.9",
        "stranger",
        "iPhone",
        "privacy NOT OBSERVABLE so far (0 of",
        "the adapter is gone",
        "Ctrl-C ends",
    ):
        assert part in text
    assert re.search(r" 1:01 +-80 +9\.9 *$", text, re.MULTILINE)
    assert re.search(r" 1:01 +- *$", text, re.MULTILINE)  # it is gone


def test_what_has_no_room_is_counted() -> None:
    assert "and 2 more" in drawn(snapshot(OWN, OTHER, OTHER, OTHER), height=2)
    assert "no Bluezone phone was heard yet" in drawn(snapshot())
    # strangers that are weak have no row, a device always has one
    text = drawn(snapshot(replace(OWN, rssi=-90.0), OTHER, GONE), least=-70)
    assert "desk" in text
    assert "stranger" not in text


def test_who_is_heard_alone_is_not_taken_for_the_device_at_once(result: Result) -> None:
    unheard = failed(replace(result, devices=tuple(replace(each, matched=0) for each in result.devices)), 1)
    text = drawn(snapshot(OWN, OTHER, result=unheard))
    assert "the device under test was not heard yet" in text
    assert "FAIL" not in text
    assert "FAIL" in drawn(snapshot(OWN, OTHER, now_us=T_US + 116_000_000, result=unheard))
    # without a device file nobody is sought
    assert "FAIL" in drawn(snapshot(OTHER, result=unheard))


@pytest.mark.parametrize(
    ("reads", "label", "shown_id", "slot"),
    [(False, "a long na", "B9A665D7…", " 32/96 "), (True, "a long n", "B9A66…", " 32 ")],
)
def test_80_columns_are_enough(reads: bool, label: str, shown_id: str, slot: str, result: Result) -> None:
    undecided = replace(result, conformance=replace(result.conformance, verdict=Verdict.INCONCLUSIVE))
    octets = bytes.fromhex("b9a665d754fe65e665d76a45")
    own = replace(OWN, label="a long name", rolling_id=octets, rssi=-100.0, left_ms=899_000, rate=63.21)
    own = replace(own, reads=12 if reads else 0)
    shown = drawn(replace(snapshot(own, OTHER, GONE, result=undecided), reads=reads), width=80)
    lines = shown.splitlines()
    row = next(line for line in lines if line.startswith(label))
    for part in ("5A:00:00:00:00:01", shown_id, slot, "14:59", "-100", "63.2", "INCONCLUSIVE"):
        assert part in row
    assert any("GATT" in line for line in lines) is reads
    assert (" 12 " in row) is reads


def test_a_verdict_is_whole_on_80_columns(result: Result) -> None:
    undecided = replace(result, conformance=replace(result.conformance, verdict=Verdict.INCONCLUSIVE))
    later = replace(OWN, label="phone", left_ms=899_000, heard_us=GONE.heard_us, reads=0)
    rows = drawn(snapshot(later, GONE, result=undecided), width=80).splitlines()
    assert any("14:59" in row and row.rstrip().endswith(" - INCONCLUSIVE") for row in rows)


def test_many_adverts_a_second_take_no_more_room(result: Result) -> None:
    text = drawn(snapshot(replace(OWN, rate=123.4), replace(OTHER, rate=99.94), result=result))
    assert " 123 " in text
    assert " 99.9 " in text


@pytest.mark.parametrize("width", [20, 60, 300])
def test_any_width_will_do(width: int, result: Result) -> None:
    text = drawn(snapshot(OWN, OTHER, result=result), width=width)
    assert max(map(len, text.splitlines())) <= width


def failed(result: Result, count: int) -> Result:
    found = tuple(
        replace(each, verdict=Verdict.FAIL, summary="wrong") if number < count else each
        for number, each in enumerate(result.requirements)
    )
    axis = replace(result.conformance, verdict=Verdict.FAIL)
    return replace(result, requirements=found, conformance=axis)


def test_failures_are_named(result: Result) -> None:
    one, many = (drawn(snapshot(OWN, result=failed(result, count))) for count in (1, 5))
    assert "failed: BZ-KEY-001 (wrong)" in one
    assert "and 2 more" in many
    assert "FAIL" in one


def test_what_is_undecided_is_named(result: Result) -> None:
    waiting = (
        "BZ-KEY-006",
        "BZ-KEY-009",
        "BZ-GAT-003",
        "BZ-PRV-001",
        "BZ-PRV-004",
        "BZ-PRV-005",
        "BZ-ADV-001",
    )

    def left(count: int) -> Result:
        found = tuple(
            replace(each, verdict=Verdict.INCONCLUSIVE, reason=Reason.TOO_SHORT)
            if each.id in waiting[:count]
            else replace(each, verdict=Verdict.PASS)
            for each in result.requirements
        )
        return replace(result, requirements=found)

    shown = replace(snapshot(OWN, result=left(2)), reads=True)
    assert "undecided: BZ-KEY-006, BZ-KEY-009\n" in re.sub(" +\n", "\n", drawn(shown))
    shown = replace(snapshot(OWN, result=left(7)), reads=True)
    line = next(each for each in drawn(shown).splitlines() if each.startswith("undecided: "))
    assert line.count("BZ-") == 6
    assert line.rstrip().endswith(" and others")


def test_of_several_devices_what_failed_is_said(result: Result) -> None:
    several = replace(result, devices=result.devices * 2)
    assert "NOT OBSERVABLE  " not in drawn(snapshot(OWN, result=several)).splitlines()[2]


def test_a_line_for_whatever_changes(result: Result, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_views, "_REMEMBERED", 2)
    said: list[str] = []
    view = Lines(said.append, None)
    view.show(snapshot(OWN, replace(OTHER, adverts=0)))
    assert said == [
        "2020-08-10T08:00:00+00:00  desk, Android, address 5A:00:00:00:00:01, id 000000000000000000000000, "
        "slot 32 of 96, -50 dBm",
        "2020-08-10T08:00:00+00:00  1234 adverts of 2 phones",
    ]
    said.clear()
    view.show(snapshot(OWN, OTHER, now_us=T_US + 1_000_000))
    assert said == ["2020-08-10T08:00:01+00:00  stranger, iPhone, no address, no id, slot 32 of 96, -80 dBm"]
    said.clear()
    view.show(snapshot(OWN, OTHER, now_us=T_US + 2_000_000, result=result))
    assert len(said) == 1
    assert "privacy NOT OBSERVABLE so far" in said[0]
    said.clear()
    view.show(snapshot(OWN, OTHER, now_us=T_US + 3_000_000, result=result))
    assert not said
    view.show(snapshot(OWN, OTHER, now_us=T_US + 70_000_000, result=result))
    assert len(said) == 1
    for number in range(4):
        view.show(
            snapshot(replace(OWN, rolling_id=bytes([number]) * 12, rssi=None), now_us=T_US + 71_000_000)
        )
    view.say("it\nis gone")
    assert said[-1] == "bzc: it is gone"


def test_what_is_on_its_way_into_the_recording_is_not_told_as_none() -> None:
    said: list[str] = []
    view = Lines(said.append, None)
    view.show(replace(snapshot(OWN), adverts=0))
    assert len(said) == 1  # the phone
    view.show(replace(snapshot(OWN), adverts=1))
    assert said[1].endswith("  1 advert of 1 phone")
    # who hears nobody is told so
    view = Lines(said.append, None)
    view.show(replace(snapshot(), adverts=0))
    assert said[2].endswith("  0 adverts of 0 phones")


def test_a_terminal_gets_a_table_and_a_file_gets_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    with opened_view("desk.jsonl", None) as view:
        assert isinstance(view, Lines)

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    with opened_view("desk.jsonl", None) as view:
        assert isinstance(view, Screen)
        view.show(snapshot(OWN))
        view.say("the adapter is gone")
    assert "bzc: the adapter is gone" in terminal.getvalue()
    assert "desk" in terminal.getvalue()


def test_on_a_low_terminal_some_rows_show() -> None:
    file = io.StringIO()
    console = Console(file=file, width=100, height=8, force_terminal=True)
    with Live(console=console, auto_refresh=False) as live:
        Screen(live, "desk.jsonl", None).show(snapshot(*[OWN] * 9))
    assert "desk" in file.getvalue()
