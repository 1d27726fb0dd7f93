"""What is asked about conversations. Who is in them is in `members.py`."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType

from talkwire.core.commands.command import Change, Page, Query
from talkwire.core.commands.receipts import Unread
from talkwire.core.domain.model import Conversation, ConversationKind, History, Member, MemberRole, Message, Restriction


class MemberView(msgspec.Struct, frozen=True):
    """A member with the name that others see."""

    member: Member
    name: str
    avatar: str | None


class ConversationView(msgspec.Struct, frozen=True):
    """A conversation as one reader sees it: a direct one is named after the other member.

    `reader` and `unread` are None for readers that are no members. `mute` is what a moderator has put on the reader.
    `existed`: it answers a creation, and was there before.
    """

    conversation: Conversation
    name: str | None
    avatar: str | None
    last_message: Message | None
    members: tuple[MemberView, ...] | None = None
    reader: Member | None = None
    unread: Unread | None = None
    mute: Restriction | None = None
    existed: bool = False


class CreateConversation(Change[ConversationView], frozen=True, tag="CreateConversation"):
    """Creates a conversation, or returns the one that exists: a direct one exists once per pair, and the role `service`
    may repeat a creation with the same `id` and members.

    `id`, unknown `member_ids`, `owner_id` and `roles` are for the role `service` only, whose groups and channels have
    no owner unless one of these two names one. Both are left out of a command's hash when they are not given, so that
    a retry from before they existed is recognised.
    """

    kind: ConversationKind
    member_ids: tuple[str, ...]
    name: str | None = None
    id: str | None = None
    avatar: str | None = None
    public: bool = False
    history: History = "all"
    slow_mode_s: int = 0
    metadata: dict[str, object] | None = None
    owner_id: str | UnsetType = UNSET
    roles: dict[str, MemberRole] | UnsetType = UNSET


class UpdateConversation(Change[ConversationView], frozen=True, tag="UpdateConversation"):
    """What is left out stays; None takes a name, a picture or metadata away."""

    conversation_id: str
    name: str | UnsetType | None = UNSET
    avatar: str | UnsetType | None = UNSET
    public: bool | UnsetType = UNSET
    history: History | UnsetType = UNSET
    slow_mode_s: int | UnsetType = UNSET
    metadata: dict[str, object] | UnsetType | None = UNSET


class DeleteConversation(Change[None], frozen=True, tag="DeleteConversation"):
    conversation_id: str


class GetConversation(Query[ConversationView], frozen=True, tag="GetConversation"):
    conversation_id: str


class ListConversations(Query[Page[ConversationView]], frozen=True, tag="ListConversations"):
    """The actor's conversations, the one with the newest message first. With `of_everybody`, `member_id` or `text` the
    back end and admins list all conversations, in the order of their ids: those of `member_id`, and those whose name
    has all words of `text`. Conversations with at most `members_max` members are answered with them."""

    cursor: str | None = None
    limit: int = 50
    members_max: int = 0
    member_id: str | None = None
    text: str | None = None
    of_everybody: bool = False
