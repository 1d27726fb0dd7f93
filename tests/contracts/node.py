"""A process of Talkwire without its servers: the chat over a real database, with a clock that the test sets."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any
from unittest.mock import patch

import psycopg
from sqlalchemy import Connection, event

from talkwire.bus.memory import Exchange, MemoryBus
from talkwire.core.commands.accounts import EnsureUser
from talkwire.core.commands.command import Change, Command, IdempotencyKey
from talkwire.core.commands.conversations import CreateConversation, GetConversation
from talkwire.core.commands.messages import SendMessage
from talkwire.core.commands.server.timers import FindTimer, FireTimers
from talkwire.core.domain.access_policy import DEFAULT_POLICY, AccessPolicy
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.events import DurableEvent, News
from talkwire.core.domain.log.cursors import cursor_of
from talkwire.core.domain.log.positions import begins_after, log_of
from talkwire.core.domain.model import Actor, Message
from talkwire.core.engine.chat import Chat
from talkwire.core.engine.command_table import CHANGES, NODE_COMMANDS
from talkwire.core.engine.decider import Decider
from talkwire.core.engine.hooks import Hooks
from talkwire.core.ports.handler import ChangeHandler
from talkwire.core.ports.transaction import Transaction
from talkwire.core.signals.signals import SignalOptions
from talkwire.storage.engine import reading_engine, writing_engine
from talkwire.storage.leases import LeaseKeeper
from talkwire.storage.reader import ReaderPool
from talkwire.storage.sql import batch, pipeline
from talkwire.storage.sql.values import Values
from talkwire.storage.writer import GroupWriter
from tests.databases import Database, may_pause
from tests.waiting import DEADLINE_S, deadline

BACKEND = Actor("backend", "Backend", role="service")
OPERATOR = Actor("operator", "Operator", role="admin")
ALICE = Actor("alice", "Alice")
BOB = Actor("bob", "Bob")
CAROL = Actor("carol", "Carol")
MALLORY = Actor("mallory", "Mallory")

Outcome = Any


@dataclass
class Clock:
    """The writer's clock, which it reads once in each transaction. Stopping the clock stops the writer there."""

    now_ms: int = 1_700_000_000_000
    _running: threading.Event = field(default_factory=threading.Event)
    _asked: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._running.set()

    def __call__(self) -> int:
        self._asked.set()
        assert self._running.wait(DEADLINE_S)
        return self.now_ms

    @contextmanager
    def stopped(self) -> Iterator[None]:
        self._asked.clear()
        self._running.clear()
        try:
            yield
        finally:
            self._running.set()

    async def wait_until_asked(self) -> None:
        """Returns once the writer waits for the stopped clock."""
        assert await asyncio.to_thread(self._asked.wait, DEADLINE_S)


class Call(Change[None], frozen=True, tag="Call"):
    """A command for tests: calls `function` with the transaction, on the writer's thread."""

    function: Callable[[Transaction], object]


def _call(tx: Transaction, actor: Actor, command: Call) -> None:
    command.function(tx)


HANDLERS = MappingProxyType({**CHANGES, Call: ChangeHandler(_call)})


class Node:
    """A running chat; `events` are what its listeners received. With an `exchange` it is one node of several."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        exchange: Exchange | None = None,
        *,
        alone: bool = True,
        options: SignalOptions | None = None,
        policy: AccessPolicy = DEFAULT_POLICY,
    ) -> None:
        self.clock = clock
        self.database = database
        self.events: list[News] = []
        self.write_engine = may_pause(writing_engine(database.url))
        self.read_engine = may_pause(reading_engine(database.url, 2))
        self.alone = alone and exchange is None
        self.writer = GroupWriter(self.write_engine, Decider(HANDLERS).decide, clock, policy)
        self.readers = ReaderPool(self.read_engine, 2, clock)
        self.keeper = LeaseKeeper(self.write_engine.dialect, NODE_COMMANDS, self.writer.transact, clock)
        bus = None if exchange is None else MemoryBus(exchange)
        self.hooks = Hooks()
        self.chat = Chat(
            self.writer, self.readers, self.keeper, bus=bus, options=options, hooks=self.hooks, policy=policy
        )
        self.chat.subscribe(self.events.extend)

    async def start(self) -> None:
        await self.chat.start(alone=self.alone)

    async def close(self) -> None:
        await self.keeper.close()
        await self.writer.close()
        await self.chat.stop_following()
        self.readers.close()

    @property
    def log(self) -> list[DurableEvent]:
        """The durable events among those received."""
        return [event for event in self.events if isinstance(event, DurableEvent)]

    @property
    def first_cursor(self) -> str:
        """The cursor from which a client receives the whole log."""
        return cursor_of(self.chat.epoch, begins_after(log_of(self.chat.pos)))

    async def replay(self, after: int = 0, limit: int = 1000) -> Sequence[DurableEvent]:
        """Returns the stored log after a position."""
        return await self.readers.read(lambda snapshot: snapshot.events_after(after, limit))

    def submit(self, actor: Actor, command: Command[Any], key: IdempotencyKey | None = None) -> asyncio.Future[Any]:
        """Queues a change without the checks of `Chat.submit`."""
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

        def done(result: object, error: Exception | None) -> None:
            if future.done():
                return
            if error is None:
                future.set_result(result)
            else:
                future.set_exception(error)

        self.writer.enqueue(actor, command, done, key)
        return future

    def ask(self, actor: Actor, command: Command[Any]) -> Awaitable[Outcome]:
        """Executes as `Chat.execute`, including the tests' own command. A change is queued when this returns."""
        if isinstance(command, Call):
            return self.submit(actor, command)
        return self.chat.execute(actor, command)

    async def do(self, actor: Actor, command: Command[Any]) -> Outcome:
        async with deadline():
            return await self.ask(actor, command)

    async def refusal(self, actor: Actor, command: Command[Any]) -> str:
        """Returns the code with which a command is refused."""
        try:
            answer = await self.do(actor, command)
        except ChatError as error:
            return error.code
        raise AssertionError(f"carried out: {answer}")

    async def group(self, conversation_id: str, *actors: Actor) -> None:
        """Creates a group; its first member is the owner."""
        names = tuple(actor.user_id for actor in actors)
        await self.do(BACKEND, CreateConversation("group", names, id=conversation_id, owner_id=names[0]))

    async def users(self, *actors: Actor) -> None:
        """Stores the users."""
        for actor in actors:
            await self.do(actor, EnsureUser(actor.user_id, actor.name))

    async def roles(self, conversation_id: str) -> dict[str, str]:
        """Returns user id -> role of every member."""
        view = await self.do(BACKEND, GetConversation(conversation_id))
        assert view.conversation.member_count == len(view.members)
        return {member.member.user_id: member.member.role for member in view.members}

    async def send(self, actor: Actor, content: str, client_message_id: str | None = None, to: str = "c") -> Message:
        message = await self.do(actor, SendMessage(to, content, client_message_id))
        assert isinstance(message, Message)
        return message

    async def fire(self) -> None:
        """Fires all timers that are due, as the node's task does."""
        while (found := await self.do(OPERATOR, FindTimer())) is not None and found.wait_ms <= 0:
            overdue = self.chat.signals.streams.overdue
            fired = await self.do(OPERATOR, FireTimers(found.timer, 100, overdue.are_asked_about))
            assert fired.is_own
            overdue.end(fired.asked)

    async def next_timer_ms(self) -> int | None:
        """Returns when the first timer fires, in milliseconds since 1970."""
        found = await self.do(OPERATOR, FindTimer())
        return None if found is None else found.timer.due_ms

    async def in_one_batch(self, *asked: tuple[Actor, Command[Any]]) -> Sequence[Outcome]:
        """Executes the commands in one transaction, and returns their results and errors."""
        with self.clock.stopped():
            first = self.submit(BACKEND, Call(lambda tx: None))
            await self.clock.wait_until_asked()
            futures = [self.ask(actor, command) for actor, command in asked]
        async with deadline():
            return (await asyncio.gather(first, *futures, return_exceptions=True))[1:]

    @contextmanager
    def statements(self) -> Iterator[list[list[str]]]:
        """Collects the statements that the writer sends to the database: one list for each transaction."""
        transactions: list[list[str]] = []

        def begin(connection: Connection) -> None:
            transactions.append([])

        def execute(connection: Connection, cursor: object, statement: str, *rest: object) -> None:
            if statement != "BEGIN IMMEDIATE":
                transactions[-1].append(statement)

        run = pipeline.run

        def run_together(driver: psycopg.Connection, statements: Sequence[pipeline.Statement]) -> object:
            if threading.current_thread() is self.writer._thread:
                transactions[-1] += [text for text, _ in statements if text not in {"BEGIN", "COMMIT"}]
            return run(driver, statements)

        execute_rows = batch.execute_on_sqlite

        def run_rows(connection: Connection, text: str, rows: Sequence[Values]) -> None:
            transactions[-1].append(text)
            execute_rows(connection, text, rows)

        event.listen(self.write_engine, "begin", begin)
        event.listen(self.write_engine, "before_cursor_execute", execute)
        with patch.object(pipeline, "run", run_together), patch.object(batch, "execute_on_sqlite", run_rows):
            yield transactions
        event.remove(self.write_engine, "begin", begin)
        event.remove(self.write_engine, "before_cursor_execute", execute)


@asynccontextmanager
async def running(
    database: Database,
    clock: Clock,
    exchange: Exchange | None = None,
    *,
    alone: bool = True,
    policy: AccessPolicy = DEFAULT_POLICY,
) -> AsyncIterator[Node]:
    """Runs a node from its start to its regular shutdown."""
    node = Node(database, clock, exchange, alone=alone, policy=policy)
    await node.start()
    try:
        yield node
    finally:
        await node.close()
