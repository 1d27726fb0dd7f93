"""Requests the documents of an OpenID provider: its metadata, the response of the token endpoint, and a user's claims.

The requests run on the thread of `egress`, within its limits of time and size. A document that is not as expected is a
failed sign-in, whatever it consists of.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar
from urllib.parse import urlsplit

import msgspec

from talkwire.egress import BodyReading, EgressClient, EgressError, EgressResponse
from talkwire.identity.signatures import ALGORITHMS_TEXT, ASYMMETRIC_ALGORITHMS
from talkwire.openid.sign_in import SignInFailed

PROVIDER_REQUEST_S = 10.0
"""Longest time that a request to the provider may take, in seconds."""

PROVIDER_RESPONSE_MAX_BYTES = 256 * 1024
"""Largest body of a response of the provider, in bytes."""

DISCOVERY_PATH = "/.well-known/openid-configuration"

_JSON = {"accept": "application/json"}
_READING = BodyReading(PROVIDER_RESPONSE_MAX_BYTES)
_SIGNED = "application/jwt"
_OK = 200
_SERVER_ERROR = 500

T = TypeVar("T")


class Metadata(msgspec.Struct, frozen=True):
    """The fields of a provider's metadata that Talkwire uses (OpenID Connect Discovery 1.0, section 3)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None = None
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)
    authorization_response_iss_parameter_supported: bool = False
    id_token_signing_alg_values_supported: object = None
    """A list of texts. Sign-ins do not need it, so whatever it is must not prevent them."""

    @property
    def refused_algorithms(self) -> str | None:
        """Returns why this server refuses all ID tokens of the provider: it signs them with other algorithms. None if
        it does not say so."""
        supported = self.id_token_signing_alg_values_supported
        named = [each for each in supported if isinstance(each, str)] if isinstance(supported, list) else []
        if not named or ASYMMETRIC_ALGORITHMS.intersection(named):
            return None
        return f"it signs ID tokens with {', '.join(named)[:200]}, and this server accepts {ALGORITHMS_TEXT} only"


class ProviderTokens(msgspec.Struct, frozen=True):
    """The fields of a response of the token endpoint that Talkwire uses (OpenID Connect Core 1.0, section 3.1.3.3), or
    its error (RFC 6749, section 5.2)."""

    id_token: str | None = None
    access_token: str | None = None
    error: str | None = None


class ProviderDocuments:
    """Requests the documents of the provider with this issuer URL. Methods raise `SignInFailed`: `unavailable` without
    a response, `invalid` for one that cannot be used."""

    def __init__(self, issuer: str, client: EgressClient) -> None:
        self._issuer = issuer
        self._client = client

    async def metadata(self) -> Metadata:
        """Returns the provider's metadata, whose URLs can all be used."""
        response = await self._request("GET", f"{self._issuer}{DISCOVERY_PATH}", _JSON)
        metadata = decoded(response, Metadata, "the metadata")
        if metadata.issuer.rstrip("/") != self._issuer:
            raise SignInFailed("invalid", f"the provider calls itself {metadata.issuer[:200]!r}")
        for url in (metadata.authorization_endpoint, metadata.token_endpoint, metadata.jwks_uri):
            self._check_endpoint(url)
        if metadata.userinfo_endpoint is not None:
            self._check_endpoint(metadata.userinfo_endpoint)
        return metadata

    async def tokens(self, url: str, headers: Mapping[str, str], body: str) -> ProviderTokens:
        """Sends a request to the token endpoint and returns the tokens."""
        response = await self._request("POST", url, headers, body)
        if response.status >= _SERVER_ERROR:
            raise SignInFailed("unavailable", f"the token endpoint answers {response.status}")
        tokens = decoded(response, ProviderTokens, "the token endpoint", of_any_status=True)
        if tokens.error is not None:
            raise SignInFailed("invalid", f"the token endpoint says {tokens.error[:100]!r}")
        return tokens

    async def user_info(self, url: str, access_token: str) -> dict[str, object] | str:
        """Returns the claims of a user from the UserInfo endpoint or, if it signs them, the token that contains them,
        which is not verified (OpenID Connect Core 1.0, section 5.3.2)."""
        response = await self._request("GET", url, {**_JSON, "authorization": f"Bearer {access_token}"})
        kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if response.status != _OK or kind != _SIGNED:
            return decoded(response, dict[str, object], "UserInfo")
        match response.body.count(b"."):
            case 2:
                return response.body.decode("ascii", "replace").strip()
            case 4:  # RFC 7516, section 3.1
                raise SignInFailed("invalid", "UserInfo: an encrypted token (JWE); let the provider sign it only")
            case _:
                raise SignInFailed("invalid", f"UserInfo: {_SIGNED}, but no signed token")

    def _check_endpoint(self, url: str) -> None:
        """Raises `SignInFailed` for the URL of an endpoint to which no request can be sent, or which is protected less
        than the issuer: a provider on this machine may use http."""
        try:
            checked = self._client.checked_url(url)
        except EgressError as error:
            raise SignInFailed("invalid", f"an endpoint of the provider: {error}") from None
        if checked.scheme not in {"https", urlsplit(self._issuer).scheme}:
            raise SignInFailed("invalid", "an endpoint of the provider does not begin with https://")

    async def _request(self, method: str, url: str, headers: Mapping[str, str], body: str = "") -> EgressResponse:
        try:
            return await self._client.request(method, url, headers=headers, content=body.encode(), reading=_READING)
        except EgressError as error:
            raise SignInFailed("unavailable", f"{urlsplit(url).hostname}: {error}") from None


def decoded(response: EgressResponse, kind: type[T], what: str, *, of_any_status: bool = False) -> T:
    """Returns the document in a response. Raises `SignInFailed` for anything but the expected JSON and, unless
    `of_any_status`, for another status than 200. `what` names the document for the log."""
    if response.status != _OK and not of_any_status:
        raise SignInFailed("unavailable", f"{what}: status {response.status}")
    try:
        return msgspec.json.decode(response.body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        sent = response.headers.get("content-type", "")[:100]
        raise SignInFailed("invalid", f"{what}: not the expected JSON (Content-Type: {sent!r})") from None
