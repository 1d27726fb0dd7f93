"""Stores notifications for who is away: the work of a follower of the log.

The transaction of a mention, a reply, an offer, an invitation and a missed call has stored its notifications already,
for users that are away and others (`alerts.py`). They are stored here again where a node of an older version has
written the event; otherwise the row exists, and only a user's oldest notifications are deleted.

Users that had a socket when something happened were notified then; for those that do not want to be disturbed it is
stored nevertheless. Users that connected afterwards were not notified: the log's position at which they came decides.
When in doubt something is stored that was told already, never the other way round.

Of other nodes it is known up to where each had handed the log out when it last renewed its lease, and who had a socket
there since when, without a break. Of what came after that nothing is said before the node renews its lease again, or
the lease is over.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, Dialect, Select, and_, exists, literal_column, or_, select, text

from talkwire.core.domain.events import Durable, MessageSent
from talkwire.core.domain.model import Conversation, Member, Notification, Preferences
from talkwire.core.features.notifying.notification_rules import (
    EVERYONE_MAX,
    STORED_FOR_ALL,
    NotificationRecipient,
    NotificationTrigger,
    notification,
    occasion_of,
    reason_of,
    wants_quiet,
)
from talkwire.core.features.notifying.notifications import KEPT, KEPT_MS
from talkwire.core.features.users.preferences import preferences_of
from talkwire.storage.clock import now_column
from talkwire.storage.messages.message_rows import read_messages
from talkwire.storage.schema import conversations, log, members, messages, nodes, online, spans
from talkwire.storage.sql.keys import key_text, keys_parameter, keys_table
from talkwire.storage.sql.lookups import Lookups
from talkwire.storage.tables.notifications import NotificationRows
from talkwire.storage.tables.presence import PresenceRows
from talkwire.storage.tables.rows import to_conversation, to_events, to_member

ROWS_MAX = 1000
"""Notifications that are stored at once."""

BEHIND_MS = 5000
"""A node that has not handed out what happened so long before it renewed its lease is not waited for."""

_OTHER_OCCASIONS = ("OfferCreated", "OfferUpdated", "ConversationCreated", "MemberAdded", "CallMissed")

_insert = text(
    "INSERT INTO notifications "
    "(user_id, id, type, conversation_id, message_id, offer_id, actor_id, sound, created_ms) VALUES "
    "(:user_id, :id, :type, :conversation_id, :message_id, :offer_id, :actor_id, :sound, :created_ms) "
    "ON CONFLICT DO NOTHING"
)
_drop_old = text(
    "DELETE FROM notifications WHERE user_id = :user_id AND (created_ms <= :since_ms OR id <= "
    "(SELECT id FROM notifications WHERE user_id = :user_id ORDER BY id DESC LIMIT 1 OFFSET :kept))"
)

IsHere = Callable[[str, int], bool]
"""(user id, log position): whether the user had a socket on this node when that happened, and has one now. From any
thread."""


_Joined = tuple[Member, int]
"""A member, and at which log position they came."""


class _Stay(NamedTuple):
    """A user is on another node: what happened after `since_pos` and up to `pos`, they were told there. `awaited_ms`:
    of what happened since then, that node has yet to say whether they were told it too; None: it will not."""

    since_pos: int
    pos: int
    awaited_ms: int | None


class _Facts(NamedTuple):
    """What is known of the conversations and users whom some occasions concern."""

    conversations: Mapping[str, Conversation]
    members: Mapping[str, Mapping[str, _Joined]]
    preferences: Mapping[str, Preferences]
    blocked_ids: Mapping[str, Collection[str]]
    quiet_ids: Collection[str]
    elsewhere: Mapping[str, Sequence[_Stay]]
    """Who is on other nodes."""


class _NotYetKnownError(Exception):
    """It cannot be said before another node says more."""


class OfflineNotifications:
    """`clock_ms` tells which nodes are alive. `node_id` is this one among others; None: there are none."""

    name = "notifications"
    from_start = False  # the migration has registered it where the log was then
    stretch = 250

    def __init__(
        self, dialect: Dialect, is_here: IsHere, clock_ms: Callable[[], int], node_id: str | None = None
    ) -> None:
        self._is_here = is_here
        self._clock_ms = clock_ms
        self._node_id = node_id
        self._lookups = Lookups(dialect)
        keys = keys_table(dialect)
        first, second = key_text(keys, 0), key_text(keys, 1)
        span = and_(
            spans.c.user_id == members.c.user_id,
            spans.c.conversation_id == members.c.conversation_id,
            spans.c.to_pos.is_(None),
        )
        of_keys = select(members, spans.c.from_pos).select_from(keys)
        whole = members.c.conversation_id == first
        self._members: Select[Any] = of_keys.join(members, whole).join(spans, span)
        self._eager: Select[Any] = self._members.where(_is_eager)
        self._named: Select[Any] = of_keys.join(members, and_(whole, members.c.user_id == second)).join(spans, span)
        self._elsewhere: Select[Any] = (
            select(online.c.user_id, online.c.since_pos, nodes.c.pos, nodes.c.renewed_ms)
            .select_from(keys)
            .join(online, online.c.user_id == first)
            .join(nodes, nodes.c.id == online.c.node_id)
            .where(nodes.c.pos.is_not(None))
        )

    def prepare(self, connection: Connection, after: int, until: int) -> tuple[int, Sequence[Notification]]:
        found = [
            (event.pos, occasion)
            for event in self._events(connection, after, until)
            if (occasion := occasion_of(event)) is not None
        ]
        if not found:
            return until, ()
        facts = self._facts(connection, [occasion for _, occasion in found])
        rows: list[Notification] = []
        for pos, occasion in found:
            if len(rows) >= ROWS_MAX:
                return pos - 1, rows
            try:
                rows += list(self._notifications(pos, occasion, facts))
            except _NotYetKnownError:
                return pos - 1, rows
        return until, rows

    def store(self, connection: Connection, prepared: Sequence[Notification]) -> None:
        if not prepared:
            return
        connection.execute(_insert, [_values(each) for each in prepared])
        newest = {each.user_id: each.created_ms for each in prepared}
        connection.execute(
            _drop_old,
            [{"user_id": id_, "since_ms": ms - KEPT_MS, "kept": KEPT} for id_, ms in newest.items()],
        )

    def _notifications(self, pos: int, occasion: NotificationTrigger, facts: _Facts) -> Iterator[Notification]:
        conversation = facts.conversations.get(occasion.conversation_id)
        if conversation is None:
            return
        for user_id, (member, from_pos) in facts.members.get(conversation.id, {}).items():
            if from_pos > pos:
                continue
            listener = NotificationRecipient(
                user_id,
                preferences_of(member),
                facts.preferences.get(user_id, _PREFERENCES),
                facts.blocked_ids.get(user_id, ()),
                user_id in facts.quiet_ids,
                member.history,
            )
            reason = reason_of(occasion, conversation.kind, conversation.member_count, listener)
            if reason is None:
                continue
            quiet = wants_quiet(listener, occasion.at_ms)
            for_all = quiet or reason in STORED_FOR_ALL
            if for_all or not self._was_told(user_id, pos, occasion.at_ms, facts.elsewhere.get(user_id, ())):
                yield notification(occasion, listener, reason, "", quiet=quiet)

    def _was_told(self, user_id: str, pos: int, at_ms: int, elsewhere: Sequence[_Stay]) -> bool:
        """Raises _NotYetKnownError."""
        if self._is_here(user_id, pos) or any(stay.since_pos < pos <= stay.pos for stay in elsewhere):
            return True
        if any(stay.since_pos < pos and stay.awaited_ms is not None and at_ms >= stay.awaited_ms for stay in elsewhere):
            raise _NotYetKnownError
        return False

    # --- reading ----------------------------------------------------------------------------------------------------

    def _events(self, connection: Connection, after: int, until: int) -> Sequence[Durable]:
        """What somebody may be notified of, in the order of the log."""
        stretch = (log.c.pos > after, log.c.pos <= until)
        rows = connection.execute(select(log).where(*stretch, log.c.type.in_(_OTHER_OCCASIONS)))
        events = to_events(rows)
        found = {row.message_id: row for row in connection.execute(_messages_select.where(*stretch))}
        if found:
            keys = keys_parameter([(str(id_),) for id_ in found])
            for message in read_messages(connection, self._lookups.reactions, self._lookups.messages, keys):
                row = found[message.id]
                events.append(MessageSent(row.pos, row.at_ms, message))
        return sorted(events, key=lambda event: event.pos)

    def _facts(self, connection: Connection, occasions: Sequence[NotificationTrigger]) -> _Facts:
        ids = keys_parameter([(id_,) for id_ in {occasion.conversation_id for occasion in occasions}])
        rows = connection.execute(self._lookups.conversations, ids)
        found = {row.id: to_conversation(row) for row in rows}
        concerned = self._concerned(connection, occasions, found)
        user_ids = {user_id for its_members in concerned.values() for user_id in its_members}
        return _Facts(
            found,
            concerned,
            NotificationRows(connection, self._lookups).preferences(user_ids),
            self._blocked_ids(connection, user_ids),
            self._quiet_ids(connection, user_ids),
            self._stays_elsewhere(connection, user_ids),
        )

    def _concerned(
        self, connection: Connection, occasions: Sequence[NotificationTrigger], found: Mapping[str, Conversation]
    ) -> Mapping[str, Mapping[str, _Joined]]:
        """The members who may have to be told, by conversation."""
        named: set[tuple[str, str]] = set()
        whole: set[str] = set()
        eager: set[str] = set()
        for occasion in occasions:
            conversation = found.get(occasion.conversation_id)
            if conversation is None:
                continue
            is_direct_message = conversation.kind == "direct" and occasion.message is not None
            if is_direct_message or (occasion.everyone and conversation.member_count <= EVERYONE_MAX):
                whole.add(conversation.id)
            elif occasion.message is not None:
                eager.add(conversation.id)
            named |= {(conversation.id, user_id) for user_id in occasion.user_ids}
        concerned: dict[str, dict[str, _Joined]] = {}
        keys_of = ((self._named, named), (self._members, _keys(whole)), (self._eager, _keys(eager - whole)))
        for statement, keys in keys_of:
            if keys:
                for row in connection.execute(statement, keys_parameter(list(keys))):
                    concerned.setdefault(row.conversation_id, {})[row.user_id] = to_member(row), row.from_pos
        return concerned

    def _blocked_ids(self, connection: Connection, user_ids: Collection[str]) -> Mapping[str, Collection[str]]:
        found: dict[str, set[str]] = {}
        for row in connection.execute(self._lookups.blocks, keys_parameter(_keys(user_ids))):
            found.setdefault(row.user_id, set()).add(row.blocked_id)
        return found

    def _quiet_ids(self, connection: Connection, user_ids: Collection[str]) -> Collection[str]:
        records = PresenceRows(connection, self._lookups.presence).records(user_ids)
        return {user_id for user_id, record in records.items() if record.status == "dnd"}

    def _stays_elsewhere(self, connection: Connection, user_ids: Collection[str]) -> Mapping[str, Sequence[_Stay]]:
        if self._node_id is None:
            return {}
        lives = nodes.c.lease_until_ms > now_column(connection.dialect, self._clock_ms)
        others = self._elsewhere.add_columns(lives.label("lives")).where(nodes.c.id != self._node_id)
        found: dict[str, list[_Stay]] = {}
        for row in connection.execute(others, keys_parameter(_keys(user_ids))):
            awaited_ms = row.renewed_ms - BEHIND_MS if row.lives else None
            found.setdefault(row.user_id, []).append(_Stay(row.since_pos, row.pos, awaited_ms))
        return found


_PREFERENCES = Preferences()

# Written out: PostgreSQL takes no partial index for a parameter.
_is_eager = members.c.notify == literal_column("'all'")

_messages_select: Select[Any] = (
    select(log.c.pos, log.c.at_ms, log.c.message_id)
    .join(messages, messages.c.id == log.c.message_id)
    .join(conversations, conversations.c.id == messages.c.conversation_id)
    .where(
        log.c.type == "MessageSent",
        messages.c.deleted_ms.is_(None),
        or_(
            conversations.c.kind == "direct",
            messages.c.extra.is_not(None),
            messages.c.reply_to_id.is_not(None),
            exists().where(members.c.conversation_id == conversations.c.id, _is_eager),
        ),
    )
)
"""Messages that somebody may be notified of: most of those in groups are not among them."""


def _keys(ids: Collection[str]) -> list[tuple[str]]:
    return [(id_,) for id_ in ids]


def _values(stored: Notification) -> dict[str, object]:
    return {
        "user_id": stored.user_id,
        "id": stored.id,
        "type": stored.type,
        "conversation_id": stored.conversation_id,
        "message_id": stored.message_id,
        "offer_id": stored.offer_id,
        "actor_id": stored.actor_id,
        "sound": stored.sound,
        "created_ms": stored.created_ms,
    }
