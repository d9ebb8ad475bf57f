"""Device addresses, turned from the order of the air into that of people; a phone sends its own hundreds of times."""

from __future__ import annotations

from bluezone_harness.observations import AddressType, random_address_type

KEPT = 4096
"""Addresses of each kind that are remembered."""

_Known = tuple[bytes, AddressType]


class AddressCache:
    """Turns addresses round, and remembers those it has turned; its memory is bounded."""

    def __init__(self) -> None:
        self._random: dict[bytes, _Known] = {}
        self._public: dict[bytes, _Known] = {}

    def random(self, octets: bytes) -> _Known:
        """Return a random address and its type.

        Args:
            octets: 6, the least significant first, as on the air.
        """
        known = self._random.get(octets)
        if known is None:
            address = octets[::-1]
            known = address, random_address_type(address)
            self._remember(self._random, octets, known)
        return known

    def public(self, octets: bytes) -> _Known:
        """Return a public address and its type.

        Args:
            octets: 6, the least significant first, as on the air.
        """
        known = self._public.get(octets)
        if known is None:
            known = octets[::-1], AddressType.PUBLIC
            self._remember(self._public, octets, known)
        return known

    def _remember(self, kept: dict[bytes, _Known], octets: bytes, known: _Known) -> None:
        if len(kept) >= KEPT:
            kept.clear()
        kept[octets] = known
