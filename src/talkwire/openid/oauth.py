"""The requests of an OAuth client for the authorization code grant (RFC 6749, section 4.1) with PKCE (RFC 7636).

Nothing is sent here: `documents.py` sends the request for tokens, and the user's browser the one for authorization.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Collection
from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple
from urllib.parse import quote_plus, urlencode, urlsplit

from talkwire.core.domain.base64url import to_base64url
from talkwire.openid.pending import PendingSignIn

SCOPE = "openid profile email"

_FORM = {"accept": "application/json", "content-type": "application/x-www-form-urlencoded;charset=UTF-8"}


class TokenRequest(NamedTuple):
    """The headers and the body of a request to the token endpoint."""

    headers: dict[str, str]
    body: str


@dataclass(frozen=True, slots=True)
class OAuthClient:
    """This server as a client of a provider. `secret` is None for a client without a secret."""

    client_id: str
    secret: str | None

    def authorization_url(self, endpoint: str, pending: PendingSignIn) -> str:
        """Returns the address to which the browser is redirected: the authorization endpoint, with the request's
        parameters after those that it has (RFC 6749, sections 3.1 and 4.1.1)."""
        challenge = to_base64url(sha256(pending.code_verifier.encode()).digest())
        parameters = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": pending.redirect_uri,
            "scope": SCOPE,
            "state": pending.state,
            "nonce": pending.nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        parts = urlsplit(endpoint)
        query = "&".join(filter(None, (parts.query, urlencode(parameters))))
        return parts._replace(query=query).geturl()

    def token_request(self, code: str, pending: PendingSignIn, methods: Collection[str]) -> TokenRequest:
        """Returns the request that exchanges a code for tokens (RFC 6749, section 4.1.3). `methods` are the ways of
        authentication that the provider accepts (OpenID Connect Core 1.0, section 9)."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": pending.redirect_uri,
            "code_verifier": pending.code_verifier,
        }
        if self.secret is None:
            return TokenRequest(_FORM, urlencode({**form, "client_id": self.client_id}))
        if "client_secret_post" in methods and "client_secret_basic" not in methods:
            form |= {"client_id": self.client_id, "client_secret": self.secret}
            return TokenRequest(_FORM, urlencode(form))
        # RFC 6749, section 2.3.1: id and secret are form-encoded before they are joined.
        pair = f"{quote_plus(self.client_id)}:{quote_plus(self.secret)}"
        return TokenRequest({**_FORM, "authorization": f"Basic {b64encode(pair.encode()).decode()}"}, urlencode(form))
