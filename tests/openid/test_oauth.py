"""The requests that a sign-in sends to a provider."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import pytest

from talkwire.openid.oauth import OAuthClient
from talkwire.openid.pending import Destination, PendingSignIn

# The verifier and its challenge are the example of RFC 7636, appendix B.
PENDING = PendingSignIn(
    "a state&more",
    "n-1",
    "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
    "https://chat.example.com/callback?a=b",
    Destination(),
)


@pytest.mark.parametrize(
    ("endpoint", "before"),
    [
        ("https://login.example.com/authorize", []),
        ("https://login.example.com/authorize?tenant=a%26b&x=", [("tenant", "a&b"), ("x", "")]),
        ("https://login.example.com/authorize?", []),
    ],
)
def test_the_parameters_of_the_endpoint_stay(endpoint: str, before: list[tuple[str, str]]) -> None:
    url = OAuthClient("talk wire", None).authorization_url(endpoint, PENDING)
    assert url.startswith("https://login.example.com/authorize?")
    assert parse_qsl(urlsplit(url).query, keep_blank_values=True) == [
        *before,
        ("response_type", "code"),
        ("client_id", "talk wire"),
        ("redirect_uri", "https://chat.example.com/callback?a=b"),
        ("scope", "openid profile email"),
        ("state", "a state&more"),
        ("nonce", "n-1"),
        ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
        ("code_challenge_method", "S256"),
    ]


def test_a_client_without_a_secret_names_itself_in_the_form() -> None:
    headers, body = OAuthClient("talkwire", None).token_request("c+d", PENDING, ["client_secret_basic"])
    assert "authorization" not in headers
    assert dict(parse_qsl(body)) == {
        "grant_type": "authorization_code",
        "code": "c+d",
        "redirect_uri": "https://chat.example.com/callback?a=b",
        "code_verifier": "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
        "client_id": "talkwire",
    }
