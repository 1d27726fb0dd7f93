"""What the chat keeps with a socket, the names of its rooms, and the bytes that a dialect makes of an event."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from talkwire.core.directory import Entry
from talkwire.core.events import DurableEvent, Event
from talkwire.core.model import Actor
from talkwire.dialects.dialect import PERSONAL_MAX, Dialect, Outbound, Personal, To, Told
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


def outside_room(conversation_id: str) -> str:
    """Sockets of members who do not follow a conversation and yet are told of some of what happens there."""
    return f"outside:{conversation_id}"


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
    opened: set[str] = field(default_factory=set)
    """The conversations that the socket asked to follow."""

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
    """Sockets of one namespace that speak one dialect. Where they are `recoverable`, each durable event is followed by
    its place in the log, as of which they can go on after a disconnect; `epoch` says of which log."""

    __slots__ = ("_epoch", "_told", "dialect", "recoverable", "tells_apart")

    def __init__(
        self, namespace: str, dialect: Dialect, *, recoverable: bool = False, epoch: Callable[[], str] = str
    ) -> None:
        super().__init__(namespace, f"{dialect.name}{'+recovery' if recoverable else ''}")
        self.dialect = dialect
        self.recoverable = recoverable
        self._epoch = epoch
        self._told = told_by(dialect)
        self.tells_apart = frozenset(kind for kind, packets in dialect.outbound.items() if any(map(is_apart, packets)))
        """The events of which some of a conversation's members are told something of their own."""

    def encode(self, event: Event, to: To = To.ROOM) -> bytes:
        """The event's frames for everyone whom it goes to; empty where the dialect has no word for it."""
        packets = self._told.get((type(event), to), ())
        return b"".join(
            self.frame(packet.name, packet.payload(event), event, index)
            for index, packet in packets
            if packet.when is None or packet.when(event)
        )

    def personal(self, event: Event) -> Iterator[tuple[Personal, str, bytes]]:
        """(what it is, user id, frame), for what goes to single users."""
        for index, each in enumerate(self.dialect.outbound.get(type(event), ())):
            if isinstance(each, Personal):
                for number, (user_id, payload) in enumerate(each.payloads(event)):
                    yield each, user_id, self.frame(each.name, payload, event, index * PERSONAL_MAX + number)

    def frame(self, name: str, payload: msgspec.Struct, event: Event, counter: int) -> bytes:
        """`counter` is the packet's place among all that the dialect makes of the event."""
        offset = None
        if self.recoverable and isinstance(event, DurableEvent):
            offset = offset_text(self._epoch(), event.pos, counter)
        return event_frame(self.namespace, name, encode_json(payload), offset)


def is_apart(packet: Told) -> bool:
    """Whether a packet goes to some of those whom the event concerns, and not to all who follow it."""
    return isinstance(packet, Personal) or packet.to is not To.ROOM


def offset_text(epoch: str, pos: int, counter: int) -> str:
    """Where a socket is in the log: a cursor, and which of several packets of one event it has got."""
    return f"{epoch}-{pos}.{counter}" if counter else f"{epoch}-{pos}"


def told_by(dialect: Dialect) -> Mapping[tuple[type[Event], To], Sequence[tuple[int, Outbound]]]:
    """A dialect's packets by event and destination, each with its counter."""
    found: dict[tuple[type[Event], To], list[tuple[int, Outbound]]] = {}
    for kind, packets in dialect.outbound.items():
        for index, packet in enumerate(packets):
            if isinstance(packet, Outbound):
                found.setdefault((kind, packet.to), []).append((index * PERSONAL_MAX, packet))
    return found


def encode_for(channel: Channel, event: Event, to: To = To.ROOM) -> bytes:
    """The event's frames for a channel; empty for one without chat."""
    return channel.encode(event, to) if isinstance(channel, DialectChannel) else b""
