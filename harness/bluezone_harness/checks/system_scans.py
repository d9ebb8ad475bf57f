"""What may be said of captures that an operating system's scanner made: fields in place of octets.

Theory of operation. What such a scanner tells was sent: ids and addresses are true. What it does not tell may have been
sent all the same. It repeats nothing that did not change, puts adverts and scan responses together, remembers, and
tells a little later than it heard. So a check may use fields where an id or an address decides, and a failure that they
show stands; but where it takes silence to pass (an id that was not sent any longer) nothing passes by them. Checks of
the octets themselves, and of when something began, never see them.

Beside a capture of octets the two are kept apart: such checks are asked about the octets alone.

Source: decision 0019, with the reason of each check.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import lru_cache

from bluezone_harness.checks.frames import frame_of
from bluezone_harness.checks.registry import Check
from bluezone_harness.checks.subjects import Rules, Subject
from bluezone_harness.findings import Judgement, Reason, Verdict, inconclusive
from bluezone_harness.observations import Capability, tells_fields
from bluezone_harness.sightings import Sighting, those

BY_SILENCE = frozenset({"BZ-ADV-005", "BZ-PRV-003", "BZ-PRV-004", "BZ-PRV-005", "BZ-PRV-009"})
"""What passes only where something was not sent, or no longer."""
_OF_IDS = BY_SILENCE - {"BZ-PRV-003"}
"""Those of ids: where ids were read by GATT and none was told, a system's scanner hides nothing."""
_AD = frozenset({Capability.RAW_AD, Capability.AD_FIELDS})


def or_fields(*need: Capability) -> tuple[frozenset[Capability], frozenset[Capability]]:
    """Return a need of octets among others, and the same with fields in their place, for ``@check``.

    Args:
        need: What the check needs beside AdvData.
    """
    return frozenset({Capability.RAW_AD, *need}), frozenset({Capability.AD_FIELDS, *need})


def takes_fields(check: Check) -> bool:
    """Tell whether a check may be asked about fields."""
    return any(Capability.AD_FIELDS in need for need in check.needs)


def judged(check: Check, subject: Subject, rules: Rules) -> Judgement:
    """Ask a check about what it may see of a subject.

    Args:
        check: Which; the subject shows what it needs.
        subject: Whom.
        rules: By which it judges.
    """
    if not subject.fields_from or not any(need & _AD for need in check.needs):
        return check.judge(subject, rules)
    if not takes_fields(check):
        return check.judge(_of_octets(subject), rules)
    found = check.judge(subject, rules)
    if check.requirement not in BY_SILENCE or found.verdict is not Verdict.PASS:
        return found
    if check.requirement in _OF_IDS and not told_ids(subject):
        return found
    octets = _of_octets(subject)
    if octets.captures and not check.missing(octets.capabilities):
        return check.judge(octets, rules)
    return inconclusive(
        Reason.EVIDENCE_MISSING,
        f"a system's scanner does not tell all that is sent, and nothing is wrong in what it told: {found.summary}",
        judged=found.judged,
    )


@lru_cache(maxsize=4)
def told_ids(subject: Subject) -> frozenset[bytes]:
    """Return the ids of adverts that a system's scanner told, and not those that were read by GATT."""
    ids = {frame_of(each).id_octets for each in subject.sightings if each.source in subject.fields_from}
    return frozenset(each for each in ids if each is not None)


def told_in_full(
    subject: Subject, sightings: Iterable[Sighting], has: Callable[[Sighting], bool]
) -> Callable[[Sighting], bool]:
    """Return a function that tells of a sighting whether it lacks nothing that a scanner may not have told yet.

    A system tells piece by piece: what an address lacks counts if it lacks it in each report, of several.

    Args:
        subject: Whose sightings.
        sightings: All that are judged.
        has: Tells whether what is asked for is there.
    """
    without: Counter[bytes | None] = Counter()
    known: set[bytes | None] = set()
    for each in sightings:
        if has(each):
            known.add(each.address)
        else:
            without[each.address] += each.count
    late = subject.fields_from
    return lambda each: (
        each.source not in late or has(each) or (each.address not in known and without[each.address] > 1)
    )


@lru_cache(maxsize=4)
def _of_octets(subject: Subject) -> Subject:
    """Return a subject with what captures of octets show of it, alone."""
    return replace(
        subject,
        captures=tuple(each for each in subject.captures if not tells_fields(each.capabilities)),
        sightings=those(subject.sightings, lambda each: each.source not in subject.fields_from),
    )
