"""Two nodes limit a user like one node, and continue to limit after the Valkey between them has failed."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass

import pytest

from tests.chat.chat_client import ChatClient
from tests.chat.conftest import World
from tests.cluster.cluster import Cluster
from tests.cluster.conftest import StartCluster
from tests.valkey_server import ValkeyServer
from tests.waiting import until

# So slow that no bucket fills up while a test runs.
PER_S = 0.02
LIMITED = {"TALKWIRE_RATE_LIMITS": "on", "TALKWIRE_RATES": f"sends={PER_S}/20,account_sign_ins={PER_S}/5"}


@dataclass
class Alice:
    """Alice at two nodes."""

    worlds: list[World]
    sockets: list[ChatClient]
    conversation: str

    async def sends(self, node: int, times: int) -> int:
        """How many messages were let through."""
        body = {"conversationId": self.conversation, "content": "x"}
        answers = [await self.sockets[node].call("message:send", body) for _ in range(times)]
        return sum(answer["success"] for answer in answers)


@pytest.fixture
def limited(start_cluster: StartCluster) -> Cluster:
    return start_cluster(2, valkey=True, environment=LIMITED)


@pytest.fixture
async def alice(limited: Cluster) -> AsyncIterator[Alice]:
    async with AsyncExitStack() as ending:
        worlds = [await ending.enter_async_context(limited.world(number)) for number in range(2)]
        worlds[1].take_ids_of(worlds[0])
        conversation = await worlds[0].conversation("alice")
        yield Alice(worlds, [await world.connect("alice") for world in worlds], conversation)


def _valkey(cluster: Cluster) -> ValkeyServer:
    assert cluster.valkey is not None
    return cluster.valkey


async def test_a_user_who_sends_at_both_nodes_is_limited_in_sum(limited: Cluster, alice: Alice) -> None:
    assert await alice.sends(0, 18) == 18
    await until(lambda: _taken(limited) == 18)
    assert await alice.sends(1, 1) == 1
    # With the reply to its report the other node learns of all, too late for what it is asked at the same moment.
    await until(lambda: _taken(limited) == 19)
    assert await alice.sends(1, 20) <= 2
    assert await alice.sends(0, 20) <= 2


async def test_passwords_are_tried_no_more_often_at_two_nodes_than_at_one(alice: Alice) -> None:
    wrong = {"email": "nobody@example.com", "password": "a guess"}
    statuses = []
    for number in range(8):
        answer = await alice.worlds[number % 2].request("POST", "/api/v1/auth/login", json=wrong)
        statuses.append(answer.status_code)
    assert statuses == [401] * 5 + [429] * 3


async def test_without_its_valkey_each_node_limits_for_itself_and_answers_as_before(
    limited: Cluster, alice: Alice
) -> None:
    _valkey(limited).kill()
    for node in range(2):
        assert await alice.sends(node, 30) == 20
    wrong = {"email": "nobody@example.com", "password": "a guess"}
    statuses = [(await alice.worlds[0].request("POST", "/api/v1/auth/login", json=wrong)).status_code for _ in range(7)]
    assert statuses == [401] * 5 + [429] * 2


def _taken(cluster: Cluster) -> int:
    """How many tokens of the one bucket the nodes have reported to Redis."""
    keys = _valkey(cluster).command("KEYS", "talkwire:*:limit:sends:*")
    assert isinstance(keys, list)
    if not keys:
        return 0
    state = _valkey(cluster).command("GET", keys[0])
    assert isinstance(state, bytes)
    full_at_us, as_of_us = map(int, state.split())
    return math.ceil((full_at_us - as_of_us) / 1_000_000 * PER_S)
