"""The chat's data of a socket, the names of the rooms that it can be in, and the encoding of events for sockets of one
dialect (event vocabulary).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import msgspec
import structlog

from talkwire.core.connected.directory import DirectoryEntry
from talkwire.core.domain.events import CustomEvent, DurableEvent, Event
from talkwire.core.domain.model import Actor
from talkwire.dialects.dialect import PERSONAL_MAX, Dialect, Outbound, OutboundEntry, PersonalOutbound, To
from talkwire.identity.callers import Caller
from talkwire.realtime.clients.log_offset import offset_text
from talkwire.realtime.clients.recoverable import RecoverableSocket, ResumePlan
from talkwire.realtime.engine.hub import EncodingGroup, Hub
from talkwire.realtime.socketio.socketio_socket import Socket
from talkwire.wire import event_frame

encode_json = msgspec.json.Encoder().encode

_NONE: frozenset[str] = frozenset()

_logger = structlog.get_logger(__name__)


def user_room(user_id: str) -> str:
    """Returns the name of the room that has all sockets of one user."""
    return f"user:{user_id}"


def conversation_room(conversation_id: str) -> str:
    """Returns the name of the room that has the sockets that follow a conversation, i.e. receive all its events."""
    return f"conversation:{conversation_id}"


def non_followers_room(conversation_id: str) -> str:
    """Returns the name of the room that has the sockets of members that do not follow a conversation but receive some
    of its events, such as notifications.
    """
    return f"outside:{conversation_id}"


def presence_room(user_id: str) -> str:
    """Returns the name of the room that has the sockets that subscribed to a user's presence."""
    return f"presence:{user_id}"


@dataclass(slots=True, eq=False)
class ChatClient:
    """The chat's data of one signed-in socket, stored as `socket.data`: its user (`actor`, and `entry` in the
    directory), dialect (event vocabulary), sign-in and token expiry, and the state that it needs to resume.
    `expires_at` is in seconds since 1970, None for a token that does not expire.
    """

    actor: Actor
    entry: DirectoryEntry
    dialect: Dialect
    session_id: str | None
    expires_at: float | None
    recoverable: RecoverableSocket | None = None
    """The socket's state over all its connections, if it can resume after a disconnect; else None."""
    resume_plan: ResumePlan | None = None
    """Where the socket resumes. Set only from its admission until it has entered the namespace."""
    device_id: str | None = None
    """The application's id of the device, from `auth.deviceId`; None without one."""
    device_keys: Sequence[tuple[str, str, str]] = ()
    """The keys by which `ConnectedDevices` finds the device while the socket is connected."""
    catching_up: bool = False
    """Whether the socket is receiving what its user missed. Otherwise it is live: it receives events as they happen."""
    connected_at: float = 0.0
    """The time at which the socket connected, in seconds of a monotonic clock."""
    _opened: set[str] | None = None

    @property
    def opened(self) -> AbstractSet[str]:
        """The ids of the conversations that the client opened on this socket. For a client whose sockets follow all
        conversations of their user anyway, only those of which the user is a member through a team.
        """
        return _NONE if self._opened is None else self._opened

    def add_opened(self, conversation_id: str) -> None:
        if self._opened is None:
            self._opened = set()
        self._opened.add(conversation_id)

    def remove_opened(self, conversation_id: str) -> None:
        if self._opened is not None:
            self._opened.discard(conversation_id)

    def take_opened(self) -> AbstractSet[str]:
        """Returns the ids of the conversations that the client opened on this socket, and clears the set."""
        opened, self._opened = self.opened, None
        return opened

    def adopt_opened(self, former: ChatClient) -> None:
        """Takes over the set of opened conversations from an earlier socket of the same client; clears the earlier
        socket's set.
        """
        self._opened, former._opened = former._opened, None

    @classmethod
    def of(cls, caller: Caller, dialect: Dialect) -> ChatClient:
        """Returns the chat's data for the new socket of a caller whose credentials were accepted."""
        expires_at = None if caller.identity is None else caller.identity.expires_at
        return cls(caller.actor, caller.entry, dialect, caller.session_id, expires_at)


def clients_in(hub: Hub, room: str) -> list[Socket]:
    """Returns the chat's sockets in a room. Leaves out sockets of namespaces without chat, which may have a room of the
    same name.
    """
    return [s for s in hub.sockets_in(room) if isinstance(s, Socket) and isinstance(s.data, ChatClient)]


class DialectEncoding(EncodingGroup):
    """The sockets of one namespace that speak one dialect (event vocabulary), and the encoding of events for them.

    If they are `recoverable`, each durable event (an event in the log) ends with its offset, from which a socket can
    resume after a disconnect.
    """

    __slots__ = ("_epoch", "_outbound", "_single", "dialect", "recoverable", "selective_events")

    def __init__(
        self, namespace: str, dialect: Dialect, *, recoverable: bool = False, epoch: Callable[[], str] = str
    ) -> None:
        super().__init__(namespace, f"{dialect.name}{'+recovery' if recoverable else ''}")
        self.dialect = dialect
        self.recoverable = recoverable
        self._epoch = epoch
        self._outbound = _outbound_by_destination(dialect)
        self._single = frozenset(kind for kind, packets in dialect.outbound.items() if not _may_be_several(packets))
        self.selective_events = frozenset(
            kind for kind, packets in dialect.outbound.items() if any(map(_is_selective, packets))
        )
        """The events with packets for only some of the conversation's followers, or for sockets outside of it."""

    def encode(self, event: Event, to: To = To.ROOM) -> bytes:
        """Returns the concatenated frames of an event for one destination, such as a conversation's followers; empty if
        the dialect (event vocabulary) does not send the event to that destination.

        Also returns nothing if the dialect's code fails, after logging the error: sockets of other dialects must
        receive the event all the same.
        """
        try:
            frames = self.frames(event, to)
            return frames[0][1] if len(frames) == 1 else b"".join(frame for _, frame in frames)
        except Exception as error:  # noqa: BLE001 (whatever the dialect's functions raise)
            self._note_failure(event, error)
            return b""

    def frames(self, event: Event, to: To) -> list[tuple[int, bytes]]:
        """Returns (counter, frame) for each packet that the dialect (event vocabulary) makes of an event for one
        destination, such as a conversation's followers.

        The counter is the packet's number among all packets of the event, which a recovery offset contains. Raises
        whatever the dialect's code raises.
        """
        return [
            (counter, self.frame(packet.name, packet.payload(event), event, counter))
            for counter, packet in self._outbound.get((type(event), to), ())
            if packet.when is None or packet.when(event)
        ]

    def personal(self, event: Event) -> Sequence[tuple[PersonalOutbound, str, int, bytes]]:
        """Returns (packet definition, user id, counter, frame) for each packet of an event that is for a single user.
        The counter is the packet's number among all packets of the event. Returns an empty tuple if making the packets
        fails, after logging the error.
        """
        try:
            return list(self._personal(event))
        except Exception as error:  # noqa: BLE001 (whatever the dialect's functions raise)
            self._note_failure(event, error)
            return ()

    def _note_failure(self, event: Event, error: Exception) -> None:
        kind = type(event).__name__
        _logger.error("event_not_rendered", exc_info=error, dialect=self.dialect.name, kind=kind)

    def _personal(self, event: Event) -> Iterator[tuple[PersonalOutbound, str, int, bytes]]:
        for index, each in enumerate(self.dialect.outbound.get(type(event), ())):
            if isinstance(each, PersonalOutbound):
                for number, (user_id, payload) in enumerate(each.payloads(event)):
                    counter = index * PERSONAL_MAX + number
                    yield each, user_id, counter, self.frame(each.name, payload, event, counter)

    def frame(self, name: str, payload: msgspec.Struct, event: Event, counter: int) -> bytes:
        """Encodes one packet of an event as a WebSocket frame. `counter` is the packet's number among all packets of
        the event; a recoverable socket's offset contains it.
        """
        offset = None
        if self.recoverable and isinstance(event, DurableEvent):
            offset = offset_text(self._epoch(), event.pos, None if type(event) in self._single else counter)
        return event_frame(self.namespace, name, encode_json(payload), offset)


def _is_selective(packet: OutboundEntry) -> bool:
    """Returns whether a packet definition is for other sockets than exactly the followers of the conversation, for
    instance for single users.
    """
    return isinstance(packet, PersonalOutbound) or packet.to is not To.ROOM


def _may_be_several(packets: Sequence[OutboundEntry]) -> bool:
    """Returns whether an event with these packet definitions may result in more than one packet for the same socket."""
    return len(packets) > 1 or any(isinstance(packet, PersonalOutbound) for packet in packets)


def _outbound_by_destination(dialect: Dialect) -> Mapping[tuple[type[Event], To], Sequence[tuple[int, Outbound]]]:
    """Returns the packet definitions of a dialect (event vocabulary) by event type and destination, each with its
    counter: its number among the event's packets.
    """
    found: dict[tuple[type[Event], To], list[tuple[int, Outbound]]] = {}
    for kind, packets in dialect.outbound.items():
        for index, packet in enumerate(packets):
            if isinstance(packet, Outbound):
                found.setdefault((kind, packet.to), []).append((index * PERSONAL_MAX, packet))
    return found


NOWHERE = ""
"""Offset from which no socket can resume."""


def encode_custom(group: EncodingGroup, event: CustomEvent, payload_json: bytes, offset: str) -> bytes:
    """Returns the WebSocket frame of a custom event for an encoding group (sockets that receive the same bytes), empty
    for a group without chat. `payload_json` is the encoded payload.

    Appends `offset` if the group's clients can resume and the payload is a text: they take a text as the last argument
    for their recovery offset.
    """
    if not isinstance(group, DialectEncoding):
        return b""
    follows = group.recoverable and isinstance(event.payload, str)
    return event_frame(group.namespace, event.name, payload_json, offset if follows else None)


def encode_for(group: EncodingGroup, event: Event, to: To = To.ROOM) -> bytes:
    """Returns the frames of an event for those sockets of an encoding group (sockets that receive the same bytes) that
    belong to the destination `to`. Empty if the group's dialect does not send the event there, and for a group without
    chat.
    """
    return group.encode(event, to) if isinstance(group, DialectEncoding) else b""
