"""One connection's attribute bearer: requests in turn, each with its response, its refusal or its end.

Theory of operation. The protocol is sequential: after a request nothing more is asked until its response has
come, whoever asked and whether or not that caller still waits. A transaction that takes 30 seconds is over,
and with it the bearer: nothing may be asked on it any more (Core Specification, Vol 3 Part F 3.3.3). When the
connection ends, so does the transaction, at once.

bumble has a client of its own, which is not used: it cancels whoever waits when a connection ends, waits the
30 seconds out when a response is malformed, and takes some errors in discovery for an empty list.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from bleak.exc import BleakError, BleakGATTProtocolError

from . import attribute_protocol as protocol

TRANSACTION_SECONDS = 30
"""Source: Core Specification, Vol 3 Part F 3.3.3."""

_logger = logging.getLogger(__name__)


class Bearer:
    """The client's end of a connection's attribute bearer.

    Args:
        send: Sends a PDU; never waits.
        dead: Called once when a transaction took too long: the connection is of no more use.
    """

    def __init__(self, send: Callable[[bytes], None], dead: Callable[[], None]) -> None:
        self._send = send
        self._dead = dead
        self._turn = asyncio.Lock()
        self._pending: asyncio.Future[bytes | BleakError] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._end: BleakError | None = None
        self._listeners: dict[int, Callable[[bytearray], None]] = {}

    async def request(self, pdu: bytes) -> bytes:
        """Send a request and return its response.

        Args:
            pdu: The request.

        Returns:
            The response, its opcode included.

        Raises:
            BleakGATTProtocolError: The peer refused.
            BleakError: The response is another's, none came in time, or the connection ended.
            MalformedResponseError: It breaks the format.
        """
        async with self._turn:
            while self._pending is not None:  # of a caller that was cancelled; its response is still to come
                await asyncio.wait({self._pending})
            if self._end is not None:
                raise self._end
            loop = asyncio.get_running_loop()
            pending = self._pending = loop.create_future()
            self._timer = loop.call_later(TRANSACTION_SECONDS, self._too_late)
            self._send(pdu)
            outcome = await asyncio.shield(pending)
        if isinstance(outcome, BleakError):
            raise outcome
        return _accepted(pdu, outcome)

    def command(self, pdu: bytes) -> None:
        """Send what is not answered, in the hope that the connection is up."""
        self._send(pdu)

    def listen(self, handle: int, listener: Callable[[bytearray], None] | None) -> None:
        """Set who is told the values of an attribute, in place of whoever was; ``None`` for nobody."""
        if listener is None:
            self._listeners.pop(handle, None)
        else:
            self._listeners[handle] = listener

    def receive(self, pdu: bytes) -> None:
        """Take in what the server sent; never raises.

        Args:
            pdu: With an odd opcode: a response, a notification or an indication.
        """
        if pdu[0] in (protocol.NOTIFICATION, protocol.INDICATION):
            self._told(pdu)
        elif self._pending is None:
            _logger.debug("a response without a request: %s", pdu.hex())
        else:
            self._settle(pdu)

    def end(self, error: BleakError) -> None:
        """End whatever waits, and let nothing more begin.

        Args:
            error: Why.
        """
        if self._end is None:
            self._end = error
            self._listeners.clear()
            if self._pending is not None:
                self._settle(error)

    def _told(self, pdu: bytes) -> None:
        try:
            handle, value = protocol.value_told(pdu)
        except protocol.MalformedResponseError as error:
            _logger.debug("the peer sent %s", error)
            return
        if pdu[0] == protocol.INDICATION and self._end is None:
            self._send(protocol.CONFIRMATION)
        if listener := self._listeners.get(handle):
            # a listener is the user's: what it raises is for the loop's handler, not for bumble's
            asyncio.get_running_loop().call_soon(listener, bytearray(value))

    def _settle(self, outcome: bytes | BleakError) -> None:
        pending, self._pending = self._pending, None
        timer, self._timer = self._timer, None
        assert pending is not None  # noqa: S101 - callers have looked
        assert timer is not None  # noqa: S101 - set together with it
        timer.cancel()
        pending.set_result(outcome)

    def _too_late(self) -> None:
        self.end(BleakError(f"the peer did not answer a request within {TRANSACTION_SECONDS} seconds"))
        self._dead()


def _accepted(request: bytes, response: bytes) -> bytes:
    """Return a response if it is the request's; raise what it says otherwise."""
    refusal = protocol.refusal_of(response)
    if refusal is not None and refusal.request == request[0]:
        raise BleakGATTProtocolError(refusal.code)
    if response[0] != protocol.response_to(request):
        raise BleakError(f"the peer answered request 0x{request[0]:02X} with PDU 0x{response[0]:02X}")
    return response
