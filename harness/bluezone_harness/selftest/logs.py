"""Faulty contact logs against the checks of contact logs.

Theory of operation. A seed draws a base id; two days of its own ids make a good log, the control, as an export and as
a database. Each fault of the registry is planted into it, and the log judged as ``bzc check`` does it, with the phone's
device file where the fault is to be found with it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from random import Random

from bluezone_harness.evidence.contact_logs import read_contact_log
from bluezone_harness.evidence.device_files import read_device_file
from bluezone_harness.findings import Verdict
from bluezone_harness.observations import instant_text
from bluezone_harness.profiles import profiles_of
from bluezone_harness.verdicts import judge
from bluezone_harness.virtual.contact_logs import FIRST_DAY_MS
from bluezone_harness.virtual.log_faults import LOG_FAULTS, GoodLog, LogFault, LogRow, database_of
from bluezone_reference.contact_log import Record, encode_data_trace
from bluezone_reference.key_schedule import DAY_MS, ID_OCTETS, KEY_OCTETS, id_at
from bluezone_reference.profiles import V3
from bluezone_spec.model import Specification

from .kills import Part, Planted, Trial, of_verdict

_FIRST_ROW_MS = 420_000
_BETWEEN_ROWS_MS = 600_000
_ROWS = 200
_RSSI = -71


def planted_of(fault: LogFault) -> Planted:
    """Return a log fault as a fault of the matrix."""
    return Planted(Part.LOGS, fault.name, fault.requirement, fault.text, fault.fault)


def good_log(seed: int) -> GoodLog:
    """Return two days of good rows, one every ten minutes, from day 1 at 00:07 on."""
    random = Random(f"{seed}-log")  # noqa: S311 - a simulation, and no base id of anybody
    base_id, contact = random.randbytes(KEY_OCTETS), random.randbytes(ID_OCTETS)

    def own_id(time_ms: int, base: bytes) -> bytes:
        return id_at(base, FIRST_DAY_MS, time_ms).rolling_id

    def export(rows: Iterable[LogRow]) -> bytes:
        return encode_data_trace([Record(own, other, _RSSI, time_ms) for time_ms, own, other in rows])

    first_ms = FIRST_DAY_MS + DAY_MS + _FIRST_ROW_MS
    times_ms = range(first_ms, first_ms + _ROWS * _BETWEEN_ROWS_MS, _BETWEEN_ROWS_MS)
    rows = tuple((time_ms, own_id(time_ms, base_id), contact) for time_ms in times_ms)
    return GoodLog(base_id, FIRST_DAY_MS, rows, own_id, export)


def log_trials(
    specification: Specification, seed: int, faults: Iterable[LogFault] = tuple(LOG_FAULTS.values())
) -> Iterator[Trial]:
    """Yield the control and then a trial of each log fault.

    Args:
        specification: By which is judged.
        seed: Draws the phone.
        faults: Which to try.
    """
    log = good_log(seed)
    judged = _judge(specification, log)
    for has_key in (True, False):
        for kind, octets in (("export", log.octets), ("database", database_of(log.rows))):
            yield Trial(Part.LOGS, None, f"{kind}, {_given(has_key, seed)}", *judged(octets, has_key))
    for fault in faults:
        found = judged(fault.plant(log), fault.has_key)
        yield Trial(Part.LOGS, planted_of(fault), _given(fault.has_key, seed), *found)


def _given(has_key: bool, seed: int) -> str:
    return f"{'with' if has_key else 'without'} the device file, seed {seed}"


def _judge(
    specification: Specification, log: GoodLog
) -> Callable[[bytes, bool], tuple[frozenset[str], frozenset[str]]]:
    """Return a function from a log, and whether its device file is there, to the requirements that fail and pass."""
    device = {"base_id": log.base_id.hex(), "base_day": instant_text(log.base_day_ms)[:10]}
    file = read_device_file("device.json", json.dumps(device).encode())
    profile = profiles_of(specification)[V3.name]

    def judged(octets: bytes, has_key: bool) -> tuple[frozenset[str], frozenset[str]]:
        read = [read_contact_log("data_trace.txt", octets)]
        result = judge(specification, profile, read, file if has_key else None, "selftest")
        return of_verdict(result, Verdict.FAIL), of_verdict(result, Verdict.PASS)

    return judged
