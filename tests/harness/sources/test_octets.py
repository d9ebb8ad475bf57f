"""The window over a file or pipe: what is held, what is hashed, what is said when it fails."""

from __future__ import annotations

import io
import os
from hashlib import sha256
from typing import BinaryIO, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_harness.sources.octets import READ_OCTETS, OctetStream

pytestmark = pytest.mark.req("BZ-ADV-001")


class Slow(io.RawIOBase):
    """Gives a few octets at a time, then fails if it is told to."""

    def __init__(self, octets: bytes, step: int, failure: OSError | None = None) -> None:
        self._octets = octets
        self._step = step
        self._failure = failure

    def read(self, size: int = -1) -> bytes:
        given, self._octets = self._octets[: self._step], self._octets[self._step :]
        if not given and self._failure:
            raise self._failure
        return given


def stream_of(raw: io.RawIOBase) -> OctetStream:
    return OctetStream(cast("BinaryIO", raw))


@given(st.binary(max_size=300), st.integers(1, 50), st.lists(st.tuples(st.booleans(), st.integers(0, 80))))
def test_it_moves_over_all_octets(octets: bytes, step: int, moves: list[tuple[bool, int]]) -> None:
    stream = stream_of(Slow(octets, step))
    offset = 0
    for keep, count in moves:
        assert stream.offset == offset
        there = len(octets) - offset >= count
        if keep:
            assert stream.ensure(count) is there
            seen = stream.buffer[stream.position : stream.position + count]
            assert seen == octets[offset : offset + count]
            if there:
                stream.position += count
                offset += count
            else:
                assert stream.rest == len(octets) - offset
        else:
            assert stream.skip(count) is there
            offset += count if there else len(octets) - offset
    stream.read_rest()
    assert stream.offset == len(octets)
    assert stream.sha256 == sha256(octets).hexdigest()
    assert not stream.ensure(1)


def test_what_was_read_is_not_kept() -> None:
    stream = OctetStream(io.BytesIO(bytes(20 * READ_OCTETS)))
    held = 0
    while stream.ensure(1000):
        held = max(held, len(stream.buffer))
        stream.position += 1000
    assert held <= READ_OCTETS + 1000
    assert READ_OCTETS <= 256 * 1024
    assert stream.skip(stream.rest)
    assert stream.offset == 20 * READ_OCTETS


def test_a_failure_of_the_system_is_an_end_with_a_reason() -> None:
    stream = stream_of(Slow(b"abc", 2, OSError(5, "Input/output error")))
    assert not stream.ensure(4)
    assert (stream.failure, stream.rest) == ("Input/output error", 3)
    assert not stream.ensure(4)
    assert stream.ensure(3)
    assert stream.sha256 == sha256(b"abc").hexdigest()
    nameless = stream_of(Slow(b"", 2, OSError()))
    assert not nameless.ensure(1)
    assert nameless.failure == "it cannot be read further"


def test_a_pipe_gives_what_is_there() -> None:
    reading, writing = os.pipe()
    with open(reading, "rb") as pipe, open(writing, "wb", buffering=0) as pen:
        stream = OctetStream(pipe)
        pen.write(b"first")
        assert stream.ensure(5)  # and does not wait for a whole chunk
        pen.write(b"second")
        assert stream.ensure(11)
        pen.close()
        assert not stream.ensure(12)
    assert stream.sha256 == sha256(b"firstsecond").hexdigest()
