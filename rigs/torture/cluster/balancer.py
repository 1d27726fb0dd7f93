"""Caddy in front of the nodes: round-robin per request, without sticky sessions.

It tries another node if it cannot connect. It never repeats a request that a node may have received: the response to a
poll holds packets that are sent only once (docs/deployment/README.md).
"""

from __future__ import annotations

import asyncio
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

from rigs.torture.cluster.processes import end, wait_until
from tests.deployment.proxies import caddy_program
from tests.protocol.server_process import reserved_port

STARTS_WITHIN_S = 20.0

_CADDYFILE = """{{
	admin off
	auto_https off
	persist_config off
	grace_period 1s
}}
http://127.0.0.1:{port} {{
	reverse_proxy {upstreams} {{
		lb_policy round_robin
		lb_try_duration 3s
		lb_try_interval 100ms
		lb_retry_match {{
			method NONE
		}}
		health_uri /readyz
		health_interval 500ms
		health_timeout 1s
		fail_duration 1s
		transport http {{
			dial_timeout 1s
		}}
	}}
}}
"""


class Balancer:
    def __init__(self, folder: Path, node_ports: Sequence[int]) -> None:
        self.port = reserved_port()
        self._folder = folder
        self._file = folder / "Caddyfile"
        upstreams = " ".join(f"127.0.0.1:{port}" for port in node_ports)
        self._file.write_text(_CADDYFILE.format(port=self.port, upstreams=upstreams), encoding="utf-8")
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        self._launch()
        await wait_until(self._accepts, "Caddy accepts", STARTS_WITHIN_S)

    def _launch(self) -> None:
        arguments = [caddy_program(), "run", "--config", str(self._file), "--adapter", "caddyfile"]
        with (self._folder / "caddy.log").open("ab") as log:
            self._process = subprocess.Popen(arguments, stdout=log, stderr=log)

    async def kill(self) -> None:
        """All connections that go through it break."""
        if self._process is not None:
            await end(self._process, signal.SIGKILL)

    async def _accepts(self) -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return False
        writer.close()
        return True
