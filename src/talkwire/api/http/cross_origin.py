"""Cross-origin requests (CORS): web pages of the origins that may open sockets may also use the REST API.

Before a browser sends a token to another origin, it sends a preflight request (`OPTIONS`). It hides the response from
pages of origins that the server does not allow.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

import msgspec

from talkwire.api.http.errors import error_body
from talkwire.asgi import Send
from talkwire.core.domain.errors import ChatError
from talkwire.identity.address import came_over_tls, client_address
from talkwire.identity.origins import DEVELOPMENT_ONLY, OriginPolicy, preflight_headers

AsgiApp = Callable[[Any, Any, Any], Awaitable[None]]

_METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"

_EXPOSED = (
    "Accept-Ranges, Content-Disposition, Content-Range, ETag, Location, Retry-After, Tus-Checksum-Algorithm, "
    "Tus-Extension, Tus-Max-Size, Tus-Resumable, Tus-Version, Upload-Expires, Upload-Length, Upload-Offset"
)
"""Response headers that pages of other origins may read. Uploads need most of them."""


EMBED_SCRIPT = "/embed.js"
"""Path of the web component `<talkwire-chat>`, a script that pages of every origin may load, as from a package
registry."""

_SAFE = ((b"x-content-type-options", b"nosniff"), (b"cache-control", b"no-store"), (b"referrer-policy", b"no-referrer"))
"""Security headers of every response that does not set them itself: responses are for one caller and are not pages."""


class CrossOrigin:
    """An ASGI middleware that handles cross-origin requests (CORS) and adds security headers to responses. It responds
    to preflight requests itself. A page of an origin that `origins` does not allow gets a response without CORS
    headers, which its browser hides from it."""

    def __init__(self, app: AsgiApp, origins: OriginPolicy, trusted_proxies: frozenset[str] = frozenset()) -> None:
        self._app = app
        self._origins = origins
        self._trusted_proxies = trusted_proxies

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 (ASGI)
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        host = headers.get(b"host", "")
        if not self._origins.serves(host):
            await _misdirected(send)
            return
        if scope["path"] == EMBED_SCRIPT:
            await self._app(scope, receive, _sending_with({"access-control-allow-origin": "*"}, send))
            return
        origin = headers.get(b"origin")
        is_allowed = self._origins.allows(origin, host, over_tls=self._came_by_tls(scope, headers))
        if not is_allowed:
            self._origins.log_refusal(origin, host, self._address(scope, headers))
        if origin is None or not is_allowed:
            # Without `Vary`, a browser could cache this response, which has no CORS headers, and reuse it for an
            # allowed page.
            await self._app(scope, receive, _sending_with({"vary": "Origin"}, send))
            return
        allowed = self._origins.response_headers(origin)
        if scope["method"] == "OPTIONS" and b"access-control-request-method" in headers:
            preflight = preflight_headers(_METHODS, headers.get(b"access-control-request-headers"))
            await send({"type": "http.response.start", "status": 204, "headers": _encoded(allowed | preflight)})
            await send({"type": "http.response.body", "body": b""})
            return
        exposed = {"access-control-expose-headers": _EXPOSED}
        await self._app(scope, receive, _sending_with(allowed | exposed, send))

    def _came_by_tls(self, scope: Any, headers: dict[bytes, str]) -> bool:  # noqa: ANN401 (ASGI)
        forwarded_proto = headers.get(b"x-forwarded-proto")
        return came_over_tls(scope.get("scheme", "http"), _peer(scope), forwarded_proto, self._trusted_proxies)

    def _address(self, scope: Any, headers: dict[bytes, str]) -> str:  # noqa: ANN401 (ASGI)
        return client_address(_peer(scope), headers.get(b"x-forwarded-for"), self._trusted_proxies)


def _peer(scope: Any) -> str:  # noqa: ANN401 (ASGI)
    peer = scope.get("client")
    return peer[0] if peer else ""


def _sending_with(headers: dict[str, str], send: Send) -> Send:
    further = _encoded(headers)

    async def send_with(message: Any) -> None:  # noqa: ANN401 (ASGI)
        if message["type"] == "http.response.start":
            own = message["headers"]
            names = {name for name, _ in own}
            safe = [field for field in _SAFE if field[0] not in names]
            message = {**message, "headers": [*own, *further, *safe]}
        await send(message)

    return send_with


async def _misdirected(send: Send) -> None:
    body = msgspec.json.encode(error_body(ChatError("forbidden", DEVELOPMENT_ONLY, cause="server_policy")))
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body)), *_SAFE]
    await send({"type": "http.response.start", "status": HTTPStatus.MISDIRECTED_REQUEST, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _encoded(headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
