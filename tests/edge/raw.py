"""TCP connections to a server, byte for byte."""

from __future__ import annotations

import re
import resource
import socket
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.request import ProxyHandler, build_opener

from tests.chat.chat_server import ChatAddress, ServerProcess
from tests.waiting import DEADLINE_S


class Raw:
    """One connection. Every wait has a deadline."""

    def __init__(self, server: ChatAddress, host: str = "127.0.0.1", receive_buffer: int | None = None) -> None:
        self.socket = socket.socket()
        self.socket.settimeout(DEADLINE_S)
        if receive_buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.connect((host, int(server.url.rpartition(":")[2])))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def send_until_refused(self, data: bytes, most: int) -> int:
        """Sends `data` again and again, until the server has closed or `most` bytes are sent. Returns how many."""
        sent = 0
        try:
            while sent < most:
                sent += self.socket.send(data)
        except OSError:
            pass
        return sent

    def rest(self) -> bytes:
        """Everything until the server closes the connection."""
        found = b""
        try:
            while piece := self.socket.recv(65536):
                found += piece
        except ConnectionResetError:
            pass
        return found

    def answer(self) -> tuple[int, bytes]:
        """Status and body of one response."""
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            byte = self.socket.recv(1)
            if not byte:
                raise EOFError(head)
            head += byte
        length = re.search(rb"content-length: (\d+)", head)
        body = b""
        while length is not None and len(body) < int(length[1]):
            body += self.socket.recv(int(length[1]) - len(body))
        return int(head.split(b" ")[1]), body

    def wait_for_data(self) -> None:
        """Returns once the server has sent something, and leaves it to be read."""
        self.socket.recv(1, socket.MSG_PEEK)

    def is_open(self, seconds: float) -> bool:
        """Whether the server neither sends anything nor closes for some time."""
        self.socket.settimeout(seconds)
        try:
            self.socket.recv(1)
        except TimeoutError:
            return True
        finally:
            self.socket.settimeout(DEADLINE_S)
        return False


def status_of(response: bytes) -> int:
    """The status of the only response."""
    assert response.count(b"HTTP/1.1 ") == 1, response[:200]
    return int(response.split(b" ")[1])


def metric(server: ChatAddress, name: str) -> float:
    """A value of `/metrics`; `name` with its labels."""
    text = build_opener(ProxyHandler({})).open(f"{server.url}/metrics", timeout=DEADLINE_S).read().decode()
    found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
    assert found is not None, name
    return float(found[1])


def closed(server: ChatAddress, reason: str) -> float:
    """How many connections were closed for a reason."""
    return metric(server, f'talkwire_http_closed_total{{reason="{reason}"}}')


def resident_bytes(server: ServerProcess) -> int:
    """The server's resident memory."""
    pages = Path(f"/proc/{server.process.pid}/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * resource.getpagesize()
