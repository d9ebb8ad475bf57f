"""An implementation behind a socket, such as a phone's behind ``adb forward``: the same messages over TCP."""

from __future__ import annotations

import re
import socket
import time
from contextlib import suppress

from bluezone_harness.implementations.links import END_S, READ_LIMIT, AdapterError

CONNECT_S = 10.0
"""How long a connection may take."""
_ADDRESS = re.compile(r"(?:\[(?P<bracketed>[^\[\]]+)\]|(?P<host>[^:\[\]]+)):(?P<port>[0-9]{1,5})")


def parse_address(text: str) -> tuple[str, int]:
    """Read ``HOST:PORT``; an IPv6 address stands in brackets.

    Raises:
        ValueError: It is none.
    """
    found = _ADDRESS.fullmatch(text)
    if not found or not 0 < int(found["port"]) < 65_536:
        raise ValueError("give HOST:PORT, such as 127.0.0.1:4711 or [::1]:4711")
    return found["bracketed"] or found["host"], int(found["port"])


class TcpLink:
    """A connection; a ``Link``.

    Args:
        host: Name or address.
        port: 1 to 65535.

    Raises:
        AdapterError: Nobody answers there.
    """

    def __init__(self, host: str, port: int) -> None:
        try:
            self._socket = socket.create_connection((host, port), timeout=CONNECT_S)
        except OSError as problem:
            reason = (problem.strerror or str(problem)).lower()
            raise AdapterError(f"{host}:{port} cannot be reached: {reason}") from None
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.setblocking(False)
        self._problem = ""

    def output_fileno(self) -> int:
        """Return the socket."""
        return self._socket.fileno()

    def input_fileno(self) -> int:
        """Return the socket."""
        return self._socket.fileno()

    def noise_fileno(self) -> int | None:
        """Return nothing: there is no standard error on a socket."""
        return None

    def read(self) -> bytes | None:
        """Return what arrived."""
        try:
            return self._socket.recv(READ_LIMIT)
        except BlockingIOError:
            return None
        except OSError as problem:  # reset by the other side
            self._problem = f": {(problem.strerror or str(problem)).lower()}"
            return b""

    def read_noise(self) -> bytes | None:
        """Return nothing."""
        return b""

    def write(self, octets: bytes) -> int:
        """Send what the socket takes."""
        try:
            return self._socket.send(octets)
        except BlockingIOError:
            return 0

    def close_input(self) -> None:
        """Say that no more questions come."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)

    def ending(self) -> str:
        """Say that the other side closed the connection."""
        return f"the connection was closed{self._problem}"

    def close(self, *, asked_to_end: bool = False) -> str:
        """Close the connection; after a goodbye the other side may close it first."""
        end_s = time.monotonic() + (END_S if asked_to_end else 0.0)
        while (left_s := end_s - time.monotonic()) > 0:
            self._socket.settimeout(left_s)
            with suppress(OSError):  # nothing came, or it is closed
                if self._socket.recv(READ_LIMIT):
                    continue
            break
        needed = ""
        if asked_to_end and time.monotonic() >= end_s:
            needed = f"it did not close the connection within {END_S:g} s of bye"
        self._socket.close()
        return needed
