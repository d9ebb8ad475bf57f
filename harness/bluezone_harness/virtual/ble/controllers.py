"""Virtual controllers: stock bumble's, mended where it is no faithful one.

Each override says in a comment what stock bumble 0.0.236 does. The controllers speak legacy HCI only, without extended
advertising and without privacy in the controller: one advertising set each, as every adapter has it.

They hand packets on without writing each into a text for a log that nobody reads: stock does so even where logging is
off, and it takes most of its time.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from random import Random
from typing import TYPE_CHECKING

from bumble import controller as stock
from bumble import hci, ll
from bumble.core import PhysicalTransport

from bluezone_harness.observations import PduType
from bluezone_harness.virtual.plans import SentWindow

from .air import FOREVER_US, Emission, OnAir, address_type_of

if TYPE_CHECKING:
    from .air import Air

_LOGS = logging.getLogger("bumble")
_PDUS = {0: PduType.ADV_IND, 2: PduType.ADV_SCAN_IND, 3: PduType.ADV_NONCONN_IND}
"""Source: Core Specification, Vol 4 Part E 7.8.5."""
_INTERVAL_UNIT_US = 625
_LEAST_INTERVAL_US = 20_000
_ACTIVE = 1
_LE_TERMINATED_BY_HOST = hci.HCI_CONNECTION_TERMINATED_BY_LOCAL_HOST_ERROR
_RANDOM_OCTETS = 8


class Advertiser(stock.LegacyAdvertiser):
    """The one legacy advertising set of a controller.

    Attributes:
        emission: What HCI cannot say of the on-window, where a sender of a plan started it.
        order: Its number on the air, while it is there.
        adverts: How many advertising events it has had since it was put on the air.
    """

    controller: VirtualController

    def __init__(self, controller: VirtualController) -> None:
        super().__init__(controller)
        self.emission: Emission | None = None
        self.order: tuple[int, int] | None = None
        self.adverts = 0

    @property
    def interval_us(self) -> int:
        """The advertising interval that HCI was told, in microseconds."""
        # stock: takes the number of units of 0.625 ms for milliseconds
        return max(_LEAST_INTERVAL_US, self.advertising_interval_min * _INTERVAL_UNIT_US)

    def start(self) -> None:
        """Go on the air, or go on there after an interruption."""
        # stock: a timer of its own, without advDelay
        self.enabled = True
        self.controller.air.begin(self)

    def stop(self) -> None:
        """Go off the air."""
        self.enabled = False
        self.controller.air.end(self)

    def window(self) -> SentWindow:
        """Return what it sends, from now on and for as long as its host wants."""
        return SentWindow(
            self.controller.air.clock.now_us(),
            FOREVER_US,
            bytes(self.address)[::-1],
            address_type_of(self.address),
            _PDUS.get(self.advertising_type, PduType.ADV_IND),
            bytes(self.advertising_data),
            self.interval_us,
        )


class VirtualController(stock.Controller):
    """A controller on the air.

    Attributes:
        air: Its link.
    """

    le_legacy_advertiser: Advertiser
    pending_le_connection: hci.HCI_LE_Create_Connection_Command | None

    def __init__(self, name: str, air: Air, public_address: hci.Address | None = None) -> None:
        """Join the air; a controller hears nothing unless it is one of its receivers.

        Args:
            name: For logs, and for its random numbers.
            air: Which.
            public_address: Its own.
        """
        super().__init__(name, link=air, public_address=public_address)
        self.air = air
        self.le_legacy_advertiser = Advertiser(self)
        # stock: reports extended advertising only, unless these are taken away
        self.le_features &= ~(
            hci.LeFeatureMask.LE_EXTENDED_ADVERTISING
            | hci.LeFeatureMask.LE_PERIODIC_ADVERTISING
            | hci.LeFeatureMask.LL_PRIVACY
        )
        self._reported: set[bytes] = set()
        self._random = Random(f"{air.seed} controller {name}")  # noqa: S311 - a simulation

    def address_of(self, own_address_type: int) -> hci.Address:
        """Return the address that a command's own address type means."""
        is_public = own_address_type == hci.OwnAddressType.PUBLIC
        return self.public_address if is_public else self.random_address

    # Packets between host and controller

    def on_packet(self, packet: bytes) -> None:
        """Take a packet from the host."""
        self.on_hci_packet(hci.HCI_Packet.from_bytes(packet))

    def on_hci_packet(self, packet: hci.HCI_Packet) -> None:
        """Take a packet from the host."""
        # stock: writes each packet into a text first
        if _LOGS.isEnabledFor(logging.DEBUG) or not isinstance(packet, hci.HCI_Command):
            super().on_hci_packet(packet)
        else:
            self.on_hci_command_packet(packet)

    def send_hci_packet(self, packet: hci.HCI_Packet) -> None:
        """Give a packet to the host."""
        # stock: writes each packet into a text first
        if _LOGS.isEnabledFor(logging.DEBUG):
            super().send_hci_packet(packet)
        elif self.host is not None:
            asyncio.get_running_loop().call_soon(self.host.on_packet, bytes(packet))

    def on_hci_reset_command(self, _command: hci.HCI_Reset_Command) -> hci.HCI_StatusReturnParameters:
        """Forget everything. Source: Core Specification, Vol 4 Part E 7.3.2."""
        # stock: goes on advertising, scanning and initiating
        self.le_legacy_advertiser.stop()
        self.le_scan_enable = False
        self.filter_duplicates = False
        self.pending_le_connection = None
        self.random_address = hci.Address.ANY_RANDOM
        for connection in tuple(self.le_connections.values()):
            del self.le_connections[connection.peer_address]
            self.air.part(self, connection.handle)
        return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.SUCCESS)

    def on_hci_le_rand_command(self, _command: hci.HCI_LE_Rand_Command) -> hci.HCI_LE_Rand_ReturnParameters:
        """Draw random octets. Source: Core Specification, Vol 4 Part E 7.8.23."""
        # stock: draws from the system's randomness, and can draw what has no room in 8 octets
        octets = self._random.randbytes(_RANDOM_OCTETS)
        return hci.HCI_LE_Rand_ReturnParameters(status=hci.HCI_ErrorCode.SUCCESS, random_number=octets)

    # Advertising

    def on_hci_le_set_random_address_command(
        self, command: hci.HCI_LE_Set_Random_Address_Command
    ) -> hci.HCI_StatusReturnParameters:
        """Take an address, unless one is in use. Source: Core Specification, Vol 4 Part E 7.8.4."""
        # stock: takes it while it is advertising, scanning or initiating
        if self.le_legacy_advertiser.enabled or self.le_scan_enable or self.pending_le_connection:
            return _refused()
        return super().on_hci_le_set_random_address_command(command)

    def on_hci_le_set_advertising_parameters_command(
        self, command: hci.HCI_LE_Set_Advertising_Parameters_Command
    ) -> hci.HCI_StatusReturnParameters:
        """Take parameters, unless they are in use. Source: Core Specification, Vol 4 Part E 7.8.5."""
        # stock: takes them while it is advertising
        if self.le_legacy_advertiser.enabled:
            return _refused()
        return super().on_hci_le_set_advertising_parameters_command(command)

    def on_hci_le_set_advertising_data_command(
        self, command: hci.HCI_LE_Set_Advertising_Data_Command
    ) -> hci.HCI_StatusReturnParameters:
        """Take AdvData, which hold from the next advert on. Source: Core Specification, Vol 4 Part E 7.8.7."""
        found = super().on_hci_le_set_advertising_data_command(command)
        self.air.changed(self.le_legacy_advertiser)
        return found

    def on_hci_le_set_scan_response_data_command(
        self, command: hci.HCI_LE_Set_Scan_Response_Data_Command
    ) -> hci.HCI_StatusReturnParameters:
        """Take scan response data. Source: Core Specification, Vol 4 Part E 7.8.8."""
        # stock: takes them and never sends them
        found = super().on_hci_le_set_scan_response_data_command(command)
        self.air.changed(self.le_legacy_advertiser)
        return found

    # Scanning

    def on_hci_le_set_scan_enable_command(
        self, command: hci.HCI_LE_Set_Scan_Enable_Command
    ) -> hci.HCI_StatusReturnParameters:
        """Scan or stop to. Source: Core Specification, Vol 4 Part E 7.8.11."""
        self._reported.clear()
        return super().on_hci_le_set_scan_enable_command(command)

    def hear(self, on_air: OnAir, rssi: int) -> Callable[[], None] | None:
        """Take an advert off the air, and answer it where the host wants to.

        Args:
            on_air: What is sent.
            rssi: In dBm.

        Returns:
            What takes the scan response off the air, a moment later; ``None``: there is none to come.
        """
        # stock: the RSSI is always -50, and each advert is reported again as a scan response
        later = None
        if self.le_scan_enable:
            self._report(on_air.report, on_air.key, rssi)
            if self.le_scan_type == _ACTIVE and on_air.response is not None:
                take = partial(self._take_response, on_air.response, on_air.key + b"\x04", rssi)
                if on_air.says_more:
                    later = take
                else:
                    take()
        wanted = self.pending_le_connection
        if wanted is not None and on_air.connectable and wanted.peer_address == on_air.address:
            self.air.connect(self, on_air)
        return later

    def _take_response(self, octets: bytes, key: bytes, rssi: int) -> None:
        if self.le_scan_enable:
            self._report(octets, key, rssi)

    def _report(self, octets: bytes, key: bytes, rssi: int) -> None:
        if self.filter_duplicates:
            # stock: filters nothing
            if key in self._reported:
                return
            self._reported.add(key)
        if self.host is not None:
            self.host.on_packet(octets + bytes((rssi & 0xFF,)))

    # Connections

    def on_hci_le_create_connection_command(self, command: hci.HCI_LE_Create_Connection_Command) -> None:
        """Initiate a connection. Source: Core Specification, Vol 4 Part E 7.8.12."""
        if command.peer_address in self.le_connections:
            # stock: takes the command, and never ends it
            self._send_hci_command_status(hci.HCI_CONNECTION_ALREADY_EXISTS_ERROR, command.op_code)
            return
        super().on_hci_le_create_connection_command(command)

    def on_hci_le_create_connection_cancel_command(
        self, _command: hci.HCI_LE_Create_Connection_Cancel_Command
    ) -> hci.HCI_StatusReturnParameters:
        """Initiate no longer. Source: Core Specification, Vol 4 Part E 7.8.13."""
        # stock: says so, and goes on; no event ends what the host waits for
        wanted, self.pending_le_connection = self.pending_le_connection, None
        if wanted is None:
            return _refused()
        asyncio.get_running_loop().call_soon(
            self.send_hci_packet,
            hci.HCI_LE_Connection_Complete_Event(
                status=hci.HCI_UNKNOWN_CONNECTION_IDENTIFIER_ERROR,
                connection_handle=0,
                role=hci.Role.CENTRAL,
                peer_address_type=wanted.peer_address.address_type,
                peer_address=wanted.peer_address,
                connection_interval=0,
                peripheral_latency=0,
                supervision_timeout=0,
                central_clock_accuracy=0,
            ),
        )
        return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.SUCCESS)

    def connected(self, request: ll.ConnectInd, role: hci.Role) -> int:
        """Begin one side of a connection, tell the host, and return its handle.

        Args:
            request: What the initiator asked for.
            role: Of this side.
        """
        # stock: the peripheral is told of an interval, a latency and a timeout that nobody asked for
        own, peer = request.initiator_address, request.advertiser_address
        if role == hci.Role.PERIPHERAL:
            own, peer = peer, own
        handle = self.allocate_connection_handle()
        self.le_connections[peer] = stock.Connection(
            controller=self,
            handle=handle,
            role=role,
            self_address=own,
            peer_address=peer,
            link=self.air,
            transport=PhysicalTransport.LE,
            link_type=hci.HCI_Connection_Complete_Event.LinkType.ACL,
        )
        self.send_hci_packet(
            hci.HCI_LE_Connection_Complete_Event(
                status=hci.HCI_ErrorCode.SUCCESS,
                connection_handle=handle,
                role=role,
                peer_address_type=peer.address_type,
                peer_address=peer,
                connection_interval=request.interval,
                peripheral_latency=request.latency,
                supervision_timeout=request.timeout,
                central_clock_accuracy=0,
            )
        )
        return handle

    def on_hci_disconnect_command(self, command: hci.HCI_Disconnect_Command) -> None:
        """End a connection. Source: Core Specification, Vol 4 Part E 7.1.6."""
        connection = self.find_le_connection_by_handle(command.connection_handle)
        if connection is None:
            # stock: takes the command, and never ends it
            self._send_hci_command_status(hci.HCI_UNKNOWN_CONNECTION_IDENTIFIER_ERROR, command.op_code)
            return
        self._send_hci_command_status(hci.HCI_COMMAND_STATUS_PENDING, command.op_code)
        # stock: raises InvalidArgumentError where the peer is gone, in place of a supervision timeout
        if self.air.is_in_reach(self, connection.handle):
            connection.send_ll_control_pdu(ll.TerminateInd(command.reason))
            # stock: tells its own host the reason that it tells the peer
            self.on_le_disconnected(connection, _LE_TERMINATED_BY_HOST)

    def on_le_disconnected(self, connection: stock.Connection, reason: int) -> None:
        """Tell the host that a connection is over, and forget it."""
        super().on_le_disconnected(connection, reason)
        self.air.part(self, connection.handle)


def _refused() -> hci.HCI_StatusReturnParameters:
    return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.COMMAND_DISALLOWED_ERROR)
