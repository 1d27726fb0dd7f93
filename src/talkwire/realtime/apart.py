"""What a dialect tells some of a conversation's members and not all: whoever did not do it, whoever does not follow the
conversation, or single users."""

from __future__ import annotations

from collections.abc import Callable

from talkwire.core.audience import doer_of
from talkwire.core.events import Durable, MessageSent
from talkwire.dialects.dialect import To
from talkwire.realtime.client import Client, DialectChannel, conversation_room, outside_room, user_room
from talkwire.realtime.hub import Hub
from talkwire.realtime.socket import Socket

MaySee = Callable[[Client, str, Durable], bool]


def tell_apart(hub: Hub, channel: DialectChannel, conversation_id: str, event: Durable, may_see: MaySee) -> None:
    """Sends what goes to a part of a channel's sockets."""
    for to, room in ((To.OTHERS, conversation_room(conversation_id)), (To.OUTSIDE, outside_room(conversation_id))):
        if room in channel.rooms:
            frames = channel.encode(event, to)
            if frames:
                hub.broadcast_in(channel, room, frames, _left_out(channel, room, event, may_see))
    for packet, user_id, frame in channel.personal(event):
        for socket in channel.rooms.get(user_room(user_id), ()):
            if not packet.followers_only or conversation_room(conversation_id) in socket.rooms:
                hub.send(socket.connection, frame)


def _left_out(channel: DialectChannel, room: str, event: Durable, may_see: MaySee) -> set[Socket]:
    """Those in a room who are not told."""
    doer = doer_of(event)
    left_out = {s for s in _sockets(channel, user_room(doer)) if room in s.rooms} if doer else set()
    if not isinstance(event, MessageSent):
        conversation_id = room.partition(":")[2]
        left_out |= {s for s in _sockets(channel, room) if not may_see(s.data, conversation_id, event)}
    return left_out


def _sockets(channel: DialectChannel, room: str) -> list[Socket]:
    return [socket for socket in channel.rooms.get(room, ()) if isinstance(socket, Socket)]
