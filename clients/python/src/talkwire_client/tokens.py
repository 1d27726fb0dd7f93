"""Holds the caller's token: requests it when it is first needed, and renews it before it expires."""

from __future__ import annotations

import asyncio
import binascii
import json
import logging
import math
import time
from base64 import urlsafe_b64decode
from collections.abc import Awaitable, Callable
from inspect import isawaitable
from typing import Any, TypeAlias

from talkwire_client.backoff import Backoff

Token: TypeAlias = str | Callable[[], str | Awaitable[str]]
"""A token, or an ordinary or async function that returns one."""

MARGIN_S = 60.0
"""Seconds before the end of a token at which it is renewed. A token with a shorter life is renewed after four fifths of
it."""

_logger = logging.getLogger(__name__)


class TokenSource:
    """Supplies the caller's token, which it gets from a function of the application or as a fixed text.

    If the function fails, it is called again after growing pauses; meanwhile the old token is used while it is valid.
    """

    def __init__(self, token: Token, max_pause_s: float, clock: Callable[[], float] = time.time) -> None:
        self._source = token
        self._clock = clock
        self._backoff = Backoff(max_pause_s)
        self._lock = asyncio.Lock()
        self._token: str | None = None
        self._expires_at = math.inf
        self._renew_at = math.inf

    @property
    def is_renewable(self) -> bool:
        return not isinstance(self._source, str)

    @property
    def renew_in_s(self) -> float:
        """The seconds until the token is renewed; infinite if it never is."""
        return self._renew_at - self._clock()

    async def current(self) -> str:
        """Returns a token that has not expired. If there is none and the token function fails, waits until it
        succeeds.
        """
        async with self._lock:
            # Suspends: a renewed token lives for at least a second, and a failed renewal rests.
            while self._token is None or self.renew_in_s <= 0:
                await self._renew()
            return self._token

    def refuse(self, token: str) -> None:
        """Discards a token that the server refused, so that the next call of `current` requests a new one."""
        if token == self._token and self.is_renewable:
            self._token = None

    async def _renew(self) -> None:
        try:
            token = await self._ask()
        except Exception:  # the application's function may raise anything
            pause_s = self._backoff.next_s()
            _logger.warning("the token function failed; it is called again", exc_info=True)
            if self._token is not None and self._clock() < self._expires_at:
                self._renew_at = self._clock() + pause_s
            else:
                await asyncio.sleep(pause_s)
            return
        if not isinstance(token, str):
            raise TypeError(f"the token function must return a text, not {type(token).__name__}")
        self._backoff.reset()
        self._keep(token.strip())

    async def _ask(self) -> object:
        if isinstance(self._source, str):
            return self._source
        found = self._source()
        return await found if isawaitable(found) else found

    def _keep(self, token: str) -> None:
        now = self._clock()
        self._token = token
        self._expires_at = expiry_of(token) if self.is_renewable else math.inf
        life_s = self._expires_at - now
        # The server decides: a token that has expired by this computer's clock is used for a second all the same.
        self._renew_at = math.inf if life_s == math.inf else now + max(1.0, life_s * 0.8, life_s - MARGIN_S)


def expiry_of(token: str) -> float:
    """Returns when a JSON Web Token expires (its `exp`), in seconds since 1970; infinity for any other token."""
    try:
        return float(claims_of(token)["exp"])
    except (ValueError, KeyError, TypeError):
        return math.inf


def claims_of(token: str) -> dict[str, Any]:
    """Returns the claims of a JSON Web Token, which are not verified; nothing for any other token."""
    try:
        _, claims, _ = token.split(".")
        read = json.loads(urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
    except (ValueError, binascii.Error):
        return {}
    return read if isinstance(read, dict) else {}
