"""A standby takes over: nodes restart by themselves, and clients reload, however much of the log it has received."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, suppress
from pathlib import Path

import httpx
import pytest

from tests.chat.conftest import World
from tests.chat.returner import Returner
from tests.cluster.cluster import Cluster
from tests.databases import Database, PostgresServer, postgresql_server
from tests.waiting import until_asked

MESSAGES = 300
CRASH_AT = 100


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    """One that may crash."""
    with postgresql_server() as server:
        yield server


@pytest.fixture
def cluster(server: PostgresServer, tmp_path: Path) -> Iterator[Cluster]:
    database = Database("postgresql", server.url_of(server.create_migrated()))
    with ExitStack() as ending:
        yield Cluster(tmp_path, database, None, ending)


@asynccontextmanager
async def two_worlds(cluster: Cluster) -> AsyncIterator[tuple[World, World]]:
    async with cluster.world(0) as here, cluster.world(1) as there:
        there.take_ids_of(here)
        yield here, there


async def answers_again(world: World, cursor: str) -> httpx.Response:
    """What a cursor of before is answered with, once the node serves again."""

    async def served() -> list[httpx.Response]:
        with suppress(httpx.TransportError):
            answer = await world.request("GET", "/api/v1/sync", by="alice", params={"after": cursor})
            return [answer] if answer.status_code != 503 else []
        return []

    (answer,) = await until_asked(served)
    return answer


async def say(world: World, by: str, conversation: str, content: str) -> str:
    body = {"conversationId": conversation, "content": content}
    answer = await world.request("POST", "/api/v1/messages", by=by, json=body)
    assert answer.is_success, answer.text
    return str(answer.json()["id"])


@pytest.mark.parametrize("workers", [1, 2])
async def test_nodes_restart_and_clients_reload(server: PostgresServer, cluster: Cluster, workers: int) -> None:
    nodes = [cluster.add_node({"TALKWIRE_WORKERS": str(workers)}) for _ in range(2)]
    async with two_worlds(cluster) as (here, there):
        talk = await here.conversation("alice", "bob")
        await say(here, "bob", talk, "kept")
        # Otherwise a heartbeat of alice may prove its delivery, which is an event too, after the copy was made.
        assert (await here.request("POST", f"/api/v1/conversations/{talk}/read", by="alice", json={})).is_success
        alice = Returner(here, "alice")
        await alice.come()
        server.back_up()
        lost = await say(there, "bob", talk, "lost")
        await alice.socket.next("message:new")
        await alice.notified()
        alice.note()
        cursor = (await here.request("GET", "/api/v1/sync", by="alice")).json()["cursor"]

        server.fail_over()
        await alice.socket.wait_closed()
        for world in (here, there):
            answer = await answers_again(world, cursor)
            assert (answer.status_code, answer.json()["error"]["code"]) == (410, "cursor_epoch")
        assert [node.process.poll() for node in nodes] == [None, None], "nobody has to start them again"

        assert await alice.come() is False
        assert await say(there, "bob", talk, "something else") == lost, "the same id, as if nothing had been there"
        assert (await alice.socket.next("message:new"))["content"] == "something else"
        listed = await here.request("GET", f"/api/v1/conversations/{talk}/messages", by="alice")
        assert [message["content"] for message in listed.json()["items"]] == ["kept", "something else"]


async def deliver(world: World, conversation: str, content: str) -> str:
    """Sends a message until it is acknowledged, as a client does that keeps unacknowledged messages."""
    body = {"conversationId": conversation, "content": content, "clientMessageId": content}

    async def acknowledged() -> str:
        with suppress(httpx.TransportError):
            answer = await world.request("POST", "/api/v1/messages", by="alice", json=body)
            if answer.is_success:
                return str(answer.json()["id"])
            assert answer.status_code == 503, answer.text
        return ""

    return await until_asked(acknowledged)


async def history(world: World, conversation: str) -> list[tuple[str, str]]:
    """(id, content) of all messages, from the first."""
    found: list[tuple[str, str]] = []
    params = {"limit": "100"}
    while True:
        path = f"/api/v1/conversations/{conversation}/messages"
        items = (await world.request("GET", path, by="alice", params=params)).json()["items"]
        found = [(item["id"], item["content"]) for item in items] + found
        if len(items) < 100:
            return found
        params["before"] = found[0][0]


async def test_a_synchronous_standby_that_takes_over_lacks_nothing(server: PostgresServer, tmp_path: Path) -> None:
    name = server.create_migrated()
    with server.synchronous_standby() as standby, ExitStack() as ending:
        both = {"host": f"{server.folder},{standby.folder}", "target_session_attrs": "read-write"}
        database = Database("postgresql", server.url_of(name).set(query=both))
        cluster = Cluster(tmp_path, database, None, ending)
        cluster.add_node()
        cluster.add_node()
        async with two_worlds(cluster) as worlds:
            talk = await worlds[0].conversation("alice", "bob")
            acked: list[tuple[str, str]] = []
            crash: asyncio.Future[None] | None = None
            for number in range(MESSAGES):
                if number == CRASH_AT:
                    crash = asyncio.create_task(asyncio.to_thread(server.stop, signal.SIGQUIT))
                    crash.add_done_callback(lambda _: standby.promote())
                acked.append((await deliver(worlds[number % 2], talk, str(number)), str(number)))
            assert crash is not None
            await crash
            for world in worlds:
                assert await history(world, talk) == acked
