"""Nodes are killed while they deliver, and the endpoint is down for a while: it still rebuilds all conversations."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.chat.chat_server import ServerProcess, running_chat
from tests.cluster.cluster import Cluster
from tests.databases import Database
from tests.http_client import AsyncHttpClient
from tests.webhooks.receiver import ACCEPT, Json, Receiver, Response, receiving

ENVIRONMENT = {"TALKWIRE_WEBHOOK_ALLOW": "127.0.0.1", "TALKWIRE_LEASE_S": "2"}
CONVERSATIONS = 6
DEADLINE_S = 120.0


class Writer:
    """The application's backend, which sends to all conversations until it is stopped, whatever fails."""

    def __init__(self, servers: Callable[[], ServerProcess], http: httpx.AsyncClient) -> None:
        self._servers = servers
        self._http = http
        self.sent: dict[str, list[str]] = {f"c{number}": [] for number in range(CONVERSATIONS)}

    async def request(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 (JSON)
        """Sends a request until it succeeds. Requests that create something are safe to repeat."""
        while True:
            server = self._servers()
            headers = {"authorization": f"Bearer {server.token('backend', role='service')}"}
            try:
                answer = await self._http.request(method, f"{server.url}/api/v1{path}", json=body, headers=headers)
            except httpx.TransportError:
                await asyncio.sleep(0.05)
                continue
            if answer.is_success:
                return answer.json() if answer.content else None
            assert answer.status_code in {429, 503}, answer.text
            await asyncio.sleep(0.05)

    async def prepare(self, receiver: Receiver) -> str:
        """Creates the conversations and a webhook, and returns the webhook's id."""
        for conversation_id in self.sent:
            body = {"kind": "group", "id": conversation_id, "memberIds": ["alice", "bob"]}
            await self.request("POST", "/conversations", body)
        created = await self.request("POST", "/webhooks", {"url": receiver.url, "types": ["message:new"]})
        receiver.secret = created["secret"]
        return str(created["id"])

    async def write(self, conversation_id: str) -> None:
        texts = self.sent[conversation_id]
        while True:
            text = str(len(texts))
            message = {
                "conversationId": conversation_id,
                "senderId": "alice",
                "content": text,
                "clientMessageId": f"{conversation_id}-{text}",
            }
            await self.request("POST", "/messages", message)
            texts.append(text)
            await asyncio.sleep(0.01)

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(self.write(conversation_id)) for conversation_id in self.sent]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


def _moody(seed: int) -> Callable[[Json], Response]:
    """Returns how an endpoint answers that refuses some events, and sometimes closes the connection."""
    moods = random.Random(seed)
    return lambda event: moods.choice([*[ACCEPT] * 200, Response(500), Response(None)])


async def _deliver(writer: Writer, receiver: Receiver, kill: Callable[[], Awaitable[None]]) -> None:
    """Writes and kills, stops and starts the endpoint, and then waits until the endpoint has everything."""
    webhook_id = await writer.prepare(receiver)
    receiver.answer = _moody(1)
    async with asyncio.timeout(DEADLINE_S):
        async with writer.writing():
            await receiver.wait_until(lambda: len(receiver.accepted) > 30)
            await kill()
            before = len(receiver.accepted)
            await receiver.wait_until(lambda: len(receiver.accepted) > before + 30)
            await receiver.stop()
            await asyncio.sleep(0.7)  # conversations fail, and are recorded
            await receiver.start()
            await kill()
            before = len(receiver.accepted)
            await receiver.wait_until(lambda: len(receiver.accepted) > before + 30)
        receiver.answer = lambda event: ACCEPT
        await _stored(writer)
        total = sum(map(len, writer.sent.values()))
        await receiver.wait_until(lambda: len(receiver.events()) >= total)
    assert {name: receiver.texts(name) for name in writer.sent} == writer.sent
    assert (await writer.request("GET", f"/webhooks/{webhook_id}"))["enabled"] is True
    bodies: dict[str, Json] = {}
    for event in receiver.accepted:
        assert bodies.setdefault(event["id"], event) == event


async def _stored(writer: Writer) -> None:
    """Takes the stored messages as what was sent: one may have been stored although its answer was lost."""
    for conversation_id, texts in writer.sent.items():
        last = len(texts) + 1
        page = await writer.request("GET", f"/conversations/{conversation_id}/messages?limit=1")
        newest = page["messages"] if "messages" in page else page["items"]
        assert int(newest[-1]["content"]) <= last
        writer.sent[conversation_id] = [str(number) for number in range(int(newest[-1]["content"]) + 1)]


async def test_a_killed_server_continues_after_its_restart(tmp_path: Path) -> None:
    async with receiving() as receiver, AsyncHttpClient() as http:
        with ExitStack() as ending:
            servers = [ending.enter_context(running_chat(tmp_path, ENVIRONMENT))]

            async def kill() -> None:
                servers[0].process.kill()
                servers[0].process.wait(DEADLINE_S)
                servers[0] = await asyncio.to_thread(ending.enter_context, running_chat(tmp_path, ENVIRONMENT))

            await _deliver(Writer(lambda: servers[0], http), receiver, kill)


async def test_another_node_continues_when_one_is_killed(tmp_path: Path, postgresql_database: Database) -> None:
    async with receiving() as receiver, AsyncHttpClient() as http:
        with ExitStack() as ending:
            cluster = Cluster(tmp_path, postgresql_database, None, ending)
            for _ in range(2):
                await asyncio.to_thread(cluster.add_node, ENVIRONMENT)
            living = [0]

            async def kill() -> None:
                number = await _delivering(cluster, http)
                living[0] = 1 - number
                cluster.nodes[number].process.kill()
                cluster.nodes[number].process.wait(DEADLINE_S)
                await asyncio.to_thread(cluster.restart, number, ENVIRONMENT)

            await _deliver(Writer(lambda: cluster.nodes[living[0]], http), receiver, kill)


async def _delivering(cluster: Cluster, http: httpx.AsyncClient) -> int:
    """Returns the number of the node that delivers, once there is one."""
    while True:
        for number, node in enumerate(cluster.nodes):
            if "talkwire_webhooks_delivering 1.0" in (await http.get(f"{node.url}/metrics")).text:
                return number
        await asyncio.sleep(0.1)
