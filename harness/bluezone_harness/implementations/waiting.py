"""The questions in flight on one link: written as the link takes them, answered as it gives replies."""

from __future__ import annotations

import selectors
from collections.abc import Mapping
from types import TracebackType

from bluezone_harness.implementations.links import Link, Noise
from bluezone_harness.implementations.replies import ReplyReader, Violation
from bluezone_harness.implementations.wire import Answer, encode_question

_WRITE_LIMIT = 1024 * 1024
"""Octets of questions that wait to be written; one question may be longer."""


class WaitingQuestions:
    """The questions in flight on one link, and what moves there; use it in a ``with`` statement.

    Attributes:
        waiting: Indices of the questions in flight by their numbers, the oldest first.
        violation: What came instead of a reply, if something did.
        has_ended: The other side's output has ended.
    """

    def __init__(self, link: Link, reader: ReplyReader, noise: Noise, answered: dict[int, int]) -> None:
        self.waiting: dict[int, int] = {}
        self.has_ended = False
        self.violation: Violation | None = None
        self._selector = selectors.DefaultSelector()
        self._link = link
        self._reader = reader
        self._noise = noise
        self._answered = answered
        self._octets = bytearray()
        self._reads_input = True
        self._writes = False

    def __enter__(self) -> WaitingQuestions:
        self._selector.register(self._link.output_fileno(), selectors.EVENT_READ)
        noise = self._link.noise_fileno()
        if noise is not None:
            self._selector.register(noise, selectors.EVENT_READ)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._selector.close()

    def is_full(self, window: int) -> bool:
        """Tell whether no more question may be asked yet."""
        return len(self.waiting) >= window or len(self._octets) >= _WRITE_LIMIT

    def add(self, index: int, seq: int, op: str, question: Mapping[str, object]) -> None:
        """Put a question in flight."""
        self._octets += encode_question(op, seq, question)
        self.waiting[seq] = index
        self._reader.asked(seq)

    def step(self, left_s: float, answers: list[Answer | None]) -> None:
        """Wait until something moves, and move it; no longer than the time that is left."""
        self._listen_to_input()
        noise = self._link.noise_fileno()
        for key, events in self._selector.select(left_s):
            if key.fd == noise:
                self._hear(noise)
                continue
            if events & selectors.EVENT_WRITE:
                self._write()
            if events & selectors.EVENT_READ:
                self._read(answers)

    def index_of_violation(self) -> int | None:
        """Return which question was answered once more, if that is what happened, and it is one of these."""
        if self.violation is None or self.violation.seq is None:
            return None
        return self._answered.get(self.violation.seq)

    def take_noise(self) -> None:
        """Take what stands there of standard error, and no more than is kept of it."""
        for _ in range(4):
            octets = self._link.read_noise()
            if not octets:
                return
            self._noise.add(octets)

    def _listen_to_input(self) -> None:
        wanted = bool(self._octets) and self._reads_input
        if wanted == self._writes:
            return
        self._writes = wanted
        fileno, output = self._link.input_fileno(), self._link.output_fileno()
        if fileno == output:
            events = selectors.EVENT_READ | (selectors.EVENT_WRITE if wanted else 0)
            self._selector.modify(fileno, events)
        elif wanted:
            self._selector.register(fileno, selectors.EVENT_WRITE)
        else:
            self._selector.unregister(fileno)

    def _write(self) -> None:
        try:
            del self._octets[: self._link.write(bytes(self._octets))]
        except OSError:  # nobody reads: what follows, an end or a timeout, says how it ends
            self._octets.clear()
            self._reads_input = False

    def _read(self, answers: list[Answer | None]) -> None:
        octets = self._link.read()
        if octets is None:
            return
        if not octets:
            self.has_ended = True
            return
        fed = self._reader.feed(octets)
        for reply in fed.replies:
            index = self.waiting.pop(reply.seq)
            self._answered[reply.seq] = index
            answers[index] = reply.answer
        self.violation = fed.violation

    def _hear(self, fileno: int) -> None:
        octets = self._link.read_noise()
        if octets:
            self._noise.add(octets)
        elif octets is not None:
            self._selector.unregister(fileno)
