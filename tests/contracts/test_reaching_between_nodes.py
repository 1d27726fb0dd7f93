"""Custom events over two nodes: who receives them, what is stored, who is connected; and typing."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from talkwire.core.commands.accounts import UpdateUser
from talkwire.core.commands.integration.custom_events import IsConnected, ListConnected, SendReport, SendToUsers
from talkwire.core.commands.server.offline_queue import ReadMail
from talkwire.core.commands.typing import SendSignal, SetTyping
from talkwire.core.domain.events import CustomEvent, MailStored, SignalSent, TypingChanged, UserUpdated
from talkwire.core.signals import typing_signals
from tests.contracts.cluster import Cluster, running_cluster
from tests.contracts.node import ALICE, BACKEND, BOB, CAROL, Clock
from tests.databases import Database


@pytest.fixture
async def cluster(postgresql_database: Database, clock: Clock) -> AsyncIterator[Cluster]:
    """Alice has sockets on both nodes, bob only on the second one."""
    async with running_cluster(postgresql_database, clock) as cluster:
        for place, actor, socket_id in (
            (cluster.a, ALICE, "a1"),
            (cluster.b, ALICE, "a2"),
            (cluster.b, ALICE, "a3"),
            (cluster.b, BOB, "b"),
        ):
            await place.connect(actor, socket_id)
        await cluster.renew()
        yield cluster


async def test_sockets_are_counted_on_all_nodes_and_each_receives_the_event_once(cluster: Cluster) -> None:
    report = await cluster.a.node.do(BACKEND, SendToUsers(("bob", "carol", "alice"), "alert", 1))
    assert report == SendReport(("bob", "alice"), sockets=4)
    assert {event.user_id for event in cluster.a.of(CustomEvent)} == {"alice"}
    assert [event.user_id for event in cluster.b.of(CustomEvent)] == ["bob", "alice"]


async def test_an_event_is_stored_for_users_without_any_connection(cluster: Cluster) -> None:
    report = await cluster.a.node.do(BACKEND, SendToUsers(("bob", "carol"), "alert", 1, store=True))
    assert report == SendReport(("bob",), sockets=1, stored=("carol",))
    assert await cluster.a.node.do(BOB, ReadMail(cluster.clock.now_ms)) == ()
    assert (await cluster.b.next(MailStored)).user_id == "carol", "she may be coming there"


async def test_without_the_bus_nothing_is_stored_for_users_on_another_node(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(cluster.a.node.chat.bus), "is_disconnected", True)
    report = await cluster.a.node.do(BACKEND, SendToUsers(("bob", "carol", "alice"), "alert", 1, store=True))
    assert report == SendReport(("alice",), sockets=1, stored=("carol",))
    assert await cluster.a.node.do(BACKEND, IsConnected("bob")) is True
    assert await cluster.a.node.do(BACKEND, IsConnected("carol")) is False
    assert await cluster.a.node.do(BACKEND, ListConnected()) == ("alice", "bob")


async def test_users_of_a_node_with_an_ended_lease_are_not_connected(cluster: Cluster) -> None:
    await cluster.b.kill()
    assert await cluster.a.node.do(BACKEND, IsConnected("bob")) is True, "as far as is known"
    cluster.clock.now_ms += 15_000
    assert await cluster.a.node.do(BACKEND, IsConnected("bob")) is False
    assert await cluster.a.node.do(BACKEND, ListConnected()) == ("alice",)
    report = await cluster.a.node.do(BACKEND, SendToUsers(("bob",), "alert", 1, store=True))
    assert report.stored == ("bob",)


async def test_a_signal_reaches_the_other_node(cluster: Cluster) -> None:
    await cluster.a.node.do(ALICE, SendSignal("c", "cursor", {"x": [1, None]}, source="a1"))
    sent = SignalSent("c", "alice", "cursor", {"x": [1, None]}, "a1")
    assert await cluster.b.next(SignalSent) == sent
    assert cluster.a.of(SignalSent) == [sent]


async def test_typing_on_a_killed_node_ends_a_little_later(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster.b.node.chat.signals._typing._elsewhere, "_lasts_s", 0.1)
    await cluster.a.node.do(ALICE, SetTyping("c", is_typing=True))
    assert (await cluster.b.next(TypingChanged)).is_typing
    await cluster.a.kill()
    assert await cluster.b.next(TypingChanged, 2) == TypingChanged("c", "alice", "Alice", is_typing=False)
    assert typing_signals.LATE_S > 0, "who is not killed says so before"


async def test_a_user_is_loaded_before_contacts_receive_their_changed_profile(
    cluster: Cluster,
) -> None:
    directory = cluster.b.node.chat.directory
    await cluster.a.node.group("d", CAROL, BOB)
    assert directory.peek("carol") is None
    seen: list[set[str]] = []
    cluster.b.node.chat.subscribe(
        lambda events: seen.extend(directory.contacts("carol") for event in events if isinstance(event, UserUpdated))
    )
    await cluster.a.node.do(CAROL, UpdateUser(name="Carola"))
    await cluster.b.until(lambda: seen)
    assert seen == [{"bob"}]
