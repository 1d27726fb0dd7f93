"""The one door: every command, from a socket, a route or the command line, goes through `Chat.execute`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Any, Protocol, TypeVar, cast

from talkwire.core.access import may_act
from talkwire.core.commands.accounts import EnsureUser
from talkwire.core.commands.command import Command
from talkwire.core.commands.typing import SetTyping
from talkwire.core.directory import Directory, Entry
from talkwire.core.errors import ChatError, forbidden
from talkwire.core.events import Event, MemberRemoved, TypingChanged
from talkwire.core.handlers import CHANGES, QUERIES
from talkwire.core.model import Actor, User
from talkwire.core.transaction import Snapshot
from talkwire.core.typing_state import TypingState

R = TypeVar("R")
Listener = Callable[[Sequence[Event]], None]
Done = Callable[[Any, "Exception | None"], None]
"""(result, error): what became of a command; exactly one of both counts."""


class Writer(Protocol):
    """Carries changes out in order, many in one transaction."""

    def enqueue(self, actor: Actor, command: Command[Any], done: Done) -> None:
        """`done` is called on the event loop, once the change is committed or was refused."""
        ...


class Reader(Protocol):
    """Runs a function over a consistent snapshot, off the event loop."""

    def read(self, function: Callable[[Snapshot], R]) -> Awaitable[R]: ...


class Bus(Protocol):
    """Brings events to every node's listeners, durable ones in log order."""

    def publish(self, events: Sequence[Event]) -> None: ...
    def subscribe(self, listener: Listener) -> None: ...


class Chat:
    """Everything that can be asked of the chat, and nothing of how it is stored or sent."""

    def __init__(self, writer: Writer, reader: Reader, bus: Bus) -> None:
        self._writer = writer
        self._reader = reader
        self._bus = bus
        self._typing = TypingState()
        self._typing_timer: asyncio.TimerHandle | None = None
        self.directory = Directory(self._load_entries)
        self.epoch = ""
        self.pos = 0
        bus.subscribe(self._follow)

    def execute(self, actor: Actor, command: Command[R]) -> Awaitable[R]:
        """Carries a command out and answers its result.

        Changes are queued before this returns, in the order of the calls; their result comes after the commit.

        Raises `ChatError`, from the awaitable or, for what is refused at the door, at once.
        """
        if type(command) in CHANGES:
            future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
            self.submit(actor, command, partial(_settle, future))
            return future
        query = QUERIES.get(type(command))
        if query is not None:
            return cast("Awaitable[R]", self._reader.read(lambda snapshot: query(snapshot, actor, command)))
        if isinstance(command, SetTyping):
            return cast("Awaitable[R]", self._set_typing(actor, command))
        raise TypeError(f"nothing carries out {type(command).__name__}")

    def submit(self, actor: Actor, command: Command[Any], done: Done) -> None:
        """Queues a change, in the order of the calls; what became of it is told on the event loop, in one turn for all
        that were committed together. Raises `ChatError` for what is refused at the door."""
        check = CHANGES[type(command)].check
        if check is not None:
            check(command)
        self._writer.enqueue(actor, command, done)

    def subscribe(self, listener: Listener) -> None:
        """Has `listener` called on the event loop with each batch of events, in log order."""
        self._bus.subscribe(listener)

    async def start(self) -> None:
        """Learns where the log is; from then on the bus says how it moves."""
        self.epoch, pos = await self._reader.read(lambda snapshot: snapshot.head())
        # The bus may have brought newer events by now.
        self.pos = max(self.pos, pos)

    def close(self) -> None:
        """Nobody is told any more that typing has ended."""
        if self._typing_timer is not None:
            self._typing_timer.cancel()

    async def user_of_token(self, user_id: str, name: str, *, create: bool = True) -> tuple[User, Entry]:
        """The user that a verified token names, stored on first sight, and their entry.

        Raises `banned`, and `unauthenticated` for an unknown user who is not to be created.
        """
        entry = await self.directory.find(user_id)
        user = entry.user
        if user is None:
            if not create:
                raise ChatError("unauthenticated", "This user is not known here.")
            user = await self.execute(Actor(user_id, name), EnsureUser(user_id, name))
            entry = await self.directory.find(user_id)
        elif user.may_become(name):
            user = await self.execute(Actor(user_id, name), EnsureUser(user_id, name))
        if user.banned:
            raise ChatError("banned", "This user is banned.")
        return user, entry

    async def check(self) -> None:
        """Raises `unavailable` while the database does not answer."""
        await self._reader.read(lambda snapshot: snapshot.head())

    @property
    def cursor(self) -> str:
        """Names the position up to which events have been handed out here: opaque to clients."""
        return f"{self.epoch}-{self.pos}"

    def source_gone(self, source: str) -> None:
        """A socket has disconnected: whoever typed on it stopped."""
        self._publish(self._typing.source_gone(source))

    async def _set_typing(self, actor: Actor, command: SetTyping) -> None:
        entry = await self.directory.find(actor.user_id)
        refusal = may_act(entry.user)
        if refusal is not None:
            raise refusal
        if command.conversation_id not in entry.conversation_ids:
            raise forbidden()
        if command.is_typing:
            now = asyncio.get_running_loop().time()
            event = self._typing.start(command.conversation_id, actor.user_id, actor.name, command.source, now)
        else:
            event = self._typing.stop(command.conversation_id, actor.user_id, actor.name)
        self._publish([event])

    def _publish(self, events: Sequence[TypingChanged]) -> None:
        if events:
            self._bus.publish(events)
        self._arm_typing()

    def _arm_typing(self) -> None:
        """One timer for all who type; it may fire early and is then set anew."""
        deadline = self._typing.next_deadline()
        if deadline is not None and self._typing_timer is None:
            loop = asyncio.get_running_loop()
            self._typing_timer = loop.call_at(deadline, self._expire_typing)

    def _expire_typing(self) -> None:
        self._typing_timer = None
        self._publish(self._typing.expire(asyncio.get_running_loop().time()))

    def _follow(self, events: Sequence[Event]) -> None:
        for event in events:
            if isinstance(event, TypingChanged):
                continue
            self.pos = event.pos
            self.directory.apply(event)
            if isinstance(event, MemberRemoved):
                self._publish(self._typing.user_left(event.conversation_id, event.user_id))

    async def _load_entries(self, user_ids: Collection[str]) -> tuple[int, Mapping[str, Entry]]:
        def load(snapshot: Snapshot) -> tuple[int, Mapping[str, Entry]]:
            _, pos = snapshot.head()
            users = snapshot.users(user_ids)
            conversation_ids = snapshot.conversation_ids_of(user_ids)
            login_ids = snapshot.login_ids_of(user_ids)
            return pos, {
                user_id: Entry(
                    users.get(user_id), set(conversation_ids.get(user_id, ())), set(login_ids.get(user_id, ()))
                )
                for user_id in user_ids
            }

        return await self._reader.read(load)


def _settle(future: asyncio.Future[Any], result: object, error: Exception | None) -> None:
    if future.done():
        return  # whoever asked has gone
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)
