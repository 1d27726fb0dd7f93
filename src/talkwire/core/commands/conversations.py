"""Commands about conversations. `members.py` has those about their members."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType

from talkwire.core.commands.command import Change, Page, Query
from talkwire.core.commands.receipts import Unread
from talkwire.core.domain.model import Conversation, ConversationKind, History, Member, MemberRole, Message, Restriction


class MemberView(msgspec.Struct, frozen=True):
    """A membership with the user's current name and picture. `read_receipts` is the user's preference."""

    member: Member
    name: str
    avatar: str | None
    read_receipts: bool = True


class ConversationView(msgspec.Struct, frozen=True):
    """A conversation as one reader sees it. A direct one has the name of the other member.

    `reader` and `unread` are None if the reader is not a member. `mute` is the moderator's mute of the reader.
    `existed`: the conversation was created by an earlier command.
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
    """Creates a conversation, or returns the existing one.

    A direct conversation exists once for each pair of users, and the role `service` may repeat a creation with the same
    `id` and members.

    Only the role `service` may set `id`, `owner_id` and `roles` and name unknown `member_ids`. Its groups and channels
    have no owner unless `owner_id` or `roles` names one. Both are excluded from the command's hash when they are not
    set, so that a retry from before these fields existed is recognised.
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
    """Changes a conversation. Fields that are not set stay the same; None removes a name, picture or metadata."""

    conversation_id: str
    name: str | UnsetType | None = UNSET
    avatar: str | UnsetType | None = UNSET
    public: bool | UnsetType = UNSET
    history: History | UnsetType = UNSET
    slow_mode_s: int | UnsetType = UNSET
    metadata: dict[str, object] | UnsetType | None = UNSET
    retention_days: int | UnsetType | None = UNSET
    """How long messages are kept; None for the server's setting. Only for the backend and admins."""
    hold: bool | UnsetType = UNSET
    """Whether nothing in the conversation may be deleted. Only for the backend and admins."""


class DeleteConversation(Change[None], frozen=True, tag="DeleteConversation"):
    conversation_id: str


class GetConversation(Query[ConversationView], frozen=True, tag="GetConversation"):
    conversation_id: str


class ListConversations(Query[Page[ConversationView]], frozen=True, tag="ListConversations"):
    """Lists the actor's conversations, the one with the newest message first.

    With `of_everybody`, `member_id` or `text`, the backend and admins list all conversations in the order of their ids:
    those of `member_id`, and those whose names contain all words of `text`. Conversations of at most `members_max`
    members include their members.
    """

    cursor: str | None = None
    limit: int = 50
    members_max: int = 0
    member_id: str | None = None
    text: str | None = None
    of_everybody: bool = False
