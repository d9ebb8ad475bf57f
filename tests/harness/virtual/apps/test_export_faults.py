"""How faulty apps write their logs, octet by octet."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bluezone_harness.observations import PduType
from bluezone_harness.virtual.apps.apps import App
from bluezone_harness.virtual.plans import AirPacket

START_MS = 1_596_866_400_000
AD = bytes.fromhex("0201020fffb52200112233445566778899aabb0303564e")


@pytest.mark.parametrize(
    ("fault", "wanted"),
    [
        ("correct", "OWN\tCONTACT\t-60\t1596866400000\nOWN\tCONTACT\t-70\t1596866405000\n"),
        ("lower-case", "own\tcontact\t-60\t1596866400000\nown\tcontact\t-70\t1596866405000\n"),
        ("crlf", "OWN\tCONTACT\t-60\t1596866400000\r\nOWN\tCONTACT\t-70\t1596866405000\r\n"),
        ("spaces", "OWN CONTACT -60 1596866400000\nOWN CONTACT -70 1596866405000\n"),
        (
            "header",
            "OWN\tCONTACT\tRSSI\tTIME\nOWN\tCONTACT\t-60\t1596866400000\nOWN\tCONTACT\t-70\t1596866405000\n",
        ),
        ("newest-first", "OWN\tCONTACT\t-70\t1596866405000\nOWN\tCONTACT\t-60\t1596866400000\n"),
        ("seconds", "OWN\tCONTACT\t-60\t1596866400\nOWN\tCONTACT\t-70\t1596866405\n"),
        ("microseconds", "OWN\tCONTACT\t-60\t1596866400000000\nOWN\tCONTACT\t-70\t1596866405000000\n"),
        ("local-time", "OWN\tCONTACT\t-60\t1596891600000\nOWN\tCONTACT\t-70\t1596891605000\n"),
    ],
)
@pytest.mark.req("BZ-LOG-003", "BZ-LOG-004")
def test_an_export(
    fault: str, wanted: str, packet: Callable[..., AirPacket], app_with: Callable[..., App]
) -> None:
    app = app_with(fault)
    for after_ms, rssi in ((0, -60), (5_000, -70)):
        app.hear(packet(AD, after_ms, pdu=PduType.ADV_NONCONN_IND, rssi=rssi))
    log = app.log()
    own, contact = log.records[0].own_id.hex(), "00112233445566778899aabb"
    if fault != "header":
        wanted = wanted.replace("OWN", own.upper()).replace("CONTACT", contact.upper())
    else:
        head, rest = wanted.split("\n", 1)
        wanted = f"{head}\n" + rest.replace("OWN", own.upper()).replace("CONTACT", contact.upper())
    assert log.export == wanted.replace("own", own).replace("contact", contact).encode()
