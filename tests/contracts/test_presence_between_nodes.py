"""Presence over two nodes: merged by the database, and announced once, by the node that has recorded it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from psycopg.errors import DeadlockDetected, LockNotAvailable, SerializationFailure
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from talkwire.core.commands.accounts import BanUser
from talkwire.core.commands.blocks import BlockUser
from talkwire.core.commands.desk.claims import ClaimConversation
from talkwire.core.commands.desk.teams import PutTeam
from talkwire.core.commands.members import AddMembers
from talkwire.core.commands.presence import GetPresenceOf, ListOnline, SetPresence, StorePresence
from talkwire.core.domain.events import PresenceChanged, RoomEntered, RoomLeft
from talkwire.core.domain.model import Presence, PresenceRecord
from talkwire.core.domain.nodes.peer import Peer
from talkwire.core.ports.stores import LeaseRecord
from talkwire.storage import leases
from talkwire.storage.tables.nodes import NodeRows
from talkwire.storage.tables.presence import WritablePresenceRows
from tests.contracts.cluster import Cluster, Place, running_cluster
from tests.contracts.node import ALICE, BACKEND, BOB, MALLORY, OPERATOR, Clock
from tests.databases import Database


@pytest.fixture
async def cluster(postgresql_database: Database, clock: Clock) -> AsyncIterator[Cluster]:
    async with running_cluster(postgresql_database, clock) as cluster:
        yield cluster


def _shown(place: Place) -> list[tuple[str, str]]:
    """Returns what contacts received."""
    return [(e.presence.user_id, e.presence.status) for e in place.of(PresenceChanged) if not e.own]


async def test_a_connect_is_announced_once_on_both_nodes(cluster: Cluster) -> None:
    await cluster.a.connect(ALICE, "phone")
    event = await cluster.b.next(PresenceChanged)
    assert (event.presence, event.came) == (Presence("alice", "online", None, None), True)
    await cluster.b.connect(ALICE, "laptop")
    await cluster.b.recorded()
    await cluster.renew()
    assert _shown(cluster.a) == _shown(cluster.b) == [("alice", "online")]


async def test_a_user_who_leaves_one_of_two_nodes_is_not_offline(cluster: Cluster) -> None:
    for place, socket_id in ((cluster.a, "phone"), (cluster.b, "laptop")):
        await place.connect(ALICE, socket_id)
        await place.recorded()
    cluster.a.disconnect(ALICE, "phone")
    await cluster.renew()
    await cluster.renew()
    assert _shown(cluster.b) == [("alice", "online")]
    assert (await cluster.a.node.do(ALICE, GetPresenceOf("alice"))).status == "online"
    cluster.b.disconnect(ALICE, "laptop")
    await cluster.a.until(lambda: len(_shown(cluster.a)) > 1)
    await cluster.renew()
    assert _shown(cluster.a) == _shown(cluster.b) == [("alice", "online"), ("alice", "offline")]


async def test_a_user_is_away_when_all_devices_on_all_nodes_are(cluster: Cluster) -> None:
    for place, socket_id in ((cluster.a, "phone"), (cluster.b, "laptop")):
        await place.connect(ALICE, socket_id)
        await place.recorded()
    await cluster.a.node.do(ALICE, SetPresence("away", source="phone"))
    await cluster.renew()
    assert _shown(cluster.b) == [("alice", "online")]
    await cluster.b.node.do(ALICE, SetPresence("away", source="laptop"))
    await cluster.a.until(lambda: _shown(cluster.a)[-1] == ("alice", "away"))
    await cluster.a.node.do(ALICE, SetPresence("online", source="phone"))
    await cluster.b.until(lambda: _shown(cluster.b)[-1] == ("alice", "online"))
    await cluster.renew()
    assert _shown(cluster.a) == _shown(cluster.b) == [("alice", "online"), ("alice", "away"), ("alice", "online")]
    own = [e.presence.status for e in cluster.b.of(PresenceChanged) if e.own]
    assert own == ["away", "online"], "devices on other nodes hear of it too"


async def test_a_chosen_status_applies_on_all_nodes(cluster: Cluster) -> None:
    for place, socket_id in ((cluster.a, "phone"), (cluster.b, "laptop")):
        await place.connect(ALICE, socket_id)
        await place.recorded()
    await cluster.a.node.do(ALICE, SetPresence("dnd", "busy", source="phone"))
    await cluster.b.until(lambda: _shown(cluster.b)[-1] == ("alice", "dnd"))
    await cluster.b.connect(ALICE, "tablet")
    cluster.a.disconnect(ALICE, "phone")
    await cluster.renew()
    await cluster.renew()
    assert _shown(cluster.a) == _shown(cluster.b) == [("alice", "online"), ("alice", "dnd")]
    await cluster.b.node.do(ALICE, SetPresence("invisible", source="tablet"))
    await cluster.a.until(lambda: _shown(cluster.a)[-1] == ("alice", "offline"))
    cluster.b.disconnect(ALICE, "laptop")
    cluster.b.disconnect(ALICE, "tablet")
    await cluster.renew()
    await cluster.renew()
    assert len(_shown(cluster.a)) == len(_shown(cluster.b)) == 3, "nobody saw that they left"


async def test_members_of_a_team_make_no_contacts_on_other_nodes(cluster: Cluster) -> None:
    await cluster.a.node.do(BACKEND, PutTeam("support", "Support", ("mallory",)))
    await cluster.a.node.do(BACKEND, AddMembers("c", team_ids=("support",)))
    await cluster.a.node.do(MALLORY, ClaimConversation("c"))
    await cluster.b.connect(MALLORY, "m")
    assert (await cluster.a.next(PresenceChanged)).circle_ids == ()
    await cluster.a.connect(ALICE, "phone")
    await cluster.b.until(lambda: [e for e in cluster.b.of(PresenceChanged) if e.circle_ids == ("c",)])
    assert cluster.b.node.chat.directory.contacts_in(("c",), "alice", ()) == set()


async def test_a_status_lost_by_the_bus_is_adopted_with_the_next_transition(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place, socket_id in ((cluster.a, "phone"), (cluster.b, "laptop")):
        await place.connect(ALICE, socket_id)
        await place.recorded()
    with monkeypatch.context() as silence:
        silence.setattr(cluster.a.node.chat.bus, "send", lambda _: None)
        await cluster.a.node.do(ALICE, SetPresence("dnd", "busy", source="phone"))
    assert (await cluster.b.node.do(ALICE, GetPresenceOf("alice"))).status == "online"
    cluster.b.disconnect(ALICE, "laptop")
    await cluster.renew()
    await cluster.renew()
    await cluster.b.connect(ALICE, "laptop")
    await cluster.b.recorded()
    assert await cluster.b.node.do(ALICE, GetPresenceOf("alice")) == Presence("alice", "dnd", "busy", None)


async def test_users_of_a_killed_node_are_offline_on_the_other_once_its_lease_has_ended(cluster: Cluster) -> None:
    await cluster.b.connect(BOB, "b")
    await cluster.a.connect(ALICE, "phone")
    await cluster.a.connect(BOB, "b2")
    await cluster.a.recorded()
    await cluster.b.until(lambda: ("alice", "online") in _shown(cluster.b))
    await cluster.a.kill()
    lease_end = cluster.clock.now_ms + 15_000
    await cluster.b.node.do(BACKEND, ListOnline())
    assert ("alice", "offline") not in _shown(cluster.b)
    await cluster.settle()
    await cluster.b.until(lambda: ("alice", "offline") in _shown(cluster.b))
    await cluster.settle()
    offline = [e for e in cluster.b.of(PresenceChanged) if e.presence.status == "offline"]
    assert [event.presence for event in offline] == [Presence("alice", "offline", None, lease_end)]
    assert offline[0].circle_ids == ("c",), "so that all nodes find those whom it concerns"


async def test_users_of_a_killed_node_go_offline_although_the_clock_was_set_back(cluster: Cluster) -> None:
    await cluster.b.connect(BOB, "b")
    await cluster.a.connect(ALICE, "phone")
    await cluster.a.recorded()
    await cluster.b.until(lambda: ("alice", "online") in _shown(cluster.b))
    cluster.clock.now_ms -= 3_600_000
    for place in (cluster.a, cluster.b):
        place.node.chat.lease._renew()
        await place.recorded()
    await cluster.a.kill()
    for _ in range(4):
        await cluster.settle()
    await cluster.b.until(lambda: ("alice", "offline") in _shown(cluster.b))


async def test_a_chosen_status_survives_the_record_of_a_disconnect(cluster: Cluster) -> None:
    """Both are written at the same time, without waiting for each other."""
    node = cluster.b.node
    await node.do(ALICE, StorePresence("dnd", "busy"))
    with node.write_engine.begin() as connection:
        WritablePresenceRows(connection).put_last_seen({"alice": 5, "bob": 6, "carol": None})
    assert await node.do(ALICE, StorePresence("away", "back soon")) == PresenceRecord("alice", "away", "back soon", 5)
    with node.write_engine.begin() as connection:
        rows = WritablePresenceRows(connection)
        rows.put_last_seen({"alice": None})
        found = rows.records(("alice", "bob", "carol"))
        assert found == {
            "alice": PresenceRecord("alice", "away", "back soon", 5),
            "bob": PresenceRecord("bob", "online", None, 6),
            "carol": PresenceRecord("carol"),
        }
    await node.do(ALICE, StorePresence("invisible", hidden_ms=7))
    with node.write_engine.begin() as connection:
        rows = WritablePresenceRows(connection)
        rows.put_last_seen({"alice": 8})
        assert rows.records(("alice",))["alice"].last_seen_ms == 7


async def test_a_call_starts_while_another_node_renews_its_lease(cluster: Cluster) -> None:
    """A deadlock of the two transactions would abort one of them."""
    with cluster.a.node.write_engine.begin() as connection:
        NodeRows(connection).put_lease(Peer("renewing", None), LeaseRecord(1, 1))
    with cluster.a.node.write_engine.begin() as connection, cluster.b.node.write_engine.begin() as other:
        assert NodeRows(connection).lease("renewing") is not None
        other.execute(text("SET LOCAL lock_timeout = '1s'"))
        assert NodeRows(other).is_alive("renewing", 0)
        assert not NodeRows(other).is_alive("renewing", 1)


def test_collisions_are_retried_and_lock_timeouts_are_not() -> None:
    for error, is_away in ((DeadlockDetected(), False), (SerializationFailure(), False), (LockNotAvailable(), True)):
        assert leases._is_away(OperationalError("", None, error)) is is_away


async def test_a_user_who_moves_to_another_node_at_once_was_never_offline(cluster: Cluster) -> None:
    await cluster.a.connect(ALICE, "phone")
    await cluster.b.next(PresenceChanged)
    await cluster.a.kill()
    await cluster.b.connect(ALICE, "phone")
    await cluster.b.recorded()
    await cluster.settle()
    await cluster.settle()
    assert _shown(cluster.b) == [("alice", "online")]


async def test_a_change_names_its_contacts_and_blocked_users(cluster: Cluster) -> None:
    await cluster.a.node.do(ALICE, BlockUser("carol"))
    await cluster.a.connect(ALICE, "phone")
    event = await cluster.b.next(PresenceChanged)
    assert (event.circle_ids, event.blocked_ids) == (("c",), ("carol",))
    directory = cluster.b.node.chat.directory
    await cluster.b.connect(BOB, "b")
    assert directory.peek("alice") is None, "so that nothing but the event says it"
    assert event.circle_ids is not None
    assert directory.contacts_in(event.circle_ids, "alice", event.blocked_ids) == {"bob"}
    assert directory.contacts_in(event.circle_ids, "alice", ("bob",)) == set()
    await cluster.b.node.do(BOB, BlockUser("alice"))
    assert directory.contacts_in(event.circle_ids, "alice", ()) == set()


async def test_a_user_enters_a_room_with_the_first_node_and_leaves_it_with_the_last(cluster: Cluster) -> None:
    await cluster.a.connect(ALICE, "a")
    await cluster.b.connect(ALICE, "b")
    for place, event in (
        (cluster.a, RoomEntered("c", "alice", "Alice")),
        (cluster.b, RoomEntered("c", "alice", "Alice")),
        (cluster.a, RoomLeft("c", "alice", "Alice")),
        (cluster.b, RoomLeft("c", "alice", "Alice")),
    ):
        other = cluster.b if place is cluster.a else cluster.a
        place.node.chat.signals.publish_room_change(event)
        await cluster.renew()  # the bus has delivered it by then
        assert other.running
    for place in (cluster.a, cluster.b):
        assert len(place.of(RoomEntered)) == len(place.of(RoomLeft)) == 1


async def test_users_of_a_killed_node_leave_their_rooms_when_they_go_offline(cluster: Cluster) -> None:
    await cluster.b.connect(BOB, "b")
    await cluster.a.connect(ALICE, "phone")
    await cluster.a.recorded()
    cluster.a.node.chat.signals.publish_room_change(RoomEntered("c", "alice", "Alice"))
    await cluster.b.next(RoomEntered)
    await cluster.a.kill()
    await cluster.settle()
    await cluster.b.next(RoomLeft)
    await cluster.settle()
    assert cluster.b.of(RoomLeft) == [RoomLeft("c", "alice", "Alice")]


async def test_a_node_that_was_stopped_loses_its_lease_before_it_handles_events(cluster: Cluster) -> None:
    chat = cluster.b.node.chat
    happened: list[str] = []
    chat.lease.on_lost = lambda: happened.append("lost")
    chat.subscribe(lambda _: happened.append("events"))
    # After a stop, what came over the bus meanwhile may be handled before any timer runs.
    chat.lease._timers["beat"].cancel()
    chat.lease._deadline = 0.0
    await cluster.a.node.do(OPERATOR, BanUser("bob"))
    await cluster.b.until(lambda: "events" in happened)
    assert happened[:2] == ["lost", "events"]
