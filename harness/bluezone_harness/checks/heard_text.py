"""What reports say of ids and sightings that were heard, and the packet that they point at."""

from __future__ import annotations

from bluezone_harness.checks.heard import HeardId
from bluezone_harness.checks.spans import US, Span
from bluezone_harness.findings import Evidence, EvidenceKind
from bluezone_harness.observations import duration_text
from bluezone_harness.sightings import Sighting


def address_text(address: bytes | None) -> str:
    """Write an address for people, such as ``4B:0A:11:22:33:44``."""
    return "no address" if address is None else address.hex(":").upper()


def id_text(octets: bytes, static: bool) -> str:
    """Write an id for people: a rolling id in hex, a static id as it is."""
    return f"static id {octets.decode('ascii')} (v1)" if static else octets.hex().upper()


def length_text(length_us: int) -> str:
    """Write a duration for people."""
    return duration_text(length_us // US)


def of_heard(heard: HeardId) -> Evidence:
    """Point at what was heard of an id: its first packet."""
    how = f"{heard.count} adverts in {length_text(heard.last_us - heard.first_us)}"
    if heard.is_read:
        how = "read by GATT"
    text = f"{id_text(heard.octets, heard.static)} from {address_text(heard.address)}: {how}"
    return _of_packet(heard, heard.first_number, heard.octets, text)


def of_sighting(sighting: Sighting) -> Evidence:
    """Point at a sighting: its first packet."""
    pdu = "advert" if sighting.pdu is None else sighting.pdu
    text = (
        f"{pdu} from {address_text(sighting.address)}: {sighting.count} in "
        f"{length_text(sighting.last_us - sighting.first_us)}"
    )
    return _of_packet(sighting, sighting.first_number, sighting.ad or b"", text)


def _of_packet(span: Span, number: int, octets: bytes, text: str) -> Evidence:
    return Evidence(
        EvidenceKind.PACKET, span.source, number, None, span.first_us // US, span.receiver, octets, text
    )
