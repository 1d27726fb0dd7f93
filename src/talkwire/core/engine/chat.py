"""The one door: every command, from a socket, a route or the command line, goes through `Chat.execute`."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection, Coroutine, Sequence
from functools import partial
from secrets import token_hex
from typing import Any, Protocol, TypeVar, cast

from talkwire.core.cluster.feed import Commit, LogFeed, LogSegment
from talkwire.core.cluster.lease import Lease
from talkwire.core.cluster.log_poller import LogPoller
from talkwire.core.cluster.peers import Peers
from talkwire.core.cluster.sender_verification import SenderVerifier
from talkwire.core.commands.accounts import EnsureUser
from talkwire.core.commands.command import Command, IdempotencyKey, NodeCommand
from talkwire.core.commands.custom_events import KeepReport, SendReport, SendToUsers
from talkwire.core.commands.server.nodes import ListPeers
from talkwire.core.commands.server.retries import AnswerRetry
from talkwire.core.connected.directory import Directory, DirectoryEntry, LoadedUsers
from talkwire.core.domain.access_policy import DEFAULT_POLICY, AccessPolicy
from talkwire.core.domain.actors import NODE
from talkwire.core.domain.errors import ChatError, LogReplaced
from talkwire.core.domain.events import Durable, DurableEvent, MessageSent, News, UnstoredEvent, UserUpdated
from talkwire.core.domain.model import Actor, ActorRole, User
from talkwire.core.engine.command_table import CHANGES, QUERIES
from talkwire.core.engine.hooks import Hooks, sent_as
from talkwire.core.engine.listeners import Listener, Listeners
from talkwire.core.features.users import user_search
from talkwire.core.features.users.preferences import DEFAULTS
from talkwire.core.ports.bus import AnyBusMessage, Bus, CommittedBatch, EphemeralBatch, NoBus, PeerAnswer, PeerQuestion
from talkwire.core.ports.handler import ChangeHandler, Queries
from talkwire.core.ports.transaction import Snapshot
from talkwire.core.signals.signals import SignalOptions, Signals

MORE_S = 0.005
"""How long after another node's transaction its next one, which is under way, is expected: it is committed and carried
here in less."""

R = TypeVar("R")
Done = Callable[[Any, "Exception | None"], None]
"""(result, error): what became of a command; exactly one of both counts."""


class CommandWriter(Protocol):
    """Carries changes out in order, many in one transaction."""

    @property
    def busy(self) -> bool:
        """Whether changes are queued or being carried out."""
        ...

    def start(self, on_commit: Callable[[Commit, Callable[[], None]], None], epoch: str) -> None:
        """Has `on_commit` called on the event loop with each transaction and what gives its answers, in their order.
        Nothing is written to a log of another epoch."""
        ...

    def enqueue(self, actor: Actor, command: Command[Any], done: Done, key: IdempotencyKey | None = None) -> None:
        """`done` is called on the event loop, once the change is committed or was refused. A change with a key that
        was committed before is not carried out again, and answered as then."""
        ...

    async def begin_epoch(self) -> None:
        """Has the log continue under another epoch than this one's, if nobody else has. Raises ChatError."""
        ...


class SnapshotReader(Protocol):
    """Runs a function over a consistent snapshot, off the event loop."""

    def read(self, function: Callable[[Snapshot], R]) -> Awaitable[R]: ...


class NodeCommandExecutor(Protocol):
    """Keeps what a node holds for a while, aside from the log."""

    def keep(self, actor: Actor, command: NodeCommand[R]) -> Awaitable[R]: ...


class Chat:
    """Everything that can be asked of the chat, and nothing of how it is stored or sent."""

    def __init__(  # noqa: PLR0913 (what it joins)
        self,
        writer: CommandWriter,
        reader: SnapshotReader,
        keeper: NodeCommandExecutor,
        *,
        bus: Bus | None = None,
        options: SignalOptions | None = None,
        hooks: Hooks | None = None,
        policy: AccessPolicy = DEFAULT_POLICY,
    ) -> None:
        self.policy = policy
        """The operator's rules for users."""
        options = options or SignalOptions()
        self._queries: Queries = {**QUERIES, **user_search.queries(policy)}
        self._hooks = Hooks() if hooks is None else hooks
        self.hooked: Collection[type[Command[Any]]] = self._hooks.by_type
        """The commands that the application is asked about first. One of them is not queued before it has answered:
        whoever has to keep an order waits for the result."""
        self._asking: set[asyncio.Future[Any]] = set()
        self.node_id = token_hex(8)
        """By which this node is told from others."""
        self._writer = writer
        self._reader = reader
        self._keeper = keeper
        self._listeners = Listeners()
        self.bus = bus or NoBus()
        self.peers = Peers(self.node_id, self.bus.send, lambda: self.bus.away)
        self._introductions = SenderVerifier(
            self.peers, lambda: self.execute(NODE, ListPeers()), self._hear, self.bus.counts
        )
        self.feed = LogFeed(self._read_log, self._listeners.tell, self._is_brought, self._lose)
        self._watching: asyncio.Task[None] | None = None
        self._more_until = 0.0
        self.on_loss: Callable[[], None] = _nothing
        """Called when this node cannot know what has happened: everybody here has to begin anew."""
        self.on_replaced: Callable[[], None] = _nothing
        """Called when the log is another one than this node's: nothing that is in memory counts any more."""
        self.directory = Directory(self._load_entries, contacts_max=options.contacts_max)
        self.signals = Signals(self, self, self.peers, options)
        self.lease = Lease(self, self.node_id, self.signals, self.peers)
        self.signals.presence.on_move = self.lease.record_soon
        self.epoch = ""
        self.pos = 0
        self._listeners.add(self._follow)

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
        if isinstance(command, NodeCommand):
            asyncio.ensure_future(self._keeper.keep(actor, command)).add_done_callback(partial(tell, done))
            return
        if type(command) in self.hooked:
            asking = asyncio.ensure_future(self._ask_hooks(actor, command, key))
            self._asking.add(asking)  # the loop itself would forget it
            asking.add_done_callback(self._asking.discard)
            asking.add_done_callback(partial(tell, done))
            return
        self._submit(CHANGES[type(command)], actor, command, done, key)

    async def _ask_hooks(self, actor: Actor, command: Command[R], key: IdempotencyKey | None) -> R:
        """Carries out what the hooks have made of a command. What was carried out before is answered as then, and they
        are not asked again."""
        retry = AnswerRetry(command, key)
        if retry.is_possible:
            change = CHANGES.get(type(command))
            if change is not None and change.check is not None:
                change.check(command)
            answer = await self._execute(actor, retry)
            if answer is not None:
                return cast("R", answer.result)
        changed = await self._hooks.apply(actor, command)
        return await self._execute(actor, changed, key if changed is command else sent_as(command, key))

    def _execute(self, actor: Actor, command: Command[R], key: IdempotencyKey | None = None) -> Awaitable[R]:
        if type(command) not in CHANGES:
            return self._execute_unqueued(actor, command, key)
        change = CHANGES[type(command)]
        if change.loads is not None:
            return self._load_and_change(change.loads(actor, command), actor, command, key)
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._submit(change, actor, command, partial(_settle, future), key)
        return future

    def _execute_unqueued(self, actor: Actor, command: Command[R], key: IdempotencyKey | None) -> Awaitable[R]:
        """Carries out what changes nothing in the log."""
        query = self._queries.get(type(command))
        if query is not None:
            return cast("Awaitable[R]", self._reader.read(lambda snapshot: query(snapshot, actor, command)))
        if key is not None and isinstance(command, SendToUsers):
            return cast("Awaitable[R]", self._send_once(actor, command, key))
        if isinstance(command, NodeCommand):
            return cast("Awaitable[R]", self._keeper.keep(actor, command))
        handler = self.signals.handlers.get(type(command))
        if handler is not None:
            self.lease.check()
            return cast("Awaitable[R]", handler(actor, command))
        raise TypeError(f"nothing carries out {type(command).__name__}")

    async def _load_and_change(
        self, user_ids: Collection[str], actor: Actor, command: Command[R], key: IdempotencyKey | None
    ) -> R:
        """Carries a change out after the directory has loaded the users whose contacts it concerns."""
        await asyncio.gather(*map(self.directory.find, user_ids))
        change = CHANGES[type(command)]
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._submit(change, actor, command, partial(_settle, future), key)
        return await future

    async def _send_once(self, actor: Actor, command: SendToUsers, key: IdempotencyKey) -> SendReport:
        """Sends, unless that was done before under this key. Nothing of a signal is stored with its effect, so what it
        was answered with is kept behind it: a retry that comes before that, or after a crash in between, sends again.
        """
        first = await self._execute(actor, AnswerRetry(command, key))
        if first is not None:
            return cast("SendReport", first.result)
        report = await self._execute(actor, command)
        return await self._execute(actor, KeepReport(report), sent_as(command, key))

    def _submit(
        self, change: ChangeHandler, actor: Actor, command: Command[Any], done: Done, key: IdempotencyKey | None
    ) -> None:
        if change.check is not None:
            change.check(command)
        self.lease.check()
        self._writer.enqueue(actor, command, done, key)

    def subscribe(self, listener: Listener) -> None:
        """Has `listener` called on the event loop with each batch of events, in log order."""
        self._listeners.add(listener)

    async def start(self, *, alone: bool = True) -> None:
        """Learns where the log is, and begins to follow it. `alone`: no other node can be running."""
        self.epoch, pos = await self._reader.read(lambda snapshot: snapshot.head())
        self.pos = self.directory.pos = pos
        self.feed.start(pos)
        self._writer.start(self._committed, self.epoch)
        if not alone:
            self.signals.share()
        await self.bus.start(self.epoch, self._receive)
        if not alone:
            watch = LogPoller(
                self.feed, self.read_head, lambda: self.bus.away, self._be_replaced, self._writer.begin_epoch
            )
            self._watching = asyncio.create_task(watch.run())

    def close(self) -> None:
        """Nobody is told any more of what goes on here; to be called while the writer still takes commands."""
        self.signals.close()
        self.lease.close()

    async def leave(self) -> None:
        """Follows the log no more: the last thing, after the writer has ended."""
        if self._watching is not None:
            self._watching.cancel()
        self._introductions.close()
        self.feed.close()
        await self.bus.close()

    def announce(self) -> None:
        """Tells the other nodes that this one is there, before they see its lease."""
        self.bus.send(EphemeralBatch(self.node_id, ()))

    # --- the log ----------------------------------------------------------------------------------------------------

    def _committed(self, commit: Commit, answer: Callable[[], None]) -> None:
        """By our own writer. The others are told at once, whether or not we have come so far ourselves."""
        if commit.events and self.peers.are_there:
            events = tuple(commit.events)
            self.bus.send(CommittedBatch(self.node_id, commit.start_pos, commit.pos, events, self._writer.busy))
        self.feed.committed(commit, answer)

    def _receive(self, dispatch: AnyBusMessage) -> None:
        if dispatch.node_id == self.node_id:
            return
        # A node that was stopped ends its sessions first, whatever the others have done to their users.
        self.lease.notice_stop()
        if self.peers.knows(dispatch.node_id):
            self._hear(dispatch)
        else:
            self._introductions.hold(dispatch)

    def _hear(self, dispatch: AnyBusMessage) -> None:
        """Of a node that lives."""
        if isinstance(dispatch, CommittedBatch):
            self._more_until = asyncio.get_running_loop().time() + MORE_S if dispatch.more else 0.0
        match dispatch:
            case CommittedBatch(events=None):
                self.feed.heard_of(dispatch.pos)
            case CommittedBatch(events=tuple(events)):
                commit = Commit(dispatch.start_pos, dispatch.pos, events)
                strangers = self._strangers(events)
                if strangers:
                    self._start(self._get_to_know(strangers, commit))
                else:
                    self.feed.arrived(commit)
            case EphemeralBatch(events=events):
                told = self.signals.heard(events) if events else ()
                if told:
                    self.tell_here(told)
            case PeerQuestion() | PeerAnswer():
                self.peers.receive(dispatch)

    @property
    def expects_more(self) -> bool:
        """Whether the next events are on their way: changes are being carried out, here or, a moment ago, elsewhere."""
        return self._writer.busy or asyncio.get_running_loop().time() < self._more_until

    def _is_brought(self) -> bool:
        return self.bus.brings_events and not self.bus.away

    async def _read_log(self, after: int, limit: int) -> LogSegment:
        def read(snapshot: Snapshot) -> LogSegment:
            _, head = snapshot.head()
            return LogSegment(min(head, after + limit), snapshot.events_after(after, limit), snapshot.sync.floor())

        stretch = await self._reader.read(read)
        self.lease.notice_stop()
        await asyncio.gather(*map(self.directory.find, self._strangers(stretch.events)))
        return stretch

    def _strangers(self, events: Sequence[Durable]) -> set[str]:
        """Users who have to be known here before the events are told: how somebody looks concerns their contacts."""
        changed = (event.user.id for event in events if type(event) is UserUpdated)
        return {user_id for user_id in changed if self.directory.peek(user_id) is None}

    async def _get_to_know(self, user_ids: Collection[str], commit: Commit) -> None:
        """What comes behind waits for it, as for anything that is late."""
        with contextlib.suppress(ChatError):
            await asyncio.gather(*map(self.directory.find, user_ids))
        self.feed.arrived(commit)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        # The loop refers to its tasks weakly.
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)

    async def read_head(self) -> int:
        """Up to where the log goes. Raises ChatError, LogReplaced among them."""
        epoch, pos = await self._reader.read(lambda snapshot: snapshot.head())
        if epoch != self.epoch:
            raise LogReplaced
        return pos

    def _be_replaced(self) -> None:
        self.on_replaced()

    def _lose(self) -> None:
        self.on_loss()
        self.directory.forget_idle()

    # --- who is who -------------------------------------------------------------------------------------------------

    async def user_of_token(
        self, user_id: str, name: str, *, role: ActorRole = "user", create: bool = True
    ) -> tuple[User, DirectoryEntry]:
        """The user that a verified token names, stored on first sight, and their entry.

        Raises `banned`, and `unauthenticated` for an unknown user who is not to be created.
        """
        entry = await self.directory.find(user_id)
        user = entry.user
        if user is None:
            if not create:
                raise ChatError("unauthenticated", "This user is not known here.")
            user = await self.execute(Actor(user_id, name, role), EnsureUser(user_id, name))
            entry = await self.directory.find(user_id)
        elif user.may_become(name):
            user = await self.execute(Actor(user_id, name, role), EnsureUser(user_id, name))
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

    def publish(self, events: Sequence[UnstoredEvent]) -> None:
        """Tells everybody, on all nodes, what is not stored."""
        self.tell_others(events)
        self.tell_here(events)

    def tell_here(self, events: Sequence[UnstoredEvent]) -> None:
        """Tells who is on this node."""
        self._listeners.tell(events)

    def tell_others(self, events: Sequence[UnstoredEvent]) -> None:
        """Tells the other nodes, if there are any."""
        if self.peers.are_there:
            self.bus.send(EphemeralBatch(self.node_id, tuple(events)))

    def tell(self, event: UnstoredEvent) -> None:
        """`publish` of one."""
        self.publish([event])

    def _follow(self, events: Sequence[News]) -> None:
        for event in events:
            if not isinstance(event, DurableEvent):
                continue
            self.pos = event.pos
            if type(event) is not MessageSent:  # nearly every event is one, and none moves anybody
                self.directory.apply(event)
            self.signals.follow(event)
        self.directory.pos = self.pos

    async def _load_entries(self, user_ids: Collection[str]) -> LoadedUsers:
        def load(snapshot: Snapshot) -> LoadedUsers:
            _, pos = snapshot.head()
            users = snapshot.users(user_ids)
            memberships = snapshot.memberships_of(user_ids)
            login_ids = snapshot.login_ids_of(user_ids)
            blocked_ids = snapshot.blocked_ids_of(user_ids)
            records = snapshot.presence.records(user_ids)
            preferences = snapshot.notifications.preferences(user_ids)
            member_preferences = snapshot.notifications.member_preferences(user_ids)
            entries = {
                user_id: DirectoryEntry(
                    users.get(user_id),
                    memberships.conversation_ids.get(user_id, set()),
                    set(login_ids.get(user_id, ())),
                    blocked_ids.get(user_id, frozenset()),
                    records.get(user_id),
                    preferences.get(user_id, DEFAULTS),
                    member_preferences.get(user_id, {}),
                    dict(memberships.histories.get(user_id, {})),
                )
                for user_id in user_ids
            }
            return LoadedUsers(pos, entries, memberships.circles)

        return await self._reader.read(load)


def _nothing() -> None:
    """Nobody is here yet to lose anything."""


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


def _settle(future: asyncio.Future[Any], result: object, error: Exception | None) -> None:
    if future.done():
        return  # whoever asked has gone
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)
