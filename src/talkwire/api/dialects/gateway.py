"""REST routes for the backends of applications that use the `gateway` dialect: sending events to users, and listing
connected users. All routes need the role `service` or `admin`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from litestar import Router, get, post
from litestar.params import FromPath, JSONBody
from litestar.status_codes import HTTP_200_OK
from litestar.types import ControllerRouterHandler

from talkwire.api.description.counterparts import executes
from talkwire.api.http.bodies import Body, TolerantBody
from talkwire.api.http.dependencies import GivenCaller, GivenChat
from talkwire.api.http.idempotency import GivenKey
from talkwire.core.commands.integration.custom_events import IsConnected, ListConnected, SendToUsers
from talkwire.core.domain.texts import check_id
from talkwire.payloads.payload import Payload


class SendBody(TolerantBody, frozen=True):
    """A custom event to send to one user. `message` is any JSON value; `event` is any event name that Socket.IO does
    not reserve. With `store`, a user who is offline receives the event at the next connect."""

    user_id: str
    event: str
    message: Any
    store: bool = False


class SendManyBody(TolerantBody, frozen=True):
    """A custom event to send to several users. `message` is any JSON value; `event` is any event name that Socket.IO
    does not reserve. With `store`, users who are offline receive the event at their next connect."""

    user_ids: tuple[str, ...]
    event: str
    message: Any
    store: bool = False


class SentAnswer(Body, frozen=True, omit_defaults=True, kw_only=True):
    """The result of sending an event to a user. `success`: the user is connected, and the event was sent. `stored`: the
    user is offline and will receive the event at the next connect."""

    success: bool
    message: str
    stored: bool = False


class SentManyAnswer(SentAnswer, frozen=True, kw_only=True):
    """The result of sending an event to several users. `userIds` are the users who are connected. `success`: at least
    one is connected. `stored`: at least one is offline and will receive the event at the next connect."""

    user_ids: tuple[str, ...]


class StatusAnswer(Payload, frozen=True, omit_defaults=False):
    user_id: str
    connected: bool


class ConnectedAnswer(Payload, frozen=True, omit_defaults=False):
    connected_users: tuple[str, ...]
    count: int


class StatsAnswer(Payload, frozen=True, omit_defaults=False):
    connected_users: int
    user_ids: tuple[str, ...]


@post(
    "/send",
    status_code=HTTP_200_OK,
    summary="Send a custom event to all sockets of a user (role service or admin)",
    opt=executes(SendToUsers),
)
async def send(data: JSONBody[SendBody], caller: GivenCaller, chat: GivenChat, key: GivenKey) -> SentAnswer:
    check_id("userId", data.user_id)
    command = SendToUsers((data.user_id,), data.event, data.message, data.store)
    report = await chat.execute(caller.actor, command, key)
    if report.reached:
        return SentAnswer(success=True, message=f"Message sent to user {data.user_id}")
    return SentAnswer(success=False, message=f"User {data.user_id} is not connected", stored=bool(report.stored))


@post(
    "/send-many",
    status_code=HTTP_200_OK,
    summary="Send a custom event to several users (role service or admin)",
    opt=executes(SendToUsers),
)
async def send_many(
    data: JSONBody[SendManyBody], caller: GivenCaller, chat: GivenChat, key: GivenKey
) -> SentManyAnswer:
    command = SendToUsers(data.user_ids, data.event, data.message, data.store)
    report = await chat.execute(caller.actor, command, key)
    return SentManyAnswer(
        success=bool(report.reached),
        message=f"Message sent to {len(report.reached)} users",
        user_ids=report.reached,
        stored=bool(report.stored),
    )


@get(
    "/status/{user_id:str}",
    summary="Check whether a user is connected (role service or admin)",
    opt=executes(IsConnected),
)
async def get_status(user_id: FromPath[str], caller: GivenCaller, chat: GivenChat) -> StatusAnswer:
    return StatusAnswer(user_id, await chat.execute(caller.actor, IsConnected(user_id)))


@get("/connected", summary="List connected users (role service or admin)", opt=executes(ListConnected))
async def list_connected(caller: GivenCaller, chat: GivenChat) -> ConnectedAnswer:
    user_ids = await chat.execute(caller.actor, ListConnected())
    return ConnectedAnswer(user_ids, len(user_ids))


@get("/stats", summary="Count connected users (role service or admin)", opt=executes(ListConnected))
async def get_stats(caller: GivenCaller, chat: GivenChat) -> StatsAnswer:
    user_ids = await chat.execute(caller.actor, ListConnected())
    return StatsAnswer(len(user_ids), user_ids)


ROUTES: Sequence[ControllerRouterHandler] = (
    Router(
        "/api/gateway",
        route_handlers=[send, send_many, get_status, list_connected, get_stats],
        tags=["gateway"],
    ),
)
