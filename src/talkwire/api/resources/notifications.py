"""`/api/v1/notifications`: the caller's stored notifications."""

from __future__ import annotations

import time
from typing import Annotated, Literal

import msgspec
from litestar import Router, get, post
from litestar.params import FromQuery, JSONBody, QueryParameter
from litestar.status_codes import HTTP_204_NO_CONTENT

from talkwire.api.http.bodies import Body, ListAnswer
from talkwire.api.http.dependencies import GivenCaller, GivenChat
from talkwire.api.http.idempotency import GivenKey
from talkwire.core.commands.notifications import ListNotifications, MarkNotificationsRead
from talkwire.core.domain.errors import invalid
from talkwire.core.features.notifying.notifications import IDS_MAX
from talkwire.dialects.payloads.notifications import NotificationPayload, notification_payload

Limit = Annotated[int, QueryParameter(ge=1, le=100, description="The number of items in a page")]
Unread = Annotated[bool, QueryParameter(description="Only unread notifications")]


class MarkNotificationsReadBody(Body, frozen=True):
    """Which notifications to mark as read: either `ids`, or all."""

    ids: Annotated[tuple[str, ...], msgspec.Meta(max_length=IDS_MAX)] | None = None
    all: Literal[True] | None = None


class NotificationsAnswer(ListAnswer[NotificationPayload], frozen=True):
    """A page of notifications. `unread` is the number of all unread notifications, on this page or not."""

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
