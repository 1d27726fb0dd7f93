"""Notifies connected users right after an event.

Messages are decided with the directory's memory alone: a message that notifies nobody costs two dictionary lookups.
Other events are rare and need a name, which is read from the database first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Protocol

from talkwire.core.commands.notifications import FindOccasionNames, OccasionNames
from talkwire.core.connected.directory import USUAL, Directory, DirectoryEntry
from talkwire.core.connected.memberships import ConversationMembership
from talkwire.core.domain.actors import NOTIFIER
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.events import (
    CallMissed,
    ConversationCreated,
    MemberAdded,
    MessageSent,
    News,
    NotificationsRead,
    Notified,
    OfferCreated,
    OfferUpdated,
)
from talkwire.core.domain.model import WHOLE, Actor, ConversationKind
from talkwire.core.features.notifying.notification_rules import (
    EVERYONE_MAX,
    NotificationRecipient,
    NotificationTrigger,
    notification,
    occasion_of,
    occasion_of_message,
    reason_of,
    wants_quiet,
)

_OTHER_OCCASIONS = (OfferCreated, OfferUpdated, ConversationCreated, MemberAdded, CallMissed)


class NameFinder(Protocol):
    """The part of the chat that looks up names."""

    def execute(self, actor: Actor, command: FindOccasionNames) -> Awaitable[OccasionNames]: ...


class LiveNotifications:
    """Creates notifications from events and passes them to `tell`."""

    def __init__(self, chat: NameFinder, directory: Directory, tell: Callable[[Sequence[Notified]], None]) -> None:
        self._chat = chat
        self._directory = directory
        self._tell = tell
        self._tasks: set[asyncio.Task[None]] = set()
        # Id of a trigger whose names are being queried -> the users who have read its notification meanwhile.
        self._read_by: dict[int, set[str]] = {}

    def follow(self, events: Sequence[News]) -> None:
        """Handles a batch of events.

        Notifications that their user has already read are left out: devices have received the `NotificationsRead`
        before, and would count the notification forever.
        """
        circle_of, eager_of = self._directory.circles.get, self._directory.eager.of
        told: list[Notified] = []
        for event in events:
            if type(event) is MessageSent:
                message = event.message
                circle = circle_of(message.conversation_id)
                if circle is None or message.imported:
                    continue
                eager_ids = eager_of(message.conversation_id)
                if circle.kind == "direct" or eager_ids or message.mentions or message.mentions_all or message.reply_to:
                    told += self._notified(occasion_of_message(event), circle, eager_ids, message.sender_name)
            elif isinstance(event, _OTHER_OCCASIONS):
                occasion = occasion_of(event)
                if occasion is not None and self._concerned(occasion):
                    self._read_by[occasion.id] = set()
                    self._start(self._tell_with_names(occasion))
            elif isinstance(event, NotificationsRead):
                told = [each for each in told if not _has_read(event, each)]
                self._note_read(event)
        if told:
            self._tell(told)

    async def close(self) -> None:
        """Waits for the name lookups in progress."""
        await asyncio.gather(*self._tasks)

    def _start(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _concerned(self, occasion: NotificationTrigger) -> bool:
        """Returns whether a connected user may have to be notified."""
        circle = self._directory.circles.get(occasion.conversation_id)
        candidates = () if circle is None else _candidates(occasion, circle, ())
        return any(self._directory.connected(user_id) for user_id in candidates)

    def _note_read(self, read: NotificationsRead) -> None:
        for id_ in self._read_by if read.ids is None else self._read_by.keys() & read.ids:
            self._read_by[id_].add(read.user_id)

    async def _tell_with_names(self, occasion: NotificationTrigger) -> None:
        try:
            names = await self._chat.execute(NOTIFIER, FindOccasionNames(occasion.actor_id, occasion.conversation_id))
        except ChatError:
            names = OccasionNames("", "")  # a notification without names is better than none
        finally:
            read_by = self._read_by.pop(occasion.id)
        if occasion.type == "invitation":
            occasion = occasion._replace(body=names.conversation)
        circle = self._directory.circles.get(occasion.conversation_id)
        if circle is not None:
            told = self._notified(occasion, circle, (), names.actor)
            told = [each for each in told if each.user_id not in read_by]
            if told:
                self._tell(told)

    def _notified(
        self, occasion: NotificationTrigger, circle: ConversationMembership, eager_ids: Collection[str], title: str
    ) -> list[Notified]:
        kind: ConversationKind = circle.kind or "group"
        told: list[Notified] = []
        for user_id in _candidates(occasion, circle, eager_ids):
            entry = None if user_id == occasion.actor_id else self._directory.connected(user_id)
            if entry is None or occasion.conversation_id not in entry.conversation_ids:
                continue
            listener = _listener(user_id, entry, occasion.conversation_id)
            reason = reason_of(occasion, kind, circle.member_count, listener)
            if reason is not None:
                quiet = wants_quiet(listener, occasion.at_ms)
                told.append(Notified(user_id, notification(occasion, listener, reason, title, quiet=quiet), quiet))
        return told


def _has_read(read: NotificationsRead, told: Notified) -> bool:
    return read.user_id == told.user_id and (read.ids is None or told.notification.id in read.ids)


def _candidates(
    occasion: NotificationTrigger, circle: ConversationMembership, eager_ids: Collection[str]
) -> Collection[str]:
    """Returns the cached users who may have to be notified."""
    is_direct_message = circle.kind == "direct" and occasion.message is not None
    if is_direct_message or (occasion.everyone and circle.member_count <= EVERYONE_MAX):
        return tuple(circle.user_ids)
    return dict.fromkeys((*eager_ids, *occasion.user_ids))


def _listener(user_id: str, entry: DirectoryEntry, conversation_id: str) -> NotificationRecipient:
    return NotificationRecipient(
        user_id,
        entry.member_preferences.get(conversation_id, USUAL),
        entry.preferences,
        entry.blocked_ids,
        entry.presence is not None and entry.presence.status == "dnd",
        entry.histories.get(conversation_id, WHOLE),
    )
