"""Which address a virtual phone sends from: new at each start of advertising, or otherwise.

An address policy is a function of the time of a start and the id that is sent from then on. The hash of a resolvable
private address is drawn like the rest of it: there is no key that resolves it, and none is needed.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from bluezone_harness.observations import AddressType

Addresses = Callable[[int, bytes], tuple[bytes, AddressType]]
"""From the time of a start in ms, and the id, to an address and its type."""


def resolvable(random: Random) -> bytes:
    """Draw a resolvable private address. Source: Core Specification, Vol 6 Part B 1.3.2.2."""
    octets = random.randbytes(6)
    return bytes([0x40 | octets[0] & 0x3F]) + octets[1:]


def static(random: Random) -> bytes:
    """Draw a static address. Source: Core Specification, Vol 6 Part B 1.3.2.1."""
    octets = random.randbytes(6)
    return bytes([0xC0 | octets[0]]) + octets[1:]


def new_at_each_start(random: Random) -> Addresses:
    """Take a new resolvable private address at each start, as Android does."""
    return lambda time_ms, rolling_id: (resolvable(random), AddressType.RESOLVABLE)
