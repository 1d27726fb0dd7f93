"""Decides which web pages may connect to this server.

Browsers apply no same-origin policy to WebSockets, so the server has to check the header `Origin` itself.
"""

from __future__ import annotations

from collections.abc import Collection
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from talkwire.observability.refusals import log_refusal

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

DEVELOPMENT_ONLY = "Development sign-in is on, so this server only serves names of this machine: localhost"
"""The error for a request whose `Host` is another name."""

_SHOWN = 200
"""The maximum number of characters of a client's header that are logged."""


class OriginPolicy:
    """Decides by the header `Origin` which web pages may connect. `allowed` has origins such as
    `https://app.example.com`; `*` allows every page.

    Pages of this server itself may always connect. Without allowed origins, pages of any port of this machine may
    connect too, if the request reaches the server through loopback. A request without `Origin` does not come from a
    browser and is allowed.

    With `loopback_only`, the server handles only requests to names of this machine, such as `localhost`. Any web page
    could otherwise point its own domain name at this machine (DNS rebinding), and would then count as a page of this
    server.
    """

    def __init__(self, allowed: Collection[str] = (), *, loopback_only: bool = False) -> None:
        self._loopback_only = loopback_only
        self._allowed = frozenset(origin.rstrip("/").lower() for origin in allowed)

    @property
    def allows_all(self) -> bool:
        return "*" in self._allowed

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
        if origin is None or self.allows_all:
            return True
        origin = origin.lower()
        if origin in self._allowed:
            return True
        try:
            page = urlsplit(origin)
            served = urlsplit(f"//{host.lower()}")
            same_host = page.netloc == served.netloc and not (over_tls and page.scheme == "http")
            loopback = not self._allowed and _is_loopback(page) and _is_loopback(served)
        except ValueError:
            return False
        return bool(page.netloc) and (same_host or loopback)

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
            # Pages without an origin of their own, such as files and sandboxed frames, send `null`.
            setting=f'origins = ["{shown if "://" in shown else "*"}"]',
        )

    def response_headers(self, origin: str | None) -> dict[str, str]:
        """Returns the CORS headers of the response to an allowed request from a page of `origin`; empty if the request
        had no `Origin`."""
        if origin is None:
            return {}
        if self.allows_all:
            return {"access-control-allow-origin": "*"}
        return {
            "access-control-allow-origin": origin,
            "access-control-allow-credentials": "true",
            "vary": "Origin",
        }


def _is_loopback(url: SplitResult) -> bool:
    """Returns whether a URL names this machine. Raises ValueError for a port that is no number, such as the one of
    `http://127.0.0.1:80.evil.example`."""
    return url.port != 0 and url.username is None and url.hostname in _LOOPBACK


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
