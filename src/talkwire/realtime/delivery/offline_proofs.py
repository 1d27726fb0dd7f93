"""Confirms by heartbeats that missed messages, stored events and notifications have arrived at users.

Whatever is not confirmed is sent again at the user's next connect.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import cast

import structlog

from talkwire.core.commands.server.offline_queue import Arrival, ConfirmArrivals
from talkwire.core.domain.actors import OFFLINE_QUEUE
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.model import LARGE_CONVERSATION
from talkwire.core.engine.chat import Chat
from talkwire.realtime.clients.chat_client import ChatClient, DialectEncoding, conversation_room, non_followers_room
from talkwire.realtime.delivery.heartbeats import HeartbeatRounds, SocketRecipient
from talkwire.realtime.engine.hub import Hub
from talkwire.realtime.socketio.socketio_socket import Socket

ARRIVALS_MAX = 200
"""Sockets to confirm in one command."""

_logger = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Proof:
    """A heartbeat that leaves after `sent_at` proves the arrival of messages up to `pos` and mail up to `mail_id`."""

    sent_at: float
    pos: int
    mail_id: int


@dataclass(slots=True, eq=False)
class SentMarks:
    """Up to which log position and which stored event (`mail_id`) one socket was sent what it missed.

    `proved` are the two up to which the client is known to have received it: it answered a heartbeat sent afterwards.
    """

    socket: Socket
    pos: int = 0
    mail_id: int = 0
    proved: tuple[int, int] = (0, 0)
    proving: _Proof | None = None
    urgent: bool = False
    """Whether to ask for a heartbeat. Otherwise the next regular one is the proof."""

    @property
    def is_proved(self) -> bool:
        return (self.pos, self.mail_id) == self.proved


class OfflineProofs:
    """Confirms for the sockets of this node whose dialects notify."""

    def __init__(self, chat: Chat, hub: Hub) -> None:
        self._chat = chat
        self._hub = hub
        self._live: dict[Socket, SentMarks] = {}
        """The sockets that have received all that their users missed."""
        self._sent: dict[str, int] = {}
        """The position of the newest message since the last round, by conversation."""
        self._unproved: set[SentMarks] = set()
        self._rounds = HeartbeatRounds(self._check)

    def prove(self, marks: SentMarks) -> None:
        """Starts to prove what a socket was sent: it is on the connection, ahead of any heartbeat from now on."""
        if marks.is_proved:
            return
        self._unproved.add(marks)
        marks.urgent = True
        if marks.proving is None:
            marks.proving = _Proof(asyncio.get_running_loop().time(), marks.pos, marks.mail_id)
        self._rounds.start()

    def include_live(self, marks: SentMarks) -> None:
        """Counts the messages of the user's conversations as sent to a socket from now on."""
        self._live[marks.socket] = marks

    def note_message(self, conversation_id: str, pos: int) -> None:
        """Notes that a conversation's sockets were sent a message, or a notification of it, in this turn."""
        self._sent[conversation_id] = pos
        self._rounds.start()

    def end(self, marks: SentMarks) -> None:
        """Confirms what the last heartbeat of a disconnected socket has proved."""
        self._live.pop(marks.socket, None)
        self._unproved.discard(marks)
        self._confirm(self._arrivals((marks,)))

    def close(self) -> None:
        """Stops asking for heartbeats."""
        self._rounds.close()

    def _check(self) -> bool:
        sent, self._sent = self._sent, {}
        self._confirm(self._arrivals(tuple(self._unproved)))
        self._unproved = {marks for marks in self._unproved if not marks.is_proved}
        for conversation_id, pos in sent.items():
            self._note_sent(conversation_id, pos)
        now = asyncio.get_running_loop().time()
        for marks in tuple(self._unproved):  # a hastened heartbeat may end a connection
            if marks.proving is None:
                marks.proving = _Proof(now, marks.pos, marks.mail_id)
            elif marks.urgent:
                SocketRecipient(marks.socket).hasten_ping()
        return bool(self._unproved)

    def _note_sent(self, conversation_id: str, pos: int) -> None:
        """Notes the sockets that were sent a conversation's messages. Those of a large one get no heartbeat for it."""
        membership = self._chat.directory.memberships.get(conversation_id)
        urgent = membership is not None and membership.member_count <= LARGE_CONVERSATION
        for socket in self._notified_in(conversation_id):
            marks = self._live.get(socket)
            if marks is not None and marks.pos < pos:
                marks.pos = pos
                marks.urgent |= urgent
                self._unproved.add(marks)

    def _notified_in(self, conversation_id: str) -> Iterator[Socket]:
        """Returns the members' sockets whose dialects notify, whether they follow the conversation or not."""
        for group in self._hub.encoding_groups:
            if isinstance(group, DialectEncoding) and group.dialect.sends_notifications:
                for room in (non_followers_room(conversation_id), conversation_room(conversation_id)):
                    yield from cast("Collection[Socket]", group.rooms.get(room, ()))

    def _arrivals(self, all_marks: Iterable[SentMarks]) -> list[Arrival]:
        """Returns what heartbeats have proved since the last call."""
        arrivals = []
        for marks in all_marks:
            proof = marks.proving
            if proof is not None and SocketRecipient(marks.socket).answered_after(proof.sent_at):
                pos, mail_id = marks.proved
                marks.proving, marks.proved = None, (proof.pos, proof.mail_id)
                marks.urgent = marks.urgent and not marks.is_proved
                new_pos, new_mail = proof.pos if proof.pos > pos else 0, proof.mail_id if proof.mail_id > mail_id else 0
                client: ChatClient = marks.socket.data
                arrivals.append(Arrival(client.actor.user_id, new_pos, new_mail))
        return arrivals

    def _confirm(self, arrivals: Sequence[Arrival]) -> None:
        for start in range(0, len(arrivals), ARRIVALS_MAX):
            try:
                self._chat.submit(
                    OFFLINE_QUEUE, ConfirmArrivals(tuple(arrivals[start : start + ARRIVALS_MAX])), _log_failure
                )
            except ChatError as error:
                _log_failure(None, error)


def _log_failure(_result: object, error: Exception | None) -> None:
    """Logs the error. Its only effect is that the user receives the same again."""
    if error is not None:
        _logger.warning("arrivals could not be confirmed", error=str(error))
