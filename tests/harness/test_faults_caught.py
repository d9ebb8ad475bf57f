"""Each planted fault is caught under its requirement, at 20 seeds, with the device file and without it.

Two hours over midnight; loss and strangers vary with the seed. Without a device file all Bluezone senders are
judged as they are, so the strangers there are those that keep to the protocol.

What spares most of the time: four base ids take turns, so that their schedules are made once; whether a base id is weak
is asked once for each; and the search for ids of weak base ids goes 20 days back instead of 400, drawn phones being two
weeks old at most. That search itself is tested with the checks.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import pytest

from bluezone_harness.checks import key_schedule, lifetimes
from bluezone_harness.checks.captures import Capture
from bluezone_harness.evidence.device_files import read_device_file
from bluezone_harness.profiles import profiles_of
from bluezone_harness.results import Result
from bluezone_harness.verdicts import judge
from bluezone_harness.virtual.faults import FAULTS
from bluezone_harness.virtual.phones import Plan, device_file, drawn_phone, prepared
from bluezone_reference.weak_bases import weakness
from bluezone_spec.model import Specification

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("short_search")]

HOUR_MS = 3_600_000
MIDNIGHT_MS = 1_597_190_400_000  # 2020-08-12
START_MS = MIDNIGHT_MS - HOUR_MS
SEEDS = range(1, 21)
BASE_IDS = 4
LOSSES = (0.0, 0.1, 0.2, 0.3)
MOST_STRANGERS = 2
"""Of the kinds of strangers, the first two keep to the protocol: a phone with another key, and one with another app."""

ONLY_ALONE = frozenset({"v1-build", "unsaved-base"})
"""Next to other phones nothing tells that what is sent is this phone's: its ids are none of its device file's."""
ALONE_WITHOUT_KEY = frozenset({"other-rhythm"})
"""Without a device file, on-windows of several phones cannot be told apart."""
UNSURE_WITHOUT_KEY = frozenset({"long-lived-id", "repeated-ids", "own-interval"})
"""Without a device file another ``max``, or other phones, could explain what is heard: inconclusive, never a pass."""
SEVERAL = frozenset({"own-interval"})
"""It takes several phones to tell one from others."""
AT_100_MS = frozenset({"other-rhythm", "own-interval"})
"""Whether an on-window lasts 5 s or 15 s takes the interval of a real phone."""

FOLLOWS = {
    # their ids are sent after their slots have ended; where loss splits an on-window, that is told of its second part
    "slot-late": {"BZ-ADV-005"},
    "v2-build": {"BZ-ADV-005"},
    # an on-window that goes on for minutes over midnight shows its id on two days
    "late-stop": {"BZ-PRV-005"},
    # an id that is kept for minutes after its slot is heard for longer than a slot and its allowance
    "old-id": {"BZ-PRV-004", "BZ-PRV-005"},
    # so is one that is kept for an hour, in on-windows that begin slots later
    "long-lived-id": {"BZ-ADV-005", "BZ-PRV-005"},
    # an id whose turn comes again was first heard half an hour before
    "repeated-ids": {"BZ-PRV-004"},
    # a static id is no rolling id, and comes again in each slot
    "v1-build": {"BZ-ADV-003", "BZ-PRV-005"},
    # an advertising set keeps its address; heard with pauses, its id comes again
    "leaked-set": {"BZ-PRV-003", "BZ-PRV-005"},
    # what only one phone sends re-links its ids
    "local-name": {"BZ-PRV-006"},
    "static-service": {"BZ-PRV-006"},
    "owners-name": {"BZ-PRV-006"},
}
"""What else a fault breaks beyond what the registry lists, and beyond BZ-ADV-004, which any wrong id breaks."""

FOLLOWS_IN_READS = {
    # they change the id within a slot, and a right phone changes its address with its slots
    "stale-list": {"BZ-PRV-001", "BZ-GAT-003", "BZ-KEY-006"},
    "future-list": {"BZ-PRV-001", "BZ-GAT-003", "BZ-KEY-006"},
    # a value that was right before
    "long-lived-id": {"BZ-GAT-003"},
    "repeated-ids": {"BZ-GAT-003"},
    # stale values are those of other slots, and are read for as long
    "fixed-at-connection": {"BZ-KEY-006"},
    "cached-read": {"BZ-KEY-006", "BZ-PRV-001", "BZ-PRV-004", "BZ-PRV-005"},
    "read-zeros": {"BZ-PRV-004", "BZ-PRV-005"},
}
"""What else a fault breaks in the reads of an iPhone, beyond BZ-GAT-002, which any wrong id breaks."""

CASES = [
    (each.name, platform, has_key)
    for each in FAULTS.values()
    for platform in each.platforms
    for has_key in (True, False)
    if has_key or not each.needs_key
]


@pytest.fixture(scope="module")
def simulated(capture_of: Callable[[Plan, int], Capture]) -> Callable[..., tuple[Capture, bytes]]:
    """Return a function to the capture of a phone with a fault, and its device file."""

    @lru_cache(maxsize=32)
    def run(name: str, platform: str, seed: int, strangers: int) -> tuple[Capture, bytes]:
        phones = [drawn_phone("phone", platform, START_MS, seed % BASE_IDS, (name,))]
        if name in SEVERAL:
            phones += [drawn_phone(f"other {number}", platform, START_MS, seed) for number in range(4)]
        plan = Plan(
            tuple(phones),
            START_MS,
            2 * HOUR_MS,
            loss=LOSSES[seed % len(LOSSES)],
            strangers=strangers,
            interval_ms=100 if name in AT_100_MS else 2000,
            gatt=is_read(name, platform),
        )
        plan = prepared(plan, seed)
        return capture_of(plan, seed), device_file(plan.phones[:1])

    return run


asked_once = lru_cache(maxsize=None)(weakness)


@pytest.fixture(autouse=True)
def _weakness_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (key_schedule, lifetimes):
        monkeypatch.setattr(module, "weakness", asked_once)


@pytest.fixture(scope="module")
def verdicts_of(specification: Specification) -> Callable[..., dict[str, str]]:
    """Return a function from a capture, and a device file or none, to the verdict of each requirement."""

    def run(capture: Capture, device: bytes | None) -> dict[str, str]:
        file = None if device is None else read_device_file("device.json", device)
        result: Result = judge(specification, profiles_of(specification)["v3"], [], file, "check", [capture])
        return {each.id: str(each.verdict) for each in result.requirements}

    return run


def failures(verdicts: dict[str, str]) -> set[str]:
    return {name for name, verdict in verdicts.items() if verdict == "fail"}


def is_read(name: str, platform: str) -> bool:
    """Tell whether the phone is an iPhone whose reads alone show the fault."""
    return platform == "ios" and FAULTS[name].by_reads


def expected(name: str, platform: str) -> set[str]:
    """Return all under which a fault may be found."""
    planted = FAULTS[name]
    found = {planted.requirement, *planted.breaks, *FOLLOWS.get(name, ()), "BZ-ADV-004"}
    return found | {*FOLLOWS_IN_READS.get(name, ()), "BZ-GAT-002"} if is_read(name, platform) else found


@pytest.mark.req("BZ-KEY-001", "BZ-KEY-002", "BZ-KEY-003", "BZ-KEY-004", "BZ-KEY-005", "BZ-KEY-006")
@pytest.mark.req("BZ-KEY-008", "BZ-KEY-009", "BZ-KEY-010", "BZ-ADV-001", "BZ-ADV-002", "BZ-ADV-003")
@pytest.mark.req("BZ-ADV-005", "BZ-ADV-006", "BZ-ADV-007", "BZ-ADV-008", "BZ-ADV-009", "BZ-PRV-001")
@pytest.mark.req("BZ-PRV-002", "BZ-PRV-003", "BZ-PRV-004", "BZ-PRV-005", "BZ-PRV-006", "BZ-PRV-007")
@pytest.mark.req("BZ-PRV-008", "BZ-PRV-009")
@pytest.mark.parametrize(("name", "platform", "has_key"), CASES)
def test_a_fault_is_caught_at_all_seeds(
    name: str,
    platform: str,
    has_key: bool,
    simulated: Callable[..., tuple[Capture, bytes]],
    verdicts_of: Callable[..., dict[str, str]],
) -> None:
    planted = FAULTS[name]
    is_alone = name in (ONLY_ALONE if has_key else ALONE_WITHOUT_KEY)
    missed: dict[int, str] = {}
    beyond: dict[int, set[str]] = {}
    for seed in SEEDS[:6] if is_read(name, platform) else SEEDS:
        capture, device = simulated(name, platform, seed, 0 if is_alone else seed % (MOST_STRANGERS + 1))
        verdicts = verdicts_of(capture, device if has_key else None)
        if verdicts[planted.requirement] != "fail":
            missed[seed] = verdicts[planted.requirement]
        if failures(verdicts) - expected(name, platform):
            beyond[seed] = failures(verdicts) - expected(name, platform)
    assert not missed, f"{name} is not found under {planted.requirement}, at seeds: {missed}"
    assert not beyond, f"{name} fails what it does not break, at seeds: {beyond}"


@pytest.mark.req("BZ-PRV-004", "BZ-PRV-005", "BZ-PRV-006")
@pytest.mark.parametrize("name", sorted(UNSURE_WITHOUT_KEY))
def test_what_has_another_explanation_is_inconclusive_without_the_device_file(
    name: str,
    simulated: Callable[..., tuple[Capture, bytes]],
    verdicts_of: Callable[..., dict[str, str]],
) -> None:
    for seed in SEEDS[:5]:
        capture, _ = simulated(name, "android", seed, seed % (MOST_STRANGERS + 1))
        verdicts = verdicts_of(capture, None)
        assert verdicts[FAULTS[name].requirement] == "inconclusive", seed
        assert not failures(verdicts), seed


@pytest.mark.req("BZ-KEY-010", "BZ-PRV-008")
@pytest.mark.parametrize("name", sorted(ONLY_ALONE))
def test_whose_ids_nothing_explains_passes_nothing_next_to_others(
    name: str,
    simulated: Callable[..., tuple[Capture, bytes]],
    verdicts_of: Callable[..., dict[str, str]],
) -> None:
    for seed in SEEDS[:5]:
        verdicts = verdicts_of(*simulated(name, "android", seed, 2))
        assert verdicts[FAULTS[name].requirement] == "inconclusive", seed

        if name == "v1-build":
            assert {verdicts[f"BZ-KEY-{number:03}"] for number in (2, 3, 4, 5, 6, 10)} == {"inconclusive"}, (
                seed
            )


def test_the_exceptions_are_of_faults_that_there_are() -> None:
    for names in (ONLY_ALONE, ALONE_WITHOUT_KEY, UNSURE_WITHOUT_KEY, SEVERAL, AT_100_MS, FOLLOWS.keys()):
        assert names <= FAULTS.keys()
    assert FOLLOWS_IN_READS.keys() <= {each.name for each in FAULTS.values() if each.by_reads}
    for name, more in FOLLOWS.items():
        assert not more & {FAULTS[name].requirement, *FAULTS[name].breaks}, name
