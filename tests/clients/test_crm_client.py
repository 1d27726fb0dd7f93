"""The official client in the crm dialect, with its token in each of the places where it can be."""

from __future__ import annotations

import asyncio
import json
from asyncio.subprocess import PIPE
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chat.chat_server import ServerProcess, running_chat
from tests.http_client import HttpClient
from tests.waiting import deadline

SCRIPT = Path(__file__).with_name("crm_client.mjs")
USER_ID, CHAT_ID = 123, 1


@pytest.fixture(scope="module")
def crm_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with running_chat(tmp_path_factory.mktemp("crm")) as server:
        headers = {"authorization": f"Bearer {server.token('backend', role='service')}"}
        body = {"id": str(CHAT_ID), "kind": "group", "memberIds": [str(USER_ID)]}
        with HttpClient(base_url=server.url, headers=headers) as http:
            http.post("/api/v1/conversations", json=body).raise_for_status()
        yield server
        assert server.logged_errors() == []


@pytest.mark.parametrize("transports", ["polling", "websocket", "polling,websocket"])
@pytest.mark.parametrize("way", ["auth", "header", "query"])
async def test_the_official_client_gives_its_token_in_each_way(
    crm_server: ServerProcess, node_client: list[str], way: str, transports: str
) -> None:
    arguments = (crm_server.url, way, transports, crm_server.token(str(USER_ID)), str(CHAT_ID))
    process = await asyncio.create_subprocess_exec(node_client[0], str(SCRIPT), *arguments, stdout=PIPE)
    try:
        async with deadline():
            output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    received = [json.loads(line) for line in output.splitlines()]
    identity, joined, sent = (each["answer"] for each in received if "answer" in each)
    assert (identity["success"], identity["userId"]) == (True, USER_ID)
    assert joined == {"success": True, "message": f"Joined chat {CHAT_ID}"}
    assert (sent["data"]["message"], sent["data"]["chatId"]) == ("Hello!", CHAT_ID)
    assert [each["news"]["message"] for each in received if "news" in each] == [sent["data"]]
