"""Payloads of synchronisation, with which a client loads its current state, or the events after a cursor."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import structlog

from talkwire.core.commands.sync import SyncPage, SyncState
from talkwire.core.domain.events import Durable, Event
from talkwire.dialects.dialect import Outbound
from talkwire.dialects.payload import Payload
from talkwire.dialects.payloads.conversations import ConversationPayload, conversation_payload
from talkwire.dialects.payloads.presence import PresencePayload, presence_payload

_logger = structlog.get_logger(__name__)


class EventPayload(Payload, frozen=True):
    """An event of the log (the ordered list of committed events), as a connected socket received it: its position in
    the log, its name and its payload."""

    pos: int
    event: str
    data: Any


class SyncPayload(Payload, frozen=True):
    """The response of synchronisation. Without `after`: `conversations`, `presence` and the `cursor` to continue from;
    `next` is the cursor of `listConversations` for further conversations. With `after`: `events`, the `cursor` to
    continue from, `more` if more events may follow, and `presence` if the client requested it."""

    cursor: str
    conversations: tuple[ConversationPayload, ...] | None = None
    presence: tuple[PresencePayload, ...] | None = None
    next: str | None = None
    events: tuple[EventPayload, ...] | None = None
    more: bool | None = None


def sync_payload(found: SyncState | SyncPage, outbound: Mapping[type[Event], tuple[Outbound, ...]]) -> SyncPayload:
    """Returns the payload of a client's current state or of a page of events. `outbound` has the names and payloads of
    events in the client's dialect."""
    if isinstance(found, SyncState):
        conversations = tuple(map(conversation_payload, found.conversations))
        presence = tuple(map(presence_payload, found.presence))
        return SyncPayload(found.cursor, conversations=conversations, presence=presence, next=found.next)
    found_presence = None if found.presence is None else tuple(map(presence_payload, found.presence))
    return SyncPayload(found.cursor, presence=found_presence, events=_rendered(found.events, outbound), more=found.more)


def _rendered(
    events: Iterable[Durable], outbound: Mapping[type[Event], tuple[Outbound, ...]]
) -> tuple[EventPayload, ...]:
    """Returns the payloads of events in a client's dialect. An event whose payload cannot be built is logged and left
    out, so that it does not block the client forever."""
    rendered = []
    for event in events:
        # An event with several names is sent under the first one, since all have the same payload.
        for packet in outbound.get(type(event), ())[:1]:
            try:
                rendered.append(EventPayload(event.pos, packet.name, packet.payload(event)))
            except Exception:
                _logger.exception("event_not_rendered", kind=type(event).__name__, pos=event.pos)
    return tuple(rendered)
