"""Payloads of notifications: what a user is notified of according to the user's preferences."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from talkwire.core.commands.notifications import MarkNotificationsRead
from talkwire.core.domain.errors import invalid
from talkwire.core.domain.events import NotificationsRead
from talkwire.core.domain.model import Notification, NotificationType
from talkwire.core.domain.moderation.reports import Outcome
from talkwire.core.features.notifying.notifications import IDS_MAX
from talkwire.payloads.payload import Payload, iso, iso_or_none


class NotificationPayload(Payload, frozen=True):
    """A notification. `title` is the name of the user who caused it. `body` is the start of a message, an offer's
    title, a conversation's name or the reason of a decision. `threadId` is present if the message is a reply in a
    thread. `readAt` is missing while the notification and its message are unread. `quiet` is true for a user who does
    not want to be disturbed: the client counts the notification without an alert or a sound. For the type `moderation`,
    `title` and `actorId` are empty, and `outcome` is the moderators' decision: `dismissed` or `resolved` for a report
    by the user, otherwise the action against the user or the user's message. `notesOf` is present if the message is a
    note: the conversation that it is about."""

    id: str
    type: NotificationType
    title: str
    body: str
    conversation_id: str
    actor_id: str
    created_at: str
    message_id: str | None = None
    offer_id: str | None = None
    sound: str | None = None
    read_at: str | None = None
    quiet: Literal[True] | None = None
    outcome: Outcome | None = None
    thread_id: str | None = None
    notes_of: str | None = None


def notification_payload(notification: Notification, *, quiet: bool = False) -> NotificationPayload:
    read_ms = notification.read_ms
    return NotificationPayload(
        id=str(notification.id),
        type=notification.type,
        title=notification.title,
        body=notification.body,
        conversation_id=notification.conversation_id,
        actor_id=notification.actor_id,
        created_at=iso(notification.created_ms),
        message_id=_text(notification.message_id),
        offer_id=_text(notification.offer_id),
        sound=notification.sound,
        read_at=iso_or_none(read_ms),
        quiet=True if quiet else None,
        outcome=notification.outcome,
        thread_id=_text(notification.thread_id),
        notes_of=notification.notes_of,
    )


def _text(id_: int | None) -> str | None:
    return None if id_ is None else str(id_)


class MarkNotificationsReadPayload(Payload, frozen=True):
    """The notifications to mark as read: either the listed `ids`, or every one with `all: true`."""

    ids: Annotated[tuple[str, ...], msgspec.Meta(max_length=IDS_MAX)] | None = None
    all: Literal[True] | None = None


def to_mark_notifications_read(given: MarkNotificationsReadPayload) -> MarkNotificationsRead:
    if (given.ids is None) == (given.all is None):
        raise invalid("ids", "give either ids, or all: true")
    return MarkNotificationsRead(given.ids)


class NotificationsReadPayload(Payload, frozen=True):
    """The notifications that were just marked as read: either the listed `ids`, or every one with `all: true`. `unread`
    is the number of notifications that are still unread."""

    unread: int
    ids: tuple[str, ...] | None = None
    all: Literal[True] | None = None


def notifications_read_payload(event: NotificationsRead) -> NotificationsReadPayload:
    if event.ids is None:
        return NotificationsReadPayload(event.unread, all=True)
    return NotificationsReadPayload(event.unread, ids=tuple(map(str, event.ids)))
