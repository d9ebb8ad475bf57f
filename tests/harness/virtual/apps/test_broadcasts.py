"""What the record of a broadcast says of on-windows and of peers."""

from __future__ import annotations

from bluezone_harness.observations import AddressType, PduType
from bluezone_harness.virtual.apps.broadcasts import peer_event, sent_events
from bluezone_harness.virtual.plans import SentWindow

ADDRESS = bytes.fromhex("5a0000000001")


def window(from_us: int, until_us: int, response: bytes = b"") -> SentWindow:
    return SentWindow(
        from_us,
        until_us,
        ADDRESS,
        AddressType.RESOLVABLE,
        PduType.ADV_IND,
        b"\x02\x01\x02",
        100_000,
        response=response,
    )


def test_windows_begin_and_end_within_the_broadcast() -> None:
    windows = [
        ("before", window(0, 90)),
        ("over", window(0, 100)),
        ("An", window(50, 150, b"\x01\x09")),
        ("An", window(150, 900)),
        ("later", window(500, 600)),
    ]
    events = [(each.time_us, each.name, each.fields["set"]) for each in sent_events(windows, 100, 500)]
    # what ends in an instant ends before anything begins in it
    assert events == [(100, "on_air", 3), (150, "off_air", 3), (150, "on_air", 4), (500, "off_air", 4)]
    first = next(sent_events(windows, 100, 500))
    assert first.fields == {
        "set": 3,
        "sender": "An",
        "address": "5A:00:00:00:00:01",
        "address_type": "resolvable",
        "pdu": "ADV_IND",
        "ad": "020102",
        "response": "0109",
        "interval_us": 100_000,
    }


def test_a_peer() -> None:
    event = peer_event(7, "peer_read", ADDRESS, AddressType.STATIC, value="00")
    assert (event.time_us, event.name) == (7, "peer_read")
    assert event.fields == {"address": "5A:00:00:00:00:01", "address_type": "static", "value": "00"}
