"""A minimal HTTP/1.1 client connection: it sends prepared requests, and finds where each answer ends."""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import Callable
from typing import NamedTuple, cast

OnAnswer = Callable[[int, bytes], None]
"""Receives the status and the body of an answer."""

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class Answer(NamedTuple):
    """An HTTP response, and the number of bytes that it took."""

    status: int
    body: bytes
    size: int


class LostConnectionError(Exception):
    """Raised if the server closes a connection that still waits for an answer."""


class Connection(asyncio.Protocol):
    """A keep-alive connection. Requests may follow each other without waiting; answers arrive in the same order."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._waiting: deque[OnAnswer] = deque()
        self._received = b""

    @property
    def is_open(self) -> bool:
        return self._transport is not None

    @property
    def is_waiting(self) -> bool:
        return bool(self._waiting)

    def ask(self, request: bytes, on_answer: OnAnswer) -> None:
        """Sends a request and calls `on_answer` once its answer is complete."""
        if self._transport is None:
            raise LostConnectionError("the server closed an idle connection")
        self._waiting.append(on_answer)
        self._transport.write(request)

    def close(self) -> None:
        """Closes the connection. Requests without an answer get none."""
        self._waiting.clear()
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        while self._waiting and (answer := parse_answer(self._received)):
            self._received = self._received[answer.size :]
            self._waiting.popleft()(answer.status, answer.body)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if self._waiting:
            raise LostConnectionError(f"the server closed a connection: {exc}")


def parse_answer(data: bytes) -> Answer | None:
    """Returns the answer at the start of `data`, or None if it is not complete yet."""
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return None
    status, start = int(data[9:12]), end + 4
    length = _LENGTH.search(data, 0, end)
    if length is None:
        return _parse_chunks(data, status, start)
    size = start + int(length[1])
    return Answer(status, data[start:size], size) if len(data) >= size else None


def _parse_chunks(data: bytes, status: int, start: int) -> Answer | None:
    """Returns an answer whose body begins at `start` in chunks, each of which is preceded by its length."""
    chunks: list[bytes] = []
    while (line_end := data.find(b"\r\n", start)) >= 0:
        length = int(data[start:line_end].partition(b";")[0], 16)
        start = line_end + 2 + length + 2
        if len(data) < start:
            return None
        if length == 0:
            return Answer(status, b"".join(chunks), start)
        chunks.append(data[line_end + 2 : start - 2])
    return None


def request(method: str, path: str, access_token: str = "", body: bytes = b"") -> bytes:
    """Returns the bytes of a request with a JSON body."""
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", f"Content-Length: {len(body)}"]
    lines += [f"Authorization: Bearer {access_token}"] if access_token else []
    return "\r\n".join([*lines, "Content-Type: application/json", "", ""]).encode() + body
