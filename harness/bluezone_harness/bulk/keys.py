"""The packets that are known again, in arrays that grow between walks, up to a limit."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from . import loading, recognising, walking
from .arrays import longer
from .walking import Keys

_FIRST_KEYS = 4096
_MOST_KEYS = 128 * 1024
"""When there are so many all are forgotten; those that are still sent are soon known again."""
_PLACES = 4
"""Of the table, for each key."""


class KeyStore:
    """Keys.

    Attributes:
        keys: As the walk has them.
    """

    def __init__(self) -> None:
        self._masks = _masks()
        self.keys = self._empty(_FIRST_KEYS)

    def make_room(self) -> None:
        """Make room for more keys, where there is none left."""
        before = self.keys
        room = before.tags.size
        if int(before.number[0]) < room:
            return
        if room >= _MOST_KEYS:
            before.table[:] = 0
            before.number[0] = 0
            return
        room *= 2
        self.keys = before._replace(
            table=np.zeros(_PLACES * room, np.uint64),
            contents=longer(before.contents, room),
            tags=longer(before.tags, room),
            whose=longer(before.whose, room),
        )
        walking.fill_table(before.table, self.keys.table)

    def _empty(self, room: int) -> Keys:
        return Keys(
            table=np.zeros(_PLACES * room, np.uint64),
            contents=np.zeros((room, loading.WORDS), np.uint64),
            tags=np.zeros(room, np.int32),
            whose=np.zeros(room, np.int32),
            number=np.zeros(1, np.int64),
            masks=self._masks,
        )


def _masks() -> NDArray[np.uint64]:
    masks = np.zeros((recognising.MASKS, loading.LONGEST_KEY), np.uint8)
    for octets in range(loading.LONGEST_KEY + 1):
        masks[octets, :octets] = 0xFF
        masks[loading.LONGEST_KEY + 1 + octets, :octets] = 0xFF
    masks[loading.LONGEST_KEY + 1 :, recognising.HOLE_AT] = 0
    return masks.view(np.uint64)
