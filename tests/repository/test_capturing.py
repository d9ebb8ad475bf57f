"""The guide on capturing says what the code says: tables, sessions, device files, options and names."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest
from click.testing import CliRunner

import bluezone_spec
from bluezone_harness.checks import CHECKS
from bluezone_harness.checks.captures import Capture
from bluezone_harness.checks.system_scans import BY_SILENCE
from bluezone_harness.cli import bzc
from bluezone_harness.cli.doctor_receivers import NOT_TRIED, WAYS
from bluezone_harness.cli.evidence_contents import shown
from bluezone_harness.evidence.device_files import read_device_file
from bluezone_harness.findings import Verdict
from bluezone_harness.live.attached import Attached
from bluezone_harness.live.bleak_receiver import BleakReceiver
from bluezone_harness.live.controllers import SCHEMES
from bluezone_harness.live.hci_receiver import HciReceiver
from bluezone_harness.live.hci_sockets import AdapterSocket
from bluezone_harness.live.preparing import Wanted
from bluezone_harness.live.preparing import prepared as prepared_session
from bluezone_harness.live.scapy_receiver import ScapyReceiver
from bluezone_harness.live.until import parse_until
from bluezone_harness.observations import (
    RADIO,
    UNLESS_DENIED,
    Advert,
    Capability,
    Event,
    Extent,
    GattRead,
    tells_fields,
)
from bluezone_harness.profiles import profiles_of
from bluezone_harness.results import Result
from bluezone_harness.sightings import Gathering
from bluezone_harness.sources.ad_fields import ad_of_fields, fields_of_ad
from bluezone_harness.sources.link_types import decoder_of
from bluezone_harness.verdicts import judge
from bluezone_harness.virtual.ble.virtual_time import run_in_virtual_time
from bluezone_harness.virtual.ble.worlds import World
from bluezone_harness.virtual.phones import device_file, drawn_phone, prepared, simulate
from bluezone_harness.virtual.plans import Plan
from bluezone_harness.virtual.sessions import simulate_reading
from bluezone_spec.model import Level

PROFILE = "v3"
START_MS = 1_597_103_820_000  # 2020-08-10T23:57:00Z
MINUTE_MS = 60_000
OPEN_MS = (START_MS + 8 * MINUTE_MS, START_MS + 11 * MINUTE_MS)
OFF_MS = (START_MS + 14 * MINUTE_MS, START_MS + 15 * MINUTE_MS)
LOSS = 0.1
ROW = re.compile(r"^\| (.+) \|$", re.MULTILINE)
SPECIFICATION = bluezone_spec.load()

Shows = Mapping[Capability, Extent]


class Stopped:
    """A clock that nobody asks."""

    def now_us(self) -> int:
        return 0


def attach() -> AbstractAsyncContextManager[Attached]:
    raise AssertionError("nothing is opened to ask what it shows")


def of_link_type(link_type: int) -> Shows:
    decoder = decoder_of(link_type)
    assert decoder is not None
    return dict(decoder.capabilities)


COLUMNS: dict[str, tuple[Shows, bool]] = {
    "sniffer": (of_link_type(272), False),
    "controller": (HciReceiver("usb:0", attach, Stopped()).capabilities, True),
    "host log": (of_link_type(201), True),
    "Linux": (BleakReceiver(Stopped(), "Linux").capabilities, True),
    "Windows": (BleakReceiver(Stopped(), "Windows").capabilities, True),
    "macOS": (
        BleakReceiver(Stopped(), "Darwin").capabilities,
        False,
    ),  # it connects by addresses, which it lacks
}
"""By the head of a column: what such evidence shows, and whether phones are read beside it."""


@pytest.fixture(scope="module")
def guide(repository: Path) -> str:
    return (repository / "harness" / "CAPTURING.md").read_text("utf-8")


def tables(guide: str) -> dict[str, list[list[str]]]:
    """Return the rows of each table below its own head, by the first cell of its head."""
    found = {}
    for block in re.findall(r"(?:^\|.*\n)+", guide, re.MULTILINE):
        rows = [[cell.strip() for cell in row.split(" | ")] for row in ROW.findall(block)]
        found[rows[0][0]] = [rows[0], *rows[2:]]
    return found


def section(guide: str, heading: str) -> str:
    found = re.search(rf"^(#+) {re.escape(heading)}$", guide, re.MULTILINE)
    assert found, heading
    rest = guide[found.end() :]
    end = re.search(rf"^#{{1,{len(found[1])}}} ", rest, re.MULTILINE)
    return rest[: end.start()] if end else rest


# --- which tool proves what ---


def cell(requirement: str, shows: Shows, reads: bool) -> str:
    """Return what evidence can say of a requirement, in the words of the guide."""
    shows = {**dict.fromkeys(UNLESS_DENIED, Extent.YES), **shows}
    found = shown([shows], SPECIFICATION, PROFILE)
    read = shown([{**shows, Capability.GATT: Extent.YES}], SPECIFICATION, PROFILE)
    if requirement in found.alone + found.with_device:
        words = ["yes"] if requirement in found.alone else ["key"]
        if requirement in BY_SILENCE and tells_fields(shows):
            words = ["fail", *(word for word in words if word == "key")]
        return ", ".join(words)
    if reads and requirement in read.alone + read.with_device:
        return "gatt" if requirement in read.alone else "gatt, key"
    return "no"


def matrix() -> list[list[str]]:
    """Return the rows of the table: every requirement that what is heard can show."""
    rows = []
    for requirement, check in CHECKS.items():
        if not any(need <= RADIO | {Capability.BASE_ID} for need in check.needs):
            continue
        cells = [cell(requirement, *column) for column in COLUMNS.values()]
        if requirement == "BZ-GAT-001":  # a host's log holds values, and no list of services
            cells[list(COLUMNS).index("host log")] = "no"
        rows.append([requirement, str(SPECIFICATION.requirements[requirement].level), *cells])
    return rows


def test_the_table_of_tools_is_what_checks_and_receivers_say(guide: str) -> None:
    head, *rows = tables(guide)["requirement"]
    assert head == ["requirement", "level", *COLUMNS]
    assert rows == matrix()


def test_what_shares_a_column_shows_the_same() -> None:
    for column, others in (("sniffer", [256]), ("host log", [187, 254])):
        for link_type in others:
            shows = of_link_type(link_type)
            assert all(cell(each, shows, False) == cell(each, COLUMNS[column][0], False) for each in CHECKS)


def test_linuxs_adapter_shows_what_a_controller_shows_and_does_not_connect() -> None:
    def refuse(number: int) -> AdapterSocket:
        raise AssertionError("nothing is opened to ask what it shows")

    receiver = ScapyReceiver(0, refuse, Stopped(), bytes(6))
    assert receiver.capabilities == COLUMNS["controller"][0]
    assert receiver.client(Advert(1, 0, "", bytes(6), None, None, b"", None, None), 1) is None


# --- what the session settles ---


@dataclass(frozen=True, slots=True)
class Setting:
    """Who is heard, and how."""

    platform: str
    column: str
    reads: bool


SETTINGS = {
    ("Android", "sniffer"): Setting("android", "sniffer", False),
    ("Android", "controller, or host log"): Setting("android", "controller", False),
    ("Android", "Linux"): Setting("android", "Linux", False),
    ("Android", "Windows"): Setting("android", "Windows", False),
    ("Android", "macOS"): Setting("android", "macOS", False),
    ("iPhone", "controller, `--gatt`"): Setting("ios", "controller", True),
    ("iPhone", "Linux, `--gatt`"): Setting("ios", "Linux", True),
    ("iPhone", "Windows, `--gatt`"): Setting("ios", "Windows", True),
    ("iPhone", "sniffer, or no `--gatt`"): Setting("ios", "sniffer", False),
}


def judged(
    setting: Setting,
    seed: int,
    *,
    start_ms: int = START_MS,
    minutes: int = 20,
    max_changes: tuple[tuple[int, int], ...] = (),
    is_steered: bool = True,
) -> Result:
    """Simulate a session as the guide has it, and judge what such a receiver hears."""
    phone = replace(
        drawn_phone("phone", setting.platform, start_ms, seed, ()),
        openings=(OPEN_MS,) if is_steered else (),
        silences=(OFF_MS,) if is_steered else (),
        max_changes=max_changes,
    )
    plan = prepared(Plan((phone,), start_ms, minutes * MINUTE_MS, LOSS, 1, 0, 100, setting.reads), seed)
    shows = dict(COLUMNS[setting.column][0])
    if setting.reads:
        shows[Capability.GATT] = Extent.YES
    gathering = Gathering("desk.jsonl")
    count = 0
    for count, each in enumerate((simulate_reading if setting.reads else simulate)(plan, seed), start=1):
        if isinstance(each, GattRead | Event):
            gathering.add(replace(each, number=count))
            continue
        fields = tells_fields(shows)
        has = {name for name, extent in shows.items() if extent is not Extent.NO}
        gathering.add(
            Advert(
                count,
                each.time_us,
                each.receiver,
                each.address if Capability.ADDRESS in has else None,
                each.address_type if Capability.ADDRESS_TYPE in has else None,
                each.pdu if Capability.PDU_TYPE in has else None,
                ad_of_fields(fields_of_ad(each.ad)) if fields else each.ad,
                each.rssi,
                each.channel if Capability.CHANNEL in has else None,
            )
        )
    capture = Capture("desk.jsonl", "0" * 64, "recording", shows, count, False, (), gathering.folded())
    file = read_device_file("device.json", device_file(plan.phones))
    return judge(SPECIFICATION, profiles_of(SPECIFICATION)[PROFILE], (), file, "check", (capture,))


def names(result: Result, verdict: Verdict, *, musts: bool | None = None) -> list[str]:
    return [
        each.id
        for each in result.requirements
        if each.verdict is verdict and (musts is None or musts is (each.level is Level.MUST))
    ]


def in_areas(requirements: Iterable[str]) -> str:
    """Write ids as the guide does: ``BZ-KEY 001 002, BZ-ADV 001``."""
    areas: dict[str, list[str]] = {}
    for each in requirements:
        area, _, number = each.rpartition("-")
        areas.setdefault(area, []).append(number)
    return ", ".join(f"{area} {' '.join(numbers)}" for area, numbers in areas.items()) or "none"


def settled(phone: str, evidence: str, result: Result) -> list[str]:
    return [
        phone,
        evidence,
        in_areas(names(result, Verdict.PASS, musts=True)),
        in_areas(names(result, Verdict.PASS, musts=False)),
        in_areas(names(result, Verdict.INCONCLUSIVE)),
    ]


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize(("phone", "evidence"), SETTINGS)
def test_the_session_settles_what_the_guide_says(guide: str, phone: str, evidence: str, seed: int) -> None:
    rows = {(row[0], row[1]): row for row in tables(guide)["phone"][1:]}
    assert list(rows) == list(SETTINGS)
    result = judged(SETTINGS[phone, evidence], seed)
    assert names(result, Verdict.FAIL) == []
    assert rows[phone, evidence] == settled(phone, evidence, result)


@asynccontextmanager
async def attached(world: World) -> AsyncIterator[Attached]:
    yield Attached(world.receivers[0], world.controllers[0], None)


async def listened(setting: Setting, path: Path) -> Result:
    """Let ``bzc sniff`` do what the guide says: 20 minutes by HCI, in virtual time."""
    phone = replace(
        drawn_phone("phone", setting.platform, START_MS, 1, ()), openings=(OPEN_MS,), silences=(OFF_MS,)
    )
    plan = Plan((phone,), START_MS, 21 * MINUTE_MS, LOSS, interval_ms=200, gatt=setting.reads)
    plan = prepared(plan, 1)
    async with World(plan, 1) as world:
        wanted = Wanted(
            recording=path,
            packets=None,
            overwrite=False,
            specification=SPECIFICATION,
            profile=profiles_of(SPECIFICATION)[PROFILE],
            device_file=read_device_file("device.json", device_file(plan.phones)),
            command="sniff",
            until=parse_until("20min"),
            reads=setting.reads,
            keeps=lambda observation: True,
            whole_air=Extent.YES,
            key=None,
            say=lambda text: None,
        )
        receiver = HciReceiver("virtual", partial(attached, world), world)
        session = prepared_session(receiver, wanted, world)
        ending = await session.run()
        assert ending.capture is not None
        return session.judged(ending.capture)


@pytest.mark.long
@pytest.mark.parametrize(
    ("phone", "evidence"), [("Android", "controller, or host log"), ("iPhone", "controller, `--gatt`")]
)
def test_listening_for_20_minutes_settles_the_same(
    guide: str, tmp_path: Path, phone: str, evidence: str
) -> None:
    rows = {(row[0], row[1]): row for row in tables(guide)["phone"][1:]}
    result = run_in_virtual_time(listened(SETTINGS[phone, evidence], tmp_path / "desk.jsonl"))
    assert names(result, Verdict.FAIL) == []
    assert rows[phone, evidence] == settled(phone, evidence, result)


ANDROID = Setting("android", "sniffer", False)
MORNING_MS = 1_597_046_400_000  # 2020-08-10T08:00:00Z


def test_it_takes_midnight_and_three_slots() -> None:
    all_day = judged(ANDROID, 1, start_ms=MORNING_MS, is_steered=False)
    assert {"BZ-KEY-009", "BZ-PRV-005"} <= set(names(all_day, Verdict.INCONCLUSIVE))
    three_slots = judged(ANDROID, 1, start_ms=MORNING_MS - 3 * MINUTE_MS, is_steered=False)
    assert "BZ-KEY-009" in names(three_slots, Verdict.INCONCLUSIVE)
    assert "BZ-PRV-005" in names(three_slots, Verdict.PASS)


def test_a_change_of_max_stands_in_for_midnight() -> None:
    changes = ((MORNING_MS + 10 * MINUTE_MS, 144),)
    result = judged(ANDROID, 1, start_ms=MORNING_MS - 3 * MINUTE_MS, max_changes=changes, is_steered=False)
    assert names(result, Verdict.FAIL) == []
    assert names(result, Verdict.INCONCLUSIVE) == ["BZ-PRV-006"]


# --- commands, device files, names ---


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def commands(guide: str) -> Iterator[list[str]]:
    """Yield the words of each command of ``bzc`` in the guide."""
    for block in blocks(guide, "sh"):
        for line in block.splitlines():
            found = re.search(r"(?:^|\| )bzc (.*?)(?: +#.*)?$", line)
            if found:
                yield found[1].split()
    for line in re.findall(r"`(?:[^`|]* \| )?bzc ([^`]+)`", guide):
        yield line.split()


def test_every_command_has_the_options_that_it_is_given(guide: str) -> None:
    found = list(commands(guide))
    assert len(found) > 20
    context = bzc.make_context("bzc", ["--help"], resilient_parsing=True)
    for name, *arguments in found:
        command = bzc.get_command(context, name)
        assert command is not None, name
        known = {option for each in command.params for option in each.opts}
        assert {each for each in arguments if each.startswith("--")} <= known, (name, arguments)
        for option, value in pairwise(arguments):
            if option == "--until":
                parse_until(value)
            elif option == "--hci":
                assert value.partition(":")[0] in SCHEMES


def test_the_rehearsals_pass(guide: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    lines = "".join(blocks(section(guide, "`bzc sniff`"), "sh")).splitlines()
    lines = [line for line in lines if line.startswith(("bzc simulate", "bzc check"))]
    assert len(lines) == 4
    for line in lines:
        result = CliRunner().invoke(bzc, line.split()[1:])
        assert result.exit_code == 0, (line, result.output)


def test_the_device_files_are_read(guide: str) -> None:
    found = [read_device_file("device.json", block.encode()) for block in blocks(guide, "json")]
    assert [len(each.devices) for each in found] == [1, 2]


def test_every_tool_says_how_it_was_tried(guide: str) -> None:
    parts = re.split(r"^### ", section(guide, "The tools, one by one"), flags=re.MULTILINE)[1:]
    assert len(parts) > 9
    for part in parts:
        title, _, text = part.partition("\n")
        label = text.strip().splitlines()[0]
        assert label.startswith("*"), title
        assert label.endswith("*"), title
        assert re.search(r"[Nn]ot tried|was not tried", label), title


def test_every_way_of_the_doctor_is_told(guide: str) -> None:
    text = " ".join(guide.split())
    assert f"**{NOT_TRIED.capitalize()}**" in text
    for way in WAYS:
        receiver = way.command.removeprefix("bzc sniff").removeprefix(" --hci ").partition(":")[0].strip()
        assert receiver in ("", "-") or f"{receiver}" in text, way.command
