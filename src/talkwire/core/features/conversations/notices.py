"""Notices: what happened in a conversation beside its messages, such as members who joined or left, new roles,
names and pictures, calls, and accepted offers (proposed prices).

They are derived from the events in the log whenever they are read. So they are available as long as the log keeps these
events, and no table has to be kept consistent with them. They are no messages: they have no `seq` (number in the
conversation), are not counted as unread, and notify nobody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import get_args

from msgspec.structs import replace

from talkwire.core.commands.command import Page
from talkwire.core.commands.conversations import ConversationChange, ListNotices, Notice, NoticeKind, RecordCall
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

NAMED_MAX = 10
"""How many users a notice names."""

CHANGES_SHOWN: Mapping[str, ConversationChange] = MappingProxyType(
    {"slow_mode_s" if change == "slowModeS" else change: change for change in get_args(ConversationChange)}
)
"""The changes that are shown, by the names of the changed fields."""

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
    actor_id = actor_of(event)
    id_ = id_at(event.pos)
    match event:
        case MemberAdded(conversation_id=conversation_id, members=members) if not event.of_teams:
            user_ids = tuple(member.user_id for member in members)
            kind: NoticeKind = "joined" if actor_id is None or user_ids == (actor_id,) else "added"
            shown = user_ids[:NAMED_MAX]
            return Notice(id_, conversation_id, kind, event.at_ms, actor_id, shown, len(user_ids))
        case MemberRemoved(conversation_id=conversation_id, user_id=user_id, own=True):
            kind = "left" if actor_id == user_id else "removed"
            return Notice(id_, conversation_id, kind, event.at_ms, actor_id, (user_id,), 1)
        case MemberUpdated(member=member):
            return Notice(id_, member.conversation_id, "role", event.at_ms, actor_id, (member.user_id,), 1, member.role)
        case ConversationUpdated(conversation=conversation, changed=changed):
            changes = tuple(shown for field, shown in CHANGES_SHOWN.items() if field in changed)
            notice = Notice(id_, conversation.id, "changed", event.at_ms, actor_id, changes=changes)
            return _with_values(notice, conversation) if changes else None
        case CallRecorded(conversation_id=conversation_id):
            notice = Notice(id_, conversation_id, "call", event.at_ms, actor_id)
            return replace(notice, reason=event.reason, duration_s=event.duration_s)
        case OfferUpdated(offer=offer):
            is_answer = offer.status in {"accepted", "rejected", "withdrawn"} and offer.deleted_ms is None
            if not is_answer or not may_see_offer(offer.id, history):
                return None
            notice = Notice(id_, offer.conversation_id, "offer", event.at_ms, actor_id)
            return replace(notice, offer_id=offer.id, offer_status=offer.status)
        case _:
            return None


def _with_values(notice: Notice, conversation: Conversation) -> Notice:
    return replace(
        notice,
        name=conversation.name if "name" in notice.changes else None,
        topic=conversation.topic if "topic" in notice.changes else None,
        public=conversation.public if "public" in notice.changes else None,
        slow_mode_s=conversation.slow_mode_s if "slowModeS" in notice.changes else None,
        history=conversation.history if "history" in notice.changes else None,
    )


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
) -> Mapping[str, Notice]:
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
            notice = notice_of(event, history)
            assert notice is not None
            found.append(notice)
    return {notice.conversation_id: notice for notice in _with_names(snapshot, found)}


def _with_names(snapshot: Snapshot, notices: list[Notice]) -> list[Notice]:
    asked = {user_id for notice in notices for user_id in _users_in(notice)}
    users = snapshot.users(asked) if asked else {}
    return [
        replace(notice, names={id_: users[id_].name for id_ in _users_in(notice) if id_ in users}) for notice in notices
    ]


def _users_in(notice: Notice) -> tuple[str, ...]:
    return notice.user_ids if notice.actor_id is None else (notice.actor_id, *notice.user_ids)


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
