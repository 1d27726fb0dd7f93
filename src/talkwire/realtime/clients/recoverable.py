"""The recoverable sockets of this node: those that are connected, and those that disconnected within the recovery
window and can resume.

Keeps the state that a socket's `pid` (its recovery token) does not contain: when the socket disconnected, and which
conversations it opened and closed.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from talkwire.core.commands.server.recovery import MissedEvents
from talkwire.realtime.clients.log_offset import Offset
from talkwire.realtime.clients.recovery_token import RecoveryClaims
from talkwire.realtime.socketio.socketio_socket import Socket

GONE_MAX = 100_000
"""Most disconnected sockets that are remembered."""

LOST = frozenset(
    {
        "transport error",
        "transport close",
        "forced close",
        "ping timeout",
        "server shutting down",
        "forced server close",
    }
)
"""Reasons for a disconnect that neither side intended. Socket.IO's Node server recovers after the same ones."""


@dataclass(slots=True, eq=False)
class RecoverableSocket:
    """The state of a socket that can resume after its connection broke. It outlives the socket's connections: `socket`
    is the `Socket` of the present one, None while disconnected. `pid` is the recovery token that the client holds,
    `claims` its contents.
    """

    claims: RecoveryClaims
    pid: str
    chosen: dict[str, bool] = field(default_factory=dict)
    """The conversations that the client has opened (True) or closed (False) on this socket."""
    choosing: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Lock that is held while a choice is stored: the next one, perhaps over a new connection, is compared with its
    result."""
    moved: bool = False
    """Whether the socket was at another node before."""
    socket: Socket | None = None
    gone_at: float | None = None
    """The time at which the socket's last connection ended; None while it is connected."""
    ended: bool = False
    """Whether one side disconnected the socket on purpose, so that it cannot resume."""

    @property
    def socket_id(self) -> str:
        return self.claims.socket_id

    def follows(self, conversation_id: str, *, by_default: bool) -> bool:
        """Returns whether the socket follows a conversation, i.e. receives all its events: as the client chose by
        opening or closing it, else `by_default`.
        """
        return self.chosen.get(conversation_id, by_default)


@dataclass(slots=True, eq=False)
class ResumePlan:
    """The plan by which a returning client resumes the socket `recoverable`: it receives the events after `offset`.
    `page` is the first page of missed events, None if they are all in memory.

    `waited` is True if making the plan took more than one turn of the event loop, so that the client's token must be
    checked again.
    """

    recoverable: RecoverableSocket
    offset: Offset
    page: MissedEvents | None = None
    waited: bool = False


class RecoverableSockets:
    """The recoverable sockets of this node, by id. Remembers disconnected ones for `window_s` seconds; beyond
    `gone_max` of them, forgets those that disconnected first. `now` returns the time in seconds of a monotonic clock.
    """

    def __init__(self, window_s: float, now: Callable[[], float], gone_max: int = GONE_MAX) -> None:
        self._window_s = window_s
        self._now = now
        self._gone_max = gone_max
        self._connected: dict[str, RecoverableSocket] = {}
        # In the order in which they disconnected, and nearly in which they return. A dict would search for its first
        # entry behind all those that were removed: 20,000 returns would step over 200 million.
        self._gone: OrderedDict[str, RecoverableSocket] = OrderedDict()

    def find(self, socket_id: str) -> RecoverableSocket | None:
        """Returns a socket that is connected or has disconnected within the recovery window, else None."""
        self._forget_old()
        return self._connected.get(socket_id) or self._gone.get(socket_id)

    def remember(self, recoverable: RecoverableSocket) -> None:
        """Adds a socket that was taken over from another node or the database and is about to connect to this node. It
        counts as disconnected just now.
        """
        recoverable.gone_at = self._now()
        self._gone[recoverable.socket_id] = recoverable

    def hand_over(self, socket_id: str) -> RecoverableSocket | None:
        """Removes a socket that continues at another node, and returns it; None if it is unknown."""
        recoverable = self.find(socket_id)
        self._connected.pop(socket_id, None)
        self._gone.pop(socket_id, None)
        return recoverable

    def attach(self, recoverable: RecoverableSocket, socket: Socket) -> Socket | None:
        """Records the new connection of a socket, which then counts as connected. Returns the `Socket` of its previous
        connection if that has not ended yet (the caller closes it), else None.
        """
        before, recoverable.socket = recoverable.socket, socket
        self._gone.pop(recoverable.socket_id, None)
        self._connected[recoverable.socket_id] = recoverable
        recoverable.gone_at = None
        return before

    def detach(self, recoverable: RecoverableSocket, socket: Socket, *, on_purpose: bool) -> bool:
        """Records that a socket's connection has ended, so that the recovery window starts. `on_purpose` says that the
        socket must not resume. Returns False, and does nothing, if the socket already has a newer connection.
        """
        if recoverable.socket is not socket:
            return False
        recoverable.socket = None
        recoverable.gone_at = self._now()
        recoverable.ended = on_purpose
        del self._connected[recoverable.socket_id]
        self._gone[recoverable.socket_id] = recoverable
        self._forget_old()
        return True

    def stored(self) -> Collection[str]:
        """Returns the ids of those connected sockets whose recovery state has rows in the database, which have to be
        renewed: sockets whose clients opened or closed conversations, or that came from another node.
        """
        return [id_ for id_, recoverable in self._connected.items() if recoverable.chosen or recoverable.moved]

    def _forget_old(self) -> None:
        oldest = self._now() - self._window_s
        while self._gone:
            socket_id = next(iter(self._gone))
            gone_at = self._gone[socket_id].gone_at
            assert gone_at is not None, "it has disconnected"
            if gone_at > oldest and len(self._gone) <= self._gone_max:
                return
            del self._gone[socket_id]
