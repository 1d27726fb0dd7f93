"""Decides which web pages may connect to this server.

Browsers apply no same-origin policy to WebSockets, so the server has to check the header `Origin` itself.
"""

from __future__ import annotations

from collections.abc import Collection
from ipaddress import ip_address
from urllib.parse import urlsplit

from talkwire.identity.page_origins import PageOrigin, canonical_origin, matcher_of, sent_host, sent_origin
from talkwire.observability.refusals import log_refusal

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})

DEVELOPMENT_ONLY = "Development sign-in is on, so this server only serves names of this machine: localhost"
"""Error for a request whose `Host` is not a name of this machine."""

_TLS_PORT = "443"
_DEFAULT_PORTS = frozenset({"80", _TLS_PORT})
_PLAIN = frozenset({"http", "ws"})

_SHOWN = 200
"""Most characters of a client's header that are logged."""


class OriginPolicy:
    """Decides by the header `Origin` which web pages may connect. `allowed` has origins such as
    `https://app.example.com`, perhaps with wildcards (`https://*.example.com`, `http://localhost:*`); `null` and
    `file://` are pages without a host, and `*` allows every page. Raises ValueError for a text that is no origin.

    Pages of this server itself may always connect. Without allowed origins, pages of any port of this machine may
    connect too, if the request reaches the server through loopback. A request without `Origin` does not come from a
    browser and is allowed.

    With `loopback_only`, the server handles only requests to names of this machine, such as `localhost`. Any web page
    could otherwise point its own domain name at this machine (DNS rebinding), and would then count as a page of this
    server.
    """

    def __init__(self, allowed: Collection[str] = (), *, loopback_only: bool = False) -> None:
        self._loopback_only = loopback_only
        self._allowed = frozenset(map(canonical_origin, allowed))
        self._wildcards = matcher_of(self._allowed)

    @property
    def allows_all(self) -> bool:
        return "*" in self._allowed

    def trusts_cookies(self, origin: str | None) -> bool:
        """Returns whether the cookies of a request from an allowed page of `origin` were meant for this server's
        users: not if every page may connect, and not from `null` or `file://`. Any site can open a sandboxed frame,
        whose origin is `null`, and its requests would have the visitor's cookies."""
        if self.allows_all or origin is None:
            return not self.allows_all
        page = sent_origin(origin)
        return page is not None and bool(page.host)

    def serves(self, host: str) -> bool:
        """Returns whether the server handles requests with this `Host` header: always True without `loopback_only`;
        with it, for names of this machine, and for an empty text (no header), which no browser sends.
        """
        return not self._loopback_only or not host or _is_loopback_name(host)

    def allows(self, origin: str | None, host: str, *, over_tls: bool = False) -> bool:
        """Returns whether a page of this origin may connect. `host` is the request's `Host` header.

        `over_tls` means that the client's connection used TLS, as a trusted proxy or the ASGI server reports. A page
        that was loaded over plain HTTP then does not count as this server's own, since anyone on the network may have
        changed it. Without `over_tls`, a proxy may have ended TLS without reporting it, so pages of both schemes are
        allowed.
        """
        if origin is None or self.allows_all or origin in self._allowed:
            return True
        scheme, _, place = origin.partition("://")
        if place and place == host and (scheme == "https" or not over_tls):
            return True  # without parsing, since this is what most browsers send
        page = sent_origin(origin)
        if page is None:
            return False
        return self._is_named(str(page)) or self._is_own(page, host, over_tls=over_tls)

    def _is_named(self, origin: str) -> bool:
        if origin in self._allowed:
            return True
        return self._wildcards is not None and self._wildcards.fullmatch(origin) is not None

    def _is_own(self, page: PageOrigin, host: str, *, over_tls: bool) -> bool:
        """Returns whether a page is of this server itself: of the same name and port as the `Host` header, or of this
        machine where that counts.

        Without a port, and with port 80, `Host` stands for the default port of either scheme, since a proxy may have
        ended TLS.
        """
        name, port = sent_host(host)
        if not name:
            return False
        if name == page.host and ("" if port in _DEFAULT_PORTS else port) == page.port:
            return not (page.scheme in _PLAIN and (over_tls or port == _TLS_PORT))
        return not self._allowed and name in _LOOPBACK and page.host in _LOOPBACK and page.port != "0"

    def log_refusal(self, origin: str | None, host: str, address: str) -> None:
        """Logs that a page was not allowed to connect, and the setting that would allow it. `address` is the client's
        IP address."""
        if origin is None:
            return
        shown = origin[:_SHOWN]
        log_refusal(
            "connection_refused",
            reason="origin",
            origin=shown,
            host=host[:_SHOWN],
            address=address,
            setting=f'origins = ["{_nameable(shown)}"]',
        )

    def response_headers(self, origin: str | None) -> dict[str, str]:
        """Returns the CORS headers of the response to an allowed request from a page of `origin`; empty if the request
        had no `Origin`."""
        if origin is None:
            return {}
        if self.allows_all:
            return {"access-control-allow-origin": "*"}
        headers = {"access-control-allow-origin": origin, "vary": "Origin"}
        return headers | {"access-control-allow-credentials": "true"} if self.trusts_cookies(origin) else headers


def preflight_headers(methods: str, asked: str | None) -> dict[str, str]:
    """Returns the headers of the response to a preflight request of an allowed page: it may use these methods, and
    send all headers that it asks for (`Access-Control-Request-Headers`), since tracing tools add headers of their own.
    A page gains nothing by a header: what a client may do depends on its origin and its token."""
    headers = {"access-control-allow-methods": methods, "access-control-max-age": "600"}
    return headers | ({} if asked is None else {"access-control-allow-headers": asked})


def _nameable(origin: str) -> str:
    """Returns the value of the setting `origins` that allows pages of `origin`."""
    try:
        return canonical_origin(origin)
    except ValueError:
        return "*"


def _is_loopback_name(host: str) -> bool:
    try:
        name = urlsplit(f"//{host.strip().lower()}").hostname or ""
    except ValueError:
        return False
    name = name.removesuffix(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False
