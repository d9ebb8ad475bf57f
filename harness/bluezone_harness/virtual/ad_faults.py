"""Planted faults in AdvData: what makes it is drawn once for a phone, and writes each of its ids."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from random import Random

from bluezone_harness.observations import PduType
from bluezone_reference import ad_structures as ad

from .behaviours import AdWriter, Change, PlantedFault, ios_frames

_FLAGS = (ad.FLAGS, b"\x02")
_COMPANY = b"\xb5\x22"
_SERVICE = (ad.COMPLETE_LIST_OF_16_BIT_SERVICE_UUIDS, b"\x56\x4e")
_NAMES = ("An", "Binh", "Chi", "Dung", "Giang", "Hoa", "Khanh", "Lan", "Minh", "Nga")


def _manufacturer(data: bytes, company: bytes = _COMPANY) -> tuple[int, bytes]:
    return (ad.MANUFACTURER_SPECIFIC_DATA, company + data)


def _payload(structures: Callable[[bytes], Iterable[tuple[int, bytes]]], cut: int = 0) -> AdWriter:
    """Return what writes structures, and leaves away the last octets of all."""

    def write(rolling_id: bytes) -> bytes:
        octets = ad.encode_ad(structures(rolling_id))
        return octets[: len(octets) - cut]

    return write


def cut_structure(random: Random) -> AdWriter:
    """Write a last structure that announces more octets than follow; the id is whole. Source: BZ-ADV-001."""
    more = (ad.COMPLETE_LIST_OF_16_BIT_SERVICE_UUIDS, b"\x0f\x18\x0a\x18")
    return _payload(lambda rolling_id: (_FLAGS, _manufacturer(rolling_id), _SERVICE, more), cut=2)


def cut_id(random: Random) -> AdWriter:
    """Cut the structure of the id itself, which comes last. Source: BZ-ADV-001, F-29."""
    return _payload(lambda rolling_id: (_FLAGS, _SERVICE, _manufacturer(rolling_id)), cut=3)


def no_service(random: Random) -> AdWriter:
    """Name another service. Source: BZ-ADV-002."""
    service = (ad.COMPLETE_LIST_OF_16_BIT_SERVICE_UUIDS, b"\x0f\x18")
    return _payload(lambda rolling_id: (_FLAGS, _manufacturer(rolling_id), service))


def of_length(octets: int) -> Callable[[Random], AdWriter]:
    """Write an id of another length. Source: BZ-ADV-003, F-21."""
    return lambda random: _payload(
        lambda rolling_id: (_FLAGS, _manufacturer((rolling_id + rolling_id)[:octets]), _SERVICE)
    )


def wrong_company(random: Random) -> AdWriter:
    """Write the company's octets the wrong way round. Source: BZ-ADV-003."""
    return _payload(lambda rolling_id: (_FLAGS, _manufacturer(rolling_id, _COMPANY[::-1]), _SERVICE))


def local_name(random: Random) -> AdWriter:
    """Add the name of the phone. Source: BZ-ADV-006."""
    name = (ad.COMPLETE_LOCAL_NAME, _name(random)[:6].encode("ascii"))
    return _payload(lambda rolling_id: (_FLAGS, _manufacturer(rolling_id), _SERVICE, name))


def tx_power(random: Random) -> AdWriter:
    """Add the TX power level. Source: BZ-ADV-006."""
    level = (ad.TX_POWER_LEVEL, b"\xf9")
    return _payload(lambda rolling_id: (_FLAGS, _manufacturer(rolling_id), _SERVICE, level))


def static_service(random: Random) -> AdWriter:
    """Add a service UUID that only this phone has. Source: BZ-PRV-008."""
    services = (ad.COMPLETE_LIST_OF_16_BIT_SERVICE_UUIDS, _SERVICE[1] + random.randbytes(2))
    return _payload(lambda rolling_id: (_FLAGS, _manufacturer(rolling_id), services))


def owners_name(random: Random) -> str:
    """Return the name that an iPhone's owner gave it. Source: BZ-ADV-009."""
    return f"{_name(random)}'s"[:8]


def _name(random: Random) -> str:
    return _NAMES[int(len(_NAMES) * random.random())]


def _change(ad_writer: Callable[[Random], AdWriter]) -> Change:
    return lambda behaviour: replace(behaviour, ad_writer=ad_writer)


AD_FAULTS = (
    PlantedFault(
        "cut-ad", "BZ-ADV-001", "behind the rest stands a structure that is cut short", _change(cut_structure)
    ),
    PlantedFault(
        "cut-id",
        "BZ-ADV-001",
        "the structure that holds the rolling id is cut short",
        _change(cut_id),
        fault="F-29",
    ),
    PlantedFault("no-service", "BZ-ADV-002", "the service UUIDs do not contain 0x4E56", _change(no_service)),
    PlantedFault("six-octets", "BZ-ADV-003", "the id has six octets", _change(of_length(6)), fault="F-21"),
    PlantedFault("eleven-octets", "BZ-ADV-003", "the id has eleven octets", _change(of_length(11))),
    PlantedFault("thirteen-octets", "BZ-ADV-003", "the id has thirteen octets", _change(of_length(13))),
    PlantedFault(
        "wrong-company",
        "BZ-ADV-003",
        "the octets of the company are written the wrong way round",
        _change(wrong_company),
    ),
    PlantedFault(
        "local-name",
        "BZ-ADV-006",
        "the advertisement holds the phone's name",
        _change(local_name),
        breaks=("BZ-PRV-008",),
    ),
    PlantedFault("tx-power", "BZ-ADV-006", "the advertisement holds the TX power level", _change(tx_power)),
    PlantedFault(
        "not-connectable",
        "BZ-ADV-007",
        "the advertising PDU is ADV_NONCONN_IND",
        lambda behaviour: replace(behaviour, pdu=PduType.ADV_NONCONN_IND),
        platforms=("android", "ios"),
    ),
    PlantedFault(
        "owners-name",
        "BZ-ADV-009",
        "an iPhone's frame bears the name that its owner gave it",
        lambda behaviour: replace(
            behaviour, ios_frames=lambda phone, random: ios_frames(owners_name(random))
        ),
        breaks=("BZ-PRV-008",),
        platforms=("ios",),
    ),
    PlantedFault(
        "static-service",
        "BZ-PRV-008",
        "a further service UUID is the phone's own and never changes",
        _change(static_service),
    ),
)
