"""The stored part of presence: leases, online users of each node, chosen statuses."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from talkwire.core.commands.accounts import BanUser, EnsureUser, EraseUser
from talkwire.core.commands.blocks import BlockUser
from talkwire.core.commands.conversations import CreateConversation
from talkwire.core.commands.presence import (
    ConnectedUsers,
    EndLease,
    FindContacts,
    FindPlaces,
    FindVisiblePresence,
    ForgetUsers,
    FoundPlace,
    GetPresence,
    GetPresenceOf,
    LeaseReport,
    ListOnline,
    ListUsersOfNode,
    RenewLease,
    SetPresence,
    StorePresence,
    UserMoves,
)
from talkwire.core.domain.model import Actor, Presence, PresenceEnds, PresenceRecord
from talkwire.core.domain.nodes.user_moves import Choice
from talkwire.core.features.users.presence_rules import OWN_LEASE_SETTLED_MS
from talkwire.core.signals import presence_tracker
from talkwire.storage.tables import presence as presence_rows
from tests.contracts.node import ALICE, BACKEND, BOB, CAROL, MALLORY, OPERATOR, Clock, Node, running
from tests.databases import Database
from tests.waiting import until

LEASE_MS = 15_000


@pytest.fixture
async def here(node: Node) -> Node:
    """A node on which alice and bob share a group."""
    for actor in (ALICE, BOB, CAROL, MALLORY):
        await node.do(actor, EnsureUser(actor.user_id, actor.name))
    await node.group("c", ALICE, BOB)
    return node


async def _renew(node: Node, node_id: str, *arrived: str, **more: Any) -> LeaseReport:  # noqa: ANN401
    """Renews the lease of a node. `more` are fields of the lease or of its `moves`."""
    moves = {name: more.pop(name) for name in UserMoves.__struct_fields__ if name in more}
    report = await node.do(OPERATOR, RenewLease(node_id, LEASE_MS, UserMoves(arrived=arrived, **moves), **more))
    assert isinstance(report, LeaseReport)
    return report


async def _users_of(node: Node, node_id: str) -> dict[str, bool] | None:
    """Returns the users recorded as connected to a node, and whether they are away there."""
    found = await node.do(BACKEND, ListUsersOfNode(node_id))
    return None if found is None else {user_id: away for user_id, (away, _) in found.users.items()}


async def _hear_of(node: Node, node_id: str, *user_ids: str) -> None:
    """Records users as connected to another node, of which this one then hears with the renewal of its lease."""
    await _renew(node, node_id, *user_ids)
    exchange = node.chat.signals.presence.exchange
    exchange.recorded(UserMoves(), await _renew(node, node.chat.node_id))
    await until(lambda: exchange.users.on(node_id))


async def _record(node: Node, actor: Actor) -> PresenceRecord:
    (found,) = await node.do(actor, FindVisiblePresence((actor.user_id,)))
    assert isinstance(found, PresenceRecord)
    return found


async def test_connects_and_disconnects_are_recorded_with_the_lease(here: Node) -> None:
    assert await _renew(here, "n1") == LeaseReport(known=False)
    assert await _renew(here, "n1", "alice", "bob", away=("bob",), version=2) == LeaseReport(known=True)
    assert await here.do(BACKEND, ListUsersOfNode("n1")) == ConnectedUsers(2, {"alice": (False, 2), "bob": (True, 2)})
    report = await _renew(here, "n1", "alice", departed={"bob": 77}, version=4)
    assert report.records == {"bob": PresenceRecord("bob", last_seen_ms=77)}
    assert await here.do(BACKEND, ListUsersOfNode("n1")) == ConnectedUsers(4, {"alice": (False, 4)})
    assert await here.do(BACKEND, ListUsersOfNode("n2")) is None
    assert (await _record(here, BOB)).last_seen_ms == 77
    assert (await _record(here, ALICE)).last_seen_ms is None


async def test_a_renewal_returns_the_versions_of_the_other_nodes_lists(here: Node) -> None:
    await _renew(here, "n1", "alice", version=3)
    await _renew(here, "n2", version=8)
    assert (await _renew(here, "n1", version=3)).versions == {"n2": 8}
    assert (await _renew(here, "n2", version=8)).versions == {"n1": 3}


async def _found(
    node: Node, *contacts_of: str, user_ids: tuple[str, ...] = (), members_max: int = 100
) -> set[FoundPlace]:
    found = await node.do(BACKEND, FindPlaces("here", user_ids, contacts_of, members_max))
    assert found.are_all
    return {place._replace(circle_ids=tuple(sorted(place.circle_ids))) for place in found.places}


async def test_the_places_of_contacts_are_found_with_the_conversations_that_make_them_contacts(here: Node) -> None:
    await here.group("d", ALICE, BOB, CAROL)
    await here.do(BACKEND, CreateConversation("direct", ("alice", "bob"), id="e"))
    await here.do(BOB, BlockUser("carol"))
    await _renew(here, "n1", "bob", "mallory", version=5)
    await _renew(here, "n2", "carol", "bob", away=("bob",), version=7)
    await _renew(here, "here", "alice", "bob", version=1)
    bob_1 = FoundPlace("n1", "bob", away=False, version=5, circle_ids=("c", "d", "e"), blocked_ids=("carol",))
    bob_2 = FoundPlace("n2", "bob", away=True, version=7, circle_ids=("c", "d", "e"), blocked_ids=("carol",))
    assert await _found(here, "alice") == {bob_1, bob_2, FoundPlace("n2", "carol", False, 7, ("d",))}
    smaller = {place._replace(circle_ids=("c", "e")) for place in (bob_1, bob_2)}
    assert await _found(here, "alice", members_max=2) == smaller
    assert await _found(here, "mallory", "nobody") == set()


async def test_a_lookup_of_too_many_contacts_is_marked_as_incomplete(
    here: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _renew(here, "n1", "bob", version=5)
    for limit, expected in ((2, True), (1, False)):
        monkeypatch.setattr(presence_rows, "CONTACTS_READ_MAX", limit)
        found = await here.do(BACKEND, FindPlaces("here", (), ("alice",), 100))
        assert (len(found.places), found.are_all) == (1, expected)


async def test_the_places_of_users_are_found_whatever_they_share(here: Node) -> None:
    await _renew(here, "n1", "bob", "mallory", version=5)
    await _renew(here, "here", "mallory", version=1)
    found = await _found(here, user_ids=("mallory", "carol", "nobody"))
    assert found == {FoundPlace("n1", "mallory", away=False, version=5)}


async def test_a_renewal_returns_what_a_user_has_chosen_meanwhile(here: Node) -> None:
    await here.do(ALICE, StorePresence("dnd", "busy"))
    report = await _renew(here, "n1", chosen={"alice": Choice()})
    assert report.records == {"alice": PresenceRecord("alice", "dnd", "busy")}
    assert await _users_of(here, "n1") == {}


async def test_nobody_learns_when_an_erased_user_was_last_seen(here: Node) -> None:
    await _renew(here, "n1")
    await _renew(here, "n1", "alice", "bob")
    await here.do(BACKEND, EraseUser("alice", redact=False))
    await _renew(here, "n1", departed={"alice": 77, "bob": 77})
    found = await here.do(BACKEND, FindVisiblePresence(("alice", "bob")))
    assert found == (PresenceRecord("alice"), PresenceRecord("bob", last_seen_ms=77))


async def test_a_node_whose_lease_ended_is_cleaned_up_after(here: Node, clock: Clock) -> None:
    await _renew(here, "n1", "alice", "bob")
    lease_end = clock.now_ms + LEASE_MS
    clock.now_ms += LEASE_MS - 1
    report = await _renew(here, "n2", "bob")
    assert (report.left_behind, report.versions) == (False, {"n1": 0})
    clock.now_ms += OWN_LEASE_SETTLED_MS
    report = await _renew(here, "n2")
    assert (report.left_behind, report.peers, report.versions) == (True, (), {})
    assert await here.do(OPERATOR, ForgetUsers(1))
    assert (await _record(here, ALICE)).last_seen_ms == lease_end
    assert not await here.do(OPERATOR, ForgetUsers(10))
    assert not await here.do(OPERATOR, ForgetUsers(10))
    assert await _users_of(here, "n2") == {"bob": False}
    assert (await _record(here, BOB)).last_seen_ms is None, "bob is connected to another node"
    assert (await _renew(here, "n1")).known is False, "n1 has to say anew who is there"
    assert await _users_of(here, "n1") == {}


async def test_after_an_outage_all_nodes_have_time_to_renew_their_leases(here: Node, clock: Clock) -> None:
    for node_id in ("n1", "n2"):
        await _renew(here, node_id)
    clock.now_ms += 10 * LEASE_MS
    assert not (await _renew(here, "n2")).left_behind
    assert (await _renew(here, "n1", "alice")).known
    clock.now_ms += OWN_LEASE_SETTLED_MS
    assert not (await _renew(here, "n2")).left_behind
    assert await _users_of(here, "n1") == {"alice": False}


async def test_a_node_that_is_alone_does_not_wait_for_leases_to_end(here: Node, clock: Clock) -> None:
    await _renew(here, "n1", "alice")
    clock.now_ms += 3_000
    await _renew(here, "n2", alone=True)
    assert (await _record(here, ALICE)).last_seen_ms == clock.now_ms, "not in the future"
    assert await _users_of(here, "n1") is None


async def test_a_regular_shutdown_leaves_no_user_online(here: Node, clock: Clock) -> None:
    await _renew(here, "n1", "alice")
    await here.do(OPERATOR, EndLease("n1"))
    assert await _users_of(here, "n1") is None
    assert (await _record(here, ALICE)).last_seen_ms == clock.now_ms
    assert (await _renew(here, "n1")).known is False


async def test_users_of_a_node_that_stopped_have_a_while_to_come_back_to_another(here: Node, clock: Clock) -> None:
    await _renew(here, "n2")
    clock.now_ms += OWN_LEASE_SETTLED_MS
    await _renew(here, "n1", "alice")
    stopped_ms = clock.now_ms
    await here.do(OPERATOR, EndLease("n1", 5_000))
    clock.now_ms += 4_999
    report = await _renew(here, "n2")
    assert (report.peers, report.left_behind) == ((), False)
    clock.now_ms += 1
    assert (await _renew(here, "n2")).left_behind
    await here.do(OPERATOR, ForgetUsers(10))
    assert await _record(here, ALICE) == PresenceRecord("alice", last_seen_ms=stopped_ms)


async def test_an_invisible_user_of_a_killed_node_was_not_seen_there(here: Node, clock: Clock) -> None:
    await here.do(ALICE, StorePresence("invisible", hidden_ms=123))
    await _renew(here, "n1", "alice")
    await _renew(here, "n2")
    clock.now_ms += 2 * LEASE_MS
    await _renew(here, "n2")
    clock.now_ms += OWN_LEASE_SETTLED_MS
    await _renew(here, "n2")
    await here.do(OPERATOR, ForgetUsers(10))
    assert await _record(here, ALICE) == PresenceRecord("alice", "invisible", None, 123)


async def test_renewing_a_lease_records_no_event(here: Node) -> None:
    before = len(await here.replay())
    await _renew(here, "n1", "alice", "bob", departed={"carol": 1})
    await here.do(ALICE, StorePresence("dnd", "no"))
    assert len(await here.replay()) == before


async def test_recording_moves_takes_the_same_number_of_statements_for_any_number_of_users(here: Node) -> None:
    await _renew(here, "n1")
    counts = []
    for number in (1, 500):
        arrived = [f"in{index}" for index in range(number)]
        departed = {f"out{index}": index for index in range(number)}
        with here.statements() as transactions:
            await _renew(here, "n1", *arrived, departed=departed)
        counts.append([len(statements) for statements in transactions])
    assert counts[0] == counts[1]


async def test_a_chosen_status_survives_a_restart(database: Database, clock: Clock) -> None:
    async with running(database, clock) as node:
        await node.do(ALICE, EnsureUser("alice", "Alice"))
        await node.do(ALICE, SetPresence("dnd", "in a meeting"))
        await node.do(ALICE, SetPresence("away"))
        await _renew(node, "n1", departed={"alice": 55})
    async with running(database, clock) as node:
        assert await node.do(ALICE, GetPresenceOf("alice")) == Presence("alice", "offline", "in a meeting", 55)
        assert (await _record(node, ALICE)).status == "away"
        entry = await node.chat.directory.find("alice")
        assert entry.presence == PresenceRecord("alice", "away", "in a meeting", 55)


async def test_a_status_and_a_text_end_by_comparing_with_the_clock(
    database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence_tracker, "clock", SimpleNamespace(now_ms=lambda: clock.now_ms))
    ends = PresenceEnds(clock.now_ms + 2000, clock.now_ms + 1000)
    async with running(database, clock) as node:
        await node.do(ALICE, EnsureUser("alice", "Alice"))
        await node.do(ALICE, SetPresence("dnd", "lunch", ends))
        await node.do(ALICE, SetPresence("dnd", ends=PresenceEnds(ends.status_ms)))
        assert await _record(node, ALICE) == PresenceRecord("alice", "dnd", "lunch", None, *ends)
        await _hear_of(node, "other", "alice")
        found = await node.do(ALICE, GetPresenceOf("alice"))
        assert found == Presence("alice", "dnd", "lunch", None, ends)
        clock.now_ms += 1000
        found = await node.do(ALICE, GetPresenceOf("alice"))
        assert found == Presence("alice", "dnd", None, None, PresenceEnds(ends.status_ms))
        clock.now_ms += 1000
        found = await node.do(ALICE, GetPresenceOf("alice"))
        assert found == Presence("alice", "online", None, None)


async def test_ends_are_in_the_future_and_of_what_ends(here: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence_tracker, "clock", SimpleNamespace(now_ms=lambda: 1000))
    for command in (
        SetPresence("dnd", ends=PresenceEnds(status_ms=1000)),
        SetPresence("online", "lunch", PresenceEnds(text_ms=1000)),
        SetPresence("away", ends=PresenceEnds(status_ms=1001)),
        SetPresence("dnd", ends=PresenceEnds(text_ms=1001)),
        SetPresence("dnd", "", PresenceEnds(text_ms=1001)),
    ):
        assert await here.refusal(ALICE, command) == "invalid_request"
    await here.do(ALICE, SetPresence("dnd", "lunch", PresenceEnds(1001, 1001)))


async def test_an_empty_text_removes_the_status_text(here: Node) -> None:
    for text in ("", None):
        await here.do(ALICE, SetPresence("online", "something"))
        assert (await _record(here, ALICE)).text == "something"
        await here.do(ALICE, SetPresence("online", text))
        assert (await _record(here, ALICE)).text is None


async def test_a_text_that_is_none_is_refused(here: Node) -> None:
    for text in ("\x00", "\ud800", "x" * 201):
        assert await here.refusal(ALICE, SetPresence("online", text)) == "invalid_request"
    assert await here.refusal(Actor("nobody", "Nobody"), SetPresence("online")) == "forbidden"
    await here.do(OPERATOR, BanUser("mallory"))
    assert await here.refusal(MALLORY, SetPresence("online")) == "banned"


async def test_strangers_are_left_out(here: Node) -> None:
    found = await here.do(ALICE, GetPresence(("mallory", "bob", "nobody", "alice", "bob")))
    assert [presence.user_id for presence in found] == ["bob", "alice"]
    assert await here.do(MALLORY, GetPresence(("alice", "bob"))) == ()
    assert await here.refusal(MALLORY, GetPresenceOf("alice")) == "forbidden"
    assert await here.refusal(MALLORY, GetPresenceOf("nobody")) == "forbidden"
    assert (await here.do(BACKEND, GetPresenceOf("mallory"))).status == "offline"


@pytest.mark.parametrize(("blocker", "blocked"), [(ALICE, BOB), (BOB, ALICE)])
async def test_a_block_hides_both(here: Node, blocker: Actor, blocked: Actor) -> None:
    await here.do(blocker, BlockUser(blocked.user_id))
    assert await here.refusal(ALICE, GetPresenceOf("bob")) == "forbidden"
    assert await here.refusal(BOB, GetPresenceOf("alice")) == "forbidden"
    contacts = await here.do(ALICE, FindContacts(100))
    assert [contact.user_id for contact in contacts] == ["alice"]


async def test_contacts_share_a_direct_conversation_or_a_small_group(here: Node) -> None:
    await here.group("d", ALICE, CAROL, MALLORY)
    await here.do(ALICE, CreateConversation("direct", ("carol",)))
    for members_max, expected in ((3, ["alice", "bob", "carol", "mallory"]), (2, ["alice", "bob", "carol"])):
        found = await here.do(ALICE, FindContacts(members_max))
        assert [contact.user_id for contact in found] == expected


async def test_invalid_queries_are_refused(here: Node) -> None:
    assert await here.refusal(ALICE, GetPresence(("bob", "a b"))) == "invalid_request"
    assert await here.refusal(ALICE, GetPresence(("bob",) * 1001)) == "invalid_request"
    assert await here.refusal(ALICE, ListOnline()) == "forbidden"


async def test_online_elsewhere_is_online_with_what_was_chosen(here: Node) -> None:
    await here.do(BOB, StorePresence("dnd", "busy"))
    await here.do(CAROL, StorePresence("invisible"))
    await _hear_of(here, "far", "alice", "bob", "carol")
    assert await here.do(ALICE, GetPresenceOf("bob")) == Presence("bob", "dnd", "busy", None)
    page = await here.do(BACKEND, ListOnline(limit=1))
    assert ([presence.user_id for presence in page.items], page.next) == (["alice"], "alice")
    page = await here.do(BACKEND, ListOnline(page.next, limit=10))
    assert ([presence.user_id for presence in page.items], page.next) == (["bob"], None)
