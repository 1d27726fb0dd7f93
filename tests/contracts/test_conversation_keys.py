"""The index of conversations by keys of their metadata: a filter finds what looking at every conversation finds,
whatever happens to the metadata, the setting and the nodes meanwhile."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Sequence
from random import Random
from typing import Any

import pytest
from sqlalchemy import insert, select

from talkwire.core.commands.command import Command
from talkwire.core.commands.conversations import (
    CreateConversation,
    DeleteConversation,
    ListConversations,
    UpdateConversation,
)
from talkwire.core.commands.server.conversation_keys import IndexConversationKeys
from talkwire.core.domain.access_policy import AccessPolicy
from talkwire.core.domain.actors import KEY_INDEXER
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.model import Actor
from talkwire.core.domain.nodes.peer import Peer
from talkwire.core.engine.housekeeping import HOUSEKEEPING_CHECK_S, INDEXING_PAUSE_S, index_conversation_keys
from talkwire.core.features.operation import conversation_keys as steps
from talkwire.core.ports.stores import LeaseRecord
from talkwire.storage.schema import conversation_keys, conversations, indexed_keys, nodes
from talkwire.storage.tables.nodes import NodeRows
from tests.contracts.node import ALICE, BACKEND, BOB, OPERATOR, Clock, Node, running
from tests.databases import Database

VALUES: Sequence[object] = (
    *("17", 17, 17.5, "17.5", True, "true", False, "false", "null", "", " ", "Ü", "ü", "x" * 128),
    *(0, -1, 1e21, None, [17], {"a": 17}, "x" * 129, "'; --", "%", "a=b&c"),
)
"""What conversations have as the value of a key."""

ASKED = (
    *("17", 17, "17.5", "true", True, "false", "null", "", " ", "Ü", "u", "x" * 128, "-1", 0, "1e21", "1e+21"),
    *("[17]", '{"a":17}', "'; --", "%", "a=b&c", "1"),
)
"""By what lists are filtered."""


def with_keys(*keys: str) -> AccessPolicy:
    return AccessPolicy(conversation_keys=keys)


async def index(node: Node, *, drops_others: bool = True) -> int:
    """Indexes until there is nothing more to do. Returns the number of steps that had more to do."""
    count = 0
    while await node.do(KEY_INDEXER, IndexConversationKeys(drops_others=drops_others)):
        count += 1
    return count


async def create(node: Node, conversation_id: str, metadata: dict[str, object] | None) -> None:
    command = CreateConversation("group", ("alice",), id=conversation_id, metadata=metadata)
    await node.do(BACKEND, command)


async def found(node: Node, key: str, value: Any, actor: Actor = BACKEND, **more: Any) -> list[str]:  # noqa: ANN401
    """Returns the sorted ids on all pages of a list with a filter on metadata."""
    ids: list[str] = []
    cursor = None
    while True:
        query = ListConversations(cursor, 2, of_everybody=actor.is_trusted, metadata={key: value}, **more)
        page = await node.do(actor, query)
        ids += [view.conversation.id for view in page.items]
        if page.next is None:
            return sorted(ids)
        cursor = page.next


def matches(metadata: dict[str, object] | None, key: str, asked: object) -> bool:
    """Returns whether a filter should find a conversation, by the words of the documentation."""

    def text(value: object) -> str:
        return value if isinstance(value, str) else json.dumps(value).replace("e+", "e")

    value = (metadata or {}).get(key)
    if value is None or isinstance(value, list | dict) or len(text(value)) > 128:
        return False
    return text(value) == text(asked)


async def test_a_filter_finds_the_values_with_the_same_text(database: Database, clock: Clock) -> None:
    async with running(database, clock, policy=with_keys("order", "other")) as node:
        await index(node)
        made: dict[str, dict[str, object] | None] = {"none": None, "empty": {}, "nested": {"a": {"order": "17"}}}
        made |= {f"v{number:02}": {"order": value, "extra": "17"} for number, value in enumerate(VALUES)}
        made["both"] = {"order": "17", "other": "17"}
        for id_, metadata in made.items():
            await create(node, id_, metadata)
        some = 0
        for asked in ASKED:
            expected = sorted(id_ for id_, metadata in made.items() if matches(metadata, "order", asked))
            some += bool(expected)
            for actor in (BACKEND, OPERATOR, ALICE):
                assert await found(node, "order", asked, actor) == expected, asked
            for order in ("updatedAt", "waitingSince"):
                assert await found(node, "order", asked, order=order) == expected, asked
            assert await found(node, "order", asked, BOB) == []
            assert await found(node, "order", asked, state="open") == []
        assert some > 12
        assert await found(node, "other", 17) == ["both"]
        assert await found(node, "order", 17, member_id="alice", text="") == ["both", "v00", "v01"]


# --- changes and steps ------------------------------------------------------------------------------------------------


def indexed(node: Node) -> set[tuple[str, str, str]]:
    with node.read_engine.connect() as connection:
        return {(row.key, row.value, row.conversation_id) for row in connection.execute(select(conversation_keys))}


def registered(node: Node) -> dict[str, str | None]:
    with node.read_engine.connect() as connection:
        return {row.key: row.after_id for row in connection.execute(select(indexed_keys))}


def counted(node: Node, keys: Iterable[str]) -> set[tuple[str, str, str]]:
    """Returns the rows that the index should have, from the conversations themselves."""
    with node.read_engine.connect() as connection:
        rows = connection.execute(select(conversations).where(conversations.c.deleted_ms.is_(None))).all()
    return {
        (key, str(metadata[key]), row.id)
        for row in rows
        for metadata in [json.loads(row.metadata or "{}")]
        for key in keys
        if isinstance(metadata.get(key), str)
    }


async def change(node: Node, random: Random, ids: list[str]) -> None:
    """Creates, changes or deletes a conversation."""
    metadata: dict[str, object] = {key: random.choice("xyz") for key in "abc" if random.random() < 0.7}
    if not ids or random.random() < 0.4:
        ids.append(f"{random.randrange(10**6):06}-{len(ids)}")
        await create(node, ids[-1], metadata or None)
    elif random.random() < 0.75:
        await node.do(BACKEND, UpdateConversation(random.choice(ids), metadata=random.choice([metadata, None])))
    else:
        await node.do(BACKEND, DeleteConversation(ids.pop(random.randrange(len(ids)))))


@pytest.mark.parametrize("seed", range(3))
async def test_the_index_equals_a_recount_whatever_happens_between_its_steps(
    database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Nodes start with one setting after the other, and most are killed before they have indexed everything."""
    monkeypatch.setattr(steps, "INDEXED_AT_ONCE", 3)
    random, ids = Random(seed), list[str]()
    for keys in ((), ("a", "b"), ("b", "c"), ("c", "a")):
        async with running(database, clock, policy=with_keys(*keys)) as node:
            for _ in range(15):
                await change(node, random, ids)
                if random.random() < 0.3:
                    await node.do(KEY_INDEXER, IndexConversationKeys(drops_others=True))
                complete = {key for key, after_id in registered(node).items() if after_id is None}
                rows = {row for row in indexed(node) if row[0] in complete}
                assert rows == counted(node, complete)
                assert indexed(node) <= counted(node, "abc"), "no row is out of date, complete or not"
    await _finish(database, clock, "c", "a")


async def _finish(database: Database, clock: Clock, *keys: str) -> None:
    async with running(database, clock, policy=with_keys(*keys)) as node:
        await index(node)
        assert registered(node) == dict.fromkeys(keys)
        assert indexed(node) == counted(node, keys) != set()
        for value in "xyz":
            expected = sorted(id_ for key, text, id_ in counted(node, keys) if (key, text) == (keys[0], value))
            assert await found(node, keys[0], value) == expected


async def test_a_key_is_unavailable_until_all_conversations_are_indexed(
    database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "INDEXED_AT_ONCE", 3)
    async with running(database, clock) as node:
        for number in range(7):
            await create(node, f"c{number}", {"a": "x", "b": "x"})
    async with running(database, clock, policy=with_keys("a")) as node:
        with pytest.raises(
            ChatError, match=r"^metadata\.a: the conversations are being indexed by this key"
        ) as refused:
            await found(node, "a", "x")
        assert refused.value.code == "unavailable"
        assert await node.do(KEY_INDEXER, IndexConversationKeys())
        assert len(indexed(node)) == 3
    async with running(database, clock, policy=with_keys("a", "b")) as node:
        assert await node.refusal(BACKEND, ListConversations(metadata={"a": "x"})) == "unavailable"
        await create(node, "c2-new", {"a": "x"})
        assert await index(node) > 3, "a is continued, and b begins"
        assert await found(node, "a", "x") == ["c0", "c1", "c2", "c2-new", *(f"c{number}" for number in range(3, 7))]
        assert len(await found(node, "b", "x")) == 7


async def test_nodes_with_different_settings_never_find_too_little(
    database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "INDEXED_AT_ONCE", 2)
    async with (
        running(database, clock, policy=with_keys("a")) as older,
        running(database, clock, policy=with_keys("b")) as newer,
    ):
        for number in range(5):
            await create(older, f"c{number}", {"a": "x", "b": "x"})
        await index(older)
        assert len(await found(older, "a", "x")) == 5
        assert await newer.do(KEY_INDEXER, IndexConversationKeys(drops_others=True))
        assert await older.refusal(BACKEND, ListConversations(metadata={"a": "x"})) == "unavailable"
        await index(newer)
        assert registered(newer) == {"b": None}
        await create(older, "c5", {"a": "x", "b": "x"})
        assert len(await found(newer, "b", "x")) == 6, "the older node indexes by the newer one's key"
        await index(older, drops_others=False)
        assert len(await found(older, "a", "x")) == 6
        assert len(await found(newer, "b", "x")) == 6


async def test_nothing_is_indexed_while_a_node_runs_that_does_not_index(database: Database, clock: Clock) -> None:
    async with running(database, clock, policy=with_keys("a")) as node:
        await create(node, "c", {"a": "x"})
        await index(node)
        assert await found(node, "a", "x") == ["c"]
        with node.write_engine.begin() as connection:
            connection.execute(insert(nodes), {"id": "older", "lease_until_ms": clock.now_ms + 1000})
        assert await index(node) == 0
        assert await node.refusal(BACKEND, ListConversations(metadata={"a": "x"})) == "unavailable"
        clock.now_ms += 1000
        await index(node)
        assert await found(node, "a", "x") == ["c"]


async def test_a_node_of_this_version_says_that_it_indexes(database: Database) -> None:
    with database.engine() as engine, engine.begin() as connection:
        NodeRows(connection).put_lease(Peer("this", None), LeaseRecord(1, 1))
        assert connection.execute(select(nodes.c.indexes_keys)).scalar_one()


async def test_only_operators_index(node: Node) -> None:
    assert await node.refusal(BACKEND, IndexConversationKeys()) == "forbidden"


# --- refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("metadata", "problem"),
    [
        ({}, "metadata: must have exactly one key"),
        ({"a": "1", "b": "2"}, "metadata: must have exactly one key"),
        ({"c": "1"}, "metadata.c: is not one of the keys that the setting conversation_keys names: a, b"),
        ({"": "1"}, "metadata.: is not one of"),
        ({"A": "1"}, "metadata.A: is not one of"),
        ({"a": "x" * 129}, "metadata.a: must have at most 128 characters"),
        ({"a": "\x00"}, "metadata.a: must not contain U+0000"),
    ],
)
@pytest.mark.parametrize("actor", [ALICE, BACKEND], ids=["user", "backend"])
async def test_invalid_filters_are_refused(
    database: Database, clock: Clock, actor: Actor, metadata: dict[str, str], problem: str
) -> None:
    async with running(database, clock, policy=with_keys("a", "b")) as node:
        await index(node)
        with pytest.raises(ChatError) as refused:
            await node.do(actor, ListConversations(metadata={**metadata}, of_everybody=actor.is_trusted))
    assert refused.value.code == "invalid_request"
    assert refused.value.message.startswith(problem)


async def test_without_the_setting_no_key_can_be_filtered_by(node: Node) -> None:
    with pytest.raises(ChatError, match=r"names: none$"):
        await found(node, "a", "1")


# --- the task ---------------------------------------------------------------------------------------------------------


class _Chat:
    """Executes as a chat would, with these outcomes one after the other."""

    def __init__(self, *outcomes: bool | ChatError) -> None:
        self.outcomes = list(outcomes)
        self.given: list[bool] = []

    async def execute(self, actor: Actor, command: Command[Any]) -> Any:  # noqa: ANN401 (as any executor)
        assert actor == KEY_INDEXER
        assert isinstance(command, IndexConversationKeys)
        self.given.append(command.drops_others)
        if not self.outcomes:
            raise asyncio.CancelledError
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, ChatError):
            raise outcome
        return outcome


async def test_the_task_drops_other_keys_at_the_start_only_and_looks_again_once_in_a_while() -> None:
    chat = _Chat(True, ChatError("unavailable", ""), True, False, True, False)
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    with pytest.raises(asyncio.CancelledError):
        await index_conversation_keys(chat, has_keys=True, sleep=sleep)
    assert chat.given == [True, True, True, True, False, False, False]
    assert pauses == [
        INDEXING_PAUSE_S,
        HOUSEKEEPING_CHECK_S,
        INDEXING_PAUSE_S,
        HOUSEKEEPING_CHECK_S,
        INDEXING_PAUSE_S,
        HOUSEKEEPING_CHECK_S,
    ]


async def test_without_keys_the_task_ends_when_no_other_is_left() -> None:
    chat = _Chat(True, ChatError("unavailable", ""), False)

    async def sleep(_: float) -> None:
        pass

    await index_conversation_keys(chat, has_keys=False, sleep=sleep)
    assert chat.given == [True, True, True]
