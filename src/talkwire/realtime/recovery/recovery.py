"""Decides which sockets may resume after their connection broke, from which position in the event log, and with which
rooms.

A client that returns with its `pid` (recovery token) and offset (the log position that it has received) signs in as at
any connect. Then it receives the response to CONNECT, the events that it missed, and from the same turn of the event
loop on the events as they happen: no event is missing and none comes twice. The response comes first so that the client
knows its offset after each packet, whenever its connection breaks again (docs/decisions/0007).

A socket that cannot resume completely gets a new session instead, never a part of the events.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from secrets import token_urlsafe
from typing import Any, Literal

import structlog

from talkwire.core.commands.command import NodeCommand
from talkwire.core.commands.server.recovery import EndSession, EnsureSecret, KeepSessionRoom, RefreshSessions
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
from talkwire.realtime.recovery.event_ring import EventRing
from talkwire.realtime.recovery.missed_events import MissedEventReader
from talkwire.realtime.recovery.replay import Replay, ReplayingSocket
from talkwire.realtime.recovery.take_over import TakeOver, UnrecoverableError
from talkwire.realtime.socketio.socket_server import SocketServer
from talkwire.realtime.socketio.socketio_socket import Socket

BEHIND_S = 1.0
"""Seconds that a client waits for events that it has received from another node but this node has not read yet."""

REFRESH_S = 3600.0
"""Seconds between two renewals of the database rows of connected recoverable sockets."""

KEPT_S = 24 * 3600.0
"""Seconds for which the database rows of an ended session are kept, at least."""

_KEY = "recovery"
_TRUE = frozenset({"1", "true"})

_logger = structlog.get_logger(__name__)

Mode = Literal["ask", "always", "never"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryOptions:
    """The options of recovery. `mode`: whether sockets are recoverable `always`, `never`, or only if their clients
    `ask` for it. `window_s`: how many seconds a socket may be disconnected. `alone`: this is the only node that writes
    to the database. `contacts_max`: the size of the largest group whose members are contacts
    (`core.connected.memberships`).
    """

    mode: Mode = "ask"
    window_s: float = 120.0
    alone: bool = True
    contacts_max: int = CONTACTS_MAX


async def recovery_key(chat: Chat) -> bytes:
    """Returns the key with which all nodes sign recovery tokens (`pid`). It is in the database; the first start creates
    it.
    """
    return (await chat.execute(RECOVERY, EnsureSecret(_KEY, token_urlsafe(32)))).encode()


class Recovery:
    """Makes sockets of this node resume after their connection broke, in all chat namespaces: finds their earlier
    state, sends them the missed events, and remembers disconnected ones.

    `on_hand_over` is called with a client that continues at another node, before its socket on this node is closed.
    """

    def __init__(  # noqa: PLR0913, PLR0917 (what it connects)
        self,
        chat: Chat,
        server: SocketServer,
        ring: EventRing,
        signer: RecoveryTokenSigner,
        options: RecoveryOptions,
        on_hand_over: Callable[[ChatClient], None],
    ) -> None:
        self._chat = chat
        self._hub = server.hub
        self._metrics = server.metrics
        self._ring = ring
        self._signer = signer
        self._options = options
        self._sockets = RecoverableSockets(options.window_s, server.now)
        self._missed = MissedEventReader(chat, ring, server.metrics, options.contacts_max)
        self._take_over = TakeOver(
            chat, self._sockets, server.now, on_hand_over, alone=options.alone, window_s=options.window_s
        )
        self._news = asyncio.Event()

    # --- connecting -------------------------------------------------------------------------------------------------

    def is_requested(self, handshake: Handshake, auth: dict[str, Any]) -> bool:
        """Returns whether a new socket is to be recoverable, i.e. its client receives a `pid` (recovery token). In the
        mode `ask`, that is so if the client asks for it by `recovery` in its auth payload or query.
        """
        if self._options.mode == "ask":
            return auth.get("recovery") is True or handshake.query.get("recovery", "").lower() in _TRUE
        return self._options.mode == "always"

    def begin(self, client: ChatClient, namespace: str) -> RecoverableSocket:
        """Returns the recovery state of a new socket, with a signed recovery token that contains the present log
        position. So the socket must join its rooms in the same turn of the event loop, to miss no event.
        """
        chat = self._chat
        claims = RecoveryClaims(
            client.actor.user_id,
            namespace,
            client.dialect.name,
            token_urlsafe(15),
            chat.epoch,
            chat.node_id,
            chat.pos,
        )
        return RecoverableSocket(claims, self._signer.sign(claims))

    async def find(self, client: ChatClient, namespace: str, auth: dict[str, Any]) -> ResumePlan | None:
        """Returns the plan by which a signed-in client resumes its earlier socket, named by `pid` and `offset` in
        `auth`. Returns None if the client asks for nothing to resume, or cannot resume completely: it then gets a new
        session.
        """
        if auth.get("pid") is None:
            return None
        try:
            return await self._find(client, namespace, auth)
        except (UnrecoverableError, ChatError) as reason:
            self._metrics.refused_recoveries += 1
            _logger.debug("session_not_recovered", reason=str(reason))
            return None

    async def _find(self, client: ChatClient, namespace: str, auth: dict[str, Any]) -> ResumePlan:
        claims = self._signer.read(auth["pid"])
        expected = (client.actor.user_id, namespace, client.dialect.name, self._chat.epoch)
        if claims is None or (claims.user_id, claims.namespace, claims.dialect, claims.epoch) != expected:
            raise UnrecoverableError("the pid is not of this user, namespace, dialect or epoch")
        # Before its first event a client has no offset, or still that of an earlier session.
        sent = auth.get("offset")
        offset = Offset(claims.pos) if sent is None else parse_offset(sent, claims.epoch)
        if offset is None:
            raise UnrecoverableError("the offset is invalid")
        if client.dialect.sends_notifications and (sent is None or offset.pos < claims.pos):
            # Its missed messages may not have been sent completely: `offline_delivery` sends the rest to a new session.
            raise UnrecoverableError("the client has not received any event since it connected")
        plan = ResumePlan(RecoverableSocket(claims, auth["pid"]), max(offset, Offset(claims.pos), key=lambda o: o.pos))
        await self._wait_for(plan)
        plan.recoverable = await self._take_over.find(plan)
        await self._check_completeness(plan, client)
        return plan

    async def _wait_for(self, plan: ResumePlan) -> None:
        """Waits at most BEHIND_S seconds until this node has read the events that the client has already received from
        another node. Raises UnrecoverableError if they do not come in time.
        """
        pos = plan.offset.newest
        if pos <= self._chat.pos:
            return
        if self._options.alone:
            raise UnrecoverableError("the offset lies in the future")
        plan.waited = True
        try:
            async with asyncio.timeout(BEHIND_S):
                while pos > self._chat.pos:  # Suspends: the event was cleared.
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise UnrecoverableError("the offset lies in the future") from None

    async def _check_completeness(self, plan: ResumePlan, client: ChatClient) -> None:
        """Raises UnrecoverableError if neither memory nor the log has all events since the client's offset.

        Keeps a page that it had to read from the log in the plan, so that the replay does not read it again.
        """
        pos = plan.offset.pos
        if pos >= self._chat.pos or self._missed.in_memory(client, pos) is not None:
            return
        plan.waited = True
        plan.page = await self._missed.read_log(client, pos)
        if not await self._missed.is_complete(client, plan.page):
            raise UnrecoverableError("the client has missed too many events")

    def attach(self, socket: Socket) -> Socket | None:
        """Records that a recoverable socket is connected. Returns the client's previous socket if that has not
        disconnected yet, for the caller to close, else None.
        """
        client: ChatClient = socket.data
        assert client.recoverable is not None, "it was admitted as recoverable"
        return self._sockets.attach(client.recoverable, socket)

    def resume(self, socket: Socket, plan: ResumePlan, may_stay: Callable[[], bool], then: Callable[[], None]) -> None:
        """Starts sending a socket the events that it missed, by its plan. Calls `may_stay` before each page; if that
        returns False, it has disconnected the socket, and sending ends. Otherwise calls `then` once, in the turn of the
        event loop in which the socket has received all of them.
        """
        self._metrics.recoveries += 1
        assert isinstance(socket.encoding_group, DialectEncoding)
        listener = ReplayingSocket(socket.encoding_group, socket.data, plan.recoverable, self.forget_choice)
        Replay(socket, plan, self._missed, listener, may_stay=may_stay, then=then).start()

    def detach(self, socket: Socket, reason: str, *, for_good: bool = False) -> None:
        """Records that a socket has disconnected, so that its recovery window starts. The socket cannot resume if
        `for_good` is True, or if `reason` is not one of those that neither side intended, such as "ping timeout"
        (`recoverable.LOST`). Does nothing for a socket that is not recoverable.
        """
        client: ChatClient = socket.data
        recoverable = client.recoverable
        if recoverable is None:
            return
        on_purpose = for_good or reason not in LOST
        if self._sockets.detach(recoverable, socket, on_purpose=on_purpose) and on_purpose:
            self._store(EndSession(recoverable.socket_id, self._chat.node_id))

    # --- rooms ------------------------------------------------------------------------------------------------------

    async def choose(
        self, recoverable: RecoverableSocket, conversation_id: str, *, opened: bool, by_default: bool
    ) -> None:
        """Stores in the database that a client has opened or closed a conversation on a socket, so that this still
        holds when the socket resumes. `by_default` says whether the socket follows conversations without a choice.
        Returns after the commit. Raises ChatError.
        """
        async with recoverable.choosing:
            if recoverable.follows(conversation_id, by_default=by_default) is not opened:
                await self._chat.execute(RECOVERY, KeepSessionRoom(recoverable.socket_id, conversation_id, opened))
                recoverable.chosen[conversation_id] = opened

    def forget_choice(self, recoverable: RecoverableSocket, conversation_id: str) -> None:
        """Removes a client's choice to open or close a conversation on a socket, because the user has joined or left
        the conversation.
        """
        if recoverable.chosen.pop(conversation_id, None) is not None:
            self._store(KeepSessionRoom(recoverable.socket_id, conversation_id, None))

    # --- following the log ------------------------------------------------------------------------------------------

    def follow(self, events: Sequence[News]) -> None:
        """Adds a batch of committed events to the event ring (the newest events in memory), and wakes returning sockets
        that wait for them. When a user was removed from a conversation, removes their sockets' choices to open or close
        it.
        """
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
        """Runs forever: every hour, renews the database rows of connected recoverable sockets, and deletes old rows."""
        keep_ms = round(max(KEPT_S, 2 * self._options.window_s + REFRESH_S) * 1000)
        while True:
            self._store(RefreshSessions(tuple(self._sockets.stored()), keep_ms))
            await sleep(REFRESH_S)

    def _store(self, command: NodeCommand[None]) -> None:
        self._chat.submit(RECOVERY, command, _log_failure)


def _log_failure(_result: object, error: Exception | None) -> None:
    """Logs an error while storing a socket's recovery state. At worst, the socket cannot resume after the next
    restart.
    """
    if error is not None:
        _logger.warning("session_not_stored", error=str(error))
