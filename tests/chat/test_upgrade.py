"""A rolling upgrade: this version serves while a newer one has extended the tables and writes to them."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from talkwire.bus.memory import Exchange
from talkwire.core.domain.model import Actor
from talkwire.storage.migrations import retry_on_locks
from tests.chat.chat_server import SECRET, running_chat
from tests.chat.conftest import World, world_at
from tests.cli.processes import run_talkwire
from tests.contracts.node import Clock, Node
from tests.contracts.test_newer_version import NEWER, received, write_newer
from tests.databases import Database, PostgresServer
from tests.waiting import until_asked


@pytest.fixture
def shared(postgresql: PostgresServer) -> Iterator[Database]:
    name = postgresql.create_migrated()
    yield Database("postgresql", postgresql.url_of(name))
    postgresql.drop(name)


def url_of(database: Database) -> str:
    return database.url.render_as_string(hide_password=False)


def upgrade_tables(database: Database) -> None:
    """Changes the tables as a migration of the next version may."""
    with database.engine() as engine:
        retry_on_locks(lambda: _change_tables(engine))


def _change_tables(engine: Engine) -> None:
    with engine.begin() as connection:
        for statement in (
            "ALTER TABLE messages ADD COLUMN colour text",
            "ALTER TABLE members ADD COLUMN painter boolean NOT NULL DEFAULT false",
            "ALTER TABLE log ADD COLUMN painted_ms bigint",
            "CREATE INDEX ix_messages_colour ON messages (colour)",
            "CREATE TABLE paintings (id bigint PRIMARY KEY)",
            "UPDATE alembic_version SET version_num = '9999'",
        ):
            connection.execute(text(statement))


async def test_this_version_serves_beside_the_next_and_does_not_start_again(tmp_path: Path, shared: Database) -> None:
    with running_chat(tmp_path, {"DATABASE_URL": url_of(shared)}) as server:
        async with world_at(server) as world:
            conversation = await world.conversation("alice", "bob")
            alice, bob = await world.connect("alice"), await world.connect("bob")
            await alice.send_message(conversation, "before")
            cursor = (await bob.done("sync"))["cursor"]
            upgrade_tables(shared)
            sent = []
            for number in range(3):
                write_newer(shared, NEWER, "UserPainted", conversation_id=conversation)
                sent.append(await alice.send_message(conversation, f"colourful {number}"))
            write_newer(shared, NEWER, conversation_id=conversation)
            await alice.done("message:edit", {"messageId": sent[0]["id"], "content": "colourful, edited"})
            await bob.done("message:read", {"conversationId": conversation})
            contents = [(await bob.next("message:new"))["content"] for _ in range(4)]
            assert contents == ["before", "colourful 0", "colourful 1", "colourful 2"]
            page = await bob.done("sync", {"after": cursor})
            names = [event["event"] for event in page["events"]]
            assert names.count("message:new") == 3
            assert "message:updated" in names
            # A client that connects now, and one that only uses REST.
            late = await world.connect("bob")
            listed = await late.done("messages:list", {"conversationId": conversation})
            assert [message["content"] for message in listed["messages"]][-1] == "colourful 2"
            await until_found(world, "colourful", 3)
            assert (await world.request("GET", "/readyz")).status_code == 200
        server.process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(server.wait_ended) == 0
        assert server.logged_errors() == []
        warned = [str(line["type"]) for line in server.logged() if line["event"] == "newer_event_skipped"]
        assert sorted(warned) == [NEWER, "UserPainted"]
    again = await asyncio.to_thread(
        run_talkwire, "serve", "--port", "0", "--database", url_of(shared), "--jwt-secret", SECRET, cwd=tmp_path
    )
    assert again.exit_code == 1
    assert again.line.startswith("talkwire: the database has tables of version 9999, newer than")


async def test_nodes_without_a_bus_between_them_lose_nothing(tmp_path: Path, shared: Database) -> None:
    # Nodes do not hear each other if their buses have different names, for example after a change of the message seal.
    another = Node(shared, Clock(), Exchange())
    with running_chat(tmp_path, {"DATABASE_URL": url_of(shared)}) as server:
        async with world_at(server) as world:
            conversation = await world.conversation("alice", "bob")
            alice, bob = await world.connect("alice"), await world.connect("bob")
            await another.start()
            try:
                expected = []
                for number in range(30):
                    expected += [f"there {number}", f"here {number}"]
                    await another.send(Actor(world.id_of("bob"), "bob"), f"there {number}", to=conversation)
                    await alice.send_message(conversation, f"here {number}")
                for client in (alice, bob):
                    assert [(await client.next("message:new"))["content"] for _ in expected] == expected
                assert await received(another, len(expected)) == expected
            finally:
                await another.close()
        assert server.logged_errors() == []


async def until_found(world: World, words: str, count: int) -> None:
    """Waits until a search finds this many messages, since the index is updated after the log."""

    async def are_found() -> bool:
        answer = await world.request("GET", "/api/v1/search", by="bob", params={"q": words})
        return len(answer.json()["items"]) == count

    await until_asked(are_found)
