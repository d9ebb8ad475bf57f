"""Which SHA-256 the key schedule should use: hashlib's or that of ``cryptography``.

The work is the schedule's own: chains in which each value of 32 octets is the digest of the one before. Both
hands do the same chain in turns, so that a busy machine hurts both; the best turn of each counts, as it was
disturbed least.
The two ends are compared first: a benchmark of wrong answers would be worth nothing.

    python benchmarks/sha256.py [--hashes N] [--turns N]

``cryptography`` is no dependency of the project; install it beside for this one run.
"""

from __future__ import annotations

import argparse
import hashlib
import platform
import time
from collections.abc import Callable

import cryptography
from cryptography.hazmat.primitives import hashes

START = bytes(32)


def chain_by_hashlib(count: int) -> bytes:
    """Return the end of a chain of ``count`` SHA-256 by hashlib, from 32 zero octets."""
    sha256 = hashlib.sha256
    value = START
    for _ in range(count):
        value = sha256(value).digest()
    return value


def chain_by_cryptography(count: int) -> bytes:
    """Return the end of the same chain by ``cryptography``."""
    algorithm = hashes.SHA256()
    value = START
    for _ in range(count):
        digest = hashes.Hash(algorithm)
        digest.update(value)
        value = digest.finalize()
    return value


def nanoseconds_a_hash(chain: Callable[[int], bytes], count: int) -> float:
    """Return how long one hash of a chain of ``count`` took, in nanoseconds."""
    before = time.perf_counter_ns()
    chain(count)
    return (time.perf_counter_ns() - before) / count


def main() -> None:
    """Measure both in turns and print the figures and their ratio."""
    parser = argparse.ArgumentParser(description="SHA-256 chains: hashlib against cryptography")
    parser.add_argument(
        "--hashes", type=int, default=97 * 365, help="length of a chain (default: a year's ids)"
    )
    parser.add_argument("--turns", type=int, default=15, help="turns of each hand")
    asked = parser.parse_args()
    if chain_by_hashlib(1000) != chain_by_cryptography(1000):
        raise SystemExit("the two do not agree")
    best: dict[Callable[[int], bytes], float] = {}
    for _ in range(asked.turns):
        for chain in (chain_by_hashlib, chain_by_cryptography):
            taken = nanoseconds_a_hash(chain, asked.hashes)
            best[chain] = min(taken, best.get(chain, taken))
    ours, theirs = best[chain_by_hashlib], best[chain_by_cryptography]
    print(
        f"Python {platform.python_version()}, cryptography {cryptography.__version__}, {platform.machine()}"
    )
    print(f"{asked.turns} turns of {asked.hashes} hashes of 32 octets, the best turn of each")
    print(f"hashlib      {ours:7.0f} ns a hash")
    print(f"cryptography {theirs:7.0f} ns a hash")
    print(f"ratio        {theirs / ours:7.2f} (above 1: hashlib is faster)")


if __name__ == "__main__":
    main()
