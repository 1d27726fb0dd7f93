"""Hashes the passwords of accounts with argon2id (RFC 9106), a few at a time, on threads of their own.

One hash takes tens of milliseconds and megabytes, by design. So the event loop never computes one, the number of
threads limits how many run at once, and callers beyond `waiting_max` are refused instead of waiting for minutes.
"""

from __future__ import annotations

import asyncio
import secrets
import unicodedata
from base64 import b64encode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from talkwire.core.domain.errors import ChatError, invalid

PASSWORD_MAX_BYTES = 1024
"""Longest password, normalised and as UTF-8, in bytes."""

PASSWORD_MAX_LENGTH = 1024
"""Longest password, in characters. It is checked first, since normalising a text takes quadratic time."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class HashCost:
    """The cost of computing one password hash: `passes` over `memory_kib` KiB of memory on `lanes` threads. The default
    is OWASP's recommendation for argon2id."""

    passes: int = 2
    memory_kib: int = 19 * 1024
    lanes: int = 1


class Passwords:
    """Hashes and verifies passwords on `workers` threads of its own. While `waiting_max` calls wait for a thread,
    further calls raise `unavailable`. Call `close` when done.
    """

    def __init__(self, cost: HashCost | None = None, *, workers: int = 2, waiting_max: int = 64) -> None:
        cost = cost or HashCost()
        self._hasher = PasswordHasher(time_cost=cost.passes, memory_cost=cost.memory_kib, parallelism=cost.lanes)
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="talkwire-passwords")
        self._queued = 0
        self._queued_max = workers + waiting_max
        self._nobodys_hash = _random_hash(cost)

    async def hash(self, password: str) -> str:
        """Returns the hash of a password, to store it. Raises `invalid_request` for a password that is too long, and
        `unavailable` if too many callers wait for a thread."""
        if len(password) > PASSWORD_MAX_LENGTH:
            raise _too_long()
        return await self._run(lambda: self._hash(password))

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Returns whether `password` belongs to the stored `password_hash`. None as `password_hash` stands for an
        account that does not exist: the result is then False, after the same time.

        Raises `unavailable` if too many callers wait for a thread.
        """
        if len(password) > PASSWORD_MAX_LENGTH:
            password_hash, password = None, ""
        return await self._run(lambda: self._matches(password_hash, password))

    def needs_rehash(self, password_hash: str) -> bool:
        """Returns whether a stored hash was computed at another cost than today's. If so, hash the password again after
        the next successful sign-in."""
        try:
            return self._hasher.check_needs_rehash(password_hash)
        except InvalidHashError:
            return True

    def close(self) -> None:
        """Stops the threads. Blocks until hashes that are being computed are done; calls that wait for a thread are
        cancelled.
        """
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _hash(self, password: str) -> str:
        data = _to_bytes(password)
        if len(data) > PASSWORD_MAX_BYTES:
            raise _too_long()
        return self._hasher.hash(data)

    def _matches(self, password_hash: str | None, password: str) -> bool:
        data = _to_bytes(password)[: PASSWORD_MAX_BYTES + 1]
        try:
            self._hasher.verify(password_hash or self._nobodys_hash, data)
        except (VerificationError, InvalidHashError):
            return False
        return password_hash is not None

    async def _run(self, job: Callable[[], T]) -> T:
        if self._queued >= self._queued_max:
            raise ChatError("unavailable", "Too many people are signing in at once. Try again.")
        self._queued += 1
        future = self._pool.submit(job)
        try:
            return await asyncio.wrap_future(future)
        finally:
            self._queued -= 1


def _random_hash(cost: HashCost) -> str:
    """Returns an encoded hash with random bytes for salt and hash, so that no password matches. Verifying a password
    against it takes as long as against the hash of an account of the same `cost`. Creating it takes no time, unlike
    hashing.
    """
    salt, tag = (b64encode(secrets.token_bytes(size)).decode().rstrip("=") for size in (16, 32))
    return f"$argon2id$v=19$m={cost.memory_kib},t={cost.passes},p={cost.lanes}${salt}${tag}"


def _too_long() -> ChatError:
    return invalid("password", f"must have at most {PASSWORD_MAX_LENGTH} characters and {PASSWORD_MAX_BYTES} bytes")


def _to_bytes(password: str) -> bytes:
    """Returns a password as bytes, in Unicode normalisation form C (RFC 8265, section 4.2), since keyboards compose
    characters differently."""
    return unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")
