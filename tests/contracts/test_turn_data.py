"""What is left of turns: after erasures, after the end of memberships, and with time."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from talkwire.core.commands.accounts import EraseUser, PutUser
from talkwire.core.commands.agents.turns import EndTurn, FailTurn, ListTurns, RenewTurn, TakeTurns
from talkwire.core.commands.conversations import DeleteConversation
from talkwire.core.commands.members import AddMembers, RemoveMember
from talkwire.core.domain.agents.turns import TURNS_KEPT_MS
from talkwire.core.domain.model import Actor
from talkwire.core.domain.parts.streams import LEASE_MAX_S, StreamError
from talkwire.storage.schema import agent_places, turn_messages, turns
from tests.contracts.node import ALICE, BACKEND, BOB, OPERATOR, Node
from tests.databases import Database

HELPER = Actor("helper", "Helper")


@pytest.fixture
async def working(node: Node) -> str:
    """The token of a turn of the agent in the group `c`, which has a label and has failed once."""
    await node.do(BACKEND, PutUser("helper", name="Helper", kind="agent"))
    await node.group("c", ALICE, BOB)
    await node.do(BACKEND, AddMembers("c", ("helper",)))
    await node.send(ALICE, "@helper hello")
    (first,) = await node.do(HELPER, TakeTurns(1, LEASE_MAX_S * 1000))
    await node.do(HELPER, FailTurn(turn=first.turn.token, error=StreamError("x", "The model is overloaded")))
    node.clock.now_ms += 1000
    (second,) = await node.do(HELPER, TakeTurns(1, LEASE_MAX_S * 1000))
    await node.do(HELPER, RenewTurn(second.turn.token, "Searching"))
    return str(second.turn.token)


def _rows(database: Database) -> list[list[Any]]:
    with database.engine() as engine, engine.connect() as connection:
        return [list(connection.execute(select(table)).all()) for table in (turns, turn_messages, agent_places)]


@pytest.mark.usefixtures("working")
async def test_turns_end_with_the_membership_and_begin_anew_with_the_next(node: Node, database: Database) -> None:
    await node.do(BACKEND, RemoveMember("c", "helper"))
    assert _rows(database)[:2] == [[], []]
    await node.send(ALICE, "@helper missed")
    await node.do(BACKEND, AddMembers("c", ("helper",)))
    assert await node.do(HELPER, TakeTurns(1, 5000)) == []
    asked = await node.send(ALICE, "@helper again")
    (claimed,) = await node.do(HELPER, TakeTurns(1, 5000))
    assert [message.id for message in claimed.messages] == [asked.id]


@pytest.mark.usefixtures("working")
async def test_a_person_who_was_an_agent_has_no_open_turns(node: Node, database: Database) -> None:
    await node.do(BACKEND, PutUser("helper", kind="person"))
    assert _rows(database)[:2] == [[], []]
    await node.send(ALICE, "@helper hello")
    assert _rows(database)[:2] == [[], []]


@pytest.mark.usefixtures("working")
async def test_nothing_is_left_of_the_turns_of_a_deleted_conversation(node: Node, database: Database) -> None:
    await node.do(ALICE, DeleteConversation("c"))
    assert _rows(database) == [[], [], []]


async def test_turns_that_have_ended_are_removed_after_a_while(node: Node, database: Database, working: str) -> None:
    await node.do(HELPER, EndTurn(turn=working))
    node.clock.now_ms += TURNS_KEPT_MS - 1
    await node.fire()
    (listed,) = (await node.do(HELPER, ListTurns())).items
    assert (listed.turn.state, listed.turn.label, listed.turn.until_ms) == ("done", None, None)
    node.clock.now_ms += 1
    await node.fire()
    assert _rows(database)[:2] == [[], []]


@pytest.mark.usefixtures("working")
async def test_nothing_is_left_of_the_turns_of_an_erased_agent(node: Node, database: Database) -> None:
    assert all(_rows(database))
    await node.do(OPERATOR, EraseUser("helper", redact=False))
    assert _rows(database) == [[], [], []]
