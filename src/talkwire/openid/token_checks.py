"""The checks of the claims in tokens that an OpenID provider has signed for this server.

They raise the errors of the library joserfc (`JoseError`), which checks the claims.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from joserfc.jwt import ClaimsOption, JWTClaimsRegistry

from talkwire.core.domain.base64url import to_base64url
from talkwire.openid.profile import Claims


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenChecks:
    """The checks of a token with claims about a user (OpenID Connect Core 1.0, section 5.3.2), from the provider
    `issuer` for the client `client_id`. `leeway_s` is the accepted difference in seconds between the clocks of the
    provider and this server."""

    issuer: str
    client_id: str
    leeway_s: float

    def check(self, claims: Claims, algorithm: str, now_s: float) -> None:
        """Checks the claims of a token that was signed with `algorithm`, at the time `now_s` in seconds since 1970."""
        options = self._options(claims, algorithm)
        JWTClaimsRegistry(int(now_s), round(self.leeway_s), **options).validate(dict(claims))

    def _options(self, claims: Claims, algorithm: str) -> Mapping[str, ClaimsOption]:  # noqa: ARG002 (for ID tokens)
        return {
            "iss": {"essential": True, "value": self.issuer},
            "aud": {"essential": True, "value": self.client_id},
            "sub": {"essential": True},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class IdTokenChecks(TokenChecks):
    """The checks of an ID token (OpenID Connect Core 1.0, section 3.1.3.7) of a sign-in with this nonce, which came
    with `access_token`."""

    nonce: str
    access_token: str | None

    def _options(self, claims: Claims, algorithm: str) -> Mapping[str, ClaimsOption]:
        options: dict[str, ClaimsOption] = {
            **TokenChecks._options(self, claims, algorithm),
            "exp": {"essential": True},
            "iat": {"essential": True},
            "nonce": {"essential": True, "value": self.nonce},
        }
        audiences = claims.get("aud")
        if claims.get("azp") or (isinstance(audiences, list) and len(audiences) > 1):
            options["azp"] = {"essential": True, "value": self.client_id}
        expected = None if self.access_token is None else token_hash(self.access_token, algorithm)
        if claims.get("at_hash") and expected is not None:
            options["at_hash"] = {"value": expected}
        return options


def token_hash(token: str, algorithm: str) -> str | None:
    """Returns the value of the claim `at_hash` for an access token: the left half of its hash, in base64url (OpenID
    Connect Core 1.0, section 3.1.3.6). None for an algorithm that names no hash, such as EdDSA."""
    bits = algorithm[-3:]
    if bits not in {"256", "384", "512"}:
        return None
    digest = hashlib.new(f"sha{bits}", token.encode()).digest()
    return to_base64url(digest[: len(digest) // 2])
