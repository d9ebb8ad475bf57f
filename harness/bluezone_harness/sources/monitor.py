"""Packets of several hosts, as Linux's monitor of Bluetooth writes them: link type 254, and btsnoop of datalink 2001.

A packet begins with the index of an adapter and what follows (2 octets each, the most significant first); what
follows is an HCI packet without the octet of H4 that tells its kind, or a note of the monitor. Sources:
LINKTYPE_BLUETOOTH_LINUX_MONITOR; the monitor's interface of Linux, ``HCI_MON_*``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from struct import Struct

from bluezone_harness.observations import Capability, Extent, Observation

from .addresses import AddressCache
from .hci import ACL, COMMAND, DIRECTION_OCTETS, EVENT, RECEIVED, SENT, HciDecoder
from .packets import Missing, Unread, merge, together

MOST_ADAPTERS = 64
"""Adapters whose connections are followed at once; the first known gives way."""

_HEADER = Struct(">HH")
_KINDS = {
    2: SENT + bytes([COMMAND]),
    3: RECEIVED + bytes([EVENT]),
    4: SENT + bytes([ACL]),
    5: RECEIVED + bytes([ACL]),
}
"""By what the monitor calls them: direction and kind of the packets that are read."""
_NEW_ADAPTER = 0
_GONE_ADAPTER = 1

_MALFORMED = (Unread.MALFORMED,)


class MonitorDecoder:
    """Reads the packets of one monitor; each adapter is a receiver such as ``hci0``."""

    def __init__(self) -> None:
        self._addresses = AddressCache()
        self._adapters: dict[int, HciDecoder] = {}
        self._given_way: list[Mapping[Capability, Extent]] = []
        self._missing: list[Missing] = []

    @property
    def capabilities(self) -> Mapping[Capability, Extent]:
        """Those of a host, of each adapter that reported something."""
        shown = [*self._given_way, *(each.capabilities for each in self._adapters.values())]
        return merge(shown or [HciDecoder().capabilities])

    @property
    def missing(self) -> Missing:
        """What is not whole of any adapter."""
        return together([*self._missing, *(each.missing for each in self._adapters.values())])

    def decode(
        self, number: int, time_us: int, receiver: str, packet: bytes
    ) -> Sequence[Observation | Unread]:
        """Return what the packet of an adapter says; none of the monitor's notes."""
        if len(packet) < _HEADER.size:
            return _MALFORMED
        index, kind = _HEADER.unpack_from(packet)
        if kind in (_NEW_ADAPTER, _GONE_ADAPTER) and index in self._adapters:
            self._adapters[index].forget()
        start = _KINDS.get(kind)
        if start is None:
            return ()
        adapter = self._adapters.get(index)
        if adapter is None:
            if len(self._adapters) >= MOST_ADAPTERS:
                gone = self._adapters.pop(next(iter(self._adapters)))
                self._given_way = [merge([*self._given_way, gone.capabilities])]
                self._missing = [together([*self._missing, gone.missing])]
            adapter = self._adapters[index] = HciDecoder(DIRECTION_OCTETS, self._addresses)
        name = f"{receiver} hci{index}" if receiver else f"hci{index}"
        return adapter.decode(number, time_us, name, start + packet[_HEADER.size :])
