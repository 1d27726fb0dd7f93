"""Lists of conversations that filters select, in each order, compared with looking at every conversation."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from itertools import product
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import insert, text, update

from talkwire.core.commands.conversations import CreateConversation, DeleteConversation, ListConversations, ListOrder
from talkwire.core.commands.preferences import SetMemberPreferences
from talkwire.core.commands.server.conversation_keys import IndexConversationKeys
from talkwire.core.domain.access_policy import AccessPolicy
from talkwire.core.domain.actors import KEY_INDEXER
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.model import Actor, Conversation, Member
from talkwire.core.features.conversations import lists
from talkwire.core.ports.transaction import Transaction
from talkwire.storage.schema import conversation_teams, conversations, members
from talkwire.storage.sql.values import to_json
from talkwire.storage.transaction import BatchTransaction
from tests.contracts.node import ALICE, BACKEND, BOB, CAROL, MALLORY, OPERATOR, Call, Clock, Node, running
from tests.contracts.plans import plan_of, read_statements
from tests.databases import Database

TEAMS = (("sales",), ("support",), ("sales", "support"))
HANDLERS = (None, "alice", "bob")
WAITING_MS = (None, 1_700_000_000_000, 1_600_000_000_000, 1_600_000_000_000)


async def put_desk(node: Node, conversation_id: str, via: Iterable[str] = (), **desk: Any) -> None:  # noqa: ANN401 (columns)
    """Writes what a conversation has of its teams, and that the users `via` are in it through all of these."""

    def store(tx: Transaction) -> None:
        assert isinstance(tx, BatchTransaction)
        workspace, connection = tx._workspace, tx._workspace.connection
        known = tx.conversation(conversation_id)
        assert known is not None
        workspace.conversations[conversation_id] = replace(known, **desk)
        columns = {**desk, "team_ids": to_json(desk["team_ids"] or None)}
        connection.execute(update(conversations).where(conversations.c.id == conversation_id).values(**columns))
        for team_id in desk["team_ids"]:
            row = {"team_id": team_id, "conversation_id": conversation_id, "history_seq": 0, "history_pos": 0}
            connection.execute(insert(conversation_teams), row)
        there = members.c.conversation_id == conversation_id, members.c.user_id.in_(list(via))
        connection.execute(update(members).where(*there).values(via=columns["team_ids"]))

    await node.do(BACKEND, Call(store))


@pytest.fixture
async def desk(database: Database, clock: Clock) -> AsyncIterator[Node]:
    """A node with conversations of every kind: of no team, of one or two, open and closed, with each handler. Alice is
    in all of them, through the teams where there are some; Bob is in every other one. Some have messages."""
    async with running(database, clock, policy=AccessPolicy(conversation_keys=("order", "shop"))) as node:
        assert not await node.do(KEY_INDEXER, IndexConversationKeys())
        kinds = [((), None, False), *product(TEAMS, HANDLERS, (False, True))]
        for number, (teams, handler, closed) in enumerate(kinds):
            id_ = f"c{number * 7 % 19:02}"  # not in the order of the creation
            names = ("alice", "bob", "mallory") if number % 2 else ("alice", "mallory")
            metadata: dict[str, object] = {"order": number % 2, "shop": "s"}
            name = f"Desk {number % 3}"
            await node.do(BACKEND, CreateConversation("group", names, id=id_, name=name, metadata=metadata))
            waiting_ms = None if closed or not teams else WAITING_MS[number // 2 % 4]
            await put_desk(
                node,
                id_,
                ("alice",) if teams else (),
                team_ids=teams,
                handler_id=handler,
                closed=closed,
                waiting_since_ms=waiting_ms,
            )
        for id_ in ("c03", "c11", "c00"):
            await node.send(ALICE, "Hello", to=id_)
        await node.do(BACKEND, CreateConversation("group", ("alice",), id="gone"))
        await put_desk(node, "gone", team_ids=("sales",), handler_id="alice", closed=False, waiting_since_ms=5)
        await node.do(BACKEND, DeleteConversation("gone"))
        yield node


async def listed(node: Node, actor: Actor, query: ListConversations) -> list[str]:
    """Returns the ids on all pages of a list."""
    ids: list[str] = []
    while True:
        page = await node.do(actor, query)
        assert len(page.items) <= query.limit
        ids += [view.conversation.id for view in page.items]
        if page.next is None:
            return ids
        assert len(page.items) == query.limit
        query = replace(query, cursor=page.next)


Seen = tuple[Conversation, Member | None]


async def seen_by(node: Node, actor: Actor) -> Sequence[Seen]:
    """Returns every conversation that the actor may list, with the actor's membership."""
    page = await node.do(actor, ListConversations(limit=100, of_everybody=actor.is_trusted))
    assert page.next is None
    return [(view.conversation, view.reader) for view in page.items]


def expected(actor: Actor, query: ListConversations, seen: Sequence[Seen]) -> list[str]:
    """Returns the ids that a list should have, by looking at every conversation."""
    found = [(each, member) for each, member in seen if _meets(actor, query, each)]
    if query.order is None and actor.is_trusted:
        return sorted(each.id for each, _ in found)
    if query.order == "waitingSince":
        found.sort(key=lambda pair: (*_waiting(actor, *pair), -_pos(*pair), pair[0].id))
    else:
        found.sort(key=lambda pair: -_pos(*pair))
    return [each.id for each, _ in found]


def _meets(actor: Actor, query: ListConversations, conversation: Conversation) -> bool:
    if query.team_id is not None and query.team_id not in conversation.team_ids:
        return False
    if (query.handler or query.state) and not conversation.team_ids:
        return False
    handler = {"me": actor.user_id, "none": None}.get(query.handler or "", query.handler)
    if query.handler is not None and conversation.handler_id != handler:
        return False
    if query.metadata is not None and (conversation.metadata or {}).get("order") != query.metadata["order"]:
        return False
    return query.state is None or conversation.closed is (query.state == "closed")


def _waiting(actor: Actor, conversation: Conversation, member: Member | None) -> tuple[bool, int]:
    is_shown = actor.is_trusted or (member is not None and bool(member.via))
    waiting_ms = conversation.waiting_since_ms if is_shown else None
    return waiting_ms is None, waiting_ms or 0


def _pos(conversation: Conversation, member: Member | None) -> int:
    pos = max(conversation.active_pos, conversation.offer_pos)
    return pos if member is None else max(pos, member.history_pos)


_FILTERS = list(
    product((None, "sales", "support", "nobody"), (None, "me", "none", "bob"), (None, "open", "closed"), (None, 0, 1))
)


@pytest.mark.parametrize("order", [None, "updatedAt", "waitingSince"])
@pytest.mark.parametrize("actor", [ALICE, BOB, CAROL, MALLORY, BACKEND, OPERATOR], ids=lambda actor: actor.user_id)
async def test_a_list_has_what_its_filters_select_in_its_order(
    desk: Node, actor: Actor, order: ListOrder | None
) -> None:
    seen = await seen_by(desk, actor)
    assert len(seen) == {"carol": 0, "bob": 9}.get(actor.user_id, 19)
    found = 0
    for number, (team_id, handler, state, order_of) in enumerate(_FILTERS):
        if handler == "me" and actor is BACKEND:
            continue
        query = ListConversations(
            None,
            number % 3 + 1,
            team_id=team_id,
            handler=handler,
            state=state,  # type: ignore[arg-type]
            order=order,
            metadata=None if order_of is None else {"order": order_of},
            of_everybody=actor.is_trusted,
        )
        ids = await listed(desk, actor, query)
        assert ids == expected(actor, query, seen), query
        found += len(ids)
    assert (found > 0) is bool(seen)


# --- combined with other filters --------------------------------------------------------------------------------------


async def test_filters_combine_with_those_of_before(desk: Node) -> None:
    def query(**changes: Any) -> ListConversations:  # noqa: ANN401 (fields)
        return ListConversations(None, 2, state="open", order="updatedAt", **changes)

    seen = await seen_by(desk, BACKEND)
    open_ids = [each.id for each, _ in seen if each.team_ids and not each.closed]
    assert sorted(await listed(desk, BACKEND, query(member_id="bob"))) == sorted(
        {id_ for id_ in open_ids if id_ in {each.id for each, _ in await seen_by(desk, BOB)}}
    )
    named = sorted(each.id for each, _ in seen if each.id in open_ids and each.name == "Desk 1")
    assert 0 < len(named) < len(open_ids)
    assert sorted(await listed(desk, BACKEND, query(text="desk 1"))) == named
    await desk.do(ALICE, SetMemberPreferences(named[0], archived=True))
    assert await listed(desk, ALICE, query(archived=True)) == [named[0]]
    assert sorted(await listed(desk, ALICE, query(archived=False))) == sorted({*open_ids} - {named[0]})


async def test_names_that_match_nothing_for_long_do_not_end_a_sorted_list(
    desk: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    query = ListConversations(None, 2, text="desk 1", order="waitingSince", of_everybody=True)
    found = await listed(desk, BACKEND, query)
    assert len(found) == 6
    monkeypatch.setattr(lists, "NAMES_EXAMINED_MAX", 3)
    ids: list[str] = []
    while True:
        page = await desk.do(BACKEND, query)
        ids += [view.conversation.id for view in page.items]
        if page.next is None:
            break
        query = replace(query, cursor=page.next)
    assert ids == found


async def test_a_member_lists_by_team_what_is_not_listed_without(desk: Node) -> None:
    def hide(tx: Transaction) -> None:
        assert isinstance(tx, BatchTransaction)
        tx._workspace.connection.execute(update(members).where(members.c.user_id == "alice").values(listed=False))

    everything = await listed(desk, ALICE, ListConversations(None, 3, team_id="sales"))
    assert len(everything) == 12
    await desk.do(BACKEND, Call(hide))
    assert await listed(desk, ALICE, ListConversations(None, 3, team_id="sales")) == everything
    assert await listed(desk, ALICE, ListConversations(None, 3, state="open")) == []
    assert await listed(desk, BACKEND, ListConversations(None, 30, state="open", of_everybody=True)) != []


async def test_trusted_callers_list_all_of_a_team_and_otherwise_their_own(desk: Node) -> None:
    for actor in (BACKEND, OPERATOR):
        assert len(await listed(desk, actor, ListConversations(None, 5, team_id="sales"))) == 12
        assert await listed(desk, actor, ListConversations(None, 5, state="open")) == []


# --- refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("actor", "query", "problem"),
    [
        (BACKEND, ListConversations(handler="me", of_everybody=True), 'handler: "me" is a user'),
        (BACKEND, ListConversations(handler="me"), 'handler: "me" is a user'),
        (ALICE, ListConversations(handler="a b"), "handler: must be an id"),
        (ALICE, ListConversations(handler=""), "handler: must be an id"),
        (ALICE, ListConversations(team_id="a/b"), "teamId: must be an id"),
        (BACKEND, ListConversations(team_id="sales", member_id="a b"), "memberId: must be an id"),
        (BOB, ListConversations(team_id="sales", member_id="alice"), "forbidden"),
        (BOB, ListConversations(state="open", of_everybody=True), "forbidden"),
    ],
)
async def test_invalid_filters_are_refused(desk: Node, actor: Actor, query: ListConversations, problem: str) -> None:
    with pytest.raises(ChatError) as refused:
        await desk.do(actor, query)
    assert refused.value.code == problem or refused.value.message.startswith(problem)
    assert refused.value.code in {"forbidden", "invalid_request"}


LISTS = {
    "own": (OPERATOR, ListConversations(limit=1)),
    "own by update": (OPERATOR, ListConversations(limit=1, order="updatedAt")),
    "own that wait": (OPERATOR, ListConversations(limit=1, order="waitingSince")),
    "all": (OPERATOR, ListConversations(limit=1, state="open", of_everybody=True)),
    "all by update": (OPERATOR, ListConversations(limit=1, order="updatedAt", of_everybody=True)),
    "all that wait": (OPERATOR, ListConversations(limit=1, order="waitingSince", of_everybody=True)),
}


async def test_a_cursor_belongs_to_its_list_and_order(desk: Node) -> None:
    for number in range(3):
        await desk.do(BACKEND, CreateConversation("group", ("operator",), id=f"own{number}"))
    cursors = {name: (await desk.do(actor, query)).next for name, (actor, query) in LISTS.items()}
    for name, (actor, query) in LISTS.items():
        for of_list, cursor in cursors.items():
            assert cursor is not None
            asked = replace(query, cursor=cursor)
            if of_list == name:
                assert len((await desk.do(actor, asked)).items) == 1
            else:
                assert await desk.refusal(actor, asked) == "invalid_request", (name, of_list)
        for cursor in ("x", "after: ", "WyJhIl0=", ""):
            assert await desk.refusal(actor, replace(query, cursor=cursor)) == "invalid_request", (name, cursor)


# --- changes and costs ------------------------------------------------------------------------------------------------


async def test_pages_continue_while_conversations_move(desk: Node) -> None:
    query = ListConversations(None, 3, team_id="sales", order="waitingSince")
    whole = await listed(desk, ALICE, query)
    first = await desk.do(ALICE, query)
    ids = [view.conversation.id for view in first.items]
    await desk.send(ALICE, "Now", to=ids[0])
    await desk.send(ALICE, "Now", to=whole[-1])
    rest = await listed(desk, ALICE, replace(query, cursor=first.next))
    assert sorted([*ids, *rest]) == sorted(whole), "each is on one page, also the one that has moved up"
    assert rest.index(whole[-1]) < len(rest) - 1


# --- costs ------------------------------------------------------------------------------------------------------------

MANY = 100_000
_FILL = text(
    "INSERT INTO conversations (id, kind, member_count, last_seq, last_pos, active_pos, created_ms, updated_ms) "
    "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < :many) "
    "SELECT 'm' || n, 'group', 0, 0, n, n, n, n FROM numbers"
)
_INDEX = text(
    "INSERT INTO conversation_keys (key, value, conversation_id) "
    "SELECT 'shop', 's', id FROM conversations WHERE id LIKE 'm%'"
)


@pytest.fixture
async def large(desk: Node) -> Node:
    """The same node with 100,000 conversations without a team, all of one shop, and on PostgreSQL, as always, with
    statistics."""
    with desk.write_engine.begin() as connection:
        connection.execute(_FILL, {"many": MANY})
        connection.execute(_INDEX)
        if desk.database.kind == "postgresql":
            connection.execute(text("ANALYZE"))
    return desk


_SCANS = {"sqlite": "SCAN ", "postgresql": "Seq Scan on "}
_ALL = ListConversations(None, 5, of_everybody=True)
_PLANS = {
    "a team by id": (BACKEND, replace(_ALL, team_id="sales", cursor="after:c03")),
    "a team that waits": (BACKEND, replace(_ALL, team_id="sales", state="open", order="waitingSince")),
    "open": (BACKEND, replace(_ALL, state="open", cursor="after:c03")),
    "open that waits": (BACKEND, replace(_ALL, state="open", order="waitingSince")),
    "unhandled": (BACKEND, replace(_ALL, handler="none", state="open")),
    "handled": (BACKEND, replace(_ALL, handler="bob")),
    "handled by update": (BACKEND, replace(_ALL, handler="bob", order="updatedAt")),
    "own of a team": (ALICE, ListConversations(None, 5, team_id="sales", order="waitingSince")),
    "own open": (ALICE, ListConversations(None, 5, state="open")),
    "own handled": (ALICE, ListConversations(None, 5, handler="me", order="waitingSince")),
    "an order": (BACKEND, replace(_ALL, metadata={"order": 1})),
    "an order that waits": (BACKEND, replace(_ALL, metadata={"order": 1}, order="waitingSince")),
    "an order of a team": (BACKEND, replace(_ALL, metadata={"order": 1}, team_id="sales", state="open")),
    "a shop of a team": (BACKEND, replace(_ALL, metadata={"shop": "s"}, team_id="sales", order="updatedAt")),
    "a shop by id": (BACKEND, replace(_ALL, metadata={"shop": "s"}, cursor="after:c03")),
    "own order": (ALICE, ListConversations(None, 5, metadata={"order": 1})),
}
_FIRST_READ = {
    "a team by id": "SEARCH conversation_teams",
    "a team that waits": "SEARCH conversation_teams",
    "own handled": "SEARCH conversations USING INDEX ix_conversations_handler",
    "an order": "SEARCH conversation_keys",
    "an order that waits": "SEARCH conversation_keys",
    "a shop of a team": "SEARCH conversation_teams",
    "a shop by id": "SEARCH conversation_keys",
}
_READ_BY = (
    *("ix_conversations_desk", "ix_conversations_handler", "conversation_teams", "members"),
    *("sqlite_autoindex_conversation_keys_1", "pk_conversation_keys"),
)
"""The indexes and tables of which a list may read a part."""


async def test_a_list_with_filters_reads_a_part_of_the_conversations(large: Node) -> None:
    for name, (actor, command) in _PLANS.items():
        with read_statements(large) as statements:
            await large.do(actor, command)
        statement, parameters = next(each for each in statements if " LIMIT " in each[0])
        plan = plan_of(large, statement, parameters)
        assert _SCANS[large.database.kind] not in plan, (name, plan)
        assert any(each in plan for each in _READ_BY), (name, plan)
        if large.database.kind == "sqlite":  # which has no statistics, and reads a table that is named first
            assert plan.startswith(_FIRST_READ.get(name, "SEARCH members" if actor is ALICE else "")), (name, plan)


async def test_a_list_without_filters_sends_the_statement_of_before(desk: Node) -> None:
    for actor, query in ((ALICE, ListConversations()), (BACKEND, _ALL)):
        with read_statements(desk) as statements:
            await desk.do(actor, query)
        listing = next(statement for statement, _ in statements if " LIMIT " in statement)
        assert "team" not in listing.partition("FROM")[2]
