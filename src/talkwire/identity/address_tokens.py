"""Issues and verifies the tokens that may stand in an address: of a file, or of an export.

A browser loads pictures and downloads by their address alone, without a header. Addresses are copied, and kept in logs
and caches. So a token in an address opens only what it was issued for, and never signs anybody in.
"""

from __future__ import annotations

from math import ceil
from types import MappingProxyType
from typing import Final, Literal, NamedTuple

import msgspec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.model import NO_CLAIMS, ActorRole
from talkwire.identity.claims import Identity
from talkwire.identity.signatures import unauthenticated
from talkwire.identity.signed_claims import ClaimsSigner

Purpose = Literal["files", "export"]
"""Purpose of an address token: to open files and their thumbnails, or an export of a user's data."""

ADDRESS_TOKEN_PREFIX: Final = "address."  # noqa: S105 (the prefix of all tokens)
"""Beginning of each address token. No JSON Web Token begins like this."""

_LIFETIMES_S = MappingProxyType({"files": 12 * 3600, "export": 60})
_KEY_PURPOSE = b"talkwire address token 1\n"


class _Claims(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    purpose: Purpose
    user_id: str
    role: ActorRole
    session_id: str | None
    provider: str | None
    expires_at: int


class AddressToken(NamedTuple):
    """A token for addresses, and when it expires, in seconds since 1970 UTC."""

    token: str
    expires_at: int


class AddressTokens:
    """Issues and verifies address tokens with a key that is derived from a secret of all nodes."""

    def __init__(self, secret: bytes) -> None:
        key = HKDF(SHA256(), 32, salt=None, info=_KEY_PURPOSE).derive(secret)
        self._signer = ClaimsSigner(key, _Claims)

    def issue(self, user_id: str, identity: Identity | None, purpose: Purpose, now: float) -> AddressToken:
        """Returns a token for addresses that the user loads. `identity` is that of the user's access token; None for a
        development sign-in.

        A token for files expires after 12 to 24 hours, and one for an export after one to two minutes; neither outlives
        an access token that belongs to no session. Within half of that time the token stays the same, so that browsers
        find in their cache what they have loaded from the same address.
        """
        lifetime_s = _LIFETIMES_S[purpose]
        expires_at = (ceil(now / lifetime_s) + 1) * lifetime_s
        if identity is None:
            claims = _Claims(purpose, user_id, "user", None, None, expires_at)
        else:
            if identity.session_id is None and identity.expires_at is not None:
                expires_at = min(expires_at, int(identity.expires_at))
            claims = _Claims(purpose, user_id, identity.role, identity.session_id, identity.provider, expires_at)
        return AddressToken(ADDRESS_TOKEN_PREFIX + self._signer.sign(claims), expires_at)

    def identity(self, token: str, purpose: Purpose | None, now: float) -> Identity:
        """Returns the identity in an address token for a request that `purpose` describes; None describes one that no
        address token opens. Raises ChatError for any other token: `token_expired` or `unauthenticated`."""
        claims = self._signer.read(token.removeprefix(ADDRESS_TOKEN_PREFIX))
        if claims is None:
            raise unauthenticated("The token's signature is wrong.")
        if claims.purpose != purpose:
            raise unauthenticated(f"This token is only for addresses ({claims.purpose}). Use an access token here.")
        if claims.expires_at <= now:
            raise ChatError("token_expired", "The token has expired.")
        return Identity(
            user_id=claims.user_id,
            name=None,
            role=claims.role,
            expires_at=claims.expires_at,
            session_id=claims.session_id,
            claims=NO_CLAIMS,
            issued_by_us=True,
            provider=claims.provider,
        )
