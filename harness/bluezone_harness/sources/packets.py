"""What the formats of captures have in common: packets are framed, decoded, counted, and damage is told once.

Theory of operation. A format (pcap, pcapng, btsnoop) knows where a packet begins, when it was heard and by
whom: it yields frames. A decoder (link layer, HCI) knows what the octets of one packet say: observations, or
why there is none. ``PacketSource`` joins the two. Where framing fails nothing after it can be trusted, so
reading ends with one diagnostic; where a single packet cannot be decoded the next one still can, so such
packets are counted and told in one diagnostic for each reason.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import Enum
from typing import Protocol

from bluezone_harness.observations import Capability, Diagnostic, Extent, Observation, Severity

from .octets import OctetStream
from .stream_source import StreamSource

LONGEST_PACKET = 65_544
"""Octets of the longest packet: HCI ACL data of 65 535, their H4 and ACL headers, and a direction."""


class Unread(Enum):
    """Why a packet of a capture that is whole gives no observation, or not all that it should."""

    BAD_CRC = "packets failed their CRC and are no observations"
    FOREIGN = "packets are not Bluetooth"
    TIMELESS = "packets have no time and are no observations"
    WHITENED = "packets are still whitened and cannot be read"
    MALFORMED = "packets do not hold what their headers announce"
    CUT = "packets were cut when they were captured and cannot be read"
    CUT_DATA = "packets that are no adverts were cut when they were captured"
    ELSEWHERE = "extended adverts have their data in packets that were not captured"
    IN_PIECES = "extended adverts lack a piece and are no observations"

    @property
    def severity(self) -> Severity:
        """How much it matters; what does more than inform is damage."""
        return Severity.INFO if self in _ORDINARY else Severity.WARNING


# what any receiver misses of the air, and what is none of its business
_ORDINARY = frozenset({Unread.BAD_CRC, Unread.FOREIGN, Unread.CUT_DATA, Unread.ELSEWHERE, Unread.IN_PIECES})

Missing = Mapping[Unread, tuple[int, int]]
"""What cannot be told as soon as a packet is read: by reason, the first packet of it, and how many times."""


class Decoder(Protocol):
    """Reads the packets of one link type of one receiver."""

    @property
    def capabilities(self) -> Mapping[Capability, Extent]:
        """What such packets show; known in full when all were decoded."""

    @property
    def missing(self) -> Missing:
        """What is not whole, because further packets would be needed that did not come up to now."""

    def decode(
        self, number: int, time_us: int, receiver: str, packet: bytes
    ) -> Sequence[Observation | Unread]:
        """Return what a packet says; it never raises."""


class UnreadDecoder:
    """Reads nothing of any packet, for one reason.

    Args:
        reason: Why.
    """

    def __init__(self, reason: Unread) -> None:
        self._unread = (reason,)

    @property
    def capabilities(self) -> Mapping[Capability, Extent]:
        """Nothing."""
        return {}

    @property
    def missing(self) -> Missing:
        """Nothing."""
        return {}

    def decode(
        self, number: int, time_us: int, receiver: str, packet: bytes
    ) -> Sequence[Observation | Unread]:
        """Return the reason."""
        return self._unread


class CutDecoder:
    """Hands packets of which the end was not captured to their decoder, and takes nothing that it says for whole.

    Args:
        decoder: Of their link type and receiver.
    """

    def __init__(self, decoder: Decoder) -> None:
        self._decoder = decoder

    @property
    def capabilities(self) -> Mapping[Capability, Extent]:
        """Those of its decoder."""
        return self._decoder.capabilities

    @property
    def missing(self) -> Missing:
        """That of its decoder."""
        return self._decoder.missing

    def decode(
        self, number: int, time_us: int, receiver: str, packet: bytes
    ) -> Sequence[Observation | Unread]:
        """Return that something cannot be read, or that it would say nothing if it were whole."""
        return _CUT if self._decoder.decode(number, time_us, receiver, packet) else _CUT_DATA


_CUT = (Unread.CUT,)
_CUT_DATA = (Unread.CUT_DATA,)

Frame = tuple[int, int, str, Decoder, bytes]
"""Of one packet: offset of its record, time in microseconds, receiver, who decodes it, octets."""


class PacketSource(StreamSource):
    """A capture of packets.

    Args:
        name: Of the evidence, without folders.
        kind: What it is, such as ``pcap``.
        octets: What is left to read of it.
    """

    def __init__(self, name: str, kind: str, octets: OctetStream) -> None:
        super().__init__(name, kind, octets)
        self._damage: Diagnostic | None = None
        self._unread: dict[Unread, tuple[int, int, int]] = {}

    @property
    def capabilities(self) -> Mapping[Capability, Extent]:
        """What it can show; known in full when everything was read."""
        return merge([decoder.capabilities for decoder in self._decoders()])

    @property
    def damaged(self) -> bool:
        """Something could not be read."""
        return self._damage is not None or any(each.severity is not Severity.INFO for each in self._unread)

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """What there is to know about its damage, so far."""
        found = [
            Diagnostic(
                self._name, offset, reason.severity, f"{reason.value}: {count}, the first is packet {number}"
            )
            for reason, (number, offset, count) in self._unread.items()
        ]
        found += [
            Diagnostic(
                self._name, None, reason.severity, f"{reason.value}: {count}, the first is packet {number}"
            )
            for reason, (number, count) in together(each.missing for each in self._decoders()).items()
        ]
        return (*found, self._damage) if self._damage else tuple(found)

    def _observations(self) -> Iterator[Observation]:
        for offset, time_us, receiver, decoder, packet in self._frames():
            self._packets = number = self._packets + 1
            for each in decoder.decode(number, time_us, receiver, packet):
                # not isinstance: the class of an enumeration has to be asked, and this is every packet of a capture
                if type(each) is Unread:
                    self.note(each, number, offset)
                else:
                    yield each  # type: ignore[misc]  # mypy narrows by isinstance alone
        self._octets.read_rest()

    # for a reader that walks over packets by itself, and leaves to this source what it does not know

    def count(self, packets: int) -> None:
        """Count packets that were read elsewhere.

        Args:
            packets: How many more; what is read from now on follows them.
        """
        self._packets += packets

    def note(self, reason: Unread, number: int, offset: int, times: int = 1) -> None:
        """Note packets that could not be read.

        Args:
            reason: Why.
            number: Of the first of them.
            offset: Of its record.
            times: How many.
        """
        first_number, first_offset, before = self._unread.get(reason, (number, offset, 0))
        self._unread[reason] = (first_number, first_offset, before + times)

    @abstractmethod
    def _frames(self) -> Iterator[Frame]:
        """Yield the packets; end at damage, having noted it."""

    @abstractmethod
    def _decoders(self) -> Sequence[Decoder]:
        """Return who decodes the packets of each receiver that is known so far."""

    def _damaged_at(self, offset: int, message: str) -> None:
        """Note damage after which nothing can be read."""
        self._damage = Diagnostic(self._name, offset, Severity.ERROR, message)

    def _cut(self, what: str, octets: int) -> None:
        """Note that the capture ends within something that begins at the next octet."""
        rest = self._octets.rest
        reason = self._octets.failure or "the capture is cut"
        self._damaged_at(
            self._octets.offset, f"{reason}: {what} of {octets} octets, of which {rest} are there"
        )


def together(missing: Iterable[Missing]) -> Missing:
    """Return what several decoders miss together."""
    found: dict[Unread, tuple[int, int]] = {}
    for each in missing:
        for reason, (number, count) in each.items():
            first, before = found.get(reason, (number, 0))
            found[reason] = min(first, number), before + count
    return found


def merge(shown: Sequence[Mapping[Capability, Extent]]) -> dict[Capability, Extent]:
    """Return what several receivers show together: all of it only where each of them does.

    Args:
        shown: By each; those that show nothing at all are no receivers.
    """
    receivers = [each for each in shown if each]
    all_of_them: dict[Capability, Extent] = {}
    for capability in sorted({capability for each in receivers for capability in each}):
        extents = {each.get(capability, Extent.NO) for each in receivers}
        all_of_them[capability] = extents.pop() if len(extents) == 1 else Extent.PARTIAL
    if len(receivers) > 1:
        all_of_them[Capability.SEVERAL_RECEIVERS] = Extent.YES
    return all_of_them
