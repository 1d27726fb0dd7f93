"""The `gateway` dialect on a real server: what its clients send and are told, what waits for them, and its routes."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from websockets.asyncio.client import connect as ws_connect

from talkwire.app import DIALECTS
from talkwire.core.commands.mail import Arrival, ConfirmArrivals
from talkwire.core.custom_events import PAYLOAD_MAX_BYTES, SOCKET_IO_EVENTS
from talkwire.core.errors import ChatError
from talkwire.core.lease import NODE
from talkwire.core.model import MESSAGE_ID_BASE
from talkwire.dialects.gateway import GATEWAY
from talkwire.dialects.messenger import MESSENGER
from talkwire.realtime import mail
from talkwire.realtime.recipients import SocketRecipient
from tests.chat.chat_client import DEADLINE_S, ChatClient, Payload
from tests.chat.chat_server import ServerProcess, in_process, running_chat, serving
from tests.chat.conftest import World, world_at

SEND, SEND_MANY = "/api/gateway/send", "/api/gateway/send-many"
EVENTS = {"alert", "announcement", "done"}


async def connect(world: World, name: str) -> ChatClient:
    client = await world.open(dialect=GATEWAY)
    client.custom_events |= EVENTS
    await client.sign_in({"token": world.server.token(world.id_of(name))})
    await client.next("connected")
    return client


async def connect_silent(world: World, name: str) -> ChatClient:
    """A client that answers no heartbeat, so that nothing ever counts as arrived at it."""
    client = await world.open(dialect=GATEWAY)
    client.custom_events |= EVENTS
    client.answers_heartbeats = False
    await client.sign_in({"token": world.server.token(world.id_of(name))})
    await client.next("connected")
    return client


async def say(world: World, by: str, conversation: str, content: str) -> str:
    """The id of a message that was sent over REST."""
    body = {"conversationId": conversation, "content": content}
    answer = await world.request("POST", "/api/v1/messages", by=by, json=body)
    assert answer.is_success, answer.text
    return str(answer.json()["id"])


async def send(world: World, *names: str, event: str = "alert", message: object = None, store: bool = False) -> Any:  # noqa: ANN401 (JSON)
    """What the backend is answered when it sends an event to somebody, or to several."""
    ids = [world.id_of(name) for name in names]
    body = {"event": event, "message": message, "store": store}
    if len(ids) == 1:
        return await world.service("POST", SEND, {"userId": ids[0], **body})
    return await world.service("POST", SEND_MANY, {"userIds": ids, **body})


async def next_of(client: ChatClient, event: str = "alert") -> object:
    """What the next event of the application's own carries."""
    return await client.next(event)


async def said_until_done(world: World, client: ChatClient, name: str) -> list[tuple[str, Any]]:
    """What a client has been told up to now: an event comes behind all that was sent before."""
    await send(world, name, event="done")
    await client.next("done")
    told = list(client.events)
    client.events.clear()
    return told


async def bodies(client: ChatClient, count: int) -> list[str]:
    return [(await client.next("notification"))["body"] for _ in range(count)]


async def wait_gone(world: World, name: str) -> None:
    """Returns once a user has no socket any more."""
    async with asyncio.timeout(DEADLINE_S):
        while (await world.service("GET", f"/api/gateway/status/{world.id_of(name)}"))["connected"]:
            pass


async def leave(world: World, client: ChatClient, name: str) -> None:
    await client.close()
    await wait_gone(world, name)


async def arrived(world: World, name: str, message_id: str | None = None) -> None:
    """Returns once no mail waits for a user any more, and all messages up to one count as arrived."""
    assert isinstance(world.server, ServerProcess)
    user_id, pos = world.id_of(name), 0 if message_id is None else int(message_id) - MESSAGE_ID_BASE
    with closing(sqlite3.connect(world.server.data / "talkwire.db")) as database:
        async with asyncio.timeout(DEADLINE_S):
            while True:
                mail = database.execute("SELECT id FROM mailbox WHERE user_id = ?", (user_id,)).fetchall()
                told = database.execute("SELECT pos FROM mailbox_cursors WHERE user_id = ?", (user_id,)).fetchone()
                if not mail and (not pos or (told is not None and told[0] >= pos)):
                    return
                await world.request("GET", "/healthz")  # to give way


# --- connecting ------------------------------------------------------------------------------------------------------


async def test_a_client_is_greeted(world: World) -> None:
    client = await world.open(dialect=GATEWAY)
    await client.sign_in({"token": world.server.token(world.id_of("alice"))})
    assert await client.next("connected") == {
        "message": "Successfully connected to WebSocket",
        "userId": world.id_of("alice"),
        "socketId": client.socket_id,
    }


@pytest.mark.parametrize("namespace", ["/gateway", "/"])
async def test_a_client_with_a_bad_token_is_let_in_told_and_put_out(world: World, namespace: str) -> None:
    client = await world.open(dialect=GATEWAY, namespace=namespace, query={"dialect": "gateway"})
    await client.sign_in({"token": "no token"})
    assert await client.next("error") == {"message": "Authentication failed"}
    await client.wait_disconnected()
    assert not client.events


async def test_who_was_put_out_may_come_back_with_a_better_token(world: World) -> None:
    client = await world.open(dialect=GATEWAY)
    await client.sign_in()
    await client.wait_disconnected()
    await client.sign_in({"token": world.server.token(world.id_of("alice"))})
    assert (await client.next("connected"))["userId"] == world.id_of("alice")


async def test_what_somebody_sends_who_was_put_out_is_not_heard(world: World) -> None:
    client = await world.open(dialect=GATEWAY)
    await client.sign_in()
    await client.emit("message", "hello")
    await client.wait_disconnected()
    await client.sign_in({"token": world.server.token(world.id_of("alice"))})
    await client.next("connected")
    assert [name for name, _ in client.events] == ["error"]


async def test_another_dialect_refuses_as_socket_io_does(world: World) -> None:
    client = await world.open(dialect=MESSENGER)
    with pytest.raises(Exception, match="Authentication failed"):
        await client.sign_in({"token": "no token"})


async def test_the_root_namespace_may_speak_it(tmp_path: Path) -> None:
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


async def test_who_is_banned_is_told_and_put_out(world: World) -> None:
    client = await connect(world, "alice")
    path = f"/api/v1/users/{world.id_of('alice')}/ban"
    assert (await world.request("PUT", path, by="operator", role="admin", json={})).is_success
    assert await client.next("error") == {"message": "This user is banned"}
    await client.wait_disconnected()


# --- what clients send -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("said", ["Hello", 5, None, True, [1, {"a": 2}], {"data": {"a": [None]}}, {}])
async def test_anything_is_received(world: World, said: object) -> None:
    client = await connect(world, "alice")
    await client.emit("message", said)
    received = await client.next("messageReceived")
    assert received.pop("data")["receivedMessage"] == said
    assert received == {"success": True, "message": "Message received by server"}


async def test_nothing_is_received_too(world: World) -> None:
    client = await connect(world, "alice")
    await client.emit("message")
    assert (await client.next("messageReceived"))["data"]["receivedMessage"] is None


async def test_of_an_object_its_message_is_received(world: World) -> None:
    client = await connect(world, "alice")
    await client.emit("message", {"message": "Hello from client!", "data": {}})
    data = (await client.next("messageReceived"))["data"]
    assert data["receivedMessage"] == "Hello from client!"
    assert data["timestamp"].endswith("Z")


async def test_who_asks_for_an_acknowledgement_gets_both(world: World) -> None:
    client = await connect(world, "alice")
    assert await client.call("message", "hello") == {"success": True, "message": "Message received by server"}
    await client.next("messageReceived")


async def test_a_message_to_a_conversation_reaches_the_other_dialects(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    alice, bob = await connect(world, "alice"), await world.connect("bob")
    await alice.emit("message", {"message": "Hello Bob", "conversationId": conversation})
    assert (await bob.next("message:new"))["content"] == "Hello Bob"
    assert (await alice.next("messageReceived"))["data"]["receivedMessage"] == "Hello Bob"


async def test_a_message_to_a_conversation_that_is_not_ones_own_is_refused(world: World) -> None:
    conversation = await world.conversation("bob", "carol")
    client = await connect(world, "alice")
    said = {"message": "Hello", "conversationId": conversation}
    await client.emit("message", said)
    assert await client.next("error") == {"message": "You have no access to this."}
    assert (await client.refused("message", said))["code"] == "forbidden"
    assert [name for name, _ in client.events] == []


async def test_a_retry_of_a_message_is_the_same_message(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    alice, bob = await connect(world, "alice"), await connect(world, "bob")
    said = {"message": "once", "conversationId": conversation, "clientMessageId": "m-1"}
    await alice.done("message", said)
    await alice.done("message", said)
    await alice.done("message", {"message": "then", "conversationId": conversation})
    assert await bodies(bob, 2) == ["once", "then"]


async def test_what_there_is_no_event_for_is_an_error(world: World) -> None:
    client = await connect(world, "alice")
    await client.emit("nonsense", {})
    assert await client.next("error") == {"message": "No such event: nonsense"}


async def test_a_newer_token_takes_the_place_of_the_one_that_expires(world: World) -> None:
    client = await world.open(dialect=GATEWAY)
    client.custom_events |= EVENTS
    await client.sign_in({"token": world.server.token(world.id_of("alice"), ttl_s=2)})
    assert "expiresAt" in await client.done("auth:refresh", {"token": world.server.token(world.id_of("alice"))})
    expiring = await world.open(dialect=GATEWAY)
    await expiring.sign_in({"token": world.server.token(world.id_of("alice"), ttl_s=2)})
    assert await expiring.next("error") == {"message": "Token expired"}
    await expiring.wait_disconnected()
    await send(world, "alice", message="still here")
    assert await next_of(client) == "still here"


# --- messages in conversations ---------------------------------------------------------------------------------------


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
        told = await clients[name].next("notification")
        assert told == expected | {"title": world.id_of("alice").title()}
    assert await said_until_done(world, clients["alice"], "alice") == []


async def test_strangers_are_told_nothing(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    stranger = await connect(world, "mallory")
    await say(world, "alice", conversation, "Hello!")
    assert await said_until_done(world, stranger, "mallory") == []


async def test_who_becomes_a_member_is_told_from_then_on(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    carol = await connect(world, "carol")
    await say(world, "alice", conversation, "before")
    path = f"/api/v1/conversations/{conversation}/members"
    assert (await world.request("POST", path, by="alice", json={"userIds": [world.id_of("carol")]})).is_success
    await say(world, "alice", conversation, "after")
    assert (await carol.next("notification"))["body"] == "after"
    assert (await world.request("DELETE", f"{path}/{world.id_of('carol')}", by="alice")).is_success
    await say(world, "alice", conversation, "without carol")
    assert await said_until_done(world, carol, "carol") == []


async def test_of_whom_one_has_blocked_one_is_not_notified(world: World) -> None:
    conversation = await world.conversation("alice", "bob", "carol")
    bob = await connect(world, "bob")
    path = f"/api/v1/users/me/blocks/{world.id_of('alice')}"
    assert (await world.request("PUT", path, by="bob")).is_success
    await say(world, "alice", conversation, "from alice")
    await say(world, "carol", conversation, "from carol")
    assert await bodies(bob, 1) == ["from carol"]


@pytest.mark.parametrize("wanted", [{"muted": True}, {"notify": "none"}])
async def test_in_a_muted_conversation_one_is_not_notified(world: World, wanted: dict[str, object]) -> None:
    muted, other = await world.conversation("alice", "bob"), await world.conversation("alice", "bob")
    bob = await connect(world, "bob")
    path = f"/api/v1/conversations/{muted}/preferences"
    preferences = {"muted": False, "notify": None, "sound": None, **wanted}
    assert (await world.request("PUT", path, by="bob", json=preferences)).is_success
    await say(world, "alice", muted, "muted")
    await say(world, "alice", other, "other")
    assert await bodies(bob, 1) == ["other"]


# --- messages that came meanwhile ------------------------------------------------------------------------------------


async def test_who_was_away_is_told_what_they_missed_in_order(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    for number in range(3):
        await say(world, "alice", conversation, str(number))
    bob = await connect(world, "bob")
    assert await bodies(bob, 3) == ["0", "1", "2"]
    await say(world, "alice", conversation, "live")
    assert await bodies(bob, 1) == ["live"]


async def test_what_has_arrived_is_not_told_again(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    await say(world, "alice", conversation, "missed")
    bob = await connect(world, "bob")
    message_id = await say(world, "alice", conversation, "live")
    assert await bodies(bob, 2) == ["missed", "live"]
    await arrived(world, "bob", message_id)
    await leave(world, bob, "bob")
    await say(world, "alice", conversation, "later")
    again = await connect(world, "bob")
    assert await bodies(again, 1) == ["later"]


async def test_what_was_read_elsewhere_is_not_told(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    await say(world, "alice", conversation, "read")
    assert (await world.request("POST", f"/api/v1/conversations/{conversation}/read", by="bob", json={})).is_success
    await say(world, "alice", conversation, "unread")
    bob = await connect(world, "bob")
    assert await bodies(bob, 1) == ["unread"]


async def test_what_did_not_arrive_is_told_again(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    await say(world, "alice", conversation, "missed")
    deaf = await connect_silent(world, "bob")
    await say(world, "alice", conversation, "live")
    assert await bodies(deaf, 2) == ["missed", "live"]
    await leave(world, deaf, "bob")
    bob = await connect(world, "bob")
    assert await bodies(bob, 2) == ["missed", "live"]


async def test_other_dialects_are_not_told_what_was_missed(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    await say(world, "alice", conversation, "missed")
    bob = await world.connect("bob")
    assert await bob.pending("notification") == []
    gateway = await connect(world, "bob")
    assert await bodies(gateway, 1) == ["missed"]


async def test_while_messages_go_on_nobody_who_connects_misses_one_or_gets_it_twice(world: World) -> None:
    """Messages come before a socket connects, while it is told what it missed, and after; it gets all in order."""
    conversation, aside = await world.conversation("alice", "bob"), await world.conversation("carol", "dave")
    alice = await world.connect("alice")
    expected = [str(number) for number in range(300)]

    async def talk() -> None:
        for content in expected:
            await alice.send_message(conversation, content)

    talking = asyncio.create_task(talk())
    bob = await connect_silent(world, "bob")
    for number in range(5):
        await bob.close()
        async with asyncio.timeout(DEADLINE_S):
            while len(alice.acked) < (number + 1) * 40:
                await say(world, "carol", aside, "to give way")
        bob = await connect_silent(world, "bob")
    await talking
    assert await bodies(bob, 300) == expected


async def connect_without_reading(world: World, name: str) -> ChatClient:
    client = await world.open(dialect=GATEWAY)
    client.custom_events |= EVENTS
    client.connection.transport.pause_reading()
    await client.connection.send(f"40/gateway,{json.dumps({'token': world.server.token(world.id_of(name))})}")
    return client


LARGE = 60_000
"""Bytes. `MANY` times that is more than the system takes on a client's behalf, and a server keeps for it."""

MANY = 250


async def test_a_slow_client_gets_everything_it_missed(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    alice = await world.connect("alice")
    for number in range(MANY):
        await alice.send_message(conversation, f"{number} " + "x" * LARGE)
    slow, quick = await connect_without_reading(world, "bob"), await connect(world, "bob")
    await bodies(quick, MANY)
    await say(world, "alice", conversation, f"{MANY} live")
    await bodies(quick, 1)
    slow.connection.transport.resume_reading()
    told = [body.partition(" ")[0] for body in await bodies(slow, MANY + 1)]
    assert told == [str(number) for number in range(MANY + 1)]


# --- events of the application's own ---------------------------------------------------------------------------------


async def test_an_event_goes_to_all_sockets_of_a_user_in_every_dialect(world: World) -> None:
    clients = [await world.connect("alice", dialect=dialect) for dialect in DIALECTS.values()]
    clients.append(await connect(world, "alice"))
    other = await connect(world, "bob")
    for client in clients:
        client.custom_events |= EVENTS
    answer = await send(world, "alice", message={"title": "Hi"})
    assert answer == {"success": True, "message": f"Message sent to user {world.id_of('alice')}"}
    for client in clients:
        assert await next_of(client) == {"title": "Hi"}
    assert await said_until_done(world, other, "bob") == []


@pytest.mark.parametrize("message", [None, "text", 0, 1.5, False, [], {}, [{"a": [None]}]])
async def test_an_event_carries_any_json(world: World, message: object) -> None:
    client = await connect(world, "alice")
    await send(world, "alice", message=message)
    assert await next_of(client) == message


async def test_who_is_not_connected_is_not_sent_an_event(world: World) -> None:
    answer = await send(world, "alice", message=1)
    assert answer == {"success": False, "message": f"User {world.id_of('alice')} is not connected"}
    client = await connect(world, "alice")
    assert await said_until_done(world, client, "alice") == []


async def test_of_several_users_those_are_listed_who_were_reached(world: World) -> None:
    alice, bob = await connect(world, "alice"), await connect(world, "bob")
    answer = await send(world, "alice", "carol", "bob", "alice", event="announcement", message=[1])
    reached = [world.id_of("alice"), world.id_of("bob")]
    assert answer == {"success": True, "message": "Message sent to 2 users", "userIds": reached}
    assert await next_of(alice, "announcement") == [1]
    assert await next_of(bob, "announcement") == [1]
    assert await said_until_done(world, alice, "alice") == []


async def test_when_nobody_was_reached_that_is_no_success(world: World) -> None:
    answer = await send(world, "alice", "bob", message=1)
    assert answer == {"success": False, "message": "Message sent to 0 users", "userIds": []}


@pytest.mark.parametrize("path", [SEND, SEND_MANY])
@pytest.mark.parametrize(
    ("change", "place"),
    [
        *(({"event": event}, "event") for event in sorted(SOCKET_IO_EVENTS)),
        ({"event": ""}, "event"),
        ({"event": "x" * 201}, "event"),
        ({"event": 5}, "event"),
        ({"message": "a\x00b"}, "message"),
        ({"store": "yes"}, "store"),
    ],
)
async def test_what_cannot_be_sent_is_refused(world: World, path: str, change: Payload, place: str) -> None:
    client = await connect(world, "alice")
    who: Payload = {"userId": world.id_of("alice")} if path == SEND else {"userIds": [world.id_of("alice")]}
    body = {**who, "event": "alert", "message": 1, **change}
    answer = await world.request("POST", path, by="backend", role="service", json=body)
    assert answer.status_code == 422
    assert answer.json()["error"]["details"][0]["path"] == place
    assert await said_until_done(world, client, "alice") == []


@pytest.mark.parametrize("text", ["NaN", "Infinity", "[" * 70 + "]" * 70, "1e999"])
async def test_what_is_no_json_that_can_be_passed_on_is_refused(world: World, text: str) -> None:
    content = f'{{"userId":"{world.id_of("alice")}","event":"alert","message":{text}}}'
    headers = {"content-type": "application/json"}
    answer = await world.request("POST", SEND, by="backend", role="service", content=content, headers=headers)
    assert answer.status_code == 422


async def test_what_is_too_large_is_refused(world: World) -> None:
    body = {"userId": world.id_of("alice"), "event": "alert", "message": "x" * PAYLOAD_MAX_BYTES}
    answer = await world.request("POST", SEND, by="backend", role="service", json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "payload_too_large")


@pytest.mark.parametrize(("user_id", "place"), [("a b", "userId"), ("", "userId"), (5, "userId")])
async def test_who_cannot_be_anybody_is_refused(world: World, user_id: object, place: str) -> None:
    body = {"userId": user_id, "event": "alert", "message": 1}
    answer = await world.request("POST", SEND, by="backend", role="service", json=body)
    assert answer.status_code == 422
    assert answer.json()["error"]["details"][0]["path"] == place


async def send_under_key(world: World, path: str, message: object, by: str = "backend") -> httpx.Response:
    """What the backend is answered when it sends something to Alice and Bob under a key that stays the same."""
    to = {"userId": world.id_of("alice")} if path == SEND else {"userIds": [world.id_of("alice"), world.id_of("bob")]}
    body = {**to, "event": "alert", "message": message, "store": True}
    return await world.request("POST", path, by=by, role="service", json=body, headers={"idempotency-key": "k1"})


@pytest.mark.parametrize("path", [SEND, SEND_MANY])
async def test_a_retry_under_a_key_is_answered_as_then_and_sends_nothing_again(world: World, path: str) -> None:
    client = await connect(world, "alice")
    first = await send_under_key(world, path, {"a": 1})
    assert (first.status_code, first.json()["success"]) == (200, True)
    assert await next_of(client) == {"a": 1}
    again = await send_under_key(world, path, {"a": 1})
    assert (again.status_code, again.json()) == (200, first.json())
    assert await said_until_done(world, client, "alice") == []
    await leave(world, client, "alice")
    assert (await send_under_key(world, path, {"a": 1})).json() == first.json()
    assert (await send_under_key(world, path, {"a": 1}, by="another")).json()["success"] is False


@pytest.mark.parametrize("path", [SEND, SEND_MANY])
async def test_something_else_under_a_key_is_a_conflict_and_is_not_sent(world: World, path: str) -> None:
    client = await connect(world, "alice")
    await send_under_key(world, path, 1)
    assert await next_of(client) == 1
    other = await send_under_key(world, path, 2)
    assert (other.status_code, other.json()["error"]["code"]) == (409, "conflict")
    assert await said_until_done(world, client, "alice") == []


async def test_what_was_refused_under_a_key_may_be_sent_under_it(world: World) -> None:
    client = await connect(world, "alice")
    body = {"userId": world.id_of("alice"), "event": "alert", "message": 1}
    headers = {"idempotency-key": "k1"}
    refused = await world.request("POST", SEND, by="bob", json=body, headers=headers)
    assert refused.status_code == 403
    spoilt = {**body, "event": "connect"}
    assert (await world.request("POST", SEND, by="b", role="service", json=spoilt, headers=headers)).status_code == 422
    assert (await world.request("POST", SEND, by="b", role="service", json=body, headers=headers)).json()["success"]
    assert await next_of(client) == 1


async def test_a_retry_under_a_key_after_a_kill_stores_nothing_again(tmp_path: Path) -> None:
    body = {"userId": "bob", "event": "alert", "message": 1, "store": True}
    answers = []
    for _ in range(2):
        with running_chat(tmp_path) as server:
            async with world_at(server) as world:
                headers = {
                    "idempotency-key": "k1",
                    "authorization": f"Bearer {server.token('backend', role='service')}",
                }
                answers.append((await world.request("POST", SEND, json=body, headers=headers)).json())
                server.process.kill()
                server.wait_ended()
                database_path = server.data / "talkwire.db"
        with closing(sqlite3.connect(database_path)) as database:
            assert database.execute("SELECT count(*) FROM mailbox").fetchone() == (1,)
    assert answers[0] == answers[1]
    assert answers[0]["stored"] is True


async def test_an_operator_may_send_and_ask_too(world: World) -> None:
    client = await connect(world, "alice")
    body = {"userId": world.id_of("alice"), "event": "alert", "message": 1}
    assert (await world.request("POST", SEND, by="operator", role="admin", json=body)).json()["success"] is True
    assert await next_of(client) == 1
    assert (await world.request("GET", "/api/gateway/stats", by="operator", role="admin")).status_code == 200


# --- who is connected ------------------------------------------------------------------------------------------------


async def test_a_user_is_connected_while_they_have_a_socket_of_any_dialect(world: World) -> None:
    path = f"/api/gateway/status/{world.id_of('alice')}"
    assert await world.service("GET", path) == {"userId": world.id_of("alice"), "connected": False}
    first, second = await world.connect("alice"), await connect(world, "alice")
    await first.close()
    assert await world.service("GET", path) == {"userId": world.id_of("alice"), "connected": True}
    await leave(world, second, "alice")


async def test_who_is_connected_is_listed(tmp_path: Path) -> None:
    with running_chat(tmp_path) as server:
        async with world_at(server) as world:
            assert await world.service("GET", "/api/gateway/connected") == {"connectedUsers": [], "count": 0}
            for name in ("bob", "alice", "bob"):
                await connect(world, name)
            ids = [world.id_of("alice"), world.id_of("bob")]
            assert await world.service("GET", "/api/gateway/connected") == {"connectedUsers": ids, "count": 2}
            assert await world.service("GET", "/api/gateway/stats") == {"connectedUsers": 2, "userIds": ids}


# --- mail ------------------------------------------------------------------------------------------------------------


async def test_what_was_stored_is_sent_at_the_next_connect_in_order(world: World) -> None:
    answer = await send(world, "alice", message=1, store=True)
    not_connected = f"User {world.id_of('alice')} is not connected"
    assert answer == {"success": False, "message": not_connected, "stored": True}
    await send(world, "alice", message="two", store=True)
    await send(world, "alice", event="announcement", message={"three": 3}, store=True)
    client = await connect(world, "alice")
    assert await next_of(client, "announcement") == {"three": 3}
    assert list(client.events) == [("alert", 1), ("alert", "two")]


async def test_what_reached_somebody_is_not_stored(world: World) -> None:
    client = await connect(world, "alice")
    answer = await send(world, "alice", "bob", message=1, store=True)
    sent = {"success": True, "message": "Message sent to 1 users", "userIds": [world.id_of("alice")], "stored": True}
    assert answer == sent
    assert "stored" not in await send(world, "alice", message=2, store=True)
    assert await next_of(client) == 1
    assert await next_of(client) == 2
    await leave(world, client, "alice")
    await send(world, "alice", event="done", store=True)
    again = await connect(world, "alice")
    await again.next("done")
    assert not again.events
    bob = await connect(world, "bob")
    assert await next_of(bob) == 1


async def test_mail_that_has_arrived_is_not_sent_again(world: World) -> None:
    await send(world, "alice", message=1, store=True)
    client = await connect(world, "alice")
    assert await next_of(client) == 1
    await arrived(world, "alice")
    await leave(world, client, "alice")
    await send(world, "alice", event="done", store=True)
    again = await connect(world, "alice")
    await again.next("done")
    assert not again.events


async def test_mail_that_did_not_arrive_is_sent_again(world: World) -> None:
    await send(world, "alice", message=1, store=True)
    for _ in range(2):
        deaf = await connect_silent(world, "alice")
        assert await next_of(deaf) == 1
        await leave(world, deaf, "alice")
    client = await connect(world, "alice")
    assert await next_of(client) == 1


async def test_mail_waits_for_a_socket_of_this_dialect(world: World) -> None:
    await send(world, "alice", message=1, store=True)
    messenger = await world.connect("alice")
    assert await messenger.pending() == []
    client = await connect(world, "alice")
    assert await next_of(client) == 1


async def test_missed_messages_come_before_mail(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    await send(world, "bob", message=1, store=True)
    await say(world, "alice", conversation, "missed")
    bob = await connect(world, "bob")
    assert await next_of(bob) == 1
    assert [name for name, _ in bob.events] == ["notification"]


async def test_a_slow_client_gets_all_its_mail(world: World) -> None:
    for number in range(MANY):
        await send(world, "alice", message=f"{number} " + "x" * LARGE, store=True)
    slow, quick = await connect_without_reading(world, "alice"), await connect(world, "alice")
    expected = [str(number) for number in range(MANY)]
    assert [str(await next_of(quick)).partition(" ")[0] for _ in range(MANY)] == expected
    slow.connection.transport.resume_reading()
    assert [str(await next_of(slow)).partition(" ")[0] for _ in range(MANY)] == expected


# --- clients that can go on after a disconnect -----------------------------------------------------------------------


class Recoverable:
    """What the official client does that asks for recovery: it keeps its `pid` and the last text that came last."""

    def __init__(self, world: World, name: str) -> None:
        self._world = world
        self._token = world.server.token(world.id_of(name))
        self.session: dict[str, str] = {}
        self.events: list[list[Any]] = []

    async def connect(self) -> bool:
        """Whether it goes on where it was."""
        query = urlencode({"EIO": "4", "transport": "websocket"})
        address = f"{self._world.server.websocket_url}/socket.io/?{query}"
        self.connection = await ws_connect(address, ping_interval=None, compression=None, proxy=None)
        auth = {"token": self._token, "recovery": True, **self.session}
        await self.connection.send(f"40/gateway,{json.dumps(auth)}")
        while not (frame := str(await self._next_frame())).startswith("40"):
            pass
        pid = json.loads(frame.removeprefix("40/gateway,"))["pid"]
        recovered = bool(pid == self.session.get("pid"))
        self.session = {**(self.session if recovered else {}), "pid": pid}
        return recovered

    async def next(self, event: str) -> list[Any]:
        """The arguments of the next event of this name."""
        while True:
            frame = await self._next_frame()
            if frame.startswith("42"):
                name, *args = json.loads(frame.removeprefix("42/gateway,"))
                if args and isinstance(args[-1], str):
                    self.session["offset"] = args[-1]
                if name == event:
                    return list(args)

    async def answer_heartbeats(self) -> None:
        """From now on, until it is cancelled."""
        while True:
            if str(await self.connection.recv()) == "2":
                await self.connection.send("3")

    async def cut(self) -> None:
        """The network is gone."""
        self.connection.transport.abort()
        await self.connection.wait_closed()

    async def _next_frame(self) -> str:
        async with asyncio.timeout(DEADLINE_S):
            return str(await self.connection.recv())


@pytest.fixture
async def bob(world: World) -> AsyncIterator[Recoverable]:
    client = Recoverable(world, "bob")
    yield client
    await client.cut()


async def test_a_client_that_goes_on_gets_what_it_missed_once(world: World, bob: Recoverable) -> None:
    conversation = await world.conversation("alice", "bob")
    assert not await bob.connect()
    await bob.next("connected")
    await say(world, "alice", conversation, "before")
    assert (await bob.next("notification"))[0]["body"] == "before"
    await bob.cut()
    await say(world, "alice", conversation, "meanwhile")
    await send(world, "bob", event="alert", message="stored", store=True)
    assert await bob.connect()
    assert (await bob.next("notification"))[0]["body"] == "meanwhile"
    await say(world, "alice", conversation, "after")
    assert (await bob.next("notification"))[0]["body"] == "after"


async def test_what_a_client_is_told_when_it_goes_on_counts_as_arrived(world: World, bob: Recoverable) -> None:
    conversation = await world.conversation("alice", "bob")
    await bob.connect()
    await bob.next("connected")
    await say(world, "alice", conversation, "before")
    await bob.next("notification")
    await bob.cut()
    meanwhile = await say(world, "alice", conversation, "meanwhile")
    assert await bob.connect()
    assert (await bob.next("notification"))[0]["body"] == "meanwhile"
    answering = asyncio.create_task(bob.answer_heartbeats())
    await arrived(world, "bob", meanwhile)
    answering.cancel()


async def test_a_text_is_followed_by_the_place_to_go_on_from(world: World, bob: Recoverable) -> None:
    conversation = await world.conversation("alice", "bob")
    await bob.connect()
    await bob.next("connected")
    await say(world, "alice", conversation, "before")
    await bob.next("notification")
    offset = bob.session["offset"]
    await send(world, "bob", message="text")
    assert (await bob.next("alert"))[0] == "text"
    assert bob.session["offset"] >= offset
    await send(world, "bob", message={"no": "text"})
    assert await bob.next("alert") == [{"no": "text"}]
    await bob.cut()
    assert await bob.connect()


async def test_who_was_cut_off_before_all_was_told_does_not_go_on_behind_it(world: World, bob: Recoverable) -> None:
    """Until something new has come, a fresh session tells what was missed, as far as that has not arrived."""
    conversation = await world.conversation("alice", "bob")
    for number in range(3):
        await say(world, "alice", conversation, str(number))
    await bob.connect()
    await bob.next("connected")
    assert "offset" not in bob.session
    await bob.cut()
    assert not await bob.connect()
    assert (await bob.next("notification"))[0]["body"] == "0"
    await bob.cut()
    assert not await bob.connect()
    assert [(await bob.next("notification"))[0]["body"] for _ in range(3)] == ["0", "1", "2"]
    await say(world, "alice", conversation, "new")
    await bob.next("notification")
    await bob.cut()
    assert await bob.connect()


# --- a server that is killed -----------------------------------------------------------------------------------------


async def test_what_was_sent_before_a_kill_and_did_not_arrive_is_sent_again(tmp_path: Path) -> None:
    with running_chat(tmp_path) as server:
        async with world_at(server) as world:
            conversation = await world.conversation("alice", "bob")
            await send(world, "bob", message="mail", store=True)
            await say(world, "alice", conversation, "missed")
            deaf = await connect_silent(world, "bob")
            message_id = await say(world, "alice", conversation, "live")
            assert await bodies(deaf, 2) == ["missed", "live"]
            assert await next_of(deaf) == "mail"
            server.process.kill()
            server.wait_ended()
            before = world
    with running_chat(tmp_path) as server:
        async with world_at(server) as world:
            world.take_ids_of(before)
            bob = await connect(world, "bob")
            assert await bodies(bob, 2) == ["missed", "live"]
            assert await next_of(bob) == "mail"
            await arrived(world, "bob", message_id)
            server.process.kill()
            server.wait_ended()
    with running_chat(tmp_path) as server:
        async with world_at(server) as world:
            world.take_ids_of(before)
            await send(world, "bob", event="done", store=True)
            bob = await connect(world, "bob")
            await bob.next("done")
            assert not bob.events


# --- what only the inside of a server shows --------------------------------------------------------------------------


@pytest.fixture
async def inside(tmp_path: Path) -> AsyncIterator[tuple[Any, World]]:
    """A server in this process."""
    node = in_process(tmp_path)
    async with serving(node) as address, world_at(address) as world:
        yield node, world


async def test_who_connects_while_something_is_being_stored_for_them_gets_it(
    inside: tuple[Any, World], monkeypatch: pytest.MonkeyPatch
) -> None:
    """They have looked for mail before it was there."""
    node, world = inside
    held, looked, go_on = asyncio.Event(), asyncio.Event(), asyncio.Event()
    execute = node.chat.execute

    async def late(actor: object, command: object, *rest: object) -> object:
        if type(command).__name__ == "StoreMail":
            held.set()
            await go_on.wait()
        answer = await execute(actor, command, *rest)
        if type(command).__name__ == "ReadMail":
            looked.set()
        return answer

    monkeypatch.setattr(node.chat, "execute", late)
    storing = asyncio.create_task(send(world, "alice", message=1, store=True))
    await held.wait()
    client = await connect(world, "alice")
    await looked.wait()
    go_on.set()
    assert (await storing)["stored"] is True
    assert await next_of(client) == 1


async def test_while_the_database_is_away_what_goes_on_is_told_and_what_was_missed_stays(
    inside: tuple[Any, World], monkeypatch: pytest.MonkeyPatch
) -> None:
    node, world = inside
    conversation = await world.conversation("alice", "bob")
    await say(world, "alice", conversation, "missed")
    execute = node.chat.execute
    failed = asyncio.Event()

    def unavailable(actor: object, command: object, *rest: object) -> object:
        if type(command).__name__ == "FindMissed":
            failed.set()
            raise ChatError("unavailable", "The database does not answer.")
        return execute(actor, command, *rest)

    monkeypatch.setattr(node.chat, "execute", unavailable)
    bob = await connect(world, "bob")
    await failed.wait()
    await say(world, "alice", conversation, "live")
    assert await bodies(bob, 1) == ["live"]
    monkeypatch.undo()
    await leave(world, bob, "bob")
    again = await connect(world, "bob")
    assert await bodies(again, 2) == ["missed", "live"]


async def test_who_is_told_for_long_what_they_missed_gets_what_comes_meanwhile_behind_it(
    inside: tuple[Any, World], monkeypatch: pytest.MonkeyPatch
) -> None:
    """More comes meanwhile than is kept in memory, so that the log is asked again."""
    node, world = inside
    monkeypatch.setattr(mail, "LATE_MAX", 3)
    conversation = await world.conversation("alice", "bob")
    await say(world, "alice", conversation, "0")
    execute = node.chat.execute
    reading, go_on = asyncio.Event(), asyncio.Event()

    async def slow(actor: object, command: object, *rest: object) -> object:
        found = await execute(actor, command, *rest)
        if type(command).__name__ == "ReadMissed":
            reading.set()
            await go_on.wait()
        return found

    monkeypatch.setattr(node.chat, "execute", slow)
    bob = await connect(world, "bob")
    await reading.wait()
    for number in range(1, 8):
        await say(world, "alice", conversation, str(number))
    go_on.set()
    assert await bodies(bob, 8) == [str(number) for number in range(8)]
    assert await said_until_done(world, bob, "bob") == []


async def test_what_comes_while_it_is_looked_for_what_was_missed_is_told_once(
    inside: tuple[Any, World], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is found in the log, and it goes on."""
    node, world = inside
    conversation = await world.conversation("alice", "bob")
    await say(world, "alice", conversation, "before")
    execute = node.chat.execute
    looking, go_on = asyncio.Event(), asyncio.Event()

    async def slow(actor: object, command: object, *rest: object) -> object:
        if type(command).__name__ == "FindMissed":
            looking.set()
            await go_on.wait()
        return await execute(actor, command, *rest)

    monkeypatch.setattr(node.chat, "execute", slow)
    bob = await connect(world, "bob")
    await looking.wait()
    await say(world, "alice", conversation, "meanwhile")
    go_on.set()
    assert await bodies(bob, 2) == ["before", "meanwhile"]
    await say(world, "alice", conversation, "after")
    assert await bodies(bob, 1) == ["after"]


async def test_what_has_arrived_elsewhere_is_not_told_once_more_by_a_node_that_is_behind(
    inside: tuple[Any, World], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor behind what is newer."""
    node, world = inside
    conversation = await world.conversation("alice", "bob")
    execute = node.chat.execute
    looking, go_on = asyncio.Event(), asyncio.Event()

    async def slow(actor: object, command: object, *rest: object) -> object:
        if type(command).__name__ == "FindMissed":
            looking.set()
            await go_on.wait()
        return await execute(actor, command, *rest)

    monkeypatch.setattr(node.chat, "execute", slow)
    bob = await connect(world, "bob")
    await looking.wait()
    await say(world, "alice", conversation, "arrived")
    arrival = Arrival(world.id_of("bob"), node.chat.pos)
    await execute(NODE, ConfirmArrivals((arrival,)))
    await say(world, "alice", conversation, "missed")
    go_on.set()
    assert await bodies(bob, 1) == ["missed"]
    assert await said_until_done(world, bob, "bob") == []


@pytest.mark.parametrize("held", ["FindMissed", "ReadMissed"])
async def test_a_conversation_that_one_comes_to_while_being_told_what_one_missed_is_told_once(
    inside: tuple[Any, World], monkeypatch: pytest.MonkeyPatch, held: str
) -> None:
    """What is said there is found in the log (or is not), and it goes on."""
    node, world = inside
    conversation = await world.conversation("alice", "bob")
    await say(world, "alice", conversation, "before")
    execute = node.chat.execute
    looking, go_on = asyncio.Event(), asyncio.Event()

    async def slow(actor: object, command: object, *rest: object) -> object:
        if type(command).__name__ == held:
            looking.set()
            await go_on.wait()
        return await execute(actor, command, *rest)

    monkeypatch.setattr(node.chat, "execute", slow)
    bob = await connect(world, "bob")
    await looking.wait()
    other = await world.conversation("alice", "bob", "carol")
    await say(world, "alice", other, "new")
    go_on.set()
    assert await bodies(bob, 2) == ["before", "new"]
    await say(world, "alice", other, "after")
    assert await bodies(bob, 1) == ["after"]
    assert await said_until_done(world, bob, "bob") == []


@pytest.mark.parametrize(("large", "hastened"), [(100, True), (1, False)])
async def test_a_message_to_a_large_conversation_asks_nobody_for_a_heartbeat(
    inside: tuple[Any, World], monkeypatch: pytest.MonkeyPatch, *, large: int, hastened: bool
) -> None:
    """The regular one tells as well."""
    _, world = inside
    monkeypatch.setattr(mail, "LARGE_CONVERSATION", large)
    monkeypatch.setattr(mail, "ROUND_S", 0.01)
    conversation = await world.conversation("alice", "bob")
    bob = await connect(world, "bob")
    asked: list[object] = []
    rounds, several = 0, asyncio.Event()
    monkeypatch.setattr(SocketRecipient, "hasten_ping", lambda recipient: asked.append(recipient))  # noqa: PLW0108 (to be a method)
    do_round = mail.MailDelivery._round

    def counted(delivery: mail.MailDelivery) -> None:
        nonlocal rounds
        do_round(delivery)
        rounds += 1
        if rounds >= 5:
            several.set()

    monkeypatch.setattr(mail.MailDelivery, "_round", counted)
    await say(world, "alice", conversation, "hello")
    assert await bodies(bob, 1) == ["hello"]
    async with asyncio.timeout(DEADLINE_S):
        await several.wait()
    assert bool(asked) is hastened


def test_what_has_arrived_at_many_is_noted_in_several_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail, "ARRIVALS_MAX", 2)
    noted: list[ConfirmArrivals] = []
    chat: Any = SimpleNamespace(submit=lambda _actor, command, _done: noted.append(command))
    nothing: Any = None
    arrivals = [Arrival(f"user-{number}", number) for number in range(5)]
    mail.MailDelivery(chat, nothing, nothing, lambda: 0)._confirm(arrivals)
    assert [len(command.arrivals) for command in noted] == [2, 2, 1]
    assert [arrival for command in noted for arrival in command.arrivals] == arrivals
