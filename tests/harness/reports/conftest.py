"""Results drawn at random, and one that fails, for every report."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date

import pytest
from hypothesis import strategies as st

from bluezone_harness.findings import (
    Acceptance,
    AcceptEntry,
    AcceptState,
    Evidence,
    EvidenceKind,
    Finding,
    Reason,
    Verdict,
)
from bluezone_harness.observations import Capability, Diagnostic, Extent, Severity
from bluezone_harness.results import (
    AxisVerdict,
    Coverage,
    DeviceSummary,
    Input,
    RequirementVerdict,
    Result,
    Suite,
)
from bluezone_harness.verdicts import axis_verdict
from bluezone_spec.model import Axis, Level

ANY_TEXT = st.one_of(
    st.text(st.characters(codec="utf-8"), max_size=12),
    st.sampled_from(
        [
            "]]>",
            "<b>&amp;</b>",
            "a|b",
            "`",
            "**x**",
            "a\nb",
            "\x00\x1b[31m",
            "\ufffe",
            "# h",
            "<!--",
            "\\",
            "=1+1",
        ]
    ),
)
SOME_TEXT = ANY_TEXT.filter(bool)
BASE_NAME = SOME_TEXT.map(lambda text: text.replace("/", "_"))
COUNT = st.integers(0, 2**40)
DAYS = st.dates(date(1970, 1, 1), date(9999, 12, 31))
TIMES_MS = st.integers(-62_135_596_800_000, 253_402_300_799_999)  # what the calendar of ISO 8601 holds
EVIDENCE = st.builds(
    Evidence,
    st.sampled_from(EvidenceKind),
    BASE_NAME,
    st.none() | st.integers(0, 2**31),
    st.none() | COUNT,
    st.none() | TIMES_MS,
    ANY_TEXT,
    st.binary(max_size=4),
    ANY_TEXT,
)
ENTRIES = st.builds(
    AcceptEntry,
    st.integers(1, 99),
    st.sampled_from(["BZ-KEY-001", "BZ-PRV-002"]),
    SOME_TEXT,
    DAYS,
    st.none() | SOME_TEXT,
    st.none() | SOME_TEXT,
    st.sampled_from(AcceptState),
    st.integers(0, 9),
)
UNDECIDED = (Verdict.INCONCLUSIVE, Verdict.NOT_OBSERVABLE)


@st.composite
def drawn_results(draw: st.DrawFn) -> Result:
    """Draw a result that hangs together, with texts of all kinds in it."""
    requirements, findings = [], []
    for number in range(1, draw(st.integers(0, 4)) + 1):
        axis, level, verdict = (draw(st.sampled_from(kind)) for kind in (Axis, Level, Verdict))
        name = f"BZ-{'PRV' if axis is Axis.PRIVACY else draw(st.sampled_from(['KEY', 'ADV']))}-{number:03}"
        failed = draw(st.integers(1, 9)) if verdict is Verdict.FAIL else 0
        judged = failed + draw(st.integers(1, 9)) if verdict in (Verdict.PASS, Verdict.FAIL) else 0
        reason = draw(st.sampled_from(Reason)) if verdict in UNDECIDED else None
        title, summary = draw(SOME_TEXT), draw(ANY_TEXT)
        requirements.append(
            RequirementVerdict(name, title, level, axis, verdict, reason, judged, failed, summary)
        )
        least = {Verdict.FAIL: 1}.get(verdict, 0)
        most = {Verdict.FAIL: 3, Verdict.INCONCLUSIVE: 1}.get(verdict, 0)
        for _ in range(draw(st.integers(least, most))):
            evidence = tuple(draw(st.lists(EVIDENCE, max_size=2)))
            accepted = draw(st.none() | st.builds(Acceptance, SOME_TEXT, DAYS)) if failed else None
            expected, seen, why = (draw(ANY_TEXT) for _ in range(3))
            count = max(1, len(evidence)) + draw(st.integers(0, 3))
            findings.append(
                Finding(
                    name,
                    level,
                    axis,
                    verdict,
                    draw(ANY_TEXT),
                    draw(SOME_TEXT),
                    expected,
                    seen,
                    why,
                    count,
                    evidence,
                    accepted,
                )
            )
    axes: list[AxisVerdict] = [axis_verdict(requirements, axis) for axis in Axis]
    capabilities = st.dictionaries(st.sampled_from(Capability), st.sampled_from(Extent), max_size=3)
    digests = st.binary(min_size=32, max_size=32).map(bytes.hex)
    kinds = st.sampled_from(["contact_log_export", "contact_log_database", "device_file"])
    offsets = st.none() | COUNT
    return Result(
        1,
        Suite(draw(SOME_TEXT), draw(digests)),
        draw(st.sampled_from(["check", "demo"])),
        draw(st.sampled_from(["v3", "android-v3"])),
        tuple(draw(st.lists(st.builds(Input, BASE_NAME, digests, kinds, capabilities), max_size=2))),
        draw(st.booleans()),
        axes[0],
        axes[1],
        Coverage(*(sum(getattr(each.coverage, name) for each in axes) for name in ("judged", "total"))),
        tuple(requirements),
        tuple(findings),
        tuple(
            draw(
                st.lists(
                    st.builds(Diagnostic, BASE_NAME, offsets, st.sampled_from(Severity), SOME_TEXT),
                    max_size=2,
                )
            )
        ),
        tuple(
            draw(
                st.lists(
                    st.builds(DeviceSummary, SOME_TEXT, COUNT, st.none() | st.integers(), COUNT), max_size=2
                )
            )
        ),
        tuple(draw(st.lists(ENTRIES, max_size=2))),
    )


@pytest.fixture(scope="session")
def results() -> st.SearchStrategy[Result]:
    """Return a strategy for results that hang together."""
    return drawn_results()


@pytest.fixture(scope="session")
def failing(judged: Callable[..., Result], good_device: Mapping[str, object]) -> Result:
    """Return the result of one row with CR before LF and one in seconds, with a device file."""
    own, contact = "B9A665D754FE65E665D76A45", "7C3DEC4246EA6F90E38EA254"
    rows = (f"{own}\t{contact}\t-71\t1596866191387\r\n", f"{own}\t{contact}\t-71\t1596866251\n")
    result = judged("".join(rows).encode(), device=good_device)
    failed = {each.requirement for each in result.findings if each.verdict is Verdict.FAIL}
    assert failed == {"BZ-LOG-003", "BZ-LOG-004"}
    return result
