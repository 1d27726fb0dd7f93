"""An answer to a request whose body is still coming, from a server that is about to close the connection.

Closing while bytes are on their way resets the connection, and the client may lose the answer before it has read it. So
the answer goes out at once, and what still comes is read and discarded for a while (RFC 9112, section 9.6).
"""

from __future__ import annotations

import asyncio
import contextlib
from functools import partial
from typing import Any

from litestar import Request, Response
from litestar.response.base import ASGIResponse
from litestar.types import Message, Receive, Scope, Send

LINGER_S = 3.0
"""Less than a server that stops waits for its connections."""


class Lingering(Response[Any]):
    """A response behind which the rest of the request is discarded."""

    def to_asgi_response(self, app: Any, request: Request[Any, Any, Any], **options: Any) -> Any:  # noqa: ANN401
        """Returns an ASGI application, which is all that Litestar does with it."""
        return partial(_send_and_linger, super().to_asgi_response(app, request, **options))


async def _send_and_linger(answer: ASGIResponse, scope: Scope, receive: Receive, send: Send) -> None:
    async def send_without_end(message: Message) -> None:
        if message["type"] == "http.response.body":
            message["more_body"] = True
        await send(message)

    await answer(scope, receive, send_without_end)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(LINGER_S):
            await _discard(receive)
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _discard(receive: Receive) -> None:
    """Returns at the end of the body, or when the client is gone."""
    while True:
        message = await receive()
        if message["type"] != "http.request" or not message.get("more_body", False):
            return
