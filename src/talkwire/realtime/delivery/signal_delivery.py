"""Sends chat sockets the events that are not in the log: typing, presence, calls, custom events and custom
signals.

A user's presence goes to their contacts and to sockets that subscribed to it; a call's events go to its participants.
The rooms of the recipients' sockets do not matter for either.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Coroutine, Iterable, Sequence
from functools import partial
from typing import Any

import structlog

from talkwire.core.connected.directory import Directory
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.events import (
    CallEnded,
    CallEvent,
    CallInvited,
    CallNews,
    CardUpdated,
    CustomEvent,
    DurableEvent,
    News,
    PresenceChanged,
    RoomEntered,
    RoomLeft,
    RoomNews,
    SignalSent,
    StreamAdvanced,
    StreamStopped,
    TurnWorking,
    TypingChanged,
)
from talkwire.realtime.clients.chat_client import (
    NOWHERE,
    ChatClient,
    clients_in,
    conversation_room,
    encode_custom,
    encode_for,
    encode_json,
    presence_room,
    user_room,
)
from talkwire.realtime.delivery.delta_delivery import DeltaDelivery, WholeParts
from talkwire.realtime.engine.hub import Hub
from talkwire.realtime.socketio.socketio_socket import Socket

_logger = structlog.get_logger(__name__)


class SignalDelivery:
    """Sends events that are not in the log, such as typing, presence and calls, to the chat sockets of this node, in
    all namespaces. `cursor` returns the newest log position that this node has delivered, as an opaque text; `whole`
    what gives a reader everything of a message that is being written.
    """

    def __init__(self, hub: Hub, directory: Directory, cursor: Callable[[], str], whole: WholeParts) -> None:
        self._hub = hub
        self._directory = directory
        self._cursor = cursor
        self._deltas = DeltaDelivery(hub, whole)
        self._tasks: set[asyncio.Task[None]] = set()

    def deliver(self, events: Sequence[News]) -> None:
        """Sends the ephemeral events among these to this node's sockets: typing, presence, calls, opened conversations
        and custom events. Ignores all others. An error in one event is logged and does not affect the others.
        """
        for event in events:
            if isinstance(event, DurableEvent):
                self._deltas.follow(event)
                continue
            try:
                self._deliver(event)
            except Exception:
                _logger.exception("event_not_delivered", kind=type(event).__name__)

    def is_watched(self, user_id: str) -> bool:
        """Returns whether any socket of this node has subscribed to a user's presence."""
        return self._hub.count_in(presence_room(user_id)) > 0

    def is_followed(self, conversation_id: str) -> bool:
        """Returns whether any socket of this node follows a conversation."""
        return self._hub.count_in(conversation_room(conversation_id)) > 0

    def _deliver(self, event: News) -> None:
        match event:
            case TypingChanged() | TurnWorking() | RoomEntered() | RoomLeft():
                self._send_to_others(event)
            case SignalSent():
                self._deliver_signal(event)
            case StreamAdvanced() | CardUpdated():
                self._deliver_about_message(event)
            case StreamStopped():
                self._hub.multicast(self._sockets((event.author_id,)), lambda group: encode_for(group, event))
            case PresenceChanged():
                self._deliver_presence(event)
            case CallEnded():
                self._deliver_call(event, event.to, None)
            case CustomEvent():
                self._deliver_custom(event)
            case CallInvited(only=str(socket_id)):
                sockets = [socket for socket in self._sockets(event.to) if socket.id == socket_id]
                self._hub.multicast(sockets, lambda group: encode_for(group, event))
            case CallEvent():
                self._deliver_call(event, event.to, event.source)

    def _send_to_others(self, event: TypingChanged | TurnWorking | RoomNews) -> None:
        skip = self._not_joined(event.conversation_id).union(self._sockets((event.user_id,)))
        room = conversation_room(event.conversation_id)
        self._hub.broadcast_ephemeral(room, lambda group: encode_for(group, event), skip)

    def _deliver_signal(self, event: SignalSent) -> None:
        """Sends a custom signal to the sockets that follow its conversation, except the one that sent it."""
        skip = self._not_joined(event.conversation_id)
        skip.update(socket for socket in self._sockets((event.user_id,)) if socket.id == event.source)
        room = conversation_room(event.conversation_id)
        self._hub.broadcast_ephemeral(room, lambda group: encode_for(group, event), skip)

    def _not_joined(self, conversation_id: str) -> set[Socket]:
        """Returns the sockets of members who do not have the conversation in their list, without those sockets that
        have joined it: they receive its messages, but no signals."""
        sockets = self._sockets(self._directory.unlisted_ids_in(conversation_id))
        return {socket for socket in sockets if conversation_id not in socket.data.opened}

    def _deliver_about_message(self, event: StreamAdvanced | CardUpdated) -> None:
        """Sends a signal about a message to the sockets that follow its conversation, if their users may see it."""
        skip = self._not_joined(event.conversation_id).union(self._not_seeing(event))
        if isinstance(event, StreamAdvanced):
            self._deltas.deliver(event, skip)
        else:
            room = conversation_room(event.conversation_id)
            self._hub.broadcast_ephemeral(room, lambda group: encode_for(group, event), skip)

    def _not_seeing(self, event: StreamAdvanced | CardUpdated) -> Iterable[Socket]:
        """Returns the sockets of members who do not see the message, because they joined after it was sent."""
        histories = self._directory.limited_histories.of(event.conversation_id)
        return self._sockets([user_id for user_id, history in histories.items() if event.seq <= history.seq])

    def _deliver_presence(self, event: PresenceChanged) -> None:
        """Sends a user's new presence to contacts and subscribed sockets: one update per socket, however many
        conversations the two users share.
        """
        user_id = event.presence.user_id
        if event.own:
            self._send_presence([socket for socket in self._sockets((user_id,)) if socket.id != event.source], event)
            return
        contacts = self._contacts(event)
        watching = [s for s in clients_in(self._hub, presence_room(user_id)) if s.data.actor.user_id not in contacts]
        if watching and self._directory.peek(user_id) is None:
            self._send_presence(self._sockets(contacts), event)
            self._start(self._send_to_watching(watching, event))
        else:
            self._send_presence([*self._sockets(contacts), *self._may_watch(watching, user_id)], event)

    def _contacts(self, event: PresenceChanged) -> Collection[str]:
        user_id = event.presence.user_id
        if event.circle_ids is None:
            return self._directory.contacts(user_id)
        return self._directory.contacts_in(event.circle_ids, user_id, event.blocked_ids)

    def _send_presence(self, sockets: Iterable[Socket], event: PresenceChanged) -> None:
        self._hub.multicast_ephemeral(sockets, lambda group: encode_for(group, event))

    async def _send_to_watching(self, watching: Sequence[Socket], event: PresenceChanged) -> None:
        """Sends a user's new presence to those subscribed sockets that may see it. First loads the user, who is
        connected to another node and not cached here. Sends nothing if the database does not respond.
        """
        user_id = event.presence.user_id
        try:
            await self._directory.find(user_id)
        except ChatError:
            return  # the database does not respond; a client that queries presence gets an error
        self._send_presence(self._may_watch([socket for socket in watching if socket.connected], user_id), event)

    def _deliver_call(self, event: CallNews, to: Iterable[str], source: str | None) -> None:
        sockets = [socket for socket in self._sockets(to) if socket.id != source]
        self._hub.multicast(sockets, lambda group: encode_for(group, event))

    def _deliver_custom(self, event: CustomEvent) -> None:
        """Sends a custom event to the sockets of its user, or to the followers of its conversation. Slow clients
        receive it too, unlike other ephemeral events, since the application's request has been acknowledged.
        """
        if event.user_id is not None:
            room = user_room(event.user_id)
        else:
            assert event.conversation_id is not None, "one of both is given"
            room = conversation_room(event.conversation_id)
        payload = encode_json(event.payload)
        sockets = clients_in(self._hub, room)
        for catching_up, offset in ((False, self._cursor()), (True, NOWHERE)):
            recipients = [socket for socket in sockets if socket.data.catching_up is catching_up]
            self._hub.multicast(recipients, partial(encode_custom, event=event, payload_json=payload, offset=offset))

    def _may_watch(self, watching: Iterable[Socket], user_id: str) -> Sequence[Socket]:
        """Returns those of the subscribed sockets whose users may see the user's presence, because they share a
        conversation or have more than the role `user`.
        """
        return [socket for socket in watching if self._may_see_presence(socket.data, user_id)]

    def _may_see_presence(self, client: ChatClient, user_id: str) -> bool:
        return client.actor.role != "user" or self._directory.are_acquainted(client.actor.user_id, user_id)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        # The event loop holds only weak references to tasks.
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _sockets(self, user_ids: Iterable[str]) -> Iterable[Socket]:
        for user_id in user_ids:
            yield from clients_in(self._hub, user_room(user_id))
