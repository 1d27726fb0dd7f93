"""The event of the messenger dialect with which a client loads its current state, or the events since its last
cursor."""

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
    """A request for the current state; with `after`, for the events after that cursor. With `after` and `presence`, the
    reply also has the current presence of the user and the user's contacts."""

    after: str | None = None
    limit: int = 100
    presence: bool = False


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


def _command(asked: AskSyncPayload) -> GetSyncState | ListEvents:
    if asked.after is None:
        return GetSyncState(asked.limit)
    return ListEvents(asked.after, asked.limit, asked.presence)


def messenger_sync_payload(found: SyncState | SyncPage) -> SyncPayload:
    """Returns a client's current state, or the events since its cursor, as the messenger dialect and `GET /api/v1/sync`
    send it."""
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
        summary="Get the user's current state or, with a cursor, the events since then.",
    ),
}
