"""The registry of faulty apps: what a virtual app can be made to do wrong.

Each fault has a name, the requirement under which it is to be found, the fault of annex A that it copies (if it copies
one), and the parts of ``AppBehaviour`` that it replaces. Two faults that replace the same part cannot be planted into
one app.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from difflib import get_close_matches
from types import MappingProxyType

from .behaviours import RIGHT, AppBehaviour, AppFault
from .export_faults import EXPORT_FAULTS
from .heard_faults import HEARD_FAULTS
from .own_id_faults import OWN_ID_FAULTS
from .read_faults import READ_FAULTS
from .record_faults import RECORD_FAULTS

CORRECT = "correct"
"""Name of the app without a fault."""
APP_FAULTS: Mapping[str, AppFault] = MappingProxyType(
    {
        each.name: each
        for each in sorted(
            (*HEARD_FAULTS, *READ_FAULTS, *RECORD_FAULTS, *EXPORT_FAULTS, *OWN_ID_FAULTS),
            key=lambda fault: (fault.requirement.startswith("BZ-LOG"), fault.requirement),
        )
    }
)
"""Every faulty app by its name, in the order of the requirements, the receiver's first."""


def find_app_fault(text: str) -> AppFault:
    """Return the fault of a name, or the one that copies a fault of annex A, such as ``F-19``.

    Raises:
        ValueError: There is none, and the reason names the nearest; or there are several, and it names them.
    """
    wanted = text.strip().lower()
    if wanted in APP_FAULTS:
        return APP_FAULTS[wanted]
    copies = [each for each in APP_FAULTS.values() if each.fault and each.fault.lower() == wanted]
    if len(copies) == 1:
        return copies[0]
    if copies:
        raise ValueError(f"{text!r} is copied by {' and '.join(each.name for each in copies)}: name one")
    known = [CORRECT, *APP_FAULTS, *(each.fault for each in APP_FAULTS.values() if each.fault)]
    near = get_close_matches(wanted, [name.lower() for name in known], n=3)
    names = [next(name for name in known if name.lower() == each) for each in near]
    raise ValueError(f"there is no app {text!r}" + (f"; did you mean {' or '.join(names)}?" if names else ""))


def app_behaviour(names: Iterable[str] = (), platform: str = "android") -> AppBehaviour:
    """Return what an app does: what is right, but for planted faults.

    Args:
        names: Of faults, or ``correct``; none: a correct app.
        platform: Of its phone.

    Raises:
        ValueError: A fault is unknown, is of another platform, or contradicts another.
    """
    behaviour = RIGHT
    changed_by: dict[str, str] = {}
    for name in names:
        if name.strip().lower() == CORRECT:
            continue
        planted = find_app_fault(name)
        if platform not in planted.platforms:
            raise ValueError(f"the fault {planted.name} is none of this platform ({platform})")
        after = planted.change(behaviour)
        for part in _differing(behaviour, after):
            if part in changed_by:
                raise ValueError(f"the faults {changed_by[part]} and {planted.name} contradict each other")
            changed_by[part] = planted.name
        behaviour = after
    return behaviour


def _differing(before: AppBehaviour, after: AppBehaviour) -> Iterable[str]:
    return [
        each.name
        for each in fields(AppBehaviour)
        if getattr(before, each.name) is not getattr(after, each.name)
    ]
