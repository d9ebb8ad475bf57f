"""Reads iPhones' ids by GATT: one connection at a time, with every step recorded.

Theory of operation. ``ReadingPlan`` says whom to read; here it is done, through bleak whatever the receiver. A session
gives the services that were found, each value with the instant of its arrival, what failed and where, and its end. No
step takes longer than an attempt may (10 s), so that nobody holds up the others; whatever fails ends one session, and
never the reader. A phone is let go in every case, also where the reader is cancelled.

Source: chapter GATT, "Reading".
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Mapping
from typing import TYPE_CHECKING, TypeVar

from bleak.exc import BleakGATTProtocolError

from bluezone_harness.observations import Advert, Event, GattRead, Observation
from bluezone_harness.sources.gatt_lines import MOST_MEMBERS, PROPERTIES
from bluezone_reference.profiles import V3

from .cancelling import was_cancelled
from .reading_plan import ATTEMPT_S, DueRead, ReadingPlan
from .receivers import Clock, HearTogether, Receiver

if TYPE_CHECKING:
    from bleak import BleakClient
    from bleak.backends.characteristic import BleakGATTCharacteristic
    from bleak.backends.service import BleakGATTServiceCollection

_logger = logging.getLogger(__name__)

SERVICE = V3.advertisement.ios_service_uuid
CHARACTERISTIC = V3.advertisement.ios_characteristic_uuid
_LOOK_S = 0.25
_ATT_ERRORS = range(1, 0x100)
_LONGEST_REASON = 200
_US = 1_000_000

_T = TypeVar("_T")


class GattReader:
    """Reads phones, one after another.

    Args:
        receiver: By which they are heard.
        plan: Says whom to read.
        clock: Tells when a value arrived.
        hear: Takes what a session gives.
        together: It gets together what came before the first value is there, or is not to be had; else all as it comes.
    """

    def __init__(
        self,
        receiver: Receiver,
        plan: ReadingPlan,
        clock: Clock,
        hear: HearTogether,
        *,
        together: bool = True,
    ) -> None:
        self._receiver = receiver
        self._plan = plan
        self._clock = clock
        self._hear = hear
        self._together = together

    async def run(self) -> None:
        """Read phones until cancelled."""
        while True:
            due = self._plan.next_due(self._clock.now_us())
            if due is None:
                await asyncio.sleep(_LOOK_S)
                continue
            client = self._receiver.client(due.advert, ATTEMPT_S)
            if client is None:
                # the receiver may be gone for a while: of the phone that says nothing
                self._plan.tried(due, self._clock.now_us(), reads=0, offers=True)
            else:
                session = _Session(client, due, self._clock, self._hear, together=self._together)
                try:
                    await session.run()
                finally:
                    self._plan.tried(due, self._clock.now_us(), reads=session.reads, offers=session.offers)
            await asyncio.sleep(_LOOK_S)


class _Session:
    def __init__(
        self, client: BleakClient, due: DueRead, clock: Clock, hear: HearTogether, *, together: bool
    ) -> None:
        self._client = client
        self._due = due
        self._clock = clock
        self._take = hear
        self._held: list[Observation] | None = [] if together else None
        self._who = _who(due.advert)
        self.reads = 0
        self.offers = True

    async def run(self) -> None:
        """Connect, read, and disconnect; what fails is told, and ends it."""
        is_connected = False
        try:
            is_connected = await self._step("connect", _true_after(self._client.connect())) is True
            if is_connected:
                await self._read_all()
        finally:
            self._let_go()
            # whatever came of it, a phone is not kept connected
            await self._disconnect()
            if is_connected:
                self._event("disconnect", {})

    async def _disconnect(self) -> None:
        try:
            async with asyncio.timeout(ATTEMPT_S):
                await self._client.disconnect()
        except asyncio.CancelledError:
            if was_cancelled():
                raise
        except Exception as error:  # noqa: BLE001 - whatever a library raises: it is over
            _logger.debug("disconnecting failed: %s", error)

    async def _read_all(self) -> None:
        services = await self._step("discover", self._services())
        if services is None:
            return
        self._event("gatt_services", {"services": _told(services)})
        found = [
            each
            for service in services
            if service.uuid.lower() == SERVICE
            for each in service.characteristics
            if each.uuid.lower() == CHARACTERISTIC
        ]
        self.offers = bool(found)
        if not found:
            return
        was_read = await self._read(found[0])
        self._let_go()
        for again_us in self._due.again_us:
            if not was_read or not await self._hold(again_us):
                break
            was_read = await self._read(found[0])

    async def _services(self) -> BleakGATTServiceCollection:
        return self._client.services

    async def _hold(self, until_us: int) -> bool:
        """Keep the connection until an instant; return whether it is there still."""
        # a clock that is set back meanwhile does not make it any longer
        loop = asyncio.get_running_loop()
        latest_s = loop.time() + (until_us - self._clock.now_us()) / _US
        while (left_us := until_us - self._clock.now_us()) > 0:
            if loop.time() > latest_s + 1:
                return False
            await asyncio.sleep(min(1.0, left_us / _US))
            if not self._client.is_connected:
                return False
        return True

    async def _read(self, characteristic: BleakGATTCharacteristic) -> bool:
        where = {"service": SERVICE, "characteristic": CHARACTERISTIC}
        value = await self._step("read", self._client.read_gatt_char(characteristic), where)
        if value is None:
            return False
        advert = self._due.advert
        self.reads += 1
        self._hear(
            GattRead(
                0,
                self._clock.now_us(),
                advert.receiver,
                advert.address,
                advert.address_type,
                SERVICE,
                CHARACTERISTIC,
                bytes(value),
            )
        )
        return True

    async def _step(
        self, name: str, doing: Coroutine[object, object, _T], where: Mapping[str, str] | None = None
    ) -> _T | None:
        """Do one step of an attempt, and tell what fails of it; return what came of it, ``None`` where it failed."""
        try:
            async with asyncio.timeout(ATTEMPT_S):
                return await doing
        except asyncio.CancelledError as error:
            if was_cancelled():
                raise
            self._failed(name, error, where)
        except Exception as error:  # noqa: BLE001 - whatever a library raises is told, and ends one session
            self._failed(name, error, where)
        return None

    def _failed(self, name: str, error: BaseException, where: Mapping[str, str] | None) -> None:
        said: dict[str, object] = {"step": name, **(where or {})}
        if isinstance(error, BleakGATTProtocolError) and int(error.code) in _ATT_ERRORS:
            said["att_error"] = int(error.code)
        said["reason"] = _reason(error)
        self._event("gatt_error", said)

    def _hear(self, observation: Observation) -> None:
        if self._held is None:
            self._take([observation])
        else:
            self._held.append(observation)

    def _let_go(self) -> None:
        """Hand on what was held."""
        held, self._held = self._held, None
        if held:
            self._take(held)

    def _event(self, name: str, fields: Mapping[str, object]) -> None:
        self._hear(Event(0, self._clock.now_us(), name, {**self._who, **fields}))


async def _true_after(doing: Coroutine[object, object, object]) -> bool:
    await doing
    return True


def _reason(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer within {ATTEMPT_S} s"
    return " ".join(str(error).split())[:_LONGEST_REASON] or type(error).__name__


def _who(advert: Advert) -> dict[str, object]:
    found: dict[str, object] = {}
    if advert.receiver:
        found["receiver"] = advert.receiver
    if advert.address is not None:
        found["address"] = advert.address.hex(":").upper()
    if advert.address_type is not None:
        found["address_type"] = str(advert.address_type)
    return found


def _told(services: BleakGATTServiceCollection) -> list[object]:
    """Return what a recording says of services, in the order of handles."""
    return [
        {
            "uuid": service.uuid.lower(),
            "characteristics": [
                {"uuid": each.uuid.lower(), "properties": _properties(each)}
                for each in sorted(service.characteristics, key=lambda each: each.handle)[:MOST_MEMBERS]
            ],
        }
        for service in sorted(services, key=lambda each: each.handle)[:MOST_MEMBERS]
    ]


def _properties(characteristic: BleakGATTCharacteristic) -> list[str]:
    """Return the properties that the air tells; BlueZ adds flags of its own."""
    return [each for each in dict.fromkeys(characteristic.properties) if each in PROPERTIES]
