"""Stores notifications in the transaction of what they are about: mentions, replies, offers, invitations, missed calls.

So the number of unread notifications is exact at each position of the log, and a read receipt finds the notification of
the message that it covers. A batch takes at most three statements for all of its notifications together, and none where
nobody is named.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec
from sqlalchemy import Connection

from talkwire.core.domain.events import (
    CallMissed,
    ConversationCreated,
    Durable,
    MemberAdded,
    OfferCreated,
    OfferUpdated,
)
from talkwire.core.domain.model import Conversation, Notification, Preferences
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
from talkwire.core.features.users.preferences import preferences_of
from talkwire.storage.sql.batch import BatchStatements, Write
from talkwire.storage.sql.keys import keys_parameter
from talkwire.storage.tables.rows import AnyRow, Values, to_member
from talkwire.storage.workspace import Workspace

OCCASIONS = frozenset({OfferCreated, OfferUpdated, ConversationCreated, MemberAdded, CallMissed})
"""Events that may notify users. Messages that may are noted by the workspace."""

_decoder: msgspec.json.Decoder[Preferences] = msgspec.json.Decoder(Preferences)
_USUAL = Preferences()


class PendingNotifications:
    """The notifications of one transaction, until they are written."""

    def __init__(self, connection: Connection, workspace: Workspace, bulk: BatchStatements) -> None:
        self._connection = connection
        self._workspace = workspace
        self._bulk = bulk
        self._occasions: list[NotificationTrigger] = []

    def note(self, event: Durable) -> None:
        """Keeps what users may have to be notified of."""
        occasion = occasion_of(event)
        if occasion is not None and (occasion.everyone or occasion.user_ids):
            self._occasions.append(occasion)

    def store(self) -> bool:
        """Writes what was noted since the last time. Returns whether there was anything."""
        writes = self.take()
        self._bulk.write(self._connection, writes)
        return bool(writes)

    def take(self) -> list[Write]:
        """Returns what to write for what was noted since the last time."""
        for event in self._workspace.take_references():
            self.note(event)
        if not self._occasions:
            return []
        occasions, self._occasions = self._occasions, []
        found = self._listeners(occasions)
        rows = [_values(each) for occasion in occasions for each in self._notifications(occasion, found)]
        return [Write(self._bulk.insert_notifications, rows)] if rows else []

    def _notifications(self, occasion: NotificationTrigger, found: _Found) -> Iterator[Notification]:
        conversation = self._conversation_of(occasion)
        for listener in found.of(occasion, conversation):
            reason = reason_of(occasion, conversation.kind, conversation.member_count, listener)
            if reason in STORED_FOR_ALL:
                yield notification(occasion, listener, reason, "", quiet=wants_quiet(listener, occasion.at_ms))

    def _listeners(self, occasions: Sequence[NotificationTrigger]) -> _Found:
        whole: set[tuple[str, str]] = set()
        named: set[tuple[str, str, str]] = set()
        for occasion in occasions:
            key = (occasion.conversation_id, occasion.actor_id)
            if _is_for_all(occasion, self._conversation_of(occasion)):
                whole.add(key)
            else:
                named |= {(*key, user_id) for user_id in occasion.user_ids if user_id != occasion.actor_id}
        statements, found = self._workspace.lookups.listeners, _Found()
        for statement, keys in ((statements.whole, whole), (statements.named, named)):
            if keys:
                for row in self._connection.execute(statement, keys_parameter(sorted(keys))):
                    found.add(row)
        return found

    def _conversation_of(self, occasion: NotificationTrigger) -> Conversation:
        return self._workspace.known_conversation(occasion.conversation_id)


class _Found:
    """Members that may have to be notified, as they take what one user did in one conversation."""

    def __init__(self) -> None:
        self._listeners: dict[tuple[str, str], dict[str, NotificationRecipient]] = {}

    def add(self, row: AnyRow) -> None:
        member = to_member(row)
        listener = NotificationRecipient(
            member.user_id,
            preferences_of(member),
            _USUAL if row.data is None else _decoder.decode(row.data),
            (row.actor_id,) if row.blocks_actor else (),
            row.status == "dnd",
            member.history,
        )
        self._listeners.setdefault((member.conversation_id, row.actor_id), {})[member.user_id] = listener

    def of(self, occasion: NotificationTrigger, conversation: Conversation) -> Iterator[NotificationRecipient]:
        listeners = self._listeners.get((occasion.conversation_id, occasion.actor_id), {})
        if _is_for_all(occasion, conversation):
            yield from listeners.values()
            return
        for user_id in dict.fromkeys(occasion.user_ids):
            if user_id in listeners:
                yield listeners[user_id]


def _is_for_all(occasion: NotificationTrigger, conversation: Conversation) -> bool:
    return occasion.everyone and conversation.member_count <= EVERYONE_MAX


def _values(each: Notification) -> Values:
    """What a notification's row holds, by `NOTIFICATION_COLUMNS`."""
    return (
        each.user_id,
        each.id,
        each.type,
        each.conversation_id,
        each.message_id,
        each.offer_id,
        each.actor_id,
        each.sound,
        each.created_ms,
    )
