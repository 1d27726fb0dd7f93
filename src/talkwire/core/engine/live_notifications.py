"""Sends connected users notifications of messages, offers, missed calls and the like, right after the event.

Whether a message notifies somebody is decided from the directory (the cache of users) alone: a message that notifies
nobody costs three dictionary lookups. Other events are rare and need a name, which is read from the database first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence

from talkwire.core.background_tasks import BackgroundTasks
from talkwire.core.commands.notifications import FindOccasionNames, OccasionNames
from talkwire.core.connected.directory import USUAL, Directory, DirectoryEntry
from talkwire.core.connected.memberships import ConversationMembership
from talkwire.core.domain.actors import NOTIFIER
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.events import (
    CallMissed,
    CardReminded,
    ConversationCreated,
    MemberAdded,
    MemberRemoved,
    MessageSent,
    News,
    NotificationsRead,
    Notified,
    OfferCreated,
    OfferUpdated,
    ReportDecided,
    StreamStateChanged,
)
from talkwire.core.domain.membership_facts import ConversationFacts
from talkwire.core.domain.model import WHOLE, dnd_until_ms
from talkwire.core.domain.notifying.notification_rules import (
    EVERYONE_MAX,
    NotificationRecipient,
    NotificationTrigger,
    is_quiet,
    notification,
    notifies_all,
    reason_of,
    trigger_of,
    trigger_of_message,
    was_read_as_stream,
)
from talkwire.core.ports.chat import CommandExecutor

_OTHER_EVENTS = (
    *(OfferCreated, OfferUpdated, ConversationCreated, MemberAdded, MemberRemoved, CallMissed),
    StreamStateChanged,
    CardReminded,
)


class LiveNotifications:
    """Creates notifications for connected users from events, and passes them to `notify`, which sends them."""

    def __init__(
        self, chat: CommandExecutor, directory: Directory, notify: Callable[[Sequence[Notified]], None]
    ) -> None:
        self._chat = chat
        self._directory = directory
        self._notify = notify
        self._tasks = BackgroundTasks()
        # Id of a trigger whose names are being queried -> the users who have read its notification meanwhile.
        self._read_by: dict[int, set[str]] = {}
        # Set once the notifications of the latest event that needed names are sent.
        self._sent = asyncio.Event()
        self._sent.set()

    def follow(self, events: Sequence[News]) -> None:
        """Creates the notifications for a batch of events.

        Notifications that the user reads before they are sent are left out: the user's sockets have then received the
        `NotificationsRead` event first, and would count the notification as unread forever.
        """
        membership_of, notify_all_of = self._directory.memberships.get, self._directory.notify_all.of
        default_of = self._directory.memberships.notify.get
        notified: list[Notified] = []
        for event in events:
            if type(event) is MessageSent:
                message = event.message
                membership = membership_of(message.conversation_id)
                if membership is None or message.imported or message.state is not None:
                    continue
                if (
                    membership.kind == "direct"
                    or notify_all_of(message.conversation_id)
                    or default_of(message.conversation_id) == "all"
                    or message.mentions
                    or message.mentions_all
                    or message.reply_to
                    or message.card
                ):
                    notified += self._notifications_for(trigger_of_message(event), membership, message.sender_name)
            elif isinstance(event, _OTHER_EVENTS):
                trigger = trigger_of(event)
                if trigger is not None and self._may_notify(trigger):
                    self._read_by[trigger.id] = set()
                    earlier, self._sent = self._sent, asyncio.Event()
                    self._tasks.start(self._notify_with_names(trigger, earlier, self._sent))
            elif isinstance(event, ReportDecided):
                trigger = trigger_of(event)
                notified += [] if trigger is None else self._notifications_of(trigger)
            elif isinstance(event, NotificationsRead):
                notified = [each for each in notified if not _has_read(event, each)]
                self._note_read(event)
        if notified:
            self._notify(notified)

    async def close(self) -> None:
        """Waits for the notifications whose names are being read from the database."""
        await self._tasks.wait()

    def _notifications_of(self, trigger: NotificationTrigger) -> list[Notified]:
        """Returns the notifications of what a moderator did, for the users concerned who are connected, even if they
        are not members of the conversation."""
        notified: list[Notified] = []
        for user_id in trigger.outcomes:
            entry = self._directory.connected(user_id)
            if entry is not None:
                recipient = _recipient(user_id, entry, trigger.conversation_id)
                quiet = is_quiet(trigger, recipient)
                notified.append(
                    Notified(user_id, notification(trigger, recipient, "moderation", "", quiet=quiet), quiet)
                )
        return notified

    def _may_notify(self, trigger: NotificationTrigger) -> bool:
        """Returns whether an event may lead to a notification for any connected user, so that names are worth
        reading."""
        membership = self._directory.memberships.get(trigger.conversation_id)
        candidates = trigger.outcomes or (() if membership is None else self._candidates(trigger, membership))
        return any(self._directory.connected(user_id) for user_id in candidates)

    def _note_read(self, read: NotificationsRead) -> None:
        for id_ in self._read_by if read.ids is None else self._read_by.keys() & read.ids:
            self._read_by[id_].add(read.user_id)

    async def _notify_with_names(
        self, trigger: NotificationTrigger, earlier: asyncio.Event, sent: asyncio.Event
    ) -> None:
        """Reads the names that the notifications of one event show, and sends these notifications. Of the end of a
        stream, reads also who has read the message while it was written.

        Sends them only after `earlier` is set, and then sets `sent`, so that notifications that need names keep the
        order of their events. Notifications of messages need no names and may be sent before them.
        """
        try:
            try:
                names = await self._chat.execute(NOTIFIER, self._names_of(trigger))
            except ChatError:
                names = OccasionNames("", "")  # a notification without names is better than none
            await earlier.wait()
        finally:
            read_by = self._read_by.pop(trigger.id)
            sent.set()
        if trigger.type == "invitation" or trigger.outcomes:
            trigger = trigger._replace(body=names.conversation)
        membership = self._directory.memberships.get(trigger.conversation_id)
        notified: list[Notified] = []
        if trigger.outcomes:
            notified = self._notifications_of(trigger)
        elif membership is not None:
            notified = self._notifications_for(trigger, membership, names.actor)
        read_seqs = names.read_seqs
        notified = [
            each
            for each in notified
            if each.user_id not in read_by and not was_read_as_stream(trigger, read_seqs.get(each.user_id, 0))
        ]
        if notified:
            self._notify(notified)

    def _names_of(self, trigger: NotificationTrigger) -> FindOccasionNames:
        """Returns the query for what the notifications of an event show."""
        membership = self._directory.memberships.get(trigger.conversation_id)
        reader_ids: tuple[str, ...] = ()
        if trigger.message is not None and membership is not None:
            found = self._candidates(trigger, membership)
            reader_ids = tuple(user_id for user_id in found if self._directory.connected(user_id))
        return FindOccasionNames(trigger.actor_id, trigger.conversation_id, reader_ids)

    def _notifications_for(
        self, trigger: NotificationTrigger, membership: ConversationMembership, title: str
    ) -> list[Notified]:
        conversation = self._facts(trigger.listed_in, membership)
        notified: list[Notified] = []
        for user_id in self._candidates(trigger, membership):
            entry = None if user_id == trigger.actor_id else self._directory.connected(user_id)
            if entry is None or not entry.lists(trigger.listed_in):
                continue
            recipient = _recipient(user_id, entry, trigger.listed_in)
            reason = reason_of(trigger, conversation, recipient)
            if reason is not None:
                quiet = is_quiet(trigger, recipient)
                notified.append(Notified(user_id, notification(trigger, recipient, reason, title, quiet=quiet), quiet))
        return notified

    def _facts(self, conversation_id: str, membership: ConversationMembership) -> ConversationFacts:
        default = self._directory.memberships.notify.get(conversation_id)
        return ConversationFacts(membership.kind or "group", membership.member_count, default)

    def _candidates(self, trigger: NotificationTrigger, membership: ConversationMembership) -> Collection[str]:
        """Returns the ids of the users who may have to be notified of an event in a conversation, some of whom may not
        be cached."""
        conversation = self._facts(trigger.listed_in, membership)
        is_for_all = trigger.everyone and membership.member_count <= EVERYONE_MAX
        notify_all_ids: Collection[str] = ()
        if trigger.message is not None:
            notify_all_ids = self._directory.notify_all.of(trigger.conversation_id)
            is_for_all = is_for_all or conversation.kind == "direct" or notifies_all(conversation)
        return tuple(membership.user_ids) if is_for_all else dict.fromkeys((*notify_all_ids, *trigger.user_ids))


def _has_read(read: NotificationsRead, notified: Notified) -> bool:
    return read.user_id == notified.user_id and (read.ids is None or notified.notification.id in read.ids)


def _recipient(user_id: str, entry: DirectoryEntry, conversation_id: str) -> NotificationRecipient:
    return NotificationRecipient(
        user_id,
        entry.member_preferences.get(conversation_id, USUAL),
        entry.preferences,
        entry.blocked_ids,
        0 if entry.presence is None else dnd_until_ms(entry.presence.status, entry.presence.status_until_ms),
        entry.histories.get(conversation_id, WHOLE),
    )
