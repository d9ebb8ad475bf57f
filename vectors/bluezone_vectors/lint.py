"""What no schema can say of a pack: rules over all its vectors, each of which names what breaks it.

``faults_of`` returns a sentence for each violation, none for a sound pack. What the specification says (its
requirements, their levels, and which of them vectors can show) comes in as an argument, because this package stands
beside the specification and does not import it.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from .pack import Pack, Vector

QUIRK_PROFILES = ("android-v3", "ios-v3", "v2", "v1")
BUILD_FLAG = "old-build-not-recognised"


def faults_of(pack: Pack, levels: Mapping[str, str], shown: Iterable[str] = ()) -> list[str]:
    """Return what is wrong with a pack, a sentence for each.

    Args:
        pack: Any.
        levels: Each requirement of the specification with its level.
        shown: The MUSTs that vectors are to show, by a positive and a negative one each.
    """
    return [
        *_repeated_ids(pack),
        *_flags(pack),
        *_requirements(pack.vectors, levels),
        *_profiles(pack.vectors),
        *_aimless(pack.vectors),
        *_twins(pack.vectors),
        *_boundaries(pack.vectors),
        *_several_faults(pack.vectors),
        *_uncovered(pack.vectors, shown),
    ]


def says_no(vector: Vector) -> bool:
    """Tell whether a vector's answer refuses something: all, a part, an event, or a contact.

    A question that is refused says no, and so does an answer that holds a refusal, a defect, an advert that gave
    nothing, a push that is ignored, or a case without a hit.
    """
    answer = vector.expect.get("ok")
    if not isinstance(answer, dict):
        return "properties" not in vector.expect
    if answer.get("ignored") or answer.get("contact") is False or answer.get("defects"):
        return True
    events = vector.question.get("events")
    if "reads" in answer and isinstance(events, list):
        return len(answer["records"]) + len(answer["reads"]) < len(events)
    parts = [*answer.get("ids", []), *answer.get("cases", [])]
    return any(isinstance(part, dict) and ("reject" in part or "failure" in part) for part in parts)


def _repeated_ids(pack: Pack) -> Iterator[str]:
    for name, count in Counter(vector.id for vector in pack.vectors).items():
        if count > 1:
            yield f"{name}: the id is used {count} times"
    withdrawn = Counter(tombstone.id for tombstone in pack.tombstones)
    for vector in pack.vectors:
        if vector.id in withdrawn:
            yield f"{vector.id}: the id belongs to a vector that was withdrawn"
    for name, count in withdrawn.items():
        if count > 1:
            yield f"{name}: the vector was withdrawn {count} times"


def _flags(pack: Pack) -> Iterator[str]:
    used = {flag for vector in pack.vectors for flag in vector.flags}
    for flag in sorted(used - pack.flags.keys()):
        yield f"{flag}: the flag is explained nowhere"
    for flag in sorted(pack.flags.keys() - used):
        yield f"{flag}: no vector bears the flag"


def _requirements(vectors: Sequence[Vector], levels: Mapping[str, str]) -> Iterator[str]:
    for vector in vectors:
        unknown = [name for name in vector.requirements if name not in levels]
        if unknown:
            yield f"{vector.id}: the specification has no requirement {', '.join(unknown)}"
        elif vector.level != levels[vector.requirements[0]] and vector.level != "MAY":
            yield f"{vector.id}: {vector.level} is not the level of {vector.requirements[0]}"


def _profiles(vectors: Sequence[Vector]) -> Iterator[str]:
    for vector in vectors:
        if vector.question.get("profile", "v3") != vector.profile:
            yield f"{vector.id}: the question does not name the profile {vector.profile}"
        if "failure" in vector.expect and vector.profile not in QUIRK_PROFILES:
            yield f"{vector.id}: only a published build fails"
        if vector.profile in QUIRK_PROFILES and BUILD_FLAG not in vector.flags:
            yield f"{vector.id}: a vector of a published build bears the flag {BUILD_FLAG}"


def _aimless(vectors: Sequence[Vector]) -> Iterator[str]:
    for vector in vectors:
        if not vector.boundary and not vector.kills:
            yield f"{vector.id}: it stands beside no boundary and finds no faulty implementation"


def _twins(vectors: Sequence[Vector]) -> Iterator[str]:
    aims = defaultdict(list)
    questions = defaultdict(list)
    for vector in vectors:
        aims[vector.boundary, frozenset(vector.kills)].append(vector.id)
        questions[vector.operation, _written(vector.question)].append(vector.id)
    for names in aims.values():
        if len(names) > 1:
            yield f"{', '.join(names)}: the same boundary and the same faulty implementations"
    for names in questions.values():
        if len(names) > 1 and len(set(names)) > 1:
            yield f"{', '.join(names)}: the same question"


def _boundaries(vectors: Sequence[Vector]) -> Iterator[str]:
    beside = defaultdict(list)
    for vector in vectors:
        if vector.boundary:
            beside[vector.boundary].append(vector)
    for boundary, those in beside.items():
        if len({_written(vector.expect) for vector in those}) < 2:
            yield f"{boundary}: the boundary has no vectors on both sides"


def _several_faults(vectors: Sequence[Vector]) -> Iterator[str]:
    """A question that is refused differs in one member from one that is answered, so that one thing is wrong."""
    answered = defaultdict(list)
    for vector in vectors:
        if not vector.is_negative:
            answered[vector.operation].append(
                {name: _written(part) for name, part in vector.question.items()}
            )
    for vector in vectors:
        if vector.is_negative:
            asked = {name: _written(part) for name, part in vector.question.items()}
            if not any(_apart(asked, other) <= 1 for other in answered[vector.operation]):
                yield f"{vector.id}: no question that is answered differs from it in one member alone"


def _apart(one: Mapping[str, str], other: Mapping[str, str]) -> int:
    """Return in how many members two questions differ."""
    return sum(one.get(name) != other.get(name) for name in one.keys() | other.keys())


def _uncovered(vectors: Sequence[Vector], shown: Iterable[str]) -> Iterator[str]:
    yes = {name for vector in vectors if not says_no(vector) for name in vector.requirements}
    no = {name for vector in vectors if says_no(vector) for name in vector.requirements}
    for name in sorted(shown):
        if name not in yes:
            yield f"{name}: no positive vector shows it"
        if name not in no:
            yield f"{name}: no negative vector shows it"


def _written(value: object) -> str:
    return json.dumps(value, sort_keys=True)
