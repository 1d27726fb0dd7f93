"""What the chat keeps with a socket, the names of its rooms, and the bytes that a dialect makes of an event."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec
import structlog

from talkwire.core.connected.directory import DirectoryEntry
from talkwire.core.domain.events import CustomEvent, DurableEvent, Event
from talkwire.core.domain.model import Actor
from talkwire.dialects.dialect import PERSONAL_MAX, Dialect, Outbound, Personal, To, Told
from talkwire.identity.callers import Caller
from talkwire.realtime.clients.recoverable import RecoverableSocket, ResumePlan
from talkwire.realtime.engine.hub import EncodingGroup, Hub
from talkwire.realtime.socketio.socketio_socket import Socket
from talkwire.wire import event_frame

encode_json = msgspec.json.Encoder().encode

_logger = structlog.get_logger(__name__)


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
class ChatClient:
    """What is kept with a socket."""

    actor: Actor
    entry: DirectoryEntry
    dialect: Dialect
    session_id: str | None
    expires_at: float | None
    opened: set[str] = field(default_factory=set)
    """The conversations that the socket asked to follow."""
    recoverable: RecoverableSocket | None = None
    """What is known of it over all its connections, where it can go on after a disconnect."""
    behind: bool = False
    """It is still being told of what its user missed, so the log's end is not where it is."""
    going_on: ResumePlan | None = None
    """Where it goes on, until it does."""

    @classmethod
    def of(cls, caller: Caller, dialect: Dialect) -> ChatClient:
        """A caller who was let in."""
        expires_at = None if caller.identity is None else caller.identity.expires_at
        return cls(caller.actor, caller.entry, dialect, caller.session_id, expires_at)


def clients_in(hub: Hub, room: str) -> list[Socket]:
    """The sockets in a room of the chat's. A namespace without chat may have a room of the same name, which is its own
    affair."""
    return [s for s in hub.sockets_in(room) if isinstance(s, Socket) and isinstance(s.data, ChatClient)]


class DialectEncoding(EncodingGroup):
    """Sockets of one namespace that speak one dialect. Where they are `recoverable`, each durable event is followed by
    its place in the log, as of which they can go on after a disconnect; `epoch` says of which log."""

    __slots__ = ("_epoch", "_single", "_told", "dialect", "recoverable", "tells_apart")

    def __init__(
        self, namespace: str, dialect: Dialect, *, recoverable: bool = False, epoch: Callable[[], str] = str
    ) -> None:
        super().__init__(namespace, f"{dialect.name}{'+recovery' if recoverable else ''}")
        self.dialect = dialect
        self.recoverable = recoverable
        self._epoch = epoch
        self._told = told_by(dialect)
        self._single = frozenset(kind for kind, packets in dialect.outbound.items() if not are_many(packets))
        self.tells_apart = frozenset(kind for kind, packets in dialect.outbound.items() if any(map(is_apart, packets)))
        """The events of which some of a conversation's members are told something of their own."""

    def encode(self, event: Event, to: To = To.ROOM) -> bytes:
        """The event's frames for everyone whom it goes to; empty where the dialect has no word for it, or fails to make
        it: that must not keep the event from those who speak another."""
        try:
            return b"".join(frame for _, frame in self.frames(event, to))
        except Exception as error:  # noqa: BLE001 (whatever the dialect's functions raise)
            self._note_failure(event, error)
            return b""

    def frames(self, event: Event, to: To) -> Iterator[tuple[int, bytes]]:
        """The same one by one, each with its counter."""
        for counter, packet in self._told.get((type(event), to), ()):
            if packet.when is None or packet.when(event):
                yield counter, self.frame(packet.name, packet.payload(event), event, counter)

    def personal(self, event: Event) -> Sequence[tuple[Personal, str, int, bytes]]:
        """(what it is, user id, counter, frame), for what goes to single users; nothing where the dialect fails."""
        try:
            return list(self._personal(event))
        except Exception as error:  # noqa: BLE001 (whatever the dialect's functions raise)
            self._note_failure(event, error)
            return ()

    def _note_failure(self, event: Event, error: Exception) -> None:
        kind = type(event).__name__
        _logger.error("a dialect could not tell of an event", exc_info=error, dialect=self.dialect.name, kind=kind)

    def _personal(self, event: Event) -> Iterator[tuple[Personal, str, int, bytes]]:
        for index, each in enumerate(self.dialect.outbound.get(type(event), ())):
            if isinstance(each, Personal):
                for number, (user_id, payload) in enumerate(each.payloads(event)):
                    counter = index * PERSONAL_MAX + number
                    yield each, user_id, counter, self.frame(each.name, payload, event, counter)

    def frame(self, name: str, payload: msgspec.Struct, event: Event, counter: int) -> bytes:
        """`counter` is the packet's place among all that the dialect makes of the event."""
        offset = None
        if self.recoverable and isinstance(event, DurableEvent):
            offset = offset_text(self._epoch(), event.pos, None if type(event) in self._single else counter)
        return event_frame(self.namespace, name, encode_json(payload), offset)


def is_apart(packet: Told) -> bool:
    """Whether a packet goes to some of those whom the event concerns, and not to all who follow it."""
    return isinstance(packet, Personal) or packet.to is not To.ROOM


def are_many(packets: Sequence[Told]) -> bool:
    """Whether a socket may be told more than one thing of an event that has these."""
    return len(packets) > 1 or any(isinstance(packet, Personal) for packet in packets)


def offset_text(epoch: str, pos: int, counter: int | None = None) -> str:
    """Where a socket is in the log: a cursor, and which of several packets of the event there it has got."""
    return f"{epoch}-{pos}" if counter is None else f"{epoch}-{pos}.{counter}"


def told_by(dialect: Dialect) -> Mapping[tuple[type[Event], To], Sequence[tuple[int, Outbound]]]:
    """A dialect's packets by event and destination, each with its counter."""
    found: dict[tuple[type[Event], To], list[tuple[int, Outbound]]] = {}
    for kind, packets in dialect.outbound.items():
        for index, packet in enumerate(packets):
            if isinstance(packet, Outbound):
                found.setdefault((kind, packet.to), []).append((index * PERSONAL_MAX, packet))
    return found


NOWHERE = ""
"""An offset from which nobody can go on."""


def encode_custom(channel: EncodingGroup, event: CustomEvent, payload_json: bytes, offset: str) -> bytes:
    """The frame of an application's own event, empty for a channel without chat. Clients that can go on after a
    disconnect take a text at the end for their place in the log, so that follows it then: `offset`."""
    if not isinstance(channel, DialectEncoding):
        return b""
    follows = channel.recoverable and isinstance(event.payload, str)
    return event_frame(channel.namespace, event.name, payload_json, offset if follows else None)


def encode_for(channel: EncodingGroup, event: Event, to: To = To.ROOM) -> bytes:
    """The event's frames for a channel; empty for one without chat."""
    return channel.encode(event, to) if isinstance(channel, DialectEncoding) else b""
