"""Chapter receiver, as far as a contact log shows it: BZ-RCV-002."""

from __future__ import annotations

from bluezone_harness.checks.registry import check
from bluezone_harness.checks.rows import count_text, located_rows, of_rows, of_text
from bluezone_harness.checks.subjects import Rules, Subject
from bluezone_harness.findings import Judgement, Reason, failed, ground, not_observable
from bluezone_harness.observations import Capability


@check("BZ-RCV-002", needs=Capability.RECORDS)
def no_contact_id_has_another_length(subject: Subject, rules: Rules) -> Judgement:
    """Judge the length of contact ids.

    A contact log shows what was logged, not what was on the air: it can fail this requirement, and cannot
    pass it.
    """
    octets = rules.profile.advertisement.id_octets
    rows = located_rows(subject)
    others = [(log, row) for log, row in rows if len(row.record.contact_id) != octets]
    if others:
        length = len(others[0][1].record.contact_id)
        found = ground(
            f"{count_text(len(others), 'contact id')} of another length",
            f"a contact id of {octets} octets",
            f"{length} octets",
            of_rows(others),
        )
        return failed(
            len(rows),
            len(others),
            f"{of_text(len(others), len(rows), 'contact id')} too long or short",
            [found],
        )
    return not_observable(Reason.EVIDENCE_MISSING, "a contact log alone does not show what was on the air")
