"""Errors of bumble, the controller and the peer, told as bleak tells them.

Theory of operation. Users of bleak catch ``BleakError``, and ``asyncio.TimeoutError`` around ``connect``. What
comes up from bumble is of many kinds: its own classes, which share names but no ancestors with Python's, bare
``AssertionError`` and ``struct.error`` of its parsers, and ``asyncio.CancelledError`` where the controller was
reset or lost, although nobody cancelled anything. One table says what each becomes, and one decorator around
each operation sees to it that nothing passes by the table.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec, TypeVar

from bleak.exc import (
    CONTROLLER_ERROR_CODES,
    BleakBluetoothNotAvailableError,
    BleakBluetoothNotAvailableReason,
    BleakError,
    BleakGATTProtocolError,
)
from bumble import att, core, hci
from bumble.transport.common import TransportInitError, TransportLostError

from .attribute_protocol import MalformedResponseError

_P = ParamSpec("_P")
_T = TypeVar("_T")


def controller_error(code: int) -> BleakError:
    """Return the error that a controller's status stands for.

    Args:
        code: An HCI error code.

    Source: Core Specification, Vol 1 Part F 1.3.
    """
    name = CONTROLLER_ERROR_CODES.get(code, "an error code that is not assigned")
    return BleakError(f"the controller reports: {name} (0x{code:02X})")


def not_available(text: str, reason: BleakBluetoothNotAvailableReason) -> BleakError:
    """Return the error of a controller that cannot be used.

    Args:
        text: One sentence for people.
        reason: What bleak calls it.
    """
    return BleakBluetoothNotAvailableError(text, reason)


def _text(error: BaseException) -> str:
    """Return the kind of an error, and what it says; some of bumble's fail to say it."""
    try:
        said = str(error)
    except Exception:  # noqa: BLE001 - whatever such an error's own method raises
        said = ""
    return f"{type(error).__name__}: {said}" if said else type(error).__name__


def _coded(error: core.BaseError) -> BleakError:
    if error.error_namespace == "hci" and error.error_code is not None:
        return controller_error(error.error_code)
    return _other(error)


def _status(error: hci.HCI_Error | hci.HCI_StatusError) -> BleakError:
    return controller_error(error.error_code or 0)


def _answered(error: att.ATT_Error) -> BleakError:
    return BleakGATTProtocolError(error.error_code)


def _lost(error: BaseException) -> BleakError:
    return not_available(
        f"the connection to the controller is lost ({type(error).__name__}); attach it again and start anew",
        BleakBluetoothNotAvailableReason.NO_BLUETOOTH,
    )


def _late(error: BaseException) -> BleakError:
    return BleakError(f"no answer came in time ({_text(error)})")


def _ended(_error: BaseException) -> BleakError:
    return BleakError("the controller was reset, turned off or lost meanwhile")


def _other(error: BaseException) -> BleakError:
    return BleakError(_text(error))


def _malformed(error: MalformedResponseError) -> BleakError:
    return BleakError(f"the peer sent {error}")


_MEANINGS: tuple[tuple[type[BaseException], Callable[[Any], BleakError]], ...] = (
    (att.ATT_Error, _answered),
    (hci.HCI_Error, _status),
    (hci.HCI_StatusError, _status),
    (MalformedResponseError, _malformed),
    (TransportLostError, _lost),
    (TransportInitError, _lost),
    (core.CommandTimeoutError, _late),
    (core.TimeoutError, _late),
    (core.BaseError, _coded),
    (core.BaseBumbleError, _other),
    (TimeoutError, _late),
    (OSError, _lost),
    (asyncio.CancelledError, _ended),
    (Exception, _other),
)
"""What each error becomes; the first that fits counts. What is no ``Exception`` ends the program, as it should."""


def bleak_error(error: BaseException) -> BleakError:
    """Return what an error is for users of bleak.

    Args:
        error: Any error that came up; a ``BleakError`` stays what it is.
    """
    if isinstance(error, BleakError):
        return error
    for kind, meaning in _MEANINGS:
        if isinstance(error, kind):
            return meaning(error)
    return _other(error)


def _cancelled_by_caller() -> bool:
    """Tell whether somebody cancelled the running task: bumble raises the same error where nobody did."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def mapped(
    *documented: type[Exception],
) -> Callable[[Callable[_P, Coroutine[Any, Any, _T]]], Callable[_P, Coroutine[Any, Any, _T]]]:
    """Return a decorator after which an operation raises nothing but ``BleakError`` and what is documented.

    Args:
        documented: What else bleak documents for it.
    """
    passed: tuple[type[Exception], ...] = (BleakError, *documented)

    def decorate(function: Callable[_P, Coroutine[Any, Any, _T]]) -> Callable[_P, Coroutine[Any, Any, _T]]:
        @functools.wraps(function)
        async def operation(*args: _P.args, **kwargs: _P.kwargs) -> _T:
            try:
                return await function(*args, **kwargs)
            except passed:
                raise
            except asyncio.CancelledError as error:
                if _cancelled_by_caller():
                    raise
                raise bleak_error(error) from error
            except Exception as error:  # the table is for whatever bumble raises, bare assertions included
                raise bleak_error(error) from error

        return operation

    return decorate
