"""The official client as a page of Socket.IO's Admin UI uses it, against a server as a process."""

from __future__ import annotations

import asyncio
import json
from asyncio.subprocess import PIPE
from pathlib import Path

from tests.admin_ui_page import ACCOUNT, PASSWORD
from tests.chat.chat_server import running_chat
from tests.waiting import deadline


async def test_the_official_client_signs_in_and_follows_a_socket(node_client: list[str], tmp_path: Path) -> None:
    with running_chat(tmp_path, {"TALKWIRE_SOCKETIO_ADMIN": ACCOUNT}) as server:
        script = str(Path(node_client[1]).with_name("admin_ui_client.mjs"))
        arguments = [server.url, "admin", PASSWORD, server.token("alice")]
        process = await asyncio.create_subprocess_exec(node_client[0], script, *arguments, stdout=PIPE)
        async with deadline():
            output, _ = await process.communicate()
        seen = json.loads(output)
        assert seen.pop("namespaces").count("/admin") == 1
        assert seen == {
            "refused": "invalid credentials",
            "features": ["AGGREGATED_EVENTS", "ALL_EVENTS"],
            "seesItself": True,
            "came": {"userId": "alice", "role": "user", "dialect": "messenger", "transport": "websocket"},
            "received": ["no such event"],
            "sent": ["error"],
            "gone": "client namespace disconnect",
        }
        assert server.logged_errors() == []
        assert "secret" not in "".join(map(str, server.logged()))
