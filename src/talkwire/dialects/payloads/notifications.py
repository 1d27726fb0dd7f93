"""Payloads of notifications."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from talkwire.core.domain.events import NotificationsRead
from talkwire.core.domain.model import Notification, NotificationType
from talkwire.core.features.notifying.notifications import IDS_MAX
from talkwire.dialects.payload import Payload, iso


class NotificationPayload(Payload, frozen=True):
    """A notification. `title` is the name of the user who caused it. `body` is the start of a message, an offer's title
    or a conversation's name. `readAt` is missing while the notification and its message are unread. `quiet` is true in
    the event for a user who does not want to be disturbed: the client counts it without showing or sounding an
    alert."""

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


def notification_payload(notification: Notification, *, quiet: bool = False) -> NotificationPayload:
    message_id, offer_id, read_ms = notification.message_id, notification.offer_id, notification.read_ms
    return NotificationPayload(
        id=str(notification.id),
        type=notification.type,
        title=notification.title,
        body=notification.body,
        conversation_id=notification.conversation_id,
        actor_id=notification.actor_id,
        created_at=iso(notification.created_ms),
        message_id=None if message_id is None else str(message_id),
        offer_id=None if offer_id is None else str(offer_id),
        sound=notification.sound,
        read_at=None if read_ms is None else iso(read_ms),
        quiet=True if quiet else None,
    )


class MarkNotificationsReadPayload(Payload, frozen=True):
    """The notifications to mark as read: either `ids`, or all."""

    ids: Annotated[tuple[str, ...], msgspec.Meta(max_length=IDS_MAX)] | None = None
    all: Literal[True] | None = None


class NotificationsReadPayload(Payload, frozen=True):
    """The notifications that were read: either `ids`, or all. `unread` is the number of those that are still unread."""

    unread: int
    ids: tuple[str, ...] | None = None
    all: Literal[True] | None = None


def notifications_read_payload(event: NotificationsRead) -> NotificationsReadPayload:
    if event.ids is None:
        return NotificationsReadPayload(event.unread, all=True)
    return NotificationsReadPayload(event.unread, ids=tuple(map(str, event.ids)))
