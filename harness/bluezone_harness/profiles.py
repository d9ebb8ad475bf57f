"""Profiles as the specification writes them (TOML), made into values of the reference.

Nothing here knows a name of a field: groups and keys are those of the reference's dataclasses, so that a
value is added in two places (the TOML and the dataclass) and nowhere else. Groups that the reference has no
field for, such as ``schedule``, are for others to read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from bluezone_reference.profiles import Profile
from bluezone_spec.model import ProfileText, Specification, Value


def profiles_of(specification: Specification) -> dict[str, Profile]:
    """Return the profiles of a specification by name, in its order.

    Raises:
        ValueError: One of them is not as the reference's dataclasses ask for.
    """
    return {name: profile_of(text) for name, text in specification.profiles.items()}


def profile_of(text: ProfileText) -> Profile:
    """Make a profile of its text.

    Raises:
        ValueError: A group or a key is missing or unknown, or a value is of another type.
    """
    values: dict[str, object] = {}
    hints = get_type_hints(Profile)
    for field in fields(Profile):
        rules = _dataclass_in(hints[field.name])
        if rules is None:
            values[field.name] = _checked(text.name, field.name, getattr(text, field.name), hints[field.name])
        elif field.name in text.groups:
            values[field.name] = _group(f"{text.name}: {field.name}", rules, text.groups[field.name])
        elif type(None) in get_args(hints[field.name]):
            values[field.name] = None
        else:
            raise ValueError(f"{text.name}: the group '{field.name}' is missing")
    return Profile(**values)  # type: ignore[arg-type]  # each value was held to its annotation


def _group(where: str, rules: type[Any], values: Mapping[str, Value]) -> object:
    hints = get_type_hints(rules)
    for key in hints.keys() ^ values.keys():
        raise ValueError(f"{where}: the key '{key}' is {'missing' if key in hints else 'unknown'}")
    return rules(**{key: _checked(where, key, values[key].value, hint) for key, hint in hints.items()})


def _dataclass_in(hint: Any) -> type[Any] | None:  # noqa: ANN401 - an annotation is any value
    """Return the dataclass that an annotation asks for, also where ``None`` would do."""
    options = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    return next((option for option in options if isinstance(option, type) and is_dataclass(option)), None)


def _checked(where: str, key: str, value: object, hint: Any) -> object:  # noqa: ANN401 - an annotation is any value
    """Return a value if it is what an annotation asks for: a ``Literal``, or exactly a type."""
    if get_origin(hint) is Literal:
        if value in get_args(hint):
            return value
        wanted = " or ".join(map(repr, get_args(hint)))
    else:
        if type(value) is hint:
            return value
        wanted = f"of type {hint.__name__}"
    raise ValueError(f"{where}: the value {value!r} of '{key}' must be {wanted}")
