"""What nodes of older versions do not know, and what waits until they have ended."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select

from talkwire.core.commands.accounts import PutUser
from talkwire.core.commands.agents.turns import ClaimTurns, EndTurn, FailTurn, ReleaseTurn, RetryTurn, UpdateTurn
from talkwire.core.commands.desk.teams import PutTeam
from talkwire.core.commands.messages import SendMessage
from talkwire.core.commands.streams.storing import BeginStream
from talkwire.core.domain.model import Actor
from talkwire.core.domain.nodes.peer import ADDRESSED, ANNOUNCED, COMPACT, LISTED, TURNS_KNOWN, Peer
from talkwire.core.ports.stores import LeaseRecord
from talkwire.storage import migrations
from talkwire.storage.migrations import newest_revision
from talkwire.storage.schema import nodes
from talkwire.storage.tables.nodes import REVISION, NodeRows
from tests.contracts.node import ALICE, BACKEND, BOB, Node
from tests.contracts.test_cards import ASKED, sending
from tests.databases import Database


@pytest.fixture(autouse=True)
async def _group(node: Node) -> None:
    await node.users(ALICE, BOB)
    await node.do(BACKEND, PutUser("helper", name="Helper", kind="agent"))
    await node.group("c", ALICE, BOB, Actor("helper", "Helper"))


def start(node: Node, revision: int) -> None:
    """Starts a node of another version, which lives a second."""
    with node.write_engine.begin() as connection:
        row = {"id": f"r{revision}", "lease_until_ms": node.clock.now_ms + 1000, "revision": revision}
        connection.execute(insert(nodes), row)


def waiting() -> list[tuple[Any, Any]]:
    stream = BeginStream(SendMessage("c", "", "s1"), "node", 15_000)
    return [(BOB, sending(ASKED)), (BACKEND, PutTeam("t", "Team", ())), (Actor("helper", "Helper"), stream)]


async def test_cards_teams_and_streams_wait_until_no_older_node_runs(node: Node) -> None:
    start(node, 0)
    start(node, REVISION + 1)
    for actor, command in waiting():
        assert await node.refusal(actor, command) == "unavailable"
    assert (await node.send(BOB, "A text")).content == "A text"
    node.clock.now_ms += 1000
    for actor, command in waiting():
        await node.do(actor, command)


async def test_turns_wait_until_no_node_runs_that_does_not_know_them(node: Node) -> None:
    await node.send(BOB, "@Helper A question")
    helper = Actor("helper", "Helper")
    start(node, TURNS_KNOWN - 1)
    commands: list[Any] = [
        ClaimTurns(),
        *(kind(turn="1.1") for kind in (UpdateTurn, EndTurn, ReleaseTurn, FailTurn)),
        SendMessage("c", "An answer", turn="1.1"),
    ]
    for command in commands:
        assert await node.refusal(helper, command) == "unavailable"
    assert await node.refusal(BACKEND, RetryTurn(turn_id="1")) == "unavailable"
    await node.send(helper, "By the way")
    node.clock.now_ms += 1000
    (claimed,) = await node.do(helper, ClaimTurns())
    assert [message.content for message in claimed.messages] == ["@Helper A question"]


async def test_a_node_of_this_version_states_its_newest_migration_or_a_later_change(database: Database) -> None:
    changes = (ADDRESSED, COMPACT, ANNOUNCED, LISTED)
    assert max(int(newest_revision()), *changes) == REVISION
    versions = Path(migrations.__file__).parent / "versions"
    for number in changes:
        assert not list(versions.glob(f"r{number:04}_*")), "the number is that of another change"
    with database.engine() as engine, engine.begin() as connection:
        NodeRows(connection).put_lease(Peer("this", None), LeaseRecord(1, 1))
        assert connection.execute(select(nodes.c.revision)).scalar_one() == REVISION
