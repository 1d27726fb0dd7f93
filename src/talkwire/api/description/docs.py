"""Serves the API documentation: `/openapi.json`, `/asyncapi.json`, and `/docs` with Swagger UI.

The package of the extra `docs` contains the scripts and styles of Swagger UI, so `/docs` works without internet access.
Without that package, `/docs` is a page that links to the documents.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
from collections.abc import Callable, Hashable
from html import escape
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import msgspec
from litestar import MediaType, Request, Response, Router, get
from litestar.datastructures import CacheControlHeader
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import OpenAPIRenderPlugin, SwaggerRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme, Server
from litestar.static_files import create_static_files_router

from talkwire.api.description.asyncapi import asyncapi
from talkwire.api.description.counterparts import rest_counterparts
from talkwire.api.description.openapi import openapi
from talkwire.api.description.operation_ids import operation_id
from talkwire.api.description.refusals import refusal_responses
from talkwire.api.description.schemas import Json
from talkwire.api.description.vocabularies import vocabulary
from talkwire.api.http.dependencies import GivenDialects

DOCS = "/docs"
"""Path of the page that shows the description of REST."""

_ASSETS = f"{DOCS}/assets"
_INLINE_SCRIPT = re.compile(rb"<script(?: type='text/javascript')?>(.*?)</script>", re.DOTALL)
_DESCRIPTION = """\
The REST routes of a Talkwire server. Send a token as `Authorization: Bearer …`. The events over Socket.IO are described
at [asyncapi.json](asyncapi.json).
"""

_ICON = "<link rel='icon' href='/icon.svg'>"
_PLAIN_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Talkwire API</title>
{icon}
</head>
<body>
<h1>Talkwire API</h1>
<ul>
<li><a href="{prefix}/openapi.json">openapi.json</a> describes the REST routes.</li>
<li><a href="{prefix}/asyncapi.json">asyncapi.json</a> describes the events over Socket.IO.</li>
</ul>
<p>This server lacks Swagger UI, which shows the routes on this page, with a form to try each of them. The operator can
install Swagger UI with <code>pip install 'talkwire[docs]'</code> and restart the server.</p>
</body>
</html>
"""

# Swagger UI sets inline styles and has images as data in its style sheet.
_POLICY = (
    "default-src 'none'; script-src {scripts}; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "font-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def _with_policy(response: Response[Any]) -> Response[Any]:
    """Returns the response of `/docs` with a content security policy added: the browser runs only this server's
    scripts, and the page's inline scripts, which the policy names by their hashes."""
    content = response.content
    hashes = [_hash_of(script) for script in _INLINE_SCRIPT.findall(content)] if isinstance(content, bytes) else []
    response.headers["content-security-policy"] = _POLICY.format(scripts=" ".join(["'self'", *hashes]))
    return response


def _hash_of(script: bytes) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(script).digest()).decode()}'"


def openapi_config(version: str, prefix: str = "") -> OpenAPIConfig:
    """Returns Litestar's configuration for `/openapi.json` and `/docs`: title, version, authentication, error
    responses, and the page. `prefix` is the path below which clients reach the routes."""
    return OpenAPIConfig(
        title="Talkwire",
        version=version,
        description=_DESCRIPTION,
        path=DOCS,
        openapi_router=Router(
            DOCS,
            route_handlers=[],
            include_in_schema=False,
            before_request=_describe_routes,
            after_request=_with_policy,
        ),
        render_plugins=[_PlainPage(prefix) if _swagger_ui() is None else _swagger_page(prefix)],
        operation_id_creator=operation_id,
        servers=[Server(url=prefix or "/")],
        security=[{"bearer": []}],
        components=Components(
            security_schemes={"bearer": SecurityScheme(type="http", scheme="bearer", bearer_format="JWT")},
            responses=refusal_responses(),
        ),
    )


async def _describe_routes(request: Request[Any, Any, Any]) -> None:
    """Generates the OpenAPI document on a thread before `/docs` is rendered: the first generation takes 100 to 250 ms,
    for which it would block the event loop."""
    await asyncio.to_thread(_routes_of, request)


def _routes_of(request: Request[Any, Any, Any]) -> Json:
    """Returns the OpenAPI document of the application that handles the request. It is generated once for each
    application."""
    state = request.app.state
    if "openapi" not in state:
        state["openapi"] = openapi(request.app)
    described: Json = state["openapi"]
    return described


def _swagger_ui() -> Path | None:
    """Returns the folder of Swagger UI's files, or None if the package of the extra `docs` is not installed."""
    package = find_spec("litestar_offline_docs")
    return None if package is None or package.origin is None else Path(package.origin).parent / "static"


def _swagger_page(prefix: str) -> OpenAPIRenderPlugin:
    assets = f"{prefix}{_ASSETS}"
    return _DocumentPage(
        js_url=f"{assets}/swagger-ui-bundle.js",
        css_url=f"{assets}/swagger-ui.css",
        standalone_preset_js_url=f"{assets}/swagger-ui-standalone-preset.js",
        path="/",
        favicon=_ICON,
    )


class _PlainPage(OpenAPIRenderPlugin):
    """A renderer of the page `/docs` without Swagger UI: links to the documents, and how to install Swagger UI."""

    def __init__(self, prefix: str) -> None:
        super().__init__(path="/")
        self._page = _PLAIN_PAGE.format(prefix=escape(prefix), icon=_ICON).encode()

    def render(self, request: Request[Any, Any, Any], openapi_schema: Json) -> bytes:  # noqa: ARG002 (Litestar's)
        return self._page


class _DocumentPage(SwaggerRenderPlugin):
    """A renderer of the page `/docs`: Swagger UI with the document of `/openapi.json` instead of the document that
    Litestar generates."""

    def render(self, request: Request[Any, Any, Any], openapi_schema: Json) -> bytes:  # noqa: ARG002 (Litestar's)
        return super().render(request, _routes_of(request))


@get("/openapi.json", include_in_schema=False, sync_to_thread=True)
def openapi_json(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Handles `GET /openapi.json`: returns the OpenAPI document, which describes the REST API."""
    return _written_once(request, "openapi_json", lambda: _routes_of(request))


@get("/asyncapi.json", include_in_schema=False, sync_to_thread=True)
def asyncapi_json(request: Request[Any, Any, Any], dialects: GivenDialects) -> Response[bytes]:
    """Handles `GET /asyncapi.json`: returns the AsyncAPI document, which describes the Socket.IO events."""

    def describe() -> Json:
        find = rest_counterparts(request.app.routes)
        return asyncapi([vocabulary(dialect, find) for dialect in dialects], _version_of(request))

    return _written_once(request, ("asyncapi_json", *dialects), describe)


def _version_of(request: Request[Any, Any, Any]) -> str:
    config = request.app.openapi_config
    assert config is not None, "the application describes its routes"
    return config.version


def _written_once(request: Request[Any, Any, Any], key: Hashable, describe: Callable[[], object]) -> Response[bytes]:
    """Returns a response with the document that `describe` returns, encoded as JSON. Calls `describe` only at the first
    request for `key`, since it takes up to 200 ms; later requests get the same bytes.

    Several servers in one process may share an application and so its documents. Therefore `key` must differ wherever
    the document would.
    """
    written: dict[Hashable, bytes] = request.app.state.setdefault("documents", {})
    if key not in written:
        written[key] = msgspec.json.encode(describe())
    return Response(written[key], media_type=MediaType.JSON)


def assets_routes() -> list[Router]:
    """Returns the router for the files of Swagger UI; no router if the extra `docs` is not installed."""
    folder = _swagger_ui()
    if folder is None:
        return []
    cache = CacheControlHeader(max_age=3600)
    return [create_static_files_router(_ASSETS, directories=[folder], include_in_schema=False, cache_control=cache)]
