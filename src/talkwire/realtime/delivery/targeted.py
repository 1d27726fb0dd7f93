"""What a dialect tells some of a conversation's members and not all: whoever did not do it, whoever does not follow the
conversation, or single users."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import cast

from talkwire.core.connected.directory import USUAL
from talkwire.core.domain.audience import doer_of
from talkwire.core.domain.events import Durable, MessageSent
from talkwire.core.domain.model import Message
from talkwire.core.features.notifying.offline_queue import calls_for_attention
from talkwire.dialects.dialect import Personal, To
from talkwire.realtime.clients.chat_client import (
    ChatClient,
    DialectEncoding,
    conversation_room,
    outside_room,
    user_room,
)
from talkwire.realtime.engine.hub import Hub
from talkwire.realtime.socketio.socketio_socket import Socket

IsFor = Callable[[str], bool]
"""By user id."""


def tell_apart(hub: Hub, channel: DialectEncoding, conversation_id: str, event: Durable, is_for: IsFor | None) -> None:
    """Sends what goes to a part of a channel's sockets, of those users whom `is_for` names; None: of all."""
    for to, room in ((To.OTHERS, conversation_room(conversation_id)), (To.OUTSIDE, outside_room(conversation_id))):
        if room in channel.rooms:
            frames = channel.encode(event, to)
            if frames:
                hub.broadcast_in(channel, room, frames, _left_out(channel, room, event, is_for))
    for packet, user_id, _, frame in channel.personal(event):
        if is_for is not None and not is_for(user_id):
            continue
        for socket in _sockets(channel, user_room(user_id)):
            if _is_for(packet, socket, conversation_id):
                hub.send(socket.connection, frame)


def _is_for(packet: Personal, socket: Socket, conversation_id: str) -> bool:
    """Whoever has left the conversation, such as an offer's author, hears of it no more."""
    if packet.followers_only:
        return conversation_room(conversation_id) in socket.rooms
    client: ChatClient = socket.data
    return conversation_id in client.entry.conversation_ids


def _left_out(channel: DialectEncoding, room: str, event: Durable, is_for: IsFor | None) -> set[Socket]:
    """Those in a room who are not told."""
    doer = doer_of(event)
    left_out = {s for s in _sockets(channel, user_room(doer)) if room in s.rooms} if doer else set()
    if isinstance(event, MessageSent) and channel.dialect.notifies:
        left_out |= _uninterested(channel, room, event.message)
    if is_for is not None:
        left_out |= {s for s in _sockets(channel, room) if not is_for(s.data.actor.user_id)}
    return left_out


def _uninterested(channel: DialectEncoding, room: str, message: Message) -> set[Socket]:
    """Those who do not want to hear of a message. Nearly nobody has said anything of that kind, and this is asked for
    every message and member."""
    conversation_id = message.conversation_id
    choosy = [
        socket
        for socket in _sockets(channel, room)
        if (entry := socket.data.entry).blocked_ids or conversation_id in entry.member_preferences
    ]
    return {socket for socket in choosy if not hears_of(socket.data, message)}


def hears_of(client: ChatClient, message: Message) -> bool:
    """Whether a member's client is notified of a message in a conversation that it does not follow."""
    entry = client.entry
    here = entry.member_preferences.get(message.conversation_id, USUAL)
    return calls_for_attention(message, client.actor.user_id, entry.blocked_ids, here)


def _sockets(channel: DialectEncoding, room: str) -> Collection[Socket]:
    """Whoever speaks a dialect is a socket."""
    return cast("Collection[Socket]", channel.rooms.get(room, ()))
