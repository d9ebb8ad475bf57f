"""Whether a log shows that repeats were told by whole seconds (F-20): BZ-LOG-002.

Theory of operation. A phone that cuts both instants to whole seconds records a contact id again when a little more than
4 s have passed: never too soon by more than the tolerance ``log_clock``, so that no pause alone shows it. But it does
so only just after a second has begun, for that is when the count of seconds changes. Two readings of the clock, for
which the tolerance is there, know nothing of seconds: of the rows that come too soon, each lies in the first or the
second half of its second with even odds. Where adverts are delivered every second, and repeats told by the time of
delivery, rows come just after each delivery instead: so the first of these rows have to lie just after a second began.
Each contact id is one coin: on which side most of its rows are that come too soon. Where so many fall on the first half
that chance does not explain it, whole seconds do.

Source: BZ-LOG-002; F-20; tolerances ``log_clock`` and ``chance``.
"""

from __future__ import annotations

from math import comb, exp

from bluezone_harness.checks.rows import count_text, of_row
from bluezone_harness.checks.subjects import Rules, Subject
from bluezone_harness.findings import Evidence, Judgement, failed, ground
from bluezone_harness.observations import duration_text

_SECOND_MS = 1_000
_JUST_AFTER_MS = 100
"""So soon after a second has begun some rows are, where it is the count of seconds that changes."""
_MANY = 200
"""Contact ids beyond which a bound is as good."""


def whole_seconds_judgement(subject: Subject, rules: Rules) -> Judgement | None:
    """Judge whether repeats were told by whole seconds; ``None``: nothing shows it.

    Args:
        subject: Whose logs.
        rules: By which it is judged.
    """
    repeat_ms = rules.profile.contact_log.repeat_after_ms
    if rules.profile.contact_log.time_unit == "s":
        return None
    early: list[Evidence] = []
    soon: dict[bytes, list[bool]] = {}
    first_ms = _SECOND_MS
    judged = 0
    for log in subject.logs:
        last: dict[bytes, int] = {}
        for row in log.rows:
            record = row.record
            before_ms = last.get(record.contact_id)
            last[record.contact_id] = record.time_ms
            judged += 1
            if before_ms is None or row.unit == "s":
                continue
            if repeat_ms - rules.tolerances["log_clock"] <= record.time_ms - before_ms < repeat_ms:
                is_early = record.time_ms % _SECOND_MS < _SECOND_MS // 2
                soon.setdefault(record.contact_id, []).append(is_early)
                first_ms = min(first_ms, record.time_ms % _SECOND_MS)
                if is_early:
                    early.append(of_row(log, row))
    # a platform that delivers adverts every second, at any moment of it, makes rows begin at that moment
    if first_ms >= _JUST_AFTER_MS:
        return None
    # adverts of one phone come at even pauses: its rows are no coins of their own, it is one
    mostly = sum(2 * sum(each) > len(each) for each in soon.values())
    if chance_of(mostly, len(soon)) * rules.tolerances["chance"] >= 1:
        return None
    summary = (
        f"{count_text(len(early), 'row')} less than a second too soon after the last of the same contact id, all "
        "just after a second began"
    )
    found = ground(
        f"repeats were told by whole seconds (F-20): {summary}",
        f"the same contact id again no sooner than {duration_text(repeat_ms)} after its last row",
        f"{count_text(mostly, 'contact id')} of {len(soon)} too soon mostly in the first half of a second",
        early,
    )
    return failed(judged, len(early), summary, [found])


def chance_of(count: int, total: int) -> float:
    """Return how likely so many coins or more show heads; of many coins, an upper bound of it (Hoeffding's).

    Args:
        count: That show heads.
        total: That are thrown.
    """
    if total <= _MANY:
        return sum(comb(total, each) for each in range(count, total + 1)) / (1 << total)
    beyond = max(0.0, count - total / 2)
    return exp(-2 * beyond * beyond / total)
