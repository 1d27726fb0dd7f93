"""Sends chat sockets what is new in messages that are being written.

A socket is in step with a message if it has received all earlier deltas of it. It is not if it has joined since, or was
left out because its client reads slowly. It then receives the whole parts, with `replace`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import partial

from talkwire.core.domain.events import DurableEvent, MessageDeleted, MessageDelta, StreamAdvanced, StreamStateChanged
from talkwire.core.domain.parts.growing_parts import PartChange
from talkwire.realtime.clients.chat_client import clients_in, conversation_room, encode_for
from talkwire.realtime.engine.hub import EncodingGroup, Hub
from talkwire.realtime.socketio.socketio_socket import Socket

WholeParts = Callable[[int], Sequence[PartChange]]
"""Function that returns, for the id of a message that is being written, the changes that give a reader everything of
it."""


class DeltaDelivery:
    """Sends each change of a message that is being written to the sockets that follow its conversation."""

    def __init__(self, hub: Hub, whole: WholeParts) -> None:
        self._hub = hub
        self._whole = whole
        self._in_step: dict[int, set[Socket]] = {}
        """The sockets that have everything until the last delta, by message id."""

    def deliver(self, event: StreamAdvanced, skip: Collection[Socket]) -> None:
        """Sends the changes to all sockets that follow the conversation, except those in `skip`, the author's, and
        those of clients that read slowly. Without changes, nothing."""
        if not event.changes:
            return
        before = self._in_step.get(event.message_id, set())
        receiving = {
            socket
            for socket in clients_in(self._hub, conversation_room(event.conversation_id))
            if socket not in skip and socket.id != event.source and not socket.connection.is_slow()
        }
        self._in_step[event.message_id] = receiving
        self._send(event, receiving & before, event.changes)
        late = receiving - before
        if late:  # else the whole text would be read for each delta
            self._send(event, late, self._whole(event.message_id))

    def follow(self, event: DurableEvent) -> None:
        """Forgets who has received what of a message that has ended or was deleted."""
        if self._in_step and isinstance(event, StreamStateChanged | MessageDeleted):
            self._in_step.pop(event.message.id, None)

    def _send(self, event: StreamAdvanced, sockets: Collection[Socket], changes: Sequence[PartChange]) -> None:
        if not sockets:
            return
        deltas = [MessageDelta(event.conversation_id, event.message_id, change) for change in changes]
        self._hub.multicast(sockets, partial(_encoded, deltas=deltas))


def _encoded(group: EncodingGroup, deltas: Sequence[MessageDelta]) -> bytes:
    return b"".join(encode_for(group, delta) for delta in deltas)
