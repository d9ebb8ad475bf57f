"""What reports say of a broadcast: what was sent, what had to be heard, where it stands in the record."""

from __future__ import annotations

from collections.abc import Iterable

from bluezone_harness.checks.broadcasts import Sending
from bluezone_harness.checks.hearing import Due
from bluezone_harness.checks.log_rows_explained import ExplainedRow
from bluezone_harness.checks.scan_times import Stretch
from bluezone_harness.checks.subjects import Rules, Subject
from bluezone_harness.findings import Evidence, EvidenceKind, Judgement, Reason, inconclusive
from bluezone_harness.observations import duration_text, instant_text
from bluezone_harness.sources.broadcast_records import PeerConnection, PeerRead


def was_not_there(subject: Subject) -> Judgement:
    """Answer for a receiver of which neither a row nor a connection shows that it was there."""
    rows = any(log.rows for log in subject.record_logs)
    found = (
        "no row of the contact log is of anything that was on the air"
        if rows
        else "the contact log holds no rows"
    )
    return inconclusive(
        Reason.EVIDENCE_MISSING,
        f"{found}: was the phone near, with Bluetooth on and the app running, and is this the record of that time",
    )


def nothing_right(subject: Subject) -> Judgement:
    """Answer for a receiver that connected to phones, and of whose rows none that is right can be read."""
    damaged = any(log.defects or log.partial for log in subject.record_logs)
    return inconclusive(
        Reason.DAMAGED if damaged else Reason.EVIDENCE_MISSING,
        "no row that can be read is of anything that was on the air",
    )


def stretch_text(stretch: Stretch, rules: Rules) -> str:
    """Say how surely something had to be heard."""
    return (
        f"{stretch.adverts} adverts in the scans between {instant_text(stretch.from_ms)} and "
        f"{instant_text(stretch.until_ms)}, at the worst of all phases, of which radio may lose "
        f"{rules.tolerances['radio_loss']} %"
    )


def due_text(due: Due, rules: Rules) -> str:
    """Say what had to be heard, and how surely."""
    return f"{due.sending.on_air.sender} had to be heard: {stretch_text(due.stretch, rules)}"


def late_text(row: ExplainedRow) -> str:
    """Say by how much a row is too late or too early."""
    if row.late_ms < 0:
        return f"{duration_text(-row.late_ms)} before it was on the air"
    return f"{duration_text(row.late_ms)} after it was on the air"


def of_due(subject: Subject, due: Due) -> Evidence:
    """Point at what had to be heard, in the record."""
    return of_sending(subject, due.sending)


def of_sending(subject: Subject, sending: Sending) -> Evidence:
    """Point at something that was sent."""
    on_air = sending.on_air
    response = f", scan response {on_air.response.hex().upper()}" if on_air.response else ""
    text = f"{on_air.sender} from {on_air.address}: {on_air.ad.hex().upper() or 'no octets'}{response}"
    return _evidence(subject, on_air.number, on_air.from_us, text, on_air.ad)


def of_connection(subject: Subject, connection: PeerConnection) -> Evidence:
    """Point at a connection."""
    lasted = duration_text((connection.until_us - connection.from_us) // 1000)
    text = f"connection to {connection.address} for {lasted}, {len(connection.reads)} reads"
    return _evidence(subject, connection.number, connection.from_us, text)


def of_peer_read(subject: Subject, read: PeerRead) -> Evidence:
    """Point at a read of a peer."""
    value = b"" if read.value is None else read.value
    text = f"{value.hex().upper() or 'no octets'} read at {read.address}"
    return _evidence(subject, read.number, read.time_us, text, value)


def names(sendings: Iterable[Sending]) -> str:
    """Name senders, each once, in the order of their names."""
    return ", ".join(sorted({each.on_air.sender for each in sendings}))


def _evidence(subject: Subject, number: int, time_us: int, text: str, octets: bytes = b"") -> Evidence:
    source = "" if subject.broadcast is None else subject.broadcast.record.name
    return Evidence(EvidenceKind.PACKET, source, number, None, time_us // 1000, octets=octets, text=text)
