"""A phone worked out by hand: its rolling ids by hashlib alone, its contact log written octet by octet."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256

import pytest

import bluezone_spec
from bluezone_harness.checks.subjects import Rules, Subject
from bluezone_harness.evidence.contact_logs import read_contact_log
from bluezone_harness.evidence.device_files import read_device_file
from bluezone_harness.profiles import profiles_of
from bluezone_harness.verdicts import Result, judge
from bluezone_spec.model import Specification

DAY_MS = 86_400_000
BASE_ID = "4c5224b397f8ab3896781d5aa0f3119f280513f1b592ca280ebded6357e21084"
BASE_DAY_MS = 1_596_844_800_000  # 2020-08-08
POSITIONS = (0, 4, 8, 12, 16, 18, 20, 22, 24, 26, 28, 30)

Rows = Iterable[tuple[int, bytes, bytes]]


def hashed_id(
    time_ms: int, max_per_day: int = 96, base_id: str = BASE_ID, base_day_ms: int = BASE_DAY_MS
) -> bytes:
    """Return the rolling id of an instant, as the published description has it."""
    key = bytes.fromhex(base_id)
    for _ in range((time_ms - base_day_ms) // DAY_MS):
        key = sha256(key).digest()
    subkey = sha256(key + b"bluzonesubkey").digest()
    for _ in range(time_ms % DAY_MS // (DAY_MS // max_per_day)):
        subkey = sha256(subkey).digest()
    return bytes(subkey[position] for position in POSITIONS)


@pytest.fixture(scope="session")
def own_id() -> Callable[..., bytes]:
    """Return a function from an instant (and other than usual settings) to the phone's rolling id."""
    return hashed_id


@pytest.fixture(scope="session")
def export() -> Callable[[Rows], bytes]:
    """Return a function from rows (time in ms, own id, contact id) to the octets of their export."""

    def write(rows: Rows) -> bytes:
        return b"".join(
            b"%s\t%s\t-71\t%d\n" % (own.hex().upper().encode(), contact.hex().upper().encode(), time_ms)
            for time_ms, own, contact in rows
        )

    return write


@pytest.fixture(scope="session")
def good_rows() -> list[tuple[int, bytes, bytes]]:
    """Return two days of good rows, one every ten minutes, from day 1 at 00:07 on."""
    contact = bytes.fromhex("7C3DEC4246EA6F90E38EA254")
    times_ms = [BASE_DAY_MS + DAY_MS + 420_000 + 600_000 * number for number in range(200)]
    return [(time_ms, hashed_id(time_ms), contact) for time_ms in times_ms]


@pytest.fixture(scope="session")
def good_log(good_rows: list[tuple[int, bytes, bytes]], export: Callable[[Rows], bytes]) -> bytes:
    """Return the export of the good rows."""
    return export(good_rows)


@pytest.fixture(scope="session")
def good_device() -> dict[str, object]:
    """Return the phone's device file, in its short form."""
    return {"base_id": BASE_ID, "base_day": "2020-08-08"}


@pytest.fixture(scope="session")
def specification() -> Specification:
    """Return the specification of this repository."""
    return bluezone_spec.load()


@pytest.fixture(scope="session")
def rules(specification: Specification) -> Callable[[str], Rules]:
    """Return a function from the name of a profile to its rules."""
    tolerances = {name: each.value for name, each in specification.tolerances.items()}
    return lambda profile: Rules(profiles_of(specification)[profile], tolerances)


@pytest.fixture(scope="session")
def subject() -> Callable[..., Subject]:
    """Return a function from contact logs (octets), and what a device file says, to a subject."""

    def make(*logs: bytes, device: Mapping[str, object] | None = None) -> Subject:
        read = tuple(read_contact_log(f"log{number}", octets) for number, octets in enumerate(logs))
        if device is None:
            return Subject("phone", None, read)
        return Subject("phone", read_device_file("device.json", json.dumps(device).encode()).devices[0], read)

    return make


@pytest.fixture(scope="session")
def judged(specification: Specification) -> Callable[..., Result]:
    """Return a function that judges contact logs (octets), with what a device file says."""

    def run(*logs: bytes, device: Mapping[str, object] | None = None, profile: str = "v3") -> Result:
        read = [read_contact_log(f"log{number}", octets) for number, octets in enumerate(logs)]
        file = None if device is None else read_device_file("device.json", json.dumps(device).encode())
        return judge(specification, profiles_of(specification)[profile], read, file, "check")

    return run
