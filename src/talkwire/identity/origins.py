"""Which web pages may talk to this server (contract, section 2). Browsers do not ask before they open a WebSocket, so
the server has to look at `Origin` itself."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import urlsplit

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class OriginPolicy:
    """`allowed` are origins such as `https://app.example.com`; `*` lets every page in.

    With none given, pages of this same server pass, and pages of any port of this machine while it is reached through
    loopback. A request without Origin comes from no browser and passes.
    """

    def __init__(self, allowed: Collection[str] = ()) -> None:
        self._allowed = frozenset(origin.rstrip("/").lower() for origin in allowed)

    @property
    def allows_all(self) -> bool:
        return "*" in self._allowed

    def allows(self, origin: str | None, host: str) -> bool:
        """`host` is the request's Host header."""
        if origin is None or self.allows_all:
            return True
        origin = origin.lower()
        if self._allowed:
            return origin in self._allowed
        try:
            page = urlsplit(origin)
            served = urlsplit(f"//{host.lower()}")
            same_host = page.netloc == served.netloc
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
