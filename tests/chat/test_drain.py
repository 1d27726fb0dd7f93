"""Draining: a server that stops while other nodes exist keeps serving while it disconnects its clients one after the
other."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from urllib.parse import urlencode

import httpx

from tests.chat.chat_client import ChatClient
from tests.chat.chat_server import ServerProcess, running_chat
from tests.chat.conftest import World, world_at
from tests.chat.returner import Returner
from tests.chat.test_growing import author
from tests.chat.test_shutdown import send_many, writer_held_up
from tests.databases import PostgresServer
from tests.http_client import AsyncHttpClient
from tests.waiting import DEADLINE_S, deadline, pause, until_asked

WINDOW_S = 4
LONG_WINDOW_S = 300
SHUTDOWN = {"reason": "shutdown", "reconnect": True}


@asynccontextmanager
async def draining_world(folder: Path, window_s: int = WINDOW_S) -> AsyncIterator[tuple[ServerProcess, World]]:
    with running_chat(folder, {"TALKWIRE_DRAIN_S": str(window_s)}) as server:
        async with world_at(server) as world:
            yield server, world


async def standing(world: World) -> httpx.Response:
    return await world.request("GET", "/readyz")


async def begin_to_drain(server: ServerProcess, world: World) -> httpx.Response:
    """Sends SIGTERM, and returns the first response of `/readyz` that reports it."""

    async def report() -> httpx.Response | None:
        answer = await standing(world)
        return None if answer.status_code == 200 else answer

    server.process.send_signal(signal.SIGTERM)
    reported = await until_asked(report)
    assert reported is not None
    return reported


async def test_a_server_that_drains_is_not_ready_and_serves_on(tmp_path: Path) -> None:
    async with draining_world(tmp_path) as (server, world):
        conversation = await world.conversation("alice", "bob")
        alice = await world.connect("alice")
        answer = await begin_to_drain(server, world)
        assert answer.status_code == 503
        assert (answer.json()["status"], answer.json()["draining"]) == ("draining", True)
        assert "talkwire_draining 1.0" in (await world.request("GET", "/metrics")).text
        # A connected client, a client that a proxy still routes here, and a REST client.
        await alice.send_message(conversation, "still here")
        bob = await world.connect("bob")
        body = {"conversationId": conversation, "content": "over REST"}
        assert (await world.request("POST", "/api/v1/messages", by="alice", json=body)).is_success
        assert (await bob.next("message:new"))["content"] == "over REST"
        for client in (alice, bob):
            assert await client.next("session:ending") == SHUTDOWN
            assert await client.wait_closed() == 1001
        assert await asyncio.to_thread(server.wait_ended) == 0
        assert server.logged_errors() == []


async def test_draining_disconnects_clients_one_after_the_other(tmp_path: Path) -> None:
    async with draining_world(tmp_path) as (server, world):
        conversation = await world.conversation("alice", "bob")
        clients = [await world.connect("alice") for _ in range(8)]
        await begin_to_drain(server, world)
        for index, client in enumerate(clients):
            assert await client.next("session:ending") == SHUTDOWN
            await client.wait_closed()
            left = [other for other in clients[index + 1 :] if other.close_code is None]
            assert len(left) == len(clients) - index - 1, "those behind it are still there"
            for other in left:
                await other.done("typing:start", {"conversationId": conversation})
            # The client may reconnect to this server if it knows no other.
            await (await world.connect("alice")).done("typing:start", {"conversationId": conversation})
        assert await asyncio.to_thread(server.wait_ended) == 0


async def test_draining_disconnects_polling_clients_too(tmp_path: Path) -> None:
    async with draining_world(tmp_path) as (server, world), AsyncHttpClient(base_url=server.url) as http:
        path = f"/socket.io/?{urlencode({'EIO': '4', 'transport': 'polling'})}"
        opened = json.loads((await http.get(path)).text.removeprefix("0"))
        path += f"&sid={opened['sid']}"
        token = server.token(world.id_of("alice"))
        assert (await http.post(path, content=f'40{{"token":"{token}"}}')).text == "ok"
        received = (await http.get(path)).text
        await begin_to_drain(server, world)
        async with deadline():
            while not received.endswith("1"):
                answer = await http.get(path)
                assert answer.status_code == 200, "the server answers until everything is sent"
                received = f"{received}\x1e{answer.text}"
        assert '42["session:ending",{"reason":"shutdown","reconnect":true}]' in received.split("\x1e")
        assert (await standing(world)).json()["status"] == "draining"


async def test_a_request_that_waits_for_a_decision_is_answered_before_the_end(tmp_path: Path) -> None:
    async with draining_world(tmp_path) as (server, world):
        card = {"title": "Lunch?", "actions": [{"id": "pizza", "label": "Pizza"}], "decide": "first"}
        body = {
            "conversationId": await world.conversation("alice", "bob"),
            "senderId": world.id_of("bob"),
            "card": card,
        }
        path = f"/api/v1/messages/{(await world.service('POST', '/api/v1/messages', body))['id']}/card?wait=60"
        before = asyncio.ensure_future(world.request("GET", path, by="alice"))
        await begin_to_drain(server, world)
        for answer in (await before, await world.request("GET", path, by="alice")):
            assert (answer.status_code, answer.json()["state"]) == (200, "open")
        assert await asyncio.to_thread(server.wait_ended) == 0
        assert server.logged_errors() == []


async def test_a_reader_of_a_stream_that_comes_while_the_server_drains_is_let_go(tmp_path: Path) -> None:
    async with draining_world(tmp_path) as (server, world):
        agent = await author(world)
        await agent.open()
        await agent.append("Hello")
        await begin_to_drain(server, world)
        async with deadline():
            read = await world.request("GET", f"/api/v1/messages/{agent.message['id']}/stream", by="helper")
        assert (read.status_code, "Hello" in read.text) == (200, True)
        assert await asyncio.to_thread(server.wait_ended) == 0
        assert server.logged_errors() == []


async def test_pending_requests_are_answered(tmp_path: Path) -> None:
    async with draining_world(tmp_path) as (server, world):
        conversation = await world.conversation("alice")
        alice = await world.connect("alice")
        with writer_held_up(tmp_path):
            calls = await send_many(world, alice, conversation)
            server.process.send_signal(signal.SIGTERM)
            assert await alice.next("session:ending") == SHUTDOWN
            assert not any(call.done() for call in calls)
        async with deadline():
            answers = await asyncio.gather(*calls)
        assert all(answer["success"] for answer in answers)
        assert await alice.wait_closed() == 1001


async def test_a_second_signal_does_not_wait_for_anybody(tmp_path: Path) -> None:
    async with draining_world(tmp_path, LONG_WINDOW_S) as (server, world):
        alice = await world.connect("alice")
        await begin_to_drain(server, world)
        server.process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(server.wait_ended) == 1
        assert await alice.wait_closed() == 1006, "nobody was notified"


async def test_clients_continue_at_another_node_and_miss_nothing(tmp_path: Path, postgresql: PostgresServer) -> None:
    """Some clients write to the remaining node all the time; others listen at the draining node."""
    name = postgresql.create_migrated()
    environment = {
        "DATABASE_URL": postgresql.url_of(name).render_as_string(hide_password=False),
        "TALKWIRE_DRAIN_S": str(WINDOW_S),
    }
    for folder in ("going", "staying"):
        (tmp_path / folder).mkdir()
    with (
        running_chat(tmp_path / "going", environment) as going,
        running_chat(tmp_path / "staying", environment) as staying,
    ):
        async with world_at(staying) as there, AsyncExitStack() as stack:
            here = await stack.enter_async_context(world_at(going))
            here.take_ids_of(there)
            conversation = await there.conversation("alice", "bob")
            listeners = [Returner(here, "bob") for _ in range(4)]
            for listener in listeners:
                assert not await listener.come()
            alice = await there.connect("alice")
            gone = asyncio.Event()
            sending = asyncio.create_task(write_until(gone, alice, conversation))
            await listeners[-1].socket.next("message:new")
            going.process.send_signal(signal.SIGTERM)
            received = await asyncio.gather(*(move(listener, there) for listener in listeners))
            assert await asyncio.to_thread(going.wait_ended) == 0
            gone.set()
            sent = await sending
            for listener, before in zip(listeners, received, strict=True):
                await until_notified(listener, sent[-1])
                assert [*before, *contents(await listener.notified())] == sent
    postgresql.drop(name)


async def write_until(gone: asyncio.Event, client: ChatClient, conversation: str) -> list[str]:
    """Sends messages one after the other, and returns those that were acknowledged."""
    sent: list[str] = []
    while not gone.is_set():
        sent.append((await client.send_message(conversation, str(len(sent))))["content"])
        await pause(0.01)  # simulates the pace of people, and yields to others on this machine
    return sent


async def move(listener: Returner, world: World) -> list[str]:
    """Waits until the client is disconnected, and connects it to the other node. Returns the events from before."""
    assert await listener.socket.next("session:ending", 2 * DEADLINE_S) == SHUTDOWN
    await listener.socket.wait_closed()
    before = contents(listener.socket.notified)
    listener.note()
    listener.world = world
    assert await listener.come(), "it goes on where it was"
    return before


async def until_notified(listener: Returner, content: str) -> None:
    while (await listener.socket.next("message:new"))["content"] != content:
        pass


def contents(notified: object) -> list[str]:
    assert isinstance(notified, list)
    return [payload["content"] for name, payload, offset in notified if name == "message:new" and offset is not None]
