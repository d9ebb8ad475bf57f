"""Old iPhones, from literal octets: what they send, what is heard of it, what it takes to be found.

The octets are those of the table of BZ-ADV-002's chapter; the name is undone here by the published description.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from bumble import hci
from bumble.device import Peer

from bluezone_harness.checks.captures import Capture, read_capture
from bluezone_harness.observations import PduType
from bluezone_harness.profiles import profiles_of
from bluezone_harness.results import Result
from bluezone_harness.sources.formats import open_source
from bluezone_harness.verdicts import judge
from bluezone_harness.virtual.ble.virtual_time import run_in_virtual_time
from bluezone_harness.virtual.ble.worlds import World
from bluezone_harness.virtual.captures import (
    LinkType,
    write_btsnoop,
    write_pcap,
    write_pcapng,
    write_recording,
)
from bluezone_harness.virtual.faults import behaviour_of
from bluezone_harness.virtual.old_iphones import obfuscated_name
from bluezone_harness.virtual.phones import AirPacket, PhonePlan, Plan, drawn_phone, sends_responses, simulate
from bluezone_harness.virtual.sessions import simulate_reading
from bluezone_spec.model import Specification

START_MS = 1_600_000_000_000
MINUTE_MS = 60_000
OLD_ADVERT = "02011a110767a607add1172fa1c44bf573f4390ae2"
SERVICE = "e20a39f4-73f5-4bc4-a12f-17d1ad07a667"
CHARACTERISTIC = "08590f7e-db05-467e-8757-72f6faeb13d4"
RESPONSE_US = 296 + 150 + 176 + 150


def iphone(seed: int = 1, *faults: str, openings: tuple[tuple[int, int], ...] = ()) -> PhonePlan:
    return replace(drawn_phone("old", "ios", START_MS, seed, ("v1-build", *faults)), openings=openings)


def plan_of(*phones: PhonePlan, minutes: int = 40, **settings: object) -> Plan:
    return Plan(phones, START_MS, minutes * MINUTE_MS, **{"interval_ms": 1000, **settings})  # type: ignore[arg-type] # fields of a plan


def undone(name: str) -> str:
    """Undo an obfuscated name: two digits around, and two inserted characters."""
    assert len(name) == 10
    low, high = sorted((int(name[0]), int(name[9])))
    assert 1 <= low < high <= 5
    inner = list(name[1:9])
    assert inner[low] == inner[high]  # after position low, the character at position high
    assert inner[high + 1] == inner[low - 1]
    return "".join(each for place, each in enumerate(inner) if place not in (low, high + 1))


def own(packets: list[AirPacket]) -> list[AirPacket]:
    return [each for each in packets if each.ad.hex() == OLD_ADVERT]


def responses(packets: list[AirPacket]) -> list[AirPacket]:
    return [each for each in packets if each.pdu is PduType.SCAN_RSP]


@pytest.mark.req("BZ-PRV-008", "F-21")
def test_the_service_is_in_the_advert_and_the_name_in_the_answer() -> None:
    packets = list(simulate(plan_of(iphone()), 4))
    assert {each.pdu for each in own(packets)} == {PduType.ADV_IND}
    assert len({each.address for each in own(packets)}) in (3, 4)  # 40 minutes
    (ad,) = {each.ad for each in responses(packets)}
    assert ad[:2].hex() == "0b09"
    assert undone(ad[2:].decode("ascii")).isalnum()


def test_each_advert_is_answered_at_once_as_strongly_on_its_channel() -> None:
    packets = list(simulate(plan_of(iphone(), loss=0.2, receivers=2), 4))
    heard = {(each.time_us, each.receiver): each for each in own(packets)}
    answers = {(each.time_us - RESPONSE_US, each.receiver): each for each in responses(packets)}
    assert heard.keys() == answers.keys()
    assert len(heard) > 1000
    for key, advert in heard.items():
        assert answers[key][1:3] == advert[1:3]
        assert answers[key][5:7] == advert[5:7]
    assert [each.time_us for each in packets] == sorted(each.time_us for each in packets)


def test_what_is_answered_changes_nothing_of_what_else_is_heard() -> None:
    other = drawn_phone("other", "android", START_MS, 1)
    with_old = [each for each in simulate(plan_of(other, iphone()), 4) if each.ad[3:5].hex() == "0fff"]
    assert with_old == list(simulate(plan_of(other), 4))


def test_an_answer_may_come_after_its_on_window_and_not_after_the_plan() -> None:
    plan = plan_of(iphone(), minutes=2)
    last = own(list(simulate(plan, 4)))[-1]
    for more_us, answered in ((RESPONSE_US, False), (RESPONSE_US + 1000, True)):
        until_ms = (last.time_us + more_us) // 1000
        shorter = Plan(plan.phones, START_MS, until_ms - START_MS, interval_ms=1000)
        packets = list(simulate(shorter, 4))
        assert own(packets)[-1] == last
        assert (packets[-1].pdu is PduType.SCAN_RSP and packets[-1].time_us > last.time_us) == answered


def test_what_nobody_may_scan_is_not_answered() -> None:
    packets = list(simulate(plan_of(iphone(1, "not-connectable")), 4))
    assert own(packets)
    assert not responses(packets)


def test_each_phone_has_a_static_id_of_its_own_whatever_the_seed() -> None:
    names = {obfuscated_name(iphone(seed)).decode("ascii") for seed in range(200)}
    assert len({undone(name) for name in names}) == 200
    assert {(name[0], name[9]) for name in names} == {(p, q) for p in "12345" for q in "12345" if p != q}
    assert {
        each.ad[2:] for seed in (1, 2) for each in responses(list(simulate(plan_of(iphone()), seed)))
    } == {obfuscated_name(iphone())}


def test_in_the_background_nothing_of_the_app_is_sent() -> None:
    opening = (START_MS + 10 * MINUTE_MS, START_MS + 20 * MINUTE_MS)
    packets = list(simulate(plan_of(iphone(openings=(opening,))), 4))
    shown = own(packets) + responses(packets)
    assert {(each.time_us // 1000 - START_MS) // MINUTE_MS for each in shown} == set(range(10, 20))
    others = [each for each in packets if each not in shown]
    assert {each.ad[:9].hex() for each in others} == {"02011a0aff4c001005"}
    assert {(each.time_us // 1000 - START_MS) // MINUTE_MS for each in others} == set(range(40))


def test_nothing_else_of_an_iphone_can_be_wrong_where_the_app_is_an_old_one() -> None:
    for other in ("owners-name", "writable-id", "slot-late"):
        with pytest.raises(ValueError, match="contradict"):
            behaviour_of(iphone(1, other))


def test_who_has_something_to_say_in_a_scan_response() -> None:
    assert sends_responses(plan_of(drawn_phone("right", "ios", START_MS, 1), iphone()), 1)
    right = (
        drawn_phone("right", "ios", START_MS, 1),
        drawn_phone("old", "android", START_MS, 1, ("v1-build",)),
    )
    assert not sends_responses(plan_of(*right, strangers=14), 1)


# Captures


WRITERS: dict[str, Callable[[list[AirPacket], io.BytesIO], int]] = {
    "a.pcap": write_pcap,
    "b.pcap": lambda packets, file: write_pcap(packets, file, LinkType.HCI),
    "a.pcapng": write_pcapng,
    "a.btsnoop": write_btsnoop,
    "a.jsonl": lambda packets, file: write_recording(packets, file, responses=True),
}


def written(name: str, packets: list[AirPacket]) -> io.BytesIO:
    file = io.BytesIO()
    assert WRITERS[name](packets, file) == len(packets)
    return io.BytesIO(file.getvalue())


@pytest.mark.parametrize("name", WRITERS)
def test_captures_keep_what_was_answered(name: str) -> None:
    packets = list(simulate(plan_of(iphone(), minutes=5), 4))
    read = list(open_source(name, written(name, packets)))
    shown = [
        (each.time_us, each.address, each.pdu, each.ad)  # type: ignore[union-attr] # adverts only
        for each in read
    ]
    assert shown == [(each.time_us, each.address, each.pdu, each.ad) for each in packets]


@pytest.mark.parametrize("asked", [True, False])
def test_a_recording_says_whether_was_asked_for_responses(asked: bool) -> None:
    file = io.BytesIO()
    write_recording([], file, responses=asked)
    header = json.loads(file.getvalue().splitlines()[0])
    assert header["capabilities"]["scan_response"] == ("yes" if asked else "no")


# Checks


@pytest.fixture(scope="module")
def judged(specification: Specification) -> Callable[[Capture], Result]:
    profile = profiles_of(specification)["v3"]
    return lambda capture: judge(specification, profile, [], None, "check", [capture])


def verdicts(result: Result) -> dict[str, str]:
    return {each.id: str(each.verdict) for each in result.requirements}


def told(result: Result) -> str:
    return next(each.summary for each in result.requirements if each.id == "BZ-PRV-008")


@pytest.mark.req("BZ-PRV-008", "F-21")
@pytest.mark.parametrize("name", WRITERS)
def test_the_static_id_is_found_in_each_kind_of_capture(
    name: str, judged: Callable[[Capture], Result]
) -> None:
    packets = list(simulate(plan_of(iphone()), 4))
    result = judged(read_capture(open_source(name, written(name, packets))))
    assert verdicts(result)["BZ-PRV-008"] == "fail"
    assert "static id of the first generation (F-21)" in told(result)


@pytest.mark.req("BZ-PRV-008")
@pytest.mark.parametrize("name", WRITERS)
def test_without_the_answer_nobody_knows(name: str, judged: Callable[[Capture], Result]) -> None:
    packets = [each for each in simulate(plan_of(iphone()), 4) if each.pdu is not PduType.SCAN_RSP]
    result = judged(read_capture(open_source(name, written(name, packets))))
    assert verdicts(result)["BZ-PRV-008"] == "inconclusive"
    assert told(result).endswith("listen again, and scan actively")


@pytest.mark.req("BZ-PRV-008")
def test_what_cannot_be_scanned_has_no_answer_to_wait_for(judged: Callable[[Capture], Result]) -> None:
    packets = list(simulate(plan_of(iphone(1, "not-connectable")), 4))
    result = judged(read_capture(open_source("a.pcap", written("a.pcap", packets))))
    assert verdicts(result)["BZ-PRV-008"] == "pass"


@pytest.mark.req("BZ-PRV-008", "F-21")
def test_the_static_id_is_found_by_a_controller_that_scans_actively(
    judged: Callable[[Capture], Result],
) -> None:
    plan = plan_of(iphone(), minutes=40)
    seen: dict[bool, bytes] = {}

    async def main(active: bool) -> bytes:
        octets = [bytes.fromhex("d4c3b2a1020004000000000000000000ffff0000c9000000")]  # pcap, link type 201
        async with World(plan, 4) as world:

            def take(report: hci.HCI_LE_Advertising_Report_Event.Report) -> None:
                # written by bumble's own hand
                packet = b"\0\0\0\1" + bytes(hci.HCI_LE_Advertising_Report_Event([report]))
                seconds, rest_us = divmod(world.now_us(), 1_000_000)
                head = (seconds, rest_us, len(packet), len(packet))
                octets.append(b"".join(each.to_bytes(4, "little") for each in head) + packet)

            world.receivers[0].host.on("advertising_report", take)
            await world.receivers[0].start_scanning(legacy=True, active=active)
            await world.run_until(plan.until_ms * 1000)
        return b"".join(octets)

    for active in (True, False):
        seen[active] = run_in_virtual_time(main(active))
    found = {
        active: judged(read_capture(open_source("a.pcap", io.BytesIO(octets))))
        for active, octets in seen.items()
    }
    assert verdicts(found[True])["BZ-PRV-008"] == "fail"
    assert "static id" in told(found[True])
    assert verdicts(found[False])["BZ-PRV-008"] == "inconclusive"


# GATT


def test_a_read_returns_the_obfuscated_name() -> None:
    plan = plan_of(iphone(), gatt=True)

    async def main() -> tuple[dict[str, list[str]], bytes, bytes | None]:
        async with World(plan, 4) as world:
            await world.run_until((START_MS + MINUTE_MS) * 1000)
            phone = world.phones["old"]
            address = hci.Address(phone.playing[0].window.address[::-1])
            connection = await world.receivers[0].connect(address)
            async with Peer(connection) as peer:
                offered = {
                    service.uuid.to_hex_str("-").lower(): [
                        each.uuid.to_hex_str("-").lower() for each in service.characteristics
                    ]
                    for service in peer.services
                }
                value = await peer.services[-1].characteristics[0].read_value()
            await connection.disconnect()
            return offered, value, phone.rolling_id

    offered, value, shown = run_in_virtual_time(main())
    assert offered[SERVICE] == [CHARACTERISTIC]
    assert value == shown == obfuscated_name(plan.phones[0])


def test_a_reader_of_this_generation_does_not_ask_old_iphones() -> None:
    found = list(simulate_reading(plan_of(iphone(), gatt=True, minutes=20), 4))
    assert {type(each) for each in found} == {AirPacket}
