"""Runs the N workers of `serve --workers N`: complete nodes (server processes) on one machine and one port.

The supervisor is the process that the operator started. Each worker has a process (`worker.py`) and a listening socket
of its own on the same port. The kernel spreads connections over these sockets: with one shared socket, one of four
workers accepted 644 of 1,000 simultaneous connections and another 30; with one socket each, they accept 230 to 280. A
socket closes with its worker, so no client waits for a dead worker.

A worker that dies is restarted, after a pause that grows while it keeps dying. A failure that a retry cannot fix, such
as an invalid setting, stops all workers.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import pickle
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import structlog

from talkwire.cli.failures import FAILED, CommandError
from talkwire.cli.workers.channel import (
    AllMetricsReply,
    AskAllMetrics,
    AskMetrics,
    Failed,
    MetricsReply,
    Ready,
    Stop,
    WorkerChannel,
)
from talkwire.realtime.serving.server import SHUTDOWN_S
from talkwire.settings import Settings

FIRST_WORKER = 1
"""Number of the worker that starts before the others."""

FIRST_PAUSE_S = 0.5
"""Seconds until a worker that has ended for the first time is restarted; doubled each time, up to `LONGEST_PAUSE_S`."""

LONGEST_PAUSE_S = 30.0
"""Longest time until a worker that has ended is restarted, in seconds."""

STEADY_S = 60.0
"""Seconds that a worker must have run for the pauses between its restarts to start from `FIRST_PAUSE_S` again."""

LAST_WORDS_S = 10.0
"""Longest time that a worker may take to end after its clients were served, in seconds; then it is killed."""

WORKER_METRICS_WITHIN_S = 1.0
"""Longest time that the supervisor waits for a worker's metrics, in seconds; after that it goes without them."""

_logger = structlog.get_logger(__name__)


class WorkerFailed(CommandError):
    """Raised when a worker cannot be started. Its text is for the user, mostly the worker's own error message;
    `exit_code` becomes that of the command."""

    def __init__(self, line: str, exit_code: int) -> None:
        super().__init__(line)
        self.exit_code = exit_code


class Worker:
    """A worker process as seen by the supervisor, with the channel to the process. `ready`: it accepts requests;
    `failed`: why it could not start, None if it has not reported that."""

    def __init__(self, process: asyncio.subprocess.Process, channel: WorkerChannel) -> None:
        self.ready = False
        self.failed: Failed | None = None
        self._process = process
        self._channel = channel
        self._asked: dict[int, asyncio.Future[str]] = {}
        self._ids = itertools.count()

    @classmethod
    async def start(cls, number: int, port: int) -> Worker:
        """Starts the process of the worker with this number, and returns its `Worker`. The process waits until
        `Worker.begin` sends it the settings; then it serves on `port`, which all workers share."""
        ours, theirs = socket.socketpair()
        with contextlib.ExitStack() as failed, theirs:
            failed.callback(ours.close)
            process = await asyncio.create_subprocess_exec(
                # -P: the current folder must not provide modules, which may have any name.
                *(sys.executable, "-P", "-m", "talkwire.cli.workers.worker"),
                *map(str, (number, port, theirs.fileno())),
                stdin=asyncio.subprocess.PIPE,
                pass_fds=(theirs.fileno(),),
                # Ctrl-C is for this process only: a worker that is signalled twice ends at once.
                process_group=0,
            )
            failed.pop_all()
        return cls(process, await WorkerChannel.over(ours))

    def begin(self, settings: Settings) -> None:
        stdin = self._process.stdin
        assert stdin is not None
        stdin.write(pickle.dumps(settings))
        stdin.close()

    async def requests(self) -> AsyncIterator[Ready | AskAllMetrics]:
        """Yields the messages from the worker that the supervisor has to handle, until the worker ends. Handles the
        other messages itself, such as the replies that `metrics` waits for."""
        async for message in self._channel.received():
            match message:
                case Ready() | AskAllMetrics():
                    yield message
                case Failed():
                    self.failed = message
                case MetricsReply(id=id_, metrics=metrics):
                    asked = self._asked.get(id_)
                    if asked is not None and not asked.done():
                        asked.set_result(metrics)
                case _:
                    pass

    async def metrics(self) -> str | None:
        """Returns the worker's metrics as text; None if the worker does not reply within `WORKER_METRICS_WITHIN_S`."""
        id_ = next(self._ids)
        metrics: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._asked[id_] = metrics
        self._channel.send(AskMetrics(id_))
        try:
            async with asyncio.timeout(WORKER_METRICS_WITHIN_S):
                return await metrics
        except TimeoutError:
            return None
        finally:
            del self._asked[id_]

    def answer(self, question: AskAllMetrics, metrics: dict[int, str]) -> None:
        self._channel.send(AllMetricsReply(question.id, metrics))

    def stop(self) -> None:
        """Asks the worker to stop, by a message over the channel instead of a signal.

        The worker may have received a signal from elsewhere, and a second signal would end it at once.
        """
        self._channel.send(Stop())

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()

    async def ended(self) -> int:
        """Waits until the worker process has ended, and returns its exit code."""
        exit_code = await self._process.wait()
        self._channel.close()
        return exit_code


class Workers:
    """Starts all workers on a reserved port and restarts those that end. Calls `greet` once, when all of them accept
    requests."""

    def __init__(self, settings: Settings, port: int, greet: Callable[[], None]) -> None:
        self._settings = settings
        self._port = port
        self._greet = greet
        self._ready = {number: asyncio.Event() for number in range(FIRST_WORKER, FIRST_WORKER + settings.workers)}
        self._workers: dict[int, Worker] = {}
        self._serving = False
        self._over = asyncio.Event()
        self._failure: BaseException | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Runs the workers until a signal arrives or one of them fails for good; then stops them all. Raises
        WorkerFailed if a worker has failed, or the error that kept its process from starting."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop_or_die)
        starting = asyncio.create_task(self._start())
        await self._over.wait()
        starting.cancel()
        await self._stop()
        if self._failure is not None:
            raise self._failure

    async def _start(self) -> None:
        for number in self._ready:
            self._run_in_background(self._keep(number))
        for ready in self._ready.values():
            await ready.wait()
        self._serving = True
        self._greet()

    def _stop_or_die(self) -> None:
        """Handles a signal: the first one stops the workers gracefully, the second kills them and this process."""
        if self._over.is_set():
            for worker in self._workers.values():
                worker.kill()
            os._exit(FAILED)
        self._over.set()

    async def _stop(self) -> None:
        """Asks all workers to stop gracefully, and waits until they have ended. Kills those that take more than
        `drain_window_s` (of the settings) + `SHUTDOWN_S` + `LAST_WORDS_S` seconds."""
        self._ready[FIRST_WORKER].set()
        for worker in self._workers.values():
            worker.stop()
        within_s = self._settings.drain_window_s + SHUTDOWN_S + LAST_WORDS_S
        if self._tasks and (await asyncio.wait(self._tasks, timeout=within_s))[1]:
            _logger.error("workers_killed")
            for worker in self._workers.values():
                worker.kill()
            await asyncio.wait(self._tasks)

    async def _keep(self, number: int) -> None:
        """Runs one worker and restarts it, after a pause, whenever it ends. Returns when the workers are being stopped.
        Raises WorkerFailed if a restart is useless."""
        loop, pause_s = asyncio.get_running_loop(), FIRST_PAUSE_S
        while not self._over.is_set():  # Suspends: each round rests, or runs a process until it ends.
            began_s = loop.time()
            worker = await self._begin(number)
            if worker is None:
                await self._rest(pause_s)
                pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
                continue
            if number != FIRST_WORKER:
                # The first worker migrates the database and reports errors, so the others wait for it.
                await self._ready[FIRST_WORKER].wait()
            if self._over.is_set():
                worker.kill()
            worker.begin(self._settings)
            async for message in worker.requests():
                if isinstance(message, Ready):
                    worker.ready = True
                    self._ready[number].set()
                else:
                    self._run_in_background(self._answer(worker, message))
            exit_code = await worker.ended()
            del self._workers[number]
            if self._over.is_set():
                return
            self._refuse_hopeless(number, worker, exit_code)
            if loop.time() - began_s > STEADY_S:
                pause_s = FIRST_PAUSE_S
            reason = None if worker.failed is None else worker.failed.line
            _logger.warning("worker_ended", number=number, exit_code=exit_code, reason=reason, pause_s=pause_s)
            await self._rest(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    async def _begin(self, number: int) -> Worker | None:
        """Starts a worker process and returns it; None if the operating system cannot start one while others are
        serving.

        Raises OSError if that happens before all workers are ready.
        """
        try:
            worker = self._workers[number] = await Worker.start(number, self._port)
        except OSError as error:
            if not self._serving:
                raise
            _logger.warning("worker_not_started", number=number, error=str(error))
            return None
        return worker

    async def _rest(self, pause_s: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._over.wait(), pause_s)

    def _refuse_hopeless(self, number: int, worker: Worker, exit_code: int) -> None:
        """Raises WorkerFailed if restarting the worker is useless.

        Before all workers are ready, any failure is reported to the user who started them. Later, a transient failure,
        such as an unavailable database, is retried.
        """
        if worker.failed is not None and not (worker.failed.transient and self._serving):
            raise WorkerFailed(worker.failed.line, worker.failed.exit_code)
        if not self._serving:
            raise WorkerFailed(f"worker {number} ended with exit code {exit_code} before it was ready", FAILED)

    async def _answer(self, asking: Worker, question: AskAllMetrics) -> None:
        numbers = sorted(number for number, worker in self._workers.items() if worker.ready)
        texts = await asyncio.gather(*(self._workers[number].metrics() for number in numbers))
        asking.answer(question, {number: text for number, text in zip(numbers, texts, strict=True) if text is not None})

    def _run_in_background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._gone)

    def _gone(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self._failure = self._failure or task.exception()
            self._over.set()
