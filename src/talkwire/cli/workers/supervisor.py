"""`serve --workers N`: N nodes on this machine and one port, looked after by the process that was started.

Each worker is a whole node in a process of its own (`worker.py`), with a listening socket of its own on the same port,
over which the kernel spreads connections: of one socket that all accept from, one of four took 644 of 1,000 connections
that came at once and another 30, where the kernel gives each 230 to 280. The socket dies with its worker, so nobody
waits for one that is not there.

A worker that dies is started again, after a pause that grows while that keeps happening. What cannot get better by
waiting, such as settings that are no good, ends them all.
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
from talkwire.cli.workers.channel import AllSay, AskAll, AskOne, Failed, OneSays, Ready, Stop, WorkerChannel
from talkwire.realtime.serving.server import SHUTDOWN_S
from talkwire.settings import Settings

FIRST = 1
"""The number of the worker that begins before the others."""

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
STEADY_S = 60.0
"""How long a worker must have lived for the pauses to begin anew."""

LAST_WORDS_S = 10.0
"""What a worker may take for its end beyond the time in which clients are served: then it is killed."""

METRICS_WITHIN_S = 1.0

_logger = structlog.get_logger(__name__)


class WorkerFailed(CommandError):
    """A worker could not be started, as its own words have it."""

    def __init__(self, line: str, exit_code: int) -> None:
        super().__init__(line)
        self.exit_code = exit_code


class Worker:
    """One process and the channel to it."""

    def __init__(self, process: asyncio.subprocess.Process, channel: WorkerChannel) -> None:
        self.ready = False
        self.failed: Failed | None = None
        self._process = process
        self._channel = channel
        self._asked: dict[int, asyncio.Future[str]] = {}
        self._ids = itertools.count()

    @classmethod
    async def start(cls, number: int, port: int) -> Worker:
        """Its process, which waits for `begin`."""
        ours, theirs = socket.socketpair()
        with contextlib.ExitStack() as failed, theirs:
            failed.callback(ours.close)
            process = await asyncio.create_subprocess_exec(
                # Not with the folder that it is started in, which may have modules of any name.
                *(sys.executable, "-P", "-m", "talkwire.cli.workers.worker"),
                *map(str, (number, port, theirs.fileno())),
                stdin=asyncio.subprocess.PIPE,
                pass_fds=(theirs.fileno(),),
                # Ctrl-C is for this process only: workers that are told twice end at once.
                process_group=0,
            )
            failed.pop_all()
        return cls(process, await WorkerChannel.over(ours))

    def begin(self, settings: Settings) -> None:
        stdin = self._process.stdin
        assert stdin is not None
        stdin.write(pickle.dumps(settings))
        stdin.close()

    async def received(self) -> AsyncIterator[Ready | AskAll]:
        """What it wants to be heard, until it ends."""
        async for message in self._channel.received():
            match message:
                case Ready() | AskAll():
                    yield message
                case Failed():
                    self.failed = message
                case OneSays(id=id_, metrics=metrics):
                    asked = self._asked.get(id_)
                    if asked is not None and not asked.done():
                        asked.set_result(metrics)
                case _:
                    pass

    async def metrics(self) -> str | None:
        """What it says of itself; None: it does not answer."""
        id_ = next(self._ids)
        said: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._asked[id_] = said
        self._channel.send(AskOne(id_))
        try:
            async with asyncio.timeout(METRICS_WITHIN_S):
                return await said
        except TimeoutError:
            return None
        finally:
            del self._asked[id_]

    def answer(self, question: AskAll, metrics: dict[int, str]) -> None:
        self._channel.send(AllSay(question.id, metrics))

    def stop(self) -> None:
        """Over the channel: of a signal there may be one from somebody else, and two mean at once."""
        self._channel.send(Stop())

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()

    async def ended(self) -> int:
        """Waits for its end, and answers its exit code."""
        exit_code = await self._process.wait()
        self._channel.close()
        return exit_code


class Workers:
    """All of them, on a port that is kept for them. `greet` is called once they serve."""

    def __init__(self, settings: Settings, port: int, greet: Callable[[], None]) -> None:
        self._settings = settings
        self._port = port
        self._greet = greet
        self._ready = {number: asyncio.Event() for number in range(FIRST, FIRST + settings.workers)}
        self._workers: dict[int, Worker] = {}
        self._serving = False
        self._over = asyncio.Event()
        self._failure: BaseException | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Until a signal ends it. Raises WorkerFailed."""
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
            self._go_on(self._keep(number))
        for ready in self._ready.values():
            await ready.wait()
        self._serving = True
        self._greet()

    def _stop_or_die(self) -> None:
        """At a signal."""
        if self._over.is_set():
            for worker in self._workers.values():
                worker.kill()
            os._exit(FAILED)
        self._over.set()

    async def _stop(self) -> None:
        """All at once, each in good order; what takes too long is killed."""
        self._ready[FIRST].set()
        for worker in self._workers.values():
            worker.stop()
        within_s = self._settings.drain_window_s + SHUTDOWN_S + LAST_WORDS_S
        if self._tasks and (await asyncio.wait(self._tasks, timeout=within_s))[1]:
            _logger.error("workers did not end in time and are killed")
            for worker in self._workers.values():
                worker.kill()
            await asyncio.wait(self._tasks)

    async def _keep(self, number: int) -> None:
        """Has one worker run, and again whenever it has ended. Raises WorkerFailed."""
        loop, pause_s = asyncio.get_running_loop(), FIRST_PAUSE_S
        while not self._over.is_set():
            began_s = loop.time()
            worker = await self._begin(number)
            if worker is None:
                await self._rest(pause_s)
                pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
                continue
            if number != FIRST:
                # It prepares the database, and what is wrong is said once.
                await self._ready[FIRST].wait()
            if self._over.is_set():
                worker.kill()
            worker.begin(self._settings)
            async for message in worker.received():
                if isinstance(message, Ready):
                    worker.ready = True
                    self._ready[number].set()
                else:
                    self._go_on(self._answer(worker, message))
            exit_code = await worker.ended()
            del self._workers[number]
            if self._over.is_set():
                return
            self._refuse_hopeless(number, worker, exit_code)
            if loop.time() - began_s > STEADY_S:
                pause_s = FIRST_PAUSE_S
            reason = None if worker.failed is None else worker.failed.line
            _logger.warning(
                "a worker has ended and is started again",
                number=number,
                exit_code=exit_code,
                reason=reason,
                pause_s=pause_s,
            )
            await self._rest(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    async def _begin(self, number: int) -> Worker | None:
        """None: there is no room for another process at the moment, which is no reason to end those that serve."""
        try:
            worker = self._workers[number] = await Worker.start(number, self._port)
        except OSError as error:
            if not self._serving:
                raise
            _logger.warning("a worker cannot be started", number=number, error=str(error))
            return None
        return worker

    async def _rest(self, pause_s: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._over.wait(), pause_s)

    def _refuse_hopeless(self, number: int, worker: Worker, exit_code: int) -> None:
        """Raises WorkerFailed when there is no use in starting it again: until all serve, whoever has started us is
        told what is wrong; later, the others go on while the database is away, say."""
        if worker.failed is not None and not (worker.failed.passing and self._serving):
            raise WorkerFailed(worker.failed.line, worker.failed.exit_code)
        if not self._serving:
            raise WorkerFailed(f"worker {number} ended with exit code {exit_code} before it was ready", FAILED)

    async def _answer(self, asking: Worker, question: AskAll) -> None:
        numbers = sorted(number for number, worker in self._workers.items() if worker.ready)
        said = await asyncio.gather(*(self._workers[number].metrics() for number in numbers))
        asking.answer(question, {number: text for number, text in zip(numbers, said, strict=True) if text is not None})

    def _go_on(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._gone)

    def _gone(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self._failure = self._failure or task.exception()
            self._over.set()
