"""Two nodes limit a user like one node, and continue to limit after the Valkey between them has failed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass

import pytest

from tests.chat.chat_client import ChatClient
from tests.chat.conftest import World
from tests.cluster.cluster import Cluster
from tests.cluster.conftest import StartCluster
from tests.valkey_server import ValkeyServer

# So slow that no bucket fills up while a test runs.
LIMITED = {"TALKWIRE_RATE_LIMITS": "on", "TALKWIRE_RATES": "sends=0.02/20,account_sign_ins=0.02/5"}
WAIT_S = 20.0


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

    async def send_until_refused(self, node: int) -> int:
        """Sends as slowly as a person would."""
        sent = 0
        async with asyncio.timeout(WAIT_S):
            while await self.sends(node, 1):
                sent += 1
                await asyncio.sleep(0.1)
        return sent


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
    await _until_redis_knows(limited)
    # One of the refusals synchronised this node with the shared bucket; requests before it may have been allowed.
    assert 1 <= await alice.send_until_refused(1) < 10
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


async def _until_redis_knows(cluster: Cluster) -> None:
    async with asyncio.timeout(WAIT_S):
        while not _valkey(cluster).command("KEYS", "talkwire:*:limit:sends:*"):  # noqa: ASYNC110 (it tells nobody)
            await asyncio.sleep(0.05)
