"""The group-committing writer: one thread that carries out all that is queued in one transaction, then the next.

Commands that arrive while a transaction is being written are queued, and all of them go into the following one; so an
fsync is shared by as many commands as came during the last. A command is answered after the commit, never before.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any

import structlog
from sqlalchemy import Connection, Engine, select
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from talkwire.core.commands import Command
from talkwire.core.errors import ChatError
from talkwire.core.events import Durable
from talkwire.core.handlers import ChangeHandler
from talkwire.core.model import Actor
from talkwire.core.transaction import Needs
from talkwire.storage.schema import log, log_head
from talkwire.storage.snapshot import TableSnapshot
from talkwire.storage.statements import Lookups
from talkwire.storage.transaction import BatchTransaction
from talkwire.storage.view import View

BATCH_MAX = 1000
QUEUE_MAX = 50_000
MISSED_MAX = 10_000

_logger = structlog.get_logger(__name__)


@dataclass(slots=True, eq=False)
class Job:
    """One queued command and, once it was carried out, its outcome."""

    actor: Actor
    command: Command[Any]
    future: asyncio.Future[Any]
    result: object = None
    error: Exception | None = None


class GroupWriter:
    """Implements `core.chat.Writer`. `publish` is called on the event loop with the events of each commit."""

    def __init__(
        self,
        engine: Engine,
        handlers: Mapping[type[Command[Any]], ChangeHandler],
        clock_ms: Callable[[], int],
        publish: Callable[[Sequence[Durable]], None],
    ) -> None:
        self._engine = engine
        self._handlers = handlers
        self._clock_ms = clock_ms
        self._publish = publish
        self._lookups = Lookups(engine.dialect)
        self._view = View()
        self._published_pos: int | None = None
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._run, name="talkwire-writer", daemon=True)
        self._closed = False

    def start(self) -> None:
        """Starts the thread; call it on the event loop that commands come from."""
        self._loop = asyncio.get_running_loop()
        with self._engine.connect() as connection:
            self._published_pos = connection.execute(select(log_head.c.pos)).scalar_one()
        self._thread.start()

    async def close(self) -> None:
        """Carries out what is queued, then ends the thread."""
        self._closed = True
        self._jobs.put(None)
        await asyncio.to_thread(self._thread.join)
        self._engine.dispose()

    def submit(self, actor: Actor, command: Command[Any]) -> asyncio.Future[Any]:
        assert self._loop is not None, "the writer was not started"
        future = self._loop.create_future()
        if self._closed or self._jobs.qsize() >= QUEUE_MAX:
            future.set_exception(ChatError("unavailable", "The server cannot take more at the moment. Try again."))
        else:
            self._jobs.put(Job(actor, command, future))
        return future

    # --- the writer's thread ----------------------------------------------------------------------------------------

    def _run(self) -> None:
        running = True
        while running:
            jobs, running = self._take()
            if not jobs:
                continue
            events = self._carry_out(jobs)
            assert self._loop is not None
            self._loop.call_soon_threadsafe(self._settle, jobs, events)

    def _take(self) -> tuple[list[Job], bool]:
        """Waits for a command and takes all that are queued behind it. (jobs, whether to go on)"""
        jobs: list[Job] = []
        job = self._jobs.get()
        while job is not None:
            jobs.append(job)
            if len(jobs) == BATCH_MAX:
                return jobs, True
            try:
                job = self._jobs.get_nowait()
            except Empty:
                return jobs, True
        return jobs, False

    def _carry_out(self, jobs: list[Job]) -> list[Durable]:
        """One transaction for all jobs. When the database refuses it, one for each, so that one failure stays one."""
        try:
            return self._commit(jobs)
        except DBAPIError as error:
            if len(jobs) > 1 and not error.connection_invalidated:
                _logger.warning("batch failed, its commands run singly", commands=len(jobs), error=str(error.orig))
                return [event for job in jobs for event in self._carry_out([job])]
            _fail(jobs, error)
        except SQLAlchemyError as error:
            _fail(jobs, error)
        return []

    def _commit(self, jobs: list[Job]) -> list[Durable]:
        """Answers the events to publish. Raises what the database raised, with nothing written."""
        with self._engine.connect() as connection:
            with connection.begin() as begun:
                tx = BatchTransaction(connection, self._lookups, self._view, self._clock_ms())
                self._view.move_to(tx.start_pos)
                missed = self._missed(connection, tx.start_pos)
                tx.prefetch(self._needs(jobs))
                for job in jobs:
                    self._decide(tx, job)
                tx.flush()
                try:
                    begun.commit()
                except DBAPIError as error:
                    if not self._happened(tx):
                        raise
                    _logger.warning("the reply to a commit was lost, but it happened", error=str(error.orig))
        tx.committed()
        events = [*missed, *tx.events]
        if events:
            self._published_pos = events[-1].pos
        return events

    def _needs(self, jobs: Sequence[Job]) -> Needs:
        needs = Needs()
        for job in jobs:
            handler = self._handlers[type(job.command)]
            if handler.needs is not None:
                handler.needs(job.actor, job.command, needs)
        return needs

    def _decide(self, tx: BatchTransaction, job: Job) -> None:
        job.error = None
        try:
            job.result = self._handlers[type(job.command)].decide(tx, job.actor, job.command)
        except ChatError as refusal:
            job.error = refusal

    def _missed(self, connection: Connection, head: int) -> Sequence[Durable]:
        """Events that others have written, or that we wrote without learning of it, since we published last."""
        if self._published_pos is None or head <= self._published_pos:
            return ()
        return TableSnapshot(connection, self._lookups).events_after(self._published_pos, MISSED_MAX)

    def _happened(self, tx: BatchTransaction) -> bool:
        """After the reply to COMMIT was lost: whether the transaction is in the log. Waits for the head's lock, so the
        lost transaction has ended, one way or the other."""
        if not tx.events:
            return False
        with self._engine.begin() as connection:
            connection.execute(select(log_head.c.pos).with_for_update()).scalar_one()
            row = connection.execute(select(log.c.batch).where(log.c.pos == tx.events[-1].pos)).scalar_one_or_none()
        return row == tx.batch_id

    # --- the event loop ---------------------------------------------------------------------------------------------

    def _settle(self, jobs: Sequence[Job], events: Sequence[Durable]) -> None:
        """Answers first, then the events: the callbacks of both then end up in the same write to each socket."""
        for job in jobs:
            if job.future.done():
                continue
            if job.error is None:
                job.future.set_result(job.result)
            else:
                job.future.set_exception(job.error)
        if events:
            self._publish(events)


def _fail(jobs: Sequence[Job], error: SQLAlchemyError) -> None:
    """Nobody can say whether it was stored, so the answer is to try again, which is safe."""
    _logger.error("the database failed", commands=len(jobs), error=str(getattr(error, "orig", None) or error))
    refusal = ChatError("unavailable", "The database does not answer. Try again.")
    for job in jobs:
        job.error = refusal


