"""What whoever plays phones tells of it: what is on the air from when until when, and what centrals do with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from bluezone_harness.observations import AddressType

from .plans import SentWindow


@dataclass(frozen=True, slots=True)
class Link:
    """A connection to what was sent.

    Attributes:
        address: From which the advertising set was sent: 6 octets, the most significant first.
        address_type: Of that address.
        central: Address of whoever connected, the same way.
        central_type: Of that address.
    """

    address: bytes
    address_type: AddressType
    central: bytes
    central_type: AddressType


class Watch(Protocol):
    """Is told what is sent, in the order of time; times are in microseconds since the Unix epoch."""

    def on_air(self, time_us: int, sender: str, window: SentWindow) -> int:
        """Take that an advertising set begins to be sent, and return a number for it.

        Args:
            time_us: Nothing of it was sent before.
            sender: Whose it is.
            window: What is sent.
        """

    def off_air(self, time_us: int, number: int, adverts: int | None) -> None:
        """Take that a set is sent no longer.

        Args:
            time_us: Nothing of it is sent from here on.
            number: That ``on_air`` returned.
            adverts: How many advertising events it had, where that is known.
        """

    def connected(self, time_us: int, link: Link) -> None:
        """Take that a central connected."""

    def read(self, time_us: int, link: Link, characteristic: str, answer: bytes | int | None) -> None:
        """Take that a central read.

        Args:
            time_us: When it was answered.
            link: Over which connection.
            characteristic: UUID in canonical text form.
            answer: Octets, or an ATT error; ``None``: it was not answered.
        """

    def disconnected(self, time_us: int, link: Link) -> None:
        """Take that a connection is over."""
