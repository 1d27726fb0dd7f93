"""Tells the users who are connected here what calls for their attention, right after it happened.

Messages are judged by what the directory has in memory: of the many that nobody is notified of, each costs two looks
into dictionaries. What is rare and needs somebody's name is asked of the database first.
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
    """The chat, as far as it knows names."""

    def execute(self, actor: Actor, command: FindOccasionNames) -> Awaitable[OccasionNames]: ...


class LiveNotifications:
    """`tell` hands notifications to this node's sockets."""

    def __init__(self, chat: NameFinder, directory: Directory, tell: Callable[[Sequence[Notified]], None]) -> None:
        self._chat = chat
        self._directory = directory
        self._tell = tell
        self._tasks: set[asyncio.Task[None]] = set()
        # By the id of an occasion whose names are being queried: the users that have read its notification meanwhile.
        self._read_by: dict[int, set[str]] = {}

    def follow(self, events: Sequence[News]) -> None:
        """Notifies of a batch of the bus. A notification that its user has read already is left out: devices received
        the `NotificationsRead` before, and would count the notification forever."""
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
        """Waits for what is being asked."""
        await asyncio.gather(*self._tasks)

    def _start(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        # The loop refers to its tasks weakly.
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _concerned(self, occasion: NotificationTrigger) -> bool:
        """Whether anybody here may have to be told."""
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
            names = OccasionNames("", "")  # better nameless than not at all
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
    """Those known here who may have to be told."""
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
