"""The stored part of recoverable sessions, on both databases."""

from __future__ import annotations

from talkwire.core.commands.presence import EndLease, RenewLease
from talkwire.core.commands.server.recovery import (
    CountMissed,
    EndSession,
    EnsureSecret,
    FindSession,
    KeepSessionRoom,
    ListMissed,
    MoveSession,
    RefreshSessions,
    StoredSession,
)
from talkwire.core.domain.log.positions import pos_of
from talkwire.core.features.users.presence_rules import OWN_LEASE_SETTLED_MS
from tests.contracts.node import ALICE, BOB, OPERATOR, Clock, Node

DAY_MS = 24 * 3600 * 1000


async def found(node: Node, socket_id: str = "s", node_id: str = "n") -> StoredSession:
    session = await node.do(OPERATOR, FindSession(socket_id, node_id))
    assert isinstance(session, StoredSession)
    return session


async def test_a_secret_is_made_once(node: Node) -> None:
    assert await node.do(OPERATOR, EnsureSecret("recovery", "first")) == "first"
    assert await node.do(OPERATOR, EnsureSecret("recovery", "second")) == "first"
    assert await node.do(OPERATOR, EnsureSecret("other", "third")) == "third"


async def test_only_the_server_may_use_these_commands(node: Node) -> None:
    commands = (
        EnsureSecret("recovery", "x"),
        FindSession("s", "n"),
        KeepSessionRoom("s", "c", opened=True),
        MoveSession("s", "n"),
        EndSession("s", "n"),
        RefreshSessions((), 0),
    )
    assert {await node.refusal(ALICE, command) for command in commands} == {"forbidden"}


async def test_a_session_is_not_stored_until_something_changes(node: Node) -> None:
    assert await found(node) == StoredSession("n", None, ended=False, rooms={})


async def test_rooms_are_kept_as_they_were_chosen_last(node: Node) -> None:
    for conversation_id, opened in (("a", True), ("b", False), ("c", True), ("a", False), ("c", None)):
        await node.do(OPERATOR, KeepSessionRoom("s", conversation_id, opened))
    await node.do(OPERATOR, KeepSessionRoom("another", "a", opened=True))
    assert (await found(node)).rooms == {"a": False, "b": False}


async def test_a_session_is_as_old_as_the_end_of_its_nodes_lease(node: Node, clock: Clock) -> None:
    await node.do(OPERATOR, RenewLease("n", 15_000))
    assert (await found(node)).age_ms == 0
    await node.do(OPERATOR, RenewLease("next", 15_000))
    clock.now_ms += 60_000
    assert (await found(node)).age_ms == 45_000
    await node.do(OPERATOR, RenewLease("next", 15_000))
    clock.now_ms += OWN_LEASE_SETTLED_MS
    await node.do(OPERATOR, RenewLease("next", 15_000))
    assert (await found(node)).age_ms == 45_000 + OWN_LEASE_SETTLED_MS, (
        "it was forgotten meanwhile, and that remembered"
    )
    await node.do(OPERATOR, EndLease("next"))
    clock.now_ms += 5
    assert (await found(node, node_id="next")).age_ms == 5


async def test_a_session_of_a_node_that_stopped_is_as_old_as_that(node: Node, clock: Clock) -> None:
    await node.do(OPERATOR, RenewLease("n", 15_000))
    await node.do(OPERATOR, EndLease("n", 10_000))
    clock.now_ms += 7
    assert (await found(node)).age_ms == 7


async def test_a_node_that_is_alone_remembers_when_the_one_before_ended(node: Node, clock: Clock) -> None:
    """As on SQLite after a kill and an immediate restart."""
    await node.do(OPERATOR, RenewLease("n", 15_000))
    clock.now_ms += 1000
    await node.do(OPERATOR, RenewLease("next", 15_000, alone=True))
    clock.now_ms += 3
    assert (await found(node)).age_ms == 3


async def test_a_session_that_moved_was_last_seen_at_its_new_node(node: Node) -> None:
    await node.do(OPERATOR, RenewLease("next", 15_000))
    await node.do(OPERATOR, MoveSession("s", "next"))
    assert await found(node) == StoredSession("next", 0, ended=False, rooms={})


async def test_a_session_that_was_ended_on_purpose_stays_so(node: Node) -> None:
    await node.do(OPERATOR, EndSession("s", "n"))
    assert (await found(node)).ended


async def test_only_unneeded_sessions_are_deleted(node: Node, clock: Clock) -> None:
    for socket_id in ("here", "gone"):
        await node.do(OPERATOR, KeepSessionRoom(socket_id, "c", opened=True))
        await node.do(OPERATOR, MoveSession(socket_id, "n"))
    await node.do(OPERATOR, RenewLease("old", 0))
    await node.do(OPERATOR, EndLease("old"))
    clock.now_ms += DAY_MS
    await node.do(OPERATOR, RefreshSessions(("here",), DAY_MS))
    clock.now_ms += 1
    await node.do(OPERATOR, RefreshSessions(("here",), DAY_MS))
    assert (await found(node, "here")).rooms == {"c": True}
    assert (await found(node, "gone")).rooms == {}
    assert (await found(node, node_id="old")).age_ms is None


async def test_missed_events_end_at_the_given_position(node: Node) -> None:
    await node.users(ALICE, BOB)
    await node.group("c", ALICE, BOB)
    sent = [await node.send(BOB, str(number)) for number in range(5)]
    positions = [pos_of(message.id) for message in sent]
    missed = await node.do(ALICE, ListMissed(positions[0], positions[3]))
    assert [event.pos for event in missed.events] == positions[1:4]
    assert missed.pos == positions[3]


async def test_missed_events_are_counted_up_to_a_limit(node: Node) -> None:
    await node.users(ALICE, BOB)
    await node.group("c", ALICE, BOB)
    before = node.chat.pos
    for number in range(5):
        await node.send(BOB, str(number))
    assert await node.do(ALICE, CountMissed(before, 5)) is True
    assert await node.do(ALICE, CountMissed(before, 4)) is False
