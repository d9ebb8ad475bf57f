"""A sniffer's stream as a receiver: a capture in any form, read while it is written.

Theory of operation. Reading waits for octets, so it has a thread of its own, which puts observations where listening
takes them; it waits where too many lie there. The thread does not outlive the process, whoever keeps the pipe open.
Times are those of the capture, and so is the clock.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from bluezone_harness.evidence.errors import EvidenceError
from bluezone_harness.observations import (
    Advert,
    Capability,
    Diagnostic,
    Extent,
    Observation,
    Source,
    tells_fields,
)
from bluezone_harness.sources import open_source
from bluezone_harness.sources.octets import OctetReader
from bluezone_harness.sources.recording_lines import LATEST_US
from bluezone_harness.writing.packets import packet_of

from .receivers import Hear, HearPacket, ListenError

if TYPE_CHECKING:
    from bleak import BleakClient

_MOST_WAITING = 20_000
"""Observations that may wait to be taken."""
_MOST_AT_ONCE = 2_000
"""Observations that are taken before anybody else has a turn."""
_LOOK_S = 0.05


class StreamReceiver:
    """Reads a stream.

    Args:
        name: What people call it.
        stream: Its octets; a read returns what is there, or waits.
    """

    is_clock = True

    def __init__(self, name: str, stream: OctetReader) -> None:
        self._name = name
        self._stream = stream
        self._source: Source | None = None
        self._heard: deque[Observation] = deque()
        self._room = threading.Event()
        self._ended = threading.Event()
        self._failure: Exception | None = None
        self._links: dict[str, int] = {}
        self._shown: Mapping[Capability, Extent] = {}
        self._now_us = 0

    @property
    def title(self) -> str:
        """What it is, for people."""
        return f"{self._source.kind} from {self._name}" if self._source else self._name

    @property
    def capabilities(self) -> Mapping[Capability, Extent]:
        """What it can show, as far as it was read."""
        if self._source is not None:
            # while it is asked, the thread may come upon another adapter: then it is what it was before
            with suppress(RuntimeError):
                self._shown = self._source.capabilities
        return self._shown

    @property
    def tells_fields(self) -> bool:
        """It is a recording of what adverts say, and not their octets."""
        return tells_fields(self.capabilities)

    def now_us(self) -> int:
        """Return the time of the last observation, in microseconds since the Unix epoch; 0 before the first."""
        return self._now_us

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """What there is to know about its damage, so far."""
        return self._source.diagnostics if self._source else ()

    async def listen(self, hear: Hear, hear_packet: HearPacket) -> None:
        """Take what comes, until the stream ends.

        Raises:
            ListenError: It is no capture.
        """
        threading.Thread(target=self._read, name="reads the stream", daemon=True).start()
        while True:
            ended = self._ended.is_set()
            for _ in range(min(len(self._heard), _MOST_AT_ONCE)):
                each = self._heard.popleft()
                if each.time_us <= LATEST_US:
                    self._now_us = max(self._now_us, each.time_us)
                hear(each)
                # the pieces of others' formats are gone: the same PDU is put together again
                with suppress(ValueError):
                    _, link, octets = packet_of(each, self._links)
                    hear_packet(each.time_us, link, octets)
            if len(self._heard) < _MOST_WAITING:
                self._room.set()
            if self._heard:
                await asyncio.sleep(0)
            elif ended:
                break
            else:
                await asyncio.sleep(_LOOK_S)
        if isinstance(self._failure, EvidenceError):
            raise ListenError(f"{self._failure}: give the stream of a capture, such as a sniffer writes")
        if self._failure:
            raise self._failure

    def client(self, advert: Advert, timeout_s: float) -> BleakClient | None:
        """Return nothing: who listens to a stream cannot connect."""
        return None

    def _read(self) -> None:
        try:
            self._source = source = open_source(self._name, self._stream)
            for each in source:
                self._heard.append(each)
                if len(self._heard) >= _MOST_WAITING:
                    self._room.clear()
                    self._room.wait()
        except Exception as error:  # noqa: BLE001 - it is raised again where it is listened
            self._failure = error
        finally:
            self._ended.set()
