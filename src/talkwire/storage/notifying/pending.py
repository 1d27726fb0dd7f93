"""Notifications that are stored in the same transaction as their event: of decisions that wait for users, mentions,
replies, offers (proposed prices), invitations, missed calls, and of what moderators did.

So the number of unread notifications is exact at each position of the log, and a read receipt finds the notification of
the message that it covers. A batch of commands takes at most three statements for all of its notifications together,
and none if it notifies nobody.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace
from sqlalchemy import Select, exists, select

from talkwire.core.domain.events import (
    CallMissed,
    CardReminded,
    ConversationCreated,
    Durable,
    MemberAdded,
    MemberRemoved,
    OfferCreated,
    OfferUpdated,
    ReportDecided,
    StreamStateChanged,
)
from talkwire.core.domain.membership_facts import ConversationFacts
from talkwire.core.domain.model import (
    Conversation,
    HistoryStart,
    MemberPreferences,
    Notification,
    Preferences,
    dnd_until_ms,
)
from talkwire.core.domain.notifying.notification_rules import (
    EVERYONE_MAX,
    STORED_FOR_ALL,
    NotificationRecipient,
    NotificationTrigger,
    counts_only,
    is_quiet,
    notification,
    reason_of,
    trigger_of,
)
from talkwire.storage.notifying.notifications import insert_notifications, notification_values
from talkwire.storage.schema import blocks, members, preferences, presence, users
from talkwire.storage.sql.batch import Write, write
from talkwire.storage.sql.keys import KEYS, key_text, keys_parameter
from talkwire.storage.sql.values import AnyRow
from talkwire.storage.tables.conversations import known_conversation
from talkwire.storage.workspace import Workspace

OCCASIONS = frozenset(
    {
        OfferCreated,
        OfferUpdated,
        ConversationCreated,
        MemberAdded,
        MemberRemoved,
        CallMissed,
        CardReminded,
        ReportDecided,
        StreamStateChanged,
    }
)
"""Types of the events that may notify users, without `MessageSent`: the workspace stages the messages that may."""

_of_actor = exists().where(blocks.c.user_id == members.c.user_id, blocks.c.blocked_id == key_text(1))
_of_member = (
    *(members.c.conversation_id, members.c.user_id, members.c.muted, members.c.notify, members.c.sound),
    members.c.unmute_ms,
    *(members.c.history_seq, members.c.history_pos),
)

_all_members: Select[Any] = (
    select(
        *_of_member, key_text(1).label("actor_id"), preferences.c.data, presence.c.status, presence.c.status_until_ms
    )
    .add_columns(_of_actor.label("blocks_actor"))
    .select_from(KEYS)
    .join(members, members.c.conversation_id == key_text(0))
    .outerjoin(preferences, preferences.c.user_id == members.c.user_id)
    .outerjoin(presence, presence.c.user_id == members.c.user_id)
    .where(members.c.listed)
)
"""Statement that selects all listed members of conversations with their preferences, their presence and whether they
have blocked the actor. The keys are (conversation id, actor id)."""

_named_members: Select[Any] = _all_members.where(members.c.user_id == key_text(2))
"""Statement that selects single members, with the same columns as `_all_members`. Keys are (conversation id, actor id,
user id)."""

_people: Select[Any] = (
    select(users.c.id, preferences.c.data, presence.c.status, presence.c.status_until_ms)
    .select_from(KEYS)
    .join(users, users.c.id == key_text(0))
    .outerjoin(preferences, preferences.c.user_id == users.c.id)
    .outerjoin(presence, presence.c.user_id == users.c.id)
    .where(users.c.erased.is_(None))
)
"""Statement that selects users with their preferences and their presence, by id."""

_decoder: msgspec.json.Decoder[Preferences] = msgspec.json.Decoder(Preferences)
_USUAL = Preferences()


class PendingNotifications:
    """Collects the events of one transaction that notify users, and writes their notifications in the same
    transaction."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._occasions: list[NotificationTrigger] = []

    def add(self, event: Durable) -> None:
        """Adds an event of the transaction, if it can notify users."""
        occasion = trigger_of(event)
        if occasion is not None and (occasion.everyone or occasion.user_ids):
            self._occasions.append(occasion)

    def store(self) -> bool:
        """Writes the notifications of all events added since the last call of `store` or `take`. Returns whether there
        were any."""
        writes = self.take()
        write(self._workspace.connection, writes)
        return bool(writes)

    def take(self) -> list[Write]:
        """Returns the database writes for the notifications of all events added since the last call of `store` or
        `take`; empty if they notify nobody."""
        for event in self._workspace.take_references():
            self.add(event)
        if not self._occasions:
            return []
        occasions, self._occasions = self._occasions, []
        found = self._listeners(occasions)
        rows = [notification_values(each) for occasion in occasions for each in self._notifications(occasion, found)]
        return [Write(insert_notifications, rows)] if rows else []

    def _notifications(self, occasion: NotificationTrigger, found: _Found) -> Iterator[Notification]:
        if occasion.outcomes:
            yield from self._of_moderation(occasion)
            return
        conversation = self._conversation_of(occasion)
        facts = ConversationFacts.of(conversation)
        for listener in found.of(occasion, conversation):
            reason = reason_of(occasion, facts, listener)
            if reason in STORED_FOR_ALL:
                yield notification(occasion, listener, reason, "", quiet=is_quiet(occasion, listener))
            elif counts_only(occasion, listener):
                yield replace(notification(occasion, listener, "offer", "", quiet=True), counts_only=True)

    def _of_moderation(self, trigger: NotificationTrigger) -> Iterator[Notification]:
        """Yields the notifications of what a moderator did, also for users who have left the conversation."""
        if "remove" in trigger.outcomes.values():
            trigger = trigger._replace(body=self._conversation_of(trigger).name or "")
        keys = keys_parameter([(user_id,) for user_id in trigger.outcomes])
        for row in self._workspace.connection.execute(_people, keys):
            wanted = _USUAL if row.data is None else _decoder.decode(row.data)
            recipient = NotificationRecipient(
                row.id, MemberPreferences(), wanted, (), dnd_until_ms(row.status, row.status_until_ms)
            )
            quiet = is_quiet(trigger, recipient)
            yield notification(trigger, recipient, "moderation", "", quiet=quiet)

    def _listeners(self, occasions: Sequence[NotificationTrigger]) -> _Found:
        whole: set[tuple[str, str]] = set()
        named: set[tuple[str, str, str]] = set()
        for occasion in occasions:
            key = (occasion.listed_in, occasion.actor_id)
            if occasion.outcomes:
                continue
            if _is_for_all(occasion, self._conversation_of(occasion)):
                whole.add(key)
            else:
                named |= {(*key, user_id) for user_id in occasion.user_ids if user_id != occasion.actor_id}
        found = _Found()
        for statement, keys in ((_all_members, whole), (_named_members, named)):
            if keys:
                for row in self._workspace.connection.execute(statement, keys_parameter(sorted(keys))):
                    found.add(row)
        return found

    def _conversation_of(self, occasion: NotificationTrigger) -> Conversation:
        return known_conversation(self._workspace, occasion.listed_in)


class _Found:
    """The members that events may have to notify, by (conversation id, id of the user who acted)."""

    def __init__(self) -> None:
        self._listeners: dict[tuple[str, str], dict[str, NotificationRecipient]] = {}

    def add(self, row: AnyRow) -> None:
        found: tuple[Any, ...] = row
        (
            conversation_id,
            user_id,
            muted,
            notify,
            sound,
            unmute_ms,
            seq,
            pos,
            actor_id,
            data,
            status,
            status_until_ms,
            blocks,
        ) = found
        listener = NotificationRecipient(
            user_id,
            MemberPreferences(muted, notify, sound, unmute_ms),
            _USUAL if data is None else _decoder.decode(data),
            (actor_id,) if blocks else (),
            dnd_until_ms(status, status_until_ms),
            HistoryStart(seq, pos),
        )
        self._listeners.setdefault((conversation_id, actor_id), {})[user_id] = listener

    def of(self, occasion: NotificationTrigger, conversation: Conversation) -> Iterator[NotificationRecipient]:
        listeners = self._listeners.get((occasion.listed_in, occasion.actor_id), {})
        if _is_for_all(occasion, conversation):
            yield from listeners.values()
            return
        for user_id in occasion.user_ids:
            if user_id in listeners:
                yield listeners[user_id]


def _is_for_all(occasion: NotificationTrigger, conversation: Conversation) -> bool:
    return occasion.everyone and conversation.member_count <= EVERYONE_MAX
