"""Endpoints of the worst kinds do not slow the chat down, whether they are webhooks, push services or callbacks."""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.chat.chat_server import ServerProcess, running_chat
from tests.http_client import AsyncHttpClient
from tests.push.push_service import Browser, PushService
from tests.waiting import pause

PAIRS = 5
SENDS = 1000
PER_SECOND = 100
PUSH_DEVICES = 4
"""Devices of each kind."""

WEBHOOKS_SECRET = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="


class Endpoints:
    """The process with the endpoints, which gets less of the processors than the server and the test."""

    def __init__(self, process: asyncio.subprocess.Process, ports: list[int]) -> None:
        self._process = process
        self.urls = [f"http://127.0.0.1:{port}" for port in ports]

    def become(self, mood: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{mood}\n".encode())


@asynccontextmanager
async def endpoints() -> AsyncIterator[Endpoints]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "rigs.hostile.endpoints", str(PUSH_DEVICES)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        preexec_fn=lambda: os.nice(15),
    )
    assert process.stdout is not None
    try:
        yield Endpoints(process, json.loads(await process.stdout.readline()))
    finally:
        process.kill()
        await process.wait()


class Chat:
    """REST requests to the server."""

    def __init__(self, server: ServerProcess, http: AsyncHttpClient) -> None:
        self._server = server
        self._http = http

    async def __call__(self, method: str, path: str, by: str, body: object = None) -> Any:  # noqa: ANN401 (JSON)
        token = self._server.token(by, role="service" if by == "backend" else None)
        headers = {"authorization": f"Bearer {token}"}
        answer = await self._http.request(method, f"{self._server.url}/api/v1/{path}", json=body, headers=headers)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    async def send(self, conversation_id: str, by: str) -> str:
        message = await self("POST", "messages", by, {"conversationId": conversation_id, "content": "hello"})
        return str(message["id"])

    async def attract(self) -> None:
        """Makes the server send requests to all endpoints, as long as it is not cancelled."""
        while True:
            message_id = await self.send("pair", "bob")
            await self("PATCH", f"messages/{message_id}", "bob", {"content": "edited"})
            await pause(0.5)

    async def slow_sends_ms(self) -> float:
        """Returns the 99th percentile of the times that messages took, in milliseconds."""
        took: list[float] = []
        for _ in range(SENDS):
            began = time.perf_counter()
            await self.send("team", "alice")
            took.append(time.perf_counter() - began)
            await pause(max(0.0, 1 / PER_SECOND - took[-1]))
        return 1000 * statistics.quantiles(took, n=100)[98]


async def test_the_slowest_sends_are_not_slower(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The median of the ratios; each is of two measurements that follow each other."""
    async with endpoints() as remote, AsyncHttpClient() as http:
        environment = {
            "TALKWIRE_WEBHOOK_ALLOW": "127.0.0.1",
            "TALKWIRE_PUSH_ALLOW": "127.0.0.1",
            "TALKWIRE_CALLBACKS": f"message:edit={remote.urls[-1]}",
            "TALKWIRE_CALLBACK_SECRET": WEBHOOKS_SECRET,
            "TALKWIRE_CALLBACK_ON_FAILURE": "allow",
            "TALKWIRE_RATE_LIMITS": "false",
        }
        with running_chat(tmp_path, environment) as server:
            chat = Chat(server, http)
            for user in ("alice", "bob", "mallory"):
                await chat("GET", "users/me", user)
            for id_, kind, members in (("team", "group", ["alice"]), ("pair", "direct", ["bob", "mallory"])):
                await chat("POST", "conversations", "backend", {"id": id_, "kind": kind, "memberIds": members})
            for number, url in enumerate(remote.urls):
                browser = Browser(cast("PushService", SimpleNamespace(url=url)))
                device = browser.subscription | {"deviceId": f"device-{number}"}
                await chat("PUT", "users/me/push", "mallory", device)
            for url in remote.urls[::PUSH_DEVICES]:
                await chat("POST", "webhooks", "backend", {"url": url, "conversationIds": ["pair"]})
            attracting = asyncio.create_task(chat.attract())
            ratios = []
            for _ in range(PAIRS):
                times = {}
                for mood in ("good", "bad"):
                    remote.become(mood)
                    times[mood] = await chat.slow_sends_ms()
                ratios.append(times["bad"] / times["good"])
            attracting.cancel()
    with capsys.disabled():
        sys.stdout.write(f"\n99th percentile beside the worst endpoints, to well-behaved ones: {sorted(ratios)}\n")
    assert statistics.median(ratios) < 1.1
