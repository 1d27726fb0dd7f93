"""The recoverable sockets of this node: those that are here, and those that went not long ago.

What a socket's `pid` cannot say is kept here: when it went, and which conversations it opened and closed itself.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from talkwire.core.commands.server.recovery import MissedEvents
from talkwire.realtime.clients.log_offset import Offset
from talkwire.realtime.clients.recovery_token import RecoveryClaims

if TYPE_CHECKING:
    from talkwire.realtime.socketio.socketio_socket import Socket

GONE_MAX = 100_000
"""Sockets that are remembered after they went."""

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
"""Reasons that nobody meant: Node goes on after the same ones."""


@dataclass(slots=True, eq=False)
class RecoverableSocket:
    """One socket, over all its connections."""

    statement: RecoveryClaims
    pid: str
    chosen: dict[str, bool] = field(default_factory=dict)
    """The conversations that it opened itself (True) or closed."""
    moved: bool = False
    """Whether it began at another node."""
    socket: Socket | None = None
    gone_at: float | None = None
    """When its last connection went."""
    ended: bool = False
    """Whether it went on purpose."""

    @property
    def socket_id(self) -> str:
        return self.statement.socket_id

    def follows(self, conversation_id: str, *, by_default: bool) -> bool:
        """Whether it has the conversation open, which it is or is not by default."""
        return self.chosen.get(conversation_id, by_default)


@dataclass(slots=True, eq=False)
class ResumePlan:
    """A socket that goes on: from where, with the first page of what the log has for it if it was read, and whether it
    was waited for since the client was let in."""

    recoverable: RecoverableSocket
    place: Offset
    page: MissedEvents | None = None
    waited: bool = False


class RecoverableSockets:
    """By socket id. `window_s`: for how long it is remembered who went, by the clock `now`."""

    def __init__(self, window_s: float, now: Callable[[], float], gone_max: int = GONE_MAX) -> None:
        self._window_s = window_s
        self._now = now
        self._gone_max = gone_max
        self._here: dict[str, RecoverableSocket] = {}
        # In the order in which they went.
        self._gone: dict[str, RecoverableSocket] = {}

    def find(self, socket_id: str) -> RecoverableSocket | None:
        """One that is here or went within the window."""
        self._forget_old()
        return self._here.get(socket_id) or self._gone.get(socket_id)

    def remember(self, recoverable: RecoverableSocket) -> None:
        """One that was elsewhere until now, and is about to come."""
        recoverable.gone_at = self._now()
        self._gone[recoverable.socket_id] = recoverable

    def hand_over(self, socket_id: str) -> RecoverableSocket | None:
        """One that is here or went within the window, and is carried by another node from now on."""
        recoverable = self.find(socket_id)
        self._here.pop(socket_id, None)
        self._gone.pop(socket_id, None)
        return recoverable

    def came(self, recoverable: RecoverableSocket, socket: Socket) -> Socket | None:
        """It is carried by this socket now. Answers the one by which it was until now, if that is still there."""
        before, recoverable.socket = recoverable.socket, socket
        self._gone.pop(recoverable.socket_id, None)
        self._here[recoverable.socket_id] = recoverable
        recoverable.gone_at = None
        return before

    def went(self, recoverable: RecoverableSocket, socket: Socket, *, on_purpose: bool) -> bool:
        """The socket is gone. False: another one carries it already."""
        if recoverable.socket is not socket:
            return False
        recoverable.socket = None
        recoverable.gone_at = self._now()
        recoverable.ended = on_purpose
        del self._here[recoverable.socket_id]
        self._gone[recoverable.socket_id] = recoverable
        self._forget_old()
        return True

    def stored(self) -> Collection[str]:
        """Those that are here and of which more is stored than nothing."""
        return [id_ for id_, recoverable in self._here.items() if recoverable.chosen or recoverable.moved]

    def _forget_old(self) -> None:
        oldest = self._now() - self._window_s
        while self._gone:
            socket_id = next(iter(self._gone))
            gone_at = self._gone[socket_id].gone_at
            assert gone_at is not None, "it went"
            if gone_at > oldest and len(self._gone) <= self._gone_max:
                return
            del self._gone[socket_id]
