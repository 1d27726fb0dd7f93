"""The channel for messages between the supervisor of `serve --workers` and a worker: JSON lines over a socket pair.

When either process ends, even if it is killed, its socket closes, so the other process notices.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import msgspec

CHANNEL_MESSAGE_MAX_BYTES = 16 * 1024 * 1024
"""Longest message between a worker and the supervisor, in bytes."""


class WorkerMessage(msgspec.Struct, frozen=True, tag=True):
    pass


class Ready(WorkerMessage, frozen=True):
    """A message from a worker to the supervisor: the worker accepts requests now."""


class Failed(WorkerMessage, frozen=True):
    """A message from a worker to the supervisor: the worker could not start, and ends.

    `line` is the error text to print for the user; `transient` is true if a retry may succeed.
    """

    line: str
    exit_code: int
    transient: bool


class Stop(WorkerMessage, frozen=True):
    """A message from the supervisor that asks a worker to stop, as the signal SIGTERM does."""


class AskAllMetrics(WorkerMessage, frozen=True):
    """A message in which a worker requests the metrics of all workers. The supervisor replies with
    `AllMetricsReply`.
    """

    id: int


class AskMetrics(WorkerMessage, frozen=True):
    """A message in which the supervisor requests one worker's metrics. The worker replies with `MetricsReply`."""

    id: int


class MetricsReply(WorkerMessage, frozen=True):
    id: int
    metrics: str


class AllMetricsReply(WorkerMessage, frozen=True):
    """The supervisor's reply with the metrics of all workers, by worker number.

    Workers that did not reply in time are missing.
    """

    id: int
    metrics: dict[int, str]


AnyMessage = Ready | Failed | Stop | AskAllMetrics | AskMetrics | MetricsReply | AllMetricsReply

_encode = msgspec.json.Encoder().encode
_decoder: msgspec.json.Decoder[AnyMessage] = msgspec.json.Decoder(AnyMessage)


def send_blocking(end: socket.socket, message: AnyMessage) -> None:
    """Sends a message from a process that has no event loop. Does nothing if the other process has ended."""
    end.setblocking(True)  # noqa: FBT003 (takes it by place only)
    with contextlib.suppress(OSError):
        end.sendall(_encode(message) + b"\n")


class WorkerChannel:
    """One end of the channel between the supervisor and a worker, which sends and receives messages."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def over(cls, end: socket.socket) -> WorkerChannel:
        """Returns the end of the channel that uses this socket, one of a pair."""
        return cls(*await asyncio.open_connection(sock=end, limit=CHANNEL_MESSAGE_MAX_BYTES))

    def send(self, message: AnyMessage) -> None:
        """Sends a message without waiting. The message is lost if the other process has ended."""
        if not self._writer.is_closing():
            self._writer.write(_encode(message) + b"\n")

    async def received(self) -> AsyncIterator[AnyMessage]:
        """Yields the messages that the other process sends, until that process ends."""
        try:
            # Suspends: once the lines that have arrived are read.
            while line := await self._reader.readline():
                yield _decoder.decode(line)
        except (ConnectionError, msgspec.DecodeError):
            return  # the other process died in the middle of a line

    def close(self) -> None:
        self._writer.close()
