"""Authenticates requests and sockets: turns their credentials, such as a token, into an actor (a user id with a
role)."""

from __future__ import annotations

import time
from typing import Protocol

import msgspec

from talkwire.core.connected.directory import DirectoryEntry
from talkwire.core.domain.access import may_act, require
from talkwire.core.domain.access_policy import DEFAULT_POLICY, AccessPolicy
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.log.positions import is_own_id
from talkwire.core.domain.model import Actor, User, is_valid_id
from talkwire.core.engine.chat import Chat
from talkwire.core.engine.limits import Kind, Limits, address_key
from talkwire.identity.address_tokens import ADDRESS_TOKEN_PREFIX, AddressToken, AddressTokens, Purpose
from talkwire.identity.signatures import UnverifiableToken
from talkwire.identity.tokens import Identity, TokenVerifier
from talkwire.observability.sign_ins import SignInAttempt, note_refused_token

_NO_CREDENTIALS = (
    "A token is needed: in `auth.token` of Socket.IO, in the header `Authorization: Bearer …`, or in the query as "
    "`?token=`."
)


class Credentials(msgspec.Struct, frozen=True, gc=False):
    """The credentials that a client presented, and the client's IP address. `user_id` is used only for development
    sign-in. `forwarded` says that a proxy has forwarded the request.

    `authorization` and `cookie` are the headers with these names, which the application can verify if this server
    cannot. `one_request` is true if the credentials are for one REST request and not for a socket. `purpose` is set if
    an address token of this purpose also opens what is requested.
    """

    token: str | None
    user_id: str | None = None
    forwarded: bool = False
    address: str = ""
    authorization: str | None = None
    cookie: str | None = None
    one_request: bool = False
    purpose: Purpose | None = None


class ForeignTokens(Protocol):
    """Identifies users by credentials that this server cannot verify, by asking the application's backend. The package
    `callbacks` implements this protocol."""

    def known(self, credentials: Credentials) -> Identity | None:
        """Returns the identity for these credentials if an earlier response of the application is still valid; None if
        the application has to be asked with `identify`.
        """
        ...

    async def identify(self, credentials: Credentials) -> Identity:
        """Asks the application whose credentials these are, and returns the identity. Raises ChatError if it refuses or
        does not respond."""
        ...


class Caller(msgspec.Struct, frozen=True):
    """The authenticated user of a request or a socket. `actor` is the user as the issuer of commands, with the role;
    `user` is the stored user, `entry` the cached data about the user. `identity` has the token's claims.
    """

    actor: Actor
    user: User
    entry: DirectoryEntry
    identity: Identity | None
    """None for a development sign-in."""

    @property
    def session_id(self) -> str | None:
        """The id of the signed-in device that the token belongs to; None for a token that was not issued by a sign-in
        on this server."""
        return None if self.identity is None else self.identity.session_id


class Callers:
    """Authenticates the users of requests and sockets.

    Methods raise ChatError: `unauthenticated`, `token_expired`, `banned`, `unavailable`, and `rate_limited` for an
    address that sends too many invalid tokens (never if `limits` is None). `policy` says which sign-ins on this server
    are accepted. `foreign` identifies users by credentials that this server cannot verify.
    """

    def __init__(  # noqa: PLR0913 (what an operator sets; all but three may be left out)
        self,
        chat: Chat,
        verifier: TokenVerifier,
        address_tokens: AddressTokens,
        *,
        create_users: bool = True,
        policy: AccessPolicy = DEFAULT_POLICY,
        insecure_dev_auth: bool = False,
        limits: Limits | None = None,
        foreign: ForeignTokens | None = None,
    ) -> None:
        self._chat = chat
        self._verifier = verifier
        self._address_tokens = address_tokens
        self._create_users = create_users
        self._policy = policy
        self._insecure_dev_auth = insecure_dev_auth
        self._limits = limits
        self._foreign = foreign

    async def identify(self, credentials: Credentials) -> Caller:
        """Returns the authenticated caller for these credentials, and stores a user who is new to this server.

        Raises ChatError: `unauthenticated` or `token_expired` for invalid or missing credentials, `rate_limited` once
        the address has sent too many of them, `banned` for a banned user. Valid tokens are always accepted, since many
        users may share an address.
        """
        attempt = SignInAttempt()
        try:
            return await self._identify(credentials, attempt)
        except ChatError as error:
            note_refused_token("token", error, credentials.address, attempt.user_id)
            if self._limits is not None and error.code in {"unauthenticated", "token_expired"}:
                self._limits.take_or_refuse(Kind.REFUSED_TOKENS, address_key(credentials.address), time.monotonic())
            raise

    async def _identify(self, credentials: Credentials, attempt: SignInAttempt) -> Caller:
        if credentials.token is None and not self._has_foreign(credentials):
            return await self._by_user_id(credentials)
        identity = await self._identity(credentials)
        attempt.user_id = identity.user_id
        if identity.session_id is not None and not self._policy.accepts_sign_in(identity.provider):
            raise ChatError("unauthenticated", "This server does not accept this way of signing in any more.")
        return await self._caller(credentials, identity.user_id, identity.name, identity)

    def address_token(self, caller: Caller, purpose: Purpose, now: float) -> AddressToken:
        """Returns a token for addresses that the caller loads, for one purpose."""
        return self._address_tokens.issue(caller.actor.user_id, caller.identity, purpose, now)

    async def identity_of(self, token: str, purpose: Purpose | None = None) -> Identity:
        """Verifies an access token, or an address token of this purpose, and returns the identity that it contains.
        Raises ChatError for an invalid token."""
        now = time.time()
        if token.startswith(ADDRESS_TOKEN_PREFIX):
            return self._address_tokens.identity(token, purpose, now)
        return self._verifier.verify_now(token, now) or await self._verifier.verify(token, now)

    async def role_of(self, token: str) -> str:
        """Verifies a token and returns its role. Raises ChatError for an invalid token."""
        return (await self.identity_of(token)).role

    async def _identity(self, credentials: Credentials) -> Identity:
        if credentials.token is None:
            return await self._foreign_identity(credentials)
        try:
            return await self.identity_of(credentials.token, credentials.purpose)
        except UnverifiableToken:
            if self._foreign is None:
                raise
        return await self._foreign_identity(credentials)

    async def _foreign_identity(self, credentials: Credentials) -> Identity:
        """Returns the identity that the application gives for credentials that this server cannot verify.

        An attempt counts as refused until the application has responded. So one address cannot make the server ask
        about more tokens at once than the number of invalid tokens that it may send.
        """
        assert self._foreign is not None
        known = self._foreign.known(credentials)
        if known is not None:
            return known
        if self._limits is None:
            return await self._foreign.identify(credentials)
        key = address_key(credentials.address)
        self._limits.take_or_refuse(Kind.REFUSED_TOKENS, key, time.monotonic())
        try:
            return await self._foreign.identify(credentials)
        finally:
            self._limits.give_back(Kind.REFUSED_TOKENS, key)

    def _has_foreign(self, credentials: Credentials) -> bool:
        """Returns whether the application is to identify a user without a token, by a cookie or another header. A user
        id for development sign-in has priority.
        """
        if self._foreign is None or (self._insecure_dev_auth and credentials.user_id is not None):
            return False
        return bool(credentials.authorization or credentials.cookie)

    async def _by_user_id(self, credentials: Credentials) -> Caller:
        user_id = credentials.user_id
        if user_id is None or not self._insecure_dev_auth or credentials.forwarded:
            raise ChatError("unauthenticated", _NO_CREDENTIALS)
        if not is_valid_id(user_id) or is_own_id(user_id):
            raise ChatError("unauthenticated", "This user id is invalid.")
        return await self._caller(credentials, user_id, None, None)

    async def _caller(
        self, credentials: Credentials, user_id: str, name: str | None, identity: Identity | None
    ) -> Caller:
        role = "user" if identity is None else identity.role
        known = self._chat.directory.peek(user_id)
        if known is None or known.user is None or known.user.banned or known.user.is_changed_by_token(name, role):
            found = await self._chat.user_of_token(user_id, name or user_id, role=role, create=self._create_users)
            user, entry = found
        else:
            user, entry = known.user, known
        require(may_act(entry.user))  # banned or erased since the user was looked up
        if identity is not None and identity.session_id is not None and identity.session_id not in entry.login_ids:
            raise ChatError("unauthenticated", "This device has signed out.")
        address = credentials.address or None
        actor = Actor(user.id, user.name, address=address) if identity is None else _actor(user, identity, address)
        return Caller(actor, user, entry, identity)


def _actor(user: User, identity: Identity, address: str | None) -> Actor:
    return Actor(user.id, user.name, identity.role, identity.claims, address)
