"""What comes back from an implementation, paired with the questions that wait: octets in, replies out, no I/O.

Theory of operation. ``ReplyReader`` is told of each question that is asked and fed whatever octets arrive, in
whatever pieces. A line that answers a waiting question becomes a reply; replies may come in any order. Any other line
is a violation: the reader says what it was and reads no more, because nothing after it can be trusted to belong to
anything. Memory is bounded by one line.
"""

from __future__ import annotations

from dataclasses import dataclass

from bluezone_harness.implementations.lines import LINE_LIMIT, WireError
from bluezone_harness.implementations.wire import Reply, decode_reply


@dataclass(frozen=True, slots=True)
class Violation:
    """What came instead of a reply.

    Attributes:
        text: One sentence for people, without a full stop.
        seq: Number of the question that was answered once more; ``None`` where it is none of that.
    """

    text: str
    seq: int | None = None


@dataclass(frozen=True, slots=True)
class Fed:
    """What some octets held: the replies before a violation, if there was one."""

    replies: tuple[Reply, ...]
    violation: Violation | None


class ReplyReader:
    """Pairs replies with questions.

    Attributes:
        waiting: Numbers of the questions without a reply, the oldest first.
    """

    def __init__(self) -> None:
        self.waiting: dict[int, None] = {}
        self._answered: set[int] = set()
        self._octets = bytearray()
        self._violation: Violation | None = None

    def asked(self, seq: int) -> None:
        """Note that a question was asked.

        Raises:
            ValueError: Its number was used before.
        """
        if seq in self.waiting or seq in self._answered:
            raise ValueError(f"the number {seq} was used before")
        self.waiting[seq] = None

    def feed(self, octets: bytes) -> Fed:
        """Take what arrived.

        Args:
            octets: Any piece of the stream.

        Returns:
            The replies that it completed; after a violation none, and the same violation again.
        """
        if self._violation is not None:
            return Fed((), self._violation)
        searched = len(self._octets)
        self._octets += octets
        replies: list[Reply] = []
        start = 0
        end = self._octets.find(b"\n", searched)
        while end >= 0 and self._violation is None:
            self._take(bytes(self._octets[start:end]), replies)
            start = end + 1
            end = self._octets.find(b"\n", start)
        del self._octets[:start]
        if self._violation is None and len(self._octets) > LINE_LIMIT:
            self._violation = Violation(f"a line without end: {LINE_LIMIT} octets and no line feed")
        return Fed(tuple(replies), self._violation)

    def unfinished(self) -> int:
        """Return how many octets stand there of a line that has not ended."""
        return 0 if self._violation is not None else len(self._octets)

    def _take(self, line: bytes, replies: list[Reply]) -> None:
        try:
            reply = decode_reply(line)
        except WireError as problem:
            self._violation = Violation(problem.reason)
            return
        if reply.seq in self.waiting:
            del self.waiting[reply.seq]
            self._answered.add(reply.seq)
            replies.append(reply)
        elif reply.seq in self._answered:
            self._violation = Violation(f"a second reply to question {reply.seq}", reply.seq)
        else:
            self._violation = Violation(f"a reply to question {reply.seq}, which was not asked")
