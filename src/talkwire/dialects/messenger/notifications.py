"""What calls for the user's attention."""

from __future__ import annotations

from talkwire.core.events import Event, Notified
from talkwire.dialects.dialect import Outbound
from talkwire.dialects.payloads.notifications import NotificationPayload, notification_payload


def _notification(event: Notified) -> NotificationPayload:
    return notification_payload(event.notification)


OUTBOUND: dict[type[Event], tuple[Outbound, ...]] = {
    Notified: (
        Outbound("notification", _notification, summary="A notification for the user, as their preferences ask for."),
    ),
}
