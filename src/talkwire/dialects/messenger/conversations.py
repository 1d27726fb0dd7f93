"""Events of the messenger dialect that create, update, delete and list conversations."""

from __future__ import annotations

from talkwire.core.commands.command import Page
from talkwire.core.commands.conversations import ConversationView, ListConversations, ListOrder, ListState
from talkwire.core.commands.search import FindPublicConversations
from talkwire.core.domain.events import ConversationCreated, ConversationDeleted, ConversationUpdated, Event
from talkwire.core.domain.model import Conversation
from talkwire.core.features.conversations.lists import check_public
from talkwire.dialects.dialect import Inbound, Outbound
from talkwire.dialects.messenger.connection import ConversationIdPayload
from talkwire.dialects.operation_events import events_of
from talkwire.operations.conversations import conversations
from talkwire.payloads.conversations import (
    ConversationPayload,
    conversation_payload,
    shared_conversation_payload,
)
from talkwire.payloads.payload import Payload
from talkwire.payloads.replies import Reply


class ListConversationsPayload(Payload, frozen=True):
    """Selects a page of the user's conversations. With `query`, it selects public groups and channels whose name
    matches instead. `archived` selects only archived conversations (true) or only the others (false). The filters
    `teamId`, `handler`, `state` and `metadata` can be combined with each other, and not with `query`."""

    cursor: str | None = None
    limit: int = 50
    query: str | None = None
    archived: bool | None = None
    team_id: str | None = None
    handler: str | None = None
    state: ListState | None = None
    order: ListOrder | None = None
    metadata: dict[str, str | int | float | bool] | None = None


class ConversationsReply(Reply, frozen=True, kw_only=True, rename="camel"):
    conversations: tuple[ConversationPayload, ...]
    cursor: str | None = None


def _to_list(payload: ListConversationsPayload) -> ListConversations | FindPublicConversations:
    query = ListConversations(
        payload.cursor,
        payload.limit,
        archived=payload.archived,
        team_id=payload.team_id,
        handler=payload.handler,
        state=payload.state,
        order=payload.order,
        metadata=payload.metadata,
    )
    if payload.query is None:
        return query
    check_public(query)
    return FindPublicConversations(payload.query, payload.cursor, payload.limit)


def _conversations_reply(page: Page[ConversationView] | Page[Conversation]) -> ConversationsReply:
    return ConversationsReply(conversations=tuple(map(_listed, page.items)), cursor=page.next)


def _listed(found: ConversationView | Conversation) -> ConversationPayload:
    return shared_conversation_payload(found) if isinstance(found, Conversation) else conversation_payload(found)


def _conversation_changed(event: ConversationCreated | ConversationUpdated) -> ConversationPayload:
    return shared_conversation_payload(event.conversation)


def _conversation_deleted(event: ConversationDeleted) -> ConversationIdPayload:
    return ConversationIdPayload(event.conversation_id)


INBOUND = events_of(
    conversations.OPERATIONS,
    payloads={"conversation:delete": ConversationIdPayload},
    entries={"conversations:list": Inbound(ListConversationsPayload, _to_list, _conversations_reply)},
)

OUTBOUND: dict[type[Event], tuple[Outbound, ...]] = {
    ConversationCreated: (
        Outbound(
            "conversation:new",
            _conversation_changed,
            summary="A conversation was created, or this user was added to one.",
        ),
    ),
    ConversationUpdated: (
        Outbound(
            "conversation:updated",
            _conversation_changed,
            summary="A conversation's name, texts, picture, rules or metadata changed.",
        ),
    ),
    ConversationDeleted: (
        Outbound("conversation:deleted", _conversation_deleted, summary="A conversation was deleted."),
    ),
}
