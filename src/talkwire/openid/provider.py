"""An OpenID provider: its endpoints, its ID tokens and their keys.

The provider's keys are cached by `identity/jwks.py`, like the keys of the setting `jwt_jwks_url`. This package is
imported only on a server with a provider.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from joserfc.errors import JoseError

from talkwire.core.domain.errors import ChatError
from talkwire.core.single_flight import SingleFlight
from talkwire.egress import EgressClient
from talkwire.identity.claims import decode_claims
from talkwire.identity.jwks import FetchLimits, KeySet
from talkwire.identity.signatures import ALGORITHMS_TEXT, ASYMMETRIC_ALGORITHMS, Key, SignedToken, parse_compact
from talkwire.observability.key_fetches import KeyFetchLog
from talkwire.openid.documents import Metadata, ProviderDocuments, ProviderTokens
from talkwire.openid.oauth import OAuthClient
from talkwire.openid.pending import PendingSignIn
from talkwire.openid.profile import PROFILE_CLAIMS, Claims, ProviderPerson, joined_claims
from talkwire.openid.sign_in import SignInFailed
from talkwire.openid.token_checks import IdTokenChecks, TokenChecks

METADATA_MAX_AGE_S = 3600.0
"""Seconds for which the provider's metadata is used before it is read again."""

ID_TOKEN_MAX_LENGTH = 64 * 1024
"""Longest ID token, in characters. It is large, since a token may name all groups of its user."""

FAILURE_KEPT_S = 5.0
"""Seconds for which a failure to read the metadata or the keys is remembered. Anybody can start sign-ins, so while the
provider does not respond, they must not become requests."""

# ID tokens come from the provider itself, so nobody can make this server fetch keys often.
_KEY_LIMITS = FetchLimits(retry_after_s=1.0, retry_failed_after_s=FAILURE_KEPT_S)


class OpenIdProvider:
    """An OpenID provider, named by its issuer URL, with this server as its client. Implements `sign_in.Provider`.

    `client_secret` is None for a client without a secret. `client` sends the requests; the operator chooses the
    provider, which may be in a private network. `leeway_s` is the accepted difference in seconds between the clocks of
    the provider and this server. `clock` returns seconds since any time and never goes back.
    """

    def __init__(  # noqa: PLR0913 (what it joins)
        self,
        issuer: str,
        client_id: str,
        client_secret: str | None,
        client: EgressClient,
        *,
        leeway_s: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.issuer = issuer.rstrip("/")
        self._oauth = OAuthClient(client_id, client_secret)
        self._leeway_s = leeway_s
        self._clock = clock
        self._client = client
        self._documents = ProviderDocuments(self.issuer, client)
        self._reading: SingleFlight[None, Metadata | SignInFailed] = SingleFlight()
        self._kept: Metadata | SignInFailed | None = None
        self._kept_until = 0.0
        self._keys: KeySet | None = None
        self._keys_url = ""

    async def aclose(self) -> None:
        """Ends running requests to the provider."""
        await self._reading.aclose()
        if self._keys is not None:
            await self._keys.aclose()

    # --- the steps of a sign-in -------------------------------------------------------------------------------------

    async def authorization_url(self, pending: PendingSignIn) -> str:
        metadata = await self.metadata()
        return self._oauth.authorization_url(metadata.authorization_endpoint, pending)

    async def check_issuer(self, issuer: str | None) -> None:
        metadata = await self.metadata()
        if issuer is None:
            if metadata.authorization_response_iss_parameter_supported:
                raise SignInFailed("invalid", "the answer does not say which provider it is from")
        elif issuer != metadata.issuer:
            raise SignInFailed("invalid", "the answer is from another provider")

    async def person(self, code: str, pending: PendingSignIn) -> ProviderPerson:
        metadata = await self.metadata()
        request = self._oauth.token_request(code, pending, metadata.token_endpoint_auth_methods_supported)
        tokens = await self._documents.tokens(metadata.token_endpoint, request.headers, request.body)
        claims = await self._verified(metadata, tokens, pending)
        if metadata.userinfo_endpoint is None or all(claim in claims for claim in PROFILE_CLAIMS):
            return ProviderPerson(claims)
        return await self._with_profile(metadata, tokens, claims)

    async def metadata(self) -> Metadata:
        """Returns the provider's metadata, read once an hour. Concurrent callers share one request. Raises
        `SignInFailed` if the metadata cannot be read or used, and for `FAILURE_KEPT_S` seconds afterwards."""
        found = self._kept
        if found is None or self._clock() >= self._kept_until:
            found = await self._reading.run(None, self._read_metadata)
        if isinstance(found, SignInFailed):
            raise SignInFailed(found.reason, found.detail)
        return found

    async def _read_metadata(self) -> Metadata | SignInFailed:
        try:
            self._kept = metadata = await self._documents.metadata()
            self._take_keys_from(metadata.jwks_uri)
            self._kept_until = self._clock() + METADATA_MAX_AGE_S
        except SignInFailed as failed:
            self._kept, self._kept_until = failed, self._clock() + FAILURE_KEPT_S
        return self._kept

    def _take_keys_from(self, url: str) -> None:
        if url != self._keys_url:
            log = KeyFetchLog("oidc_issuer", url)
            self._keys = KeySet(url, self._client, clock=self._clock, limits=_KEY_LIMITS, log=log)
            self._keys_url = url

    async def _with_profile(self, metadata: Metadata, tokens: ProviderTokens, claims: Claims) -> ProviderPerson:
        """Returns the person with the claims of the ID token together with those of the provider's UserInfo endpoint,
        where most providers have the user's profile. Without an access token in `tokens`, and if the endpoint sends no
        claims, returns those of the ID token alone.

        Raises `SignInFailed` if the endpoint sends the claims of another user, or a token that is not the provider's.
        """
        if tokens.access_token is None or metadata.userinfo_endpoint is None:
            return ProviderPerson(claims)
        try:
            found = await self._documents.user_info(metadata.userinfo_endpoint, tokens.access_token)
        except SignInFailed as failed:
            return ProviderPerson(claims, failed)
        further = await self._user_info_claims(metadata, found) if isinstance(found, str) else found
        if "sub" not in further:
            return ProviderPerson(claims, SignInFailed("invalid", "UserInfo: the claims name no user (`sub`)"))
        # OpenID Connect Core 1.0, 5.3.2: if they differ, "the UserInfo Response values MUST NOT be used".
        if further["sub"] != claims["sub"]:
            raise SignInFailed("invalid", "UserInfo: the claims are another user's")
        return ProviderPerson(joined_claims(claims, further))

    # --- tokens -----------------------------------------------------------------------------------------------------

    async def _verified(self, metadata: Metadata, tokens: ProviderTokens, pending: PendingSignIn) -> Claims:
        """Verifies the ID token in the provider's response (OpenID Connect Core 1.0, section 3.1.3.7), and returns its
        claims. Raises `SignInFailed` if the token is missing or invalid, or if the keys cannot be fetched."""
        if tokens.id_token is None:
            raise SignInFailed("invalid", "the provider has sent no ID token")
        checks = IdTokenChecks(
            issuer=metadata.issuer,
            client_id=self._oauth.client_id,
            leeway_s=self._leeway_s,
            nonce=pending.nonce,
            access_token=tokens.access_token,
        )
        return await self._token_claims(tokens.id_token, "the ID token", checks)

    async def _user_info_claims(self, metadata: Metadata, token: str) -> Claims:
        """Verifies a token of the UserInfo endpoint (OpenID Connect Core 1.0, section 5.3.2), and returns its claims.
        Raises `SignInFailed` if it is invalid, or if the keys cannot be fetched."""
        checks = TokenChecks(issuer=metadata.issuer, client_id=self._oauth.client_id, leeway_s=self._leeway_s)
        return await self._token_claims(token, "the UserInfo token", checks)

    async def _token_claims(self, token: str, what: str, checks: TokenChecks) -> Claims:
        """Returns the claims of a token that the provider has signed for this client. `what` names the token in the
        `SignInFailed` that is raised for an invalid one."""
        try:
            signed = parse_compact(token, max_length=ID_TOKEN_MAX_LENGTH)
            key = await self._key(signed, what)
            if not key.verify(signed.signed, signed.signature):
                raise SignInFailed("invalid", f"the signature of {what} is wrong")
            claims = decode_claims(signed.payload)
            checks.check(claims, signed.header.alg, time.time())
        except JoseError as error:
            raise SignInFailed("invalid", f"{what} is refused: {error.error}: {error.description}") from None
        except ChatError as error:
            raise SignInFailed("invalid", f"{what} is refused: {error.message}") from None
        return claims

    async def _key(self, signed: SignedToken, what: str) -> Key:
        """Returns the key that verifies a token of the provider. If the key is not known yet, the provider's keys are
        fetched, since providers replace them. Raises `SignInFailed` if they cannot be fetched or none of them fits."""
        assert self._keys is not None
        header = signed.header
        if header.alg not in ASYMMETRIC_ALGORITHMS:
            raise SignInFailed("invalid", f"{what} is signed with {header.alg[:20]!r}, not with {ALGORITHMS_TEXT}")
        key = self._keys.find(header.kid, header.alg)
        if self._keys.should_refresh(found=key is not None):
            await self._keys.refresh()
            key = self._keys.find(header.kid, header.alg)
        if key is None and self._keys.last_failure is not None:
            raise SignInFailed("unavailable", f"the provider's keys: {self._keys.last_failure}")
        if key is None:
            raise SignInFailed("invalid", f"{what} is signed with an unknown key")
        return key
