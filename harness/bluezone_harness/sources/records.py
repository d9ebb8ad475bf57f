"""Captures that are a header, then records of one form to the end: pcap and btsnoop."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence

from .octets import OctetStream
from .packets import LONGEST_PACKET, CutDecoder, Decoder, Frame, PacketSource


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
        self._cut_decoder = CutDecoder(decoder)
        self._size = header_octets
        self._before = b""

    @property
    def decoder(self) -> Decoder:
        """Who reads its packets."""
        return self._decoder

    @property
    def cut_decoder(self) -> Decoder:
        """Who reads those of its packets of which the end was not captured."""
        return self._cut_decoder

    @abstractmethod
    def _header(self, buffer: bytes, at: int) -> tuple[int, int, bool]:
        """Return the time in microseconds, the octets of the packet, and whether it had more, of a record.

        What its decoder expects before the packet, and only the header tells, becomes ``_before``.

        Args:
            buffer: What was read.
            at: Where in it the record begins.

        Raises:
            DamagedRecordError: It is damaged.
        """

    def _decoders(self) -> Sequence[Decoder]:
        return (self._decoder,)

    def _frames(self) -> Iterator[Frame]:
        octets, size, header = self._octets, self._size, self._header
        decoder, cut_decoder = self._decoder, self._cut_decoder
        while octets.ensure(size):
            buffer, before, at = octets.buffer, octets.before, octets.position
            held = len(buffer)
            needed = size
            while at + size <= held:
                try:
                    time_us, length, is_cut = header(buffer, at)
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
                yield (
                    before + at,
                    time_us,
                    "",
                    cut_decoder if is_cut else decoder,
                    self._before + buffer[at + size : end],
                )
                at = end
            octets.position = at
            if not octets.ensure(needed) and needed > size:
                self._cut("a record", needed)
                return
        if octets.rest or octets.failure:
            self._cut("the header of a record", size)
