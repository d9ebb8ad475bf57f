"""Questions of ``log_import``: what is good of an export is read, and what is not is listed."""

# a table has a row a line, however long
# ruff: noqa: E501

from __future__ import annotations

from collections.abc import Iterator

from bluezone_vectors.generator.drafts import Draft

from .log_export import FIRST, FIRST_LINE

OWN, CONTACT = "B9A665D754FE65E665D76A45", "7C3DEC4246EA6F90E38EA254"
_GOOD = FIRST_LINE.encode("ascii")


def _row(own: str = OWN, contact: str = CONTACT, rssi: str = "-71", time: str = "1596866191387") -> bytes:
    return f"{own}\t{contact}\t{rssi}\t{time}\n".encode()


def _draft(
    name: str,
    octets: bytes,
    requirement: str,
    defects: tuple[tuple[int, str], ...],
    *,
    boundary: str = "",
    kills: tuple[str, ...] = (),
    comment: str,
    evidence: str = "inferred",
) -> Draft:
    return Draft(
        id=f"log-import-{name}",
        requirements=(requirement,) if requirement == "LOG-003" else (requirement, "LOG-003"),
        question={"octets": octets.hex()},
        comment=comment,
        boundary=boundary,
        kills=kills,
        flags=("wrong-time-unit",) if requirement == "LOG-004" else ("log-misread",),
        evidence=evidence,
        ok={"defects": [{"line": line, "code": code} for line, code in defects]},
    )


def drafts() -> Iterator[Draft]:
    """Yield all questions of this operation."""
    yield _draft(
        "captured-line",
        _GOOD,
        "LOG-001",
        (),
        boundary="lines",
        kills=(),
        evidence="captured",
        comment="The first line of a captured log.",
    )
    yield _draft(
        "no-octets",
        b"",
        "LOG-003",
        (),
        boundary="lines",
        kills=("rejects-always",),
        comment="An export of no records.",
    )
    yield _draft(
        "two-lines",
        _GOOD * 2,
        "LOG-003",
        (),
        boundary="lines",
        kills=("empty-always",),
        comment="Two lines, two records.",
    )
    yield _draft(
        "bad-line-between-good-ones",
        _GOOD + b"?\n" + _GOOD,
        "LOG-003",
        ((2, "BAD_LOG_LINE"),),
        boundary="lines",
        kills=("stops-at-bad-line",),
        comment="A reader loses nothing of what is good.",
    )
    yield from _lines()
    yield from _ids()
    yield from _numbers()


def _lines() -> Iterator[Draft]:
    line, bad = _GOOD[:-1], "BAD_LOG_LINE"
    rows: tuple[tuple[str, bytes, tuple[tuple[int, str], ...], str, tuple[str, ...], str], ...] = (
        ("cr-before-lf", line + b"\r\n", ((1, bad),), "line-ends", ("sound-lines-only",), "The record is read, and the CR told."),
        ("lf-alone", _row(rssi="-73"), (), "line-ends", ("rejects-always",), "LF, and nothing before it."),
        ("blank-line", _GOOD + b"\n" + _GOOD, ((2, bad),), "line-ends", ("silent-import",), "A blank line is no record, and hides none."),
        ("line-of-blanks", _GOOD + b"  \n", ((2, bad),), "line-ends", ("empty-always", "silent-import"), "Nor is one of blanks."),
        ("byte-order-mark", b"\xef\xbb\xbf" + _GOOD, ((1, bad),), "line-begins", ("sound-lines-only",), "The record is read, and the mark told."),
        ("no-mark", _row(rssi="-74"), (), "line-begins", ("rejects-always",), "An export begins with its first own id."),
        ("mark-before-the-second-line", _GOOD + b"\xef\xbb\xbf" + _GOOD, ((2, bad),), "line-begins", (), "Before another line it is a defect all the same."),
        ("unterminated", _GOOD + line, ((2, "UNTERMINATED_LOG_LINE"),), "last-line", ("no-unterminated-line",), "The last line is read, but its time may be cut short."),
        ("cut-in-the-time", _GOOD + line[:-8], ((2, "UNTERMINATED_LOG_LINE"),), "last-line", ("seconds-unscaled",), "A time that is cut short still reads as one."),
        ("cut-in-the-rssi", _GOOD + line[:52], ((2, "UNTERMINATED_LOG_LINE"),), "last-line", (), "Half a line is lost, and has no other defect."),
        ("cut-in-the-own-id", _GOOD + line[:7], ((2, "UNTERMINATED_LOG_LINE"),), "last-line", ("empty-always",), "Half a line is lost, and has no other defect."),
        ("terminated", _GOOD + _row(rssi="-75"), (), "last-line", ("rejects-always",), "The last line ends in LF like every other."),
        ("three-columns", b"\t".join(line.split(b"\t")[:3]) + b"\n", ((1, bad),), "four-columns", (), "Three columns are no record."),
        ("four-columns", _row(rssi="-72"), (), "four-columns", ("rejects-always",), "Own id, contact id, RSSI, time."),
        ("five-columns", line + b"\t0\n", ((1, bad),), "four-columns", ("empty-always",), "Nor are five."),
        ("blanks-for-tabs", line.replace(b"\t", b" ") + b"\n", ((1, bad),), "four-columns", ("silent-import",), "A blank separates nothing."),
        ("header", b"own\tcontact\trssi\ttime\n" + _GOOD, ((1, bad),), "", ("empty-always", "stops-at-bad-line"), "There is no header."),
        ("octet-beyond-ascii", line[:-1] + "٧".encode() + b"\n" + _GOOD, ((1, bad),), "", ("stops-at-bad-line",), "Digits of other scripts are none."),
    )  # fmt: skip
    for name, octets, defects, boundary, kills, comment in rows:
        yield _draft(name, octets, "LOG-003", defects, boundary=boundary, kills=kills, comment=comment)


def _ids() -> Iterator[Draft]:
    bad, length = "BAD_LOG_LINE", "BAD_ID_LENGTH"
    rows: tuple[tuple[str, bytes, tuple[tuple[int, str], ...], str, tuple[str, ...], str], ...] = (
        ("lower-case-own-id", _row(own=OWN.lower()), ((1, bad),), "upper-case-own-id", ("sound-lines-only",), "The record is read, and the digits told."),
        ("upper-case-own-id", _row(own="A" * 24), (), "upper-case-own-id", ("rejects-always",), "Upper-case digits are as they should be."),
        ("lower-case-contact-id", _row(contact=CONTACT.lower()), ((1, bad),), "upper-case-contact-id", ("sound-lines-only",), "The record is read, and the digits told."),
        ("upper-case-contact-id", _row(contact="A" * 24), (), "upper-case-contact-id", ("rejects-always",), "Upper-case digits are as they should be."),
        ("own-id-of-11-octets", _row(own=OWN[:22]), ((1, length),), "own-id-of-12-octets", ("sound-lines-only",), "Read, so that an old log can be named as one."),
        ("own-id-of-12-octets", _row(own="0" * 24), (), "own-id-of-12-octets", ("rejects-always",), "Twelve octets."),
        ("own-id-of-13-octets", _row(own=OWN + "00"), ((1, length),), "own-id-of-12-octets", ("empty-always",), "Read, and told."),
        ("own-id-of-23-digits", _row(own=OWN[:23]), ((1, bad),), "own-id-of-12-octets", ("silent-import",), "Half an octet is none: the line is lost."),
        ("contact-id-of-6-octets", _row(contact=CONTACT[:12]), ((1, length),), "contact-id-of-12-octets", ("sound-lines-only",), "An id of the first generation (F-21), read and told."),
        ("contact-id-of-12-octets", _row(contact="0" * 24), (), "contact-id-of-12-octets", ("rejects-always",), "Twelve octets."),
        ("contact-id-of-25-digits", _row(contact=CONTACT + "0"), ((1, bad),), "contact-id-of-12-octets", (), "Half an octet is none: the line is lost."),
        ("no-own-id", _row(own=""), ((1, bad),), "an-id-or-none", (), "An id that is empty is none."),
        ("own-id-of-one-octet", _row(own="00"), ((1, length),), "an-id-or-none", ("sound-lines-only",), "One octet can be read."),
        ("no-contact-id", _row(contact=""), ((1, bad),), "an-id-or-none", ("empty-always",), "An id that is empty is none."),
        ("digit-g", _row(own="G" + OWN[1:]), ((1, bad),), "hex-digits", (), "G is no hex digit."),
        ("digit-f", _row(own="F" + OWN[1:]), (), "hex-digits", ("rejects-always",), "F is one."),
        ("blank-in-an-id", _row(own=OWN[:11] + " " + OWN[12:]), ((1, bad),), "hex-digits", ("empty-always",), "Nor is a blank."),
    )  # fmt: skip
    for name, octets, defects, boundary, kills, comment in rows:
        yield _draft(name, octets, "LOG-003", defects, boundary=boundary, kills=kills, comment=comment)


def _numbers() -> Iterator[Draft]:
    bad = "BAD_LOG_LINE"
    for text, codes, kills in (
        ("-128", ("BAD_RSSI",), ()), ("-127", (), ("rejects-always",)), ("20", (), ("empty-always", "rejects-always")),
        ("21", ("BAD_RSSI",), ("empty-always",)), ("126", ("BAD_RSSI",), ("silent-import",)), ("127", (), ()),
        ("128", ("BAD_RSSI",), ("rejects-always",)),
    ):  # fmt: skip
        yield _draft(
            f"rssi-of-{text.replace('-', 'minus-')}",
            _row(rssi=text),
            "LOG-001",
            tuple((1, code) for code in codes),
            boundary="rssi-127-or-none" if text in ("126", "127", "128") else "ends-of-the-rssi-read",
            kills=kills,
            comment="An RSSI is -127 to 20, or 127 for none.",
            evidence="standard",
        )
    for name, text, codes, boundary, kills in (
        ("with-plus", "+5", (bad,), "rssi-as-written", ("sound-lines-only",)),
        ("plain", "5", (), "rssi-as-written", ("rejects-always",)),
        ("with-zeros", "-071", (bad,), "rssi-as-written", ("empty-always", "sound-lines-only")),
        ("minus-zero", "-0", (bad,), "rssi-as-written", ("stops-at-bad-line",)),
        ("empty", "", ("BAD_RSSI",), "rssi-as-written", ()),
        ("a-fraction", "-71.5", ("BAD_RSSI",), "rssi-as-written", ("empty-always",)),
        ("with-a-blank", " -71", ("BAD_RSSI",), "rssi-as-written", ("silent-import",)),
        ("of-100-digits", "9" * 100, ("BAD_RSSI",), "", ("silent-import",)),
    ):
        yield _draft(
            f"rssi-{name}",
            _row(rssi=text),
            "LOG-001" if codes != (bad,) else "LOG-003",
            tuple((1, code) for code in codes),
            boundary=boundary,
            kills=kills,
            comment="An RSSI is written as a decimal integer without what it does not need.",
        )
    for name, text, codes, boundary, kills in (
        ("99999999999", "99999999999", (), "seconds-or-milliseconds", ("seconds-unscaled",)),
        ("100000000000", "100000000000", (), "seconds-or-milliseconds", ("rejects-always",)),
        ("in-seconds", "1596866191", (), "seconds-or-milliseconds", ("empty-always", "seconds-unscaled")),
        ("0", "0", (), "first-time", ("rejects-always",)),
        ("minus-1", "-1", ("BAD_TIME",), "first-time", ()),
        ("253402300799999", "253402300799999", (), "year-9999", ("rejects-always",)),
        ("253402300800000", "253402300800000", ("BAD_TIME",), "year-9999", ()),
        ("of-64-bits", "9223372036854775808", ("BAD_TIME",), "year-9999", ("empty-always",)),
        ("of-1000-digits", "1" * 1000, ("BAD_TIME",), "year-9999", ("silent-import",)),
        ("with-zeros", "01596866191387", (bad,), "time-as-written", ("sound-lines-only",)),
        ("plain", "1596866191388", (), "time-as-written", ("rejects-always",)),
        ("empty", "", ("BAD_TIME",), "time-as-written", ()),
        ("a-fraction", "1596866191.387", ("BAD_TIME",), "time-as-written", ("empty-always",)),
        ("with-an-exponent", "1e12", ("BAD_TIME",), "time-as-written", ("silent-import",)),
    ):  # fmt: skip
        yield _draft(
            f"time-{name}",
            _row(time=text),
            "LOG-004",
            tuple((1, code) for code in codes),
            boundary=boundary,
            kills=kills,
            comment="Times count milliseconds from 1970 to 9999; below 100 000 000 000 they count seconds (F-01).",
        )
    yield _draft(
        "mixed-dialects",
        _row(time="1596866191") + _GOOD,
        "LOG-004",
        (),
        kills=("seconds-unscaled",),
        comment=f"Each line is told apart by itself; the second is {FIRST['time_ms']} as it stands.",
    )
