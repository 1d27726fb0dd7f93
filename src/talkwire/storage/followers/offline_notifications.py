"""A follower of the log (a background task that processes its events in order) that stores notifications of plain
messages for users who were offline, and the pushes of notifications for devices without a socket.

Notifications of decisions, mentions, replies, offers, invitations and missed calls are stored in the transaction of the
event itself, whether or not the user is online (`notifying/pending.py`). Here they are pushed, and stored again only if
a node of an older version has written the event. Otherwise the row exists, and only a user's oldest notifications are
deleted.

Users who had a socket when something happened were notified then, except those who do not want to be disturbed. Users
who connected afterwards were not: the log position of their connection decides. In doubt a notification is stored
although the user was notified, never the other way round.

Other nodes state, when they renew their lease, up to which position they had delivered the log, and which users have
had a socket there since which position. About later events nothing is decided until the node renews its lease again, or
its lease ends. If there are push subscriptions, the other nodes are asked first, since a push must not wait for a
lease.

Each of these notifications is also pushed to the user's subscriptions (`notifying/pushes.py`), except to devices that
have a socket on this node (the sender asks the others again), and except quiet ones (stored without alerting a user who
has muted the conversation or must not be disturbed). A push is dismissed when its notification was read, or its message
was deleted. Without any subscription, that costs one statement for each range.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, and_, select

from talkwire.core.domain.events import Durable, MessageDeleted, NotificationsRead
from talkwire.core.domain.membership_facts import ConversationFacts
from talkwire.core.domain.model import Conversation, Member, MemberPreferences, Notification, Preferences, dnd_until_ms
from talkwire.core.domain.notifying.lifetimes import NOTIFICATIONS_KEPT_MS, NOTIFICATIONS_MAX
from talkwire.core.domain.notifying.notification_rules import (
    EVERYONE_MAX,
    STORED_FOR_ALL,
    NotificationRecipient,
    NotificationTrigger,
    is_quiet,
    notification,
    notifies_all,
    reason_of,
    trigger_of,
    was_read_as_stream,
)
from talkwire.storage.clock import now_column
from talkwire.storage.messages.messages import messages_by_id
from talkwire.storage.notifying.notifications import (
    NotificationRows,
    drop_old,
    has_notify_all,
    insert_missing,
    notifying_messages,
)
from talkwire.storage.notifying.pushes import (
    Dismissal,
    NewPush,
    PushDevice,
    add_pushes,
    any_subscriptions,
    devices_of,
    dismiss,
)
from talkwire.storage.schema import log, members, nodes, online, spans
from talkwire.storage.sql.keys import KEYS, key_text, keys_parameter
from talkwire.storage.tables.conversations import read_conversations
from talkwire.storage.tables.log import to_events
from talkwire.storage.tables.members import to_member
from talkwire.storage.tables.presence import PresenceRows
from talkwire.storage.tables.users import blocked_ids_of

RANGE_ROWS_MAX = 1000
"""Approximate number of notifications that one range of the log stores at most."""

BEHIND_MS = 5000
"""Age of an event up to which another node is expected to deliver it after it has renewed its lease, in milliseconds.
For older events that the node had not delivered, its next renewal is not awaited."""

_OTHER_OCCASIONS = ("OfferCreated", "OfferUpdated", "ConversationCreated", "MemberAdded", "CallMissed", "ReportDecided")

IsHere = Callable[[str, int], bool]
"""Function from (user id, log position) to whether the user had a socket on this node at that position, and has one
now. The function can be called from any thread."""

AskOthers = Callable[[Collection[str]], Mapping[str, tuple[int, Mapping[str, int]]]]
"""Function from user ids to what the other nodes reply about these users: node id -> (position up to which the node has
delivered the log, user id -> position since which the user has been connected to the node)."""

IsDeviceHere = Callable[[PushDevice], bool]
"""Function from a push subscription to whether its device has a socket on this node. The function can be called from
any thread."""


_Joined = tuple[Member, int]
"""Pair of a member and the log position at which the member joined."""


class _OnlineElsewhere(NamedTuple):
    """A user's connection to another node. That node has notified the user of events with `since_pos` < position <=
    `pos`.

    The node may also have delivered later events that happened at `awaited_ms` (milliseconds since 1970) or later, but
    has not confirmed that yet. `awaited_ms` None means that it never will, since its lease has ended.
    """

    since_pos: int
    pos: int
    awaited_ms: int | None


class _Facts(NamedTuple):
    """The data needed to decide which users a range of events notifies: the conversations, their members, and the
    members' preferences, blocks, "do not disturb" times and connections to other nodes. Keys are ids of conversations
    or users."""

    conversations: Mapping[str, Conversation]
    members: Mapping[str, Mapping[str, _Joined]]
    preferences: Mapping[str, Preferences]
    blocked_ids: Mapping[str, Collection[str]]
    dnd_until_ms: Mapping[str, int]
    elsewhere: Mapping[str, Sequence[_OnlineElsewhere]]
    """The users that are online on other nodes."""


class _NotYetKnownError(Exception):
    """Whether a user was notified cannot be decided before another node renews its lease, so the event must be tried
    again later."""


@dataclass(frozen=True, slots=True)
class PreparedNotifications:
    """The rows that one range of the log adds: notifications, pushes of them, and dismissals of earlier pushes."""

    rows: Sequence[Notification] = ()
    pushes: Sequence[NewPush] = ()
    dismissals: Sequence[Dismissal] = ()

    @property
    def has_pushes(self) -> bool:
        """True if there are new pushes or dismissals, for which the task that sends pushes must be woken."""
        return bool(self.pushes or self.dismissals)

    def __len__(self) -> int:
        return len(self.rows) + len(self.pushes) + len(self.dismissals)


class OfflineNotifications:
    """A follower's work: derives from the log's events the notifications of users who were offline, and the pushes of
    these notifications.

    `is_here` returns whether a user is connected to this node and was so at a log position, `is_device_here` whether a
    device is connected to it. `ask_others` asks the other nodes which users are connected to them. `node_id` is this
    node's id, or None if there are no other nodes. `clock_ms` is compared with the nodes' leases on SQLite; on
    PostgreSQL the database's clock is.
    """

    name = "notifications"
    from_start = False  # a migration has registered it at the log's end
    range_size = 1000

    def __init__(
        self,
        is_here: IsHere,
        clock_ms: Callable[[], int],
        node_id: str | None = None,
        is_device_here: IsDeviceHere = lambda _: False,
        ask_others: AskOthers = lambda _: {},
    ) -> None:
        self._is_here = is_here
        self._is_device_here = is_device_here
        self._ask_others = ask_others
        self._clock_ms = clock_ms
        self._node_id = node_id

    def prepare(self, connection: Connection, after: int, until: int) -> tuple[int, PreparedNotifications]:
        pushes_are_sent = any_subscriptions(connection)
        reached, found = self._missed(connection, after, until, asks=pushes_are_sent)
        rows = [each for each, _ in found]
        if not pushes_are_sent:
            return reached, PreparedNotifications(rows)
        pushes = self._pushes(connection, [each for each, quiet in found if not quiet])
        return reached, PreparedNotifications(rows, pushes, _dismissals(connection, after, reached))

    def store(self, connection: Connection, prepared: PreparedNotifications) -> None:
        if prepared.rows:
            insert_missing(connection, prepared.rows)
            since_ms = {each.user_id: each.created_ms - NOTIFICATIONS_KEPT_MS for each in prepared.rows}
            drop_old(connection, since_ms, NOTIFICATIONS_MAX)
        if prepared.pushes:
            add_pushes(connection, prepared.pushes)
        for dismissal in prepared.dismissals:
            dismiss(connection, dismissal)

    def _missed(
        self, connection: Connection, after: int, until: int, *, asks: bool
    ) -> tuple[int, Sequence[tuple[Notification, bool]]]:
        """Returns (the log position up to which notifications are decided, the notifications). Each notification is
        paired with whether it is quiet: stored without a push.

        With `asks`, asks the other nodes about users for whom the nodes' leases do not show whether they were notified.
        """
        found = [
            (event.pos, occasion)
            for event in self._events(connection, after, until)
            if (occasion := trigger_of(event)) is not None
        ]
        if not found:
            return until, ()
        facts = self._facts(connection, [occasion for _, occasion in found], found[-1][0] if asks else 0)
        rows: list[tuple[Notification, bool]] = []
        for pos, occasion in found:
            if len(rows) >= RANGE_ROWS_MAX:
                return pos - 1, rows
            try:
                rows += list(self._notifications(pos, occasion, facts))
            except _NotYetKnownError:
                return pos - 1, rows
        return until, rows

    def _pushes(self, connection: Connection, rows: Sequence[Notification]) -> Sequence[NewPush]:
        devices: dict[str, list[PushDevice]] = {}
        for device in devices_of(connection, {each.user_id for each in rows}):
            if not self._is_device_here(device):
                devices.setdefault(device.user_id, []).append(device)
        return [
            NewPush(device.subscription_id, each.id, each.created_ms)
            for each in rows
            for device in devices.get(each.user_id, ())
        ]

    def _notifications(
        self, pos: int, occasion: NotificationTrigger, facts: _Facts
    ) -> Iterator[tuple[Notification, bool]]:
        conversation = facts.conversations.get(occasion.listed_in)
        if conversation is None:
            return
        conversation_facts = ConversationFacts.of(conversation)
        for user_id, (member, from_pos) in facts.members.get(conversation.id, {}).items():
            if from_pos > pos:
                continue
            listener = NotificationRecipient(
                user_id,
                MemberPreferences(member.muted, member.notify, member.sound, member.unmute_ms),
                facts.preferences.get(user_id, _PREFERENCES),
                facts.blocked_ids.get(user_id, ()),
                facts.dnd_until_ms.get(user_id, 0),
                member.history,
            )
            reason = reason_of(occasion, conversation_facts, listener)
            if reason is None:
                continue
            quiet = is_quiet(occasion, listener)
            for_all = (quiet or reason in STORED_FOR_ALL) and not was_read_as_stream(occasion, member.read_seq)
            if for_all or not self._was_notified(user_id, pos, occasion.at_ms, facts.elsewhere.get(user_id, ())):
                yield notification(occasion, listener, reason, "", quiet=quiet), quiet

    def _was_notified(self, user_id: str, pos: int, at_ms: int, elsewhere: Sequence[_OnlineElsewhere]) -> bool:
        """Returns whether a user was connected to a node when the event at log position `pos` happened, at `at_ms`
        (milliseconds since 1970), and so was notified of it. `elsewhere` are the user's connections to other nodes.
        Raises _NotYetKnownError if another node must confirm that first."""
        if self._is_here(user_id, pos) or any(stay.since_pos < pos <= stay.pos for stay in elsewhere):
            return True
        if any(stay.since_pos < pos and stay.awaited_ms is not None and at_ms >= stay.awaited_ms for stay in elsewhere):
            raise _NotYetKnownError
        return False

    # --- reading ----------------------------------------------------------------------------------------------------

    def _events(self, connection: Connection, after: int, until: int) -> Sequence[Durable]:
        """Returns the events of a range that can notify users, such as new messages and offers, in the order of the
        log."""
        positions = (log.c.pos > after, log.c.pos <= until)
        rows = connection.execute(select(log).where(*positions, log.c.type.in_(_OTHER_OCCASIONS)))
        events = to_events(rows)
        sent = notifying_messages(connection, after, until)
        messages = messages_by_id(connection, {row.message_id for row in sent})
        events += to_events([row for row in sent if row.message_id in messages], messages)
        return sorted(events, key=lambda event: event.pos)

    def _facts(self, connection: Connection, occasions: Sequence[NotificationTrigger], ask_up_to: int) -> _Facts:
        ids = {occasion.listed_in for occasion in occasions}
        found = {conversation.id: conversation for conversation in read_conversations(connection, ids)}
        concerned = self._concerned(connection, occasions, found)
        user_ids = {user_id for its_members in concerned.values() for user_id in its_members}
        return _Facts(
            found,
            concerned,
            NotificationRows(connection).preferences(user_ids),
            blocked_ids_of(connection, user_ids),
            self._dnd_until_ms(connection, user_ids),
            self._online_elsewhere(connection, user_ids, ask_up_to),
        )

    def _concerned(
        self, connection: Connection, occasions: Sequence[NotificationTrigger], found: Mapping[str, Conversation]
    ) -> Mapping[str, Mapping[str, _Joined]]:
        """Returns conversation id -> user id -> (member, log position of joining), for the members that the triggers
        `occasions` may notify. `found` has the triggers' conversations by id."""
        named: set[tuple[str, str]] = set()
        whole: set[str] = set()
        notify_all_ids: set[str] = set()
        for occasion in occasions:
            conversation = found.get(occasion.listed_in)
            if conversation is None:
                continue
            is_for_all = occasion.everyone and conversation.member_count <= EVERYONE_MAX
            if occasion.message is not None:
                is_for_all = (
                    is_for_all or conversation.kind == "direct" or notifies_all(ConversationFacts.of(conversation))
                )
            if is_for_all:
                whole.add(conversation.id)
            elif occasion.message is not None:
                notify_all_ids.add(conversation.id)
            named |= {(conversation.id, user_id) for user_id in occasion.user_ids}
        concerned: dict[str, dict[str, _Joined]] = {}
        keys_of = ((_named, named), (_members, _keys(whole)), (_notify_all, _keys(notify_all_ids - whole)))
        for statement, keys in keys_of:
            if keys:
                for row in connection.execute(statement, keys_parameter(list(keys))):
                    concerned.setdefault(row.conversation_id, {})[row.user_id] = to_member(row), row.from_pos
        return concerned

    def _dnd_until_ms(self, connection: Connection, user_ids: Collection[str]) -> Mapping[str, int]:
        records = PresenceRows(connection).records(user_ids)
        return {id_: dnd_until_ms(record.status, record.status_until_ms) for id_, record in records.items()}

    def _online_elsewhere(
        self, connection: Connection, user_ids: Collection[str], ask_up_to: int
    ) -> Mapping[str, Sequence[_OnlineElsewhere]]:
        """Returns user id -> the user's connections to other nodes. Asks the other nodes about a user if a living
        node's lease has not confirmed the events up to log position `ask_up_to`; with 0, never asks."""
        if self._node_id is None:
            return {}
        lives = nodes.c.lease_until_ms > now_column(connection.dialect, self._clock_ms)
        others = _elsewhere.add_columns(lives.label("lives")).where(nodes.c.id != self._node_id)
        rows = connection.execute(others, keys_parameter(_keys(user_ids))).all()
        undecided = {row.user_id for row in rows if row.lives and row.pos < ask_up_to}
        answers = self._ask_others(undecided) if undecided else {}
        found: dict[str, list[_OnlineElsewhere]] = {}
        for row in rows:
            awaited_ms = row.renewed_ms - BEHIND_MS if row.lives else None
            stay: _OnlineElsewhere | None = _OnlineElsewhere(row.since_pos, row.pos, awaited_ms)
            if row.user_id in undecided and row.node_id in answers:
                pos, since = answers[row.node_id]
                # A user who has left that node meanwhile is notified once more rather than not at all.
                stay = _OnlineElsewhere(since[row.user_id], pos, awaited_ms) if row.user_id in since else None
            if stay is not None:
                found.setdefault(row.user_id, []).append(stay)
        return found


_PREFERENCES = Preferences()

_span = and_(
    spans.c.user_id == members.c.user_id,
    spans.c.conversation_id == members.c.conversation_id,
    spans.c.to_pos.is_(None),
)
_of_keys = select(members, spans.c.from_pos).select_from(KEYS)
_of_conversation = and_(members.c.conversation_id == key_text(0), members.c.listed)
_members: Select[Any] = _of_keys.join(members, _of_conversation).join(spans, _span)
_notify_all: Select[Any] = _members.where(has_notify_all)
_named: Select[Any] = _of_keys.join(members, and_(_of_conversation, members.c.user_id == key_text(1))).join(
    spans, _span
)
_elsewhere: Select[Any] = (
    select(online.c.user_id, online.c.node_id, online.c.since_pos, nodes.c.pos, nodes.c.renewed_ms)
    .select_from(KEYS)
    .join(online, online.c.user_id == key_text(0))
    .join(nodes, nodes.c.id == online.c.node_id)
    .where(nodes.c.pos.is_not(None))
)


def _keys(ids: Collection[str]) -> list[tuple[str]]:
    return [(id_,) for id_ in ids]


def _dismissals(connection: Connection, after: int, until: int) -> Sequence[Dismissal]:
    """Returns the dismissals of pushes that the events with `after` < position <= `until` cause, in the order of the
    log: of notifications that were read, and of messages that were deleted."""
    within = (log.c.pos > after, log.c.pos <= until)
    deleted = select(log.c.pos, log.c.at_ms, log.c.message_id).where(*within, log.c.type == MessageDeleted.__name__)
    read = select(log).where(*within, log.c.type == NotificationsRead.__name__)
    events = [event for event in to_events(connection.execute(read)) if isinstance(event, NotificationsRead)]
    user_ids = {device.user_id for device in devices_of(connection, {event.user_id for event in events})}
    found = [(event.pos, Dismissal.of_read(event)) for event in events if event.user_id in user_ids]
    found += [(row.pos, Dismissal(row.at_ms, None, (row.message_id,))) for row in connection.execute(deleted)]
    return [dismissal for _, dismissal in sorted(found, key=lambda each: each[0])]
