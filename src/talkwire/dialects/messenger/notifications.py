"""Events of the messenger dialect about notifications: a new notification, and notifications that were read."""

from __future__ import annotations

from talkwire.core.commands.notifications import MarkNotificationsRead
from talkwire.core.domain.errors import invalid
from talkwire.core.domain.events import Event, NotificationsRead, Notified
from talkwire.dialects.dialect import Inbound, Outbound
from talkwire.payloads.notifying.notifications import (
    MarkNotificationsReadPayload,
    NotificationPayload,
    notification_payload,
    notifications_read_payload,
)
from talkwire.payloads.replies import Reply


class NotificationsReadReply(Reply, frozen=True, kw_only=True):
    """The acknowledgement after notifications were marked as read: the number of notifications that are still
    unread."""

    unread: int


def _to_command(payload: MarkNotificationsReadPayload) -> MarkNotificationsRead:
    if (payload.ids is None) == (payload.all is None):
        raise invalid("ids", "give either ids, or all: true")
    return MarkNotificationsRead(payload.ids)


def _reply(unread: int) -> NotificationsReadReply:
    return NotificationsReadReply(unread=unread)


def _notification(event: Notified) -> NotificationPayload:
    return notification_payload(event.notification, quiet=event.quiet)


INBOUND = {
    "notifications:read": Inbound(
        MarkNotificationsReadPayload, _to_command, _reply, summary="Mark notifications as read."
    ),
}

OUTBOUND: dict[type[Event], tuple[Outbound, ...]] = {
    Notified: (
        Outbound(
            "notification",
            _notification,
            summary="This user has a new notification, according to the user's preferences.",
        ),
    ),
    NotificationsRead: (
        Outbound(
            "notification:read",
            notifications_read_payload,
            summary="Notifications of this user were read, on any device, directly or by reading their messages.",
        ),
    ),
}
