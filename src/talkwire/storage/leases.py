"""Executes the commands that nodes (server processes) issue for themselves: renewing their lease (the record that a
node is alive), presence of users, calls, moved sessions, and pushes.

Node commands have their own transactions and thread. They never wait for the lock on the log's head, so a node whose
chat writes are delayed still renews its lease.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

import structlog
from sqlalchemy import Connection, Dialect, Engine
from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError

from talkwire.core.commands.command import NodeCommand
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.model import Actor
from talkwire.core.ports.handler import NodeCommandHandlers
from talkwire.storage.clock import clock_of
from talkwire.storage.notifying.pushes import WritablePushRows
from talkwire.storage.tables.calls import WritableCallRows
from talkwire.storage.tables.nodes import NodeRows
from talkwire.storage.tables.presence import WritablePresenceRows
from talkwire.storage.tables.sessions import WritableSessionRows
from talkwire.storage.writer_task import WriterClosedError

R = TypeVar("R")

LEASE_BATCH_MAX = 1000
"""Most commands of one transaction."""

_logger = structlog.get_logger(__name__)


class LeaseRows:
    """The tables that one transaction of a node may change: nodes, presence, calls, sessions and pushes. Implements
    `core.ports.transaction.LeaseTransaction`. `now_ms` is the transaction's time in milliseconds since 1970."""

    def __init__(self, connection: Connection, now_ms: int) -> None:
        self.now_ms = now_ms
        self.nodes = NodeRows(connection)
        self.presence = WritablePresenceRows(connection)
        self.sessions = WritableSessionRows(connection)
        self.calls = WritableCallRows(connection)
        self.pushes = WritablePushRows(connection)


@dataclass(slots=True, eq=False)
class _NodeJob:
    """One queued command of a node: `answer` is the future that its caller awaits, and gets `result` or `error` after
    the commit."""

    actor: Actor
    command: NodeCommand[Any]
    answer: asyncio.Future[Any]
    result: object = None
    error: Exception | None = None


class LeaseKeeper:
    """Executes node commands (lease renewals, presence, calls) on a thread of its own. Implements
    `core.engine.chat.NodeCommandExecutor`.

    `handlers` execute the commands by type. `transact` runs a function in a transaction: `own_transactions`, or on
    SQLite, which allows one writing connection only, a task on the writer's thread. `clock_ms` returns milliseconds
    since 1970; with None the database's clock is used.

    Commands that are queued while a transaction runs share the next one, since thousands of users of a killed node may
    connect at once.
    """

    def __init__(
        self,
        dialect: Dialect,
        handlers: NodeCommandHandlers,
        transact: Callable[[Callable[[Connection], object]], object],
        clock_ms: Callable[[], int] | None = None,
    ) -> None:
        self._handlers = handlers
        self._transact = transact
        self._now_ms = clock_of(dialect, clock_ms)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="talkwire-leases")
        self._waiting: SimpleQueue[_NodeJob] = SimpleQueue()
        self._closed = False

    def keep(self, actor: Actor, command: NodeCommand[R]) -> Awaitable[R]:
        """Queues a node command and returns an awaitable of its result. Commands are executed in the order of the
        calls. Awaiting raises the command's error, or `unavailable` if the database fails. After `close`, the call
        itself raises `unavailable`."""
        if self._closed:
            raise ChatError("unavailable", "The server is closing. Try again.")
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[R] = loop.create_future()
        self._waiting.put(_NodeJob(actor, command, answer))
        self._thread.submit(self._work, loop)
        return answer

    async def close(self) -> None:
        """Executes the queued commands, then ends the thread."""
        self._closed = True
        await asyncio.to_thread(self._thread.shutdown)

    def _work(self, loop: asyncio.AbstractEventLoop) -> None:
        """Executes the queued commands, at most LEASE_BATCH_MAX, in one transaction, and if that fails each in its own.
        Then gives their callers on `loop` the results. Does nothing if an earlier call has executed them already."""
        taken: list[_NodeJob] = []
        with contextlib.suppress(Empty):
            while len(taken) < LEASE_BATCH_MAX:
                taken.append(self._waiting.get_nowait())
        if taken and not self._carry_out(taken):
            for each in taken:
                self._carry_out([each])
        if taken:
            loop.call_soon_threadsafe(_answer, taken)

    def _carry_out(self, taken: Sequence[_NodeJob]) -> bool:
        """Executes commands in one transaction and sets their `result` or `error`. Returns False if nothing was written
        because one of several commands failed, so that the caller must retry them one by one."""
        try:
            self._transact(partial(self._carry_out_in, taken))
        except (SQLAlchemyError, WriterClosedError) as error:
            if len(taken) == 1 or _is_away(error):
                _logger.error("node_command_failed", error=str(getattr(error, "orig", None) or error))  # noqa: TRY400
                _fail(taken, ChatError("unavailable", "The database does not answer. Try again."))
                return True
            return False
        except Exception as error:  # noqa: BLE001 (the caller gets it)
            _fail(taken, error)
            return len(taken) == 1
        return True

    def _carry_out_in(self, taken: Sequence[_NodeJob], connection: Connection) -> None:
        tx = LeaseRows(connection, self._now_ms(connection))
        for each in taken:
            each.error = None
            each.result = self._handlers[type(each.command)](tx, each.actor, each.command)


_COLLISIONS = frozenset({"40001", "40P01"})
"""PostgreSQL's error codes for a transaction that it has aborted in favour of another one. The transaction can be
retried at once."""


def _is_away(error: Exception) -> bool:
    """Returns whether an error means that the database is unreachable, so that retrying each command alone would only
    take longer."""
    if not isinstance(error, DBAPIError) or error.connection_invalidated:
        return True
    return isinstance(error, OperationalError) and getattr(error.orig, "sqlstate", None) not in _COLLISIONS


def _fail(taken: Iterable[_NodeJob], error: Exception) -> None:
    for each in taken:
        each.error = error


def _answer(taken: Iterable[_NodeJob]) -> None:
    for each in taken:
        if each.answer.done():
            continue  # the caller was cancelled
        if each.error is None:
            each.answer.set_result(each.result)
        else:
            each.answer.set_exception(each.error)


def own_transactions(engine: Engine) -> Callable[[Callable[[Connection], object]], object]:
    """Returns a function `transact` for `LeaseKeeper`: it calls its argument with a connection of this engine in a new
    transaction, commits, and returns the result."""

    def transact(function: Callable[[Connection], object]) -> object:
        with engine.begin() as connection:
            return function(connection)

    return transact
