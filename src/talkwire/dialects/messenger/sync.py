"""The event with which a client loads its state, and the events since."""

from __future__ import annotations

from talkwire.core.commands.sync import GetSyncState, ListEvents, SyncPage, SyncState
from talkwire.dialects.dialect import Inbound
from talkwire.dialects.messenger.outbound import OUTBOUND
from talkwire.dialects.payload import Payload
from talkwire.dialects.payloads.conversations import ConversationPayload
from talkwire.dialects.payloads.presence import PresencePayload
from talkwire.dialects.payloads.sync import EventPayload, SyncPayload, sync_payload
from talkwire.dialects.replies import Reply


class AskSyncPayload(Payload, frozen=True):
    """Without `after`, requests the current state; with it, the events after that cursor."""

    after: str | None = None
    limit: int = 100


class SyncReply(Reply, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Without `after`: `conversations`, `presence` and the `cursor` to continue from; `next` is the cursor of further
    conversations. With `after`: `events`, the `cursor` to continue from, and `more` if more events may follow."""

    success: bool
    cursor: str
    conversations: tuple[ConversationPayload, ...] | None = None
    presence: tuple[PresencePayload, ...] | None = None
    next: str | None = None
    events: tuple[EventPayload, ...] | None = None
    more: bool | None = None


def _command(asked: AskSyncPayload) -> GetSyncState | ListEvents:
    return GetSyncState(asked.limit) if asked.after is None else ListEvents(asked.after, asked.limit)


def messenger_sync_payload(found: SyncState | SyncPage) -> SyncPayload:
    """Returns the current state or the events since a cursor, as messenger clients and REST receive it."""
    return sync_payload(found, OUTBOUND)


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


INBOUND = {
    "sync": Inbound(
        AskSyncPayload,
        _command,
        _reply,
        summary="Get the events after a cursor or, without one, the current state.",
    ),
}
