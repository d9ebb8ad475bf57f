r"""A virtual app: adverts in, wishes to its radio and records out, without a radio or a clock of its own.

Theory of operation. Whoever holds the radio tells the app what happens, in the order of time (``hear``, ``connected``,
``value``, ``lost``), calls ``tick`` when ``next_us`` says so and before anything else that happens later, and does
what ``wishes`` hands out::

    advert -> held a moment for its scan response -> hearing -> Receiver -> a record -> recording -> the log
                                                                        -> the wish to read the phone

    wish   CONNECT -> connected -> (a moment) -> READ -> value -> DISCONNECT
                    \ 10 s: DISCONNECT            \ lost: DISCONNECT

The reference's ``Receiver`` says what is logged and who is to be read. The app adds what the receiver leaves to
whoever holds the radio: the scan response belongs to the advert just before it; a phone without the service is spared
until its slot ends, and one that gave no id for half a minute, so that the others have their turn.

An app that has crashed takes nothing any more; what it has logged stays.

Source: chapter Receiver, "From an advert to a record"; BZ-RCV-004, BZ-RCV-005.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import lcm
from random import Random

from bluezone_harness.observations import PduType
from bluezone_harness.virtual.plans import AirPacket, PhonePlan
from bluezone_harness.virtual.radio import RESPONSE_US, WITH_RESPONSE
from bluezone_reference.contact_log import Record
from bluezone_reference.errors import BuildFailureError
from bluezone_reference.key_schedule import DAY_MS, slots_a_day, slots_from_setting
from bluezone_reference.receiver import HeardAdvert, Outcome, ReadValue, Receiver

from .behaviours import RIGHT, AppBehaviour
from .exports import database_of, device_file_of
from .model import Act, AppPlan, Wish

RESPONSE_WAIT_US = RESPONSE_US + 1_228
"""How long an advert is held for its scan response: 2 ms in all."""
AGAIN_US = 30_000_000
"""When a phone is tried again that gave no id."""
_FINDING_US = 300_000, 900_000
"""How long it takes, at least and below, from a connection to the value: finding the service comes first."""


@dataclass(frozen=True, slots=True)
class AppLog:
    """What an app has logged.

    Attributes:
        records: In the order in which they were made.
        export: As text, what ``data_trace.txt`` would be.
        database: As a file of SQLite, in the schema of the app's platform.
        device_file: What the owner of the phone could hand over, as JSON.
    """

    records: tuple[Record, ...]
    export: bytes
    database: bytes
    device_file: bytes


@dataclass(slots=True)
class _Attempt:
    """An attempt to read a phone.

    Attributes:
        number: Its own.
        packet: The advert that led to it.
        began_us: When it began.
        read_us: When the value is to be asked for; ``None``: not yet connected, or asked for already.
        leave_us: When the connection is to be ended; ``None``: there is no value yet.
    """

    number: int
    packet: AirPacket
    began_us: int
    read_us: int | None = None
    leave_us: int | None = None


class App:
    """The receiving side of a phone.

    Args:
        plan: What it is.
        behaviour: What it does.
        seed: Draws what its behaviour draws.

    Raises:
        ValueError: The base day is not a UTC midnight.
        RefusedError: BAD_BASE_ID.
    """

    def __init__(self, plan: AppPlan, behaviour: AppBehaviour = RIGHT, seed: int = 1) -> None:
        self.plan = plan
        self._behaviour = behaviour
        self._random = Random(f"{seed} reads {plan.phone.name}")  # noqa: S311 - a simulation
        drawn = Random(f"{seed} behaviour {plan.phone.name}")  # noqa: S311 - a simulation
        self._hearing = behaviour.hearing(drawn)
        self._recording = behaviour.recording(plan, drawn)
        self._memory = behaviour.memory(plan)
        self._own_ids = behaviour.own_ids(plan)
        self._slots = _finest_slots(plan.phone)
        self._receiver = Receiver(self._own_id, behaviour.profile, self._slots)
        self._records: list[Record] = []
        self._wishes: list[Wish] = []
        self._held: dict[bytes, AirPacket] = {}
        self._attempts: dict[int, _Attempt] = {}
        self._made = 0
        # address -> when it may be tried again
        self._again_us: dict[bytes, int] = {}
        # address -> day and slot in which it was found to be without the service
        self._without: dict[bytes, tuple[int, int]] = {}
        # contact id -> when it was logged that the receiver would not have logged
        self._taken_ms: dict[bytes, int] = {}
        self._has_crashed = False

    # What it is asked

    @property
    def next_us(self) -> int | None:
        """When ``tick`` is to be called, in microseconds since the Unix epoch; ``None``: it waits for nothing."""
        if not (self._held or self._attempts):
            return None
        times = [each.time_us + RESPONSE_WAIT_US for each in self._held.values()]
        due = (self._due_us(attempt) for attempt in self._attempts.values())
        times.extend(each for each in due if each is not None)
        return min(times, default=None)

    def wishes(self) -> list[Wish]:
        """Hand out what it wants of its radio by now, in order, each once."""
        wishes, self._wishes = self._wishes, []
        return wishes

    def log(self) -> AppLog:
        """Return what it has logged by now."""
        records, stored_time = tuple(self._records), self._behaviour.stored_time
        return AppLog(
            records,
            self._behaviour.export(records, stored_time),
            database_of(records, self.plan.phone.platform, stored_time),
            device_file_of(self.plan),
        )

    # What it is told

    def hear(self, packet: AirPacket) -> None:
        """Take what its radio heard: an advert, or a scan response, which may be empty."""
        self.tick(packet.time_us)
        address = packet.address
        held = self._held.pop(address, None)
        if packet.pdu is PduType.SCAN_RSP:
            if held is not None and packet.ad:
                self._take(held, packet.ad, packet.time_us)
            elif held is not None:
                self._held[address] = held
            return
        if held is not None:
            self._take(held, b"", packet.time_us)
        if packet.pdu in WITH_RESPONSE:
            self._held[address] = packet
        else:
            self._take(packet, b"", packet.time_us)

    def tick(self, time_us: int) -> None:
        """Do what is due by an instant, in microseconds since the Unix epoch."""
        if self._held:
            for address, packet in tuple(self._held.items()):
                due_us = packet.time_us + RESPONSE_WAIT_US
                if due_us <= time_us:
                    del self._held[address]
                    self._take(packet, b"", due_us)
        for attempt in tuple(self._attempts.values()):
            next_us = self._due_us(attempt)
            if next_us is None or next_us > time_us:
                continue
            if attempt.read_us == next_us:
                attempt.read_us = None
                self._want(Act.READ, attempt)
            else:
                self._end(attempt, failed_us=next_us if attempt.leave_us is None else None)

    def connected(self, number: int, time_us: int) -> None:
        """Take that the connection of an attempt stands; of one that is over already, nothing comes."""
        attempt = self._attempts.get(number)
        if attempt is not None:
            least_us, below_us = _FINDING_US
            attempt.read_us = time_us + least_us + int((below_us - least_us) * self._random.random())

    def value(self, number: int, time_us: int, value: bytes | None) -> None:
        """Take what a phone answered.

        Args:
            number: Of the attempt.
            time_us: When, in microseconds since the Unix epoch.
            value: Of the characteristic; ``None``: the phone has no such service or characteristic.
        """
        attempt = self._attempts.get(number)
        if attempt is None:
            return
        packet = attempt.packet
        name, clock_ms = _text(packet.address), self.plan.clock_ms(time_us)
        attempt.leave_us = time_us + self._behaviour.reading.stays_us
        if not self._has_crashed:
            taken = None if value is None else self._behaviour.reading.value(value)
            if taken is None:
                self._without[packet.address] = self._slot_of(clock_ms)
            else:
                self._memory.keep(name, clock_ms, taken)
            reception = self._receiver.read(ReadValue(clock_ms, name, taken, packet.rssi))
            self._note(reception.record)
            if reception.outcome is Outcome.IGNORED:
                self._again_us[packet.address] = time_us + AGAIN_US
        self.tick(time_us)

    def lost(self, number: int, time_us: int) -> None:
        """Take that an attempt failed: an error, or a connection that is lost."""
        attempt = self._attempts.get(number)
        if attempt is not None:
            self._end(attempt, failed_us=time_us if attempt.leave_us is None else None)

    # What comes of it

    def _take(self, packet: AirPacket, response: bytes, time_us: int) -> None:
        """Give an advert, now that its scan response is known, to the receiver."""
        if self._has_crashed:
            return
        name, clock_ms = _text(packet.address), self.plan.clock_ms(packet.time_us)
        heard = self._hearing(HeardAdvert(clock_ms, name, packet.ad, packet.rssi, response))
        if heard is None:
            return
        try:
            reception = self._receiver.hear(heard)
        except BuildFailureError:  # F-17: nobody starts it again
            self._has_crashed = True
            return
        if reception.outcome is Outcome.READ_WANTED:
            self._read_or_not(packet, heard, time_us)
        elif reception.outcome is Outcome.IGNORED:
            self._take_ignored(packet, heard, time_us)
        else:
            self._note(reception.record)

    def _take_ignored(self, packet: AirPacket, heard: HeardAdvert, time_us: int) -> None:
        """Take an advert in which the receiver found nothing, where a planted fault makes something of it."""
        contact_id = self._behaviour.taken(heard)
        if contact_id is not None:
            again_ms = self._taken_ms.get(contact_id, 0) + self._behaviour.profile.contact_log.repeat_after_ms
            if heard.time_ms >= again_ms:
                self._taken_ms[contact_id] = heard.time_ms
                self._note(Record(self._own_id(heard.time_ms), contact_id, heard.rssi, heard.time_ms))
        if self._behaviour.reading.wants_ignored(heard) and self._may_read(packet, time_us):
            self._begin(packet, time_us)

    def _read_or_not(self, packet: AirPacket, heard: HeardAdvert, time_us: int) -> None:
        reading, name = self._behaviour.reading, heard.address
        recalled = self._memory.recall(name, heard.time_ms)
        if recalled is not None:
            self._note(self._receiver.read(ReadValue(heard.time_ms, name, recalled, heard.rssi)).record)
        elif self._may_read(packet, time_us) and reading.wants(heard):
            self._begin(packet, time_us)
        elif all(each.packet.address != packet.address for each in self._attempts.values()):
            self._receiver.give_up(name)

    def _may_read(self, packet: AirPacket, time_us: int) -> bool:
        """Tell whether a phone can be connected to, and its turn has come."""
        return (
            packet.pdu is PduType.ADV_IND
            and len(self._attempts) < self._behaviour.reading.at_once
            and all(each.packet.address != packet.address for each in self._attempts.values())
            and self._again_us.get(packet.address, 0) <= time_us
            and self._without.get(packet.address) != self._slot_of(self.plan.clock_ms(packet.time_us))
        )

    def _begin(self, packet: AirPacket, time_us: int) -> None:
        self._made += 1
        attempt = self._attempts[self._made] = _Attempt(self._made, packet, time_us)
        self._want(Act.CONNECT, attempt)

    def _note(self, record: Record | None) -> None:
        if record is not None:
            self._records.extend(self._recording(record))

    def _due_us(self, attempt: _Attempt) -> int | None:
        """Return when something of an attempt is due."""
        if attempt.leave_us is not None:
            return attempt.leave_us
        limit_us = self._behaviour.reading.attempt_us
        over_us = None if limit_us is None else attempt.began_us + limit_us
        times = [each for each in (attempt.read_us, over_us) if each is not None]
        return min(times, default=None)

    def _end(self, attempt: _Attempt, failed_us: int | None) -> None:
        del self._attempts[attempt.number]
        self._want(Act.DISCONNECT, attempt)
        if failed_us is not None:
            self._receiver.give_up(_text(attempt.packet.address))
            self._again_us[attempt.packet.address] = failed_us + AGAIN_US

    def _want(self, act: Act, attempt: _Attempt) -> None:
        packet = attempt.packet
        self._wishes.append(Wish(act, attempt.number, packet.address, packet.address_type))

    def _own_id(self, clock_ms: int) -> bytes:
        found = self._own_ids(clock_ms)
        # a build that has no id to show stores none
        return b"" if found is None else found

    def _slot_of(self, clock_ms: int) -> tuple[int, int]:
        day, since_ms = divmod(clock_ms, DAY_MS)
        return day, since_ms * self._slots // DAY_MS


def _finest_slots(phone: PhonePlan) -> int:
    """Return the slots a day in which no cached id is too old whichever of the plan's values of ``max`` holds."""
    values = [slots_a_day(None) if phone.max_per_day is None else slots_from_setting(phone.max_per_day)]
    values += [slots_from_setting(value) for _, value in phone.max_changes]
    return lcm(*values)


def _text(address: bytes) -> str:
    return address.hex(":").upper()
