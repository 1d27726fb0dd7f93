"""What only nginx does: its time-out, which heartbeats keep from coming, and its locations."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidStatus

from talkwire.settings import Settings
from tests.chat.chat_server import running_chat
from tests.deployment.conftest import needs_nginx
from tests.deployment.proxies import DOCS, running_nginx
from tests.deployment.test_behind_a_proxy import NodeScript
from tests.deployment.visitors import HANDSHAKE, script, socket, visitor
from tests.waiting import deadline

pytestmark = needs_nginx

READ_TIMEOUT_S = 60
AT_A_SPEED_FOR_TESTS = {f"proxy_read_timeout {READ_TIMEOUT_S}s;": "proxy_read_timeout 2s;"}


def test_the_time_out_is_longer_than_a_heartbeat_may_take() -> None:
    assert f"proxy_read_timeout {READ_TIMEOUT_S}s;" in (DOCS / "nginx.conf").read_text(encoding="utf-8")
    assert Settings().ping_interval_s + Settings().ping_timeout_s < READ_TIMEOUT_S


async def test_heartbeats_keep_a_connection_for_longer_than_the_time_out(tmp_path: Path) -> None:
    with (
        running_chat(tmp_path, {"TALKWIRE_PING_INTERVAL_S": "0.8"}) as server,
        running_nginx(tmp_path, server.url, AT_A_SPEED_FOR_TESTS) as proxy,
    ):
        async with socket(proxy) as connection, deadline():
            await connection.send("40" + json.dumps({"token": server.token("alice")}))
            for _ in range(6):  # each after 0.8 seconds of silence
                while await connection.recv() != "2":
                    pass
                await connection.send("3")


async def test_without_heartbeats_the_timeout_ends_the_connection(tmp_path: Path) -> None:
    with (
        running_chat(tmp_path, {"TALKWIRE_PING_INTERVAL_S": "3000"}) as server,
        running_nginx(tmp_path, server.url, AT_A_SPEED_FOR_TESTS) as proxy,
    ):
        async with socket(proxy) as connection, deadline():
            await connection.send("40" + json.dumps({"token": server.token("alice")}))
            assert (await _until_closed(connection)).rcvd is None, "cut off, not closed"


async def _until_closed(connection: ClientConnection) -> ConnectionClosed:
    """How it ended."""
    try:
        while True:
            await connection.recv()
    except ConnectionClosed as end:
        return end


async def test_a_namespace_is_no_path(tmp_path: Path, node_script: NodeScript) -> None:
    """Clients request `/socket.io/` for every namespace, so a `location /chat` is never used."""
    with running_chat(tmp_path) as server, running_nginx(tmp_path, server.url) as proxy:
        arguments = (proxy.url, "/chat", server.token("alice"))
        async with script(proxy, node_script("namespace_client.mjs"), *arguments) as client:
            assert await client.says("connected") == {"namespace": "/chat"}
            assert await client.says("upgraded") == {"transport": "websocket"}
    assert proxy.requests is not None
    assert set(proxy.requests.read_text(encoding="utf-8").split()) == {"/socket.io/"}


async def test_without_the_upgrade_headers_clients_stay_with_polling(tmp_path: Path) -> None:
    """As with a configuration that has them at `/chat` only: nothing fails, and nothing is as fast as it could be."""
    at_chat_only = {
        "proxy_set_header Upgrade           $http_upgrade;": "",
        "proxy_set_header Connection        $connection_upgrade;": 'proxy_set_header Connection "";',
    }
    with running_chat(tmp_path) as server, running_nginx(tmp_path, server.url, at_chat_only) as proxy:
        async with visitor(proxy) as client:
            assert (await client.get(f"{HANDSHAKE}polling")).status_code == 200
        with pytest.raises(InvalidStatus) as refusal:
            async with socket(proxy):
                pass
    assert refusal.value.response.status_code == 400
