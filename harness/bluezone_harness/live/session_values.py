"""What goes into a session of listening, and what comes of it, as values."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from bluezone_harness.checks.captures import Capture
from bluezone_harness.observations import Observation
from bluezone_harness.results import Result

from .rows import Row
from .until import Until

JudgeCapture = Callable[[Callable[[], Result]], Awaitable[Result]]
"""Lets something be judged while others go on."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What there is to show at an instant.

    Attributes:
        now_us: Which.
        since_us: When the session began.
        adverts: How many were recorded.
        rows: The phones.
        result: The verdict so far; ``None``: nothing was judged yet.
        waiting: Why nothing is heard at the moment; empty where that is not so.
        reads: A phone under test is read, or may yet be.
    """

    now_us: int
    since_us: int
    adverts: int
    rows: tuple[Row, ...]
    result: Result | None
    waiting: str
    reads: bool = False


@dataclass(frozen=True, slots=True)
class Ending:
    """How a session ended.

    Attributes:
        reason: For people, and for the last line of the recording.
        capture: What was recorded, as evidence; ``None`` where nothing was.
        failure: What went wrong, a sentence; empty where nothing did.
    """

    reason: str
    capture: Capture | None
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Settings:
    """What is wanted of a session.

    Attributes:
        until: When it ends by itself.
        reads: Read iPhones by GATT.
        keeps: Says which observations are recorded.
        private: Returns what is recorded of an observation; ``None``: nothing.
        learn: Is told what will come of one session with a phone, before any of it is recorded; ``None``: nobody is,
            and it is recorded as it comes.
        say: Tells people a sentence.
        judge_each_s: How long it waits at least between two verdicts so far, in seconds.
        judges: Say how it stands while it is listened; without a device file that takes long, and tells little.
        judging: Lets something be judged while others go on.
    """

    until: Until = field(default_factory=Until)
    reads: bool = False
    keeps: Callable[[Observation], bool] = lambda observation: True
    private: Callable[[Observation], Observation | None] = lambda observation: observation
    learn: Callable[[Observation], object] | None = None
    say: Callable[[str], None] = lambda text: None
    judge_each_s: float = 1.0
    judges: bool = True
    judging: JudgeCapture = asyncio.to_thread
