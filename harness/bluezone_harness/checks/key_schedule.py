"""Chapter key schedule, as far as device files and captures show it: BZ-KEY-001 to BZ-KEY-006, -008 to -010.

Theory of operation. Of a capture with its device file, one comparison (``heard_slots``), of on-windows and of GATT
reads, says which ids are wrong and what explains them; the explanation names the requirement that is broken. The
other requirements then pass only where ids were heard that support them, and are inconclusive where none were:

==========  ===================================================================================
BZ-KEY-002  a right id
BZ-KEY-003  a right id of day 1 or later
BZ-KEY-004  an id of the schedule, of a slot after the first: its subkey took a further hash
BZ-KEY-005  an id of the schedule
BZ-KEY-006  ids of the right slot, in two slots at least
BZ-KEY-008  nothing supports it: silence before the base day proves nothing
BZ-KEY-009  right ids on two days, or on both sides of a change of ``max``
BZ-KEY-010  ids that all come from the base id
==========  ===================================================================================

Ids that no place in the schedule explains could break any of BZ-KEY-002 to BZ-KEY-006: none of these passes then.
"""

from __future__ import annotations

from collections.abc import Callable

from bluezone_harness.checks.clock import clock_settings
from bluezone_harness.checks.heard_slots import (
    HeardSlots,
    failed_by,
    heard_slots,
    nothing_compared,
    noun_of,
)
from bluezone_harness.checks.hypotheses import Explanation, Heard
from bluezone_harness.checks.lifetimes import heard_weak
from bluezone_harness.checks.registry import check
from bluezone_harness.checks.rows import count_text, of_text
from bluezone_harness.checks.schedules import Slots
from bluezone_harness.checks.subjects import Rules, Subject
from bluezone_harness.checks.system_scans import or_fields
from bluezone_harness.findings import (
    Ground,
    Judgement,
    Reason,
    Verdict,
    combined,
    failed,
    inconclusive,
    not_observable,
    passed,
)
from bluezone_harness.observations import Capability
from bluezone_reference.key_schedule import DAY_MS, KEY_OCTETS, day_start_ms
from bluezone_reference.weak_bases import weakness

_TRUE_IDS = or_fields(Capability.TRUE_IDS)
_AIR_AND_KEY = (
    *or_fields(Capability.TRUE_IDS, Capability.BASE_ID),
    frozenset({Capability.GATT, Capability.TRUE_IDS, Capability.BASE_ID}),
)


# --- BZ-KEY-001 ---


@check("BZ-KEY-001", needs=(*_TRUE_IDS, Capability.BASE_ID))
def base_ids_are_not_weak(subject: Subject, rules: Rules) -> Judgement:
    """Judge the base ids of the device file, or the ids that were heard where there is none, or where they disagree.

    Nothing that is printed repeats a base id.
    """
    if subject.device is None and not subject.captures:
        return not_observable(Reason.EVIDENCE_MISSING, "there is no base id")
    if subject.device is None:
        return heard_weak(subject, rules)
    stated = _stated_bases(subject)
    if not subject.sightings:
        return stated
    heard = heard_weak(subject, rules)
    return combined([stated, heard]) if heard.verdict is Verdict.FAIL else stated


def _stated_bases(subject: Subject) -> Judgement:
    assert subject.device is not None  # noqa: S101 - the caller's choice
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


# --- a capture with its device file ---

_Support = Callable[[HeardSlots], Judgement]


def _answer(subject: Subject, rules: Rules, requirement: str, support: _Support) -> Judgement:
    found = heard_slots(subject, rules)
    if not found.heard:
        return nothing_compared(subject, found)
    causes = [each for each in found.explanations if requirement in each.requirements]
    return failed_by(found, causes) if causes else support(found)


@check("BZ-KEY-002", needs=_AIR_AND_KEY)
def days_are_utc_days(subject: Subject, rules: Rules) -> Judgement:
    """Judge whether ids are those of local time, or of another base day."""

    def support(found: HeardSlots) -> Judgement:
        if found.right and not _foreign(found):
            return passed(len(found.right), f"{_on_windows(found.right)} with ids of their UTC day")
        return _unsupported(found)

    return _answer(subject, rules, "BZ-KEY-002", support)


@check("BZ-KEY-003", needs=_AIR_AND_KEY)
def the_day_key_takes_one_step_a_day(subject: Subject, rules: Rules) -> Judgement:
    """Judge whether ids are those of a day key that took fewer or more steps."""

    def support(found: HeardSlots) -> Judgement:
        later = [each for each in found.right if _day(each) >= 1]
        if later and not _foreign(found):
            days = len({_day(each) for each in later})
            return passed(
                len(later), f"{_on_windows(later)} with ids of {count_text(days, 'day')} after day 0"
            )
        if found.right and not _foreign(found):
            return inconclusive(
                Reason.TOO_SHORT, "right ids were heard on day 0 only, when the day key has taken no step"
            )
        return _unsupported(found)

    return _answer(subject, rules, "BZ-KEY-003", support)


@check("BZ-KEY-004", needs=_AIR_AND_KEY)
def subkeys_are_a_salted_chain(subject: Subject, rules: Rules) -> Judgement:
    """Judge whether ids are those of another salt, or of none."""

    def support(found: HeardSlots) -> Judgement:
        chained = [each for each in found.heard if each.place is not None and each.place.slot >= 1]
        if chained and not _foreign(found):
            return passed(len(chained), f"{_on_windows(chained)} with ids of the chain of subkeys")
        if any(each.place is not None for each in found.heard) and not _foreign(found):
            return inconclusive(
                Reason.TOO_SHORT, "ids of slot 0 only were heard, which takes no further subkey"
            )
        return _unsupported(found)

    return _answer(subject, rules, "BZ-KEY-004", support)


@check("BZ-KEY-005", needs=_AIR_AND_KEY)
def an_id_is_twelve_chosen_octets(subject: Subject, rules: Rules) -> Judgement:
    """Judge whether ids are made of other octets of their subkeys."""

    def support(found: HeardSlots) -> Judgement:
        chosen = [each for each in found.heard if each.place is not None]
        if chosen and not _foreign(found):
            return passed(len(chosen), f"{_on_windows(chosen)} with the right octets of a subkey")
        return _unsupported(found)

    return _answer(subject, rules, "BZ-KEY-005", support)


@check("BZ-KEY-006", needs=_AIR_AND_KEY)
def slots_divide_the_utc_day(subject: Subject, rules: Rules) -> Judgement:
    """Judge whether ids are of the slots in which their on-windows began; one slot alone shows no boundary."""

    def support(found: HeardSlots) -> Judgement:
        placed = [each for each in found.heard if each.right or _in_own_slot(each)]
        slots = {each.window.rolling_id for each in placed}
        if subject.fields_from and not all(each.is_late for each in found.explanations):
            return inconclusive(
                Reason.EVIDENCE_MISSING,
                "ids of the slot before were told, and a system's scanner does not tell when their on-windows began",
                judged=len(placed),
            )
        if len(slots) >= 2 and not _foreign(found):
            return passed(
                len(placed), f"{_on_windows(placed)} in {count_text(len(slots), 'slot')}{_offset_text(found)}"
            )
        if placed and not _foreign(found):
            return inconclusive(Reason.NO_ROTATION, "ids of one slot only were heard", judged=len(placed))
        return _unsupported(found)

    return _answer(subject, rules, "BZ-KEY-006", support)


@check("BZ-KEY-008", needs=_AIR_AND_KEY)
def nothing_is_sent_before_the_base_day(subject: Subject, rules: Rules) -> Judgement:
    """Look for ids that were sent before the base day."""
    return _answer(
        subject,
        rules,
        "BZ-KEY-008",
        lambda found: not_observable(
            Reason.EVIDENCE_MISSING, "no id was heard before the base day, and silence proves nothing"
        ),
    )


@check("BZ-KEY-009", needs=_AIR_AND_KEY)
def ids_follow_clock_and_max(subject: Subject, rules: Rules) -> Judgement:
    """Judge whether ids are those of another day's list, or of a ``max`` that no longer holds."""

    def support(found: HeardSlots) -> Judgement:
        days = {_day(each) for each in found.right}
        changes = Slots(subject.device, rules.profile).changes_ms
        times = [each.time_ms for each in found.right]
        across = [change_ms for change_ms in changes if times and min(times) < change_ms <= max(times)]
        if _foreign(found) or not found.right:
            return _unsupported(found)
        heard_ms = [each.window.first_ms for each in found.right]
        settings = clock_settings(subject.captures, subject.label).times_ms
        set_within = [set_ms for set_ms in settings if heard_ms and min(heard_ms) < set_ms <= max(heard_ms)]
        if len(days) < 2 and not across and not set_within:
            return inconclusive(
                Reason.TOO_SHORT, "right ids were heard over no midnight and no change of max or of the clock"
            )
        over = [count_text(len(days), "day")]
        if across:
            over.append(count_text(len(across), "change") + " of max")
        if set_within:
            over.append(count_text(len(set_within), "change") + " of the clock")
        return passed(
            len(found.right), f"{_on_windows(found.right)} with right ids, over {' and '.join(over)}"
        )

    return _answer(subject, rules, "BZ-KEY-009", support)


@check("BZ-KEY-010", needs=_AIR_AND_KEY)
def ids_come_from_the_stored_base_id(subject: Subject, rules: Rules) -> Judgement:
    """Look for ids that the device file's base ids do not explain."""

    def support(found: HeardSlots) -> Judgement:
        own = [each for each in found.heard if each.place is not None]
        if len(own) != len(found.heard):
            return _unsupported(found)
        if subject.strangers and _base_day_missed(subject, found):
            # F-14: whoever sent the ids of another base id then cannot be told from a stranger
            return inconclusive(
                Reason.DEVICE_NOT_IDENTIFIED,
                f"{_on_windows(own)} with ids of the device file's base id, but none on the base day, on which "
                "other phones were heard",
            )
        return passed(len(own), f"{_on_windows(own)} with ids of the device file's base id")

    return _answer(subject, rules, "BZ-KEY-010", support)


def _base_day_missed(subject: Subject, found: HeardSlots) -> bool:
    """Tell whether a base day lies in the captures, and nothing of the phone was heard on it."""
    if subject.device is None or subject.window is None:
        return False
    from_ms, until_ms = (time_us // 1000 for time_us in subject.window)
    heard_on = {day_start_ms(each.time_ms) for each in found.heard}
    return any(
        base.base_day_ms < until_ms
        and from_ms < base.base_day_ms + DAY_MS
        and base.base_day_ms not in heard_on
        for base in subject.device.bases
    )


def _day(heard: Heard) -> int:
    return (day_start_ms(heard.time_ms) - heard.base_day_ms) // DAY_MS


def _in_own_slot(heard: Heard) -> bool:
    """Tell whether an id is of the slot that it must be of, be it of another day."""
    return heard.place is not None and heard.expected is not None and heard.place.slot == heard.expected.slot


def _foreign(found: HeardSlots) -> bool:
    """Tell whether ids were heard that belong nowhere in the schedule."""
    return any(each.place is None for each in found.heard)


def _unsupported(found: HeardSlots) -> Judgement:
    causes: list[Explanation] = list(found.explanations)
    text = f": {causes[0].text}" if causes else ""
    wrong = sum(len(each.heard) for each in causes)
    return inconclusive(
        Reason.EVIDENCE_MISSING,
        f"{of_text(wrong, len(found.heard), noun_of(found.heard))} with ids that do not show it{text}",
    )


def _on_windows(heard: list[Heard] | tuple[Heard, ...]) -> str:
    return count_text(len(heard), noun_of(heard))


def _offset_text(found: HeardSlots) -> str:
    if not found.offset_ms:
        return ""
    direction = "ahead of" if found.offset_ms > 0 else "behind"
    return f"; the phone's clock is about {abs(found.offset_ms) / 1000:.1f} s {direction} the receiver's"
