"""The `gateway` dialect on a real server: connecting, events in both directions, and listing connected users."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from talkwire.dialects.gateway.vocabulary import GATEWAY
from talkwire.dialects.messenger import MESSENGER
from tests.chat.chat_server import in_process, jump_ahead, running_chat, serving
from tests.chat.conftest import World, world_at
from tests.chat.dialects.gateway_client import (
    EVENTS,
    SEND,
    bodies,
    connect,
    events_until_done,
    leave,
    next_of,
    say,
    send,
)

# --- connecting -----------------------------------------------------------------------------------------------------


async def test_a_client_receives_the_welcome_event(world: World) -> None:
    client = await world.open(dialect=GATEWAY)
    await client.sign_in({"token": world.server.token(world.id_of("alice"))})
    assert await client.next("connected") == {
        "message": "Successfully connected to WebSocket",
        "userId": world.id_of("alice"),
        "socketId": client.socket_id,
    }


@pytest.mark.parametrize("namespace", ["/gateway", "/"])
async def test_a_client_with_an_invalid_token_receives_an_error_and_is_disconnected(
    world: World, namespace: str
) -> None:
    client = await world.open(dialect=GATEWAY, namespace=namespace, query={"dialect": "gateway"})
    await client.sign_in({"token": "no token"})
    assert await client.next("error") == {"message": "Authentication failed"}
    await client.wait_disconnected()
    assert not client.events


async def test_a_disconnected_client_may_reconnect_with_a_valid_token(world: World) -> None:
    client = await world.open(dialect=GATEWAY)
    await client.sign_in()
    await client.wait_disconnected()
    await client.sign_in({"token": world.server.token(world.id_of("alice"))})
    assert (await client.next("connected"))["userId"] == world.id_of("alice")


async def test_events_of_a_disconnected_client_are_ignored(world: World) -> None:
    client = await world.open(dialect=GATEWAY)
    await client.sign_in()
    await client.emit("message", "hello")
    await client.wait_disconnected()
    await client.sign_in({"token": world.server.token(world.id_of("alice"))})
    await client.next("connected")
    assert [name for name, _ in client.events] == ["error"]


async def test_another_dialect_refuses_with_connect_error(world: World) -> None:
    client = await world.open(dialect=MESSENGER)
    with pytest.raises(Exception, match="Authentication failed"):
        await client.sign_in({"token": "no token"})


async def test_the_root_namespace_may_use_the_gateway_dialect(tmp_path: Path) -> None:
    with running_chat(tmp_path, {"TALKWIRE_DIALECT": "gateway"}) as server:
        async with world_at(server) as world:
            client = await world.open(dialect=GATEWAY, namespace="/")
            client.custom_events |= EVENTS
            await client.sign_in({"token": world.server.token("alice")})
            assert (await client.next("connected"))["userId"] == "alice"
            await client.emit("message", "hello")
            assert (await client.next("messageReceived"))["data"]["receivedMessage"] == "hello"
            assert (await send_to(world, "alice", "alert", 1))["success"] is True


async def send_to(world: World, user_id: str, event: str, message: object, **further: object) -> Any:  # noqa: ANN401 (JSON)
    return await world.service("POST", SEND, {"userId": user_id, "event": event, "message": message, **further})


async def test_a_banned_user_receives_an_error_and_is_disconnected(world: World) -> None:
    client = await connect(world, "alice")
    path = f"/api/v1/users/{world.id_of('alice')}/ban"
    assert (await world.request("PUT", path, by="operator", role="admin", json={})).is_success
    assert await client.next("error") == {"message": "This user is banned"}
    await client.wait_disconnected()


# --- client events --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("payload", ["Hello", 5, None, True, [1, {"a": 2}], {"data": {"a": [None]}}, {}])
async def test_any_json_is_received(world: World, payload: object) -> None:
    client = await connect(world, "alice")
    await client.emit("message", payload)
    received = await client.next("messageReceived")
    assert received.pop("data")["receivedMessage"] == payload
    assert received == {"success": True, "message": "Message received by server"}


async def test_an_event_without_payload_is_received(world: World) -> None:
    client = await connect(world, "alice")
    await client.emit("message")
    assert (await client.next("messageReceived"))["data"]["receivedMessage"] is None


async def test_the_message_of_an_object_is_received(world: World) -> None:
    client = await connect(world, "alice")
    await client.emit("message", {"message": "Hello from client!", "data": {}})
    data = (await client.next("messageReceived"))["data"]
    assert data["receivedMessage"] == "Hello from client!"
    assert data["timestamp"].endswith("Z")


async def test_a_client_with_an_acknowledgement_receives_the_event_too(world: World) -> None:
    client = await connect(world, "alice")
    assert await client.call("message", "hello") == {"success": True, "message": "Message received by server"}
    await client.next("messageReceived")


async def test_a_message_to_a_conversation_reaches_the_other_dialects(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    alice, bob = await connect(world, "alice"), await world.connect("bob")
    await alice.emit("message", {"message": "Hello Bob", "conversationId": conversation})
    assert (await bob.next("message:new"))["content"] == "Hello Bob"
    assert (await alice.next("messageReceived"))["data"]["receivedMessage"] == "Hello Bob"


async def test_a_message_of_a_non_member_is_refused(world: World) -> None:
    conversation = await world.conversation("bob", "carol")
    client = await connect(world, "alice")
    payload = {"message": "Hello", "conversationId": conversation}
    await client.emit("message", payload)
    assert await client.next("error") == {"message": "You have no access to this."}
    assert (await client.refused("message", payload))["code"] == "forbidden"
    assert [name for name, _ in client.events] == []


async def test_a_retry_of_a_message_is_the_same_message(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    alice, bob = await connect(world, "alice"), await connect(world, "bob")
    payload = {"message": "once", "conversationId": conversation, "clientMessageId": "m-1"}
    await alice.done("message", payload)
    await alice.done("message", payload)
    await alice.done("message", {"message": "then", "conversationId": conversation})
    assert await bodies(bob, 2) == ["once", "then"]


async def test_an_unknown_event_is_an_error(world: World) -> None:
    client = await connect(world, "alice")
    await client.emit("nonsense", {})
    assert await client.next("error") == {"message": "No such event: nonsense"}


async def test_a_newer_token_replaces_an_expiring_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(in_process(tmp_path)) as server, world_at(server) as world:
        client, expiring = [await world.open(dialect=GATEWAY) for _ in range(2)]
        client.custom_events |= EVENTS
        for socket in (client, expiring):
            await socket.sign_in({"token": world.server.token(world.id_of("alice"), ttl_s=20)})
        assert "expiresAt" in await client.done("auth:refresh", {"token": world.server.token(world.id_of("alice"))})
        jump_ahead(monkeypatch, 21)
        assert await expiring.next("error") == {"message": "Token expired"}
        await expiring.wait_disconnected()
        await send(world, "alice", message="still here")
        assert await next_of(client) == "still here"


# --- messages in conversations --------------------------------------------------------------------------------------


async def test_a_message_is_a_notification_for_all_but_its_sender(world: World) -> None:
    conversation = await world.conversation("alice", "bob", "carol")
    clients = {name: await connect(world, name) for name in ("alice", "bob", "carol")}
    message_id = await say(world, "alice", conversation, "Hello!")
    expected = {
        "type": "message",
        "title": "Alice",
        "body": "Hello!",
        "conversationId": conversation,
        "messageId": message_id,
    }
    for name in ("bob", "carol"):
        notified = await clients[name].next("notification")
        assert notified == expected | {"title": world.id_of("alice").title()}
    notified_to_sender = await events_until_done(world, clients["alice"], "alice")
    assert [name for name, _ in notified_to_sender if name != "userOnline"] == []


async def test_strangers_receive_nothing(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    stranger = await connect(world, "mallory")
    await say(world, "alice", conversation, "Hello!")
    assert await events_until_done(world, stranger, "mallory") == []


async def test_a_new_member_is_notified_from_then_on(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    carol = await connect(world, "carol")
    await say(world, "alice", conversation, "before")
    path = f"/api/v1/conversations/{conversation}/members"
    assert (await world.request("POST", path, by="alice", json={"userIds": [world.id_of("carol")]})).is_success
    await say(world, "alice", conversation, "after")
    assert (await carol.next("notification"))["body"] == "after"
    assert (await world.request("DELETE", f"{path}/{world.id_of('carol')}", by="alice")).is_success
    await say(world, "alice", conversation, "without carol")
    assert await events_until_done(world, carol, "carol") == []


async def test_messages_of_blocked_users_cause_no_notifications(world: World) -> None:
    conversation = await world.conversation("alice", "bob", "carol")
    bob = await connect(world, "bob")
    path = f"/api/v1/users/me/blocks/{world.id_of('alice')}"
    assert (await world.request("PUT", path, by="bob")).is_success
    await say(world, "alice", conversation, "from alice")
    await say(world, "carol", conversation, "from carol")
    assert await bodies(bob, 1) == ["from carol"]


@pytest.mark.parametrize("wanted", [{"muted": True}, {"notify": "none"}])
async def test_a_muted_conversation_causes_no_notifications(world: World, wanted: dict[str, object]) -> None:
    muted, other = await world.conversation("alice", "bob"), await world.conversation("alice", "bob")
    bob = await connect(world, "bob")
    path = f"/api/v1/conversations/{muted}/preferences"
    preferences = {"muted": False, "notify": None, "sound": None, **wanted}
    assert (await world.request("PUT", path, by="bob", json=preferences)).is_success
    await say(world, "alice", muted, "muted")
    await say(world, "alice", other, "other")
    assert await bodies(bob, 1) == ["other"]


@pytest.mark.parametrize(("default", "received"), [("none", []), ("mentions", ["@all look"])])
async def test_the_default_of_a_conversation_applies_to_members_who_have_chosen_nothing(
    world: World, default: str, received: list[str]
) -> None:
    limited, other = await world.conversation("alice", "bob"), await world.conversation("alice", "bob")
    away = await connect(world, "bob")
    await away.close()
    path = f"/api/v1/conversations/{limited}"
    assert (await world.request("PATCH", path, by="alice", json={"notify": default})).is_success

    async def talk() -> None:
        for conversation, text in ((limited, "plain"), (limited, "@all look"), (other, "other")):
            await say(world, "alice", conversation, text)

    await talk()
    bob = await connect(world, "bob")
    assert await bodies(bob, len(received) + 1) == [*received, "other"], "missed"
    await talk()
    assert await bodies(bob, len(received) + 1) == [*received, "other"], "live"
    chosen = {"notify": "all"}
    assert (await world.request("PATCH", f"{path}/preferences", by="bob", json=chosen)).is_success
    await talk()
    assert await bodies(bob, 3) == ["plain", "@all look", "other"]


# --- connected users ------------------------------------------------------------------------------------------------


async def test_a_user_is_connected_while_they_have_a_socket_of_any_dialect(world: World) -> None:
    path = f"/api/gateway/status/{world.id_of('alice')}"
    assert await world.service("GET", path) == {"userId": world.id_of("alice"), "connected": False}
    first, second = await world.connect("alice"), await connect(world, "alice")
    await first.close()
    assert await world.service("GET", path) == {"userId": world.id_of("alice"), "connected": True}
    await leave(world, second, "alice")


async def test_connected_users_are_listed(tmp_path: Path) -> None:
    with running_chat(tmp_path) as server:
        async with world_at(server) as world:
            assert await world.service("GET", "/api/gateway/connected") == {"connectedUsers": [], "count": 0}
            for name in ("bob", "alice", "bob"):
                await connect(world, name)
            ids = [world.id_of("alice"), world.id_of("bob")]
            assert await world.service("GET", "/api/gateway/connected") == {"connectedUsers": ids, "count": 2}
            assert await world.service("GET", "/api/gateway/stats") == {"connectedUsers": 2, "userIds": ids}
