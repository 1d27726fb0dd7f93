"""Rows of notifications and preferences.

A notification's row says what it is about, not what that is called or says: both are read with it, so a deleted message
is not quoted, and what its reader may not see any more is not shown.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

import msgspec
from sqlalchemy import ColumnElement, Connection, Select, and_, case, func, or_, select, update

from talkwire.core.domain.model import MESSAGE_ID_BASE, MemberPreferences, Notification, Preferences
from talkwire.core.features.notifying.notification_rules import BODY_MAX_LENGTH
from talkwire.storage.messages.message_rows import attached_names
from talkwire.storage.schema import conversations, members, messages, notifications, offers, users
from talkwire.storage.sql.keys import keys_parameter
from talkwire.storage.sql.lookups import Lookups
from talkwire.storage.tables.rows import AnyRow

_preferences: msgspec.json.Decoder[Preferences] = msgspec.json.Decoder(Preferences)

_by_reading: ColumnElement[bool] = and_(messages.c.seq.is_not(None), messages.c.seq <= members.c.read_seq)
_read_ms = case((notifications.c.read_ms.is_not(None), notifications.c.read_ms), (_by_reading, members.c.read_ms))

notification_select: Select[tuple[object, ...]] = (
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
        _read_ms.label("shown_read_ms"),
        users.c.name.label("title"),
        func.substr(messages.c.content, 1, BODY_MAX_LENGTH).label("content"),
        messages.c.extra,
        offers.c.title.label("offer_title"),
        conversations.c.name.label("conversation_name"),
    )
    .join(
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
    .where(
        or_(messages.c.seq.is_(None), messages.c.seq > members.c.history_seq),
        or_(notifications.c.offer_id.is_(None), notifications.c.offer_id > MESSAGE_ID_BASE + members.c.history_pos),
    )
)


class NotificationRows:
    """Implements `core.ports.stores.Notifications`. `store_pending` writes what the same transaction has yet to
    write, and returns whether there was anything."""

    def __init__(
        self, connection: Connection, lookups: Lookups, store_pending: Callable[[], bool] = lambda: False
    ) -> None:
        self._connection = connection
        self._lookups = lookups
        self._store_pending = store_pending
        self._unread: dict[tuple[str, str], list[int]] = {}

    def prefetch_unread(self, keys: Collection[tuple[str, str]]) -> None:
        """Reads what `unread_of_messages` will be asked for, by (conversation id, user id)."""
        self._unread.update((key, []) for key in keys)
        for row in self._connection.execute(self._lookups.unread_notifications, keys_parameter(keys)):
            self._unread[row.conversation_id, row.user_id].append(row.id)

    def preferences(self, user_ids: Collection[str]) -> Mapping[str, Preferences]:
        keys = keys_parameter([(user_id,) for user_id in user_ids])
        rows = self._connection.execute(self._lookups.preferences, keys)
        return {row.user_id: _preferences.decode(row.data) for row in rows}

    def member_preferences(self, user_ids: Collection[str]) -> Mapping[str, Mapping[str, MemberPreferences]]:
        keys = keys_parameter([(user_id,) for user_id in user_ids])
        found: dict[str, dict[str, MemberPreferences]] = {}
        for row in self._connection.execute(self._lookups.member_preferences, keys):
            wanted = MemberPreferences(bool(row.muted), row.notify, row.sound)
            found.setdefault(row.user_id, {})[row.conversation_id] = wanted
        return found

    def of_user(
        self, user_id: str, since_ms: int, before_id: int | None, limit: int, *, unread: bool
    ) -> Sequence[Notification]:
        statement = notification_select.where(notifications.c.user_id == user_id, notifications.c.created_ms > since_ms)
        if before_id is not None:
            statement = statement.where(notifications.c.id < before_id)
        if unread:
            statement = statement.where(_read_ms.is_(None))
        rows = self._connection.execute(statement.order_by(notifications.c.id.desc()).limit(limit))
        return [_to_notification(row) for row in rows]

    def count_unread(self, user_id: str, since_ms: int) -> int:
        self._store_pending()
        unread = notification_select.where(
            notifications.c.user_id == user_id,
            notifications.c.created_ms > since_ms,
            notifications.c.read_ms.is_(None),
            _read_ms.is_(None),
        )
        return self._connection.execute(unread.with_only_columns(func.count(), maintain_column_froms=True)).scalar_one()

    def unread_of_messages(self, conversation_id: str, user_id: str, message_id: int) -> Sequence[int]:
        if self._store_pending():
            self._unread.clear()
        key = (conversation_id, user_id)
        if key not in self._unread:
            self.prefetch_unread((key,))
        return [id_ for id_ in self._unread[key] if id_ <= message_id]

    def mark_read(self, user_id: str, ids: Collection[int] | None, now_ms: int) -> Collection[int]:
        self._store_pending()
        self._unread.clear()
        statement = update(notifications).where(notifications.c.user_id == user_id, notifications.c.read_ms.is_(None))
        if ids is not None:
            statement = statement.where(notifications.c.id.in_(ids))
        marked = statement.values(read_ms=now_ms).returning(notifications.c.id)
        return self._connection.execute(marked).scalars().all()


def _to_notification(row: AnyRow) -> Notification:
    return Notification(
        id=row.id,
        user_id=row.user_id,
        type=row.type,
        title=row.title or "",
        body=_body(row),
        conversation_id=row.conversation_id,
        actor_id=row.actor_id,
        created_ms=row.created_ms,
        message_id=row.message_id,
        offer_id=row.offer_id,
        sound=row.sound,
        read_ms=row.shown_read_ms,
    )


def _body(row: AnyRow) -> str:
    if row.type == "invitation":
        return row.conversation_name or ""
    if row.type == "offer":
        return row.offer_title or ""
    if row.message_id is None:
        return ""
    return row.content or attached_names(row.extra)[:BODY_MAX_LENGTH]
