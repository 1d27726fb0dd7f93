"""What the process of `serve --workers` and its workers say to each other: JSON lines over a pair of sockets.

The pair ends with either process, however that dies, so each learns of the other's end.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import msgspec

LINE_MAX = 16 * 1024 * 1024


class WorkerMessage(msgspec.Struct, frozen=True, tag=True):
    pass


class Ready(WorkerMessage, frozen=True):
    """A worker serves."""


class Failed(WorkerMessage, frozen=True):
    """A worker could not start, and ends: `line` is what a command would print. `passing`: it may be better later."""

    line: str
    exit_code: int
    passing: bool


class Stop(WorkerMessage, frozen=True):
    """A worker is to stop, as by SIGTERM."""


class AskAll(WorkerMessage, frozen=True):
    """A worker asks what every worker's metrics are."""

    id: int


class AskOne(WorkerMessage, frozen=True):
    """And so each of them is asked. It answers with `OneSays`."""

    id: int


class OneSays(WorkerMessage, frozen=True):
    id: int
    metrics: str


class AllSay(WorkerMessage, frozen=True):
    """Answers `AskAll`: by the workers' numbers, without those that did not answer in time."""

    id: int
    metrics: dict[int, str]


AnyMessage = Ready | Failed | Stop | AskAll | AskOne | OneSays | AllSay

_encode = msgspec.json.Encoder().encode
_decoder: msgspec.json.Decoder[AnyMessage] = msgspec.json.Decoder(AnyMessage)


def say(end: socket.socket, message: AnyMessage) -> None:
    """Says something where there is no event loop any more."""
    end.setblocking(True)  # noqa: FBT003 (takes it by place only)
    with contextlib.suppress(OSError):
        end.sendall(_encode(message) + b"\n")


class WorkerChannel:
    """One end."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def over(cls, end: socket.socket) -> WorkerChannel:
        """Takes over one of the two sockets."""
        return cls(*await asyncio.open_connection(sock=end, limit=LINE_MAX))

    def send(self, message: AnyMessage) -> None:
        """Never waits; what is said to a process that has ended is lost."""
        if not self._writer.is_closing():
            self._writer.write(_encode(message) + b"\n")

    async def received(self) -> AsyncIterator[AnyMessage]:
        """What the other says, until it ends."""
        try:
            while line := await self._reader.readline():
                yield _decoder.decode(line)
        except (ConnectionError, msgspec.DecodeError):
            return  # it died in the middle of a line

    def close(self) -> None:
        self._writer.close()
