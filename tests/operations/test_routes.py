"""The routes that are made from rows of operations."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import httpx
from litestar import Litestar
from litestar.di import Provide

from talkwire.api.operation_routes import routes_of
from talkwire.core.commands.command import Query
from talkwire.core.engine.limited_chat import LimitedChat
from talkwire.identity.callers import Caller
from talkwire.operations.operation import Operation
from talkwire.operations.shapes import InputMember


class FindThings(Query[None], frozen=True, tag="TestFindThings"):
    text: str = ""
    owner_id: str | None = None
    before_ms: int | None = None


async def asked(address: str) -> list[object]:
    """Returns the commands that a GET request executes."""
    row = Operation(FindThings, route="GET /things", summary="Find things", members={"text": InputMember("query")})
    commands: list[object] = []

    async def execute(_actor: object, command: object, _key: object) -> None:
        commands.append(command)

    chat: Any = SimpleNamespace(execute=execute, policy=None)
    nobody: Any = None
    given = {
        "caller": Provide(lambda: Caller(nobody, nobody, nobody, None), sync_to_thread=False),
        "chat": Provide(lambda: LimitedChat(chat, None, time.monotonic), sync_to_thread=False),
    }
    application: Any = Litestar(routes_of([row]), dependencies=given, openapi_config=None)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url="http://localhost") as http:
        response = await http.get(address)
    assert response.status_code == 204
    return commands


async def test_a_query_gives_the_fields_of_the_command_by_the_names_that_clients_use() -> None:
    address = "/api/v1/things?query=x&ownerId=ann&before=1970-01-01T00:00:01Z"
    assert await asked(address) == [FindThings("x", "ann", 1000)]
    assert await asked("/api/v1/things") == [FindThings()]
