"""What the operating system hears, by bleak: in the shapes of each system, and over virtual phones."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, ClassVar, get_args

import pytest
from bleak.backends.scanner import AdvertisementData, AdvertisementDataCallback, BaseBleakScanner
from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakBluetoothNotAvailableReason,
    BleakDBusError,
    BleakError,
)
from hypothesis import given
from hypothesis import strategies as st

from bluezone_harness.live.bleak_receiver import SILENCE_S, BleakReceiver
from bluezone_harness.live.bleak_sentences import System
from bluezone_harness.live.bumble_backend import client_backend, scanner_backend
from bluezone_harness.live.receivers import ListenError
from bluezone_harness.observations import AddressType, Advert, Capability, Extent, Observation
from bluezone_harness.sources.ad_fields import ad_of_fields, fields_of_ad
from bluezone_harness.virtual.ble.virtual_time import run_in_virtual_time
from bluezone_harness.virtual.ble.worlds import World
from bluezone_harness.virtual.phones import Plan, drawn_phone, simulate

START_MS = 1_597_046_400_000
SERVICE_16 = "00004e56-0000-1000-8000-00805f9b34fb"
ROLLING_ID = bytes(range(12))
SYSTEMS: tuple[System, ...] = get_args(System)


class Standing:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.time_us = START_MS * 1000

    def now_us(self) -> int:
        return self.time_us


class Scanner(BaseBleakScanner):
    """A backend that does what a test wants."""

    made: ClassVar[list[Scanner]] = []
    on_start: ClassVar[list[BaseException | None]] = []
    on_stop: ClassVar[list[BaseException | None]] = []

    def __init__(
        self,
        detection_callback: AdvertisementDataCallback | None,
        service_uuids: list[str] | None,
        scanning_mode: str = "active",
        **options: object,
    ) -> None:
        super().__init__(detection_callback, service_uuids)
        self.options = options
        self.is_on = False
        self.made.append(self)

    async def start(self) -> None:
        await _raised(self.on_start)
        self.is_on = True

    async def stop(self) -> None:
        self.is_on = False
        await _raised(self.on_stop)

    def tell(self, address: str, data: AdvertisementData, details: object = None) -> None:
        device = self.create_or_update_device(address, address, data.local_name, details, data)
        self.call_detection_callbacks(device, data)


async def _raised(errors: list[BaseException | None]) -> None:
    error = errors.pop(0) if errors else None
    if error is not None:
        raise error


@pytest.fixture(autouse=True)
def scanner() -> type[Scanner]:
    Scanner.made.clear()
    Scanner.on_start.clear()
    Scanner.on_stop.clear()
    return Scanner


def advertisement(**changed: object) -> AdvertisementData:
    fields: dict[str, Any] = {
        "local_name": None,
        "manufacturer_data": {0x22B5: ROLLING_ID},
        "service_data": {},
        "service_uuids": [SERVICE_16],
        "tx_power": None,
        "rssi": -60,
        "platform_data": (),
    }
    return AdvertisementData(**(fields | changed))


def heard_of(system: System, address: str, data: AdvertisementData) -> Advert:
    """Return the advert that comes of what bleak tells."""
    found: list[Observation] = []

    async def run() -> None:
        receiver = BleakReceiver(Standing(), system, scanner=Scanner)
        task = asyncio.create_task(receiver.listen(found.append, lambda time_us, link_type, octets: None))
        await asyncio.sleep(1)
        Scanner.made[-1].tell(address, data)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()
        assert not Scanner.made[-1].is_on

    run_in_virtual_time(run())
    (advert,) = found
    assert isinstance(advert, Advert)
    return advert


def bluez(address_type: str, **more: object) -> tuple[str, dict[str, object]]:
    """Return what bleak tells of a phone beside: the path of the device and its properties."""
    return "/org/bluez/hci0/dev_5A_00_00_00_00_01", {
        "Address": "5A:00:00:00:00:01",
        "AddressType": address_type,
        **{"Paired": False, "Bonded": False, "Alias": "5A-00-00-00-00-01", "RSSI": -60, **more},
    }


ANDROID_AD = bytes.fromhex("0303564e 0fffb522 000102030405060708090a0b")


@pytest.mark.parametrize(
    ("address", "properties", "address_type"),
    [
        ("5A:00:00:00:00:01", bluez("random"), AddressType.RESOLVABLE),
        ("1A:00:00:00:00:01", bluez("random"), AddressType.NON_RESOLVABLE),
        ("DA:00:00:00:00:01", bluez("random"), AddressType.STATIC),
        ("5A:00:00:00:00:01", bluez("public"), AddressType.PUBLIC),
        ("5A:00:00:00:00:01", bluez("public", Paired=True), AddressType.PUBLIC_IDENTITY),
        ("DA:00:00:00:00:01", bluez("random", Bonded=True), AddressType.RANDOM_IDENTITY),
        ("5A:00:00:00:00:01", bluez("something"), None),
        ("5A:00:00:00:00:01", ("/org/bluez/hci0/dev_x", {}), None),
        ("5A:00:00:00:00:01", ("/org/bluez/hci0/dev_x", "properties"), None),
        ("5A:00:00:00:00:01", (), None),
    ],
)
def test_what_bluez_tells(
    address: str, properties: tuple[object, ...], address_type: AddressType | None
) -> None:
    advert = heard_of("Linux", address, advertisement(platform_data=properties))
    assert advert == Advert(
        0,
        START_MS * 1000,
        "",
        bytes.fromhex(address.replace(":", "")),
        address_type,
        None,
        ANDROID_AD,
        -60,
        None,
    )


def test_what_core_bluetooth_tells() -> None:
    peripheral, said, rssi = object(), {"kCBAdvDataIsConnectable": 1}, -60
    advert = heard_of(
        "Darwin",
        "5F0B9C0E-0B5A-4C5E-9C51-2C0A7C1C6A10",
        advertisement(platform_data=(peripheral, said, rssi), rssi=127),
    )
    assert (advert.address, advert.address_type, advert.ad, advert.rssi) == (None, None, ANDROID_AD, None)


def test_what_winrt_tells() -> None:
    advert = heard_of(
        "Windows",
        "5A:00:00:00:00:01",
        advertisement(platform_data=(object(), object()), service_uuids=[SERVICE_16.upper()]),
    )
    assert advert.address == bytes.fromhex("5A0000000001")
    assert (advert.address_type, advert.ad) == (None, ANDROID_AD)


@pytest.mark.parametrize(
    "address", ["5F0B9C0E-0B5A-4C5E-9C51-2C0A7C1C6A10", "", "x", "5A:00", "5A:00:00:00:00:0G"]
)
@pytest.mark.parametrize("system", ["Linux", "Windows"])
def test_what_is_no_address_is_none(system: System, address: str) -> None:
    advert = heard_of(system, address, advertisement(platform_data=bluez("random")))
    assert (advert.address, advert.address_type) == (None, None)


@pytest.mark.parametrize(
    ("rssi", "heard"), [(-127, None), (127, None), (21, None), (-126, -126), (20, 20), (0, 0)]
)
def test_what_is_no_rssi_is_none(rssi: int, heard: int | None) -> None:
    assert heard_of("Linux", "5A:00:00:00:00:01", advertisement(rssi=rssi)).rssi == heard


ANY_ADVERTISEMENT = st.builds(
    AdvertisementData,
    local_name=st.none() | st.text() | st.just("\ud800"),
    manufacturer_data=st.dictionaries(st.integers(-1, 70_000), st.binary(max_size=300), max_size=3),
    service_data=st.dictionaries(
        st.text(max_size=9) | st.just(SERVICE_16), st.binary(max_size=300), max_size=3
    ),
    service_uuids=st.lists(st.text(max_size=9) | st.uuids().map(str), max_size=9),
    tx_power=st.none() | st.integers(-1000, 1000),
    rssi=st.integers(-1000, 1000),
    platform_data=st.sampled_from(
        ((), (None,), (None, None), ("x", {}), bluez("random"), ("x", {"AddressType": 7}), (1, 2, 3))
    ),
)


@given(ANY_ADVERTISEMENT, st.sampled_from(SYSTEMS), st.text(max_size=17) | st.just("5A:00:00:00:00:01"))
def test_whatever_comes_is_heard_and_has_fields(
    data: AdvertisementData, system: System, address: str
) -> None:
    advert = heard_of(system, address, data)
    assert advert.ad is not None
    assert ad_of_fields(fields_of_ad(advert.ad), whole=True) == advert.ad
    assert advert.rssi is None or -127 < advert.rssi <= 20
    assert advert.pdu is None
    assert (advert.address is None) >= (system == "Darwin")


@pytest.mark.parametrize("system", SYSTEMS)
def test_what_each_system_shows(system: System) -> None:
    receiver = BleakReceiver(Standing(), system)
    shown = receiver.capabilities
    assert receiver.tells_fields
    assert not receiver.is_clock
    assert shown[Capability.AD_FIELDS] is Extent.YES
    assert {shown[each] for each in (Capability.RAW_AD, Capability.PDU_TYPE, Capability.INTERVAL)} == {
        Extent.NO
    }
    addresses = {
        "Linux": (Extent.YES, Extent.YES),
        "Darwin": (Extent.NO, Extent.NO),
        "Windows": (Extent.YES, Extent.NO),
    }
    assert (shown[Capability.ADDRESS], shown[Capability.ADDRESS_TYPE]) == addresses[system]
    titles = {"Linux": "bleak (BlueZ)", "Darwin": "bleak (CoreBluetooth)", "Windows": "bleak (WinRT)"}
    assert receiver.title == titles[system]


@pytest.mark.parametrize(
    ("system", "adapter", "wanted"),
    [
        ("Linux", None, {"bluez": {"filters": {"DuplicateData": True}}}),
        ("Linux", "hci1", {"bluez": {"filters": {"DuplicateData": True}, "adapter": "hci1"}}),
        ("Darwin", None, {}),
        ("Windows", None, {}),
    ],
)
def test_what_bleak_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, system: System, adapter: str | None, wanted: dict[str, object]
) -> None:
    asked: list[dict[str, object]] = []

    def refuse(callback: object, **options: object) -> None:
        asked.append(options)
        raise BleakError("enough")

    monkeypatch.setattr("bleak.BleakScanner", refuse)
    error = refusal(BleakReceiver(Standing(), system, adapter=adapter))
    assert "enough" in str(error)
    assert asked == [wanted]


def refusal(receiver: BleakReceiver) -> ListenError:
    with pytest.raises(ListenError) as caught:
        run_in_virtual_time(
            receiver.listen(lambda observation: None, lambda time_us, link_type, octets: None)
        )
    assert caught.value.__suppress_context__
    return caught.value


NOT_THERE = BleakBluetoothNotAvailableError("x", BleakBluetoothNotAvailableReason.NO_BLUETOOTH)
OFF = BleakDBusError("org.bluez.Error.NotReady", ["Resource Not Ready"])
PULLED_OUT = BleakDBusError("org.freedesktop.DBus.Error.UnknownObject", ["Method does not exist"])


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (NOT_THERE, "there is no Bluetooth adapter: "),
        (OFF, "Bluetooth is off: "),
        (FileNotFoundError(2, "x"), "there is no D-Bus, "),
        (asyncio.CancelledError(), "Bluetooth does not work here (CancelledError): "),
        (KeyError("Roles"), "Bluetooth does not work here ('Roles'): "),
    ],
)
def test_a_scan_that_does_not_begin_is_told(error: BaseException, text: str) -> None:
    Scanner.on_start.append(error)
    found = refusal(BleakReceiver(Standing(), "Linux", scanner=Scanner))
    assert str(found).startswith(text)
    assert found.may_return


@pytest.mark.parametrize("stops", [None, PULLED_OUT])
def test_an_adapter_that_vanishes_is_noticed_by_its_silence(stops: BaseException | None) -> None:
    async def run() -> None:
        receiver = BleakReceiver(Standing(), "Linux", scanner=Scanner)
        loop = asyncio.get_running_loop()
        loop.call_later(7, lambda: Scanner.made[0].tell("5A:00:00:00:00:01", advertisement()))
        try:
            await receiver.listen(lambda observation: None, lambda time_us, link_type, octets: None)
        finally:
            assert loop.time() == pytest.approx(7 + SILENCE_S)

    Scanner.on_start[:] = [None, NOT_THERE]
    Scanner.on_stop[:] = [stops]
    with pytest.raises(ListenError) as caught:
        run_in_virtual_time(run())
    assert caught.value.may_return
    assert str(caught.value).startswith(
        "there is no Bluetooth" if stops is None else "the Bluetooth adapter is gone: "
    )


def test_silence_begins_the_scan_anew_and_what_is_set_of_the_clock_does_not() -> None:
    clock = Standing()

    async def run() -> None:
        receiver = BleakReceiver(clock, "Linux", scanner=Scanner)
        task = asyncio.create_task(receiver.listen(lambda observation: None, lambda *packet: None))
        await asyncio.sleep(1)
        clock.time_us -= 3_600_000_000
        for _ in range(10):
            await asyncio.sleep(SILENCE_S - 2)
            Scanner.made[-1].tell("5A:00:00:00:00:01", advertisement())
        assert len(Scanner.made) == 1
        await asyncio.sleep(2.5 * SILENCE_S)
        assert [each.is_on for each in Scanner.made] == [False, False, True]
        task.cancel()
        await asyncio.wait([task])
        assert [each.is_on for each in Scanner.made] == [False] * 3

    run_in_virtual_time(run())


def test_who_was_heard_can_be_connected_to_and_who_was_long_ago_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bluezone_harness.live.bleak_receiver._REMEMBERED", 2)
    nothing: Any = None
    receiver = BleakReceiver(Standing(), "Linux", scanner=Scanner, client=client_backend(nothing))
    found: list[Advert] = []

    async def run() -> None:
        task = asyncio.create_task(receiver.listen(found.append, lambda *packet: None))  # type: ignore[arg-type] # adverts
        await asyncio.sleep(1)
        for number in (1, 2, 1, 3):
            Scanner.made[-1].tell(f"5A:00:00:00:00:0{number}", advertisement(), f"details {number}")
        clients = [receiver.client(each, 3.0) for each in (found[0], found[1], found[3])]
        assert [each is None for each in clients] == [False, True, False]
        first: Any = clients[0]
        assert first.address == "5A:00:00:00:00:01"
        nobody = Advert(0, 0, "", None, None, None, b"", None, None)
        assert receiver.client(nobody, 3.0) is None
        task.cancel()
        await asyncio.wait([task])
        assert receiver.client(found[0], 3.0) is None

    run_in_virtual_time(run())


# Over virtual phones

PLAN = Plan(
    (drawn_phone("android", "android", START_MS, 3), drawn_phone("iphone", "ios", START_MS, 3)),
    START_MS,
    120_000,
    loss=0.1,
    strangers=3,
)


def test_over_virtual_phones_it_hears_what_the_simulation_says() -> None:
    found: list[Advert] = []

    async def run() -> None:
        async with World(PLAN, 5) as world:
            device = world.receivers[0]
            receiver = BleakReceiver(
                world, "Linux", scanner=scanner_backend(device), client=client_backend(device)
            )
            task = asyncio.create_task(receiver.listen(found.append, lambda *packet: None))  # type: ignore[arg-type] # adverts
            await world.run_until(PLAN.until_ms * 1000)
            task.cancel()
            await asyncio.wait([task])
            assert not device.is_scanning

    run_in_virtual_time(run())
    packets = list(simulate(PLAN, 5))
    heard = {(each.time_us, each.address, each.address_type, each.rssi) for each in found}
    assert {(each.time_us, each.address, each.address_type, each.rssi) for each in packets} == heard
    ids = {fields_of_ad(each.ad).manufacturer_data.get(0x22B5) for each in packets} - {None}
    assert ids
    assert {fields_of_ad(each.ad or b"").manufacturer_data.get(0x22B5) for each in found} - {None} == ids
    first = {each.address: each for each in reversed(packets)}
    told = {each.address: each for each in reversed(found)}
    for address, packet in first.items():
        assert told[address].ad == ad_of_fields(fields_of_ad(packet.ad))


@pytest.mark.skipif(sys.platform != "linux", reason="D-Bus is of Linux")
def test_without_d_bus_it_is_told(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import asyncio\n"
        "from bluezone_harness.live.bleak_receiver import BleakReceiver\n"
        "from bluezone_harness.live.receivers import ListenError\n"
        "try:\n"
        "    asyncio.run(BleakReceiver(None, 'Linux').listen(print, print))\n"
        "except ListenError as error:\n"
        "    print(error)\n"
    )
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(each for each in sys.path if each),
        "DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={tmp_path}/nothing",
    }
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, env=environment, timeout=60, check=True
    )
    assert done.stdout.decode() == (
        "there is no D-Bus, by which Linux reaches Bluetooth: start it with bluetoothd, "
        "or give a controller of your own with --hci\n"
    )
    assert done.stderr == b""


def test_without_bleak_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "bleak", None)
    error = refusal(BleakReceiver(Standing(), "Linux"))
    assert str(error) == (
        "the package bleak is missing: pip install bleak, or give a controller of your own with --hci"
    )
    assert not error.may_return
