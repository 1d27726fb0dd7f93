"""Brings what goes on and is not stored to sockets: who types, who is there, who calls whom.

Presence and calls go to users, whatever rooms their sockets are in: the first to contacts and to who has asked, the
second to those whom the call concerns.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from functools import partial

import structlog

from talkwire.core.directory import Directory
from talkwire.core.events import (
    CallEnded,
    CallEvent,
    CallNews,
    CustomEvent,
    DurableEvent,
    News,
    PresenceChanged,
    RoomEntered,
    RoomLeft,
    RoomNews,
    TypingChanged,
)
from talkwire.realtime.client import (
    NOWHERE,
    Client,
    clients_in,
    conversation_room,
    encode_custom,
    encode_for,
    encode_json,
    presence_room,
    user_room,
)
from talkwire.realtime.hub import Hub
from talkwire.realtime.socket import Socket

_logger = structlog.get_logger(__name__)


class SignalDelivery:
    """For the sockets of this node, of all namespaces. `cursor` says up to where events have been handed out."""

    def __init__(self, hub: Hub, directory: Directory, cursor: Callable[[], str]) -> None:
        self._hub = hub
        self._directory = directory
        self._cursor = cursor

    def deliver(self, events: Sequence[News]) -> None:
        """A batch from the bus; what the log has is for others. One that fails does not take the others along."""
        for event in events:
            if isinstance(event, DurableEvent):
                continue
            try:
                self._deliver(event)
            except Exception:
                _logger.exception("an event could not be delivered", kind=type(event).__name__)

    def _deliver(self, event: News) -> None:
        match event:
            case TypingChanged() | RoomEntered() | RoomLeft():
                self._tell_others(event)
            case PresenceChanged():
                self._deliver_presence(event)
            case CallEnded():
                self._deliver_call(event, event.to, None)
            case CustomEvent():
                self._deliver_custom(event)
            case CallEvent():
                self._deliver_call(event, event.to, event.source)

    def _tell_others(self, event: TypingChanged | RoomNews) -> None:
        own = set(self._sockets((event.user_id,)))
        room = conversation_room(event.conversation_id)
        self._hub.broadcast_ephemeral(room, lambda channel: encode_for(channel, event), own)

    def _deliver_presence(self, event: PresenceChanged) -> None:
        """One update a socket, however many conversations its user shares with the other."""
        user_id = event.presence.user_id
        if event.own:
            sockets = [socket for socket in self._sockets((user_id,)) if socket.id != event.source]
        else:
            contacts = self._directory.contacts(user_id)
            sockets = [*self._sockets(contacts), *self._watchers(user_id, contacts)]
        self._hub.multicast_ephemeral(sockets, lambda channel: encode_for(channel, event))

    def _deliver_call(self, event: CallNews, to: Iterable[str], source: str | None) -> None:
        sockets = [socket for socket in self._sockets(to) if socket.id != source]
        self._hub.multicast(sockets, lambda channel: encode_for(channel, event))

    def _deliver_custom(self, event: CustomEvent) -> None:
        """Also to who is slow to read: whoever asked for it was told that it was sent."""
        if event.user_id is not None:
            room = user_room(event.user_id)
        else:
            assert event.conversation_id is not None, "one of both is given"
            room = conversation_room(event.conversation_id)
        payload = encode_json(event.payload)
        sockets = clients_in(self._hub, room)
        for behind, offset in ((False, self._cursor()), (True, NOWHERE)):
            told = [socket for socket in sockets if socket.data.behind is behind]
            self._hub.multicast(told, partial(encode_custom, event=event, payload_json=payload, offset=offset))

    def _watchers(self, user_id: str, contacts: Collection[str]) -> Iterable[Socket]:
        """Sockets that asked to be told, beside those of contacts; and only while their users share a conversation."""
        for socket in clients_in(self._hub, presence_room(user_id)):
            client: Client = socket.data
            if client.actor.user_id not in contacts and self._may_watch(client, user_id):
                yield socket

    def _may_watch(self, client: Client, user_id: str) -> bool:
        return client.actor.role != "user" or self._directory.are_acquainted(client.actor.user_id, user_id)

    def _sockets(self, user_ids: Iterable[str]) -> Iterable[Socket]:
        for user_id in user_ids:
            yield from clients_in(self._hub, user_room(user_id))
