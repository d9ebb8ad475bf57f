"""A folder with a scenario, ``bzc broadcast`` in this process, and airs and controllers that are not real."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import pytest
from bumble.controller import Controller
from bumble.device import Device, DeviceConfiguration
from bumble.hci import Address
from bumble.host import Host
from bumble.link import LocalLink
from bumble.transport.common import AsyncPipeSink
from click.testing import CliRunner, Result

from bluezone_harness.cli import bzc
from bluezone_harness.live import controllers
from bluezone_harness.live.attached import Attached, PacketSource
from bluezone_harness.virtual.ble import worlds
from bluezone_harness.virtual.ble.worlds import World

SCENARIO = """\
schema = 1
seed = 7
duration = "2 s"
[[phone]]
name = "An"
app = "open"
[[phone]]
name = "Binh"
platform = "ios"
[[advert]]
name = "x"
kind = "wrong-company"
"""
WAIT_S = 60
Line = dict[str, object]


@pytest.fixture(autouse=True)
def _scenario(own_folder: None) -> None:
    Path("session.toml").write_text(SCENARIO)


def broadcast(*arguments: str) -> Result:
    return CliRunner().invoke(bzc, ["broadcast", *arguments])


def refusal(result: Result, exit_code: int = 64) -> str:
    """Return the one line of a run that failed."""
    assert (result.exit_code, result.stdout) == (exit_code, ""), result.output
    assert result.stderr.startswith("bzc: ")
    assert result.stderr.count("\n") == 1
    return result.stderr


def lines_of(path: str = "session.record.jsonl") -> list[Line]:
    return [json.loads(each) for each in Path(path).read_bytes().splitlines()]


def whole_lines(path: str = "session.record.jsonl") -> list[Line]:
    """Return the lines of a record that is whole: whatever began has ended."""
    found = lines_of(path)
    begun = [each["set"] for each in found if each.get("kind") == "on_air"]
    assert begun
    assert sorted(begun, key=str) == sorted(
        (each["set"] for each in found if each.get("kind") == "off_air"), key=str
    )
    assert found[-1]["kind"] == "end"
    return found


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[World]:
    """Serve nothing really; return the worlds that would have been served."""
    found: list[World] = []

    async def serve(world: World, transport: str) -> None:
        found.append(world)
        await asyncio.sleep(WAIT_S)

    monkeypatch.setattr(worlds, "serve", serve)
    return found


@pytest.fixture
def stock(monkeypatch: pytest.MonkeyPatch) -> list[Controller]:
    """Have a stock controller in place of whichever is named."""
    made: list[Controller] = []

    @asynccontextmanager
    async def opened(name: str, own_address: bytes) -> AsyncIterator[Attached]:
        controller = Controller("stock", link=LocalLink())  # type: ignore[no-untyped-call] # stock's
        made.append(controller)
        host = Host(controller, AsyncPipeSink(controller))
        device = Device(config=DeviceConfiguration(address=Address(own_address[::-1])), host=host)
        yield Attached(device, cast(PacketSource, controller), None)

    monkeypatch.setattr(controllers, "opened", opened)
    return made


@pytest.fixture(scope="session")
def scenario() -> str:
    """Return the scenario that stands in the folder as session.toml."""
    return SCENARIO


@pytest.fixture(scope="session")
def run() -> Callable[..., Result]:
    """Return a function that runs ``bzc broadcast`` with arguments."""
    return broadcast


@pytest.fixture(scope="session")
def refused() -> Callable[..., str]:
    """Return a function from a run that failed, and its exit code (64), to the one line that it said."""
    return refusal


@pytest.fixture(scope="session")
def lines() -> Callable[..., list[Line]]:
    """Return a function from a path (session.record.jsonl) to the lines there."""
    return lines_of


@pytest.fixture(scope="session")
def whole() -> Callable[..., list[Line]]:
    """Return a function from a path (session.record.jsonl) to the lines of a record that is whole."""
    return whole_lines
