"""The local name of the first generation's iPhones: a static id of six characters, written as ten.

Theory of operation. Two different positions p and q of 1 to 5 are drawn. Into the id, whose characters are x1
to x6, the character at q is inserted after position p, and the one at p after position q; the digit p goes in
front, the digit q behind. With s the lower of the two positions and e the higher, the name is::

    index  0    1 .. s     s+1   s+2 .. e+1    e+2   e+3 .. 8     9
           p    x1 .. xs   xe    xs+1 .. xe    xs    xe+1 .. x6   q

so that a receiver finds the two insertions again by the digits alone, and can check them: the character at s
+ 1 must be the one at e + 1, and the one at e + 2 the one at s. The id is not hidden by this from anybody; it
is a static identifier of the phone (BZ-PRV-008).

Source: source A ``AppUtils``, source I ``AppUtils.swift``, first generation.
"""

from __future__ import annotations

from bluezone_reference.errors import MalformedError, RejectCode

STATIC_ID_CHARACTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
STATIC_ID_LENGTH = 6
OBFUSCATED_NAME_LENGTH = 10
POSITIONS = range(1, STATIC_ID_LENGTH)


def is_static_id(text: str) -> bool:
    """Say whether a text has the form of a static id: six characters of ``0-9A-Za-z``."""
    return len(text) == STATIC_ID_LENGTH and all(character in STATIC_ID_CHARACTERS for character in text)


def obfuscate(static_id: str, p: int, q: int) -> str:
    """Write a static id as a first-generation iPhone's local name.

    Args:
        static_id: Six characters of ``0-9A-Za-z``.
        p: A position, 1 to 5; the name begins with it.
        q: Another position, 1 to 5; the name ends with it.

    Returns:
        Ten characters.

    Raises:
        ValueError: ``static_id`` is no static id, or the positions are out of range or the same.

    Source: source I ``AppUtils.swift``, first generation.
    """
    if not is_static_id(static_id):
        raise ValueError(f"a static id is {STATIC_ID_LENGTH} characters of 0-9A-Za-z")
    if p not in POSITIONS or q not in POSITIONS or p == q:
        raise ValueError(f"the positions are two different ones of 1 to 5, not {p} and {q}")
    lower, higher = sorted((p, q))
    return "".join(
        (
            str(p),
            static_id[:lower],
            static_id[higher - 1],
            static_id[lower:higher],
            static_id[lower - 1],
            static_id[higher:],
            str(q),
        )
    )


def reveal(name: str) -> str:
    """Read the static id out of a first-generation iPhone's local name.

    Stricter than the published receiver, which also took a position 6, one position twice, and any
    characters: no sender writes those.

    Args:
        name: The local name as heard.

    Returns:
        The static id, six characters of ``0-9A-Za-z``.

    Raises:
        MalformedError: ``BAD_OBFUSCATED_NAME``; the offset counts characters of the name.

    Source: BZ-PRV-008; source A ``AppUtils``, first generation.
    """
    if len(name) != OBFUSCATED_NAME_LENGTH:
        offset = min(len(name), OBFUSCATED_NAME_LENGTH)
        raise _bad(offset, f"an obfuscated name has {OBFUSCATED_NAME_LENGTH} characters, not {len(name)}")
    for offset, character in enumerate(name):
        if character not in STATIC_ID_CHARACTERS:
            raise _bad(offset, f"{character!a} is none of 0-9A-Za-z")
    for offset in (0, OBFUSCATED_NAME_LENGTH - 1):
        if name[offset] not in "12345":
            raise _bad(offset, f"{name[offset]!a} is no position of 1 to 5")
    lower, higher = sorted((int(name[0]), int(name[-1])))
    if lower == higher:
        raise _bad(OBFUSCATED_NAME_LENGTH - 1, f"both positions are {lower}")
    for inserted, original in ((lower + 1, higher + 1), (higher + 2, lower)):
        if name[inserted] != name[original]:
            raise _bad(
                inserted, f"the inserted {name[inserted]!a} is not the {name[original]!a} that it repeats"
            )
    return name[1 : lower + 1] + name[lower + 2 : higher + 2] + name[higher + 3 : -1]


def _bad(offset: int, reason: str) -> MalformedError:
    return MalformedError(RejectCode.BAD_OBFUSCATED_NAME, "BZ-PRV-008", offset, reason)
