"""Routes of `/api/v1/notifications` and `/api/v1/users/me/push`: the caller's stored notifications, and the caller's
devices that receive pushes."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Annotated, Literal
from urllib.parse import urlsplit

import msgspec
from litestar import Router, delete, get, post, put
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from litestar.status_codes import HTTP_204_NO_CONTENT

from talkwire.api.http.bodies import Body, ListAnswer
from talkwire.api.http.dependencies import GivenCaller, GivenChat, GivenPushKey, GivenPushUrlCheck
from talkwire.api.http.device import USER_AGENT_MAX_LENGTH, GivenDevice
from talkwire.api.http.idempotency import GivenKey
from talkwire.core.commands.notifications import (
    DropPushSubscription,
    ListNotifications,
    ListPushSubscriptions,
    MarkNotificationsRead,
    PutPushSubscription,
)
from talkwire.core.domain.errors import ChatError, invalid
from talkwire.core.domain.model import PushTarget
from talkwire.core.features.notifying.notifications import IDS_MAX
from talkwire.egress import RefusedUrl
from talkwire.payloads.notifying.notifications import NotificationPayload, notification_payload
from talkwire.payloads.notifying.pushes import (
    PushKeyPayload,
    PushSubscriptionPayload,
    SubscribePayload,
    push_subscription_payload,
)
from talkwire.push.push_gateway import NOTIFY_PATH
from talkwire.push.vapid import check_device_keys

Limit = Annotated[int, QueryParameter(ge=1, le=100, description="The number of items in a page")]
Unread = Annotated[bool, QueryParameter(description="Only unread notifications")]


class MarkNotificationsReadBody(Body, frozen=True):
    """The notifications to mark as read: either the listed `ids`, or every one with `all: true`."""

    ids: Annotated[tuple[str, ...], msgspec.Meta(max_length=IDS_MAX)] | None = None
    all: Literal[True] | None = None


class NotificationsAnswer(ListAnswer[NotificationPayload], frozen=True):
    """A page of the caller's notifications. `unread` is the number of all unread notifications, on this page or not."""

    unread: int


@get("/", summary="List the caller's notifications, newest first (at most 1,000 of the last 30 days)")
async def list_notifications(
    caller: GivenCaller,
    chat: GivenChat,
    cursor: FromQuery[str | None] = None,
    limit: Limit = 50,
    unread: Unread = False,  # noqa: FBT002 (a query parameter)
) -> NotificationsAnswer:
    now_ms = time.time_ns() // 1_000_000
    page = await chat.execute(caller.actor, ListNotifications(now_ms, cursor, limit, unread))
    return NotificationsAnswer(tuple(map(notification_payload, page.items)), page.next, page.unread)


@post("/read", status_code=HTTP_204_NO_CONTENT, summary="Mark notifications as read")
async def mark_notifications_read(
    data: JSONBody[MarkNotificationsReadBody], caller: GivenCaller, chat: GivenChat, key: GivenKey
) -> None:
    if (data.ids is None) == (data.all is None):
        raise invalid("ids", "give either ids, or all: true")
    await chat.execute(caller.actor, MarkNotificationsRead(data.ids), key)


notifications_router = Router(
    "/notifications", route_handlers=[list_notifications, mark_notifications_read], tags=["notifications"]
)


# --- pushes ---------------------------------------------------------------------------------------------------------

PushKey = Callable[[], Awaitable[str]]
"""Returns the server's public key."""


UrlCheck = Callable[[str], object]
"""Raises RefusedUrl for the address of a push service that the server may not reach."""


async def no_push_key() -> str:
    raise ChatError("unavailable", "This server sends no pushes.")


@get("/push/key", summary="Get the server's public key for push subscriptions of browsers")
async def get_push_key(caller: GivenCaller, push_key: GivenPushKey) -> PushKeyPayload:  # noqa: ARG001 (only for users)
    return PushKeyPayload(await push_key())


@put("/users/me/push", summary="Subscribe a device to push notifications, or renew its subscription")
async def put_push_subscription(
    data: JSONBody[SubscribePayload],
    caller: GivenCaller,
    chat: GivenChat,
    check_push_url: GivenPushUrlCheck,
    device: GivenDevice,
) -> PushSubscriptionPayload:
    target = _checked_target(data, check_push_url)
    user_agent = (data.user_agent or device.user_agent)[:USER_AGENT_MAX_LENGTH]
    command = PutPushSubscription(target, caller.session_id, data.device_id, user_agent, data.renew)
    return push_subscription_payload(await chat.execute(caller.actor, command), caller.session_id)


@get("/users/me/push", summary="List the caller's devices that receive push notifications, last renewed first")
async def list_push_subscriptions(caller: GivenCaller, chat: GivenChat) -> ListAnswer[PushSubscriptionPayload]:
    found = await chat.execute(caller.actor, ListPushSubscriptions())
    return ListAnswer(tuple(push_subscription_payload(each, caller.session_id) for each in found), None)


@delete("/users/me/push/{subscription_id:str}", summary="Unsubscribe a device from push notifications")
async def delete_push_subscription(subscription_id: FromPath[str], caller: GivenCaller, chat: GivenChat) -> None:
    await chat.execute(caller.actor, DropPushSubscription(subscription_id))


def _checked_target(data: SubscribePayload, check: UrlCheck) -> PushTarget:
    """Returns the target of pushes (the push service's address and the device's keys) that the body of a subscription
    describes. `check` raises RefusedUrl for an address that the server may not reach. Raises `invalid_request` for such
    an address, a missing member, or invalid keys."""
    if data.kind == "web":
        if data.endpoint is None or data.keys is None:
            raise invalid("endpoint" if data.endpoint is None else "keys", "is missing")
        flaw = check_device_keys(data.keys.p256dh, data.keys.auth)
        if flaw is not None:
            raise invalid(f"keys.{flaw}", "must be the key of a browser's subscription, in base64url")
        _check_url(data.endpoint, "endpoint", check)
        return PushTarget("web", data.endpoint, data.keys.p256dh, data.keys.auth)
    for member, value in (("url", data.url), ("appId", data.app_id), ("pushKey", data.push_key)):
        if value is None:
            raise invalid(member, "is missing")
    url = data.url or ""
    _check_url(url, "url", check)
    if urlsplit(url).path != NOTIFY_PATH:
        raise invalid("url", f"must end with {NOTIFY_PATH}")
    return PushTarget("gateway", url, app_id=data.app_id, push_key=data.push_key)


def _check_url(url: str, member: str, check: UrlCheck) -> None:
    """Raises `invalid_request`, with `member` as the name of the invalid member, if `check` refuses the URL as a target
    of pushes.

    Does not resolve the URL's host name; its addresses are checked at each connection. So users cannot find out which
    names and addresses the server can look up or reach.
    """
    try:
        check(url)
    except RefusedUrl as refused:
        raise invalid(member, str(refused)) from None


push_router = Router(
    "/",
    route_handlers=[get_push_key, put_push_subscription, list_push_subscriptions, delete_push_subscription],
    tags=["notifications"],
)
