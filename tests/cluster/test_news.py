"""Events of one node reach the others, with each kind of bus, and while the bus is away."""

from __future__ import annotations

import re

from tests.chat.chat_server import ServerProcess
from tests.cluster.cluster import Cluster
from tests.cluster.conftest import StartCluster
from tests.http_client import AsyncHttpClient
from tests.waiting import deadline


async def test_messages_and_typing_reach_members_on_other_nodes(two_nodes: Cluster) -> None:
    async with two_nodes.world(0) as here, two_nodes.world(1) as there:
        there.take_ids_of(here)
        talk = await here.conversation("alice", "bob")
        alice, bob = await here.connect("alice"), await there.connect("bob")
        await alice.send_message(talk, "Hello \U0001f389")
        assert (await bob.next("message:new"))["content"] == "Hello \U0001f389"
        await bob.emit("typing:start", {"conversationId": talk})
        assert (await alice.next("typing:user"))["userId"] == here.id_of("bob")
        for number in range(20):
            await alice.send_message(talk, f"from alice {number}")
            await bob.send_message(talk, f"from bob {number}")
        texts = [f"from {name} {number}" for number in range(20) for name in ("alice", "bob")]
        assert (await alice.next("message:new"))["content"].startswith("Hello")
        for client in (alice, bob):
            assert [(await client.next("message:new"))["content"] for _ in texts] == texts


async def test_a_ban_acts_on_every_node(two_nodes: Cluster) -> None:
    async with two_nodes.world(0) as here, two_nodes.world(1) as there:
        there.take_ids_of(here)
        bob = await there.connect("bob")
        answer = await here.request(
            "PUT", f"/api/v1/users/{here.id_of('bob')}/ban", by="operator", role="admin", json={}
        )
        assert answer.is_success, answer.text
        assert (await bob.next("session:ending"))["reason"] == "banned"
        await bob.wait_disconnected()


async def test_a_node_without_its_valkey_follows_the_log_and_reports_it(start_cluster: StartCluster) -> None:
    cluster = start_cluster(2, valkey=True)
    valkey = cluster.valkey
    assert valkey is not None
    async with cluster.world(0) as here, cluster.world(1) as there, AsyncHttpClient() as http:
        there.take_ids_of(here)
        talk = await here.conversation("alice", "bob")
        alice, bob = await here.connect("alice"), await there.connect("bob")

        async def says(node: ServerProcess) -> tuple[str, float]:
            """Returns the state of a node's bus from both pages."""
            ready = await http.get(f"{node.url}/readyz")
            assert ready.status_code == 200  # it can be sent requests all the same
            metrics = (await http.get(f"{node.url}/metrics")).text
            found = re.search(r"^talkwire_bus_away (.+)$", metrics, re.MULTILINE)
            assert found is not None
            return ready.json()["bus"], float(found[1])

        sent = 0

        async def goes_on() -> None:
            nonlocal sent
            for _ in range(5):
                await alice.send_message(talk, str(sent))
                assert (await bob.next("message:new"))["content"] == str(sent)
                sent += 1

        async def until(expected: tuple[str, float]) -> None:
            async with deadline():
                for node in cluster.nodes:
                    while await says(node) != expected:
                        await goes_on()

        await until(("ok", 0))
        await goes_on()
        valkey.kill()
        await until(("away", 1))
        await goes_on()
        valkey.start()
        await until(("ok", 0))
        await goes_on()
