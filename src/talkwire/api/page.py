"""Serves the web client at `/`, from the files that were built from `web/` into the package's folder `web`."""

from __future__ import annotations

import mimetypes
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.types import ControllerRouterHandler

BUILT = Path(__file__).parents[1] / "web"
"""The built web client. Wheels contain it; in a source tree `make install` builds it."""

_NOT_BUILT = "The web client is not built: run `make install`. The API works without it.\n"

# Even if a message contains a script, the browser runs only the page's own files, and texts never become HTML.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; media-src 'self' blob:; "
    "connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types talkwire-service-worker"
)
_HEADERS = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-cache",
}
_IMMUTABLE = _HEADERS | {"cache-control": "public, max-age=31536000, immutable"}
"""Headers of files whose name contains a hash of their content, so browsers may cache them forever."""

_BY_ENCODING = {"vary": "accept-encoding"}
_IN_GZIP = {"content-encoding": "gzip", **_BY_ENCODING}


class DemoUser(msgspec.Struct, frozen=True):
    """A user of the demo as whom visitors sign in with one click. `picture` is a path."""

    id: str
    name: str
    role: str
    picture: str


class DemoSignIn(msgspec.Struct, frozen=True):
    """The demo users for sign-in without a password. `open` is true only in a demo, which allows it."""

    open: bool = False
    users: Sequence[DemoUser] = ()


GivenDemo = NamedDependency[DemoSignIn]


@get("/demo.json", include_in_schema=False, sync_to_thread=False)
def demo_json(demo: GivenDemo) -> DemoSignIn:
    """Returns the demo users."""
    return demo


def page_handlers() -> list[ControllerRouterHandler]:
    """Returns the handlers of the page and of the files that it loads."""
    files = {f"/{path.relative_to(BUILT).as_posix()}": path.read_bytes() for path in _files_of_the_page()}
    if "/index.html" not in files:
        return [_handler("/", _NOT_BUILT.encode(), "text/plain", _HEADERS, status=404)]
    return [_handler("/", files.pop("/index.html"), "text/html", _HEADERS), *_file_handlers(files)]


def _files_of_the_page() -> Iterator[Path]:
    """Yields the built files, except the bundles of the Socket.IO client (see `realtime/http/client_bundle.py`)."""
    return (path for path in BUILT.rglob("*") if path.is_file() and path.parent.name != "socket.io")


def _file_handlers(files: Mapping[str, bytes]) -> list[HTTPRouteHandler]:
    """Returns the handlers of the built files. A file that the build compressed is served in both forms at one path."""
    return [
        _handler(
            path, content, _media_type(path), _IMMUTABLE if "/page/" in path else _HEADERS, files.get(f"{path}.gz")
        )
        for path, content in files.items()
        if not path.endswith(".gz")
    ]


def _media_type(path: str) -> str:
    return mimetypes.guess_type(path)[0] or "application/octet-stream"


def _handler(  # noqa: PLR0913 (each is a part of the response)
    path: str,
    content: bytes,
    media_type: str,
    headers: Mapping[str, str],
    compressed: bytes | None = None,
    *,
    status: int = 200,
) -> HTTPRouteHandler:
    """Returns the handler of one file. `compressed` is its content in gzip, sent to clients that accept it."""

    @get(path, include_in_schema=False, sync_to_thread=False)
    def serve_file(request: Request[Any, Any, Any]) -> Response[bytes]:
        if compressed is None:
            return Response(content, media_type=media_type, headers=headers, status_code=status)
        if "gzip" in request.headers.get("accept-encoding", ""):
            return Response(compressed, media_type=media_type, headers={**headers, **_IN_GZIP}, status_code=status)
        return Response(content, media_type=media_type, headers={**headers, **_BY_ENCODING}, status_code=status)

    return serve_file
