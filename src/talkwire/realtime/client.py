"""What the chat keeps with a socket, the names of its rooms, and the bytes that a dialect makes of an event."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from talkwire.core.directory import Entry
from talkwire.core.events import Event
from talkwire.core.model import Actor
from talkwire.dialects.dialect import Dialect
from talkwire.identity.callers import Caller
from talkwire.realtime.hub import Channel, Hub
from talkwire.realtime.socket import Socket
from talkwire.wire import event_frame

encode_json = msgspec.json.Encoder().encode


def user_room(user_id: str) -> str:
    """All devices of one user."""
    return f"user:{user_id}"


def conversation_room(conversation_id: str) -> str:
    """Sockets of members who follow a conversation."""
    return f"conversation:{conversation_id}"


def presence_room(user_id: str) -> str:
    """Sockets that asked to be told of this user's presence."""
    return f"presence:{user_id}"


@dataclass(slots=True, eq=False)
class Client:
    """What is kept with a socket."""

    actor: Actor
    entry: Entry
    dialect: Dialect
    session_id: str | None
    expires_at: float | None

    @classmethod
    def of(cls, caller: Caller, dialect: Dialect) -> Client:
        """A caller who was let in."""
        expires_at = None if caller.identity is None else caller.identity.expires_at
        return cls(caller.actor, caller.entry, dialect, caller.session_id, expires_at)


def clients_in(hub: Hub, room: str) -> list[Socket]:
    """The sockets in a room of the chat's. A namespace without chat may have a room of the same name, which is its own
    affair."""
    return [s for s in hub.sockets_in(room) if isinstance(s, Socket) and isinstance(s.data, Client)]


class DialectChannel(Channel):
    """Sockets of one namespace that speak one dialect."""

    __slots__ = ("dialect",)

    def __init__(self, namespace: str, dialect: Dialect) -> None:
        super().__init__(namespace, dialect.name)
        self.dialect = dialect

    def encode(self, event: Event) -> bytes:
        """The event's frames; empty where the dialect has no word for it."""
        packets = self.dialect.outbound.get(type(event), ())
        return b"".join(
            event_frame(self.namespace, packet.name, encode_json(packet.payload(event))) for packet in packets
        )


def encode_for(channel: Channel, event: Event) -> bytes:
    """The event's frames for a channel; empty for one without chat."""
    return channel.encode(event) if isinstance(channel, DialectChannel) else b""
