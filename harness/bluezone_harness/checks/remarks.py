"""What is noticed and stated, without being judged."""

from __future__ import annotations

from collections.abc import Iterator

from bluezone_harness.checks.schedules import Slots
from bluezone_harness.checks.subjects import Rules, Subject
from bluezone_harness.evidence.contact_log_model import ContactLogEvidence
from bluezone_harness.observations import Diagnostic, Severity, duration_text
from bluezone_reference.key_schedule import slots_from_setting

_NEAR_MS = 200
"""How near to the delay of late delivery a pause lies that it makes; captured ones last 9.95 to 10.15 s."""
_LEAST = 3
"""Fewer pauses of that length say nothing."""


def remarks(subject: Subject, rules: Rules) -> tuple[Diagnostic, ...]:
    """State what a reader of the verdicts should know of a subject's evidence."""
    return (
        *_settings_not_taken(subject, rules),
        *_late_deliveries(subject, rules),
        *_long_contact_ids(subject, rules),
        *_others_heard(subject),
        *_clock(subject),
    )


def _settings_not_taken(subject: Subject, rules: Rules) -> Iterator[Diagnostic]:
    """State each ``max`` of the device file in whose place a phone takes the default (BZ-KEY-007)."""
    if subject.device is None or rules.profile.key_schedule is None:
        return
    for setting in subject.device.max_settings:
        count = slots_from_setting(setting.value, rules.profile)
        if count != setting.value:
            message = f"max is not one that a phone may use (BZ-KEY-007): judged with the default, {count}"
            yield Diagnostic(subject.label, None, Severity.WARNING, message)


def _late_deliveries(subject: Subject, rules: Rules) -> Iterator[Diagnostic]:
    """State where many pauses between rows of one contact id last as long as late delivery is (F-28)."""
    delay_ms = rules.tolerances["late_delivery"]
    for log in subject.record_logs:
        pauses_ms = _pauses_ms(log)
        late = sum(abs(pause_ms - delay_ms) <= _NEAR_MS for pause_ms in pauses_ms)
        if late >= _LEAST:
            length = duration_text(delay_ms)
            message = (
                f"{late} of {len(pauses_ms)} pauses between rows of one contact id last about {length}, "
                f"as late delivery makes them (F-28): times may be up to {length} late"
            )
            yield Diagnostic(log.name, None, Severity.INFO, message)


def _long_contact_ids(subject: Subject, rules: Rules) -> Iterator[Diagnostic]:
    """State where contact ids live longer than BZ-PRV-004 allows: other phones sent them, or a cache kept them."""
    limit_ms = Slots(None, rules.profile).longest_ms(0, 0) + sum(
        rules.tolerances[name] for name in ("foreground_window", "late_delivery")
    )
    for log in subject.record_logs:
        times: dict[bytes, list[int]] = {}
        for row in log.rows:
            times.setdefault(row.record.contact_id, []).append(row.record.time_ms)
        long = sum(max(each) - min(each) > limit_ms for each in times.values())
        if long:
            message = (
                f"{long} of {len(times)} contact ids were logged for longer than {duration_text(limit_ms)}; "
                f"whether their senders or this phone's cache (F-19) did so, a contact log does not tell"
            )
            yield Diagnostic(log.name, None, Severity.INFO, message)


def _others_heard(subject: Subject) -> Iterator[Diagnostic]:
    """State who else was heard: strangers are counted, and never judged."""
    if subject.device is not None and subject.strangers:
        message = (
            f"{subject.strangers} other Bluezone senders were heard and not judged; a phone whose address and id "
            "change together counts again each time"
        )
        yield Diagnostic(subject.label, None, Severity.INFO, message)
    elif subject.device is None and subject.sightings and not subject.alone:
        message = "several Bluezone phones were heard, and all of them are judged: a device file says which is meant"
        yield Diagnostic(subject.label, None, Severity.INFO, message)


def _clock(subject: Subject) -> Iterator[Diagnostic]:
    """State a clock offset."""
    if subject.clock_offset_ms:
        side = "ahead of" if subject.clock_offset_ms > 0 else "behind"
        length = duration_text(abs(subject.clock_offset_ms))
        message = f"the phone's clock is about {length} {side} the receiver's, which is allowed for"
        yield Diagnostic(subject.label, None, Severity.INFO, message)


def _pauses_ms(log: ContactLogEvidence) -> list[int]:
    last: dict[bytes, int] = {}
    pauses_ms: list[int] = []
    for row in log.rows:
        if row.record.contact_id in last:
            pauses_ms.append(row.record.time_ms - last[row.record.contact_id])
        last[row.record.contact_id] = row.record.time_ms
    return pauses_ms
