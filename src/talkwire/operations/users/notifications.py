"""The operations of a user's stored notifications, and of the user's devices that receive pushes."""

from __future__ import annotations

from talkwire.core.clock import now_ms
from talkwire.core.commands.notifications import (
    DropPushSubscription,
    ListNotifications,
    ListPushSubscriptions,
    MarkNotificationsRead,
    PutPushSubscription,
)
from talkwire.operations.operation import OWN, Operation
from talkwire.operations.shapes import InputMember

_TAG = "notifications"

NOTIFICATIONS = (
    Operation(
        ListNotifications,
        route="GET /notifications",
        tag=_TAG,
        summary="List the caller's notifications, newest first (at most 1,000 of the last 30 days)",
        fixed={"now_ms": now_ms},
        members={"unread": InputMember(meaning="Only unread notifications")},
    ),
    Operation(
        MarkNotificationsRead,
        event="notifications:read",
        route="POST /notifications/read",
        tag=_TAG,
        summary="Mark notifications as read",
        unaudited=OWN,
    ),
)

PUSHES = (
    Operation(
        PutPushSubscription,
        route="PUT /users/me/push",
        tag=_TAG,
        summary="Subscribe a device to push notifications, or renew its subscription",
        unaudited=OWN,
    ),
    Operation(
        ListPushSubscriptions,
        route="GET /users/me/push",
        tag=_TAG,
        summary="List the caller's devices that receive push notifications, last renewed first",
    ),
    Operation(
        DropPushSubscription,
        route="DELETE /users/me/push/{subscription_id}",
        tag=_TAG,
        operation_id="deletePushSubscription",
        summary="Unsubscribe a device from push notifications",
        unaudited=OWN,
    ),
)

OPERATIONS = (*NOTIFICATIONS, *PUSHES)
