"""Until when it is listened: for a time, for so many adverts, or until all is decided that listening can decide."""

from __future__ import annotations

import re
from dataclasses import dataclass

_UNITS_S = {"s": 1, "min": 60, "h": 3600}
_DURATION = re.compile(r"(?P<number>[0-9]{1,7}(?:\.[0-9]{1,3})?) ?(?P<unit>s|min|h)")
_COUNT = re.compile(r"(?P<number>[0-9]{1,12}) ?(?:adverts?)?")
_DECIDED = "decided"


@dataclass(frozen=True, slots=True)
class Until:
    """When listening ends by itself; without arguments never.

    Attributes:
        duration_us: After so long.
        adverts: After so many adverts were recorded.
        decided: When every MUST is judged that listening can decide.
    """

    duration_us: int | None = None
    adverts: int | None = None
    decided: bool = False


def parse_until(text: str) -> Until:
    """Read what people write: ``20min``, ``90 s``, ``5000 adverts``, ``decided``.

    Raises:
        ValueError: It is none of them; the reason is for people.
    """
    wanted = text.strip().lower()
    if wanted == _DECIDED:
        return Until(decided=True)
    found = _DURATION.fullmatch(wanted)
    if found:
        duration_us = round(float(found["number"]) * _UNITS_S[found["unit"]] * 1_000_000)
        if duration_us > 0:
            return Until(duration_us=duration_us)
    found = _COUNT.fullmatch(wanted)
    if found and int(found["number"]) > 0:
        return Until(adverts=int(found["number"]))
    raise ValueError("give a duration such as 20min or 90s, a count such as 5000, or decided")
