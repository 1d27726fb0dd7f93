"""Clients whose tokens expire come back by themselves: the oldest and the newest official client that are supported,
and python-socketio."""

from __future__ import annotations

import asyncio
import json
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest
import socketio

from talkwire.identity.issuer import TokenIssuer
from tests.chat.chat_server import SECRET, ServerProcess, running_chat
from tests.clients.token_route import running_token_route
from tests.http_client import AsyncHttpClient
from tests.waiting import DEADLINE_S, deadline

CLIENT = Path(__file__).with_name("renewal_client.mjs")
TOKEN_S = 2
END_OF_CONNECTION = {"python-socketio": "transport error"}

Report = tuple[str, object]
"""What a client has seen, and a detail of it."""


@pytest.fixture(scope="module")
def chat_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with running_chat(tmp_path_factory.mktemp("chat")) as server:
        yield server
        assert server.logged_errors() == []


class Reports:
    """What a client reports, in order."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[Report] = asyncio.Queue()

    def add(self, happened: str, detail: object = None) -> None:
        self._queue.put_nowait((happened, detail))

    async def next(self) -> Report:
        async with deadline():
            return await self._queue.get()


@asynccontextmanager
async def node_client(library: str, server: ServerProcess, transports: str, user_id: str) -> AsyncIterator[Reports]:
    reports = Reports()
    with running_token_route(user_id, TOKEN_S) as route:
        process = await asyncio.create_subprocess_exec(
            "node", str(CLIENT), library, server.url, route.url, transports, stdout=PIPE
        )
        reading = asyncio.create_task(_read(process.stdout, reports))
        try:
            yield reports
        finally:
            process.kill()
            await process.wait()
            await reading


async def _read(lines: asyncio.StreamReader | None, reports: Reports) -> None:
    assert lines is not None
    async for line in lines:
        reports.add(*json.loads(line))


@asynccontextmanager
async def python_client(server: ServerProcess, transports: str, user_id: str) -> AsyncIterator[Reports]:
    reports = Reports()
    client = socketio.AsyncClient()
    client.on("connected", lambda _: reports.add("connected", False))
    client.on("message:new", lambda message: reports.add("message", message["content"]))
    client.on("session:ending", lambda ending: reports.add("ending", ending["reason"]))
    client.on("disconnect", lambda reason: reports.add("disconnected", reason))
    await client.connect(
        server.url,
        transports=transports.split(","),
        auth=lambda: {"token": TokenIssuer(SECRET).issue(user_id, ttl_s=TOKEN_S)},
        wait_timeout=DEADLINE_S,
    )
    try:
        yield reports
    finally:
        await client.disconnect()


CLIENTS: dict[str, Callable[[ServerProcess, str, str], AbstractAsyncContextManager[Reports]]] = {
    "oldest": lambda *arguments: node_client("socket.io-client-4.5.4", *arguments),
    "newest": lambda *arguments: node_client("socket.io-client", *arguments),
    "python-socketio": python_client,
}


@pytest.mark.parametrize("client", CLIENTS)
async def test_a_client_lives_through_two_expiries(chat_server: ServerProcess, client: str) -> None:
    # python-socketio does not connect again after Engine.IO's close packet, which ends a session over polling.
    transports = ("websocket", "polling,websocket" if client == "python-socketio" else "polling")
    async with asyncio.TaskGroup() as both:
        for each in transports:
            both.create_task(_live_through_two_expiries(chat_server, client, each))


async def _live_through_two_expiries(server: ServerProcess, client: str, transports: str) -> None:
    user_id = f"{client}-{transports}".replace(",", "-")
    headers = {"authorization": f"Bearer {server.token('backend', role='service')}"}
    async with AsyncHttpClient(base_url=server.url, headers=headers) as http:
        body = {"kind": "group", "memberIds": [user_id, "bob"]}
        conversation = (await http.post("/api/v1/conversations", json=body)).json()["id"]
        async with CLIENTS[client](server, transports, user_id) as reports:
            for round_ in range(3):
                assert (await reports.next())[0] == "connected"
                sent = {"conversationId": conversation, "senderId": "bob", "content": f"round {round_}"}
                assert (await http.post("/api/v1/messages", json=sent)).status_code == 201
                assert await reports.next() == ("message", f"round {round_}")
                assert await reports.next() == ("ending", "token_expired")
                assert await reports.next() == ("disconnected", END_OF_CONNECTION.get(client, "transport close"))
