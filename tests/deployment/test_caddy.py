"""What only Caddy does: by default, a new configuration makes it close WebSockets."""

from __future__ import annotations

import asyncio
from pathlib import Path

from websockets.exceptions import ConnectionClosed

from tests.chat.chat_server import ServerProcess
from tests.deployment.proxies import running_caddy
from tests.deployment.visitors import socket
from tests.waiting import deadline


async def test_without_a_delay_another_configuration_ends_open_sockets(
    chat_server: ServerProcess, tmp_path: Path
) -> None:
    """Shows that the setting is needed: without it, test_another_configuration_leaves_open_sockets_alone would prove
    nothing.
    """
    at_once = {"stream_close_delay 10m": "stream_close_delay 0"}
    with running_caddy(tmp_path, chat_server.url, at_once) as proxy:
        async with socket(proxy) as connection:
            await asyncio.to_thread(proxy.reload)
            async with deadline():
                ended = False
                while not ended:
                    try:
                        await connection.recv()
                    except ConnectionClosed:
                        ended = True
