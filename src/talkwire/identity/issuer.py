"""Issues this server's own tokens: for users who sign in on this server, and for the command `talkwire token`."""

from __future__ import annotations

import hmac
import math
import secrets
import time
from collections.abc import Callable, Mapping
from hashlib import sha256

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from talkwire.core.domain.base64url import to_base64url
from talkwire.core.domain.errors import ChatError, invalid
from talkwire.core.domain.texts import check_id
from talkwire.identity.claims import LAST_TIME_S
from talkwire.identity.policy import OWN_ISSUER
from talkwire.identity.signatures import TOKEN_MAX_LENGTH, secret_key, sign_compact

_OWN_CLAIMS = frozenset({"iss", "sub", "iat", "exp", "jti", "sid", "idp"})

_REFRESH_PURPOSE = b"talkwire refresh tokens"


class TokenIssuer:
    """Signs tokens with HS256 and the server's secret. `clock` returns seconds since 1970 UTC. Raises ValueError for an
    unusable secret."""

    def __init__(self, secret: str, clock: Callable[[], float] = time.time) -> None:
        secret_key(secret)
        self._secret = secret
        self._clock = clock
        self._refresh_key = HKDF(SHA256(), 32, salt=None, info=_REFRESH_PURPOSE).derive(secret.encode())

    def refresh_token(self, session_id: str, secret: str) -> str:
        """Returns the refresh token of a signed-in device: `session_id`, `secret` and a MAC of both, joined by dots."""
        mac = hmac.digest(self._refresh_key, f"{session_id}.{secret}".encode("utf-8", "surrogatepass"), sha256)
        return f"{session_id}.{secret}.{to_base64url(mac[:18])}"

    def has_issued(self, refresh_token: str) -> bool:
        """Returns whether a server with this secret has issued the refresh token at any time."""
        session_id, _, secret = refresh_token.rpartition(".")[0].partition(".")
        both = self.refresh_token(session_id, secret), refresh_token
        return hmac.compare_digest(*(each.encode("utf-8", "surrogatepass") for each in both))

    def issue(  # noqa: PLR0913 - each is one claim, and all but two may be left out
        self,
        user_id: str,
        *,
        ttl_s: float,
        name: str | None = None,
        role: str | None = None,
        session_id: str | None = None,
        provider: str | None = None,
        claims: Mapping[str, object] | None = None,
    ) -> str:
        """Returns a token for `user_id` that is valid for `ttl_s` seconds, rounded up to a whole second.

        `session_id` is the signed-in device, `provider` the issuer of the OpenID provider that it used; `claims` are
        further claims, as JSON values. Raises ChatError: `invalid_request` for an invalid id, duration or claim,
        `payload_too_large` if the token would be too long.
        """
        check_id("userId", user_id)
        if not (math.isfinite(ttl_s) and ttl_s > 0):
            raise invalid("ttl", "must be more than 0 seconds")
        further = dict(claims or {})
        if taken := sorted(_OWN_CLAIMS & further.keys()):
            raise invalid(f"claims.{taken[0]}", "is set by the server")
        now = self._clock()
        if now + ttl_s > LAST_TIME_S:
            raise invalid("ttl", "must end before the year 10000")
        given = {"name": name, "role": role, "sid": session_id, "idp": provider}
        token = sign_compact(
            {
                "iss": OWN_ISSUER,
                "sub": user_id,
                "iat": int(now),
                "exp": math.ceil(now + ttl_s),
                "jti": secrets.token_urlsafe(12),
                **further,
                **{claim: value for claim, value in given.items() if value is not None},
            },
            self._secret,
        )
        if len(token) > TOKEN_MAX_LENGTH:
            raise ChatError("payload_too_large", f"The token would be longer than {TOKEN_MAX_LENGTH} characters.")
        return token
