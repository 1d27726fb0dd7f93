"""Commands about conversations and their notices (lines such as "Ann joined"). Commands about members are in
`members.py`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from talkwire.core.commands.command import Change, Page, Query
from talkwire.core.commands.receipts import Unread
from talkwire.core.domain.model import (
    AgentsPolicy,
    CallEndReason,
    Conversation,
    ConversationKind,
    History,
    Member,
    MemberRole,
    Message,
    Notify,
    Offer,
    OfferStatus,
    Restriction,
    UserKind,
)

_AGENTS = (
    "Which messages are work for agents that are members: those that mention the agent, reply to it, or are in a "
    "thread that it follows (`mentions`), `all`, or none (`off`). The default is `all` in direct conversations, else "
    "`mentions`. Agents read all messages all the same"
)


class MemberView(msgspec.Struct, frozen=True):
    """A membership with the user's current name, picture and kind. `read_receipts` says whether the user shares what
    they have read, `erased` whether the user was erased."""

    member: Member
    name: str
    avatar: str | None
    read_receipts: bool = True
    handle: str | None = None
    erased: bool = False
    kind: UserKind = "person"


class ConversationView(msgspec.Struct, frozen=True):
    """A conversation as one reader sees it. A direct conversation has the name of the other member.

    `reader` (the reader's membership) and `unread` are None if the reader is not a member. `mute` is the moderator's
    mute of the reader. `archived`: the reader has archived the conversation. `last_offer` is the newest offer (a
    proposed price) that the reader may see, `unread_offers` the number of unread notifications of offers. `existed`:
    the conversation was created by an earlier command. `last_call` is the notice of the newest call that has ended, if
    it is newer than all messages. `team_names` are the names of its teams by their ids. While memberships through them
    are still being written, `pending_pos` is the log position of the change from which they follow, else None.
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
    archived: bool = False
    last_offer: Offer | None = None
    unread_offers: int = 0
    last_call: CallNotice | None = None
    team_names: Mapping[str, str] = {}
    pending_pos: int | None = None


class CreateConversation(Change[ConversationView], frozen=True, tag="CreateConversation"):
    """Creates a conversation, or returns the existing one.

    A direct conversation exists once for each pair of users, and the role `service` may repeat a creation with the same
    `id` and members.

    Only the role `service` may set `id`, `owner_id` and `roles`, name unknown users in `member_ids`, and set
    `created_ms` of a conversation from another system. Groups and channels that it creates have no owner unless
    `owner_id` or `roles` names one. Fields that default to `UNSET` are excluded from the command's hash when they are
    not set, so that a retry from before these fields existed is recognised.
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
    topic: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    created_ms: int | UnsetType = UNSET
    notify: Notify | UnsetType = UNSET
    team_ids: Annotated[
        tuple[str, ...] | UnsetType, Meta(description="Teams whose members become members of the conversation")
    ] = UNSET
    agents: AgentsPolicy | UnsetType = UNSET


class UpdateConversation(Change[ConversationView], frozen=True, tag="UpdateConversation"):
    """Changes a conversation and returns it. Only for the conversation's owner and admins, the application's backend
    and operators.

    Fields that are not set stay the same; None removes a text, picture or metadata.
    """

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
    topic: str | UnsetType | None = UNSET
    description: str | UnsetType | None = UNSET
    notify: Notify | UnsetType | None = UNSET
    """What members are notified of who have chosen nothing themselves; None for the default of the conversation's kind.
    Not for admins of the conversation; in a direct conversation only for the backend and operators."""
    agents: Annotated[AgentsPolicy | UnsetType | None, Meta(description=_AGENTS)] = UNSET


class DeleteConversation(Change[None], frozen=True, tag="DeleteConversation"):
    conversation_id: str


class GetConversation(Query[ConversationView], frozen=True, tag="GetConversation"):
    conversation_id: str


ListState = Literal["open", "closed"]
ListOrder = Literal["waitingSince", "updatedAt"]


class ListConversations(Query[Page[ConversationView]], frozen=True, tag="ListConversations"):
    """Lists the actor's conversations, the one with the newest message or offer first. `archived` true selects only
    those that the actor has archived, false only the others.

    The backend and admins list the conversations of all users, in the order of their ids, if they set `of_everybody`,
    `team_id`, `member_id` (only conversations of this user) or `text` (only those whose names contain all its words).
    Conversations of at most `members_max` members include their members.

    `team_id` selects the conversations of a team, `handler` those that this user handles: `me` is the actor, `none`
    selects those that nobody handles. `metadata` has one key and selects conversations whose metadata have the same
    value of it. With the order `waitingSince`, conversations in which a customer waits are first,
    the one that waits longest at the top, and the others follow in the order `updatedAt`, newest first.
    """

    cursor: str | None = None
    limit: int = 50
    members_max: int = 0
    member_id: str | None = None
    text: str | None = None
    of_everybody: bool = False
    archived: bool | None = None
    team_id: str | None = None
    handler: str | None = None
    state: ListState | None = None
    order: ListOrder | None = None
    metadata: dict[str, str | int | float | bool] | None = None


# --- notices ----------------------------------------------------------------------------------------------------------

MemberNoticeKind = Literal["joined", "added", "left", "removed"]

NoticeKind = Literal[MemberNoticeKind, "role", "changed", "call", "offer"]

ConversationChange = Literal["name", "topic", "description", "avatar", "public", "history", "slowModeS"]
"""Field of a conversation of which a notice names a change."""


class SomeNotice(msgspec.Struct, frozen=True, kw_only=True):
    """What all notices have. `actor_id` is the user who caused the notice: None for the application's backend, the
    server and all notices of roles. `names` has the current names of the actor and of the users whom the notice names.

    Notices, messages and offers can be sorted together by their ids, which grow with time.
    """

    id: int
    conversation_id: str
    created_ms: int
    actor_id: str | None
    names: Mapping[str, str] = {}


class MembersNotice(SomeNotice, frozen=True, kw_only=True):
    """Users who joined, left, were added or were removed: `user_ids` are the first ones of `user_count` users."""

    kind: MemberNoticeKind
    user_ids: tuple[str, ...]
    user_count: int


class RoleNotice(SomeNotice, frozen=True, kw_only=True):
    """A member's new role."""

    user_id: str
    role: MemberRole


class ConversationNotice(SomeNotice, frozen=True, kw_only=True):
    """A changed conversation: `changes` are the changed fields, and the other fields the new values of those that are
    shown, None for those that did not change."""

    changes: tuple[ConversationChange, ...]
    name: str | None = None
    topic: str | None = None
    public: bool | None = None
    slow_mode_s: int | None = None
    history: History | None = None


class CallNotice(SomeNotice, frozen=True, kw_only=True):
    """A call that has ended. `duration_s` is None if nobody accepted it."""

    reason: CallEndReason
    duration_s: int | None


class OfferNotice(SomeNotice, frozen=True, kw_only=True):
    """An offer that was accepted, rejected or withdrawn."""

    offer_id: int
    offer_status: OfferStatus


Notice = MembersNotice | RoleNotice | ConversationNotice | CallNotice | OfferNotice
"""Line in a conversation's timeline beside the messages, such as a member who joined or a call that ended."""


class ListNotices(Query[Page[Notice]], frozen=True, tag="ListNotices"):
    """Lists the notices of a conversation (lines of its timeline such as "Ann joined"), newest first. A page may be
    short or empty and still have a next page."""

    conversation_id: str
    cursor: str | None = None
    limit: int = 50


class RecordCall(Change[None], frozen=True, tag="RecordCall"):
    """Internal: records in the log that a call of the actor has ended, so that the conversation shows it. `duration_s`
    is its length in seconds, None if nobody accepted it."""

    conversation_id: str
    call_id: str
    reason: CallEndReason
    duration_s: int | None = None
