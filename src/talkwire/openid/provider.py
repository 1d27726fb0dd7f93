"""Talks to an OpenID provider over HTTP: its metadata, the token endpoint, the claims of users, and the keys of ID
tokens.

The library Authlib makes the OAuth requests and validates the claims of ID tokens; only this module imports it, and is
imported only on a server with a provider. The provider's keys are cached by `identity/jwks.py`, like the keys of the
setting `jwt_jwks_url`.

The operator configures the provider, which may be in a private network, so the address rules for webhooks do not apply.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from importlib.metadata import version
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

import httpx
import msgspec
from authlib.common.errors import AuthlibBaseError
from authlib.oauth2.client import OAuth2Client
from authlib.oidc.core import CodeIDToken
from joserfc.errors import JoseError

from talkwire.core.domain.errors import ChatError
from talkwire.identity.claims import decode_claims
from talkwire.identity.jwks import FetchLimits, KeySet
from talkwire.identity.signatures import ASYMMETRIC_ALGORITHMS, Key, SignedToken, parse_compact
from talkwire.openid.pending import PendingSignIn
from talkwire.openid.profile import PROFILE_CLAIMS, Claims, joined_claims
from talkwire.openid.sign_in import SignInFailed

SCOPE = "openid profile email"
DISCOVERY_PATH = "/.well-known/openid-configuration"

REQUEST_S = 10.0
RESPONSE_MAX = 1024 * 1024
METADATA_MAX_AGE_S = 3600.0
ID_TOKEN_MAX_LENGTH = 64 * 1024
"""The maximum length of an ID token in characters. It is large, since a token may name all groups of its user."""

# ID tokens come from the provider itself, so nobody can make this server fetch keys often.
_KEY_LIMITS = FetchLimits(retry_after_s=1.0)

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


class OpenIdProvider:
    """An OpenID provider, named by its issuer URL, with this server as its client. Implements `sign_in.Provider`.

    `client_secret` is None for a client without a secret. `leeway_s` is the accepted difference in seconds between the
    clocks of the provider and this server. `clock` returns seconds since 1970 UTC.
    """

    def __init__(
        self,
        issuer: str,
        client_id: str,
        client_secret: str | None,
        *,
        leeway_s: float = 0.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.issuer = issuer.rstrip("/")
        self._client_id = client_id
        self._client_secret = client_secret
        self._leeway_s = leeway_s
        self._clock = clock
        agent = {"user-agent": f"Talkwire/{version('talkwire')}", "accept-encoding": "identity"}
        self._http = httpx.AsyncClient(headers=agent, timeout=REQUEST_S)
        self._metadata: Metadata | None = None
        self._fetched_at = 0.0
        self._keys: KeySet | None = None

    async def aclose(self) -> None:
        """Closes the connections to the provider."""
        if self._keys is not None:
            await self._keys.aclose()
        await self._http.aclose()

    # --- the steps of a sign-in -------------------------------------------------------------------------------------

    async def authorization_url(self, pending: PendingSignIn) -> str:
        metadata = await self.metadata()
        client = self._client(metadata, pending)
        url, _ = client.create_authorization_url(
            metadata.authorization_endpoint,
            state=pending.state,
            code_verifier=pending.code_verifier,
            nonce=pending.nonce,
        )
        return str(url)

    async def check_issuer(self, issuer: str | None) -> None:
        metadata = await self.metadata()
        if issuer is None:
            if metadata.authorization_response_iss_parameter_supported:
                raise SignInFailed("invalid", "the answer does not say which provider it is from")
        elif issuer != metadata.issuer:
            raise SignInFailed("invalid", "the answer is from another provider")

    async def claims(self, code: str, pending: PendingSignIn) -> Claims:
        metadata = await self.metadata()
        tokens = await self._exchange(metadata, code, pending)
        claims = await self._verified(metadata, tokens, pending)
        if metadata.userinfo_endpoint is None or all(claim in claims for claim in PROFILE_CLAIMS):
            return claims
        return await self._with_profile(metadata.userinfo_endpoint, tokens, claims)

    async def metadata(self) -> Metadata:
        """Returns the provider's metadata, fetched at most once an hour. Raises `SignInFailed` if it cannot be fetched
        or is invalid."""
        now = time.monotonic()
        if self._metadata is None or now - self._fetched_at > METADATA_MAX_AGE_S:
            found = await self._fetch_metadata()
            if self._keys is None or self._metadata is None or self._metadata.jwks_uri != found.jwks_uri:
                former, self._keys = self._keys, KeySet(found.jwks_uri, limits=_KEY_LIMITS)
                if former is not None:
                    await former.aclose()
            self._metadata, self._fetched_at = found, now
        return self._metadata

    # --- requests ---------------------------------------------------------------------------------------------------

    async def _fetch_metadata(self) -> Metadata:
        response = await self.request("GET", f"{self.issuer}{DISCOVERY_PATH}", {"accept": "application/json"})
        metadata = _decoded(response, Metadata, "the metadata")
        if metadata.issuer.rstrip("/") != self.issuer:
            raise SignInFailed("invalid", f"the provider calls itself {metadata.issuer[:200]!r}")
        for url in (
            metadata.authorization_endpoint,
            metadata.token_endpoint,
            metadata.jwks_uri,
            metadata.userinfo_endpoint,
        ):
            # A provider on this machine may use http; any other must protect all of its endpoints as its issuer.
            if url is not None and urlsplit(url).scheme not in {"https", urlsplit(self.issuer).scheme}:
                raise SignInFailed("invalid", "an endpoint of the provider does not begin with https://")
        return metadata

    async def _exchange(self, metadata: Metadata, code: str, pending: PendingSignIn) -> Mapping[str, Any]:
        try:
            tokens = await self._client(metadata, pending).fetch_token(
                metadata.token_endpoint, code=code, code_verifier=pending.code_verifier
            )
        except AuthlibBaseError as error:
            raise SignInFailed("invalid", f"the token endpoint says {str(error.error)[:100]!r}") from None
        except httpx.HTTPStatusError as error:
            raise SignInFailed("unavailable", f"the token endpoint answers {error.response.status_code}") from None
        except ValueError:
            raise SignInFailed("invalid", "the token endpoint answers no JSON object") from None
        return cast("Mapping[str, Any]", tokens)

    async def _with_profile(self, url: str, tokens: Mapping[str, Any], claims: Claims) -> Claims:
        """Returns the claims of the ID token together with those of the provider's UserInfo endpoint `url`, where most
        providers have the user's profile. Without an access token in `tokens`, returns `claims` unchanged.

        Raises `SignInFailed` if the endpoint does not respond, or responds with the claims of another user.
        """
        access_token = tokens.get("access_token")
        if not isinstance(access_token, str):
            return claims
        headers = {"accept": "application/json", "authorization": f"Bearer {access_token}"}
        further = _decoded(await self.request("GET", url, headers), dict[str, object], "the user's claims")
        # OpenID Connect Core 1.0, 5.3.2: if they differ, "the UserInfo Response values MUST NOT be used".
        if further.get("sub") != claims["sub"]:
            raise SignInFailed("invalid", "the user's claims are another user's")
        return joined_claims(claims, further)

    async def request(
        self, method: str, url: str, headers: Mapping[str, str], body: str | None = None
    ) -> httpx.Response:
        """Sends an HTTP request to the provider, and returns the complete response, whatever its status is. Raises
        `SignInFailed` if there is no response within `REQUEST_S` seconds, or one of more than `RESPONSE_MAX` bytes.
        """
        where = urlsplit(url).hostname
        try:
            async with (
                asyncio.timeout(REQUEST_S),
                self._http.stream(method, url, headers=dict(headers), content=body) as response,
            ):
                content = bytearray()
                async for chunk in response.aiter_raw():
                    content += chunk
                    if len(content) > RESPONSE_MAX:
                        raise SignInFailed("unavailable", f"{where} answers more than {RESPONSE_MAX} bytes")
                return httpx.Response(response.status_code, content=bytes(content), request=response.request)
        except TimeoutError:
            raise SignInFailed("unavailable", f"{where} does not answer within {REQUEST_S:g} s") from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise SignInFailed("unavailable", f"{where}: {type(error).__name__}") from None

    def _client(self, metadata: Metadata, pending: PendingSignIn) -> _Client:
        methods = metadata.token_endpoint_auth_methods_supported
        basic, post = "client_secret_basic", "client_secret_post"
        with_secret = post if post in methods and basic not in methods else basic
        return _Client(
            self,
            client_id=self._client_id,
            client_secret=self._client_secret,
            token_endpoint_auth_method="none" if self._client_secret is None else with_secret,
            scope=SCOPE,
            redirect_uri=pending.redirect_uri,
            code_challenge_method="S256",
        )

    # --- ID tokens --------------------------------------------------------------------------------------------------

    async def _verified(self, metadata: Metadata, tokens: Mapping[str, Any], pending: PendingSignIn) -> Claims:
        """Verifies the ID token in the provider's response (OpenID Connect Core 1.0, section 3.1.3.7), and returns its
        claims. Raises `SignInFailed` if the token is missing or invalid, or if the keys cannot be fetched."""
        id_token = tokens.get("id_token")
        if not isinstance(id_token, str):
            raise SignInFailed("invalid", "the provider has sent no ID token")
        try:
            signed = parse_compact(id_token, max_length=ID_TOKEN_MAX_LENGTH)
            key = await self._key(signed)
            if not key.verify(signed.signed, signed.signature):
                raise SignInFailed("invalid", "the signature of the ID token is wrong")
            claims = CodeIDToken(
                dict(decode_claims(signed.payload)),
                {"alg": signed.header.alg},
                {
                    "iss": {"essential": True, "value": metadata.issuer},
                    "aud": {"essential": True, "value": self._client_id},
                    "sub": {"essential": True},
                },
                {"nonce": pending.nonce, "client_id": self._client_id, "access_token": tokens.get("access_token")},
            )
            claims.validate(now=int(self._clock()), leeway=round(self._leeway_s))
        except JoseError as error:
            raise SignInFailed("invalid", f"the ID token is refused: {error.error}: {error.description}") from None
        except ChatError as error:
            raise SignInFailed("invalid", f"the ID token is refused: {error.message}") from None
        if not isinstance(claims["sub"], str):
            raise SignInFailed("invalid", "the ID token names no user")
        return cast("Claims", claims)

    async def _key(self, signed: SignedToken) -> Key:
        """Returns the key that verifies an ID token. If the key is not known yet, the provider's keys are fetched,
        since providers replace them. Raises `SignInFailed` if they cannot be fetched or none of them fits."""
        assert self._keys is not None
        header = signed.header
        if header.alg not in ASYMMETRIC_ALGORITHMS:
            raise SignInFailed("invalid", "the ID token is not signed with RS256, ES256 or EdDSA")
        key = self._keys.find(header.kid, header.alg)
        if self._keys.should_refresh(found=key is not None):
            await self._keys.refresh()
            key = self._keys.find(header.kid, header.alg)
        if key is None and self._keys.last_failure is not None:
            raise SignInFailed("unavailable", f"the provider's keys: {self._keys.last_failure}")
        if key is None:
            raise SignInFailed("invalid", "the ID token is signed with an unknown key")
        return key


class _Client(OAuth2Client):  # type: ignore[misc]  # Authlib has no types
    """Authlib's OAuth client, which sends its requests through `OpenIdProvider.request`. Authlib has no client for the
    installed version of httpx.
    """

    async def _fetch_token(self, url: str, body: str, auth: Any, method: str, headers: Any, **_: object) -> Any:  # noqa: ANN401
        url, headers, body = auth.prepare(method, url, dict(headers), body)
        return self.parse_response_token(await self.session.request(method, url, headers, body))


def _decoded(response: httpx.Response, kind: type[T], what: str) -> T:
    if response.status_code != httpx.codes.OK:
        raise SignInFailed("unavailable", f"{what}: status {response.status_code}")
    try:
        return msgspec.json.decode(response.content, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise SignInFailed("invalid", f"{what}: not the expected JSON") from None
