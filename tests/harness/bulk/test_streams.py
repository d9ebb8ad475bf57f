"""Files and streams that the bulk path reads from: large, failing, and no more than readable."""

from __future__ import annotations

import io
from collections.abc import Callable
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("numba")

from bluezone_harness import bulk
from bluezone_harness.checks.captures import Capture, read_capture
from bluezone_harness.sources import open_source

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

pytestmark = pytest.mark.req("BZ-ADV-001")

START_US = 1_596_866_191_387_000
Write = Callable[..., bytes]
Read = Callable[[bytes], Capture]


class Failing(io.BytesIO):
    """A file of which a part cannot be read."""

    def __init__(self, file: bytes, good: int) -> None:
        super().__init__(file)
        self._good = good

    def read1(self, size: int | None = -1, /) -> bytes:
        if self.tell() >= self._good:
            raise OSError(5, "Input/output error")
        return super().read(min(size or 0, self._good - self.tell()))

    def readinto1(self, room: WriteableBuffer, /) -> int:
        view = memoryview(room).cast("B")
        octets = self.read1(len(view))
        view[: len(octets)] = octets
        return len(octets)


@pytest.mark.parametrize("good", [200, 500, 140_000])
@pytest.mark.parametrize("form", ["pcap", "pcapng"])
def test_a_disk_that_fails_is_told_as_the_plain_path_does(
    pcap: Write, pcapng: Write, heard: Write, form: str, good: int
) -> None:
    write = {"pcap": pcap, "pcapng": pcapng}[form]
    file = write([(START_US + 1000 * index, heard()) for index in range(4000)])
    expected = read_capture(open_source("air", Failing(file, good)))
    assert bulk.read_capture_fast("air", Failing(file, good)) == expected
    assert "Input/output error" in expected.diagnostics[-1].message


class Asked(io.BytesIO):
    """A file that notes how many octets are asked of it at once."""

    def __init__(self, file: bytes) -> None:
        super().__init__(file)
        self.sizes: list[int] = []

    def readinto1(self, room: WriteableBuffer, /) -> int:
        self.sizes.append(len(memoryview(room)))
        return super().readinto1(room)


def test_a_file_is_asked_for_a_mebibyte_at_once(pcap: Write, heard: Write) -> None:
    # who waits for it is told at each of them how far it is
    file = pcap([(START_US + 1000 * index, heard()) for index in range(40_000)])
    stream = Asked(file)
    found = bulk.read_capture_fast("air", stream)
    assert found is not None
    assert found.sha256 == sha256(file).hexdigest()
    assert set(stream.sizes) == {1024 * 1024}
    assert len(stream.sizes) == 4


class OnlyRead:
    """A stream that offers no more than it must."""

    def __init__(self, file: bytes) -> None:
        self._file = io.BytesIO(file)

    def read(self, count: int = -1, /) -> bytes:
        return self._file.read(min(count, 1000))


def test_a_stream_that_only_reads_will_do(pcap: Write, heard: Write, plain: Read) -> None:
    file = pcap([(START_US + 1000 * index, heard()) for index in range(4000)])
    assert bulk.read_capture_fast("air", OnlyRead(file)) == plain(file)
