"""BZ-GAT-001, and sessions themselves, written by hand with ids by hashlib alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from bluezone_harness.checks.captures import Capture
from bluezone_harness.checks.gatt_sessions import Session, sessions
from bluezone_harness.cli.selections import BluezoneAddresses, Selection
from bluezone_harness.findings import Judgement, Reason, Verdict
from bluezone_harness.observations import Event
from bluezone_harness.sightings import Sighting

SERVICE = "00004e56-73f5-4bc4-a12f-17d1ad07a667"
CHARACTERISTIC = "00004e56-73f5-4bc4-a12f-17d1ad07a689"
OTHER = "08590f7e-db05-467e-8757-72f6faeb13d4"
IPHONE = bytes.fromhex("02011A110767A607ADD1172FA1C44BF573564E0000")
NOON_MS = 1_597_060_800_000  # 2020-08-10T12:00:00Z, day 2 of the phone
ADDRESS = "5A:00:00:00:00:01"
DEVICE: Mapping[str, object] = {
    "base_id": "4c5224b397f8ab3896781d5aa0f3119f280513f1b592ca280ebded6357e21084",
    "base_day": "2020-08-08",
    "platform": "ios",
}

Told = tuple[int, str, Mapping[str, object]]
"""When, in ms; the kind; what else."""
Judge = Callable[..., Judgement]
Read = Callable[..., Capture]
OwnId = Callable[..., bytes]


def listed(
    time_ms: int,
    *characteristics: tuple[str, tuple[str, ...]],
    instances: int = 1,
    uuid: str = SERVICE,
    address: str = ADDRESS,
) -> Told:
    found = characteristics or ((CHARACTERISTIC, ("read",)),)
    service = {
        "uuid": uuid,
        "characteristics": [{"uuid": each, "properties": list(properties)} for each, properties in found],
    }
    return time_ms, "gatt_services", {"address": address, "services": [service] * instances}


def got(time_ms: int, value: bytes, address: str = ADDRESS, characteristic: str = CHARACTERISTIC) -> Told:
    return time_ms, "gatt_read", {"address": address, "value": value, "characteristic": characteristic}


def refused(time_ms: int, step: str = "read", address: str = ADDRESS, **more: object) -> Told:
    return time_ms, "gatt_error", {"address": address, "step": step, "reason": "why", **more}


def over(time_ms: int, address: str = ADDRESS) -> Told:
    return time_ms, "disconnect", {"address": address}


def octets(address: object) -> bytes | None:
    return bytes.fromhex(address.replace(":", "")) if isinstance(address, str) else None


# --- sessions ---


@pytest.mark.req("BZ-GAT-001")
def test_a_session_lasts_from_its_services_to_its_end(read: Read) -> None:
    second = "5A:00:00:00:00:02"
    evidence = read(
        got(NOON_MS, b"alone in air"),
        refused(NOON_MS + 1, "connect", second),
        listed(NOON_MS + 2),
        listed(NOON_MS + 3, address=second),
        got(NOON_MS + 4, b"first of two"),
        got(NOON_MS + 5, b"of the other", second),
        refused(NOON_MS + 6, att_error=5, characteristic=CHARACTERISTIC),
        over(NOON_MS + 7),
        got(NOON_MS + 8, b"alone again."),
        listed(NOON_MS + 9, address=second),
        got(NOON_MS + 10, b"listed anew.", second),
        over(NOON_MS + 11, "5A:00:00:00:00:03"),
    )
    found = sessions([evidence])

    def text(session: Session) -> tuple[bool, list[str], list[str]]:
        values = [each.value.decode() for each in session.reads]
        return session.services is not None, values, [each.step for each in session.refusals]

    assert [text(each) for each in found] == [
        (False, ["alone in air"], []),
        (False, [], ["connect"]),
        (True, ["first of two"], ["read"]),
        (True, ["of the other"], []),
        (False, ["alone again."], []),
        (True, ["listed anew."], []),
    ]
    third = found[2]
    assert third.address == octets(ADDRESS)
    assert (
        third.evidence().text == "session with 5A:00:00:00:00:01: 1 services, 1 of them Bluezone's, 1 reads"
    )
    assert third.of_refusal(third.refusals[0]).text == "read at 5A:00:00:00:00:01: why"
    assert (third.refusals[0].att_error, third.refusals[0].characteristic) == (5, CHARACTERISTIC)
    assert found[1].evidence().text == "session with 5A:00:00:00:00:02: no services were listed, 0 reads"


def test_fields_that_are_no_session_are_passed_over(capture: Callable[..., Capture]) -> None:
    evidence = capture([])
    odd: list[Mapping[str, object]] = [
        {"services": "many"},
        {"services": [1, {"uuid": 2, "characteristics": [3, {"uuid": SERVICE, "properties": None}]}]},
    ]
    events = (
        *(Event(number, 1, "gatt_services", each) for number, each in enumerate(odd, 1)),
        Event(8, 1, "gatt_error", {"att_error": "5"}),
        Event(9, 1, "clock_set", {}),
    )
    first, second = sessions([replace(evidence, folded=replace(evidence.folded, events=events))])
    assert (first.services, first.address) == ((), None)
    assert second.services is not None
    assert [each.uuid for each in second.services] == [""]
    assert [each.att_error for each in second.refusals] == [None]
    assert second.evidence().text.startswith("session with no address: 1 services")


# --- BZ-GAT-001 ---


@pytest.mark.req("BZ-GAT-001")
@pytest.mark.parametrize("device", [DEVICE, None])
def test_one_readable_characteristic_passes_once_or_twice(
    read: Read, answer: Judge, device: Mapping[str, object] | None
) -> None:
    found = answer("BZ-GAT-001", read(listed(NOON_MS + 1000), over(NOON_MS + 2000)), device)
    assert (found.verdict, found.judged) == (Verdict.PASS, 1)
    assert "tolerated" not in found.summary
    twice = read(listed(NOON_MS + 1000, instances=2), over(NOON_MS + 2000), listed(NOON_MS + 3000))
    found = answer("BZ-GAT-001", twice, device)
    assert (found.verdict, found.judged) == (Verdict.PASS, 2)
    assert found.summary.endswith("the service more than once in 1 session, which is tolerated")


@pytest.mark.req("BZ-GAT-001")
@pytest.mark.parametrize(
    ("characteristics", "seen"),
    [
        ([(CHARACTERISTIC, ("read", "write"))], "the properties read, write"),
        ([(CHARACTERISTIC, ("notify",))], "the properties notify"),
        ([(CHARACTERISTIC, ("read", "extended-properties"))], "the properties read, extended-properties"),
        ([(CHARACTERISTIC, ())], "no property"),
        ([(OTHER, ("read",))], f"characteristics {OTHER}"),
        (
            [(CHARACTERISTIC, ("read",)), (OTHER, ("read",))],
            f"characteristics {CHARACTERISTIC}, {OTHER}",
        ),
        ([(CHARACTERISTIC, ("read",))] * 2, f"characteristics {CHARACTERISTIC}, {CHARACTERISTIC}"),
    ],
)
def test_another_characteristic_or_property_fails(
    read: Read, answer: Judge, characteristics: list[tuple[str, tuple[str, ...]]], seen: str
) -> None:
    wrong = listed(NOON_MS + 5000, *characteristics)
    for device in (DEVICE, None):
        found = answer("BZ-GAT-001", read(listed(NOON_MS + 1000), over(NOON_MS + 2000), wrong), device)
        assert (found.verdict, found.judged, found.failed) == (Verdict.FAIL, 2, 1)
        (ground,) = found.grounds
        assert ground.seen == seen
        assert ground.evidence[0].time_ms == NOON_MS + 5000


@pytest.mark.req("BZ-GAT-001")
def test_a_service_without_a_characteristic_fails(read: Read, answer: Judge) -> None:
    empty = {"uuid": SERVICE, "characteristics": []}
    bare: Told = (NOON_MS + 1000, "gatt_services", {"address": ADDRESS, "services": [empty]})
    assert answer("BZ-GAT-001", read(bare)).grounds[0].seen == "no characteristic"


@pytest.mark.req("BZ-GAT-001")
@pytest.mark.parametrize("code", [0x05, 0x08, 0x0C, 0x0F])
def test_a_read_that_asks_for_security_fails(read: Read, answer: Judge, code: int) -> None:
    told = (listed(NOON_MS + 1000), refused(NOON_MS + 2000, att_error=code, characteristic=CHARACTERISTIC))
    found = answer("BZ-GAT-001", read(*told), None)
    assert (found.verdict, found.judged, found.failed) == (Verdict.FAIL, 1, 1)
    assert found.grounds[0].seen.startswith(f"ATT error 0x{code:02X}: the read needs ")


@pytest.mark.req("BZ-GAT-001")
@pytest.mark.parametrize(
    "error",
    [
        refused(NOON_MS + 2000, att_error=0x0E, characteristic=CHARACTERISTIC),
        refused(NOON_MS + 2000, att_error=0x05, characteristic=OTHER),
        refused(NOON_MS + 2000, characteristic=CHARACTERISTIC),
    ],
)
def test_another_error_or_characteristic_does_not(read: Read, answer: Judge, error: Told) -> None:
    assert answer("BZ-GAT-001", read(listed(NOON_MS + 1000), error)).verdict is Verdict.PASS


@pytest.mark.req("BZ-GAT-001")
def test_a_phone_that_advertises_the_service_and_lacks_it(
    read: Read, answer: Judge, sighting: Callable[..., Sighting], own_id: OwnId
) -> None:
    lacking = listed(NOON_MS + 5000, uuid="0000180a-0000-1000-8000-00805f9b34fb")
    found = answer("BZ-GAT-001", read(lacking))
    assert (found.verdict, found.failed) == (Verdict.FAIL, 1)
    assert found.grounds[0].expected == f"primary service {SERVICE}"
    # without a device file it takes the same address to have offered it, or to have given an id
    found = answer("BZ-GAT-001", read(lacking), None)
    assert (found.verdict, found.reason) == (Verdict.INCONCLUSIVE, Reason.EVIDENCE_MISSING)
    assert "another app's, or the app is gone" in found.summary
    for before in (listed(NOON_MS + 1000), got(NOON_MS + 1000, own_id(NOON_MS))):
        assert answer("BZ-GAT-001", read(before, over(NOON_MS + 2000), lacking), None).failed == 1
    # and the app to have been there: heard before and after, without a pause
    gone = [
        sighting(NOON_MS, IPHONE, seconds=4, address=ADDRESS),
        sighting(NOON_MS + 60_000, IPHONE, seconds=4, address=ADDRESS),
    ]
    assert answer("BZ-GAT-001", read(lacking, heard=gone)).verdict is Verdict.INCONCLUSIVE
    found = answer("BZ-GAT-001", read(listed(NOON_MS), over(NOON_MS + 1), lacking, heard=gone))
    assert (found.verdict, found.judged) == (Verdict.PASS, 1)
    assert found.summary.endswith("1 session with phones that do not offer it")


@pytest.mark.req("BZ-GAT-001")
def test_an_android_phone_lacks_nothing(
    read: Read, answer: Judge, sighting: Callable[..., Sighting], own_id: OwnId
) -> None:
    lacking = listed(NOON_MS + 5000, uuid="00001800-0000-1000-8000-00805f9b34fb")
    android = [sighting(NOON_MS, own_id(NOON_MS), address=ADDRESS)]
    found = answer("BZ-GAT-001", read(lacking, heard=android), {**DEVICE, "platform": "android"})
    assert (found.verdict, found.reason) == (Verdict.INCONCLUSIVE, Reason.EVIDENCE_MISSING)


@pytest.mark.req("BZ-GAT-001")
def test_what_ended_too_early_judges_nothing(read: Read, answer: Judge) -> None:
    early = read(
        refused(NOON_MS + 1000, "discover"), over(NOON_MS + 1001), refused(NOON_MS + 9000, "connect")
    )
    for device in (DEVICE, None):
        found = answer("BZ-GAT-001", early, device)
        assert (found.verdict, found.reason) == (Verdict.INCONCLUSIVE, Reason.TOO_FEW_PACKETS)
    found = answer("BZ-GAT-001", read())
    assert (found.verdict, found.summary) == (Verdict.NOT_OBSERVABLE, "no iPhone was read by GATT")
    found = answer("BZ-GAT-001", read(got(NOON_MS + 1000, bytes(12))))
    assert (found.verdict, found.reason) == (Verdict.NOT_OBSERVABLE, Reason.EVIDENCE_MISSING)
    assert "no services were listed" in found.summary


# --- what sessions listed ---


@pytest.mark.req("BZ-PRV-020", "BZ-PRV-008")
def test_what_sessions_listed_is_stated(read: Read, answer: Judge) -> None:
    platform = {"uuid": "00001800-0000-1000-8000-00805f9b34fb", "characteristics": []}
    told = listed(NOON_MS + 1000)
    services = told[2]["services"]
    assert isinstance(services, list)
    both: Told = (told[0], told[1], {"address": ADDRESS, "services": [platform, *services]})
    stated = answer("BZ-PRV-020", read(both)).summary
    assert f"services 00001800-0000-1000-8000-00805f9b34fb (empty), {SERVICE} ({CHARACTERISTIC})" in stated
    assert "offered in 1 GATT session; the platform's own name was not read" in stated
    nothing: Told = (told[0], told[1], {"address": ADDRESS, "services": []})
    assert "no service offered in 1 GATT session" in answer("BZ-PRV-020", read(nothing)).summary
    assert "take a GATT session" in answer("BZ-PRV-020", read()).summary
    assert "what connections show is judged by BZ-GAT-001" in answer("BZ-PRV-008", read(both)).summary


@pytest.mark.req("BZ-GAT-001")
def test_sessions_are_chosen_as_their_phones_are() -> None:
    mine = octets(ADDRESS)
    assert mine is not None
    other = "5A:00:00:00:00:02"

    def event(told: Told) -> Event:
        return Event(1, told[0] * 1000, told[1], told[2])

    nobody, me = BluezoneAddresses(), BluezoneAddresses({mine})
    alone = Selection(addresses=frozenset({mine}))
    assert [alone.keeps(event(each), nobody) for each in (over(1), over(1, other))] == [True, False]
    ours = Selection(bluezone_only=True)
    assert ours.keeps(event(listed(1, address=other)), nobody)
    foreign = event(listed(1, uuid=OTHER))
    assert [ours.keeps(foreign, known) for known in (nobody, me)] == [False, True]
    assert [ours.keeps(event(over(1)), known) for known in (nobody, me)] == [False, True]
    assert alone.keeps(Event(1, 1, "clock_set", {}), nobody)
