"""Brings what has happened to sockets: each event to its audience, and sockets into rooms and out of them.

What is neither in the log nor for one user's own devices is for `signal_delivery.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence

import structlog

from talkwire.core.connected.directory import Directory
from talkwire.core.domain.audience import audience_of, depends_on_history, event_as_seen
from talkwire.core.domain.events import (
    ConversationCreated,
    ConversationDeleted,
    Durable,
    DurableEvent,
    Event,
    LoginEnded,
    MemberAdded,
    MemberRemoved,
    MessagesDelivered,
    MessageSent,
    MessagesRead,
    News,
    Notified,
    UnreadChanged,
    UploadProgressed,
    UserBanned,
    UserUpdated,
)
from talkwire.realtime.clients.chat_client import (
    DialectEncoding,
    clients_in,
    conversation_room,
    encode_for,
    outside_room,
    user_room,
)
from talkwire.realtime.delivery.rooms import Rooms
from talkwire.realtime.delivery.targeted import IsFor, tell_apart
from talkwire.realtime.engine.hub import Hub
from talkwire.realtime.socketio.socketio_socket import Socket

_logger = structlog.get_logger(__name__)


class EventDelivery:
    """For the sockets of this node, of all namespaces. `end` tells a client why, and closes its socket."""

    def __init__(self, hub: Hub, rooms: Rooms, directory: Directory, end: Callable[[Socket, str], None]) -> None:
        self._hub = hub
        self._rooms = rooms
        self._directory = directory
        self._end = end

    def deliver(self, events: Sequence[News]) -> None:
        """A batch from the bus: durable events in log order. One that fails does not take the others along."""
        for event in events:
            try:
                self._deliver(event)
            except Exception:
                _logger.exception("an event could not be delivered", kind=type(event).__name__)

    def _deliver(self, event: News) -> None:
        match event:
            case MessageSent(message=message) if message.reply_to is None:
                self._tell_all(message.conversation_id, event)
            case MessageSent(message=message):
                self._tell_members(message.conversation_id, event)
            case UnreadChanged() | Notified() | UploadProgressed():
                self._send_to_user(event.user_id, event)
            case DurableEvent():
                self._admit_and_tell(event)

    def _admit_and_tell(self, event: Durable) -> None:
        """New members are let into their room before the event, so that it reaches them; whoever leaves is told too,
        and hears no more, even where telling fails."""
        match event:
            case ConversationCreated():
                self._rooms.admit(event.conversation.id, [member.user_id for member in event.members])
            case MemberAdded():
                self._rooms.admit(event.conversation_id, [member.user_id for member in event.members])
        try:
            self._tell(event)
        finally:
            self._put_out(event)

    def _put_out(self, event: Durable) -> None:
        match event:
            case MemberRemoved():
                self._rooms.expel(event.conversation_id, clients_in(self._hub, user_room(event.user_id)))
            case ConversationDeleted():
                rooms = (conversation_room(event.conversation_id), outside_room(event.conversation_id))
                self._rooms.expel(event.conversation_id, [s for room in rooms for s in clients_in(self._hub, room)])
            case UserBanned():
                self._end_all(clients_in(self._hub, user_room(event.user_id)), "banned")
            case LoginEnded():
                devices = clients_in(self._hub, user_room(event.user_id))
                self._end_all([s for s in devices if s.data.session_id == event.session_id], "logout")

    def _tell(self, event: Durable) -> None:
        audience = audience_of(event)
        match event:
            case UserUpdated():
                self._send_to_users({event.user.id, *self._directory.contacts(event.user.id)}, event)
            case MessagesRead(authors=authors) if authors is not None:
                self._tell_only(event.conversation_id, {event.user_id, *authors}.difference(event.withheld), event)
            case MessagesRead(withheld=withheld) | MessagesDelivered(withheld=withheld) if withheld:
                self._tell_without(event.conversation_id, withheld, event)
            case _ if audience.conversation_id is not None and depends_on_history(event):
                self._tell_members(audience.conversation_id, event)
            case _ if audience.conversation_id is not None:
                self._tell_all(audience.conversation_id, event)
            case _ if audience.user_id is not None:
                self._send_to_user(audience.user_id, event)

    # --- the members of a conversation ------------------------------------------------------------------------------

    def _tell_members(self, conversation_id: str, event: Durable) -> None:
        """Sends an event that depends on history to each member as they may see it, with a step for each newcomer."""
        hidden, seen_otherwise = set[str](), dict[str, Durable]()
        for user_id, history in self._directory.newcomers.of(conversation_id).items():
            seen = event_as_seen(event, user_id, history)
            if seen is None:
                hidden.add(user_id)
            elif seen is not event:
                seen_otherwise[user_id] = seen
        if not hidden and not seen_otherwise:
            self._tell_all(conversation_id, event)
            return
        self._tell_without(conversation_id, hidden | seen_otherwise.keys(), event)
        if seen_otherwise:
            # There is only one other version: the message without its quote.
            self._tell_only(conversation_id, seen_otherwise.keys(), next(iter(seen_otherwise.values())))

    def _tell_all(self, conversation_id: str, event: Durable) -> None:
        self._hub.broadcast(conversation_room(conversation_id), lambda channel: encode_for(channel, event))
        self._tell_apart(conversation_id, event, None)

    def _tell_without(self, conversation_id: str, user_ids: Collection[str], event: Durable) -> None:
        """To all members but these."""
        followers = clients_in(self._hub, conversation_room(conversation_id))
        others = [s for s in followers if s.data.actor.user_id not in user_ids]
        self._hub.multicast(others, lambda channel: encode_for(channel, event))
        self._tell_apart(conversation_id, event, lambda user_id: user_id not in user_ids)

    def _tell_only(self, conversation_id: str, user_ids: Collection[str], event: Durable) -> None:
        """To these members only."""
        room = conversation_room(conversation_id)
        devices = (socket for user_id in user_ids for socket in clients_in(self._hub, user_room(user_id)))
        self._hub.multicast([s for s in devices if room in s.rooms], lambda channel: encode_for(channel, event))
        self._tell_apart(conversation_id, event, lambda user_id: user_id in user_ids)

    def _tell_apart(self, conversation_id: str, event: Durable, is_for: IsFor | None) -> None:
        """What dialects tell some of the members only."""
        for channel in self._hub.channels:
            if isinstance(channel, DialectEncoding) and type(event) in channel.tells_apart:
                tell_apart(self._hub, channel, conversation_id, event, is_for)

    # --- users ------------------------------------------------------------------------------------------------------

    def _send_to_user(self, user_id: str, event: Event) -> None:
        """To all devices of one user."""
        self._hub.broadcast(user_room(user_id), lambda channel: encode_for(channel, event))

    def _send_to_users(self, user_ids: Iterable[str], event: Event) -> None:
        sockets = [socket for user_id in user_ids for socket in clients_in(self._hub, user_room(user_id))]
        self._hub.multicast(sockets, lambda channel: encode_for(channel, event))

    def _end_all(self, sockets: Sequence[Socket], reason: str) -> None:
        for socket in sockets:
            self._end(socket, reason)
