"""The key schedule in small functions, each of which a faulty implementation may replace."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice

from bluezone_reference.key_schedule import DAY_MS, SUBKEY_SALT, rolling_id
from bluezone_reference.matching import CaseSlot
from bluezone_reference.positive_cases import PositiveCase


def hashed(octets: bytes) -> bytes:
    """Return the SHA-256 of octets."""
    return sha256(octets).digest()


@dataclass(frozen=True, slots=True)
class Chain:
    """From base id to rolling id, part by part; what stands in the defaults is right.

    Attributes:
        next_day_key: Of a day key, the next day's.
        first_subkey: Of a day key.
        next_subkey: Of a subkey.
        rolling_id: Of a subkey.
        lag: Days by which the day key stays behind from day 1 on; -1: it is a day ahead.
    """

    next_day_key: Callable[[bytes], bytes] = hashed
    first_subkey: Callable[[bytes], bytes] = lambda day_key: hashed(day_key + SUBKEY_SALT)
    next_subkey: Callable[[bytes], bytes] = hashed
    rolling_id: Callable[[bytes], bytes] = rolling_id
    lag: int = 0

    def day_key(self, base_id: bytes, day: int) -> bytes:
        """Return the day key of a day."""
        for _ in range(day - self.lag):
            base_id = self.next_day_key(base_id)
        return base_id

    def ids(self, day_key: bytes) -> Iterator[bytes]:
        """Yield the rolling ids of a day, without end."""
        subkey = self.first_subkey(day_key)
        while True:
            yield self.rolling_id(subkey)
            subkey = self.next_subkey(subkey)

    def expanded(self, case: PositiveCase) -> Iterator[CaseSlot]:
        """Yield the slots of a case, and go on beyond its end."""
        key, day, start_ms = case.day_key, 0, case.time_start_ms
        length_ms = DAY_MS // case.max_per_day
        while True:
            for slot, octets in enumerate(islice(self.ids(key), case.max_per_day)):
                yield CaseSlot(day, slot, octets, start_ms, start_ms + length_ms)
                start_ms += length_ms
            key, day = self.next_day_key(key), day + 1


RIGHT = Chain()
"""The protocol's."""
