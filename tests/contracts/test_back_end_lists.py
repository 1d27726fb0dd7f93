"""Lists and searches of the backend: everything, page by page, using the indexes of both databases."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from talkwire.core.commands.accounts import SearchUsers
from talkwire.core.commands.command import Command
from talkwire.core.commands.conversations import CreateConversation, DeleteConversation, ListConversations
from talkwire.core.commands.files import ListFiles
from talkwire.core.commands.search import SearchMessages
from talkwire.core.domain.access_policy import AccessPolicy
from talkwire.core.domain.model import Actor
from talkwire.core.features.conversations import lists
from talkwire.storage.engine import reading_engine
from talkwire.storage.followers.follower import Follower
from talkwire.storage.messages.search import MessageIndex
from tests.contracts.node import ALICE, BACKEND, BOB, OPERATOR, Clock, Node, running
from tests.contracts.paces import Restless
from tests.contracts.plans import plan_of, read_statements
from tests.databases import Database
from tests.waiting import DEADLINE_S


async def _listed(node: Node, query: Callable[[str | None], ListConversations], actor: Actor = BACKEND) -> list[str]:
    ids: list[str] = []
    cursor: str | None = None
    while True:
        page = await node.do(actor, query(cursor))
        ids += [view.conversation.id for view in page.items]
        if page.next is None:
            return ids
        cursor = page.next


@pytest.fixture
async def many(node: Node) -> Node:
    """A node with Alice's groups c01 to c12, the odd ones with Bob; c05 is deleted."""
    for number in range(1, 13):
        members = ("alice", "bob") if number % 2 else ("alice",)
        name = "Order desk" if number % 3 else "Returns"
        await node.do(BACKEND, CreateConversation("group", members, name=name, id=f"c{number:02}"))
    await node.do(BACKEND, DeleteConversation("c05"))
    return node


async def test_pages_are_stable_while_conversations_move(many: Node) -> None:
    first = await many.do(BACKEND, ListConversations(None, 5, of_everybody=True))
    await many.send(ALICE, "Now", to="c01")
    await many.send(ALICE, "Now", to="c12")
    second = await many.do(BACKEND, ListConversations(first.next, 50, of_everybody=True))
    ids = [view.conversation.id for view in (*first.items, *second.items)]
    assert ids == [f"c{number:02}" for number in range(1, 13) if number != 5]


@pytest.mark.parametrize("actor", [BACKEND, OPERATOR])
async def test_conversations_are_listed_by_member_and_by_name(many: Node, actor: Actor) -> None:
    of_bob = await _listed(many, lambda cursor: ListConversations(cursor, 2, member_id="bob"), actor)
    assert of_bob == ["c01", "c03", "c07", "c09", "c11"]
    returns = await _listed(many, lambda cursor: ListConversations(cursor, 2, text="returns"), actor)
    assert returns == ["c03", "c06", "c09", "c12"]
    both = await _listed(many, lambda cursor: ListConversations(cursor, 1, member_id="bob", text="ret"), actor)
    assert both == ["c03", "c09"]
    assert await _listed(many, lambda cursor: ListConversations(cursor, member_id="nobody"), actor) == []


async def test_names_that_match_nothing_for_long_do_not_end_the_list(
    many: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "NAMES_EXAMINED_MAX", 3)
    found = await _listed(many, lambda cursor: ListConversations(cursor, 2, text="returns"))
    assert found == ["c03", "c06", "c09", "c12"]


async def test_users_list_their_own_only(many: Node) -> None:
    assert await many.refusal(BOB, ListConversations(member_id="alice")) == "forbidden"
    assert await many.refusal(BOB, ListConversations(text="order")) == "forbidden"
    assert await many.refusal(BOB, ListConversations(of_everybody=True)) == "forbidden"
    assert await many.refusal(BOB, ListConversations("after:c01", of_everybody=True)) == "forbidden"
    assert await many.refusal(BACKEND, ListConversations("after: ", of_everybody=True)) == "invalid_request"


@pytest.mark.parametrize("actor", [BACKEND, OPERATOR])
async def test_the_backend_and_admins_list_their_own_unless_they_ask_for_all(many: Node, actor: Actor) -> None:
    assert (await many.do(actor, ListConversations())).items == ()
    await many.do(BACKEND, CreateConversation("group", (actor.user_id, "bob"), id="own"))
    assert [view.conversation.id for view in (await many.do(actor, ListConversations())).items] == ["own"]
    assert await many.refusal(actor, ListConversations("after:c01")) == "invalid_request"


async def test_a_list_that_sync_started_continues_with_own_conversations(many: Node) -> None:
    """An admin who uses a client is a member of conversations too."""
    await many.group("own", OPERATOR)
    continued = ListConversations("999", of_everybody=True)
    assert [view.conversation.id for view in (await many.do(OPERATOR, continued)).items] == ["own"]


@pytest.fixture
async def indexed(many: Node, database: Database) -> AsyncIterator[Node]:
    work = MessageIndex(many.write_engine.dialect)
    follower = Follower(work, reading_engine(database.url, 1), many.writer.transact, many.clock, Restless())
    many.chat.subscribe(lambda events: follower.wake())
    follower.start()
    await many.do(BACKEND, CreateConversation("group", ("bob",), id="private"))
    await many.send(ALICE, "needle one", to="c02")
    await many.send(BOB, "needle two", to="private")
    await many.send(BOB, "needle three", to="c03")
    await many.do(BACKEND, DeleteConversation("c03"))
    assert await asyncio.to_thread(follower.wait_for, many.chat.pos, DEADLINE_S)
    yield many
    await asyncio.to_thread(follower.close)


async def test_the_backend_searches_every_message(indexed: Node) -> None:
    async def found(actor: Actor, conversation_id: str | None = None) -> list[str]:
        page = await indexed.do(actor, SearchMessages("needle", conversation_id))
        return [message.content for message in page.items]

    for actor in (BACKEND, OPERATOR):
        assert await found(actor) == ["needle two", "needle one"]
        assert await found(actor, "c02") == ["needle one"]
    assert await found(BOB) == ["needle two"]
    assert await found(ALICE) == ["needle one"]


# --- indexes --------------------------------------------------------------------------------------------------------


_TABLES = ("conversations", "users", "members", "messages", "file_links")
_SCANS = {
    "sqlite": [f"SCAN {name}" for name in (*_TABLES, "own", "other")],
    "postgresql": [f"Seq Scan on {name}" for name in _TABLES],
}

_Ask = Callable[[Node], Awaitable[Any]]
_ASKED: dict[str, tuple[Actor, Command[Any]]] = {
    "all": (BACKEND, ListConversations("after:c03", 5, of_everybody=True)),
    "of a member": (BACKEND, ListConversations("after:c03", 5, member_id="bob")),
    "by name": (BACKEND, ListConversations("after:c03", 5, text="returns")),
    "users": (BACKEND, SearchUsers("a")),
    "contacts": (BOB, SearchUsers("a")),
    "messages": (BACKEND, SearchMessages("needle")),
    "files": (ALICE, ListFiles("c04", cursor="9.file")),
}


@pytest.mark.parametrize("asked", _ASKED)
@pytest.mark.parametrize("reach_max", [0, 1000])
async def test_pages_come_from_indexes(
    database: Database, clock: Clock, asked: str, reach_max: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("talkwire.core.features.users.user_search.REACH_MAX", reach_max)
    async with running(database, clock, policy=AccessPolicy(directory="contacts")) as node:
        await node.group("c04", ALICE, BOB)
        with read_statements(node) as statements:
            actor, command = _ASKED[asked]
            await node.do(actor, command)
        plans = [plan_of(node, statement, parameters) for statement, parameters in statements]
    scans = [scan for scan in _SCANS[database.kind] for plan in plans if _uses(plan, scan)]
    assert scans == [], plans


def _uses(plan: str, scan: str) -> bool:
    """Returns whether a plan uses the index. SQLite reports a scan in index order in the same way."""
    return any(line.strip().startswith(scan) and "USING" not in line for line in plan.splitlines())
