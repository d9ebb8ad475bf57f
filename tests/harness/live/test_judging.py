"""The verdict so far is that of the recording, were it cut there."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bluezone_harness.checks.captures import read_capture
from bluezone_harness.evidence.device_files import read_device_file
from bluezone_harness.live.judging import LiveJudge, Recorded, is_decided, undecided
from bluezone_harness.profiles import profiles_of
from bluezone_harness.results import Result
from bluezone_harness.sources import open_source
from bluezone_harness.verdicts import judge
from bluezone_harness.virtual.captures import write_recording
from bluezone_harness.virtual.phones import Plan, device_file, drawn_phone, prepared
from bluezone_harness.virtual.sessions import simulate_reading
from bluezone_spec.model import Level, Specification

pytestmark = pytest.mark.req("BZ-KEY-009", "BZ-GAT-001")

START_MS = 1_597_046_400_000


def recording_of(
    platform: str, seed: int, faults: tuple[str, ...] = (), minutes: int = 20
) -> tuple[bytes, bytes]:
    phone = drawn_phone("desk", platform, START_MS, seed, faults)
    plan = prepared(
        Plan((phone,), START_MS, minutes * 60_000, interval_ms=1000, gatt=True, strangers=2), seed
    )
    file = io.BytesIO()
    write_recording(simulate_reading(plan, seed), file, gatt=True)
    return file.getvalue(), device_file(plan.phones)


def judged(specification: Specification, octets: bytes, device: bytes, cut: int) -> tuple[Result, Result]:
    """Return the verdict after some lines, and that of a recording that ends there."""
    profile = profiles_of(specification)["v3"]
    file = read_device_file("device.json", device)
    live = LiveJudge(specification, profile, file, "x", "sniff")
    source = open_source("x", io.BytesIO(octets))
    capture = None
    for number, each in enumerate(source, start=1):
        live.hear(each)
        if number == cut:
            capture = live.capture(Recorded("x", "", cut), source.capabilities)
    assert capture is not None
    lines = octets.splitlines(keepends=True)
    short = b"".join(lines[: 1 + cut]) + b'{"kind":"end","reason":"cut"}\n'
    later = read_capture(open_source("x", io.BytesIO(short)), False)
    # all the rest was heard in the meantime
    return live.result(capture), judge(
        specification, profile, (), file, "sniff", (replace(later, sha256=""),)
    )


@settings(max_examples=8)
@given(
    platform=st.sampled_from(["android", "ios"]),
    seed=st.integers(1, 20),
    faulty=st.booleans(),
    share=st.floats(0.01, 1.0),
)
def test_after_any_line(
    specification: Specification, platform: str, seed: int, faulty: bool, share: float
) -> None:
    octets, device = recording_of(platform, seed, ("slot-late",) if faulty and platform == "android" else ())
    cut = max(1, int(share * (octets.count(b"\n") - 2)))
    now, later = judged(specification, octets, device, cut)
    assert now == later


def test_what_listening_may_still_decide(specification: Specification) -> None:
    octets, device = recording_of("ios", 1, minutes=40)
    total = octets.count(b"\n") - 2
    early, _ = judged(specification, octets, device, 1)
    waiting = [each.id for each in undecided(early, reads=True)]
    assert "BZ-GAT-001" in waiting
    assert "BZ-GAT-001" not in [each.id for each in undecided(early, reads=False)]
    assert not is_decided(early, reads=True)
    late, _ = judged(specification, octets, device, total)
    assert [each.id for each in undecided(late, reads=True)] == ["BZ-KEY-009"]  # it takes midnight
    assert not is_decided(late, reads=True)


def test_a_must_comes_first_and_a_should_is_not_waited_for(specification: Specification) -> None:
    octets, device = recording_of("android", 1, minutes=5)
    result, _ = judged(specification, octets, device, octets.count(b"\n") - 2)
    levels = [each.level for each in undecided(result, reads=False)]
    assert levels == sorted(levels, key=[Level.MUST, Level.SHOULD].index)
    assert Level.SHOULD in levels
    musts = [each for each in result.requirements if each.level is not Level.MUST]
    assert is_decided(replace(result, requirements=tuple(musts)), reads=False)
    assert not is_decided(
        replace(result, requirements=(), coverage=replace(result.coverage, judged=0)), reads=False
    )


def test_without_a_device_file_what_takes_one_is_not_waited_for(specification: Specification) -> None:
    octets, device = recording_of("android", 1, minutes=2)
    result, _ = judged(specification, octets, device, 10)
    recording_only = replace(result, inputs=result.inputs[:1])
    waiting = {each.id for each in undecided(recording_only, reads=True)}
    assert "BZ-GAT-001" in waiting
    assert "BZ-GAT-002" not in waiting
