from __future__ import annotations

import math

import jwt
import pytest

from talkwire.core.domain.errors import ChatError
from talkwire.identity.issuer import TokenIssuer
from talkwire.identity.signatures import TOKEN_MAX_LENGTH
from talkwire.identity.tokens import TokenPolicy, TokenVerifier
from tests.identity.conftest import Clock

SECRET = "0123456789abcdef0123456789abcdef"
OWN_ID = "8000000000000042"


@pytest.fixture
def issuer(clock: Clock) -> TokenIssuer:
    return TokenIssuer(SECRET, clock)


def test_the_verifier_recognises_our_tokens(issuer: TokenIssuer, clock: Clock) -> None:
    token = issuer.issue(OWN_ID, name="Alice", role="admin", ttl_s=60, session_id="s1", claims={"department": "sales"})
    identity = TokenVerifier(TokenPolicy(secret=SECRET)).verify_now(token, clock.now)
    assert identity is not None
    assert identity.issued_by_us
    assert (identity.user_id, identity.name, identity.role) == (OWN_ID, "Alice", "admin")
    assert (identity.session_id, identity.expires_at) == ("s1", clock.now + 60)
    assert identity.claims == {"role": "admin", "department": "sales"}


def test_any_library_can_read_our_tokens(issuer: TokenIssuer, clock: Clock) -> None:
    clock.now = 4_000_000_000.25
    claims = jwt.decode(issuer.issue("alice", ttl_s=60), SECRET, algorithms=["HS256"], options={"verify_iat": False})
    jti = claims.pop("jti")
    assert len(jti) == 16
    assert claims == {"iss": "talkwire", "sub": "alice", "iat": 4_000_000_000, "exp": 4_000_000_061}


def test_two_tokens_are_never_the_same(issuer: TokenIssuer) -> None:
    assert issuer.issue("alice", ttl_s=60) != issuer.issue("alice", ttl_s=60)


@pytest.mark.parametrize("user_id", ["", "me", "a/b", "a b", "a" * 129])
def test_an_id_that_is_not_possible_is_refused(issuer: TokenIssuer, user_id: str) -> None:
    with pytest.raises(ChatError, match="userId"):
        issuer.issue(user_id, ttl_s=60)


@pytest.mark.parametrize("ttl_s", [0, -1, 10**12, math.inf, math.nan])
def test_a_token_lives_for_a_while_and_not_for_ever(issuer: TokenIssuer, ttl_s: float) -> None:
    with pytest.raises(ChatError, match="ttl"):
        issuer.issue("alice", ttl_s=ttl_s)


@pytest.mark.parametrize("claim", ["iss", "sub", "iat", "exp", "jti", "sid"])
def test_further_claims_cannot_replace_the_server_s(issuer: TokenIssuer, claim: str) -> None:
    with pytest.raises(ChatError, match=f"claims.{claim}"):
        issuer.issue("alice", ttl_s=60, claims={claim: "x"})


def test_a_token_that_no_server_would_accept_is_not_issued(issuer: TokenIssuer) -> None:
    with pytest.raises(ChatError) as caught:
        issuer.issue("alice", ttl_s=60, claims={"note": "a" * TOKEN_MAX_LENGTH})
    assert caught.value.code == "payload_too_large"


def test_an_empty_secret_signs_nothing() -> None:
    with pytest.raises(ValueError, match="empty"):
        TokenIssuer("")
