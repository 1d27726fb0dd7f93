"""The requirements that an operator sets for tokens, such as keys, issuer and audience, as plain data."""

from __future__ import annotations

from dataclasses import dataclass

OWN_ISSUER = "talkwire"
"""Claim `iss` of tokens that this server issues."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenPolicy:
    """The requirements for a valid token: the keys that may have signed it, and its issuer and audience; and how its
    claims are read.

    `secret` verifies HS256; either `public_key` or `jwks_url` verifies asymmetric signatures
    (`signatures.ASYMMETRIC_ALGORITHMS`), depending on the key. A token must have one of `issuers` and one of
    `audiences`, unless these are empty. This server's own tokens need neither, since their issuer is known.
    `leeway_s` is the accepted difference in seconds between the clocks of two machines. `keep_claims` are claims that
    the application's hooks can read.

    The values of the claim `role_claim` that mean the roles `service` and `admin` are configurable, because an
    application may use those words for something else. `user_id_claim` is the claim with the user's id; None means
    `sub` and the claims that stand in for it. It, `role_claim` and `keep_claims` are names or paths of claims
    (`claims.claim_of`). Raises ValueError without a key, or with two asymmetric keys.
    """

    secret: str | None = None
    public_key: str | None = None
    jwks_url: str | None = None
    issuers: tuple[str, ...] = ()
    audiences: tuple[str, ...] = ()
    require_exp: bool = True
    user_id_claim: str | None = None
    role_claim: str = "role"
    service_roles: frozenset[str] = frozenset({"service"})
    admin_roles: frozenset[str] = frozenset({"admin"})
    leeway_s: float = 0.0
    keep_claims: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.public_key is not None and self.jwks_url is not None:
            raise ValueError("A public key and a JWKS address exclude each other: set one of them.")
        if self.secret is None and self.public_key is None and self.jwks_url is None:
            raise ValueError("Tokens cannot be verified without a secret, a public key or a JWKS address.")
