"""Notices: what happened in a conversation beside its messages, such as members who joined or left, new roles,
names and pictures, calls, and accepted offers (proposed prices).

They are derived from the events in the log whenever they are read. So they are available as long as the log keeps these
events, and no table has to be kept consistent with them. They are no messages: they have no `seq` (number in the
conversation), are not counted as unread, and notify nobody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TypedDict, TypeVar, get_args

from msgspec.structs import replace

from talkwire.core.commands.command import Page
from talkwire.core.commands.conversations import (
    CallNotice,
    ConversationChange,
    ConversationNotice,
    ListNotices,
    MemberNoticeKind,
    MembersNotice,
    Notice,
    OfferNotice,
    RecordCall,
    RoleNotice,
)
from talkwire.core.domain.access import history_for, may_see_offer
from talkwire.core.domain.audience import actor_of
from talkwire.core.domain.errors import forbidden, invalid
from talkwire.core.domain.events import (
    CallRecorded,
    ConversationUpdated,
    Durable,
    MemberAdded,
    MemberRemoved,
    MemberUpdated,
    OfferUpdated,
)
from talkwire.core.domain.log.positions import id_at, pos_of
from talkwire.core.domain.model import (
    LARGE_CONVERSATION,
    WHOLE,
    Actor,
    Conversation,
    HistoryStart,
    Member,
    message_number,
)
from talkwire.core.domain.pages import PAGE_MAX
from talkwire.core.domain.texts import check_id
from talkwire.core.features.conversations.members import find_conversation
from talkwire.core.ports.handler import ChangeHandler, Changes, Queries
from talkwire.core.ports.transaction import Snapshot, Transaction

_Named = TypeVar("_Named", bound=Notice)

NOTICE_USERS_MAX = 10
"""Most users that a notice names."""

CHANGES_SHOWN: Mapping[str, ConversationChange] = MappingProxyType(
    {"slow_mode_s" if change == "slowModeS" else change: change for change in get_args(ConversationChange)}
)
"""Changes of a conversation that notices show, by the name of the changed field."""

_OF_MEMBERS: tuple[type[Durable], ...] = (MemberAdded, MemberRemoved)
_ALL: tuple[type[Durable], ...] = (*_OF_MEMBERS, MemberUpdated, ConversationUpdated, CallRecorded, OfferUpdated)


def kinds_shown(conversation: Conversation) -> tuple[type[Durable], ...]:
    """Returns the types of events for which a conversation has notices. In a large conversation, joining and leaving
    are left out, because thousands of users may join and leave."""
    if conversation.member_count <= LARGE_CONVERSATION:
        return _ALL
    return tuple(kind for kind in _ALL if kind not in _OF_MEMBERS)


def notice_of(event: Durable, history: HistoryStart) -> Notice | None:
    """Returns the notice of an event, such as that a member joined, as a reader sees it; None for an event that has
    none. `history` is the point from which the reader sees the conversation."""
    match event:
        case MemberAdded(members=members) if not event.of_teams:
            return _members_notice(event, tuple(member.user_id for member in members))
        case MemberRemoved(user_id=user_id, own=True):
            return _members_notice(event, (user_id,))
        case MemberUpdated(member=member):
            return RoleNotice(**_common(event, member.conversation_id), user_id=member.user_id, role=member.role)
        case ConversationUpdated():
            return _conversation_notice(event)
        case CallRecorded():
            return _call_notice(event)
        case OfferUpdated(offer=offer):
            is_answer = offer.status in {"accepted", "rejected", "withdrawn"} and offer.deleted_ms is None
            if not is_answer or not may_see_offer(offer.id, history):
                return None
            return OfferNotice(**_common(event, offer.conversation_id), offer_id=offer.id, offer_status=offer.status)
        case _:
            return None


class _Common(TypedDict):
    id: int
    conversation_id: str
    created_ms: int
    actor_id: str | None


def _common(event: Durable, conversation_id: str) -> _Common:
    """Returns what all notices have, for the notice of an event."""
    return {
        "id": id_at(event.pos),
        "conversation_id": conversation_id,
        "created_ms": event.at_ms,
        "actor_id": actor_of(event),
    }


def _members_notice(event: MemberAdded | MemberRemoved, user_ids: tuple[str, ...]) -> MembersNotice:
    common = _common(event, event.conversation_id)
    actor_id = common["actor_id"]
    is_by_themselves = user_ids == (actor_id,)
    kind: MemberNoticeKind
    if isinstance(event, MemberAdded):
        kind = "joined" if actor_id is None or is_by_themselves else "added"
    else:
        kind = "left" if is_by_themselves else "removed"
    return MembersNotice(**common, kind=kind, user_ids=user_ids[:NOTICE_USERS_MAX], user_count=len(user_ids))


def _conversation_notice(event: ConversationUpdated) -> ConversationNotice | None:
    conversation = event.conversation
    changes = tuple(shown for field, shown in CHANGES_SHOWN.items() if field in event.changed)
    if not changes:
        return None
    return ConversationNotice(
        **_common(event, conversation.id),
        changes=changes,
        name=conversation.name if "name" in changes else None,
        topic=conversation.topic if "topic" in changes else None,
        public=conversation.public if "public" in changes else None,
        slow_mode_s=conversation.slow_mode_s if "slowModeS" in changes else None,
        history=conversation.history if "history" in changes else None,
    )


def _call_notice(event: CallRecorded) -> CallNotice:
    return CallNotice(**_common(event, event.conversation_id), reason=event.reason, duration_s=event.duration_s)


def list_notices(snapshot: Snapshot, actor: Actor, query: ListNotices) -> Page[Notice]:
    """Returns a page of a conversation's notices that the actor may see, newest first. Raises `forbidden` unless the
    actor may read the conversation."""
    check_id("conversationId", query.conversation_id)
    before_id = None if query.cursor is None else message_number(query.cursor)
    if query.cursor is not None and before_id is None:
        raise invalid("cursor", "is not a cursor of this list")
    history = history_for(snapshot, actor, query.conversation_id)
    conversation = snapshot.conversation(query.conversation_id)
    if conversation is None or conversation.deleted_ms is not None:
        raise forbidden("not_found")
    limit = max(1, min(query.limit, PAGE_MAX))
    before_pos = None if before_id is None else pos_of(before_id)
    kinds = [kind.__name__ for kind in kinds_shown(conversation)]
    found = snapshot.notices.events(conversation.id, kinds, history.pos, before_pos, limit + 1)
    notices = [notice for event in found[:limit] if (notice := notice_of(event, history)) is not None]
    next_ = str(id_at(found[limit - 1].pos)) if len(found) > limit else None
    return Page(tuple(_with_names(snapshot, notices)), next_)


def last_calls(
    snapshot: Snapshot, conversations: Sequence[Conversation], readers: Mapping[str, Member]
) -> Mapping[str, CallNotice]:
    """Returns conversation id -> the notice of its newest call. Leaves out conversations whose newest message is newer
    than their last call, and calls that the reader may not see. `readers` maps conversation ids to the reader's
    memberships."""
    by_id = {conversation.id: conversation for conversation in conversations}
    found = []
    for event in snapshot.notices.last_calls(by_id):
        assert isinstance(event, CallRecorded)
        reader = readers.get(event.conversation_id)
        history = WHOLE if reader is None else reader.history
        if event.pos >= max(history.pos, by_id[event.conversation_id].active_pos):
            found.append(_call_notice(event))
    return {notice.conversation_id: notice for notice in _with_names(snapshot, found)}


def _with_names(snapshot: Snapshot, notices: list[_Named]) -> list[_Named]:
    asked = {user_id for notice in notices for user_id in _users_in(notice)}
    users = snapshot.users(asked) if asked else {}
    return [
        replace(notice, names={id_: users[id_].name for id_ in _users_in(notice) if id_ in users}) for notice in notices
    ]


def _users_in(notice: Notice) -> tuple[str, ...]:
    named: tuple[str, ...] = ()
    if isinstance(notice, MembersNotice):
        named = notice.user_ids
    elif isinstance(notice, RoleNotice):
        named = (notice.user_id,)
    return named if notice.actor_id is None else (notice.actor_id, *named)


def record_call(tx: Transaction, actor: Actor, command: RecordCall) -> None:
    """Records the end of a call in the log, unless the conversation was deleted during the call."""
    if find_conversation(tx, command.conversation_id) is None:
        return
    tx.record(
        CallRecorded(
            tx.next_pos(),
            tx.now_ms,
            command.conversation_id,
            command.call_id,
            actor.user_id,
            command.reason,
            command.duration_s,
        )
    )


CHANGES: Changes = MappingProxyType({RecordCall: ChangeHandler(record_call)})

QUERIES: Queries = MappingProxyType({ListNotices: list_notices})
