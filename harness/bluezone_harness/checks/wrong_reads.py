"""Connections to what is not to be read by GATT, by the record of a broadcast (BZ-RCV-002)."""

from __future__ import annotations

from bluezone_harness.checks.broadcasts import Sending, air_of
from bluezone_harness.checks.subjects import Rules, Subject
from bluezone_harness.sources.broadcast_records import PeerConnection


def reads_of_decoys(subject: Subject, rules: Rules) -> list[tuple[PeerConnection, Sending]]:
    """Return the connections to addresses that sent nothing to be read, each with what was sent.

    Where others' phones may be near, anybody may have connected: nothing is returned.

    Args:
        subject: Whose log is judged; it has the record of a broadcast.
        rules: By which.
    """
    broadcast = subject.broadcast
    if broadcast is None or not broadcast.alone or broadcast.record.is_damaged:
        return []
    air = air_of(broadcast.record, rules.profile)
    # an attempt begins before the connection does
    before_ms = rules.tolerances["read_attempt"]
    found: list[tuple[PeerConnection, Sending]] = []
    for connection in broadcast.record.connections:
        time_ms = connection.from_us // 1000

        def sent_then(sending: Sending, address: str = connection.address, time_ms: int = time_ms) -> bool:
            is_its = sending.on_air.address == address
            return is_its and sending.from_ms <= time_ms and sending.until_ms >= time_ms - before_ms

        if any(map(sent_then, air.to_read.get(connection.address, ()))):
            continue
        decoy = next(filter(sent_then, air.decoys), None)
        if decoy is not None and decoy.sure:
            found.append((connection, decoy))
    return found
