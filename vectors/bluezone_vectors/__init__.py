"""The vectors: values that nobody had to compute with this project's code.

So far these are the known answers, which came off real phones ("captured") or out of the published code as it ran
("executed"). The data are CC0; the loader is MIT.
"""

from .known_answers import (
    KnownPublishedDayKey,
    KnownRollingId,
    known_published_day_keys,
    known_rolling_ids,
)

__all__ = ["KnownPublishedDayKey", "KnownRollingId", "known_published_day_keys", "known_rolling_ids"]
