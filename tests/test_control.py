from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any, get_args

import httpx
import msgspec
import pytest

from talkwire.cli.delivery import WebhookRequests
from talkwire.control import (
    COMMAND_RESULTS,
    CONTROL_PATH,
    SNAPSHOT_PATH,
    CheckToken,
    ControlEndpoint,
    OperatorCommand,
    operator_for,
    with_control,
)
from talkwire.core.commands.accounts import BanUser, ListUsers, RegisterAccount
from talkwire.core.commands.command import Command, Page
from talkwire.core.commands.conversations import CreateConversation
from talkwire.core.commands.messages import SendMessage
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.model import User
from talkwire.settings import Settings
from talkwire.storage.engine import sqlite_url
from talkwire.storage.transfer.sqlite_file import copy_file
from talkwire.store import opened_chat

TOKEN = "the-token-of-the-lock"


async def not_found(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 (ASGI)
    await send({"type": "http.response.start", "status": 404, "headers": []})
    await send({"type": "http.response.body", "body": b"the rest"})


async def role_of(token: str) -> str:
    if token != "a service's":
        raise ChatError("unauthenticated", "The token's signature is wrong.")
    return "service"


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with opened_chat(sqlite_url(tmp_path / "talkwire.db")) as chat:
        copy_database = partial(copy_file, tmp_path / "talkwire.db", tmp_path)
        app = with_control(ControlEndpoint(chat, WebhookRequests(Settings()), role_of, TOKEN, copy_database), not_found)
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app),
            base_url="http://127.0.0.1:3000",
            headers={"authorization": f"Bearer {TOKEN}"},
        ) as client:
            yield client


async def post(client: httpx.AsyncClient, command: Command[Any]) -> httpx.Response:
    return await client.post(CONTROL_PATH, content=msgspec.json.encode(command))


def code_of(response: httpx.Response) -> object:
    return response.json()["error"]["code"]


def test_the_result_of_every_command_is_known() -> None:
    assert set(COMMAND_RESULTS) == set(get_args(OperatorCommand))


async def test_a_command_is_answered_with_its_result(client: httpx.AsyncClient) -> None:
    response = await post(client, RegisterAccount("alice@example.com", "Alice", "hash", "alice"))
    assert response.status_code == 200
    assert msgspec.json.decode(response.content, type=User).email == "alice@example.com"
    users = msgspec.json.decode((await post(client, ListUsers())).content, type=Page[User])
    assert [user.id for user in users.items] == ["alice"]


async def test_an_operator_gives_conversations_ids_and_names_users_that_are_not_there_yet(
    client: httpx.AsyncClient,
) -> None:
    response = await post(client, CreateConversation("group", ("alice", "bob"), id="talk-1"))
    assert response.status_code == 200
    assert response.json()["conversation"]["id"] == "talk-1"
    assert response.json()["conversation"]["owner_id"] is None


async def test_a_refusal_has_the_form_of_all_refusals(client: httpx.AsyncClient) -> None:
    response = await post(client, BanUser("nobody"))
    assert response.json() == {"error": {"code": "not_found", "message": "No such user."}}
    response = await post(client, CreateConversation("direct", ("alice",)))
    assert response.status_code == 422
    assert response.json()["error"]["details"] == [
        {"path": "memberIds", "message": "a direct conversation has exactly two members"}
    ]


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": ""},
        {"authorization": "Bearer another"},
        {"authorization": TOKEN},
        {"authorization": f"Bearer {TOKEN}", "x-forwarded-for": "203.0.113.7"},
        {"authorization": f"Bearer {TOKEN}", "forwarded": "for=203.0.113.7"},
    ],
    ids=["none", "wrong", "not bearer", "through a proxy", "through a standard proxy"],
)
async def test_without_the_token_or_through_a_proxy_nothing_is_done(
    client: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    response = await client.post(CONTROL_PATH, content=msgspec.json.encode(ListUsers()), headers=headers)
    assert response.status_code == 401
    assert code_of(response) == "unauthenticated"


async def test_other_methods_are_refused(client: httpx.AsyncClient) -> None:
    assert (await client.get(CONTROL_PATH)).status_code == 401


@pytest.mark.parametrize(
    "body",
    [
        msgspec.json.encode(SendMessage("talk-1", "Hello!")),
        b'{"command": "ListUsers", "surprise": 1}',
        b'{"command": "ListUsers", "limit": "all"}',
        b"[" * 100_000,
        b"\xff",
        b"",
    ],
    ids=["not an operator's", "unknown field", "wrong type", "nested", "not text", "empty"],
)
async def test_only_the_command_lines_commands_are_taken(client: httpx.AsyncClient, body: bytes) -> None:
    response = await client.post(CONTROL_PATH, content=body)
    assert response.status_code == 422
    assert code_of(response) == "invalid_request"


async def test_an_endless_body_is_refused(client: httpx.AsyncClient) -> None:
    response = await client.post(CONTROL_PATH, content=b" " * (5 * 1024 * 1024))
    assert code_of(response) == "payload_too_large"


async def test_every_other_path_is_the_applications(client: httpx.AsyncClient) -> None:
    assert (await client.post(CONTROL_PATH + "/more")).text == "the rest"


async def test_a_snapshot_is_a_copy_of_the_database(client: httpx.AsyncClient) -> None:
    await post(client, RegisterAccount("alice@example.com", "Alice", "hash", "alice"))
    response = await client.post(SNAPSHOT_PATH)
    assert response.status_code == 200
    await post(client, RegisterAccount("bob@example.com", "Bob", "hash", "bob"))
    async with opened_chat(sqlite_url(Path(response.json()["path"]))) as copy:
        command = ListUsers()
        users = await copy.execute(operator_for(command), command)
    assert [user.id for user in users.items] == ["alice"]


async def test_a_snapshot_takes_the_token(client: httpx.AsyncClient, tmp_path: Path) -> None:
    response = await client.post(SNAPSHOT_PATH, headers={"authorization": "Bearer another"})
    assert (response.status_code, code_of(response)) == (401, "unauthenticated")
    assert not await asyncio.to_thread(lambda: list(tmp_path.glob("snapshot-*")))


async def test_a_failed_snapshot_is_reported(client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "touch", full)
    response = await client.post(SNAPSHOT_PATH)
    assert response.status_code == 503
    assert response.json()["error"]["message"] == "The database could not be copied: No space left on device"


async def test_a_token_is_verified(client: httpx.AsyncClient) -> None:
    assert (await post(client, CheckToken("a service's"))).json() == "service"
    refused = await post(client, CheckToken("another"))
    assert (refused.status_code, code_of(refused)) == (401, "unauthenticated")
