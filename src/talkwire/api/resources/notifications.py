"""Routes of `/api/v1/notifications` and `/api/v1/users/me/push`: the caller's stored notifications, and the caller's
devices that receive pushes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from litestar import get
from litestar.params import JSONBody
from litestar.types import ControllerRouterHandler

from talkwire.api.http.bodies import ListAnswer
from talkwire.api.http.dependencies import GivenCaller, GivenChat, GivenPushKey, GivenPushUrlCheck
from talkwire.api.http.device import USER_AGENT_MAX_LENGTH, GivenDevice
from talkwire.api.http.idempotency import GivenKey
from talkwire.api.operation_routes import PREFIX, routes_of
from talkwire.core.commands.notifications import (
    NotificationPage,
    PutPushSubscription,
)
from talkwire.core.domain.errors import ChatError, invalid
from talkwire.core.domain.model import PushSubscription, PushTarget
from talkwire.egress import RefusedUrl
from talkwire.identity.callers import Caller
from talkwire.operations.users import notifications
from talkwire.payloads.notifying.notifications import (
    MarkNotificationsReadPayload,
    NotificationPayload,
    notification_payload,
    to_mark_notifications_read,
)
from talkwire.payloads.notifying.pushes import (
    PushKeyPayload,
    PushSubscriptionPayload,
    SubscribePayload,
    push_subscription_payload,
)
from talkwire.push.push_gateway import NOTIFY_PATH
from talkwire.push.vapid import check_device_keys


class MarkNotificationsReadBody(MarkNotificationsReadPayload, frozen=True):
    __doc__ = MarkNotificationsReadPayload.__doc__


class NotificationsAnswer(ListAnswer[NotificationPayload], frozen=True):
    """A page of the caller's notifications. `unread` is the number of all unread notifications, on this page or not."""

    unread: int


async def _listed(page: NotificationPage, *_: object) -> NotificationsAnswer:
    return NotificationsAnswer(tuple(map(notification_payload, page.items)), page.next, page.unread)


async def mark_notifications_read(
    data: JSONBody[MarkNotificationsReadBody], caller: GivenCaller, chat: GivenChat, key: GivenKey
) -> None:
    await chat.execute(caller.actor, to_mark_notifications_read(data), key)


notification_routes = routes_of(
    notifications.NOTIFICATIONS,
    answers={"GET /notifications": _listed},
    handlers={"POST /notifications/read": mark_notifications_read},
)


# --- pushes ---------------------------------------------------------------------------------------------------------

PushKey = Callable[[], Awaitable[str]]
"""Function that returns the server's public key for web push."""


UrlCheck = Callable[[str], object]
"""Function that raises RefusedUrl for the address of a push service that the server may not reach."""


async def no_push_key() -> str:
    raise ChatError("unavailable", "This server sends no pushes.")


@get(
    f"{PREFIX}/push/key",
    summary="Get the server's public key for push subscriptions of browsers",
    tags=["notifications"],
)
async def get_push_key(caller: GivenCaller, push_key: GivenPushKey) -> PushKeyPayload:  # noqa: ARG001 (only for users)
    return PushKeyPayload(await push_key())


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


async def _subscribed(
    found: tuple[PushSubscription, ...], _command: object, caller: Caller, *_: object
) -> ListAnswer[PushSubscriptionPayload]:
    return ListAnswer(tuple(push_subscription_payload(each, caller.session_id) for each in found), None)


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


push_routes: list[ControllerRouterHandler] = [
    get_push_key,
    *routes_of(
        notifications.PUSHES,
        answers={"GET /users/me/push": _subscribed},
        handlers={"PUT /users/me/push": put_push_subscription},
    ),
]
