"""How listening on a socket of HCI ends: an adapter that goes away, refuses or is silent; and a session goes on."""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from bluezone_harness.live.preparing import Wanted, prepared
from bluezone_harness.live.receivers import Clock, ListenError
from bluezone_harness.live.scapy_receiver import ScapyReceiver
from bluezone_harness.live.until import parse_until
from bluezone_harness.observations import Advert, Extent, Gap
from bluezone_harness.profiles import profiles_of
from bluezone_harness.sources import open_source
from bluezone_harness.virtual.ble.virtual_time import run_in_virtual_time
from bluezone_spec import load

pytestmark = pytest.mark.req("BZ-ADV-001")

OWN_ADDRESS = bytes.fromhex("C00102030405")
RESET = 0x0C03
SCAN_ENABLE = 0x200C
# LE Advertising Report of one ADV_IND, HCI_Hardware_Error. Source: Core Specification, Vol 4 Part E 7.7.65.2, 7.7.16
REPORT = bytes.fromhex("04 3e 0f 02 01 00 01 c1c1c1c1c1c1 03 020106 c4")
HARDWARE_ERROR = bytes.fromhex("04 10 01 42")
# HCI_Command_Complete and HCI_Command_Status. Source: the same, 7.7.14, 7.7.15
COMPLETE = bytes.fromhex("04 0e 04 01 0c20 00")
REFUSED = {"status": bytes.fromhex("04 0f 04 0c 01 0b20"), "complete": bytes.fromhex("04 0e 04 01 0b20 0c")}
FailureOf = Callable[..., ListenError]


@pytest.fixture
def failure_of(
    fake_adapter: Callable[..., Any], new_ear: Callable[[], Any], receiver_on: Callable[..., ScapyReceiver]
) -> FailureOf:
    """Return what lets an adapter send packets, and returns what ended listening to it."""

    def found(*packets: bytes | OSError, **options: object) -> ListenError:
        adapter = fake_adapter(**options)

        async def run() -> ListenError:
            ear = new_ear()
            adapter.send(*packets)
            with pytest.raises(ListenError) as caught:
                await receiver_on(adapter).listen(ear.hear, ear.hear_packet)
            return caught.value

        failure = run_in_virtual_time(run())
        assert adapter.closed
        return failure

    return found


@pytest.mark.parametrize("code", [errno.EPIPE, errno.ENETDOWN, errno.EIO])
def test_an_adapter_that_goes_away(code: int, failure_of: FailureOf) -> None:
    failure = failure_of(REPORT, OSError(code, os.strerror(code)))
    assert str(failure) == "hci3: the adapter is gone: plug it in again"
    assert failure.may_return


@pytest.mark.parametrize("opcode", [RESET, SCAN_ENABLE])
def test_an_adapter_that_goes_away_while_it_is_asked(opcode: int, failure_of: FailureOf) -> None:
    failure = failure_of(fails=opcode)
    assert str(failure) == "hci3: the adapter is gone: plug it in again"
    assert failure.may_return


def test_a_socket_that_ends(failure_of: FailureOf) -> None:
    failure = failure_of(b"")
    assert str(failure) == "hci3: the adapter is gone: plug it in again"


def test_an_error_that_nobody_knows(failure_of: FailureOf) -> None:
    failure = failure_of(OSError(errno.EXDEV, "x"))
    assert str(failure) == "hci3: the adapter cannot be used, invalid cross-device link: try again"
    assert failure.may_return


def test_an_adapter_that_does_not_answer(failure_of: FailureOf) -> None:
    failure = failure_of(answers={RESET: []})
    assert str(failure) == "hci3: the adapter does not answer: plug it in again"
    assert failure.may_return


@pytest.mark.parametrize("kind", REFUSED)
def test_an_adapter_that_refuses(kind: str, failure_of: FailureOf) -> None:
    failure = failure_of(answers={0x200B: [REFUSED[kind]]})
    assert str(failure) == (
        "hci3: the adapter refuses command 0x200b, with status 0x0c: plug it in again, or take another"
    )
    assert failure.may_return


def test_an_adapter_that_fails(failure_of: FailureOf) -> None:
    failure = failure_of(HARDWARE_ERROR)
    assert str(failure) == "hci3: the adapter tells of a hardware error: plug it in again, or take another"
    assert failure.may_return


def test_an_adapter_that_is_silent_at_the_end_is_left(
    fake_adapter: Callable[..., Any], new_ear: Callable[[], Any], receiver_on: Callable[..., ScapyReceiver]
) -> None:
    async def run() -> float:
        loop = asyncio.get_running_loop()
        adapter, ear = fake_adapter(), new_ear()
        task = asyncio.create_task(receiver_on(adapter).listen(ear.hear, ear.hear_packet))
        await asyncio.sleep(1)
        adapter.answers[SCAN_ENABLE] = []
        began_s = loop.time()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        assert adapter.closed
        assert adapter.opcodes[-1] == SCAN_ENABLE
        return loop.time() - began_s

    assert run_in_virtual_time(run()) == pytest.approx(2, abs=0.1)


def test_one_that_is_not_given(loop_clock: Clock, new_ear: Callable[[], Any]) -> None:
    def refuse(number: int) -> Any:  # noqa: ANN401 - nothing is returned
        raise ListenError(f"hci{number}: no")

    async def run() -> None:
        ear = new_ear()
        with pytest.raises(ListenError, match=r"^hci3: no$"):
            await ScapyReceiver(3, refuse, loop_clock, OWN_ADDRESS).listen(ear.hear, ear.hear_packet)

    run_in_virtual_time(run())


def test_a_session_waits_for_an_adapter_that_is_gone(
    tmp_path: Path, fake_adapter: Callable[..., Any], loop_clock: Clock
) -> None:
    adapters: list[object] = []
    said: list[str] = []

    def opened(number: int) -> Any:  # noqa: ANN401 - the class is in conftest
        adapters.append(None)
        if len(adapters) == 2:
            raise ListenError(f"hci{number}: there is no such adapter", may_return=True)  # it is not back yet
        ending = [OSError(errno.EPIPE, "gone")] if len(adapters) == 1 else []
        return fake_adapter(answers={SCAN_ENABLE: [COMPLETE, REPORT, *ending]})

    async def run() -> None:
        specification = load()
        wanted = Wanted(
            recording=tmp_path / "desk.jsonl",
            packets=tmp_path / "desk.pcapng",
            overwrite=False,
            specification=specification,
            profile=profiles_of(specification)["v3"],
            device_file=None,
            command="sniff",
            until=parse_until("2 adverts"),
            reads=False,
            keeps=lambda observation: True,
            whole_air=Extent.YES,
            key=None,
            say=said.append,
        )
        ending = await prepared(ScapyReceiver(3, opened, loop_clock, OWN_ADDRESS), wanted, loop_clock).run()
        assert ending.failure == ""

    run_in_virtual_time(run())
    assert said == [
        "hci3: the adapter is gone: plug it in again; waiting for it",
        "hci3: there is no such adapter; waiting for it",
        "listening again",
    ]
    with (tmp_path / "desk.jsonl").open("rb") as one, (tmp_path / "desk.pcapng").open("rb") as other:
        recorded = list(open_source("a", one))
        packets = [each.time_us for each in open_source("b", other) if isinstance(each, Advert)]
    assert [each.time_us for each in recorded if isinstance(each, Advert)] == packets[:2]
    (gap,) = (each for each in recorded if isinstance(each, Gap))
    assert gap.until_us - gap.time_us == 4_000_000
