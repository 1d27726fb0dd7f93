"""Signs pages of the Admin UI in: with the name and password of the settings, or with a session id from an earlier
sign-in.

The session id is signed with a key that all nodes share, so any node accepts it and none has to store it. It becomes
invalid after a day, and when the password changes.
"""

from __future__ import annotations

import asyncio
import hmac
import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import bcrypt

from talkwire.core.domain.errors import ChatError
from talkwire.core.engine.limits import Kind, Limits, address_key
from talkwire.realtime.socketio.socketio_socket import ConnectRefused

SESSION_S = 24 * 3600
"""Seconds for which a page may connect again without the password."""

PASSWORD_MAX_LENGTH = 1024
_PASSWORD_BYTES = 72
"""The bytes of a password that bcrypt uses. Socket.IO's own server cuts a longer password too."""

_WAITING_MAX = 16
_ACCOUNT = "socketio-admin"
_SESSION = re.compile(r"(\d{1,12})-([0-9a-f]{64})", re.ASCII)


class AdminCredentials:
    """Verifies the credentials that Admin UI pages send. `account` is the operator's setting: a name, a colon, and a
    bcrypt hash of the password.
    """

    def __init__(
        self, account: str, key: bytes, limits: Limits | None, now: Callable[[], float] = time.monotonic
    ) -> None:
        name, _, password_hash = account.partition(":")
        self._name = name.encode()
        self._hash = password_hash.encode()
        self._key = hmac.digest(key, b"socketio-admin " + account.encode(), "sha256")
        self._limits = limits
        self._now = now
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="talkwire-admin-ui")
        self._waiting = 0

    def close(self) -> None:
        """Stops the thread that verifies passwords."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    async def admit(self, auth: dict[str, Any], address: str) -> str | None:
        """Verifies a page's sign-in, from the client address `address`. Returns the id of a new session for a correct
        password, None for a valid session id. Raises ConnectRefused for invalid credentials and for too many attempts.
        """
        if self._is_valid(auth.get("sessionId")):
            return None
        username, password = auth.get("username"), auth.get("password")
        if not isinstance(username, str) or not isinstance(password, str) or len(password) > PASSWORD_MAX_LENGTH:
            raise _refused()
        taken = await self._take(address)
        if not await self._matches(username, password):
            raise _refused()
        for kind, key in taken:
            self._limits_of().give_back(kind, key)
        return self._session(round(time.time()) + SESSION_S)

    async def _take(self, address: str) -> list[tuple[Kind, str]]:
        """Counts a sign-in attempt against the rate limits for sign-ins. Returns the (kind, key) of each counted limit,
        to give back after a correct password. Raises ConnectRefused after too many attempts.
        """
        if self._limits is None:
            return []
        here = address_key(address)
        buckets = [
            (Kind.SIGN_INS, here),
            (Kind.ACCOUNT_SIGN_INS, f"{_ACCOUNT} {here}"),
            (Kind.ACCOUNT_GUESSES, _ACCOUNT),
        ]
        for kind, key in buckets:
            try:
                await self._limits.take_or_refuse_everywhere(kind, key, self._now())
            except ChatError as error:
                raise ConnectRefused(error.message, {"code": error.code, "details": error.details}) from error
        return buckets

    async def _matches(self, username: str, password: str) -> bool:
        if self._waiting >= _WAITING_MAX:
            raise ConnectRefused("Too many sign-ins at once. Try again.", {"code": "unavailable"})
        self._waiting += 1
        given = password.encode("utf-8", "surrogatepass")[:_PASSWORD_BYTES]
        job = self._pool.submit(bcrypt.checkpw, given, self._hash)
        try:
            matches = await asyncio.wrap_future(job)
        finally:
            self._waiting -= 1
        # Compared after the password, so that a wrong name takes as long.
        return hmac.compare_digest(username.encode("utf-8", "surrogatepass"), self._name) and matches

    def _is_valid(self, session_id: object) -> bool:
        found = _SESSION.fullmatch(session_id) if isinstance(session_id, str) else None
        if found is None or int(found[1]) <= time.time():
            return False
        return hmac.compare_digest(found[0], self._session(int(found[1])))

    def _session(self, expires: int) -> str:
        return f"{expires}-{hmac.digest(self._key, str(expires).encode(), 'sha256').hex()}"

    def _limits_of(self) -> Limits:
        assert self._limits is not None, "something was taken"
        return self._limits


def _refused() -> ConnectRefused:
    # The page shows its own text for exactly this message.
    return ConnectRefused("invalid credentials", {"code": "invalid_credentials"})
