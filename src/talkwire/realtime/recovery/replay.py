"""What one socket is told of events that happened while it had no connection: just what it would have been told live.

Live delivery goes by rooms (`event_delivery.py`, `apart.py`). Here there is one socket, so it is asked of each event
whether the socket would have been in the room. `tests/chat/test_recovery_property.py` holds both against each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial

from talkwire.core.domain.audience import audience_of, doer_of
from talkwire.core.domain.events import (
    ConversationCreated,
    ConversationDeleted,
    Durable,
    MemberAdded,
    MemberRemoved,
    MessageSent,
)
from talkwire.dialects.dialect import PERSONAL_MAX, Personal, To
from talkwire.realtime.clients.chat_client import ChatClient, DialectEncoding
from talkwire.realtime.clients.recoverable import RecoverableSocket
from talkwire.realtime.delivery.targeted import hears_of
from talkwire.realtime.recovery.event_ring import RingEntry

_ORDER = {To.ROOM: 0, To.OTHERS: 1, To.OUTSIDE: 2}
"""The order in which live delivery sends what goes to these."""

_PERSONAL = 3


class ReplayingSocket:
    """One socket. `forget` is called when it has a conversation open, or not, by default again."""

    def __init__(
        self,
        channel: DialectEncoding,
        client: ChatClient,
        recoverable: RecoverableSocket,
        forget: Callable[[RecoverableSocket, str], None],
    ) -> None:
        self._channel = channel
        self._client = client
        self._user_id = client.actor.user_id
        self._recoverable = recoverable
        self._forget = forget

    def tell(self, kept: RingEntry, counter: int | None = None) -> bytes:
        """Returns the frames that the socket is sent of an event that its user may see. It has those up to `counter`.
        Membership moves as it did."""
        event = kept.event
        if isinstance(event, ConversationCreated | MemberAdded) and self._is_among(event):
            self._forget(self._recoverable, _conversation_of(event))
        frames = b"".join(self._all(kept) if counter is None else self._behind(kept, counter))
        if isinstance(event, ConversationDeleted) or (
            isinstance(event, MemberRemoved) and event.user_id == self._user_id
        ):
            self._forget(self._recoverable, event.conversation_id)
        return frames

    def _all(self, kept: RingEntry) -> Iterator[bytes]:
        channel = self._channel
        for to in self._destinations(kept.event):
            yield kept.frame(channel, to, partial(channel.encode, kept.event, to))
        for _, frame in self._personal(kept):
            yield frame

    def _behind(self, kept: RingEntry, counter: int) -> Iterator[bytes]:
        last = self._rank(kept.event, counter)
        for to in self._destinations(kept.event):
            for number, frame in self._channel.frames(kept.event, to):
                if (_ORDER[to], number) > last:
                    yield frame
        for number, frame in self._personal(kept):
            if (_PERSONAL, number) > last:
                yield frame

    def _rank(self, event: Durable, counter: int) -> tuple[int, int]:
        """A packet's place in the order in which an event's packets are sent."""
        packets = self._channel.dialect.outbound.get(type(event), ())
        index = counter // PERSONAL_MAX
        if index >= len(packets):
            return _PERSONAL + 1, 0
        packet = packets[index]
        return (_PERSONAL if isinstance(packet, Personal) else _ORDER[packet.to]), counter

    def _destinations(self, event: Durable) -> Iterable[To]:
        """Where the event went that would have reached this socket."""
        conversation_id = audience_of(event).conversation_id
        if conversation_id is None:
            return (To.ROOM,)
        follows = self._follows(conversation_id)
        room = (To.ROOM,) if follows else ()
        if doer_of(event) == self._user_id or not self._hears_of(event):
            return room
        return (*room, To.OTHERS if follows else To.OUTSIDE)

    def _hears_of(self, event: Durable) -> bool:
        if not isinstance(event, MessageSent) or not self._channel.dialect.notifies:
            return True
        return hears_of(self._client, event.message)

    def _personal(self, kept: RingEntry) -> Iterator[tuple[int, bytes]]:
        """(counter, frame), for what goes to this socket's user alone."""
        event = kept.event
        conversation_id = audience_of(event).conversation_id
        if type(event) not in self._channel.tells_apart or conversation_id is None:
            return
        for packet, user_id, counter, frame in self._channel.personal(event):
            if user_id == self._user_id and (not packet.followers_only or self._follows(conversation_id)):
                yield counter, frame

    def _follows(self, conversation_id: str) -> bool:
        return self._recoverable.follows(conversation_id, by_default=self._client.dialect.follows_all)

    def _is_among(self, event: ConversationCreated | MemberAdded) -> bool:
        return any(member.user_id == self._user_id for member in event.members)


def _conversation_of(event: ConversationCreated | MemberAdded) -> str:
    return event.conversation.id if isinstance(event, ConversationCreated) else event.conversation_id
