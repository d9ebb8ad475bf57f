"""Recordings that are private for bystanders: the device under test is judged as in the open, nobody else for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

import pytest

from bluezone_harness.checks import CHECKS, weak_ids
from bluezone_harness.checks.captures import Capture
from bluezone_harness.checks.devices_heard import all_subjects
from bluezone_harness.checks.kept_air import kept_remarks, of_kept
from bluezone_harness.checks.subjects import UNIDENTIFIED, Rules, Subject
from bluezone_harness.evidence.device_files import DeviceFile, read_device_file
from bluezone_harness.findings import Ground, Judgement, Reason, Verdict, failed, passed
from bluezone_harness.live.bystanders import Bystanders
from bluezone_harness.observations import Advert, Capability, Extent
from bluezone_harness.profiles import profiles_of
from bluezone_harness.sightings import Sighting, fold
from bluezone_harness.verdicts import judge
from bluezone_harness.virtual.faults import FAULTS
from bluezone_harness.virtual.phones import Plan, device_file, drawn_phone, prepared, simulate
from bluezone_harness.writing.pseudonyms import Pseudonyms
from bluezone_spec.model import Specification

START_MS = 1_597_188_600_000  # 2020-08-11T23:30:00Z
DAY_5_MS = 1_596_844_800_000 + 5 * 86_400_000
HOUR_MS = 3_600_000
OWN = "4c5224b397f8ab3896781d5aa0f3119f280513f1b592ca280ebded6357e21084"
OTHER = "66b07d33da4e16a359b590eda1e8dc90892d341c86a6491376041fe44505ffb5"
DECIDED = (Verdict.PASS, Verdict.FAIL)
AT_ONCE = ("", "unsaved-base", "static-service", "relay")
PASSED = passed(2, "2 of 2 right")
FAILED = failed(2, 1, "1 of 2 wrong", [Ground("1 of 2 wrong", "right", "wrong", 1, ())])

Sends = Callable[..., list[Sighting]]
MakeCapture = Callable[..., Capture]
Found = dict[str, Judgement]


def devices(*base_ids: str, **more: object) -> DeviceFile:
    listed = ", ".join(
        f'{{"name": "phone {number}", "platform": "android", "bases": [{{"base_id": "{each}", '
        '"base_day": "2020-08-08"}], "max": [], "foreground": []}'
        for number, each in enumerate(base_ids)
    )
    return read_device_file("devices.json", f'{{"schema": 1, "devices": [{listed}]}}'.encode())


def private(capture: Capture, extent: Extent = Extent.PARTIAL) -> Capture:
    return replace(capture, capabilities={**capture.capabilities, Capability.TRUE_IDS: extent})


@pytest.fixture
def verdicts(
    specification: Specification, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., dict[str, tuple[Verdict, Reason | None, str]]]:
    """Return a function from captures and a device file to each requirement's verdict, reason and summary."""
    monkeypatch.setattr(weak_ids, "BASE_DAYS", 2)
    profile = profiles_of(specification)["v3"]

    def run(
        *captures: Capture, device: DeviceFile | None = None
    ) -> dict[str, tuple[Verdict, Reason | None, str]]:
        found = judge(specification, profile, [], device, "check", captures)
        return {each.id: (each.verdict, each.reason, each.summary) for each in found.requirements}

    return run


Verdicts = Callable[..., dict[str, tuple[Verdict, Reason | None, str]]]


# --- whose it is ---


@pytest.fixture
def subjects_of(rules: Callable[[str], Rules]) -> Callable[..., tuple[Subject, ...]]:
    """Return a function from captures and base ids to the subjects."""
    return lambda captures, *base_ids: all_subjects([], captures, devices(*base_ids).devices, rules("v3"))


Subjects = Callable[..., tuple[Subject, ...]]


@pytest.mark.req("BZ-KEY-010")
def test_a_lone_bystander_is_never_the_device(
    sends: Sends, capture: MakeCapture, subjects_of: Subjects, verdicts: Verdicts
) -> None:
    heard = capture(sends(DAY_5_MS, DAY_5_MS + HOUR_MS, ids=lambda time_ms: bytes(12)))
    (open_one,) = subjects_of([heard], OWN)
    assert (open_one.identified, len(open_one.sightings)) == (True, len(heard.folded.sightings))
    (nobody,) = subjects_of([private(heard)], OWN)
    assert (nobody.identified, nobody.sightings, nobody.strangers) == (False, (), 1)
    assert verdicts(heard, device=devices(OWN))["BZ-KEY-010"][0] is Verdict.FAIL
    found = verdicts(private(heard), device=devices(OWN))
    for name in ("BZ-KEY-002", "BZ-KEY-006", "BZ-KEY-010", "BZ-ADV-004", "BZ-PRV-001", "BZ-PRV-004"):
        verdict, reason, summary = found[name]
        assert (verdict, reason) == (Verdict.INCONCLUSIVE, Reason.DEVICE_NOT_IDENTIFIED), name
        assert "nothing that was heard is known to be the device under test" in summary
    # and of a capture of nobody at all nothing is said but that
    (unheard,) = subjects_of([private(capture([]))], OWN)
    assert unheard.identified


@pytest.mark.req("BZ-KEY-010", "BZ-KEY-006")
def test_a_device_is_found_by_its_ids_and_judged_as_in_the_open(
    sends: Sends,
    own_id: Callable[..., bytes],
    capture: MakeCapture,
    subjects_of: Subjects,
    verdicts: Verdicts,
) -> None:
    mine = sends(DAY_5_MS, DAY_5_MS + HOUR_MS)
    other = sends(DAY_5_MS, DAY_5_MS + HOUR_MS, ids=lambda _: bytes(12), phase_ms=4_000, first_address=9_000)
    heard = capture([*mine, *other])
    (subject,) = subjects_of([private(heard)], OWN)
    assert (subject.sightings, subject.identified, subject.strangers) == (tuple(mine), True, 1)
    assert Capability.TRUE_IDS in subject.capabilities
    assert verdicts(private(heard), device=devices(OWN)) == verdicts(heard, device=devices(OWN))
    assert verdicts(private(heard), device=devices(OWN))["BZ-KEY-006"][0] is Verdict.PASS
    # of several devices the same
    one, two = subjects_of([private(heard)], OWN, OTHER)
    assert (one.sightings, two.sightings) == (tuple(mine), ())
    *known, rest = subjects_of([private(heard)], OTHER, "00" * 32)
    assert [each.captures for each in known] == [(), ()]
    assert (rest.label, rest.identified) == (UNIDENTIFIED, False)
    assert Capability.TRUE_IDS in rest.capabilities  # so that it is told what is wanting: whose they are
    found = verdicts(private(heard), device=devices(OTHER, "00" * 32))["BZ-KEY-006"]
    assert found[:2] == (Verdict.INCONCLUSIVE, Reason.DEVICE_NOT_IDENTIFIED)
    # where somebody has pseudonyms for all, the device as well has one
    *_, rest = subjects_of([private(heard), replace(private(heard, Extent.NO), name="all")], OWN)
    assert (rest.label, Capability.TRUE_IDS in rest.capabilities) == (UNIDENTIFIED, False)


@pytest.mark.req("BZ-KEY-001", "BZ-PRV-007")
def test_without_a_device_file_no_value_is_judged(
    sends: Sends, capture: MakeCapture, verdicts: Verdicts
) -> None:
    heard = capture(sends(DAY_5_MS, DAY_5_MS + HOUR_MS))
    whole, found = verdicts(heard), verdicts(private(heard))
    assert {name for name in whole if whole[name] != found[name]} == {"BZ-KEY-001", "BZ-PRV-007"}
    assert found["BZ-PRV-007"][:2] == (Verdict.NOT_OBSERVABLE, Reason.CAPABILITY_MISSING)


# --- what stands ---


@pytest.mark.req("BZ-KEY-010")
def test_what_can_be_the_same_phones_passes_nothing(
    sends: Sends, capture: MakeCapture, verdicts: Verdicts
) -> None:
    before = sends(
        DAY_5_MS, DAY_5_MS + HOUR_MS, ids=lambda time_ms: bytes(11) + bytes([time_ms // 900_000 % 256])
    )
    after = sends(DAY_5_MS + HOUR_MS, DAY_5_MS + 2 * HOUR_MS, first_address=900)
    heard = capture([*before, *after])
    assert verdicts(heard, device=devices(OWN))["BZ-KEY-010"][0] is Verdict.FAIL
    found = verdicts(private(heard), device=devices(OWN))
    assert found["BZ-KEY-010"][:2] == (Verdict.INCONCLUSIVE, Reason.DEVICE_NOT_IDENTIFIED)
    assert found["BZ-KEY-010"][2].startswith("what bears a pseudonym can be the same phone's: ")
    assert Verdict.PASS not in {each for name, (each, *_) in found.items() if name != "BZ-KEY-001"}


@pytest.mark.req("BZ-PRV-006", "BZ-PRV-004")
def test_answers_beside_pseudonyms(sends: Sends, capture: MakeCapture) -> None:
    heard = sends(DAY_5_MS, DAY_5_MS + 60_000)
    held = private(capture(heard))
    device = devices(OWN).devices[0]

    def found(name: str, answer: Judgement, captures: Iterable[Capture] = (held,), **more: object) -> Verdict:
        subject = Subject("phone", device, (), captures=tuple(captures), sightings=tuple(heard), strangers=1)
        return of_kept(CHECKS[name], replace(subject, **more), answer).verdict  # type: ignore[arg-type]  # of any field

    assert found("BZ-PRV-004", PASSED) is Verdict.PASS
    assert found("BZ-PRV-004", PASSED, alone=True) is Verdict.INCONCLUSIVE
    assert found("BZ-PRV-004", PASSED, alone=True, strangers=0) is Verdict.PASS
    assert found("BZ-PRV-004", PASSED, alone=True, device=None) is Verdict.PASS
    assert found("BZ-PRV-004", PASSED, (held, held)) is Verdict.INCONCLUSIVE
    assert found("BZ-PRV-004", PASSED, (capture(heard),), alone=True) is Verdict.PASS
    assert found("BZ-LOG-001", PASSED, alone=True) is Verdict.PASS
    assert found("BZ-PRV-004", FAILED, alone=True) is Verdict.FAIL
    assert found("BZ-PRV-006", FAILED) is Verdict.INCONCLUSIVE
    assert found("BZ-PRV-006", FAILED, (capture(heard),)) is Verdict.FAIL


@pytest.mark.req("BZ-PRV-008")
def test_what_others_send_as_well_is_hidden(
    sighting: Callable[..., Sighting], own_id: Callable[..., bytes], capture: MakeCapture, verdicts: Verdicts
) -> None:
    def sent(rolling_id: bytes, beside: bytes) -> bytes:
        return bytes.fromhex("0303564e0fffb522") + rolling_id + b"\x05\x16\x0a\x18" + beside

    heard = [
        sighting(time_ms, sent(own_id(time_ms), b"\x01\x02"), address=f"4B:00:00:00:00:0{number}")
        for number, time_ms in enumerate((DAY_5_MS, DAY_5_MS + 900_000))
    ]
    others = [
        sighting(time_ms, sent(bytes(11) + bytes([number]), b"\x03\x04"), address=f"4B:00:00:00:00:1{number}")
        for number, time_ms in enumerate((DAY_5_MS + 3_000, DAY_5_MS + 903_000))
    ]
    held = capture([*heard, *others])
    assert verdicts(held, device=devices(OWN))["BZ-PRV-008"][0] is Verdict.FAIL
    for file in (devices(OWN), None):
        verdict, reason, summary = verdicts(private(held), device=file)["BZ-PRV-008"]
        assert (verdict, reason) == (Verdict.INCONCLUSIVE, Reason.EVIDENCE_MISSING)
        assert summary.startswith("what others send are pseudonyms, so that they may send the same: ")


@pytest.mark.req("BZ-PRV-007")
def test_what_is_said_of_it(capture: MakeCapture) -> None:
    (told,) = kept_remarks([private(capture([]))])
    assert "true of the device under test, and pseudonyms of everybody else" in told.message


# --- simulations ---


@pytest.mark.req("BZ-KEY-010", "BZ-PRV-006", "BZ-PRV-008", "BZ-PRV-009")
@pytest.mark.parametrize(
    "name",
    [each if each in AT_ONCE else pytest.param(each, marks=pytest.mark.long) for each in ("", *FAULTS)],
)
def test_no_verdict_is_turned_round(
    name: str, sniffed: frozenset[Capability], specification: Specification, verdicts: Verdicts
) -> None:
    platform = FAULTS[name].platforms[0] if name else "android"
    shown = dict.fromkeys(sniffed, Extent.YES)
    for seed, strangers in ((1, 0), (2, 3)):
        phone = drawn_phone("phone", platform, START_MS, seed, (name,) if name else ())
        plan = Plan((phone,), START_MS, HOUR_MS, loss=0.1, strangers=strangers, interval_ms=3000)
        plan = prepared(plan, seed)
        device = read_device_file("device.json", device_file(plan.phones[:1]))
        heard = [
            Advert(
                number,
                each.time_us,
                each.receiver,
                each.address,
                each.address_type,
                each.pdu,
                each.ad,
                each.rssi,
                each.channel,
            )
            for number, each in enumerate(simulate(plan, seed), 1)
        ]
        bystanders = Bystanders(
            Pseudonyms(bytes(range(32))), device.devices, profiles_of(specification)["v3"]
        )
        kept = [each for each in map(bystanders.of, heard) if each is not None]

        def captured(adverts: Iterable[object], **more: Extent) -> Capture:
            folded = fold("air", adverts)  # type: ignore[arg-type]  # adverts all
            return Capture("air", "0" * 64, "recording", shown, folded.adverts, False, (), folded)

        for file in (device, None):
            whole = verdicts(captured(heard), device=file)
            found = verdicts(private(captured(kept)), device=file)
            turned = {
                each: (whole[each], found[each])
                for each in whole
                if found[each][0] in DECIDED and found[each][0] is not whole[each][0]
            }
            assert turned == {}
            if name == "" and file is not None:
                assert found == whole
