"""`/openapi.json`, and `/docs`, which shows it. All assets come from here: a server without internet has docs too."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import litestar_offline_docs
import msgspec
from litestar import MediaType, Request, Response, Router, get
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import SwaggerRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme
from litestar.static_files import create_static_files_router

DOCS = "/docs"
_ASSETS = f"{DOCS}/assets"
_WRITTEN = "openapi_json"


def openapi_config(version: str) -> OpenAPIConfig:
    """The description's head, and the page at `/docs`."""
    swagger = SwaggerRenderPlugin(
        js_url=f"{_ASSETS}/swagger-ui-bundle.js",
        css_url=f"{_ASSETS}/swagger-ui.css",
        standalone_preset_js_url=f"{_ASSETS}/swagger-ui-standalone-preset.js",
        path="/",
        favicon="<link rel='icon' href='/icon.svg'>",
    )
    return OpenAPIConfig(
        title="Talkwire",
        version=version,
        path=DOCS,
        render_plugins=[swagger],
        security=[{"bearer": []}],
        components=Components(security_schemes={"bearer": SecurityScheme(type="http", scheme="bearer")}),
    )


@get("/openapi.json", include_in_schema=False, sync_to_thread=False)
def openapi_json(request: Request[Any, Any, Any]) -> Response[bytes]:
    """The routes, described. Written once: it takes longer than a hundred messages."""
    state = request.app.state
    if _WRITTEN not in state:
        state[_WRITTEN] = msgspec.json.encode(request.app.openapi_schema.to_schema())
    return Response(state[_WRITTEN], media_type=MediaType.JSON)


def assets_router() -> Router:
    """Swagger UI's files, from the package that carries them."""
    folder = Path(litestar_offline_docs.__file__).parent / "static"
    return create_static_files_router(_ASSETS, directories=[folder], include_in_schema=False)
