"""Evidence is judged in a test, and a failure names the requirements, what was found, and where."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bluezone_harness.cli import bzc
from bluezone_harness.pytest_plugin.evidence import EvidenceCheck
from bluezone_harness.virtual.contact_logs import simulate_day

pytest_plugins = ("pytester",)

Run = Callable[..., pytest.RunResult]


@pytest.fixture
def folder(pytester: pytest.Pytester) -> pytest.Pytester:
    """Return a folder with the first rows of a phone's log, its device file, and another phone's."""
    phone, other = simulate_day(1)[:2]
    rows = phone.export.splitlines(keepends=True)[:12]
    (pytester.path / "data_trace.txt").write_bytes(b"".join(rows))
    (pytester.path / "device.json").write_bytes(phone.device_file)
    (pytester.path / "other.json").write_bytes(other.device_file)
    return pytester


def test_what_holds_passes_and_gives_the_result(run: Run, folder: pytest.Pytester) -> None:
    folder.makepyfile(
        """
        import json
        from pathlib import Path

        def test_files(bluezone_check):
            result = bluezone_check("data_trace.txt", device="device.json", axis="conformance")
            assert result.conformance.verdict == "pass"
            assert result.coverage.judged > 0

        def test_octets_and_what_would_stand_in_a_device_file(bluezone_check):
            device = json.loads(Path("device.json").read_text())
            octets = Path("data_trace.txt").read_bytes()
            result = bluezone_check(octets, device=device, axis="conformance")
            assert [each.name for each in result.inputs] == ["evidence-1", "device.json"]

        def test_paths_and_octets_of_a_device_file(bluezone_check):
            device = Path("device.json").read_bytes()
            bluezone_check(Path("data_trace.txt"), device=device, axis="conformance")
        """
    )
    assert run().parseoutcomes() == {"passed": 3}


def test_a_failure_shows_requirements_with_evidence_and_the_line_of_the_test(
    run: Run, folder: pytest.Pytester
) -> None:
    folder.makepyfile('def test_it(bluezone_check): bluezone_check("data_trace.txt", device="other.json")')
    done = run()
    assert done.parseoutcomes() == {"failed": 1}
    done.stdout.re_match_lines(
        [
            r">? *def test_it\(bluezone_check\): bluezone_check\(.*",
            r"E   AssertionError: failed: BZ-LOG-005; inconclusive: BZ-PRV-.*",
            r"E .*conformance +FAIL .*",
            r"E .*FAIL +BZ-LOG-005 +MUST .*",
            r"E .* found .*",
            r"E .* where +data_trace.txt, row .*",
        ]
    )
    text = done.stdout.str()
    assert "not observable" not in text  # that is bzc check's business
    assert "evidence.py" not in text  # nor does anybody want to see the plugin's own lines


def test_a_failed_assertion_of_ones_own_shows_the_report(run: Run, folder: pytest.Pytester) -> None:
    folder.makepyfile(
        """
        def test_it(bluezone_check):
            result = bluezone_check.result("data_trace.txt", device="other.json")
            assert result.conformance.verdict == "pass"
        """
    )
    done = run()
    assert done.parseoutcomes() == {"failed": 1}
    assert "Captured bluezone_check call" in done.stdout.str()
    assert "FAIL  BZ-LOG-005" in done.stdout.str()


@pytest.fixture
def check(folder: pytest.Pytester) -> EvidenceCheck:
    """Return what judges evidence, beside the files of the folder."""
    return EvidenceCheck(lambda: folder.path, lambda text: None)


def test_what_is_inconclusive_fails_unless_it_is_allowed(check: EvidenceCheck) -> None:
    with pytest.raises(AssertionError, match=r"^inconclusive: BZ-PRV-"):
        check("data_trace.txt", device="device.json")
    found = check("data_trace.txt", device="device.json", allow_inconclusive=True)
    assert found.conformance.verdict == "pass"


def test_what_shows_nothing_does_not_pass(check: EvidenceCheck) -> None:
    with pytest.raises(AssertionError, match=r"^inconclusive: BZ-LOG-001, "):
        check(b"", axis="conformance")
    with pytest.raises(AssertionError, match=r"^nothing was judged\n"):
        check(b"", axis="conformance", profile="v1")


@pytest.mark.parametrize("name", ["capture.pcap", "capture.jsonl"])
def test_captures_and_recordings_are_judged_too(
    check: EvidenceCheck, folder: pytest.Pytester, name: str
) -> None:
    made = ["simulate", "--out", name, "--write-device", "phone.json", "--interval-ms", "1000", "--force"]
    for fault, failed in ((), ""), (("--fault", "slot-late"), "failed: BZ-KEY-006, BZ-ADV-004"):
        bzc.main([*made, *fault], standalone_mode=False)
        evidence = (folder.path / name, folder.path / "data_trace.txt") if fault else (folder.path / name,)
        if failed:
            with pytest.raises(AssertionError) as raised:
                check(*evidence, device="phone.json", axis="conformance", allow_inconclusive=True)
            assert str(raised.value).startswith(failed)
        else:
            found = check(*evidence, device="phone.json", axis="conformance", allow_inconclusive=True)
            assert "BZ-KEY-006" in {each.id for each in found.requirements if each.verdict == "pass"}


ACCEPT = """[[accept]]
requirement = "{requirement}"
reason = "the wrong device file, on purpose"
expires = {expires}
"""


def test_a_failed_should_counts_in_strict_runs(check: EvidenceCheck, folder: pytest.Pytester) -> None:
    """A long-lived address breaks MUSTs too, which are accepted here."""
    made = ["simulate", "--out", "c.pcap", "--write-device", "phone.json", "--interval-ms", "1000"]
    bzc.main([*made, "--fault", "long-lived-address"], standalone_mode=False)
    result = check.result("c.pcap", device="phone.json")
    musts = [each.id for each in result.requirements if (each.level, each.verdict) == ("MUST", "fail")]
    entries = [ACCEPT.format(requirement=name, expires="9999-12-31") for name in musts]
    accepted = "\n".join(["schema = 1", *entries]).encode()
    check("c.pcap", device="phone.json", allow_inconclusive=True, accept=accepted)
    with pytest.raises(AssertionError, match=r"^failed: BZ-PRV-003\n"):
        check("c.pcap", device="phone.json", allow_inconclusive=True, accept=accepted, strict=True)


def test_accepted_failures_do_not_count_while_they_are_true(check: EvidenceCheck) -> None:
    def judged(requirement: str, expires: str = "9999-12-31") -> None:
        text = "schema = 1\n" + ACCEPT.format(requirement=requirement, expires=expires)
        check("data_trace.txt", device="other.json", axis="conformance", accept=text.encode())

    with pytest.raises(AssertionError) as raised:
        check("data_trace.txt", device="other.json", axis="conformance")
    assert str(raised.value).startswith("failed: BZ-LOG-005\n")
    judged("BZ-LOG-005")
    with pytest.raises(
        AssertionError, match=r"^failed: BZ-LOG-005; accepted, but not so: BZ-LOG-001 \(unmatched\)"
    ):
        judged("BZ-LOG-001")
    with pytest.raises(AssertionError, match=r"accepted, but not so: BZ-LOG-005 \(expired\)"):
        judged("BZ-LOG-005", "2001-01-01")


def test_what_cannot_be_judged_is_said_in_a_sentence(
    run: Run, folder: pytest.Pytester, check: EvidenceCheck
) -> None:
    with pytest.raises(ValueError, match="there is no evidence"):
        check()
    with pytest.raises(ValueError, match="there is no profile 'v9': they are android-v3, "):
        check("data_trace.txt", profile="v9")
    folder.makepyfile(
        """
        import pytest

        @pytest.mark.parametrize("device", ["none.json", {"base_id": "00"}, None])
        def test_it(bluezone_check, device):
            bluezone_check("data_trace.txt" if device else "-", device=device)
        """
    )
    done = run()
    assert done.parseoutcomes() == {"failed": 3}
    for text in (
        "none.json: no such file or directory",
        "device.json: ",
        "-: it cannot be read, no such file",
    ):
        assert f"E       bluezone_harness.evidence.errors.EvidenceError: {text}" in done.stdout.str()
    assert "strict_json.py" not in done.stdout.str()
