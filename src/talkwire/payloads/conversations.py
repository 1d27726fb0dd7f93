"""Payloads of conversations and their members."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import UNSET, UnsetType

from talkwire.core.commands.conversations import ConversationView, MemberView
from talkwire.core.domain.desk.handling import HandlingState, state_of
from talkwire.core.domain.model import (
    AgentsPolicy,
    Conversation,
    ConversationKind,
    History,
    MemberRole,
    Notify,
    UserKind,
)
from talkwire.core.domain.times import iso_end, iso_or_none
from talkwire.payloads.messages import MessagePayload, short_payload
from talkwire.payloads.notices import NoticePayload, notice_payload
from talkwire.payloads.offers import OfferPayload, offer_payload
from talkwire.payloads.payload import Payload, iso


class MemberPayload(Payload, frozen=True):
    """A member of a conversation. `readSeq` and `deliveredSeq` are the numbers of the last messages that the member has
    read and received.

    `via` names the teams through which the user is a member, for readers who may see that; `own` is false if they are a
    member through teams only.
    """

    user_id: str
    name: str
    role: MemberRole
    joined_at: str
    kind: UserKind
    avatar: str | None = None
    read_seq: int | None = None
    delivered_seq: int | None = None
    handle: str | None = None
    erased: bool | None = None
    via: tuple[str, ...] | None = None
    own: bool | None = None


class TeamNamePayload(Payload, frozen=True):
    """A team of a conversation, as all members see it."""

    team_id: str
    name: str


class MutePayload(Payload, frozen=True):
    """A mute by a moderator, because of which the caller cannot write in the conversation. `until` is missing if the
    mute lasts until a moderator ends it."""

    until: str | None = None
    reason: str | None = None


class ConversationPayload(Payload, frozen=True):
    """A conversation. Members whose value depends on the caller are in responses, but not in events: `unreadCount`,
    `mentionCount`, `muted`, `mutedUntil`, `mutedByModerator`, `favourite`, `archived`, `section`, `readSeq`,
    `lastMessage`, `lastOffer`, `unreadOfferCount`, `lastCall`, `joinedAt`, `listed`, and the name of a direct
    conversation. Lists include `members` only for direct conversations.

    `ownerId` is null for a direct conversation, and for one that the application's backend created without an owner.
    A conversation with a team has `handler`, the user who handles it or null, and `state`. Only members through its
    teams, the application's backend and admins see `waitingSince` and `notesId`, in answers. A conversation with notes
    has `notesOf`, the conversation that they are about, and none of these four.
    `agents` says which messages are work for agents; if it is missing, `all` in a direct conversation, else `mentions`.
    `muted` is the caller's own choice not to be notified, until `mutedUntil` or without an end.
    `mutedByModerator` means that the caller cannot write in the conversation.
    """

    id: str
    kind: ConversationKind
    member_count: int
    last_seq: int
    created_at: str
    updated_at: str
    public: bool
    history: History
    slow_mode_s: int
    owner_id: str | None
    name: str | None = None
    avatar: str | None = None
    topic: str | None = None
    description: str | None = None
    metadata: dict[str, object] | None = None
    unread_count: int | None = None
    mention_count: int | None = None
    muted: bool | None = None
    muted_by_moderator: MutePayload | None = None
    read_seq: int | None = None
    last_message: MessagePayload | None = None
    members: tuple[MemberPayload, ...] | None = None
    retention_days: int | None = None
    hold: bool | None = None
    favourite: bool | None = None
    archived: bool | None = None
    last_offer: OfferPayload | None = None
    unread_offer_count: int | None = None
    muted_until: str | None = None
    section: str | None = None
    last_call: NoticePayload | None = None
    joined_at: str | None = None
    notify: Notify | None = None
    team_ids: tuple[str, ...] | None = None
    teams: tuple[TeamNamePayload, ...] | None = None
    pending: bool | None = None
    listed: bool | None = None
    handler: str | UnsetType | None = UNSET
    state: HandlingState | None = None
    waiting_since: str | UnsetType | None = UNSET
    notes_id: str | UnsetType | None = UNSET
    notes_of: str | None = None
    agents: AgentsPolicy | None = None


def member_payload(view: MemberView) -> MemberPayload:
    member = view.member
    return MemberPayload(
        user_id=member.user_id,
        name=view.name,
        role=member.role,
        joined_at=iso(member.joined_ms),
        kind=view.kind,
        avatar=view.avatar,
        read_seq=member.read_seq,
        delivered_seq=member.delivered_seq,
        handle=view.handle,
        erased=view.erased or None,
        via=member.via or None,
        own=None if member.own else False,
    )


def conversation_payload(view: ConversationView, *, trusted: bool = False) -> ConversationPayload:
    """Returns a conversation as one user sees it. The payload shows a hold (which stops all deletions) only with
    `trusted`, for the backend and admins; what its teams see, also to members through a team."""
    reader, unread = view.reader, view.unread
    is_staff = view.conversation.is_handled and (trusted or (reader is not None and bool(reader.via)))
    return _conversation(
        view.conversation,
        name=view.name,
        avatar=view.avatar,
        unread_count=None if unread is None else unread.unread_count,
        mention_count=None if unread is None else unread.mention_count,
        muted=None if reader is None else reader.muted,
        muted_by_moderator=None if view.mute is None else MutePayload(iso_end(view.mute.until_ms), view.mute.reason),
        read_seq=None if reader is None else reader.own_seq,
        last_message=None if view.last_message is None else short_payload(view.last_message),
        members=None if view.members is None else tuple(map(member_payload, view.members)),
        hold=(view.conversation.hold or None) if trusted else None,
        favourite=None if reader is None else reader.favourite,
        archived=None if reader is None else view.archived,
        last_offer=None if view.last_offer is None else offer_payload(view.last_offer),
        unread_offer_count=view.unread_offers or None,
        muted_until=None if reader is None else iso_or_none(reader.unmute_ms),
        section=None if reader is None else reader.section,
        last_call=None if view.last_call is None else notice_payload(view.last_call),
        joined_at=None if reader is None else iso(reader.joined_ms),
        teams=_teams(view),
        pending=None if view.pending_pos is None else True,
        listed=None if reader is None or reader.listed else False,
        waiting_since=iso_or_none(view.conversation.waiting_since_ms) if is_staff else UNSET,
        notes_id=view.conversation.notes_id if is_staff else UNSET,
    )


def _teams(view: ConversationView) -> tuple[TeamNamePayload, ...] | None:
    named = view.team_names
    return tuple(TeamNamePayload(id_, named[id_]) for id_ in view.conversation.team_ids if id_ in named) or None


def shared_conversation_payload(conversation: Conversation) -> ConversationPayload:
    """Returns a conversation without the members whose value depends on the receiving user, so that the same bytes can
    be sent to all users."""
    return _conversation(conversation, name=conversation.name, avatar=conversation.avatar)


def _conversation(  # noqa: PLR0913 (each is a member of the payload)
    conversation: Conversation,
    *,
    name: str | None,
    avatar: str | None,
    unread_count: int | None = None,
    mention_count: int | None = None,
    muted: bool | None = None,
    muted_by_moderator: MutePayload | None = None,
    read_seq: int | None = None,
    last_message: MessagePayload | None = None,
    members: Sequence[MemberPayload] | None = None,
    hold: bool | None = None,
    favourite: bool | None = None,
    archived: bool | None = None,
    last_offer: OfferPayload | None = None,
    unread_offer_count: int | None = None,
    muted_until: str | None = None,
    section: str | None = None,
    last_call: NoticePayload | None = None,
    joined_at: str | None = None,
    teams: tuple[TeamNamePayload, ...] | None = None,
    pending: bool | None = None,
    listed: bool | None = None,
    waiting_since: str | UnsetType | None = UNSET,
    notes_id: str | UnsetType | None = UNSET,
) -> ConversationPayload:
    return ConversationPayload(
        id=conversation.id,
        kind=conversation.kind,
        member_count=conversation.member_count,
        last_seq=conversation.last_seq,
        created_at=iso(conversation.created_ms),
        updated_at=iso(conversation.updated_ms),
        history=conversation.history,
        name=name,
        avatar=avatar,
        topic=conversation.topic,
        description=conversation.description,
        public=conversation.public,
        slow_mode_s=conversation.slow_mode_s,
        owner_id=conversation.owner_id,
        metadata=conversation.metadata,
        unread_count=unread_count,
        mention_count=mention_count,
        muted=muted,
        muted_by_moderator=muted_by_moderator,
        read_seq=read_seq,
        last_message=last_message,
        members=None if members is None else tuple(members),
        retention_days=conversation.retention_days,
        hold=hold,
        favourite=favourite,
        archived=archived,
        last_offer=last_offer,
        unread_offer_count=unread_offer_count,
        muted_until=muted_until,
        section=section,
        last_call=last_call,
        joined_at=joined_at,
        notify=conversation.notify,
        agents=conversation.agents,
        team_ids=conversation.team_ids or None,
        teams=teams,
        pending=pending,
        listed=listed,
        handler=conversation.handler_id if conversation.is_handled else UNSET,
        state=state_of(closed=conversation.closed) if conversation.is_handled else None,
        waiting_since=waiting_since,
        notes_id=notes_id,
        notes_of=conversation.notes_of,
    )
