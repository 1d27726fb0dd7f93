"""Decides which HTTP requests belong to the chat and which to an ASGI application that shares the port. The chat
handles the paths of its own routes, below the prefix if there is one. All other requests belong to the application,
among them `/`, WebSockets except those of Socket.IO, and the ASGI lifespan."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable
from http import HTTPStatus
from pathlib import Path
from typing import Any

import msgspec
from litestar.routes import BaseRoute, HTTPRoute
from litestar.types.internal_types import PathParameterDefinition

from talkwire.api.http.errors import STATUS, error_body
from talkwire.api.site import OUTER
from talkwire.core.domain.errors import ChatError

AsgiApp = Callable[[Any, Any, Any], Awaitable[None]]

FILES = "/api/v1/files"
"""Path of files. Messages contain it, so it works without the prefix too, even after the prefix has changed."""


class OwnPaths:
    """The paths that the chat's routes handle, below a prefix such as `/chat`, which may be empty."""

    def __init__(self, routes: Iterable[BaseRoute], prefix: str = "") -> None:
        self._prefix = prefix
        patterns = {_pattern(route) for route in routes if isinstance(route, HTTPRoute)}
        self._own = re.compile("|".join(sorted(patterns)))

    def within(self, path: str) -> str | None:
        """Returns the path without the prefix if one of the chat's routes handles it: an empty text for the prefix
        itself. Returns None if no route handles it. A path of uploaded files is handled with and without the prefix."""
        if self._prefix and path.startswith(f"{FILES}/"):
            return path
        inner = path.removeprefix(self._prefix)
        if self._prefix and inner == path:
            return None
        return inner if self._own.fullmatch(inner.rstrip("/") or "/") else None


def route_by_path(own: AsgiApp, paths: OwnPaths, application: AsgiApp | None) -> AsgiApp:
    """Returns an ASGI application that passes a request to `own`, with the path below the prefix, if `paths` contains
    its path, and to `application` otherwise. If `application` is None, other paths get the status 404."""
    elsewhere = application or _not_found

    async def dispatch(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 (ASGI)
        inner = paths.within(scope["path"]) if scope["type"] == "http" else None
        if inner == "":
            await _to_folder(scope, send)
        elif inner is not None:
            # `state` in the scope belongs to the application's lifespan, so the chat's routes get their own.
            raw_path = scope["raw_path"][len(scope["path"]) - len(inner) :]
            await own({**scope, "path": inner, "raw_path": raw_path, "state": {}}, receive, send)
        else:
            outer = scope.get(OUTER)
            await elsewhere(scope if outer is None else {**outer, OUTER: outer}, receive, send)

    return dispatch


async def _to_folder(scope: Any, send: Any) -> None:  # noqa: ANN401 (ASGI)
    """Redirects a request for the prefix without a final slash, such as `/chat`, to `/chat/`, since the page there
    refers to its files by relative addresses. The redirect is relative too, since a proxy may change the path."""
    name = scope["raw_path"].rpartition(b"/")[2]
    query = b"?" + scope["query_string"] if scope["query_string"] else b""
    headers = [(b"location", b"./" + name + b"/" + query), (b"content-length", b"0")]
    await send({"type": "http.response.start", "status": HTTPStatus.PERMANENT_REDIRECT, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


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
