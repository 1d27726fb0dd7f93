"""Pages of other origins (CORS): the same ones that may open sockets may use REST.

A browser asks before it sends a token along (`OPTIONS`), and hides the answer from a page that is not let in.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from talkwire.identity.origins import OriginPolicy

AsgiApp = Callable[[Any, Any, Any], Awaitable[None]]
Send = Callable[[Any], Awaitable[None]]

_PREFLIGHT = {
    "access-control-allow-methods": "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS",
    "access-control-allow-headers": "Authorization, Content-Type, Idempotency-Key, If-None-Match, If-Range, Range, "
    "Tus-Resumable, Upload-Checksum, Upload-Length, Upload-Metadata, Upload-Offset, X-HTTP-Method-Override, "
    "X-Request-ID, X-Requested-With",
    "access-control-max-age": "600",
}

_EXPOSED = (
    "Accept-Ranges, Content-Disposition, Content-Range, ETag, Location, Retry-After, Tus-Checksum-Algorithm, "
    "Tus-Extension, Tus-Max-Size, Tus-Resumable, Tus-Version, Upload-Expires, Upload-Length, Upload-Offset"
)
"""Headers of answers that a page may read; uploads consist of them."""


class CrossOrigin:
    """An ASGI application around another; requests without Origin pass."""

    def __init__(self, app: AsgiApp, origins: OriginPolicy) -> None:
        self._app = app
        self._origins = origins

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 (ASGI)
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        origin = headers.get(b"origin")
        if origin is None or not self._origins.allows(origin, headers.get(b"host", "")):
            # Or a browser would keep the answer, without what lets pages read it, for the page that asks next.
            await self._app(scope, receive, _sending_with({"vary": "Origin"}, send))
            return
        allowed = self._origins.response_headers(origin)
        if scope["method"] == "OPTIONS" and b"access-control-request-method" in headers:
            await send({"type": "http.response.start", "status": 204, "headers": _encoded(allowed | _PREFLIGHT)})
            await send({"type": "http.response.body", "body": b""})
            return
        exposed = {"access-control-expose-headers": _EXPOSED}
        await self._app(scope, receive, _sending_with(allowed | exposed, send))


def _sending_with(headers: dict[str, str], send: Send) -> Send:
    async def send_with(message: Any) -> None:  # noqa: ANN401 (ASGI)
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message["headers"], *_encoded(headers)]}
        await send(message)

    return send_with


def _encoded(headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
