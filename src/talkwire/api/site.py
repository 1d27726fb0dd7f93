"""Determines the public address of this server, with which links to the server begin."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from litestar import Request
from litestar.di import NamedDependency

from talkwire.identity.address import came_over_tls

GivenSite = NamedDependency[str]


OUTER = "talkwire.outer"
"""Key in an ASGI scope of the original scope, with its root path, of a request that an application passed to the
chat."""


def site_provider(
    public_url: str | None, trusted_proxies: frozenset[str], prefix: str = ""
) -> Callable[[Request[Any, Any, Any]], str]:
    """Returns Litestar's provider of the dependency `site`, the server's public address: the setting `public_url`, or
    else the address that the request was sent to, up to and including `prefix`."""

    def provide_site(request: Request[Any, Any, Any]) -> str:
        if public_url is not None:
            return public_url
        host = request.headers.get("host", "")
        return f"{_scheme(request, host, trusted_proxies)}://{host}{_root_of(request.scope)}{prefix}"

    return provide_site


def _root_of(scope: Any) -> str:  # noqa: ANN401 (ASGI)
    """Returns the path at which another ASGI application has mounted this one, for example `/chat`; empty if there is
    none."""
    root: str = scope.get(OUTER, {}).get("root_path", "")
    return root


def is_over_tls(request: Request[Any, Any, Any], trusted_proxies: frozenset[str]) -> bool:
    """Returns whether the client's connection used TLS, as the ASGI server or a proxy in `trusted_proxies` reports."""
    peer = "" if request.client is None else request.client.host
    forwarded_proto = request.headers.get("x-forwarded-proto")
    return came_over_tls(request.scope.get("scheme", "http"), peer, forwarded_proto, trusted_proxies)


def _scheme(request: Request[Any, Any, Any], host: str, trusted_proxies: frozenset[str]) -> str:
    """Returns `http` or `https`, the scheme of the address that the client used. `host` is the request's header
    `Host`. If a page of that host sent the request, the scheme is taken from `Origin`, since a proxy may not forward
    the scheme."""
    try:
        page = urlsplit(request.headers.get("origin", ""))
    except ValueError:
        page = urlsplit("")
    if page.scheme in {"http", "https"} and page.netloc == host.lower():
        return page.scheme
    return "https" if is_over_tls(request, trusted_proxies) else "http"
