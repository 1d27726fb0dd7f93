"""Reports outages to the log: one warning when the server has not answered for some seconds, and a line when it answers
again.
"""

from __future__ import annotations

import asyncio
import logging
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

WARN_AFTER_S = 3.0
"""Seconds without an answer after which a wait for the server logs a warning."""

_logger = logging.getLogger(__name__)


class Outages:
    """The outages of one server, as one client sees them. All calls that wait at the same time report one outage."""

    def __init__(self, url: str, what: str = "") -> None:
        self.name = f"{what}{url}{_proxy_hint(url)}"
        self.is_reported = False

    def end(self) -> None:
        """Notes that the server has answered."""
        if self.is_reported:
            self.is_reported = False
            _logger.warning("%s answers again", self.name)


class Wait:
    """A wait for the server, which warns once it has lasted `WARN_AFTER_S` seconds."""

    def __init__(self, outages: Outages) -> None:
        self._outages = outages
        self._reason = "It has not answered yet."
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Counts the seconds from now on, unless they are counted already."""
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(WARN_AFTER_S, self._report)

    def fail(self, reason: str) -> None:
        """Notes in a sentence why an attempt failed, and counts the seconds."""
        self._reason = reason
        self.start()

    def stop(self) -> None:
        """Ends the wait: the server has answered, or nobody waits any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _report(self) -> None:
        if not self._outages.is_reported:
            self._outages.is_reported = True
            _logger.warning(
                "%s has not answered for %d s, and is tried again. %s", self._outages.name, WARN_AFTER_S, self._reason
            )


def reason_of(error: BaseException) -> str:
    """Returns the text of the innermost cause of an error, such as `[Errno 111] Connection refused`."""
    text = ""
    cause: BaseException | None = error
    while cause is not None:
        text = str(cause) or text
        cause = cause.__cause__ or cause.__context__
    return text or type(error).__name__


def _proxy_hint(url: str) -> str:
    """Returns a text that names the environment variable whose proxy receives the requests, if there is one."""
    parts = urlsplit(url)
    if parts.scheme not in getproxies() or proxy_bypass(parts.hostname or ""):
        return ""
    return f" (through the proxy of {parts.scheme.upper()}_PROXY)"
