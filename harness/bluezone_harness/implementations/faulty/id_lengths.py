"""Faulty lengths: ids of other than twelve octets, taken and sent.

The reference takes no such id. Twelve octets therefore stand in for each in what is asked of it, and the id itself
is put back into its answer.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256

from bluezone_harness.implementations import questions
from bluezone_harness.implementations.questions import Asked
from bluezone_harness.implementations.reference_answers import answer_of
from bluezone_harness.implementations.wire import Answer, AnswerKind, ok
from bluezone_reference import ad_structures as ad
from bluezone_reference.ad_structures import encode_ad, intact_structures
from bluezone_reference.key_schedule import ID_OCTETS

from .advertisements import COMPANY
from .model import Change, FaultyImplementation

OLD_ID_OCTETS = 6
_FLAGS = b"\x02\x01\x02"
_LIST = b"\x03\x03\x56\x4e"


def _stand_in(octets: bytes, ids: dict[str, str]) -> bytes:
    found = sha256(octets).digest()[:ID_OCTETS]
    ids[found.hex()] = octets.hex()
    return found


def _taking(is_taken: Callable[[int], bool]) -> dict[str, Change]:
    """Answer as one that takes ids of some lengths, and refuses all others."""

    def instead(octets: bytes, ids: dict[str, str]) -> bytes:
        if is_taken(len(octets)):
            return _stand_in(octets, ids)
        return octets[:-1] if len(octets) == ID_OCTETS else octets

    def heard(event: Asked, ids: dict[str, str]) -> Asked:
        structures, damage = intact_structures(questions.octets(event, "ad"))
        if damage is not None or not any(_lists_android(each.data) for each in structures):
            return event
        changed = encode_ad(
            (each.ad_type, COMPANY + instead(each.data[2:], ids))
            if each.ad_type == ad.MANUFACTURER_SPECIFIC_DATA and each.data[:2] == COMPANY
            else (each.ad_type, each.data)
            for each in structures
        )
        return {**event, "ad": changed.hex()} if len(changed) <= ad.LEGACY_AD_OCTETS else event

    def read(event: Asked, ids: dict[str, str]) -> Asked:
        value = questions.optional_octets(event, "value")
        return event if not value else {**event, "value": instead(value, ids).hex()}

    def decode(op: str, question: Asked) -> Answer:
        ids: dict[str, str] = {}
        answer = answer_of(op, heard(question, ids))
        if answer.kind is not AnswerKind.OK or not isinstance(answer.value, dict):
            return answer
        found = questions.part(answer.value, "advertisement")
        return (
            ok({"advertisement": {**found, "id": ids[str(found["id"])]}})
            if found.get("id") in ids
            else answer
        )

    def receive(op: str, question: Asked) -> Answer:
        ids: dict[str, str] = {}
        events = [
            heard(event, ids) if event.get("kind") == "advert" else read(event, ids)
            for event in questions.parts(question, "events")
        ]
        answer = answer_of(op, {**question, "events": events})
        if answer.kind is not AnswerKind.OK or not isinstance(answer.value, dict):
            return answer
        records = [
            {**record, "contact_id": ids.get(str(record["contact_id"]), record["contact_id"])}
            for record in questions.parts(answer.value, "records")
        ]
        return ok({**answer.value, "records": records})

    return {"decode_advertisement": decode, "receive": receive}


def _lists_android(data: bytes) -> bool:
    return b"\x56\x4e" in data


def _sending(octets: Callable[[bytes], bytes]) -> dict[str, Change]:
    """Answer as one that writes another id, of whatever length, into an Android phone's advertisement."""

    def encode(op: str, question: Asked) -> Answer:
        asked = questions.part(question, "advertisement")
        if asked.get("kind") != "android":
            return answer_of(op, question)
        data = COMPANY + octets(questions.octets(asked, "id"))
        written = _FLAGS + bytes((len(data) + 1, ad.MANUFACTURER_SPECIFIC_DATA)) + data + _LIST
        return ok({"ad": written.hex()})

    return {"encode_advertisement": encode}


ID_LENGTHS = (
    FaultyImplementation(
        "ignores-length",
        "",
        "BZ-ADV-003",
        "takes and sends ids of any length",
        _taking(lambda octets: True) | _sending(lambda rolling_id: rolling_id),
    ),
    FaultyImplementation(
        "six-octets",
        "F-21",
        "BZ-ADV-003",
        "takes and sends ids of six octets and no others",
        _taking(lambda octets: octets == OLD_ID_OCTETS)
        | _sending(lambda rolling_id: rolling_id[:OLD_ID_OCTETS]),
    ),
    FaultyImplementation(
        "at-least-twelve",
        "",
        "BZ-ADV-003",
        "takes the first twelve octets of an id that is longer",
        _taking(lambda octets: octets >= ID_OCTETS),
    ),
)
"""Those of the length of an id."""
