"""The one registry of planted faults: what a virtual phone can be made to do wrong.

Each fault has a name, the requirement under which it is to be found, the fault of annex A that it copies (if it copies
one), and the parts of ``Behaviour`` that it replaces. Two faults that replace the same part cannot be planted into one
phone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from difflib import get_close_matches
from types import MappingProxyType

from .ad_faults import AD_FAULTS
from .address_faults import ADDRESS_FAULTS
from .behaviours import CORRECT, Behaviour, PlantedFault
from .id_faults import ID_FAULTS
from .plans import PhonePlan
from .read_faults import READ_FAULTS
from .window_faults import WINDOW_FAULTS

FAULTS: Mapping[str, PlantedFault] = MappingProxyType(
    {each.name: each for each in (*ID_FAULTS, *AD_FAULTS, *WINDOW_FAULTS, *ADDRESS_FAULTS, *READ_FAULTS)}
)
"""Every planted fault by its name, ids first, then AdvData, time, address and reads."""


def find_fault(text: str) -> PlantedFault:
    """Return the planted fault of a name, or the one that copies a fault of annex A, such as ``F-11``.

    Raises:
        ValueError: There is none, and the reason names the nearest; or there are several, and it names them.
    """
    wanted = text.strip().lower()
    if wanted in FAULTS:
        return FAULTS[wanted]
    copies = [each for each in FAULTS.values() if each.fault and each.fault.lower() == wanted]
    if len(copies) == 1:
        return copies[0]
    if copies:
        raise ValueError(f"{text!r} is copied by {' and '.join(each.name for each in copies)}: name one")
    known = [*FAULTS, *(each.fault for each in FAULTS.values() if each.fault)]
    near = get_close_matches(wanted, [name.lower() for name in known], n=3)
    names = [next(name for name in known if name.lower() == each) for each in near]
    raise ValueError(
        f"there is no planted fault {text!r}" + (f"; did you mean {' or '.join(names)}?" if names else "")
    )


def behaviour_of(phone: PhonePlan) -> Behaviour:
    """Return what a phone does: what is right, but for its planted faults.

    Raises:
        ValueError: A fault is unknown, is of another platform, or contradicts another.
    """
    behaviour = CORRECT
    changed_by: dict[str, str] = {}
    for planted in map(find_fault, phone.faults):
        if phone.platform not in planted.platforms:
            raise ValueError(
                f"{phone.name}: the fault {planted.name} is none of this platform ({phone.platform})"
            )
        after = planted.change(behaviour)
        for part in _differing(behaviour, after):
            if part in changed_by:
                raise ValueError(
                    f"{phone.name}: the faults {changed_by[part]} and {planted.name} contradict each other"
                )
            changed_by[part] = planted.name
        behaviour = after
    return behaviour


def _differing(before: Behaviour, after: Behaviour) -> Iterable[str]:
    return [
        each.name for each in fields(Behaviour) if getattr(before, each.name) is not getattr(after, each.name)
    ]
