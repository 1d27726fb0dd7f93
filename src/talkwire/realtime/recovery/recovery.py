"""Sockets that go on after their connection broke: who may, and what they have missed.

A client that comes back with its `pid` and offset is let in as at any connect. Then it is told that it goes on, what it
has missed, and from the same turn of the event loop on what happens: so nothing is missing and nothing comes twice. The
answer to CONNECT goes first, so that the client knows where it is after each packet, whenever its connection breaks
again (docs/decisions/0007).

Where that cannot be done whole, it gets a fresh session instead, never a part.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from secrets import token_urlsafe
from typing import Any, Literal

import msgspec
import structlog

from talkwire.core.commands.command import NodeCommand
from talkwire.core.commands.server.recovery import (
    CountMissed,
    EndSession,
    EnsureSecret,
    FindSession,
    KeepSessionRoom,
    ListMissed,
    MissedEvents,
    MoveSession,
    RefreshSessions,
    StoredSession,
)
from talkwire.core.connected.memberships import CONTACTS_MAX
from talkwire.core.domain.actors import RECOVERY
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.events import MemberRemoved, News
from talkwire.core.engine.chat import Chat
from talkwire.realtime.clients.chat_client import ChatClient, DialectEncoding, clients_in, user_room
from talkwire.realtime.clients.log_offset import Offset, parse_offset
from talkwire.realtime.clients.recoverable import LOST, RecoverableSocket, RecoverableSockets, ResumePlan
from talkwire.realtime.clients.recovery_token import RecoveryClaims, RecoveryTokenSigner
from talkwire.realtime.engine.connection import Handshake
from talkwire.realtime.engine.hub import Hub
from talkwire.realtime.metrics import RealtimeMetrics
from talkwire.realtime.recovery.event_ring import MISSED_MAX, EventRing, RingEntry
from talkwire.realtime.recovery.replay import ReplayingSocket
from talkwire.realtime.socketio.socketio_socket import Socket

PAGE_BYTES = 256 * 1024
"""What is sent before it is waited until the client has read it."""

PAGE_EVENTS = 1000
"""Events that are looked at in one turn of the event loop."""

BEHIND_S = 1.0
"""How long it is waited for events that a client has from another node, and that have not come here yet."""

HAND_OVER_WAIT_S = 0.3
"""How long it is waited for the node where a client was last; it may be dead."""

SILENT_S = 5.0
"""A node that has not answered is not asked again for so long."""

REFRESH_S = 3600.0
KEPT_S = 24 * 3600.0
"""What is stored of a session that is gone is forgotten after so long at the earliest."""

_KEY = "recovery"
_TOPIC = "take-over"
_TRUE = frozenset({"1", "true"})

_logger = structlog.get_logger(__name__)

Mode = Literal["ask", "always", "never"]


class TakeOverRequest(msgspec.Struct, frozen=True):
    """One node asks another for a socket that was there last, by its id."""

    socket_id: str
    user_id: str
    node_id: str


class TakeOverAnswer(msgspec.Struct, frozen=True):
    """`known`: the socket is or was there within the window; `gone_s` ago it went, 0 when it was still there. `rooms`
    as in `StoredSession`."""

    known: bool = False
    ended: bool = False
    gone_s: float = 0.0
    rooms: Mapping[str, bool] = {}


class _Unrecoverable(Exception):
    """There will be a fresh session."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryOptions:
    """`window_s`: for how long a socket may be away. `alone`: no other node writes to the database. `contacts_max`: the
    members of the largest group whose members are contacts (`core.connected.memberships`)."""

    mode: Mode = "ask"
    window_s: float = 120.0
    alone: bool = True
    contacts_max: int = CONTACTS_MAX


async def recovery_key(chat: Chat) -> bytes:
    """The key of all nodes' pids, made at the first start."""
    return (await chat.execute(RECOVERY, EnsureSecret(_KEY, token_urlsafe(32)))).encode()


@dataclass(slots=True)
class Clocks:
    """`now` is the event loop's time in seconds, `now_ms` milliseconds since 1970."""

    now: Callable[[], float]
    now_ms: Callable[[], int]


class Recovery:
    """For the sockets of this node, of all namespaces with chat. `node_id` is what the node's lease is named by."""

    def __init__(  # noqa: PLR0913, PLR0917 (what it joins)
        self,
        chat: Chat,
        hub: Hub,
        ring: EventRing,
        signer: RecoveryTokenSigner,
        options: RecoveryOptions,
        clocks: Clocks,
        metrics: RealtimeMetrics,
    ) -> None:
        self._chat = chat
        self._hub = hub
        self._ring = ring
        self._signer = signer
        self._options = options
        self._clocks = clocks
        self._metrics = metrics
        self._node_id = chat.node_id
        self._sockets = RecoverableSockets(options.window_s, clocks.now)
        self._news = asyncio.Event()
        # Nodes that have not answered lately.
        self._silent: dict[str, float] = {}
        self.on_hand_over: Callable[[ChatClient], None] = lambda _: None
        """Called when a client goes on at another node, before its socket here is closed."""
        chat.peers.answer(_TOPIC, TakeOverRequest, self._hand_over)

    # --- connecting -------------------------------------------------------------------------------------------------

    def is_wanted(self, handshake: Handshake, auth: dict[str, Any]) -> bool:
        """Whether a client is to be given a `pid`."""
        if self._options.mode == "ask":
            return auth.get("recovery") is True or handshake.query.get("recovery", "").lower() in _TRUE
        return self._options.mode == "always"

    def begin(self, client: ChatClient, namespace: str) -> RecoverableSocket:
        """A fresh session, which enters in this turn."""
        chat = self._chat
        statement = RecoveryClaims(
            client.actor.user_id,
            namespace,
            client.dialect.name,
            token_urlsafe(15),
            chat.epoch,
            self._node_id,
            chat.pos,
        )
        return RecoverableSocket(statement, self._signer.sign(statement))

    async def find(self, client: ChatClient, namespace: str, auth: dict[str, Any]) -> ResumePlan | None:
        """How a client that was let in goes on; None: with a fresh session."""
        if auth.get("pid") is None:
            return None
        try:
            return await self._find(client, namespace, auth)
        except (_Unrecoverable, ChatError) as reason:
            self._metrics.refused_recoveries += 1
            _logger.debug("a fresh session instead of an old one", reason=str(reason))
            return None

    async def _find(self, client: ChatClient, namespace: str, auth: dict[str, Any]) -> ResumePlan:
        statement = self._signer.read(auth["pid"])
        expected = (client.actor.user_id, namespace, client.dialect.name, self._chat.epoch)
        if (
            statement is None
            or (statement.user_id, statement.namespace, statement.dialect, statement.epoch) != expected
        ):
            raise _Unrecoverable("the pid is not of this user, namespace, dialect or history")
        # Before its first event a client has no offset, or still that of an earlier session.
        offset = auth.get("offset")
        place = Offset(statement.pos) if offset is None else parse_offset(offset, statement.epoch)
        if place is None:
            raise _Unrecoverable("the offset is none")
        if client.dialect.notifies and (offset is None or place.pos < statement.pos):
            # What it had missed before it began may not have been told to its end: `mail.py` goes on with that.
            raise _Unrecoverable("the client has been told nothing yet of what happened since it came")
        going_on = ResumePlan(
            RecoverableSocket(statement, auth["pid"]), max(place, Offset(statement.pos), key=lambda p: p.pos)
        )
        await self._wait_until_there(going_on)
        await self._find_recoverable(going_on)
        await self._look_whether_all_is_there(going_on, client)
        return going_on

    async def _wait_until_there(self, going_on: ResumePlan) -> None:
        """Another node may have told the client what has not come here yet."""
        pos = going_on.place.newest
        if pos <= self._chat.pos:
            return
        if self._options.alone:
            raise _Unrecoverable("the offset lies in the future")
        going_on.waited = True
        try:
            async with asyncio.timeout(BEHIND_S):
                while pos > self._chat.pos:
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise _Unrecoverable("the offset lies in the future") from None

    async def _find_recoverable(self, going_on: ResumePlan) -> None:
        """What is known of the socket: here, or by the tables if it was at another node, or before a restart."""
        known = self._sockets.find(going_on.recoverable.socket_id)
        if known is None or not self._options.alone:
            known = await self._find_stored(going_on, known)
        if known.ended:
            raise _Unrecoverable("it was ended on purpose")
        going_on.recoverable = known

    async def _find_stored(self, going_on: ResumePlan, known: RecoverableSocket | None) -> RecoverableSocket:
        """What is `known` here counts unless the socket has been at another node since."""
        statement = going_on.recoverable.statement
        if statement.node_id == self._node_id and self._options.alone:
            raise _Unrecoverable("it is too long ago")
        going_on.waited = True
        stored = await self._chat.execute(RECOVERY, FindSession(statement.socket_id, statement.node_id))
        if known is not None and stored.node_id == self._node_id:
            return known
        handed = await self._ask_for(statement, stored)
        taken_over = going_on.recoverable
        self._take_over(taken_over, stored, handed)
        # Stored before it goes on: otherwise the node where it was before would not know, if it came back there.
        await self._chat.execute(RECOVERY, MoveSession(statement.socket_id, self._node_id))
        # Somebody else may have come with the same pid meanwhile.
        found = self._sockets.find(statement.socket_id)
        if found is not None and found is not known:
            return found
        if found is not None:
            self._give_up(found)
        self._sockets.remember(taken_over)
        return taken_over

    def _give_up(self, recoverable: RecoverableSocket) -> None:
        """It has been carried by another node since."""
        self._sockets.hand_over(recoverable.socket_id)
        socket, recoverable.socket = recoverable.socket, None
        if socket is not None:
            socket.disconnect()
            if not socket.connection.sockets:
                socket.connection.close("forced server close")

    async def _ask_for(self, statement: RecoveryClaims, stored: StoredSession) -> TakeOverAnswer | None:
        """Has the node where the client was until now hand it over. None: it does not answer, such as one that was
        killed; its lease may go on for a while."""
        node_id = stored.node_id
        if self._options.alone or stored.age_ms != 0 or node_id == self._node_id:
            return None
        now = self._clocks.now()
        if self._silent.get(node_id, 0) > now:
            return None
        question = TakeOverRequest(statement.socket_id, statement.user_id, self._node_id)
        answers = await self._chat.peers.ask(_TOPIC, question, TakeOverAnswer, to=node_id, wait_s=HAND_OVER_WAIT_S)
        if node_id not in answers:
            self._silent[node_id] = now + SILENT_S
        return answers.get(node_id)

    async def _hand_over(self, question: TakeOverRequest) -> TakeOverAnswer:
        """A client of this node has come to another one, with its `pid`."""
        recoverable = self._sockets.hand_over(question.socket_id)
        if recoverable is None:
            return TakeOverAnswer()
        gone_at = recoverable.gone_at
        if recoverable.socket is not None:
            self._chat.signals.presence.expect_elsewhere(question.user_id, question.node_id)
            self.on_hand_over(recoverable.socket.data)
        self._give_up(recoverable)
        gone_s = 0.0 if gone_at is None else self._clocks.now() - gone_at
        return TakeOverAnswer(known=True, ended=recoverable.ended, gone_s=gone_s, rooms=recoverable.chosen)

    def _take_over(self, recoverable: RecoverableSocket, stored: StoredSession, handed: TakeOverAnswer | None) -> None:
        """From another node."""
        if stored.node_id == self._node_id or (handed is not None and not handed.known):
            # It would be known still.
            raise _Unrecoverable("it is too long ago")
        if stored.ended or (handed is not None and handed.ended):
            raise _Unrecoverable("it was ended on purpose")
        age_ms = stored.age_ms if handed is None else handed.gone_s * 1000
        if age_ms is None or age_ms > self._options.window_s * 1000:
            raise _Unrecoverable("its node ended too long ago")
        recoverable.chosen.update(stored.rooms if handed is None else handed.rooms)
        recoverable.moved = True

    async def _look_whether_all_is_there(self, going_on: ResumePlan, client: ChatClient) -> None:
        """In memory, or else in the log, of which the first page is kept."""
        pos = going_on.place.pos
        if pos >= self._chat.pos or self.in_memory(client, pos) is not None:
            return
        going_on.waited = True
        page = going_on.page = await self.read_log(client, pos)
        if page.pos < self._chat.pos and not await self._chat.execute(client.actor, CountMissed(page.pos, MISSED_MAX)):
            raise _Unrecoverable("too much has happened")

    # --- going on ---------------------------------------------------------------------------------------------------

    def came(self, socket: Socket) -> Socket | None:
        """A recoverable socket has entered. Answers the one by which its client was here until now."""
        client: ChatClient = socket.data
        recoverable = client.recoverable
        assert recoverable is not None, "it was let in as one"
        return self._sockets.came(recoverable, socket)

    def go_on(
        self, socket: Socket, going_on: ResumePlan, may_stay: Callable[[], bool], then: Callable[[], None]
    ) -> None:
        """Sends a socket what it has missed, and calls `then` in the turn in which it has all. What its client asks for
        meanwhile waits. Before each page `may_stay` is asked: when it says no, it has ended the socket."""
        self._metrics.recoveries += 1
        catch_up = _CatchUp(self, socket, going_on, may_stay, then)
        try:
            ended = catch_up.advance()
        except Exception as error:  # noqa: BLE001 (whatever a dialect raises)
            catch_up.failed(error)
        else:
            if not ended:
                socket.connection.lane.enter(lambda: self._start(catch_up), pipelined=False)

    def _start(self, catch_up: _CatchUp) -> bool:
        task = asyncio.ensure_future(catch_up.run())
        task.add_done_callback(catch_up.finished)
        return True

    def went(self, socket: Socket, reason: str, *, for_good: bool = False) -> None:
        """A socket is gone."""
        client: ChatClient = socket.data
        recoverable = client.recoverable
        if recoverable is None:
            return
        on_purpose = for_good or reason not in LOST
        if self._sockets.went(recoverable, socket, on_purpose=on_purpose) and on_purpose:
            self._store(EndSession(recoverable.socket_id, self._node_id))

    # --- rooms ------------------------------------------------------------------------------------------------------

    async def choose(
        self, recoverable: RecoverableSocket, conversation_id: str, *, opened: bool, by_default: bool
    ) -> None:
        """A socket opens a conversation or closes it: that is stored before it is told so."""
        if recoverable.follows(conversation_id, by_default=by_default) is opened:
            return
        await self._chat.execute(RECOVERY, KeepSessionRoom(recoverable.socket_id, conversation_id, opened))
        recoverable.chosen[conversation_id] = opened

    def forget_choice(self, recoverable: RecoverableSocket, conversation_id: str) -> None:
        """The user has come to a conversation, or left it."""
        if recoverable.chosen.pop(conversation_id, None) is not None:
            self._store(KeepSessionRoom(recoverable.socket_id, conversation_id, None))

    # --- what happens -----------------------------------------------------------------------------------------------

    def follow(self, events: Sequence[News]) -> None:
        """Listens to the bus."""
        self._ring.follow(events)
        if not self._news.is_set():
            self._news.set()
        for event in events:
            if type(event) is MemberRemoved:
                for socket in clients_in(self._hub, user_room(event.user_id)):
                    recoverable = socket.data.recoverable
                    if recoverable is not None:
                        self.forget_choice(recoverable, event.conversation_id)

    async def refresh(self, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        """Has stored what is still needed, and forgotten what is not. Never ends by itself."""
        keep_ms = round(max(KEPT_S, 2 * self._options.window_s + REFRESH_S) * 1000)
        while True:
            self._store(RefreshSessions(tuple(self._sockets.stored()), keep_ms))
            await sleep(REFRESH_S)

    def _store(self, command: NodeCommand[None]) -> None:
        self._chat.submit(RECOVERY, command, _log_failure)

    # --- what was missed --------------------------------------------------------------------------------------------

    @property
    def pos(self) -> int:
        """Up to where everything has been told here."""
        return self._chat.pos

    def in_memory(self, client: ChatClient, pos: int) -> list[RingEntry] | None:
        """What was missed since a position; None when that has to be read from the log: not all of it is in memory, or
        the user has come to a conversation or left one since."""
        entry, directory = client.entry, self._chat.directory
        if entry.moved_pos > pos:
            return None
        user_id = client.actor.user_id
        return self._ring.missed(
            user_id,
            entry.conversation_ids,
            lambda: directory.contacts(user_id),
            pos,
            lambda other_id: directory.peek(other_id) is not None,
        )

    async def read_log(self, client: ChatClient, pos: int) -> MissedEvents:
        """The next page of what was missed since a position, as far as it has been told here."""
        self._metrics.recovery_log_reads += 1
        return await self._chat.execute(client.actor, ListMissed(pos, self._chat.pos, self._options.contacts_max))


class _CatchUp:
    """What one socket has missed, on its way to it."""

    def __init__(
        self,
        recovery: Recovery,
        socket: Socket,
        going_on: ResumePlan,
        may_stay: Callable[[], bool],
        then: Callable[[], None],
    ) -> None:
        self._recovery = recovery
        self._socket = socket
        self._may_stay = may_stay
        self._then = then
        self._client: ChatClient = socket.data
        self._place = going_on.place
        self._reach = self._place.pos
        self._pending: deque[RingEntry] = deque()
        self._log_is_needed = False
        if going_on.page is not None:
            self._take_page(going_on.page)
        assert isinstance(socket.channel, DialectEncoding)
        self._listener = ReplayingSocket(socket.channel, self._client, going_on.recoverable, recovery.forget_choice)

    def advance(self) -> bool:
        """Sends what is at hand, a page at most. True: that was the end, since the socket has all that has happened, or
        is gone."""
        if not self._socket.connected or not self._may_stay():
            return True
        if not self._send_all_at_hand():
            return False
        if self._socket.connected:
            self._then()
        return True

    async def run(self) -> None:
        """Sends all, as fast as the client reads."""
        connection = self._socket.connection
        while not self.advance():
            if self._log_is_needed:
                self._log_is_needed = False
                self._take_page(await self._recovery.read_log(self._client, self._place.pos))
            if not await connection.drained():
                return

    def finished(self, task: asyncio.Task[None]) -> None:
        """`run` has ended."""
        self._socket.connection.lane.finished()
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self.failed(error)

    def failed(self, error: BaseException) -> None:
        """The client comes back, and goes on from where it is by then."""
        connection = self._socket.connection
        if not isinstance(error, ChatError):
            connection.server.report(error)
        connection.close("transport error")

    def _send_all_at_hand(self) -> bool:
        """A page at most. True: the socket has all that has happened."""
        self._send_page()
        if self._pending or not self._look():
            return False
        self._send_page()
        return not self._pending

    def _look(self) -> bool:
        """Takes what is in memory. False: the log has to be read."""
        if self._place.counter is None and self._place.pos >= self._recovery.pos:
            return True
        found = self._recovery.in_memory(self._client, self._place.pos)
        if found is None:
            self._log_is_needed = True
            return False
        user_id, histories = self._client.actor.user_id, self._client.entry.histories
        self._pending.extend(seen for kept in found if (seen := kept.as_seen(user_id, histories)) is not None)
        self._reach = self._recovery.pos
        self._settle()
        return True

    def _take_page(self, page: MissedEvents) -> None:
        self._pending.extend(RingEntry(event, 0) for event in page.events)
        self._reach = page.pos
        self._settle()

    def _send_page(self) -> None:
        frames: list[bytes] = []
        size = 0
        while self._pending and size < PAGE_BYTES and len(frames) < PAGE_EVENTS:
            kept = self._pending.popleft()
            pos = kept.event.pos
            counter = self._place.counter if pos == self._place.pos + 1 else None
            frames.append(self._frames_of(kept, counter))
            size += len(frames[-1])
            self._place = Offset(pos)
        if size:
            self._socket.connection.server.hub.send(self._socket.connection, b"".join(frames))
        self._settle()

    def _frames_of(self, kept: RingEntry, counter: int | None) -> bytes:
        """Returns what the socket is sent of an event: nothing of one that fails, which must not end the recovery."""
        try:
            return self._listener.tell(kept, counter)
        except Exception:
            _logger.exception("an event could not be delivered", kind=type(kept.event).__name__, pos=kept.event.pos)
            return b""

    def _settle(self) -> None:
        """With nothing more at hand, the socket is where that reached."""
        if not self._pending and self._reach > self._place.pos:
            self._place = Offset(self._reach)


def _log_failure(_result: object, error: Exception | None) -> None:
    """A session of which this was not stored is a fresh one after the next restart, at worst."""
    if error is not None:
        _logger.warning("something of a recoverable session could not be stored", error=str(error))
