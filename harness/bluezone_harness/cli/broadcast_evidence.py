"""The record of a broadcast among the evidence, and the scenario that says how the device under test listened to it.

The record holds the scenario that was played, so that it is enough alone. A scenario that is named is where the record
is looked for, and what it is held to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bluezone_harness.checks.broadcasts import Broadcast
from bluezone_harness.checks.scan_times import ScanSchedule
from bluezone_harness.evidence.contact_log_model import ContactLogEvidence
from bluezone_harness.evidence.errors import EvidenceError
from bluezone_harness.sources.broadcast_records import BroadcastRecord
from bluezone_harness.virtual.scenarios.model import Scenario
from bluezone_harness.virtual.scenarios.reading import read_scenario

from .evidence_inputs import Evidence, read_evidence
from .failures import CallerError
from .inputs import file_name, read_file
from .record_paths import record_beside
from .watching import Watch


@dataclass(frozen=True, slots=True)
class PlayedBroadcast:
    """What was sent while contact logs were made.

    Attributes:
        broadcast: As the checks take it.
        scenario: That was played.
    """

    broadcast: Broadcast
    scenario: Scenario


def played_broadcast(
    pieces: Sequence[Evidence], scenario_path: str | None = None, watch: Watch | None = None
) -> PlayedBroadcast | None:
    """Return the broadcast that contact logs are judged against; ``None``: there is none.

    Args:
        pieces: All the evidence.
        scenario_path: Of the scenario, where one is named: the record beside it counts if none is among the evidence.
        watch: Is told how reading goes on.

    Raises:
        CallerError: There is no record of the scenario, or several, or no contact log.
        EvidenceError: A file cannot be read, or the record is of another scenario.
    """
    records = [each for each in pieces if isinstance(each, BroadcastRecord)]
    if len({each.sha256 for each in records}) > 1:
        raise CallerError(
            "two records of broadcasts are among the evidence: a contact log is judged against one"
        )
    scenario = None
    if scenario_path is not None:
        scenario = read_scenario(file_name(scenario_path), read_file(scenario_path))
        records = records or [_record_beside(scenario_path, watch)]
    if not records:
        return None
    record = records[0]
    if scenario is None:
        scenario = read_scenario(record.name, record.scenario_text.encode())
    elif scenario.sha256 != record.scenario_sha256:
        raise EvidenceError(
            record.name,
            f"it is the record of another scenario than {scenario.name}, or of one that was changed since: give the "
            "record that was kept when it was played",
        )
    if not any(isinstance(each, ContactLogEvidence) for each in pieces):
        raise CallerError(
            f"there is no contact log to judge against {record.name}: give the log that the device exported"
        )
    receiver = scenario.receiver
    scans = ScanSchedule(receiver.scan_on_ms, receiver.scan_off_ms)
    return PlayedBroadcast(Broadcast(record, scans, receiver.max_per_day, scenario.alone), scenario)


def _record_beside(scenario_path: str, watch: Watch | None) -> BroadcastRecord:
    beside = record_beside(scenario_path)
    if not beside.is_file():
        raise CallerError(
            f"there is no record of {file_name(scenario_path)}: give it among EVIDENCE, or beside the scenario as "
            f"{beside.name}"
        )
    for each in read_evidence(str(beside), watch):
        if isinstance(each, BroadcastRecord):
            return each
    raise EvidenceError(
        beside.name, "it is no record of a broadcast: give the one that was kept when it was played"
    )
