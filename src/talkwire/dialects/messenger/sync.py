"""The event of the messenger dialect with which a client loads its current state, or the events since its last
cursor."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import structlog

from talkwire.core.commands.sync import GetSyncState, ListEvents, SyncPage, SyncState
from talkwire.core.domain.events import Durable
from talkwire.dialects.dialect import Inbound
from talkwire.dialects.messenger.outbound import OUTBOUND
from talkwire.dialects.operation_events import events_of
from talkwire.operations import sync
from talkwire.operations.shapes import InputMember, Shape, given_type, parts_of
from talkwire.payloads.conversations import ConversationPayload, conversation_payload
from talkwire.payloads.payload import Payload
from talkwire.payloads.presence import PresencePayload, presence_payload
from talkwire.payloads.replies import Reply
from talkwire.payloads.sync import EventPayload, SyncPayload

_logger = structlog.get_logger(__name__)


_ASKED = given_type(
    Shape(
        "AskSyncPayload",
        "A request for the current state; with `after`, for the events after that cursor. With `after` and `presence`, "
        "the reply also has the current presence of the user and the user's contacts.",
    ),
    Payload,
    __name__,
    parts_of(ListEvents, (), {"after": InputMember(type=str | None, default=None)}),
)


class SyncReply(Reply, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """The reply to a `sync` event. Without `after`: `conversations`, `presence` and the `cursor` to continue from;
    `next` is the cursor for further conversations. With `after`: `events`, the `cursor` to continue from, `more` if
    more events may follow, and `presence` if the client requested it."""

    success: bool
    cursor: str
    conversations: tuple[ConversationPayload, ...] | None = None
    presence: tuple[PresencePayload, ...] | None = None
    next: str | None = None
    events: tuple[EventPayload, ...] | None = None
    more: bool | None = None


def _command(asked: Any) -> GetSyncState | ListEvents:  # noqa: ANN401 (of a type that is made)
    if asked.after is None:
        return GetSyncState(asked.limit)
    return ListEvents(asked.after, asked.limit, asked.presence)


def messenger_sync_payload(found: SyncState | SyncPage) -> SyncPayload:
    """Returns a client's current state, or the events since its cursor, as the messenger dialect and `GET /api/v1/sync`
    send it."""
    if isinstance(found, SyncState):
        conversations = tuple(map(conversation_payload, found.conversations))
        presence = tuple(map(presence_payload, found.presence))
        return SyncPayload(found.cursor, conversations=conversations, presence=presence, next=found.next)
    found_presence = None if found.presence is None else tuple(map(presence_payload, found.presence))
    return SyncPayload(found.cursor, presence=found_presence, events=_rendered(found.events), more=found.more)


def _rendered(events: Iterable[Durable]) -> tuple[EventPayload, ...]:
    """Returns the payloads of events. An event whose payload cannot be built is logged and left out, so that it does
    not block the client forever."""
    rendered = []
    for event in events:
        # An event with several names is sent under the first one, since all have the same payload.
        for packet in OUTBOUND.get(type(event), ())[:1]:
            try:
                rendered.append(EventPayload(event.pos, packet.name, packet.payload(event)))
            except Exception:
                _logger.exception("event_not_rendered", kind=type(event).__name__, pos=event.pos)
    return tuple(rendered)


def _reply(found: SyncState | SyncPage) -> SyncReply:
    payload = messenger_sync_payload(found)
    return SyncReply(
        success=True,
        cursor=payload.cursor,
        conversations=payload.conversations,
        presence=payload.presence,
        next=payload.next,
        events=payload.events,
        more=payload.more,
    )


INBOUND = events_of(sync.OPERATIONS, entries={"sync": Inbound(_ASKED.type, _command, _reply)})
