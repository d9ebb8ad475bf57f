"""What the record of a broadcast would say of what an app was played: sets on and off the air, and who connected.

The members are those of the lines of a recording, as they stand in one; an ``Event`` has the line's kind for its name.
"""

from __future__ import annotations

from collections.abc import Iterator

from bluezone_harness.observations import AddressType, Event
from bluezone_harness.virtual.plans import SentWindow


def sent_events(windows: list[tuple[str, SentWindow]], start_us: int, until_us: int) -> Iterator[Event]:
    """Yield ``on_air`` and ``off_air`` of sets, in the order of time; numbers are 0.

    Args:
        windows: Each with the name of its sender.
        start_us: What was on the air before is told to begin here; microseconds since the Unix epoch.
        until_us: What lasts longer is told to end here.
    """
    told: list[tuple[int, int, int, Event]] = []
    for number, (sender, window) in enumerate(windows, 1):
        from_us, end_us = max(window.from_us, start_us), min(window.until_us, until_us)
        if from_us >= end_us:
            continue
        fields: dict[str, object] = {
            "set": number,
            "sender": sender,
            **_who(window.address, window.address_type),
            "pdu": str(window.pdu),
            "ad": window.ad.hex(),
        }
        if window.response:
            fields["response"] = window.response.hex()
        fields["interval_us"] = window.interval_us
        told.append((from_us, 1, number, Event(0, from_us, "on_air", fields)))
        told.append((end_us, 0, number, Event(0, end_us, "off_air", {"set": number})))
    for *_, event in sorted(told, key=lambda each: each[:3]):
        yield event


def peer_event(time_us: int, name: str, address: bytes, address_type: AddressType, **fields: object) -> Event:
    """Return what was noted of a central.

    Args:
        time_us: When, in microseconds since the Unix epoch.
        name: ``peer_connected``, ``peer_read`` or ``peer_disconnected``.
        address: To which it connected, 6 octets.
        address_type: Of that address.
        fields: What else the line says.
    """
    return Event(0, time_us, name, {**_who(address, address_type), **fields})


def _who(address: bytes, address_type: AddressType) -> dict[str, object]:
    return {"address": address.hex(":").upper(), "address_type": str(address_type)}
