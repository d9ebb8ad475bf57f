"""The receiver: what an advert that is heard, or a value that is read by GATT, puts into the contact log.

Theory of operation. ``Receiver.hear`` takes one advert and answers with one ``Reception``: a record, a
repeat, nothing, or the wish to read the phone by GATT. Whoever holds the radio then connects, reads the one
characteristic and hands the value to ``Receiver.read`` (or calls ``give_up``). Nothing here waits: instants
come with the events, so an attempt is over when a later event says so.

What an advert holds is ``heard_content``'s answer; here is what becomes of it::

    a contact id    -> logged, unless a record of it is too near                     BZ-RCV-001, BZ-LOG-002
    an id to read   -> what was read from this address in this slot of this day, if anything, is logged;
                       else the phone is to be read, one phone at a time             BZ-RCV-004, BZ-RCV-005
    nothing         -> ignored                                                       BZ-RCV-002, BZ-RCV-003

The corrected protocol records an id unless a record of it lies less than 5000 ms away, before or after. It
keeps all times recorded of an id for this, not the last alone: when the clock is set back, and forth again,
or an advert is delivered late, no id is locked out and none is recorded twice.

The published builds (``ANDROID_V3``, ``IOS_V3``, ``V2``) are copied with their faults: the time of delivery
in place of the time heard (F-28), the oldest row of an address served whenever the slot has the same number
(F-19), the last recorded time alone, in whole seconds on iOS (F-20). A restart forgets: make a new
``Receiver``.

The address of a record is empty (BZ-PRV-017), but iOS writes the other phone's platform there, and the first
generation the address.

Deliberately not here: the radio, connections, the forming of batches (an advert delivered late says so
itself), and iOS's two minutes before it connects again after a disconnect.

Source: BZ-RCV-001 to BZ-RCV-005, BZ-LOG-002; source A ``ServiceTraceCovid``, ``GattConnectSession``,
``CacheDatabaseHelper``, ``BluezoneIdTrace``; source I ``ScannerManager.swift``, ``BleCentralManager.swift``.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from .contact_log import LAST_TIME_MS, Record, is_rssi
from .heard_content import heard_content, value_content
from .key_schedule import day_start_ms, slot_index, slots_a_day
from .profiles import V3, Profile

READ_ATTEMPT_MS = 10_000
"""An attempt to read a phone by GATT lasts less. Source: BZ-RCV-004, source A ``GattConnectSession``."""

_NO_SERVICE = b"\x00"
"""What Android keeps of a phone without the service: never a valid id. Source A ``CacheDatabaseHelper``."""


@dataclass(frozen=True, slots=True)
class HeardAdvert:
    """One advert as a receiver's radio hears it.

    Attributes:
        time_ms: When it was heard.
        address: Of the sender, in any form that tells senders apart.
        ad: AdvData, 0 to 31 octets of legacy advertising, malformed or not.
        rssi: In dBm, -127 to 20, or 127 for none.
        scan_response: The sender's answer to a scan request, if the radio asked for it.
        delivered_ms: When the app was given it; ``None``: at once. Android delivers every second scan window
            in batches, up to 10 s late (F-28).
    """

    time_ms: int
    address: str
    ad: bytes
    rssi: int
    scan_response: bytes = b""
    delivered_ms: int | None = None


@dataclass(frozen=True, slots=True)
class ReadValue:
    """How an attempt to read a phone by GATT ended.

    Attributes:
        time_ms: When.
        address: Of the phone.
        value: Of the characteristic; ``None`` where the phone has no such service or characteristic.
        rssi: In dBm, -127 to 20, or 127 for none.
    """

    time_ms: int
    address: str
    value: bytes | None
    rssi: int


class Outcome(StrEnum):
    """What became of an advert or a value."""

    LOGGED = "logged"
    """There is a new record."""
    REPEATED = "repeated"
    """The contact id is in the log already, too near in time."""
    IGNORED = "ignored"
    """It holds nothing for the log."""
    READ_WANTED = "read wanted"
    """The phone is to be read by GATT now: an attempt has begun."""
    READ_PENDING = "read pending"
    """The phone is to be read, but not yet: another attempt is under way, or the last was a moment ago."""


@dataclass(frozen=True, slots=True)
class Reception:
    """What became of one event.

    Attributes:
        outcome: In one word.
        record: The new record where the outcome is ``LOGGED``, else ``None``.
        reason: One phrase for people; empty where the outcome is ``LOGGED``.
    """

    outcome: Outcome
    record: Record | None
    reason: str


class Receiver:
    """A phone's receiving side, fed event by event.

    Args:
        own_id: Gives the phone's own rolling id at an instant. What it raises passes through; nothing is
            recorded then.
        profile: Whose rules.
        max_per_day: Slots a day, which say how long an id that was read may serve; ``None`` for the
            profile's default.

    Raises:
        RefusedError: BAD_MAX.
    """

    def __init__(
        self, own_id: Callable[[int], bytes], profile: Profile = V3, max_per_day: int | None = None
    ) -> None:
        self._own_id = own_id
        self._profile = profile
        self._slots = None if profile.key_schedule is None else slots_a_day(max_per_day, profile)
        # A published build takes the time of delivery, and remembers the last recorded time of an id alone.
        self._is_build = profile.platform != "any"
        # iOS leaves connections to its system: their order, and how long it waits.
        self._limits_attempts = profile.platform != "ios"
        # Contact id -> recorded times, ascending; of a build only the last
        self._recorded: dict[bytes, list[int]] = {}
        # Address -> the id read there, and when
        self._cache: dict[str, tuple[bytes, int]] = {}
        # Address -> when the attempt under way began
        self._attempts: dict[str, int] = {}
        # Address -> when the last attempt began, where the profile asks for a pause
        self._last_attempt_ms: dict[str, int] = {}

    def hear(self, advert: HeardAdvert) -> Reception:
        """Take an advert.

        Args:
            advert: Malformed octets are taken as far as they are sound.

        Returns:
            Any outcome; ``READ_WANTED`` begins an attempt.

        Raises:
            ValueError: A time is before 1970 or after the year 9999, or no controller reports such an RSSI.
            BuildFailureError: F-17, under a profile that crashes.

        Source: BZ-RCV-001 to BZ-RCV-005.
        """
        delivered_ms = advert.time_ms if advert.delivered_ms is None else advert.delivered_ms
        _check(advert.rssi, advert.time_ms, delivered_ms)
        content = heard_content(advert.ad, advert.scan_response, self._profile)
        if content.ignored:
            return Reception(Outcome.IGNORED, None, content.ignored)
        # F-28: a build knows no other time than that of delivery.
        time_ms = delivered_ms if self._is_build else advert.time_ms
        if content.contact_id is not None:
            return self._log(
                content.contact_id, time_ms, advert.rssi, self._address(advert.address, "Android")
            )
        cached = self._cached_id(advert.address, time_ms)
        if cached is None:
            return self._begin_attempt(advert.address, delivered_ms)
        if cached == _NO_SERVICE:
            return Reception(Outcome.IGNORED, None, "the phone is kept as one without the service")
        return self._log(cached, time_ms, advert.rssi, self._address(advert.address, "iOS"))

    def read(self, value: ReadValue) -> Reception:
        """Take the end of an attempt to read a phone.

        Args:
            value: Of an attempt that ``hear`` began; any other is ignored, and so is one after 10 s (iOS has no
                such limit).

        Returns:
            ``LOGGED``, ``REPEATED`` or ``IGNORED``.

        Raises:
            ValueError: As ``hear``.

        Source: BZ-RCV-002, BZ-RCV-004; BZ-GAT-002.
        """
        _check(value.rssi, value.time_ms)
        began_ms = self._attempts.pop(value.address, None)
        # BZ-RCV-004: an attempt is given up after 10 s. A clock set back meanwhile does not end it.
        if began_ms is None or (self._limits_attempts and value.time_ms - began_ms >= READ_ATTEMPT_MS):
            return Reception(Outcome.IGNORED, None, "no attempt to read this address is under way")
        if value.value is None:
            if self._profile.receiver.cached_id == "slot_number":
                self._keep(value.address, _NO_SERVICE, value.time_ms)
            return Reception(Outcome.IGNORED, None, "the phone does not have the service")
        content = value_content(value.value, self._profile)
        if content.contact_id is None:
            return Reception(Outcome.IGNORED, None, content.ignored)
        self._keep(value.address, content.contact_id, value.time_ms)
        address = self._address(value.address, "iOS")
        return self._log(content.contact_id, value.time_ms, value.rssi, address)

    def give_up(self, address: str) -> None:
        """End the attempt to read an address, if one is under way, for an error or a lost connection.

        The phone may be read again at once. Source: BZ-RCV-004; source I ``BleCentralManager.swift``.
        """
        self._attempts.pop(address, None)
        self._last_attempt_ms.pop(address, None)

    def _log(self, contact_id: bytes, time_ms: int, rssi: int, address: str) -> Reception:
        """Make a record unless it would be a repeat."""
        if self._profile.contact_log.time_unit == "s":
            time_ms -= time_ms % 1000
        if self._is_repeat(contact_id, time_ms):
            return Reception(Outcome.REPEATED, None, "the same contact id was recorded a moment ago")
        record = Record(self._own_id(time_ms), contact_id, rssi, time_ms, address)
        if self._is_build:
            self._recorded[contact_id] = [time_ms]
        else:
            insort(self._recorded.setdefault(contact_id, []), time_ms)
        return Reception(Outcome.LOGGED, record, "")

    def _is_repeat(self, contact_id: bytes, time_ms: int) -> bool:
        # BZ-LOG-002: the same contact id is recorded again only after 5000 ms.
        repeat_after_ms = self._profile.contact_log.repeat_after_ms
        times = self._recorded.get(contact_id, [])
        if self._is_build:
            # Of a clock set back the difference is negative: a repeat, until the clock has caught up.
            return any(time_ms - last_ms < repeat_after_ms for last_ms in times)
        later = bisect_left(times, time_ms)
        neighbours = times[max(later - 1, 0) : later + 1]
        return any(abs(time_ms - near_ms) < repeat_after_ms for near_ms in neighbours)

    def _begin_attempt(self, address: str, time_ms: int) -> Reception:
        if self._limits_attempts:
            # BZ-RCV-004: an attempt is given up after 10 s; also one from a time that is still to come.
            self._attempts = {
                other: began_ms
                for other, began_ms in self._attempts.items()
                if 0 <= time_ms - began_ms < READ_ATTEMPT_MS
            }
            if self._attempts:
                return Reception(Outcome.READ_PENDING, None, "an attempt to read a phone is under way")
        pause_ms = self._profile.receiver.read_pause_ms
        if address in self._last_attempt_ms and 0 <= time_ms - self._last_attempt_ms[address] < pause_ms:
            return Reception(
                Outcome.READ_PENDING, None, "the last attempt to read this address was a moment ago"
            )
        self._attempts[address] = time_ms
        if pause_ms:
            self._last_attempt_ms[address] = time_ms
        return Reception(Outcome.READ_WANTED, None, "the id is to be read by GATT")

    def _cached_id(self, address: str, time_ms: int) -> bytes | None:
        """Give the id that an earlier read found at this address, if it may serve at this time."""
        if address not in self._cache:
            return None
        cached_id, read_ms = self._cache[address]
        # BZ-RCV-005: a cached id is never logged beyond its slot or on another day.
        return cached_id if self._slot_of(read_ms) == self._slot_of(time_ms) else None

    def _keep(self, address: str, contact_id: bytes, time_ms: int) -> None:
        rule = self._profile.receiver.cached_id
        if rule == "slot":
            # Nothing of another slot will serve again, so no address is kept any longer (BZ-PRV-017).
            slot = self._slot_of(time_ms)
            self._cache = {other: row for other, row in self._cache.items() if self._slot_of(row[1]) == slot}
            self._cache[address] = (contact_id, time_ms)
        elif rule == "slot_number":
            # F-19: rows are only ever added, and the oldest of an address is the one that is found.
            self._cache.setdefault(address, (contact_id, time_ms))

    def _slot_of(self, time_ms: int) -> tuple[int, int]:
        """Give what two times share when an id read at the one may serve at the other: day and slot."""
        rules = self._profile.key_schedule
        # The first generation has no slots; its receiver is held to the day.
        slot = 0 if rules is None or self._slots is None else slot_index(time_ms, self._slots, rules)
        # F-19: the number of the slot alone
        day_ms = 0 if self._profile.receiver.cached_id == "slot_number" else day_start_ms(time_ms)
        return day_ms, slot

    def _address(self, address: str, platform: str) -> str:
        if self._profile.contact_log.platform_in_address:
            return platform
        # BZ-PRV-017: no hardware address is kept. Of the published builds the first generation's kept it.
        return address if self._profile.generation == 1 else ""


def _check(rssi: int, *times_ms: int) -> None:
    if not is_rssi(rssi):
        raise ValueError("no controller reports this RSSI")
    if not all(0 <= time_ms <= LAST_TIME_MS for time_ms in times_ms):
        raise ValueError("the time is before 1970 or after the year 9999")
