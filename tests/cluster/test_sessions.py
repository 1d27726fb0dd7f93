"""No sticky sessions: the official client, with the transports that it has by default, behind a proxy that gives each
request to the next node, whichever that is."""

from __future__ import annotations

import asyncio
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy

from rigs.torture.clients.client_socket import Listener, Transports, Unanswered
from rigs.torture.clients.javascript import Driver, JavascriptSocket, running_driver
from rigs.torture.cluster.balancer import Balancer
from tests.chat.chat_client import ChatClient
from tests.chat.conftest import World
from tests.cluster.cluster import Cluster
from tests.cluster.conftest import StartCluster
from tests.databases import Database
from tests.http_client import AsyncHttpClient, http_get
from tests.protocol.server_process import reserved_port
from tests.waiting import deadline, until_asked

TRANSPORTS: Sequence[Transports] = (("polling", "websocket"), ("polling",))


class Talker:
    """One official client."""

    def __init__(self, name: str, world: World, driver: Driver, url: str, transports: Transports) -> None:
        self.name = name
        self.received: list[str] = []
        self.connects: list[bool] = []
        """For each connect, whether the socket was recovered."""
        self.endings: list[Any] = []
        self._changed = asyncio.Event()
        auth = {"token": world.server.token(world.id_of(name)), "recovery": True}
        self.socket: JavascriptSocket = driver.socket(name, url, transports, auth)

    async def until(self, condition: Callable[[], bool]) -> None:
        try:
            async with deadline():
                while not condition():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise AssertionError(f"{self.name} connected {self.connects} and received {self.received}") from None

    async def send(self, conversation_id: str, content: str) -> None:
        """Sends a message until it is acknowledged."""
        payload = {"conversationId": conversation_id, "content": content, "clientMessageId": content}
        async with deadline():
            while True:
                try:
                    answer = await self.socket.call("message:send", payload, 2.0)
                except Unanswered:
                    await self.until(lambda: self.socket.connected)
                    continue
                assert answer["success"] is True, answer
                return

    async def open(self) -> None:
        await self.socket.open(Listener(self._connected, lambda _: self._changed.set(), self._notified))

    def _connected(self, _: str, recovered: bool) -> None:  # noqa: FBT001 (the listener's form)
        self.connects.append(recovered)
        self._changed.set()

    def _notified(self, name: str, args: Sequence[Any]) -> None:
        if name == "message:new":
            self.received.append(args[0]["content"])
        elif name == "session:ending":
            self.endings.append(args[0])
        self._changed.set()


@asynccontextmanager
async def round_robin(cluster: Cluster, folder: Path) -> AsyncIterator[str]:
    balancer = Balancer(folder, [int(node.url.rpartition(":")[2]) for node in cluster.nodes])
    await balancer.start()
    try:
        yield balancer.url
    finally:
        await balancer.kill()


@asynccontextmanager
async def driving(folder: Path, library: str = "socket.io-client") -> AsyncIterator[Driver]:
    with (folder / f"{library}.log").open("wb") as errors:
        async with running_driver(library, errors) as driver:
            yield driver


async def metrics(cluster: Cluster) -> Counter[str]:
    """Of all nodes together."""
    summed: Counter[str] = Counter()
    async with AsyncHttpClient() as http:
        for node in cluster.nodes:
            for line in (await http.get(f"{node.url}/metrics")).text.splitlines():
                if not line.startswith("#"):
                    name, _, value = line.rpartition(" ")
                    summed[name] += round(float(value))
    return summed


@pytest.mark.parametrize("library", ["socket.io-client", "socket.io-client-4.5.4"], ids=["newest", "4.5.4"])
async def test_clients_talk_although_each_request_reaches_another_node(
    start_cluster: StartCluster, tmp_path: Path, library: str
) -> None:
    cluster = start_cluster(3)
    async with (
        cluster.world(0) as world,
        round_robin(cluster, tmp_path) as url,
        driving(tmp_path, library) as driver,
    ):
        names = [f"user{number}" for number in range(12)]
        talk = await world.conversation(*names)
        talkers = [Talker(name, world, driver, url, TRANSPORTS[n % 2]) for n, name in enumerate(names)]
        for talker in talkers:
            await talker.open()
        for talker in talkers:
            await talker.until(lambda talker=talker: len(talker.connects) == 1)  # type: ignore[misc]
        sent = [[f"{talker.name} {number}" for number in range(8)] for talker in talkers]
        await asyncio.gather(*map(send_all, talkers, [talk] * 12, sent))
        expected = {text for texts in sent for text in texts}
        for talker in talkers:
            await talker.until(lambda talker=talker: len(talker.received) >= len(expected))  # type: ignore[misc]
        assert set(talkers[0].received) == expected
        for talker in talkers:
            assert talker.received == talkers[0].received
            assert talker.connects == [False], "nobody had to come back"
        counted = await metrics(cluster)
        assert counted["talkwire_passed_polls_total"] > 100
        assert counted["talkwire_passed_websockets_total"] > 0
        assert counted["talkwire_broken_links_total"] == 0


async def send_all(talker: Talker, conversation_id: str, texts: Sequence[str]) -> None:
    for text in texts:
        await talker.send(conversation_id, text)


async def test_a_node_that_is_killed_takes_nothing_along(start_cluster: StartCluster, tmp_path: Path) -> None:
    cluster = start_cluster(3)
    async with cluster.world(0) as world, round_robin(cluster, tmp_path) as url, driving(tmp_path) as driver:
        names = [f"user{number}" for number in range(9)]
        talk = await world.conversation(*names)
        talkers = [Talker(name, world, driver, url, TRANSPORTS[n % 2]) for n, name in enumerate(names)]
        for talker in talkers:
            await talker.open()
        for talker in talkers:
            await talker.until(lambda talker=talker: bool(talker.connects))  # type: ignore[misc]
        sent = [[f"{talker.name} {number}" for number in range(20)] for talker in talkers]
        sending = asyncio.gather(*map(send_all, talkers, [talk] * 9, sent))
        await talkers[0].until(lambda: len(talkers[0].received) >= 30)
        cluster.nodes[0].process.kill()
        await sending
        expected = {text for texts in sent for text in texts}
        for talker in talkers:
            await talker.until(lambda talker=talker: len(talker.received) >= len(expected))  # type: ignore[misc]
        assert set(talkers[0].received) == expected
        for talker in talkers:
            assert talker.received == talkers[0].received
            assert all(talker.connects[1:]), "who came back went on where they were"
        assert any(len(talker.connects) > 1 for talker in talkers)


async def _until_all_are(status: str, user_ids: Iterable[str], notified: ChatClient) -> None:
    """Waits until the client `notified` has received this status of each user, in any order: users that connect or
    disconnect together are recorded together.
    """
    awaited = set(user_ids)
    while awaited:
        update = await notified.next("presence:update")
        if update["status"] == status:
            awaited.discard(update["userId"])


async def test_a_node_that_was_stopped_for_longer_than_its_lease_serves_no_client_before_it_knows(
    start_cluster: StartCluster, tmp_path: Path
) -> None:
    cluster = start_cluster(2, environment={"TALKWIRE_LEASE_S": "6", "TALKWIRE_PRESENCE_GRACE_S": "0"})
    paused = cluster.nodes[0]
    async with cluster.world(0) as here, cluster.world(1) as there, driving(tmp_path) as driver:
        there.take_ids_of(here)
        talk = await here.conversation("alice", "bob", "mallory")
        bob = await there.connect("bob")
        alice = Talker("alice", here, driver, paused.url, ("polling", "websocket"))
        await alice.open()
        await alice.until(lambda: bool(alice.connects))
        poller = Talker("bob", here, driver, paused.url, ("polling",))
        await poller.open()
        await poller.until(lambda: bool(poller.connects))
        mallory = await here.connect("mallory")
        await alice.send(talk, "before")
        await bob.next("message:new")
        # A node records arrivals a moment later, and only users with a record go offline when the node is gone. The
        # event follows the record. The answer to `presence:get` does not: the node itself says who is there.
        here_ids = [there.id_of(name) for name in ("alice", "mallory")]
        await _until_all_are("online", here_ids, bob)

        os.kill(paused.process.pid, signal.SIGSTOP)
        try:
            # The kernel keeps their bytes until the process continues.
            await mallory.emit("typing:start", {"conversationId": talk})
            await mallory.emit("message:send", {"conversationId": talk, "content": "from the grave"})
            await _until_all_are("offline", here_ids, bob)
            await there.request("PUT", f"/api/v1/users/{there.id_of('mallory')}/ban", by="root", role="admin")
            await bob.send_message(talk, "meanwhile")
        finally:
            os.kill(paused.process.pid, signal.SIGCONT)

        assert await mallory.next("session:ending") == {"reason": "lease_lost", "reconnect": True}
        assert await mallory.wait_closed() == 1001
        for talker in (alice, poller):
            await talker.until(lambda talker=talker: len(talker.connects) == 2)  # type: ignore[misc]
            await talker.until(lambda talker=talker: "meanwhile" in talker.received)  # type: ignore[misc]
            assert talker.connects == [False, True], "it went on where it was"
            assert talker.endings == [{"reason": "lease_lost", "reconnect": True}]
        await alice.send(talk, "after")
        await poller.until(lambda: "after" in poller.received)
        assert alice.received == poller.received == ["before", "meanwhile", "after"]
        pending = await bob.pending()
        assert "from the grave" not in [payload.get("content") for _, payload in pending]
        assert [payload for name, payload in pending if name == "typing:user"] == []
        offline = [each for name, each in pending if name == "presence:update" and each["status"] == "offline"]
        assert offline == [], "they were notified once"


_UNENDED = sqlalchemy.text("SELECT id FROM nodes WHERE lease_until_ms > EXTRACT(epoch FROM clock_timestamp()) * 1000")


def leases_have_ended(database: Database) -> bool:
    with database.engine() as engine, engine.connect() as connection:
        return not connection.execute(_UNENDED).all()


async def test_a_fenced_node_serves_no_request(start_cluster: StartCluster) -> None:
    """REST requests wait in the kernel too."""
    cluster = start_cluster(1, environment={"TALKWIRE_LEASE_S": "3"})
    node = cluster.nodes[0]
    async with cluster.world(0) as world, AsyncHttpClient(base_url=node.url) as http:
        talk = await world.conversation("alice", "bob")
        headers = {"authorization": f"Bearer {world.server.token(world.id_of('alice'))}"}
        body = {"conversationId": talk, "content": "late"}
        await http.get("/healthz")  # so that its connection is open already
        os.kill(node.process.pid, signal.SIGSTOP)
        try:
            late = asyncio.create_task(http.post("/api/v1/messages", json=body, headers=headers))
            await until_asked(lambda: asyncio.to_thread(leases_have_ended, cluster.database))
        finally:
            os.kill(node.process.pid, signal.SIGCONT)
        answer = await late
        assert answer.status_code == 503, answer.text
        assert answer.json()["error"]["code"] == "unavailable"

        async def is_ready() -> bool:
            return (await http.get("/readyz")).status_code == 200

        await until_asked(is_ready)
        assert (await http.post("/api/v1/messages", json=body, headers=headers)).status_code == 201
        page = await http.get(f"/api/v1/conversations/{talk}/messages", headers=headers)
        assert [message["content"] for message in page.json()["items"]] == ["late"]


def test_the_port_for_other_nodes_can_be_chosen(start_cluster: StartCluster) -> None:
    port = reserved_port()
    cluster = start_cluster(1, environment={"TALKWIRE_INTERNAL_PORT": str(port)})
    assert http_get(f"http://127.0.0.1:{port}/healthz").status_code == 200
    assert http_get(f"http://127.0.0.1:{port}/api/v1/users/me").status_code == 403
    assert "talkwire_sessions" in http_get(f"http://127.0.0.1:{port}/metrics").text
    assert cluster.nodes[0].logged_errors() == []
