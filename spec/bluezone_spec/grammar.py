"""The small grammar that chapters and profiles share: ids, lists with commas, evidence, closed sets."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from bluezone_spec.errors import Place
from bluezone_spec.model import Evidence, EvidenceLevel

# The files, in the order in which they are read, and the area of requirements that each holds.
CHAPTER_AREAS: Mapping[str, str] = MappingProxyType(
    {
        "01-overview.md": "",
        "02-key-schedule.md": "KEY",
        "03-advertisement.md": "ADV",
        "04-gatt.md": "GAT",
        "05-receiver.md": "RCV",
        "06-contact-log.md": "LOG",
        "07-matching.md": "MAT",
        "08-messages.md": "MSG",
        "09-privacy.md": "PRV",
        "A-faults.md": "",
        "B-reject-codes.md": "",
        "C-tolerances.md": "",
    }
)
BUILDS = (
    "Android 3.0.3",
    "iOS 3.0.3",
    "Android 2.0.0",
    "Android 1.x",
    "iOS 1.x",
    "server",
    "protocol",
    "AOSP",
)
VERIFICATION_LETTERS = "CGVLTKE"
SOURCE_LETTERS = "AIJB"

REQUIREMENT_ID = re.compile(r"BZ-(?P<area>[A-Z]{3})-(?P<number>[0-9]{3})")
FAULT_ID = re.compile(r"F-[0-9]{2}[a-z]?")

_EVIDENCE = re.compile(r"(?P<level>[a-z]+)(?: (?P<letter>[^\s:]+))?: (?P<source>\S.*)(?<!;)")
_SOURCE_LEVELS = ", ".join(EvidenceLevel)


def quoted_list(words: str | tuple[str, ...]) -> str:
    """Return the words as an error message names them: ``'a', 'b'``."""
    return ", ".join(f"'{word}'" for word in words)


def comma_list(text: str, what: str, place: Place) -> tuple[str, ...]:
    """Split a list such as ``v3, android-v3``.

    Args:
        text: One line, without the item's name.
        what: The name of an entry, for the error.
        place: Where it stands.

    Returns:
        At least one entry, none twice.

    Raises:
        SpecificationError: The list is empty, or an entry is empty or repeated.
    """
    entries = tuple(text.split(", "))
    for position, entry in enumerate(entries):
        if not entry or entry != entry.strip() or "," in entry:
            raise place.error(f"a {what} is missing in '{text}': separate them by a comma and one blank")
        if entry in entries[:position]:
            raise place.error(f"the {what} '{entry}' stands twice: name it once")
    return entries


def evidence_level(word: str, place: Place) -> EvidenceLevel:
    """Return the level that ``word`` names.

    Raises:
        SpecificationError: There is no such level.
    """
    try:
        return EvidenceLevel(word)
    except ValueError:
        raise place.error(f"unknown level of evidence '{word}': use one of {_SOURCE_LEVELS}") from None


def parse_evidence(text: str, place: Place) -> tuple[Evidence, ...]:
    """Read grounds such as ``captured: upload of 2020-08-08; source A: `BluezoneIdGenerator```.

    Returns:
        At least one ground; the source of what was read in published code keeps its letter: ``A: ...``.

    Raises:
        SpecificationError: A ground has no level, an unknown one or no text, or is source without a letter.
    """
    return tuple(_parse_ground(ground, place) for ground in text.split("; "))


def _parse_ground(text: str, place: Place) -> Evidence:
    match = _EVIDENCE.fullmatch(text)
    if match is None:
        raise place.error(
            f"evidence '{text}' has no level or no text: write it as 'level: where it was found'"
        )
    level = evidence_level(match["level"], place)
    letter, source = match["letter"], match["source"]
    if level is not EvidenceLevel.SOURCE:
        if letter is not None:
            raise place.error(f"evidence '{text}' has a letter: only source takes one")
        return Evidence(level, source)
    if letter is None or len(letter) != 1 or letter not in SOURCE_LETTERS:
        raise place.error(
            f"evidence '{text}' does not say whose source: begin it with 'source A: ', 'source I: ', "
            "'source J: ' or 'source B: '"
        )
    return Evidence(level, f"{letter}: {source}")
