"""The same session over a socket."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from bluezone_harness.implementations.links import AdapterError
from bluezone_harness.implementations.session import Session
from bluezone_harness.implementations.tcp import TcpLink, parse_address
from bluezone_harness.implementations.wire import Answer, AnswerKind

HELLO = {
    "protocol": 1,
    "implementation": {"name": "phone", "version": "1", "language": "java"},
    "ops": ["echo"],
    "profiles": ["v3"],
}


def serve(listener: socket.socket, behaviour: str) -> None:
    """Answer connections, one after the other, until the listener is closed."""
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection, connection.makefile("rb") as lines:
            for line in lines:
                question = json.loads(line)
                if question["op"] == "bye":
                    if behaviour == "lingers":
                        time.sleep(2.5)
                    if behaviour == "talks":
                        connection.sendall(b"goodbye\n" * 10)
                    break
                body = HELLO if question["op"] == "hello" else question["in"]
                if question["op"] == "bad" and behaviour == "closes":
                    break
                if question["op"] == "bad" and behaviour == "resets":
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    break
                if question["op"] == "bad" and behaviour == "hangs":
                    continue
                connection.sendall(json.dumps({"seq": question["seq"], "ok": body}).encode() + b"\n")


@pytest.fixture
def phone() -> Iterator[Callable[[str], int]]:
    """Return a function from a behaviour to the port where it listens."""
    listeners: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def start(behaviour: str) -> int:
        listeners.append(socket.create_server(("127.0.0.1", 0)))
        threads.append(threading.Thread(target=serve, args=(listeners[-1], behaviour)))
        threads[-1].start()
        return int(listeners[-1].getsockname()[1])

    yield start
    for listener in listeners:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()


def questions(count: int = 40) -> list[tuple[str, dict[str, object]]]:
    return [("bad" if number == 20 else "echo", {"n": number, "x": "0" * 5000}) for number in range(count)]


def test_a_session_over_a_socket(phone: Callable[[str], int]) -> None:
    port = phone("well")
    with Session(lambda: TcpLink("127.0.0.1", port)) as session:
        assert session.start().name == "phone"
        asked = questions(1000)
        answers = session.ask_all(asked)
        session.finish()
    assert answers == [Answer(AnswerKind.OK, question) for _, question in asked]
    assert (session.links, session.remarks, session.noise.count) == (1, [], 0)


@pytest.mark.parametrize(
    ("behaviour", "kind", "text"),
    [
        ("closes", AnswerKind.CRASH, "the connection was closed"),
        ("resets", AnswerKind.CRASH, "the connection was closed"),
        ("hangs", AnswerKind.TIMEOUT, "no reply within 0.5 s"),
    ],
)
def test_what_breaks_is_charged_and_connected_to_again(
    phone: Callable[[str], int], behaviour: str, kind: AnswerKind, text: str
) -> None:
    port = phone(behaviour)
    with Session(lambda: TcpLink("127.0.0.1", port), timeout_s=0.5) as session:
        asked = questions()
        answers = session.ask_all(asked)
    assert answers[20] is not None
    assert answers[20].kind is kind
    assert answers[20].text.startswith(text)
    assert [a for n, a in enumerate(answers) if n != 20] == [
        Answer(AnswerKind.OK, question) for n, (_, question) in enumerate(asked) if n != 20
    ]
    assert (session.links > 1) == (behaviour != "hangs")  # what hangs was the last to be answered


@pytest.mark.parametrize(
    ("behaviour", "remarks"),
    [("lingers", ["it did not close the connection within 2 s of bye"]), ("talks", [])],
)
def test_the_other_side_may_close_first(
    phone: Callable[[str], int], behaviour: str, remarks: list[str]
) -> None:
    port = phone(behaviour)
    with Session(lambda: TcpLink("127.0.0.1", port)) as session:
        session.start()
        session.finish()
    assert session.remarks == remarks


def test_where_nobody_listens_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = int(closed.getsockname()[1])
    with pytest.raises(AdapterError) as refused:
        TcpLink("127.0.0.1", port)
    assert refused.value.reason == f"127.0.0.1:{port} cannot be reached: connection refused"


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:4711", ("127.0.0.1", 4711)),
        ("phone.local:1", ("phone.local", 1)),
        ("[::1]:65535", ("::1", 65535)),
    ],
)
def test_addresses(text: str, address: tuple[str, int]) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize(
    "text", ["", "4711", ":4711", "host:", "host:0", "host:65536", "::1:4711", "[::1]", "a:1:2"]
)
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(ValueError, match=r"give HOST:PORT, such as 127\.0\.0\.1:4711 or \[::1\]:4711"):
        parse_address(text)
