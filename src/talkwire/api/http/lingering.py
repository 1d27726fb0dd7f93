"""A response to a request whose body is still arriving, sent before the server closes the connection.

Closing a connection while the client sends resets it, and the client may lose the response. So the response is sent at
once, and the rest of the body is read and discarded for a limited time (RFC 9112, section 9.6).
"""

from __future__ import annotations

import asyncio
import contextlib
from functools import partial
from typing import Any

from litestar import Request, Response
from litestar.response.base import ASGIResponse
from litestar.types import Message, Receive, Scope, Send

BODY_LINGER_S = 3.0
"""Seconds for which the rest of the body is discarded; shorter than the time a stopping server waits for
connections."""


class Lingering(Response[Any]):
    """A Litestar response that, after it has been sent, reads and discards the rest of the request's body for up to
    three seconds. If the server closed the connection before that, the client could lose the response."""

    def to_asgi_response(self, app: Any, request: Request[Any, Any, Any], **options: Any) -> Any:  # noqa: ANN401
        """Returns an ASGI application that sends the response and then discards the rest of the request's body."""
        return partial(_send_and_linger, super().to_asgi_response(app, request, **options))


async def _send_and_linger(answer: ASGIResponse, scope: Scope, receive: Receive, send: Send) -> None:
    async def send_without_end(message: Message) -> None:
        if message["type"] == "http.response.body":
            message["more_body"] = True
        await send(message)

    await answer(scope, receive, send_without_end)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(BODY_LINGER_S):
            await _discard(receive)
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _discard(receive: Receive) -> None:
    """Reads and discards the request's body until it ends or the client disconnects."""
    while True:
        message = await receive()
        if message["type"] != "http.request" or not message.get("more_body", False):
            return
        await asyncio.sleep(0)  # without it, a client that sends without a pause would outlast the time limit
