"""Whatever an adapter does, the session survives it, names it, charges the right question, and leaves nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable

import pytest

from bluezone_harness.implementations import session as session_module
from bluezone_harness.implementations.links import NOISE_LIMIT, AdapterError
from bluezone_harness.implementations.processes import ProcessLink
from bluezone_harness.implementations.session import Session
from bluezone_harness.implementations.wire import Answer, AnswerKind

OpenSession = Callable[..., Session]
CRASH, TIMEOUT, VIOLATION = AnswerKind.CRASH, AnswerKind.TIMEOUT, AnswerKind.VIOLATION
MISBEHAVIOURS = {
    "crash": (CRASH, "the process ended with exit code 3"),
    "segmentation-fault": (CRASH, "the process was ended by SIGSEGV"),
    "real-time-signal": (CRASH, "the process was ended by signal 40"),
    "traceback": (CRASH, "exit code 1; standard error ends with: IndexError: slot 96"),
    "half-a-reply": (CRASH, "within a reply of which 7 octets came"),
    "closed-output": (CRASH, "it closed its output"),
    "sleep": (TIMEOUT, "no reply within 0.5 s"),
    "deaf": (TIMEOUT, "no reply within 0.5 s"),
    "busy": (TIMEOUT, "no reply within 0.5 s"),
    "no-reply": (TIMEOUT, "no reply within 0.5 s"),
    "late": (TIMEOUT, "no reply within 0.5 s"),
    "closed-input": (TIMEOUT, "no reply within 0.5 s"),
    "flood-of-noise": (TIMEOUT, "no reply within 0.5 s"),
    "left-child": (TIMEOUT, "no reply within 0.5 s"),
    "runaway-child": (TIMEOUT, "no reply within 0.5 s"),
    "flood-of-replies": (VIOLATION, "a second reply to question "),
    "flood-of-words": (VIOLATION, "the line is no JSON, at character 0: 'I am fine'"),
    "endless-line": (VIOLATION, "a line without end: 4194304 octets and no line feed"),
    "wrong-seq": (VIOLATION, ", which was not asked"),
    "seq-before": (VIOLATION, ", which was not asked"),
    "repeated": (VIOLATION, "a second reply to question "),
    "no-seq": (VIOLATION, "the reply has no 'seq'"),
    "text-seq": (VIOLATION, "'seq' is no integer of at least 0"),
    "no-body": (VIOLATION, "exactly one of ok, reject, unsupported, error beside 'seq', here stands nothing"),
    "two-bodies": (VIOLATION, "here stands 'ok', 'reject'"),
    "unknown-key": (VIOLATION, "here stands 'ok', 'vector'"),
    "list": (VIOLATION, "a reply is an object, not a list"),
    "invalid-utf8": (VIOLATION, " of the line is no UTF-8"),
    "cut-utf8": (VIOLATION, " of the line is no UTF-8"),
    "surrogate": (VIOLATION, "half of a surrogate pair"),
    "huge-integer": (VIOLATION, "is beyond 9007199254740991"),
    "large-integer": (VIOLATION, "the integer 9007199254740992 is beyond 9007199254740991"),
    "huge-fraction": (VIOLATION, "the number 1e999 is too large"),
    "not-a-number": (VIOLATION, "NaN is no JSON"),
    "deep": (VIOLATION, "the line nests deeper than 32"),
    "key-twice": (VIOLATION, "the key 'ok' stands there twice"),
    "empty-line": (VIOLATION, "the line is empty"),
    "words": (VIOLATION, "the line is no JSON, at character 0: 'Here you are:'"),
    "byte-order-mark": (VIOLATION, "the line is no JSON"),
    "nul": (VIOLATION, "the line is no JSON"),
}


def questions(bad_at: int, count: int = 90) -> list[tuple[str, dict[str, object]]]:
    return [("bad" if number == bad_at else "echo", {"n": number}) for number in range(count)]


def echoes_but(bad_at: int, answers: list[Answer | None]) -> list[int]:
    """Return the questions that were not answered right, the bad one aside."""
    return [
        number
        for number, answer in enumerate(answers)
        if number != bad_at and answer != Answer(AnswerKind.OK, {"n": number})
    ]


@pytest.mark.parametrize("name", MISBEHAVIOURS)
def test_each_misbehaviour_is_survived_named_and_charged_to_its_question(
    session: OpenSession, left_behind: Callable[[], list[str]], name: str
) -> None:
    kind, text = MISBEHAVIOURS[name]
    with session(name) as opened:
        answers = opened.ask_all(questions(bad_at=70))
        assert echoes_but(70, answers) == []
        answer = answers[70]
        assert answer is not None
        assert (answer.kind, text in answer.text) == (kind, True), answer.text
        assert opened.given_up == ""
    assert left_behind() == []


@pytest.mark.parametrize("name", ["well", "pieces", "one-by-one", "reversed", "crlf"])
def test_replies_may_come_in_pieces_together_and_in_any_order(session: OpenSession, name: str) -> None:
    with session(name) as opened:
        answers = opened.ask_all(questions(bad_at=-1, count=300))
        opened.finish()
    assert echoes_but(-1, answers) == []
    assert (opened.links, opened.remarks) == (1, [])


def test_what_comes_after_the_last_reply_is_remarked(session: OpenSession) -> None:
    with session("reply-and-words") as opened:
        assert opened.ask("bad", {}) == Answer(AnswerKind.OK, {})
        assert opened.remarks == ["the line is no JSON, at character 0: 'done', after the last reply"]
        assert opened.ask("echo", {}) == Answer(AnswerKind.OK, {})


def test_an_adapter_that_reads_no_more_is_survived(session: OpenSession) -> None:
    long = [(op, {**question, "x": "0" * 20_000}) for op, question in questions(bad_at=0, count=64)]
    with session("closed-input") as opened:
        answers = opened.ask_all(long)
    assert answers[0] is not None
    assert answers[0].kind is TIMEOUT
    assert answers[1:] == [Answer(AnswerKind.OK, question) for _, question in long[1:]]


def test_standard_error_is_kept_within_bounds_and_never_a_failure(session: OpenSession) -> None:
    with session("noisy") as opened:
        answers = opened.ask_all(questions(bad_at=3, count=6))
        opened.finish()
    assert answers[3] == Answer(AnswerKind.OK, {"n": "noisy"})
    assert opened.noise.count == 200_000 * 8 + 12
    assert len(opened.noise.text()) <= NOISE_LIMIT
    assert opened.noise.last_line() == "last words"
    assert opened.remarks == []


def test_what_only_many_questions_bring_about_is_charged_to_the_oldest(session: OpenSession) -> None:
    with session("crash-of-many", window=4) as opened:
        answers = opened.ask_all(questions(bad_at=-1, count=4))
    assert [answer.kind for answer in answers if answer] == [CRASH, *[AnswerKind.OK] * 3]
    assert answers[0] is not None
    assert answers[0].text == "the process ended with exit code 4, with 4 questions in flight"


@pytest.mark.parametrize(
    ("name", "remark"),
    [
        ("lingering", "it did not end within 2 s of bye, but on SIGTERM"),
        ("deaf-to-bye", "it ended neither on bye nor on SIGTERM, and was killed"),
        ("leaves-a-child", "it left processes behind, which were killed"),
        ("words-after", "it wrote something that answers no question"),
    ],
)
def test_what_does_not_end_is_ended_and_remarked(
    session: OpenSession, left_behind: Callable[[], list[str]], name: str, remark: str
) -> None:
    with session(name) as opened:
        assert opened.ask("echo", {"n": 1}) == Answer(AnswerKind.OK, {"n": 1})
        time.sleep(0.3)
        opened.finish()
        assert remark in opened.remarks
        assert left_behind() == []
        opened.finish()  # once more does nothing


def test_what_hangs_for_ever_is_given_up(session: OpenSession, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_module, "TIMEOUT_LIMIT", 2)
    with session("sleep", timeout_s=0.2) as opened:
        answers = opened.ask_all([("bad", {})] * 5)
        assert [answer and answer.kind for answer in answers] == [TIMEOUT, None, None, None, None]
        assert opened.given_up == "2 replies did not come in time"
        assert opened.ask("echo", {}) is None


def test_what_crashes_for_ever_is_given_up(session: OpenSession, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_module, "BREAK_LIMIT", 3)
    with session("crash") as opened:
        answers = opened.ask_all([("bad", {})] * 5)
        assert [answer and answer.kind for answer in answers] == [CRASH, CRASH, None, None, None]
    assert opened.given_up == "it had to be started again 3 times"


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        (
            "import sys; sys.exit('no classes')",
            "no answer to hello: the process ended with exit code 1; standard ",
        ),
        ("print('Listening...')", "no answer to hello: the line is no JSON, at character 0: 'Listening...'"),
        ("print(input())", "no answer to hello: a reply holds exactly one of "),
        ('print(\'{"seq":1,"unsupported":{}}\')', "hello is not answered with ok but with unsupported: "),
        ('print(\'{"seq":1,"ok":{}}\')', "the answer to hello has no 'protocol'"),
    ],
)
def test_an_adapter_without_a_hello_is_refused(
    left_behind: Callable[[], list[str]], program: str, reason: str
) -> None:
    with Session(lambda: ProcessLink([sys.executable, "-S", "-c", program])) as opened:
        with pytest.raises(AdapterError) as refused:
            opened.start()
        assert refused.value.reason.startswith(reason)
        opened.finish()
    assert left_behind() == []


def test_a_command_that_is_none_is_refused() -> None:
    with Session(lambda: ProcessLink(["no-such-program"])) as opened, pytest.raises(AdapterError) as refused:
        opened.ask("echo", {})
    assert str(refused.value) == "'no-such-program' cannot be started: no such file or directory"


def test_an_adapter_that_starts_only_once_ends_the_questions(
    session: OpenSession, command: Callable[[str], list[str]]
) -> None:
    commands = iter([command("crash"), ["no-such-program"], ["no-such-program"]])
    with Session(lambda: ProcessLink(next(commands)), window=2) as opened:
        answers = opened.ask_all(questions(bad_at=5, count=10))
    assert opened.given_up.startswith("the adapter could not be started again: 'no-such-program'")
    assert answers[:4] == [Answer(AnswerKind.OK, {"n": number}) for number in range(4)]
    assert CRASH in [answer.kind for answer in answers[4:7] if answer]
    assert answers[7:] == [None] * 3


INTERRUPTED = """
import sys
from bluezone_harness.implementations.processes import ProcessLink
from bluezone_harness.implementations.session import Session
with Session(lambda: ProcessLink(sys.argv[1:]), timeout_s=60) as session:
    session.start()
    print("started", flush=True)
    session.ask("bad", {})
"""


@pytest.mark.parametrize("name", ["deaf", "runaway-child"])
def test_ctrl_c_leaves_nothing_behind(
    command: Callable[[str], list[str]], left_behind: Callable[[], list[str]], name: str
) -> None:
    arguments = [sys.executable, "-c", INTERRUPTED, *command(name)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as harness:
        assert harness.stdout is not None
        assert harness.stdout.readline() == b"started\n"
        time.sleep(0.3)
        os.kill(harness.pid, signal.SIGINT)
        _, said = harness.communicate(timeout=20)
    assert said.rstrip().endswith(b"KeyboardInterrupt")
    assert left_behind() == []


def test_an_adapter_may_be_closed_twice(
    command: Callable[[str], list[str]], left_behind: Callable[[], list[str]]
) -> None:
    link = ProcessLink(command("well"))
    assert link.close() == ""
    assert link.close(asked_to_end=True) == ""
    assert left_behind() == []
