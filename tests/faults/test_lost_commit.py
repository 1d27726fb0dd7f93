"""A network that breaks between a commit and its reply."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from talkwire.core.commands.accounts import FindAccount, OpenLogin, RegisterAccount, RehashPassword, RotateLogin
from talkwire.core.commands.command import IdempotencyKey
from talkwire.core.commands.conversations import CreateConversation
from talkwire.core.commands.messages import ListMessages, SendMessage
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.model import Actor
from tests.contracts.node import ALICE, BACKEND, Call, Clock, Node, running
from tests.databases import Database, PostgresServer
from tests.faults.proxy import LossyProxy, lossy_proxy
from tests.waiting import DEADLINE_S


async def test_a_batch_whose_commit_lost_its_reply_is_acknowledged_and_stored_once(
    postgresql: PostgresServer, postgresql_database: Database
) -> None:
    with lossy_proxy(postgresql.folder) as proxy:
        url = postgresql_database.url.set(query={"host": str(proxy.folder)})
        async with running(Database("postgresql", url), Clock()) as node:
            await node.group("c", ALICE)
            await node.send(ALICE, "0")
            for number in range(1, 4):
                proxy.armed = True
                assert (await node.do(ALICE, SendMessage("c", str(number)))).seq == number + 1
                assert proxy.lost == number
            page = await node.do(BACKEND, ListMessages("c"))
            assert [(message.seq, message.content) for message in page.items] == [
                (1, "0"), (2, "1"), (3, "2"), (4, "3"),
            ]  # fmt: skip
            assert [event.pos for event in node.log] == list(range(1, len(node.log) + 1))


ANYONE = Actor("", "")
HOUR_MS = 3_600_000


@asynccontextmanager
async def _lossy_node(postgresql: PostgresServer, database: Database) -> AsyncIterator[tuple[Node, LossyProxy]]:
    with lossy_proxy(postgresql.folder) as proxy:
        url = database.url.set(query={"host": str(proxy.folder)})
        async with running(Database("postgresql", url), Clock()) as node:
            yield node, proxy


def _arms(proxy: LossyProxy) -> tuple[Actor, Call]:
    """A command that has the reply lost to the COMMIT of its own batch."""
    return BACKEND, Call(lambda tx: setattr(proxy, "armed", True))


async def test_a_refresh_token_whose_commit_lost_its_reply_is_exchanged_once(
    postgresql: PostgresServer, postgresql_database: Database
) -> None:
    async with _lossy_node(postgresql, postgresql_database) as (node, proxy):
        user = await node.do(ANYONE, RegisterAccount("ann@example.com", "Ann", "hash"))
        logins = [await node.do(ANYONE, OpenLogin(user.id, f"a{number}", HOUR_MS)) for number in range(3)]
        rotations = [RotateLogin(login.session.id, f"a{n}", f"b{n}", HOUR_MS) for n, login in enumerate(logins)]
        _, *renewed = await node.in_one_batch(_arms(proxy), *((ANYONE, rotation) for rotation in rotations))
        assert proxy.lost == 1
        assert [login.session.token_hash for login in renewed] == ["b0", "b1", "b2"]
        again = [RotateLogin(login.session.id, f"b{n}", f"c{n}", HOUR_MS) for n, login in enumerate(logins)]
        assert None not in await node.in_one_batch(*((ANYONE, rotation) for rotation in again))


async def test_a_change_without_an_event_is_requested_again_instead_of_repeated(
    postgresql: PostgresServer, postgresql_database: Database
) -> None:
    async with _lossy_node(postgresql, postgresql_database) as (node, proxy):
        user = await node.do(ANYONE, RegisterAccount("ann@example.com", "Ann", "one"))
        _, *outcomes = await node.in_one_batch(
            _arms(proxy),
            (ANYONE, RehashPassword(user.id, "one", "two")),
            (ANYONE, RehashPassword(user.id, "two", "three")),
        )
        assert proxy.lost == 1
        assert [outcome.code for outcome in outcomes] == ["unavailable", "unavailable"]
        assert (await node.do(ANYONE, FindAccount("ann@example.com"))).password_hash == "three"


async def test_a_request_with_a_key_whose_commit_lost_its_reply_is_executed_once(
    postgresql: PostgresServer, postgresql_database: Database
) -> None:
    async with _lossy_node(postgresql, postgresql_database) as (node, proxy):
        await node.group("c", ALICE)
        key = IdempotencyKey("alice", "POST /api/v1/conversations", "k")
        command = CreateConversation("group", (), "Plans")
        proxy.armed = True
        first = await asyncio.wait_for(node.submit(ALICE, command, key), DEADLINE_S)
        assert proxy.lost == 1
        events = len(node.log)
        assert await asyncio.wait_for(node.submit(ALICE, command, key), DEADLINE_S) == first
        with pytest.raises(ChatError) as refused:
            await asyncio.wait_for(node.submit(ALICE, CreateConversation("group", (), "Other"), key), DEADLINE_S)
        assert refused.value.code == "conflict"
        assert len(node.log) == events
