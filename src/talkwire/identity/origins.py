"""Which web pages may talk to this server. Browsers do not ask before they open a WebSocket, so the server has to look
at `Origin` itself."""

from __future__ import annotations

import time
from collections.abc import Collection
from ipaddress import ip_address
from urllib.parse import urlsplit

import structlog

from talkwire.core.engine.log_rate_limit import LogRateLimit

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

DEVELOPMENT_ONLY = "Development sign-in is on, so this server is reached by a name of this machine only: localhost"
"""Why a request was refused whose `Host` is another name."""

_SHOWN = 200
"""Characters of what a client says that are logged."""

_logger = structlog.get_logger(__name__)


class OriginPolicy:
    """`allowed` are origins such as `https://app.example.com`; `*` lets every page in.

    Pages of this same server always pass. With no origins given, pages of any port of this machine pass too while it is
    reached through loopback. A request without Origin comes from no browser and passes.

    `loopback_only`: this server is reached by names of this machine only. Any web page can have its own name lead
    here (DNS rebinding), and is then a page of this same server.
    """

    def __init__(self, allowed: Collection[str] = (), *, loopback_only: bool = False) -> None:
        self._loopback_only = loopback_only
        self._allowed = frozenset(origin.rstrip("/").lower() for origin in allowed)
        self._lines = LogRateLimit()

    @property
    def allows_all(self) -> bool:
        return "*" in self._allowed

    def serves(self, host: str) -> bool:
        """Whether requests with this Host header are served. Browsers always send one."""
        return not self._loopback_only or not host or _is_loopback_name(host)

    def allows(self, origin: str | None, host: str, *, by_tls: bool = False) -> bool:
        """Whether a page of this origin may talk to the server. `host` is the request's Host header.

        `by_tls`: the client's connection was encrypted, as a trusted proxy or the ASGI server says. Then a page that
        was loaded without encryption is not this server's own: anybody on its way may have changed it. Otherwise a
        proxy may have encrypted the connection and say nothing, so pages of either scheme pass.
        """
        if origin is None or self.allows_all:
            return True
        origin = origin.lower()
        if origin in self._allowed:
            return True
        try:
            page = urlsplit(origin)
            served = urlsplit(f"//{host.lower()}")
            same_host = page.netloc == served.netloc and not (by_tls and page.scheme == "http")
            loopback = not self._allowed and page.hostname in _LOOPBACK and served.hostname in _LOOPBACK
        except ValueError:
            return False
        return bool(page.netloc) and (same_host or loopback)

    def log_refusal(self, origin: str | None, host: str, address: str) -> None:
        """Logs a page that was not let in, and the setting that would let it in. `address` is the client's."""
        suppressed = self._lines.take(time.monotonic())
        if origin is None or suppressed is None:
            return
        shown = origin[:_SHOWN]
        more = {"suppressed": suppressed} if suppressed else {}
        _logger.warning(
            "connection_refused",
            reason="origin",
            origin=shown,
            host=host[:_SHOWN],
            address=address,
            # Pages without an origin of their own, such as files and sandboxed frames, send `null`.
            setting=f'origins = ["{shown if "://" in shown else "*"}"]',
            **more,
        )

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
