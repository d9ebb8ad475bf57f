"""Questions of ``encode_info``: key material of an upload, and positive cases, as text."""

# a table has a row a line, however long
# ruff: noqa: E501

from __future__ import annotations

from collections.abc import Iterator

from bluezone_vectors.generator.drafts import BASE_DAY_MS, DAY_MS, PHONE_A, Draft, Question, drawn


def _upload(since_ms: int, base_id: str = "", **more: object) -> Question:
    return {
        "kind": "upload",
        "base_id": base_id or drawn("upload"),
        "base_day_ms": BASE_DAY_MS,
        "now_ms": BASE_DAY_MS + since_ms,
        **more,
    }


def _case(day_key: str = "", end_ms: int = DAY_MS - 1000, max_per_day: object = 96) -> dict[str, object]:
    return {
        "day_key": day_key or drawn("case"),
        "time_start_ms": BASE_DAY_MS,
        "time_end_ms": BASE_DAY_MS + end_ms,
        "max": max_per_day,
    }


def drafts() -> Iterator[Draft]:
    """Yield all questions of this operation."""
    rows: tuple[tuple[str, Question, str, str, tuple[str, ...], str], ...] = (
        ("captured-upload", _upload(25_000_000, PHONE_A), "", "written-midnight-of-day-15", ("rejects-always",), "What the first captured phone uploaded on its base day."),
        ("last-ms-of-day-14", _upload(15 * DAY_MS - 1), "", "written-midnight-of-day-15", ("published-key-of-today",), "Fourteen days ago is the base day still."),
        ("first-ms-of-day-15", _upload(15 * DAY_MS), "", "written-midnight-of-day-15", ("wrong-info-seconds",), "Fourteen days ago is day 1."),
        ("days-0", _upload(20 * DAY_MS, days=0), "", "written-days", ("empty-always",), "The days asked for count."),
        ("days-1", _upload(20 * DAY_MS, days=1), "", "written-days", ("published-key-of-today",), "One day ago is yesterday."),
        ("days-14", _upload(20 * DAY_MS, days=14), "", "written-days", ("wrong-info-seconds",), "Fourteen, said."),
        ("days-30", _upload(20 * DAY_MS, days=30), "", "written-days", ("published-key-of-fourteen-days",), "No day before the base day."),
        ("base-id-of-31-octets", _upload(20 * DAY_MS, drawn("upload", 31)), "BAD_BASE_ID", "written-base-id", ("empty-always",), "A base id has 32 octets."),
        ("base-id-of-32-octets", _upload(20 * DAY_MS, drawn("upload", 32)), "", "written-base-id", ("rejects-always",), "A base id has 32 octets."),
        ("base-id-of-33-octets", _upload(20 * DAY_MS, drawn("upload") + "00"), "BAD_BASE_ID", "written-base-id", (), "A base id has 32 octets."),
        ("no-cases", {"kind": "cases", "cases": []}, "", "written-cases", ("rejects-always",), "A message of no cases."),
        ("one-case", {"kind": "cases", "cases": [_case()]}, "", "written-cases", ("wrong-info-seconds",), "Times are written in seconds."),
        ("two-cases", {"kind": "cases", "cases": [_case(), _case(drawn("other"), 5 * DAY_MS, 24)]}, "", "written-cases", ("empty-always",), "In the order given."),
        ("case-of-one-slot", {"kind": "cases", "cases": [_case(end_ms=0)]}, "", "written-end", ("rejects-always",), "It may end when it starts."),
        ("case-backwards", {"kind": "cases", "cases": [_case(end_ms=-1000)]}, "TIME_END_BEFORE_TIME_START", "written-end", (), "It may not end before."),
        ("case-of-400-days-less-1-s", {"kind": "cases", "cases": [_case(end_ms=400 * DAY_MS - 1000)]}, "", "written-span", ("rejects-always",), "400 days less a second."),
        ("case-of-400-days", {"kind": "cases", "cases": [_case(end_ms=400 * DAY_MS)]}, "CASE_TOO_LONG", "written-span", (), "400 days are too long."),
        ("case-of-max-96", {"kind": "cases", "cases": [_case(drawn("max"), max_per_day=96)]}, "", "written-max", ("rejects-always",), "96 divides the day."),
        ("case-of-max-97", {"kind": "cases", "cases": [_case(max_per_day=97)]}, "BAD_MAX", "written-max", (), "97 does not."),
        ("case-of-max-0", {"kind": "cases", "cases": [_case(max_per_day=0)]}, "BAD_MAX", "written-max", ("empty-always",), "Nor does 0."),
        ("key-of-31-octets", {"kind": "cases", "cases": [_case(drawn("case", 31))]}, "BAD_DAY_KEY", "written-key", ("empty-always",), "A day key has 32 octets."),
        ("key-of-32-octets", {"kind": "cases", "cases": [_case(drawn("key", 32))]}, "", "written-key", ("rejects-always",), "A day key has 32 octets."),
        ("key-of-33-octets", {"kind": "cases", "cases": [_case(drawn("case") + "00")]}, "BAD_DAY_KEY", "written-key", (), "A day key has 32 octets."),
    )  # fmt: skip
    for name, question, reject, boundary, kills, comment in rows:
        upload = question["kind"] == "upload"
        yield Draft(
            id=f"encode-info-{name}",
            requirements=("MSG-002", "MSG-004") if upload else ("MSG-002", "MAT-005"),
            question=question,
            comment=comment,
            boundary=boundary,
            kills=kills,
            flags=("published-key-matches-nothing",) if upload else ("missed-warning",),
            evidence="captured" if "captured" in name else "inferred",
            reject=reject,
        )
