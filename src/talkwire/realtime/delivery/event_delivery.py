"""Sends the events of the log to the chat sockets of this node, and moves sockets into and out of rooms as memberships
change.

`signal_delivery` sends the events that are not in the log, such as typing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

import structlog

from talkwire.core.connected.directory import Directory
from talkwire.core.domain.audience import ALL_MEMBERS, Members, audience_of, versions_of
from talkwire.core.domain.events import (
    ConversationCreated,
    ConversationDeleted,
    DeskUpdated,
    Durable,
    DurableEvent,
    Event,
    LoginEnded,
    MemberAdded,
    MemberRemoved,
    MessageSent,
    News,
    Notified,
    TeamSettled,
    TeamUpdated,
    ThreadUnreadChanged,
    UnreadChanged,
    UploadProgressed,
    UserBanned,
    UserErased,
    UserUpdated,
)
from talkwire.dialects.dialect import To
from talkwire.realtime.clients.chat_client import (
    DialectEncoding,
    clients_in,
    conversation_room,
    encode_for,
    non_followers_room,
    user_room,
)
from talkwire.realtime.delivery.addressing import excluded, receives_personal, room_of, sockets_in
from talkwire.realtime.delivery.rooms import Rooms
from talkwire.realtime.engine.hub import Hub
from talkwire.realtime.socketio.socketio_socket import Socket

_logger = structlog.get_logger(__name__)


class EventDelivery:
    """Sends the events of the log, and events about single users such as unread counts, to the chat sockets of this
    node, in all namespaces. `end` sends a client a reason and disconnects its socket.
    """

    def __init__(self, hub: Hub, rooms: Rooms, directory: Directory, end: Callable[[Socket, str], None]) -> None:
        self._hub = hub
        self._rooms = rooms
        self._directory = directory
        self._end = end

    def deliver(self, events: Sequence[News]) -> None:
        """Sends a batch of events, whose durable events are in log order, to this node's sockets. Ignores signals,
        which `SignalDelivery` sends. An error in one event is logged and does not affect the others.
        """
        for event in events:
            try:
                self._deliver(event)
            except Exception:
                _logger.exception("event_not_delivered", kind=type(event).__name__)

    def _deliver(self, event: News) -> None:
        match event:
            case MessageSent(message=message) if message.reply_to is None:
                self._send_to_members(message.conversation_id, event, ALL_MEMBERS)  # nearly every event is one
            case UnreadChanged() | ThreadUnreadChanged() | Notified() | UploadProgressed():
                self._send_to_user(event.user_id, event)
            case DeskUpdated():
                self._send_to_users(event.to, event)
            case DurableEvent():
                self._deliver_durable(event)

    def _deliver_durable(self, event: Durable) -> None:
        """Sends an event of the log; before it, adds the sockets of new members to the conversation's room, and after
        it, removes those of former members.

        So what the dialects send for the event reaches both new and former members. Former members leave the room even
        if sending fails.
        """
        match event:
            case ConversationCreated():
                self._rooms.admit(event.conversation.id, [member.user_id for member in event.members])
            case MemberAdded():
                self._rooms.admit(event.conversation_id, [member.user_id for member in event.members])
        try:
            self._send(event)
        finally:
            self._remove_sockets(event)

    def _remove_sockets(self, event: Durable) -> None:
        match event:
            case MemberRemoved():
                self._rooms.expel(event.conversation_id, clients_in(self._hub, user_room(event.user_id)))
            case ConversationDeleted():
                rooms = (conversation_room(event.conversation_id), non_followers_room(event.conversation_id))
                self._rooms.expel(event.conversation_id, [s for room in rooms for s in clients_in(self._hub, room)])
            case UserBanned():
                self._end_all(clients_in(self._hub, user_room(event.user_id)), "banned")
            case UserErased():
                self._end_all(clients_in(self._hub, user_room(event.user.id)), "erased")
            case LoginEnded():
                devices = clients_in(self._hub, user_room(event.user_id))
                self._end_all([s for s in devices if s.data.session_id == event.session_id], "logout")

    def _send(self, event: Durable) -> None:
        audience = audience_of(event)
        conversation_id = audience.conversation_id
        if isinstance(event, UserUpdated | UserErased):
            self._send_to_users({event.user.id, *self._directory.contacts(event.user.id)}, event)
        elif isinstance(event, TeamUpdated):
            self._send_to_users({*event.team.member_ids, *event.removed}, event)
        elif isinstance(event, TeamSettled):
            self._send_to_users(self._directory.staff_ids_in(event.conversation_id), event)
        elif conversation_id is not None:
            versions = versions_of(
                event,
                lambda: self._directory.limited_histories.of(conversation_id),
                lambda: self._directory.blind_ids_in(conversation_id),
                lambda: self._directory.staff_ids_in(conversation_id),
            )
            for version, members in versions:
                self._send_to_members(conversation_id, version, members)
        elif audience.user_id is not None:
            self._send_to_user(audience.user_id, event)

    # --- the members of a conversation ------------------------------------------------------------------------------

    def _send_to_members(self, conversation_id: str, event: Durable, members: Members) -> None:
        """Sends a conversation's event to the sockets of `members`, the members who see the event in this form. Other
        members, such as those with a limited history, may receive another form of it by a call of its own.
        """
        room = conversation_room(conversation_id)
        if members is ALL_MEMBERS:
            self._hub.broadcast(room, lambda group: encode_for(group, event))
        else:
            self._hub.multicast(self._followers(room, members), lambda group: encode_for(group, event))
        for group in self._hub.encoding_groups:
            if isinstance(group, DialectEncoding) and type(event) in group.selective_events:
                self._send_selectively(group, conversation_id, event, members)

    def _followers(self, room: str, members: Members) -> Iterable[Socket]:
        if members.only is None or self._hub.count_in(room) <= 2 * len(members.only):
            return [s for s in clients_in(self._hub, room) if members.has(s.data.actor.user_id)]
        user_ids = [user_id for user_id in members.only if members.has(user_id)]
        return [s for user_id in user_ids for s in clients_in(self._hub, user_room(user_id)) if room in s.rooms]

    def _send_selectively(self, group: DialectEncoding, conversation_id: str, event: Durable, members: Members) -> None:
        """Sends those packets of a dialect (event vocabulary) that do not go to all followers of the conversation: to
        followers other than the sender, to non-followers, or to single users.
        """
        for to in (To.OTHERS, To.NON_FOLLOWERS):
            room = room_of(to, conversation_id)
            if room in group.rooms and (frames := group.encode(event, to)):
                skip = excluded(group, to, event, conversation_id, members)
                if to is To.NON_FOLLOWERS:
                    skip.update(self._of_unlisted(group, conversation_id))
                self._hub.broadcast_in(group, room, frames, skip)
        room = conversation_room(conversation_id)
        for packet, user_id, _, frame in group.personal(event):
            if not members.has(user_id):
                continue
            for socket in sockets_in(group, user_room(user_id)):
                if receives_personal(packet, socket.data, conversation_id, follows=room in socket.rooms):
                    self._hub.send(socket.connection, frame)

    def _of_unlisted(self, group: DialectEncoding, conversation_id: str) -> Iterator[Socket]:
        """Yields the sockets of the members who do not have the conversation in their list."""
        for user_id in self._directory.unlisted_ids_in(conversation_id):
            yield from sockets_in(group, user_room(user_id))

    # --- users ------------------------------------------------------------------------------------------------------

    def _send_to_user(self, user_id: str, event: Event) -> None:
        """Sends an event to all sockets of one user on this node."""
        self._hub.broadcast(user_room(user_id), lambda group: encode_for(group, event))

    def _send_to_users(self, user_ids: Collection[str], event: Event) -> None:
        sockets = [socket for user_id in user_ids for socket in clients_in(self._hub, user_room(user_id))]
        self._hub.multicast(sockets, lambda group: encode_for(group, event))

    def _end_all(self, sockets: Sequence[Socket], reason: str) -> None:
        for socket in sockets:
            self._end(socket, reason)
