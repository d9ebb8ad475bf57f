"""``bzc broadcast`` in a process of its own: interrupted, killed, and with a stock controller in another one."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

pytestmark = [
    pytest.mark.req("BZ-RCV-001"),
    pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals and sockets"),
]

WAIT_S = 60
BROADCAST = (sys.executable, "-m", "bluezone_harness", "broadcast")
STEP_MS = 40
SCAN = bytes.fromhex("010c20020100")
"""HCI_LE_Set_Scan_Enable: on, all reports."""
Line = dict[str, object]
Begun = Callable[..., tuple[subprocess.Popen[bytes], str, bytes]]


def test_ctrl_c_in_a_process(begun: Begun, scenario: str, whole: Callable[..., list[Line]]) -> None:
    Path("long.toml").write_text(scenario.replace("2 s", "20 min"))
    process, _, _ = begun("broadcast", "long.toml")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=WAIT_S)
    assert (process.returncode, out) == (130, b"")
    assert err.startswith(b"bzc: somebody interrupted; ")
    assert whole("long.record.jsonl")[-1]["reason"] == "somebody interrupted"


def heard_until_killed(process: subprocess.Popen[bytes], path: str, for_s: float) -> dict[bytes, list[float]]:
    """Hear as a host until the process is killed; return when AdvData were heard first, and when anything was last."""
    found: dict[bytes, list[float]] = {}
    with socket.socket(socket.AF_UNIX) as host:
        host.settimeout(WAIT_S)
        host.connect(path)
        host.sendall(SCAN)
        end_s = time.monotonic() + for_s
        rest = b""
        while time.monotonic() < end_s:
            rest += host.recv(65_536)
            now_s = time.monotonic()
            while len(rest) > 2 and len(rest) >= 3 + rest[2]:
                event, rest = rest[: 3 + rest[2]], rest[3 + rest[2] :]
                if event[:2] == b"\x04\x3e" and event[3] == 2:
                    found.setdefault(event[14:-1], [now_s, now_s])[1] = now_s
        os.kill(process.pid, signal.SIGKILL)
        process.wait(WAIT_S)
    return found


@pytest.mark.long
def test_a_kill_loses_half_a_second_at_most(begun: Begun, lines: Callable[..., list[Line]]) -> None:
    adverts = "".join(
        f'[[advert]]\nname = "{number}"\nad = "03ff{number:04x}"\ninterval = "20 ms"\n'
        f'from = "{number * STEP_MS} ms"\nto = "{(number + 1) * STEP_MS} ms"\n'
        for number in range(400)
    )
    Path("dense.toml").write_text(f'schema = 1\nduration = "20 s"\n{adverts}')
    random = Random(8)
    for _ in range(4):
        process, path, _ = begun("broadcast", "dense.toml", "--force")
        heard = heard_until_killed(process, path, 0.7 + 0.6 * random.random())
        last_s = max(last for _, last in heard.values())
        told = lines("dense.record.jsonl")  # every line is whole
        assert told[-1].get("kind") != "end"
        recorded = {bytes.fromhex(str(each["ad"])) for each in told if each.get("kind") == "on_air"}
        due = {ad for ad, (first, _) in heard.items() if last_s - first > 0.5}
        assert due
        assert due <= recorded, sorted(due - recorded)
        assert len(heard) > 8


CONTROLLER = """
import asyncio, sys
from bumble.controller import Controller
from bumble.link import LocalLink
from bumble.transport import open_transport

async def main():
    async with await open_transport("tcp-server:127.0.0.1:" + sys.argv[1]) as transport:
        controller = Controller("stock", host_source=transport.source, host_sink=transport.sink, link=LocalLink())
        print("ready", flush=True)
        await asyncio.sleep(60)

asyncio.run(main())
"""


@pytest.mark.long
def test_a_stock_controller_in_another_process(
    tmp_path: Path, whole: Callable[..., list[Line]], scenario: str
) -> None:
    # three senders take turns, of up to a second each
    Path("session.toml").write_text(scenario.replace("2 s", "6 s"))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with subprocess.Popen(
        [sys.executable, "-c", CONTROLLER, str(port)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as controller:
        try:
            assert controller.stdout is not None
            assert controller.stdout.readline() == b"ready\n"
            done = subprocess.run(
                [*BROADCAST, "session.toml", "--hci", f"tcp-client:127.0.0.1:{port}"],
                cwd=tmp_path,
                capture_output=True,
                timeout=WAIT_S,
                check=False,
            )
        finally:
            controller.kill()
    assert done.returncode == 0, done.stderr
    assert {each["sender"] for each in whole() if each.get("kind") == "on_air"} == {"An", "Binh", "x"}
    assert b"Traceback" not in done.stderr
