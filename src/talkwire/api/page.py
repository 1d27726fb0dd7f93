"""`GET /`: one plain page to try the server with, until the web client takes its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.types import ControllerRouterHandler

_STATIC = Path(__file__).parent / "static"

_FILES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "/": ("index.html", "text/html"),
        "/page.js": ("page.js", "text/javascript"),
        "/api.js": ("api.js", "text/javascript"),
        "/socket.js": ("socket.js", "text/javascript"),
        "/page.css": ("page.css", "text/css"),
        "/icon.svg": ("icon.svg", "image/svg+xml"),
    }
)
"""Path -> file and media type."""

# Whatever a message contains, the browser runs nothing but our files and makes no HTML of texts.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
_HEADERS = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-cache",
}


def page_handlers(demo_users: Sequence[str]) -> list[ControllerRouterHandler]:
    """The page and what it loads. `demo_users` can be signed in as with one click; there are none outside `--demo`."""

    @get("/demo.json", include_in_schema=False, sync_to_thread=False)
    def demo_json() -> dict[str, list[str]]:
        return {"users": list(demo_users)}

    return [*(_file_handler(path, *file) for path, file in _FILES.items()), demo_json]


def _file_handler(path: str, name: str, media_type: str) -> HTTPRouteHandler:
    content = (_STATIC / name).read_bytes()

    @get(path, include_in_schema=False, sync_to_thread=False)
    def serve_file() -> Response[bytes]:
        return Response(content, media_type=media_type, headers=_HEADERS)

    return serve_file
