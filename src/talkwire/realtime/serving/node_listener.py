"""The listening socket for other nodes, beside the one for clients: serves the requests that nodes forward, and health
checks.
"""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from talkwire.files.holders import FORWARDED
from talkwire.identity.address import joined
from talkwire.realtime.engine.engine_server import EngineServer
from talkwire.realtime.forwarding.file_forwarding import STORED
from talkwire.realtime.forwarding.forwarder import target_of
from talkwire.realtime.forwarding.peer_auth import REFUSED, PeerAuth
from talkwire.realtime.transport.polling import PollingApp

AsgiApp = Callable[[Any, Any, Any], Awaitable[None]]

LOOPBACK = "127.0.0.1"
"""Address of this machine for a peer on this machine."""

FILE_PATHS = "/api/v1/files/"
"""Beginning of the paths of files and uploads."""

OPEN_PATHS = frozenset({"/healthz", "/metrics"})
"""Paths on the internal socket that are served to requests without a seal."""


@dataclass(frozen=True, slots=True)
class NodeListener:
    """The listening socket for other nodes, with the ASGI applications behind it: `app` serves health checks and
    metrics, `uploads` forwarded requests for this node's uploads, `stored` reads of its finished files; None
    serves none. `link` checks the seals of all requests but those to `app`.
    """

    listening: socket.socket
    link: PeerAuth
    app: AsgiApp
    uploads: AsgiApp | None = None
    stored: AsgiApp | None = None


def host_towards(host: str | None, port: int) -> str:
    """Returns the address that this machine has on the route to `host` and `port`, such as the database's; the loopback
    address if `host` is local (None, empty or a path).

    Sends no packets except for resolving the name. Raises OSError.
    """
    if not host or host.startswith("/"):
        return LOOPBACK
    family, kind, protocol, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
    with socket.socket(family, kind, protocol) as probe:
        probe.connect(place)
        found: str = probe.getsockname()[0]
        return found


def address_of(listening: socket.socket, host: str) -> str:
    """Returns the address, as `10.0.0.1:4000` or `[::1]:4000`, under which others reach a listening socket on
    `host`.
    """
    port = listening.getsockname()[1]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


class PeerApp:
    """The ASGI application for other nodes: serves forwarded polls and uploads, and reads of files. Except for health
    checks and metrics, requires a valid seal. Forwards no request again.
    """

    def __init__(self, engine: EngineServer, internal: NodeListener) -> None:
        self._engine = engine
        self._link = internal.link
        self._app = internal.app
        self._files = {FILE_PATHS: internal.uploads, STORED: internal.stored}
        self._polling = PollingApp(engine, for_nodes=True)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 (ASGI)
        if scope["path"] in OPEN_PATHS:
            await self._app(scope, receive, send)
            return
        address = self._client_address(scope)
        app = None if address is None else self._app_for(scope["path"])
        if app is None:
            name, _, value = REFUSED.partition(b": ")
            headers = [(name, value), (b"content-length", b"0")]
            await send({"type": "http.response.start", "status": 403, "headers": headers})
            await send({"type": "http.response.body", "body": b""})
            return
        await app({**scope, "client": (address, 0), FORWARDED: True}, receive, send)

    def _app_for(self, path: str) -> AsgiApp | None:
        if self._engine.serves(path):
            return self._polling
        return next((app for start, app in self._files.items() if path.startswith(start)), None)

    def _client_address(self, scope: Mapping[str, Any]) -> str | None:
        headers = joined((name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"])
        return self._link.client_address(scope["method"], target_of(scope), headers)
