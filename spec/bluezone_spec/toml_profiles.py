"""Profiles, from TOML: each value with its evidence."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping

from bluezone_spec.errors import Place, SpecificationError
from bluezone_spec.grammar import SOURCE_LETTERS, evidence_level, quoted_list
from bluezone_spec.model import Evidence, EvidenceLevel, ProfileText, Value

SUFFIX = ".toml"
_KEYS = ("name", "title", "generation", "platform")
_GROUPS = ("key_schedule", "advertisement", "receiver", "contact_log", "matching", "schedule", "privacy")
# The first generation has one static id, hence no key schedule.
_OPTIONAL_GROUPS = ("key_schedule",)
_PLATFORMS = ("any", "android", "ios")
_GENERATIONS = (1, 2, 3)
_VALUE_KEYS = ("value", "evidence", "source")

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_GROUND = re.compile(f"[{SOURCE_LETTERS}]: .+")
_TOML_LINE = re.compile(r"\(at line ([0-9]+),")
_HEADER = re.compile(r"\s*\[([^\[\]]*)\]")
_KEY = re.compile(r"\s*([A-Za-z0-9_-]+)\s*=")


def parse_profile(file: str, text: str) -> ProfileText:
    """Read one profile.

    Args:
        file: Its file name: the profile's name and ``.toml``.
        text: Its TOML.

    Raises:
        SpecificationError: It is no TOML; a key is missing, unknown or of the wrong type; its name is not the
            file's; a value has no evidence, or evidence of no known level.
    """
    start = Place(file, 1)
    stem = file.removesuffix(SUFFIX)
    if stem == file or _NAME.fullmatch(stem) is None:
        raise start.error("unexpected file name: call a profile such as 'android-v3.toml'")
    tables = _load(start, text)
    lines = _lines_of_keys(text)

    def place(*path: str) -> Place:
        return Place(file, lines.get(path, 1))

    for key in tables:
        if key not in _KEYS and key not in _GROUPS:
            raise place(key).error(f"unknown key '{key}': a profile has {quoted_list(_KEYS + _GROUPS)}")
    for key in (*_KEYS, *_GROUPS):
        if key not in tables and key not in _OPTIONAL_GROUPS:
            raise start.error(f"the key '{key}' is missing: add it")
    name, title, generation, platform = (tables[key] for key in _KEYS)
    if name != stem:
        raise place("name").error(f"the name {name!r} is not that of the file: make both '{stem}'")
    if not isinstance(title, str) or not title:
        raise place("title").error("the title is no text: write a few words")
    if type(generation) is not int or generation not in _GENERATIONS:
        raise place("generation").error("the generation is not 1, 2 or 3: write one of them, without quotes")
    if not isinstance(platform, str) or platform not in _PLATFORMS:
        raise place("platform").error(f"unknown platform: use one of {quoted_list(_PLATFORMS)}")
    groups: dict[str, dict[str, Value]] = {}
    for group in _GROUPS:
        if group in tables:
            content = tables[group]
            if not isinstance(content, dict) or not content:
                raise place(group).error(f"'{group}' is no table with values: fill it")
            groups[group] = {key: _parse_value(key, raw, place(group, key)) for key, raw in content.items()}
    return ProfileText(stem, title, generation, platform, groups)


def _load(start: Place, text: str) -> Mapping[str, object]:
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        # Not only the decoder's own error: an integer of thousands of digits is a plain ValueError.
        found = _TOML_LINE.search(str(error))
        line = int(found[1]) if found else start.line
        raise SpecificationError(start.file, line, f"no TOML ({error}): correct it") from None


def _lines_of_keys(text: str) -> dict[tuple[str, ...], int]:
    """Return the line of each group and of each key of a group, for error messages."""
    lines: dict[tuple[str, ...], int] = {}
    group: tuple[str, ...] = ()
    for number, line in enumerate(text.split("\n"), start=1):
        if header := _HEADER.match(line):
            group = (header[1].strip(),)
            lines.setdefault(group, number)
        elif key := _KEY.match(line):
            lines.setdefault((*group, key[1]), number)
    return lines


def _parse_value(key: str, raw: object, place: Place) -> Value:
    if not isinstance(raw, dict) or set(raw) != set(_VALUE_KEYS):
        raise place.error(
            f"'{key}' is no value with its evidence: write "
            '{ value = ..., evidence = "level", source = "..." }'
        )
    value, level_word, source = (raw[part] for part in _VALUE_KEYS)
    if not _is_plain(value):
        raise place.error(
            f"the value of '{key}' is not a text, an integer, true, false, or a list of them: write it so"
        )
    if not isinstance(level_word, str):
        raise place.error(f"the evidence of '{key}' is no text: name its level")
    level = evidence_level(level_word, place)
    if not isinstance(source, str) or not source.strip():
        raise place.error(f"the value '{key}' has no source: say where it was found")
    if level is EvidenceLevel.SOURCE and _GROUND.fullmatch(source) is None:
        raise place.error(
            f"the source of '{key}' does not say whose: begin it with 'A: ', 'I: ', 'J: ' or 'B: '"
        )
    return Value(value, Evidence(level, source))


def _is_plain(value: object) -> bool:
    if isinstance(value, list):
        return all(isinstance(entry, str | int) for entry in value)
    return isinstance(value, str | int)
