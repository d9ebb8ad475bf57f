"""What reports say of a broadcast, word for word, and where it stands in the record."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bluezone_harness.checks.broadcasts import air_of
from bluezone_harness.checks.hearing import Due
from bluezone_harness.checks.log_rows_explained import Cause, ExplainedRow
from bluezone_harness.checks.rows import located_rows
from bluezone_harness.checks.scan_times import Stretch
from bluezone_harness.checks.sent_text import (
    due_text,
    late_text,
    names,
    nothing_right,
    of_connection,
    of_due,
    of_peer_read,
    of_sending,
    was_not_there,
)
from bluezone_harness.checks.subjects import Rules, Subject
from bluezone_harness.findings import Evidence, EvidenceKind, Reason, Verdict

Air = Any
Receiver = Callable[..., Subject]
RulesOf = Callable[[str], Rules]

AN = "A1" * 12
PHONE = "5A:00:00:00:00:71"
NINE_MS = (
    1_606_122_000_000  # 2020-11-23T09:00:00Z: lines 1 and 2 of the record are its header and its scenario
)


@pytest.mark.parametrize(
    ("late_ms", "text"),
    [
        (-49_000, "49 s before it was on the air"),
        (-1, "1 ms before it was on the air"),
        (0, "0 s after it was on the air"),
        (1, "1 ms after it was on the air"),
        (61_000, "1 min 1 s after it was on the air"),
    ],
)
def test_a_row_is_too_late_or_too_early(subject: Receiver, good_log: bytes, late_ms: int, text: str) -> None:
    located = located_rows(subject(good_log))[0]
    assert late_text(ExplainedRow(located, Cause.OTHER_TIME, late_ms=late_ms)) == text


@pytest.mark.parametrize(
    ("ad", "said", "text"),
    [
        ("02011a", {}, f"An from {PHONE}: 02011A"),
        ("", {}, f"An from {PHONE}: no octets"),
        ("02011a", {"response": "0302564e"}, f"An from {PHONE}: 02011A, scan response 0302564E"),
        ("", {"response": "0302564e"}, f"An from {PHONE}: no octets, scan response 0302564E"),
    ],
)
def test_what_was_sent_is_told_octet_for_octet(
    on_the_air: Air, receiver: Receiver, rules: RulesOf, ad: str, said: dict[str, object], text: str
) -> None:
    on_the_air.send(ad, 12.345678, 60, address=PHONE, sender="An", **said)
    log = receiver(on_the_air, [])
    assert log.broadcast is not None
    (sending,) = air_of(log.broadcast.record, rules("v3").profile).decoys
    wanted = Evidence(
        EvidenceKind.PACKET,
        "session.record.jsonl",
        3,
        None,
        NINE_MS + 12_345,  # whole milliseconds
        octets=bytes.fromhex(ad),
        text=text,
    )
    assert of_sending(log, sending) == wanted
    due = Due(b"", sending, Stretch(NINE_MS, NINE_MS + 300_000, 140))
    assert of_due(log, due) == wanted
    assert due_text(due, rules("v3")) == (
        "An had to be heard: 140 adverts in the scans between 2020-11-23T09:00:00.000+00:00 and "
        "2020-11-23T09:05:00.000+00:00, at the worst of all phases, of which radio may lose 90 %"
    )


def test_a_connection_is_told_with_its_length_and_reads(on_the_air: Air, receiver: Receiver) -> None:
    on_the_air.connect(PHONE, 1.5, 4.0005, (2, None), (3, AN))
    on_the_air.connect(PHONE, 10, 82)
    log = receiver(on_the_air, [])
    assert log.broadcast is not None
    found = [of_connection(log, each) for each in log.broadcast.record.connections]
    record = "session.record.jsonl"
    assert found == [
        Evidence(
            EvidenceKind.PACKET,
            record,
            3,
            None,
            NINE_MS + 1_500,
            text=f"connection to {PHONE} for 2 s 500 ms, 2 reads",
        ),
        Evidence(
            EvidenceKind.PACKET,
            record,
            7,
            None,
            NINE_MS + 10_000,
            text=f"connection to {PHONE} for 1 min 12 s, 0 reads",
        ),
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (AN, f"{AN} read at {PHONE}"),
        ("0a", f"0A read at {PHONE}"),
        ("", f"no octets read at {PHONE}"),
        (None, f"no octets read at {PHONE}"),
    ],
)
def test_a_read_is_told_with_its_value(
    on_the_air: Air, receiver: Receiver, value: str | None, text: str
) -> None:
    on_the_air.connect(PHONE, 1, 4, (2.25, value))
    log = receiver(on_the_air, [])
    assert log.broadcast is not None
    (read,) = log.broadcast.record.reads
    assert of_peer_read(log, read) == Evidence(
        EvidenceKind.PACKET,
        "session.record.jsonl",
        4,
        None,
        NINE_MS + 2_250,
        octets=bytes.fromhex(value or ""),
        text=text,
    )


def test_senders_are_named_once_in_order(on_the_air: Air, receiver: Receiver, rules: RulesOf) -> None:
    for sender in ("Hoa", "An", "Hoa"):
        on_the_air.send("02011a", 0, 60, sender=sender)
    log = receiver(on_the_air, [])
    assert log.broadcast is not None
    assert names(air_of(log.broadcast.record, rules("v3").profile).decoys) == "An, Hoa"


def test_who_was_not_there_is_asked_why(on_the_air: Air, receiver: Receiver) -> None:
    asked = "was the phone near, with Bluetooth on and the app running, and is this the record of that time"
    empty = was_not_there(receiver(on_the_air, []))
    assert (empty.verdict, empty.reason) == (Verdict.INCONCLUSIVE, Reason.EVIDENCE_MISSING)
    assert empty.summary == f"the contact log holds no rows: {asked}"
    other = was_not_there(receiver(on_the_air, [(1, AN)]))
    assert other.summary == f"no row of the contact log is of anything that was on the air: {asked}"


@pytest.mark.parametrize(("extra", "reason"), [(b"", Reason.EVIDENCE_MISSING), (b"AB\tCD\n", Reason.DAMAGED)])
def test_rows_that_cannot_be_read_may_be_right(
    on_the_air: Air, receiver: Receiver, extra: bytes, reason: Reason
) -> None:
    found = nothing_right(receiver(on_the_air, [(1, AN)], extra=extra))
    assert (found.verdict, found.reason) == (Verdict.INCONCLUSIVE, reason)
    assert found.summary == "no row that can be read is of anything that was on the air"
