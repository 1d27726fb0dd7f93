"""Custom events sent over the routes of the `gateway` dialect."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from talkwire.core.signals.custom_events import CUSTOM_PAYLOAD_MAX_BYTES, SOCKET_IO_EVENTS
from talkwire.dialects.built_in import DIALECTS
from tests.chat.chat_client import Payload
from tests.chat.chat_server import running_chat
from tests.chat.conftest import World, world_at
from tests.chat.dialects.gateway_client import (
    EVENTS,
    SEND,
    SEND_MANY,
    connect,
    events_until_done,
    leave,
    next_of,
    send,
)

# --- custom events --------------------------------------------------------------------------------------------------


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
    assert await events_until_done(world, other, "bob") == []


@pytest.mark.parametrize("message", [None, "text", 0, 1.5, False, [], {}, [{"a": [None]}]])
async def test_an_event_carries_any_json(world: World, message: object) -> None:
    client = await connect(world, "alice")
    await send(world, "alice", message=message)
    assert await next_of(client) == message


async def test_an_offline_user_is_sent_no_event(world: World) -> None:
    answer = await send(world, "alice", message=1)
    assert answer == {"success": False, "message": f"User {world.id_of('alice')} is not connected"}
    client = await connect(world, "alice")
    assert await events_until_done(world, client, "alice") == []


async def test_the_response_lists_the_users_who_were_reached(world: World) -> None:
    alice, bob = await connect(world, "alice"), await connect(world, "bob")
    answer = await send(world, "alice", "carol", "bob", "alice", event="announcement", message=[1])
    reached = [world.id_of("alice"), world.id_of("bob")]
    assert answer == {"success": True, "message": "Message sent to 2 users", "userIds": reached}
    assert await next_of(alice, "announcement") == [1]
    assert await next_of(bob, "announcement") == [1]
    assert await events_until_done(world, alice, "alice") == []


async def test_reaching_no_user_is_no_success(world: World) -> None:
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
async def test_an_invalid_event_is_refused(world: World, path: str, change: Payload, place: str) -> None:
    client = await connect(world, "alice")
    who: Payload = {"userId": world.id_of("alice")} if path == SEND else {"userIds": [world.id_of("alice")]}
    body = {**who, "event": "alert", "message": 1, **change}
    answer = await world.request("POST", path, by="backend", role="service", json=body)
    assert answer.status_code == 422
    assert answer.json()["error"]["details"][0]["path"] == place
    assert await events_until_done(world, client, "alice") == []


@pytest.mark.parametrize("text", ["NaN", "Infinity", "[" * 70 + "]" * 70, "1e999"])
async def test_json_that_cannot_be_forwarded_is_refused(world: World, text: str) -> None:
    content = f'{{"userId":"{world.id_of("alice")}","event":"alert","message":{text}}}'
    headers = {"content-type": "application/json"}
    answer = await world.request("POST", SEND, by="backend", role="service", content=content, headers=headers)
    assert answer.status_code == 422


async def test_an_event_that_is_too_large_is_refused(world: World) -> None:
    body = {"userId": world.id_of("alice"), "event": "alert", "message": "x" * CUSTOM_PAYLOAD_MAX_BYTES}
    answer = await world.request("POST", SEND, by="backend", role="service", json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "payload_too_large")


@pytest.mark.parametrize(("user_id", "place"), [("a b", "userId"), ("", "userId"), (5, "userId")])
async def test_an_invalid_user_id_is_refused(world: World, user_id: object, place: str) -> None:
    body = {"userId": user_id, "event": "alert", "message": 1}
    answer = await world.request("POST", SEND, by="backend", role="service", json=body)
    assert answer.status_code == 422
    assert answer.json()["error"]["details"][0]["path"] == place


async def send_under_key(world: World, path: str, message: object, by: str = "backend") -> httpx.Response:
    """Sends an event to Alice, or to Alice and Bob, under a fixed idempotency key, and returns the response."""
    to = {"userId": world.id_of("alice")} if path == SEND else {"userIds": [world.id_of("alice"), world.id_of("bob")]}
    body = {**to, "event": "alert", "message": message, "store": True}
    return await world.request("POST", path, by=by, role="service", json=body, headers={"idempotency-key": "k1"})


@pytest.mark.parametrize("path", [SEND, SEND_MANY])
async def test_a_retry_under_a_key_returns_the_first_response_and_sends_nothing(world: World, path: str) -> None:
    client = await connect(world, "alice")
    first = await send_under_key(world, path, {"a": 1})
    assert (first.status_code, first.json()["success"]) == (200, True)
    assert await next_of(client) == {"a": 1}
    again = await send_under_key(world, path, {"a": 1})
    assert (again.status_code, again.json()) == (200, first.json())
    assert await events_until_done(world, client, "alice") == []
    await leave(world, client, "alice")
    assert (await send_under_key(world, path, {"a": 1})).json() == first.json()
    assert (await send_under_key(world, path, {"a": 1}, by="another")).json()["success"] is False


@pytest.mark.parametrize("path", [SEND, SEND_MANY])
async def test_another_body_under_a_key_is_a_conflict_and_is_not_sent(world: World, path: str) -> None:
    client = await connect(world, "alice")
    await send_under_key(world, path, 1)
    assert await next_of(client) == 1
    other = await send_under_key(world, path, 2)
    assert (other.status_code, other.json()["error"]["code"]) == (409, "conflict")
    assert await events_until_done(world, client, "alice") == []


async def test_a_refused_request_may_be_repeated_under_its_key(world: World) -> None:
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


async def test_an_operator_may_use_the_routes_too(world: World) -> None:
    client = await connect(world, "alice")
    body = {"userId": world.id_of("alice"), "event": "alert", "message": 1}
    assert (await world.request("POST", SEND, by="operator", role="admin", json=body)).json()["success"] is True
    assert await next_of(client) == 1
    assert (await world.request("GET", "/api/gateway/stats", by="operator", role="admin")).status_code == 200
