"""Notifications of users on other nodes than the one whose follower stores them: none is lost."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import update

from talkwire.core.commands.conversations import CreateConversation, UpdateConversation
from talkwire.core.commands.notifications import ListNotifications
from talkwire.core.commands.presence import RenewLease, UserMoves
from talkwire.core.domain.events import Notified
from talkwire.core.domain.model import Actor, Notify
from talkwire.core.engine.live_notifications import LiveNotifications
from talkwire.storage.engine import reading_engine
from talkwire.storage.followers.follower import Follower
from talkwire.storage.followers.offline_notifications import BEHIND_MS, OfflineNotifications, PreparedNotifications
from talkwire.storage.schema import nodes
from tests.contracts.cluster import Cluster, Place, running_cluster
from tests.contracts.node import ALICE, BACKEND, BOB, CAROL, OPERATOR, Clock
from tests.contracts.paces import Restless
from tests.databases import Database
from tests.waiting import DEADLINE_S

LEASE_MS = 15_000


@pytest.fixture
async def cluster(postgresql_database: Database) -> AsyncIterator[Cluster]:
    """Nodes that use the database's clock. Alice has direct conversations with bob (`d`) and with carol (`e`)."""
    async with running_cluster(postgresql_database, Clock(_now_ms()), grace_s=10) as cluster:
        for id_, other in (("d", "bob"), ("e", "carol")):
            await cluster.a.node.do(BACKEND, CreateConversation("direct", ("alice", other), id=id_))
        cluster.clock.now_ms = _now_ms()
        await _renew(cluster)
        yield cluster


@pytest.fixture(params=["there", "elsewhere"])
def following(request: pytest.FixtureRequest, cluster: Cluster) -> Place:
    """The node that stores notifications: the one to which bob is connected, or the other one."""
    return cluster.b if request.param == "there" else cluster.a


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


async def _say(cluster: Cluster, text: str, to: str = "d") -> None:
    """Sends a message of alice, and waits until all running nodes have delivered it."""
    await cluster.a.node.send(ALICE, text, to=to)
    if cluster.b.running:
        await cluster.b.node.chat.feed.wait_until(cluster.a.node.chat.pos)


async def _renew(cluster: Cluster) -> None:
    for place in (cluster.a, cluster.b):
        if place.running:
            await place.recorded()  # one that is being sent
    await cluster.renew()


async def _come(cluster: Cluster) -> None:
    """Connects bob to b. Everything from now on is after the log position of that moment."""
    await cluster.b.connect(BOB, "phone")
    await _renew(cluster)


@asynccontextmanager
async def _follower(place: Place, database: Database) -> AsyncIterator[Follower[PreparedNotifications]]:
    node = place.node
    is_here = node.chat.directory.is_connected_since
    work = OfflineNotifications(is_here, node.clock, node.chat.node_id)
    follower = Follower(work, reading_engine(database.url, 1), node.writer.transact, node.clock, Restless())
    follower.start()
    try:
        yield follower
    finally:
        await asyncio.to_thread(follower.close)


async def _stored(cluster: Cluster, place: Place, database: Database, actor: Actor = BOB) -> list[str]:
    """Returns the stored notifications, oldest first, once the whole log was processed."""
    async with _follower(place, database) as follower:
        assert await asyncio.to_thread(follower.wait_for, cluster.a.node.chat.pos, DEADLINE_S)
    return await _kept(cluster, actor)


async def _kept(cluster: Cluster, actor: Actor) -> list[str]:
    page = await cluster.a.node.do(actor, ListNotifications(cluster.clock.now_ms))
    return [each.body for each in reversed(page.items)]


async def test_a_user_connected_to_another_node_has_no_stored_notification(
    cluster: Cluster, following: Place, postgresql_database: Database
) -> None:
    await _come(cluster)
    await _say(cluster, "one")
    await _say(cluster, "for carol", to="e")
    await _renew(cluster)
    assert await _stored(cluster, following, postgresql_database) == []
    assert await _kept(cluster, CAROL) == ["for carol"]


async def test_another_nodes_users_wait_until_its_position_is_known(
    cluster: Cluster, postgresql_database: Database
) -> None:
    await _come(cluster)
    await _say(cluster, "for carol", to="e")
    pos = cluster.a.node.chat.pos
    await _say(cluster, "one")
    cluster.b.node.chat.lease._timers["renew"].cancel()  # this test renews it
    async with _follower(cluster.a, postgresql_database) as follower:
        assert await asyncio.to_thread(follower.wait_for, pos, DEADLINE_S)
        assert await _kept(cluster, CAROL) == ["for carol"], "which happened before"
        assert not await asyncio.to_thread(follower.wait_for, pos + 1, 0.2)
        await _renew(cluster)
        assert await asyncio.to_thread(follower.wait_for, pos + 1, DEADLINE_S)
    assert await _kept(cluster, BOB) == []


async def test_an_event_is_stored_for_a_user_whose_last_socket_has_just_closed(
    cluster: Cluster, following: Place, postgresql_database: Database
) -> None:
    await _come(cluster)
    cluster.b.disconnect(BOB, "phone")
    await _say(cluster, "before the lease was renewed")
    await _renew(cluster)
    await _say(cluster, "after that")
    await _renew(cluster)
    stored = await _stored(cluster, following, postgresql_database)
    assert stored == ["before the lease was renewed", "after that"]


async def test_only_events_after_a_kill_are_stored(cluster: Cluster, postgresql_database: Database) -> None:
    await _come(cluster)
    await _say(cluster, "told")
    cluster.clock.now_ms = _now_ms() + 1000 - LEASE_MS
    await _renew(cluster)
    await cluster.b.kill()
    cluster.clock.now_ms = _now_ms()
    await _say(cluster, "lost?")
    assert await _stored(cluster, cluster.a, postgresql_database) == ["lost?"]


async def test_events_after_a_node_stopped_are_stored(cluster: Cluster, postgresql_database: Database) -> None:
    await _come(cluster)
    await _say(cluster, "told")
    await _renew(cluster)
    cluster.b.running = False
    cluster.b.node.chat.close()
    await cluster.b.node.keeper.close()
    await _say(cluster, "lost?")
    assert await _stored(cluster, cluster.a, postgresql_database) == ["lost?"]


@pytest.mark.parametrize("noticed", [True, False])
async def test_events_during_a_short_disconnect_are_stored(
    cluster: Cluster, following: Place, postgresql_database: Database, *, noticed: bool
) -> None:
    """`noticed`: the lease is renewed meanwhile."""
    await _come(cluster)
    cluster.b.disconnect(BOB, "phone")
    await _say(cluster, "missed")
    if noticed:
        await _renew(cluster)
    await _come(cluster)
    await _say(cluster, "told")
    await _renew(cluster)
    assert await _stored(cluster, following, postgresql_database) == ["missed"]


async def test_disconnected_users_are_known_after_a_failed_renewal(
    cluster: Cluster, postgresql_database: Database
) -> None:
    await _come(cluster)
    cluster.b.disconnect(BOB, "phone")
    await _say(cluster, "missed")
    signals, node_id = cluster.b.node.chat.signals, cluster.b.node.chat.node_id
    signals.not_recorded(RenewLease(node_id, LEASE_MS, signals.take_user_changes()))
    await _renew(cluster)
    assert await _stored(cluster, cluster.a, postgresql_database) == ["missed"]


async def test_a_user_who_returns_after_the_grace_before_it_was_recorded_is_announced_again(
    postgresql_database: Database,
) -> None:
    async with running_cluster(postgresql_database, Clock(_now_ms()), grace_s=0) as cluster:
        await cluster.a.node.do(BACKEND, CreateConversation("direct", ("alice", "bob"), id="d"))
        cluster.clock.now_ms = _now_ms()
        await _come(cluster)
        presence = cluster.b.node.chat.signals.presence
        cluster.b.disconnect(BOB, "phone")
        presence._expire(asyncio.get_running_loop().time())
        await _say(cluster, "missed")
        await _come(cluster)
        await _say(cluster, "told")
        await _renew(cluster)
        assert await _stored(cluster, cluster.a, postgresql_database) == ["missed"]


async def test_a_living_node_that_delivers_nothing_is_not_waited_for(
    cluster: Cluster, postgresql_database: Database
) -> None:
    pos = cluster.a.node.chat.pos
    await cluster.a.node.do(OPERATOR, RenewLease("stuck", LEASE_MS, UserMoves(arrived=("bob",)), pos=pos))
    await _say(cluster, "one")
    await _say(cluster, "two")
    async with _follower(cluster.a, postgresql_database) as follower:
        assert not await asyncio.to_thread(follower.wait_for, pos + 1, 0.2)
        cluster.clock.now_ms += BEHIND_MS + 1
        await cluster.a.node.do(OPERATOR, RenewLease("stuck", LEASE_MS, pos=pos))
        assert await asyncio.to_thread(follower.wait_for, cluster.a.node.chat.pos, DEADLINE_S)
    assert await _kept(cluster, BOB) == ["one", "two"]


async def test_a_node_of_an_older_version_reports_no_position_and_is_not_waited_for(
    cluster: Cluster, postgresql_database: Database
) -> None:
    await cluster.a.node.do(
        OPERATOR, RenewLease("older", LEASE_MS, UserMoves(arrived=("bob",)), pos=cluster.a.node.chat.pos)
    )
    with postgresql_database.engine() as engine, engine.begin() as connection:
        connection.execute(update(nodes).where(nodes.c.id == "older").values(pos=None, renewed_ms=None))
    await _say(cluster, "one")
    assert await _stored(cluster, cluster.a, postgresql_database) == ["one"]


async def test_a_default_that_one_node_sets_applies_at_the_other(cluster: Cluster) -> None:
    """Bob is connected to b; the back end sets the default of a group at a, where alice writes."""
    a, b = cluster.a, cluster.b
    await a.node.do(BACKEND, CreateConversation("group", ("alice", "bob"), id="g", owner_id="alice"))
    notifier = LiveNotifications(b.node.chat, b.node.chat.directory, b.notified.extend)
    await _come(cluster)
    b.node.chat.subscribe(notifier.follow)
    defaults: tuple[tuple[Notify | None, int], ...] = (("all", 1), ("none", 0), ("all", 1), (None, 0))
    for default, count in defaults:
        await a.node.do(BACKEND, UpdateConversation("g", notify=default))
        b.notified.clear()
        await _say(cluster, "Hello", to="g")
        await notifier.close()
        assert [each.notification.type for each in b.of(Notified)] == ["message"] * count, default
