"""What a person follows while it is listened: a row for each phone that is heard, as values.

Theory of operation. A phone shows itself by addresses and ids, and changes both. Adverts of one address, or with one
id, are one row; what a device file knows is one row whatever it changes to. A stranger whose id and address change
together is another row, and the old one goes when nobody has heard it for a minute.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from bluezone_harness.checks.frames import Platform, frame_of_ad
from bluezone_harness.checks.schedules import Slots
from bluezone_harness.evidence.device_files import Device
from bluezone_harness.observations import Advert, GattRead, Observation

_US = 1_000_000
RATE_US = 10 * _US
"""Adverts of so long ago count for the rate, and for the signal."""
GONE_US = 60 * _US
"""A stranger that was not heard for so long has no row any more."""
_MOST = 2048
"""Addresses and ids that are kept; who was heard longest ago gives way."""


@dataclass(frozen=True, slots=True)
class Row:
    """A phone, as it was heard last.

    Attributes:
        label: The device's name, or empty for a stranger.
        device: Index of the device in the device file; ``None`` for a stranger.
        platform: Empty where nothing tells.
        address: 6 octets, or ``None`` where the receiver tells none.
        rolling_id: That it showed or gave last; ``None`` where it did not.
        slot: Of that instant, by the clock of the receiver.
        slots_a_day: By the device's settings, or the default.
        left_ms: Until that slot ends.
        rssi: Mean of the last seconds, in dBm.
        rate: Adverts a second, of the last seconds.
        heard_us: When it was heard last.
        adverts: How many were heard of it.
        reads: How often it was read.
    """

    label: str
    device: int | None
    platform: Platform
    address: bytes | None
    rolling_id: bytes | None
    slot: int
    slots_a_day: int
    left_ms: int
    rssi: float | None
    rate: float
    heard_us: int
    adverts: int
    reads: int


@dataclass(slots=True, eq=False)
class _Phone:
    device: int | None
    platform: Platform = ""
    address: bytes | None = None
    rolling_id: bytes | None = None
    heard_us: int = 0
    adverts: int = 0
    reads: int = 0
    recent: deque[tuple[int, int | None]] = field(default_factory=deque)
    keys: set[bytes] = field(default_factory=set)


class Rows:
    """Makes rows of what is heard.

    Args:
        devices: Of the device file.
        slots: Of each of them.
        others: The slots that strangers are taken to have.
    """

    def __init__(self, devices: Sequence[Device], slots: Callable[[Device | None], Slots]) -> None:
        self._names = [each.name for each in devices]
        self._slots = [slots(each) for each in devices]
        self._others = slots(None)
        self._own = [_Phone(number, each.platform) for number, each in enumerate(devices)]
        self._phones: dict[bytes, _Phone] = {}

    def hear(self, observation: Observation, device: int | None) -> None:
        """Take an observation.

        Args:
            observation: In the order of time.
            device: Whose it is.
        """
        if isinstance(observation, GattRead):
            self._read(observation, device)
        elif isinstance(observation, Advert):
            self._advert(observation, device)

    def rows(self, now_us: int) -> tuple[Row, ...]:
        """Return the phones: those of the device file in its order, then strangers, the strongest first.

        Args:
            now_us: Microseconds since the Unix epoch.
        """
        strangers = {id(each): each for each in self._phones.values() if each.device is None}.values()
        own = [self._row(each, now_us) for each in self._own]
        rest: list[Row] = []
        for each in strangers:
            # a clock that was set back says nothing of who is still here
            if abs(now_us - each.heard_us) > GONE_US:
                self._drop(each)
            else:
                rest.append(self._row(each, now_us))
        rest.sort(key=lambda row: (-(row.rssi if row.rssi is not None else -200.0), row.address or b""))
        return (*own, *rest)

    def _advert(self, advert: Advert, device: int | None) -> None:
        frame = frame_of_ad(advert.ad, advert.pdu)
        address = None if advert.address is None else b"a" + advert.address
        known = address is not None and address in self._phones
        if device is None and not frame.platform and not known:
            return
        octets = frame.id_octets
        keys = [each for each in (address, octets and b"i" + octets) if each]
        phone = self._phone(device, keys, advert.time_us)
        phone.platform = frame.platform or phone.platform
        phone.address = advert.address
        if octets is not None:
            phone.rolling_id = octets
        phone.adverts += 1
        phone.recent.append((advert.time_us, advert.rssi))
        # those before, and after a clock was set back those that are still to come
        while not 0 <= advert.time_us - phone.recent[0][0] <= RATE_US:
            phone.recent.popleft()

    def _read(self, read: GattRead, device: int | None) -> None:
        keys = [] if read.address is None else [b"a" + read.address]
        if device is None and not any(each in self._phones for each in keys):
            return
        phone = self._phone(device, keys, read.time_us)
        phone.reads += 1
        phone.rolling_id = read.value

    def _phone(self, device: int | None, keys: Iterable[bytes], time_us: int) -> _Phone:
        known = [self._phones[each] for each in keys if each in self._phones]
        phone = self._own[device] if device is not None else known[0] if known else _Phone(None)
        for key in keys:
            before = self._phones.get(key)
            if before is not phone:
                if before is not None:
                    before.keys.discard(key)
                self._phones[key] = phone
                phone.keys.add(key)
        phone.heard_us = time_us
        if len(self._phones) > _MOST:
            self._drop_quietest(phone)
        return phone

    def _drop_quietest(self, phone: _Phone) -> None:
        """Make room by half, beginning with who was heard longest ago; not of the phone that is heard now."""
        others = {id(each): each for each in self._phones.values() if each is not phone}
        for each in sorted(others.values(), key=lambda each: each.heard_us):
            if len(self._phones) <= _MOST // 2:
                return
            self._drop(each)
        self._drop(phone)  # all are its own: it goes on by those to come

    def _drop(self, phone: _Phone) -> None:
        for key in phone.keys:
            self._phones.pop(key, None)
        phone.keys.clear()

    def _row(self, phone: _Phone, now_us: int) -> Row:
        slots = self._others if phone.device is None else self._slots[phone.device]
        now_ms = now_us // 1000
        recent = [each for each in phone.recent if abs(now_us - each[0]) < RATE_US]
        signals = [rssi for _, rssi in recent if rssi is not None]
        return Row(
            "" if phone.device is None else self._names[phone.device],
            phone.device,
            phone.platform,
            phone.address,
            phone.rolling_id,
            slots.index_at(now_ms),
            slots.count_at(now_ms),
            slots.bounds_ms(now_ms)[1] - now_ms,
            sum(signals) / len(signals) if signals else None,
            len(recent) / (RATE_US / _US),
            phone.heard_us,
            phone.adverts,
            phone.reads,
        )
