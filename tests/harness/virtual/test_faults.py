"""Each planted fault does what it says, seen in packets, by an oracle written here with hashlib alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import pairwise
from typing import Literal

import pytest

from bluezone_harness.observations import AddressType, PduType
from bluezone_harness.virtual.faults import FAULTS, behaviour_of, find_fault
from bluezone_harness.virtual.phones import AirPacket, PhonePlan, Plan, prepared, simulate
from bluezone_spec import load

HOUR_MS = 3_600_000
DAY_MS = 86_400_000
SLOT_MS = 900_000
BASE_DAY_MS = 1_596_844_800_000  # 2020-08-08
START_MS = BASE_DAY_MS + 2 * DAY_MS + 8 * HOUR_MS
BASE_ID = bytes.fromhex("4c5224b397f8ab3896781d5aa0f3119f280513f1b592ca280ebded6357e21084")
POSITIONS = (0, 4, 8, 12, 16, 18, 20, 22, 24, 26, 28, 30)


@dataclass(frozen=True)
class Heard:
    """An on-window as it was heard."""

    address: bytes
    address_type: AddressType
    pdu: PduType
    ad: bytes
    first_ms: int
    last_ms: int
    packets: int

    @property
    def rolling_id(self) -> bytes:
        """The id of an advertisement whose other octets are as they must be."""
        assert self.ad[:7].hex() == "0201020fffb522"
        assert self.ad[19:].hex() == "0303564e"
        assert len(self.ad) == 23
        return self.ad[7:19]


def heard(packets: list[AirPacket]) -> list[Heard]:
    """Return the runs of adverts of one address and payload without a pause of more than 5 s, as they began."""
    open_runs: dict[tuple[bytes, bytes], list[AirPacket]] = {}
    runs: list[list[AirPacket]] = []
    for packet in packets:
        run = open_runs.get((packet.address, packet.ad))
        if run is None or packet.time_us - run[-1].time_us > 5_000_000:
            run = open_runs[packet.address, packet.ad] = []
            runs.append(run)
        run.append(packet)
    return [
        Heard(
            run[0].address,
            run[0].address_type,
            run[0].pdu,
            run[0].ad,
            run[0].time_us // 1000,
            run[-1].time_us // 1000,
            len(run),
        )
        for run in runs
    ]


def hashed(
    time_ms: int,
    base_id: bytes = BASE_ID,
    base_day_ms: int = BASE_DAY_MS,
    salt: bytes = b"bluzonesubkey",
    positions: tuple[int, ...] = POSITIONS,
    count: int = 96,
    lag: int = 0,
    day: int | None = None,
) -> bytes:
    """Return the id of an instant, as the published description has it, or otherwise."""
    key = base_id
    for _ in range((time_ms - base_day_ms) // DAY_MS - lag if day is None else day):
        key = sha256(key).digest()
    subkey = sha256(key + salt).digest()
    for _ in range(time_ms % DAY_MS * count // DAY_MS):
        subkey = sha256(subkey).digest()
    return bytes(subkey[position] for position in positions)


@dataclass(frozen=True)
class Run:
    """What came of a fault."""

    phone: PhonePlan
    plan: Plan
    windows: list[Heard]

    def ids(self, expected: Callable[[int], bytes]) -> None:
        """Hold the id of each window to an oracle, at its first advert or the 10 ms before."""
        assert len(self.windows) > 100
        for each in self.windows:
            assert each.rolling_id in {expected(each.first_ms), expected(each.first_ms - 11)}


def right(run: Run) -> Callable[[int], bytes]:
    return lambda time_ms: hashed(time_ms, run.phone.base_id, run.phone.base_day_ms)


def clock_seeded_base(run: Run) -> None:
    run.ids(right(run))
    # java.util.Random: the upper 32 bits of a 48-bit state, least significant octet first
    words = [int.from_bytes(run.phone.base_id[at : at + 4], "little") for at in range(0, 32, 4)]
    mask = (1 << 48) - 1
    for low in range(1 << 16):
        first = words[0] << 16 | low
        state = first
        for word in words[1:]:
            state = state * 0x5DEECE66D + 0xB & mask
            if state >> 16 != word:
                break
        else:
            break
    else:
        pytest.fail("no state of java.util.Random gives this base id")
    seed = (first - 0xB) * pow(0x5DEECE66D, -1, 1 << 48) & mask ^ 0x5DEECE66D
    assert BASE_DAY_MS <= seed < BASE_DAY_MS + DAY_MS


def late_stop(run: Run) -> None:
    late = [each for each in run.windows if each.last_ms - each.first_ms > 16_000]
    assert len(late) >= 8
    for each in late:
        assert hashed(each.first_ms) == each.rolling_id
        assert 178_000 < each.last_ms - each.first_ms <= 560_000
        slot_end_ms = each.first_ms - each.first_ms % SLOT_MS + SLOT_MS
        assert slot_end_ms - each.first_ms <= 31_000
    assert len({(each.last_ms - each.first_ms) // 1000 for each in late}) > len(late) // 2
    assert all(before.last_ms < after.first_ms for before, after in pairwise(run.windows))


def leaked_set(run: Run) -> None:
    leaked = [each for each in run.windows if each.last_ms - each.first_ms > 16_000]
    assert leaked
    for each in leaked:
        others = [
            other
            for other in run.windows
            if other is not each
            and other.ad == each.ad
            and other.first_ms in range(each.first_ms, each.last_ms)
        ]
        assert others  # one id at once from two addresses
        if each.last_ms < run.plan.until_ms - 1000:
            assert each.last_ms - each.first_ms > 2_390_000
    assert any(hashed(each.last_ms) != each.rolling_id for each in leaked)


def relay(run: Run) -> None:
    assert len(run.windows) > 800
    for each in run.windows[10:-10]:
        overlapping = [
            other
            for other in run.windows
            if other is not each and other.first_ms <= each.last_ms and each.first_ms <= other.last_ms
        ]
        assert [(other.ad, other.address != each.address) for other in overlapping] == [(each.ad, True)]


def old_id(run: Run) -> None:
    late: dict[int, int] = {}
    for each in run.windows:
        if each.rolling_id not in {hashed(each.first_ms), hashed(each.first_ms - 11)}:
            assert each.rolling_id == hashed(each.first_ms - SLOT_MS)
            late[each.first_ms // SLOT_MS] = each.first_ms % SLOT_MS
    assert len(late) >= 14
    assert len({by_ms // 30_000 for by_ms in late.values()}) > 5
    assert all(20_000 < by_ms < 480_000 for by_ms in late.values())


def rhythm(run: Run) -> None:
    begins = [each.first_ms for each in run.windows[1:-1]]
    assert all(59_900 <= after - before <= 60_260 for before, after in pairwise(begins))
    assert all(each.last_ms - each.first_ms <= 5_000 for each in run.windows)


def own_interval(run: Run) -> None:
    counts = [each.packets for each in run.windows[1:-1]]
    assert max(counts) - min(counts) <= 2
    run.ids(right(run))


def stale_list(run: Run) -> None:
    ((from_ms, value),) = run.phone.max_changes
    assert value == 48
    assert from_ms == START_MS + run.plan.duration_ms // 4
    midnight_ms = START_MS + 16 * HOUR_MS
    run.ids(lambda time_ms: hashed(time_ms, count=96 if time_ms < midnight_ms else 48))


def future_list(run: Run) -> None:
    from_ms = START_MS + run.plan.duration_ms // 3
    midnight_ms = START_MS + 16 * HOUR_MS
    run.ids(
        lambda time_ms: hashed(
            time_ms, day=2 if time_ms < from_ms else 3 if time_ms < midnight_ms + DAY_MS else 4
        )
    )


def midnight_list(run: Run) -> None:
    run.ids(lambda time_ms: hashed(time_ms, lag=1))


def address_outlives_id(run: Run) -> None:
    for before, after in pairwise(run.windows):
        assert (before.address == after.address) == (before.ad != after.ad)


def lives(longest_ms: int) -> Callable[[Run], None]:
    def judge(run: Run) -> None:
        ids: dict[bytes, set[bytes]] = {}
        times: dict[bytes, list[int]] = {}
        for each in run.windows:
            ids.setdefault(each.address, set()).add(each.rolling_id)
            times.setdefault(each.address, []).append(each.first_ms)
        whole = list(times.values())[1:-1]
        assert whole
        assert all(longest_ms - 70_000 < each[-1] - each[0] < longest_ms for each in whole)
        assert all(len(ids[address]) > 1 for address in list(times)[1:-1])

    return judge


def address(address_type: AddressType, top: int | None) -> Callable[[Run], None]:
    def judge(run: Run) -> None:
        (only,) = {each.address for each in run.windows}
        assert {each.address_type for each in run.windows} == {address_type}
        assert top is None or only[0] >> 6 == top
        run.ids(right(run))

    return judge


def payload(*layout: str) -> Callable[[Run], None]:
    """Hold AdvData to a layout: hex, with ``ID`` for the right id, ``ID6`` for 6 octets of it, ``..`` for any."""

    def judge(run: Run) -> None:
        for each in run.windows:
            fits = False
            for time_ms in (each.first_ms, each.first_ms - 11):
                rolling_id = hashed(time_ms)
                want: list[int | None] = []
                for part in layout:
                    if part == "..":
                        want.append(None)
                    elif part.startswith("ID"):
                        want += (rolling_id + rolling_id)[: int(part[2:] or 12)]
                    else:
                        want += bytes.fromhex(part)
                fits |= len(want) == len(each.ad) and all(
                    octet is None or octet == heard for octet, heard in zip(want, each.ad, strict=True)
                )
            assert fits, each.ad.hex()
        if ".." in layout:  # what the phone adds is always the same
            assert len({each.ad[19:] for each in run.windows}) == 1

    return judge


def v1_build(run: Run) -> None:
    (ad,) = {each.ad for each in run.windows}
    assert ad[:7].hex() == "02010209ffb522"
    assert ad[7:13].decode("ascii").isalnum()
    assert ad[13:].hex() == "110789a807add1172fa1c44bf573f4390ae2"


def not_connectable(run: Run) -> None:
    assert {each.pdu for each in run.windows} == {PduType.ADV_NONCONN_IND}
    run.ids(right(run))


def schedule(**rules: object) -> Callable[[Run], None]:
    return lambda run: run.ids(lambda time_ms: hashed(time_ms, **rules))  # type: ignore[arg-type]  # rules of several types, by name


def base(base_id: bytes) -> Callable[[Run], None]:
    def judge(run: Run) -> None:
        assert run.phone.base_id == base_id
        run.ids(right(run))

    return judge


def empty_base(run: Run) -> None:
    assert run.phone.base_id == b""
    run.ids(lambda time_ms: hashed(time_ms, b"", day=0))
    first_slot = hashed(BASE_DAY_MS, b"", day=0)
    assert first_slot.hex() == "d31a1de6b2096087f1d18d90"  # as the specification has it


def unsaved_base(run: Run) -> None:
    assert run.phone.base_day_ms == START_MS - 8 * HOUR_MS
    midnight_ms = START_MS + 16 * HOUR_MS
    for each in run.windows:
        expected = {right(run)(each.first_ms), right(run)(each.first_ms - 11)}
        assert (each.rolling_id in expected) == (each.first_ms >= midnight_ms)
    assert len({each.rolling_id for each in run.windows}) >= 15


def before_base_day(run: Run) -> None:
    assert run.phone.base_day_ms > run.windows[-1].last_ms
    assert run.phone.base_id == BASE_ID
    run.ids(lambda time_ms: hashed(time_ms, day=0))


ORACLES: dict[str, Callable[[Run], None]] = {
    "clock-seeded-base": clock_seeded_base,
    "local-day": lambda run: run.ids(lambda time_ms: hashed(time_ms + 7 * HOUR_MS)),
    "day-key-lag": schedule(lag=1),
    "corrected-salt": schedule(salt=b"bluezonesubkey"),
    "no-salt": schedule(salt=b""),
    "other-octets": schedule(positions=tuple(range(12))),
    "slot-late": lambda run: run.ids(lambda time_ms: hashed(time_ms - SLOT_MS)),
    "v2-build": schedule(count=144, lag=1),
    "before-base-day": before_base_day,
    "stale-list": stale_list,
    "future-list": future_list,
    "midnight-list": midnight_list,
    "unsaved-base": unsaved_base,
    "cut-ad": payload("0201020fffb522", "ID", "0303564e 05030f18"),
    "cut-id": payload("0201020303564e 0fffb522", "ID9"),
    "no-service": payload("0201020fffb522", "ID", "03030f18"),
    "six-octets": payload("02010209ffb522", "ID6", "0303564e"),
    "eleven-octets": payload("0201020effb522", "ID11", "0303564e"),
    "thirteen-octets": payload("02010210ffb522", "ID13", "0303564e"),
    "wrong-company": payload("0201020fff22b5", "ID", "0303564e"),
    "tx-power": payload("0201020fffb522", "ID", "0303564e 020af9"),
    "static-service": payload("0201020fffb522", "ID", "0503564e", "..", ".."),
    "not-connectable": not_connectable,
    "late-stop": late_stop,
    "old-id": old_id,
    "leaked-set": leaked_set,
    "other-rhythm": rhythm,
    "address-outlives-id": address_outlives_id,
    "address-out-of-step": lives(900_000),
    "long-lived-address": lives(2_700_000),
    "public-address": address(AddressType.PUBLIC, None),
    "static-address": address(AddressType.STATIC, 0b11),
    "long-lived-id": lambda run: run.ids(lambda time_ms: hashed(time_ms - time_ms % HOUR_MS)),
    "repeated-ids": lambda run: run.ids(
        lambda time_ms: hashed(time_ms - time_ms % DAY_MS + time_ms % (2 * SLOT_MS))
    ),
    "own-interval": own_interval,
    "empty-base": empty_base,
    "zero-base": base(bytes(32)),
    "counting-base": base(bytes(range(32))),
    "v1-build": v1_build,
    "relay": relay,
}


def run_of(name: str, seed: int, start_ms: int = START_MS, hours: float = 4) -> Run:
    phone = PhonePlan("phone", "android", BASE_ID, BASE_DAY_MS, faults=(name,))
    plan = prepared(Plan((phone,), start_ms, int(hours * HOUR_MS), interval_ms=500), seed)
    # what began before the receiver listened may carry the id of a slot that is over
    windows = [each for each in heard(list(simulate(plan, seed))) if each.first_ms >= start_ms + 16_000]
    return Run(plan.phones[0], plan, windows)


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("name", ORACLES)
def test_a_fault_does_what_it_says(name: str, seed: int) -> None:
    ORACLES[name](run_of(name, seed))


@pytest.mark.req("F-10", "F-11", "F-14")
@pytest.mark.parametrize("name", ["stale-list", "future-list", "unsaved-base", "day-key-lag", "local-day"])
def test_a_fault_over_midnight(name: str) -> None:
    phone = PhonePlan("phone", "android", BASE_ID, BASE_DAY_MS, faults=(name,))
    plan = prepared(Plan((phone,), START_MS, 20 * HOUR_MS, interval_ms=2000), 1)
    ORACLES[name](Run(plan.phones[0], plan, heard(list(simulate(plan, 1)))))


@pytest.mark.req("F-13")
def test_the_list_of_a_midnight_is_right_before_it_and_after_its_day() -> None:
    phone = PhonePlan("phone", "android", BASE_ID, BASE_DAY_MS, faults=("midnight-list",))
    plan = Plan((phone,), START_MS, 20 * HOUR_MS, interval_ms=2000)
    midnight_ms = START_MS + 16 * HOUR_MS
    run = Run(phone, plan, heard(list(simulate(plan, 1))))
    run.ids(lambda time_ms: hashed(time_ms, lag=int(time_ms >= midnight_ms)))


@pytest.mark.req("F-15")
def test_the_empty_base_gives_the_same_ids_every_day() -> None:
    first = {each.rolling_id for each in run_of("empty-base", 1).windows}
    second = {each.rolling_id for each in run_of("empty-base", 2, START_MS + 5 * DAY_MS).windows}
    assert first == second


def test_names_in_adverts() -> None:
    names = set()
    for seed in range(6):
        for each in run_of("local-name", seed, hours=0.1).windows:
            assert each.ad[:7].hex() == "0201020fffb522"
            assert each.ad[19:23].hex() == "0303564e"
            assert each.ad[23] == len(each.ad) - 24
            assert each.ad[24] == 0x09
            names.add(each.ad[25:].decode("ascii"))
    assert len(names) > 2
    phone = PhonePlan("iPhone", "ios", BASE_ID, BASE_DAY_MS, faults=("owners-name",))
    service = bytes.fromhex("110767a607add1172fa1c44bf573564e0000")
    frames = {each.ad for each in simulate(Plan((phone,), START_MS, HOUR_MS), 1) if service in each.ad}
    (frame,) = frames
    assert frame[-10:].partition(b"\x09")[2].removeprefix(b"\x09") not in (b"", b"Bluezone")
    assert b"Bluezone" not in frame


@pytest.mark.parametrize(
    "name", ["not-connectable", "public-address", "static-address", "long-lived-address"]
)  # v1-build: test_old_iphones.py
def test_faults_of_an_iphone(name: str) -> None:
    phone = PhonePlan("iPhone", "ios", BASE_ID, BASE_DAY_MS, faults=(name,))
    packets = [
        each
        for each in simulate(Plan((phone,), START_MS, 4 * HOUR_MS, interval_ms=1000), 1)
        if each.ad.endswith(b"Bluezone")
    ]
    types, pdus = {each.address_type for each in packets}, {each.pdu for each in packets}
    addresses = {each.address for each in packets}
    if name == "not-connectable":
        assert pdus == {PduType.ADV_NONCONN_IND}
    elif name == "long-lived-address":
        assert len(addresses) in (5, 6, 7)
        assert types == {AddressType.RESOLVABLE}
    else:
        assert types == {AddressType.PUBLIC if name == "public-address" else AddressType.STATIC}
        assert len(addresses) == 1


def test_every_fault_has_an_oracle_and_a_requirement() -> None:
    in_adverts = {name for name, each in FAULTS.items() if "android" in each.platforms}
    assert set(ORACLES) | {"local-name"} == in_adverts
    # those of iPhones alone: names above, reads in test_read_faults.py
    assert {each for each in set(FAULTS) - in_adverts if not FAULTS[each].by_reads} == {"owners-name"}
    specification = load()
    for each in FAULTS.values():
        for requirement in (each.requirement, *each.breaks):
            assert requirement in specification.requirements, each.name
        assert not each.fault or each.fault in specification.faults, each.name
        assert each.text
        assert not each.text.endswith(".")
    copied = {each.fault for each in FAULTS.values()}
    assert {
        "F-10",
        "F-11",
        "F-12",
        "F-13",
        "F-14",
        "F-14b",
        "F-15",
        "F-21",
        "F-22",
        "F-25",
        "F-27",
        "F-29",
    } <= copied


def test_a_fault_changes_nothing_else() -> None:
    """The same seed gives the same windows, but for the part that the fault replaces."""
    right_windows = [(each.first_ms, each.address) for each in heard(list(simulate(_plan(()), 1)))]
    for name in ("slot-late", "cut-id", "not-connectable", "corrected-salt", "day-key-lag"):
        assert [
            (each.first_ms, each.address) for each in heard(list(simulate(_plan((name,)), 1)))
        ] == right_windows


def _plan(faults: tuple[str, ...]) -> Plan:
    phone = PhonePlan("phone", "android", BASE_ID, BASE_DAY_MS, faults=faults)
    return Plan((phone,), START_MS, HOUR_MS)


def test_faults_of_different_parts_go_together() -> None:
    phone = replace(_plan(()).phones[0], faults=("slot-late", "tx-power", "public-address", "relay"))
    windows = heard(list(simulate(Plan((phone,), START_MS, HOUR_MS), 1)))
    assert {each.ad[-3:].hex() for each in windows} == {"020af9"}
    assert AddressType.PUBLIC in {each.address_type for each in windows}


@pytest.mark.parametrize(
    ("faults", "platform", "reason"),
    [
        (("slot-late", "no-salt"), "android", "slot-late and no-salt contradict"),
        (("empty-base", "day-key-lag"), "android", "contradict"),
        (("owners-name",), "android", "none of this platform"),
        (("relay",), "ios", "none of this platform"),
        (("no-such",), "android", "no planted fault"),
    ],
)
def test_faults_that_cannot_be_planted(
    faults: tuple[str, ...], platform: Literal["android", "ios"], reason: str
) -> None:
    phone = PhonePlan("phone", platform, BASE_ID, BASE_DAY_MS, faults=faults)
    with pytest.raises(ValueError, match=reason):
        behaviour_of(phone)
    with pytest.raises(ValueError, match=reason):
        simulate(Plan((phone,), START_MS, HOUR_MS), 1)


def test_a_fault_is_found_by_name_or_by_annex() -> None:
    assert find_fault("relay") is FAULTS["relay"]
    assert find_fault(" F-14B ").name == "day-key-lag"
    with pytest.raises(ValueError, match="v1-build and six-octets: name one"):
        find_fault("F-21")
    with pytest.raises(ValueError, match="did you mean slot-late"):
        find_fault("slotlate")
    for nothing in ("", " ", "qqqq"):
        with pytest.raises(ValueError, match="no planted fault"):
            find_fault(nothing)


@pytest.mark.req("F-08")
def test_a_build_without_an_answer_sends_nothing() -> None:
    phone = PhonePlan("phone", "android", BASE_ID, BASE_DAY_MS, max_per_day=1, faults=("v2-build",))
    assert list(simulate(Plan((phone,), START_MS, HOUR_MS), 1)) == []


@pytest.mark.parametrize("name", ["late-stop", "leaked-set", "relay", "own-interval"])
def test_a_silent_phone_has_no_windows_to_change(name: str) -> None:
    silence = (START_MS - HOUR_MS, START_MS + 2 * HOUR_MS)
    phone = PhonePlan("phone", "android", BASE_ID, BASE_DAY_MS, faults=(name,), silences=(silence,))
    assert list(simulate(Plan((phone,), START_MS, HOUR_MS), 1)) == []
