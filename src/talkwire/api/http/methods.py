"""HEAD and OPTIONS, for every path alike (RFC 9110, sections 9.3.2 and 9.3.7).

Litestar has no HEAD where there is GET. Its own answer to OPTIONS names the methods of one handler of the path only; it
is taken away, so that OPTIONS is answered as any method that a path does not have, by what knows them all (see
`errors.py`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from litestar.plugins import ReceiveRoutePlugin
from litestar.routes import BaseRoute, HTTPRoute

BODILESS = "bodiless"
"""In the request's state: nobody will see the answer's body."""

AsgiApp = Callable[[Any, Any, Any], Awaitable[None]]


class OwnOptions(ReceiveRoutePlugin):
    """Takes Litestar's answers to OPTIONS away. A route that answers it by itself keeps its own."""

    def receive_route(self, route: BaseRoute) -> None:
        if isinstance(route, HTTPRoute) and "OPTIONS" in route.route_handler_map:
            handler, _ = route.route_handler_map["OPTIONS"]
            if handler.fn.__module__ == HTTPRoute.__module__:
                del route.route_handler_map["OPTIONS"]


class HeadAsGet:
    """An ASGI application around another. A route of its own for HEAD comes first; where the answer is that there is
    GET but no HEAD, GET answers, without the body."""

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

        # The application writes into what it is given. Whoever would have to fetch the body first may leave it out.
        asked_again = {**scope, "method": "GET", "state": {**scope.get("state", {}), BODILESS: True}}
        await self._app(scope, receive, send_unless_only_get)
        if has_only_get:
            await self._app(asked_again, receive, send_without_body)


def _allows_get(headers: Any) -> bool:  # noqa: ANN401 (ASGI)
    methods = next((value for name, value in headers if name.lower() == b"allow"), b"")
    return b"GET" in methods.replace(b" ", b"").split(b",")
