"""A polite reader beside the receivers: who hears an iPhone's advert connects to it, and reads its rolling id.

Theory of operation. The reader is the host of the first receiver. It hears what that receiver hears, has one
connection at a time, gives up after 10 s, and reads each address once a slot; what failed it tries again after a pause.
Around the end of every second slot it holds one connection, to an iPhone that it heard a moment before, and reads on
both sides of it: 6 s before and 50 s after, and 50 s before too, because the phone's clock may be 45 s off either way
(BZ-GAT-003). After the other slots it reads at once, which tells a value that is kept from a clock that is behind.
Slots are those of the reader's clock and of the default of ``max``: what a phone was configured with it does not know.

What happens in a session is known when it begins, since all of it is drawn from the seed; it comes out in the order of
time, between the adverts. A connection stays with its phone when the phone changes its address, and ends when its
Bluetooth is turned off.

Source: chapter GATT, Reading; tolerance read_attempt.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from heapq import heappop, heappush
from random import Random

from bluezone_harness.observations import AddressType, Event, GattRead
from bluezone_reference.advertisement import (
    IosAdvertisement,
    IosBackgroundAdvertisement,
    decode_advertisement,
)
from bluezone_reference.errors import MalformedError

from .phones import gatt_server, prepared, sent_windows, simulate, stranger_phones
from .plans import AirPacket, PhonePlan, Plan
from .radio import receiver_names
from .reads import CHARACTERISTIC, SERVICE, GattServer, OfferedService

ATTEMPT_US = 10_000_000
"""When the reader gives up. Source: tolerance read_attempt."""
SLOT_US = 900_000_000
HELD_BEFORE_US, HELD_LAST_US = 75_000_000, 8_000_000
"""How long before the end of a slot a connection is opened that is held across it: at first, and at last."""
READ_AT_US = (-50_000_000, -6_000_000, 50_000_000)
"""When such a connection reads, from the end of the slot on."""
_QUIET_US = HELD_BEFORE_US + 2_000_000
"""So long before it, nothing else is begun."""
_AGAIN_US = 30_000_000
"""After an attempt that failed."""
_RECENT_US = 30_000_000
_LOST_OF_LOSS = 0.1
"""What is lost on a connection is sent again: the share of steps that fail is so much of the share of lost adverts."""

Observed = AirPacket | GattRead | Event


def simulate_reading(plan: Plan, seed: int) -> Iterator[Observed]:
    """Simulate phones, what receivers hear of them, and what a reader reads.

    Args:
        plan: What happens; its ``gatt`` is true.
        seed: Any integer.

    Returns:
        Packets as those of ``simulate``, and between them what the reader noted: ``gatt_services``, ``gatt_read``,
        ``gatt_error`` and ``disconnect``, in the order of time. Their packet numbers are 0.

    Raises:
        ValueError: As ``simulate``, or iPhones are not read by the plan.
        RefusedError: BAD_BASE_ID.
    """
    if not plan.gatt:
        raise ValueError("by this plan iPhones are not read")
    plan = prepared(plan, seed)
    return _observed(simulate(plan, seed), _Reader(plan, seed), plan)


def _observed(packets: Iterator[AirPacket], reader: _Reader, plan: Plan) -> Iterator[Observed]:
    receiver = receiver_names(plan.receivers)[0]
    for packet in packets:
        yield from reader.noted(packet.time_us)
        yield packet
        if packet.receiver == receiver:
            reader.hear(packet)
    yield from reader.noted(plan.until_ms * 1000)


@dataclass(slots=True)
class _Phone:
    """An iPhone that can be read.

    Attributes:
        plan: Of the phone.
        server: What it offers.
    """

    plan: PhonePlan
    server: GattServer

    def is_on(self, time_us: int) -> bool:
        """Tell whether its Bluetooth is on, and it is near."""
        return not any(from_ms * 1000 <= time_us < to_ms * 1000 for from_ms, to_ms in self.plan.silences)

    def off_us(self, time_us: int) -> int | None:
        """Return when its Bluetooth is turned off next; ``None``: it is not."""
        return min(
            (from_ms * 1000 for from_ms, _ in self.plan.silences if from_ms * 1000 > time_us), default=None
        )

    def clock_ms(self, time_us: int) -> int:
        """Return what its clock says."""
        return time_us // 1000 + self.plan.offset_ms


@dataclass(slots=True)
class _Session:
    """A connection: what is noted of it, one step after the other."""

    phone: _Phone | None
    address: bytes
    address_type: AddressType
    receiver: str
    time_us: int
    found: list[GattRead | Event] = field(default_factory=list)
    is_open: bool = False
    opened_us: int = 0

    def note(self, name: str, **fields: object) -> None:
        known: dict[str, object] = {"receiver": self.receiver} if self.receiver else {}
        known |= {"address": self.address.hex(":").upper(), "address_type": str(self.address_type)}
        self.found.append(Event(0, self.time_us, name, known | fields))

    def refuse(self, step: str, reason: str, **fields: object) -> None:
        self.note("gatt_error", step=step, **fields, reason=reason)

    def end(self) -> None:
        if self.is_open:
            self.is_open = False
            self.note("disconnect")

    def wait_until(self, time_us: int) -> bool:
        """Let time pass; answer whether the connection still stands."""
        off_us = None if self.phone is None else self.phone.off_us(self.time_us)
        if off_us is not None and off_us <= time_us:
            self.time_us = off_us
            self.end()
            return False
        self.time_us = max(self.time_us, time_us)
        return True


class _Reader:
    """Decides whom to read and when, and keeps what it noted until its time has come."""

    def __init__(self, plan: Plan, seed: int) -> None:
        self._plan = plan
        self._random = Random(f"{seed} reader")  # noqa: S311 - a simulation
        self._receiver = receiver_names(plan.receivers)[0]
        self._phones = _by_address(plan, seed)
        self._busy_until_us = 0
        self._read: dict[bytes, int] = {}
        self._again_us: dict[bytes, int] = {}
        self._recent: dict[bytes, tuple[int, AddressType]] = {}
        self._held_slot = -1
        self._waiting: list[tuple[int, int, GattRead | Event]] = []
        self._count = 0

    def noted(self, until_us: int) -> Iterator[GattRead | Event]:
        """Yield what was noted until an instant, in the order of time."""
        while self._waiting and self._waiting[0][0] <= until_us:
            yield heappop(self._waiting)[2]

    def hear(self, packet: AirPacket) -> None:
        """Take an advert: it may be one to connect to."""
        if not _is_iphone(packet.ad):
            return
        time_us, address = packet.time_us, packet.address
        self._recent[address] = time_us, packet.address_type
        if time_us < self._busy_until_us:
            return
        slot, since_us = divmod(time_us, SLOT_US)
        left_us = SLOT_US - since_us
        if left_us <= _QUIET_US and slot % 2 and self._held_slot != slot:
            if HELD_LAST_US <= left_us <= HELD_BEFORE_US:
                if self._hold(time_us, (slot + 1) * SLOT_US):
                    self._held_slot = slot
            elif left_us > HELD_BEFORE_US:
                return
        elif self._read.get(address) != slot and time_us >= self._again_us.get(address, 0):
            session = self._begun(address, packet.address_type, time_us)
            if session.is_open and self._read_once(session):
                self._read[address] = slot
            self._over(session)

    def _hold(self, time_us: int, end_us: int) -> bool:
        """Connect to one of those heard of late, and read around the end of a slot; answer whether it could."""
        self._recent = {
            address: heard for address, heard in self._recent.items() if time_us - heard[0] <= _RECENT_US
        }
        near = sorted(self._recent)
        address = near[int(len(near) * self._random.random())]
        session = self._begun(address, self._recent[address][1], time_us)
        for at_us in READ_AT_US:
            if (
                not session.is_open
                or end_us + at_us < session.opened_us
                or not session.wait_until(end_us + at_us)
            ):
                continue
            if not self._read_once(session):
                break
            self._read[address] = session.time_us // SLOT_US
        self._over(session)
        return session.opened_us > 0

    def _begun(self, address: bytes, address_type: AddressType, time_us: int) -> _Session:
        """Connect and list the services."""
        phone = self._phone_at(address, time_us)
        session = _Session(phone, address, address_type, self._receiver, time_us)
        if phone is None or self._random.random() < self._plan.loss:
            session.time_us += ATTEMPT_US
            session.refuse("connect", "no connection within 10 s")
            return session
        session.is_open = True
        if not session.wait_until(session.time_us + self._between(80_000, 400_000)):
            return session
        session.opened_us = session.time_us
        if self._is_lost() or not session.wait_until(session.time_us + self._between(300_000, 900_000)):
            if session.is_open:
                session.refuse("discover", "the connection was lost")
                session.end()
            return session
        session.note("gatt_services", services=_told(phone.server.services))
        return session

    def _read_once(self, session: _Session) -> bool:
        """Read once; answer whether the phone answered, or cannot be asked."""
        phone = session.phone
        if phone is None or not phone.server.is_readable:
            session.end()
            return True
        asked = {"service": SERVICE, "characteristic": CHARACTERISTIC}
        if self._is_lost():
            session.refuse("read", "the connection was lost", **asked)
            session.end()
            return False
        answered_us = session.time_us + self._between(20_000, 100_000)
        answer = phone.server.answer(phone.clock_ms(answered_us), phone.clock_ms(session.opened_us))
        if not session.wait_until(answered_us + self._between(5_000, 40_000)):
            return False
        if isinstance(answer, int):
            session.refuse(
                "read", f"the phone answered with ATT error 0x{answer:02X}", **asked, att_error=answer
            )
        else:
            session.found.append(
                GattRead(
                    0,
                    session.time_us,
                    session.receiver,
                    session.address,
                    session.address_type,
                    SERVICE,
                    CHARACTERISTIC,
                    answer,
                )
            )
        return True

    def _over(self, session: _Session) -> None:
        """End a session; an attempt that failed is made again later."""
        if session.is_open:
            session.time_us += self._between(5_000, 30_000)
            session.end()
        self._busy_until_us = session.time_us
        self._again_us[session.address] = session.time_us + _AGAIN_US
        for each in session.found:
            self._count += 1
            heappush(self._waiting, (each.time_us, self._count, each))

    def _phone_at(self, address: bytes, time_us: int) -> _Phone | None:
        """Return the iPhone that sends from an address now."""
        for from_us, until_us, phone in self._phones.get(address, ()):
            if from_us <= time_us < until_us and phone.is_on(time_us):
                return phone
        return None

    def _is_lost(self) -> bool:
        return self._random.random() < self._plan.loss * _LOST_OF_LOSS

    def _between(self, least_us: int, most_us: int) -> int:
        return least_us + int((most_us - least_us) * self._random.random())


@lru_cache(maxsize=1024)
def _is_iphone(ad: bytes) -> bool:
    """Tell whether AdvData are of kind iOS, or of kind iOS in the background."""
    try:
        return isinstance(decode_advertisement(ad), IosAdvertisement | IosBackgroundAdvertisement)
    except MalformedError:
        return False


def _by_address(plan: Plan, seed: int) -> Mapping[bytes, list[tuple[int, int, _Phone]]]:
    """Return from when until when which iPhone sends from an address."""
    found: dict[bytes, list[tuple[int, int, _Phone]]] = {}
    for each in (*plan.phones, *stranger_phones(plan, seed)):
        if each.platform == "ios":
            phone = _Phone(each, gatt_server(each, plan, seed))
            for window in sent_windows(each, plan, seed):
                found.setdefault(window.address, []).append((window.from_us, window.until_us, phone))
    return found


def _told(services: tuple[OfferedService, ...]) -> list[dict[str, object]]:
    return [
        {
            "uuid": service.uuid,
            "characteristics": [
                {"uuid": each.uuid, "properties": list(each.properties)} for each in service.characteristics
            ],
        }
        for service in services
    ]
