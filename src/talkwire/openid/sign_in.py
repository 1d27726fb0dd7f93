"""A sign-in through an OpenID provider, from the redirect to the provider to the first refresh token.

1. `begin` returns the provider's address, and the value of the cookie that the browser keeps meanwhile.
2. `finish` checks the provider's response against the cookie, exchanges its code, and signs in the device. Which user
   that is, `core/features/users/provider_logins.py` decides.
3. The web client exchanges the first refresh token, which is valid for a minute, as any other refresh token.
"""

from __future__ import annotations

from dataclasses import dataclass
from hmac import compare_digest
from secrets import token_urlsafe
from typing import Literal, Protocol

import structlog

from talkwire.core.commands.accounts import Device
from talkwire.core.domain.errors import ChatError
from talkwire.identity.accounts import Accounts, ProviderUser
from talkwire.observability.sign_ins import log_refused_sign_in, log_sign_in
from talkwire.openid.pending import Destination, PendingSignIn, SignInSeal
from talkwire.openid.profile import ProviderPerson, has_name, profile_of

CALLBACK = "/api/v1/auth/oidc/callback"
"""Path of this server to which the provider redirects the browser after a sign-in."""

Reason = Literal["refused", "expired", "unavailable", "invalid", "banned", "closed", "rate_limited"]
"""Reason why a sign-in fails:

`refused`       the provider refused it, or the user did not consent
`expired`       the browser has no pending sign-in, or another one
`unavailable`   the provider does not respond
`invalid`       the provider's response is invalid
`banned`        the user is banned from this server
`closed`        the user is new, and this server creates no users
`rate_limited`  too many attempts from this address
"""

_logger = structlog.get_logger(__name__)

_REASONS: dict[str, Reason] = {"banned": "banned", "forbidden": "closed", "rate_limited": "rate_limited"}


class SignInFailed(Exception):
    """Raised when a sign-in through an OpenID provider fails. `reason` is for the client (see `Reason`), `detail` is
    for the operator's log and never contains a token or a part of one.
    """

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class Provider(Protocol):
    """An OpenID provider, as `ProviderSignIn` uses it. Methods raise `SignInFailed` with the reason `unavailable`,
    `invalid` or `refused`.
    """

    @property
    def issuer(self) -> str: ...

    async def authorization_url(self, pending: PendingSignIn) -> str:
        """Returns the address at the provider to which the browser is redirected to sign in."""
        ...

    async def person(self, code: str, pending: PendingSignIn) -> ProviderPerson:
        """Exchanges the code from the provider's response for tokens, and returns the person with the claims of the
        verified ID token and of UserInfo. Raises `SignInFailed` if the provider cannot be reached, refuses the code, or
        returns an ID token or a UserInfo token that is not valid."""
        ...

    async def check_issuer(self, issuer: str | None) -> None:
        """Raises `SignInFailed` unless `issuer`, the issuer that the response names (RFC 9207), is this provider's.
        None means that the response names no issuer; it is refused only if the provider's metadata announce that each
        response names one."""
        ...


@dataclass(frozen=True, slots=True)
class Answer:
    """The query parameters of the provider's response, with which it redirects the browser to this server (RFC 6749,
    section 4.1.2; RFC 9207)."""

    state: str | None = None
    code: str | None = None
    error: str | None = None
    issuer: str | None = None


class ProviderSignIn:
    """Signs users in through one OpenID provider: `begin` redirects the browser to the provider, `finish` handles its
    response. `name` is the provider's name for display.

    With `links_by_email`, a first sign-in may be that of an existing user instead of a new one: if the provider has
    verified the e-mail address, and exactly one user has this address and no other way to sign in.
    """

    def __init__(
        self, name: str, provider: Provider, seal: SignInSeal, accounts: Accounts, *, links_by_email: bool = False
    ) -> None:
        self.name = name
        self._provider = provider
        self._seal = seal
        self._accounts = accounts
        self._links_by_email = links_by_email

    async def begin(self, redirect_uri: str, destination: Destination, device: Device) -> tuple[str, str]:
        """Starts a sign-in. Returns the provider's address to redirect the browser to, and the value of the cookie that
        the browser keeps until `finish`.

        `redirect_uri` is this server's address for the provider's response, `destination` the place in the web client
        to show after the sign-in. `device` is the browser, whose address the log has. Raises `SignInFailed` if the
        provider's metadata cannot be used, and after too many attempts from this address.
        """
        pending = PendingSignIn(token_urlsafe(24), token_urlsafe(24), token_urlsafe(48), redirect_uri, destination)
        try:
            await self._take_attempt(device)
            return await self._provider.authorization_url(pending), self._seal.close(pending)
        except SignInFailed as failed:
            self._log_refusal(failed, device)
            raise

    async def finish(self, answer: Answer, sealed: str | None, device: Device) -> tuple[str, Destination]:
        """Finishes a sign-in with the provider's response and the value of the browser's cookie, `sealed` (None if
        there is no cookie). Returns the first refresh token of `device`, the browser, and the place in the web client
        to show. Raises `SignInFailed` if the cookie or the response is invalid, or the provider or server refuses.
        """
        try:
            pending = self._pending(answer, sealed)
            refresh_token = await self._sign_in(answer, pending, device)
        except SignInFailed as failed:
            self._log_refusal(failed, device)
            raise
        return refresh_token, pending.destination

    def _pending(self, answer: Answer, sealed: str | None) -> PendingSignIn:
        pending = None if sealed is None else self._seal.open(sealed)
        if pending is None:
            raise SignInFailed("expired", "the browser has no pending sign-in")
        if answer.state is None or not compare_digest(answer.state.encode(), pending.state.encode()):
            raise SignInFailed("expired", "the answer belongs to another sign-in")
        return pending

    async def _take_attempt(self, device: Device) -> None:
        try:
            await self._accounts.take_provider_attempt(device)
        except ChatError as error:
            raise _failed(error) from None

    async def _sign_in(self, answer: Answer, pending: PendingSignIn, device: Device) -> str:
        try:
            await self._take_attempt(device)
            await self._provider.check_issuer(answer.issuer)
            if answer.error is not None:
                raise SignInFailed("refused", f"the provider says {answer.error[:100]!r}")
            if answer.code is None:
                raise SignInFailed("invalid", "the answer has no code")
            person = await self._provider.person(answer.code, pending)
            user = user_of(person, self._provider.issuer, links_by_email=self._links_by_email)
            refresh_token, signed_in = await self._accounts.sign_in_provider_user(user, device)
        except ChatError as error:
            raise _failed(error) from None
        log_sign_in("oidc", signed_in.id, device.address)
        return refresh_token

    @staticmethod
    def _log_refusal(failed: SignInFailed, device: Device) -> None:
        log_refused_sign_in("oidc", failed.reason, device.address, detail=failed.detail)


def user_of(person: ProviderPerson, issuer: str, *, links_by_email: bool) -> ProviderUser:
    """Returns the user of a sign-in. Raises the failure of UserInfo if the ID token alone lacks what a sign-in needs: a
    name, and with `links_by_email` the address, since a new person is linked at the first sign-in only."""
    claims, failure = person.claims, person.failure
    if failure is not None:
        if not has_name(claims) or (links_by_email and claims.get("email") is None):
            raise failure
        _logger.warning("user_info_not_used", issuer=issuer, error=str(failure))
    links = links_by_email and claims.get("email_verified") is True
    return ProviderUser(issuer, str(claims["sub"]), profile_of(claims), links, keeps_missing=failure is not None)


def _failed(error: ChatError) -> SignInFailed:
    return SignInFailed(_REASONS.get(error.code, "unavailable"), error.code)
