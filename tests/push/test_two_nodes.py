"""Two nodes over one PostgreSQL: each push is sent once, by one of them, and not to a device with a socket at the
other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from talkwire.storage.schema import online
from talkwire.testing import temporary_server
from talkwire.testing.server import TemporaryServer
from tests.databases import Database, let_nodes_pause
from tests.push.conftest import LOOPBACK, fill
from tests.push.push_service import Browser, PushService, Rest, rest_of
from tests.waiting import until_asked

SECRET = "a secret of both nodes, long enough for it"


@pytest.fixture
async def nodes(
    postgresql_database: Database, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[TemporaryServer, TemporaryServer]]:
    let_nodes_pause(monkeypatch)
    url = postgresql_database.url.set(drivername="postgresql").render_as_string(hide_password=False)
    settings: dict[str, Any] = {"push_allow": LOOPBACK, "database": url, "jwt_secret": SECRET, "drain_s": 0.0}
    async with AsyncExitStack() as stack:
        first, second = [
            replace(await stack.enter_async_context(temporary_server(**settings)), secret=SECRET) for _ in range(2)
        ]
        await fill(first)
        yield first, second


async def recorded_online(database: Database, user_id: str) -> None:
    """Waits until a node has recorded that a user is connected to it, which it does a moment after the connect."""

    def is_recorded() -> bool:
        with engine.connect() as connection:
            return connection.execute(select(online).where(online.c.user_id == user_id)).first() is not None

    with database.engine() as engine:
        await until_asked(lambda: asyncio.to_thread(is_recorded))


async def test_each_push_is_sent_once_and_not_to_a_device_at_another_node(
    nodes: tuple[TemporaryServer, TemporaryServer], postgresql_database: Database, service: PushService
) -> None:
    first, second = nodes
    phone, desktop, carols = [Browser(service) for _ in range(3)]
    async with rest_of(first) as rest, AsyncExitStack() as sockets:
        await rest.subscribe("bob", phone, deviceId="phone")
        await rest.subscribe("bob", desktop, deviceId="desktop")
        await rest.subscribe("carol", carols)
        await sockets.enter_async_context(second.client("bob", deviceId="desktop"))
        await recorded_online(postgresql_database, "bob")
        await first.chat.send_message("pair", sender="alice", content="bob sees this on the desktop")
        for number in range(5):
            await (first, second)[number % 2].chat.send_message("team", sender="alice", content=f"@all {number}")
        await asyncio.gather(phone.next(5), carols.next(5))
        assert [each["body"] for each in phone.pushes] == [f"@all {number}" for number in range(5)]
        await Rest(second, rest.client)("POST", "conversations/team/read", "bob")
        assert (await phone.next(6))["type"] == "dismiss"
    assert [each["body"] for each in carols.pushes] == [f"@all {number}" for number in range(5)]
    assert desktop.pushes == []
