"""Reads the database without blocking the event loop: a small pool of threads, each with its own connection."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import TypeVar

import structlog
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from talkwire.core.domain.errors import ChatError
from talkwire.core.ports.transaction import Snapshot
from talkwire.storage.engine import interrupt
from talkwire.storage.snapshot import TableSnapshot

READERS = 4
"""Default number of threads that read."""

READ_WITHIN_S = 8.0
"""Longest time that a read may take, including the wait for a thread, in seconds. If the database stalls, a client gets
an error while it still waits for the response."""

INTERRUPT_AFTER_S = 0.4
"""Longest time that a read may continue after its caller has gone, in seconds. Most reads end by themselves sooner."""

_AGAIN_S, _AGAIN_MAX_S = 0.1, 3.0
_NO_ANSWER = "The database does not answer. Try again."

R = TypeVar("R")

_logger = structlog.get_logger(__name__)


class ReaderPool:
    """A pool of threads that run functions over read-only snapshots of the database. Implements
    `core.engine.chat.SnapshotReader`. `clock_ms` is the snapshots' clock; with None, the database's clock is used."""

    def __init__(self, engine: Engine, threads: int = READERS, clock_ms: Callable[[], int] | None = None) -> None:
        self._engine = engine
        self._clock_ms = clock_ms
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="talkwire-reader")
        # To interrupt PostgreSQL takes a connection, and so some time.
        self._interrupting = ThreadPoolExecutor(1, thread_name_prefix="talkwire-interrupts")
        self._closed = False

    def read(self, function: Callable[[Snapshot], R]) -> Awaitable[R]:
        """Runs `function` with a snapshot on a reader thread, and returns an awaitable of its result. Awaiting raises
        the function's errors, and `unavailable` if the database fails or does not respond within READ_WITHIN_S (8)
        seconds. After `close`, the call itself raises `unavailable`.

        If the caller is cancelled, or has waited in vain, the database's work for it ends within a second.
        """
        if self._closed:
            raise ChatError("unavailable", "The server is closing. Try again.")
        reading, loop = _Reading(), asyncio.get_running_loop()
        answer: asyncio.Future[R] = loop.create_future()
        timer = loop.call_later(READ_WITHIN_S, _give_up, answer)
        work = self._threads.submit(self._read, function, reading)
        work.add_done_callback(partial(_pass_on, loop, answer))
        # Not in a coroutine: a task that is cancelled before its first step would never run it.
        answer.add_done_callback(lambda _: self._end(reading, work, timer))
        return answer

    def close(self) -> None:
        self._closed = True
        self._threads.shutdown()
        self._interrupting.shutdown()
        self._engine.dispose()

    def _read(self, function: Callable[[Snapshot], R], reading: _Reading) -> R:
        try:
            with self._engine.begin() as connection, reading.on(connection):
                return function(TableSnapshot(connection, self._clock_ms))
        except SQLAlchemyError as error:
            if not reading.is_abandoned:
                _logger.error("read_failed", error=str(getattr(error, "orig", None) or error))  # noqa: TRY400 (no bug)
            raise ChatError("unavailable", _NO_ANSWER) from error

    def _end(self, reading: _Reading, work: Future[R], timer: asyncio.TimerHandle) -> None:
        """Called when a read has an answer, or its caller was cancelled."""
        timer.cancel()
        if not (work.done() or work.cancel()):
            asyncio.get_running_loop().call_later(INTERRUPT_AFTER_S, self._interrupt, reading)

    def _interrupt(self, reading: _Reading, again_s: float = _AGAIN_S) -> None:
        """Interrupts a read until it has ended: an interruption between two statements has no effect."""
        if not (reading.has_ended or self._closed):
            self._interrupting.submit(reading.abandon)
            longer_s = min(2 * again_s, _AGAIN_MAX_S)
            asyncio.get_running_loop().call_later(again_s, self._interrupt, reading, longer_s)


def _give_up(answer: asyncio.Future[R]) -> None:
    if not answer.done():
        answer.set_exception(ChatError("unavailable", _NO_ANSWER))


def _pass_on(loop: asyncio.AbstractEventLoop, answer: asyncio.Future[R], work: Future[R]) -> None:
    """Passes the result of a read from its thread to the event loop."""
    with contextlib.suppress(RuntimeError):  # the event loop is closed
        loop.call_soon_threadsafe(_settle, answer, work)


def _settle(answer: asyncio.Future[R], work: Future[R]) -> None:
    if answer.done():
        return  # the caller was cancelled, or has waited in vain
    error = work.exception()
    if error is None:
        answer.set_result(work.result())
    else:
        answer.set_exception(error)


class _Reading:
    """One read, which another thread may interrupt while it uses a connection."""

    def __init__(self) -> None:
        self.has_ended = False
        self._abandoned = threading.Event()
        self._connection: Connection | None = None
        self._lock = threading.Lock()

    @property
    def is_abandoned(self) -> bool:
        return self._abandoned.is_set()

    @contextlib.contextmanager
    def on(self, connection: Connection) -> Iterator[None]:
        """A context manager in which the read uses `connection`, and may be interrupted. Raises `unavailable` if it was
        abandoned before."""
        with self._lock:
            if self._abandoned.is_set():
                raise ChatError("unavailable", "Nobody waits for this any more.")
            self._connection = connection
        try:
            yield
        finally:
            with self._lock:
                self.has_ended = True
                self._connection = None
            if self.is_abandoned:
                # PostgreSQL may handle the request to cancel later, during the next query on this connection.
                connection.invalidate()

    def abandon(self) -> None:
        """Interrupts the database's work for this read, and prevents it if it has not begun. Called on another
        thread."""
        with self._lock:
            if not self.has_ended:
                self._abandoned.set()
                if self._connection is not None:
                    interrupt(self._connection)
