"""Brings a user what came while they had no socket of a dialect that notifies: messages that they missed, and mail.

A new socket is told what was missed before it is told what goes on, so that all comes in order. What was sent counts as
arrived when the client has answered a heartbeat that left after it; until then it is sent again at the next connect.
Live notifications are proved in the same way, once a second for all of a user's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import cast

import msgspec
import structlog

from talkwire.core.commands.server.offline_queue import Arrival, ConfirmArrivals, FindMissed, ReadMail, ReadMissed
from talkwire.core.domain.actors import OFFLINE_QUEUE
from talkwire.core.domain.audience import event_for
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.events import ConversationCreated, CustomEvent, MailStored, MemberAdded, MessageSent, News
from talkwire.core.domain.model import LARGE_CONVERSATION, MESSAGE_ID_BASE, Member, Message
from talkwire.core.engine.chat import Chat
from talkwire.dialects.dialect import To
from talkwire.realtime.clients.chat_client import (
    ChatClient,
    DialectEncoding,
    clients_in,
    conversation_room,
    encode_custom,
    outside_room,
    user_room,
)
from talkwire.realtime.delivery.addressing import destinations
from talkwire.realtime.delivery.recipients import SocketRecipient
from talkwire.realtime.delivery.rooms import Rooms
from talkwire.realtime.engine.hub import Hub
from talkwire.realtime.socketio.socketio_socket import Socket

ROUND_S = 1.0
PAGE = 50
"""Missed messages that are read at once."""

BURST_BYTES = 64 * 1024
"""What is sent before it is looked at whether the client reads it."""

SLOW_S = 0.1
"""After how long it is looked at again."""

LATE_MAX = 1000
"""Messages that may come while others are still being sent, before all is looked for again."""

ARRIVALS_MAX = 200
"""Of how many sockets one command notes what has arrived."""

_logger = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Proof:
    """What a heartbeat that leaves after `sent_at` proves."""

    sent_at: float
    pos: int
    mail_id: int


@dataclass(slots=True, eq=False)
class _Box:
    """One socket. `pos` and `mail_id`: up to where it was sent something. `late` is what came while it was still being
    told what was missed; None: it is told what goes on."""

    socket: Socket
    pos: int = 0
    mail_id: int = 0
    late: list[MessageSent] | None = field(default_factory=list)
    conversation_ids: frozenset[str] = frozenset()
    told_live: set[int] = field(default_factory=set)
    """Messages of rooms that it has joined while it was still being told what was missed."""
    proving: _Proof | None = None
    proved: tuple[int, int] = (0, 0)
    urgent: bool = False
    """A heartbeat of its own is worth it; otherwise the next regular one proves what was sent."""
    reading: asyncio.Task[None] | None = None
    again: bool = False
    """Mail was stored since it was last looked for."""

    @property
    def client(self) -> ChatClient:
        client: ChatClient = self.socket.data
        return client

    @property
    def channel(self) -> DialectEncoding:
        channel = self.socket.channel
        assert isinstance(channel, DialectEncoding)
        return channel


class OfflineDelivery:
    """For the sockets of this node whose dialects notify. `now_ms` is the time, in milliseconds since 1970."""

    def __init__(self, chat: Chat, hub: Hub, rooms: Rooms, now_ms: Callable[[], int]) -> None:
        self._chat = chat
        self._hub = hub
        self._rooms = rooms
        self._now_ms = now_ms
        self._boxes: dict[Socket, _Box] = {}
        self._behind: dict[str, set[_Box]] = {}
        self._sent: dict[str, int] = {}
        self._unproved: set[_Box] = set()
        self._timer: asyncio.TimerHandle | None = None

    # --- sockets ----------------------------------------------------------------------------------------------------

    def entered(self, socket: Socket) -> None:
        """A socket that is in no conversation's room yet: it is let into them when it has been told what it missed."""
        box = self._boxes[socket] = _Box(socket)
        box.client.catching_up = True
        box.conversation_ids = frozenset(box.client.entry.conversation_ids)
        for conversation_id in box.conversation_ids:
            self._behind.setdefault(conversation_id, set()).add(box)
        self._read(box)

    def resumed(self, socket: Socket) -> None:
        """A socket that goes on where another one was, and has been told all that happened since."""
        box = self._boxes[socket] = _Box(socket, pos=self._chat.pos, late=None)
        self._begin_proof(box)
        self._read(box)

    def is_behind(self, socket: Socket) -> bool:
        """Whether a socket has not been told yet all that its user missed before it came."""
        box = self._boxes.get(socket)
        return box is not None and box.late is not None

    def left(self, socket: Socket) -> None:
        """The socket is gone. What its last heartbeat has proved holds."""
        box = self._boxes.pop(socket, None)
        if box is None:
            return
        if box.reading is not None:
            box.reading.cancel()
        self._catch_up_ended(box)
        self._unproved.discard(box)
        self._confirm(self._arrivals((box,)))

    def close(self) -> None:
        """Nobody is sent anything any more."""
        if self._timer is not None:
            self._timer.cancel()
        for box in self._boxes.values():
            if box.reading is not None:
                box.reading.cancel()

    # --- what happens -----------------------------------------------------------------------------------------------

    def follow(self, events: Sequence[News]) -> None:
        """Listens to the bus, behind those who send what goes on."""
        if not self._boxes:
            return
        for event in events:
            if type(event) is MessageSent:
                self._note(event)
            elif isinstance(event, ConversationCreated):
                self._admit(event.conversation.id, event.members)
            elif isinstance(event, MemberAdded):
                self._admit(event.conversation_id, event.members)
            elif type(event) is MailStored:
                for socket in clients_in(self._hub, user_room(event.user_id)):
                    if socket in self._boxes:
                        self._read(self._boxes[socket])

    def _admit(self, conversation_id: str, members: Iterable[Member]) -> None:
        """Who comes to a conversation while being told what they missed is told of that one behind it too: `Rooms` does
        not let them in yet."""
        for member in members:
            for socket in clients_in(self._hub, user_room(member.user_id)):
                box = self._boxes.get(socket)
                if box is not None and box.client.catching_up:
                    box.conversation_ids |= {conversation_id}
                    self._behind.setdefault(conversation_id, set()).add(box)

    def _note(self, event: MessageSent) -> None:
        conversation_id = event.message.conversation_id
        for box in self._behind.get(conversation_id, ()):
            if conversation_id in box.client.opened:
                box.told_live.add(event.message.id)
            elif box.late is not None and len(box.late) <= LATE_MAX:
                box.late.append(event)
        self._sent[conversation_id] = event.pos
        self._arm()

    # --- what waits -------------------------------------------------------------------------------------------------

    def _read(self, box: _Box) -> None:
        """Has what waits for a socket sent, once at a time."""
        box.again = True
        if box.reading is None:
            box.reading = asyncio.ensure_future(self._send_all(box))

    async def _send_all(self, box: _Box) -> None:
        try:
            if box.late is not None:
                await self._send_missed(box)
            while box.again:
                box.again = False
                await self._send_mail(box)
        except ChatError as error:
            _logger.warning("what waits for a user could not be sent", code=error.code)
            self._give_up(box)
        except Exception:
            _logger.exception("what waits for a user could not be sent")
            self._give_up(box)
        finally:
            box.reading = None

    def _give_up(self, box: _Box) -> None:
        """The socket is told what goes on, and what it missed is sent at the next connect: since `late` stays, nothing
        that it is told from now on counts as arrived. One that would go on from there has to come back."""
        if box.late is None:
            return
        if box.channel.recoverable:
            box.socket.connection.close("transport error")
        else:
            box.client.catching_up = False
            self._rooms.enter(box.socket, box.client.entry.conversation_ids)

    async def _send_missed(self, box: _Box) -> None:
        actor = box.client.actor
        while True:
            late: list[MessageSent] = []
            box.late = late
            missed = await self._chat.execute(actor, FindMissed(self._now_ms(), box.pos))
            # What another node has just written is in the tables and still to be handed out here: then it is told.
            looked_to = min(missed.pos, self._chat.pos)
            found = tuple(
                id_ for id_ in missed.message_ids if id_ - MESSAGE_ID_BASE <= looked_to and id_ not in box.told_live
            )
            for start in range(0, len(found), PAGE):
                messages = await self._chat.execute(actor, ReadMissed(found[start : start + PAGE]))
                await self._send_messages(box, messages)
            if len(late) <= LATE_MAX:
                break
        entry = box.client.entry
        for event in late:
            message = event.message
            # Of what was looked through, the rest has arrived before: a node that is behind hands it out once more.
            is_new = event.pos > looked_to and message.conversation_id in entry.conversation_ids
            seen = event_for(event, box.client.actor.user_id, entry.histories)
            if is_new and isinstance(seen, MessageSent) and To.OUTSIDE in destinations(seen, box.client, follows=False):
                self._send_message(box, seen)
        self._begin_proof(box)
        self._catch_up_ended(box)
        self._rooms.enter(box.socket, entry.conversation_ids)

    async def _send_messages(self, box: _Box, messages: Iterable[Message]) -> None:
        size = 0
        for message in messages:
            pos = message.id - MESSAGE_ID_BASE
            size += self._send_message(box, MessageSent(pos, message.created_ms, message))
            if size > BURST_BYTES:
                await self._room(box)
                size = 0
        await self._room(box)

    def _send_message(self, box: _Box, event: MessageSent) -> int:
        """Answers how many bytes that were."""
        frames = box.channel.encode(event, To.OUTSIDE)
        self._hub.send(box.socket.connection, frames)
        box.pos = max(box.pos, event.pos)
        return len(frames)

    async def _send_mail(self, box: _Box) -> None:
        actor, size, after_id = box.client.actor, 0, box.mail_id
        while page := await self._chat.execute(actor, ReadMail(self._now_ms(), after_id)):
            for mail in page:
                payload = mail.payload.encode()
                event = CustomEvent(mail.event, msgspec.json.decode(payload), user_id=actor.user_id)
                frame = encode_custom(box.channel, event, payload, self._chat.cursor)
                self._hub.send(box.socket.connection, frame)
                box.mail_id = after_id = mail.id
                size += len(frame)
                if size > BURST_BYTES:
                    await self._room(box)
                    size = 0
            await self._room(box)

    async def _room(self, box: _Box) -> None:
        """Waits until the client has read most of what it was sent."""
        self._begin_proof(box)
        await asyncio.sleep(0)  # has it written first
        while box.socket.connection.is_slow():  # noqa: ASYNC110 (nobody tells when a poll was fetched)
            await asyncio.sleep(SLOW_S)

    def _catch_up_ended(self, box: _Box) -> None:
        box.late = None
        box.told_live.clear()
        box.client.catching_up = False
        for conversation_id in box.conversation_ids:
            boxes = self._behind.get(conversation_id, set())
            boxes.discard(box)
            if not boxes:
                self._behind.pop(conversation_id, None)
        box.conversation_ids = frozenset()

    # --- what has arrived -------------------------------------------------------------------------------------------

    def _begin_proof(self, box: _Box) -> None:
        """What it was just sent is on its connection, ahead of any heartbeat from now on."""
        if (box.pos, box.mail_id) == box.proved:
            return
        self._unproved.add(box)
        box.urgent = True
        if box.proving is None:
            box.proving = _Proof(asyncio.get_running_loop().time(), box.pos, box.mail_id)
        self._arm()

    def _arm(self) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(ROUND_S, self._round)

    def _round(self) -> None:
        self._timer = None
        sent, self._sent = self._sent, {}
        self._confirm(self._arrivals(tuple(self._unproved)))
        self._unproved = {box for box in self._unproved if (box.pos, box.mail_id) != box.proved}
        for conversation_id, pos in sent.items():
            self._note_sent(conversation_id, pos)
        now = asyncio.get_running_loop().time()
        for box in tuple(self._unproved):  # to hasten a heartbeat may end a connection
            if box.proving is None:
                box.proving = _Proof(now, box.pos, box.mail_id)
            elif box.urgent:
                SocketRecipient(box.socket).hasten_ping()
        if self._unproved:
            self._arm()

    def _note_sent(self, conversation_id: str, pos: int) -> None:
        """Notes that the sockets of a conversation were sent its messages, or notifications of those that their users
        want to be notified of. In a large one a message must not ask every client for a heartbeat."""
        circle = self._chat.directory.circles.get(conversation_id)
        urgent = circle is not None and circle.member_count <= LARGE_CONVERSATION
        for socket in self._notified_in(conversation_id):
            box = self._boxes.get(socket)
            if box is not None and box.late is None and box.pos < pos:
                box.pos = pos
                box.urgent |= urgent
                self._unproved.add(box)

    def _notified_in(self, conversation_id: str) -> Iterator[Socket]:
        """The sockets of a conversation's members whose dialects notify, whether they have joined its room or not."""
        for channel in self._hub.channels:
            if isinstance(channel, DialectEncoding) and channel.dialect.notifies:
                for room in (outside_room(conversation_id), conversation_room(conversation_id)):
                    yield from cast("Collection[Socket]", channel.rooms.get(room, ()))

    def _arrivals(self, boxes: Iterable[_Box]) -> list[Arrival]:
        """What heartbeats have proved since it was last asked."""
        arrivals = []
        for box in boxes:
            proof = box.proving
            if proof is not None and SocketRecipient(box.socket).answered_after(proof.sent_at):
                pos, mail_id = box.proved
                box.proving, box.proved = None, (proof.pos, proof.mail_id)
                box.urgent = box.urgent and (box.pos, box.mail_id) != box.proved
                new_pos, new_mail = proof.pos if proof.pos > pos else 0, proof.mail_id if proof.mail_id > mail_id else 0
                arrivals.append(Arrival(box.client.actor.user_id, new_pos, new_mail))
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
    """What was not noted comes twice, and does no other harm."""
    if error is not None:
        _logger.warning("what arrived at users could not be noted", error=str(error))
