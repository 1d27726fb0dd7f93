"""What is asked about conversations and who is in them."""

from __future__ import annotations

import msgspec

from talkwire.core.commands.command import Change, Page, Query
from talkwire.core.model import Conversation, ConversationKind, Member, Message


class MemberView(msgspec.Struct, frozen=True):
    """A member with the name that others see."""

    member: Member
    name: str
    avatar: str | None


class ConversationView(msgspec.Struct, frozen=True):
    """A conversation as one reader sees it: a direct one is named after the other member."""

    conversation: Conversation
    name: str | None
    avatar: str | None
    last_message: Message | None
    members: tuple[MemberView, ...] | None = None


class CreateConversation(Change[ConversationView], frozen=True, tag="CreateConversation"):
    """`id` and unknown `member_ids` are for the role `service` only. A direct conversation exists once per pair: asking
    again answers the first one."""

    kind: ConversationKind
    member_ids: tuple[str, ...]
    name: str | None = None
    id: str | None = None


class AddMembers(Change[tuple[Member, ...]], frozen=True, tag="AddMembers"):
    """Answers those who were not members before."""

    conversation_id: str
    user_ids: tuple[str, ...]


class RemoveMember(Change[None], frozen=True, tag="RemoveMember"):
    conversation_id: str
    user_id: str


class GetConversation(Query[ConversationView], frozen=True, tag="GetConversation"):
    conversation_id: str


class ListConversations(Query[Page[ConversationView]], frozen=True, tag="ListConversations"):
    """The actor's conversations, the one with the newest event first. An operator (role `admin`) sees all."""

    cursor: str | None = None
    limit: int = 50
