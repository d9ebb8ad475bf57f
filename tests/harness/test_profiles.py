"""Profiles of the specification's TOML are those of the reference, and nothing else is let through."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from bluezone_harness.profiles import profile_of, profiles_of
from bluezone_reference.profiles import PROFILES
from bluezone_spec.model import ProfileText, Specification, Value

Change = Callable[[dict[str, dict[str, Value]]], None]


@pytest.mark.req("BZ-KEY-006", "BZ-LOG-004", "F-01")
@pytest.mark.parametrize("name", PROFILES)
def test_the_references_profiles_are_the_specifications(specification: Specification, name: str) -> None:
    assert profiles_of(specification)[name] == PROFILES[name]
    assert specification.profiles.keys() == PROFILES.keys()


def changed(text: ProfileText, change: Change) -> ProfileText:
    groups = {name: dict(values) for name, values in text.groups.items()}
    change(groups)
    return replace(text, groups=groups)


def to(group: str, key: str, value: object) -> Change:
    def change(groups: dict[str, dict[str, Value]]) -> None:
        ground = next(iter(groups[group].values())).evidence
        groups[group][key] = Value(value, ground)

    return change


@pytest.mark.req("BZ-KEY-006")
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (to("key_schedule", "salt", 1), "'salt' is unknown"),
        (lambda groups: groups["receiver"].pop("read_pause_ms"), "'read_pause_ms' is missing"),
        (lambda groups: groups.pop("matching"), "'matching' is missing"),
        (to("key_schedule", "default_max", "96"), "of type int"),
        (to("key_schedule", "default_max", True), "of type int"),
        (to("receiver", "takes_any_company", 1), "of type bool"),
        (to("contact_log", "time_unit", "min"), "'ms' or 's'"),
        (to("contact_log", "time_unit", ["ms"]), "'ms' or 's'"),
    ],
)
def test_a_profile_of_another_shape_is_refused(
    specification: Specification, change: Change, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        profile_of(changed(specification.profiles["v3"], change))


@pytest.mark.req("BZ-KEY-006")
def test_a_value_of_the_text_reaches_the_profile(specification: Specification) -> None:
    text = changed(specification.profiles["v3"], to("contact_log", "time_unit", "s"))
    assert profile_of(text).contact_log.time_unit == "s"
    assert profile_of(replace(text, platform="ios")).platform == "ios"
    with pytest.raises(ValueError, match="'any' or 'android' or 'ios'"):
        profile_of(replace(text, platform="watch"))


@pytest.mark.req("BZ-KEY-006", "F-21")
def test_the_first_generation_has_no_key_schedule(specification: Specification) -> None:
    assert profiles_of(specification)["v1"].key_schedule is None
