"""Which web pages may talk to this server (contract, section 2). Browsers do not ask before they open a WebSocket, so
the server has to look at `Origin` itself."""

from __future__ import annotations

from collections.abc import Collection
from ipaddress import ip_address
from urllib.parse import urlsplit

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

DEVELOPMENT_ONLY = "Development sign-in is on, so this server is reached by a name of this machine only: localhost"
"""Why a request was refused whose `Host` is another name."""


class OriginPolicy:
    """`allowed` are origins such as `https://app.example.com`; `*` lets every page in.

    With none given, pages of this same server pass, and pages of any port of this machine while it is reached through
    loopback. A request without Origin comes from no browser and passes.

    `loopback_only`: this server is reached by names of this machine only. Any web page can have its own name lead
    here (DNS rebinding), and is then a page of this same server.
    """

    def __init__(self, allowed: Collection[str] = (), *, loopback_only: bool = False) -> None:
        self._loopback_only = loopback_only
        self._allowed = frozenset(origin.rstrip("/").lower() for origin in allowed)

    @property
    def allows_all(self) -> bool:
        return "*" in self._allowed

    def serves(self, host: str) -> bool:
        """Whether requests with this Host header are served. Browsers always send one."""
        return not self._loopback_only or not host or _is_loopback_name(host)

    def allows(self, origin: str | None, host: str, *, by_tls: bool = False) -> bool:
        """Whether a page of this origin may talk to the server. `host` is the request's Host header.

        `by_tls`: a trusted proxy says that the request came to it encrypted. Then a page that did not is none of this
        server's own: anybody on its way may have changed it. Without such word, what encrypts may be in front of us and
        say nothing, so pages of either scheme pass.
        """
        if origin is None or self.allows_all:
            return True
        origin = origin.lower()
        if self._allowed:
            return origin in self._allowed
        try:
            page = urlsplit(origin)
            served = urlsplit(f"//{host.lower()}")
            same_host = page.netloc == served.netloc and not (by_tls and page.scheme == "http")
            loopback = page.hostname in _LOOPBACK and served.hostname in _LOOPBACK
        except ValueError:
            return False
        return bool(page.netloc) and (same_host or loopback)

    def response_headers(self, origin: str | None) -> dict[str, str]:
        """The CORS headers of an answer to a request that was let in."""
        if origin is None:
            return {}
        if self.allows_all:
            return {"access-control-allow-origin": "*"}
        return {
            "access-control-allow-origin": origin,
            "access-control-allow-credentials": "true",
            "vary": "Origin",
        }


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
