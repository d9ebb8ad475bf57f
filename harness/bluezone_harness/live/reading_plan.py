"""Whom to read, and when: politely, so that phones hardly notice.

Theory of operation. An iPhone shows no id in its adverts: it is read by GATT. Each address is read once in a slot,
one phone after another. An attempt that fails is made once more in that slot, after a while; an address is never tried
more often, nor twice within that while. An overflow form may be another app's: a stranger that turns out to offer no
Bluezone is never asked again.

A phone under test is also read across the end of a slot, on one connection (BZ-GAT-003): a minute before the end, as
its clock may be 45 s ahead, some seconds before, and so long after that no clock offset that is allowed explains the
old id. It is done until it succeeded once; meanwhile nobody else is read.

Source: BZ-RCV-004, BZ-GAT-003; tolerances ``read_attempt`` and ``clock_offset``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bluezone_harness.checks.frames import frame_of_ad, service_uuids
from bluezone_harness.checks.schedules import Slots
from bluezone_harness.observations import Advert, PduType
from bluezone_reference.profiles import V3

ATTEMPT_S = 10
"""Source: tolerance read_attempt."""
HOLD_S = 50
"""After the end of a slot a held connection reads again: tolerance clock_offset, and some seconds."""
_US = 1_000_000
_FRESH_US = 5 * _US
"""Who was heard longer ago may be gone."""
_AGAIN_US = 30 * _US
_ATTEMPTS = 2
_BEFORE_US = 60 * _US
"""So long before the end of a slot the reader connects to a phone under test: tolerance clock_offset, and more."""
_LATEST_US = 8 * _US
"""Later than that there is no time to connect and read before the end."""
_ONCE_MORE_US = 6 * _US
"""So long before the end a held connection reads again."""
_APART_US = 5 * _US
"""What is read of one connection before the end is so far apart at least."""
_LISTED = 4096
"""Phones that are kept until they are looked through for those that are long gone."""
_MOST_OTHERS = 65_536
"""Strangers that offer nothing, of which that is remembered; the first give way."""
_GONE_US = 3600 * _US
_SERVICE = V3.advertisement.ios_service_uuid.replace("-", "")
_CONNECTABLE = frozenset({PduType.ADV_IND, None})


@dataclass(frozen=True, slots=True)
class DueRead:
    """A phone to be read now.

    Attributes:
        advert: By which it was heard last.
        again_us: When to read again on the same connection, in order; none: it is read once.
    """

    advert: Advert
    again_us: tuple[int, ...] = ()


@dataclass(slots=True, eq=False)
class _Phone:
    advert: Advert
    slot: int = -1
    attempts: int = 0
    tried_us: int = 0
    was_read: bool = False


class ReadingPlan:
    """Says whom to read.

    Args:
        slots: Of the phones; of strangers nobody knows any better.
        is_own: Tells whether an address is that of a phone under test.
    """

    def __init__(self, slots: Slots, is_own: Callable[[bytes], bool]) -> None:
        self._slots = slots
        self._is_own = is_own
        self._phones: dict[bytes, _Phone] = {}
        self._others: dict[bytes, None] = {}
        self._look_at = _LISTED
        self._held = False

    @property
    def has_phones(self) -> bool:
        """Whether anybody was heard who may have to be read, and not found to offer nothing."""
        return bool(self._phones)

    def hear(self, advert: Advert) -> None:
        """Take an advert; only those of phones that may have to be read count."""
        address = advert.address
        if address is None or advert.pdu not in _CONNECTABLE or address in self._others:
            return
        known = self._phones.get(address)
        if known is None:
            if not _may_be_iphone(advert):
                return
            self._forget(advert.time_us)
            self._phones[address] = _Phone(advert)
        elif _may_be_iphone(advert):
            known.advert = advert

    def next_due(self, now_us: int) -> DueRead | None:
        """Return whom to read now; ``None``: nobody."""
        _, end_ms = self._slots.bounds_ms(now_us // 1000)
        left_us = end_ms * 1000 - now_us
        here = [each for each in self._phones.values() if now_us - each.advert.time_us <= _FRESH_US]
        slot = self._slot(now_us)
        own: list[_Phone] = []
        if not self._held and left_us <= _BEFORE_US + _AGAIN_US:
            own = [each for each in here if self._may_hold(each, slot, end_ms * 1000)]
        if own and left_us <= _BEFORE_US:
            ready = [each for each in own if not _is_too_soon(each, now_us)]
            if left_us < _LATEST_US or not ready:
                return None
            return DueRead(_longest_ago(ready).advert, _held_reads_us(now_us, end_ms * 1000))
        if left_us < ATTEMPT_S * _US:
            return None  # what would be read might be of the slot after
        due = [each for each in here if each not in own and self._is_due(each, slot, now_us)]
        return DueRead(_longest_ago(due).advert) if due else None

    def tried(self, due: DueRead, now_us: int, *, reads: int, offers: bool) -> None:
        """Take what came of reading a phone.

        Args:
            due: Which was asked for.
            now_us: When it was over.
            reads: How many ids were read.
            offers: It offers Bluezone's service, as far as anybody knows.
        """
        address = due.advert.address or b""
        if not offers and not self._is_own(address):
            if len(self._others) >= _MOST_OTHERS:
                del self._others[next(iter(self._others))]
            self._others[address] = None
            self._phones.pop(address, None)
            return
        phone = self._phones.get(address)
        if phone is None:
            return
        slot = self._slot(now_us)
        phone.attempts = phone.attempts + 1 if phone.slot == slot else 1
        # before the last of held reads, they were of the slot before
        is_held = bool(due.again_us)
        is_over = is_held and now_us >= due.again_us[-1] - HOLD_S * _US
        has_last = is_held and reads > len(due.again_us)
        phone.slot, phone.tried_us = slot, now_us
        phone.was_read = has_last or (reads > 0 and not is_over)
        self._held = self._held or has_last

    def _may_hold(self, phone: _Phone, slot: int, end_us: int) -> bool:
        """Tell whether a phone may be read across the end of a slot: one under test, with an attempt left."""
        if not self._is_own(phone.advert.address or b""):
            return False
        has_attempt = phone.slot != slot or phone.attempts < _ATTEMPTS
        return has_attempt and not _is_too_soon(phone, end_us - _LATEST_US)

    def _is_due(self, phone: _Phone, slot: int, now_us: int) -> bool:
        if _is_too_soon(phone, now_us):
            return False
        return phone.slot != slot or (not phone.was_read and phone.attempts < _ATTEMPTS)

    def _slot(self, now_us: int) -> int:
        """Return a number of the slot of an instant that no other slot has."""
        return self._slots.bounds_ms(now_us // 1000)[0]

    def _forget(self, now_us: int) -> None:
        """Forget phones that are long gone, so that memory does not grow with a day of passers-by."""
        if len(self._phones) >= self._look_at:
            self._phones = {
                address: each
                for address, each in self._phones.items()
                if abs(now_us - each.advert.time_us) < _GONE_US
            }
            self._look_at = max(_LISTED, 2 * len(self._phones))


def _held_reads_us(now_us: int, end_us: int) -> tuple[int, ...]:
    """Return when a connection that is opened now reads again, around the end of a slot."""
    before_us = end_us - _ONCE_MORE_US
    return (*((before_us,) if before_us - now_us >= _APART_US else ()), end_us + HOLD_S * _US)


def _is_too_soon(phone: _Phone, now_us: int) -> bool:
    """Tell whether a phone was tried a moment ago; a clock that was set back says nothing."""
    return bool(phone.attempts) and 0 <= now_us - phone.tried_us < _AGAIN_US


def _longest_ago(phones: Sequence[_Phone]) -> _Phone:
    return min(phones, key=lambda each: each.tried_us)


def _may_be_iphone(advert: Advert) -> bool:
    """Tell whether an advert has the form of an iPhone that offers an id, open or in the background."""
    frame = frame_of_ad(advert.ad, advert.pdu)
    return frame.overflow or _SERVICE in service_uuids(frame.structures)
