from __future__ import annotations

import base64
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talkwire.core.domain.errors import ChatError
from talkwire.identity.malformed import malformation
from talkwire.identity.policy import TokenPolicy
from talkwire.identity.signatures import parse_compact
from talkwire.identity.tokens import TokenVerifier

SECRET = "0123456789abcdef0123456789abcdef"


def encoded(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


HEADER, CLAIMS = encoded({"alg": "HS256"}), encoded({"sub": "alice"})
JWE = encoded({"alg": "dir", "enc": "A256GCM"})
TOKEN = f"{HEADER}.{CLAIMS}.AAAA"
IV = "AAAAAAAAAAAAAAAA"


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        ("", "is empty"),
        ("undefined", "is the word `undefined`"),
        ("null", "is the word `null`"),
        ("None", "is the word `None`"),
        ("[object Object]", "is the word `[object Object]`"),
        (f'"{TOKEN}"', "in quotation marks"),
        (f"'{TOKEN}'", "in quotation marks"),
        (f"Bearer {TOKEN}", "begins with `Bearer` more than once"),
        (f"bearer Bearer {TOKEN}", "begins with `Bearer` more than once"),
        (f"JWT {TOKEN}", "white space"),
        (TOKEN.replace("AAAA", "AA\nAA"), "white space"),
        (f"token={TOKEN}; path=/", "white space"),
        (json.dumps({"access_token": TOKEN}, separators=(",", ":")), "is JSON"),
        (f"{JWE}..{IV}.{IV}.{IV}", "is encrypted (JWE)"),
        (f"{JWE}.{IV}.{IV}.{IV}.{IV}", "is encrypted (JWE)"),
        (f"{encoded({'alg': 'HS256', 'enc': 1})}..{IV}.{IV}.{IV}", "is encrypted (JWE)"),
        ("ya29.a0AfH6SMB", "it has 2 parts"),
        (f"{HEADER}.{CLAIMS}", "it has 2 parts"),
        (f"{HEADER}.{CLAIMS}.AA.AA.AA", "it has 5 parts"),
        ("nonsense", "is opaque"),
        ("9f2c0f7a-1e0b-4c57-8d2e-3f1f9c3c5a11", "is opaque"),
        ("a.b.c", "first part"),
        (f"{encoded(['HS256'])}.{CLAIMS}.AA", "first part"),
        (f"{encoded({'typ': 'JWT'})}.{CLAIMS}.AA", "first part"),
        (f"{'W' * 8000}.{CLAIMS}.AA", "first part"),
        (f"{HEADER}.{CLAIMS}.AA==", "base64url without padding"),
        (f"{HEADER}.{CLAIMS}.A+A", "base64url without padding"),
        (f"{HEADER}.{CLAIMS}.AR", "base64url without padding"),
        (f"{HEADER}.é.AA", "base64url without padding"),
    ],
)
def test_a_text_that_is_no_token_is_named_and_not_repeated(token: str, expected: str) -> None:
    with pytest.raises(ChatError) as caught:
        parse_compact(token)
    assert expected in caught.value.message
    assert caught.value.code == "unauthenticated"
    assert not any(part in caught.value.message for part in token.split(".") if len(part) > 20)


@given(
    st.one_of(
        st.text(), st.binary().map(lambda data: data.decode("latin-1")), st.from_regex(r"([A-Za-z0-9_=-]*\.){0,6}")
    )
)
def test_any_text_has_a_sentence(token: str) -> None:
    assert re.fullmatch(r"The token .*[.]", malformation(token))


@pytest.mark.parametrize(
    ("algorithm", "named"),
    [
        ("none", "is not signed"),
        ("HS384", "with HS384"),
        ("RS256", "with RS256"),
        ("secret words", "with another algorithm"),
    ],
)
def test_a_refused_algorithm_is_named_with_those_that_are_accepted(algorithm: str, named: str) -> None:
    verifier = TokenVerifier(TokenPolicy(secret=SECRET))
    with pytest.raises(ChatError, match=f"The token .*{named}.* Accepted algorithms: HS256") as caught:
        verifier.verify_now(f"{encoded({'alg': algorithm})}.{CLAIMS}.AAAA", 0)
    assert "words" not in caught.value.message
