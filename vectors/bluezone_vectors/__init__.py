"""The vectors: questions to an implementation with their answers, none computed with the reference.

``pack.load()`` gives the vector pack, ``OPERATIONS.md`` says what is asked, ``lint`` holds the pack to what no schema
can say, and ``generator`` makes it. The known answers came off real phones ("captured") or out of the published code as
it ran ("executed"); they are in the pack too. The data are CC0; program text is MIT.
"""

from .known_answers import (
    KnownPublishedDayKey,
    KnownRollingId,
    known_published_day_keys,
    known_rolling_ids,
)
from .pack import Pack, PackError, Vector, load

__all__ = [
    "KnownPublishedDayKey",
    "KnownRollingId",
    "Pack",
    "PackError",
    "Vector",
    "known_published_day_keys",
    "known_rolling_ids",
    "load",
]
