"""Verifies tokens (RFC 7519, with the advice of RFC 8725).

    ChatError
     ├── unauthenticated   the token is malformed, has an invalid signature or an invalid claim
     │    └── UnverifiableToken   no key of this server verifies it
     ├── token_expired     the token has expired
     └── unavailable       the keys could not be fetched; the token may be valid

No message contains the token or a part of it.
"""

from __future__ import annotations

from talkwire.core.domain.errors import ChatError
from talkwire.identity.claims import Claims, Identity, decode_claims, identity_of, number_claim
from talkwire.identity.jwks import KeySet
from talkwire.identity.policy import TokenPolicy
from talkwire.identity.signatures import (
    ASYMMETRIC_ALGORITHMS,
    REFUSED_ALGORITHMS,
    Key,
    SignedToken,
    UnverifiableToken,
    parse_compact,
    secret_key,
    unauthenticated,
    verifying_keys,
)

__all__ = ["Identity", "TokenPolicy", "TokenVerifier"]


class TokenVerifier:
    """Verifies tokens by one policy, which has the keys and the required claims. Raises ValueError for an unusable key.

    `key_set` has the keys of the policy's `jwks_url`; None if the policy has none. `aclose` closes it.
    """

    def __init__(self, policy: TokenPolicy, *, key_set: KeySet | None = None) -> None:
        self._policy = policy
        self._keys: dict[str, Key] = {}
        if policy.secret is not None:
            self._add(secret_key(policy.secret))
        if policy.public_key is not None:
            self._add(*verifying_keys(policy.public_key))
        self._key_set = key_set

    def _add(self, *keys: Key) -> None:
        self._keys |= {key.algorithm: key for key in keys}

    async def verify(self, token: str, now: float) -> Identity:
        """Verifies a token and returns the caller's identity. `now` is in seconds since 1970 UTC. Waits only if keys
        must be fetched. Raises ChatError for an invalid token, and if keys cannot be fetched."""
        signed = parse_compact(token)
        key = self._key_at_hand(signed)
        if key is None and self._key_set is not None:
            await self._key_set.refresh()
            key = self._key_set.find(signed.header.kid, signed.header.alg)
        if key is None:
            raise self._no_key()
        return self._identity(signed, key, now)

    def verify_now(self, token: str, now: float) -> Identity | None:
        """Verifies a token like `verify` and raises the same errors, but does not wait: returns None if keys must be
        fetched first.
        """
        signed = parse_compact(token)
        key = self._key_at_hand(signed)
        return None if key is None else self._identity(signed, key, now)

    async def aclose(self) -> None:
        """Cancels a running fetch of keys."""
        if self._key_set is not None:
            await self._key_set.aclose()

    def _key_at_hand(self, signed: SignedToken) -> Key | None:
        """Returns the key that verifies a token; None if keys have to be fetched first. Raises UnverifiableToken for an
        algorithm that no key has, such as `none`, and the error of `_no_key` for an unknown key while no fetch is
        allowed.
        """
        header = signed.header
        if (key := self._keys.get(header.alg)) is not None:
            return key
        if self._key_set is None or header.alg not in ASYMMETRIC_ALGORITHMS:
            raise self._no_algorithm(header.alg)
        key = self._key_set.find(header.kid, header.alg)
        if self._key_set.should_refresh(found=key is not None):
            return None
        if key is None:
            raise self._no_key()
        return key

    def _no_algorithm(self, algorithm: str) -> UnverifiableToken:
        """Returns the error for a token with an algorithm that no key of this server has."""
        accepted = self._keys.keys() | (frozenset() if self._key_set is None else ASYMMETRIC_ALGORITHMS)
        named = algorithm if algorithm in ASYMMETRIC_ALGORITHMS | REFUSED_ALGORITHMS else "another algorithm"
        how = "not signed (`alg` is none)" if algorithm.lower() == "none" else f"signed with {named}"
        return UnverifiableToken(f"The token is {how}. Accepted algorithms: {', '.join(sorted(accepted))}.")

    def _no_key(self) -> ChatError:
        """Returns the error for a token that is signed with an unknown key: `unavailable` while keys cannot be fetched,
        since the key may be a new one; otherwise UnverifiableToken."""
        if self._key_set is not None and self._key_set.last_failure is not None:
            return ChatError("unavailable", "The keys that tokens are signed with could not be fetched. Try again.")
        return UnverifiableToken("The token is signed with an unknown key.")

    def _identity(self, signed: SignedToken, key: Key, now: float) -> Identity:
        if not key.verify(signed.signed, signed.signature):
            raise UnverifiableToken("The token's signature is wrong.")
        claims = decode_claims(signed.payload)
        ends_at = self._end_of(claims, now)
        return identity_of(claims, self._policy, ends_at, signed_with_secret=key.algorithm == "HS256")

    def _end_of(self, claims: Claims, now: float) -> float | None:
        """Returns when sockets and requests with this token have to end, in seconds since 1970 UTC: at the claim `exp`;
        None for a token without `exp`.

        For a token that arrives after `exp` but within the leeway for differing clocks, returns the end of the leeway:
        otherwise its socket would end at once, and the client would reconnect with the same token. Raises
        `token_expired`, and `unauthenticated` for a token that is not valid yet.
        """
        leeway_s = self._policy.leeway_s
        for claim in ("nbf", "iat"):
            begins_at = number_claim(claims, claim)
            if begins_at is not None and begins_at > now + leeway_s:
                raise unauthenticated(f"The token is not valid yet (`{claim}`).")
        expires_at = number_claim(claims, "exp")
        if expires_at is None:
            if self._policy.require_exp:
                raise unauthenticated("The token does not say when it expires (`exp`).")
            return None
        if expires_at <= now - leeway_s:
            raise ChatError("token_expired", "The token has expired.")
        return expires_at if now < expires_at else expires_at + leeway_s
