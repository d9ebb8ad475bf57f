"""A scan that is paused while a phone is connected to.

Theory of operation. BlueZ connects to a phone when it hears the phone's next advert. While it scans, the kernel has the
controller tell one advert of each address in a round of 10.24 s, so that who was just heard is connected to a round
later: longer than an attempt may take. Without a scan that takes an advertising interval. So the scan is stopped, the
connection made, and the scan begun again. What is sent meanwhile is not heard: who listens is told of a gap, from when
the scan was to stop until it was there again.

D-Bus sets no limit to how long a call may take: who began or stopped a scan would wait for a bluetoothd that hangs, and
could not be ended. So a limit is set here.

Source: Core Specification, Vol 4 Part E 7.8.11 (Filter_Duplicates); the Linux kernel's rounds as ``btmon`` shows them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any

from bleak import BleakClient, BleakScanner
from bleak.backends.client import BaseBleakClient
from bleak.backends.device import BLEDevice

from bluezone_harness.observations import Gap

from .receivers import Clock, Hear

_logger = logging.getLogger(__name__)

ANSWER_S = 15.0
"""So long a scan may take to begin, or to stop: adapters take seconds at times."""
Pause = Callable[[], AbstractAsyncContextManager[None]]


class PausingScan:
    """A scan, begun and ended by ``async with``, that may be paused.

    Args:
        scanner: Who scans.
        clock: Tells when it is paused.
        hear: Is told of each pause, when it is over.
    """

    def __init__(self, scanner: BleakScanner, clock: Clock, hear: Hear) -> None:
        self._scanner = scanner
        self._clock = clock
        self._hear = hear
        self._paused_us: int | None = None
        self._one_at_a_time = asyncio.Lock()
        self._is_over = False
        self._failure: Exception | None = None
        self._failed = asyncio.Event()

    async def __aenter__(self) -> PausingScan:
        """Begin."""
        await self._start()
        return self

    async def __aexit__(self, *ended_by: object) -> None:
        """End; a pause that still is does not begin it again."""
        self._is_over = True
        # who scans next may hear something before the pause is over
        self._tell_pause()
        await self._stop()

    @asynccontextmanager
    async def paused(self) -> AsyncIterator[None]:
        """Do not scan meanwhile."""
        async with self._one_at_a_time:
            try:
                if not self._ended():
                    self._paused_us = self._clock.now_us()
                try:
                    await self._stop()
                except Exception as error:  # noqa: BLE001 - who listens will find out; connecting may work still
                    _logger.debug("pausing the scan failed: %s", error)
                yield
            finally:
                # also where who connects gives up while the scan is being stopped
                await self._resume()

    async def failed_within(self, seconds: float) -> None:
        """Wait.

        Args:
            seconds: How long.

        Raises:
            Exception: What the scan did not go on for.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._failed.wait()
        if self._failure is not None:
            raise self._failure

    def _ended(self) -> bool:
        return self._is_over

    async def _resume(self) -> None:
        if self._ended():
            return
        try:
            await self._start()
        except Exception as error:  # noqa: BLE001 - who listens is told
            self._failure = error
            self._failed.set()
        else:
            self._tell_pause()
        if self._ended():
            # it ended while it began again
            await self._stop()

    def _tell_pause(self) -> None:
        from_us, self._paused_us = self._paused_us, None
        if from_us is not None:
            self._hear(Gap(0, from_us, max(from_us, self._clock.now_us())))

    async def _start(self) -> None:
        async with asyncio.timeout(ANSWER_S):
            await self._scanner.start()

    async def _stop(self) -> None:
        async with asyncio.timeout(ANSWER_S):
            await self._scanner.stop()


class PausingClient(BleakClient):
    """Connects while a scan is paused.

    Args:
        device: To whom.
        timeout_s: Of the attempt to connect.
        backend: Of bleak's, in place of the system's.
        pause: Pauses the scan.
    """

    def __init__(
        self, device: BLEDevice, timeout_s: float, backend: type[BaseBleakClient] | None, pause: Pause
    ) -> None:
        super().__init__(device, timeout=timeout_s, backend=backend)
        self._pause = pause

    async def connect(self, **kwargs: Any) -> None:  # noqa: ANN401 - as bleak has it
        """Connect."""
        async with self._pause():
            await super().connect(**kwargs)
