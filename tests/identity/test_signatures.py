from __future__ import annotations

import base64
import json

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st

from talkwire.core.domain.errors import ChatError
from talkwire.identity.signatures import (
    ALGORITHMS_TEXT,
    ASYMMETRIC_ALGORITHMS,
    TOKEN_MAX_LENGTH,
    UnverifiableToken,
    keys_of_jwk,
    parse_compact,
    secret_key,
    sign_compact,
    verifying_keys,
)
from tests.identity.conftest import KeyPair, of_algorithm
from tests.identity.private_keys import PRIVATE

SECRET = "0123456789abcdef0123456789abcdef"


def encoded(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def test_a_token_is_taken_apart_as_pyjwt_put_it_together() -> None:
    token = jwt.encode({"sub": "alice"}, SECRET, headers={"kid": "k1"})
    parsed = parse_compact(token)
    assert (parsed.header.alg, parsed.header.kid) == ("HS256", "k1")
    assert parsed.payload == b'{"sub":"alice"}'
    assert secret_key(SECRET).verify(parsed.signed, parsed.signature)


def test_pyjwt_accepts_what_we_sign() -> None:
    claims: dict[str, object] = {"sub": "ålice", "exp": 4_000_000_000}
    assert jwt.decode(sign_compact(claims, SECRET), SECRET, algorithms=["HS256"]) == claims


@given(st.binary(max_size=40))
def test_a_signature_of_any_length_is_read_back(data: bytes) -> None:
    part = base64.urlsafe_b64encode(data).rstrip(b"=").decode()
    assert parse_compact(f"{encoded({'alg': 'HS256'})}.{part}.{part}").signature == data


HEADER = encoded({"alg": "HS256"})


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "..",
        "a.b.c",
        f"{HEADER}.e30",
        f"{HEADER}.e30.AA.AA",
        f"{HEADER}.e30.AA.AA.AA",
        f"{HEADER}.e30.AA==",
        f"{HEADER}.e30.A",
        f"{HEADER}.e30.A+A",
        f"{HEADER}.e30.A/A",
        f"{HEADER}.e30.A A",
        f"{HEADER}.e30.AA\n",
        f"{HEADER}.e30.ÅA",
        f"{HEADER}.e30.\udc80A",
        f"{encoded({'alg': None})}.e30.AA",
        f"{encoded({'typ': 'JWT'})}.e30.AA",
        f"{encoded({'alg': 'HS256', 'kid': 1})}.e30.AA",
        f"{encoded(['HS256'])}.e30.AA",
        f"{base64.urlsafe_b64encode(b'[' * 3000).decode()}.e30.AA",
    ],
)
def test_a_text_that_is_no_compact_token_is_refused(token: str) -> None:
    with pytest.raises(UnverifiableToken, match="The token ") as caught:
        parse_compact(token)
    assert caught.value.code == "unauthenticated"


def test_a_second_spelling_of_a_signature_is_malformed() -> None:
    assert parse_compact(f"{HEADER}.e30.AQ").signature == b"\x01"
    with pytest.raises(ChatError, match="malformed"):
        parse_compact(f"{HEADER}.e30.AR")


def test_a_token_with_a_critical_extension_is_refused() -> None:
    header = encoded({"alg": "HS256", "crit": ["b64"], "b64": False})
    with pytest.raises(ChatError, match="extension"):
        parse_compact(f"{header}.e30.AA")


def test_a_token_over_the_limit_is_refused_unread() -> None:
    with pytest.raises(ChatError, match=f"has {TOKEN_MAX_LENGTH + 1} characters, and at most {TOKEN_MAX_LENGTH}"):
        parse_compact("a" * (TOKEN_MAX_LENGTH + 1))


@pytest.mark.parametrize("secret", ["", "-----BEGIN PUBLIC KEY-----\nMCow", "ssh-rsa AAAA"])
def test_a_secret_that_is_empty_or_a_key_file_is_refused(secret: str) -> None:
    with pytest.raises(ValueError, match="The secret is"):
        secret_key(secret)


@pytest.mark.parametrize("algorithm", PRIVATE)
def test_every_asymmetric_algorithm_verifies_what_its_private_key_signed_and_nothing_else(algorithm: str) -> None:
    pair = KeyPair(algorithm, PRIVATE[algorithm])
    parsed = parse_compact(jwt.encode({}, pair.private, algorithm=algorithm))
    for keys in (verifying_keys(pair.pem), keys_of_jwk(pair.jwk("k1")), keys_of_jwk(pair.jwk("k1", alg=algorithm))):
        key = of_algorithm(keys, algorithm)
        assert key.verify(parsed.signed, parsed.signature)
        assert not key.verify(parsed.signed + b" ", parsed.signature)
        assert not key.verify(parsed.signed, parsed.signature[:-1])
        assert not key.verify(parsed.signed, b"")
        assert [other.algorithm for other in keys if other.verify(parsed.signed, parsed.signature)] == [algorithm]
    for other in PRIVATE.values():
        if other is not pair.private:
            of_others = verifying_keys(KeyPair("", other).pem)
            assert not any(key.verify(parsed.signed, parsed.signature) for key in of_others)


def test_all_of_them_are_listed_and_no_other() -> None:
    assert PRIVATE.keys() == ASYMMETRIC_ALGORITHMS
    assert ALGORITHMS_TEXT.replace(" or ", ", ").split(", ") == list(PRIVATE)


@pytest.mark.parametrize("algorithm", PRIVATE)
def test_a_jwk_with_an_algorithm_is_bound_to_it(algorithm: str) -> None:
    pair = KeyPair(algorithm, PRIVATE[algorithm])
    assert [key.algorithm for key in keys_of_jwk(pair.jwk("k1", alg=algorithm))] == [algorithm]


@pytest.mark.parametrize("bits", [1024, 2047])
def test_a_short_rsa_key_verifies_nothing(bits: int) -> None:
    pair = KeyPair("RS256", rsa.generate_private_key(public_exponent=65537, key_size=bits))
    assert keys_of_jwk(pair.jwk("k1")) == ()
    with pytest.raises(ValueError, match="it must be RSA of at least 2048 bits"):
        verifying_keys(pair.pem)


@pytest.mark.parametrize(
    "members",
    [
        {"use": "enc"},
        {"key_ops": ["encrypt"]},
        {"alg": "ES256"},
        {"alg": "RS1"},
        {"alg": "HS256"},
        {"alg": 5},
        {"kty": "oct", "k": "AA"},
        {"d": "AA"},
    ],
)
def test_a_jwk_that_is_not_for_verifying_is_no_key(rs256: KeyPair, members: dict[str, object]) -> None:
    assert keys_of_jwk(rs256.jwk("k1", **members)) == ()


@pytest.mark.parametrize(
    "jwk",
    [
        {},
        {"kty": 5},
        {"kty": "RSA"},
        {"kty": "RSA", "n": 5, "e": []},
        {"kty": "EC", "crv": "P-256", "x": "", "y": ""},
        {"kty": "OKP"},
    ],
)
def test_a_broken_jwk_is_no_key(jwk: dict[str, object]) -> None:
    assert keys_of_jwk(jwk) == ()
