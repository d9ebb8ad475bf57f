"""Faulty decoders and encoders of advertisements; what decodes wrongly also receives wrongly.

Most of them hand the reference another AdvData than was heard: the structures as such a decoder takes them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from bluezone_harness.implementations import questions, wire
from bluezone_harness.implementations.questions import Asked
from bluezone_harness.implementations.reference_answers import answer_of
from bluezone_harness.implementations.wire import Answer, AnswerKind
from bluezone_reference import ad_structures as ad
from bluezone_reference.ad_structures import encode_ad, intact_structures
from bluezone_reference.advertisement import ONLY_BLUEZONE_SERVICES
from bluezone_reference.errors import RejectCode
from bluezone_reference.key_schedule import ID_OCTETS
from bluezone_reference.profiles import V3

from .model import Change, FaultyImplementation, answered_instead, asked_instead

COMPANY = V3.advertisement.company.to_bytes(2, "little")
OVERFLOW = b"\x4c\x00\x01"
UUID_OCTETS = {
    ad.INCOMPLETE_LIST_OF_16_BIT_SERVICE_UUIDS: 2,
    ad.COMPLETE_LIST_OF_16_BIT_SERVICE_UUIDS: 2,
    ad.INCOMPLETE_LIST_OF_32_BIT_SERVICE_UUIDS: 4,
    ad.COMPLETE_LIST_OF_32_BIT_SERVICE_UUIDS: 4,
    ad.INCOMPLETE_LIST_OF_128_BIT_SERVICE_UUIDS: 16,
    ad.COMPLETE_LIST_OF_128_BIT_SERVICE_UUIDS: 16,
}
INCOMPLETE_LISTS = (
    ad.INCOMPLETE_LIST_OF_16_BIT_SERVICE_UUIDS,
    ad.INCOMPLETE_LIST_OF_32_BIT_SERVICE_UUIDS,
    ad.INCOMPLETE_LIST_OF_128_BIT_SERVICE_UUIDS,
)
_ANDROID_UUID = bytes.fromhex(V3.advertisement.android_service_uuid.replace("-", ""))[::-1]
LONG_FORMS = {4: _ANDROID_UUID[-4:], 16: _ANDROID_UUID}

Structures = list[tuple[int, bytes]]
Octets = Callable[[bytes], bytes]


def heard_as(change: Octets) -> dict[str, Change]:
    """Answer as if AdvData, and a scan response, were other octets."""

    def one(question: Asked) -> Asked:
        found = {**question, "ad": change(questions.octets(question, "ad")).hex()}
        if (answered := questions.optional_octets(question, "scan_response")) is not None:
            found["scan_response"] = change(answered).hex()
        return found

    return heard_otherwise(one)


def heard_otherwise(change: Callable[[Asked], Asked]) -> dict[str, Change]:
    """Answer as if each advert of a question were another."""

    def events(question: Asked) -> Asked:
        heard = questions.parts(question, "events")
        return {
            **question,
            "events": [change(event) if event.get("kind") == "advert" else event for event in heard],
        }

    return {**asked_instead(change, "decode_advertisement"), **asked_instead(events, "receive")}


def structures_as(change: Callable[[Structures], Structures]) -> dict[str, Change]:
    """Answer as if the AD structures before any damage were others; what is damaged stays damaged."""

    def octets(heard: bytes) -> bytes:
        structures, damage = intact_structures(heard)
        whole = sum(2 + len(structure.data) for structure in structures)
        changed = change([(structure.ad_type, structure.data) for structure in structures])
        return encode_ad(changed) + (heard[whole:] if damage is not None else b"")

    return heard_as(octets)


def _completed(heard: bytes) -> bytes:
    """Complete a structure that is cut short with zeros, as the padding of a record does."""
    _, damage = intact_structures(heard)
    if damage is None or damage.code is not RejectCode.TRUNCATED_AD:
        return heard
    return heard.ljust(damage.offset + 1 + heard[damage.offset], b"\x00")


def _sound(heard: bytes) -> bytes:
    """Keep what stands before any damage."""
    structures, _ = intact_structures(heard)
    return encode_ad((structure.ad_type, structure.data) for structure in structures)


def _without_zeros(heard: bytes) -> bytes:
    """Pass over lengths of zero and read on behind them."""
    structures: Structures = []
    at = 0
    while at < len(heard):
        end = at + 1 + heard[at]
        if end > len(heard):
            return encode_ad(structures) + heard[at:]
        if heard[at]:
            structures.append((heard[at + 1], heard[at + 2 : end]))
        at = end
    return encode_ad(structures)


def _refused_with_zeros(op: str, question: Asked) -> Answer:
    right = answer_of(op, question)
    octets = questions.octets(question, "ad") if right.kind is AnswerKind.OK else b""
    structures, _ = intact_structures(octets)
    if sum(2 + len(structure.data) for structure in structures) < len(octets):
        return wire.reject(str(RejectCode.DATA_AFTER_END))
    return right


def _silent_if_damaged(heard: bytes) -> bytes:
    return b"" if intact_structures(heard)[1] is not None else heard


def _any_company(structures: Structures) -> Structures:
    return [
        (ad_type, COMPANY + data[2:])
        if ad_type == ad.MANUFACTURER_SPECIFIC_DATA and len(data) == 2 + ID_OCTETS
        else (ad_type, data)
        for ad_type, data in structures
    ]


def _swapped_company(structures: Structures) -> Structures:
    return [
        (ad_type, data[1::-1] + data[2:]) if ad_type == ad.MANUFACTURER_SPECIFIC_DATA else (ad_type, data)
        for ad_type, data in structures
    ]


def _uuids_reversed(structures: Structures) -> Structures:
    return [(ad_type, _reversed(data, UUID_OCTETS.get(ad_type, 0))) for ad_type, data in structures]


def _reversed(data: bytes, octets: int) -> bytes:
    if not octets:
        return data
    return b"".join(data[at : at + octets][::-1] for at in range(0, len(data), octets))


def _data_before_list(structures: Structures) -> Structures:
    """Lose manufacturer data that stand behind a list of service UUIDs."""
    found: Structures = []
    for ad_type, data in structures:
        if ad_type == ad.MANUFACTURER_SPECIFIC_DATA and any(each in UUID_OCTETS for each, _ in found):
            continue
        found.append((ad_type, data))
    return found


def _without_types(types: Iterable[int]) -> Callable[[Structures], Structures]:
    lost = frozenset(types)
    return lambda structures: [each for each in structures if each[0] not in lost]


def _first_uuids(structures: Structures) -> Structures:
    return [(ad_type, data[: UUID_OCTETS.get(ad_type, len(data))]) for ad_type, data in structures]


def _exact_overflow(structures: Structures) -> Structures:
    return [
        each
        for each in structures
        if not each[1].startswith(OVERFLOW)
        or each[1] == OVERFLOW + ONLY_BLUEZONE_SERVICES
        or each[0] != ad.MANUFACTURER_SPECIFIC_DATA
    ]


def _long_form_lost(structures: Structures) -> Structures:
    """Lose 0x4E56 where it is written in 32 or 128 bits."""
    return [
        (ad_type, data.replace(LONG_FORMS[octets], bytes(octets)))
        if (octets := UUID_OCTETS.get(ad_type, 0)) in LONG_FORMS
        else (ad_type, data)
        for ad_type, data in structures
    ]


def _alone(question: Asked) -> Asked:
    return {name: value for name, value in question.items() if name != "scan_response"}


def _joined(question: Asked) -> Asked:
    """Read AdvData and scan response as one record; what is too long for one is read as two."""
    octets = questions.octets(question, "ad") + (questions.optional_octets(question, "scan_response") or b"")
    return {**_alone(question), "ad": octets.hex()} if len(octets) <= ad.LEGACY_AD_OCTETS else question


def _encoded(change: Callable[[Structures], Structures]) -> dict[str, Change]:
    """Answer ``encode_advertisement`` with other structures than the right ones."""

    def written(question: Asked, value: dict[str, object]) -> object:
        structures, _ = intact_structures(questions.octets(value, "ad"))
        return {"ad": encode_ad(change([(each.ad_type, each.data) for each in structures])).hex()}

    return answered_instead(written, "encode_advertisement")


def _crashing_on_short(op: str, question: Asked) -> Answer:
    heard = questions.parts(question, "events") if op == "receive" else [question]
    for event in heard:
        structures = intact_structures(questions.octets(event, "ad"))[0] if "ad" in event else ()
        if any(each.ad_type == ad.MANUFACTURER_SPECIFIC_DATA and len(each.data) < 2 for each in structures):
            return wire.error("index out of range: the company identifier")
    return answer_of(op, question)


def _raw_name(question: Asked, value: dict[str, object]) -> object:
    found = questions.part(value, "advertisement")
    if found["kind"] != "old_ios" or found["static_id"] is not None:
        return value
    return {"advertisement": {**found, "static_id": found["local_name"]}}


ADVERTISEMENTS = (
    FaultyImplementation(
        "any-company",
        "F-18",
        "BZ-RCV-002",
        "takes the twelve octets of any company's manufacturer data for an id",
        structures_as(_any_company),
    ),
    FaultyImplementation(
        "swapped-company",
        "",
        "BZ-ADV-003",
        "reads and writes the company identifier with its most significant octet first",
        structures_as(_swapped_company) | _encoded(_swapped_company),
    ),
    FaultyImplementation(
        "little-uuid",
        "",
        "BZ-ADV-002",
        "reads and writes service UUIDs with their most significant octet first",
        structures_as(_uuids_reversed) | _encoded(_uuids_reversed),
    ),
    FaultyImplementation(
        "truncated-ok",
        "F-29",
        "BZ-ADV-001",
        "completes a structure that is cut short with zeros",
        heard_as(_completed),
    ),
    FaultyImplementation(
        "damage-passed-over",
        "",
        "BZ-ADV-001",
        "decodes what stands before any damage and does not refuse the whole",
        asked_instead(
            lambda question: {**question, "ad": _sound(questions.octets(question, "ad")).hex()},
            "decode_advertisement",
        ),
    ),
    FaultyImplementation(
        "damaged-dropped",
        "",
        "BZ-RCV-003",
        "takes nothing of an advert that is damaged anywhere",
        {"receive": heard_as(_silent_if_damaged)["receive"]},
    ),
    FaultyImplementation(
        "reads-after-end",
        "",
        "BZ-ADV-001",
        "reads on behind an early end",
        heard_as(_without_zeros),
    ),
    FaultyImplementation(
        "zeros-rejected",
        "",
        "BZ-ADV-001",
        "refuses zeros at the end of AdvData",
        {"decode_advertisement": _refused_with_zeros},
    ),
    FaultyImplementation(
        "order-bound",
        "",
        "BZ-ADV-011",
        "finds an id only where manufacturer data stand before the list of service UUIDs",
        structures_as(_data_before_list),
    ),
    FaultyImplementation(
        "complete-lists-only",
        "",
        "BZ-ADV-002",
        "looks for service UUIDs in complete lists only",
        structures_as(_without_types(INCOMPLETE_LISTS)),
    ),
    FaultyImplementation(
        "short-lists-only",
        "",
        "BZ-ADV-002",
        "looks for 0x4E56 in lists of 16-bit UUIDs only",
        structures_as(_long_form_lost),
    ),
    FaultyImplementation(
        "first-uuid-only",
        "",
        "BZ-ADV-002",
        "looks at the first UUID of a list only",
        structures_as(_first_uuids),
    ),
    FaultyImplementation(
        "exact-overflow",
        "F-26",
        "BZ-RCV-004",
        "knows an iPhone in the background only where no other app advertises there",
        structures_as(_exact_overflow),
    ),
    FaultyImplementation(
        "no-scan-response",
        "",
        "BZ-RCV-001",
        "does not look at scan responses",
        heard_otherwise(_alone),
    ),
    FaultyImplementation(
        "joined-scan-response",
        "",
        "BZ-ADV-001",
        "reads AdvData and scan response as one record",
        heard_otherwise(_joined),
    ),
    FaultyImplementation(
        "crashes-on-short",
        "F-17",
        "BZ-RCV-003",
        "fails on manufacturer data of fewer than two octets",
        {"decode_advertisement": _crashing_on_short, "receive": _crashing_on_short},
    ),
    FaultyImplementation(
        "raw-name-for-id",
        "",
        "BZ-ADV-011",
        "gives the local name of an old iPhone for a static id where it holds none",
        answered_instead(_raw_name, "decode_advertisement"),
    ),
)
"""Those of advertisements, lengths of ids aside."""
