"""A controller with bumble's host on it: what is opened in order to listen, whether real or made of software."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from bumble.device import Device
from bumble.transport.common import TransportSink

if TYPE_CHECKING:
    from bluezone_harness.virtual.ble.worlds import World


class PacketSource(Protocol):
    """Where packets of a controller come from."""

    def set_packet_sink(self, sink: TransportSink) -> None:
        """Say who takes them."""


@dataclass(frozen=True, slots=True)
class Attached:
    """A controller with bumble's host on it.

    Attributes:
        device: The host's device; it need not be powered on.
        source: Where the controller's packets come from.
        gone: Is done when the controller is gone; ``None`` where it cannot go.
    """

    device: Device
    source: PacketSource
    gone: asyncio.Future[None] | None


Attach = Callable[[], AbstractAsyncContextManager[Attached]]
"""Opens a controller."""


def attached_to(world: World, number: int = 0) -> Attach:
    """Return what attaches to a receiver among virtual phones.

    Args:
        world: Of the phones; it has to be entered before what is returned is called.
        number: Which receiver, from 0.
    """

    @asynccontextmanager
    async def attach() -> AsyncIterator[Attached]:
        device, controller = world.receivers[number], world.controllers[number]
        try:
            yield Attached(device, controller, None)
        finally:
            controller.set_packet_sink(device.host)

    return attach
