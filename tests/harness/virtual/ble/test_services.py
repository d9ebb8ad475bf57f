"""GATT services of virtual phones, read and written by a stock central."""

from __future__ import annotations

import asyncio

import pytest
from bumble.att import ATT_Error
from bumble.gatt import Characteristic, Service

from bluezone_harness.virtual.ble.services import answer_of, service_of, told
from bluezone_harness.virtual.ble.virtual_time import run_in_virtual_time
from bluezone_harness.virtual.reads import RIGHT_SERVICE, GattServer, OfferedCharacteristic, OfferedService

pytestmark = pytest.mark.req("BZ-GAT-002")


async def _read(characteristic: str, connection: object) -> bytes:
    return characteristic[:8].encode()


def _characteristics(*properties: str) -> Characteristic[bytes]:
    offered = OfferedService(RIGHT_SERVICE.uuid, (OfferedCharacteristic(RIGHT_SERVICE.uuid, properties),))
    made: Service = service_of(offered, _read)
    (found,) = made.characteristics
    return found


@pytest.mark.parametrize(
    ("properties", "permissions"),
    [
        (("read",), Characteristic.Permissions.READABLE),
        (("write",), Characteristic.Permissions.WRITEABLE),
        (("write-without-response",), Characteristic.Permissions.WRITEABLE),
        (("read", "write"), Characteristic.Permissions.READABLE | Characteristic.Permissions.WRITEABLE),
        (("notify",), Characteristic.Permissions(0)),
    ],
)
def test_properties_say_what_may_be_done(
    properties: tuple[str, ...], permissions: Characteristic.Permissions
) -> None:
    found = _characteristics(*properties)
    assert found.permissions == permissions
    assert [str(each) for each in Characteristic.Properties if each in found.properties] == [
        str(Characteristic.Properties[each.upper().replace("-", "_")]) for each in sorted(properties)
    ]


@pytest.mark.parametrize(
    ("server", "answer"),
    [
        (GattServer((), lambda clock_ms, connected_ms: bytes([clock_ms, connected_ms])), b"\x05\x03"),
        (GattServer((), lambda clock_ms, connected_ms: 14), 14),
        (GattServer((), lambda clock_ms, connected_ms: b"", is_silent=True), None),
    ],
)
def test_a_phone_answers_as_it_is(server: GattServer, answer: bytes | int | None) -> None:
    assert answer_of(server, 5, 3) == answer


def test_answers_are_told() -> None:
    async def main() -> None:
        assert await told(b"id") == b"id"
        with pytest.raises(ATT_Error) as refused:
            await told(14)
        assert refused.value.error_code == 14
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(3600):
                await told(None)

    run_in_virtual_time(main())
