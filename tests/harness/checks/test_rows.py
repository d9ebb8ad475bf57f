"""What the checks of contact logs share."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bluezone_harness.checks.rows import (
    count_text,
    located_defects,
    located_rows,
    nothing_to_judge,
    of_defect,
    of_row,
    of_text,
    unread_numbers,
    unread_text,
)
from bluezone_harness.checks.subjects import Subject
from bluezone_harness.findings import Reason, Verdict

Make = Callable[..., Subject]
LINE = b"B9A665D754FE65E665D76A45\t7C3DEC4246EA6F90E38EA254\t-71\t1596866191387\n"


@pytest.mark.req("BZ-LOG-001")
def test_rows_and_defects_come_log_by_log(subject: Make) -> None:
    found = subject(LINE + b"\n" + LINE, LINE.lower())
    assert [(log.name, row.number) for log, row in located_rows(found)] == [
        ("log0", 1),
        ("log0", 3),
        ("log1", 1),
    ]
    assert [(log.name, defect.number) for log, defect in located_defects(found)] == [
        ("log0", 2),
        ("log1", 1),
        ("log1", 1),
    ]


@pytest.mark.req("BZ-LOG-001", "BZ-LOG-003")
def test_a_row_and_a_defect_are_pointed_at(subject: Make) -> None:
    found = subject(LINE + b"A\t\x1b\xff\r\n")
    row = of_row(*located_rows(found)[0])
    assert (row.source, row.number, row.offset, row.time_ms) == ("log0", 1, 0, 1_596_866_191_387)
    assert row.octets == LINE[:-1]
    assert row.text == "B9A665D754FE65E665D76A45 7C3DEC4246EA6F90E38EA254 -71 dBm"
    defect = of_defect(*located_defects(found)[0])
    assert (defect.number, defect.text) == (2, "A\\t\\x1b\\xff\\r")
    assert defect.time_ms is None


@pytest.mark.req("BZ-LOG-003")
def test_a_long_row_is_shortened(subject: Make) -> None:
    defect = of_defect(*located_defects(subject(LINE + b"A" * 5000 + b"\n"))[0])
    assert (len(defect.text), len(defect.octets)) == (102, 1000)
    for length, text in ((100, "A" * 100), (101, "A" * 100 + "..")):
        assert of_defect(*located_defects(subject(LINE + b"A" * length + b"\n"))[0]).text == text


@pytest.mark.req("BZ-LOG-001")
def test_rows_that_cannot_be_read_are_counted(subject: Make) -> None:
    found = subject(LINE + b"\nA\tB\n" + LINE.lower() + b"B9")
    assert unread_numbers(found.logs[0]) == {2, 3}
    assert unread_text(found) == "; 2 rows could not be read"
    assert unread_text(subject(LINE)) == ""


@pytest.mark.req("BZ-LOG-001")
@pytest.mark.parametrize(
    ("octets", "reason"),
    [(b"", Reason.TOO_FEW_PACKETS), (b"\n", Reason.DAMAGED), (LINE[:-1], Reason.DAMAGED)],
)
def test_nothing_is_never_a_pass(subject: Make, octets: bytes, reason: Reason) -> None:
    judgement = nothing_to_judge(subject(octets), "rows")
    assert (judgement.verdict, judgement.reason) == (Verdict.INCONCLUSIVE, reason)


@pytest.mark.req("BZ-LOG-001")
def test_numbers_are_written_with_their_nouns() -> None:
    assert (count_text(1, "row"), count_text(0, "row"), of_text(1, 2, "row")) == (
        "1 row",
        "0 rows",
        "1 of 2 rows",
    )
    assert (count_text(1, "address"), of_text(1, 2, "address")) == ("1 address", "1 of 2 addresses")
