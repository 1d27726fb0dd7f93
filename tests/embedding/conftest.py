"""Programs with Talkwire within them, served in the tests' own process."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest

from talkwire import Settings, Talkwire
from talkwire.commands import CreateConversation
from talkwire.testing import TemporaryServer, temporary_server
from tests.logging_state import logging_kept

Serve = Callable[..., Awaitable[TemporaryServer]]


@pytest.fixture(autouse=True)
def _logging() -> Iterator[None]:
    """Talkwire hands its logs over, to where `caplog` sees them."""
    with logging_kept():
        yield


@pytest.fixture
def chat() -> Talkwire:
    return Talkwire(Settings())


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Serves a Talkwire until the test ends; alice and bob have a conversation `talk` there."""
    async with AsyncExitStack() as servers:

        async def serve(chat: Talkwire, **settings: Any) -> TemporaryServer:  # noqa: ANN401 (settings)
            server = await servers.enter_async_context(temporary_server(chat, **settings))
            await chat.execute(CreateConversation("group", ("alice", "bob"), name="Talk", id="talk", owner_id="alice"))
            return server

        yield serve


async def request(server: TemporaryServer, method: str, path: str, **options: Any) -> httpx.Response:  # noqa: ANN401
    """`options` are httpx's."""
    async with httpx.AsyncClient(base_url=server.url, trust_env=False, timeout=10) as http:
        return await http.request(method, path, **options)
