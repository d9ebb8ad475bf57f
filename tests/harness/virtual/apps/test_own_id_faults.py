"""The own ids of faulty apps, held against ids that are computed here."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256

import pytest

from bluezone_harness.observations import PduType
from bluezone_harness.virtual.apps.apps import App
from bluezone_harness.virtual.apps.own_id_faults import OWN_ID_FAULTS
from bluezone_harness.virtual.plans import AirPacket

START_MS = 1_596_866_400_000  # 2020-08-08T06:00Z, of day 0; slot 24 of 96, 12 of 48
DAY_MS, SLOT_MS = 86_400_000, 900_000
AD = bytes.fromhex("0201020fffb52200112233445566778899aabb0303564e")
PLACES = (0, 4, 8, 12, 16, 18, 20, 22, 24, 26, 28, 30)


def own_id(day: int, slot: int) -> bytes:
    key = bytes.fromhex("4c5224b397f8ab3896781d5aa0f3119f280513f1b592ca280ebded6357e21084")
    for _ in range(day):
        key = sha256(key).digest()
    subkey = sha256(key + b"bluzonesubkey").digest()
    for _ in range(slot):
        subkey = sha256(subkey).digest()
    return bytes(subkey[place] for place in PLACES)


@pytest.mark.parametrize(
    ("fault", "wanted"),
    [
        # of 06:00, 06:15, and 06:00 of the next day
        ("correct", [own_id(0, 24), own_id(0, 25), own_id(1, 24)]),
        ("own-id-late", [own_id(0, 23), own_id(0, 24), own_id(1, 23)]),
        ("own-id-frozen", [own_id(0, 24)] * 3),
        ("own-id-of-other-max", [own_id(0, 12), own_id(0, 12), own_id(1, 12)]),
        ("own-list-of-next-day", [own_id(1, 24), own_id(1, 25), own_id(1, 24)]),
        ("own-list-of-day-before", [own_id(0, 24), own_id(0, 25), own_id(0, 24)]),
    ],
)
@pytest.mark.req("BZ-LOG-005")
def test_own_ids(
    fault: str, wanted: list[bytes], packet: Callable[..., AirPacket], app_with: Callable[..., App]
) -> None:
    app = app_with(fault)
    for after_ms in (0, SLOT_MS, DAY_MS):
        app.hear(packet(AD, after_ms, pdu=PduType.ADV_NONCONN_IND))
    assert [each.own_id for each in app.log().records] == wanted


@pytest.mark.req("BZ-LOG-005")
def test_a_list_that_is_kept_when_max_changes(
    packet: Callable[..., AirPacket], app_with: Callable[..., App]
) -> None:
    # 48 slots a day from 06:10 on
    changes = ((START_MS + 600_000, 48),)
    for fault, wanted in (
        ("correct", [own_id(0, 24), own_id(0, 12), own_id(1, 12)]),
        ("own-list-kept", [own_id(0, 24), own_id(0, 25), own_id(1, 12)]),
    ):
        app = app_with(fault, max_changes=changes)
        for after_ms in (0, SLOT_MS, DAY_MS):
            app.hear(packet(AD, after_ms, pdu=PduType.ADV_NONCONN_IND))
        assert [each.own_id for each in app.log().records] == wanted
    (kept,) = (each for each in OWN_ID_FAULTS if each.name == "own-list-kept")
    assert dict(kept.settings) == {600_000: 48}
