"""Events of the messenger dialect about who handles a conversation, and since when a customer waits in it."""

from __future__ import annotations

from talkwire.core.domain.desk.handling import state_of
from talkwire.core.domain.events import ConversationHandled, DeskConversationChanged, DeskUpdated, Event
from talkwire.core.domain.times import iso_or_none
from talkwire.dialects.dialect import Outbound
from talkwire.dialects.operation_events import events_of
from talkwire.operations.desk import claims, notes
from talkwire.payloads.desk.claims import ConversationHandlingPayload, DeskConversationPayload, DeskUpdatedPayload

INBOUND = events_of((*claims.OPERATIONS, *notes.OPERATIONS))


def _handled(event: ConversationHandled) -> ConversationHandlingPayload:
    state = state_of(closed=event.closed)
    return ConversationHandlingPayload(event.conversation_id, event.handler_id, state, event.by or None)


def _desk(event: DeskConversationChanged) -> DeskConversationPayload:
    waiting_since = iso_or_none(event.waiting_since_ms)
    return DeskConversationPayload(
        event.conversation_id, waiting_since, event.notes_id, event.team_ids, event.by or None, event.note
    )


def _numbers(event: DeskUpdated) -> DeskUpdatedPayload:
    oldest = iso_or_none(event.oldest_waiting_ms)
    return DeskUpdatedPayload(event.team_id, event.open, event.unhandled, event.waiting, oldest)


OUTBOUND: dict[type[Event], tuple[Outbound, ...]] = {
    ConversationHandled: (
        Outbound(
            "conversation:handling",
            _handled,
            summary="A conversation with teams has another handler or none, or was closed or opened.",
        ),
    ),
    DeskConversationChanged: (
        Outbound(
            "desk:conversation",
            _desk,
            summary="Since when a customer waits in a conversation, its notes or its teams have changed, or it was "
            "handed over with a note. Only members through its teams receive this event.",
        ),
    ),
    DeskUpdated: (
        Outbound(
            "desk:updated",
            _numbers,
            summary="The numbers of a team's conversations may have changed. Connected members of the team receive "
            "this event, at most once a second.",
        ),
    ),
}
