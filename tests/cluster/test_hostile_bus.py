"""An attacker who can publish on the Redis between the nodes, or notify through their PostgreSQL, but cannot read the
database. Whatever the attacker sends, every node delivers all events once and in order, and nothing else.
"""

from __future__ import annotations

import asyncio
import base64
import os
import random
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path

import msgspec
import psycopg
import pytest
from redis import Redis
from sqlalchemy import text

from tests.chat.conftest import World
from tests.chat.test_growing_up import end_leases
from tests.cluster.cluster import Cluster
from tests.cluster.conftest import StartCluster
from tests.databases import Database, PostgresServer, postgresql_server
from tests.http_client import AsyncHttpClient
from tests.valkey_server import ValkeyServer, valkey_server
from tests.waiting import until

MANY = 150
HEAD = 32
"""Bytes of a parcel before its dispatches."""

_encode = msgspec.msgpack.encode


def invented(start_pos: int) -> Iterator[bytes]:
    """Yields messages in the form that nodes send, and others that no node would send."""
    news = [
        {"kind": "committed", "node_id": "x", "start_pos": 0, "pos": 2**62, "events": []},
        {"kind": "committed", "node_id": "x", "start_pos": start_pos, "pos": 2**62, "events": []},
        {"kind": "committed", "node_id": "x", "start_pos": start_pos, "pos": start_pos + 1, "events": None},
        {
            "kind": "committed",
            "node_id": "x",
            "start_pos": start_pos,
            "pos": start_pos + 1,
            "events": [{"type": "UserBanned", "pos": start_pos + 1, "at_ms": 0, "user_id": "alice"}],
        },
        {"kind": "told", "node_id": "x", "events": [{"type": "CustomEvent", "event": "message:new", "payload": {}}]},
        {"kind": "question", "node_id": "x", "id": "1", "topic": "send-to-users", "body": {"user_ids": ["alice"]}},
        {"kind": "question", "node_id": "x", "id": "1", "topic": "take-over", "body": 7},
        {"kind": "answer", "node_id": "x", "id": "1", "to": "y", "body": -1},
    ]
    content: object
    for content in (*([each] for each in news), news, {}, 7, None, "x" * 100_000):
        body = _encode(content)
        yield body
        yield b"12345678" + body
        yield bytes(HEAD) + body
        yield os.urandom(HEAD) + body
    yield from (b"", b"\xc1", b"\x91" * 100_000, b"\xdd\xff\xff\xff\xff", b"\xc6\xff\xff\xff\xff", os.urandom(9 << 20))
    for size in (1, 31, 32, 33, 1000):
        yield os.urandom(size)


def changed(overreceived: Iterable[bytes]) -> Iterator[bytes]:
    """Yields recorded messages of nodes: repeated, delayed, reordered and modified."""
    parcels = list(overreceived)
    chooser = random.Random(1)
    yield from parcels
    yield from reversed(parcels)
    for parcel in parcels:
        index = chooser.randrange(len(parcel))
        yield parcel[:index] + bytes([parcel[index] ^ 1 << chooser.randrange(8)]) + parcel[index + 1 :]
        yield parcel[:index]
        yield parcel[HEAD:]
        yield chooser.choice(parcels)[:HEAD] + parcel[HEAD:]


class RedisAttacker:
    """Records and publishes messages."""

    def __init__(self, valkey: ValkeyServer) -> None:
        self._redis = Redis(port=valkey.port)
        self._listening = self._redis.pubsub()  # type: ignore[no-untyped-call]
        self._listening.psubscribe("talkwire:*")
        self.overreceived: list[tuple[bytes, bytes]] = []

    def listen(self) -> list[tuple[bytes, bytes]]:
        """Records incoming messages, and returns all so far."""
        while message := self._listening.get_message(timeout=0.01):
            if message["type"] == "pmessage":
                self.overreceived.append((message["channel"], message["data"]))
        return self.overreceived

    def publish(self, parcels: Iterable[bytes], epoch: str) -> None:
        channels = {channel for channel, _ in self.overreceived} | {f"talkwire:{epoch}:news".encode()}
        for parcel in parcels:
            for channel in channels:
                self._redis.publish(channel, parcel)

    def close(self) -> None:
        self._listening.close()
        self._redis.close()


class NotifyAttacker:
    """The same on PostgreSQL, where notifications are texts."""

    def __init__(self, database: Database) -> None:
        conninfo = database.url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._connection = psycopg.connect(conninfo, autocommit=True)
        self._channels = self._listening_channels(database)
        for channel in self._channels:
            self._connection.execute(psycopg.sql.SQL("LISTEN {}").format(psycopg.sql.Identifier(channel)))
        self.texts: list[str] = []
        self.overreceived: list[tuple[bytes, bytes]] = []

    @staticmethod
    def _listening_channels(database: Database) -> list[str]:
        with database.engine() as engine, engine.connect() as connection:
            listening = "SELECT query FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'"
            return sorted({query.split('"')[1] for query in connection.execute(text(listening)).scalars()})

    def listen(self) -> list[tuple[bytes, bytes]]:
        for notification in self._connection.notifies(timeout=0.05):
            self.texts.append(notification.payload)
            *_, data = notification.payload.split(" ")
            self.overreceived.append((b"", base64.b64decode(data)))
        return self.overreceived

    def publish(self, parcels: Iterable[bytes], epoch: str) -> None:
        junk = ["", "x", "1 0 99999999999 YQ==", "1 0 " + "9" * 5000 + " YQ==", "1 0 1 ***", "0 0 0 YQ==", *self.texts]
        parts = [f"1 {index} {index + 2} YQ==" for index in range(3)]
        whole = [f"1 0 1 {base64.b64encode(parcel).decode()}" for parcel in parcels if len(parcel) < 5000]
        for content in (*junk, *parts, *whole):
            for channel in (*self._channels, f"talkwire:{epoch}"):
                self._connection.execute("SELECT pg_notify(%s, %s)", (channel, content))

    def close(self) -> None:
        self._connection.close()


async def metric(world: World, name: str) -> float:
    found = re.search(rf"^{name} (.+)$", (await world.request("GET", "/metrics")).text, re.MULTILINE)
    assert found is not None
    return float(found[1])


async def test_hostile_bus_messages_do_not_disturb_delivery_once_and_in_order(two_nodes: Cluster) -> None:
    valkey = two_nodes.valkey
    async with two_nodes.world(0) as here, two_nodes.world(1) as there:
        there.take_ids_of(here)
        talk = await here.conversation("alice", "bob")
        alice, bob = await here.connect("alice"), await there.connect("bob")
        attacker = NotifyAttacker(two_nodes.database) if valkey is None else RedisAttacker(valkey)
        try:
            expected: list[str] = []

            async def say(name: str) -> None:
                sender = alice if name == "alice" else bob
                expected.append((await sender.send_message(talk, f"{name} {len(expected)}"))["content"])

            for number in range(40):
                await say("alice" if number % 2 else "bob")
                await (alice, bob)[number % 2].emit("typing:start", {"conversationId": talk})
            await until(attacker.listen)
            epoch = (await bob.done("sync"))["cursor"].partition("-")[0]
            pos = int(await metric(here, "talkwire_log_pos"))
            hostile = [*invented(pos), *changed(parcel for _, parcel in attacker.overreceived[-60:])]
            attack = asyncio.create_task(asyncio.to_thread(attacker.publish, hostile, epoch))
            while not attack.done():
                await say("bob" if len(expected) % 3 else "alice")
            await attack
            for _ in range(20):
                await say("alice")
                await say("bob")
            for client in (alice, bob):
                assert [(await client.next("message:new"))["content"] for _ in expected] == expected
            assert await alice.pending("message:new") == await bob.pending("message:new") == []
            for world in (here, there):
                assert await metric(world, "talkwire_bus_refused_total") > 0
                assert await metric(world, "talkwire_bus_away") == 0
            # Ephemeral events are delivered as before.
            await bob.pending("typing:user")
            await alice.emit("typing:stop", {"conversationId": talk})
            await alice.emit("typing:start", {"conversationId": talk})
            while not (await bob.next("typing:user"))["isTyping"]:
                pass
        finally:
            attacker.close()
    for node in two_nodes.nodes:
        assert node.logged_errors() == []
        refusals = [line for line in node.logged() if line["event"] == "bus_parcel_refused"]
        assert len(refusals) <= 3, "not each of them is logged"
        assert not [line for line in node.logged() if "exception" in line]


async def test_recorded_parcels_are_not_delivered_again(start_cluster: StartCluster) -> None:
    cluster = start_cluster(2, valkey=True)
    assert cluster.valkey is not None
    attacker = RedisAttacker(cluster.valkey)
    async with cluster.world(0) as here, cluster.world(1) as there:
        there.take_ids_of(here)
        bob = await there.connect("bob")
        bob.custom_events.add("order")

        async def order(world: World, number: int) -> None:
            """What another node publishes last arrives last."""
            body = {"userIds": [here.id_of("bob")], "event": "order", "message": {"n": number}}
            assert (await world.service("POST", "/api/gateway/send-many", body))["userIds"] == [here.id_of("bob")]
            assert await bob.next("order") == {"n": number}
            assert await bob.pending("order") == []

        await order(here, 1)
        await until(attacker.listen)
        for _ in range(3):
            attacker.publish([parcel for _, parcel in attacker.overreceived], "epoch")
        await order(here, 2)
        # Even after their sender has stopped, a node that never received them before does not accept copies.
        cluster.nodes[0].process.terminate()
        await asyncio.to_thread(cluster.nodes[0].wait_ended)
        cluster.add_node()
        async with cluster.world(2) as late:
            late.take_ids_of(here)
            bob = await late.connect("bob")
            bob.custom_events.add("order")
            attacker.publish([parcel for _, parcel in attacker.overreceived], "epoch")
            await order(there, 3)
            assert await metric(late, "talkwire_bus_refused_total") > 0
    attacker.close()


# --- two installations on one Redis -----------------------------------------------------------------------------------


async def _talk_apart(cluster: Cluster, copy: Cluster) -> None:
    """Checks that users of one installation receive its events and no others."""
    async with cluster.world(0) as here, copy.world(0) as there:
        there.take_ids_of(here)
        talks, clients = [], []
        for world in (here, there):
            talks.append(await world.conversation("alice", "bob"))
            clients.append((await world.connect("alice"), await world.connect("bob")))
        for number in range(MANY // 5):
            for name, talk, (alice, _) in zip(("original", "copy"), talks, clients, strict=True):
                await alice.send_message(talk, f"{name} {number}")
                await alice.emit("typing:start", {"conversationId": talk})
        for name, (_, bob) in zip(("original", "copy"), clients, strict=True):
            received = [(await bob.next("message:new"))["content"] for _ in range(MANY // 5)]
            assert received == [f"{name} {number}" for number in range(MANY // 5)]
            assert await bob.pending("message:new") == []


@pytest.fixture
def valkey() -> Iterator[ValkeyServer]:
    with valkey_server() as server:
        yield server


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    with postgresql_server() as server:
        yield server


def _stop(cluster: Cluster) -> None:
    cluster.nodes[-1].process.terminate()
    assert cluster.nodes[-1].wait_ended() == 0


@pytest.fixture
def installation(server: PostgresServer, tmp_path: Path) -> Iterator[Callable[[str, Database, ValkeyServer], Cluster]]:
    with ExitStack() as ending:

        def install(name: str, database: Database, valkey: ValkeyServer) -> Cluster:
            (tmp_path / name).mkdir()
            return Cluster(tmp_path / name, database, valkey, ending)

        yield install


async def test_a_database_that_was_made_from_another_has_a_bus_of_its_own(
    server: PostgresServer, valkey: ValkeyServer, installation: Callable[[str, Database, ValkeyServer], Cluster]
) -> None:
    name = server.create_migrated()
    cluster = installation("original", Database("postgresql", server.url_of(name)), valkey)
    cluster.add_node()
    await asyncio.to_thread(_stop, cluster)
    copy = installation("copy", Database("postgresql", server.url_of(server.create(template=name))), valkey)
    cluster.nodes.clear()
    (cluster._folder / "node1").rename(cluster._folder / "before")
    cluster.add_node()
    copy.add_node()
    await _talk_apart(cluster, copy)


async def test_a_copy_of_the_databases_files_does_not_listen_to_the_original(
    server: PostgresServer, valkey: ValkeyServer, installation: Callable[[str, Database, ValkeyServer], Cluster]
) -> None:
    name = server.create_migrated()
    cluster = installation("original", Database("postgresql", server.url_of(name)), valkey)
    cluster.add_node()
    with server.copied() as another:
        url = another.url_of(name)
        copy = installation("copy", Database("postgresql", url), valkey)
        end_leases(url.render_as_string(hide_password=False))
        copy.add_node()
        await _talk_apart(cluster, copy)
    async with AsyncHttpClient() as http:
        assert (await http.get(f"{cluster.nodes[0].url}/readyz")).status_code == 200
