"""The contact log: rows of a real phone, each way in which one can be wrong, SQLite as a second hand."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from typing import Literal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bluezone_reference.contact_log import (
    CONNECT_INFO_SQL,
    LAST_TIME_MS,
    SECONDS_BELOW,
    TRACE_INFO_SQL_ANDROID,
    TRACE_INFO_SQL_IOS,
    ContactLog,
    Record,
    decode_data_trace,
    encode_data_trace,
    is_rssi,
    record_from_row,
    unit_of,
)
from bluezone_reference.errors import MalformedError, RejectCode

# Two rows that a real phone uploaded on 2020-08-08 (captured), and what they say
ROW = b"B9A665D754FE65E665D76A45\t7C3DEC4246EA6F90E38EA254\t-71\t1596866191387"
ROW_2 = b"B9A665D754FE65E665D76A45\t7C3DEC4246EA6F90E38EA254\t-73\t1596866201389"
OWN = bytes.fromhex("b9a665d754fe65e665d76a45")
CONTACT = bytes.fromhex("7c3dec4246ea6f90e38ea254")
RECORD = Record(OWN, CONTACT, -71, 1_596_866_191_387)
RECORD_2 = Record(OWN, CONTACT, -73, 1_596_866_201_389)
# The same row as the published iOS build writes it (source)
ROW_S = b"B9A665D754FE65E665D76A45\t7C3DEC4246EA6F90E38EA254\t-71\t1596866191"
RECORD_S = Record(OWN, CONTACT, -71, 1_596_866_191_000)

OWN_HEX, CONTACT_HEX = ROW.split(b"\t")[:2]
LONGEST = 4300  # digits that Python reads at once

Expected = tuple[RejectCode, str, int, str]


def defects_of(log: ContactLog) -> list[tuple[int, RejectCode, str, int]]:
    return [
        (defect.line, defect.error.code, defect.error.requirement, defect.error.offset)
        for defect in log.defects
    ]


def records_of(log: ContactLog) -> list[Record]:
    return [line.record for line in log.lines]


def row(
    own: bytes = OWN_HEX, contact: bytes = CONTACT_HEX, rssi: bytes = b"-71", time: bytes = b"1596866191387"
) -> bytes:
    return b"\t".join((own, contact, rssi, time))


@pytest.mark.req("BZ-LOG-001", "BZ-LOG-003", "BZ-LOG-004")
def test_reads_the_rows_of_a_real_phone() -> None:
    log = decode_data_trace(ROW + b"\n" + ROW_2 + b"\n")
    assert records_of(log) == [RECORD, RECORD_2]
    assert [line.line for line in log.lines] == [1, 2]
    assert [line.octets for line in log.lines] == [ROW, ROW_2]
    assert [line.unit for line in log.lines] == ["ms", "ms"]
    assert log.defects == ()


@pytest.mark.req("BZ-LOG-003")
def test_writes_the_rows_of_a_real_phone() -> None:
    assert encode_data_trace([RECORD, RECORD_2]) == ROW + b"\n" + ROW_2 + b"\n"
    assert encode_data_trace([]) == b""


@pytest.mark.req("BZ-LOG-004", "F-01")
def test_the_two_builds_exports_differ_by_1000_and_are_both_read() -> None:
    assert encode_data_trace([RECORD], "s") == ROW_S + b"\n"
    log = decode_data_trace(ROW_S + b"\n" + ROW + b"\n")
    assert [(line.record, line.unit) for line in log.lines] == [(RECORD_S, "s"), (RECORD, "ms")]
    assert log.defects == ()


@pytest.mark.req("BZ-LOG-004", "F-01")
@pytest.mark.parametrize(
    ("time", "unit", "time_ms"),
    [
        (b"0", "s", 0),
        (b"99999999999", "s", 99_999_999_999_000),  # 5138-11-16
        (b"100000000000", "ms", 100_000_000_000),  # 1973-03-03
        (b"253402300799999", "ms", 253_402_300_799_999),  # the end of 9999
    ],
)
def test_the_unit_follows_from_the_size(time: bytes, unit: str, time_ms: int) -> None:
    log = decode_data_trace(row(time=time) + b"\n")
    assert [(line.unit, line.record.time_ms) for line in log.lines] == [(unit, time_ms)]
    assert log.defects == ()
    assert unit_of(int(time)) == unit


READABLE: dict[str, tuple[bytes, list[Record], list[Expected]]] = {
    "CR before LF": (
        ROW + b"\r\n",
        [RECORD],
        [(RejectCode.BAD_LOG_LINE, "BZ-LOG-003", 67, "a CR stands at the end of the line")],
    ),
    "byte order mark": (
        b"\xef\xbb\xbf" + ROW + b"\n",
        [RECORD],
        [(RejectCode.BAD_LOG_LINE, "BZ-LOG-003", 0, "a byte order mark stands before the line")],
    ),
    "lower-case own id": (
        row(own=b"B9A665D754FE65E665D76a45") + b"\n",
        [RECORD],
        [(RejectCode.BAD_LOG_LINE, "BZ-LOG-003", 21, "the own id is written in lower-case hex digits")],
    ),
    "lower-case contact id": (
        row(contact=b"7C3dec4246EA6F90E38EA254") + b"\n",
        [RECORD],
        [(RejectCode.BAD_LOG_LINE, "BZ-LOG-003", 28, "the contact id is written in lower-case hex digits")],
    ),
    "plus": (
        row(rssi=b"+5") + b"\n",
        [Record(OWN, CONTACT, 5, RECORD.time_ms)],
        [
            (
                RejectCode.BAD_LOG_LINE,
                "BZ-LOG-003",
                50,
                "the RSSI is written with a sign or zeros that it does not need",
            )
        ],
    ),
    "minus zero": (
        row(rssi=b"-0") + b"\n",
        [Record(OWN, CONTACT, 0, RECORD.time_ms)],
        [
            (
                RejectCode.BAD_LOG_LINE,
                "BZ-LOG-003",
                50,
                "the RSSI is written with a sign or zeros that it does not need",
            )
        ],
    ),
    "zeros": (
        row(rssi=b"-071", time=b"0" * LONGEST + b"1596866191387") + b"\n",
        [RECORD],
        [
            (
                RejectCode.BAD_LOG_LINE,
                "BZ-LOG-003",
                50,
                "the RSSI is written with a sign or zeros that it does not need",
            ),
            (
                RejectCode.BAD_LOG_LINE,
                "BZ-LOG-003",
                55,
                "the time is written with a sign or zeros that it does not need",
            ),
        ],
    ),
    "six octets": (
        row(contact=b"414263583931") + b"\n",
        [Record(OWN, b"ABcX91", -71, RECORD.time_ms)],
        [(RejectCode.BAD_ID_LENGTH, "BZ-LOG-003", 25, "the contact id has 6 octets, not 12")],
    ),
    "thirteen octets in lower case": (
        row(own=b"b9a665d754fe65e665d76a4500") + b"\n",
        [Record(OWN + b"\x00", CONTACT, -71, RECORD.time_ms)],
        [
            (RejectCode.BAD_ID_LENGTH, "BZ-LOG-003", 0, "the own id has 13 octets, not 12"),
            (RejectCode.BAD_LOG_LINE, "BZ-LOG-003", 0, "the own id is written in lower-case hex digits"),
        ],
    ),
    "no LF at the end": (
        ROW,
        [RECORD],
        [
            (
                RejectCode.UNTERMINATED_LOG_LINE,
                "BZ-LOG-003",
                67,
                "the last line does not end in LF, so its time may be cut short",
            )
        ],
    ),
    "a CRLF of which the LF is cut off": (
        ROW + b"\r",
        [RECORD],
        [
            (RejectCode.BAD_LOG_LINE, "BZ-LOG-003", 67, "a CR stands at the end of the line"),
            (
                RejectCode.UNTERMINATED_LOG_LINE,
                "BZ-LOG-003",
                68,
                "the last line does not end in LF, so its time may be cut short",
            ),
        ],
    ),
}


@pytest.mark.req("BZ-LOG-003", "BZ-RCV-002", "F-21")
@pytest.mark.parametrize(("octets", "records", "expected"), READABLE.values(), ids=READABLE)
def test_a_row_that_is_not_as_it_should_be_is_read_and_listed(
    octets: bytes, records: list[Record], expected: list[Expected]
) -> None:
    log = decode_data_trace(octets)
    assert records_of(log) == records
    assert [
        (defect.error.code, defect.error.requirement, defect.error.offset, defect.error.reason)
        for defect in log.defects
    ] == expected
    assert {defect.octets for defect in log.defects} == {log.lines[0].octets} == {octets.removesuffix(b"\n")}


UNREADABLE: dict[str, tuple[bytes, Expected]] = {
    "blank": (b"", (RejectCode.BAD_LOG_LINE, "BZ-LOG-003", 0, "the line is blank")),
    "spaces": (b"  ", (RejectCode.BAD_LOG_LINE, "BZ-LOG-003", 0, "the line is blank")),
    "one column": (
        OWN_HEX,
        (RejectCode.BAD_LOG_LINE, "BZ-LOG-003", 24, "the line ends after 1 of 4 columns"),
    ),
    "three columns": (
        ROW[:53],
        (RejectCode.BAD_LOG_LINE, "BZ-LOG-003", 53, "the line ends after 3 of 4 columns"),
    ),
    "five columns": (
        ROW + b"\t",
        (RejectCode.BAD_LOG_LINE, "BZ-LOG-003", 67, "the line has 5 columns, not 4"),
    ),
    "not ASCII": (
        row(rssi="−71".encode()),
        (RejectCode.BAD_LOG_LINE, "BZ-LOG-003", 50, "octet 0xE2 is not ASCII"),
    ),
    "digits of another script": (
        row(time="١".encode()),
        (RejectCode.BAD_LOG_LINE, "BZ-LOG-003", 54, "octet 0xD9 is not ASCII"),
    ),
    "UTF-16": (
        b"\xff\xfeB\x009\x00",
        (RejectCode.BAD_LOG_LINE, "BZ-LOG-003", 0, "octet 0xFF is not ASCII"),
    ),
    "own id empty": (
        row(own=b""),
        (RejectCode.BAD_LOG_LINE, "BZ-LOG-001", 0, "the own id is empty"),
    ),
    "contact id empty": (
        row(contact=b""),
        (RejectCode.BAD_LOG_LINE, "BZ-LOG-001", 25, "the contact id is empty"),
    ),
    "contact id no hex": (
        row(contact=b"7C3DEC4246EA6F90E38EA25G"),
        (RejectCode.BAD_LOG_LINE, "BZ-LOG-003", 48, "the contact id holds 'G', which is no hex digit"),
    ),
    "space in an id": (
        row(own=b"B9A665D754FE 65E665D76A45"),
        (RejectCode.BAD_LOG_LINE, "BZ-LOG-003", 12, "the own id holds ' ', which is no hex digit"),
    ),
    "odd number of digits": (
        row(own=b"B9A665D754FE65E665D76A4"),
        (RejectCode.BAD_LOG_LINE, "BZ-LOG-003", 23, "the own id has 23 hex digits, an odd number"),
    ),
    "RSSI empty": (
        row(rssi=b""),
        (RejectCode.BAD_RSSI, "BZ-LOG-001", 50, "the RSSI is not a decimal integer"),
    ),
    "RSSI a sign": (
        row(rssi=b"-"),
        (RejectCode.BAD_RSSI, "BZ-LOG-001", 50, "the RSSI is not a decimal integer"),
    ),
    "RSSI of two signs": (
        row(rssi=b"--71"),
        (RejectCode.BAD_RSSI, "BZ-LOG-001", 50, "the RSSI is not a decimal integer"),
    ),
    "RSSI with a unit": (
        row(rssi=b"-71 dBm"),
        (RejectCode.BAD_RSSI, "BZ-LOG-001", 50, "the RSSI is not a decimal integer"),
    ),
    "RSSI too low": (
        row(rssi=b"-128"),
        (RejectCode.BAD_RSSI, "BZ-LOG-001", 50, "the RSSI is neither -127 to 20 dBm nor 127 for none"),
    ),
    "RSSI too high": (
        row(rssi=b"21"),
        (RejectCode.BAD_RSSI, "BZ-LOG-001", 50, "the RSSI is neither -127 to 20 dBm nor 127 for none"),
    ),
    "RSSI huge": (
        row(rssi=b"9" * (LONGEST + 1)),
        (RejectCode.BAD_RSSI, "BZ-LOG-001", 50, "the RSSI is neither -127 to 20 dBm nor 127 for none"),
    ),
    "time empty": (
        row(time=b""),
        (RejectCode.BAD_TIME, "BZ-LOG-004", 54, "the time is not a decimal integer"),
    ),
    "time with a point": (
        row(time=b"1596866191.387"),
        (RejectCode.BAD_TIME, "BZ-LOG-004", 54, "the time is not a decimal integer"),
    ),
    "time with an underscore": (
        row(time=b"1_596_866_191"),
        (RejectCode.BAD_TIME, "BZ-LOG-004", 54, "the time is not a decimal integer"),
    ),
    "time negative": (row(time=b"-1"), (RejectCode.BAD_TIME, "BZ-LOG-004", 54, "the time is negative")),
    "time after 9999": (
        row(time=b"253402300800000"),
        (RejectCode.BAD_TIME, "BZ-LOG-004", 54, "the time is after the year 9999"),
    ),
    "time of 2**63": (
        row(time=b"9223372036854775808"),
        (RejectCode.BAD_TIME, "BZ-LOG-004", 54, "the time is after the year 9999"),
    ),
    "time huge": (
        row(time=b"1" * (LONGEST + 1)),
        (RejectCode.BAD_TIME, "BZ-LOG-004", 54, "the time is after the year 9999"),
    ),
}


@pytest.mark.req("BZ-LOG-001", "BZ-LOG-003", "BZ-LOG-004")
@pytest.mark.parametrize(("bad", "expected"), UNREADABLE.values(), ids=UNREADABLE)
def test_a_row_that_cannot_be_read_costs_no_other(bad: bytes, expected: Expected) -> None:
    log = decode_data_trace(ROW + b"\n" + bad + b"\n" + ROW_2 + b"\n")
    assert [(line.line, line.record) for line in log.lines] == [(1, RECORD), (3, RECORD_2)]
    code, requirement, offset, reason = expected
    assert defects_of(log) == [(2, code, requirement, len(ROW) + 1 + offset)]
    assert log.defects[0].error.reason == reason
    assert log.defects[0].octets == bad


@pytest.mark.req("BZ-LOG-003")
def test_all_that_is_wrong_with_a_row_is_listed_in_its_order() -> None:
    log = decode_data_trace(
        b"\n\xef\xbb\xbf" + row(own=b"b9", rssi=b"+5", time=b"x") + b"\r\n\r\n" + ROW + b"\n"
    )
    assert records_of(log) == [RECORD]
    start = 4
    assert defects_of(log) == [
        (1, RejectCode.BAD_LOG_LINE, "BZ-LOG-003", 0),
        (2, RejectCode.BAD_LOG_LINE, "BZ-LOG-003", 1),
        (2, RejectCode.BAD_ID_LENGTH, "BZ-LOG-003", start),
        (2, RejectCode.BAD_LOG_LINE, "BZ-LOG-003", start),
        (2, RejectCode.BAD_LOG_LINE, "BZ-LOG-003", start + 28),
        (2, RejectCode.BAD_TIME, "BZ-LOG-004", start + 31),
        (2, RejectCode.BAD_LOG_LINE, "BZ-LOG-003", start + 32),
        (3, RejectCode.BAD_LOG_LINE, "BZ-LOG-003", start + 34),
        (3, RejectCode.BAD_LOG_LINE, "BZ-LOG-003", start + 34),
    ]


@pytest.mark.req("BZ-LOG-003")
@pytest.mark.parametrize("cut", range(len(ROW)))
def test_half_a_line_at_the_end_has_no_other_defect(cut: int) -> None:
    log = decode_data_trace(ROW_2 + b"\n" + ROW[:cut])
    rest = ROW[:cut]
    # A time that is cut short still reads as one: it is read, and listed.
    columns = rest.split(b"\t")
    whole = len(columns) == 4 and columns[3] != b""
    assert len(log.lines) == (2 if whole else 1)
    assert log.lines[0].record == RECORD_2
    expected = [(2, RejectCode.UNTERMINATED_LOG_LINE, "BZ-LOG-003", len(ROW_2) + 1 + cut)] if cut else []
    assert defects_of(log) == expected


@pytest.mark.req("BZ-LOG-003")
def test_an_empty_export_is_in_order() -> None:
    assert decode_data_trace(b"") == ContactLog((), ())


@pytest.mark.req("BZ-LOG-003")
def test_a_row_of_any_length_is_read_at_once() -> None:
    # 2 MB of digits and of hex: quadratic work would not end within the test's time.
    huge = b"9" * 2_000_000
    log = decode_data_trace(
        row(time=huge) + b"\n" + row(own=huge) + b"\n" + b"\t" * 2_000_000 + b"\n" + ROW + b"\n"
    )
    assert [line.line for line in log.lines] == [2, 4]
    assert [defect.error.code for defect in log.defects] == [
        RejectCode.BAD_TIME,
        RejectCode.BAD_ID_LENGTH,
        RejectCode.BAD_LOG_LINE,
    ]


@pytest.mark.req("BZ-LOG-003")
def test_defects_keep_no_traceback() -> None:
    log = decode_data_trace(b"x\n")
    assert log.defects[0].error.__traceback__ is None


@pytest.mark.req("BZ-LOG-003", "BZ-LOG-004")
@pytest.mark.parametrize(
    ("record", "unit", "reason"),
    [
        (Record(OWN[:11], CONTACT, -71, RECORD.time_ms), "ms", "record 1: the own id has 11 octets, not 12"),
        (
            Record(OWN, CONTACT + b"\x00", -71, RECORD.time_ms),
            "ms",
            "record 1: the contact id has 13 octets, not 12",
        ),
        (
            Record(OWN, CONTACT, -128, RECORD.time_ms),
            "ms",
            "record 1: no controller reports an RSSI of -128 dBm",
        ),
        (
            Record(OWN, CONTACT, 126, RECORD.time_ms),
            "ms",
            "record 1: no controller reports an RSSI of 126 dBm",
        ),
        (Record(OWN, CONTACT, -71, -1), "s", "record 1: -1 ms cannot be told as a time in s"),
        (
            Record(OWN, CONTACT, -71, SECONDS_BELOW - 1),
            "ms",
            "record 1: 99999999999 ms cannot be told as a time in ms",
        ),
        (
            Record(OWN, CONTACT, -71, SECONDS_BELOW * 1000),
            "s",
            "record 1: 100000000000000 ms cannot be told as a time in s",
        ),
        (
            Record(OWN, CONTACT, -71, LAST_TIME_MS + 1),
            "ms",
            "record 1: 253402300800000 ms cannot be told as a time in ms",
        ),
    ],
)
def test_refuses_to_write_what_could_not_be_read_back(
    record: Record, unit: Literal["ms", "s"], reason: str
) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(reason)}$"):
        encode_data_trace([record], unit)


@pytest.mark.req("BZ-LOG-001")
def test_the_rssi_of_controllers() -> None:
    # Core Specification, Vol 4 Part E 7.7.65.2
    assert [value for value in range(-300, 300) if is_rssi(value)] == [*range(-127, 21), 127]


# --- properties ---------------------------------------------------------------------------------------------

ids = st.binary(min_size=12, max_size=12)
rssis = st.integers(-127, 20) | st.just(127)
records_ms = st.builds(Record, ids, ids, rssis, st.integers(SECONDS_BELOW, LAST_TIME_MS))
records_s = st.builds(
    Record, ids, ids, rssis, st.integers(0, SECONDS_BELOW - 1).map(lambda time_s: time_s * 1000)
)


@pytest.mark.req("BZ-LOG-003", "BZ-LOG-004")
@given(st.lists(records_ms, max_size=8))
def test_round_trip_in_milliseconds(records: list[Record]) -> None:
    log = decode_data_trace(encode_data_trace(records))
    assert records_of(log) == records
    assert {line.unit for line in log.lines} <= {"ms"}
    assert log.defects == ()


@pytest.mark.req("BZ-LOG-003", "BZ-LOG-004", "F-01")
@given(st.lists(records_s, max_size=8))
def test_round_trip_in_seconds(records: list[Record]) -> None:
    log = decode_data_trace(encode_data_trace(records, "s"))
    assert records_of(log) == records
    assert {line.unit for line in log.lines} <= {"s"}
    assert log.defects == ()


FORM = re.compile(
    rb"(?:\xef\xbb\xbf)?((?:[0-9A-Fa-f]{2})+)\t((?:[0-9A-Fa-f]{2})+)\t([+-]?[0-9]+)\t([+-]?[0-9]+)\r?"
)
STRICT_FORM = re.compile(rb"[0-9A-F]{24}\t[0-9A-F]{24}\t(?:0|-?[1-9][0-9]*)\t(?:0|[1-9][0-9]*)")


def oracle(text: bytes) -> Record | None:
    """Read a row by one regular expression, sharing nothing with the reference."""
    found = FORM.fullmatch(text)
    if found is None:
        return None
    own, contact = (bytes.fromhex(found[group].decode()) for group in (1, 2))
    rssi, time = int(found[3]), int(found[4])
    if not (rssi in range(-127, 21) or rssi == 127) or time not in range(253_402_300_800_000):
        return None
    return Record(own, contact, rssi, time * 1000 if time < 10**11 else time)


columns = (
    st.sampled_from(
        [OWN_HEX, OWN_HEX.lower(), b"", b"A", b"AB", b"-71", b"+7", b"-0", b"007", b"127", b"126", b"-127"]
    )
    | st.sampled_from(
        [b"1596866191387", b"1596866191", b"253402300799999", b"253402300800000", b"-5", b"\r", b"\xc3"]
    )
    | st.binary(max_size=3)
)
good_rows = records_ms.map(lambda record: encode_data_trace([record])[:-1]) | st.just(ROW_S)
odd_rows = st.lists(columns, max_size=6).map(b"\t".join)
spoilt_rows = st.builds(
    lambda good, at, octet: good[:at] + octet + good[at + 1 :],
    good_rows,
    st.integers(0, 70),
    st.sampled_from([b"", b"\t", b"\r", b"a", b"g", b" ", b"0", b"-", b"\x00", b"\xef\xbb\xbf"]),
)
dressed_rows = st.builds(
    lambda head, text, tail: head + text + tail,
    st.sampled_from([b"", b"\xef\xbb\xbf"]),
    good_rows | spoilt_rows | odd_rows,
    st.sampled_from([b"", b"\r", b"\r\r"]),
)
exports = st.lists(dressed_rows | good_rows, max_size=6).map(
    lambda rows: b"".join(text + b"\n" for text in rows)
)


@pytest.mark.req("BZ-LOG-001", "BZ-LOG-003", "BZ-LOG-004")
@given(exports)
@example(ROW + b"\r\r\n")
@example(b"\xef\xbb\xbf\xef\xbb\xbf" + ROW + b"\n")
def test_agrees_with_a_regular_expression(octets: bytes) -> None:
    log = decode_data_trace(octets)
    rows = octets.split(b"\n")[:-1]
    expected = {number: oracle(text) for number, text in enumerate(rows, start=1)}
    assert {line.line: line.record for line in log.lines} == {
        number: record for number, record in expected.items() if record is not None
    }
    # A row has a defect exactly if it is not as an exporter must write it.
    assert {defect.line for defect in log.defects} == {
        number
        for number, text in enumerate(rows, start=1)
        if expected[number] is None or not STRICT_FORM.fullmatch(text)
    }


@pytest.mark.req("BZ-LOG-003")
@given(exports | st.binary(max_size=200), st.binary(max_size=80))
def test_every_octet_is_accounted_for_and_every_offset_lies_in_its_row(head: bytes, tail: bytes) -> None:
    octets = head + tail
    log = decode_data_trace(octets)
    rows = octets.split(b"\n")
    starts = [0]
    for text in rows:
        starts.append(starts[-1] + len(text) + 1)
    seen = {line.line: line.octets for line in log.lines} | {
        defect.line: defect.octets for defect in log.defects
    }
    last = len(rows) - (rows[-1] == b"")
    assert seen == {number: rows[number - 1] for number in range(1, last + 1)}
    for defect in log.defects:
        assert starts[defect.line - 1] <= defect.error.offset < starts[defect.line]
    places = [(defect.line, defect.error.offset) for defect in log.defects]
    assert places == sorted(places)
    if rows[-1]:
        assert log.defects[-1].error.code is RejectCode.UNTERMINATED_LOG_LINE


# --- SQLite -------------------------------------------------------------------------------------------------


@pytest.mark.req("BZ-LOG-001", "BZ-LOG-004", "F-01")
@pytest.mark.parametrize(
    ("sql", "timestamp", "record", "declared"),
    [
        (TRACE_INFO_SQL_ANDROID, 1_596_866_191_387, RECORD, "long"),
        (TRACE_INFO_SQL_IOS, 1_596_866_191, RECORD_S, "INTEGER"),
    ],
    ids=["android", "ios"],
)
def test_a_record_comes_back_from_either_platforms_table(
    sql: str, timestamp: int, record: Record, declared: str
) -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute(sql)
        connection.execute(
            "insert into trace_info (blid, blid_contact, macid, rssi, tx_power, state, timestamp)"
            " values (?, ?, ?, ?, ?, ?, ?)",
            (OWN, CONTACT, "4A:00:00:00:00:01", -71, 0, 1, timestamp),
        )
        rows = connection.execute(
            "select blid, blid_contact, macid, rssi, timestamp from trace_info"
        ).fetchall()
        columns = connection.execute("select name, type from pragma_table_info('trace_info')").fetchall()
    assert [record_from_row(*found) for found in rows] == [
        Record(record.own_id, record.contact_id, record.rssi, record.time_ms, "4A:00:00:00:00:01")
    ]
    assert [name for name, _ in columns] == [
        "_id",
        "blid",
        "blid_contact",
        "macid",
        "rssi",
        "tx_power",
        "state",
        "timestamp",
    ]
    assert columns[-1][1] == declared


@pytest.mark.req("BZ-PRV-017")
def test_the_cache_of_addresses_has_its_table() -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute(CONNECT_INFO_SQL)
        connection.execute(
            "insert into connect_info (blid_id, mac_id, time) values (?, ?, ?)", (CONTACT, "4A", 5)
        )
        assert connection.execute("select * from connect_info").fetchall() == [(1, CONTACT, "4A", 5)]


@pytest.mark.req("BZ-LOG-001")
def test_a_null_address_is_an_empty_one() -> None:
    assert record_from_row(OWN, CONTACT, None, -71, RECORD.time_ms) == RECORD


@pytest.mark.req("BZ-LOG-001", "BZ-RCV-002", "F-21")
def test_ids_of_another_length_come_back_from_a_table() -> None:
    assert record_from_row(b"abc123", b"xyz789", "", 127, 0) == Record(b"abc123", b"xyz789", 127, 0)


BAD_ROWS: list[tuple[tuple[object, ...], RejectCode, str, str]] = [
    ((None, CONTACT, "", -71, 5), RejectCode.BAD_LOG_LINE, "BZ-LOG-001", "blid is NULL, not a BLOB"),
    ((OWN, "7C3D", "", -71, 5), RejectCode.BAD_LOG_LINE, "BZ-LOG-001", "blid_contact is text, not a BLOB"),
    ((OWN, b"", "", -71, 5), RejectCode.BAD_LOG_LINE, "BZ-LOG-001", "blid_contact is an empty BLOB"),
    ((b"", CONTACT, "", -71, 5), RejectCode.BAD_LOG_LINE, "BZ-LOG-001", "blid is an empty BLOB"),
    ((OWN, CONTACT, 7, -71, 5), RejectCode.BAD_LOG_LINE, "BZ-LOG-001", "macid is an integer, not text"),
    ((OWN, CONTACT, b"", -71, 5), RejectCode.BAD_LOG_LINE, "BZ-LOG-001", "macid is a BLOB, not text"),
    ((OWN, CONTACT, "", -71.5, 5), RejectCode.BAD_LOG_LINE, "BZ-LOG-001", "rssi is a real, not an integer"),
    ((OWN, CONTACT, "", True, 5), RejectCode.BAD_LOG_LINE, "BZ-LOG-001", "rssi is a bool, not an integer"),
    (
        (OWN, CONTACT, "", 99, 5),
        RejectCode.BAD_RSSI,
        "BZ-LOG-001",
        "the rssi is neither -127 to 20 dBm nor 127 for none",
    ),
    (
        (OWN, CONTACT, "", -71, None),
        RejectCode.BAD_LOG_LINE,
        "BZ-LOG-001",
        "timestamp is NULL, not an integer",
    ),
    (
        (OWN, CONTACT, "", -71, "5"),
        RejectCode.BAD_LOG_LINE,
        "BZ-LOG-001",
        "timestamp is text, not an integer",
    ),
    ((OWN, CONTACT, "", -71, -5), RejectCode.BAD_TIME, "BZ-LOG-004", "the timestamp is negative"),
    (
        (OWN, CONTACT, "", -71, 2**63 - 1),
        RejectCode.BAD_TIME,
        "BZ-LOG-004",
        "the timestamp is after the year 9999",
    ),
]


@pytest.mark.req("BZ-LOG-001", "BZ-LOG-004")
@pytest.mark.parametrize(("values", "code", "requirement", "reason"), BAD_ROWS)
def test_a_row_of_the_table_that_is_no_record_is_named(
    values: tuple[object, object, object, object, object], code: RejectCode, requirement: str, reason: str
) -> None:
    with pytest.raises(MalformedError) as caught:
        record_from_row(*values)
    error = caught.value
    assert (error.code, error.requirement, error.offset, error.reason) == (code, requirement, 0, reason)


sqlite_values = st.none() | st.binary(max_size=13) | st.text(max_size=3) | st.integers() | st.floats()


@pytest.mark.req("BZ-LOG-001")
@given(sqlite_values, sqlite_values, sqlite_values, sqlite_values, sqlite_values)
def test_any_row_of_a_table_is_a_record_or_malformed(
    blid: object, blid_contact: object, macid: object, rssi: object, timestamp: object
) -> None:
    error: MalformedError | None = None
    record: Record | None = None
    try:
        record = record_from_row(blid, blid_contact, macid, rssi, timestamp)
    except MalformedError as caught:
        error = caught
    if record is None:
        assert error is not None
        assert error.requirement in {"BZ-LOG-001", "BZ-LOG-004"}
    else:
        assert (record.own_id, record.contact_id, record.rssi) == (blid, blid_contact, rssi)
        assert record.time_ms in (timestamp, timestamp * 1000 if isinstance(timestamp, int) else None)
