"""What stock bumble does that the backend works around: each fails, and says so, once bumble has mended it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeAlias

import pytest
from bumble import hci
from bumble.device import Connection
from bumble.gatt_client import CharacteristicProxy

Desk: TypeAlias = Any  # the folder's conftest has it, and a test file imports no other
OnDesk: TypeAlias = Callable[[Any], Any]

pytestmark = pytest.mark.req("BZ-GAT-001")

PHONE = "5A:00:00:00:00:01"
READ = "0a0c00"
MENDED = "bumble mended this: "


async def connected(desk: Desk) -> Connection:
    connection: Connection = await desk.device.connect(hci.Address(PHONE))
    return connection


def test_a_connect_that_is_cancelled_leaves_the_controller_trying(on_desk: OnDesk) -> None:
    async def main(desk: Desk) -> str | None:
        task = asyncio.create_task(connected(desk))
        await asyncio.sleep(1)
        task.cancel()
        await asyncio.wait({task})
        awaited: str | None = desk.controller.awaited
        return awaited

    assert on_desk(main) == PHONE, MENDED + "links.connect need not run the attempt in a task of its own"


def test_a_reader_is_cancelled_when_the_connection_ends(on_desk: OnDesk) -> None:
    async def main(desk: Desk) -> bool:
        phone = desk.phone()
        phone.answers[READ] = lambda: desk.controller.end(phone.handle, 0x13)
        connection = await connected(desk)
        task = asyncio.create_task(connection.gatt_client.read_value(0x0C))
        await asyncio.wait({task})
        return task.cancelled()

    assert on_desk(main), MENDED + "its client tells the end of a connection from a cancellation"


def test_a_malformed_response_is_waited_for(on_desk: OnDesk) -> None:
    async def main(desk: Desk) -> float:
        desk.phone({READ: "01 0a"})
        connection = await connected(desk)
        before = asyncio.get_running_loop().time()
        task = asyncio.create_task(connection.gatt_client.read_value(0x0C))
        await asyncio.wait({task})
        return asyncio.get_running_loop().time() - before

    assert on_desk(main) > 29, MENDED + "its client notices a malformed response"


def test_an_error_in_discovery_of_descriptors_is_taken_for_none(on_desk: OnDesk) -> None:
    async def main(desk: Desk) -> int:
        desk.phone({"04 0d00 0f00": "01 04 0d00 05"})
        connection = await connected(desk)
        client = connection.gatt_client
        characteristic: CharacteristicProxy[bytes] = CharacteristicProxy(client, 0x0C, 0x0F, None, 2)  # type: ignore[arg-type]  # its UUID plays no part
        return len(await client.discover_descriptors(characteristic))

    assert on_desk(main) == 0, MENDED + "its client tells errors in the discovery of descriptors"


def test_one_disconnection_under_way_hides_the_others_from_a_flush(on_desk: OnDesk) -> None:
    other = "5A:00:00:00:00:02"

    async def main(desk: Desk) -> list[int]:
        desk.phone()
        desk.phone(address=other)
        one, two = await connected(desk), await desk.device.connect(hci.Address(other))
        heard: list[int] = []
        two.on("disconnection", heard.append)
        desk.controller.ends_by_itself = False
        task = asyncio.create_task(one.disconnect())
        await asyncio.sleep(1)
        with pytest.raises(asyncio.InvalidStateError):
            desk.lose_transport()
        await asyncio.wait({task})
        return heard

    assert on_desk(main) == [], MENDED + "every connection is told of a flush"


def test_adverts_are_kept_for_every_address(on_desk: OnDesk) -> None:
    async def main(desk: Desk) -> int:
        await desk.device.start_scanning()
        for number in range(20):
            desk.controller.report("020102", address=f"5A:00:00:00:00:{number:02X}")
        await asyncio.sleep(0.1)
        return len(desk.device.advertisement_accumulators)

    assert on_desk(main) == 20, MENDED + "Adapter need not clear its accumulators"
