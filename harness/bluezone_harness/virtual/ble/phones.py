"""Virtual phones: players of what ``sent_windows`` says, with a GATT server, and an owner who does things to them.

Theory of operation. What an owner does to a phone (``turn_bluetooth`` and the like) is done by the world in its turn,
at the same instant of its time. After a change the schedule begins anew, as the app's does, from the same seed: what is
drawn once for a phone stays, while its private addresses and its system's frames are other ones than before.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from random import Random

from bumble import hci
from bumble.device import Connection

from bluezone_harness.observations import AddressType
from bluezone_harness.virtual.addresses import resolvable
from bluezone_harness.virtual.phones import Sender, gatt_server, sent_windows
from bluezone_harness.virtual.plans import PhonePlan, Plan, SentWindow
from bluezone_harness.virtual.reads import GattServer
from bluezone_reference.advertisement import (
    AndroidAdvertisement,
    OldAndroidAdvertisement,
    decode_advertisement,
)
from bluezone_reference.errors import MalformedError

from .players import AdvertisingSet, Player, Stage
from .services import answer_of, service_of, told, write_ignored

_SYSTEM_FRAME = bytes.fromhex("02011a 0aff4c001005")
"""How a frame of an iPhone's system begins; what follows changes with the address."""
_SYSTEM_FRAME_OCTETS = 5
_SHOWN_NAMES = {"android": "Android", "ios": "iPhone"}


class VirtualPhone(Player):
    """A phone, and what can be done to it while it runs."""

    def __init__(self, sender: Sender, number: int, plan: Plan, seed: int, stage: Stage) -> None:
        """Take a phone as the simulation has it.

        Args:
            sender: With its plan.
            number: On the air.
            plan: Of the simulation, prepared.
            seed: Any integer.
            stage: On which it stands.

        Raises:
            ValueError: The sender is no phone with Bluezone; or as ``simulate``.
            RefusedError: BAD_BASE_ID.
        """
        if sender.phone is None:
            raise ValueError(f"{sender.name} is no phone with Bluezone")
        self._phone = sender.phone
        self._plan = plan
        self._seed = seed
        self._generation = 0
        self._is_on = self._has_app = self._is_near = True
        self._unsent: list[SentWindow] = []
        self._server, self._shown = self._servers()
        shown_name = _SHOWN_NAMES[sender.phone.platform]
        super().__init__(sender.name, number, sender.windows, sender.random, stage, shown_name)

    @property
    def plan(self) -> PhonePlan:
        """What the phone is and what has been set of it by now."""
        return self._phone

    @property
    def rolling_id(self) -> bytes | None:
        """What a read would return now (iPhone), or what is on the air (Android); ``None``: nothing."""
        if self._phone.platform == "ios":
            if not (self._is_on and self._has_app):
                return None
            now_ms = self._clock_ms(self._stage.air.clock.now_us())
            shown = self._shown.answer(now_ms, now_ms)
            return shown if isinstance(shown, bytes) else None
        found = (_id_in(each.window.ad) for each in reversed(self.playing))
        return next((each for each in found if each is not None), None)

    # What an owner does

    async def turn_bluetooth(self, on: bool) -> None:
        """Turn Bluetooth on or off: its connections end, and the peers are told."""

        async def turn() -> None:
            if on == self._is_on:
                return
            self._is_on = on
            if on:
                self._begin_anew()
                return
            self._fall_silent()
            await self._stop_all()
            for each in self._sets:
                await each.disconnect(hci.HCI_REMOTE_DEVICE_TERMINATED_CONNECTION_DUE_TO_POWER_OFF_ERROR)

        await self._stage.do(turn)

    def walk_away(self) -> None:
        """Be out of reach: it goes on sending, and nobody hears it."""
        self._is_near = False
        for each in self._sets:
            self._stage.air.leave(each.controller)

    def come_back(self) -> None:
        """Be in reach again; connections that have not timed out go on."""
        self._is_near = True
        for each in self._sets:
            self._stage.air.come_back(each.controller)

    async def crash_app(self) -> None:
        """Let the app end: its adverts and its GATT service are gone, connections and the system's frames stay."""

        async def crash() -> None:
            self._has_app = False
            self._offer()
            if self._phone.platform == "android":
                self._fall_silent()
            for each in tuple(self.playing):
                if not _is_of_system(each.window):
                    self._unsent.append(each.window)
                    await self._stop(each)

        await self._stage.do(crash)

    async def start_app(self) -> None:
        """Start the app."""

        async def start() -> None:
            if self._has_app:
                return
            self._has_app = True
            self._offer()
            if self._phone.platform == "android":
                self._begin_anew()
                return
            now_us = self._stage.air.clock.now_us()
            unsent, self._unsent = self._unsent, []
            for each in unsent:
                if self._is_on and each.until_us > now_us:
                    await self._start(each._replace(from_us=now_us))

        await self._stage.do(start)

    async def reboot(self) -> None:
        """Start the phone anew, with Bluetooth and the app; peers of connections find out by their timeout."""

        async def reboot() -> None:
            self.end(self._stage.air.clock.now_us())
            self.playing.clear()
            for each in self._sets:
                each.vanish()
            self._sets.clear()
            self._server, self._shown = self._servers()
            self._is_on = self._has_app = True
            self._begin_anew()

        await self._stage.do(reboot)

    def set_clock(self, offset_ms: int) -> None:
        """Set the phone's clock.

        Args:
            offset_ms: By how much it is ahead of the receivers' from now on.
        """
        then_ms = self._clock_ms(self._stage.air.clock.now_us())
        value = self._phone.max_per_day
        for from_ms, later in self._phone.max_changes:
            if from_ms <= then_ms:
                value = later
        ahead = tuple(each for each in self._phone.max_changes if each[0] > then_ms)
        self._set(replace(self._phone, offset_ms=offset_ms, max_per_day=value, max_changes=ahead))

    def set_max(self, value: int) -> None:
        """Let a setting of ``max`` arrive."""
        now_ms = self._clock_ms(self._stage.air.clock.now_us())
        before = [each for each in self._phone.max_changes if each[0] < now_ms]
        after = [each for each in self._phone.max_changes if each[0] > now_ms]
        self._set(replace(self._phone, max_changes=(*before, (now_ms, value), *after)))

    def _set(self, phone: PhonePlan) -> None:
        """Be set otherwise: reads show it at once, and the schedule begins anew, with another address."""
        self._phone = phone
        self._server, self._shown = self._servers()

        async def send_anew() -> None:
            await self._stop_all()
            self._begin_anew()

        self._stage.do(send_anew)

    # What comes of it

    async def _start(self, window: SentWindow) -> None:
        if self._has_app or _is_of_system(window):
            await super()._start(window)
        else:
            self._unsent = [each for each in self._unsent if each.until_us > window.from_us]
            self._unsent.append(window)

    async def _new_set(self) -> AdvertisingSet:
        made = await super()._new_set()
        # stock: writes what a command says where nobody may write, and a refusal into a log
        made.device.gatt_server.on_att_write_command = write_ignored
        self._offer_by(made)
        if not self._is_near:
            self._stage.air.leave(made.controller)
        return made

    def _fall_silent(self) -> None:
        self._unsent.clear()
        self._turn_to(iter(()))

    def _begin_anew(self) -> None:
        """Begin the schedule from the beginning, now."""
        self._fall_silent()
        if not self._is_on or (self._phone.platform == "android" and not self._has_app):
            return
        self._generation += 1
        now_us = self._stage.air.clock.now_us()
        start_ms = -(-now_us // 1000)
        left_ms = self._plan.until_ms - start_ms
        if left_ms > 0:
            plan = replace(self._plan, start_ms=start_ms, duration_ms=left_ms)
            # an app that is open opens now: what it sends is of now
            openings = tuple(
                (max(open_ms, start_ms), left_ms) if left_ms > start_ms else (open_ms, left_ms)
                for open_ms, left_ms in self._phone.openings
            )
            phone = replace(self._phone, phase_ms=0, openings=openings)
            self._turn_to(self._renewed(sent_windows(phone, plan, self._seed), now_us))

    def _renewed(self, windows: Iterator[SentWindow], now_us: int) -> Iterator[SentWindow]:
        """Yield what is sent from now on, with other private addresses than before."""
        is_ios = self._phone.platform == "ios"
        for window in windows:
            if window.from_us < now_us and not (is_ios and window.until_us > now_us):
                continue
            octets = window.address + bytes([self._generation % 256])
            random = Random(f"{self._seed} {self.name} {self._generation} {octets.hex()}")  # noqa: S311 - a simulation
            if window.address_type is AddressType.RESOLVABLE:
                window = window._replace(address=resolvable(random))
            if is_ios and _is_of_system(window):
                window = window._replace(
                    ad=window.ad[:-_SYSTEM_FRAME_OCTETS] + random.randbytes(_SYSTEM_FRAME_OCTETS)
                )
            yield window._replace(from_us=max(window.from_us, now_us))

    # GATT

    def _servers(self) -> tuple[GattServer, GattServer]:
        """Return what answers peers, and the same for whoever wants to know what they would be answered."""
        made = (gatt_server(self._phone, self._plan, self._seed) for _ in range(2))
        return next(made), next(made)

    def _clock_ms(self, time_us: int) -> int:
        return time_us // 1000 + self._phone.offset_ms

    def _offer(self) -> None:
        for each in self._sets:
            self._offer_by(each)

    def _offer_by(self, by: AdvertisingSet) -> None:
        """Put the app's services behind the platform's, or take them away."""
        server = by.device.gatt_server
        kept = by.platform_attributes
        del server.attributes[kept:]
        server.services[:] = [each for each in server.services if each in server.attributes]
        server.attributes_by_handle.clear()
        if self._phone.platform == "ios" and self._has_app:
            # Android phones offer no service: chapter GATT
            for service in self._server.services:
                server.add_service(service_of(service, partial(self._read, by)))

    async def _read(self, by: AdvertisingSet, characteristic: str, connection: Connection) -> bytes:
        """Answer a read, at the time of the read. Source: BZ-GAT-002, BZ-GAT-003."""
        now_us = self._stage.air.clock.now_us()
        connected_us = by.connected_us.get(connection.handle, now_us)
        answer = answer_of(self._server, self._clock_ms(now_us), self._clock_ms(connected_us))
        link = by.links.get(connection.handle)
        if self._stage.watch is not None and link is not None:
            self._stage.watch.read(now_us, link, characteristic, answer)
        return await told(answer)


def _is_of_system(window: SentWindow) -> bool:
    return window.ad.startswith(_SYSTEM_FRAME)


def _id_in(ad: bytes) -> bytes | None:
    """Return the id that AdvData carry."""
    try:
        said = decode_advertisement(ad)
    except MalformedError:
        return None
    if isinstance(said, AndroidAdvertisement):
        return said.rolling_id
    return said.static_id.encode("ascii") if isinstance(said, OldAndroidAdvertisement) else None
