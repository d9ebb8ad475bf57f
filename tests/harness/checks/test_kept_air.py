"""What was left out of captures decides nothing; what is a pseudonym is never taken for what was sent."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from bluezone_harness.checks import CHECKS
from bluezone_harness.checks.captures import Capture
from bluezone_harness.checks.devices_heard import all_subjects
from bluezone_harness.checks.kept_air import SHOWN_BY_EACH, SHOWN_BY_ONE_CLOCK, kept_remarks, of_kept
from bluezone_harness.checks.subjects import UNIDENTIFIED, Rules, Subject
from bluezone_harness.evidence.contact_logs import read_contact_log
from bluezone_harness.evidence.device_files import DeviceFile, read_device_file
from bluezone_harness.findings import Ground, Reason, Verdict, failed, inconclusive, passed
from bluezone_harness.observations import Capability, Extent
from bluezone_harness.profiles import profiles_of
from bluezone_harness.sightings import Sighting
from bluezone_harness.verdicts import judge
from bluezone_spec.model import Specification

DAY_5_MS = 1_596_844_800_000 + 5 * 86_400_000
BASE_ID = "4c5224b397f8ab3896781d5aa0f3119f280513f1b592ca280ebded6357e21084"
ADDRESS = "4B:00:00:00:00:01"
PASSED = passed(2, "2 of 2 right")
FAILED = failed(2, 1, "1 of 2 wrong", [Ground("1 of 2 wrong", "right", "wrong", 1, ())])
DOUBT = inconclusive(Reason.TOO_SHORT, "a single one")

Sends = Callable[..., list[Sighting]]
MakeCapture = Callable[..., Capture]


def only(capture: Capture, name: str = "capture", **extents: str) -> Capture:
    """Return a capture that says more of itself."""
    said = {Capability(each): Extent(extent) for each, extent in extents.items()}
    return replace(capture, name=name, capabilities={**capture.capabilities, **said})


def device_file(**more: object) -> DeviceFile:
    content = {"base_id": BASE_ID, "base_day": "2020-08-08", **more}
    return read_device_file("device.json", json.dumps(content).encode())


@pytest.fixture
def subject_of(capture: MakeCapture, sends: Sends) -> Callable[..., Subject]:
    """Return a function from what a capture says of itself to a subject heard in it."""

    def make(*, device: DeviceFile | None = None, captures: int = 1, **extents: str) -> Subject:
        heard = sends(DAY_5_MS, DAY_5_MS + 60_000)
        found = tuple(only(capture(heard), f"capture {number}", **extents) for number in range(captures))
        known = None if device is None else device.devices[0]
        return Subject("phone", known, (), captures=found, sightings=tuple(heard))

    return make


@pytest.mark.req("BZ-ADV-001", "BZ-PRV-009")
def test_where_all_is_there_all_stands(subject_of: Callable[..., Subject]) -> None:
    for extents in ({}, {"whole_air": "yes"}, {"true_ids": "no"}):
        for answer in (PASSED, FAILED, DOUBT):
            assert of_kept(CHECKS["BZ-PRV-008"], subject_of(**extents), answer) is answer


@pytest.mark.req("BZ-ADV-001", "BZ-ADV-008", "BZ-PRV-008")
@pytest.mark.parametrize("name", sorted(CHECKS))
def test_of_some_addresses_nothing_passes_and_fails_only_what_each_shows(
    name: str, subject_of: Callable[..., Subject]
) -> None:
    check, subject = CHECKS[name], subject_of(whole_air="no")
    logs_only = name.startswith(("BZ-LOG", "BZ-RCV")) or name in ("BZ-PRV-016", "BZ-PRV-017")
    found = of_kept(check, subject, PASSED)
    assert found.verdict is (Verdict.PASS if logs_only else Verdict.INCONCLUSIVE)
    assert of_kept(check, subject, DOUBT) is DOUBT
    stands = logs_only or name in SHOWN_BY_EACH | SHOWN_BY_ONE_CLOCK
    assert (of_kept(check, subject, FAILED) is FAILED) == stands
    if not stands:
        assert of_kept(check, subject, FAILED).summary == (
            "what was left out of the capture can explain it: 1 of 2 wrong"
        )
    # two captures may have two clocks, and what set them right may be missing
    two = of_kept(check, subject_of(whole_air="no", captures=2), FAILED)
    assert (two is FAILED) == (logs_only or name in SHOWN_BY_EACH)


@pytest.mark.req("BZ-KEY-010", "BZ-PRV-002")
def test_of_bluezones_phones_alone_all_stands_but_what_others_tell(
    subject_of: Callable[..., Subject],
) -> None:
    def found(name: str = "BZ-PRV-002", **more: object) -> Verdict:
        return of_kept(CHECKS[name], subject_of(whole_air="partial", **more), PASSED).verdict

    assert found() is Verdict.PASS
    assert found("BZ-KEY-010") is Verdict.INCONCLUSIVE
    assert found(captures=2) is Verdict.INCONCLUSIVE
    assert found(device=device_file()) is Verdict.PASS
    assert found(device=device_file(address=ADDRESS)) is Verdict.PASS
    # what that phone sends may be nothing of Bluezone's, and was left out
    assert found(device=device_file(address="4B:00:00:00:00:77")) is Verdict.INCONCLUSIVE


@pytest.mark.req("BZ-KEY-010")
def test_who_else_was_heard_tells_nothing_where_they_were_left_out(
    capture: MakeCapture, sends: Sends, rules: Callable[[str], Rules]
) -> None:
    heard = capture(sends(DAY_5_MS, DAY_5_MS + 600_000, ids=lambda time_ms: bytes(12)))
    devices = device_file().devices

    def found(*captures: Capture) -> tuple[Subject, ...]:
        return all_subjects([], captures, devices, rules("v3"))

    # a single phone with other ids is the device under test, and wrong
    assert found(heard)[0].identified
    assert found(only(heard, whole_air="partial"))[0].identified
    (nobody,) = found(only(heard, whole_air="no"))
    assert (nobody.identified, nobody.sightings, nobody.alone) == (False, (), False)
    assert all_subjects([], [heard], (), rules("v3"))[0].alone
    assert not all_subjects([], [only(heard, whole_air="no")], (), rules("v3"))[0].alone


@pytest.mark.req("BZ-KEY-001", "BZ-PRV-007")
def test_pseudonyms_are_nobodys_and_no_value_is_judged(
    capture: MakeCapture, sends: Sends, rules: Callable[[str], Rules], good_log: bytes
) -> None:
    heard = capture(sends(DAY_5_MS, DAY_5_MS + 600_000))
    private = only(heard, true_ids="no")
    log = read_contact_log("log", good_log)
    own, rest = all_subjects([log], [private], device_file().devices, rules("v3"))
    assert (own.captures, own.logs, own.label) == ((), (log,), "phone")
    assert (rest.label, rest.identified, rest.captures) == (UNIDENTIFIED, False, (private,))
    assert Capability.TRUE_IDS not in rest.capabilities
    # beside it nobody can tell which of the others' ids are whose
    (both,) = all_subjects([], [heard, private], (), rules("v3"))
    assert Capability.TRUE_IDS not in both.capabilities
    assert {Capability.TRUE_IDS, Capability.WHOLE_AIR} <= all_subjects([], [heard], (), rules("v3"))[
        0
    ].capabilities
    assert not {Capability.TRUE_IDS, Capability.WHOLE_AIR} & Subject("phone", None, (log,)).capabilities


@pytest.mark.req("BZ-KEY-001", "BZ-PRV-005", "BZ-PRV-007")
def test_a_weak_base_id_is_not_cleared_by_pseudonyms(
    capture: MakeCapture, sends: Sends, specification: Specification
) -> None:
    heard = capture(sends(DAY_5_MS, DAY_5_MS + 7_200_000))

    def verdicts(evidence: Capture) -> dict[str, tuple[Verdict, Reason | None]]:
        profile = profiles_of(specification)["v3"]
        result = judge(specification, profile, [], None, "check", [evidence])
        assert [each.source for each in result.diagnostics if "pseudonyms" in each.message] == (
            [] if evidence is heard else ["capture"]
        )
        if evidence is not heard:
            (summary,) = {
                each.summary for each in result.requirements if each.id in ("BZ-KEY-001", "BZ-PRV-007")
            }
            assert summary == "this evidence lacks what the check needs: true ids"
        return {each.id: (each.verdict, each.reason) for each in result.requirements}

    whole, private = verdicts(heard), verdicts(only(heard, true_ids="no"))
    changed = {name for name in whole if whole[name] != private[name]}
    assert changed == {"BZ-KEY-001", "BZ-PRV-007"}
    assert {private[name] for name in changed} == {(Verdict.NOT_OBSERVABLE, Reason.CAPABILITY_MISSING)}
    assert {whole[name][0] for name in changed} == {Verdict.PASS}
    assert private["BZ-PRV-005"][0] is Verdict.PASS


@pytest.mark.req("BZ-PRV-007")
def test_what_is_said_of_captures(capture: MakeCapture) -> None:
    captures = [
        capture([]),
        only(capture([]), "some", whole_air="no"),
        only(capture([]), "ours", whole_air="partial", true_ids="no"),
    ]
    assert [(each.source, each.message.split(":")[0]) for each in kept_remarks(captures)] == [
        ("some", "only a part of what was heard was kept in it"),
        ("ours", "its ids, addresses and names are pseudonyms"),
        ("ours", "only what Bluezone's phones sent was kept in it"),
    ]
