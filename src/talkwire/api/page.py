"""`GET /`: the web client, as it was built from `web/` into the package's folder `web`."""

from __future__ import annotations

import mimetypes
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.types import ControllerRouterHandler

BUILT = Path(__file__).parents[1] / "web"
"""`make install` fills it, and a wheel has it; a source tree in which nothing was built yet has none."""

_NOT_BUILT = "The web client is not built: run make install. The API does not need it.\n"

# Whatever a message contains, the browser runs nothing but our files and makes no HTML of texts.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; media-src 'self' blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types talkwire-service-worker"
)
_HEADERS = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-cache",
}
_FOR_EVER = _HEADERS | {"cache-control": "public, max-age=31536000, immutable"}
"""For files that have what is in them in their names."""

_EITHER = {"vary": "accept-encoding"}
_IN_GZIP = {"content-encoding": "gzip", **_EITHER}


class DemoUser(msgspec.Struct, frozen=True):
    """Somebody whom a demo's page lets visitors sign in as with one click. `picture` is a path."""

    id: str
    name: str
    role: str
    picture: str


class DemoSignIn(msgspec.Struct, frozen=True):
    """How a page lets people sign in without a password: not at all unless `open`, which only a demo is."""

    open: bool = False
    users: Sequence[DemoUser] = ()


def page_handlers(demo: DemoSignIn) -> list[ControllerRouterHandler]:
    """Returns the handlers of the page and of what it loads."""

    @get("/demo.json", include_in_schema=False, sync_to_thread=False)
    def demo_json() -> DemoSignIn:
        return demo

    files = {f"/{path.relative_to(BUILT).as_posix()}": path.read_bytes() for path in _files_of_the_page()}
    if "/index.html" not in files:
        return [_handler("/", _NOT_BUILT.encode(), "text/plain", _HEADERS, status=404), demo_json]
    page = _handler("/", files.pop("/index.html"), "text/html", _HEADERS)
    return [page, *_file_handlers(files), demo_json]


def _files_of_the_page() -> Iterator[Path]:
    """Yields all that was built, but for the bundles of the Socket.IO client (`realtime/http/client_bundle.py`)."""
    return (path for path in BUILT.rglob("*") if path.is_file() and path.parent.name != "socket.io")


def _file_handlers(files: Mapping[str, bytes]) -> list[HTTPRouteHandler]:
    """Of what the build has compressed, both forms are answered under one path."""
    return [
        _handler(path, content, _media_type(path), _FOR_EVER if "/page/" in path else _HEADERS, files.get(f"{path}.gz"))
        for path, content in files.items()
        if not path.endswith(".gz")
    ]


def _media_type(path: str) -> str:
    return mimetypes.guess_type(path)[0] or "application/octet-stream"


def _handler(  # noqa: PLR0913 (what one answer has)
    path: str,
    content: bytes,
    media_type: str,
    headers: Mapping[str, str],
    compressed: bytes | None = None,
    *,
    status: int = 200,
) -> HTTPRouteHandler:
    """`compressed`: the content in gzip, for whoever takes that."""

    @get(path, include_in_schema=False, sync_to_thread=False)
    def serve_file(request: Request[Any, Any, Any]) -> Response[bytes]:
        if compressed is None:
            return Response(content, media_type=media_type, headers=headers, status_code=status)
        if "gzip" in request.headers.get("accept-encoding", ""):
            return Response(compressed, media_type=media_type, headers={**headers, **_IN_GZIP}, status_code=status)
        return Response(content, media_type=media_type, headers={**headers, **_EITHER}, status_code=status)

    return serve_file
