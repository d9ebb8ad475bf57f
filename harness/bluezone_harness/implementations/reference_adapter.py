"""An adapter for implementations in Python, and the reference served by it.

Theory of operation. ``serve`` reads questions, one a line, and writes a reply to each at once, one a line, until
``bye`` or the end of its input. A line that is no question ends it: there is no number to reply to.

``python -m bluezone_harness.implementations.reference_adapter`` serves the reference; ``--faulty NAME`` serves a faulty
implementation in its place, as an example for whoever tests a harness.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import IO

from bluezone_reference import __version__
from bluezone_reference.profiles import PROFILES

from . import wire
from .lines import LINE_LIMIT, WireError
from .questions import Asked
from .reference_answers import ANSWERERS, answer_of
from .wire import Answer, Hello

HELLO = Hello("bluezone-reference", __version__, "python", tuple(ANSWERERS), tuple(PROFILES))
"""What the reference says of itself."""


def serve(
    answer_of: Callable[[str, Asked], Answer],
    stdin: IO[bytes],
    stdout: IO[bytes],
    hello: Hello = HELLO,
    stderr: IO[bytes] | None = None,
) -> int:
    """Serve an implementation over JSON Lines.

    Args:
        answer_of: Answers one question.
        stdin: Where the questions come from.
        stdout: Where the replies go.
        hello: What the implementation says of itself.
        stderr: Where is said what was wrong with a line that is no question.

    Returns:
        The process's exit code: 0 after ``bye`` or the end of the input, 1 after a line that is no question.
    """
    while line := stdin.readline(LINE_LIMIT + 2):
        try:
            asked = wire.decode_question(line)
        except WireError as mistake:
            if stderr is not None:
                stderr.write(f"{hello.name}: {mistake.reason}\n".encode("utf-8", "backslashreplace"))
            return 1
        if asked.op == wire.BYE:
            return 0
        answer = wire.ok(hello.value()) if asked.op == wire.HELLO else answer_of(asked.op, asked.question)
        stdout.write(wire.encode_reply(asked.seq, answer))
        stdout.flush()
    return 0


def main(arguments: list[str]) -> int:
    """Serve the reference, or a faulty implementation that is named.

    Args:
        arguments: None, or ``--faulty`` and a name.

    Returns:
        The exit code; 64 for other arguments.
    """
    served, hello = answer_of, HELLO
    if arguments:
        from .faulty import FAULTY

        if len(arguments) != 2 or arguments[0] != "--faulty" or arguments[1] not in FAULTY:
            known = ", ".join(FAULTY)
            sys.stderr.write(f"usage: reference_adapter [--faulty NAME], where NAME is one of {known}\n")
            return 64
        faulty = FAULTY[arguments[1]]
        served = faulty.answer_of
        hello = Hello(f"bluezone-{faulty.name}", __version__, "python", tuple(ANSWERERS), tuple(PROFILES))
    return serve(served, sys.stdin.buffer, sys.stdout.buffer, hello, sys.stderr.buffer)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
