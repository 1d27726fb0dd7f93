"""Separates the chat's requests from those of an application that shares the port. The chat handles its own paths,
below the prefix if there is one. Everything else belongs to the application: `/`, WebSockets other than Socket.IO's,
and its lifespan."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any

import msgspec
from litestar.routes import BaseRoute, HTTPRoute
from litestar.types.internal_types import PathParameterDefinition

from talkwire.api.http.errors import STATUS, error_body
from talkwire.core.domain.errors import ChatError

AsgiApp = Callable[[Any, Any, Any], Awaitable[None]]

FILES = "/api/v1/files"
"""The path of files. Messages contain it, so it works without the prefix too, even after the prefix has changed."""


OUTER = "talkwire.outer"
"""A key in an ASGI scope: the original scope, with its root path, of a request that an application passed to the
chat."""


class OwnPaths:
    """The paths of some routes, below a prefix such as `/chat`, which may be empty."""

    def __init__(self, routes: Iterable[BaseRoute], prefix: str = "") -> None:
        self._prefix = prefix
        patterns = {_pattern(route) for route in routes if isinstance(route, HTTPRoute)}
        self._own = re.compile("|".join(sorted(patterns)))

    def within(self, path: str) -> str | None:
        """Returns a path without the prefix if one of the routes handles it, or None."""
        if self._prefix and path.startswith(f"{FILES}/"):
            return path
        inner = path.removeprefix(self._prefix)
        if self._prefix and inner == path:
            return None
        return inner if self._own.fullmatch(inner.rstrip("/") or "/") else None


def route_by_path(own: AsgiApp, paths: OwnPaths, application: AsgiApp | None) -> AsgiApp:
    """Returns an ASGI application that passes requests to `own` for its paths and to `application` otherwise. Without
    an application, other paths are not found."""
    elsewhere = application or _not_found

    async def dispatch(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 (ASGI)
        inner = paths.within(scope["path"]) if scope["type"] == "http" else None
        if inner is not None:
            # `state` in the scope belongs to the application's lifespan, so the chat's routes get their own.
            raw_path = scope["raw_path"][len(scope["path"]) - len(inner) :]
            await own({**scope, "path": inner, "raw_path": raw_path, "state": {}}, receive, send)
        else:
            outer = scope.get(OUTER)
            await elsewhere(scope if outer is None else {**outer, OUTER: outer}, receive, send)

    return dispatch


async def _not_found(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401, ARG001 (ASGI)
    body = msgspec.json.encode(error_body(ChatError("not_found", "No route has this path.")))
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": STATUS["not_found"], "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _pattern(route: HTTPRoute) -> str:
    parts = "".join("/" + _pattern_of(part) for part in route.path_components)
    return parts or "/"


def _pattern_of(part: str | PathParameterDefinition) -> str:
    if isinstance(part, str):
        return re.escape(part)
    return ".+" if part.type is Path else "[^/]+"
