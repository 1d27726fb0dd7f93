"""Which requests are ours when an application shares the port: those of our own paths, below the
prefix if there is one. Everything else is the application's: `/` too, WebSockets that are not Socket.IO's, its life."""

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
"""Addresses of files are part of messages, so they are good without the prefix too, and after it has changed."""


OUTER = "talkwire.outer"
"""A key in a scope: the scope as an application around the chat had it, with its root path."""


class OwnPaths:
    """The paths of some routes, below a prefix such as `/chat`, which may be empty."""

    def __init__(self, routes: Iterable[BaseRoute], prefix: str = "") -> None:
        self._prefix = prefix
        patterns = {_pattern(route) for route in routes if isinstance(route, HTTPRoute)}
        self._own = re.compile("|".join(sorted(patterns)))

    def within(self, path: str) -> str | None:
        """A request's path as the routes have it, without the prefix; None: it is not ours."""
        if self._prefix and path.startswith(f"{FILES}/"):
            return path
        inner = path.removeprefix(self._prefix)
        if self._prefix and inner == path:
            return None
        return inner if self._own.fullmatch(inner.rstrip("/") or "/") else None


def beside(own: AsgiApp, paths: OwnPaths, application: AsgiApp | None) -> AsgiApp:
    """`own` at its paths, and `application` everywhere else; without one there is nothing."""
    elsewhere = application or _nothing

    async def dispatch(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 (ASGI)
        inner = paths.within(scope["path"]) if scope["type"] == "http" else None
        if inner is not None:
            # The state is the application's, and its lifespan's.
            raw_path = scope["raw_path"][len(scope["path"]) - len(inner) :]
            await own({**scope, "path": inner, "raw_path": raw_path, "state": {}}, receive, send)
        else:
            outer = scope.get(OUTER)
            await elsewhere(scope if outer is None else {**outer, OUTER: outer}, receive, send)

    return dispatch


async def _nothing(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401, ARG001 (ASGI)
    body = msgspec.json.encode(error_body(ChatError("not_found", "There is nothing here.")))
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
