"""Sends returning users what they missed while they had no socket: messages, and stored custom events (mail). Applies
to clients whose dialect (event vocabulary) has notifications.

A new socket is catching up at first: it receives the missed messages, then joins its rooms and is live, so that all
messages arrive in order. Heartbeats confirm what has arrived (`offline_proofs`); the rest is sent again at the next
connect.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import msgspec
import structlog

from talkwire.core.commands.server.offline_queue import FindMissed, ReadMail, ReadMissed
from talkwire.core.domain.audience import event_for_reader
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.events import (
    ConversationCreated,
    CustomEvent,
    MailStored,
    MemberAdded,
    MessageSent,
    News,
    StreamStateChanged,
)
from talkwire.core.domain.log.positions import pos_of
from talkwire.core.domain.model import Member, Message
from talkwire.core.engine.chat import Chat
from talkwire.dialects.dialect import To
from talkwire.realtime.clients.chat_client import ChatClient, DialectEncoding, clients_in, encode_custom, user_room
from talkwire.realtime.delivery.addressing import destinations
from talkwire.realtime.delivery.offline_proofs import OfflineProofs, SentMarks
from talkwire.realtime.delivery.rooms import Rooms
from talkwire.realtime.engine.hub import Hub
from talkwire.realtime.socketio.socketio_socket import Socket

MISSED_AT_ONCE = 50
"""Number of missed messages that are read from the database at once."""

BURST_BYTES = 64 * 1024
"""Bytes that are sent before the server waits for the client to read them."""

SLOW_S = 0.1
"""Seconds between checks of whether a slow client has read."""

LATE_MAX = 1000
"""Most new messages that are kept in memory while missed ones are sent. If more come, the log is searched again."""

_NewMessage = MessageSent | StreamStateChanged
"""The event of a new message. That of a stream is the one of its first end."""

_logger = structlog.get_logger(__name__)


@dataclass(slots=True, eq=False)
class _Backlog:
    """The state of sending a socket the messages that its user missed, until the socket is live. `conversation_ids` are
    the conversations that the socket does not receive live yet.
    """

    conversation_ids: set[str] = field(default_factory=set)
    late: list[_NewMessage] = field(default_factory=list)
    """New messages that came while missed ones were being sent."""
    received_live: set[int] = field(default_factory=set)
    """Ids of new messages that the socket has received live, in conversations that its client has opened meanwhile."""


@dataclass(slots=True, eq=False)
class _Inbox:
    """The state of sending one socket its user's missed messages and stored custom events. `backlog` is None once the
    socket has received all missed messages; `reading` is the running task, if any.
    """

    socket: Socket
    sent: SentMarks
    backlog: _Backlog | None = None
    reading: asyncio.Task[None] | None = None
    has_new_mail: bool = False

    @property
    def client(self) -> ChatClient:
        client: ChatClient = self.socket.data
        return client

    @property
    def encoding_group(self) -> DialectEncoding:
        group = self.socket.encoding_group
        assert isinstance(group, DialectEncoding)
        return group


class OfflineDelivery:
    """Sends missed messages, and custom events that were stored for offline users, to those sockets of this node whose
    dialects (event vocabularies) have notifications. `now_ms` returns the time in milliseconds since 1970.
    """

    def __init__(self, chat: Chat, hub: Hub, rooms: Rooms, now_ms: Callable[[], int]) -> None:
        self._chat = chat
        self._hub = hub
        self._rooms = rooms
        self._now_ms = now_ms
        self._inboxes: dict[Socket, _Inbox] = {}
        self._catching_up: dict[str, set[_Inbox]] = {}
        """The inboxes with a backlog, by conversation."""
        self._proofs = OfflineProofs(chat, hub)

    # --- sockets ----------------------------------------------------------------------------------------------------

    def entered(self, socket: Socket) -> None:
        """Starts sending a new socket the messages and the stored custom events that its user missed, in the
        background. The socket joins the rooms of its conversations once it has received the messages; until then its
        client is `catching_up`.
        """
        inbox = self._inboxes[socket] = _Inbox(socket, SentMarks(socket))
        inbox.client.catching_up = True
        inbox.backlog = _Backlog()
        for conversation_id in inbox.client.entry.conversation_ids:
            self._expect(inbox, inbox.backlog, conversation_id)
        self._read(inbox)

    def resumed(self, socket: Socket) -> None:
        """Starts sending a resumed socket the custom events that were stored for its user while it was offline.

        Call it after the socket has received all events of the log that it missed.
        """
        inbox = self._inboxes[socket] = _Inbox(socket, SentMarks(socket, self._chat.pos))
        self._proofs.include_live(inbox.sent)
        self._proofs.prove(inbox.sent)
        self._read(inbox)

    def has_backlog(self, socket: Socket) -> bool:
        """Returns whether a socket has still to receive messages that its user missed before the socket connected.
        False for a socket that was not passed to `entered`.
        """
        inbox = self._inboxes.get(socket)
        return inbox is not None and inbox.backlog is not None

    def left(self, socket: Socket) -> None:
        """Stops sending to a disconnected socket, and confirms the arrival of the messages and events that its last
        heartbeat has proved.
        """
        inbox = self._inboxes.pop(socket, None)
        if inbox is None:
            return
        if inbox.reading is not None:
            inbox.reading.cancel()
        self._drop_backlog(inbox)
        self._proofs.end(inbox.sent)

    def close(self) -> None:
        """Stops sending missed messages and stored custom events, and requesting heartbeats. Messages and events that
        are not confirmed by then are sent again at the user's next connect.
        """
        self._proofs.close()
        for inbox in self._inboxes.values():
            if inbox.reading is not None:
                inbox.reading.cancel()

    # --- following the log ------------------------------------------------------------------------------------------

    def follow(self, events: Sequence[News]) -> None:
        """Handles committed events: keeps new messages and conversations for sockets that are still catching up, tracks
        the arrival of new messages at the others, and sends newly stored custom events. Call it after the events were
        sent to the live sockets.
        """
        if not self._inboxes:
            return
        for event in events:
            if isinstance(event, _NewMessage):
                self._note(event)
            elif isinstance(event, ConversationCreated):
                self._admit(event.conversation.id, event.members)
            elif isinstance(event, MemberAdded):
                self._admit(event.conversation_id, event.members)
            elif type(event) is MailStored:
                for socket in clients_in(self._hub, user_room(event.user_id)):
                    if socket in self._inboxes:
                        self._read(self._inboxes[socket])

    def _admit(self, conversation_id: str, members: Iterable[Member]) -> None:
        """Adds a conversation to the backlogs of its new members' sockets that are catching up: they receive its
        messages from the backlog, since `Rooms` adds them to rooms only afterwards.
        """
        for member in members:
            for socket in clients_in(self._hub, user_room(member.user_id)):
                inbox = self._inboxes.get(socket)
                if inbox is not None and inbox.backlog is not None and inbox.client.catching_up:
                    self._expect(inbox, inbox.backlog, conversation_id)

    def _expect(self, inbox: _Inbox, backlog: _Backlog, conversation_id: str) -> None:
        backlog.conversation_ids.add(conversation_id)
        self._catching_up.setdefault(conversation_id, set()).add(inbox)

    def _note(self, event: _NewMessage) -> None:
        if event.message.is_unfinished or (isinstance(event, StreamStateChanged) and not event.is_first):
            return
        conversation_id = event.message.conversation_id
        for inbox in self._catching_up.get(conversation_id, ()):
            backlog = inbox.backlog
            assert backlog is not None, "it is in the index"
            if conversation_id in inbox.client.opened:
                backlog.received_live.add(event.message.id)
            elif len(backlog.late) <= LATE_MAX:
                backlog.late.append(event)
        self._proofs.note_message(conversation_id, event.pos)

    # --- sending ----------------------------------------------------------------------------------------------------

    def _read(self, inbox: _Inbox) -> None:
        """Starts the task that sends a socket its missed messages and stored custom events. If the task is running,
        makes it look for new custom events once more.
        """
        inbox.has_new_mail = True
        if inbox.reading is None:
            inbox.reading = asyncio.ensure_future(self._send_all(inbox))

    async def _send_all(self, inbox: _Inbox) -> None:
        try:
            if inbox.backlog is not None:
                await self._send_missed(inbox, inbox.backlog)
            while inbox.has_new_mail:  # Suspends: each round reads the database.
                inbox.has_new_mail = False
                await self._send_mail(inbox)
        except ChatError as error:
            _logger.warning("missed_not_sent", code=error.code)
            self._give_up(inbox)
        except Exception:
            _logger.exception("missed_not_sent")
            self._give_up(inbox)
        finally:
            inbox.reading = None

    def _give_up(self, inbox: _Inbox) -> None:
        """Handles a failure to send a socket its missed messages: makes the socket live without them. They are sent at
        the next connect, since they are not confirmed.

        Closes the connection of a recoverable socket instead. Otherwise it would later resume after the missed messages
        and never receive them.
        """
        if inbox.backlog is None:
            return
        if inbox.encoding_group.recoverable:
            inbox.socket.connection.close("transport error")
        else:
            inbox.client.catching_up = False
            self._rooms.enter(inbox.socket, inbox.client.entry.conversation_ids)

    async def _send_missed(self, inbox: _Inbox, backlog: _Backlog) -> None:
        actor = inbox.client.actor
        while True:
            late: list[_NewMessage] = []
            backlog.late = late
            missed = await self._chat.execute(actor, FindMissed(self._now_ms(), inbox.sent.pos))
            # A message that another node has just written is in the tables, but this node will deliver it later.
            searched_to = min(missed.pos, self._chat.pos)
            found = tuple(
                each.id for each in missed.messages if each.pos <= searched_to and each.id not in backlog.received_live
            )
            for start in range(0, len(found), MISSED_AT_ONCE):
                messages = await self._chat.execute(actor, ReadMissed(found[start : start + MISSED_AT_ONCE]))
                await self._send_messages(inbox, messages)
            if len(late) <= LATE_MAX:
                break
        entry = inbox.client.entry
        for event in late:
            # Older ones were found above, or have arrived before: a node that is behind delivers them once more.
            if event.pos > searched_to and event.message.conversation_id in entry.conversation_ids:
                self._send_late(inbox, event)
        self._proofs.prove(inbox.sent)
        self._drop_backlog(inbox)
        self._proofs.include_live(inbox.sent)
        self._rooms.enter(inbox.socket, entry.conversation_ids)

    def _send_late(self, inbox: _Inbox, event: _NewMessage) -> None:
        client = inbox.client
        seen = event_for_reader(event, client.entry.reader(client.actor.user_id))
        if isinstance(seen, _NewMessage) and To.NON_FOLLOWERS in destinations(seen, client, follows=False):
            self._send_message(inbox, seen)

    async def _send_messages(self, inbox: _Inbox, messages: Iterable[Message]) -> None:
        size = 0
        for event in sorted(map(_news_of, messages), key=lambda event: event.pos):
            size += self._send_message(inbox, event)
            if size > BURST_BYTES:
                await self._drain(inbox)
                size = 0
        await self._drain(inbox)

    def _send_message(self, inbox: _Inbox, event: _NewMessage) -> int:
        """Sends a missed message to a socket, as a notification. Returns the number of bytes sent."""
        frames = inbox.encoding_group.encode(event, To.NON_FOLLOWERS)
        self._hub.send(inbox.socket.connection, frames)
        inbox.sent.pos = max(inbox.sent.pos, event.pos)
        return len(frames)

    async def _send_mail(self, inbox: _Inbox) -> None:
        actor, size, after_id = inbox.client.actor, 0, inbox.sent.mail_id
        while page := await self._chat.execute(actor, ReadMail(self._now_ms(), after_id)):
            for mail in page:
                payload = mail.payload.encode()
                event = CustomEvent(mail.event, msgspec.json.decode(payload), user_id=actor.user_id)
                frame = encode_custom(inbox.encoding_group, event, payload, self._chat.cursor)
                self._hub.send(inbox.socket.connection, frame)
                inbox.sent.mail_id = after_id = mail.id
                size += len(frame)
                if size > BURST_BYTES:
                    await self._drain(inbox)
                    size = 0
            await self._drain(inbox)

    async def _drain(self, inbox: _Inbox) -> None:
        """Starts to prove the arrival of what was sent to the socket, then waits while the client is slow, i.e. has too
        many unread bytes. Wait here before sending more.
        """
        self._proofs.prove(inbox.sent)
        await asyncio.sleep(0)  # has it written first
        while inbox.socket.connection.is_slow():  # noqa: ASYNC110 (fetching a poll notifies nobody)
            await asyncio.sleep(SLOW_S)

    def _drop_backlog(self, inbox: _Inbox) -> None:
        """Removes a socket's backlog of missed messages from all indexes, and marks its client as no longer catching
        up.
        """
        backlog, inbox.backlog = inbox.backlog, None
        inbox.client.catching_up = False
        for conversation_id in () if backlog is None else backlog.conversation_ids:
            inboxes = self._catching_up.get(conversation_id, set())
            inboxes.discard(inbox)
            if not inboxes:
                self._catching_up.pop(conversation_id, None)


def _news_of(message: Message) -> _NewMessage:
    """Returns the event by which a missed message became visible."""
    if message.first_end_pos is None:
        return MessageSent(pos_of(message.id), message.created_ms, message)
    return StreamStateChanged(message.first_end_pos, message.created_ms, message, is_first=True)
