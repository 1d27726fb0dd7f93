"""`Chat`, the entry point of the core: sockets, REST routes and the command line execute every command with
`Chat.execute`, or with `Chat.submit`, which calls a function with the result."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection, Sequence
from functools import partial
from secrets import token_hex
from typing import Any, Protocol, TypeVar, cast

from msgspec.structs import replace

from talkwire.core.background_tasks import BackgroundTasks
from talkwire.core.cluster.feed import ANNOUNCED_GAP_PATIENCE_S, GAP_PATIENCE_S, Commit, LogFeed, LogSegment
from talkwire.core.cluster.lease import Lease
from talkwire.core.cluster.log_poller import LogPoller
from talkwire.core.cluster.peers import Peers
from talkwire.core.cluster.sender_verification import SenderVerifier
from talkwire.core.commands.accounts import EnsureUser
from talkwire.core.commands.command import Command, IdempotencyKey, NodeCommand
from talkwire.core.commands.integration.custom_events import KeepReport, SendReport, SendToUsers
from talkwire.core.commands.messages import SendMessages
from talkwire.core.commands.server.nodes import ListPeers
from talkwire.core.commands.server.retries import AnswerRetry
from talkwire.core.connected.directory import Directory, DirectoryEntry, LoadedUsers
from talkwire.core.domain.access import may_act, require
from talkwire.core.domain.access_policy import DEFAULT_POLICY, AccessPolicy
from talkwire.core.domain.actors import NODE
from talkwire.core.domain.errors import ChatError, LogReplaced, NoAccess
from talkwire.core.domain.events import (
    Durable,
    DurableEvent,
    MessageSent,
    News,
    PositionsPassed,
    UnstoredEvent,
    UserErased,
    UserUpdated,
)
from talkwire.core.domain.log.announced import FOR_ALL_NODES, hash_of
from talkwire.core.domain.log.cursors import cursor_of
from talkwire.core.domain.model import Actor, ActorRole, Message, User
from talkwire.core.engine.command_table import CHANGES, QUERIES, check_command
from talkwire.core.engine.desk.team_changer import settle as settle_change
from talkwire.core.engine.hooks import Hooks, sent_as
from talkwire.core.engine.listeners import Listener, Listeners, Stage, never
from talkwire.core.engine.refusal_causes import cause_of, name_conversation
from talkwire.core.features.conversations import lists
from talkwire.core.features.users import user_search
from talkwire.core.features.users.preferences import DEFAULTS
from talkwire.core.ports.bus import (
    Announcement,
    AnyBusMessage,
    Bus,
    CommittedBatch,
    EphemeralBatch,
    NoBus,
    PeerAnswer,
    PeerQuestion,
    Receivers,
)
from talkwire.core.ports.handler import ChangeHandler, Queries
from talkwire.core.ports.jobs import Done
from talkwire.core.ports.transaction import Snapshot
from talkwire.core.signals.signals import SignalOptions, Signals

NEXT_TRANSACTION_S = 0.005
"""Seconds after another node's transaction within which its next one is expected, if the node has announced one."""

R = TypeVar("R")
C = TypeVar("C", bound=Command[Any])
X = TypeVar("X")


class CommandWriter(Protocol):
    """The interface of the writer, which executes changes (commands that write) in the order in which they were queued,
    many in one transaction. `talkwire.storage.writer.GroupWriter` implements it."""

    @property
    def busy(self) -> bool:
        """Returns whether changes are queued or being executed."""
        ...

    def start(self, on_commit: Callable[[Commit, Callable[[], None]], None], epoch: str) -> None:
        """Starts executing the queued changes. If the epoch of the database's log is not `epoch`, changes are refused
        with `LogReplaced`.

        For each transaction, in order, `on_commit` is called on the event loop with the transaction and a function that
        delivers the results to the callers.
        """
        ...

    def enqueue(self, actor: Actor, command: Command[Any], done: Done, key: IdempotencyKey | None = None) -> None:
        """Queues a change. `done` is called on the event loop with (result, error) when the change is committed or
        refused.

        A change whose idempotency key was committed before is not executed again; `done` receives the stored result.
        """
        ...

    async def begin_epoch(self) -> None:
        """Starts a new epoch of the log, in which clients' cursors from before are refused, unless another node has
        done so. Raises `unavailable` while the database accepts no writes."""
        ...


class SnapshotReader(Protocol):
    """The interface of the reader threads: `read` runs a function with a consistent snapshot of the database on one of
    them, and returns an awaitable of its result. `talkwire.storage.reader.ReaderPool` implements it."""

    def read(self, function: Callable[[Snapshot], R]) -> Awaitable[R]: ...


class NodeCommandExecutor(Protocol):
    """The interface that executes node commands, which store a node's lease (the record that it is alive) and data that
    ends with the lease, without writing to the log. The storage package implements it."""

    def keep(self, actor: Actor, command: NodeCommand[R]) -> Awaitable[R]: ...


class Chat:
    """The core of one node. Callers execute commands with `execute` or `submit`, and receive all nodes' events with
    `subscribe`; `bus` connects this node with the others. It depends on no particular database or network protocol."""

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
        self._queries: Queries = {**QUERIES, **user_search.queries(policy), **lists.queries(policy)}
        self._hooks = Hooks() if hooks is None else hooks
        self._tasks = BackgroundTasks()
        self.node_id = token_hex(8)
        """Id that distinguishes this node from others."""
        self._writer = writer
        self._reader = reader
        self._keeper = keeper
        self._listeners = Listeners()
        self.bus = bus or NoBus()
        self.peers = Peers(self.node_id, self.bus.send, lambda: self.bus.is_disconnected)
        self._sender_verifier = SenderVerifier(
            self.peers, lambda: self.execute(NODE, ListPeers()), self._handle, self.bus.counts
        )
        self.feed = LogFeed(
            self._read_log, self._listeners.notify, self._bus_patience_s, self._handle_loss, self._needs
        )
        self._watching: asyncio.Task[None] | None = None
        self._more_until = 0.0
        self.on_events_missed: Callable[[], None] = _nothing
        """Function that is called when this node has missed events: its clients have to reload everything."""
        self.on_replaced: Callable[[], None] = _nothing
        """Function that is called when the log was replaced: everything in this node's memory is invalid."""
        self.on_timer_set: Callable[[int], None] = _ignore
        """Function that is called when this node has set timers, with the milliseconds after which the first of them
        fires."""
        self._commit_listeners: list[Callable[[Sequence[Durable]], None]] = []
        self.directory = Directory(self._load_entries, contacts_max=options.contacts_max)
        self.signals = Signals(self, self, self.peers, options)
        self.lease = Lease(self, self.node_id, self.signals, self.peers)
        self.signals.presence.on_user_changes = self.lease.record_soon
        self.epoch = ""
        self.pos = 0
        self._listeners.add(self._follow, Stage.STATE, never)

    def execute(self, actor: Actor, command: Command[R], key: IdempotencyKey | None = None) -> Awaitable[R]:
        """Executes a command and returns its result.

        Changes are queued before this returns, in the order of the calls, unless the application has hooks for them;
        their result is available after the commit. A change with an idempotency key is executed once, however often it
        is sent (`idempotency.py`).

        Raises `ChatError`: from the awaitable, or immediately, for example for a command that is invalid.
        """
        hooked = self.is_hooked(command)
        result = self._ask_hooks(actor, command, key) if hooked else self._execute(actor, command, key)
        return self._with_cause(actor, command, result) if actor.is_trusted else result

    def submit(self, actor: Actor, command: Command[Any], done: Done, key: IdempotencyKey | None = None) -> None:
        """Queues a command that writes, in the order of the calls unless the application has hooks for it. `done` is
        called with (result, error) on the event loop, in one turn for all changes that were committed together.

        The call itself raises `ChatError` only for a command without hooks that is invalid, or while the node's lease
        is lost; all other errors are passed to `done`.
        """
        if actor.is_trusted:
            done = partial(self._pass_cause, actor, command, done)
        if isinstance(command, NodeCommand):
            asyncio.ensure_future(self._keeper.keep(actor, command)).add_done_callback(partial(settle, done))
            return
        if self.is_hooked(command):
            task = self._tasks.start(self._ask_hooks(actor, command, key))
            task.add_done_callback(partial(settle, done))
            return
        self._submit(CHANGES[type(command)], actor, command, done, key)

    def is_hooked(self, command: Command[Any]) -> bool:
        """Returns whether the application has hooks for a command.

        Such a command is queued only after its hooks have returned; callers that need a certain order have to wait for
        the result.
        """
        return bool(self._hooks.by_type) and self._hooks.concern(command)  # asked twice for each message

    async def approve(self, actor: Actor, command: C) -> C:
        """Returns what the application's hooks make of a command, which is not executed. Raises ChatError if one
        refuses it."""
        return await self._hooks.apply(actor, command)

    async def _ask_hooks(self, actor: Actor, command: Command[R], key: IdempotencyKey | None) -> R:
        """Passes a command to the application's hooks and executes the command that they return. A retry of an executed
        command returns its result without calling the hooks."""
        retry = AnswerRetry(command, key)
        if retry.is_possible:
            check_command(command)
            answer = await self._execute(actor, retry)
            if answer is not None:
                return cast("R", answer.result)
        changed = await self._hooks.apply(actor, command)
        return await self._execute(actor, changed, key if changed is command else sent_as(command, key))

    async def _with_cause(self, actor: Actor, command: Command[R], result: Awaitable[R]) -> R:
        """Awaits `result`, the result of a command of the back end or an admin, and returns it. Replaces a `NoAccess`,
        whether raised or in the results of `SendMessages`, with an error that names its cause."""
        try:
            done = await result
        except NoAccess as refusal:
            raise await self._cause(actor, command, refusal) from None
        if isinstance(command, SendMessages):
            outcomes = zip(command.messages, cast("Sequence[Message | ChatError]", done), strict=False)
            return cast("R", tuple([await self._cause(actor, *each) for each in outcomes]))
        return done

    async def _cause(self, actor: Actor, command: Command[Any], outcome: X) -> X | ChatError:
        """Returns `outcome`, the result of a command or its error. Instead of a `NoAccess`, returns the error that
        names what the command lacks, unless nothing is missing any more."""
        if not isinstance(outcome, NoAccess):
            return outcome
        found = await self._reader.read(partial(cause_of, actor=actor, command=command))
        if found is not None:
            found.cause = found.cause or outcome.cause
            found.conversation_id = outcome.conversation_id
        return found or outcome

    def _pass_cause(
        self, actor: Actor, command: Command[Any], done: Done, result: object, error: Exception | None
    ) -> None:
        """Calls `done` with the outcome of a command of the back end or an admin: at once, or for a `NoAccess` once its
        cause was read from the database."""
        if isinstance(error, NoAccess):
            failed: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
            failed.set_exception(error)
            task = self._tasks.start(self._with_cause(actor, command, failed))
            task.add_done_callback(partial(settle, done))
        else:
            done(result, error)

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
        """Executes a command that does not write to the log of events: a query, a node's command or a signal."""
        query = self._queries.get(type(command))
        if query is not None:
            return cast("Awaitable[R]", self._reader.read(partial(_answer_query, query, actor, command)))
        if key is not None and isinstance(command, SendToUsers):
            return cast("Awaitable[R]", self._send_once(actor, command, key))
        if isinstance(command, NodeCommand):
            return cast("Awaitable[R]", self._keeper.keep(actor, command))
        handler = self.signals.handlers.get(type(command))
        if handler is not None:
            self.lease.check()
            return cast("Awaitable[R]", handler(actor, command))
        raise TypeError(f"no handler is registered for {type(command).__name__}")

    async def _load_and_change(
        self, user_ids: Collection[str], actor: Actor, command: Command[R], key: IdempotencyKey | None
    ) -> R:
        """Executes a change after loading the users `user_ids` into the directory (the cache of users), because their
        contacts have to be notified of the change."""
        await asyncio.gather(*map(self.directory.find, user_ids))
        change = CHANGES[type(command)]
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._submit(change, actor, command, partial(_settle, future), key)
        return await future

    async def _send_once(self, actor: Actor, command: SendToUsers, key: IdempotencyKey) -> SendReport:
        """Sends a custom event to users and stores the result under the idempotency key; if the key was used before,
        only returns the stored result.

        The result cannot be stored in one transaction with the sending, so it is stored afterwards. A retry that
        arrives before the result is stored sends again, and so does one after a crash in between.
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
        if change.settles:
            done = partial(self._pass_settled, done)
        self._writer.enqueue(actor, command, done, key)

    def _pass_settled(self, done: Done, result: Any, error: Exception | None) -> None:  # noqa: ANN401 (of any command)
        """Calls `done` with the outcome of a command: at once, or, if memberships that follow from it are still being
        written, when they are or when that takes too long. Then the result keeps its `pending_pos`."""
        if error is not None or result.pending_pos is None:
            done(result, error)
        else:
            task = self._tasks.start(self._settled(result))
            task.add_done_callback(partial(settle, done))

    async def _settled(self, result: Any) -> Any:  # noqa: ANN401 (of any command)
        is_settled = await settle_change(self, result.pending_pos)
        return replace(result, pending_pos=None) if is_settled else result

    def subscribe(
        self, listener: Listener, stage: Stage = Stage.OBSERVERS, needs_all: Callable[[], bool] = never
    ) -> None:
        """Registers `listener`, which is then called on the event loop with each batch of events of all nodes: durable
        events in log order, and ephemeral ones. Listeners of an earlier `stage` are called first.

        With many nodes, some events of conversations without users on this node are not loaded: a `PositionsPassed`
        takes their place. `needs_all` returns whether the listener needs them at present."""
        self._listeners.add(listener, stage, needs_all)

    def subscribe_commits(self, listener: Callable[[Sequence[Durable]], None]) -> None:
        """Registers `listener`, which is called on the event loop with the events of each transaction that this node
        commits, right after the commit. Events of other nodes are not included. It must not raise."""
        self._commit_listeners.append(listener)

    async def start(self, *, alone: bool = True) -> None:
        """Reads the newest position of the log, and starts executing changes and delivering the events after that
        position. `alone` means that no other node can be running, so the log is not polled for events of other nodes.
        Raises ChatError if the database cannot be read."""
        self.epoch, pos = await self._reader.read(lambda snapshot: snapshot.head())
        self.pos = self.directory.pos = pos
        self.feed.start(pos)
        self._writer.start(self._committed, self.epoch)
        if not alone:
            self.signals.enable_peers()
            self.directory.memberships.index_hashes()
        await self.bus.start(self.epoch, self.node_id, self._receive, self._choose, self._may_compress)
        if not alone:
            places = self.signals.presence.exchange.places
            places.may_be_selective = self.peers.can_address = self.bus.includes_events
            places.connections = lambda: self.bus.counts.connections
            watch = LogPoller(
                self.feed,
                self.read_head,
                lambda: self.bus.is_disconnected,
                self._handle_replacement,
                self._writer.begin_epoch,
            )
            self._watching = asyncio.create_task(watch.run())

    def close(self) -> None:
        """Stops typing, presence and calls on this node, and queues the end of the node's lease. To be called before
        the writer is closed, which must still execute that command."""
        self.signals.close()
        self.lease.close()

    async def stop_following(self) -> None:
        """Stops delivering events and disconnects the bus. To be called last, after the writer was closed."""
        if self._watching is not None:
            self._watching.cancel()
        self._sender_verifier.close()
        self.feed.close()
        await self.bus.close()

    def announce_node(self) -> None:
        """Sends the other nodes an empty message, which makes them read this node's lease at once, so that they accept
        its messages."""
        self.bus.send(EphemeralBatch(self.node_id, ()))

    # --- the log ----------------------------------------------------------------------------------------------------

    def _committed(self, commit: Commit, answer: Callable[[], None]) -> None:
        """Handles a transaction of this node's writer: sends it to the other nodes at once, and passes it to this
        node's feed, which may deliver it later. `answer` returns the results to the commands' callers; the feed calls
        it just before the delivery."""
        if commit.events and self.peers.has_peers:
            events = tuple(commit.events)
            batch = CommittedBatch(self.node_id, commit.start_pos, commit.pos, events, self._writer.busy)
            if self.peers.fetch_events:
                self.bus.announce(batch, [hash_of(event) for event in events])
            else:
                self.bus.send(batch)
        self.feed.committed(commit, answer)
        if commit.next_timer_ms is not None:
            self.on_timer_set(commit.next_timer_ms)
        if commit.events:
            for listener in self._commit_listeners:
                listener(commit.events)

    def _receive(self, dispatch: AnyBusMessage) -> None:
        if dispatch.node_id == self.node_id:
            return
        # A node that was stopped ends its sessions first, whatever the others have done to their users.
        self.lease.check_stop()
        if self.peers.is_peer(dispatch.node_id):
            self._handle(dispatch)
        else:
            self._sender_verifier.hold(dispatch)

    def _choose(self, announced: Sequence[Announcement]) -> Sequence[Announcement]:
        """Returns those of other nodes' announced events that this node needs. Ignores the announcements of nodes that
        are not known to be alive: their positions are read from the log."""
        self.lease.check_stop()
        return self.feed.announced([each for each in announced if self.peers.is_peer(each.node_id)])

    def _may_compress(self) -> bool:
        return self.peers.fetch_events and self.bus.includes_events

    def _needs(self, conversation_hash: int) -> bool:
        """Returns whether this node needs announced events with a conversation hash."""
        return (
            conversation_hash == FOR_ALL_NODES
            or self.directory.memberships.has_hash(conversation_hash)
            or self._listeners.need_all()
        )

    def _handle(self, dispatch: AnyBusMessage) -> None:
        """Handles a message from another node whose lease is valid."""
        if isinstance(dispatch, CommittedBatch):
            self._more_until = asyncio.get_running_loop().time() + NEXT_TRANSACTION_S if dispatch.more else 0.0
        match dispatch:
            case CommittedBatch(events=None):
                self.feed.notice_head(dispatch.pos)
            case CommittedBatch(events=tuple(events)):
                commit = Commit(dispatch.start_pos, dispatch.pos, events)
                user_ids = self._users_to_load(events)
                if user_ids:
                    self._tasks.start(self._load_then_deliver(user_ids, commit))
                else:
                    self.feed.receive(commit)
            case EphemeralBatch(events=events):
                received = self.signals.receive(events) if events else ()
                if received:
                    self.publish_here(received)
            case PeerQuestion() | PeerAnswer():
                self.peers.receive(dispatch)

    @property
    def expects_more(self) -> bool:
        """True if more events are expected within milliseconds: this node is executing changes, or another node has
        just announced a further transaction. The hub then delays writing, to send more in one write."""
        return self._writer.busy or asyncio.get_running_loop().time() < self._more_until

    def _bus_patience_s(self) -> float:
        if not self.bus.includes_events or self.bus.is_disconnected:
            return 0.0
        return ANNOUNCED_GAP_PATIENCE_S if self.peers.are_many else GAP_PATIENCE_S

    async def _read_log(self, after: int, limit: int) -> LogSegment:
        def read(snapshot: Snapshot) -> LogSegment:
            _, head = snapshot.head()
            return LogSegment(min(head, after + limit), snapshot.events_after(after, limit), snapshot.sync.floor())

        segment = await self._reader.read(read)
        self.lease.check_stop()
        await asyncio.gather(*map(self.directory.find, self._users_to_load(segment.events)))
        return segment

    def _users_to_load(self, events: Sequence[Durable]) -> set[str]:
        """Returns the ids of users to load before the events are delivered: users with a changed or erased profile,
        because their contacts are notified."""
        changed = (event.user.id for event in events if type(event) is UserUpdated or type(event) is UserErased)
        return {user_id for user_id in changed if self.directory.peek(user_id) is None}

    async def _load_then_deliver(self, user_ids: Collection[str], commit: Commit) -> None:
        """Loads users into the directory (the cache of users), then passes another node's transaction to the feed,
        where later transactions wait for it."""
        with contextlib.suppress(ChatError):
            await asyncio.gather(*map(self.directory.find, user_ids))
        self.feed.receive(commit)

    async def read_head(self) -> int:
        """Returns the log position of the newest event in the database. Raises ChatError, in particular LogReplaced if
        the database has another log."""
        epoch, pos = await self._reader.read(lambda snapshot: snapshot.head())
        if epoch != self.epoch:
            raise LogReplaced
        return pos

    def _handle_replacement(self) -> None:
        self.on_replaced()

    def _handle_loss(self) -> None:
        self.on_events_missed()
        self.directory.forget_idle()

    # --- users of tokens ----------------------------------------------------------------------------------------------

    async def user_of_token(
        self, user_id: str, name: str, *, role: ActorRole = "user", create: bool = True
    ) -> tuple[User, DirectoryEntry]:
        """Returns the user that a verified token names, and the user's entry in the directory. Stores an unknown user
        first, as an actor with the role `role`, and what the token changes of a known one (`User.is_changed_by_token`).

        Raises `banned`, and `unauthenticated` for an unknown user if `create` is false.
        """
        entry = await self.directory.find(user_id)
        user = entry.user
        if user is None:
            if not create:
                raise ChatError("unauthenticated", "This user is not known to this server.")
            user = await self.execute(Actor(user_id, name, role), EnsureUser(user_id, name))
            entry = await self.directory.find(user_id)
        elif user.is_changed_by_token(name, role):
            user = await self.execute(Actor(user_id, name, role), EnsureUser(user_id, name))
        require(may_act(user))
        return user, entry

    async def check(self) -> None:
        """Reads from the database, and raises `unavailable` if it does not answer."""
        await self._reader.read(lambda snapshot: snapshot.head())

    @property
    def cursor(self) -> str:
        """The opaque cursor of the log position up to which this node has delivered events."""
        return cursor_of(self.epoch, self.pos)

    def publish(self, events: Sequence[UnstoredEvent]) -> None:
        """Sends ephemeral events, which are not stored, to listeners on all nodes."""
        self.publish_to_peers(events)
        self.publish_here(events)

    def publish_here(self, events: Sequence[UnstoredEvent]) -> None:
        """Sends ephemeral events, which are not stored, to listeners on this node only."""
        self._listeners.notify(events)

    def publish_to_peers(self, events: Sequence[UnstoredEvent]) -> None:
        """Sends ephemeral events, which are not stored, to those of the other nodes that need them."""
        if not self.peers.has_peers:
            return
        for to, some in self.signals.by_receivers(events).items():
            self.publish_to(some, to)

    def publish_to(self, events: Sequence[UnstoredEvent], to: Receivers) -> None:
        """Sends ephemeral events, which are not stored, to the other nodes with the ids `to`, or to all if that is
        None."""
        self.bus.send(EphemeralBatch(self.node_id, tuple(events)), to)

    def publish_one(self, event: UnstoredEvent) -> None:
        """Sends one ephemeral event, which is not stored, to listeners on all nodes."""
        self.publish([event])

    def _follow(self, events: Sequence[News]) -> None:
        for event in events:
            if not isinstance(event, DurableEvent):
                if type(event) is PositionsPassed:
                    self.pos = event.pos
                continue
            self.pos = event.pos
            if type(event) is not MessageSent:  # nearly every event is a message, which changes no entry
                self.directory.apply(event)
            self.signals.follow(event)
        self.directory.pos = self.pos

    async def _load_entries(self, user_ids: Collection[str]) -> LoadedUsers:
        def load(snapshot: Snapshot) -> LoadedUsers:
            _, pos = snapshot.head()
            users = snapshot.users(user_ids)
            if not users:  # users who do not exist have no rows elsewhere either
                return LoadedUsers(pos, {user_id: DirectoryEntry(None, set()) for user_id in user_ids})
            memberships = snapshot.memberships_of(users)
            login_ids = snapshot.login_ids_of(users)
            blocked_ids = snapshot.blocked_ids_of(users)
            records = snapshot.presence.records(users)
            preferences = snapshot.notifications.preferences(users)
            entries = {
                user_id: DirectoryEntry(
                    users.get(user_id),
                    memberships.conversation_ids.get(user_id, set()),
                    set(login_ids.get(user_id, ())),
                    blocked_ids.get(user_id, frozenset()),
                    records.get(user_id),
                    preferences.get(user_id, DEFAULTS),
                    memberships.preferences.get(user_id, {}),
                    memberships.histories.get(user_id, {}),
                    memberships.staffed.get(user_id, {}),
                    memberships.unlisted.get(user_id),
                )
                for user_id in user_ids
            }
            return LoadedUsers(pos, entries, memberships.facts)

        return await self._reader.read(load)


def _answer_query(
    query: Callable[[Snapshot, Actor, Any], object], actor: Actor, command: Command[Any], snapshot: Snapshot
) -> object:
    """Returns the result of a query."""
    try:
        return query(snapshot, actor, command)
    except ChatError as refusal:
        name_conversation(refusal, snapshot, command)
        raise


def _nothing() -> None:
    """Does nothing: the default of callbacks that nothing has set yet."""


def _ignore(wait_ms: int) -> None:
    """Does nothing, as `_nothing`."""


def settle(done: Done, future: asyncio.Future[Any]) -> None:
    """Calls `done` with the (result, error) of a finished future, and with `unavailable` for a cancelled one."""
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
        return  # the caller was cancelled
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)
