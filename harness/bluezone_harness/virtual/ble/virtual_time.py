"""An event loop whose clock jumps: a day of a phone passes in seconds, and in the same order each time.

Theory of operation. asyncio asks its selector to wait until the next timer. This selector does not wait: it moves the
loop's clock there. What is ready runs before the clock moves, so that computing takes no time. Real input and output
are served beside it: before each step they are looked at, and where nothing is scheduled they are waited for. While
a thread of an executor works, the clock stands still. Where nothing is scheduled, no input is awaited and no thread
works, whatever waits would wait for ever: that is an error here, and names the tasks.

The clock does not wait for another process: a time limit around a read from one may pass at once.
"""

from __future__ import annotations

import asyncio
import selectors
import sys
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from typing import Any, TypeVar, TypeVarTuple

_T = TypeVar("_T")
_Ts = TypeVarTuple("_Ts")

_RESOLUTION_S = 1e-7
_POLL_EACH = 256
"""Passes after which the loop's own pipe is looked at, through which signals and other threads wake it."""


class NothingToWaitForError(RuntimeError):
    """Nothing is scheduled any more, and no input is awaited: what waits would wait for ever."""


class _Selector(selectors.DefaultSelector):
    """Moves the clock to the next timer, where the selector of a usual loop sleeps."""

    def __init__(self, waiting: Callable[[], str]) -> None:
        super().__init__()
        self.now_s = 0.0
        self.threads = 0
        self._waiting = waiting
        self._passes = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Return what is ready; a timeout passes on the loop's clock, and at once."""
        foreign = len(self.get_map()) > 1  # the loop's own pipe is always there
        if timeout is not None and timeout <= 0:
            return super().select(0) if foreign or self._is_turn() else []
        if timeout is None:
            ready = super().select(0)
            if not ready and not foreign and not self.threads:
                raise NothingToWaitForError(f"nothing is left to wait for; {self._waiting()}")
            return ready or super().select(None)
        if self.threads:
            return super().select(None)
        if foreign or self._is_turn():
            ready = super().select(0)
            if ready:
                return ready
        self.now_s += timeout
        return []

    def _is_turn(self) -> bool:
        self._passes += 1
        return self._passes % _POLL_EACH == 0


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """An event loop in virtual time: ``time()`` starts at 0.0 and jumps to the next timer.

    Raises:
        NothingToWaitForError: Out of ``run_until_complete`` and ``run_forever``, as above.
    """

    def __init__(self) -> None:
        self._jumping = _Selector(self._waiting)
        super().__init__(self._jumping)
        # asyncio takes a timer for due if its time is before now and this; a nanosecond is lost in a clock of months
        self._clock_resolution = _RESOLUTION_S

    def time(self) -> float:
        """Return the virtual time in seconds since the loop was made."""
        return self._jumping.now_s

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[*_Ts], _T], *args: *_Ts
    ) -> asyncio.Future[_T]:
        """Run a function in a thread; the clock stands still until it has ended."""
        future = super().run_in_executor(executor, func, *args)
        self._jumping.threads += 1
        future.add_done_callback(self._thread_ended)
        return future

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:
        """Wait for the threads of the default executor, as the loop's base does."""
        self._jumping.threads += 1
        try:
            if sys.version_info >= (3, 12):
                await super().shutdown_default_executor(timeout)
            else:
                await super().shutdown_default_executor()
        finally:
            self._jumping.threads -= 1

    def _thread_ended(self, future: asyncio.Future[Any]) -> None:
        self._jumping.threads -= 1

    def _waiting(self) -> str:
        names = sorted(_described(task) for task in asyncio.all_tasks(self))
        return f"these wait: {', '.join(names)}" if names else "no task waits either"


def run_in_virtual_time(main: Coroutine[Any, Any, _T]) -> _T:
    """Run a coroutine in a loop of its own in virtual time.

    Args:
        main: What is run.

    Returns:
        What it returned.

    Raises:
        NothingToWaitForError: It waits for what nothing will bring about.
    """
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(main)


def _described(task: asyncio.Task[Any]) -> str:
    return f"{task.get_name()} ({getattr(task.get_coro(), '__qualname__', 'a coroutine')})"
