"""A node's lease, with a fake database and clock."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any, cast

import pytest

from talkwire.core.cluster.lease import NODE_LEASE_S, Lease
from talkwire.core.cluster.peers import Peers
from talkwire.core.commands.presence import EndLease, LeaseReport, RenewLease, UserMoves
from talkwire.core.connected.chat_access import ChatAccess
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.nodes.peer import Peer

NODE_ID, PEER = "a" * 16, Peer("b" * 16, "10.0.0.2:4000")
Done = Callable[[Any, Exception | None], None]


class Database:
    """Answers renewals when the test asks for it. Stands for the chat, its directory and its users, of which there are
    none."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.report = LeaseReport(known=True, peers=(PEER,))
        self.asked: list[tuple[RenewLease | EndLease, Done]] = []
        self.losses = 0
        self.holds = 0
        self.deadline = 0.0
        peers = Peers(NODE_ID, lambda *_: None, lambda: False)
        self.peers = peers
        self.lease = Lease(cast("ChatAccess", self), NODE_ID, cast("Any", self), peers, lambda: self.now)
        self.lease.on_lost = self._lose
        self.lease.on_regained = self._held
        self.lease.on_deadline_moved = self._beat

    def _lose(self) -> None:
        self.losses += 1

    def _held(self) -> None:
        self.holds += 1

    def _beat(self, deadline: float) -> None:
        self.deadline = deadline

    # --- ChatAccess -------------------------------------------------------------------------------------------------

    @property
    def directory(self) -> Database:
        return self

    pos = 7

    async def execute(self, _: object, __: RenewLease) -> LeaseReport:
        return LeaseReport(known=False)

    def submit(self, _: object, command: RenewLease | EndLease, done: Done) -> None:
        self.asked.append((command, done))

    def answer(self, *, error: Exception | None = None) -> None:
        """Answers the oldest renewal."""
        _, done = self.asked.pop(0)
        done(None if error else self.report, error)

    # --- Users ------------------------------------------------------------------------------------------------------

    grace_s = 10.0
    has_user_changes = False

    def take_user_changes(self) -> UserMoves:
        return UserMoves()

    def recorded(self, lease: RenewLease, report: LeaseReport) -> None: ...

    def not_recorded(self, lease: RenewLease) -> None: ...


@pytest.fixture
async def database() -> AsyncIterator[Database]:
    """The database of a node that has just taken its lease in a cluster."""
    database = Database()
    await database.lease.start(alone=False, lease_s=NODE_LEASE_S)
    database.holds = 0
    yield database
    database.lease.close()


def test_the_lease_is_not_held_before_the_start() -> None:
    assert not Database().lease.held


async def test_input_may_be_handled_until_the_lease_ends(database: Database) -> None:
    assert database.deadline == database.now + NODE_LEASE_S


async def test_a_renewed_lease_starts_when_it_was_requested(database: Database) -> None:
    database.lease._renew()
    database.now += 4
    database.answer()
    database.lease._beat()
    assert database.deadline == database.now - 4 + NODE_LEASE_S


async def test_a_running_node_keeps_its_lease_while_the_database_is_unavailable(database: Database) -> None:
    for _ in range(40):
        database.now += 1
        database.lease._beat()
    database.lease._renew()
    database.answer(error=ChatError("unavailable", "The database does not answer. Try again."))
    assert database.now < database.deadline
    assert (database.losses, database.lease.held) == (0, True)


async def test_a_node_that_was_stopped_loses_its_lease_once_and_renews_it(database: Database) -> None:
    database.now += NODE_LEASE_S + 1
    database.lease.handle_stop()
    database.lease.handle_stop()
    assert (database.losses, database.lease.held, len(database.asked)) == (1, False, 1)
    database.report = LeaseReport(known=False)
    database.answer()
    assert (database.losses, database.holds, database.lease.held) == (1, 1, True)
    assert database.now < database.deadline


async def test_commands_are_refused_while_the_lease_is_lost(database: Database) -> None:
    database.lease.check()
    database.now += NODE_LEASE_S + 1
    with pytest.raises(ChatError, match="lost its lease"):
        database.lease.check()
    with pytest.raises(ChatError, match="lost its lease"):
        database.lease.check()
    assert database.losses == 1
    database.answer()
    database.lease.check()


async def test_a_periodic_check_also_detects_a_stop(database: Database) -> None:
    database.now += NODE_LEASE_S + 1
    database.lease._beat()
    assert (database.losses, database.lease.held) == (1, False)


async def test_a_renewal_from_before_the_stop_gives_no_lease(database: Database) -> None:
    database.lease._renew()
    database.now += NODE_LEASE_S + 1
    database.lease.handle_stop()
    database.answer()
    assert (database.lease.held, database.holds) == (False, 0)
    database.answer()
    assert (database.lease.held, database.holds) == (True, 1)


async def test_a_renewal_reports_that_the_node_was_declared_dead(database: Database) -> None:
    database.report = LeaseReport(known=False)
    database.lease._renew()
    database.answer()
    assert (database.losses, database.holds, database.lease.held) == (1, 1, True)


async def test_a_node_that_stalls_while_it_starts_takes_a_new_lease() -> None:
    database = Database()
    await database.lease.start(alone=False, lease_s=NODE_LEASE_S, serves=False)
    database.now += NODE_LEASE_S + 1
    database.lease.check()
    assert (database.losses, database.lease.held, len(database.asked)) == (0, False, 1)
    serving = asyncio.create_task(database.lease.begin_serving())
    await asyncio.sleep(0)
    assert not serving.done()
    database.report = LeaseReport(known=False)
    database.answer()
    await serving
    assert (database.losses, database.lease.held) == (0, True)
    database.now += NODE_LEASE_S + 1
    with pytest.raises(ChatError, match="lost its lease"):
        database.lease.check()
    assert database.losses == 1
    database.lease.close()


async def test_a_node_that_others_declared_dead_while_it_started_begins_to_serve() -> None:
    database = Database()
    await database.lease.start(alone=False, lease_s=NODE_LEASE_S, serves=False)
    database.report = LeaseReport(known=False)
    database.lease._renew()
    database.answer()
    await database.lease.begin_serving()
    assert (database.losses, database.lease.held) == (0, True)
    database.lease.close()


async def test_a_single_node_never_loses_its_lease() -> None:
    database = Database()
    await database.lease.start(alone=True)
    database.now += 1000
    database.lease.handle_stop()
    assert (database.losses, database.lease.held) == (0, True)
    database.lease.close()


async def test_dead_nodes_are_reported(database: Database) -> None:
    gone: list[str] = []
    database.peers.on_peers_gone = gone.extend
    database.lease._renew()
    database.answer()
    assert database.peers.find(PEER.node_id) == PEER
    database.report = LeaseReport(known=True)
    database.lease._renew()
    database.answer()
    assert gone == [PEER.node_id]
