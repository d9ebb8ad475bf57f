"""Whatever bumble, a controller or a peer brings up, users of bleak see bleak's errors."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import pkgutil
import struct
from collections.abc import Callable, Iterator

import bumble
import pytest
from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakDeviceNotFoundError,
    BleakError,
    BleakGATTProtocolError,
)
from bumble import att, core, hci
from bumble.transport.common import TransportInitError, TransportLostError

from bluezone_harness.live.bumble_backend.attribute_protocol import MalformedResponseError
from bluezone_harness.live.bumble_backend.errors import bleak_error, controller_error, mapped
from bluezone_harness.virtual.ble.virtual_time import run_in_virtual_time

pytestmark = pytest.mark.req("BZ-GAT-001")


def exception_classes() -> Iterator[type[Exception]]:
    """Yield every exception class of bumble, but those of command line tools and of what is not installed."""
    for module in pkgutil.walk_packages(bumble.__path__, "bumble."):
        if module.name.startswith(("bumble.apps", "bumble.tools", "bumble.vendor")):
            continue
        try:
            found = importlib.import_module(module.name)
        except ImportError:
            continue
        for each in vars(found).values():
            if inspect.isclass(each) and issubclass(each, Exception) and each.__module__.startswith("bumble"):
                yield each


CLASSES = sorted(set(exception_classes()), key=lambda each: (each.__module__, each.__qualname__))


def made(kind: Callable[..., Exception], code: int = 0x3E) -> Exception:
    """Return an exception of a class, as its constructor wants it."""
    event = hci.HCI_Command_Status_Event(status=code, num_hci_command_packets=1, command_opcode=0x200D)
    refused = (code, core.PhysicalTransport.LE, hci.Address.ANY, "hci")
    attempts: tuple[tuple[object, ...], ...] = ((), (code,), (code, "name"), (event,), refused)
    for arguments in attempts:
        try:
            return kind(*arguments)
        except (TypeError, AttributeError):
            continue
    raise AssertionError(f"{kind} is not made")


def test_the_classes_are_found() -> None:
    assert len(CLASSES) > 20
    assert {att.ATT_Error, hci.HCI_Error, TransportLostError, core.TimeoutError} <= set(CLASSES)


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: f"{kind.__module__}.{kind.__qualname__}")
def test_each_of_bumbles_exceptions_becomes_bleaks(kind: type[Exception]) -> None:
    @mapped()
    async def operation() -> None:
        raise made(kind)

    with pytest.raises(BleakError) as caught:
        run_in_virtual_time(operation())
    assert isinstance(caught.value.__cause__, kind)
    assert str(caught.value)


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: f"{kind.__module__}.{kind.__qualname__}")
def test_none_of_them_is_what_bleak_documents_beside_its_own(kind: type[Exception]) -> None:
    # so that a decorator that lets one through lets none of bumble's through
    assert not issubclass(kind, BleakError | TimeoutError | NotImplementedError)


def test_each_att_error_has_its_code() -> None:
    for code in range(256):
        error = bleak_error(att.ATT_Error(code))
        assert isinstance(error, BleakGATTProtocolError)
        assert error.code == code


def test_each_controllers_error_is_named() -> None:
    for code in range(256):
        text = f"0x{code:02X}"
        assert text in str(controller_error(code))
        for kind in (hci.HCI_Error, hci.HCI_StatusError, core.ConnectionError):
            error = bleak_error(made(kind, code))
            assert text in str(error)
            assert type(error) is BleakError


def test_controllers_errors_have_the_words_of_the_core_specification() -> None:
    assert str(controller_error(0x0C)) == "the controller reports: Command Disallowed (0x0C)"
    assert "not assigned" in str(controller_error(0xEE))


@pytest.mark.parametrize(
    "error", [TransportLostError(), TransportInitError(), OSError("gone"), BrokenPipeError()]
)
def test_a_lost_transport_is_bluetooth_that_is_not_available(error: Exception) -> None:
    assert isinstance(bleak_error(error), BleakBluetoothNotAvailableError)


@pytest.mark.parametrize("error", [core.TimeoutError(), core.CommandTimeoutError("reset"), TimeoutError()])
def test_what_comes_too_late_is_told(error: Exception) -> None:
    assert str(bleak_error(error)).startswith("no answer came in time")


@pytest.mark.parametrize(
    "error",
    [AssertionError(), struct.error("short"), IndexError(), KeyError("x"), asyncio.InvalidStateError()],
)
def test_whatever_else_comes_up_is_bleaks_error(error: Exception) -> None:
    assert str(bleak_error(error)).startswith(type(error).__name__)
    assert type(bleak_error(error)) is BleakError


def test_what_is_bleaks_stays() -> None:
    error = BleakDeviceNotFoundError("here")
    assert bleak_error(error) is error
    assert type(bleak_error(KeyboardInterrupt())) is BleakError


def test_a_malformed_response_is_the_peers() -> None:
    assert str(bleak_error(MalformedResponseError("half a list"))) == "the peer sent half a list"


@pytest.mark.parametrize("error", [core.ProtocolError(3, "smp", "odd"), core.BaseError(None, "l2cap")])
def test_other_protocols_errors_say_which(error: Exception) -> None:
    assert type(bleak_error(error)) is BleakError
    assert type(error).__name__ in str(bleak_error(error))


def test_what_is_documented_passes() -> None:
    @mapped(TimeoutError)
    async def late() -> None:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        run_in_virtual_time(late())


def test_a_callers_cancellation_passes_and_bumbles_does_not() -> None:
    @mapped()
    async def waiting() -> None:
        await asyncio.sleep(10)

    @mapped()
    async def ended() -> None:
        raise asyncio.CancelledError("abort: flush event occurred.")

    async def main() -> None:
        task = asyncio.create_task(waiting())
        await asyncio.sleep(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await waiting()
        with pytest.raises(BleakError, match="reset, turned off or lost"):
            await ended()

    run_in_virtual_time(main())


def test_a_result_passes() -> None:
    @mapped()
    async def answer(number: int) -> int:
        return number + 1

    assert run_in_virtual_time(answer(1)) == 2
