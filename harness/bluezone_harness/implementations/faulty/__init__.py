"""The one registry of faulty implementations: each does one thing wrong, so that the vectors can be seen to find it.

They serve three ends. A vector names those that it kills, and a test proves it true. Diagnosis compares a failing
answer with theirs, so that a report can say what it looks like. And whoever tests a harness can have one served as a
process. None of them hangs or ends: each answers every question.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from .advertisements import ADVERTISEMENTS
from .base_ids import BASE_IDS
from .cases import CASES
from .day_lists import DAY_LISTS
from .id_lengths import ID_LENGTHS
from .logs import LOGS
from .matchings import MATCHINGS
from .maxima import MAXIMA
from .messages import MESSAGES
from .model import FaultyImplementation
from .quirks import QUIRKS
from .receivers import RECEIVERS
from .schedules import SCHEDULES
from .slots import SLOTS
from .stubborn import STUBBORN

__all__ = ["FAULTY", "FaultyImplementation"]

FAULTY: Mapping[str, FaultyImplementation] = MappingProxyType(
    {
        each.name: each
        for each in (
            *SCHEDULES,
            *SLOTS,
            *MAXIMA,
            *DAY_LISTS,
            *BASE_IDS,
            *ADVERTISEMENTS,
            *ID_LENGTHS,
            *RECEIVERS,
            *LOGS,
            *MATCHINGS,
            *CASES,
            *MESSAGES,
            *QUIRKS,
            *STUBBORN,
        )
    }
)
"""Every faulty implementation by its name; those that answer alike whatever they are asked come last."""
