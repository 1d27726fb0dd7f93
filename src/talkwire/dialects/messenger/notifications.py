"""Events of the messenger dialect about notifications: a new notification, and notifications that were read."""

from __future__ import annotations

from talkwire.core.domain.events import Event, NotificationsRead, Notified
from talkwire.dialects.dialect import Inbound, Outbound
from talkwire.dialects.operation_events import events_of
from talkwire.operations.users import notifications
from talkwire.payloads.notifying.notifications import (
    MarkNotificationsReadPayload,
    NotificationPayload,
    notification_payload,
    notifications_read_payload,
    to_mark_notifications_read,
)
from talkwire.payloads.replies import Reply


class NotificationsReadReply(Reply, frozen=True, kw_only=True):
    """The acknowledgement after notifications were marked as read: the number of notifications that are still
    unread."""

    unread: int


def _reply(unread: int) -> NotificationsReadReply:
    return NotificationsReadReply(unread=unread)


def _notification(event: Notified) -> NotificationPayload:
    return notification_payload(event.notification, quiet=event.quiet)


INBOUND = events_of(
    notifications.NOTIFICATIONS,
    entries={"notifications:read": Inbound(MarkNotificationsReadPayload, to_mark_notifications_read, _reply)},
)

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
