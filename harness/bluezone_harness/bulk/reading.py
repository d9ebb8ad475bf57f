"""Reads captures of packets: framing and repetition in the compiled loops, everything else by the plain path."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from bluezone_harness.checks.captures import Capture, folded_capture, read_capture
from bluezone_harness.observations import Advert, Observation
from bluezone_harness.sources.octets import OctetReader
from bluezone_harness.sources.packets import Decoder, Unread
from bluezone_harness.sources.pcapng import Interface, PcapngSource
from bluezone_harness.sources.records import RecordSource

from . import framing, kernels, loading, recognising, walking
from .folding import Folds, NotServedError
from .formats import Walkable, interface_rows, opened
from .kernels import Rows
from .keys import KeyStore
from .octets import BulkOctets
from .tables import meanings_of
from .told import Others, ToldAdverts
from .walking import Walked

_ROWS = 16 * 1024
"""Packets of one walk that say something."""
_TOLD = 4096
"""Adverts that are folded together where the plain path reads alone."""
_SAID: Mapping[int, tuple[Unread, ...]] = {
    recognising.BAD_CRC: (Unread.BAD_CRC,),
    recognising.NO_ADVERT: (),
    recognising.NO_BLUETOOTH: (Unread.FOREIGN,),
}
"""What the plain decoder says of forms that need not be read again."""
_FIRST_STEPS = 256
_PACKETS_A_STEP = 1024
"""The plain path may be asked to read single packets so often; where there are more of them it reads on."""


def read(name: str, stream: OctetReader, keep_times: bool) -> Capture | None:
    """Read a capture; see ``read_capture_fast``."""
    with ThreadPoolExecutor(1) as pool:
        octets = BulkOctets(stream, pool, loading.SPARE)
        found = opened(name, octets)
        if isinstance(found, Walkable):
            return _BulkReader(found, octets, keep_times).read()
    return None if found is None else read_capture(found, keep_times)


class _BulkReader:
    """Reads one source.

    It is the source that counts packets, notes what could not be read, and reads on where records end.

    Args:
        walkable: The source.
        octets: From which it reads.
        keep_times: As ``fold`` takes it.
    """

    def __init__(self, walkable: Walkable, octets: BulkOctets, keep_times: bool) -> None:
        self._source = walkable.source
        self._octets = octets
        self._framing = walkable.framing
        self._before_packet = walkable.before_packet
        self._interfaces = np.array([walkable.interface], np.int64)
        self._decoders: list[tuple[Decoder, Decoder, str]] = []
        if isinstance(self._source, RecordSource):
            self._decoders.append((self._source.decoder, self._source.cut_decoder, ""))
        self._tags: dict[Interface, int] = {}
        self._steps = 0
        self._meanings = meanings_of(walkable.read_kinds)
        self._keys = KeyStore()
        self._folds = Folds(self._source.name, keep_times)
        self._known = np.zeros(recognising.FORMS, np.uint8)
        self._forms = np.zeros(recognising.FORMS, np.int64)
        self._rows = Rows(
            np.zeros(_ROWS, np.int32),
            np.zeros(_ROWS, np.int32),
            np.zeros(_ROWS, np.int64),
            np.zeros(_ROWS, np.int16),
            np.zeros(_ROWS, np.int8),
        )
        self._asked = np.zeros((2 * _ROWS, walking.ASKED), np.int64)
        self._told = ToldAdverts()
        self._others = Others()

    def read(self) -> Capture | None:
        """Read it to its end; ``None`` if only the plain path reads it."""
        source = self._source
        try:
            self._walk_all()
            self._read_rest()
        except NotServedError:
            return None
        # what is of no more use would stand beside the sightings
        self._keys = KeyStore()
        return folded_capture(source, self._others.folded(self._folds))

    def _walk_all(self) -> None:
        """Walk over all records that are whole and sound."""
        octets, keys = self._octets, self._keys
        if isinstance(self._source, PcapngSource) and not self._step(self._source):
            return
        octets.lend()
        while True:
            walked = walking.walk(
                octets.array,
                octets.at,
                octets.end,
                self._framing,
                self._interfaces,
                self._meanings,
                self._known,
                self._forms,
                keys.keys,
                self._rows,
                self._asked,
            )
            octets.at = walked.at
            self._resolve(walked)
            if walked.reason == framing.OUT_OF_ROOM:
                keys.make_room()
            elif walked.reason == framing.OUT_OF_OCTETS:
                if not octets.more():
                    break
            elif not self._step_over():
                break
        octets.take_back()

    def _step_over(self) -> bool:
        """Let the plain path read what the walk does not know, and say whether the walk goes on after it."""
        source = self._source
        if not isinstance(source, PcapngSource):
            return False
        self._steps += 1
        if self._steps > _FIRST_STEPS + source.packets // _PACKETS_A_STEP:
            return False
        self._octets.take_back()
        going_on = self._step(source)
        self._octets.lend()
        return going_on

    def _step(self, source: PcapngSource) -> bool:
        """Let the plain path read one packet, and all that comes before it; say whether there was one."""
        said = source.step()
        for each in said or ():
            self._take(each)
        self._fold_told()
        interfaces = source.interfaces
        tags = [self._tags.setdefault(each, len(self._tags)) for each in interfaces]
        self._decoders = [(each.decoder, each.cut_decoder, each.receiver) for each in interfaces]
        self._interfaces = interface_rows(interfaces, tags)
        self._framing = self._framing._replace(big=source.order == ">")
        return said is not None

    def _resolve(self, walked: Walked) -> None:
        """Let the plain decoder read what was asked of it, and fold the rows of a walk."""
        source, whose_of = self._source, self._keys.keys.whose
        before = source.packets
        if walked.asked:
            self._decode(walked, before, whose_of)
        for form, count in enumerate(self._forms.tolist()):
            for reason in _SAID.get(form, ()) if count else ():
                source.note(reason, 0, 0, count)
        self._forms[:] = 0
        self._folds.fold(self._rows, walked.rows, before, whose_of, self._told.take())
        source.count(walked.packets)

    def _decode(self, walked: Walked, before: int, whose_of: NDArray[np.int32]) -> None:
        """Let the plain decoder read what was asked of it."""
        rows = self._rows
        waiting = deque(self._asked[: walked.asked].tolist())
        while waiting:
            row, start, end, record, index, form, is_cut = waiting.popleft()
            key, number, time_us = (
                int(rows.key[row]),
                before + int(rows.number[row]),
                int(rows.time_us[row]),
            )
            decoder, cut_decoder, receiver = self._decoders[index]
            said = (cut_decoder if is_cut else decoder).decode(
                number, time_us, receiver, self._packet(record, start, end)
            )
            if key >= 0:
                if advert := _the_advert(said, int(rows.rssi[row]), int(rows.channel[row])):
                    whose_of[key] = self._folds.whose(advert)
                    continue
                # it is no advert, and decoded each time, also those that came again in this walk
                whose_of[key] = walking.NEVER
                again = self._asked[_ROWS : _ROWS + walked.again]
                same = again[rows.key[again[:, walking.ROW]] == key]
                rows.key[row] = rows.key[same[:, walking.ROW]] = kernels.TO_DECODE
                waiting = deque(sorted([*waiting, *same.tolist()]))
            if form and tuple(said) == _SAID[form]:
                self._known[form] = 1
            self._take_all(said, number, record)
            self._told.end_row()

    def _packet(self, record: int, start: int, end: int) -> bytes:
        """Return a packet as its decoder expects it."""
        array = self._octets.array
        first, last = self._before_packet
        packet = array[start:end].tobytes()
        return array[record + first : record + last].tobytes() + packet if last else packet

    def _take_all(self, said: Iterable[Observation | Unread], number: int, record: int) -> None:
        for each in said:
            if isinstance(each, Unread):
                self._source.note(each, number, self._octets.offset_of(record))
            else:
                self._take(each)

    def _take(self, each: Observation) -> None:
        if isinstance(each, Advert):
            self._told.add(self._folds.whose(each), each)
        else:
            self._others.add(each)

    def _read_rest(self) -> None:
        """Read what is left as the plain path does: damage, or nothing."""
        for each in self._source:
            self._take(each)
            if len(self._told) >= _TOLD:
                self._fold_told()
        self._fold_told()

    def _fold_told(self) -> None:
        self._told.end_row()
        self._rows.key[0] = kernels.TO_DECODE
        self._folds.fold(self._rows, 1, 0, self._keys.keys.whose, self._told.take())


def _the_advert(said: Sequence[Observation | Unread], rssi: int, channel: int) -> Advert | None:
    """Return what a packet says if that is one advert, whose RSSI and channel are those that were found."""
    if len(said) == 1 and isinstance(advert := said[0], Advert):
        expected_rssi = None if rssi == kernels.NO_RSSI else rssi
        expected_channel = None if channel == kernels.NO_CHANNEL else channel
        if advert.rssi == expected_rssi and advert.channel == expected_channel:
            return advert
    return None
