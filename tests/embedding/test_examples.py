"""The example shops in `examples/embedding/`: one program in three frameworks, each started as a user would start
it."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest
from websockets.asyncio.client import connect

from talkwire.identity.issuer import TokenIssuer
from tests.http_client import AsyncHttpClient
from tests.protocol.server_process import reserved_port
from tests.python_socketio import python_client
from tests.waiting import DEADLINE_S, deadline, until_asked

EXAMPLES = Path(__file__).parents[2] / "examples" / "embedding"
SECRET = "a secret for tests, of more than 32 characters"


class Shop(NamedTuple):
    framework: str
    url: str
    process: subprocess.Popen[str]

    @property
    def prefix(self) -> str:
        return "/chat" if self.framework == "fastapi" else ""

    def headers(self, user_id: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {_token(user_id)}"}


def _token(user_id: str) -> str:
    return TokenIssuer(SECRET).issue(user_id, ttl_s=600)


@pytest.fixture(params=["litestar", "fastapi", "django"])
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shop]:
    port = reserved_port()
    process = subprocess.Popen(
        [sys.executable, str(EXAMPLES / f"{request.param}_shop.py"), str(port)],
        cwd=tmp_path,
        env={**os.environ, "JWT_SECRET": SECRET, "TALKWIRE_DATA": str(tmp_path / "data")},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield Shop(request.param, f"http://127.0.0.1:{port}", process)
    finally:
        process.kill()
        process.communicate()


async def _until_ready(shop: Shop, http: httpx.AsyncClient) -> None:
    async def responds() -> bool:
        assert shop.process.poll() is None, shop.process.communicate()
        try:
            await http.get("/")
        except httpx.TransportError:
            return False
        return True

    await until_asked(responds)


async def _has_sent(http: httpx.AsyncClient, messages: int) -> bool:
    """Returns whether the shop has counted so many messages, which it does shortly after they were sent."""
    return bool((await http.get("/messages-sent")).json() == messages)


async def test_a_shop_and_its_chat_share_a_port(shop: Shop) -> None:
    async with AsyncHttpClient(base_url=shop.url) as http, python_client() as alice:
        await _until_ready(shop, http)
        page = await http.get("/")
        assert (page.status_code, shop.framework in page.text.lower()) == (200, True)
        assert (await http.get("/orders/7")).json() == {"id": "7", "status": "paid"}
        assert (await http.get("/nowhere")).status_code == 404

        shipped: asyncio.Queue[object] = asyncio.Queue()
        messages: asyncio.Queue[dict[str, object]] = asyncio.Queue()
        alice.on("order:shipped", shipped.put)
        alice.on("message:new", messages.put)
        await alice.connect(shop.url, auth={"token": _token("alice")}, wait_timeout=DEADLINE_S)

        assert await alice.call("order:track", {"id": 7}) == {"status": "paid"}
        assert (await alice.call("order:track", {"id": 8}))["error"]["code"] == "not_found"
        assert (await http.post("/orders/7/ship")).json() == {"sockets": 1}
        async with deadline():
            assert await shipped.get() == {"id": "7"}
            assert (await messages.get())["content"] == "Order 7 is on its way!"
        assert await alice.call("order:track", {"id": 7}) == {"status": "shipped"}

        sent = await http.post(
            f"{shop.prefix}/api/v1/messages",
            json={"conversationId": "lobby", "content": "damn"},
            headers=shop.headers("bob"),
        )
        assert sent.json()["content"] == "****"
        refused = await alice.call("message:send", {"conversationId": "lobby", "content": "buy elsewhere"})
        assert refused["error"]["code"] == "forbidden"
        async with deadline():
            assert (await messages.get())["content"] == "****"
        await until_asked(lambda: _has_sent(http, 2))

        docs = await http.get(f"{shop.prefix}/docs", follow_redirects=True)
        assert "Talkwire" in docs.text
        if shop.prefix:
            assert "FastAPI" in (await http.get("/docs")).text
    if shop.framework != "django":
        async with connect(f"{shop.url.replace('http', 'ws')}/prices", proxy=None) as websocket:
            await websocket.send("tea")
            async with deadline():
                assert await websocket.recv() == "tea: 3.50"
    shop.process.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(shop.process.wait, DEADLINE_S) == 0
