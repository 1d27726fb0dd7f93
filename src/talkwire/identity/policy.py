"""What an operator demands of tokens, as plain data."""

from __future__ import annotations

from dataclasses import dataclass

OWN_ISSUER = "talkwire"
"""The `iss` of the tokens that we issue."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenPolicy:
    """Which keys and which claims count.

    `secret` verifies HS256; `public_key` (PEM) or `jwks_url`, never both, verifies RS256, ES256 or EdDSA, whichever the
    key is made for. `issuer` and `audience` are compared when set; tokens of our own are exempt from both, since their
    issuer is known. `leeway_s` is how far the clocks of two machines may differ, in seconds. `keep_claims` are claims
    that the application's hooks may read.

    The values of claim `role_claim` that mean `service` and `admin` are settings, because an application may use those
    words for something else.
    """

    secret: str | None = None
    public_key: str | None = None
    jwks_url: str | None = None
    issuer: str | None = None
    audience: str | None = None
    require_exp: bool = True
    role_claim: str = "role"
    service_roles: frozenset[str] = frozenset({"service"})
    admin_roles: frozenset[str] = frozenset({"admin"})
    leeway_s: float = 0.0
    keep_claims: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.public_key is not None and self.jwks_url is not None:
            raise ValueError("A public key and a JWKS address are two answers to one question: set one of them.")
        if self.secret is None and self.public_key is None and self.jwks_url is None:
            raise ValueError("Tokens cannot be verified without a secret, a public key or a JWKS address.")
