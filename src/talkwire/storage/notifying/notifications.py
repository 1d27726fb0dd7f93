"""Stores users' notifications and notification preferences.

A notification's row contains only ids of what it is about; names and texts are read from the other tables with it. So a
deleted message is not quoted, and content that the reader may not see is not shown.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    bindparam,
    case,
    delete,
    exists,
    func,
    insert,
    literal_column,
    not_,
    or_,
    select,
    update,
)

from talkwire.core.domain.events import CallMissed, CallRecorded, NotificationsRead, PreferencesChanged
from talkwire.core.domain.model import Message, Notification, NotificationType, Preferences
from talkwire.core.domain.moderation.reports import Outcome
from talkwire.core.domain.names import without_direction_marks
from talkwire.core.domain.notifying.notification_rules import BODY_MAX_LENGTH, EVERYONE_MAX
from talkwire.storage.messages.messages import attached_names
from talkwire.storage.schema import (
    conversations,
    log,
    members,
    messages,
    notifications,
    offers,
    preferences,
    reports,
    users,
)
from talkwire.storage.sql.batch import insert_rows
from talkwire.storage.sql.ids import sql_id_at, sql_pos_of
from talkwire.storage.sql.keys import KEYS, key_number, key_text, keys_parameter
from talkwire.storage.sql.upsert import upsert
from talkwire.storage.sql.values import AnyRow, Values, to_json
from talkwire.storage.tables.projection import Projections, nothing
from talkwire.storage.tables.users import change_user, find_users
from talkwire.storage.workspace import Workspace

_preferences: msgspec.json.Decoder[Preferences] = msgspec.json.Decoder(Preferences)

_MODERATION: NotificationType = "moderation"
_DECISION: NotificationType = "decision"

_MUTED_OFFER = "muted-offer"
"""Type of the row of an offer that only counts as unread, since the user had muted its conversation."""

_of_reply: ColumnElement[bool] = and_(messages.c.thread_id.is_not(None), notifications.c.type.in_(("mention", "reply")))
"""SQL condition that a notification becomes read with its thread. It is stored with its message, so that reading finds
it; other types may be stored after the message has been read."""

_of_decision: ColumnElement[bool] = notifications.c.type == _DECISION
"""SQL condition that a notification is unread until the user has chosen or the decision has ended."""

_by_reading: ColumnElement[bool] = and_(
    messages.c.seq.is_not(None), messages.c.seq <= members.c.read_seq, not_(_of_reply), not_(_of_decision)
)
_read_ms = case(
    (notifications.c.read_ms.is_not(None), notifications.c.read_ms),
    (_by_reading, members.c.read_ms),
    (_of_decision, messages.c.deleted_ms),
)

_counted: Select[tuple[object, ...]] = (
    select(
        notifications.c.id,
        notifications.c.user_id,
        notifications.c.type,
        notifications.c.conversation_id,
        notifications.c.actor_id,
        notifications.c.created_ms,
        notifications.c.message_id,
        notifications.c.offer_id,
        notifications.c.sound,
        notifications.c.body,
        _read_ms.label("shown_read_ms"),
        users.c.name.label("title"),
        func.substr(messages.c.content, 1, BODY_MAX_LENGTH).label("content"),
        messages.c.extra,
        messages.c.thread_id,
        offers.c.title.label("offer_title"),
        conversations.c.name.label("conversation_name"),
        conversations.c.notes_of,
        reports.c.reporter_id,
        reports.c.state,
        reports.c.action,
        reports.c.decision,
    )
    .outerjoin(
        members,
        and_(
            members.c.conversation_id == notifications.c.conversation_id,
            members.c.user_id == notifications.c.user_id,
        ),
    )
    .join(conversations, conversations.c.id == notifications.c.conversation_id)
    .outerjoin(users, users.c.id == notifications.c.actor_id)
    .outerjoin(messages, messages.c.id == notifications.c.message_id)
    .outerjoin(offers, offers.c.id == notifications.c.offer_id)
    .outerjoin(
        reports,
        and_(
            notifications.c.type == _MODERATION,
            reports.c.decided_pos.is_not(None),
            reports.c.decided_pos == sql_pos_of(notifications.c.id),
        ),
    )
    .where(
        # Decisions about reports are shown to users who have left the conversation, too.
        or_(members.c.user_id.is_not(None), notifications.c.type == _MODERATION),
        or_(messages.c.seq.is_(None), messages.c.seq > members.c.history_seq),
        or_(notifications.c.offer_id.is_(None), notifications.c.offer_id > sql_id_at(members.c.history_pos)),
    )
)
"""Statement that selects notifications, and offers that only count as unread."""

_notifications: Select[tuple[object, ...]] = _counted.where(notifications.c.type != _MUTED_OFFER)

_of_keys: Select[Any] = _notifications.join(
    KEYS, (notifications.c.user_id == key_text(0)) & (notifications.c.id == key_number(1))
).where(messages.c.deleted_ms.is_(None))

_unread_of_messages: Select[Any] = (
    select(notifications.c.conversation_id, notifications.c.user_id, notifications.c.id)
    .add_columns(case((_of_reply, messages.c.thread_id)).label("root_id"))
    .select_from(KEYS)
    .join(notifications, (notifications.c.conversation_id == key_text(0)) & (notifications.c.user_id == key_text(1)))
    .outerjoin(messages, messages.c.id == notifications.c.message_id)
    .where(notifications.c.read_ms.is_(None), notifications.c.message_id.is_not(None), not_(_of_decision))
    .order_by(notifications.c.id)
)
_of_users: Select[Any] = select(preferences).select_from(KEYS).join(preferences, preferences.c.user_id == key_text(0))
_COLUMNS = (
    "user_id",
    "id",
    "type",
    "conversation_id",
    "message_id",
    "offer_id",
    "actor_id",
    "sound",
    "created_ms",
    "body",
)

insert_notifications = insert_rows(notifications, _COLUMNS)

_insert_missing = upsert(notifications).on_conflict_do_nothing()
_oldest_kept = (
    select(notifications.c.id)
    .where(notifications.c.user_id == bindparam("user_id"))
    .order_by(notifications.c.id.desc())
    .limit(1)
    .offset(bindparam("kept"))
)
_drop_old = delete(notifications).where(
    notifications.c.user_id == bindparam("user_id"),
    or_(
        notifications.c.created_ms <= bindparam("since_ms"),
        notifications.c.id <= _oldest_kept.scalar_subquery(),
    ),
)

# Written out: PostgreSQL takes no partial index for a parameter.
has_notify_all: ColumnElement[bool] = members.c.notify == literal_column("'all'")
"""SQL condition that a member is notified of every message."""

_notifying_messages: Select[Any] = (
    select(log.c.pos, log.c.at_ms, log.c.message_id, log.c.type, log.c.data)
    .join(messages, messages.c.id == log.c.message_id)
    .join(conversations, conversations.c.id == messages.c.conversation_id)
    .where(
        log.c.type.in_(("MessageSent", "StreamStateChanged", "CardReminded")),
        messages.c.deleted_ms.is_(None),
        or_(
            conversations.c.kind == "direct",
            messages.c.extra.is_not(None),
            messages.c.reply_to_id.is_not(None),
            exists().where(members.c.conversation_id == conversations.c.id, has_notify_all),
            and_(conversations.c.notify == "all", conversations.c.member_count <= EVERYONE_MAX),
        ),
    )
)


def notifying_messages(connection: Connection, after: int, until: int) -> Sequence[AnyRow]:
    """Returns the log rows, at positions `after` < position <= `until`, of sent messages, of the ends of streams
    and of reminders of decisions that may notify users. Leaves out plain messages of groups and channels in which
    neither a member's choice nor the conversation's default asks for all notifications."""
    return connection.execute(_notifying_messages.where(log.c.pos > after, log.c.pos <= until)).all()


def notification_values(each: Notification) -> Values:
    """Returns a notification's column values for the statement `insert_notifications`."""
    return (
        each.user_id,
        each.id,
        _MUTED_OFFER if each.counts_only else each.type,
        each.conversation_id,
        each.message_id,
        each.offer_id,
        each.actor_id,
        each.sound,
        each.created_ms,
        each.body if each.outcome == "remove" else None,
    )


def insert_missing(connection: Connection, stored: Sequence[Notification]) -> None:
    """Stores notifications, and skips those whose id exists already."""
    connection.execute(
        _insert_missing, [dict(zip(_COLUMNS, notification_values(each), strict=True)) for each in stored]
    )


def drop_old(connection: Connection, since_ms: Mapping[str, int], kept: int) -> None:
    """For each user in `since_ms` (user id -> milliseconds since 1970), deletes the notifications that were created up
    to that time, and also all but the newest `kept` notifications."""
    connection.execute(
        _drop_old, [{"user_id": user_id, "since_ms": ms, "kept": kept} for user_id, ms in since_ms.items()]
    )


class NotificationRows:
    """Reads notifications and preferences. Implements `core.ports.stores.Notifications`.

    `store_pending` is called before unread notifications are read or changed: it writes the notifications that the
    transaction has not written yet, and returns whether there were any.
    """

    def __init__(self, connection: Connection, store_pending: Callable[[], bool] = lambda: False) -> None:
        self._connection = connection
        self._store_pending = store_pending
        self._unread: dict[tuple[str, str], list[tuple[int, int | None]]] = {}

    def prefetch_unread(self, keys: Collection[tuple[str, str]]) -> None:
        """Reads the unread notifications about messages into a cache, from which `unread_of_messages` takes them until
        notifications are written or marked as read. `keys` are (conversation id, user id)."""
        self._unread.update((key, []) for key in keys)
        for row in self._connection.execute(_unread_of_messages, keys_parameter(keys)):
            self._unread[row.conversation_id, row.user_id].append((row.id, row.root_id))

    def preferences(self, user_ids: Collection[str]) -> Mapping[str, Preferences]:
        keys = keys_parameter([(user_id,) for user_id in user_ids])
        rows = self._connection.execute(_of_users, keys)
        return {row.user_id: _preferences.decode(row.data) for row in rows}

    def of_user(
        self, user_id: str, since_ms: int, before_id: int | None, limit: int, *, unread: bool
    ) -> Sequence[Notification]:
        statement = _notifications.where(notifications.c.user_id == user_id, notifications.c.created_ms > since_ms)
        if before_id is not None:
            statement = statement.where(notifications.c.id < before_id)
        if unread:
            statement = statement.where(_read_ms.is_(None))
        rows = self._connection.execute(statement.order_by(notifications.c.id.desc()).limit(limit))
        return [_to_notification(row) for row in rows]

    def of_keys(self, keys: Collection[tuple[str, int]]) -> Sequence[tuple[Notification, str | None]]:
        given = keys_parameter([(user_id, str(id_)) for user_id, id_ in keys])
        rows = self._connection.execute(_of_keys.order_by(notifications.c.id), given)
        return [(_to_notification(row), row.conversation_name) for row in rows]

    def count_unread(self, user_id: str, since_ms: int) -> int:
        self._store_pending()
        unread = _notifications.where(
            notifications.c.user_id == user_id,
            notifications.c.created_ms > since_ms,
            notifications.c.read_ms.is_(None),
            _read_ms.is_(None),
        )
        return self._connection.execute(unread.with_only_columns(func.count(), maintain_column_froms=True)).scalar_one()

    def unread_offers(self, user_id: str, conversation_ids: Collection[str], since_ms: int) -> Mapping[str, int]:
        if not conversation_ids:
            return {}
        self._store_pending()
        unread = _counted.where(
            notifications.c.user_id == user_id,
            notifications.c.conversation_id.in_(conversation_ids),
            notifications.c.offer_id.is_not(None),
            notifications.c.created_ms > since_ms,
            notifications.c.read_ms.is_(None),
        ).group_by(notifications.c.conversation_id)
        counted = unread.with_only_columns(
            notifications.c.conversation_id, func.count().label("unread"), maintain_column_froms=True
        )
        return {row.conversation_id: row.unread for row in self._connection.execute(counted)}

    def unread_of_messages(self, conversation_id: str, user_id: str) -> Sequence[tuple[int, int | None]]:
        if self._store_pending():
            self._unread.clear()
        key = (conversation_id, user_id)
        if key not in self._unread:
            self.prefetch_unread((key,))
        return self._unread[key]


class WritableNotificationRows(NotificationRows):
    def mark_read(self, user_id: str, ids: Collection[int] | None, now_ms: int) -> Collection[int]:
        self._store_pending()
        self._unread.clear()
        statement = update(notifications).where(notifications.c.user_id == user_id, notifications.c.read_ms.is_(None))
        if ids is not None:
            statement = statement.where(notifications.c.id.in_(ids))
        marked = statement.values(read_ms=now_ms).returning(notifications.c.id)
        return self._connection.execute(marked).scalars().all()

    def mark_decisions_read(
        self, message: Message, user_ids: Collection[str], now_ms: int
    ) -> Mapping[str, Collection[int]]:
        self._store_pending()
        self._unread.clear()
        unread = (
            notifications.c.user_id.in_(user_ids),
            notifications.c.conversation_id == message.conversation_id,
            notifications.c.read_ms.is_(None),
        )
        statement = update(notifications).where(*unread, notifications.c.message_id == message.id, _of_decision)
        marked = statement.values(read_ms=now_ms).returning(notifications.c.user_id, notifications.c.id)
        found: dict[str, list[int]] = {}
        for row in self._connection.execute(marked):
            found.setdefault(row.user_id, []).append(row.id)
        return found


def _to_notification(row: AnyRow) -> Notification:
    return Notification(
        id=row.id,
        user_id=row.user_id,
        type=row.type,
        title=without_direction_marks(row.title or ""),
        body=_body(row),
        conversation_id=row.conversation_id,
        actor_id=row.actor_id,
        created_ms=row.created_ms,
        message_id=row.message_id,
        offer_id=row.offer_id,
        sound=row.sound,
        read_ms=row.shown_read_ms,
        outcome=_outcome(row),
        thread_id=row.thread_id,
        notes_of=row.notes_of,
    )


def _outcome(row: AnyRow) -> Outcome | None:
    """Returns what a notification of moderation says: the report's state to the reporter, the moderator's action to the
    author, `remove` if there is no report. None for other notifications."""
    if row.state is None:
        return "remove" if row.type == _MODERATION else None
    outcome: Outcome = row.state if row.reporter_id == row.user_id else row.action
    return outcome


def _body(row: AnyRow) -> str:
    if row.type == "invitation":
        return row.conversation_name or ""
    if row.type == _MODERATION:
        return (row.body or row.decision or "")[:BODY_MAX_LENGTH]
    if row.type == "offer":
        return row.offer_title or ""
    if row.message_id is None:
        return ""
    return row.content or attached_names(row.extra)[:BODY_MAX_LENGTH]


# --- events -----------------------------------------------------------------------------------------------------------


def _preferences_changed(workspace: Workspace, event: PreferencesChanged) -> None:
    workspace.connection.execute(delete(preferences).where(preferences.c.user_id == event.user_id))
    values = {"user_id": event.user_id, "data": to_json(event.preferences)}
    workspace.connection.execute(insert(preferences), values)
    user = find_users(workspace, (event.user_id,)).get(event.user_id)
    if user is not None and user.read_receipts != event.preferences.read_receipts:
        change_user(workspace, event.user_id, read_receipts=event.preferences.read_receipts)


PROJECTIONS: Projections = MappingProxyType(
    {PreferencesChanged: _preferences_changed, CallMissed: nothing, CallRecorded: nothing, NotificationsRead: nothing}
)
