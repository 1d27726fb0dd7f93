"""The official client's own connection state recovery, unchanged, against the server as a process."""

from __future__ import annotations

import asyncio
import json
import signal
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from tests.chat.chat_server import ServerProcess, running_chat
from tests.chat.conftest import World, world_at
from tests.chat.test_recovery import service_send
from tests.protocol.server_process import reserved_port
from tests.waiting import deadline


class RecoveringClient:
    """recovery_client.mjs, line by line."""

    def __init__(self, process: Process) -> None:
        self._process = process

    async def says(self, happened: str) -> dict[str, Any]:
        """The next thing that it reports, which must be this."""
        assert self._process.stdout is not None
        async with deadline():
            line = await self._process.stdout.readline()
        report: dict[str, Any] = json.loads(line)
        assert report.pop("happened") == happened, report
        return report

    async def hears(self, *contents: object) -> None:
        """Checks that the client receives exactly these events next."""
        for content in contents:
            assert (await self.says("received"))["content"] == content

    async def is_notified(self, order: object) -> None:
        assert self._process.stdin is not None
        line = order if isinstance(order, str) else json.dumps(order)
        self._process.stdin.write(f"{line}\n".encode())
        await self._process.stdin.drain()


@asynccontextmanager
async def recovering(
    node_client: list[str], url: str, token: str, namespace: str = "/", transports: str = "websocket"
) -> AsyncIterator[RecoveringClient]:
    script = Path(node_client[1]).with_name("recovery_client.mjs")
    command = [node_client[0], str(script), url, namespace, transports, token]
    process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE)
    try:
        yield RecoveringClient(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def token(world: World) -> str:
    return world.server.token(world.id_of("alice"))


@pytest.fixture(scope="module")
def chat_server(tmp_path_factory: pytest.TempPathFactory) -> Any:  # noqa: ANN401 (a fixture)
    with running_chat(tmp_path_factory.mktemp("chat"), {"TALKWIRE_PRESENCE_GRACE_S": "0"}) as server:
        yield server
        assert server.logged_errors() == []


@pytest.fixture
async def world(chat_server: ServerProcess) -> AsyncIterator[World]:
    async with world_at(chat_server) as world:
        yield world


@pytest.mark.parametrize("transports", ["websocket", "polling", "polling,websocket"])
async def test_the_official_client_is_recovered_after_its_connection_broke(
    world: World, node_client: list[str], transports: str
) -> None:
    conversation = await world.conversation("alice", "bob")
    async with recovering(node_client, world.server.url, token(world), transports=transports) as alice:
        first = await alice.says("connect")
        assert not first["recovered"]
        await service_send(world, conversation, "bob", "before")
        await alice.hears("before")
        for number in range(3):
            await alice.is_notified("cut")
            await alice.says("disconnect")
            await service_send(world, conversation, "bob", f"meanwhile {number}")
            assert await alice.says("connect") == {"id": first["id"], "recovered": True}
            await alice.hears(f"meanwhile {number}")
        await service_send(world, conversation, "bob", "after")
        await alice.hears("after")


async def test_the_official_client_is_recovered_in_a_room_that_it_opened(world: World, node_client: list[str]) -> None:
    conversation = await world.conversation("alice", "bob")
    async with recovering(node_client, world.server.url, token(world), "/messages") as alice:
        first = await alice.says("connect")
        await alice.is_notified(["conversation:join", {"conversationId": conversation}])
        await alice.says("answered")
        await alice.is_notified("cut")
        await alice.says("disconnect")
        await service_send(world, conversation, "bob", "meanwhile")
        assert await alice.says("connect") == {"id": first["id"], "recovered": True}
        await alice.hears("meanwhile")


async def test_a_session_that_the_client_disconnected_is_not_recovered(world: World, node_client: list[str]) -> None:
    await world.conversation("alice", "bob")
    async with recovering(node_client, world.server.url, token(world)) as alice:
        first = await alice.says("connect")
        await alice.is_notified("disconnect")
        await alice.says("disconnect")
        await alice.is_notified("connect")
        second = await alice.says("connect")
        assert not second["recovered"]
        assert second["id"] != first["id"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=["SIGTERM", "kill -9"])
async def test_the_official_client_is_recovered_after_a_restart_of_the_server(
    tmp_path: Path, node_client: list[str], number: signal.Signals
) -> None:
    port = reserved_port()
    with running_chat(tmp_path, port=port) as server:
        async with world_at(server) as before:
            conversation = await before.conversation("alice", "bob")
            async with recovering(node_client, server.url, token(before)) as alice:
                first = await alice.says("connect")
                await service_send(before, conversation, "bob", "before")
                await alice.hears("before")
                server.process.send_signal(number)
                await asyncio.to_thread(server.wait_ended)
                await alice.says("disconnect")
                with running_chat(tmp_path, port=port) as again:
                    async with world_at(again) as after:
                        after.take_ids_of(before)
                        assert await alice.says("connect") == {"id": first["id"], "recovered": True}
                        await service_send(after, conversation, "bob", "after")
                        await alice.hears("after")


async def test_the_client_would_receive_events_twice_that_precede_the_answer_to_its_connect(
    node_client: list[str],
) -> None:
    """Why that ack is sent first (docs/decisions/0007): the client keeps events that arrive before it across a broken
    connection, but does not count them as received.
    """
    connections = 0

    async def answer(websocket: ServerConnection) -> None:
        nonlocal connections
        connections += 1
        await websocket.send('0{"sid":"x","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}')
        await websocket.recv()
        missed = '42["message:new",{"content":"missed"},"offset"]'
        if connections == 1:
            await websocket.send('40{"sid":"sid","pid":"pid"}')
        elif connections == 2:
            await websocket.send(missed)
        else:
            await websocket.send(missed)
            await websocket.send('40{"sid":"sid","pid":"pid"}')
            await websocket.wait_closed()
        await websocket.close()

    async with serve(answer, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        async with recovering(node_client, f"http://127.0.0.1:{port}", "") as client:
            await client.says("connect")
            for _ in range(2):
                await client.says("disconnect")
            await client.hears("missed", "missed")
