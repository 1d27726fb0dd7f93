"""Servers and clients for the tests of the Python client."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from talkwire_client import Talkwire, Token
from tests.chat.chat_server import ChatAddress, ServerProcess
from tests.chat.conftest import chat_server, world
from tests.waiting import DEADLINE_S

__all__ = ["chat_server", "clients", "world"]

# Servers in these tests use plain HTTP, and loading the system's certificates takes longer than most tests.
_NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

MAX_PAUSE_S = 0.3


def client_of(server: ChatAddress, token: Token, *, patience_s: float = DEADLINE_S) -> Talkwire:
    """Returns a client that has not signed in."""
    return Talkwire(server.url, token=token, tls=_NO_TLS, max_pause_s=MAX_PAUSE_S, patience_s=patience_s)


class Clients:
    """Clients of a server, which are closed at the end of the test."""

    def __init__(self, server: ChatAddress, stack: AsyncExitStack) -> None:
        self.server = server
        self._stack = stack

    def made(self, token: Token, *, patience_s: float = DEADLINE_S) -> Talkwire:
        """Returns a client that has not signed in."""
        return client_of(self.server, token, patience_s=patience_s)

    async def user(self, user_id: str) -> Talkwire:
        return await self._stack.enter_async_context(self.made(self.server.token(user_id)))

    async def service(self) -> Talkwire:
        return await self._stack.enter_async_context(self.made(self.server.token("backend", role="service")))


@pytest.fixture
async def clients(chat_server: ServerProcess) -> AsyncIterator[Clients]:
    async with AsyncExitStack() as stack:
        yield Clients(chat_server, stack)
