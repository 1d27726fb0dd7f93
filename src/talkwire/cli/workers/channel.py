"""The channel between the supervisor of `serve --workers` and a worker: JSON lines over a pair of sockets.

The pair closes with either process, even if it is killed, so each side notices the end of the other.
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
    """The worker accepts requests."""


class Failed(WorkerMessage, frozen=True):
    """The worker could not start, and ends. `line` is what a command would print; `transient` says that a retry may
    succeed.
    """

    line: str
    exit_code: int
    transient: bool


class Stop(WorkerMessage, frozen=True):
    """The worker shall stop, as by SIGTERM."""


class AskAllMetrics(WorkerMessage, frozen=True):
    """A worker requests the metrics of all workers. The supervisor answers with `AllMetricsReply`."""

    id: int


class AskMetrics(WorkerMessage, frozen=True):
    """The supervisor requests one worker's metrics. The worker answers with `MetricsReply`."""

    id: int


class MetricsReply(WorkerMessage, frozen=True):
    id: int
    metrics: str


class AllMetricsReply(WorkerMessage, frozen=True):
    """The metrics by worker number, without the workers that did not answer in time."""

    id: int
    metrics: dict[int, str]


AnyMessage = Ready | Failed | Stop | AskAllMetrics | AskMetrics | MetricsReply | AllMetricsReply

_encode = msgspec.json.Encoder().encode
_decoder: msgspec.json.Decoder[AnyMessage] = msgspec.json.Decoder(AnyMessage)


def send_blocking(end: socket.socket, message: AnyMessage) -> None:
    """Sends a message from a process without an event loop. Does nothing if the other process has ended."""
    end.setblocking(True)  # noqa: FBT003 (takes it by place only)
    with contextlib.suppress(OSError):
        end.sendall(_encode(message) + b"\n")


class WorkerChannel:
    """One side of the channel."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def over(cls, end: socket.socket) -> WorkerChannel:
        """Returns the channel over one of the two sockets."""
        return cls(*await asyncio.open_connection(sock=end, limit=LINE_MAX))

    def send(self, message: AnyMessage) -> None:
        """Sends a message without waiting. It is lost if the other process has ended."""
        if not self._writer.is_closing():
            self._writer.write(_encode(message) + b"\n")

    async def received(self) -> AsyncIterator[AnyMessage]:
        """Yields the other side's messages until that process ends."""
        try:
            while line := await self._reader.readline():
                yield _decoder.decode(line)
        except (ConnectionError, msgspec.DecodeError):
            return  # the other process died in the middle of a line

    def close(self) -> None:
        self._writer.close()
