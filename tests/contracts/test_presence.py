"""The stored part of presence: leases, online users of each node, chosen statuses."""

from __future__ import annotations

from typing import Any

import pytest

from talkwire.core.commands.accounts import BanUser, EnsureUser, EraseUser
from talkwire.core.commands.blocks import BlockUser
from talkwire.core.commands.conversations import CreateConversation
from talkwire.core.commands.presence import (
    EndLease,
    FindContacts,
    FindOnlineElsewhere,
    FindVisiblePresence,
    ForgetUsers,
    GetPresence,
    GetPresenceOf,
    LeaseReport,
    ListOnline,
    PresenceTransition,
    RemovedUsers,
    RenewLease,
    SetPresence,
    StorePresence,
    UserLeft,
)
from talkwire.core.domain.model import Actor, Presence, PresenceEnds, PresenceRecord
from talkwire.core.features.users.presence_rules import SETTLED_MS
from talkwire.core.signals import presence_tracker
from tests.contracts.node import ALICE, BACKEND, BOB, CAROL, MALLORY, OPERATOR, Clock, Node, running
from tests.databases import Database

LEASE_MS = 15_000


@pytest.fixture
async def here(node: Node) -> Node:
    """A node on which alice and bob share a group."""
    for actor in (ALICE, BOB, CAROL, MALLORY):
        await node.do(actor, EnsureUser(actor.user_id, actor.name))
    await node.group("c", ALICE, BOB)
    return node


async def _renew(node: Node, node_id: str, *arrived: str, gone: tuple[UserLeft, ...] = (), **more: Any) -> LeaseReport:  # noqa: ANN401
    report = await node.do(OPERATOR, RenewLease(node_id, LEASE_MS, arrived, gone, **more))
    assert isinstance(report, LeaseReport)
    return report


async def _online_elsewhere(node: Node, node_id: str) -> list[str]:
    """Returns the users recorded as online on other nodes."""
    found = await node.do(BACKEND, FindOnlineElsewhere(node_id, None, 100))
    return [acquaintance.record.user_id for acquaintance in found]


async def _record(node: Node, actor: Actor) -> PresenceRecord:
    (found,) = await node.do(actor, FindVisiblePresence((actor.user_id,), "n"))
    assert isinstance(found.record, PresenceRecord)
    return found.record


async def test_connects_and_disconnects_are_recorded_with_the_lease(here: Node) -> None:
    assert await _renew(here, "n1") == LeaseReport(known=False)
    assert await _renew(here, "n1", "alice", "bob") == LeaseReport(
        known=True,
        transitions=tuple(
            PresenceTransition(PresenceRecord(id_), before=None, after=False) for id_ in ("alice", "bob")
        ),
    )
    report = await _renew(here, "n1", "alice", gone=(UserLeft("bob", 77),))
    assert report.transitions == (
        PresenceTransition(PresenceRecord("alice"), before=False, after=False),
        PresenceTransition(PresenceRecord("bob", last_seen_ms=77), before=False, after=None),
    )
    assert await _online_elsewhere(here, "n2") == ["alice"]
    assert await _online_elsewhere(here, "n1") == []
    assert (await _record(here, BOB)).last_seen_ms == 77
    assert (await _record(here, ALICE)).last_seen_ms is None


async def test_nobody_learns_when_an_erased_user_was_last_seen(here: Node) -> None:
    await _renew(here, "n1")
    await _renew(here, "n1", "alice", "bob")
    await here.do(BACKEND, EraseUser("alice", redact=False))
    await _renew(here, "n1", gone=(UserLeft("alice", 77), UserLeft("bob", 77)))
    found = await here.do(BACKEND, FindVisiblePresence(("alice", "bob"), "n2"))
    assert [each.record for each in found] == [PresenceRecord("alice"), PresenceRecord("bob", last_seen_ms=77)]


async def test_the_transitions_of_a_user_on_two_nodes_include_the_other_node(here: Node) -> None:
    await _renew(here, "n1", "alice", away=("alice",))
    (seen,) = (await _renew(here, "n2", "alice")).transitions
    assert seen == PresenceTransition(PresenceRecord("alice"), before=None, after=False, others=(("n1", True),))
    (seen,) = (await _renew(here, "n1", "alice")).transitions
    assert seen == PresenceTransition(PresenceRecord("alice"), before=True, after=False, others=(("n2", False),))
    (seen,) = (await _renew(here, "n2", gone=(UserLeft("alice", 5),))).transitions
    assert (seen.before, seen.after, seen.others) == (False, None, (("n1", False),))


async def test_a_node_whose_lease_ended_is_cleaned_up_after(here: Node, clock: Clock) -> None:
    await _renew(here, "n1", "alice", "bob")
    lease_end = clock.now_ms + LEASE_MS
    clock.now_ms += LEASE_MS - 1
    assert not (await _renew(here, "n2", "bob")).left_behind
    assert await _online_elsewhere(here, "n2") == ["alice", "bob"]
    clock.now_ms += SETTLED_MS
    report = await _renew(here, "n2")
    assert report.left_behind
    assert report.peers == ()
    forgotten = await here.do(OPERATOR, ForgetUsers(1))
    gone = PresenceTransition(PresenceRecord("alice", "online", None, lease_end), before=False, after=None)
    assert forgotten == RemovedUsers("n1", (gone,), more=True)
    forgotten = await here.do(OPERATOR, ForgetUsers(10))
    (still_there,) = forgotten.transitions
    assert (still_there.record.user_id, still_there.others) == ("bob", (("n2", False),))
    assert not forgotten.more
    assert await here.do(OPERATOR, ForgetUsers(10)) == RemovedUsers(None)
    assert await _online_elsewhere(here, "n3") == ["bob"]
    assert (await _record(here, ALICE)).last_seen_ms == lease_end
    assert (await _record(here, BOB)).last_seen_ms is None
    assert (await _renew(here, "n1")).known is False, "n1 has to say anew who is there"


async def test_after_an_outage_all_nodes_have_time_to_renew_their_leases(here: Node, clock: Clock) -> None:
    for node_id in ("n1", "n2"):
        await _renew(here, node_id)
    clock.now_ms += 10 * LEASE_MS
    assert not (await _renew(here, "n2")).left_behind
    assert (await _renew(here, "n1", "alice")).known
    clock.now_ms += SETTLED_MS
    assert not (await _renew(here, "n2")).left_behind
    assert await _online_elsewhere(here, "n2") == ["alice"]


async def test_a_node_that_is_alone_does_not_wait_for_leases_to_end(here: Node, clock: Clock) -> None:
    await _renew(here, "n1", "alice")
    clock.now_ms += 3_000
    await _renew(here, "n2", alone=True)
    assert (await _record(here, ALICE)).last_seen_ms == clock.now_ms, "not in the future"
    assert await _online_elsewhere(here, "n2") == []


async def test_a_regular_shutdown_leaves_no_user_online(here: Node, clock: Clock) -> None:
    await _renew(here, "n1", "alice")
    await here.do(OPERATOR, EndLease("n1"))
    assert await _online_elsewhere(here, "n2") == []
    assert (await _record(here, ALICE)).last_seen_ms == clock.now_ms
    assert (await _renew(here, "n1")).known is False


async def test_users_of_a_node_that_stopped_have_a_while_to_come_back_to_another(here: Node, clock: Clock) -> None:
    await _renew(here, "n2")
    clock.now_ms += SETTLED_MS
    await _renew(here, "n1", "alice")
    stopped_ms = clock.now_ms
    await here.do(OPERATOR, EndLease("n1", 5_000))
    clock.now_ms += 4_999
    report = await _renew(here, "n2")
    assert (report.peers, report.left_behind) == ((), False)
    clock.now_ms += 1
    assert (await _renew(here, "n2")).left_behind
    (gone,) = (await here.do(OPERATOR, ForgetUsers(10))).transitions
    assert gone.record == PresenceRecord("alice", last_seen_ms=stopped_ms)


async def test_an_invisible_user_of_a_killed_node_was_not_seen_there(here: Node, clock: Clock) -> None:
    await here.do(ALICE, StorePresence("invisible", hidden_ms=123))
    await _renew(here, "n1", "alice")
    await _renew(here, "n2")
    clock.now_ms += 2 * LEASE_MS
    await _renew(here, "n2")
    clock.now_ms += SETTLED_MS
    await _renew(here, "n2")
    await here.do(OPERATOR, ForgetUsers(10))
    assert await _record(here, ALICE) == PresenceRecord("alice", "invisible", None, 123)


async def test_renewing_a_lease_records_no_event(here: Node) -> None:
    before = len(await here.replay())
    await _renew(here, "n1", "alice", "bob", gone=(UserLeft("carol", 1),))
    await here.do(ALICE, StorePresence("dnd", "no"))
    assert len(await here.replay()) == before


async def test_recording_moves_takes_the_same_number_of_statements_for_any_number_of_users(here: Node) -> None:
    await _renew(here, "n1")
    counts = []
    for number in (1, 500):
        arrived = [f"in{index}" for index in range(number)]
        departed = tuple(UserLeft(f"out{index}", index) for index in range(number))
        with here.statements() as transactions:
            await _renew(here, "n1", *arrived, gone=departed)
        counts.append([len(statements) for statements in transactions])
    assert counts[0] == counts[1]


async def test_a_chosen_status_survives_a_restart(database: Database, clock: Clock) -> None:
    async with running(database, clock) as node:
        await node.do(ALICE, EnsureUser("alice", "Alice"))
        await node.do(ALICE, SetPresence("dnd", "in a meeting"))
        await node.do(ALICE, SetPresence("away"))
        await _renew(node, "n1", gone=(UserLeft("alice", 55),))
    async with running(database, clock) as node:
        assert await node.do(ALICE, GetPresenceOf("alice")) == Presence("alice", "offline", "in a meeting", 55)
        assert (await _record(node, ALICE)).status == "away"
        entry = await node.chat.directory.find("alice")
        assert entry.presence == PresenceRecord("alice", "away", "in a meeting", 55)


async def test_a_status_and_a_text_end_by_comparing_with_the_clock(
    database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence_tracker, "_now_ms", lambda: clock.now_ms)
    ends = PresenceEnds(clock.now_ms + 2000, clock.now_ms + 1000)
    async with running(database, clock) as node:
        await node.do(ALICE, EnsureUser("alice", "Alice"))
        await node.do(ALICE, SetPresence("dnd", "lunch", ends))
        await node.do(ALICE, SetPresence("dnd", ends=PresenceEnds(ends.status_ms)))
        assert await _record(node, ALICE) == PresenceRecord("alice", "dnd", "lunch", None, *ends)
        await _renew(node, "other", "alice")
        found = await node.do(ALICE, GetPresenceOf("alice"))
        assert found == Presence("alice", "dnd", "lunch", None, ends)
        clock.now_ms += 1000
        found = await node.do(ALICE, GetPresenceOf("alice"))
        assert found == Presence("alice", "dnd", None, None, PresenceEnds(ends.status_ms))
        clock.now_ms += 1000
        found = await node.do(ALICE, GetPresenceOf("alice"))
        assert found == Presence("alice", "online", None, None)


async def test_ends_are_in_the_future_and_of_what_ends(here: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence_tracker, "_now_ms", lambda: 1000)
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
    contacts = await here.do(ALICE, FindContacts(100, "n"))
    assert [contact.record.user_id for contact in contacts] == ["alice"]


async def test_contacts_share_a_direct_conversation_or_a_small_group(here: Node) -> None:
    await here.group("d", ALICE, CAROL, MALLORY)
    await here.do(ALICE, CreateConversation("direct", ("carol",)))
    for members_max, expected in ((3, ["alice", "bob", "carol", "mallory"]), (2, ["alice", "bob", "carol"])):
        found = await here.do(ALICE, FindContacts(members_max, "n"))
        assert [contact.record.user_id for contact in found] == expected


async def test_invalid_queries_are_refused(here: Node) -> None:
    assert await here.refusal(ALICE, GetPresence(("bob", "a b"))) == "invalid_request"
    assert await here.refusal(ALICE, GetPresence(("bob",) * 1001)) == "invalid_request"
    assert await here.refusal(ALICE, ListOnline()) == "forbidden"


async def test_online_elsewhere_is_online_with_what_was_chosen(here: Node) -> None:
    await here.do(BOB, StorePresence("dnd", "busy"))
    await here.do(CAROL, StorePresence("invisible"))
    await _renew(here, "far", "alice", "bob", "carol")
    assert await here.do(ALICE, GetPresenceOf("bob")) == Presence("bob", "dnd", "busy", None)
    page = await here.do(BACKEND, ListOnline(limit=1))
    assert ([presence.user_id for presence in page.items], page.next) == (["alice"], "alice")
    page = await here.do(BACKEND, ListOnline(page.next, limit=10))
    assert ([presence.user_id for presence in page.items], page.next) == (["bob"], None)
