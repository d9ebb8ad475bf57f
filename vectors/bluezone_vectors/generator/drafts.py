"""A vector before it is answered: its question, what it is for, and what its author expects.

The expectation is computed by the second implementation in this folder. Where an author writes one by hand (a code, a
known answer, the events that are recorded), the two are held together, and the generator stops where they differ.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Required, TypedDict

from .advertisement import decode_advertisement, encode_advertisement
from .contact_log import log_export, log_import
from .errors import FailedError, RefusedError
from .key_schedule import derive_ids, id_at, ids_over_time, members, published_key
from .matching import match
from .messages import decode_info, decode_push, encode_info
from .receiver import receive

SEED = "bluezone vectors 1.0.0"
"""What all random-looking octets of the pack are drawn from."""
SINCE = "1.0.0"
DAY_MS = 86_400_000
BASE_DAY_MS = 1_596_844_800_000
"""2020-08-08T00:00:00+00:00, the day of the captured uploads and of most questions."""
ZERO = "00" * 32
COUNTING = bytes(range(32)).hex()
PHONE_A = "4c5224b397f8ab3896781d5aa0f3119f280513f1b592ca280ebded6357e21084"
PHONE_B = "66b07d33da4e16a359b590eda1e8dc90892d341c86a6491376041fe44505ffb5"
"""The base ids of the two captured phones."""

Question = dict[str, object]
Answer = Callable[[Question, str], dict[str, object]]

ANSWERS: dict[str, Answer] = {
    "derive_ids": derive_ids,
    "id_at": id_at,
    "ids_over_time": ids_over_time,
    "published_key": published_key,
    "encode_advertisement": encode_advertisement,
    "decode_advertisement": decode_advertisement,
    "receive": receive,
    "log_export": log_export,
    "log_import": log_import,
    "match": match,
    "decode_push": decode_push,
    "decode_info": decode_info,
    "encode_info": encode_info,
}


def drawn(name: str, octets: int = 32) -> str:
    """Return octets in hex that are always the same for a name, and look random."""
    return sha256(f"{SEED}|{name}".encode()).digest()[:octets].hex()


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A vector to be; ``More`` is what most authors say of one besides its question.

    Attributes:
        id: Slug.
        requirements: The first above all, without the ``BZ-``.
        question: The ``in`` of the vector, without its profile.
        comment: Why.
        boundary: Beside which boundary it stands; each has drafts on both sides.
        kills: Faulty implementations that it finds.
        flags: What goes wrong in the field.
        profile: For whom.
        level: MUST, SHOULD or MAY.
        evidence: How the expectation is known.
        reject: The code that the author expects.
        failure: The failure of a build that the author expects.
        ok: The answer, or the part of it, that the author expects.
        properties: Of a random answer.
        recorded: The times of the records that the author expects, as text.
    """

    id: str
    requirements: tuple[str, ...]
    question: Question
    comment: str
    boundary: str = ""
    kills: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    profile: str = "v3"
    level: str = "MUST"
    evidence: str = "inferred"
    reject: str = ""
    failure: str = ""
    ok: dict[str, object] | None = None
    properties: dict[str, object] | None = None
    recorded: tuple[str, ...] | None = None


class More(TypedDict, total=False):
    """What a draft may say besides its question and answer, as in ``Draft``."""

    requirements: Required[tuple[str, ...]]
    comment: Required[str]
    boundary: str
    kills: tuple[str, ...]
    flags: tuple[str, ...]
    profile: str
    level: str
    evidence: str
    reject: str
    failure: str


def vector_of(operation: str, draft: Draft) -> dict[str, object]:
    """Return a vector, answered.

    Raises:
        ValueError: The author of the draft expects something else than what comes out.
    """
    question = {**draft.question, **({} if draft.profile == "v3" else {"profile": draft.profile})}
    return {
        "id": draft.id,
        "requirements": [f"BZ-{name}" for name in draft.requirements],
        "level": draft.level,
        "profile": draft.profile,
        "in": question,
        "expect": _expectation(operation, draft),
        "boundary": draft.boundary,
        "kills": sorted(draft.kills),
        "flags": sorted(draft.flags),
        "comment": draft.comment,
        "since": SINCE,
        "evidence": draft.evidence,
    }


def _expectation(operation: str, draft: Draft) -> dict[str, object]:
    if draft.properties is not None:
        return {"properties": draft.properties}
    found: dict[str, object]
    try:
        found = {"ok": ANSWERS[operation](draft.question, draft.profile)}
    except RefusedError as error:
        found = {"reject": error.code}
    except FailedError as error:
        found = {"failure": error.failure}
    for kind, wanted in (("reject", draft.reject), ("failure", draft.failure)):
        if found.get(kind, "") != wanted:
            raise ValueError(f"{draft.id}: {kind} {wanted!r} is expected, here is {found}")
    answer = found.get("ok")
    for key, value in (draft.ok or {}).items():
        if not isinstance(answer, dict) or answer.get(key) != value:
            raise ValueError(f"{draft.id}: {key} is to be {value}, here is {answer}")
    if draft.recorded is not None and isinstance(answer, dict):
        records = members(answer["records"])
        times = tuple(str(record["time_ms"]) for record in records if isinstance(record, dict))
        if times != draft.recorded:
            raise ValueError(f"{draft.id}: records at {draft.recorded} are expected, here is {answer}")
    return found
