"""The genuine bleak by BlueZ and over bumble, in the same air at the same time: the same observations.

What each tells is put together by address. Both declare the same capabilities, and differ in this, and in nothing else:

- How often. The kernel lets the adapter filter repeats, and those are of an address, whatever its data (Core
  Specification, Vol 6 Part B 4.4.3.5). So what a phone sends in turns BlueZ tells in part; over bumble all is told.
- Sometimes BlueZ knows no RSSI. Each has a receiver of its own in the simulation, so values of RSSI differ as well.
- With each advert of a phone that was read, BlueZ tells the UUIDs of the services found on it as well; and the name
  that it read there, until the next scan response.
- BlueZ keeps the service Generic Access to itself.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

BY_BLUEZ, BY_BUMBLE = Path("/results/by-bluez.jsonl"), Path("/results/by-bumble.jsonl")
PROGRAM = Path(__file__).with_name("two_hosts.py")
CHARACTERISTIC = "00004e56-73f5-4bc4-a12f-17d1ad07a689"
SERVICE = "00004e56-73f5-4bc4-a12f-17d1ad07a667"
GENERIC_ACCESS = "00001800-0000-1000-8000-00805f9b34fb"
IPHONES, ANDROIDS = 2, 3
SLOT_S = 900
READ_NAME = '"iPhone"'
"""The name of a phone in Generic Access, which BlueZ reads whenever it connects."""
LONG_US = 8_000_000
"""An address that is on the air so long, while both listen, is heard by both: BlueZ pauses while it connects."""


def lines(recording: Path) -> list[dict[str, Any]]:
    """Return the whole lines of a recording, without its header."""
    if not recording.exists():
        return []
    whole = recording.read_text("utf-8").rpartition("\n")[0].splitlines()
    return [json.loads(line) for line in whole[1:]]


def capabilities(recording: Path) -> dict[str, str]:
    header = json.loads(recording.read_text("utf-8").partition("\n")[0])
    return {str(name): str(extent) for name, extent in header["capabilities"].items()}


@dataclass
class Phone:
    """What one host tells of one address."""

    kinds: set[str] = field(default_factory=set)
    times_us: list[int] = field(default_factory=list)
    fields: list[dict[str, Any]] = field(default_factory=list)
    services: list[Any] = field(default_factory=list)
    values: set[str] = field(default_factory=set)

    rssis: list[int | None] = field(default_factory=list)

    @property
    def states(self) -> set[str]:
        """Return all that was ever told at once."""
        return {json.dumps(each, sort_keys=True) for each in self.fields}

    @property
    def names(self) -> set[str]:
        return {each.get("local_name", "") for each in self.fields}

    @property
    def companies(self) -> set[str]:
        return {company for each in self.fields for company in each.get("manufacturer_data", {})}

    @property
    def uuids(self) -> set[str]:
        return {uuid for each in self.fields for uuid in each.get("service_uuids", ())}

    def all_of(self, key: str) -> set[str]:
        """Return all that a field ever said."""
        return {json.dumps(each[key], sort_keys=True) for each in self.fields if key in each}


Phones = Mapping[str, Phone]


def phones_of(recording: Path) -> Phones:
    found: dict[str, Phone] = {}
    for line in lines(recording):
        if "address" not in line:
            continue
        phone = found.setdefault(line["address"], Phone())
        phone.kinds.add(line["address_type"])
        if line["kind"] == "advert":
            assert set(line) - {"rssi"} == {"kind", "time_us", "address", "address_type", "fields"}
            phone.times_us.append(line["time_us"])
            phone.fields.append(line["fields"])
            phone.rssis.append(line.get("rssi"))
        elif line["kind"] == "gatt_services":
            phone.services.append(line["services"])
        elif line["kind"] == "gatt_read":
            assert line["characteristic"] == CHARACTERISTIC
            phone.values.add(line["value"])
    return found


@dataclass(frozen=True)
class Both:
    """What both tell, of the addresses that both had time to hear."""

    bluez: Phones
    bumble: Phones
    common: frozenset[str]
    read: frozenset[str]


def reads(recording: Path) -> int:
    return len({line["address"] for line in lines(recording) if line["kind"] == "gatt_read"})


def androids(recording: Path) -> int:
    """Return by how many addresses Android phones were heard."""
    told = (
        line for line in lines(recording) if "22b5" in line.get("fields", {}).get("manufacturer_data", {})
    )
    return len({line["address"] for line in told})


@pytest.fixture(scope="module")
def both(
    bluetoothd: object, begin: Callable[..., Any], wait: Callable[..., None], is_up: Callable[[str], bool]
) -> Both:
    for each in (BY_BLUEZ, BY_BUMBLE):
        each.unlink(missing_ok=True)
    # no slot ends meanwhile: each phone has one id
    slots = int(time.clock_gettime(time.CLOCK_REALTIME)) // SLOT_S
    time.clock_settime(time.CLOCK_REALTIME, (slots + 1) * SLOT_S + 60)
    playing = begin("backends-phones", sys.executable, PROGRAM, BY_BUMBLE)
    wait(lambda: is_up("hci0"), f"hci0: {playing.text()}", alive=playing.process)
    sniff = begin("backends-sniff", "bzc", "sniff", "--gatt", "--out", BY_BLUEZ)
    for each in (BY_BLUEZ, BY_BUMBLE):
        wait(
            lambda each=each: reads(each) >= IPHONES and androids(each) >= ANDROIDS,
            f"{each} to be enough: {sniff.text()}",
            120,
            alive=sniff.process,
        )
    assert sniff.end() == 0, sniff.text()
    assert playing.end() == 0, playing.text()
    wait(lambda: not is_up("hci0"), "hci0 to be gone")
    bluez, bumble = phones_of(BY_BLUEZ), phones_of(BY_BUMBLE)
    # BlueZ begins later and ends earlier, while phones take new addresses
    times_us = [time_us for each in bluez.values() for time_us in each.times_us]
    common = set()
    for address, phone in bumble.items():
        within = [time_us for time_us in phone.times_us if min(times_us) <= time_us <= max(times_us)]
        if within and within[-1] - within[0] >= LONG_US:
            common.add(address)
    read = {address for address, each in bluez.items() if each.values}
    return Both(bluez, bumble, frozenset(common), frozenset(read))


def test_they_declare_the_same(both: Both) -> None:
    one, other = (capabilities(each) for each in (BY_BLUEZ, BY_BUMBLE))
    assert one == other
    assert {each: one[each] for each in ("raw_ad", "pdu_type", "address", "address_type", "gatt")} == {
        "raw_ad": "no",
        "pdu_type": "no",
        "address": "yes",
        "address_type": "yes",
        "gatt": "yes",
    }


def test_they_hear_the_same_addresses_of_the_same_kinds(both: Both) -> None:
    assert len(both.common) >= IPHONES
    assert both.common | both.read <= set(both.bluez) <= set(both.bumble)
    for address, phone in both.bluez.items():
        assert phone.kinds == both.bumble[address].kinds == {"resolvable"}


def test_of_a_phone_that_is_not_read_they_tell_the_same(both: Both) -> None:
    unread = [address for address, each in both.bluez.items() if not each.values]
    assert unread
    for address in unread:
        assert both.bluez[address].states == both.bumble[address].states
    assert {"22b5"} == {company for each in unread for company in both.bluez[each].companies}


def test_of_a_phone_that_was_read_bluez_tells_nothing_else_but_its_name_and_services(both: Both) -> None:
    for address in both.read:
        one, other = both.bluez[address], both.bumble[address]
        for key in ("manufacturer_data", "service_data", "tx_power"):
            assert one.all_of(key) <= other.all_of(key), (address, key)
        assert one.all_of("local_name") - {READ_NAME} <= other.all_of("local_name")
        found = {service["uuid"] for told in one.services for service in told} | {GENERIC_ACCESS}
        assert other.uuids <= one.uuids <= other.uuids | found
    # the one whose app is open has a name, the other shows the overflow form
    assert {name for each in both.read for name in both.bumble[each].all_of("local_name")} == {'"Bluezone"'}
    assert {"", "Bluezone"} <= {name for each in both.read for name in both.bluez[each].names}
    assert "004c" in {company for each in both.read for company in both.bluez[each].companies}


def test_over_bumble_each_report_is_told(both: Both) -> None:
    for address in both.common:
        assert 1 <= len(both.bluez[address].fields) <= len(both.bumble[address].fields), address
        assert all(each is not None for each in both.bumble[address].rssis)


def test_they_read_the_same_values_from_the_same_phones(both: Both) -> None:
    assert len(both.read) >= IPHONES
    assert {each: both.bluez[each].values for each in both.read} == {
        each: both.bumble[each].values for each in both.read
    }


def test_they_find_the_same_services_but_for_generic_access(both: Both) -> None:
    for address in both.read:
        (one, *more), (other, *_) = both.bluez[address].services, both.bumble[address].services
        assert all(each == one for each in more)
        assert one == [service for service in other if service["uuid"] != GENERIC_ACCESS]
        assert SERVICE in {service["uuid"] for service in one}
