"""Implementations that take one profile for another; under v3 they are right."""

from __future__ import annotations

from bluezone_harness.implementations.questions import Asked
from bluezone_harness.implementations.reference_answers import answer_of
from bluezone_harness.implementations.wire import Answer
from bluezone_reference.profiles import ANDROID_V3, IOS_V3, V3, Profile

from .model import Change, FaultyImplementation


def _always(profile: Profile) -> Change:
    def answer(op: str, question: Asked) -> Answer:
        return answer_of(op, {**question, "profile": profile.name})

    return answer


QUIRKS = (
    FaultyImplementation(
        "ignores-profile",
        "",
        "BZ-KEY-007",
        "answers by the corrected protocol, whichever profile is asked for",
        {},
        quirks=_always(V3),
    ),
    FaultyImplementation(
        "always-android-v3",
        "",
        "BZ-KEY-007",
        "answers as Android 3.0.3, whichever of the published builds is asked for",
        {},
        quirks=_always(ANDROID_V3),
    ),
    FaultyImplementation(
        "always-ios-v3",
        "",
        "BZ-KEY-007",
        "answers as iOS 3.0.3, whichever of the published builds is asked for",
        {},
        quirks=_always(IOS_V3),
    ),
)
"""Those of the published builds' profiles."""
