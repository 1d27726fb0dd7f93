"""`GET /`: the web client, as it was built from `web/` into the package's folder `web`."""

from __future__ import annotations

import mimetypes
from collections.abc import Mapping, Sequence
from pathlib import Path

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.types import ControllerRouterHandler

BUILT = Path(__file__).parents[1] / "web"
"""`make install` fills it, and a wheel has it; a source tree in which nothing was built yet has none."""

_NOT_BUILT = "The web client is not built: run make install. The API does not need it.\n"

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
_FOR_EVER = _HEADERS | {"cache-control": "public, max-age=31536000, immutable"}
"""For files that have what is in them in their names."""


def page_handlers(demo_users: Sequence[str]) -> list[ControllerRouterHandler]:
    """The page and what it loads. `demo_users` can be signed in as with one click; there are none outside `--demo`."""

    @get("/demo.json", include_in_schema=False, sync_to_thread=False)
    def demo_json() -> dict[str, list[str]]:
        return {"users": list(demo_users)}

    files = {f"/{path.relative_to(BUILT).as_posix()}": path.read_bytes() for path in BUILT.rglob("*") if path.is_file()}
    if "/index.html" not in files:
        return [_handler("/", _NOT_BUILT.encode(), "text/plain", _HEADERS, status=404), demo_json]
    page = _handler("/", files.pop("/index.html"), "text/html", _HEADERS)
    return [page, *_file_handlers(files), demo_json]


def _file_handlers(files: Mapping[str, bytes]) -> list[HTTPRouteHandler]:
    return [
        _handler(path, content, mimetypes.guess_type(path)[0] or "", _HEADERS if path == "/icon.svg" else _FOR_EVER)
        for path, content in files.items()
    ]


def _handler(
    path: str, content: bytes, media_type: str, headers: Mapping[str, str], *, status: int = 200
) -> HTTPRouteHandler:
    @get(path, include_in_schema=False, sync_to_thread=False)
    def serve_file() -> Response[bytes]:
        return Response(content, media_type=media_type, headers=headers, status_code=status)

    return serve_file
