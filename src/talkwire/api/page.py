"""`GET /`: one plain page to try the server with, until the web client takes its place."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from litestar import MediaType, Response, get
from litestar.types import ControllerRouterHandler

_STATIC = Path(__file__).parent / "static"
_POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'"
_HEADERS = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-cache",
}


def page_handlers(demo_users: Sequence[str]) -> list[ControllerRouterHandler]:
    """The page and what it loads. `demo_users` can be signed in as with one click; there are none outside `--demo`."""
    page, script, style = (_read(name) for name in ("index.html", "page.js", "page.css"))

    @get("/", include_in_schema=False, sync_to_thread=False)
    def index() -> Response[str]:
        return Response(page, media_type=MediaType.HTML, headers=_HEADERS)

    @get("/page.js", include_in_schema=False, sync_to_thread=False)
    def page_js() -> Response[str]:
        return Response(script, media_type="text/javascript; charset=utf-8", headers=_HEADERS)

    @get("/page.css", include_in_schema=False, sync_to_thread=False)
    def page_css() -> Response[str]:
        return Response(style, media_type="text/css; charset=utf-8", headers=_HEADERS)

    @get("/demo.json", include_in_schema=False, sync_to_thread=False)
    def demo_json() -> dict[str, list[str]]:
        return {"users": list(demo_users)}

    return [index, page_js, page_css, demo_json]


def _read(name: str) -> str:
    return (_STATIC / name).read_text(encoding="utf-8")
