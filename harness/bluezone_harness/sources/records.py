"""Captures that are a header, then records of one form to the end: pcap and btsnoop."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence

from .octets import OctetStream
from .packets import LONGEST_PACKET, Decoder, Frame, PacketSource


class DamagedRecordError(ValueError):
    """A record begins with something that nobody writes: it is damaged, or no record begins there.

    Args:
        seen: What it announces, for people.
    """

    def __init__(self, seen: str) -> None:
        super().__init__(f"the header of a record is damaged: it announces {seen}")


class RecordSource(PacketSource):
    """Such a capture, from its first record on.

    Args:
        name: Of the evidence, without folders.
        kind: Which format it is.
        octets: From its first record on.
        decoder: Of its packets.
        header_octets: Of each record, before its packet.
    """

    def __init__(
        self, name: str, kind: str, octets: OctetStream, decoder: Decoder, header_octets: int
    ) -> None:
        super().__init__(name, kind, octets)
        self._decoder = decoder
        self._size = header_octets

    @abstractmethod
    def _header(self, buffer: bytes, at: int) -> tuple[int, int]:
        """Return the time in microseconds and the octets of the packet of the record that begins there.

        Raises:
            DamagedRecordError: It is damaged.
        """

    def _decoders(self) -> Sequence[Decoder]:
        return (self._decoder,)

    def _frames(self) -> Iterator[Frame]:
        octets, decoder, size, header = self._octets, self._decoder, self._size, self._header
        while octets.ensure(size):
            buffer, before, at = octets.buffer, octets.before, octets.position
            held = len(buffer)
            needed = size
            while at + size <= held:
                try:
                    time_us, length = header(buffer, at)
                except DamagedRecordError as error:
                    self._damaged_at(before + at, str(error))
                    return
                if length > LONGEST_PACKET:
                    message = DamagedRecordError(f"a packet of {length} octets, more than {LONGEST_PACKET}")
                    self._damaged_at(before + at, str(message))
                    return
                end = at + size + length
                if end > held:
                    needed += length
                    break
                yield before + at, time_us, "", decoder, buffer[at + size : end]
                at = end
            octets.position = at
            if not octets.ensure(needed) and needed > size:
                self._cut("a record", needed)
                return
        if octets.rest or octets.failure:
            self._cut("the header of a record", size)
