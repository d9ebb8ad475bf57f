"""The lint of the pack: silent on a sound pack, and each rule finds a planted violation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from bluezone_spec.model import Specification
from bluezone_vectors.lint import faults_of, says_no
from bluezone_vectors.pack import Pack, Tombstone, Vector

SHOWN_OTHERWISE = {
    "F-09": "of two settings' names, which no question of the core holds",
    "F-14": "a base id that was never saved shows in captures beside uploads alone",
    "F-23": "retention is of a database and time",
    "F-25": "an on-window's end is of the air",
    "F-27": "a leaked advertising set is of the air",
}


@pytest.fixture(scope="module")
def said_of(levels: dict[str, str], shown: frozenset[str]) -> Callable[[Pack], list[str]]:
    return lambda pack: faults_of(pack, levels, shown)


def test_the_pack_is_sound(pack: Pack, said_of: Callable[[Pack], list[str]]) -> None:
    assert said_of(pack) == []


def test_every_must_that_vectors_show_is_looked_at(shown: frozenset[str]) -> None:
    assert len(shown) > 25
    assert {"BZ-KEY-001", "BZ-ADV-011", "BZ-RCV-005", "BZ-LOG-004", "BZ-MAT-008", "BZ-MSG-006"} <= shown


def test_every_fault_is_pinned_or_shown_otherwise(pack: Pack, specification: Specification) -> None:
    told = " ".join(f"{vector.comment} {vector.boundary}" for vector in pack.vectors)
    for fault in specification.faults:
        pinned = any(
            text in told for text in (f"{fault} ", f"{fault}:", f"{fault})", f"{fault},", f"{fault}.")
        )
        assert pinned != (fault in SHOWN_OTHERWISE), fault


def first(pack: Pack, wanted: Callable[[Vector], bool]) -> Vector:
    """Return the first vector of a kind."""
    return next(vector for vector in pack.vectors if wanted(vector))


def instead(pack: Pack, old: Vector, **changes: object) -> Pack:
    """Return a pack in which one vector is another."""
    new = replace(old, **changes)  # type: ignore[arg-type]  # fields by name
    return replace(pack, vectors=tuple(new if vector is old else vector for vector in pack.vectors))


def plain(vector: Vector) -> bool:
    """Tell whether a vector is a positive one of the corrected protocol beside a boundary."""
    return vector.profile == "v3" and "ok" in vector.expect and bool(vector.boundary)


def repeated(pack: Pack) -> Pack:
    vector = first(pack, plain)
    return replace(
        pack, vectors=(*pack.vectors, replace(vector, boundary="", kills=("x",), question={"x": 1}))
    )


def risen(pack: Pack) -> Pack:
    return replace(pack, tombstones=(Tombstone(pack.vectors[3].id, "1.0.0", "it was wrong"),))


def buried_twice(pack: Pack) -> Pack:
    return replace(pack, tombstones=(Tombstone("old", "1.0.0", "a"), Tombstone("old", "1.1.0", "b")))


def unexplained(pack: Pack) -> Pack:
    return instead(pack, pack.vectors[0], flags=("strange",))


def idle_flag(pack: Pack) -> Pack:
    return replace(pack, flags={**pack.flags, "idle": "nothing goes wrong"})


def strange_requirement(pack: Pack) -> Pack:
    return instead(pack, pack.vectors[0], requirements=("BZ-KEY-999",))


def other_level(pack: Pack) -> Pack:
    return instead(pack, pack.vectors[0], level="SHOULD")


def other_profile(pack: Pack) -> Pack:
    return instead(pack, first(pack, plain), profile="ios-v3")


def v3_that_fails(pack: Pack) -> Pack:
    return instead(pack, first(pack, plain), expect={"failure": "exception"})


def unnamed_build(pack: Pack) -> Pack:
    return instead(pack, first(pack, lambda vector: vector.profile == "v2"), flags=())


def aimless(pack: Pack) -> Pack:
    return instead(pack, first(pack, plain), boundary="", kills=())


def same_aim(pack: Pack) -> Pack:
    old = first(pack, plain)
    return instead(pack, pack.vectors[-1], boundary=old.boundary, kills=tuple(reversed(old.kills)))


def same_question(pack: Pack) -> Pack:
    old = first(pack, plain)
    other = first(
        pack, lambda vector: plain(vector) and vector.operation == old.operation and vector is not old
    )
    return instead(pack, other, question=dict(reversed(list(old.question.items()))))


def one_sided(pack: Pack) -> Pack:
    return instead(pack, first(pack, plain), boundary="alone", kills=())


def two_faults(pack: Pack) -> Pack:
    old = first(pack, lambda vector: vector.expect == {"reject": "BAD_MAX"} and vector.operation == "id_at")
    return instead(pack, old, question={**old.question, "base_id": "5a"})


def without_positive(pack: Pack) -> Pack:
    kept = [vector for vector in pack.vectors if "BZ-MAT-004" not in vector.requirements or says_no(vector)]
    return replace(pack, vectors=tuple(kept))


def without_negative(pack: Pack) -> Pack:
    kept = [
        vector for vector in pack.vectors if "BZ-LOG-002" not in vector.requirements or not says_no(vector)
    ]
    return replace(pack, vectors=tuple(kept))


@pytest.mark.parametrize(
    ("planted", "said"),
    [
        (repeated, "the id is used 2 times"),
        (risen, "belongs to a vector that was withdrawn"),
        (buried_twice, "old: the vector was withdrawn 2 times"),
        (unexplained, "strange: the flag is explained nowhere"),
        (idle_flag, "idle: no vector bears the flag"),
        (strange_requirement, "the specification has no requirement BZ-KEY-999"),
        (other_level, "SHOULD is not the level of"),
        (other_profile, "the question does not name the profile ios-v3"),
        (v3_that_fails, "only a published build fails"),
        (unnamed_build, "bears the flag old-build-not-recognised"),
        (aimless, "it stands beside no boundary and finds no faulty implementation"),
        (same_aim, "the same boundary and the same faulty implementations"),
        (same_question, "the same question"),
        (one_sided, "alone: the boundary has no vectors on both sides"),
        (two_faults, "no question that is answered differs from it in one member alone"),
        (without_positive, "BZ-MAT-004: no positive vector shows it"),
        (without_negative, "BZ-LOG-002: no negative vector shows it"),
    ],
)
def test_a_planted_violation_is_found(
    pack: Pack, said_of: Callable[[Pack], list[str]], planted: Callable[[Pack], Pack], said: str
) -> None:
    found = said_of(planted(pack))
    assert any(said in sentence for sentence in found), found
    assert all("\n" not in sentence for sentence in found)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("derive-ids-base-id-of-31-octets", True),
        ("derive-ids-base-id-of-32-octets", False),
        ("new-base-ids-1", False),
        ("decode-push-unknown-type", True),
        ("receive-repeat-4999-ms-later", True),
        ("receive-repeat-5000-ms-later", False),
        ("log-import-cr-before-lf", True),
        ("log-import-two-lines", False),
        ("match-slot-0-1-ms-before", True),
        ("match-slot-0-at-the-start", False),
        ("match-case-max-0", True),
        ("ids-over-time-clock-before-the-base-day", True),
        ("id-at-android-v3-max-7-at-86399999", True),
    ],
)
def test_which_vectors_say_no(pack: Pack, name: str, expected: bool) -> None:
    assert says_no(first(pack, lambda vector: vector.id == name)) is expected
