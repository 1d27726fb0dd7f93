"""Fixtures for programs that embed Talkwire, which run in the tests' own process."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest

from talkwire import Settings, Talkwire
from talkwire.commands import CreateConversation
from talkwire.testing import TemporaryServer, temporary_server
from tests.http_client import AsyncHttpClient

Serve = Callable[..., Awaitable[TemporaryServer]]


@pytest.fixture
def chat() -> Talkwire:
    return Talkwire(Settings())


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Returns a function that serves a `Talkwire` until the test ends. It creates the conversation `talk` of alice and
    bob."""
    async with AsyncExitStack() as servers:

        async def serve(chat: Talkwire, **settings: Any) -> TemporaryServer:  # noqa: ANN401 (settings)
            server = await servers.enter_async_context(temporary_server(chat, **settings))
            await chat.execute(CreateConversation("group", ("alice", "bob"), name="Talk", id="talk", owner_id="alice"))
            return server

        yield serve


async def request(server: TemporaryServer, method: str, path: str, **options: Any) -> httpx.Response:  # noqa: ANN401
    """Sends an HTTP request to a server. `options` are passed to httpx."""
    async with AsyncHttpClient(base_url=server.url) as http:
        return await http.request(method, path, **options)
