"""Pushes and both kinds of InfoF as questions and answers have them, put to the reference."""

from __future__ import annotations

from bluezone_reference.errors import MalformedError, RefusedError, RejectCode
from bluezone_reference.json_text import octets_of
from bluezone_reference.key_material import decode_key_material, encode_key_material, key_material
from bluezone_reference.key_schedule import DAYS_PUBLISHED
from bluezone_reference.positive_cases import PositiveCase, RejectedCase, decode_case_message, encode_cases
from bluezone_reference.profiles import Profile
from bluezone_reference.pushes import decode_push as read_push

from . import questions
from .questions import Asked, QuestionError


def decode_push(question: Asked, profile: Profile) -> object:
    """Answer ``decode_push``."""
    push = read_push(octets_of(questions.text(question, "text")))
    if push is None:  # BZ-MSG-001
        return {"ignored": True}
    return {
        "type": push.type,
        "content": dict(push.content),
        "notify": dict(push.notify),
        "further": list(push.further),
    }


def decode_info(question: Asked, profile: Profile) -> object:
    """Answer ``decode_info``, of positive cases or of an upload."""
    octets = octets_of(questions.text(question, "text"))
    match questions.text(question, "kind"):
        case "cases":
            message = decode_case_message(octets, profile)
            return {"cases": [_case_value(case) for case in message.cases], "further": list(message.further)}
        case "upload":
            material = decode_key_material(octets)
            return {
                "base_id": material.base_id.hex(),
                "base_day_ms": material.base_day_ms,
                "day_key": material.day_key.hex(),
                "time_start_ms": material.time_start_ms,
                "further": list(material.further),
            }
        case _:
            raise QuestionError("'kind' is neither 'cases' nor 'upload'")


def encode_info(question: Asked, profile: Profile) -> object:
    """Answer ``encode_info``, of positive cases or of an upload."""
    match questions.text(question, "kind"):
        case "cases":
            return {"text": encode_cases([_case(item) for item in questions.parts(question, "cases")])}
        case "upload":
            days = questions.optional_integer(question, "days")
            material = key_material(
                questions.octets(question, "base_id"),
                questions.integer(question, "base_day_ms"),
                questions.integer(question, "now_ms"),
                DAYS_PUBLISHED if days is None else days,
            )
            return {"text": encode_key_material(material)}
        case _:
            raise QuestionError("'kind' is neither 'cases' nor 'upload'")


def _case(item: Asked) -> PositiveCase:
    slots = questions.max_asked(item)
    if slots is None:
        raise RefusedError(RejectCode.BAD_MAX, "BZ-KEY-007", "a case has a max")
    return PositiveCase(
        questions.octets(item, "day_key"),
        questions.integer(item, "time_start_ms"),
        questions.integer(item, "time_end_ms"),
        slots,
    )


def _case_value(case: PositiveCase | RejectedCase) -> object:
    if isinstance(case, PositiveCase):
        return {
            "day_key": case.day_key.hex(),
            "time_start_ms": case.time_start_ms,
            "time_end_ms": case.time_end_ms,
            "max": case.max_per_day,
        }
    if isinstance(case.error, MalformedError):
        return {"reject": str(case.error.code)}
    raise case.error  # a published build failed on it
