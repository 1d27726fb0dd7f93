"""Confirms by heartbeats (Engine.IO's ping and pong) that missed messages, stored events and notifications have arrived
at users' clients.

Everything that is not confirmed is sent again when the user connects the next time.
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
"""The most sockets whose arrivals one command confirms."""

_logger = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Proof:
    """A pending proof: once the client answers a heartbeat that was sent after `sent_at` (in seconds of the event
    loop's clock), messages up to log position `pos` and stored custom events up to the id `mail_id` have arrived.
    """

    sent_at: float
    pos: int
    mail_id: int


@dataclass(slots=True, eq=False)
class SentMarks:
    """The progress of sending one socket what its user missed: messages up to the log position `pos`, stored custom
    events up to the id `mail_id`.

    `proved` has the two values up to which the client has received them, because it answered a heartbeat that was sent
    afterwards.
    """

    socket: Socket
    pos: int = 0
    mail_id: int = 0
    proved: tuple[int, int] = (0, 0)
    proving: _Proof | None = None
    urgent: bool = False
    """Whether the client is asked for an early heartbeat. Otherwise its next regular one is the proof."""

    @property
    def is_proved(self) -> bool:
        return (self.pos, self.mail_id) == self.proved


class OfflineProofs:
    """Confirms to the chat which messages and stored custom events have arrived at those sockets of this node whose
    dialects (event vocabularies) have notifications, so that these are not sent to the user again.
    """

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
        """Starts to prove the arrival of everything sent to the socket of `marks` until now: once the client answers a
        later heartbeat, the arrival is confirmed to the chat. Messages and events that are never confirmed are sent
        again at the user's next connect.
        """
        if marks.is_proved:
            return
        self._unproved.add(marks)
        marks.urgent = True
        if marks.proving is None:
            marks.proving = _Proof(asyncio.get_running_loop().time(), marks.pos, marks.mail_id)
        self._rounds.start()

    def include_live(self, marks: SentMarks) -> None:
        """Registers a socket that has received all missed messages. From now on, `note_message` counts for it: new
        messages of its user's conversations are taken as sent to the socket, and their arrival is proved too.
        """
        self._live[marks.socket] = marks

    def note_message(self, conversation_id: str, pos: int) -> None:
        """Records that a message with the log position `pos`, or a notification of it, was sent to the live sockets of
        its conversation's members in this turn of the event loop. Its arrival at them is then proved.
        """
        self._sent[conversation_id] = pos
        self._rounds.start()

    def end(self, marks: SentMarks) -> None:
        """Removes a disconnected socket, and confirms the arrival of the messages and stored events that its last
        heartbeat has proved.
        """
        self._live.pop(marks.socket, None)
        self._unproved.discard(marks)
        self._confirm(self._arrivals((marks,)))

    def close(self) -> None:
        """Stops the timer, so that no more arrivals are proved by it and no early heartbeats are requested."""
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
        """Moves the sent position of a conversation's live sockets to `pos`, and starts proving the arrival. Sockets of
        a large conversation are not asked for an early heartbeat; their next regular one is the proof.
        """
        membership = self._chat.directory.memberships.get(conversation_id)
        urgent = membership is not None and membership.member_count <= LARGE_CONVERSATION
        for socket in self._notified_in(conversation_id):
            marks = self._live.get(socket)
            if marks is not None and marks.pos < pos:
                marks.pos = pos
                marks.urgent |= urgent
                self._unproved.add(marks)

    def _notified_in(self, conversation_id: str) -> Iterator[Socket]:
        """Yields those sockets of a conversation's members whose dialects (event vocabularies) have notifications. Such
        a socket is notified of messages in all conversations of its user, also those that it has closed.
        """
        for group in self._hub.encoding_groups:
            if isinstance(group, DialectEncoding) and group.dialect.sends_notifications:
                for room in (non_followers_room(conversation_id), conversation_room(conversation_id)):
                    yield from cast("Collection[Socket]", group.rooms.get(room, ()))

    def _arrivals(self, all_marks: Iterable[SentMarks]) -> list[Arrival]:
        """Returns an `Arrival` for each of these sockets whose client has answered the heartbeat of its pending proof:
        the user, and the log position and custom event id that are newly proved (0 for none). Completes these proofs.
        """
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
    """Logs an error while confirming arrivals. The user then receives the same messages and stored events again at the
    next connect.
    """
    if error is not None:
        _logger.warning("arrivals_not_confirmed", error=str(error))
