"""Nodes are killed while they deliver, and the endpoint is down for a while: it still rebuilds all conversations.

Users write, edit, delete and react, and members come and go. In the end, what the endpoint has rebuilt is compared with
a fresh load, every field of it.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import ExitStack, asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from tests.chat.chat_server import ServerProcess, running_chat
from tests.cluster.cluster import Cluster
from tests.databases import Database
from tests.http_client import AsyncHttpClient
from tests.waiting import pause, until_asked
from tests.webhooks.receiver import ACCEPT, Json, Receiver, Response, receiving

ENVIRONMENT = {"TALKWIRE_WEBHOOK_ALLOW": "127.0.0.1", "TALKWIRE_LEASE_S": "4"}
CONVERSATIONS = 6
USERS = ("alice", "bob", "carol")
GONE_WITH_A_MESSAGE = frozenset({"content", "attachments", "metadata", "mentions", "reactions", "replyTo", "pinned"})
"""What a message loses when it is deleted."""

Rebuilt = dict[str, Json]
"""Conversation id -> name, roles of the members, and messages with all their fields."""

DEADLINE_S = 120.0


class Writer:
    """The application's backend, which writes to all conversations until it is stopped, whatever fails."""

    def __init__(self, servers: Callable[[], ServerProcess], http: httpx.AsyncClient) -> None:
        self._servers = servers
        self._http = http
        self.conversations = [f"c{number}" for number in range(CONVERSATIONS)]

    async def request(self, method: str, path: str, body: object = None, by: str | None = None) -> Any:  # noqa: ANN401 (JSON)
        """Sends a request until it succeeds, as the backend or as a user. All of them are safe to repeat."""
        repeats = False
        while True:
            server = self._servers()
            token = server.token("backend", role="service") if by is None else server.token(by)
            headers = {"authorization": f"Bearer {token}"}
            try:
                answer = await self._http.request(method, f"{server.url}/api/v1{path}", json=body, headers=headers)
            except httpx.TransportError:
                repeats = True
                await pause(0.05)
                continue
            if answer.is_success:
                return answer.json() if answer.content else None
            if method == "DELETE" and repeats and answer.status_code in {403, 404}:
                return None  # the first attempt succeeded, and its answer was lost
            assert answer.status_code in {429, 503}, answer.text
            await pause(0.05)

    async def prepare(self, receiver: Receiver) -> str:
        """Creates a webhook and the conversations, and returns the webhook's id."""
        await self.request("POST", "/users/batch", {"users": [{"id": user, "name": user.title()} for user in USERS]})
        created = await self.request("POST", "/webhooks", {"url": receiver.url})
        receiver.secret = created["secret"]
        for conversation_id in self.conversations:
            body = {"kind": "group", "id": conversation_id, "memberIds": ["alice", "bob"], "ownerId": "alice"}
            await self.request("POST", "/conversations", body)
        return str(created["id"])

    async def write(self, conversation_id: str) -> None:
        for number in count():
            message = {
                "conversationId": conversation_id,
                "senderId": "alice",
                "content": f"{number}, @bob",
                "clientMessageId": f"{conversation_id}-{number}",
                "metadata": {"number": number},
            }
            sent = await self.request("POST", "/messages", message)
            await self._change(number, conversation_id, f"/messages/{sent['id']}")
            await pause(0.01)

    async def _change(self, number: int, conversation_id: str, message: str) -> None:
        match number % 6:
            case 0:
                await self.request("PATCH", message, {"content": f"{number} was edited"})
            case 1:
                await self.request("PUT", f"{message}/reactions/{quote('👍')}", by="bob")
            case 2:
                await self.request("DELETE", message)
            case 3:
                await self.request("POST", f"/conversations/{conversation_id}/members", {"userIds": ["carol"]})
            case 4:
                await self.request("DELETE", f"/conversations/{conversation_id}/members/carol")
            case _:
                await self.request("PATCH", f"/conversations/{conversation_id}", {"name": f"name {number}"})

    async def was_refused(self, webhook_id: str) -> bool:
        """Returns whether a server has recorded that the endpoint did not accept a connection."""
        deliveries = await self.request("GET", f"/webhooks/{webhook_id}/deliveries")
        return any(str(each.get("error")).startswith("cannot connect") for each in deliveries["items"])

    async def end(self) -> None:
        """Writes something to each conversation that the endpoint can wait for."""
        for conversation_id in self.conversations:
            await self.request("PATCH", f"/conversations/{conversation_id}", {"name": "the end"})

    async def load(self) -> Rebuilt:
        """Returns all conversations as the server has them."""
        found: Rebuilt = {}
        for conversation_id in self.conversations:
            path = f"/conversations/{conversation_id}"
            whole = await self.request("GET", path)
            members = {member["userId"]: member["role"] for member in whole["members"]}
            messages: dict[str, Json] = {}
            before = ""
            while page := (await self.request("GET", f"{path}/messages?limit=100{before}"))["items"]:
                messages |= {message["id"]: message for message in page}
                before = f"&before={page[0]['id']}"
            found[conversation_id] = {"name": whole["name"], "members": members, "messages": messages}
        return found

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(self.write(conversation_id)) for conversation_id in self.conversations]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(each, asyncio.CancelledError) for each in ended), ended


def rebuild(events: Iterable[Json]) -> Rebuilt:
    """Returns the conversations as a receiver that ignores repetitions and stores what it gets has them."""
    found: Rebuilt = {}
    for event in events:
        type_, data = event["type"], event["data"]
        chat = found.setdefault(event.get("conversationId", ""), {"name": None, "members": {}, "messages": {}})
        members, messages = chat["members"], chat["messages"]
        match type_:
            case "conversation:new" | "conversation:updated":
                chat["name"] = data.get("name")
            case "member:updated":
                members[data["userId"]] = data["role"]
            case "member:removed":
                del members[data["userId"]]
            case "message:new" | "message:updated":
                messages[data["id"]] = data
            case "message:reaction":
                messages[data["messageId"]]["reactions"] = data["reactions"]
            case "message:deleted":
                before = messages[data["messageId"]]
                kept = {name: before[name] for name in before if name not in GONE_WITH_A_MESSAGE}
                messages[data["messageId"]] = kept | {"deletedAt": data["deletedAt"]}
        members |= {member["userId"]: member["role"] for member in data.get("members", ())}
    found.pop("", None)  # events of users
    return found


def _moody(seed: int) -> Callable[[Json], Response]:
    """Returns how an endpoint answers that refuses some events, and sometimes closes the connection."""
    moods = random.Random(seed)
    return lambda event: moods.choice([*[ACCEPT] * 200, Response(500), Response(None)])


async def _deliver(writer: Writer, receiver: Receiver, kill: Callable[[], Awaitable[None]]) -> None:
    """Writes and kills, stops and starts the endpoint, and then waits until the endpoint has everything."""
    receiver.answer = _moody(1)
    webhook_id = await writer.prepare(receiver)
    async with asyncio.timeout(DEADLINE_S):
        async with writer.writing():
            await receiver.wait_until(lambda: len(receiver.accepted) > 30)
            await kill()
            before = len(receiver.accepted)
            await receiver.wait_until(lambda: len(receiver.accepted) > before + 30)
            await receiver.stop()
            await until_asked(lambda: writer.was_refused(webhook_id))
            await receiver.start()
            await kill()
            before = len(receiver.accepted)
            await receiver.wait_until(lambda: len(receiver.accepted) > before + 30)
        receiver.answer = lambda event: ACCEPT
        await writer.end()
        await receiver.wait_until(lambda: {*writer.conversations} == _ended(receiver))
    assert rebuild(receiver.unique()) == await writer.load()
    assert (await writer.request("GET", f"/webhooks/{webhook_id}"))["enabled"] is True
    bodies: dict[str, Json] = {}
    for event in receiver.accepted:
        assert bodies.setdefault(event["id"], event)["type"] == event["type"]


def _ended(receiver: Receiver) -> set[str]:
    """Returns the conversations whose end has arrived."""
    updated = receiver.events("conversation:updated")
    return {event["conversationId"] for event in updated if event["data"]["name"] == "the end"}


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

    async def delivering() -> list[int]:
        metrics = [(await http.get(f"{node.url}/metrics")).text for node in cluster.nodes]
        return [number for number, text in enumerate(metrics) if "talkwire_webhooks_delivering 1.0" in text]

    return (await until_asked(delivering))[0]
