"""Notifications that are stored for users: listing them, and marking them as read."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType

from talkwire.core.commands.notifications import (
    FindOccasionNames,
    ListNotifications,
    MarkNotificationsRead,
    NotificationPage,
    OccasionNames,
    RecordMissedCall,
)
from talkwire.core.domain.access import may_act
from talkwire.core.domain.errors import invalid
from talkwire.core.domain.events import CallMissed, NotificationsRead
from talkwire.core.domain.model import Actor, message_number
from talkwire.core.domain.pages import PAGE_MAX
from talkwire.core.ports.handler import ChangeHandler, Changes, Queries
from talkwire.core.ports.transaction import Snapshot, Transaction

KEPT = 1000
"""The newest of a user that are kept."""

KEPT_MS = 30 * 24 * 3600 * 1000
IDS_MAX = 1000


def list_notifications(snapshot: Snapshot, actor: Actor, query: ListNotifications) -> NotificationPage:
    """Returns the actor's own, without those of conversations that they are not in any more."""
    refusal = may_act(snapshot.user(actor.user_id))
    if refusal is not None:
        raise refusal
    before_id = None if query.cursor is None else message_number(query.cursor)
    if query.cursor is not None and before_id is None:
        raise invalid("cursor", "is not a cursor of this list")
    limit = max(1, min(query.limit, PAGE_MAX))
    since_ms = query.now_ms - KEPT_MS
    found = snapshot.notifications.of_user(actor.user_id, since_ms, before_id, limit + 1, unread=query.unread)
    following = str(found[limit - 1].id) if len(found) > limit else None
    return NotificationPage(
        tuple(found[:limit]), following, snapshot.notifications.count_unread(actor.user_id, since_ms)
    )


def check_mark_read(command: MarkNotificationsRead) -> None:
    if command.ids is None:
        return
    if len(command.ids) > IDS_MAX:
        raise invalid("ids", f"at most {IDS_MAX}")
    for index, id_ in enumerate(command.ids):
        if message_number(id_) is None:
            raise invalid(f"ids[{index}]", "is no notification's id")


def mark_read(tx: Transaction, actor: Actor, command: MarkNotificationsRead) -> int:
    """Ids of others, or of none, are passed over: whether there are such is nobody's business."""
    refusal = may_act(tx.user(actor.user_id))
    if refusal is not None:
        raise refusal
    ids = None if command.ids is None else [number for id_ in command.ids if (number := message_number(id_))]
    return _read(tx, actor.user_id, ids)


def read_with_messages(tx: Transaction, conversation_id: str, user_id: str, message_id: int) -> None:
    """Marks the notifications of messages up to this one as read, because their user has read the messages."""
    ids = tx.notifications.unread_of_messages(conversation_id, user_id, message_id)
    if ids:
        _read(tx, user_id, ids)


def _read(tx: Transaction, user_id: str, ids: Sequence[int] | None) -> int:
    """Returns how many are still unread. The user's devices are notified where anything has changed."""
    changed = tx.notifications.mark_read(user_id, ids, tx.now_ms)
    unread = tx.notifications.count_unread(user_id, tx.now_ms - KEPT_MS)
    if changed:
        told = None if ids is None else tuple(sorted(changed))
        tx.record(NotificationsRead(tx.next_pos(), tx.now_ms, user_id, told, unread))
    return unread


def record_missed_call(tx: Transaction, actor: Actor, command: RecordMissedCall) -> None:
    """Keeps in the log who missed a call, since calls themselves leave no trace there."""
    members = tx.members(command.conversation_id, command.user_ids)
    missed = tuple(user_id for user_id in command.user_ids if user_id in members)
    if missed:
        tx.record(CallMissed(tx.next_pos(), tx.now_ms, command.conversation_id, command.call_id, actor.user_id, missed))


def find_occasion_names(snapshot: Snapshot, actor: Actor, query: FindOccasionNames) -> OccasionNames:
    """For the server itself."""
    user, conversation = snapshot.user(query.actor_id), snapshot.conversation(query.conversation_id)
    name = None if conversation is None else conversation.name
    return OccasionNames("" if user is None else user.name, name or "")


CHANGES: Changes = MappingProxyType(
    {
        MarkNotificationsRead: ChangeHandler(mark_read, check_mark_read),
        RecordMissedCall: ChangeHandler(record_missed_call),
    }
)

QUERIES: Queries = MappingProxyType({ListNotifications: list_notifications, FindOccasionNames: find_occasion_names})
