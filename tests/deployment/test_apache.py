"""What only Apache httpd does: its time-out, which heartbeats keep from coming, and the way of older versions."""

from __future__ import annotations

import json
import re
from pathlib import Path

from talkwire.settings import Settings
from tests.chat.chat_server import running_chat
from tests.deployment.conftest import needs_apache
from tests.deployment.proxies import DOCS, running_apache
from tests.deployment.visitors import socket
from tests.waiting import deadline

pytestmark = needs_apache

TIMEOUT = "ProxyTimeout 60"


def test_the_time_out_is_longer_than_a_heartbeat_may_take() -> None:
    assert TIMEOUT in (DOCS / "apache.conf").read_text(encoding="utf-8")
    assert Settings().ping_interval_s + Settings().ping_timeout_s < int(TIMEOUT.removeprefix("ProxyTimeout "))


async def test_heartbeats_keep_a_connection_for_longer_than_the_time_out(tmp_path: Path) -> None:
    with (
        running_chat(tmp_path, {"TALKWIRE_PING_INTERVAL_S": "0.8"}) as server,
        running_apache(tmp_path, server.url, {TIMEOUT: "ProxyTimeout 2"}) as proxy,
    ):
        async with socket(proxy) as connection, deadline():
            await connection.send("40" + json.dumps({"token": server.token("alice")}))
            for _ in range(6):  # each after 0.8 seconds of silence
                while await connection.recv() != "2":
                    pass
                await connection.send("3")


async def test_the_way_of_older_versions_passes_websockets_on(tmp_path: Path) -> None:
    page = (DOCS / "apache.md").read_text(encoding="utf-8")
    found = re.search(r"```apache\n( *RewriteEngine On.*?)```", page, re.DOTALL)
    assert found is not None
    with running_chat(tmp_path) as server:
        older = found.group(1).replace("ws://127.0.0.1:3000", server.url.replace("http", "ws", 1))
        passed_on = f"ProxyPass / {server.url}/"
        changes = {f"ProxyPass / {server.url}/ upgrade=websocket": f"{older}{passed_on}"}
        with running_apache(tmp_path, server.url, changes) as proxy:
            async with socket(proxy) as connection, deadline():
                await connection.send("40" + json.dumps({"token": server.token("alice")}))
                while not str(packet := await connection.recv()).startswith("40{"):
                    assert packet == "2"
