"""Exported contact logs: nothing that is good is lost."""

from __future__ import annotations

from hashlib import sha256

import pytest

from bluezone_harness.evidence.contact_log_model import LogKind
from bluezone_harness.evidence.contact_logs import read_contact_log
from bluezone_harness.observations import Capability, Extent, Severity
from bluezone_reference.errors import RejectCode

OWN = "B9A665D754FE65E665D76A45"
CONTACT = "7C3DEC4246EA6F90E38EA254"
TIME_MS = 1_596_866_191_387
LINE = f"{OWN}\t{CONTACT}\t-71\t{TIME_MS}\n".encode()


@pytest.mark.req("BZ-LOG-001", "BZ-LOG-003", "BZ-LOG-004")
def test_an_export_is_read_with_its_places() -> None:
    octets = LINE + LINE.replace(b"1596866191387", b"1596866196")
    log = read_contact_log("data_trace.txt", octets)
    assert (log.name, log.sha256, log.kind) == ("data_trace.txt", sha256(octets).hexdigest(), LogKind.EXPORT)
    first, second = log.rows
    assert (first.number, first.offset, first.unit, first.octets) == (1, 0, "ms", LINE[:-1])
    assert (second.number, second.offset, second.unit) == (2, len(LINE), "s")
    assert second.record.time_ms == 1_596_866_196_000
    assert first.record.own_id.hex().upper() == OWN
    assert log.records == (first.record, second.record)
    assert (log.defects, log.unfinished, log.cut, log.partial, log.diagnostics) == (
        (),
        None,
        False,
        False,
        (),
    )
    assert log.capabilities == {Capability.RECORDS: Extent.YES, Capability.EXPORT_OCTETS: Extent.YES}
    assert (log.addresses, log.cached_reads) == ((), None)


@pytest.mark.req("BZ-LOG-003")
@pytest.mark.parametrize("octets", [b"", b"\n", b" \r\n\n", b"\t"])
def test_an_export_without_a_row_is_one(octets: bytes) -> None:
    log = read_contact_log("data_trace.txt", octets)
    assert (log.kind, log.rows) == (LogKind.EXPORT, ())


@pytest.mark.req("BZ-LOG-003")
@pytest.mark.parametrize("cut", range(1, len(LINE)))
def test_a_last_line_without_lf_stands_apart(cut: int) -> None:
    log = read_contact_log("data_trace.txt", LINE + LINE[:cut])
    assert [row.number for row in log.rows] == [1]
    assert log.cut
    assert log.partial
    assert log.capabilities[Capability.RECORDS] is Extent.PARTIAL
    assert [defect.code for defect in log.defects if defect.number == 2][
        -1
    ] is RejectCode.UNTERMINATED_LOG_LINE
    assert [diagnostic.severity for diagnostic in log.diagnostics] == [Severity.WARNING]
    if log.unfinished is not None:
        assert log.unfinished.number == 2
        assert len(log.records) == 2


@pytest.mark.req("BZ-LOG-003")
def test_a_whole_line_without_lf_is_read_but_not_among_the_rows() -> None:
    log = read_contact_log("data_trace.txt", LINE[:-1])
    assert log.rows == ()
    assert log.unfinished is not None
    assert log.unfinished.record.time_ms == TIME_MS


@pytest.mark.req("BZ-LOG-003")
def test_defects_keep_their_places() -> None:
    octets = b"\xef\xbb\xbf" + LINE + b"\n" + LINE.lower() + LINE.replace(b"\n", b"\r\n") + b"A\tB\n" + LINE
    log = read_contact_log("data_trace.txt", octets)
    assert [row.number for row in log.rows] == [1, 3, 4, 6]
    assert [defect.number for defect in log.defects] == [1, 2, 3, 3, 4, 5]
    for row in log.rows:
        assert row.offset is not None
        assert octets[row.offset :].startswith(row.octets + b"\n")
    assert all(defect.offset is not None for defect in log.defects)
    assert not log.cut
