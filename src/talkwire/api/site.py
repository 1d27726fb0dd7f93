"""The public address of this server, with which links to it begin."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from litestar import Request
from litestar.di import NamedDependency

from talkwire.identity.address import came_over_tls

GivenSite = NamedDependency[str]


def site_provider(public_url: str | None, trusted_proxies: frozenset[str]) -> Callable[[Request[Any, Any, Any]], str]:
    """Returns the provider of the dependency `site`: the setting `public_url`, or else the address that the request was
    sent to."""

    def provide_site(request: Request[Any, Any, Any]) -> str:
        if public_url is not None:
            return public_url
        host = request.headers.get("host", "")
        return f"{_scheme(request, host, trusted_proxies)}://{host}"

    return provide_site


def _scheme(request: Request[Any, Any, Any], host: str, trusted_proxies: frozenset[str]) -> str:
    """Returns the scheme of the request's address. If a page of this server sent the request, its `Origin` has the
    scheme even behind a proxy that does not forward it."""
    try:
        page = urlsplit(request.headers.get("origin", ""))
    except ValueError:
        page = urlsplit("")
    if page.scheme in {"http", "https"} and page.netloc == host.lower():
        return page.scheme
    peer = "" if request.client is None else request.client.host
    forwarded_proto = request.headers.get("x-forwarded-proto")
    scheme = request.scope.get("scheme", "http")
    return "https" if came_over_tls(scheme, peer, forwarded_proto, trusted_proxies) else "http"
