"""Conversations and who is in them."""

from __future__ import annotations

from typing import Literal

from talkwire.core.commands.command import Page
from talkwire.core.commands.conversations import ConversationView, CreateConversation, ListConversations
from talkwire.core.events import ConversationCreated, Event, MemberAdded, MemberRemoved
from talkwire.dialects.dialect import Inbound, Outbound
from talkwire.dialects.messenger.replies import Reply
from talkwire.dialects.payloads.conversations import (
    ConversationPayload,
    conversation_payload,
    shared_conversation_payload,
)
from talkwire.dialects.payloads.payload import Payload, iso


class ListConversationsPayload(Payload, frozen=True):
    cursor: str | None = None
    limit: int = 50


class CreateConversationPayload(Payload, frozen=True):
    kind: Literal["direct", "group"]
    member_ids: tuple[str, ...]
    name: str | None = None
    id: str | None = None


class ConversationReply(Reply, frozen=True, kw_only=True, rename="camel"):
    conversation: ConversationPayload


class ConversationsReply(Reply, frozen=True, kw_only=True, rename="camel"):
    conversations: tuple[ConversationPayload, ...]
    cursor: str | None = None


class AddedMemberPayload(Payload, frozen=True):
    user_id: str
    role: str
    joined_at: str


class MembersAddedPayload(Payload, frozen=True):
    conversation_id: str
    members: tuple[AddedMemberPayload, ...]


class MemberRemovedPayload(Payload, frozen=True):
    conversation_id: str
    user_id: str


def _conversation_reply(view: ConversationView) -> ConversationReply:
    return ConversationReply(conversation=conversation_payload(view))


def _conversations_reply(page: Page[ConversationView]) -> ConversationsReply:
    return ConversationsReply(conversations=tuple(map(conversation_payload, page.items)), cursor=page.next)


def _members_added(event: MemberAdded) -> MembersAddedPayload:
    members = (AddedMemberPayload(member.user_id, member.role, iso(member.joined_ms)) for member in event.members)
    return MembersAddedPayload(event.conversation_id, tuple(members))


INBOUND = {
    "conversation:create": Inbound(
        CreateConversationPayload,
        lambda p: CreateConversation(p.kind, p.member_ids, p.name, p.id),
        _conversation_reply,
    ),
    "conversations:list": Inbound(
        ListConversationsPayload, lambda p: ListConversations(p.cursor, p.limit), _conversations_reply
    ),
}

OUTBOUND: dict[type[Event], tuple[Outbound, ...]] = {
    ConversationCreated: (Outbound("conversation:new", lambda event: shared_conversation_payload(event.conversation)),),
    MemberAdded: (Outbound("member:added", _members_added),),
    MemberRemoved: (
        Outbound("member:removed", lambda event: MemberRemovedPayload(event.conversation_id, event.user_id)),
    ),
}
