"""Notifications."""

from __future__ import annotations

from talkwire.core.model import Notification, NotificationType
from talkwire.dialects.payloads.payload import Payload, iso


class NotificationPayload(Payload, frozen=True):
    """A notification. `title` is the name of the user who caused it. `body` is the start of a message, an offer's title
    or a conversation's name. `readAt` is missing until it was read, by itself or with its message."""

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


def notification_payload(notification: Notification) -> NotificationPayload:
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
    )
