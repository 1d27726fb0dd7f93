"""Moves a recoverable socket from the node where it was to the node to which its client reconnects."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from talkwire.core.commands.server.recovery import FindSession, MoveSession, StoredSession
from talkwire.core.domain.actors import RECOVERY
from talkwire.core.engine.chat import Chat
from talkwire.realtime.clients.chat_client import ChatClient
from talkwire.realtime.clients.recoverable import RecoverableSocket, RecoverableSockets, ResumePlan
from talkwire.realtime.clients.recovery_token import RecoveryClaims

HAND_OVER_WAIT_S = 0.3
"""Seconds that a node waits for the one where a client was last: that node may be dead."""

SILENT_S = 5.0
"""Seconds for which a node that did not respond is not asked again."""

_TOPIC = "take-over"


class TakeOverRequest(msgspec.Struct, frozen=True):
    """A node's question to the node where a recoverable socket was last: asks that node to hand the socket over.
    `node_id` is the asking node.
    """

    socket_id: str
    user_id: str
    node_id: str


class TakeOverAnswer(msgspec.Struct, frozen=True):
    """A node's answer to a TakeOverRequest. `known`: the socket was at this node within the recovery window, and
    disconnected `gone_s` seconds ago (0: it was still connected). `ended`: it was ended on purpose. `rooms`: the
    conversations that the client opened (True) or closed (False).
    """

    known: bool = False
    ended: bool = False
    gone_s: float = 0.0
    rooms: Mapping[str, bool] = {}


class UnrecoverableError(Exception):
    """The socket cannot resume; its client gets a new session. The text says why."""


class TakeOver:
    """Finds recoverable sockets on this node or at other nodes, and hands them over to nodes that ask for them.

    `alone`: no other node writes to the database. `on_hand_over` is called with a client that continues at another
    node, before its socket on this node is closed.
    """

    def __init__(  # noqa: PLR0913 (what it connects)
        self,
        chat: Chat,
        sockets: RecoverableSockets,
        now: Callable[[], float],
        on_hand_over: Callable[[ChatClient], None],
        *,
        alone: bool,
        window_s: float,
    ) -> None:
        self._chat = chat
        self._node_id = chat.node_id
        self._sockets = sockets
        self._now = now
        self._on_hand_over = on_hand_over
        self._alone = alone
        self._window_s = window_s
        self._silent_until: dict[str, float] = {}
        chat.peers.answer(_TOPIC, TakeOverRequest, self._hand_over)

    async def find(self, plan: ResumePlan) -> RecoverableSocket:
        """Returns the state of the socket that a plan resumes: this node's own, or that taken over from the node where
        the socket was last, or from the database. Sets `plan.waited` if it had to wait.

        Raises UnrecoverableError if the socket cannot resume, ChatError if the database fails.
        """
        known = self._sockets.find(plan.recoverable.socket_id)
        if known is None or not self._alone:
            known = await self._find_stored(plan, known)
        if known.ended:
            raise UnrecoverableError("the client ended it on purpose")
        return known

    async def _find_stored(self, plan: ResumePlan, known: RecoverableSocket | None) -> RecoverableSocket:
        """Returns `known`, this node's own state of the socket, unless the database says that the socket has been at
        another node since. Otherwise takes the socket over from that node, and records in the database that it is here
        now. Raises UnrecoverableError and ChatError.
        """
        claims = plan.recoverable.claims
        if claims.node_id == self._node_id and self._alone:
            raise UnrecoverableError("it disconnected too long ago")
        plan.waited = True
        stored = await self._chat.execute(RECOVERY, FindSession(claims.socket_id, claims.node_id))
        if known is not None and stored.node_id == self._node_id:
            return known
        handed = await self._ask(claims, stored)
        taken_over = plan.recoverable
        self._adopt(taken_over, stored, handed)
        # Stored before the socket resumes: otherwise its previous node would not know if the client returned there.
        await self._chat.execute(RECOVERY, MoveSession(claims.socket_id, self._node_id))
        # Another connection may have brought the same pid meanwhile.
        found = self._sockets.find(claims.socket_id)
        if found is not None and found is not known:
            return found
        if found is not None:
            self._release(found)
        self._sockets.remember(taken_over)
        return taken_over

    def _release(self, recoverable: RecoverableSocket) -> None:
        """Forgets a socket that continues at another node, and disconnects it if it still seems to be connected."""
        self._sockets.hand_over(recoverable.socket_id)
        socket, recoverable.socket = recoverable.socket, None
        if socket is not None:
            socket.disconnect()
            if not socket.connection.sockets:
                socket.connection.close("forced server close")

    async def _ask(self, claims: RecoveryClaims, stored: StoredSession) -> TakeOverAnswer | None:
        """Asks the node where the socket was last, by the database row `stored`, to hand the socket over. Returns the
        answer, or None if that node is not alive or does not respond within HAND_OVER_WAIT_S seconds.

        A killed node does not respond, although its lease may last for a while. After that it is not asked again for
        SILENT_S seconds.
        """
        node_id = stored.node_id
        if self._alone or stored.age_ms != 0 or node_id == self._node_id:
            return None
        now = self._now()
        if self._silent_until.get(node_id, 0) > now:
            return None
        question = TakeOverRequest(claims.socket_id, claims.user_id, self._node_id)
        answers = await self._chat.peers.ask(_TOPIC, question, TakeOverAnswer, to=node_id, wait_s=HAND_OVER_WAIT_S)
        if node_id not in answers:
            self._silent_until[node_id] = now + SILENT_S
        return answers.get(node_id)

    async def _hand_over(self, question: TakeOverRequest) -> TakeOverAnswer:
        """Answers another node's request for a socket whose client has reconnected to that node: forgets and
        disconnects the socket.

        Returns what this node knows of the socket: when it disconnected, and which conversations its client opened or
        closed.
        """
        recoverable = self._sockets.hand_over(question.socket_id)
        if recoverable is None:
            return TakeOverAnswer()
        gone_at = recoverable.gone_at
        if recoverable.socket is not None:
            self._chat.signals.presence.expect_elsewhere(question.user_id)
            self._on_hand_over(recoverable.socket.data)
        self._release(recoverable)
        async with recoverable.choosing:  # else a choice could be stored here after a later one there
            gone_s = 0.0 if gone_at is None else self._now() - gone_at
        return TakeOverAnswer(known=True, ended=recoverable.ended, gone_s=gone_s, rooms=recoverable.chosen)

    def _adopt(self, recoverable: RecoverableSocket, stored: StoredSession, handed: TakeOverAnswer | None) -> None:
        """Fills in the state of a socket that comes from another node: from that node's answer, or from the database
        rows if `handed` is None. Raises UnrecoverableError if the socket ended on purpose or disconnected too long ago.
        """
        if stored.node_id == self._node_id or (handed is not None and not handed.known):
            # Within the window that node would still know it.
            raise UnrecoverableError("it disconnected too long ago")
        if stored.ended or (handed is not None and handed.ended):
            raise UnrecoverableError("the client ended it on purpose")
        age_ms = stored.age_ms if handed is None else handed.gone_s * 1000
        if age_ms is None or age_ms > self._window_s * 1000:
            raise UnrecoverableError("its node ended too long ago")
        recoverable.chosen.update(stored.rooms if handed is None else handed.rooms)
        recoverable.moved = True
