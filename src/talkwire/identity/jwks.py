"""The public keys of an identity provider, which are fetched from its JWKS address (RFC 7517) and cached.

Keys are fetched when they are first needed, when they are old, and when a token names an unknown key, but never more
often than every `retry_after_s` seconds: a flood of forged tokens must not become a flood of requests. While the
address does not respond, the cached keys stay in use.
"""

from __future__ import annotations

import asyncio
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import httpx
import msgspec

from talkwire.core.single_flight import SingleFlight
from talkwire.identity.signatures import Key, key_of_jwk

_GZIP = 16 + zlib.MAX_WBITS


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchLimits:
    """Limits for fetching the keys of an identity provider. Durations are in seconds: keys are fetched again after
    `max_age_s`, but after the start of a fetch not before `retry_after_s`.
    """

    max_age_s: float = 600.0
    retry_after_s: float = 30.0
    timeout_s: float = 5.0
    max_bytes: int = 256 * 1024
    max_keys: int = 100


class _Document(msgspec.Struct, frozen=True):
    keys: list[dict[str, object]]


class _FetchFailedError(Exception):
    """Keys could not be fetched: the response of the JWKS address is not a usable set of keys."""


class KeySet:
    """The cached public keys of one JWKS address, empty until the first `refresh`. `clock` returns seconds since any
    time and never goes back.

    The caller closes `client`. If it is None, the key set creates an HTTP client, which `aclose` closes.
    """

    def __init__(
        self,
        url: str,
        *,
        client: httpx.AsyncClient | None = None,
        clock: Callable[[], float] = time.monotonic,
        limits: FetchLimits | None = None,
    ) -> None:
        self.last_failure: str | None = None
        """The reason why the last fetch failed, in one line for an operator; None if it succeeded."""
        self._url = url
        self._client = client
        self._owns_client = client is None
        self._clock = clock
        self._limits = limits or FetchLimits()
        self._keys: dict[tuple[str | None, str], Key] = {}
        self._fetched_at: float | None = None
        self._tried_at: float | None = None
        self._fetching: SingleFlight[None, None] = SingleFlight()

    def find(self, key_id: str | None, algorithm: str) -> Key | None:
        """Returns the cached key with the id and algorithm that a token's header names; for a header without an id, the
        only key of the algorithm. Returns None if there is no such key."""
        if key_id is not None:
            return self._keys.get((key_id, algorithm))
        candidates = [key for key in self._keys.values() if key.algorithm == algorithm]
        return candidates[0] if len(candidates) == 1 else None

    def should_refresh(self, *, found: bool) -> bool:
        """Returns whether to call `refresh`; `found` says whether `find` returned a key. True if no key was found or
        the keys are older than `max_age_s`, unless the last fetch has ended and was started less than `retry_after_s`
        ago.
        """
        now = self._clock()
        is_old = self._fetched_at is None or now - self._fetched_at >= self._limits.max_age_s
        if found and not is_old:
            return False
        has_rested = self._tried_at is None or now - self._tried_at >= self._limits.retry_after_s
        return None in self._fetching or has_rested

    async def refresh(self) -> None:
        """Fetches the keys from the JWKS address. Concurrent callers share one fetch. If it fails, nothing is raised:
        the cached keys remain, and `last_failure` has the reason.
        """
        await self._fetching.run(None, self._fetch_keys)

    async def aclose(self) -> None:
        """Cancels a running fetch, and closes the HTTP client if the key set has created it."""
        await self._fetching.aclose()
        if self._owns_client and self._client is not None:
            await self._client.aclose()
            self._client = None

    async def _fetch_keys(self) -> None:
        self._tried_at = self._clock()
        try:
            async with asyncio.timeout(self._limits.timeout_s):
                self._keys = self._read(await self._download())
        except TimeoutError:
            self.last_failure = f"no response within {self._limits.timeout_s} s"
        except (httpx.HTTPError, httpx.InvalidURL, _FetchFailedError) as failure:
            self.last_failure = f"{type(failure).__name__}: {failure}"
        else:
            self._fetched_at = self._clock()
            self.last_failure = None

    async def _download(self) -> bytes:
        if self._client is None:
            self._client = httpx.AsyncClient()
        headers = {"Accept": "application/json", "Accept-Encoding": "gzip"}
        async with self._client.stream("GET", self._url, headers=headers) as response:
            if response.status_code != httpx.codes.OK:
                raise _FetchFailedError(f"status {response.status_code}")
            body = bytearray()
            # Raw chunks: httpx would decompress each chunk as a whole, without a limit.
            async for chunk in response.aiter_raw():
                body += chunk
                self._check_size(body)
            return self._decompressed(bytes(body), response.headers.get("content-encoding", ""))

    def _decompressed(self, body: bytes, encoding: str) -> bytes:
        name = encoding.strip().lower()
        if name in {"", "identity"}:
            return body
        if name not in {"gzip", "x-gzip"}:  # two names for one format (RFC 9110, section 8.4.1.3)
            raise _FetchFailedError(f"encoded as {encoding}")
        try:
            body = zlib.decompressobj(_GZIP).decompress(body, self._limits.max_bytes + 1)
        except zlib.error:
            raise _FetchFailedError("not gzip, as it says") from None
        self._check_size(body)
        return body

    def _check_size(self, body: bytes | bytearray) -> None:
        if len(body) > self._limits.max_bytes:
            raise _FetchFailedError(f"more than {self._limits.max_bytes} bytes")

    def _read(self, body: bytes) -> dict[tuple[str | None, str], Key]:
        """Returns the keys in the body of a JWKS response, by key id and algorithm. Raises _FetchFailedError if none is
        usable, since caching that would lock out all users."""
        try:
            document = msgspec.json.decode(body, type=_Document)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise _FetchFailedError("not a JWK set") from None
        if len(document.keys) > self._limits.max_keys:
            raise _FetchFailedError(f"more than {self._limits.max_keys} keys")
        keys: dict[tuple[str | None, str], Key] = {}
        for jwk in document.keys:
            key_id = jwk.get("kid")
            if (key := key_of_jwk(jwk)) is not None and (key_id is None or isinstance(key_id, str)):
                keys[key_id, key.algorithm] = key
        if not keys:
            raise _FetchFailedError("no key for RS256, ES256 or EdDSA")
        return keys
