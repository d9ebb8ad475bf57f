"""A session with an implementation: questions out, answers in, whatever the other side does.

Theory of operation. A session holds one link at a time and keeps up to ``WINDOW`` questions in flight on it. One
loop, without threads, writes what the link takes, reads what it gives, and keeps the time. The clock of a question
runs from when it is the oldest in flight. When something breaks (the process ends, no reply comes in time, what comes
is no reply), the link is closed, with all that stands behind it, and a new one is opened. The questions that were in
flight are then asked one at a time, so that the one at fault is found for certain: it is charged with what it
brought about. Where none of them breaks anything alone, the oldest is charged with what happened at first.

A session that has seen too much of this gives up: what it did not ask has no answer.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType

from bluezone_harness.implementations.lines import WireError, shortened
from bluezone_harness.implementations.links import AdapterError, Link, Noise
from bluezone_harness.implementations.replies import ReplyReader
from bluezone_harness.implementations.waiting import WaitingQuestions
from bluezone_harness.implementations.wire import (
    BYE,
    HELLO,
    PROTOCOL,
    Answer,
    AnswerKind,
    Hello,
    decode_hello,
    encode_question,
)

TIMEOUT_S = 10.0
"""How long a reply may take, unless the caller says otherwise."""
START_S = 20.0
"""How long the reply to hello may take, at least: a virtual machine takes its time to start."""
WINDOW = 64
"""Questions in flight."""
TIMEOUT_LIMIT = 20
"""Replies that may fail to come in time before a session gives up."""
BREAK_LIMIT = 300
"""Crashes, violations and timeouts together before a session gives up."""
_SEQ_STEP = 7
"""From one question's number to the next: a reply numbered one too high or too low answers no question."""
_NOISE_SHOWN = 160

QuestionOf = tuple[str, Mapping[str, object]]
"""An operation and what is asked of it."""


@dataclass(frozen=True, slots=True)
class Break:
    """Something that ended a link.

    Attributes:
        kind: Crash, timeout or violation.
        text: One clause for people.
        index: Of the question that is known to be at fault; ``None`` where that must be found out.
        waiting: Indices of the questions without a reply, the oldest first.
    """

    kind: AnswerKind
    text: str
    index: int | None
    waiting: tuple[int, ...]

    def answer(self) -> Answer:
        """Return the answer of the question that is charged with it."""
        return Answer(self.kind, text=self.text)


class Session:
    """A session; use it in a ``with`` statement, so that nothing is left of the other side.

    Args:
        connect: Opens a link.
        timeout_s: How long a reply may take.
        window: Questions in flight.
        clock: Seconds that only go forward.

    Attributes:
        hello: What the implementation said of itself, from ``start`` on.
        noise: What it wrote to standard error.
        links: How many links there were.
        remarks: What was seen besides: one clause each.
        given_up: Why no more is asked; empty while all is well.
    """

    def __init__(
        self,
        connect: Callable[[], Link],
        *,
        timeout_s: float = TIMEOUT_S,
        window: int = WINDOW,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.hello: Hello | None = None
        self.noise = Noise()
        self.links = 0
        self.remarks: list[str] = []
        self.given_up = ""
        self._connect = connect
        self._timeout_s = timeout_s
        self._window = window
        self._clock = clock
        self._seq = 1
        self._breaks = 0
        self._timeouts = 0
        self._link: Link | None = None
        self._reader = ReplyReader()
        self._answered: dict[int, int] = {}

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._link is not None:
            self._drop_link()

    def start(self) -> Hello:
        """Open the first link and say hello.

        Raises:
            AdapterError: It cannot be opened, or what answers does not speak the protocol.
        """
        self._open()
        assert self.hello is not None  # noqa: S101 - set where a link is opened
        return self.hello

    def ask(self, op: str, question: Mapping[str, object]) -> Answer | None:
        """Ask one question, with no other in flight; ``None`` where the session has given up."""
        return self.ask_all([(op, question)])[0]

    def ask_all(self, questions: Sequence[QuestionOf]) -> list[Answer | None]:
        """Ask questions and return their answers in the same order; ``None`` for what was not asked any more.

        Raises:
            AdapterError: The first link cannot be opened.
        """
        answers: list[Answer | None] = [None] * len(questions)
        pending = deque(range(len(questions)))
        self._answered.clear()
        while pending and self._is_open():
            broken = self._exchange(questions, pending, self._window, answers)
            if broken is not None:
                self._find_fault(questions, pending, broken, answers)
        return answers

    def finish(self) -> None:
        """Say goodbye and let the other side end; what it does beyond that becomes a remark."""
        if self._link is None:
            return
        link, self._link = self._link, None
        try:
            if self._is_quiet(link):
                octets = encode_question(BYE, self._next_seq())
                while written := link.write(octets):
                    octets = octets[written:]
            else:
                self.remarks.append("it wrote something that answers no question")
            link.close_input()
        except OSError:
            self.remarks.append("it ended before bye")
        finally:
            needed = link.close(asked_to_end=True)
        if needed:
            self.remarks.append(needed)

    def _is_open(self) -> bool:
        """Open a link where there is none; ``False`` where the session has given up."""
        if self._link is None and not self.given_up:
            try:
                self._open()
            except AdapterError as problem:
                if self.hello is None:
                    raise
                self.given_up = f"the adapter could not be started again: {problem.reason}"
        return not self.given_up

    def _open(self) -> None:
        self._link = self._connect()
        self.links += 1
        self._reader = ReplyReader()
        answers: list[Answer | None] = [None]
        wait_s = max(self._timeout_s, START_S)
        broken = self._exchange([(HELLO, {"protocol": PROTOCOL})], deque([0]), 1, answers, wait_s)
        if broken is not None:
            raise AdapterError(f"no answer to hello: {broken.text}")
        answer = answers[0]
        if answer is None or answer.kind is not AnswerKind.OK:
            self._drop_link()
            what = "nothing" if answer is None else f"{answer.kind}: {answer.text or answer.code}"
            raise AdapterError(f"hello is not answered with ok but with {what}")
        try:
            self.hello = decode_hello(answer.value)
        except WireError as problem:
            self._drop_link()
            raise AdapterError(problem.reason) from None
        self._answered.clear()

    def _find_fault(
        self,
        questions: Sequence[QuestionOf],
        pending: deque[int],
        broken: Break,
        answers: list[Answer | None],
    ) -> None:
        """Charge the question at fault, and answer or put back the others that were in flight."""
        if broken.index is not None:
            answers[broken.index] = broken.answer()
            pending.extendleft(reversed(broken.waiting))
            return
        if not broken.waiting:
            self.remarks.append(f"{broken.text}, after the last reply")
            return
        if len(broken.waiting) == 1:
            answers[broken.waiting[0]] = broken.answer()
            return
        found = False
        for index in broken.waiting:
            if not self._is_open():
                break
            alone = self._exchange(questions, deque([index]), 1, answers)
            if alone is not None:
                found = True
                answers[index if alone.index is None else alone.index] = alone.answer()
        if not found:
            text = f"{broken.text}, with {len(broken.waiting)} questions in flight"
            answers[broken.waiting[0]] = Answer(broken.kind, text=text)

    def _exchange(
        self,
        questions: Sequence[QuestionOf],
        pending: deque[int],
        window: int,
        answers: list[Answer | None],
        timeout_s: float | None = None,
    ) -> Break | None:
        """Ask on the open link until all is answered, or something breaks; then the link is closed."""
        assert self._link is not None  # noqa: S101 - the callers open it
        timeout_s = self._timeout_s if timeout_s is None else timeout_s
        with WaitingQuestions(self._link, self._reader, self.noise, self._answered) as asked:
            oldest = -1
            end_s = 0.0
            while True:
                while pending and not asked.is_full(window):
                    index = pending.popleft()
                    op, question = questions[index]
                    asked.add(index, self._next_seq(), op, question)
                if not asked.waiting:
                    return None
                if (first := next(iter(asked.waiting))) != oldest:
                    oldest = first
                    end_s = self._clock() + timeout_s
                left_s = end_s - self._clock()
                if left_s <= 0:
                    return self._broken(AnswerKind.TIMEOUT, asked, f"no reply within {timeout_s:g} s")
                asked.step(left_s, answers)
                if asked.violation is not None:
                    return self._broken(AnswerKind.VIOLATION, asked, asked.violation.text)
                if asked.has_ended:
                    return self._broken(AnswerKind.CRASH, asked, "")

    def _broken(self, kind: AnswerKind, asked: WaitingQuestions, text: str) -> Break:
        """Close the link and say what ended it."""
        link = self._link
        assert link is not None  # noqa: S101 - there was an exchange on it
        if kind is AnswerKind.CRASH:
            text = link.ending()
            if self._reader.unfinished():
                text += f", within a reply of which {self._reader.unfinished()} octets came"
            asked.take_noise()
            if line := self.noise.last_line():
                text += f"; standard error ends with: {shortened(line, _NOISE_SHOWN)}"
        self._drop_link()
        self._breaks += 1
        self._timeouts += kind is AnswerKind.TIMEOUT
        if self._timeouts >= TIMEOUT_LIMIT:
            self.given_up = f"{TIMEOUT_LIMIT} replies did not come in time"
        elif self._breaks >= BREAK_LIMIT:
            self.given_up = f"it had to be started again {BREAK_LIMIT} times"
        at_fault = asked.index_of_violation()
        return Break(kind, text, at_fault, tuple(asked.waiting.values()))

    def _drop_link(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            link.close()

    def _is_quiet(self, link: Link) -> bool:
        """Tell whether nothing came but what was asked for."""
        return not self._reader.unfinished() and link.read() is None

    def _next_seq(self) -> int:
        seq = self._seq
        self._seq += _SEQ_STEP
        return seq
