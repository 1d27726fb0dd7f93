"""What leaves a cluster: the event stream, callbacks and erasure, with two nodes that are processes.

Webhooks are in `tests/webhooks/test_kills.py`, and pushes in `tests/push/test_two_nodes.py`.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import ExitStack, asynccontextmanager
from typing import Any

import httpx
import msgspec
import pytest
import pytest_asyncio
from standardwebhooks import Webhook

from tests.chat.chat_client import Refused
from tests.chat.conftest import World
from tests.cluster.cluster import Cluster
from tests.contracts.test_erasure import traces
from tests.databases import Database, PostgresServer
from tests.egress.receiver import ReceivedRequest, receiver
from tests.waiting import pause, until, until_asked

pytestmark = pytest.mark.asyncio(loop_scope="module")

SECRET = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
CANARY = "kanarienvogel"
EVENTS = "/api/v1/events"

Json = dict[str, Any]


class BackEnd:
    """An application's back end, which both nodes ask before messages are sent. It fails if `decide` returns None."""

    def __init__(self) -> None:
        self.decide: Callable[[Json], Json | None] = lambda _: {}
        self.asked: list[Json] = []
        self.url = ""

    async def respond(self, request: ReceivedRequest, writer: asyncio.StreamWriter) -> None:
        asked = Webhook(SECRET).verify(request.body, request.headers)
        self.asked.append(asked)
        decision = self.decide(asked)
        body = msgspec.json.encode(decision)
        status = b"500 Failed" if decision is None else b"200 OK"
        writer.write(b"HTTP/1.1 %b\r\ncontent-length: %d\r\n\r\n%b" % (status, len(body), body))
        await writer.drain()


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def back_end() -> AsyncIterator[BackEnd]:
    made = BackEnd()
    async with receiver(made.respond) as server:
        made.url = f"http://127.0.0.1:{server.port}/"
        yield made


@pytest.fixture(scope="module")
def environments(back_end: BackEnd) -> list[Mapping[str, str]]:
    """Both nodes ask the back end. If it fails, the first refuses what it was asked about, and the second allows it."""
    asking = {
        "TALKWIRE_CALLBACKS": f"message:send={back_end.url}",
        "TALKWIRE_CALLBACK_SECRET": SECRET,
        "TALKWIRE_CALLBACK_TIMEOUT_S": "20",
        "TALKWIRE_WEBHOOK_ALLOW": "127.0.0.1",
        "TALKWIRE_LEASE_S": "3",
    }
    return [{**asking, "TALKWIRE_CALLBACK_ON_FAILURE": on_failure} for on_failure in ("refuse", "allow")]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def cluster(
    environments: list[Mapping[str, str]], postgresql: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Cluster]:
    """Two nodes for all tests of this module."""
    name = postgresql.create_migrated()
    with ExitStack() as ending:
        ending.callback(postgresql.drop, name)
        database = Database("postgresql", postgresql.url_of(name))
        cluster = Cluster(tmp_path_factory.mktemp("cluster"), database, None, ending)
        for environment in environments:  # the receiver has to run meanwhile
            await asyncio.to_thread(cluster.add_node, environment)
        yield cluster


@asynccontextmanager
async def worlds(cluster: Cluster) -> AsyncIterator[tuple[World, World]]:
    """Yields the same users at both nodes."""
    async with cluster.world(0) as first, cluster.world(1) as second:
        second.take_ids_of(first)
        yield first, second


# ---------------------------------------------------------------------------------------------------- callbacks


def _in_capitals(asked: Json) -> Json:
    command = asked["command"]
    return {"command": {**command, "content": command["content"].upper()}}


async def test_each_node_asks_the_back_end_and_follows_its_own_setting_when_that_fails(
    cluster: Cluster, back_end: BackEnd
) -> None:
    async with worlds(cluster) as (first, second):
        talk = await first.conversation("alice", "bob")
        alice, bob = await first.connect("alice"), await second.connect("bob")
        back_end.decide = _in_capitals
        for sender, text in ((alice, "from the first"), (bob, "from the second")):
            await sender.send_message(talk, text)
            for client in (alice, bob):
                assert (await client.next("message:new"))["content"] == text.upper()
        assert [(each["type"], each["actor"]["userId"]) for each in back_end.asked] == [
            ("message:send", first.id_of("alice")),
            ("message:send", first.id_of("bob")),
        ]
        back_end.decide = lambda _: {"error": {"code": "forbidden", "message": "Not here."}}
        for client in (alice, bob):
            refusal = await client.refused("message:send", {"conversationId": talk, "content": "refused"})
            assert (refusal["code"], refusal["message"]) == ("forbidden", "Not here.")
        back_end.decide = lambda _: None
        refusal = await alice.refused("message:send", {"conversationId": talk, "content": "not stored"})
        assert refusal["code"] == "unavailable"
        await bob.send_message(talk, "allowed")
        assert (await alice.next("message:new"))["content"] == "allowed"
        assert len(back_end.asked) == 6
        back_end.decide = lambda _: {}
        page = await first.service("GET", f"/api/v1/conversations/{talk}/messages")
        assert [each["content"] for each in page["items"]] == ["FROM THE FIRST", "FROM THE SECOND", "allowed"]


# ------------------------------------------------------------------------------------------------------ erasure


async def test_an_erasure_at_one_node_is_complete_at_the_other(cluster: Cluster) -> None:
    async with worlds(cluster) as (first, second):
        user = f"/api/v1/users/{first.id_of('alice')}"
        await first.service("PUT", user, {"name": f"Alice {CANARY}", "text": CANARY, "email": f"{CANARY}@example.com"})
        talk = await first.conversation("bob", "alice")
        alice, bob = await second.connect("alice"), await second.connect("bob")
        sent = await alice.send_message(talk, f"a {CANARY} sings")
        reply = await bob.send_message(talk, "indeed", replyToId=sent["id"])
        assert reply["replyTo"]["content"] == f"a {CANARY} sings"
        members = f"/api/v1/conversations/{talk}"
        search = f"/api/v1/search?q={CANARY}"

        async def seen() -> str:
            """What Bob sees of the conversation at the second node."""
            answers = [await second.request("GET", path, by="bob") for path in (members, f"{members}/messages", user)]
            assert all(answer.is_success for answer in answers)
            return "".join(answer.text for answer in answers)

        async def found() -> object:
            return (await second.request("GET", search, by="bob")).json()["items"]

        await until_asked(found)
        assert CANARY in await seen()

        erased = await first.request("DELETE", f"{user}?messages=redact", by="backend", role="service")
        assert erased.is_success, erased.text
        ending = await alice.next("session:ending")
        assert (ending["reason"], ending["reconnect"]) == ("erased", False)
        await alice.wait_disconnected()
        assert (await bob.next("user:updated"))["name"] == "Deleted user"
        assert (await bob.next("message:deleted"))["messageId"] == sent["id"]
        shown = await seen()
        assert CANARY not in shown
        assert "Deleted user" in shown
        assert await found() == []
        listed = await bob.done("conversations:list", {})
        assert CANARY not in json.dumps(listed)
        with pytest.raises(Refused):
            await second.connect("alice")
        refused = await second.request("PUT", user, by="backend", role="service", json={"name": "Alice"})
        assert (refused.status_code, refused.json()["error"]["code"]) == (409, "conflict")

        async def is_clean() -> bool:
            return not await asyncio.to_thread(lambda: list(traces(cluster.database, CANARY)))

        await until_asked(is_clean)


# ------------------------------------------------------------------------------------------------- event stream


class Reader:
    """A back end that reads the event stream from one node at a time, and resumes with its cursor."""

    def __init__(self, world: World, cursor: str) -> None:
        self.world = world
        self.events: list[Json] = []
        self.cursor = cursor
        self.breaks = 0

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.world.server.token('backend', role='service')}"}

    async def run(self) -> None:
        while True:
            try:
                await self.read()
            except httpx.TransportError:
                self.breaks += 1
                await pause(0.05)

    async def read(self) -> None:
        raise NotImplementedError


class LongPolls(Reader):
    async def read(self) -> None:
        query = {"after": self.cursor, "wait": "30", "limit": "7"}
        answer = await self.world.http.get(EVENTS, params=query, headers=self.headers)
        page = answer.raise_for_status().json()
        self.events += page["items"]
        self.cursor = page["cursor"]


class Streams(Reader):
    async def read(self) -> None:
        headers = {**self.headers, "accept": "text/event-stream", "last-event-id": self.cursor}
        async with self.world.http.stream("GET", EVENTS, headers=headers) as response:
            response.raise_for_status()
            async for line in response.aiter_lines():
                name, _, value = line.partition(": ")
                if name == "id":
                    self.cursor = value
                elif name == "data":
                    self.events.append(json.loads(value))


class BackEndWriter:
    """Sends numbered messages to whichever node lives, until it is stopped."""

    def __init__(self, world: World, conversation: str) -> None:
        self.world = world
        self.stopping = False
        self.sent = 0
        self._conversation = conversation

    async def run(self) -> None:
        while not self.stopping:
            message = {
                "conversationId": self._conversation,
                "senderId": self.world.id_of("alice"),
                "content": str(self.sent),
                "clientMessageId": f"{self._conversation}-{self.sent}",
            }
            try:
                answer = await self.world.request("POST", "/api/v1/messages", by="b", role="service", json=message)
            except httpx.TransportError:
                await pause(0.05)
                continue
            assert answer.is_success or answer.status_code == 503, answer.text
            self.sent += answer.is_success


async def test_readers_at_one_node_get_what_the_other_writes_once_and_in_order_through_kills(
    cluster: Cluster, environments: list[Mapping[str, str]]
) -> None:
    async with worlds(cluster) as (first, second):
        talk = await first.conversation("alice", "bob")
        start = (await second.service("GET", EVENTS))["cursor"]
        readers = [LongPolls(second, start), Streams(second, start)]
        writer = BackEndWriter(first, talk)
        tasks = [asyncio.create_task(running) for running in (*(reader.run() for reader in readers), writer.run())]

        async def read_on() -> None:
            """Waits until all readers have received further messages."""
            counts = [len(reader.events) + 20 for reader in readers]
            await until(lambda: all(len(reader.events) >= count for reader, count in zip(readers, counts, strict=True)))

        async def kill(number: int) -> None:
            cluster.nodes[number].process.kill()
            await asyncio.to_thread(cluster.nodes[number].wait_ended)

        await read_on()
        await kill(0)
        writer.world = second
        await read_on()  # the node of the readers writes now
        await asyncio.to_thread(cluster.restart, 0, environments[0])
        async with cluster.world(0) as again:
            again.take_ids_of(first)
            writer.world = again
            await read_on()
            await kill(1)
            for reader in readers:
                reader.world = again
            await read_on()
            writer.stopping = True
            await tasks[-1]
            end = (await again.service("GET", EVENTS))["cursor"]
            await until(lambda: all(reader.cursor == end for reader in readers))
            for task in tasks:
                task.cancel()
            stored = await _all_events(again, start)
        await asyncio.to_thread(cluster.restart, 1, environments[1])
    assert all(reader.breaks for reader in readers)
    assert [each["data"]["content"] for each in stored if each["type"] == "message:new"] == [
        str(number) for number in range(writer.sent)
    ]
    for reader in readers:
        assert reader.events == stored


async def _all_events(world: World, after: str) -> list[Json]:
    found: list[Json] = []
    while True:
        page = await world.service("GET", f"{EVENTS}?after={after}")
        found += page["items"]
        after = page["cursor"]
        if not page["more"]:
            return found
