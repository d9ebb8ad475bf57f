"""A connection to one device: made or given up cleanly, ended once.

Theory of operation. bumble's ``connect`` leaves the controller trying when its caller is cancelled, and then
fails on the connection that comes up after all. So it runs in a task of its own that is never cancelled:
giving up means to tell the controller (LE Create Connection Cancel, Vol 4 Part E 7.8.13), which answers with a
failed connection, or with one that came up just then and is closed.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import Callable

from bleak.exc import BleakError
from bumble import att, core, hci
from bumble.device import Connection

from .adapters import Adapter
from .bearers import Bearer
from .errors import bleak_error, controller_error
from .waiting import COMMAND_SECONDS, answered, undisturbed

CLOSING_SECONDS = 10.0
"""What a connection has to end in once the controller was told to end it; bleak gives BlueZ as long."""


class Link:
    """A connection that is up, until it has ended.

    Args:
        adapter: Of the device that made it.
        connection: bumble's.
        ended: Called once, when it has ended, whoever ended it.

    Attributes:
        bearer: Where attributes are read and written.
    """

    def __init__(self, adapter: Adapter, connection: Connection, ended: Callable[[], None]) -> None:
        self._adapter = adapter
        self._connection = connection
        self._ended = ended
        self._gone = asyncio.Event()
        self._closing: asyncio.Task[None] | None = None
        self.bearer = Bearer(functools.partial(connection.send_l2cap_pdu, att.ATT_CID), self._give_up)
        self._receive = self.bearer.receive
        adapter.bearers[connection.handle] = self._receive
        adapter.endings.add(self._flushed)
        connection.on(connection.EVENT_DISCONNECTION, self._disconnected)
        if adapter.device.connections.get(connection.handle) is not connection:  # it ended before this began
            self._disconnected(hci.HCI_CONNECTION_FAILED_TO_BE_ESTABLISHED_ERROR)

    @property
    def is_up(self) -> bool:
        """Whether it has not ended yet."""
        return not self._gone.is_set()

    @property
    def mtu(self) -> int:
        """Octets of the greatest attribute PDU."""
        return self._connection.att_mtu

    def agree_on_mtu(self, mtu: int) -> None:
        """Note the greatest attribute PDU that both sides take, in octets."""
        self._connection.on_att_mtu_update(mtu)

    async def close(self) -> None:
        """End it, and wait until it has ended; nothing to do if it has.

        Raises:
            BleakError: The controller does not end it. It is over all the same, for whoever used it.
        """
        if self.is_up:
            await asyncio.shield(self._begin_closing())

    def _begin_closing(self) -> asyncio.Task[None]:
        if self._closing is None:
            self._closing = asyncio.ensure_future(self._close())
            self._closing.add_done_callback(_looked_at)
        return self._closing

    async def _close(self) -> None:
        try:
            # not by bumble's own method, which fails where the controller is lost meanwhile
            await answered(
                self._adapter.device.send_async_command(
                    hci.HCI_Disconnect_Command(
                        connection_handle=self._connection.handle,
                        reason=hci.HCI_REMOTE_USER_TERMINATED_CONNECTION_ERROR,
                    )
                )
            )
            await answered(self._gone.wait(), CLOSING_SECONDS)
        except Exception as error:  # whatever bumble raises, bleak's callers get an error of bleak's
            if self.is_up:  # where it has ended meanwhile, the controller no longer knew it
                reason = bleak_error(error)
                self._end(reason)
                raise reason from error

    def _disconnected(self, reason: int) -> None:
        self._end(BleakError(f"the connection has ended: {controller_error(reason)}"))

    def _flushed(self) -> None:
        self._end(bleak_error(asyncio.CancelledError()))

    def _give_up(self) -> None:
        """Close it: its bearer is dead. Source: Vol 3 Part F 3.3.3."""
        self._begin_closing()

    def _end(self, error: BleakError) -> None:
        if self.is_up:
            self._gone.set()
            if self._adapter.bearers.get(self._connection.handle) is self._receive:
                del self._adapter.bearers[self._connection.handle]
            self._adapter.endings.discard(self._flushed)
            self._connection.remove_listener(self._connection.EVENT_DISCONNECTION, self._disconnected)
            self.bearer.end(error)
            self._ended()


def _looked_at(task: asyncio.Task[None]) -> None:
    """Look at how a task ended that perhaps nobody waits for, so that asyncio does not complain."""
    if not task.cancelled():
        task.exception()


async def connect(adapter: Adapter, address: hci.Address, seconds: float) -> Connection:
    """Make a connection; the caller holds ``adapter.connecting``.

    Args:
        adapter: Of the device that makes it.
        address: Of the other.
        seconds: How long to try.

    Raises:
        TimeoutError: The other did not answer in that time.
        BleakError: The controller refused, or failed.
        asyncio.CancelledError: The caller was cancelled; the controller does not try any longer, then.
    """
    device = adapter.device
    text = address.to_string(False)
    if device.find_connection_by_bd_addr(address, transport=core.PhysicalTransport.LE) is not None:
        raise BleakError(f"{text} is connected already, by another client")
    attempt = asyncio.ensure_future(_attempt(adapter, address))
    try:
        await asyncio.wait({attempt}, timeout=seconds)
    except asyncio.CancelledError:
        await undisturbed(_abandon(adapter, attempt))
        raise
    if not attempt.done():
        await undisturbed(_abandon(adapter, attempt))
        raise TimeoutError(f"{text} did not answer within {seconds:g} seconds")
    if attempt.cancelled():  # by bumble, at a flush
        raise bleak_error(asyncio.CancelledError())
    try:
        connection = attempt.result()
    except TimeoutError as error:  # of the controller, to the command: not of the other
        raise bleak_error(error) from error
    if connection.role != hci.Role.CENTRAL:  # bumble takes any connection for the one that it waits for
        raise BleakError(f"another device connected to this one while {text} was awaited")
    return connection


async def _attempt(adapter: Adapter, address: hci.Address) -> Connection:
    adapter.check_power()  # it may be turned off between the decision and the first step
    return await adapter.device.connect_le(address, timeout=None)


async def _abandon(adapter: Adapter, attempt: asyncio.Task[Connection]) -> None:
    """Make the controller give up an attempt, and close what came of it."""
    with contextlib.suppress(Exception):  # too late to give up, or no controller any more
        await answered(adapter.device.send_sync_command(hci.HCI_LE_Create_Connection_Cancel_Command()))
    await asyncio.wait({attempt}, timeout=COMMAND_SECONDS)
    if not attempt.done():  # the controller never says how it ended
        attempt.cancel()
        await asyncio.wait({attempt})
    if not attempt.cancelled() and attempt.exception() is None:
        with contextlib.suppress(Exception):
            await Link(adapter, attempt.result(), lambda: None).close()
