"""Fixtures: one server for all tests of a process, and users for each test."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx
import pytest

from talkwire.core.domain.model import User
from talkwire.dialects.dialect import Dialect
from talkwire.dialects.messenger import MESSENGER
from tests.chat.chat_client import ChatClient, open_client
from tests.chat.chat_server import ChatAddress, ServerProcess, running_chat
from tests.chat.description import described_routes
from tests.http_client import AsyncHttpClient
from tests.waiting import DEADLINE_S, deadline

DESCRIBED_WITHIN_S = 120.0


@pytest.fixture(scope="session")
def chat_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with running_chat(tmp_path_factory.mktemp("chat")) as server:
        yield server
        assert server.logged_errors() == []


class World:
    """The users and conversations of one test, with ids that no other test uses."""

    def __init__(self, server: ChatAddress, http: httpx.AsyncClient, resources: AsyncExitStack) -> None:
        self.server = server
        self.http = http
        self._resources = resources
        self._suffix = uuid.uuid4().hex[:8]
        self._numbers = itertools.count(1)
        self._clients: list[ChatClient] = []

    def id_of(self, name: str) -> str:
        return f"{name}-{self._suffix}"

    def take_ids_of(self, other: World) -> None:
        """Uses the same user ids as another world, whose data this server has."""
        self._suffix = other._suffix

    # --- sockets ----------------------------------------------------------------------------------------------------

    async def open(
        self,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        dialect: Dialect = MESSENGER,
        namespace: str | None = None,
    ) -> ChatClient:
        client = await open_client(self.server.websocket_url, query, headers, dialect, namespace)
        self.keep(client)
        return client

    def keep(self, client: ChatClient) -> None:
        """Closes a client at the end of the test, and checks the events that it received against their description."""
        self._clients.append(client)
        self._resources.push_async_callback(client.close)

    async def connect(self, name: str, ttl_s: float = 600, dialect: Dialect = MESSENGER) -> ChatClient:
        """Connects a socket as this user, and waits for the welcome event if the dialect has one."""
        client = await self.open(dialect=dialect)
        await client.sign_in({"token": self.server.token(self.id_of(name), ttl_s=ttl_s)})
        if dialect.welcome(User(name, name, 0), "", "") is not None:
            await client.next("connected")
        return client

    # --- REST -------------------------------------------------------------------------------------------------------

    async def request(
        self,
        method: str,
        path: str,
        *,
        by: str | None = None,
        role: str | None = None,
        **options: Any,  # noqa: ANN401
    ) -> httpx.Response:
        """Sends a request, and checks the response against `/openapi.json`. `options` are passed to httpx."""
        headers = dict(options.pop("headers", {}))
        if by is not None:
            headers["authorization"] = f"Bearer {self.server.token(self.id_of(by), role=role)}"
        async with deadline():
            answer = await self.http.request(method, path, headers=headers, **options)
        if isinstance(self.server, ServerProcess):
            if self.server.routes is None:
                # The server makes it when it is asked for first, which takes long on a busy machine.
                described = await self.http.get("/openapi.json", timeout=DESCRIBED_WITHIN_S)
                self.server.routes = described_routes(described.content)
            self.server.routes.check(answer)
        return answer

    def check_events(self) -> None:
        """Fails if a socket received an event that does not match `/asyncapi.json`."""
        assert [problem for client in self._clients for problem in client.undescribed] == []

    async def service(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 (JSON)
        """Sends a request as the application's backend, which must succeed, and returns its JSON."""
        answer = await self.request(method, path, by="backend", role="service", json=body)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    async def conversation(self, *names: str, kind: str = "group") -> str:
        """Creates a conversation of these users, and returns its id. The first user owns a group."""
        body: dict[str, object] = {"kind": kind, "memberIds": [self.id_of(name) for name in names]}
        if kind == "group":
            body["id"] = self.id_of(f"talk{next(self._numbers)}")
            body["ownerId"] = self.id_of(names[0])
        created = await self.service("POST", "/api/v1/conversations", body)
        return str(created["id"])


@asynccontextmanager
async def world_at(server: ChatAddress) -> AsyncIterator[World]:
    """Returns users on any server, and closes all their connections afterwards."""
    async with (
        AsyncHttpClient(base_url=server.url, timeout=DEADLINE_S) as http,
        AsyncExitStack() as resources,
    ):
        world = World(server, http, resources)
        yield world
        world.check_events()


@pytest.fixture
async def world(chat_server: ServerProcess) -> AsyncIterator[World]:
    async with world_at(chat_server) as world:
        yield world
