"""Native apps: the Matrix Push Gateway API, with a gateway that answers as its specification says."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from talkwire.commands import CreateConversation
from talkwire.testing import temporary_server
from talkwire.testing.server import TemporaryServer
from tests.push.conftest import LOOPBACK, fill
from tests.push.push_service import PushService, Rest, rest_of
from tests.waiting import until_asked

NOTIFY = "/_matrix/push/v1/notify"


def _notifications(service: PushService) -> list[dict[str, Any]]:
    assert {each.line for each in service.received.requests} <= {f"POST {NOTIFY} HTTP/1.1"}
    return [json.loads(each.body)["notification"] for each in service.received.requests]


async def _arrived(service: PushService, count: int) -> list[dict[str, Any]]:
    await service.until(lambda: len(service.received.requests) >= count)
    return _notifications(service)


async def _subscribe(rest: Rest, service: PushService, by: str = "bob", push_key: str = "phone-1") -> dict[str, Any]:
    body = {"kind": "gateway", "url": f"{service.url}{NOTIFY}", "appId": "com.example.app", "pushKey": push_key}
    found: dict[str, Any] = await rest("PUT", "users/me/push", by, json=body)
    return found


def _without(found: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in found.items() if name not in names}


async def test_a_notification_and_its_dismissal(server: TemporaryServer, service: PushService, rest: Rest) -> None:
    subscription = await _subscribe(rest, service)
    assert "endpoint" not in subscription
    message = await server.chat.send_message("team", sender="alice", content="@bob look")
    (shown,) = await _arrived(service, 1)
    assert _without(shown, "content", "devices") == {
        "event_id": str(message.id),
        "room_id": "team",
        "room_name": "Team",
        "type": "m.room.message",
        "sender": "alice",
        "sender_display_name": "alice",
        "prio": "high",
        "counts": {"unread": 1},
    }
    assert (shown["content"]["msgtype"], shown["content"]["body"]) == ("m.text", "@bob look")
    assert shown["content"]["talkwire"]["type"] == "mention"
    (device,) = shown["devices"]
    assert _without(device, "pushkey_ts") == {
        "app_id": "com.example.app",
        "pushkey": "phone-1",
        "data": {},
        "tweaks": {"sound": "default"},
    }
    await rest("POST", "conversations/team/read", "bob")
    dismissed = (await _arrived(service, 2))[1]
    assert "event_id" not in dismissed
    assert dismissed["counts"] == {"unread": 0}
    assert dismissed["content"]["talkwire"] == {"type": "dismiss", "ids": [str(message.id)], "badge": 0}


async def test_an_invitation_is_an_event_of_a_member(server: TemporaryServer, service: PushService, rest: Rest) -> None:
    await _subscribe(rest, service)
    body = {"kind": "group", "name": "Club", "memberIds": ["bob"]}
    await rest("POST", "conversations", "alice", 201, json=body)
    (shown,) = await _arrived(service, 1)
    assert (shown["type"], shown["membership"], shown["user_is_target"]) == ("m.room.member", "invite", True)
    assert (shown["room_name"], shown["prio"]) == ("Club", "low")
    assert server.url


async def test_a_rejected_push_key_ends_its_subscription(
    server: TemporaryServer, service: PushService, rest: Rest
) -> None:
    service.body = json.dumps({"rejected": ["phone-1"]}).encode()
    for key in ("phone-1", "phone-2"):
        await _subscribe(rest, service, push_key=key)
    await server.chat.send_message("pair", sender="alice", content="Hello")
    await _arrived(service, 2)

    async def has_one() -> bool:
        return len((await rest("GET", "users/me/push", "bob"))["items"]) == 1

    await until_asked(has_one)


@pytest.mark.parametrize(
    ("level", "has"),
    [
        ("sender", lambda shown: shown["sender_display_name"] == "alice" and "content" not in shown),
        ("none", lambda shown: set(shown) == {"event_id", "room_id", "prio", "counts", "devices"}),
    ],
)
async def test_the_gateway_gets_no_more_than_push_content_says(
    service: PushService, level: str, has: Callable[[dict[str, Any]], bool]
) -> None:
    async with temporary_server(push_allow=LOOPBACK, push_content=level) as server, rest_of(server) as rest:
        await fill(server)
        await server.chat.execute(CreateConversation("group", ("alice", "bob"), name="Secret", id="secret"))
        await _subscribe(rest, service)
        await server.chat.send_message("pair", sender="alice", content="a secret")
        (shown,) = await _arrived(service, 1)
        assert has(shown), shown
        assert "secret" not in json.dumps(shown)
