"""Chooses how a new socket receives what its client missed.

| the client | receives what it missed from |
|---|---|
| resumes within the recovery window, on any node | the event ring in memory, or the log (`recovery.recovery`) |
| does not resume, and its dialect sends notifications | the queue of missed messages and stored custom events |
|  | (`delivery.offline_delivery`) |
| does not resume, and its dialect sends none | `sync`, which the client calls itself |

Until a socket has received it, its client is `catching_up`: the socket is in no room of a conversation, and receives no
event as it happens. ARCHITECTURE.md draws the ways.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from talkwire.realtime.chat.services import NamespaceServices
from talkwire.realtime.clients.chat_client import ChatClient
from talkwire.realtime.clients.recoverable import RecoverableSocket, ResumePlan
from talkwire.realtime.engine.connection import Handshake
from talkwire.realtime.recovery.recovery import Recovery
from talkwire.realtime.socketio.socketio_socket import Socket


class Start(NamedTuple):
    """How a socket is to start: with which recovery state, None if it is not recoverable, and by which plan it resumes,
    None for a new session."""

    recoverable: RecoverableSocket | None = None
    plan: ResumePlan | None = None


class CatchingUp:
    """Starts the sockets of one chat namespace, each in the way in which its client receives what it missed.

    `greet` sends a socket with a new session its welcome event. `end` disconnects a socket whose user may not stay, for
    the given reason.
    """

    def __init__(
        self,
        namespace: str,
        services: NamespaceServices,
        greet: Callable[[Socket], None],
        end: Callable[[Socket, str], None],
    ) -> None:
        self._namespace = namespace
        self._signals = services.chat.signals
        self._rooms = services.rooms
        self._offline = services.offline
        self._recovery = services.recovery
        self._greet = greet
        self._end = end

    async def choose(self, client: ChatClient, handshake: Handshake, auth: dict[str, Any]) -> Start:
        """Returns how the socket of a client that has signed in is to start. The socket must enter in the same turn of
        the event loop, to miss no event."""
        if self._recovery is None or not self._recovery.is_requested(handshake, auth):
            return Start()
        plan = await self._recovery.find(client, self._namespace, auth)
        if plan is None:
            return Start(self._recovery.begin(client, self._namespace))
        return Start(plan.recoverable, plan)

    def entered(self, socket: Socket) -> None:
        """Starts a socket that has entered the namespace, and makes its user connected."""
        client: ChatClient = socket.data
        user_id = client.actor.user_id
        plan, client.resume_plan = client.resume_plan, None
        if self._recovery is not None and client.recoverable is not None:
            _replace(self._recovery.attach(socket), socket)
        if self._recovery is not None and plan is not None:
            # Before resuming, which may end the socket in this turn.
            self._signals.connected(user_id, socket.id)
            self._resume(socket, self._recovery, plan)
        else:
            self._begin(socket)
            self._signals.connected(user_id, socket.id)

    def disconnected(self, socket: Socket, reason: str) -> None:
        """Ends catching up for a closed socket, and starts the recovery window in which its client may resume."""
        if self._recovery is not None:
            # Only a new socket receives the backlog from its beginning.
            self._recovery.detach(socket, reason, for_good=self._offline.has_backlog(socket))
        self._offline.left(socket)

    def _begin(self, socket: Socket) -> None:
        """Starts a new session: adds the socket to its rooms and greets it. If its dialect has notifications, it joins
        the rooms of its conversations once it has received what its user missed."""
        client: ChatClient = socket.data
        has_queue = client.dialect.sends_notifications
        self._rooms.enter(socket, () if has_queue else client.entry.conversation_ids)
        self._greet(socket)
        if has_queue:
            self._offline.entered(socket)

    def _resume(self, socket: Socket, recovery: Recovery, plan: ResumePlan) -> None:
        client: ChatClient = socket.data
        client.catching_up = True
        recovery.resume(socket, plan, partial(self._may_stay, socket), partial(self._resumed, socket))

    def _may_stay(self, socket: Socket) -> bool:
        """Returns whether a resuming socket may receive the events that it missed. Disconnects it if its user was
        banned or its device was signed out, since it has not received the event about that."""
        client: ChatClient = socket.data
        user = client.entry.user
        if user is not None and user.banned:
            self._end(socket, "banned")
        elif client.session_id is not None and client.session_id not in client.entry.login_ids:
            self._end(socket, "logout")
        return socket.connected

    def _resumed(self, socket: Socket) -> None:
        """Makes a resuming socket live (in its rooms, receiving events as they happen) after it has received all events
        that it missed."""
        client: ChatClient = socket.data
        client.catching_up = False
        self._rooms.resume(socket, client.entry.conversation_ids)
        if client.dialect.sends_notifications:
            self._offline.resumed(socket)


def _replace(before: Socket | None, socket: Socket) -> None:
    """Closes `before`, the previous socket of a client that resumes as `socket` before the old connection was found
    broken. The new socket takes over which conversations the client opened. `before` is None if there is none."""
    if before is None:
        return
    before_client: ChatClient = before.data
    client: ChatClient = socket.data
    client.adopt_opened(before_client)
    before.disconnect()
    if not before.connection.sockets:
        before.connection.close("forced server close")
