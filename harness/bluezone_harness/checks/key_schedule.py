"""Chapter key schedule, as far as a device file shows it: BZ-KEY-001."""

from __future__ import annotations

from bluezone_harness.checks.registry import check
from bluezone_harness.checks.rows import count_text, of_text
from bluezone_harness.checks.subjects import Rules, Subject
from bluezone_harness.findings import Ground, Judgement, Reason, failed, not_observable, passed
from bluezone_harness.observations import Capability
from bluezone_reference.key_schedule import KEY_OCTETS
from bluezone_reference.weak_bases import weakness


@check("BZ-KEY-001", needs=Capability.BASE_ID)
def base_ids_are_not_weak(subject: Subject, rules: Rules) -> Judgement:
    """Judge the base ids of the device file: 32 octets, and none that is listed as weak.

    Nothing that is printed repeats a base id.
    """
    if subject.device is None:
        return not_observable(Reason.EVIDENCE_MISSING, "there is no base id")
    bases = subject.device.bases
    found = [weakness(base.base_id) for base in bases]
    weak = [(index, phrase) for index, phrase in enumerate(found) if phrase is not None]
    if weak:
        grounds = [
            Ground(
                f"base id {index + 1} of {len(bases)} is weak",
                f"{KEY_OCTETS} octets from a cryptographic random source",
                phrase,
                1,
                (),
            )
            for index, phrase in weak
        ]
        return failed(len(bases), len(weak), f"{of_text(len(weak), len(bases), 'base id')} weak", grounds)
    summary = f"{count_text(len(bases), 'base id')} of {KEY_OCTETS} octets, none listed as weak"
    return passed(len(bases), f"{summary}; that the source was random cannot be shown")
