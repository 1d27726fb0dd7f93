"""The back end of docs/moderation.md, an Express application on Node, asked by a server process."""

from __future__ import annotations

import asyncio
import os
import shutil
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from talkwire.testing.client import connected
from tests.callbacks.conftest import SECRET
from tests.chat.chat_server import running_chat
from tests.http_client import AsyncHttpClient
from tests.protocol.server_process import reserved_port
from tests.waiting import deadline

REPOSITORY = Path(__file__).parents[2]
EXAMPLE = REPOSITORY / "examples" / "callbacks" / "express.mjs"
LIBRARIES = REPOSITORY / "tests" / "clients" / "node_modules"

_SETTINGS = """\
webhook_allow = ["127.0.0.0/8"]

[callbacks]
"connect" = "http://127.0.0.1:{port}/chat/connect"
"message:send" = "http://127.0.0.1:{port}/chat/before-send"
timeout_s = 10.0
on_failure = "refuse"
secret = "{secret}"
"""


@asynccontextmanager
async def _express(folder: Path, port: int) -> AsyncIterator[None]:
    if not (LIBRARIES / "express").is_dir():
        pytest.fail("the clients' packages are not installed: run make install")
    shutil.copy(EXAMPLE, folder)
    (folder / "node_modules").symlink_to(LIBRARIES)
    environment = {**os.environ, "CALLBACK_SECRET": SECRET, "PORT": str(port)}
    process = await asyncio.create_subprocess_exec("node", str(folder / EXAMPLE.name), stdout=PIPE, env=environment)
    try:
        assert process.stdout is not None
        async with deadline():
            assert await process.stdout.readline() == b"listening on port %d\n" % port
        yield
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def test_the_page_shows_the_example_as_it_is() -> None:
    page = (REPOSITORY / "docs" / "moderation.md").read_text(encoding="utf-8")
    assert f"```js\n{EXAMPLE.read_text(encoding='utf-8')}```" in page


async def test_an_express_application_signs_in_and_moderates(tmp_path: Path) -> None:
    back_end, port = tmp_path / "back_end", reserved_port()
    back_end.mkdir()
    (tmp_path / "talkwire.toml").write_text(_SETTINGS.format(port=port, secret=SECRET))
    with running_chat(tmp_path) as server:
        async with _express(back_end, port), connected(server.url, {"token": "session-of-ada"}) as ada:
            created = await ada.call("conversation:create", {"kind": "group", "memberIds": [], "name": "Talk"})
            talk = created["conversation"]["id"]
            sent = await ada.call("message:send", {"conversationId": talk, "content": "Damn good"})
            assert sent["message"]["content"] == "**** good"
            refused = await ada.call("message:send", {"conversationId": talk, "content": "Buy now!"})
            assert refused["error"] == {"code": "forbidden", "message": "Advertising is not allowed here."}
            async with AsyncHttpClient(base_url=server.url) as http:
                me = await http.get("/api/v1/users/me", headers={"Authorization": "Bearer session-of-ada"})
                assert (me.json()["id"], me.json()["name"]) == ("ada", "Ada")
                unknown = await http.get("/api/v1/users/me", headers={"Authorization": "Bearer unknown"})
                assert unknown.json()["error"] == {"code": "unauthenticated", "message": "Sign in again."}
                forged = {"webhook-id": "m", "webhook-timestamp": "1", "webhook-signature": "v1,abc"}
                url = f"http://127.0.0.1:{port}/chat/connect"
                assert (await http.post(url, json={}, headers=forged)).status_code == 401
            assert (await ada.call("message:send", {"conversationId": talk, "content": "Hello"}))["success"]
        # Without its back end, the server still knows whose token that was, and refuses the message.
        async with AsyncHttpClient(base_url=server.url) as http:
            kept = {"Authorization": "Bearer session-of-ada"}
            down = await http.post("/api/v1/messages", json={"conversationId": talk, "content": "Hi"}, headers=kept)
            assert (down.status_code, down.json()["error"]["code"]) == (503, "unavailable")
