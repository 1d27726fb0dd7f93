"""Timers on several nodes that are killed around the times: each fires once, and none early."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from talkwire.storage.schema import log
from tests.chat.conftest import World
from tests.cluster.conftest import StartCluster
from tests.databases import Database
from tests.repetition import repetitions
from tests.waiting import until_asked

OFFERS = 60


async def _offer(world: World, place: str, after_s: float) -> None:
    """Makes an offer that expires some seconds from now on, by the server's clock."""
    sent = {"conversationId": place, "content": "An offer", "senderId": world.id_of("alice")}
    message = await world.service("POST", "/api/v1/messages", sent)
    expires = datetime.fromisoformat(message["createdAt"]) + timedelta(seconds=after_s)
    body = {"title": "Car", "amount": 1, "currency": "EUR", "expiresAt": expires.isoformat()}
    await world.service("POST", f"/api/v1/conversations/{place}/offers", body | {"senderId": world.id_of("alice")})


def _ends(database: Database) -> Counter[int]:
    """Returns how often each offer has expired by the log, and checks that none did early."""
    ends: Counter[int] = Counter()
    with database.engine() as engine, engine.connect() as connection:
        for (data,) in connection.execute(select(log.c.data).where(log.c.type == "OfferUpdated")):
            event = json.loads(data)
            assert event["at_ms"] >= event["offer"]["expires_ms"]
            ends[event["offer"]["id"]] += 1
    return ends


@pytest.mark.parametrize("killed", range(repetitions(2, 1)))
async def test_each_timer_fires_once_though_nodes_are_killed(start_cluster: StartCluster, killed: int) -> None:
    cluster = start_cluster(3)
    async with cluster.world(0) as here, cluster.world(2) as there:
        there.take_ids_of(here)
        place = await here.conversation("alice", "bob")
        await asyncio.gather(*(_offer(here, place, 3 + number / 20) for number in range(OFFERS)))
        await until_asked(lambda: _has(cluster.database, 1 + killed * OFFERS // 2))
        cluster.nodes[0].process.kill()
        await until_asked(lambda: _has(cluster.database, OFFERS * 2 // 3))
        cluster.nodes[1].process.kill()
        await until_asked(lambda: _has(cluster.database, OFFERS))
        ends = await asyncio.to_thread(_ends, cluster.database)
        assert [*ends.values()] == [1] * OFFERS
        page = await there.service("GET", f"/api/v1/conversations/{place}/offers?limit=100")
        assert {offer["status"] for offer in page["items"]} == {"expired"}


async def _has(database: Database, count: int) -> bool:
    return len(await asyncio.to_thread(_ends, database)) >= count
