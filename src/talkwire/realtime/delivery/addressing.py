"""Decides which of a dialect's packets for a conversation's event reach one member's socket. A dialect is a client's
event vocabulary; each of its packets has a destination, such as the conversation's followers.

Live delivery, replay after a disconnect and the delivery of the latest missed messages all use these functions. (Which
older missed messages a user is sent is stored with them.) Live delivery selects most sockets by their rooms, and uses
this module only for sockets that may differ from the rest of their room.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import cast

from talkwire.core.connected.directory import USUAL
from talkwire.core.domain.audience import Members, actor_of
from talkwire.core.domain.events import Durable, MessageSent, StreamStateChanged
from talkwire.core.features.notifying.offline_queue import member_receives
from talkwire.dialects.dialect import PersonalOutbound, To
from talkwire.realtime.clients.chat_client import (
    ChatClient,
    DialectEncoding,
    conversation_room,
    non_followers_room,
    user_room,
)
from talkwire.realtime.socketio.socketio_socket import Socket


def destinations(event: Durable, client: ChatClient, *, follows: bool) -> tuple[To, ...]:
    """Returns the destinations that include the socket of `client`, whose user is a member of the event's conversation,
    in the order in which their packets are sent. `follows`: the socket follows the conversation.

    If the user caused the event, or does not want to be notified of it, the result is `To.ROOM` for a follower, and
    empty for others. It is also empty for a socket that does not follow a conversation which is not in the user's list.
    """
    room = (To.ROOM,) if follows else ()
    if not follows and event.reach.members_of(event) in client.entry.unlisted:
        return ()
    if actor_of(event) == client.actor.user_id or not _wants(client, event):
        return room
    return (*room, To.OTHERS if follows else To.NON_FOLLOWERS)


def receives_personal(packet: PersonalOutbound, client: ChatClient, conversation_id: str, *, follows: bool) -> bool:
    """Returns whether a packet for a single user reaches a socket of that user. For packets that only followers
    receive, that is `follows`, i.e. whether the socket follows the conversation; for all others, whether the user is a
    member.
    """
    return follows if packet.followers_only else conversation_id in client.entry.conversation_ids


def _wants(client: ChatClient, event: Durable) -> bool:
    """Returns whether the user wants to be notified of an event. False only for a message that the user's preferences
    or blocks exclude; always True if the client's dialect does not treat new messages as notifications.
    """
    if not client.dialect.sends_notifications or not isinstance(event, MessageSent | StreamStateChanged):
        return True
    entry, message = client.entry, event.message
    preferences = entry.member_preferences.get(message.conversation_id, USUAL)
    default = entry.notify_defaults.get(message.conversation_id)
    return member_receives(message, client.actor.user_id, entry.blocked_ids, preferences, default)


# --- live delivery: many sockets ------------------------------------------------------------------------------------


def excluded(group: DialectEncoding, to: To, event: Durable, conversation_id: str, members: Members) -> set[Socket]:
    """Returns the sockets of `group` in the room of the destination `to` that must not receive the event: those of the
    user who caused it, if the destination excludes them, of users who do not want to be notified, and of users who are
    not in `members`, the members that may see the event in this form.
    """
    room = room_of(to, conversation_id)
    follows = to is not To.NON_FOLLOWERS
    found = {s for s in _exceptions(group, room, event) if to not in destinations(event, s.data, follows=follows)}
    if members.only is not None or members.without:
        found |= {s for s in sockets_in(group, room) if not members.has(s.data.actor.user_id)}
    return found


def _exceptions(group: DialectEncoding, room: str, event: Durable) -> list[Socket]:
    """Returns the sockets in a room that may have to be excluded from an event: those of the user who caused it, and of
    users with blocks or notification preferences, their own or the conversation's.
    """
    doer = actor_of(event)
    found = [s for s in sockets_in(group, user_room(doer)) if room in s.rooms] if doer else []
    if isinstance(event, MessageSent | StreamStateChanged) and group.dialect.sends_notifications:
        conversation_id = event.message.conversation_id
        for socket in sockets_in(group, room):
            entry = socket.data.entry
            if (
                entry.blocked_ids
                or conversation_id in entry.member_preferences
                or conversation_id in entry.notify_defaults
            ):
                found.append(socket)
    return found


def room_of(to: To, conversation_id: str) -> str:
    """Returns the name of the room that has the sockets of a packet destination."""
    return non_followers_room(conversation_id) if to is To.NON_FOLLOWERS else conversation_room(conversation_id)


def sockets_in(group: DialectEncoding, room: str) -> Collection[Socket]:
    """Returns the sockets of one encoding group (sockets of one namespace that receive the same bytes) in a room."""
    return cast("Collection[Socket]", group.rooms.get(room, ()))
