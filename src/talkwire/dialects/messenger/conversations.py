"""Events of the messenger dialect that create, update, delete and list conversations."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, UnsetType

from talkwire.core.commands.command import Page
from talkwire.core.commands.conversations import (
    ConversationView,
    CreateConversation,
    DeleteConversation,
    ListConversations,
    UpdateConversation,
)
from talkwire.core.commands.search import FindPublicConversations
from talkwire.core.domain.events import ConversationCreated, ConversationDeleted, ConversationUpdated, Event
from talkwire.core.domain.model import Conversation, ConversationKind, History, MemberRole
from talkwire.dialects.dialect import Inbound, Outbound
from talkwire.dialects.messenger.connection import ConversationIdPayload
from talkwire.payloads.conversations import (
    ConversationPayload,
    conversation_payload,
    shared_conversation_payload,
)
from talkwire.payloads.payload import Payload
from talkwire.payloads.replies import Reply, done


class ListConversationsPayload(Payload, frozen=True):
    """Selects a page of the user's conversations. With `query`, it selects public groups and channels whose name
    matches instead. `archived` selects only archived conversations (true) or only the others (false)."""

    cursor: str | None = None
    limit: int = 50
    query: str | None = None
    archived: bool | None = None


class CreateConversationPayload(Payload, frozen=True):
    """A conversation to create. Only callers with the role `service` may set `id`, `ownerId` and `roles`, or name users
    that do not exist yet. A group or channel that such a caller creates without `ownerId` has no owner. `public`
    applies to groups and channels."""

    kind: ConversationKind
    member_ids: tuple[str, ...]
    name: str | None = None
    id: str | None = None
    avatar: str | None = None
    public: bool = False
    history: History = "all"
    slow_mode_s: int = 0
    metadata: dict[str, Any] | None = None
    owner_id: str | None = None
    roles: dict[str, MemberRole] | None = None
    topic: str | None = None
    description: str | None = None


class UpdateConversationPayload(Payload, frozen=True):
    """Changes to a conversation. An omitted member stays unchanged; null removes a text, a picture or metadata."""

    conversation_id: str
    name: str | UnsetType | None = UNSET
    avatar: str | UnsetType | None = UNSET
    public: bool | UnsetType = UNSET
    history: History | UnsetType = UNSET
    slow_mode_s: int | UnsetType = UNSET
    metadata: dict[str, Any] | UnsetType | None = UNSET
    topic: str | UnsetType | None = UNSET
    description: str | UnsetType | None = UNSET


class ConversationReply(Reply, frozen=True, kw_only=True, rename="camel"):
    conversation: ConversationPayload


class ConversationsReply(Reply, frozen=True, kw_only=True, rename="camel"):
    conversations: tuple[ConversationPayload, ...]
    cursor: str | None = None


def _to_create(payload: CreateConversationPayload) -> CreateConversation:
    return CreateConversation(
        kind=payload.kind,
        member_ids=payload.member_ids,
        name=payload.name,
        id=payload.id,
        avatar=payload.avatar,
        public=payload.public,
        history=payload.history,
        slow_mode_s=payload.slow_mode_s,
        metadata=payload.metadata,
        owner_id=UNSET if payload.owner_id is None else payload.owner_id,
        roles=payload.roles or UNSET,
        topic=payload.topic or UNSET,
        description=payload.description or UNSET,
    )


def _to_update(payload: UpdateConversationPayload) -> UpdateConversation:
    return UpdateConversation(
        conversation_id=payload.conversation_id,
        name=payload.name,
        avatar=payload.avatar,
        public=payload.public,
        history=payload.history,
        slow_mode_s=payload.slow_mode_s,
        metadata=payload.metadata,
        topic=payload.topic,
        description=payload.description,
    )


def _to_list(payload: ListConversationsPayload) -> ListConversations | FindPublicConversations:
    if payload.query is None:
        return ListConversations(payload.cursor, payload.limit, archived=payload.archived)
    return FindPublicConversations(payload.query, payload.cursor, payload.limit)


def _conversation_reply(view: ConversationView) -> ConversationReply:
    return ConversationReply(conversation=conversation_payload(view))


def _conversations_reply(page: Page[ConversationView] | Page[Conversation]) -> ConversationsReply:
    return ConversationsReply(conversations=tuple(map(_listed, page.items)), cursor=page.next)


def _listed(found: ConversationView | Conversation) -> ConversationPayload:
    return shared_conversation_payload(found) if isinstance(found, Conversation) else conversation_payload(found)


def _conversation_changed(event: ConversationCreated | ConversationUpdated) -> ConversationPayload:
    return shared_conversation_payload(event.conversation)


def _conversation_deleted(event: ConversationDeleted) -> ConversationIdPayload:
    return ConversationIdPayload(event.conversation_id)


INBOUND = {
    "conversation:create": Inbound(
        CreateConversationPayload,
        _to_create,
        _conversation_reply,
        summary="Create a conversation. Two users have one direct conversation, so creating it again returns it.",
    ),
    "conversation:update": Inbound(
        UpdateConversationPayload,
        _to_update,
        _conversation_reply,
        summary="Update the name, texts, picture, rules or metadata of a group or channel, as its owner or an admin.",
    ),
    "conversation:delete": Inbound(
        ConversationIdPayload,
        lambda p: DeleteConversation(p.conversation_id),
        done,
        summary="Delete a group or channel with all its messages, as its owner or as the backend.",
    ),
    "conversations:list": Inbound(
        ListConversationsPayload,
        _to_list,
        _conversations_reply,
        summary="List the user's conversations, newest message or offer first, or search public ones with `query`.",
    ),
}

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
