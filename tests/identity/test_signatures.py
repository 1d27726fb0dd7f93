from __future__ import annotations

import base64
import json

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from talkwire.core.domain.errors import ChatError
from talkwire.identity.signatures import (
    TOKEN_MAX_LENGTH,
    UnverifiableToken,
    key_of_jwk,
    parse_compact,
    public_key,
    secret_key,
    sign_compact,
)
from tests.identity.conftest import KeyPair

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


def test_a_public_key_is_bound_to_the_algorithm_of_its_type(pair: KeyPair) -> None:
    assert public_key(pair.pem).algorithm == pair.algorithm


def test_a_public_key_verifies_what_its_private_key_signed_and_nothing_else(pair: KeyPair) -> None:
    parsed = parse_compact(jwt.encode({}, pair.private, algorithm=pair.algorithm))
    key = public_key(pair.pem)
    assert key.verify(parsed.signed, parsed.signature)
    assert not key.verify(parsed.signed + b" ", parsed.signature)
    assert not key.verify(parsed.signed, parsed.signature[:-1])
    assert not key.verify(parsed.signed, b"")


def test_a_jwk_gives_the_same_key_as_the_pem(pair: KeyPair) -> None:
    parsed = parse_compact(jwt.encode({}, pair.private, algorithm=pair.algorithm))
    key = key_of_jwk(pair.jwk("k1"))
    assert key is not None
    assert key.algorithm == pair.algorithm
    assert key.verify(parsed.signed, parsed.signature)


@pytest.mark.parametrize(
    "members",
    [
        {"use": "enc"},
        {"key_ops": ["encrypt"]},
        {"alg": "RS512"},
        {"alg": "HS256"},
        {"alg": 5},
        {"kty": "oct", "k": "AA"},
        {"d": "AA"},
    ],
)
def test_a_jwk_that_is_not_for_verifying_is_no_key(rs256: KeyPair, members: dict[str, object]) -> None:
    assert key_of_jwk(rs256.jwk("k1", **members)) is None


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
    assert key_of_jwk(jwk) is None
