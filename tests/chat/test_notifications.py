"""Notifications and notification preferences, over sockets and REST."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.chat.chat_server import running_chat
from tests.chat.conftest import World, world_at
from tests.waiting import until_asked

NOBODY = {"enabled": True, "from": "00:00", "to": "00:00", "timeZone": "Europe/Berlin"}


async def stored(world: World, name: str, count: int, **query: object) -> list[dict[str, Any]]:
    """Waits until this many notifications are stored, shortly after their cause, and returns them."""
    items: list[dict[str, Any]] = []

    async def are_stored() -> bool:
        nonlocal items
        answer = await world.request("GET", "/api/v1/notifications", by=name, params=query)
        assert answer.status_code == 200, answer.text
        items = answer.json()["items"]
        return len(items) >= count

    await until_asked(are_stored)
    assert len(items) == count
    return items


async def prefer(world: World, name: str, path: str, body: object) -> Any:  # noqa: ANN401 (JSON)
    answer = await world.request("PUT", f"/api/v1/{path}/preferences", by=name, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_all_devices_are_notified_of_a_direct_message_except_the_senders(world: World) -> None:
    conversation = await world.conversation("alice", "bob", kind="direct")
    alice, phone, desktop = [await world.connect(name) for name in ("alice", "bob", "bob")]
    message = await alice.send_message(conversation, "Hello")
    for device in (phone, desktop):
        assert await device.next("notification") == {
            "id": message["id"],
            "type": "direct",
            "title": message["sender"]["name"],
            "body": "Hello",
            "conversationId": conversation,
            "messageId": message["id"],
            "actorId": world.id_of("alice"),
            "sound": "default",
            "createdAt": message["createdAt"],
        }
    assert await alice.pending("notification") == []


async def test_in_a_group_mentions_and_replies_cause_notifications(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    alice, bob = await world.connect("alice"), await world.connect("bob")
    question = await bob.send_message(conversation, "who?")
    await alice.send_message(conversation, "plain")
    await alice.send_message(conversation, f"@{world.id_of('bob')} you")
    await alice.send_message(conversation, "me", replyToId=question["id"])
    received = [await bob.next("notification") for _ in range(2)]
    assert [(each["type"], each["body"]) for each in received] == [
        ("mention", f"@{world.id_of('bob')} you"),
        ("reply", "me"),
    ]
    assert await bob.pending("notification") == []
    await prefer(world, "bob", f"conversations/{conversation}", {"notify": "all", "sound": "gong"})
    assert await bob.next("conversation:preferences") == {
        "conversationId": conversation,
        "muted": False,
        "notify": "all",
        "sound": "gong",
        "favourite": False,
        "archived": False,
        "mutedUntil": None,
        "section": None,
    }
    await alice.send_message(conversation, "plain again")
    all_received = await bob.next("notification")
    assert (all_received["type"], all_received["body"], all_received["sound"]) == ("message", "plain again", "gong")
    await prefer(world, "bob", f"conversations/{conversation}", {"muted": True})
    await alice.send_message(conversation, "plain and muted")
    await alice.send_message(conversation, f"@{world.id_of('bob')} hush")
    quiet = await bob.next("notification")
    assert (quiet["type"], quiet["body"], quiet["quiet"]) == ("mention", f"@{world.id_of('bob')} hush", True)
    assert "sound" not in quiet


async def test_offers_and_invitations_cause_notifications(world: World) -> None:
    alice, bob = await world.connect("alice"), await world.connect("bob")
    body = {"kind": "group", "name": "Market", "memberIds": [world.id_of("bob")]}
    conversation = (await alice.done("conversation:create", body))["conversation"]["id"]
    received = await bob.next("notification")
    assert (received["type"], received["title"], received["body"]) == (
        "invitation",
        world.id_of("alice").title(),
        "Market",
    )
    offer = {"conversationId": conversation, "title": "A bicycle", "amount": 1, "currency": "EUR"}
    made = (await alice.done("offer:create", offer))["offer"]
    received = await bob.next("notification")
    assert (received["type"], received["body"], received["offerId"]) == ("offer", "A bicycle", made["id"])
    await bob.done("offer:update", {"offerId": made["id"], "status": "accepted"})
    received = await alice.next("notification")
    assert (received["type"], received["title"], received["offerId"]) == (
        "offer",
        world.id_of("bob").title(),
        made["id"],
    )


async def test_an_unanswered_call_is_missed(world: World) -> None:
    conversation = await world.conversation("alice", "bob", kind="direct")
    alice, bob = await world.connect("alice"), await world.connect("bob")
    call = await alice.done("call:invite", {"callId": "c1", "conversationId": conversation})
    await bob.next("call:invite")
    await alice.done("call:hangup", {"callId": call["callId"], "conversationId": conversation})
    received = await bob.next("notification")
    assert (received["type"], received["title"]) == ("missed-call", world.id_of("alice").title())
    assert await alice.pending("notification") == []


async def test_missed_notifications_are_listed_and_marked_as_read(world: World) -> None:
    direct = await world.conversation("alice", "bob", kind="direct")
    group = await world.conversation("alice", "bob")
    alice = await world.connect("alice")
    first = await alice.send_message(direct, "one")
    await alice.send_message(direct, "two")
    await alice.send_message(group, "@all three")
    items = await stored(world, "bob", 3)
    assert [each["body"] for each in items] == ["@all three", "two", "one"]
    page = await world.request("GET", "/api/v1/notifications", by="bob", params={"limit": 2})
    assert page.json()["next"] == items[1]["id"]
    rest = await world.request("GET", "/api/v1/notifications", by="bob", params={"cursor": page.json()["next"]})
    assert rest.json() == {"items": [items[2]], "next": None, "unread": 3}
    marked = await world.request("POST", "/api/v1/notifications/read", by="bob", json={"ids": [first["id"]]})
    assert marked.status_code == 204
    bob = await world.connect("bob")
    await bob.done("message:read", {"conversationId": group})
    unread = await stored(world, "bob", 1, unread="true")
    assert [each["body"] for each in unread] == ["two"]
    assert ["readAt" in each for each in await stored(world, "bob", 3)] == [True, False, True]
    await alice.done("message:delete", {"messageId": first["id"]})
    assert [each["body"] for each in await stored(world, "bob", 3)] == ["@all three", "two", ""]
    await world.request("POST", "/api/v1/notifications/read", by="bob", json={"all": True})
    assert await stored(world, "bob", 0, unread="true") == []
    # A user who was online is notified, and nothing is stored.
    await alice.send_message(direct, "four")
    assert (await bob.next("notification"))["body"] == "four"
    await stored(world, "bob", 3)


async def test_other_devices_are_notified_of_read_notifications(world: World) -> None:
    group = await world.conversation("alice", "bob")
    alice, phone, laptop = [await world.connect(name) for name in ("alice", "bob", "bob")]
    sent = [await alice.send_message(group, f"@all {number}") for number in range(3)]
    live = [await laptop.next("notification") for _ in sent]
    items = await stored(world, "bob", 3)
    assert [each["id"] for each in items] == [each["id"] for each in reversed(live)]
    assert await phone.done("notifications:read", {"ids": [live[0]["id"]]}) == {"success": True, "unread": 2}
    assert await laptop.next("notification:read") == {"ids": [live[0]["id"]], "unread": 2}
    await phone.done("message:read", {"conversationId": group, "messageId": sent[1]["id"]})
    assert await laptop.next("notification:read") == {"ids": [live[1]["id"]], "unread": 1}
    await world.request("POST", "/api/v1/notifications/read", by="bob", json={"all": True})
    assert await laptop.next("notification:read") == {"all": True, "unread": 0}
    assert await alice.pending("notification:read") == []
    answer = await phone.refused("notifications:read", {})
    assert answer["code"] == "invalid_request"


@pytest.mark.parametrize("body", [{}, {"ids": None}, {"all": False}, {"ids": ["x"]}, {"ids": ["1"], "all": True}])
async def test_a_request_that_marks_nothing_is_refused(world: World, body: dict[str, object]) -> None:
    await world.conversation("bob")
    answer = await world.request("POST", "/api/v1/notifications/read", by="bob", json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "invalid_request")


async def test_preferences_are_stored_and_reach_other_devices(world: World) -> None:
    await world.conversation("bob")
    bob = await world.connect("bob")
    usual = (await world.request("GET", "/api/v1/users/me/preferences", by="bob")).json()
    assert set(usual["notify"].values()) == {True}
    assert set(usual["sounds"].values()) == {"default"}
    assert usual["doNotDisturb"] == {
        "enabled": False,
        "from": "22:00",
        "to": "07:00",
        "timeZone": "UTC",
        "days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"],
    }
    wanted = {
        "notify": usual["notify"] | {"missedCalls": False, "offers": False},
        "sounds": usual["sounds"] | {"direct": "bell-2.mp3", "mentions": None},
        "doNotDisturb": {
            "enabled": True,
            "from": "23:30",
            "to": "06:15",
            "timeZone": "Asia/Tokyo",
            "days": ["sat", "sun"],
        },
        "readReceipts": False,
    }
    assert usual["readReceipts"] is True
    assert await prefer(world, "bob", "users/me", wanted) == wanted
    assert (await world.request("GET", "/api/v1/users/me/preferences", by="bob")).json() == wanted
    assert await bob.next("preferences:updated") == wanted
    assert await prefer(world, "bob", "users/me", {}) == usual | {"readReceipts": False}, "which only changes if named"


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"doNotDisturb": {"from": "24:00"}}, "doNotDisturb.from"),
        ({"doNotDisturb": {"to": "7:00"}}, "doNotDisturb.to"),
        ({"doNotDisturb": {"timeZone": "Mars/Olympus"}}, "doNotDisturb.timeZone"),
        ({"doNotDisturb": {"days": ["someday"]}}, "doNotDisturb.days[0]"),
        ({"sounds": {"direct": "../ring"}}, "sounds.direct"),
        ({"notify": {"direct": "yes"}}, "notify.direct"),
    ],
)
async def test_invalid_preferences_are_refused(world: World, body: dict[str, object], path: str) -> None:
    await world.conversation("bob")
    answer = await world.request("PUT", "/api/v1/users/me/preferences", by="bob", json=body)
    assert answer.status_code == 422, answer.text
    assert [detail["path"] for detail in answer.json()["error"]["details"]] == [path]


async def test_do_not_disturb_makes_notifications_quiet(world: World) -> None:
    conversation = await world.conversation("alice", "bob", kind="direct")
    alice, bob = await world.connect("alice"), await world.connect("bob")
    await prefer(world, "bob", "users/me", {"doNotDisturb": NOBODY})
    await alice.send_message(conversation, "psst")
    received = await bob.next("notification")
    assert (received["body"], received["quiet"]) == ("psst", True)
    kept = (await stored(world, "bob", 1))[0]
    assert kept["id"] == received["id"]
    assert kept.keys().isdisjoint({"sound", "quiet"})
    assert "sound" not in received
    await prefer(world, "bob", "users/me", {})
    await bob.done("presence:set", {"status": "dnd"})
    await alice.send_message(conversation, "hey")
    assert [each["body"] for each in await stored(world, "bob", 2)] == ["hey", "psst"]
    received = await bob.next("notification")
    assert (received["body"], received["quiet"]) == ("hey", True)
    await bob.done("presence:set", {"status": "online"})
    await alice.send_message(conversation, "hello")
    received = await bob.next("notification")
    assert (received["body"], received["sound"]) == ("hello", "default")
    assert "quiet" not in received


async def test_a_conversation_is_muted_for_a_time(world: World) -> None:
    conversation = await world.conversation("alice", "bob", kind="direct")
    path = f"conversations/{conversation}"
    alice, bob = await world.connect("alice"), await world.connect("bob")
    until = "2100-01-31T12:00:00.000Z"
    saved = await prefer(world, "bob", path, {"muted": True, "mutedUntil": "2100-01-31T13:00:00+01:00"})
    assert (saved["muted"], saved["mutedUntil"]) == (True, until)
    event = await bob.next("conversation:preferences")
    assert (event["muted"], event["mutedUntil"]) == (True, until)
    seen = (await world.request("GET", f"/api/v1/{path}", by="bob")).json()
    assert (seen["muted"], seen["mutedUntil"]) == (True, until)
    assert "mutedUntil" not in (await world.request("GET", f"/api/v1/{path}", by="alice")).json()
    await alice.send_message(conversation, "hush")
    soon = (datetime.now(UTC) + timedelta(milliseconds=300)).isoformat()
    await prefer(world, "bob", path, {"muted": True, "mutedUntil": soon})

    async def has_ended() -> bool:
        return not (await world.request("GET", f"/api/v1/{path}", by="bob")).json()["muted"]

    await until_asked(has_ended)
    await alice.send_message(conversation, "hello")
    assert (await bob.next("notification"))["body"] == "hello"
    for end, message in (("2000-01-01T00:00:00Z", "must be in the future"), ("soon", "must be a time")):
        answer = await world.request(
            "PATCH", f"/api/v1/{path}/preferences", by="bob", json={"muted": True, "mutedUntil": end}
        )
        assert (answer.status_code, answer.json()["error"]["code"]) == (422, "invalid_request")
        assert message in answer.text
        assert "mutedUntil" in answer.text


async def test_non_members_have_no_conversation_preferences(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    for there in (conversation, "nowhere"):
        for method, body in (("GET", None), ("PUT", {"muted": True})):
            path = f"/api/v1/conversations/{there}/preferences"
            answer = await world.request(method, path, by="mallory", json=body)
            assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden")


async def test_a_killed_server_still_stores_notifications_of_offline_users(tmp_path: Path) -> None:
    count = 30
    with running_chat(tmp_path) as server:
        async with world_at(server) as world:
            conversation = await world.conversation("alice", "bob", kind="direct")
            alice = await world.connect("alice")
            await asyncio.gather(
                *(
                    alice.done("message:send", {"conversationId": conversation, "content": str(number)})
                    for number in range(count)
                )
            )
            server.process.kill()
            server.process.wait()
            suffix = world.id_of("")
    with running_chat(tmp_path) as server:
        async with world_at(server) as world:
            world._suffix = suffix.removeprefix("-")
            items = await stored(world, "bob", count)
            assert [each["body"] for each in items] == [str(number) for number in reversed(range(count))]
