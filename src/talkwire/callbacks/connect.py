"""The callback `connect`: asks the application's back end which user a token belongs to that this server cannot
verify.
"""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable
from types import MappingProxyType
from typing import NamedTuple

import msgspec

from talkwire.callbacks.client import CallbackClient, CallbackFailed, CallbackRefusal
from talkwire.callbacks.command_callback import refusal_of
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.model import ActorRole
from talkwire.core.domain.times import ms_of
from talkwire.core.single_flight import SingleFlight
from talkwire.identity.callers import Credentials
from talkwire.identity.claims import LAST_TIME_S, Identity, can_be_kept, display_text
from talkwire.identity.user_ids import user_id_of

CONNECT = "connect"

IDENTITY_KEPT_S = 30.0
"""Seconds for which an identity is used for further REST requests with the same credentials. Sockets always ask."""

IDENTITIES_KEPT_MAX = 10_000
"""Most identities that are kept for further REST requests."""

CLAIMS_MAX_BYTES = 8 * 1024
"""Largest claims of an identity, as JSON in UTF-8, in bytes."""


class _Response(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """The back end's response about a token: the user whom it belongs to, or `error`.

    `expires_at` is ISO 8601, or seconds since 1970 as in a token's `exp`.
    """

    user_id: str | int | None = None
    name: str | None = None
    role: ActorRole = "user"
    claims: dict[str, object] | None = None
    expires_at: str | float | None = None
    error: CallbackRefusal | None = None


class _Kept(NamedTuple):
    identity: Identity
    until: float


class ConnectCallback:
    """The callback `connect`, which asks the back end which user a client's credentials belong to. Implements
    `identity.callers.ForeignTokens`.

    Responses about REST requests are reused for `IDENTITY_KEPT_S` seconds; each connecting socket asks. `clock` returns
    seconds since 1970.
    """

    def __init__(self, client: CallbackClient, clock: Callable[[], float] = time.time) -> None:
        self._client = client
        self._clock = clock
        self._kept: OrderedDict[bytes, _Kept] = OrderedDict()
        self._asking: SingleFlight[bytes, Identity] = SingleFlight()

    def known(self, credentials: Credentials) -> Identity | None:
        """Returns the cached identity of a REST request's credentials. Returns None if the back end has to be asked
        with `identify`, as it always is about a socket's credentials.
        """
        if not credentials.one_request:
            return None
        kept = self._kept.get(_key(credentials))
        return None if kept is None or kept.until <= self._clock() else kept.identity

    async def identify(self, credentials: Credentials) -> Identity:
        """Asks the back end, and returns the user whom the credentials belong to.

        Concurrent REST requests with the same credentials share one callback. Raises ChatError: the back end's refusal,
        `token_expired`, or `unavailable` if the callback fails, whatever the setting `on_failure` is.
        """
        if not credentials.one_request:
            return await self._ask(credentials)
        key = _key(credentials)
        return await self._asking.run(key, lambda: self._ask_and_keep(key, credentials))

    async def _ask_and_keep(self, key: bytes, credentials: Credentials) -> Identity:
        identity = await self._ask(credentials)
        now = self._clock()
        until = (
            now + IDENTITY_KEPT_S if identity.expires_at is None else min(now + IDENTITY_KEPT_S, identity.expires_at)
        )
        self._kept[key] = _Kept(identity, until)
        self._kept.move_to_end(key)
        while len(self._kept) > IDENTITIES_KEPT_MAX:
            self._kept.popitem(last=False)
        return identity

    async def _ask(self, credentials: Credentials) -> Identity:
        headers = {"cookie": credentials.cookie, "authorization": credentials.authorization}
        given = {name: value for name, value in headers.items() if value}
        try:
            response = await self._client.ask(CONNECT, {"token": credentials.token, "headers": given}, _Response)
            identity = _identity(response)
        except CallbackFailed as failure:
            self._client.count_failure(CONNECT, failure, "refuse")
            message = "The application could not be asked about this token. Try again later."
            raise ChatError("unavailable", message) from None
        except ChatError:
            self._client.count(CONNECT, "refused")
            raise
        if identity.expires_at is not None and identity.expires_at <= self._clock():
            self._client.count(CONNECT, "refused")
            raise ChatError("token_expired", "The token has expired.")
        self._client.count(CONNECT, "allowed")
        return identity


def _identity(response: _Response) -> Identity:
    """Returns the user and the claims in the back end's response about a token.

    Raises ChatError if the back end refuses the token, CallbackFailed if the response has invalid values.
    """
    if response.error is not None:
        raise refusal_of(response.error, "unauthenticated", "The application has refused this token.")
    if response.user_id is None:
        raise CallbackFailed("response", "`userId` is missing")
    try:
        user_id = user_id_of(response.user_id)
    except ValueError as error:
        raise CallbackFailed("response", f"`userId` {error}") from None
    claims = response.claims or {}
    if not can_be_kept(claims) or len(msgspec.json.encode(claims)) > CLAIMS_MAX_BYTES:
        raise CallbackFailed("response", f"`claims` are more than {CLAIMS_MAX_BYTES} bytes, or not storable")
    return Identity(
        user_id=user_id,
        name=display_text(response.name),
        role=response.role,
        expires_at=_seconds(response.expires_at),
        session_id=None,
        claims=MappingProxyType(claims),
        issued_by_us=False,
    )


def _seconds(expires_at: str | float | None) -> float | None:
    """Returns the end of a token's validity in seconds since 1970; None if the response has none.

    Raises CallbackFailed for an invalid time.
    """
    if isinstance(expires_at, str):
        try:
            return ms_of("expiresAt", expires_at) / 1000
        except ChatError as error:
            raise CallbackFailed("response", error.message) from None
    if expires_at is not None and not 0 <= expires_at <= LAST_TIME_S:
        raise CallbackFailed("response", "expiresAt: must be in seconds since 1970, or ISO 8601")
    return expires_at


def _key(credentials: Credentials) -> bytes:
    parts = (credentials.token, credentials.cookie, credentials.authorization)
    return hashlib.sha256(msgspec.json.encode(parts)).digest()
