"""Stored notifications: lists them, and marks them as read. Also records missed calls, which cause notifications."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from types import MappingProxyType

from talkwire.core.commands.notifications import (
    FindOccasionNames,
    ListNotifications,
    MarkNotificationsRead,
    NotificationPage,
    OccasionNames,
    RecordMissedCall,
)
from talkwire.core.domain.access import may_act, require
from talkwire.core.domain.errors import invalid
from talkwire.core.domain.events import CallMissed, NotificationsRead
from talkwire.core.domain.model import Actor, Message, message_number
from talkwire.core.domain.notifying.lifetimes import NOTIFICATIONS_KEPT_MS
from talkwire.core.domain.pages import PAGE_MAX
from talkwire.core.ports.handler import ChangeHandler, Changes, Queries
from talkwire.core.ports.transaction import Snapshot, Transaction

IDS_MAX = 1000
"""Most notifications that one command marks as read by their ids."""


def list_notifications(snapshot: Snapshot, actor: Actor, query: ListNotifications) -> NotificationPage:
    """Returns a page of the actor's notifications, newest first, without those of conversations that the actor has
    left; and how many are unread in total."""
    require(may_act(snapshot.user(actor.user_id)))
    before_id = None if query.cursor is None else message_number(query.cursor)
    if query.cursor is not None and before_id is None:
        raise invalid("cursor", "is not a cursor of this list")
    limit = max(1, min(query.limit, PAGE_MAX))
    since_ms = query.now_ms - NOTIFICATIONS_KEPT_MS
    found = snapshot.notifications.of_user(actor.user_id, since_ms, before_id, limit + 1, unread=query.unread)
    following = str(found[limit - 1].id) if len(found) > limit else None
    return NotificationPage(
        tuple(found[:limit]), following, snapshot.notifications.count_unread(actor.user_id, since_ms)
    )


def check_mark_read(command: MarkNotificationsRead) -> None:
    if command.ids is None:
        return
    if len(command.ids) > IDS_MAX:
        raise invalid("ids", f"must have at most {IDS_MAX} items")
    for index, id_ in enumerate(command.ids):
        if message_number(id_) is None:
            raise invalid(f"ids[{index}]", "must be the id of a notification")


def mark_read(tx: Transaction, actor: Actor, command: MarkNotificationsRead) -> int:
    """Marks the actor's notifications with the given ids, or all for None, as read, and returns how many are still
    unread.

    Ids of other users' notifications and unknown ids are ignored, which does not reveal whether they exist.
    """
    require(may_act(tx.user(actor.user_id)))
    ids = None if command.ids is None else [number for id_ in command.ids if (number := message_number(id_))]
    return _read(tx, actor.user_id, ids)


def read_with_messages(
    tx: Transaction, conversation_id: str, user_id: str, message_id: int, *, without_replies: bool
) -> None:
    """Marks a user's notifications about messages up to `message_id` as read, because the user has read these
    messages; `without_replies` leaves out replies in threads."""
    unread = tx.notifications.unread_of_messages(conversation_id, user_id)
    ids = [id_ for id_, root_id in unread if id_ <= message_id and (root_id is None or not without_replies)]
    if ids:
        _read(tx, user_id, ids)


def read_with_thread(tx: Transaction, root: Message, user_id: str, reply_id: int | None) -> None:
    """Marks a user's notifications about the replies of a thread up to `reply_id`, or all for None, as read, because
    the user has read these replies."""
    unread = tx.notifications.unread_of_messages(root.conversation_id, user_id)
    ids = [id_ for id_, root_id in unread if root_id == root.id and (reply_id is None or id_ <= reply_id)]
    if ids:
        _read(tx, user_id, ids)


def read_decisions(tx: Transaction, message: Message, user_ids: Collection[str]) -> None:
    """Marks the notifications of these users that a decision about a message waits as read."""
    if not user_ids:
        return
    found = tx.notifications.mark_decisions_read(message, user_ids, tx.now_ms)
    for reader_id, ids in sorted(found.items()):
        _record_read(tx, reader_id, tuple(sorted(ids)))


def _read(tx: Transaction, user_id: str, ids: Sequence[int] | None) -> int:
    """Marks a user's notifications with these ids (None: all) as read, and returns how many are still unread. If any
    was unread, records an event that informs the user's other devices."""
    changed = tx.notifications.mark_read(user_id, ids, tx.now_ms)
    if changed:
        return _record_read(tx, user_id, None if ids is None else tuple(sorted(changed)))
    return tx.notifications.count_unread(user_id, tx.now_ms - NOTIFICATIONS_KEPT_MS)


def _record_read(tx: Transaction, user_id: str, ids: tuple[int, ...] | None) -> int:
    unread = tx.notifications.count_unread(user_id, tx.now_ms - NOTIFICATIONS_KEPT_MS)
    tx.record(NotificationsRead(tx.next_pos(), tx.now_ms, user_id, ids, unread))
    return unread


def record_missed_call(tx: Transaction, actor: Actor, command: RecordMissedCall) -> None:
    """Records in the log that a call was missed by those of the command's users who are members of the conversation."""
    members = tx.members(command.conversation_id, command.user_ids)
    missed = tuple(user_id for user_id in command.user_ids if user_id in members)
    if missed:
        tx.record(CallMissed(tx.next_pos(), tx.now_ms, command.conversation_id, command.call_id, actor.user_id, missed))


def find_occasion_names(snapshot: Snapshot, actor: Actor, query: FindOccasionNames) -> OccasionNames:
    """Returns the names of a user and of a conversation, to show in a notification, and how far members have read; an
    unknown name is empty. For use inside the server only."""
    user, conversation = snapshot.user(query.actor_id), snapshot.conversation(query.conversation_id)
    name = None if conversation is None else conversation.name
    readers = [snapshot.member(query.conversation_id, user_id) for user_id in query.reader_ids]
    read_seqs = {member.user_id: member.read_seq for member in readers if member is not None}
    return OccasionNames("" if user is None else user.name, name or "", read_seqs)


CHANGES: Changes = MappingProxyType(
    {
        MarkNotificationsRead: ChangeHandler(mark_read, check_mark_read),
        RecordMissedCall: ChangeHandler(record_missed_call),
    }
)

QUERIES: Queries = MappingProxyType({ListNotifications: list_notifications, FindOccasionNames: find_occasion_names})
