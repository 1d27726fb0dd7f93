"""The public keys of an identity provider, which are fetched from its JWKS address (RFC 7517) and cached.

Keys are fetched when they are first needed, when they are old, and when a token names an unknown key, but never more
often than the limits allow: a flood of forged tokens must not become a flood of requests. While the address does not
respond, the cached keys stay in use.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from talkwire.core.single_flight import SingleFlight
from talkwire.egress import BodyReading, EgressClient, EgressError, EgressResponse
from talkwire.identity.signatures import ALGORITHMS_TEXT, Key, keys_of_jwk
from talkwire.observability.key_fetches import KeyFetchLog

KEYS_FETCH_S = 5.0
"""Longest time that fetching the keys for tokens of an application may take, in seconds."""

_GZIP = 16 + zlib.MAX_WBITS
_HEADERS = {"accept": "application/json", "accept-encoding": "gzip"}
_OK = 200

_OTHERS_MAX = 200
"""Longest text in an error about keys that cannot be used, in characters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchLimits:
    """Limits for fetching the keys of an identity provider. Durations are in seconds: keys are fetched again after
    `max_age_s`, but not within `retry_after_s` after a fetch, or `retry_failed_after_s` after one that has failed.
    """

    max_age_s: float = 600.0
    retry_after_s: float = 30.0
    retry_failed_after_s: float = 30.0
    max_bytes: int = 256 * 1024
    max_keys: int = 100


class _Document(msgspec.Struct, frozen=True):
    keys: list[dict[str, object]]


class _FetchFailedError(Exception):
    """Keys could not be fetched: the response of the JWKS address is not a usable set of keys."""


class KeySet:
    """The cached public keys of one JWKS address, empty until the first `refresh`. `clock` returns seconds since any
    time and never goes back.

    `client` fetches the keys, and limits the time of a fetch. The caller closes it after the key set. `log` logs and
    counts the fetches; None for no log.
    """

    def __init__(
        self,
        url: str,
        client: EgressClient,
        *,
        clock: Callable[[], float] = time.monotonic,
        limits: FetchLimits | None = None,
        log: KeyFetchLog | None = None,
    ) -> None:
        self.last_failure: str | None = None
        """Reason why the last fetch failed, in one line for an operator; None if it succeeded."""
        self._url = url
        self._client = client
        self._clock = clock
        self._limits = limits or FetchLimits()
        self._log = log
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
        the keys are old, while a fetch is running or the last one has ended long enough ago (`FetchLimits`).
        """
        now, limits = self._clock(), self._limits
        is_old = self._fetched_at is None or now - self._fetched_at >= limits.max_age_s
        if found and not is_old:
            return False
        rest_s = limits.retry_after_s if self.last_failure is None else limits.retry_failed_after_s
        return None in self._fetching or self._tried_at is None or now - self._tried_at >= rest_s

    async def refresh(self) -> None:
        """Fetches the keys from the JWKS address. Concurrent callers share one fetch. If it fails, nothing is raised:
        the cached keys remain, and `last_failure` has the reason.
        """
        await self._fetching.run(None, self._fetch_keys)

    async def aclose(self) -> None:
        """Cancels a running fetch."""
        await self._fetching.aclose()

    async def _fetch_keys(self) -> None:
        try:
            reading = BodyReading(self._limits.max_bytes)
            response = await self._client.request("GET", self._url, headers=_HEADERS, reading=reading)
            self._keys = self._read(self._body_of(response))
        except (EgressError, _FetchFailedError) as failure:
            self.last_failure = str(failure)
        else:
            self._fetched_at = self._clock()
            self.last_failure = None
        self._tried_at = self._clock()
        if self._log is not None:
            self._log.note(self.last_failure)

    def _body_of(self, response: EgressResponse) -> bytes:
        if response.status != _OK:
            raise _FetchFailedError(f"status {response.status}")
        return self._decompressed(response.body, response.headers.get("content-encoding", ""))

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
        if len(body) > self._limits.max_bytes:
            raise _FetchFailedError(f"more than {self._limits.max_bytes} bytes")
        return body

    def _read(self, body: bytes) -> dict[tuple[str | None, str], Key]:
        """Returns the keys in the body of a JWKS response, by key id and algorithm. Raises _FetchFailedError if none is
        usable, since caching that would lock out all users."""
        try:
            document = msgspec.json.decode(body, type=_Document)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise _FetchFailedError("not a JWK set, which is a JSON object with the list `keys`") from None
        if len(document.keys) > self._limits.max_keys:
            raise _FetchFailedError(f"more than {self._limits.max_keys} keys")
        keys: dict[tuple[str | None, str], Key] = {}
        for jwk in document.keys:
            key_id = jwk.get("kid")
            if key_id is None or isinstance(key_id, str):
                keys |= {(key_id, key.algorithm): key for key in keys_of_jwk(jwk)}
        if not keys:
            raise _FetchFailedError(f"no key for {ALGORITHMS_TEXT}{_others(document.keys)}")
        return keys


def _others(jwks: Sequence[Mapping[str, object]]) -> str:
    """Returns a text that says which keys a set has that cannot be used: their types, curves and algorithms."""
    members = ([jwk.get(member) for member in ("kty", "crv", "alg")] for jwk in jwks)
    named = dict.fromkeys(" ".join(each for each in key if isinstance(each, str)) for key in members)
    shown = ", ".join(filter(None, named))[:_OTHERS_MAX]
    return f"; its keys are {shown}" if shown else ""
