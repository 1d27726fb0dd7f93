"""The group-committing writer: one thread that executes all queued commands in one transaction, commits, and takes the
next batch.

Commands that arrive while a transaction is being written wait on the event loop, and all of them go into the next one.
So as many commands share an fsync as arrived during the last one. A command's result is returned after the commit,
never before.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from math import inf
from queue import Empty, SimpleQueue
from typing import Any, NamedTuple, TypeVar

import structlog
from sqlalchemy import Connection, Engine, select
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from talkwire.core.cluster.feed import Commit
from talkwire.core.commands.command import Command, IdempotencyKey
from talkwire.core.domain.access_policy import DEFAULT_POLICY, AccessPolicy
from talkwire.core.domain.errors import ChatError, LogReplaced
from talkwire.core.domain.model import Actor
from talkwire.core.ports.jobs import DecideBatch, Done, Job
from talkwire.observability.spans import Tracer
from talkwire.observability.writer_metrics import WriterMetrics
from talkwire.storage.gathering import Gathering
from talkwire.storage.lineage import end_epoch
from talkwire.storage.schema import log, log_head
from talkwire.storage.sql.batch import commit_with
from talkwire.storage.transaction import BatchTransaction
from talkwire.storage.view import View
from talkwire.storage.writer_task import MaintenanceTask, WriterClosedError, WriterTask

COMMANDS_BATCH_MAX = 1000
"""Most commands of one transaction."""

COMMANDS_QUEUE_MAX = 50_000
"""Most commands that wait. Further ones get `unavailable`."""

TRANSACTION_STALL_S = 10.0
"""Longest time that the writer waits for a transaction, in seconds. After it the commands get `unavailable`, and
further ones are refused. The transaction may still be committed when the database continues."""

CONNECTION_KEPT_S = 0.1
"""Seconds for which the thread keeps its connection for the next batch. The pool would check the connection before each
batch, which takes a round trip on PostgreSQL."""

STALL_CHECK_S = 1.0
"""Seconds between two checks whether the database stalls, while a transaction is in flight."""

R = TypeVar("R")

_logger = structlog.get_logger(__name__)


@dataclass(slots=True, eq=False)
class Attempt:
    """The progress of a transaction: `tx` is set once it has locked the log's head, `commit_sent` once COMMIT
    was sent."""

    tx: BatchTransaction | None = None
    commit_sent: bool = False


class Outcome(NamedTuple):
    """Jobs (queued commands) that were executed in one transaction, and the `commit` with their events; None if nothing
    was committed."""

    jobs: Sequence[Job]
    commit: Commit | None


OnCommit = Callable[[Commit, Callable[[], None]], None]
"""Function from (transaction, function that gives its commands their results), called on the event loop in the order of
the transactions."""


class GroupWriter:
    """Executes commands that change the chat in batches, on a thread of its own. Implements
    `core.engine.chat.CommandWriter`.

    `engine` is a `writing_engine`, which `close` disposes of. `decide` executes the commands of a batch, under the
    operator's `policy`. `clock_ms` returns milliseconds since 1970; with None the database's clock is used. A `tracer`
    records transactions as spans.
    """

    def __init__(
        self,
        engine: Engine,
        decide: DecideBatch,
        clock_ms: Callable[[], int] | None,
        policy: AccessPolicy = DEFAULT_POLICY,
        tracer: Tracer | None = None,
    ) -> None:
        self._policy = policy
        self._engine = engine
        self._decide = decide
        self._clock_ms = clock_ms
        self._view = View()
        self._waiting: list[Job] = []
        """Commands for the next batch."""
        self._handing_over: asyncio.Handle | None = None
        self._gathering = Gathering()
        self._gathered: asyncio.TimerHandle | None = None
        """The hand-over of a batch that waits for further commands."""
        self._in_flight = 0
        """Number of commands that were handed over and not settled since."""
        self._queue: SimpleQueue[list[Job] | MaintenanceTask | None] = SimpleQueue()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._on_commit: OnCommit | None = None
        self._epoch = ""
        self._kept: Connection | None = None
        """The thread's connection between two batches."""
        self._thread = threading.Thread(target=self._run, name="talkwire-writer", daemon=True)
        self._closed = False
        self._under_way: tuple[Sequence[Job], float] | None = None
        """The commands of the transaction in flight, and the time at which it started; a `WriterTask` has no
        commands."""
        self._stalled = False
        self._watching: asyncio.TimerHandle | None = None
        self.refuses = False
        """Whether nothing may be written at the moment, because the database's file was moved or removed."""
        self.metrics = WriterMetrics(lambda: self._in_flight + len(self._waiting), tracer)
        self.wrote_at = -inf
        """Time at which the last transaction was committed, by `time.monotonic`."""
        self.failed_at = -inf
        """Time at which the last transaction failed, by `time.monotonic`."""

    @property
    def busy(self) -> bool:
        """True while commands are queued or being executed; other tasks of the thread do not count."""
        return bool(self._in_flight or self._waiting)

    def start(self, on_commit: OnCommit, epoch: str) -> None:
        """Starts the writer's thread. Call it on the event loop from which commands are queued; there `on_commit` is
        called with each commit. If the log's epoch in the database is no longer `epoch`, commands are refused with
        `LogReplaced`."""
        self._loop = asyncio.get_running_loop()
        self._on_commit = on_commit
        self._epoch = epoch
        self._thread.start()

    async def close(self) -> None:
        """Executes the queued commands, ends the thread and closes the connections. Later commands get
        `unavailable`."""
        self._closed = True
        self._cancel_hand_over()
        while self._waiting:
            self._hand_over()
        if self._watching is not None:
            self._watching.cancel()
        self._queue.put(None)
        if self._thread.ident is not None:
            await asyncio.to_thread(self._thread.join)
        self._engine.dispose()

    def enqueue(self, actor: Actor, command: Command[Any], done: Done, key: IdempotencyKey | None = None) -> None:
        assert self._loop is not None, "the writer was not started"
        if self._closed or self.refuses or self._stalled or len(self._waiting) >= COMMANDS_QUEUE_MAX:
            refusal = ChatError("unavailable", "The server cannot take more at the moment. Try again.")
            self._loop.call_soon(done, None, refusal)
            return
        self._waiting.append(Job(actor, command, done, key))
        if not self._in_flight and self._handing_over is None:
            self._schedule_hand_over()

    def transact(self, function: Callable[[Connection], R]) -> R:
        """Runs `function` in a transaction of its own, on the writer's thread between two batches, and returns its
        result. Blocks, so call it from other threads. Raises the function's errors, and `WriterClosedError`."""
        return self.submit_transaction(function).result()

    def submit_transaction(self, function: Callable[[Connection], R]) -> Future[R]:
        """Queues `function` to run in a transaction of its own on the writer's thread, without blocking. Returns the
        future of its result. Raises `WriterClosedError` after `close`."""
        if self._closed:
            raise WriterClosedError
        task = WriterTask(function)
        self._queue.put(task)
        return task.answer

    def submit_maintenance(self, function: Callable[[Engine], R]) -> Future[R]:
        """Queues `function` to run on the writer's thread between two batches, outside any transaction and while the
        writer uses no connection of the engine, which is the argument. Returns the future of its result. Raises
        `WriterClosedError` after `close`."""
        if self._closed:
            raise WriterClosedError
        task = MaintenanceTask(function)
        self._queue.put(task)
        return task.answer

    async def begin_epoch(self) -> None:
        """Begins a new epoch of the log, unless another node has begun one. From then on, this writer refuses commands
        with `LogReplaced`, and older cursors (clients' positions in the log) are invalid: the node has to restart.
        Raises `unavailable` while the database accepts no writes."""
        try:
            await asyncio.wrap_future(self.submit_transaction(partial(end_epoch, epoch=self._epoch)))
        except (SQLAlchemyError, WriterClosedError) as error:
            _logger.error("epoch_not_begun", error=_cause(error))  # noqa: TRY400
            raise ChatError("unavailable", "The database does not answer. Try again.") from None

    def _schedule_hand_over(self) -> None:
        assert self._loop is not None
        wait_s = self._gathering.wait_s(len(self._waiting), self._loop.time())
        if not wait_s:
            # At the end of this turn: the packets that arrived together make one batch.
            self._handing_over = self._loop.call_soon(self._hand_over)
        elif self._gathered is None:
            self._gathered = self._loop.call_later(wait_s, self._hand_over)

    def _hand_over(self) -> None:
        """Passes the waiting commands, at most COMMANDS_BATCH_MAX, to the writer's thread as one batch."""
        self._cancel_hand_over()
        batch, self._waiting = self._waiting[:COMMANDS_BATCH_MAX], self._waiting[COMMANDS_BATCH_MAX:]
        self._in_flight += len(batch)
        self._gathering.began(len(batch))
        self._queue.put(batch)
        if self._watching is None and self._loop is not None:
            self._watching = self._loop.call_later(STALL_CHECK_S, self._check_stall)

    def _cancel_hand_over(self) -> None:
        for handle in (self._handing_over, self._gathered):
            if handle is not None:
                handle.cancel()
        self._handing_over = self._gathered = None

    # --- the writer's thread ----------------------------------------------------------------------------------------

    def _run(self) -> None:
        while (work := self._next_work()) is not None:
            if isinstance(work, MaintenanceTask):
                # Commands wait for it, so a database that stalls here counts as well.
                self._under_way = (), time.monotonic()
                self._give_back()
                work.carry_out(self._engine)
                self._end(Outcome((), None))
            elif work:
                self._carry_out(work)
        self._give_back()

    def _next_work(self) -> list[Job] | MaintenanceTask | None:
        """Blocks until there is a batch or another task, and returns it; None when the writer was closed. Gives the
        kept connection back to the pool if nothing arrives within CONNECTION_KEPT_S seconds."""
        if self._kept is not None:
            with contextlib.suppress(Empty):
                return self._queue.get(timeout=CONNECTION_KEPT_S)
            self._give_back()
        return self._queue.get()

    def _give_back(self) -> None:
        """Gives the connection that was kept for the next batch, if any, back to the pool."""
        kept, self._kept = self._kept, None
        if kept is not None:
            kept.close()

    def _end(self, outcome: Outcome) -> None:
        """Makes the event loop pass the results of executed commands to their callers, and publish the commit."""
        self._under_way = None
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._settle, outcome)

    def _carry_out(self, jobs: list[Job], behind: Sequence[Job] = ()) -> None:
        """Executes all jobs (queued commands) in one transaction. If one of them makes it fail, executes each in its
        own transaction, so that only that one fails. `behind` are jobs that the caller executes afterwards; if the
        database stalls during this call, they receive an error too."""
        began_at = time.monotonic()
        self._under_way = (*jobs, *behind), began_at
        attempt = Attempt()
        try:
            self._commit(jobs, attempt)
        except Exception as error:  # noqa: BLE001 (other commands wait for this thread)
            committed = self._was_committed(attempt)
            if not committed:
                if len(jobs) > 1 and committed is not None and _is_of_a_command(error, attempt):
                    _logger.warning("batch_failed", commands=len(jobs), error=_cause(error))
                    for number, job in enumerate(jobs, 1):
                        self._carry_out([job], jobs[number:])
                    return
                self.failed_at = time.monotonic()
                self.metrics.failed()
                _fail(jobs, error)
                self._end(Outcome(jobs, None))
                return
            _logger.warning("commit_reply_lost", error=_cause(error))
        tx = attempt.tx
        assert tx is not None
        self.wrote_at = time.monotonic()
        self.metrics.committed(len(jobs), self.wrote_at - began_at)
        tx.committed()
        self._end(Outcome(jobs, Commit(tx.start_pos, tx.pos, tx.events, tx.next_timer_ms)))

    def _commit(self, jobs: list[Job], attempt: Attempt) -> None:
        """Executes the jobs (queued commands) one after the other in one transaction, and commits it.

        Raises the error of the database or of a command. Nothing is written then, unless `attempt.commit_sent` is set:
        the database may have committed although its reply was lost.
        """
        kept = self._kept is not None
        try:
            self._transact(jobs, attempt)
        except DBAPIError as error:
            if not kept or attempt.tx is not None or not error.connection_invalidated:
                raise
            # The connection was closed after the last batch, so nothing has happened over it.
            self._transact(jobs, attempt)

    def _transact(self, jobs: list[Job], attempt: Attempt) -> None:
        with self._connected() as connection, connection.begin() as begun:
            tx = attempt.tx = BatchTransaction(connection, self._view, self._clock_ms, self._policy)
            if tx.epoch != self._epoch:
                raise LogReplaced
            self._view.move_to(tx.start_pos)
            self._decide(tx, jobs)
            last = tx.flush()
            attempt.commit_sent = True
            commit_with(begun, last)

    @contextlib.contextmanager
    def _connected(self) -> Iterator[Connection]:
        """Yields the connection kept from the last batch, or one from the pool. Keeps it for the next batch unless an
        error is raised."""
        connection, self._kept = self._kept or self._engine.connect(), None
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        self._kept = connection

    def _was_committed(self, attempt: Attempt) -> bool | None:
        """Returns whether a transaction is in the log although its commit failed, because the reply to COMMIT was lost;
        None if that is unknown, as for a transaction without events.

        Waits for the lock of the log's head first: when it gets the lock, the failed transaction has ended.
        """
        tx = attempt.tx
        if tx is None or not attempt.commit_sent:
            return False
        if not tx.events:
            return None
        try:
            with self._engine.begin() as connection:
                connection.execute(select(log_head.c.pos).with_for_update()).scalar_one()
                row = connection.execute(select(log.c.batch).where(log.c.pos == tx.pos)).scalar_one_or_none()
        except SQLAlchemyError:
            return None
        return row == tx.batch_id

    # --- the event loop ---------------------------------------------------------------------------------------------

    def _settle(self, outcome: Outcome) -> None:
        assert self._on_commit is not None
        self._stalled = False
        jobs, commit = outcome
        self._in_flight -= len(jobs)
        try:
            if commit is None:
                _answer(jobs)
            else:
                self._on_commit(commit, partial(_answer, jobs))
        finally:
            if jobs and not self._in_flight:
                self._next_batch()

    def _next_batch(self) -> None:
        """Schedules the batch of the commands that are waiting, if any, after the last one has ended."""
        assert self._loop is not None
        self._gathering.ended(self._loop.time())
        if self._waiting and self._handing_over is None:
            self._schedule_hand_over()

    def _check_stall(self) -> None:
        """Gives all commands the error `unavailable` if the transaction in progress takes longer than
        TRANSACTION_STALL_S seconds. Schedules the next check while commands are in flight."""
        self._watching = None
        under_way = self._under_way  # the thread may set it meanwhile
        if under_way is not None and time.monotonic() - under_way[1] >= TRANSACTION_STALL_S:
            self._give_up(under_way[0])
        if self.busy and self._loop is not None:
            self._watching = self._loop.call_later(STALL_CHECK_S, self._check_stall)

    def _give_up(self, under_way: Sequence[Job]) -> None:
        handed_over = self._drain()
        self._in_flight -= len(handed_over)
        queued = [*handed_over, *self._waiting]
        self._waiting.clear()
        if not self._stalled:
            self._stalled = True
            self.failed_at = time.monotonic()
            commands = len(under_way) + len(queued)
            _logger.error("database_stalled", seconds=TRANSACTION_STALL_S, commands=commands)
        for job in (*under_way, *queued):
            # The thread may be working on the job, so nothing else of it is read or written.
            _answer_one(job, None, ChatError("unavailable", "The database does not answer. Try again."))

    def _drain(self) -> list[Job]:
        """Removes the batches that the thread has not begun from its queue, and returns their jobs. Leaves other tasks
        in the queue."""
        taken: list[list[Job] | MaintenanceTask | None] = []
        with contextlib.suppress(Empty):
            while True:
                taken.append(self._queue.get_nowait())
        for item in taken:
            if not isinstance(item, list):
                self._queue.put(item)
        return [job for item in taken if isinstance(item, list) for job in item]


def _answer(jobs: Sequence[Job]) -> None:
    for job in jobs:
        _answer_one(job, job.result, job.error)


def _answer_one(job: Job, result: object, error: Exception | None) -> None:
    """Passes a command's result or error to its caller, unless the command was answered already because the database
    stalled."""
    if job.answered:
        return
    job.answered = True
    try:
        job.done(result, error)
    except Exception:
        # A bug of one caller must not keep the others from getting their answers.
        _logger.exception("answer_not_given")


def _is_of_a_command(error: Exception, attempt: Attempt) -> bool:
    """Returns whether a batch may have failed because of one of its commands. False if the log's head could not be
    locked or the connection was lost: then executing the commands one by one is useless."""
    if attempt.tx is None or isinstance(error, LogReplaced):
        return False
    return not (isinstance(error, DBAPIError) and error.connection_invalidated)


def _fail(jobs: Sequence[Job], error: Exception) -> None:
    """Sets the jobs' errors. If the database failed, the error is `unavailable`, which asks the caller to try again:
    whether the change was stored is unknown, but a retry under the same client message id or idempotency key is safe.
    LogReplaced is set unchanged, and any other error too, which is a bug and is logged."""
    if isinstance(error, LogReplaced):
        for job in jobs:
            job.error = error
    elif isinstance(error, SQLAlchemyError):
        _logger.error("database_failed", commands=len(jobs), error=_cause(error))
        for job in jobs:
            job.error = ChatError("unavailable", "The database does not answer. Try again.")
    else:
        _logger.error("command_failed", commands=[type(job.command).__name__ for job in jobs], exc_info=error)
        for job in jobs:
            job.error = error


def _cause(error: Exception) -> str:
    return str(getattr(error, "orig", None) or error)
