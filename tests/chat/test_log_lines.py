"""The lines that operators read in the log, over every way into the server."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

from talkwire.dialects.crm.vocabulary import CRM
from talkwire.dialects.dialect import Dialect
from talkwire.dialects.gateway.vocabulary import GATEWAY
from talkwire.dialects.messenger.vocabulary import MESSENGER
from talkwire.dialects.talks.vocabulary import TALKS
from talkwire.dialects.whatsapp.vocabulary import WHATSAPP
from tests.chat.chat_client import Refused
from tests.chat.chat_server import ServerProcess, running_chat
from tests.chat.conftest import World, world_at
from tests.waiting import deadline, until

LINES_PER_S = 10
WRITTEN = "the text of a message that no log may contain"


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server that logs each message, and limits how often users may send signals."""
    environment = {"TALKWIRE_LOG_LEVEL": "debug", "TALKWIRE_RATE_LIMITS": "on", "TALKWIRE_RATES": "signals=1/20"}
    with running_chat(tmp_path_factory.mktemp("watched"), environment) as server:
        yield server


@pytest.fixture
async def world(watched: ServerProcess) -> AsyncIterator[World]:
    async with world_at(watched) as world:
        yield world


def lines(world: World, event: str, **fields: object) -> list[dict[str, Any]]:
    """Returns the lines of an event that have these fields."""
    assert isinstance(world.server, ServerProcess)
    return [
        line
        for line in world.server.logged()
        if line["event"] == event and all(line.get(name) == value for name, value in fields.items())
    ]


async def line(world: World, event: str, **fields: object) -> dict[str, Any]:
    """Waits for exactly one such line."""
    found = await until(lambda: lines(world, event, **fields))
    assert len(found) == 1, found
    return found[0]


@pytest.mark.parametrize("dialect", [MESSENGER, TALKS, WHATSAPP, CRM, GATEWAY], ids=lambda dialect: dialect.name)
async def test_a_socket_has_a_line_at_its_beginning_and_at_its_end(world: World, dialect: Dialect) -> None:
    alice = await world.connect("alice", dialect=dialect)
    connected = await line(world, "connected", user_id=world.id_of("alice"))
    assert connected["level"] == "info"
    assert (connected["dialect"], connected["namespace"]) == (dialect.name, dialect.namespace)
    assert (connected["transport"], connected["address"]) == ("websocket", "127.0.0.1")
    await alice.close()
    ended = await line(world, "disconnected", user_id=world.id_of("alice"))
    assert ended["socket_id"] == connected["socket_id"]
    assert ended["reason"] == "transport close"
    assert 0 <= ended["duration_s"] < 60


async def test_a_polling_client_has_the_same_lines(world: World) -> None:
    token = world.server.token(world.id_of("alice"))
    opened = await world.http.get("/socket.io/?EIO=4&transport=polling")
    sid = opened.text.partition('"sid":"')[2].partition('"')[0]
    path = f"/socket.io/?EIO=4&transport=polling&sid={sid}"
    await world.http.post(path, content=f'40{{"token":"{token}"}}')
    assert (await line(world, "connected", user_id=world.id_of("alice")))["transport"] == "polling"
    await world.http.post(path, content="1")
    assert (await line(world, "disconnected", user_id=world.id_of("alice")))["reason"] == "transport close"


async def test_each_refused_connection_says_why(world: World) -> None:
    def refused(reason: str) -> int:
        return len(lines(world, "connection_refused", reason=reason, address="127.0.0.1"))

    reasons = ("token", "dialect", "namespace", "origin", "unsupported_protocol_version")
    before = {reason: refused(reason) for reason in reasons}
    client = await world.open()
    with pytest.raises(Refused):
        await client.sign_in({"token": "nonsense"})
    with pytest.raises(Refused):
        await client.sign_in({"token": world.server.token("alice"), "dialect": "nonsense"})
    nowhere = await world.open(namespace="/nowhere")
    with pytest.raises(Refused):
        await nowhere.sign_in()
    with pytest.raises(InvalidStatus):
        await world.open(headers={"Origin": "https://evil.example"})
    await world.http.get("/socket.io/?EIO=3&transport=polling")
    await until(lambda: {each: refused(each) - before[each] for each in reasons} == dict.fromkeys(reasons, 1))
    assert all(each["level"] == "warning" for each in lines(world, "connection_refused"))


async def test_signing_in_with_a_password_is_logged_and_so_is_a_refusal(world: World) -> None:
    account = {"email": f"{world.id_of('ann')}@example.com", "password": "a long password", "name": "Ann"}
    registered = await world.request("POST", "/api/v1/auth/register", json=account)
    user_id = registered.json()["user"]["id"]
    assert (await line(world, "signed_in", user_id=user_id))["method"] == "register"
    credentials = {"email": account["email"], "password": account["password"]}
    await world.request("POST", "/api/v1/auth/login", json=credentials)
    assert (await line(world, "signed_in", user_id=user_id, method="password"))["address"] == "127.0.0.1"
    await world.request("POST", "/api/v1/auth/login", json={**credentials, "password": "another password"})
    refused = await line(world, "sign_in_refused", user_id=user_id)
    assert (refused["method"], refused["reason"], refused["level"]) == ("password", "unauthenticated", "warning")
    unknown = {**credentials, "email": f"nobody-{user_id}@example.com"}
    await world.request("POST", "/api/v1/auth/login", json=unknown)
    assert [each for each in lines(world, "sign_in_refused") if "user_id" not in each]
    metrics = (await world.http.get("/metrics")).text
    for labels in ('method="register",outcome="ok"', 'method="password",outcome="unauthenticated"'):
        assert f"talkwire_sign_ins_total{{{labels}}}" in metrics


async def test_members_who_join_and_leave_have_lines(world: World) -> None:
    room = await world.conversation("alice", "bob")
    joined = await line(world, "joined", conversation_id=room)
    assert joined["count"] == 2
    assert sorted(joined["user_ids"]) == sorted([world.id_of("alice"), world.id_of("bob")])
    bob = await world.connect("bob")
    await bob.done("member:remove", {"conversationId": room, "userId": world.id_of("bob")})
    left = await line(world, "left", conversation_id=room)
    assert (left["user_id"], left["by"]) == (world.id_of("bob"), world.id_of("bob"))


async def test_each_message_has_a_line_at_debug_whichever_way_it_came(world: World) -> None:
    room = await world.conversation("alice", "bob")
    alice = await world.connect("alice")
    sent = await alice.send_message(room, WRITTEN)
    by_socket = await line(world, "message_sent", message_id=sent["id"])
    assert (by_socket["conversation_id"], by_socket["user_id"]) == (room, world.id_of("alice"))
    assert by_socket["level"] == "debug"
    body = {"conversationId": room, "content": WRITTEN}
    posted = await world.request("POST", "/api/v1/messages", by="bob", json=body)
    await line(world, "message_sent", message_id=posted.json()["id"])


async def test_a_refused_command_has_the_same_line_from_a_socket_and_over_rest(world: World) -> None:
    room = await world.conversation("alice")
    mallory = await world.connect("mallory")
    await mallory.refused("message:send", {"conversationId": room, "content": WRITTEN})
    by_socket = await line(world, "command_refused", user_id=world.id_of("mallory"))
    assert (by_socket["command"], by_socket["code"], by_socket["level"]) == ("message:send", "forbidden", "warning")
    body = {"conversationId": room, "content": WRITTEN}
    await world.request("POST", "/api/v1/messages", by="trudy", json=body)
    by_rest = await line(world, "command_refused", user_id=world.id_of("trudy"))
    assert (by_rest["command"], by_rest["code"]) == ("message:send", "forbidden")


async def test_a_request_that_becomes_no_command_has_a_line_with_its_route(world: World) -> None:
    await world.request("POST", "/api/v1/messages", by="trent", json={"conversationId": 5})
    await world.request("GET", "/api/v1/admin/overview", by="trent")
    # The command of this one has a line, so its request needs none.
    await world.request("POST", "/api/v1/messages", by="trent", json={"conversationId": "x", "content": WRITTEN})
    trents = {"user_id": world.id_of("trent")}
    await line(world, "command_refused", **trents, command="message:send")
    assert [(each["command"], each["code"]) for each in lines(world, "command_refused", **trents)] == [
        ("POST /api/v1/messages", "invalid_request"),
        ("GET /api/v1/admin/overview", "forbidden"),
        ("message:send", "forbidden"),
    ]


async def test_an_unknown_event_is_logged_without_its_name(world: World) -> None:
    alice = await world.connect("alice")
    await alice.refused(WRITTEN, {})
    refused = await line(world, "command_refused", user_id=world.id_of("alice"))
    assert (refused["command"], refused["code"]) == ("unknown", "invalid_request")


async def test_of_many_refusals_ten_a_second_are_logged_and_the_next_line_counts_the_others(world: World) -> None:
    alice = await world.connect("alice")

    async def refused(pings: int) -> int:
        """Sends pings, and returns how many of them were refused."""
        async with deadline():
            answers = await asyncio.gather(*(alice.start_call("ping", {}) for _ in range(pings)))
        return sum(not answer["success"] for answer in answers)

    def logged() -> list[dict[str, Any]]:
        return lines(world, "rate_limited", user_id=world.id_of("alice"), limit="signals", command="ping")

    refusals = await refused(200)
    limited = logged()
    assert len(limited) >= LINES_PER_S
    # The last lines of a second and the first of the next may be close together.
    written_at = [datetime.fromisoformat(each["timestamp"]) for each in limited]
    for first, last in zip(written_at, written_at[2 * LINES_PER_S :], strict=False):
        assert last - first >= timedelta(seconds=1)
    while len(logged()) == len(limited):
        refusals += await refused(1)
    assert logged()[-1]["suppressed"] > 0
    assert sum(1 + each.get("suppressed", 0) for each in logged()) == refusals


async def test_a_request_has_a_line_with_its_route_and_its_id(world: World) -> None:
    room = await world.conversation("alice")
    request_id = world.id_of("proxy")
    path = f"/api/v1/conversations/{room}"
    answer = await world.request("GET", path, by="alice", headers={"X-Request-Id": request_id})
    assert answer.headers["x-request-id"] == request_id
    logged = await line(world, "request", request_id=request_id)
    assert (logged["method"], logged["status"]) == ("GET", 200)
    assert logged["route"] == "/api/v1/conversations/{conversation_id}"
    assert logged["level"] == "info"
    assert logged["duration_ms"] > 0


async def test_a_request_to_an_unknown_path_has_a_line_without_route(world: World) -> None:
    answer = await world.http.get(f"/nowhere/{WRITTEN}")
    assert answer.status_code == 404
    logged = await line(world, "request", request_id=answer.headers["x-request-id"])
    assert (logged["route"], logged["status"]) == (None, 404)


async def test_an_id_that_is_no_id_is_replaced(world: World) -> None:
    answer = await world.http.get("/healthz", headers={"X-Request-Id": "a b\tc"})
    assert " " not in answer.headers["x-request-id"]


async def test_the_log_has_neither_texts_nor_tokens(world: World) -> None:
    room = await world.conversation("alice", "bob")
    alice = await world.connect("alice")
    token = world.server.token(world.id_of("alice"))
    await alice.send_message(room, WRITTEN)
    await alice.refused("message:send", {"conversationId": room, WRITTEN: WRITTEN})
    await world.http.get(f"/api/v1/users/me?token={token}", headers={"authorization": f"Bearer {token}"})
    assert isinstance(world.server, ServerProcess)
    log = (world.server.data.parent / "server.log").read_text()
    assert WRITTEN not in log
    assert token.rpartition(".")[2] not in log


def test_a_server_says_when_it_starts_and_stops_and_standard_output_is_json(tmp_path: Any) -> None:  # noqa: ANN401
    with running_chat(tmp_path) as server:
        server.process.send_signal(signal.SIGTERM)
        assert server.wait_ended() == 0
        text = (tmp_path / "server.log").read_text().splitlines()
        events = [entry["event"] for entry in server.logged()]
    assert len(events) == len(text), "each line is one object"
    assert [event for event in events if event in {"started", "stopping", "stopped"}] == [
        "started",
        "stopping",
        "stopped",
    ]
