"""The operators' console over two nodes: any node answers for all, and says which did not answer."""

from __future__ import annotations

import os
import signal
from typing import Any

import pytest

from tests.chat.chat_client import Refused
from tests.chat.conftest import World
from tests.cluster.cluster import Cluster
from tests.cluster.conftest import StartCluster

ADMIN = "/api/v1/admin"
LIMITED = {"TALKWIRE_RATE_LIMITS": "on", "TALKWIRE_RATES": "sends=0.02/1", "TALKWIRE_SOCKETS_PER_USER": "1"}


async def _get(world: World, path: str) -> Any:  # noqa: ANN401 (JSON)
    answer = await world.request("GET", f"{ADMIN}/{path}", by="boss", role="admin")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def _all(world: World, path: str) -> list[Any]:
    """Returns the items on all pages of two."""
    found: list[Any] = []
    cursor = ""
    while True:
        page = await _get(world, f"{path}{'&' if '?' in path else '?'}limit=2{cursor}")
        found += page["items"]
        if page["next"] is None:
            return found
        cursor = f"&cursor={page['next']}"


async def test_each_node_answers_for_both(two_nodes: Cluster) -> None:
    async with two_nodes.world(0) as here, two_nodes.world(1) as there:
        there.take_ids_of(here)
        alice = here.id_of("alice")
        for world in (here, there, here, there, here):
            await world.connect("alice")
        overviews = [await _get(world, "overview") for world in (here, there)]
        ids = [node["id"] for node in overviews[0]["nodes"]]
        assert len(set(ids)) == 2
        assert [[node["id"] for node in overview["nodes"]] for overview in overviews] == [ids, ids]
        selves = [node["id"] for overview in overviews for node in overview["nodes"] if node["isSelf"]]
        assert sorted(selves) == sorted(ids)
        assert sorted(node["connections"] for node in overviews[1]["nodes"]) == [2, 3]
        kind = "postgresql" if two_nodes.valkey is None else "redis"
        assert [(o["bus"]["kind"], o["bus"]["state"], o["silentNodes"]) for o in overviews] == [(kind, "ok", [])] * 2
        assert overviews[0]["database"]["kind"] == "postgresql"

        connections = await _all(here, "connections")
        assert len(connections) == 5
        assert connections == await _all(there, "connections")
        assert [each["connectedAt"] for each in connections] == sorted(
            (each["connectedAt"] for each in connections), reverse=True
        )
        for node_id in ids:
            of_node = [each for each in connections if each["node"] == node_id]
            assert len(of_node) in {2, 3}
            assert await _all(there, f"connections?node={node_id}") == of_node
        (user,) = await _all(there, f"users?q={alice}")
        assert (user["online"], user["connections"]) == (True, 5)

        elsewhere = next(each for each in connections if each["node"] != selves[0])
        ended = await here.request("DELETE", f"{ADMIN}/connections/{elsewhere['id']}", by="boss", role="admin")
        assert ended.status_code == 204
        assert len(await _all(there, f"connections?userId={alice}")) == 4


@pytest.fixture
def limited(start_cluster: StartCluster) -> Cluster:
    return start_cluster(2, environment=LIMITED)


async def test_refusals_and_limits_of_both_nodes_are_in_one_list(limited: Cluster) -> None:
    async with limited.world(0) as here, limited.world(1) as there:
        there.take_ids_of(here)
        talk = await here.conversation("alice")
        for world in (here, there):
            for _ in range(3):
                body = {"conversationId": talk, "content": "hello"}
                await world.request("POST", "/api/v1/messages", by="alice", json=body)
        await there.request("GET", "/api/v1/users/me", headers={"authorization": "Bearer nonsense"})
        refusals = await _all(here, "refusals")
        assert refusals == await _all(there, "refusals")
        limits = [each for each in refusals if each["kind"] == "rate_limit"]
        assert len({each["node"] for each in limits}) == 2
        assert {(each["limit"], each["command"], each["userId"], each["conversationId"]) for each in limits} == {
            ("sends", "message:send", here.id_of("alice"), talk)
        }
        (sign_in,) = [each for each in refusals if each["kind"] == "sign_in"]
        assert (sign_in["reason"], sign_in["node"]) == ("unauthenticated", refusals[0]["node"])
        by_name = {each["name"]: each for each in (await _get(here, "limits"))["items"]}
        refused = sum(each["count"] for each in limits)
        assert refused >= 4
        assert by_name["sends"] == {"name": "sends", "value": 1, "perSeconds": 50.0, "refused": refused}
        assert by_name["reads"]["refused"] == 0
        await there.connect("bob")
        crowded = await there.open()
        with pytest.raises(Refused):
            await crowded.sign_in({"token": there.server.token(there.id_of("bob"))})
        by_name = {each["name"]: each for each in (await _get(here, "limits"))["items"]}
        assert by_name["sockets_per_user"] == {"name": "sockets_per_user", "value": 1, "refused": 1}
        overview = await _get(there, "overview")
        assert overview["perMinute"]["refusals"] == refused + 2
        assert overview["perMinute"]["messages"] >= 2


async def test_a_node_that_does_not_answer_is_named(start_cluster: StartCluster) -> None:
    cluster = start_cluster(2)
    async with cluster.world(0) as here, cluster.world(1) as there:
        there.take_ids_of(here)
        await here.connect("alice")
        await there.connect("alice")
        both = await _get(here, "overview")
        other = next(node["id"] for node in both["nodes"] if not node["isSelf"])
        stopped = cluster.nodes[1].process.pid
        os.kill(stopped, signal.SIGSTOP)
        try:
            overview = await _get(here, "overview")
            assert (len(overview["nodes"]), overview["silentNodes"]) == (1, [other])
            page = await _get(here, "connections")
            assert (len(page["items"]), page["silentNodes"]) == (1, [other])
            assert (await _get(here, f"connections?node={other}")) == {
                "items": [],
                "next": None,
                "silentNodes": [other],
            }
            users = await _get(here, f"users?q={here.id_of('alice')}")
            assert (users["items"][0]["connections"], users["silentNodes"]) == (1, [other])
        finally:
            os.kill(stopped, signal.SIGCONT)
