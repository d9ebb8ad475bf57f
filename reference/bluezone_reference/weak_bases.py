"""Base ids that no cryptographic random source would have given.

Only what is listed can be found: a base id that is not listed is not therefore random. Source: BZ-KEY-001, BZ-PRV-007.
"""

from __future__ import annotations

from collections.abc import Iterator

from .key_schedule import KEY_OCTETS

_LCG_FACTOR = 0x5DEECE66D
_LCG_ADDEND = 0xB
_LCG_MASK = (1 << 48) - 1


def weak_base_ids() -> tuple[tuple[str, bytes], ...]:
    """Return the listed weak base ids that can be counted out: name and octets, the empty one first."""
    named = [("empty", b"")]
    for first in range(256):
        named.append((f"all octets {first:#04x}", bytes([first]) * KEY_OCTETS))
        named.append((f"counting up from {first:#04x}", _counting(first, 1)))
        named.append((f"counting down from {first:#04x}", _counting(first, -1)))
    return tuple(named)


def weakness(base_id: bytes) -> str | None:
    """Name what is weak about a base id.

    Args:
        base_id: Of any length.

    Returns:
        A phrase for people, or ``None`` where it is none of the listed. ``None`` proves nothing.
    """
    if not base_id:
        return "empty"
    if len(base_id) != KEY_OCTETS:
        return f"{len(base_id)} octets instead of {KEY_OCTETS}"
    if base_id == base_id[:1] * KEY_OCTETS:
        return f"all octets {base_id[0]:#04x}"
    for step, direction in ((1, "up"), (-1, "down")):
        if base_id == _counting(base_id[0], step):
            return f"counting {direction} from {base_id[0]:#04x}"
    if _from_java_random(base_id):
        return "output of java.util.Random, which its first eight octets foretell"
    return None


def _counting(first: int, step: int) -> bytes:
    return bytes((first + step * index) % 256 for index in range(KEY_OCTETS))


def _from_java_random(base_id: bytes) -> bool:
    """Say whether ``java.util.Random.nextBytes`` wrote these octets, whatever its seed.

    Each little-endian word is the upper 32 bits of a 48-bit linear congruential state. The first two words leave a few
    states to try, and the other six decide. Source: F-22; the Java platform's documented generator.
    """
    words = [int.from_bytes(base_id[at : at + 4], "little") for at in range(0, KEY_OCTETS, 4)]
    for state in _states(words[0], words[1]):
        for word in words[1:]:
            state = _next(state)
            if state >> 16 != word:
                break
        else:
            return True
    return False


def _states(first: int, second: int) -> Iterator[int]:
    """Yield the states of which the upper 32 bits are the first word, and the next one's may be the second.

    With the lower 16 bits x of the first state, factor * x + c lies in an interval of 65 536 that begins at the second
    word, modulo 2**48. The factor is greater than that, so that each turn of the modulus leaves one x at most.
    """
    wanted = (second << 16) - _next(first << 16) & _LCG_MASK
    # an interval may begin below 0
    for turn in range(-1, (_LCG_FACTOR << 16 >> 48) + 1):
        low = -(-(wanted + (turn << 48)) // _LCG_FACTOR)
        if 0 <= low < 1 << 16:
            yield first << 16 | low


def _next(state: int) -> int:
    return state * _LCG_FACTOR + _LCG_ADDEND & _LCG_MASK
