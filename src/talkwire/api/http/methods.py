"""HEAD and OPTIONS for every path (RFC 9110, sections 9.3.2 and 9.3.7).

Litestar does not handle HEAD for GET routes. Its own response to OPTIONS lists the methods of only one handler of a
path, so it is removed: OPTIONS then fails like any unsupported method, and `errors.py` responds with all methods of the
path.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from litestar.plugins import ReceiveRoutePlugin
from litestar.routes import BaseRoute, HTTPRoute

BODILESS = "bodiless"
"""Key in a request's state, set when the response's body will be discarded."""

AsgiApp = Callable[[Any, Any, Any], Awaitable[None]]


class OwnOptions(ReceiveRoutePlugin):
    """A Litestar plugin that removes the OPTIONS handlers that Litestar generates, and keeps those that a route defines
    itself."""

    def receive_route(self, route: BaseRoute) -> None:
        if isinstance(route, HTTPRoute) and "OPTIONS" in route.route_handler_map:
            handler, _ = route.route_handler_map["OPTIONS"]
            if handler.fn.__module__ == HTTPRoute.__module__:
                del route.route_handler_map["OPTIONS"]


class HeadAsGet:
    """An ASGI middleware that handles a HEAD request with the path's GET route and drops the response's body. It does
    not change HEAD requests to a path that has a HEAD route."""

    def __init__(self, app: AsgiApp) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 (ASGI)
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return
        has_only_get = False

        async def send_unless_only_get(message: Any) -> None:  # noqa: ANN401 (ASGI)
            nonlocal has_only_get
            if message["type"] == "http.response.start":
                has_only_get = message["status"] == 405 and _allows_get(message["headers"])
            if not has_only_get:
                await send(message)

        async def send_without_body(message: Any) -> None:  # noqa: ANN401 (ASGI)
            await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

        # The application modifies its scope, so the second call gets a copy. A route may skip loading a body that is
        # dropped.
        asked_again = {**scope, "method": "GET", "state": {**scope.get("state", {}), BODILESS: True}}
        await self._app(scope, receive, send_unless_only_get)
        if has_only_get:
            await self._app(asked_again, receive, send_without_body)


def _allows_get(headers: Any) -> bool:  # noqa: ANN401 (ASGI)
    methods = next((value for name, value in headers if name.lower() == b"allow"), b"")
    return b"GET" in methods.replace(b" ", b"").split(b",")
