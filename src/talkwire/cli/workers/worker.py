"""One worker of `serve --workers`: a whole node, in a process of its own, on a port that the others listen on too.

python -P -m talkwire.cli.workers.worker NUMBER PORT CHANNEL

CHANNEL is a file descriptor; the settings come over stdin.

It stops when it is told to, by its channel or a signal, and when the process that started it is gone: nobody would
look after it then, and whoever starts anew needs the port.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import pickle
import socket
import sys
from dataclasses import replace

import structlog

from talkwire.app import Node
from talkwire.cli.database import database_failures
from talkwire.cli.failures import OK, CommandError, TransientFailure, outcome_of
from talkwire.cli.workers.channel import (
    AllSay,
    AnyMessage,
    AskAll,
    AskOne,
    Failed,
    OneSays,
    Ready,
    Stop,
    WorkerChannel,
    say,
)
from talkwire.cli.workers.metrics import merged_metrics
from talkwire.core.domain.errors import ChatError
from talkwire.datafolder import DataFolderError, prepare_folder
from talkwire.logs import configure_logs
from talkwire.realtime.serving.server import Server, share
from talkwire.settings import Settings, SettingsError

METRICS_WITHIN_S = 2.0
"""How long the other workers' metrics are waited for; then there are our own only."""

PARENT_GONE = 1

_logger = structlog.get_logger(__name__)


class WorkerNode(Node):
    """A node that says over its channel what becomes of it."""

    def __init__(self, settings: Settings, number: int, channel: socket.socket) -> None:
        port = settings.internal_port
        super().__init__(replace(settings, internal_port=port + number - 1) if port else settings)
        self._number = number
        self._end = channel
        self._stopping = False
        self._server: Server | None = None
        self._asked: dict[int, asyncio.Future[dict[int, str]]] = {}
        self._ids = itertools.count()

    async def start(self) -> None:
        self._channel = await WorkerChannel.over(self._end.dup())
        self._listening = asyncio.create_task(self._listen())
        await super().start()
        # In the loop's next turn the server has begun.
        asyncio.get_running_loop().call_soon(self._channel.send, Ready())

    async def stop(self) -> None:
        await super().stop()
        self._listening.cancel()
        self._channel.close()

    def server(self, kind: type[Server] = Server) -> Server:
        self._server = super().server(kind)
        self._server.should_exit = self._stopping
        return self._server

    async def metrics(self) -> bytes:
        """Every worker's, each with the number of its worker: whoever asks the port cannot choose one."""
        id_ = next(self._ids)
        answered: asyncio.Future[dict[int, str]] = asyncio.get_running_loop().create_future()
        self._asked[id_] = answered
        self._channel.send(AskAll(id_))
        try:
            async with asyncio.timeout(METRICS_WITHIN_S):
                said = await answered
        except TimeoutError:
            said = {self._number: (await super().metrics()).decode()}
        finally:
            del self._asked[id_]
        return merged_metrics(said)

    async def _listen(self) -> None:
        async for message in self._channel.received():
            try:
                await self._hear(message)
            except Exception:
                # Whatever it is, the end of the other process must not be missed for it.
                _logger.exception("a message could not be answered")
        if self._server is None:
            os._exit(PARENT_GONE)  # whatever the start is waiting for, it is for nobody
        # At once, since others may be about to listen here.
        self._server.drain_s = 0.0
        self._stop()

    async def _hear(self, message: AnyMessage) -> None:
        match message:
            case Stop():
                self._stop()
            case AskOne(id=id_) if self._server is not None:
                self._channel.send(OneSays(id_, (await super().metrics()).decode()))
            case AllSay(id=id_, metrics=metrics):
                asked = self._asked.get(id_)
                if asked is not None and not asked.done():
                    asked.set_result(metrics)
            case _:
                pass

    def _stop(self) -> None:
        self._stopping = True
        if self._server is not None:
            self._server.should_exit = True


def main() -> int:
    number, port, end = (int(argument) for argument in sys.argv[1:4])
    settings: Settings = pickle.load(sys.stdin.buffer)  # noqa: S301 (of the process that has started this one)
    configure_logs(settings.log_level, settings.log_format, worker=number)
    channel = socket.socket(fileno=end)
    try:
        with database_failures(settings):
            prepare_folder(settings.data)
            WorkerNode(settings, number, channel).run(share(settings.host, port))
    except (CommandError, ChatError, DataFolderError, SettingsError, OSError) as error:
        exit_code, line = outcome_of(error)
        say(channel, Failed(line, exit_code, isinstance(error, TransientFailure)))
        return exit_code
    return OK


if __name__ == "__main__":
    sys.exit(main())
