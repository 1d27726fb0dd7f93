"""A server in this process, with a push service that it may reach. Alice and bob have a direct conversation, and a
group with carol."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from talkwire.commands import CreateConversation
from talkwire.testing import temporary_server
from talkwire.testing.server import TemporaryServer
from tests.push.push_service import PushService, Rest, push_service, rest_of

PEOPLE = ("alice", "bob", "carol")
LOOPBACK = ("127.0.0.0/8",)


async def fill(server: TemporaryServer) -> None:
    async with rest_of(server) as rest:
        for name in PEOPLE:
            await rest("GET", "users/me", name)
    await server.chat.execute(CreateConversation("direct", ("alice", "bob"), id="pair"))
    await server.chat.execute(CreateConversation("group", PEOPLE, name="Team", id="team", owner_id="carol"))


@pytest.fixture
async def service() -> AsyncIterator[PushService]:
    async with push_service() as service:
        yield service


@pytest.fixture
async def server() -> AsyncIterator[TemporaryServer]:
    async with temporary_server(push_allow=LOOPBACK, accounts="open") as server:
        await fill(server)
        yield server


@pytest.fixture
async def rest(server: TemporaryServer) -> AsyncIterator[Rest]:
    async with rest_of(server) as rest:
        yield rest
