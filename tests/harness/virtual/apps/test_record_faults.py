"""What faulty apps make of their records, by times that are counted by hand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from bluezone_harness.observations import PduType
from bluezone_harness.virtual.apps.apps import App
from bluezone_harness.virtual.plans import AirPacket

Packet = Callable[..., AirPacket]
MakeApp = Callable[..., App]
START_MS = 1_596_866_400_000
CONTACT = bytes.fromhex("00112233445566778899aabb")
OTHER = bytes.fromhex("ffeeddccbbaa998877665544")


def ad_of(rolling_id: bytes) -> bytes:
    return bytes.fromhex("0201020fffb522") + rolling_id + bytes.fromhex("0303564e")


def heard(app: App, packet: Packet, *times_ms: int, rolling_id: bytes = CONTACT) -> list[int]:
    """Let an app hear a phone, and return when it was recorded, in milliseconds after the start."""
    for time_ms in times_ms:
        app.hear(packet(ad_of(rolling_id), time_ms, pdu=PduType.ADV_NONCONN_IND))
    return [each.time_ms - START_MS for each in app.log().records]


@pytest.mark.parametrize(
    ("fault", "times_ms"),
    [
        ("correct", [900, 5_900, 11_000]),
        ("repeats-after-a-second", [900, 1_900, 4_899, 5_900, 9_000, 11_000]),
        ("every-advert", [900, 1_000, 1_900, 4_899, 5_000, 5_900, 9_000, 11_000]),
        ("whole-seconds", [900, 5_000, 11_000]),  # from 0.9 s to 5.0 s five whole seconds have passed
        ("rows-doubled", [900, 900, 5_900, 5_900, 11_000, 11_000]),
        ("once-only", [900]),
        ("counts-hearing", [900]),
    ],
)
@pytest.mark.req("BZ-LOG-002")
def test_when_a_contact_id_is_recorded_again(
    fault: str, times_ms: list[int], packet: Packet, app_with: MakeApp
) -> None:
    every = (900, 1_000, 1_900, 4_899, 5_000, 5_900, 9_000, 11_000)
    assert heard(app_with(fault), packet, *every) == times_ms


@pytest.mark.req("BZ-LOG-002")
def test_who_was_not_heard_for_a_while_is_recorded_again(packet: Packet, app_with: MakeApp) -> None:
    assert heard(app_with("counts-hearing"), packet, 0, 4_000, 8_999, 14_000) == [0, 14_000]
    assert heard(app_with("whole-seconds"), packet, 0, 4_999, 5_000) == [0, 5_000]


@pytest.mark.req("BZ-LOG-002")
def test_one_repeat_for_all(packet: Packet, app_with: MakeApp) -> None:
    app = app_with("one-for-all")
    heard(app, packet, 0)
    assert heard(app, packet, 4_000, 6_000, rolling_id=OTHER) == [0]
    assert heard(app, packet, 9_000, rolling_id=OTHER) == [0, 9_000]  # the receiver held it back at 6 s


@pytest.mark.req("BZ-LOG-001")
def test_times_of_delivery_and_of_writing(packet: Packet, app_with: MakeApp) -> None:
    # a batch at each whole 10 s, of which one record comes
    assert heard(app_with("delivered-late"), packet, 1, 5_100, 10_000, 10_001) == [10_000, 20_000]
    assert heard(app_with("written-late"), packet, 0, 5_001, 1_200_001) == [0, 1_200_000, 2_400_000]


@pytest.mark.req("BZ-LOG-001")
def test_ids_and_rssi(packet: Packet, app_with: MakeApp) -> None:
    right, swapped, positive = (app_with(fault) for fault in ("correct", "ids-swapped", "rssi-positive"))
    for app in (right, swapped, positive):
        heard(app, packet, 0)
    ((good,), (other,), (third,)) = (each.log().records for each in (right, swapped, positive))
    assert (other.own_id, other.contact_id) == (CONTACT, good.own_id)
    assert (good.rssi, third.rssi) == (-60, 60)
    columns = good.own_id.hex().upper(), CONTACT.hex().upper()
    for fault, line in (
        ("rssi-missing", f"{columns[0]}\t{columns[1]}\t\t{START_MS}\n"),
        ("own-id-missing", f"\t{columns[1]}\t-60\t{START_MS}\n"),
    ):
        app = app_with(fault)
        heard(app, packet, 0)
        assert app.log().export == line.encode()


@pytest.mark.req("BZ-RCV-001", "BZ-RCV-002")
def test_records_that_are_lost_and_invented(packet: Packet, app_with: MakeApp) -> None:
    times_ms = range(0, 5_000_000, 5_000)
    assert 50 < len(heard(app_with("loses-records"), packet, *times_ms)) < 150
    app = app_with("invents")
    assert 1_005 < len(heard(app, packet, *times_ms)) < 1_040
    counted = Counter(each.contact_id for each in app.log().records)
    assert counted.pop(CONTACT) == 1_000
    assert set(counted.values()) == {1}
