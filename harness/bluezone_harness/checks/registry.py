"""The registry of checks: which requirement each judges, and what it needs to see.

A check is a pure function of a subject and of the rules it is judged by. The registry is closed when all
modules of checks are imported: after that nothing can be added, and a requirement has one check or none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from bluezone_harness.checks.subjects import Rules, Subject
from bluezone_harness.findings import Judgement
from bluezone_harness.observations import Capability

Judge = Callable[[Subject, Rules], Judgement]
"""The function of a check."""
Need = Capability | frozenset[Capability]
"""What a check needs to see: a capability, or several together."""

_REQUIREMENT = re.compile(r"BZ-[A-Z]{3}-[0-9]{3}")


@dataclass(frozen=True, slots=True)
class Check:
    """A check.

    Attributes:
        requirement: Id of the requirement that it judges.
        needs: Alternatives of what the evidence of a subject must be able to show; all of one is enough.
        judge: The function.
    """

    requirement: str
    needs: tuple[frozenset[Capability], ...]
    judge: Judge

    def missing(self, shown: frozenset[Capability]) -> frozenset[Capability]:
        """Return what is missing to the alternative that comes nearest; nothing where one is complete."""
        return min((need - shown for need in self.needs), key=len)


class Registry:
    """Checks by requirement, open until it is closed."""

    def __init__(self) -> None:
        self._checks: dict[str, Check] = {}
        self._closed = False

    def check(self, requirement: str, *, needs: Need | tuple[Need, ...]) -> Callable[[Judge], Judge]:
        """Register the decorated function as the check of a requirement.

        Args:
            requirement: Its id, such as ``BZ-LOG-003``.
            needs: What the evidence must be able to show; a tuple holds alternatives.

        Raises:
            ValueError: The registry is closed, the id is none, the requirement has a check already, or
                nothing is needed.
        """

        def register(judge: Judge) -> Judge:
            if self._closed:
                raise ValueError(f"the registry of checks is closed: {requirement} comes too late")
            if not _REQUIREMENT.fullmatch(requirement):
                raise ValueError(f"{requirement!r} is no id of a requirement")
            if requirement in self._checks:
                raise ValueError(f"{requirement} has a check already")
            alternatives = needs if isinstance(needs, tuple) else (needs,)
            wanted = tuple(
                frozenset({need}) if isinstance(need, Capability) else need for need in alternatives
            )
            if not wanted or not all(wanted):
                raise ValueError(f"the check of {requirement} must say what it needs to see")
            self._checks[requirement] = Check(requirement, wanted, judge)
            return judge

        return register

    def close(self) -> Mapping[str, Check]:
        """Close the registry and return its checks by requirement, in the order of their ids."""
        self._closed = True
        return MappingProxyType(dict(sorted(self._checks.items())))


_REGISTRY = Registry()
check = _REGISTRY.check
"""Register a check; for the modules of this package."""


def close() -> Mapping[str, Check]:
    """Close the registry of this package; for its ``__init__``."""
    return _REGISTRY.close()
