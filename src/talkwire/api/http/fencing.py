"""Fencing of the REST API: a node (server process) that has lost its lease, so that other nodes may consider it dead,
refuses requests. So it changes nothing that another node may have taken over."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from talkwire.api.http.errors import STATUS, error_body
from talkwire.core.domain.errors import ChatError

AsgiApp = Callable[[Any, Any, Any], Awaitable[None]]

SERVED_WHILE_FENCED = frozenset({"/healthz", "/readyz", "/metrics"})
"""Paths that report the state of this node itself."""


class FencedApp:
    """An ASGI middleware that refuses HTTP requests with the error `unavailable` while `is_fenced()` is true: then this
    node (server process) has lost its lease, the record that it is alive. It checks when a request begins, and before
    each part of the request's body. Paths in `SERVED_WHILE_FENCED` are never refused."""

    def __init__(self, app: AsgiApp, is_fenced: Callable[[], bool]) -> None:
        self._app = app
        self._is_fenced = is_fenced

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 (ASGI)
        if scope["type"] != "http" or scope["path"] in SERVED_WHILE_FENCED:
            await self._app(scope, receive, send)
        elif self._is_fenced():
            await _refuse(send)
        else:
            await self._app(scope, self._receiving(receive), send)

    def _receiving(self, receive: Callable[[], Awaitable[Any]]) -> Callable[[], Awaitable[Any]]:
        async def receive_unless_fenced() -> Any:  # noqa: ANN401 (ASGI)
            message = await receive()
            if message["type"] == "http.request" and self._is_fenced():
                raise _refusal()
            return message

        return receive_unless_fenced


def _refusal() -> ChatError:
    return ChatError("unavailable", "This node has lost its lease and is rejoining the cluster. Try again.")


async def _refuse(send: Callable[[Any], Awaitable[None]]) -> None:
    body = msgspec.json.encode(error_body(_refusal()))
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": STATUS["unavailable"], "headers": headers})
    await send({"type": "http.response.body", "body": body})
