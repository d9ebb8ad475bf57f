"""pcapng: sections of blocks, each section in its own byte order, with several receivers (interfaces).

Blocks that hold no packets are passed over. Source: the pcapng draft (draft-ietf-opsawg-pcapng), sections 3
and 4; section 3.5 for options, appendix A for the Packet Block, which was written before 2012.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from struct import Struct

from bluezone_harness.evidence.errors import EvidenceError
from bluezone_harness.observations import Capability, Diagnostic, Extent, Observation, Severity

from .link_types import READ, decoder_of, names_of
from .octets import OctetStream
from .packets import LONGEST_PACKET, CutDecoder, Decoder, Frame, PacketSource, Unread, UnreadDecoder
from .pcapng_marks import COMMENT, Marks

FIRST_OCTETS = b"\x0a\x0d\x0d\x0a"
"""What such a file, and each section of it, begins with."""
LONGEST_BLOCK = 1024 * 1024
"""Octets of the longest block that is read; those that hold no packets may be longer."""
MOST_RECEIVERS = 1024
"""Of one section; their descriptions are kept."""

_SECTION = 0x0A0D0D0A
_INTERFACE = 1
_PACKET = 2
_SIMPLE = 3
_ENHANCED = 6
_ORDERS = {b"\x4d\x3c\x2b\x1a": "<", b"\x1a\x2b\x3c\x4d": ">"}
_FRAME_OCTETS = 12
"""Of a block: its type, its length, and its length again at its end."""
_SHORTEST = {_SECTION: 28, _INTERFACE: 20, _PACKET: 32, _SIMPLE: 16, _ENHANCED: 32}
_END_OF_OPTIONS = 0
_NAME = 2
_RESOLUTION = 9
_TIME_OFFSET = 14
_DROP_COUNT = 4
_UNKNOWN_DROPS = 0xFFFF


class _DamageError(ValueError):
    """A block is damaged; why, for people."""


@dataclass(frozen=True, slots=True)
class Interface:
    """One receiver: its name, the link type and decoders of its packets, the units and start of its clock."""

    receiver: str
    link_type: int
    decoder: Decoder
    units: int
    offset_us: int
    cut_decoder: Decoder


class _Layout:
    """The fixed parts of blocks, in one byte order."""

    def __init__(self, order: str) -> None:
        self.start = Struct(order + "II")
        self.length = Struct(order + "I")
        self.version = Struct(order + "HH")
        self.interface = Struct(order + "HHI")
        self.option = Struct(order + "HH")
        self.enhanced = Struct(order + "IIIII")
        self.packet = Struct(order + "HHIIII")
        self.seconds = Struct(order + "q")
        self.drops = Struct(order + "Q")


_LAYOUTS = {order: _Layout(order) for order in "<>"}
_FOREIGN = UnreadDecoder(Unread.FOREIGN)
_TIMELESS = UnreadDecoder(Unread.TIMELESS)


class PcapngSource(PacketSource):
    """A pcapng file.

    Args:
        name: Of the evidence, without folders.
        octets: From its first octet on, which begins ``FIRST_OCTETS``.

    Raises:
        EvidenceError: It is damaged before anything is described, or none of its interfaces is read.
    """

    def __init__(self, name: str, octets: OctetStream) -> None:
        super().__init__(name, "pcapng", octets)
        self._order = "<"
        self._layout = _LAYOUTS[self._order]
        self._interfaces: list[Interface] = []
        self._all_decoders: list[Decoder] = []
        self._link_types: set[int] = set()
        self._drops = 0
        self._first_drop = 0
        self._marks = Marks()
        # up to the first packet, so that what is no Bluetooth is told at once
        walk = self._walk()
        first = next(walk, None)
        self._walked: Iterator[Frame] = walk if first is None else chain((first,), walk)
        if self._damage and not self._link_types:
            raise EvidenceError(name, f"a pcapng file that cannot be read: {self._damage.message}")
        if self._link_types and not self._all_decoders:
            raise EvidenceError(name, f"a capture of link type {names_of(self._link_types)}: {READ}")

    @property
    def capabilities(self) -> Mapping[Capability, Extent]:
        """What its packets can show, as far as what they were made of could; known when everything was read."""
        return self._marks.limited(super().capabilities)

    @property
    def damaged(self) -> bool:
        """Something could not be read, or could not be when it was made."""
        return super().damaged or bool(self._marks.trouble)

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """What there is to know about its damage, so far; and how much its receivers say that they lost."""
        found: list[Diagnostic] = []
        if self._drops:
            message = f"packets were lost by the receivers, as they say: {self._drops}"
            found.append(Diagnostic(self._name, self._first_drop, Severity.INFO, message))
        if self._marks.trouble:
            found.append(Diagnostic(self._name, None, Severity.WARNING, self._marks.trouble))
        return (*found, *super().diagnostics)

    @property
    def order(self) -> str:
        """The byte order of the section that is read, as ``struct`` has it."""
        return self._order

    @property
    def interfaces(self) -> Sequence[Interface]:
        """The receivers that were described in that section so far."""
        return self._interfaces

    def step(self) -> Sequence[Observation] | None:
        """Read on to the next packet, and return what it says; ``None`` at the end."""
        frame = next(self._walked, None)
        if frame is None:
            return None
        offset, time_us, receiver, decoder, packet = frame
        self.count(1)
        found: list[Observation] = []
        for each in decoder.decode(self._packets, time_us, receiver, packet):
            if isinstance(each, Unread):
                self.note(each, self._packets, offset)
            else:
                found.append(each)
        return found

    def _decoders(self) -> Sequence[Decoder]:
        return self._all_decoders

    def _frames(self) -> Iterator[Frame]:
        return self._walked

    def _walk(self) -> Iterator[Frame]:
        octets = self._octets
        offset = octets.offset
        try:
            while octets.ensure(8):
                offset = octets.offset
                kind, length = self._start()
                if kind not in _SHORTEST:
                    self._pass_over(length)
                    continue
                if length > LONGEST_BLOCK:
                    raise _DamageError(f"it announces {length} octets, more than {LONGEST_BLOCK}")
                if length < _SHORTEST[kind]:
                    raise _DamageError(f"it announces {length} octets, too few for its kind")
                if not octets.ensure(length):
                    self._cut("a block", length)
                    return
                at = octets.position
                self._hold_to(length, at + length - 4)
                frame = self._read_block(kind, at, at + length - 4)
                octets.position = at + length
                if frame:
                    yield frame
        except _DamageError as error:
            self._damaged_at(offset, f"{octets.failure or 'a block is damaged'}: {error}")
            return
        if octets.rest or octets.failure:
            self._cut("the start of a block", 8)

    def _start(self) -> tuple[int, int]:
        """Return type and length of the block that begins at the next octet."""
        octets = self._octets
        kind: int
        length: int
        if octets.buffer.startswith(FIRST_OCTETS, octets.position):
            if not octets.ensure(12):
                raise _DamageError("it is cut")
            order = _ORDERS.get(octets.buffer[octets.position + 8 : octets.position + 12])
            if order is None:
                raise _DamageError("it begins a section of no byte order")
            self._order, self._layout = order, _LAYOUTS[order]
        kind, length = self._layout.start.unpack_from(octets.buffer, octets.position)
        if length < _FRAME_OCTETS or length % 4:
            raise _DamageError(f"it announces {length} octets")
        return kind, length

    def _hold_to(self, length: int, at: int) -> None:
        (again,) = self._layout.length.unpack_from(self._octets.buffer, at)
        if again != length:
            raise _DamageError(f"it announces {length} octets at its start and {again} at its end")

    def _pass_over(self, length: int) -> None:
        octets = self._octets
        start = octets.offset
        if not octets.skip(length - 4) or not octets.ensure(4):
            there = octets.offset + octets.rest - start
            raise _DamageError(f"it announces {length} octets, of which {there} are there")
        self._hold_to(length, octets.position)
        octets.position += 4

    def _read_block(self, kind: int, at: int, end: int) -> Frame | None:
        """Read a block of a known kind, whole, without the length at its end."""
        if kind == _ENHANCED:
            index, high, low, length, original = self._layout.enhanced.unpack_from(
                self._octets.buffer, at + 8
            )
            frame = self._frame(index, high << 32 | low, (length, original), at, at + 28, end)
            options = at + 28 + (length + 3) // 4 * 4
            if options < end:
                self._count_drops(self._drops_of(options, end), at)
            return frame
        if kind == _PACKET:
            index, drops, high, low, length, original = self._layout.packet.unpack_from(
                self._octets.buffer, at + 8
            )
            frame = self._frame(index, high << 32 | low, (length, original), at, at + 28, end)
            self._count_drops(0 if drops == _UNKNOWN_DROPS else drops, at)
            return frame
        if kind == _SIMPLE:
            if not self._interfaces:
                raise _DamageError("no interface is described before it")
            foreign = self._interfaces[0].decoder is _FOREIGN
            return self._octets.before + at, 0, "", _FOREIGN if foreign else _TIMELESS, b""
        if kind == _INTERFACE:
            self._describe(at + 8, end)
        else:
            self._begin_section(at + 12, end)
        return None

    def _frame(
        self, index: int, ticks: int, lengths: tuple[int, int], at: int, start: int, end: int
    ) -> Frame:
        length, original = lengths
        if index >= len(self._interfaces):
            raise _DamageError(f"it is of interface {index}, which is not described")
        if start + length > end:
            raise _DamageError(f"it announces a packet of {length} octets, of which {end - start} are there")
        interface = self._interfaces[index]
        if length > LONGEST_PACKET and interface.decoder is not _FOREIGN:
            raise _DamageError(f"it announces a packet of {length} octets, more than {LONGEST_PACKET}")
        units = interface.units
        time_us = ticks if units == 1_000_000 else ticks * 1_000_000 // units
        return (
            self._octets.before + at,
            time_us + interface.offset_us,
            interface.receiver,
            interface.cut_decoder if length < original else interface.decoder,
            self._octets.buffer[start : start + length],
        )

    def _drops_of(self, at: int, end: int) -> int:
        """Return how many packets were lost before one, as its options say; damaged options say nothing."""
        try:
            values = [value for code, value in self._options(at, end) if code == _DROP_COUNT]
        except _DamageError:
            return 0
        return sum(self._layout.drops.unpack(value)[0] for value in values if len(value) == 8)

    def _count_drops(self, drops: int, at: int) -> None:
        if drops and not self._drops:
            self._first_drop = self._octets.before + at
        self._drops += drops

    def _begin_section(self, at: int, end: int) -> None:
        major, _ = self._layout.version.unpack_from(self._octets.buffer, at)
        if major != 1:
            raise _DamageError(f"it begins a section of version {major}, where only version 1 is known")
        self._interfaces = []
        with suppress(_DamageError):  # damaged options say nothing
            for code, value in self._options(at + 12, end):
                if code == COMMENT:
                    self._marks.read(value)

    def _describe(self, at: int, end: int) -> None:
        if len(self._interfaces) >= MOST_RECEIVERS:
            raise _DamageError(f"it describes one more than {MOST_RECEIVERS} interfaces")
        link_type, _, _ = self._layout.interface.unpack_from(self._octets.buffer, at)
        name, units, offset_us = "", 1_000_000, 0
        for code, value in self._options(at + 8, end):
            if code == _NAME:
                name = value.decode("utf-8", "replace").rstrip("\x00")
            elif code == _RESOLUTION and len(value) == 1:
                exponent = value[0] & 0x7F
                units = 2**exponent if value[0] & 0x80 else 10**exponent
            elif code == _TIME_OFFSET and len(value) == 8:
                (seconds,) = self._layout.seconds.unpack(value)
                offset_us = seconds * 1_000_000
        taken = {each.receiver for each in self._interfaces}
        index = len(self._interfaces)
        if not name and index:
            name = f"interface {index}"
        if name in taken:
            name = f"{name} ({index})"
        decoder = decoder_of(link_type)
        if decoder:
            self._all_decoders.append(decoder)
        self._link_types.add(link_type)
        cut_decoder = CutDecoder(decoder) if decoder else _FOREIGN
        self._interfaces.append(
            Interface(name, link_type, decoder or _FOREIGN, units, offset_us, cut_decoder)
        )

    def _options(self, at: int, end: int) -> Iterator[tuple[int, bytes]]:
        buffer = self._octets.buffer
        while at + 4 <= end:
            code, length = self._layout.option.unpack_from(buffer, at)
            if code == _END_OF_OPTIONS:
                return
            if at + 4 + length > end:
                raise _DamageError(f"an option announces {length} octets, of which {end - at - 4} are there")
            yield code, buffer[at + 4 : at + 4 + length]
            at += 4 + (length + 3) // 4 * 4
