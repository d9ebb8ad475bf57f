"""What a live receiver is: something that hears adverts, and may be able to read phones.

Theory of operation. A receiver is told where to put what it hears, and listens until it is cancelled or its source
ends. What stops it is a ``ListenError``: one sentence that says what is wrong and what to do. Instants come from a
``Clock``, so that all of it runs in virtual time as well.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from bluezone_harness.observations import Advert, Capability, Extent, Observation

if TYPE_CHECKING:
    from bleak import BleakClient

Hear = Callable[[Observation], None]
"""Takes what was heard; its number is not yet that of a recording."""
HearTogether = Callable[[Sequence[Observation]], None]
"""Takes several that belong together."""
HearPacket = Callable[[int, int, bytes], None]
"""Takes the octets of a packet: when, in microseconds since the Unix epoch, the link type, and the packet."""


class Clock(Protocol):
    """Tells the time."""

    def now_us(self) -> int:
        """Return microseconds since the Unix epoch."""


class ListenError(Exception):
    """Listening ended, or never began.

    Attributes:
        may_return: What is missing may come back by itself, such as an adapter that was pulled out.
    """

    def __init__(self, text: str, *, may_return: bool = False) -> None:
        super().__init__(text)
        self.may_return = may_return


class Receiver(Protocol):
    """Hears adverts."""

    @property
    def title(self) -> str:
        """What it is, for people and for the header of a recording."""

    @property
    def capabilities(self) -> Mapping[Capability, Extent]:
        """What it can show; of a stream, known once something was heard."""

    @property
    def tells_fields(self) -> bool:
        """It tells what adverts say, and not their octets."""

    @property
    def is_clock(self) -> bool:
        """Times come from what it reads, and it is the session's clock."""

    async def listen(self, hear: Hear, hear_packet: HearPacket) -> None:
        """Listen until cancelled, or until there is nothing more to hear.

        Args:
            hear: Takes what is heard.
            hear_packet: Takes octets, as far as they are known.

        Raises:
            ListenError: It cannot, or can no longer.
        """

    def client(self, advert: Advert, timeout_s: float) -> BleakClient | None:
        """Return what connects to the phone that sent an advert; ``None`` where this receiver cannot connect.

        Args:
            advert: As it was heard.
            timeout_s: Of the attempt to connect.
        """
