"""Serves the web client at `/` and the operators' console at `/admin`, as static files. The build puts them from the
repository's folder `web/` into the package's folder `web`."""

from __future__ import annotations

import mimetypes
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec
from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.response import Redirect
from litestar.status_codes import HTTP_308_PERMANENT_REDIRECT
from litestar.types import ControllerRouterHandler

from talkwire.core.domain.access_policy import WebSignIn

PAGE_FOLDER = Path(__file__).parents[1] / "web"
"""Folder of the built web client. Wheels contain it; in a source tree `make install` builds it."""

_NOT_BUILT = "The web client is not built: run `make install`. The API works without it.\n"

# Even if a message contains a script, the browser runs only the page's own files, and texts never become HTML.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; media-src 'self' blob:; "
    "connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; "
    "require-trusted-types-for 'script'; trusted-types talkwire-workers; frame-ancestors "
)
_HEADERS = {
    "content-security-policy": f"{_POLICY}'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-cache",
}
_IMMUTABLE = _HEADERS | {"cache-control": "public, max-age=31536000, immutable"}
"""Headers of files whose name contains a hash of their content, so browsers may cache them forever."""

_ENCODINGS = {"br": ".br", "gzip": ".gz"}
"""Suffixes of the files in which the build has written scripts and styles, by their encodings, the smallest first."""

LOGO_PATH = "/web-logo"
"""Path of the operator's logo."""

CONSOLE_PATH = "/admin"
"""Path of the operators' console. The addresses of its files are relative to the folder that contains it."""


class Logo(msgspec.Struct, frozen=True):
    """The image that the operator has set as the logo of the web client: its bytes and its media type."""

    content: bytes
    media_type: str


class PageOptions(msgspec.Struct, frozen=True):
    """The operator's settings for the web client. `embed_origins` are the origins whose pages may show the client in a
    frame; `self` is the server's own. Without a `description` or a `logo`, the client uses Talkwire's. `offers` says
    whether the client shows offers (prices that members propose); `offer_currency` is the currency that it suggests."""

    sign_in: WebSignIn = "account"
    embed_origins: tuple[str, ...] = ()
    name: str = "Talkwire"
    description: str | None = None
    logo: Logo | None = None
    offers: bool = False
    offer_currency: str = "EUR"

    @property
    def headers(self) -> Mapping[str, str]:
        """The HTTP headers of the web client's page, with a content security policy that allows `embed_origins` to show
        it in a frame."""
        allowed = " ".join("'self'" if origin == "self" else origin for origin in self.embed_origins)
        return {**_HEADERS, "content-security-policy": _POLICY + (allowed or "'none'")}


class DemoUser(msgspec.Struct, frozen=True):
    """A user of the demo, as whom visitors sign in with one click. `picture` is the path of the user's picture."""

    id: str
    name: str
    role: str
    picture: str


class DemoSignIn(msgspec.Struct, frozen=True):
    """The users that the sign-in page of a demo server offers for sign-in without a password. `open` is true only on a
    demo server."""

    open: bool = False
    users: Sequence[DemoUser] = ()


GivenDemo = NamedDependency[DemoSignIn]
GivenPageOptions = NamedDependency[PageOptions]


@get("/demo.json", include_in_schema=False, sync_to_thread=False)
def demo_json(demo: GivenDemo) -> DemoSignIn:
    """Handles `GET /demo.json`: returns the users for sign-in without a password, which only a demo server has."""
    return demo


def page_handlers() -> list[ControllerRouterHandler]:
    """Returns the routes of the web client, the operators' console, and all files that they load."""
    files = {f"/{path.relative_to(PAGE_FOLDER).as_posix()}": path.read_bytes() for path in _files_of_the_page()}
    if "/index.html" not in files:
        return [_handler("/", _NOT_BUILT.encode(), "text/plain", _HEADERS, status=404)]
    page, manifest = files.pop("/index.html"), files.pop("/manifest.webmanifest", b"{}")
    pages = [_page_handler(page.decode())]
    if (console := files.pop("/admin.html", None)) is not None:
        pages.append(_console_handler(console.decode()))
    return [*pages, _manifest_handler(manifest), serve_logo, *_file_handlers(files)]


def _page_handler(page: str) -> HTTPRouteHandler:
    """Returns the route `/`, which serves the web client's HTML page with the settings in `page_options`. The settings
    are a dependency of each request, since several servers in one process share the route."""

    @get("/", include_in_schema=False, sync_to_thread=False)
    def serve_page(page_options: GivenPageOptions) -> Response[str]:
        return Response(_branded(page, page_options), media_type="text/html", headers=page_options.headers)

    return serve_page


def _console_handler(page: str) -> HTTPRouteHandler:
    """Returns the route `/admin`, which serves `page`, the HTML of the operators' console. Its headers forbid that
    another page shows the console in a frame, to prevent clickjacking."""

    @get(CONSOLE_PATH, include_in_schema=False, sync_to_thread=False)
    def serve_console(request: Request[Any, Any, Any], page_options: GivenPageOptions) -> Response[str] | Redirect:
        if request.scope["raw_path"].endswith(b"/"):
            return Redirect("../admin", status_code=HTTP_308_PERMANENT_REDIRECT)
        return Response(_branded(page, page_options), media_type="text/html", headers=_HEADERS)

    return serve_console


def _branded(page: str, options: PageOptions) -> str:
    """Returns the HTML page with the operator's name, description and logo in its head. The web client reads them from
    the page, so it can show them before its first request, and offline."""
    page = page.replace("<title>Talkwire</title>", f"<title>{escape(options.name)}</title>")
    if options.description is not None:
        page = page.replace(
            "</title>", f'</title>\n    <meta name="description" content="{escape(options.description)}" />'
        )
    if options.logo is not None:
        icon = f'href=".{LOGO_PATH}" type="{options.logo.media_type}"'
        page = page.replace('href="./icon.svg" type="image/svg+xml"', icon)
        page = page.replace('href="./icon-apple.png"', f'href=".{LOGO_PATH}"')
    return page


def _manifest_handler(content: bytes) -> HTTPRouteHandler:
    """Returns the route of the web app manifest, from which browsers install the web client under the operator's name
    and logo."""
    manifest = msgspec.json.decode(content, type=dict[str, Any])

    @get("/manifest.webmanifest", include_in_schema=False, sync_to_thread=False)
    def serve_manifest(page_options: GivenPageOptions) -> Response[bytes]:
        named = {**manifest, "name": page_options.name, "short_name": page_options.name}
        if page_options.description is not None:
            named["description"] = page_options.description
        if page_options.logo is not None:
            named["icons"] = [{"src": f".{LOGO_PATH}", "type": page_options.logo.media_type, "sizes": "any"}]
        return Response(msgspec.json.encode(named), media_type="application/manifest+json", headers=_HEADERS)

    return serve_manifest


@get(LOGO_PATH, include_in_schema=False, sync_to_thread=False)
def serve_logo(page_options: GivenPageOptions) -> Response[bytes]:
    """Handles `GET /web-logo`: returns the operator's logo. A content security policy keeps scripts in an SVG from
    running when a user opens the logo in a tab."""
    if page_options.logo is None:
        raise NotFoundException("This server has no logo of its own.")
    return Response(page_options.logo.content, media_type=page_options.logo.media_type, headers=_HEADERS)


def _files_of_the_page() -> Iterator[Path]:
    """Yields the paths of the built files of the web client, except the bundles of the Socket.IO client (see
    `realtime/http/client_bundle.py`)."""
    return (path for path in PAGE_FOLDER.rglob("*") if path.is_file() and path.parent.name != "socket.io")


def _file_handlers(files: Mapping[str, bytes]) -> list[HTTPRouteHandler]:
    """Returns the routes of the built files, which are given by path. If the build has also written compressed copies
    of a file, its route serves all forms."""
    return [
        _handler(
            path,
            content,
            _media_type(path),
            _IMMUTABLE if "/page/" in path else _HEADERS,
            {name: files[f"{path}{suffix}"] for name, suffix in _ENCODINGS.items() if f"{path}{suffix}" in files},
        )
        for path, content in files.items()
        if not path.endswith(tuple(_ENCODINGS.values()))
    ]


def _media_type(path: str) -> str:
    return mimetypes.guess_type(path)[0] or "application/octet-stream"


def _handler(  # noqa: PLR0913 (each is a part of the response)
    path: str,
    content: bytes,
    media_type: str,
    headers: Mapping[str, str],
    compressed: Mapping[str, bytes] = MappingProxyType({}),
    *,
    status: int = 200,
) -> HTTPRouteHandler:
    """Returns the route that serves one file. `compressed` is its content in other encodings, the smallest first, for
    clients that accept them."""
    if compressed:
        headers = {**headers, "vary": "accept-encoding"}

    @get(path, include_in_schema=False, sync_to_thread=False)
    def serve_file(request: Request[Any, Any, Any]) -> Response[bytes]:
        accepted = _accepted(request.headers.get("accept-encoding", "")) if compressed else frozenset()
        for encoding, shorter in compressed.items():
            if encoding in accepted:
                encoded = {**headers, "content-encoding": encoding}
                return Response(shorter, media_type=media_type, headers=encoded, status_code=status)
        return Response(content, media_type=media_type, headers=headers, status_code=status)

    return serve_file


def _accepted(accept_encoding: str) -> frozenset[str]:
    """Returns the encodings that a client accepts, from its header `Accept-Encoding` (RFC 9110, section 12.5.3).
    Those with a quality of zero are left out."""
    given = (part.replace(" ", "").lower().partition(";q=") for part in accept_encoding.split(","))
    return frozenset(name for name, _, quality in given if quality.strip("0.") or not quality)
