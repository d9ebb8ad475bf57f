"""An adapter that misbehaves in one named way when it is asked ``bad``, and is well-behaved else.

Run as ``python misbehaving_adapter.py NAME``. It imports nothing of the project: what it writes is written by hand.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any, NoReturn

HELLO = {
    "protocol": 1,
    "implementation": {"name": "misbehaving", "version": "0", "language": "python"},
    "ops": ["echo", "bad", "new_base_ids"],
    "profiles": ["v3"],
}
FOREVER_S = 1000


def put(octets: bytes) -> None:
    while octets:
        octets = octets[os.write(1, octets) :]


def reply(seq: int, body: dict[str, Any] | None = None) -> bytes:
    return json.dumps({"seq": seq, **({"ok": {"n": -1}} if body is None else body)}).encode() + b"\n"


def child(*, own_session: bool) -> None:
    """Start a process that would stay behind, and holds the adapter's output."""
    subprocess.Popen(
        [sys.executable, "-c", f"import time; time.sleep({FOREVER_S})"], start_new_session=own_session
    )


def sleep(seq: int = 0) -> NoReturn:
    while True:
        time.sleep(FOREVER_S)


def deaf(seq: int) -> NoReturn:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sleep()


def busy(seq: int) -> NoReturn:
    while True:
        pass


def crash(seq: int) -> NoReturn:
    os._exit(3)


def segmentation_fault(seq: int) -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def real_time_signal(seq: int) -> None:
    os.kill(os.getpid(), 40)


def traceback(seq: int) -> NoReturn:
    raise IndexError("slot 96")


def half_a_reply(seq: int) -> NoReturn:
    put(b'{"seq":')
    os._exit(0)


def closed_output(seq: int) -> NoReturn:
    os.close(1)
    sleep()


def closed_input(seq: int) -> NoReturn:
    os.close(0)
    sleep()


def flood_of_replies(seq: int) -> NoReturn:
    while True:
        put(reply(seq) * 100)


def flood_of_words(seq: int) -> NoReturn:
    while True:
        put(b"I am fine\n" * 1000)


def flood_of_noise(seq: int) -> NoReturn:
    while True:
        os.write(2, b"noise " * 10_000 + b"\n")


def endless_line(seq: int) -> NoReturn:
    while True:
        put(b"[" * 65_536)


def late(seq: int) -> None:
    time.sleep(2)
    put(reply(seq))


def left_child(seq: int) -> NoReturn:
    child(own_session=False)
    os._exit(1)


def runaway_child(seq: int) -> NoReturn:
    child(own_session=True)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sleep()


def noisy(seq: int) -> None:
    os.write(2, b"\xff debug " * 200_000 + b"\nlast words\n")
    put(reply(seq, {"ok": {"n": "noisy"}}))


def writes(octets: bytes) -> Callable[[int], None]:
    """Write these octets, with the question's number put in for ``%d``."""
    return lambda seq: put(octets.replace(b"%d", str(seq).encode()))


BAD: dict[str, Callable[[int], None]] = {
    "sleep": sleep,
    "deaf": deaf,
    "busy": busy,
    "crash": crash,
    "segmentation-fault": segmentation_fault,
    "traceback": traceback,
    "half-a-reply": half_a_reply,
    "closed-output": closed_output,
    "closed-input": closed_input,
    "flood-of-replies": flood_of_replies,
    "flood-of-noise": flood_of_noise,
    "flood-of-words": flood_of_words,
    "endless-line": endless_line,
    "late": late,
    "left-child": left_child,
    "runaway-child": runaway_child,
    "noisy": noisy,
    "no-reply": lambda seq: None,
    "wrong-seq": lambda seq: put(reply(seq + 1)),
    "seq-before": lambda seq: put(reply(seq - 1)),
    "repeated": lambda seq: put(reply(seq) + reply(seq)),
    "reply-and-words": writes(b'{"seq":%d,"ok":{}}\ndone\n'),
    "real-time-signal": real_time_signal,
    "no-seq": writes(b'{"ok":{}}\n'),
    "text-seq": writes(b'{"seq":"%d","ok":{}}\n'),
    "no-body": writes(b'{"seq":%d}\n'),
    "two-bodies": writes(b'{"seq":%d,"ok":{},"reject":{"code":"BAD_MAX"}}\n'),
    "unknown-key": writes(b'{"seq":%d,"ok":{},"vector":"known"}\n'),
    "list": writes(b"[%d]\n"),
    "invalid-utf8": writes(b'{"seq":%d,"ok":"\xff"}\n'),
    "cut-utf8": writes(b'{"seq":%d,"ok":"\xc3"}\n'),
    "surrogate": writes(b'{"seq":%d,"ok":"\\ud800"}\n'),
    "huge-integer": writes(b'{"seq":%d,"ok":1' + b"0" * 5000 + b"}\n"),
    "large-integer": writes(b'{"seq":%d,"ok":9007199254740992}\n'),
    "huge-fraction": writes(b'{"seq":%d,"ok":1e999}\n'),
    "not-a-number": writes(b'{"seq":%d,"ok":NaN}\n'),
    "deep": writes(b'{"seq":%d,"ok":' + b"[" * 100_000 + b"]" * 100_000 + b"}\n"),
    "key-twice": writes(b'{"seq":%d,"ok":1,"ok":2}\n'),
    "empty-line": writes(b"\n"),
    "words": writes(b"Here you are:\n"),
    "byte-order-mark": writes(b'\xef\xbb\xbf{"seq":%d,"ok":1}\n'),
    "nul": writes(b'{"seq":%d,"ok":1}\0\n'),
}


def lines() -> list[bytes]:
    """Return the whole lines that have arrived, at least one; none at the end."""
    global rest
    while b"\n" not in rest:
        octets = os.read(0, 65_536)
        if not octets:
            return []
        rest += octets
    whole, _, rest = rest.rpartition(b"\n")
    return whole.split(b"\n")


rest = b""


def answer(name: str, line: bytes) -> bytes:
    question = json.loads(line)
    seq, op = question["seq"], question["op"]
    if op == "bye":
        if name == "lingering":
            sleep()
        if name == "deaf-to-bye":
            deaf(seq)
        if name == "leaves-a-child":
            child(own_session=True)
        sys.exit(0)
    if op == "hello":
        return reply(seq, {"ok": HELLO})
    if op == "bad" and name in BAD:
        BAD[name](seq)
        return b""
    if op in ("echo", "bad"):
        return reply(seq, {"ok": question["in"]})
    return reply(seq, {"unsupported": {}})


def main(name: str) -> None:
    while arrived := lines():
        if name == "crash-of-many" and len(arrived) > 1:
            os._exit(4)
        replies = [answer(name, line) for line in arrived]
        if name == "reversed":
            replies.reverse()
        octets = b"".join(replies)
        if name == "crlf":
            octets = octets.replace(b"\n", b"\r\n")
        if name == "pieces":
            for place in range(len(octets)):
                put(octets[place : place + 1])
        elif name == "one-by-one":
            for each in replies:
                put(each)
        else:
            put(octets)
        if name == "words-after" and b'"protocol"' not in octets:
            time.sleep(0.1)
            put(b"done\n")


if __name__ == "__main__":
    main(sys.argv[1])
