"""What an operating system's scanner tells: failures stand, silence proves nothing, octets are never made of fields."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from bluezone_harness.checks import CHECKS, weak_ids
from bluezone_harness.checks.captures import Capture
from bluezone_harness.checks.frames import frame_of
from bluezone_harness.checks.lifetimes import heard_again
from bluezone_harness.checks.registry import Check
from bluezone_harness.checks.subjects import Rules, Subject
from bluezone_harness.checks.system_scans import (
    BY_SILENCE,
    judged,
    or_fields,
    takes_fields,
    told_ids,
)
from bluezone_harness.evidence.device_files import read_device_file
from bluezone_harness.findings import Ground, Judgement, Reason, Verdict, failed, passed
from bluezone_harness.observations import (
    Advert,
    Capability,
    Extent,
    PduType,
    shown_by,
    shows_octets,
    tells_fields,
)
from bluezone_harness.profiles import profiles_of
from bluezone_harness.results import Result
from bluezone_harness.sightings import Sighting, fold
from bluezone_harness.verdicts import judge
from bluezone_harness.virtual.faults import FAULTS
from bluezone_harness.virtual.phones import Plan, device_file, drawn_phone, prepared, simulate
from bluezone_harness.virtual.plans import AirPacket, Span
from bluezone_spec.model import Specification

HOUR_MS = 3_600_000
START_MS = 1_597_188_600_000  # 2020-08-11T23:30:00Z
DAY_5_MS = 1_596_844_800_000 + 5 * 86_400_000
YES, NO = Extent.YES, Extent.NO
RECORD = re.compile(r"^\| (BZ-[A-Z]{3}-[0-9]{3}) \| (yes|fails|no) \| (.+) \|$", re.MULTILINE)
FOUND = {
    "local-day": "BZ-KEY-002",
    "day-key-lag": "BZ-KEY-003",
    "corrected-salt": "BZ-KEY-004",
    "no-salt": "BZ-KEY-004",
    "other-octets": "BZ-KEY-005",
    "slot-late": "BZ-KEY-006",
    "future-list": "BZ-KEY-009",
    "midnight-list": "BZ-KEY-009",
    "old-id": "BZ-ADV-005",
    "long-lived-id": "BZ-PRV-004",
    "repeated-ids": "BZ-PRV-005",
    "empty-base": "BZ-PRV-007",
    "six-octets": "BZ-ADV-003",
    "eleven-octets": "BZ-ADV-003",
    "thirteen-octets": "BZ-ADV-003",
    "address-outlives-id": "BZ-PRV-001",
}
"""Planted faults that show in ids and addresses, whatever else a system keeps for itself."""
AT_ONCE = ("slot-late", "thirteen-octets", "address-outlives-id", "old-id")

Thin = Callable[..., list[Advert]]
MakeCapture = Callable[..., Capture]
Sends = Callable[..., list[Sighting]]


def of_fields(heard: Sequence[Sighting], **more: Extent) -> Capture:
    """Return sightings as a recording of fields."""
    told = [replace(each, source="told", pdu=None) for each in heard]
    shown = {Capability.RAW_AD: NO, Capability.AD_FIELDS: YES, Capability.ADDRESS: YES}
    folded = replace(
        fold("told", ()), sightings=tuple(told), first_us=told[0].first_us, last_us=told[-1].last_us
    )
    extents = {Capability(name): extent for name, extent in more.items()}
    return Capture("told", "1" * 64, "recording", shown | extents, len(told), False, (), folded)


@pytest.fixture
def verdicts(
    specification: Specification, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., dict[str, tuple[Verdict, Reason | None]]]:
    """Return a function from captures, and what a device file holds, to each requirement's verdict and reason."""
    monkeypatch.setattr(weak_ids, "BASE_DAYS", 2)

    def run(*captures: Capture, device: bytes | None = None) -> dict[str, tuple[Verdict, Reason | None]]:
        file = None if device is None else read_device_file("device.json", device)
        found: Result = judge(specification, profiles_of(specification)["v3"], [], file, "check", captures)
        return {each.id: (each.verdict, each.reason) for each in found.requirements}

    return run


Verdicts = Callable[..., dict[str, tuple[Verdict, Reason | None]]]
DEVICE = b'{"base_id": "4c5224b397f8ab3896781d5aa0f3119f280513f1b592ca280ebded6357e21084", "base_day": "2020-08-08"}'


# --- which checks may see fields ---


@pytest.mark.req("BZ-ADV-001", "BZ-ADV-003", "BZ-ADV-005")
def test_the_decision_record_names_each_check_and_says_what_it_does(repository: Path) -> None:
    (record,) = (repository / "spec" / "decisions").glob("0019-*.md")
    said = {name: how for name, how, _ in RECORD.findall(record.read_text("utf-8"))}
    done = {
        name: "fails" if name in BY_SILENCE else "yes" if takes_fields(check) else "no"
        for name, check in CHECKS.items()
        if any(Capability.RAW_AD in need for need in check.needs)
    }
    assert said == done
    # and fields are never enough where octets are not
    for name, check in CHECKS.items():
        with_octets = {need - {Capability.RAW_AD} for need in check.needs if Capability.RAW_AD in need}
        with_fields = {need - {Capability.AD_FIELDS} for need in check.needs if Capability.AD_FIELDS in need}
        assert with_fields in (set(), with_octets), name
    assert set(CHECKS) >= BY_SILENCE


@pytest.mark.req("BZ-ADV-003")
def test_where_a_capture_has_both_it_counts_as_fields() -> None:
    assert or_fields(Capability.ADDRESS) == (
        frozenset({Capability.RAW_AD, Capability.ADDRESS}),
        frozenset({Capability.AD_FIELDS, Capability.ADDRESS}),
    )
    octets, fields = {Capability.RAW_AD: YES}, {Capability.RAW_AD: NO, Capability.AD_FIELDS: Extent.PARTIAL}
    both = {Capability.RAW_AD: Extent.PARTIAL, Capability.AD_FIELDS: YES}
    assert [*map(shows_octets, (octets, fields, both, {}))] == [True, False, False, False]
    assert [*map(tells_fields, (octets, fields, both, {}))] == [False, True, True, False]
    assert [shown_by(each) for each in (octets, fields, both)] == [
        frozenset({Capability.RAW_AD}),
        frozenset({Capability.AD_FIELDS}),
        frozenset({Capability.AD_FIELDS}),
    ]


# --- what they see ---


def _asked_of(subject: Subject, name: str, verdict: Verdict, rules: Rules) -> tuple[Judgement, list[Subject]]:
    """Ask a check in the place of another, and return its answer and whom it was asked about."""
    seen: list[Subject] = []

    def answer(whom: Subject, _: Rules) -> Judgement:
        seen.append(whom)
        if verdict is Verdict.PASS:
            return passed(1, "right")
        return failed(1, 1, "wrong", [Ground("wrong", "right", "wrong", 1, ())])

    return judged(Check(name, CHECKS[name].needs, answer), subject, rules), seen


@pytest.mark.req("BZ-ADV-001", "BZ-PRV-004")
@pytest.mark.parametrize("name", sorted(CHECKS))
def test_octets_are_never_made_of_fields_and_silence_passes_nothing(
    name: str, sends: Sends, capture: MakeCapture, rules: Callable[[str], Rules]
) -> None:
    heard = sends(DAY_5_MS, DAY_5_MS + 300_000)
    octets, told = capture(heard), of_fields(heard)
    by_octets = Subject("phone", None, (), captures=(octets,), sightings=tuple(heard))
    by_fields = Subject("phone", None, (), captures=(told,), sightings=tuple(told.folded.sightings))
    both = replace(by_octets, captures=(octets, told), sightings=(*heard, *told.folded.sightings))
    of_air = any(Capability.RAW_AD in need for need in CHECKS[name].needs)
    for verdict in (Verdict.PASS, Verdict.FAIL):
        for subject in (by_octets, by_fields, both):
            found, seen = _asked_of(subject, name, verdict, rules("v3"))
            if not of_air or subject is by_octets:
                assert (found.verdict, seen) == (verdict, [subject])
            elif not takes_fields(CHECKS[name]):
                (whom,) = seen
                assert whom.captures == subject.captures[: subject is both]
                assert len(whom.sightings) == len(heard) * (subject is both)
            else:
                assert seen[0] is subject
                silent = name in BY_SILENCE and verdict is Verdict.PASS
                assert found.verdict is (Verdict.INCONCLUSIVE if silent and len(seen) < 2 else verdict)
                assert len(seen) in ((1, 2) if silent else (1,))
                assert all(each.captures == (octets,) for each in seen[1:])


@pytest.mark.req("BZ-PRV-003")
def test_beside_octets_without_addresses_silence_passes_nothing(
    sends: Sends, capture: MakeCapture, rules: Callable[[str], Rules]
) -> None:
    heard = sends(DAY_5_MS, DAY_5_MS + 300_000)
    told = of_fields(heard)
    for without, verdict in (((), Verdict.PASS), ((Capability.ADDRESS,), Verdict.INCONCLUSIVE)):
        both = (capture(heard, without=without), told)
        subject = Subject("phone", None, (), captures=both, sightings=(*heard, *told.folded.sightings))
        found, seen = _asked_of(subject, "BZ-PRV-003", Verdict.PASS, rules("v3"))
        assert found.verdict is verdict
        assert len(seen) == (2 if verdict is Verdict.PASS else 1)


@pytest.mark.req("BZ-PRV-003", "BZ-PRV-004", "BZ-PRV-005")
def test_where_ids_were_read_a_scanner_hides_none(
    sighting: Callable[..., Sighting], rules: Callable[[str], Rules]
) -> None:
    ios = b"\x11\x07" + bytes.fromhex("67A607ADD1172FA1C44BF573564E0000")
    told = of_fields([sighting(DAY_5_MS, ios)])
    subject = Subject("phone", None, (), captures=(told,), sightings=told.folded.sightings)
    assert told_ids(subject) == frozenset()
    for name in BY_SILENCE:
        found, _ = _asked_of(subject, name, Verdict.PASS, rules("v3"))
        assert found.verdict is (Verdict.INCONCLUSIVE if name == "BZ-PRV-003" else Verdict.PASS)
    android = of_fields([sighting(DAY_5_MS, b"\x07" * 12)])
    assert told_ids(replace(subject, captures=(android,), sightings=android.folded.sightings)) == {
        b"\x07" * 12
    }


@pytest.mark.req("BZ-PRV-005", "BZ-PRV-004")
def test_an_id_that_is_told_again_at_its_address_may_never_have_ended(
    sighting: Callable[..., Sighting], verdicts: Verdicts
) -> None:
    def said(second: str | None) -> Verdict:
        heard = [
            sighting(DAY_5_MS + later_s * 1000, b"\x07" * 12, address=address, seconds=4)
            for later_s, address in ((0, "4B:00:00:00:00:01" if second else None), (4000, second))
        ]
        return verdicts(of_fields(heard), device=DEVICE)["BZ-PRV-005"][0]

    assert said("4B:00:00:00:00:02") is Verdict.FAIL
    assert said("4B:00:00:00:00:01") is not Verdict.FAIL
    assert said(None) is not Verdict.FAIL


@pytest.mark.req("BZ-PRV-005")
@pytest.mark.parametrize(("into_slot_s", "fails"), [(49, False), (51, True)])
def test_what_is_told_a_little_late_is_of_no_later_slot(
    sighting: Callable[..., Sighting],
    capture: MakeCapture,
    verdicts: Verdicts,
    into_slot_s: int,
    fails: bool,
) -> None:
    heard = [
        sighting(DAY_5_MS + at_s * 1000, b"\x07" * 12, address=address, seconds=4)
        for at_s, address in ((0, "4B:00:00:00:00:01"), (1800 + into_slot_s, "4B:00:00:00:00:02"))
    ]
    # 45 s for the clock, and 5 s for the system
    assert (verdicts(of_fields(heard), device=DEVICE)["BZ-PRV-005"][0] is Verdict.FAIL) == fails
    assert verdicts(capture(heard), device=DEVICE)["BZ-PRV-005"][0] is Verdict.FAIL


@pytest.mark.req("BZ-PRV-005")
@pytest.mark.parametrize("again", [b"\x07" * 12, b"\x08" * 12])
def test_other_ids_come_again_as_if_nothing_had_been_told_beside_them(
    sighting: Callable[..., Sighting], capture: MakeCapture, rules: Callable[[str], Rules], again: bytes
) -> None:
    def heard(rolling_id: bytes, number: int) -> list[Sighting]:
        return [
            sighting(DAY_5_MS + at_ms, rolling_id, address=f"4B:00:00:00:00:{number + count}1", seconds=4)
            for count, at_ms in enumerate((number, 4_000_000)[: 1 + (rolling_id == again)])
        ]

    octets, told = capture(heard(b"\x08" * 12, 4)), of_fields(heard(b"\x07" * 12, 1))
    subject = Subject(
        "phone",
        read_device_file("device.json", DEVICE).devices[0],
        (),
        captures=(octets, told),
        sightings=(*octets.folded.sightings, *told.folded.sightings),
    )
    found = heard_again(subject, rules("v3"))
    assert (found.verdict, found.judged, found.failed) == (Verdict.FAIL, 2, 1)
    assert found.grounds[0].seen.startswith(again.hex().upper())


@pytest.mark.req("BZ-PRV-003")
def test_beside_octets_silence_is_theirs(sends: Sends, capture: MakeCapture, verdicts: Verdicts) -> None:
    heard = sends(DAY_5_MS, DAY_5_MS + HOUR_MS)
    octets, told = capture(heard), of_fields(heard[::3])
    whole, both, alone = verdicts(octets), verdicts(octets, told), verdicts(told)
    for name in BY_SILENCE - {"BZ-ADV-005"}:
        assert both[name] == whole[name]
        assert alone[name][0] is not Verdict.PASS
    assert both["BZ-ADV-001"][0] is whole["BZ-ADV-001"][0] is Verdict.PASS
    assert alone["BZ-ADV-001"] == (Verdict.NOT_OBSERVABLE, Reason.CAPABILITY_MISSING)
    assert alone["BZ-ADV-003"][0] is Verdict.PASS


@pytest.mark.req("BZ-ADV-003")
def test_an_id_that_was_not_told_yet_is_not_missing(
    sighting: Callable[..., Sighting], verdicts: Verdicts
) -> None:
    service, whole = bytes.fromhex("0303564e"), bytes.fromhex("0303564e0fffb522") + b"\x07" * 12

    def said(*sent: tuple[bytes, float]) -> tuple[Verdict, Reason | None]:
        heard = [
            sighting(DAY_5_MS + 20_000 * number, ad, seconds=seconds, every_ms=4000)
            for number, (ad, seconds) in enumerate(sent)
        ]
        return verdicts(of_fields(heard))["BZ-ADV-003"]

    assert said((service, 0), (whole, 8)) == (Verdict.PASS, None)
    assert said((service, 0)) == (Verdict.INCONCLUSIVE, Reason.TOO_FEW_PACKETS)
    assert said((service, 8))[0] is Verdict.FAIL
    # what is there and wrong needs no second look
    assert said((bytes.fromhex("0303564e05ffb5220102"), 0))[0] is Verdict.FAIL
    assert said((whole, 8), (bytes.fromhex("0303564e10ffb522") + bytes(13), 0))[0] is Verdict.FAIL


@pytest.mark.req("BZ-ADV-005", "BZ-KEY-006", "BZ-PRV-004")
@pytest.mark.parametrize("late_s", [164, 169, 171])
def test_what_is_told_a_little_late_is_not_late(sends: Sends, verdicts: Verdicts, late_s: int) -> None:
    heard = sends(DAY_5_MS, DAY_5_MS + 900_000)
    # the last on-window of the slot, of 165 s and in one report, which came when it was over
    over = replace(heard[-1], first_us=(DAY_5_MS + 900_000 + late_s * 1000) * 1000)
    over = replace(over, last_us=over.first_us, address=bytes(5) + b"\x41", count=1)
    found = verdicts(of_fields([*heard, over]), device=DEVICE)
    assert (found["BZ-ADV-005"][0] is Verdict.FAIL) == (late_s > 170)
    assert found["BZ-KEY-006"][0] is not Verdict.FAIL
    octets = replace(
        of_fields([*heard, over]), capabilities={Capability.RAW_AD: YES, Capability.ADDRESS: YES}
    )
    assert (verdicts(octets, device=DEVICE)["BZ-ADV-005"][0] is Verdict.FAIL) == (late_s > 165)


@pytest.mark.req("BZ-ADV-004")
def test_without_an_address_a_new_on_window_is_no_change(
    sighting: Callable[..., Sighting], own_id: Callable[..., bytes], capture: MakeCapture, verdicts: Verdicts
) -> None:
    def said(*addresses: str | None) -> Verdict:
        times_ms = (DAY_5_MS + 870_000, DAY_5_MS + 900_000 + 1_000)
        heard = [
            sighting(time_ms, own_id(time_ms), address=address, seconds=29)
            for time_ms, address in zip(times_ms, addresses, strict=True)
        ]
        return verdicts(capture(heard), device=DEVICE)["BZ-ADV-004"][0]

    assert said("4B:00:00:00:00:01", "4B:00:00:00:00:02") is Verdict.PASS
    assert said("4B:00:00:00:00:01", "4B:00:00:00:00:01") is Verdict.FAIL
    assert said(None, None) is Verdict.PASS


@pytest.mark.req("BZ-ADV-001", "BZ-ADV-003")
def test_what_was_put_together_may_be_longer_than_a_pdu_holds(sighting: Callable[..., Sighting]) -> None:
    whole = bytes.fromhex("1107") + bytes(16) + bytes.fromhex("0303564e0fffb522") + b"\x07" * 12
    assert len(whole) > 31
    told, sent = (frame_of(sighting(DAY_5_MS, whole, pdu=pdu)) for pdu in (None, PduType.ADV_IND))
    assert (told.damage, told.id_octets) == (None, b"\x07" * 12)
    assert (sent.damage is None, sent.id_octets) == (False, None)


@pytest.mark.req("BZ-PRV-003", "BZ-PRV-009")
@pytest.mark.parametrize(("over_s", "fails"), [(4, False), (6, True)])
def test_5_s_are_allowed_where_lengths_are_compared(
    sighting: Callable[..., Sighting], capture: MakeCapture, verdicts: Verdicts, over_s: int, fails: bool
) -> None:
    one, other = "4B:00:00:00:00:01", "4B:00:00:00:00:02"
    long = [sighting(DAY_5_MS, b"\x07" * 12, address=one, seconds=930 + over_s, every_ms=4000)]
    twice = [
        sighting(DAY_5_MS, b"\x07" * 12, address=one, seconds=20 + over_s),
        sighting(DAY_5_MS + 20_000, b"\x07" * 12, address=other, seconds=60),
    ]
    for name, heard in (("BZ-PRV-003", long), ("BZ-PRV-009", twice)):
        assert (verdicts(of_fields(heard))[name][0] is Verdict.FAIL) == fails
        assert verdicts(capture(heard))[name][0] is Verdict.FAIL


# --- simulated scans ---


def _heard(
    name: str, platform: str, seed: int, openings: tuple[Span, ...] = (), offset_ms: int = 0
) -> tuple[list[AirPacket], bytes]:
    phone = drawn_phone("phone", platform, START_MS, seed, (name,) if name else ())
    phone = replace(phone, openings=openings, offset_ms=offset_ms)
    plan = Plan((phone,), START_MS, HOUR_MS * 3 // 2, loss=0.2, strangers=3 * (seed % 2), interval_ms=2000)
    plan = prepared(plan, seed)
    return list(simulate(plan, seed)), device_file(plan.phones[:1])


SYSTEMS = (("BlueZ", 8), ("BlueZ", None), ("CoreBluetooth", 0), ("WinRT", 4))


@pytest.mark.req("BZ-ADV-005", "BZ-KEY-006", "BZ-KEY-009", "BZ-PRV-001", "BZ-PRV-004")
@pytest.mark.parametrize("seed", [0, *(pytest.param(each, marks=pytest.mark.long) for each in range(1, 20))])
def test_no_correct_phone_fails(
    seed: int, thinned: Thin, told: Callable[..., Capture], verdicts: Verdicts
) -> None:
    opened = START_MS + 120_000 + seed * 97_003
    for platform in ("android", "ios"):
        openings = ((opened, opened + 200_000 + seed * 31_000),)
        packets, device = _heard("", platform, seed, openings=openings, offset_ms=4_700 * (seed - 9) // 2)
        for system, threshold in SYSTEMS:
            found = told(thinned(packets, seed, system, threshold), system)
            for key in (device, None):
                failing = {
                    name for name, (verdict, _) in verdicts(found, device=key).items() if verdict == "fail"
                }
                assert failing == set(), (system, threshold)


@pytest.mark.req("BZ-KEY-001", "BZ-KEY-010", "BZ-PRV-005", "BZ-PRV-007")
@pytest.mark.parametrize(
    "name", [each if each in AT_ONCE else pytest.param(each, marks=pytest.mark.long) for each in FOUND]
)
def test_what_shows_in_ids_is_found(
    name: str, thinned: Thin, told: Callable[..., Capture], verdicts: Verdicts
) -> None:
    requirement = FOUND[name]
    assert requirement in (FAULTS[name].requirement, *FAULTS[name].breaks)
    packets, device = _heard(name, "android", 2)
    for system, threshold in SYSTEMS:
        if system == "CoreBluetooth" and requirement in ("BZ-PRV-001", "BZ-PRV-005"):
            continue  # it tells no address, and so no new on-window either
        found = verdicts(told(thinned(packets, 2, system, threshold), system), device=device)
        assert found[requirement][0] is Verdict.FAIL, (system, threshold)


@pytest.mark.req("BZ-ADV-005", "BZ-KEY-006", "BZ-PRV-009")
@pytest.mark.parametrize("name", ["old-id", "leaked-set", "relay", "late-stop"])
def test_what_does_not_show_does_not_pass(
    name: str, thinned: Thin, told: Callable[..., Capture], verdicts: Verdicts
) -> None:
    packets, device = _heard(name, "android", 1)
    found = verdicts(told(thinned(packets, 1, "BlueZ", None), "BlueZ"), device=device)
    broken = {FAULTS[name].requirement, *FAULTS[name].breaks}
    assert not [each for each in broken - {"BZ-PRV-001"} if found[each][0] is Verdict.PASS]
