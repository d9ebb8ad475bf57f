"""Waiting for what must not be left half done, and not for ever for what may never come."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from bleak.exc import BleakError

_T = TypeVar("_T")

COMMAND_SECONDS = 5.0
"""What a controller has to answer a command in; BlueZ's kernel gives it 2, an emulator over the network needs more."""


async def answered(command: Coroutine[Any, Any, _T], seconds: float = COMMAND_SECONDS) -> _T:
    """Return what a controller answers.

    Args:
        command: What sends the command and waits; bumble itself would wait for ever.
        seconds: For how long.

    Raises:
        BleakError: It does not answer, as when the transport to it was lost earlier.
    """
    try:
        async with asyncio.timeout(seconds):
            return await command
    except TimeoutError as error:
        raise BleakError(
            f"the controller did not answer within {seconds:g} seconds; is it still attached?"
        ) from error


async def undisturbed(work: Coroutine[Any, Any, _T]) -> _T:
    """Do something to its end, even if the caller is cancelled meanwhile; the cancellation comes afterwards.

    Args:
        work: What ends by itself, soon.

    Raises:
        asyncio.CancelledError: The caller was cancelled; the work is done, or has failed.
    """
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        task.cancelled() or task.exception()  # looked at, so that asyncio does not complain
        raise cancelled
    return task.result()
