"""Whatever becomes of a capture by ``bzc convert``, nothing passes that failed, and nothing fails that passed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from bluezone_harness.checks import weak_ids
from bluezone_harness.checks.captures import Capture
from bluezone_harness.cli import convert
from bluezone_harness.cli.evidence_inputs import read_evidence
from bluezone_harness.evidence.device_files import read_device_file
from bluezone_harness.profiles import profiles_of
from bluezone_harness.verdicts import judge
from bluezone_harness.virtual.captures import (
    LinkType,
    write_btsnoop,
    write_pcap,
    write_pcapng,
    write_recording,
)
from bluezone_harness.virtual.faults import FAULTS
from bluezone_harness.virtual.phones import Plan, device_file, drawn_phone, prepared, simulate
from bluezone_harness.virtual.plans import AirPacket
from bluezone_spec.model import Specification

HOUR_MS = 3_600_000
START_MS = 1_597_188_600_000  # 2020-08-11T23:30:00Z
SEED = 3
INTERVAL_MS = 3000
DECIDED = {"pass", "fail"}
TRUE_IDS_NEEDED = {
    *(f"BZ-KEY-{number:03}" for number in (1, 2, 3, 4, 5, 6, 8, 9, 10)),
    *("BZ-ADV-004", "BZ-ADV-005", "BZ-PRV-007"),
}
AT_ONCE = ("no fault", "relay")
"""What is tried in each run; the rest takes longer."""
LATER = (
    *("slot-late", "unsaved-base", "long-lived-id", "zero-base", "v1-build", "cut-ad", "owners-name"),
    *("static-service", "leaked-set", "address-outlives-id", "static-address"),
)
MORE_FORMS = ("pcap-hci", "pcapng", "pcapng-hci")
SHORT_SEARCH_DAYS = 2

Verdicts = dict[str, str]


def packets_of(name: str) -> tuple[list[AirPacket], bytes]:
    """Return what is heard of a phone among strangers, and its device file."""
    platform = FAULTS[name].platforms[0] if name in FAULTS else "android"
    phone = drawn_phone("phone", platform, START_MS, SEED, (name,) if name in FAULTS else ())
    plan = Plan((phone,), START_MS, HOUR_MS, loss=0.1, strangers=3, interval_ms=INTERVAL_MS)
    plan = prepared(plan, SEED)
    return list(simulate(plan, SEED)), device_file(plan.phones[:1])


@pytest.fixture
def verdicts_of(specification: Specification) -> Callable[..., Verdicts]:
    """Return a function from a file, and a device file or none, to the verdict of each requirement."""

    def run(path: str, device: bytes | None) -> Verdicts:
        captures = [each for each in read_evidence(path) if isinstance(each, Capture)]
        file = None if device is None else read_device_file("device.json", device)
        result = judge(specification, profiles_of(specification)["v3"], [], file, "check", captures)
        return {each.id: str(each.verdict) for each in result.requirements}

    return run


@pytest.fixture(autouse=True)
def _short_search_in_an_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(weak_ids, "BASE_DAYS", SHORT_SEARCH_DAYS)


def converted(*arguments: str) -> str:
    out = arguments[-1]
    result = CliRunner().invoke(convert.command, [*arguments[:-1], "--force", "--out", out])
    assert result.exit_code == 0, result.output
    return out


def flips(whole: Verdicts, kept: Verdicts) -> dict[str, tuple[str, str]]:
    """Return what is decided anew: what was left out or replaced never decides anything."""
    return {
        name: (whole[name], verdict)
        for name, verdict in kept.items()
        if verdict in DECIDED and verdict != whole[name]
    }


@pytest.mark.req("BZ-KEY-001", "BZ-KEY-010", "BZ-PRV-007", "BZ-PRV-008", "BZ-PRV-009", "BZ-ADV-008")
@pytest.mark.parametrize("name", [*AT_ONCE, *(pytest.param(each, marks=pytest.mark.long) for each in LATER)])
def test_no_verdict_is_turned_round(name: str, verdicts_of: Callable[..., Verdicts]) -> None:
    packets, device = packets_of(name)
    with Path("whole.pcapng").open("wb") as file:
        write_pcapng(packets, file)
    some = sorted({each.address.hex(":") for each in packets})[::2]
    addresses = [text for each in some for text in ("--address", each)]
    for key, end in ((device, "pcapng"), (None, "jsonl")):
        whole = verdicts_of("whole.pcapng", key)
        assert verdicts_of(converted("whole.pcapng", f"same.{end}"), key) == whole
        ours = verdicts_of(converted("whole.pcapng", "--bluezone-only", f"ours.{end}"), key)
        assert not flips(whole, ours)
        # nor is anything lost, but what others' times tell
        assert {each for each in whole if whole[each] != ours[each]} <= {"BZ-KEY-010"}
        part = verdicts_of(converted("whole.pcapng", *addresses, f"part.{end}"), key)
        assert not flips(whole, part)
        assert "pass" not in part.values()
        private = verdicts_of(converted("whole.pcapng", "--private", "private.jsonl"), key)
        assert not flips(whole, private)
        if key is None:
            changed = {each for each in whole if whole[each] != private[each]}
            assert changed == {each for each in TRUE_IDS_NEEDED if whole[each] != "not_observable"}
        else:
            # of pseudonyms a device file tells nothing; what it says of its base id is true
            assert {each for each in private if private[each] in DECIDED} == {"BZ-KEY-001"}
        assert {private[each] for each in TRUE_IDS_NEEDED - {"BZ-KEY-001"}} == {"not_observable"}


@pytest.mark.req("BZ-ADV-001", "BZ-KEY-006", "BZ-PRV-001")
@pytest.mark.parametrize(
    "form", ["pcap", "btsnoop", "jsonl", *(pytest.param(each, marks=pytest.mark.long) for each in MORE_FORMS)]
)
def test_there_and_back_from_every_form(form: str, verdicts_of: Callable[..., Verdicts]) -> None:
    packets, device = packets_of("leaked-set")
    packets = [each for each in packets if each.time_us < (START_MS + HOUR_MS // 2) * 1000]
    link = LinkType.HCI if form.endswith("hci") else LinkType.RADIO
    with Path("in").open("wb") as file:
        match form.partition("-")[0]:
            case "pcap":
                write_pcap(packets, file, link)
            case "pcapng":
                write_pcapng(packets, file, link)
            case "btsnoop":
                write_btsnoop(packets, file)
            case _:
                write_recording(packets, file)
    (given,) = read_evidence("in")
    whole = verdicts_of("in", device)
    assert "fail" in whole.values()
    for path in (
        converted("in", "a.jsonl"),
        converted("in", "b.pcapng"),
        converted("b.pcapng", "c.jsonl"),
        converted("a.jsonl", "d.pcapng"),
    ):
        (found,) = read_evidence(path)
        assert isinstance(found, Capture)
        assert isinstance(given, Capture)
        assert not found.partial
        assert _sightings(found) == _sightings(given)
        assert verdicts_of(path, device) == whole
        shown = {name: extent for name, extent in found.capabilities.items() if extent != "no"}
        assert {name: shown.get(name) for name in given.capabilities} == {
            name: None if extent == "no" else extent for name, extent in given.capabilities.items()
        }


def _sightings(capture: Capture) -> list[tuple[object, ...]]:
    """Return all that sightings say, but for the numbers of their packets."""
    return [
        (
            *(each.receiver, each.address, each.address_type, each.pdu, each.ad, each.first_us, each.last_us),
            *(each.count, each.rssi_min, each.rssi_mean, each.rssi_max, each.channels, each.interval_min_us),
        )
        for each in capture.folded.sightings
    ]
