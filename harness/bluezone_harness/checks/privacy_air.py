"""Requirements of privacy that contact logs and captures both show: BZ-PRV-004, -005, -007.

Each kind of evidence is judged for itself, the logs in ``privacy``, the captures in ``lifetimes``; together they
weigh as the heavier of the two.
"""

from __future__ import annotations

from bluezone_harness.checks.lifetimes import heard_again, heard_lives, heard_weak
from bluezone_harness.checks.privacy import (
    an_id_does_not_come_again,
    an_id_lives_for_its_slot,
    no_id_comes_from_a_weak_base_id,
)
from bluezone_harness.checks.registry import Judge, check
from bluezone_harness.checks.subjects import Rules, Subject
from bluezone_harness.checks.system_scans import or_fields
from bluezone_harness.findings import Judgement, combined
from bluezone_harness.observations import Capability

_AIR = or_fields()
_TRUE_IDS = or_fields(Capability.TRUE_IDS)
_NEEDS = (Capability.RECORDS, *_AIR)


@check("BZ-PRV-004", needs=_NEEDS)
def no_id_lives_too_long(subject: Subject, rules: Rules) -> Judgement:
    """Judge for how long own ids are logged and ids are heard."""
    return _of_both(subject, rules, an_id_lives_for_its_slot, heard_lives)


@check("BZ-PRV-005", needs=_NEEDS)
def no_id_is_used_again(subject: Subject, rules: Rules) -> Judgement:
    """Judge whether own ids are logged, or ids heard, in slots that do not touch, or on two days."""
    return _of_both(subject, rules, an_id_does_not_come_again, heard_again)


@check("BZ-PRV-007", needs=(*_TRUE_IDS, Capability.RECORDS))
def no_id_is_a_weak_one(subject: Subject, rules: Rules) -> Judgement:
    """Look for own ids and ids that were heard among those of the listed weak base ids."""
    return _of_both(subject, rules, no_id_comes_from_a_weak_base_id, heard_weak, _TRUE_IDS)


def _of_both(
    subject: Subject,
    rules: Rules,
    logged: Judge,
    heard: Judge,
    air: tuple[frozenset[Capability], ...] = _AIR,
) -> Judgement:
    shown = subject.capabilities
    judges = (((frozenset({Capability.RECORDS}),), logged), (air, heard))
    return combined(
        [judge(subject, rules) for needs, judge in judges if any(need <= shown for need in needs)]
    )
