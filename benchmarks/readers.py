"""What is measured in a process of its own: readers of captures, and of one advert. ``capture_reading.py`` runs it.

    python benchmarks/readers.py NAME PATH

It prints how many packets or adverts there were, and the seconds.
"""

from __future__ import annotations

import importlib
import sys
import tempfile
import time
from collections.abc import Callable
from functools import cache
from hashlib import sha256
from pathlib import Path

from made_captures import write

ADVERTS = 20_000
"""Of Android phones, taken apart one by one."""


def read_plain(path: Path) -> int:
    """Read and fold by the plain path."""
    from bluezone_harness.checks.captures import read_capture
    from bluezone_harness.sources import open_source

    with path.open("rb") as file:
        return read_capture(open_source(path.name, file)).packets


def read_bulk(path: Path) -> int:
    """Read and fold by the bulk path, which needs the extra ``fast``."""
    from bluezone_harness.bulk import read_capture_fast

    with path.open("rb") as file:
        found = read_capture_fast(path.name, file)
    if found is None:
        raise SystemExit("the bulk path does not serve this capture")
    return found.packets


def read_dpkt(path: Path) -> int:
    """Cut packets out by dpkt."""
    reader = importlib.import_module("dpkt").pcap.Reader
    with path.open("rb") as file:
        return sum(1 for _ in reader(file))


def read_scapy_raw(path: Path) -> int:
    """Cut packets out by scapy."""
    reader = importlib.import_module("scapy.utils").RawPcapReader
    with reader(str(path)) as packets:
        return sum(1 for _ in packets)


def read_scapy(path: Path) -> int:
    """Dissect packets by scapy."""
    importlib.import_module("scapy.layers.bluetooth")
    reader = importlib.import_module("scapy.utils").PcapReader
    with reader(str(path)) as packets:
        return sum(1 for _ in packets)


@cache
def adverts(*, usual: bool) -> list[bytes]:
    """Return AdvData of Android phones; unless usual, with the service UUID before the id."""
    head, tail = bytes.fromhex("020102"), bytes.fromhex("0303564e")
    made = (bytes.fromhex("0fffb522") + sha256(b"%d" % each).digest()[:12] for each in range(ADVERTS))
    return [head + each + tail if usual else head + tail + each for each in made]


def take_apart(path: Path) -> int:
    """Read adverts as they mostly are."""
    from bluezone_reference.advertisement import decode_advertisement

    for each in adverts(usual=True):
        decode_advertisement(each)
    return ADVERTS


def take_apart_others(path: Path) -> int:
    """Read adverts in another order, which take the long way."""
    from bluezone_reference.advertisement import decode_advertisement

    for each in adverts(usual=False):
        decode_advertisement(each)
    return ADVERTS


def take_apart_by_construct(path: Path) -> int:
    """Read adverts by a general list of AD structures."""
    from bluezone_reference.ad_structures import adv_data_format

    read = adv_data_format().parse
    for each in adverts(usual=True):
        read(each)
    return ADVERTS


MEASURED: dict[str, tuple[str, Callable[[Path], int]]] = {
    "plain": ("bluezone_harness.sources", read_plain),
    "bulk": ("numba", read_bulk),
    "bulk, busy": ("numba", read_bulk),
    "dpkt": ("dpkt", read_dpkt),
    "scapy raw": ("scapy.utils", read_scapy_raw),
    "scapy": ("scapy.layers.bluetooth", read_scapy),
    "one advert": ("bluezone_reference.advertisement", take_apart),
    "one advert, another order": ("bluezone_reference.advertisement", take_apart_others),
    "one advert, construct": ("construct", take_apart_by_construct),
}
"""By name: a module that must be there, and what is measured without its import."""


def measure(name: str, path: Path) -> None:
    """Measure in this process; print how many there were, and the seconds."""
    module, run = MEASURED[name]
    importlib.import_module(module)
    # what is made, imported, or compiled and kept at the first time is not measured
    if path.is_file():
        with tempfile.NamedTemporaryFile() as small:
            write(Path(small.name), 1000)
            run(Path(small.name))
    else:
        run(path)
    before = time.perf_counter()
    count = run(path)
    print(count, time.perf_counter() - before)


if __name__ == "__main__":
    measure(sys.argv[1], Path(sys.argv[2]))
