"""Conversations and their members."""

from __future__ import annotations

from collections.abc import Sequence

from talkwire.core.commands.conversations import ConversationView, MemberView
from talkwire.core.model import Conversation
from talkwire.dialects.payloads.messages import MessagePayload, message_payload
from talkwire.dialects.payloads.payload import Payload, iso


class MemberPayload(Payload, frozen=True):
    user_id: str
    name: str
    role: str
    joined_at: str
    avatar: str | None = None


class ConversationPayload(Payload, frozen=True):
    id: str
    kind: str
    member_count: int
    last_seq: int
    created_at: str
    updated_at: str
    name: str | None = None
    avatar: str | None = None
    owner_id: str | None = None
    last_message: MessagePayload | None = None
    members: tuple[MemberPayload, ...] | None = None


def member_payload(view: MemberView) -> MemberPayload:
    member = view.member
    return MemberPayload(member.user_id, view.name, member.role, iso(member.joined_ms), view.avatar)


def conversation_payload(view: ConversationView) -> ConversationPayload:
    """A conversation as one reader sees it."""
    return _conversation(
        view.conversation,
        name=view.name,
        avatar=view.avatar,
        last_message=None if view.last_message is None else message_payload(view.last_message),
        members=None if view.members is None else tuple(map(member_payload, view.members)),
    )


def shared_conversation_payload(conversation: Conversation) -> ConversationPayload:
    """A conversation without what differs by reader: the same bytes for all."""
    return _conversation(conversation, name=conversation.name)


def _conversation(
    conversation: Conversation,
    *,
    name: str | None,
    avatar: str | None = None,
    last_message: MessagePayload | None = None,
    members: Sequence[MemberPayload] | None = None,
) -> ConversationPayload:
    return ConversationPayload(
        id=conversation.id,
        kind=conversation.kind,
        member_count=conversation.member_count,
        last_seq=conversation.last_seq,
        created_at=iso(conversation.created_ms),
        updated_at=iso(conversation.updated_ms),
        name=name,
        avatar=avatar,
        owner_id=conversation.owner_id,
        last_message=last_message,
        members=None if members is None else tuple(members),
    )
