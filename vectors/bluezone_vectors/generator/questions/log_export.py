"""Questions of ``log_export``: a contact log, written as data trace."""

# a table has a row a line, however long
# ruff: noqa: E501

from __future__ import annotations

from collections.abc import Iterator

from bluezone_vectors.generator.drafts import Draft, drawn

FIRST = {
    "own_id": "b9a665d754fe65e665d76a45",
    "contact_id": "7c3dec4246ea6f90e38ea254",
    "rssi": -71,
    "time_ms": 1_596_866_191_387,
}
"""The first record of the first captured log."""
FIRST_LINE = "B9A665D754FE65E665D76A45\t7C3DEC4246EA6F90E38EA254\t-71\t1596866191387\n"


def record(name: str, since_ms: int = 0, rssi: int = -80) -> dict[str, object]:
    """Return a record of drawn ids, its time counted from that of the first captured one."""
    return {
        "own_id": drawn(f"own-{name}", 12),
        "contact_id": drawn(f"contact-{name}", 12),
        "rssi": rssi,
        "time_ms": 1_596_866_191_387 + since_ms,
    }


def drafts() -> Iterator[Draft]:
    """Yield all questions of this operation."""
    first, second, third = dict(FIRST), record("second", 5_003), record("third", 1)
    rows: tuple[tuple[str, list[dict[str, object]], str, tuple[str, ...], str], ...] = (
        ("captured-line", [first], "records-of-a-log", ("crlf-log", "lower-case-log"), "The first line of a captured log, 68 octets."),
        ("no-records", [], "records-of-a-log", (), "An export of no records has no octets."),
        ("two-records", [first, second], "records-of-a-log", ("no-final-lf",), "Each line ends in LF, the last one too."),
        ("in-the-order-made", [second, third, first], "records-of-a-log", ("blanks-for-tabs",), "The lines stand in the order in which the records were made."),
        ("same-record-twice", [second, second], "records-of-a-log", ("empty-always",), "Nothing is joined or left out."),
        ("rssi-of-0", [record("zero", rssi=0)], "rssi-written", ("rejects-always",), "Zero has no sign."),
        ("rssi-of-minus-1", [record("minus", rssi=-1)], "rssi-written", ("lower-case-log",), "A sign where there is need of one."),
        ("rssi-of-20", [record("twenty", rssi=20)], "rssi-written", ("no-final-lf",), "No plus sign."),
        ("rssi-of-127", [record("none", rssi=127)], "rssi-written", ("seconds-log",), "127 stands where no strength was measured."),
        ("rssi-of-minus-127", [record("least", rssi=-127)], "rssi-written", ("empty-always",), "The least that a controller reports."),
        ("last-digit-of-a-millisecond", [record("ms", 612)], "milliseconds-written", ("seconds-log",), "Milliseconds, to the last digit (F-01)."),
        ("whole-second", [record("second", 613)], "milliseconds-written", ("lower-case-log",), "Three zeros where the second is whole."),
    )  # fmt: skip
    for name, records, boundary, kills, comment in rows:
        yield Draft(
            id=f"log-export-{name}",
            requirements=("LOG-004", "LOG-003")
            if boundary == "milliseconds-written"
            else ("LOG-003", "LOG-004"),
            question={"records": records},
            comment=comment,
            boundary=boundary,
            kills=kills,
            flags=("wrong-time-unit",) if boundary == "milliseconds-written" else ("log-misread",),
            evidence="captured" if name == "captured-line" else "inferred",
            ok={"text": FIRST_LINE} if name == "captured-line" else None,
        )
    zeros = {**record("digits"), "own_id": "00" * 12, "contact_id": "ff" * 12}
    yield Draft(
        id="log-export-ids-of-zeros-and-letters",
        requirements=("LOG-003",),
        question={"records": [zeros]},
        comment="Twenty-four digits each, in upper case, zeros in front included.",
        kills=("lower-case-log", "no-final-lf"),
        flags=("log-misread",),
    )
    for name, since_ms, kills in (("cut", 612, ("ignores-profile",)), ("whole", 613, ("always-android-v3",))):
        yield Draft(
            id=f"log-export-ios-v3-second-{name}",
            requirements=("LOG-004",),
            question={"records": [record("ios", since_ms)]},
            comment="F-01: iOS counts whole seconds, cut and not rounded.",
            boundary="f-01-seconds-on-ios",
            kills=kills,
            flags=("wrong-time-unit", "old-build-not-recognised"),
            profile="ios-v3",
            evidence="source",
        )
    yield Draft(
        id="log-export-android-v3",
        requirements=("LOG-004",),
        question={"records": [dict(FIRST)]},
        comment="F-01: Android counts milliseconds.",
        boundary="f-01-seconds-on-ios",
        kills=("always-ios-v3",),
        flags=("wrong-time-unit", "old-build-not-recognised"),
        profile="android-v3",
        evidence="captured",
        ok={"text": FIRST_LINE},
    )
