"""The one door: every command, from a socket, a route or the command line, goes through `Chat.execute`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from functools import partial
from typing import Any, Protocol, TypeVar, cast

from talkwire.core.commands.accounts import EnsureUser
from talkwire.core.commands.command import Command, IdempotencyKey
from talkwire.core.commands.custom_events import KeepReport, SendReport, SendToUsers
from talkwire.core.commands.retries import AnswerRetry
from talkwire.core.directory import Directory, Entry, Loaded
from talkwire.core.errors import ChatError
from talkwire.core.events import CustomEvent, DurableEvent, Ephemeral, MessageSent, News
from talkwire.core.handlers import CHANGES, QUERIES
from talkwire.core.hooks import Hooks, sent_as
from talkwire.core.model import Actor, User
from talkwire.core.preferences import DEFAULTS
from talkwire.core.signals import SignalOptions, Signals
from talkwire.core.transaction import Snapshot

R = TypeVar("R")
Listener = Callable[[Sequence[News]], None]
Done = Callable[[Any, "Exception | None"], None]
"""(result, error): what became of a command; exactly one of both counts."""


class Writer(Protocol):
    """Carries changes out in order, many in one transaction."""

    def enqueue(self, actor: Actor, command: Command[Any], done: Done, key: IdempotencyKey | None = None) -> None:
        """`done` is called on the event loop, once the change is committed or was refused. A change with a key that
        was committed before is not carried out again, and answered as then."""
        ...


class Reader(Protocol):
    """Runs a function over a consistent snapshot, off the event loop."""

    def read(self, function: Callable[[Snapshot], R]) -> Awaitable[R]: ...


class Bus(Protocol):
    """Brings events to every node's listeners, durable ones in log order."""

    def publish(self, events: Sequence[News]) -> None: ...
    def subscribe(self, listener: Listener) -> None: ...


class Chat:
    """Everything that can be asked of the chat, and nothing of how it is stored or sent."""

    def __init__(
        self,
        writer: Writer,
        reader: Reader,
        bus: Bus,
        options: SignalOptions | None = None,
        hooks: Hooks | None = None,
    ) -> None:
        options = options or SignalOptions()
        self._hooks = Hooks() if hooks is None else hooks
        self.hooked: Collection[type[Command[Any]]] = self._hooks.by_type
        """The commands that the application is asked about first. One of them is not queued before it has answered:
        whoever has to keep an order waits for the result."""
        self._asking: set[asyncio.Future[Any]] = set()
        self._writer = writer
        self._reader = reader
        self._bus = bus
        self.directory = Directory(self._load_entries, contacts_max=options.contacts_max)
        self.signals = Signals(self, bus.publish, options)
        self.epoch = ""
        self.pos = 0
        bus.subscribe(self._follow)

    def execute(self, actor: Actor, command: Command[R], key: IdempotencyKey | None = None) -> Awaitable[R]:
        """Carries a command out and answers its result.

        Changes are queued before this returns, in the order of the calls, unless there are hooks for them; their result
        comes after the commit. One with a key is carried out once, however often it comes (`idempotency.py`).

        Raises `ChatError`, from the awaitable or, for what is refused at the door, at once.
        """
        if type(command) in self.hooked:
            return self._ask_hooks(actor, command, key)
        return self._execute(actor, command, key)

    def submit(self, actor: Actor, command: Command[Any], done: Done, key: IdempotencyKey | None = None) -> None:
        """Queues a change, in the order of the calls, unless there are hooks for it; what became of it is told on the
        event loop, in one turn for all that were committed together. Raises `ChatError` for what is refused at the
        door."""
        if type(command) in self.hooked:
            asking = asyncio.ensure_future(self._ask_hooks(actor, command, key))
            self._asking.add(asking)  # the loop itself would forget it
            asking.add_done_callback(self._asking.discard)
            asking.add_done_callback(partial(tell, done))
            return
        self._submit(actor, command, done, key)

    async def _ask_hooks(self, actor: Actor, command: Command[R], key: IdempotencyKey | None) -> R:
        """Carries out what the hooks have made of a command. What was carried out before is answered as then, and they
        are not asked again."""
        retry = AnswerRetry(command, key)
        if retry.is_possible:
            if type(command) in CHANGES:
                _check(command)
            answer = await self._execute(actor, retry)
            if answer is not None:
                return cast("R", answer.result)
        changed = await self._hooks.apply(actor, command)
        return await self._execute(actor, changed, key if changed is command else sent_as(command, key))

    def _execute(self, actor: Actor, command: Command[R], key: IdempotencyKey | None = None) -> Awaitable[R]:
        if type(command) in CHANGES:
            future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
            self._submit(actor, command, partial(_settle, future), key)
            return future
        query = QUERIES.get(type(command))
        if query is not None:
            return cast("Awaitable[R]", self._reader.read(lambda snapshot: query(snapshot, actor, command)))
        if key is not None and isinstance(command, SendToUsers):
            return cast("Awaitable[R]", self._send_once(actor, command, key))
        handler = self.signals.handlers.get(type(command))
        if handler is not None:
            return cast("Awaitable[R]", handler(actor, command))
        raise TypeError(f"nothing carries out {type(command).__name__}")

    async def _send_once(self, actor: Actor, command: SendToUsers, key: IdempotencyKey) -> SendReport:
        """Sends, unless that was done before under this key. Nothing of a signal is stored with its effect, so what it
        was answered with is kept behind it: a retry that comes before that, or after a crash in between, sends again.
        """
        first = await self._execute(actor, AnswerRetry(command, key))
        if first is not None:
            return cast("SendReport", first.result)
        report = await self._execute(actor, command)
        return await self._execute(actor, KeepReport(report), sent_as(command, key))

    def _submit(self, actor: Actor, command: Command[Any], done: Done, key: IdempotencyKey | None) -> None:
        _check(command)
        self._writer.enqueue(actor, command, done, key)

    def subscribe(self, listener: Listener) -> None:
        """Has `listener` called on the event loop with each batch of events, in log order."""
        self._bus.subscribe(listener)

    async def start(self) -> None:
        """Learns where the log is; from then on the bus says how it moves."""
        self.epoch, pos = await self._reader.read(lambda snapshot: snapshot.head())
        # The bus may have brought newer events by now.
        self.pos = self.directory.pos = max(self.pos, pos)

    def close(self) -> None:
        """Nobody is told any more of what goes on here; to be called while the writer still takes commands."""
        self.signals.close()

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

    def tell(self, event: Ephemeral | CustomEvent) -> None:
        """Publishes an event that is not stored."""
        self._bus.publish([event])

    def _follow(self, events: Sequence[News]) -> None:
        for event in events:
            if not isinstance(event, DurableEvent):
                continue
            self.pos = event.pos
            if type(event) is not MessageSent:  # nearly every event is one, and none moves anybody
                self.directory.apply(event)
                self.signals.follow(event)
        self.directory.pos = self.pos

    async def _load_entries(self, user_ids: Collection[str]) -> Loaded:
        def load(snapshot: Snapshot) -> Loaded:
            _, pos = snapshot.head()
            users = snapshot.users(user_ids)
            memberships = snapshot.memberships_of(user_ids)
            login_ids = snapshot.login_ids_of(user_ids)
            blocked_ids = snapshot.blocked_ids_of(user_ids)
            records = snapshot.presence.records(user_ids)
            preferences = snapshot.notifications.preferences(user_ids)
            member_preferences = snapshot.notifications.member_preferences(user_ids)
            entries = {
                user_id: Entry(
                    users.get(user_id),
                    memberships.conversation_ids.get(user_id, set()),
                    set(login_ids.get(user_id, ())),
                    blocked_ids.get(user_id, frozenset()),
                    records.get(user_id),
                    preferences.get(user_id, DEFAULTS),
                    member_preferences.get(user_id, {}),
                    dict(memberships.history_seqs.get(user_id, {})),
                )
                for user_id in user_ids
            }
            return Loaded(pos, entries, memberships.circles)

        return await self._reader.read(load)


def tell(done: Done, future: asyncio.Future[Any]) -> None:
    """Tells `done` what became of a future."""
    if future.cancelled():
        done(None, ChatError("unavailable", "The server is stopping. Try again."))
        return
    error = future.exception()
    if error is None:
        done(future.result(), None)
    elif isinstance(error, Exception):
        done(None, error)
    else:
        raise error


def _check(command: Command[Any]) -> None:
    """Refuses a change at the door."""
    check = CHANGES[type(command)].check
    if check is not None:
        check(command)


def _settle(future: asyncio.Future[Any], result: object, error: Exception | None) -> None:
    if future.done():
        return  # whoever asked has gone
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)
