"""Catching up: the state to begin with, and what happened since."""

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
    """An event as sockets received it: its position in the log, its name and its payload."""

    pos: int
    event: str
    data: Any


class SyncPayload(Payload, frozen=True):
    """Without `after`: `conversations`, `presence` and the `cursor` to continue from; `next` is the cursor of
    `listConversations` for further conversations. With `after`: `events`, and `more` when there may be further
    events."""

    cursor: str
    conversations: tuple[ConversationPayload, ...] | None = None
    presence: tuple[PresencePayload, ...] | None = None
    next: str | None = None
    events: tuple[EventPayload, ...] | None = None
    more: bool | None = None


def sync_payload(found: SyncState | SyncPage, outbound: Mapping[type[Event], tuple[Outbound, ...]]) -> SyncPayload:
    """The answer, in the words of a vocabulary."""
    if isinstance(found, SyncState):
        conversations = tuple(map(conversation_payload, found.conversations))
        presence = tuple(map(presence_payload, found.presence))
        return SyncPayload(found.cursor, conversations=conversations, presence=presence, next=found.next)
    return SyncPayload(found.cursor, events=_rendered(found.events, outbound), more=found.more)


def _rendered(
    events: Iterable[Durable], outbound: Mapping[type[Event], tuple[Outbound, ...]]
) -> tuple[EventPayload, ...]:
    """Returns the events as sockets receive them, without those that cannot be rendered: they must not hold up the
    others for ever."""
    rendered = []
    for event in events:
        # An event with several names is sent under the first: the others repeat it.
        for packet in outbound.get(type(event), ())[:1]:
            try:
                rendered.append(EventPayload(event.pos, packet.name, packet.payload(event)))
            except Exception:
                _logger.exception("an event could not be rendered", kind=type(event).__name__, pos=event.pos)
    return tuple(rendered)
