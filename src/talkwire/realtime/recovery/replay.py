"""Sends one returning socket the events that it missed: the packets that it would have received live. Only what the
gateway dialect sends as notifications depends on the user's blocks and settings as they are now.

`tests/chat/test_recovery_property.py` compares replayed packets with live ones.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial

import structlog

from talkwire.core.commands.server.recovery import MissedEvents
from talkwire.core.domain.audience import audience_of
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.events import (
    ConversationCreated,
    ConversationDeleted,
    Durable,
    MemberAdded,
    MemberRemoved,
    MessageSent,
)
from talkwire.dialects.dialect import PERSONAL_MAX, PersonalOutbound, To
from talkwire.realtime.clients.chat_client import ChatClient, DialectEncoding
from talkwire.realtime.clients.log_offset import Offset
from talkwire.realtime.clients.recoverable import RecoverableSocket, ResumePlan
from talkwire.realtime.delivery.addressing import destinations, receives_personal
from talkwire.realtime.recovery.event_ring import RingEntry
from talkwire.realtime.recovery.missed_events import MissedEventReader
from talkwire.realtime.socketio.socketio_socket import Socket

PAGE_BYTES = 256 * 1024
"""Bytes that are sent before the server waits for the client to read them."""

PAGE_EVENTS = 1000
"""Most events that are processed in one turn of the event loop."""

_ORDER = {To.ROOM: 0, To.OTHERS: 1, To.NON_FOLLOWERS: 2}
"""The order in which live delivery sends packets to these destinations."""

_PERSONAL = 3
"""The place of packets for single users in that order."""

_logger = structlog.get_logger(__name__)


class ReplayingSocket:
    """Encodes missed events for one returning socket: selects the packets that the socket receives, by its dialect
    (event vocabulary) and the conversations that it follows.

    `forget` is called with the socket's state and a conversation's id when the user joined or left that conversation,
    so that an earlier choice to open or close it no longer holds.
    """

    def __init__(
        self,
        group: DialectEncoding,
        client: ChatClient,
        recoverable: RecoverableSocket,
        forget: Callable[[RecoverableSocket, str], None],
    ) -> None:
        self._encoding_group = group
        self._client = client
        self._user_id = client.actor.user_id
        self._recoverable = recoverable
        self._forget = forget

    def frames_of(self, entry: RingEntry, counter: int | None = None) -> bytes:
        """Returns the frames of an event for this socket, empty if the socket receives none. With `counter`, leaves out
        the event's packets up to that number, which the socket received before its disconnect.

        Also updates which conversations the socket follows when the event says that its user joined or left one.
        """
        event = entry.event
        if type(event) is MessageSent and counter is None and MessageSent not in self._encoding_group.selective_events:
            return self._message_frame(entry, event.message.conversation_id)
        if isinstance(event, ConversationCreated) and self._is_among(event):
            self._forget(self._recoverable, event.conversation.id)
        elif isinstance(event, MemberAdded) and self._is_among(event):
            self._forget(self._recoverable, event.conversation_id)
        frames = b"".join(self._frames(entry, counter))
        if isinstance(event, ConversationDeleted) or (
            isinstance(event, MemberRemoved) and event.user_id == self._user_id
        ):
            self._forget(self._recoverable, event.conversation_id)
        return frames

    def _message_frame(self, entry: RingEntry, conversation_id: str) -> bytes:
        """Returns the frame of a new message if the socket follows its conversation, else empty bytes. A fast path for
        the most frequent event, in dialects in which only followers receive new messages.
        """
        if not self._follows(conversation_id):
            return b""
        group = self._encoding_group
        return entry.frame(group, To.ROOM, partial(group.encode, entry.event, To.ROOM))

    def _frames(self, entry: RingEntry, counter: int | None) -> Iterator[bytes]:
        group, event = self._encoding_group, entry.event
        conversation_id = audience_of(event).conversation_id
        last = None if counter is None else self._rank(event, counter)
        for to in self._destinations(event, conversation_id):
            if last is None:
                yield entry.frame(group, to, partial(group.encode, event, to))
            else:
                yield from (frame for number, frame in group.frames(event, to) if (_ORDER[to], number) > last)
        for number, frame in self._personal(event, conversation_id):
            if last is None or (_PERSONAL, number) > last:
                yield frame

    def _rank(self, event: Durable, counter: int) -> tuple[int, int]:
        """Returns a sort key of the packet with the number `counter`: by these keys, the packets of an event are in the
        order in which they are sent. The key of a number for which the dialect has no packet sorts last.
        """
        packets = self._encoding_group.dialect.outbound.get(type(event), ())
        index = counter // PERSONAL_MAX
        if index >= len(packets):
            return _PERSONAL + 1, 0
        packet = packets[index]
        return (_PERSONAL if isinstance(packet, PersonalOutbound) else _ORDER[packet.to]), counter

    def _destinations(self, event: Durable, conversation_id: str | None) -> tuple[To, ...]:
        if conversation_id is None:
            return (To.ROOM,)
        return destinations(event, self._client, follows=self._follows(conversation_id))

    def _personal(self, event: Durable, conversation_id: str | None) -> Iterator[tuple[int, bytes]]:
        """Yields (counter, frame) for each packet of an event that is for this socket's user alone."""
        if conversation_id is None or type(event) not in self._encoding_group.selective_events:
            return
        follows = self._follows(conversation_id)
        for packet, user_id, counter, frame in self._encoding_group.personal(event):
            if user_id == self._user_id and receives_personal(packet, self._client, conversation_id, follows=follows):
                yield counter, frame

    def _follows(self, conversation_id: str) -> bool:
        return self._recoverable.follows(conversation_id, by_default=self._client.dialect.follows_all)

    def _is_among(self, event: ConversationCreated | MemberAdded) -> bool:
        return any(member.user_id == self._user_id for member in event.members)


class Replay:
    """Sends one returning socket the events that it missed, page by page. Calls `then` in the turn of the event loop in
    which the socket has all of them, so that no event is missing between the replay and live events.

    Before each page, calls `may_stay`: if that returns False, it has disconnected the socket, and the replay ends.
    """

    def __init__(  # noqa: PLR0913 (what it connects)
        self,
        socket: Socket,
        plan: ResumePlan,
        missed: MissedEventReader,
        listener: ReplayingSocket,
        *,
        may_stay: Callable[[], bool],
        then: Callable[[], None],
    ) -> None:
        self._socket = socket
        self._client: ChatClient = socket.data
        self._missed = missed
        self._listener = listener
        self._may_stay = may_stay
        self._then = then
        self._offset = plan.offset
        self._reach = self._offset.pos
        self._pending: deque[RingEntry] = deque()
        self._needs_log = False
        if plan.page is not None:
            self._take_page(plan.page)

    def start(self) -> None:
        """Sends the first page of missed events at once, and the others in the background, as fast as the client reads.
        Events that the client sends wait in its lane until the replay ends.
        """
        try:
            done = self._advance()
        except Exception as error:  # noqa: BLE001 (whatever a dialect raises)
            self._fail(error)
        else:
            if not done:
                self._socket.connection.lane.enter(self._continue, pipelined=False)

    def _continue(self) -> bool:
        task = asyncio.ensure_future(self._run())
        task.add_done_callback(self._finished)
        return True

    async def _run(self) -> None:
        connection = self._socket.connection
        while not self._advance():  # Suspends: `drained` always does.
            if self._needs_log:
                self._needs_log = False
                self._take_page(await self._missed.read_log(self._client, self._offset.pos))
            if not await connection.drained():
                return

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._socket.connection.lane.finished()
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        """Closes the connection after an error. The client reconnects, and resumes after the last event that it has
        received.
        """
        connection = self._socket.connection
        if not isinstance(error, ChatError):
            connection.server.report(error)
        connection.close("transport error")

    def _advance(self) -> bool:
        """Continues the replay: sends events that were read already or are in memory, at most two pages. Returns True
        if the replay has ended: the socket has received all missed events, and `then` was called, or it is
        disconnected.
        """
        if not self._socket.connected or not self._may_stay():
            return True
        if not self._send_events_at_hand():
            return False
        if self._socket.connected:
            self._then()
        return True

    def _send_events_at_hand(self) -> bool:
        """Sends the pending events, then those in memory, at most two pages in all. Returns whether the socket has
        received all missed events; if not, `_needs_log` says whether the next ones are in the log only.
        """
        self._send_page()
        if self._pending or not self._take_from_memory():
            return False
        self._send_page()
        return not self._pending

    def _take_from_memory(self) -> bool:
        """Adds the remaining missed events from memory to the pending ones, without events and contents that the user
        may not see. Returns False, and adds nothing, if memory lacks some of them, so that they must be read from the
        log.
        """
        if self._offset.counter is None and self._offset.pos >= self._missed.pos:
            return True
        found = self._missed.in_memory(self._client, self._offset.pos)
        if found is None:
            self._needs_log = True
            return False
        reader = self._client.entry.reader(self._client.actor.user_id)
        seen = (each.for_reader(reader) for each in found)
        self._pending.extend(each for each in seen if each is not None)
        self._reach = self._missed.pos
        self._settle()
        return True

    def _take_page(self, page: MissedEvents) -> None:
        self._pending.extend(map(RingEntry, page.events))
        self._reach = page.pos
        self._settle()

    def _send_page(self) -> None:
        frames: list[bytes] = []
        size = 0
        while self._pending and size < PAGE_BYTES and len(frames) < PAGE_EVENTS:
            entry = self._pending.popleft()
            pos = entry.event.pos
            counter = self._offset.counter if pos == self._offset.pos + 1 else None
            frames.append(self._frames_of(entry, counter))
            size += len(frames[-1])
            self._offset = Offset(pos)
        if size:
            self._socket.connection.server.hub.send(self._socket.connection, b"".join(frames))
        self._settle()

    def _frames_of(self, entry: RingEntry, counter: int | None) -> bytes:
        """Returns the frames of an event for the socket, as `ReplayingSocket.frames_of` does. Returns empty bytes after
        an error, which is logged and does not end the replay.
        """
        try:
            return self._listener.frames_of(entry, counter)
        except Exception:
            _logger.exception("event_not_delivered", kind=type(entry.event).__name__, pos=entry.event.pos)
            return b""

    def _settle(self) -> None:
        """Once no events are pending, moves the socket's offset to the log position up to which events were read: the
        socket has received everything up to there.
        """
        if not self._pending and self._reach > self._offset.pos:
            self._offset = Offset(self._reach)
