"""The process of one worker of `serve --workers`: a complete node on a port that the workers share.

    python -P -m talkwire.cli.workers.worker NUMBER PORT CHANNEL

CHANNEL is the file descriptor of the channel to the supervisor; the settings arrive over stdin.

The worker stops on a message over its channel, on a signal, and when its supervisor has ended: nobody would restart the
worker then, and the next supervisor needs the port.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import pickle
import socket
import sys

import structlog

from talkwire.app import Node
from talkwire.cli.database import database_failures
from talkwire.cli.failures import WORKED, CommandError, TransientFailure, outcome_of
from talkwire.cli.workers.channel import (
    AllMetricsReply,
    AnyMessage,
    AskAllMetrics,
    AskMetrics,
    Failed,
    MetricsReply,
    Ready,
    Stop,
    WorkerChannel,
    send_blocking,
)
from talkwire.cli.workers.metrics import merged_metrics
from talkwire.core.domain.errors import ChatError
from talkwire.datafolder import DataFolderError, prepare_folder
from talkwire.logs import configure_logs
from talkwire.realtime.serving.server import Server, bind_shared
from talkwire.running import run
from talkwire.settings import Settings, SettingsError
from talkwire.settings.secrets import secret_values

OTHER_METRICS_WITHIN_S = 2.0
"""Longest time that a worker waits for the other workers' metrics, in seconds; after that, the response has this
worker's only."""

PARENT_GONE = 1
"""Exit code of a worker whose supervisor has ended before the worker has started."""

_logger = structlog.get_logger(__name__)


class WorkerNode(Node):
    """A node (server process) that reports its state to the supervisor of `serve --workers` over their channel."""

    ends_stalled_process = True

    def __init__(self, settings: Settings, number: int, channel: socket.socket) -> None:
        port = settings.internal_port
        super().__init__(settings.changed(internal_port=port + number - 1) if port else settings)
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
        # In the loop's next turn the server runs.
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
        """Returns the metrics of all workers, each sample labelled with its worker's number.

        A request to the shared port cannot choose a worker, so each worker returns all metrics.
        """
        id_ = next(self._ids)
        answered: asyncio.Future[dict[int, str]] = asyncio.get_running_loop().create_future()
        self._asked[id_] = answered
        self._channel.send(AskAllMetrics(id_))
        try:
            async with asyncio.timeout(OTHER_METRICS_WITHIN_S):
                texts = await answered
        except TimeoutError:
            texts = {self._number: (await super().metrics()).decode()}
        finally:
            del self._asked[id_]
        return merged_metrics(texts)

    async def _listen(self) -> None:
        async for message in self._channel.received():
            try:
                await self._handle(message)
            except Exception:
                # Continue listening, so that the end of the supervisor is noticed.
                _logger.exception("supervisor_message_not_handled")
        if self._server is None:
            os._exit(PARENT_GONE)  # the supervisor has ended, so the start is abandoned
        # Without draining, since a new supervisor's workers may be about to use the port.
        self._server.drain_s = 0.0
        self._stop()

    async def _handle(self, message: AnyMessage) -> None:
        match message:
            case Stop():
                self._stop()
            case AskMetrics(id=id_) if self._server is not None:
                self._channel.send(MetricsReply(id_, (await super().metrics()).decode()))
            case AllMetricsReply(id=id_, metrics=metrics):
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
    secrets = secret_values(settings)
    configure_logs(settings.log_level, settings.log_format, worker=number, is_final=True, secrets=secrets)
    channel = socket.socket(fileno=end)
    try:
        with database_failures(settings):
            prepare_folder(settings.data)
            run(WorkerNode(settings, number, channel), bind_shared(settings.host, port))
    except (CommandError, ChatError, DataFolderError, SettingsError, OSError) as error:
        exit_code, line = outcome_of(error)
        send_blocking(channel, Failed(line, exit_code, isinstance(error, TransientFailure)))
        return exit_code
    return WORKED


if __name__ == "__main__":
    sys.exit(main())
