"""Catching up."""

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
    """Without `after`, the answer is the state to start from."""

    after: str | None = None
    limit: int = 100


class SyncReply(Reply, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Without `after`: `conversations`, `presence` and the `cursor` to continue from. With `after`: `events`, the next
    `cursor`, and `more` when there may be further events."""

    success: bool
    cursor: str
    conversations: tuple[ConversationPayload, ...] | None = None
    presence: tuple[PresencePayload, ...] | None = None
    next: str | None = None
    events: tuple[EventPayload, ...] | None = None
    more: bool | None = None


def _command(asked: AskSyncPayload) -> GetSyncState | ListEvents:
    return GetSyncState(asked.limit) if asked.after is None else ListEvents(asked.after, asked.limit)


def in_our_words(found: SyncState | SyncPage) -> SyncPayload:
    """The answer that REST gives too."""
    return sync_payload(found, OUTBOUND)


def _reply(found: SyncState | SyncPage) -> SyncReply:
    said = in_our_words(found)
    return SyncReply(
        success=True,
        cursor=said.cursor,
        conversations=said.conversations,
        presence=said.presence,
        next=said.next,
        events=said.events,
        more=said.more,
    )


INBOUND = {
    "sync": Inbound(
        AskSyncPayload,
        _command,
        _reply,
        summary="Get what happened after a cursor; without one, the state to start from.",
    ),
}
