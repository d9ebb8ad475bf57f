"""The reader of replies: whatever the pieces, the same replies; after the first violation nothing."""

from __future__ import annotations

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from bluezone_harness.implementations.lines import LINE_LIMIT
from bluezone_harness.implementations.replies import ReplyReader
from bluezone_harness.implementations.wire import Reply, encode_reply, ok

GARBAGE = [b"\n", b"hello\n", b"\xff\n", b"[]\n", b'{"seq":1}\n', b'{"ok":{}}\n', b"{" * 99 + b"\n"]


class Conversation(RuleBasedStateMachine):
    """Questions are asked, replied to in any order, and the octets arrive in any pieces."""

    def __init__(self) -> None:
        super().__init__()
        self.reader = ReplyReader()
        self.asked = 0
        self.waiting: list[int] = []
        self.written: list[int] = []
        self.wire = b""
        self.expected: list[Reply] = []
        self.got: list[Reply] = []
        self.at_fault = False
        self.fed_fault = False
        self.fault_at = 0
        self.fed = 0

    @rule()
    def ask(self) -> None:
        self.asked += 1
        if not self.fed_fault:
            self.reader.asked(self.asked)
        self.waiting.append(self.asked)

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def write_reply(self, data: st.DataObject) -> None:
        seq = self.waiting.pop(data.draw(st.integers(0, len(self.waiting) - 1)))
        self.wire += encode_reply(seq, ok({"n": seq}))
        self.written.append(seq)
        if not self.at_fault:
            self.expected.append(Reply(seq, ok({"n": seq})))

    @precondition(lambda self: not self.at_fault)
    @rule(data=st.data())
    def write_what_is_no_reply(self, data: st.DataObject) -> None:
        repeated = [encode_reply(seq, ok({})) for seq in self.written]
        strange = [encode_reply(self.asked + 1000, ok({}))]
        self.wire += data.draw(st.sampled_from([*GARBAGE, *repeated, *strange]))
        self.at_fault = True
        self.fault_at = self.fed + len(self.wire)

    @rule(size=st.integers(0, 60))
    def feed(self, size: int) -> None:
        piece, self.wire = self.wire[:size], self.wire[size:]
        self.fed += len(piece)
        fed = self.reader.feed(piece)
        self.got += fed.replies
        self.fed_fault = self.at_fault and self.fed >= self.fault_at
        assert (fed.violation is not None) == self.fed_fault

    @invariant()
    def gives_each_reply_once_and_in_order(self) -> None:
        assert self.got == self.expected[: len(self.got)]
        assert self.reader.unfinished() <= self.fed

    def teardown(self) -> None:
        if self.wire:
            self.feed(len(self.wire))
        assert self.got == self.expected
        if not self.at_fault:
            assert list(self.reader.waiting) == self.waiting
            assert self.reader.unfinished() == 0


TestConversation = Conversation.TestCase


def test_a_number_is_used_once() -> None:
    reader = ReplyReader()
    reader.asked(1)
    with pytest.raises(ValueError, match="the number 1 was used before"):
        reader.asked(1)
    reader.feed(encode_reply(1, ok(None)))
    with pytest.raises(ValueError, match="the number 1 was used before"):
        reader.asked(1)


def test_a_line_without_end_is_a_violation_and_not_kept() -> None:
    reader = ReplyReader()
    reader.asked(1)
    assert reader.feed(b"[" * LINE_LIMIT).violation is None
    assert reader.unfinished() == LINE_LIMIT
    fed = reader.feed(b"[")
    assert fed.violation is not None
    assert fed.violation.text == "a line without end: 4194304 octets and no line feed"
    assert reader.feed(encode_reply(1, ok(None))) == fed
    assert reader.unfinished() == 0


def test_a_second_reply_names_its_question_and_what_came_before_it_counts() -> None:
    reader = ReplyReader()
    reader.asked(1)
    reader.asked(8)
    fed = reader.feed(encode_reply(8, ok(1)) + encode_reply(8, ok(1)) + encode_reply(1, ok(1)))
    assert fed.replies == (Reply(8, ok(1)),)
    assert fed.violation is not None
    assert (fed.violation.text, fed.violation.seq) == ("a second reply to question 8", 8)
    assert list(reader.waiting) == [1]
