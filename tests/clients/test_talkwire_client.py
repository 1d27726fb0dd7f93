"""The package @talkwire/client against servers that are killed, networks that break and pages that are reloaded."""

from __future__ import annotations

import asyncio
import json
import signal
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.chat.chat_server import SECRET, ServerProcess, running_chat
from tests.http_client import HttpClient, http_get
from tests.protocol.server_process import reserved_port
from tests.repetition import repetitions

DEADLINE_S = 120
MESSAGES = 1_000


class DrivenClients:
    """talkwire_client.mjs: alice, whose client is tested, and bob."""

    def __init__(self, process: Process) -> None:
        self._process = process

    async def do(self, *order: object) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{json.dumps(order)}\n".encode())
        async with asyncio.timeout(DEADLINE_S):
            line = await self._process.stdout.readline()
        report: dict[str, Any] = json.loads(line or b'{"failed": "the program ended"}')
        assert "failed" not in report, report["failed"] + ": " + report.get("why", "")
        return report


@asynccontextmanager
async def driven(
    node_client: list[str], url: str, program: str = "talkwire_client.mjs"
) -> AsyncIterator[DrivenClients]:
    script = Path(node_client[1]).with_name(program)
    command = [node_client[0], str(script), url, SECRET]
    process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, limit=1 << 24)
    try:
        yield DrivenClients(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _kill(server: ServerProcess) -> None:
    server.process.send_signal(signal.SIGKILL)
    await asyncio.to_thread(server.wait_ended)


def _stored(server: ServerProcess, conversation: str) -> list[str]:
    """Returns the contents of all messages that the server has stored, in order."""
    contents: list[str] = []
    headers = {"authorization": f"Bearer {server.token('bob')}"}
    before = ""
    while True:
        url = f"{server.url}/api/v1/conversations/{conversation}/messages?limit=100{before}"
        page = http_get(url, headers=headers).json()
        contents[:0] = [message["content"] for message in page["items"]]
        if page["next"] is None:
            return contents
        before = f"&before={page['next']}"


async def test_a_thousand_messages_arrive_once_and_in_order(tmp_path: Path, node_client: list[str]) -> None:
    """Through three kills, two times without a network, a disconnection, two reloads and tokens that fail twice."""
    port = reserved_port()
    url = f"http://127.0.0.1:{port}"
    async with driven(node_client, url) as clients:
        with running_chat(tmp_path, port=port) as server:
            conversation = (await clients.do("begin"))["id"]
            await clients.do("send", 300)
            await clients.do("arrived", 40)
            await _kill(server)
        await clients.do("send", 100)
        await clients.do("reload")
        await clients.do("send", 50)
        with running_chat(tmp_path, port=port) as server:
            await clients.do("arrived", 200)
            await clients.do("cut")
            await clients.do("send", 100)
            await clients.do("join")
            await clients.do("arrived", 350)
            await _kill(server)
        with running_chat(tmp_path, port=port) as server:
            await clients.do("leave")
            await clients.do("send", 150)
            await clients.do("enter")
            await clients.do("arrived", 500)
            await clients.do("cut")
            await clients.do("reload")
            await clients.do("send", 300)
            await clients.do("join")
            await clients.do("arrived", 800)
            await _kill(server)
        with running_chat(tmp_path, port=port) as server:
            report = await clients.do("arrived", MESSAGES)
            shown = await clients.do("compare")
            expected = [f"message {number}" for number in range(MESSAGES)]
            assert _stored(server, conversation) == expected
            assert report["pending"] <= 1
            assert shown["contents"] == expected[-len(shown["contents"]) :]
            tokens = await clients.do("tokens")
            assert tokens["refused"] >= 2 * tokens["given"] >= 4


async def test_the_unread_total_counts_conversations_that_are_not_loaded(
    tmp_path: Path, node_client: list[str]
) -> None:
    with running_chat(tmp_path, {"TALKWIRE_RECOVERY_WINDOW_S": "5"}) as server:
        chat = RestChat(server)
        for number in range(130):
            chat.post("conversations", kind="group", id=f"c{number}", memberIds=["alice", "bob"], name=f"c{number}")
            chat.post("messages", conversationId=f"c{number}", content="hello", senderId="bob")
        async with driven(node_client, server.url) as clients:
            await clients.do("visit")
            assert (await clients.do("unread", 130))["loaded"] == [100, 100]
            await clients.do("read", "c129")
            await clients.do("unread", 129)
            chat.post("conversations/c0/read", user_id="alice")
            await clients.do("unread", 128)
            await clients.do("cut")
            for _ in range(3):
                chat.post("messages", conversationId="c1", content="hello @alice", senderId="bob")
            await clients.do("join")
            await clients.do("unread", 131)
            chat.send("PATCH", "conversations/c2/preferences", user_id="alice", muted=True)
            await clients.do("unread", 130)
            assert set((await clients.do("more"))["shown"]) <= {130}
            assert (await clients.do("unread", 130))["loaded"][0] == 130
            assert chat.send("GET", "users/me/unread", user_id="alice")["messages"] == 130


async def test_a_signal_arrives_at_other_devices_and_other_members(tmp_path: Path, node_client: list[str]) -> None:
    with running_chat(tmp_path) as server:
        async with driven(node_client, server.url) as clients:
            conversation = (await clients.do("begin"))["id"]
            await clients.do("visit")
            received = (await clients.do("signal"))["received"]
            signal = {"conversationId": conversation, "userId": "alice", "name": "cursor", "data": {"x": 1}}
            assert sorted(received, key=str) == sorted([["chat", signal]] * 2 + [["room", signal]] * 2, key=str)


class RestChat:
    """The chat's REST API, as the back end or as a user."""

    def __init__(self, server: ServerProcess) -> None:
        self._server = server

    def access(self, user_id: str) -> tuple[str, str]:
        """Returns the server's address and a token for a user."""
        return self._server.url, self._server.token(user_id)

    def post(self, path: str, user_id: str | None = None, **body: object) -> None:
        self.send("POST", path, user_id, **body)

    def send(self, method: str, path: str, user_id: str | None = None, **body: object) -> dict[str, Any]:
        token = self._server.token("backend", role="service") if user_id is None else self._server.token(user_id)
        headers = {"authorization": f"Bearer {token}"}
        url = f"{self._server.url}/api/v1/{path}"
        with HttpClient() as client:
            response = client.request(method, url, headers=headers, json=body or None).raise_for_status()
        found: dict[str, Any] = response.json() if response.content else {}
        return found


@pytest.mark.parametrize("seed", range(repetitions(8)))
async def test_after_every_gap_a_client_shows_what_a_fresh_one_loads(
    tmp_path: Path, node_client: list[str], seed: int
) -> None:
    with running_chat(tmp_path, {"TALKWIRE_RECOVERY_WINDOW_S": "5"}) as server:
        async with driven(node_client, server.url) as clients:
            await clients.do("begin")
            gaps = await clients.do("explore", seed, 6)
            assert gaps["caughtUp"] > 0
            assert gaps["reloaded"] > 0
