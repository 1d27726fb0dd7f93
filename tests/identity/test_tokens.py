from __future__ import annotations

import base64
import hashlib
import hmac
import json

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from talkwire.core.domain.errors import ChatError
from talkwire.egress import EgressClient
from talkwire.identity.jwks import KeySet
from talkwire.identity.tokens import Identity, TokenPolicy, TokenVerifier
from tests.identity.conftest import Clock, KeyPair, KeyServer

SECRET = "0123456789abcdef0123456789abcdef"
NOW = 1_800_000_000.0
LATER = NOW + 60


def verified(token: str, policy: TokenPolicy, now: float = NOW) -> Identity:
    identity = TokenVerifier(policy).verify_now(token, now)
    assert identity is not None
    return identity


def refusal(token: str, policy: TokenPolicy, now: float = NOW) -> str:
    with pytest.raises(ChatError) as caught:
        TokenVerifier(policy).verify_now(token, now)
    assert not token or token not in str(caught.value)
    return caught.value.code


def by_hand(header: dict[str, object], claims: dict[str, object], mac_key: bytes | None) -> str:
    """A token that PyJWT would refuse to make."""

    def part(data: bytes) -> str:
        return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

    signed = f"{part(json.dumps(header).encode())}.{part(json.dumps(claims).encode())}"
    signature = b"" if mac_key is None else hmac.digest(mac_key, signed.encode(), hashlib.sha256)
    return f"{signed}.{part(signature)}"


def test_a_token_signed_with_the_secret_is_verified() -> None:
    identity = verified(jwt.encode({"sub": "alice", "exp": LATER}, SECRET), TokenPolicy(secret=SECRET))
    assert identity == Identity(
        user_id="alice",
        name=None,
        role="user",
        expires_at=LATER,
        session_id=None,
        claims={},
        issued_by_us=False,
    )


def test_a_token_signed_with_a_private_key_is_verified_by_the_public_one(pair: KeyPair) -> None:
    token = jwt.encode({"sub": "alice", "exp": LATER}, pair.private, algorithm=pair.algorithm)
    assert verified(token, TokenPolicy(public_key=pair.pem)).user_id == "alice"


def test_a_secret_and_a_public_key_work_side_by_side(pair: KeyPair) -> None:
    policy = TokenPolicy(secret=SECRET, public_key=pair.pem)
    claims = {"sub": "alice", "exp": LATER, "iss": "talkwire"}
    assert verified(jwt.encode(claims, SECRET), policy).issued_by_us
    assert not verified(jwt.encode(claims, pair.private, algorithm=pair.algorithm), policy).issued_by_us


async def test_the_waiting_form_gives_the_same_answers() -> None:
    verifier = TokenVerifier(TokenPolicy(secret=SECRET))
    token = jwt.encode({"sub": "alice", "exp": LATER}, SECRET)
    assert await verifier.verify(token, NOW) == verifier.verify_now(token, NOW)
    with pytest.raises(ChatError):
        await verifier.verify(token + "A", NOW)
    await verifier.aclose()


# --- keys ---------------------------------------------------------------------------------------------------------


def test_another_secret_is_refused() -> None:
    assert (
        refusal(jwt.encode({"sub": "a", "exp": LATER}, SECRET[::-1]), TokenPolicy(secret=SECRET)) == "unauthenticated"
    )


def test_another_private_key_is_refused(rs256: KeyPair, es256: KeyPair) -> None:
    token = jwt.encode({"sub": "a", "exp": LATER}, es256.private, algorithm="ES256")
    assert refusal(token, TokenPolicy(public_key=rs256.pem)) == "unauthenticated"


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "", "HS256 "])
def test_a_token_without_a_signature_is_refused(alg: str, pair: KeyPair) -> None:
    token = by_hand({"alg": alg}, {"sub": "a", "exp": LATER}, None)
    assert refusal(token, TokenPolicy(secret=SECRET, public_key=pair.pem)) == "unauthenticated"


def test_an_empty_signature_is_refused(pair: KeyPair) -> None:
    for algorithm in ("HS256", pair.algorithm):
        token = by_hand({"alg": algorithm}, {"sub": "a", "exp": LATER}, None)
        assert refusal(token, TokenPolicy(secret=SECRET, public_key=pair.pem)) == "unauthenticated"


def test_a_public_key_is_never_a_secret(pair: KeyPair) -> None:
    """The confusion of RFC 8725, section 2.1: a token signed with HS256, with the well-known public key
    as the secret.
    """
    for header_algorithm in ("HS256", pair.algorithm):
        token = by_hand({"alg": header_algorithm}, {"sub": "a", "exp": LATER}, pair.pem.encode())
        assert refusal(token, TokenPolicy(public_key=pair.pem)) == "unauthenticated"
        assert refusal(token, TokenPolicy(secret=SECRET, public_key=pair.pem)) == "unauthenticated"


@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
def test_a_longer_hash_with_the_right_secret_is_refused(algorithm: str) -> None:
    token = jwt.encode({"sub": "a", "exp": LATER}, SECRET * 2, algorithm=algorithm)
    assert refusal(token, TokenPolicy(secret=SECRET * 2)) == "unauthenticated"


def test_a_key_inside_the_token_is_ignored(rs256: KeyPair, es256: KeyPair) -> None:
    headers = {"jwk": es256.jwk("k1"), "jku": "https://evil.example/jwks", "x5u": "https://evil.example/cert"}
    token = jwt.encode({"sub": "a", "exp": LATER}, es256.private, algorithm="ES256", headers=headers)
    assert refusal(token, TokenPolicy(public_key=rs256.pem)) == "unauthenticated"


def test_a_useless_key_is_found_out_when_the_verifier_is_made(pair: KeyPair) -> None:
    with pytest.raises(ValueError, match="secret"):
        TokenVerifier(TokenPolicy(secret=pair.pem))
    with pytest.raises(ValueError, match="PEM"):
        TokenVerifier(TokenPolicy(public_key="abc"))


# --- times --------------------------------------------------------------------------------------------------------


def test_an_expired_token_has_a_code_of_its_own() -> None:
    token = jwt.encode({"sub": "a", "exp": NOW}, SECRET)
    policy = TokenPolicy(secret=SECRET)
    assert verified(token, policy, now=NOW - 0.5).expires_at == NOW
    assert refusal(token, policy, now=NOW) == "token_expired"


def test_an_expired_token_with_a_wrong_signature_is_not_called_expired() -> None:
    token = jwt.encode({"sub": "a", "exp": NOW - 5}, SECRET[::-1])
    assert refusal(token, TokenPolicy(secret=SECRET)) == "unauthenticated"


def test_a_token_must_expire_unless_the_policy_allows_otherwise() -> None:
    token = jwt.encode({"sub": "a"}, SECRET)
    assert refusal(token, TokenPolicy(secret=SECRET)) == "unauthenticated"
    assert verified(token, TokenPolicy(secret=SECRET, require_exp=False)).expires_at is None


def test_a_token_that_does_expire_expires_though_it_need_not() -> None:
    token = jwt.encode({"sub": "a", "exp": NOW}, SECRET)
    assert refusal(token, TokenPolicy(secret=SECRET, require_exp=False)) == "token_expired"


def test_a_token_is_refused_before_its_time() -> None:
    token = jwt.encode({"sub": "a", "exp": LATER, "nbf": NOW + 10}, SECRET)
    policy = TokenPolicy(secret=SECRET)
    assert refusal(token, policy, now=NOW + 9) == "unauthenticated"
    assert verified(token, policy, now=NOW + 10).user_id == "a"


def test_leeway_forgives_a_difference_of_clocks_both_ways() -> None:
    token = jwt.encode({"sub": "a", "nbf": NOW, "exp": LATER}, SECRET)
    policy = TokenPolicy(secret=SECRET, leeway_s=5)
    assert verified(token, policy, now=NOW - 5).user_id == "a"
    assert verified(token, policy, now=LATER + 4.9).user_id == "a"
    assert refusal(token, policy, now=NOW - 5.1) == "unauthenticated"
    assert refusal(token, policy, now=LATER + 5) == "token_expired"


def test_a_token_issued_in_the_future_is_not_valid_yet() -> None:
    token = jwt.encode({"sub": "a", "iat": NOW + 10, "exp": LATER}, SECRET)
    assert refusal(token, TokenPolicy(secret=SECRET, leeway_s=9)) == "unauthenticated"
    assert verified(token, TokenPolicy(secret=SECRET, leeway_s=10)).user_id == "a"


def test_a_token_that_came_in_time_ends_when_it_says() -> None:
    policy = TokenPolicy(secret=SECRET, leeway_s=10)
    assert verified(jwt.encode({"sub": "a", "exp": LATER}, SECRET), policy, now=LATER - 0.1).expires_at == LATER


def test_a_token_that_came_late_ends_when_it_would_be_refused() -> None:
    """If it ended at `exp`, it would end at once, and a client that reconnects with the same token would be accepted
    again.
    """
    policy = TokenPolicy(secret=SECRET, leeway_s=10)
    token = jwt.encode({"sub": "a", "exp": LATER}, SECRET)
    assert verified(token, policy, now=LATER).expires_at == LATER + 10
    assert verified(token, policy, now=LATER + 9.9).expires_at == LATER + 10
    assert refusal(token, policy, now=LATER + 10) == "token_expired"


@pytest.mark.parametrize("exp", ["1800000060", True, [LATER], 1e300, -(10**40)])
def test_a_time_that_is_no_number_of_seconds_is_refused(exp: object) -> None:
    assert (
        refusal(by_hand({"alg": "HS256"}, {"sub": "a", "exp": exp}, SECRET.encode()), TokenPolicy(secret=SECRET))
        == "unauthenticated"
    )


@pytest.mark.parametrize("claim", ["exp", "nbf", "iat"])
def test_a_time_in_milliseconds_is_refused_with_what_to_do(claim: str) -> None:
    claims = {"sub": "a", "exp": LATER, "nbf": NOW, "iat": NOW, claim: LATER * 1000}
    token = by_hand({"alg": "HS256"}, claims, SECRET.encode())
    with pytest.raises(ChatError) as caught:
        TokenVerifier(TokenPolicy(secret=SECRET)).verify_now(token, NOW)
    assert caught.value.code == "unauthenticated"
    assert caught.value.message == (
        f"The token's `{claim}` lies after the year 9999: it must be in seconds since 1970, not in milliseconds."
    )


# --- garbage ------------------------------------------------------------------------------------------------------

VERIFIER = TokenVerifier(TokenPolicy(secret=SECRET))
GOOD = jwt.encode({"sub": "alice", "exp": LATER}, SECRET)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
CLAIMS = st.sampled_from(
    ["sub", "userId", "id", "_id", "name", "email", "role", "permissions", "exp", "nbf", "iss", "aud", "sid"]
)


@given(st.text(alphabet=st.characters()) | st.from_regex(r"[\w=+/-]*\.[\w=+/-]*\.[\w=+/-]*", fullmatch=True))
def test_garbage_gets_a_refusal_and_nothing_else(token: str) -> None:
    with pytest.raises(ChatError) as caught:
        VERIFIER.verify_now(token, NOW)
    assert caught.value.code == "unauthenticated"


@given(st.integers(0, len(GOOD) - 1), st.characters(codec="utf-8"))
def test_a_token_with_one_letter_changed_is_refused(position: int, letter: str) -> None:
    token = GOOD[:position] + letter + GOOD[position + 1 :]
    if token != GOOD:
        with pytest.raises(ChatError):
            VERIFIER.verify_now(token, NOW)


@given(st.dictionaries(CLAIMS, JSON))
def test_signed_claims_of_any_shape_get_an_identity_or_a_refusal(claims: dict[str, object]) -> None:
    try:
        identity = VERIFIER.verify_now(by_hand({"alg": "HS256"}, claims, SECRET.encode()), NOW)
    except ChatError as error:
        assert error.code in {"unauthenticated", "token_expired"}  # noqa: PT017 - either outcome is right
    else:
        assert identity is not None
        assert 0 < len(identity.user_id) <= 128
        assert identity.expires_at is not None


@given(st.dictionaries(st.sampled_from(["alg", "kid", "typ", "crit", "b64", "zip"]), JSON))
def test_a_header_of_any_shape_gets_an_identity_only_with_our_algorithm(header: dict[str, object]) -> None:
    token = by_hand(header, {"sub": "a", "exp": LATER}, SECRET.encode())
    try:
        VERIFIER.verify_now(token, NOW)
    except ChatError:
        return
    assert header["alg"] == "HS256"
    assert "crit" not in header


# --- keys that are fetched ------------------------------------------------------------------------------------------


def signed_with(pair: KeyPair, key_id: str | None) -> str:
    headers = None if key_id is None else {"kid": key_id}
    return jwt.encode({"sub": "alice", "exp": LATER}, pair.private, algorithm=pair.algorithm, headers=headers)


async def test_fetched_keys_are_cached(http_client: EgressClient, key_server: KeyServer, pair: KeyPair) -> None:
    key_server.publish(pair.jwk("k1"))
    verifier = TokenVerifier(TokenPolicy(jwks_url=key_server.url), key_set=KeySet(key_server.url, http_client))
    token = signed_with(pair, "k1")
    assert verifier.verify_now(token, NOW) is None
    assert (await verifier.verify(token, NOW)).user_id == "alice"
    identity = verifier.verify_now(token, NOW)
    assert identity is not None
    assert identity.user_id == "alice"
    assert key_server.requests == 1
    await verifier.aclose()


async def test_a_token_of_ours_never_waits_for_keys(http_client: EgressClient, key_server: KeyServer) -> None:
    verifier = TokenVerifier(
        TokenPolicy(secret=SECRET, jwks_url=key_server.url), key_set=KeySet(key_server.url, http_client)
    )
    assert verifier.verify_now(GOOD, NOW) is not None
    assert key_server.requests == 0


async def test_a_new_key_is_fetched_when_a_token_names_it(
    http_client: EgressClient, key_server: KeyServer, clock: Clock, rs256: KeyPair, es256: KeyPair
) -> None:
    key_server.publish(rs256.jwk("old"))
    key_set = KeySet(key_server.url, http_client, clock=clock)
    verifier = TokenVerifier(TokenPolicy(jwks_url=key_server.url), key_set=key_set)
    await verifier.verify(signed_with(rs256, "old"), NOW)

    key_server.publish(es256.jwk("new"))
    clock.now += 31
    assert (await verifier.verify(signed_with(es256, "new"), NOW)).user_id == "alice"
    with pytest.raises(ChatError, match="unknown key"):
        verifier.verify_now(signed_with(rs256, "old"), NOW)
    await verifier.aclose()


async def test_tokens_with_invented_keys_do_not_become_requests(
    http_client: EgressClient, key_server: KeyServer, clock: Clock, rs256: KeyPair
) -> None:
    key_server.publish(rs256.jwk("k1"))
    verifier = TokenVerifier(
        TokenPolicy(jwks_url=key_server.url), key_set=KeySet(key_server.url, http_client, clock=clock)
    )
    await verifier.verify(signed_with(rs256, "k1"), NOW)
    for number in range(20):
        with pytest.raises(ChatError, match="unknown key"):
            await verifier.verify(signed_with(rs256, f"invented-{number}"), NOW)
    assert key_server.requests == 1
    await verifier.aclose()


async def test_a_published_secret_verifies_nothing(
    http_client: EgressClient, key_server: KeyServer, rs256: KeyPair
) -> None:
    known = base64.urlsafe_b64encode(SECRET.encode()).decode().rstrip("=")
    key_server.publish(rs256.jwk("k1"), {"kty": "oct", "kid": "k2", "k": known, "alg": "HS256"})
    verifier = TokenVerifier(TokenPolicy(jwks_url=key_server.url), key_set=KeySet(key_server.url, http_client))
    await verifier.verify(signed_with(rs256, "k1"), NOW)
    with pytest.raises(ChatError, match=r"with HS256\. Accepted algorithms: ES256, ES384, ES512, EdDSA, PS256"):
        await verifier.verify(jwt.encode({"sub": "a", "exp": LATER}, SECRET, headers={"kid": "k2"}), NOW)
    await verifier.aclose()


async def test_a_key_s_name_with_another_algorithm_finds_nothing(
    http_client: EgressClient, key_server: KeyServer, rs256: KeyPair, es256: KeyPair
) -> None:
    key_server.publish(rs256.jwk("k1"))
    verifier = TokenVerifier(TokenPolicy(jwks_url=key_server.url), key_set=KeySet(key_server.url, http_client))
    with pytest.raises(ChatError, match="unknown key"):
        await verifier.verify(signed_with(es256, "k1"), NOW)
    await verifier.aclose()


async def test_without_keys_a_token_is_not_called_bad(
    http_client: EgressClient, key_server: KeyServer, rs256: KeyPair
) -> None:
    key_server.status = 503
    verifier = TokenVerifier(TokenPolicy(jwks_url=key_server.url), key_set=KeySet(key_server.url, http_client))
    for _ in range(2):
        with pytest.raises(ChatError) as caught:
            await verifier.verify(signed_with(rs256, "k1"), NOW)
        assert caught.value.code == "unavailable"
    assert key_server.requests == 1
    await verifier.aclose()
