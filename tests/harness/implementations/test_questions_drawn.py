"""What a search asks can be asked: every question that is drawn fits on the wire, and the reference answers it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bluezone_harness.implementations.questions_drawn import QUESTIONS
from bluezone_harness.implementations.reference_answers import answer_of
from bluezone_harness.implementations.wire import AnswerKind, decode_question, encode_question, encode_reply


@pytest.mark.req("BZ-KEY-006", "BZ-MAT-002", "BZ-MSG-006")
@pytest.mark.parametrize("op", sorted(QUESTIONS))
@given(data=st.data())
def test_a_question_and_its_answer_fit_on_the_wire(op: str, data: st.DataObject) -> None:
    question = data.draw(QUESTIONS[op])
    assert decode_question(encode_question(op, 1, question)).question == question
    answer = answer_of(op, question)
    assert answer.kind in (AnswerKind.OK, AnswerKind.REJECT, AnswerKind.ERROR)
    assert encode_reply(1, answer).endswith(b"\n")
