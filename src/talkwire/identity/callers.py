"""Authenticates requests: turns the credentials of a request into an actor."""

from __future__ import annotations

import time
from typing import Protocol

import msgspec

from talkwire.core.connected.directory import DirectoryEntry
from talkwire.core.domain.access import may_act, require
from talkwire.core.domain.errors import ChatError
from talkwire.core.domain.model import Actor, User, is_own_id, is_valid_id
from talkwire.core.engine.chat import Chat
from talkwire.core.engine.limits import Kind, Limits, address_key
from talkwire.identity.signatures import UnverifiableToken
from talkwire.identity.tokens import Identity, TokenVerifier


class Credentials(msgspec.Struct, frozen=True, gc=False):
    """The credentials of a request, and where it comes from. `user_id` counts only for development sign-in.

    `authorization` and `cookie` are headers, which only the application can understand. `one_request`: they are for one
    REST request and not for a socket.
    """

    token: str | None
    user_id: str | None = None
    forwarded: bool = False
    address: str = ""
    authorization: str | None = None
    cookie: str | None = None
    one_request: bool = False


class ForeignTokens(Protocol):
    """Identifies users by credentials that this server cannot verify. The package `callbacks` implements it."""

    def known(self, credentials: Credentials) -> Identity | None:
        """Returns the identity if it is known without asking anyone."""
        ...

    async def identify(self, credentials: Credentials) -> Identity:
        """Returns the identity. Raises ChatError."""
        ...


class Caller(msgspec.Struct, frozen=True):
    """An authenticated caller, with the chat's record of the user."""

    actor: Actor
    user: User
    entry: DirectoryEntry
    identity: Identity | None
    """None for a development sign-in."""

    @property
    def session_id(self) -> str | None:
        """The signed-in device of the token; None for a token that was not issued by a sign-in on this server."""
        return None if self.identity is None else self.identity.session_id


class Callers:
    """Authenticates callers.

    Raises ChatError: `unauthenticated`, `token_expired`, `banned`, `unavailable`, and `rate_limited` for an address
    that sends too many invalid tokens (never if `limits` is None). `accounts` says whether tokens of this server's
    accounts are accepted. `foreign` identifies users by credentials that this server cannot verify.
    """

    def __init__(  # noqa: PLR0913 (what an operator sets; all but two may be left out)
        self,
        chat: Chat,
        verifier: TokenVerifier,
        *,
        create_users: bool = True,
        accounts: bool = True,
        insecure_dev_auth: bool = False,
        limits: Limits | None = None,
        foreign: ForeignTokens | None = None,
    ) -> None:
        self._chat = chat
        self._verifier = verifier
        self._create_users = create_users
        self._accounts = accounts
        self._insecure_dev_auth = insecure_dev_auth
        self._limits = limits
        self._foreign = foreign

    async def identify(self, credentials: Credentials) -> Caller:
        """Returns the caller; stores a new user if need be.

        Valid tokens are always accepted, even if their address is rate-limited: a whole company may share it.
        """
        try:
            return await self._identify(credentials)
        except ChatError as error:
            if self._limits is not None and error.code in {"unauthenticated", "token_expired"}:
                self._limits.take_or_refuse(Kind.REFUSED_TOKENS, address_key(credentials.address), time.monotonic())
            raise

    async def _identify(self, credentials: Credentials) -> Caller:
        if credentials.token is None and not self._has_foreign(credentials):
            return await self._by_user_id(credentials)
        identity = await self._identity(credentials)
        if identity.session_id is not None and not self._accounts:
            raise ChatError("unauthenticated", "This server has no accounts: the token of one is not accepted.")
        return await self._caller(identity.user_id, identity.name, identity)

    async def identity_of(self, token: str) -> Identity:
        """Returns the identity of a verified token."""
        now = time.time()
        return self._verifier.verify_now(token, now) or await self._verifier.verify(token, now)

    async def _identity(self, credentials: Credentials) -> Identity:
        if credentials.token is None:
            return await self._foreign_identity(credentials)
        try:
            return await self.identity_of(credentials.token)
        except UnverifiableToken:
            if self._foreign is None:
                raise
        return await self._foreign_identity(credentials)

    async def _foreign_identity(self, credentials: Credentials) -> Identity:
        """Returns the identity that the application knows.

        An attempt counts as refused until the application has responded, so that one address cannot have it asked about
        more tokens at once than it may send invalid ones.
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
        """Returns whether the application may know the user by a header, where there is no token."""
        if self._foreign is None or (self._insecure_dev_auth and credentials.user_id is not None):
            return False
        return bool(credentials.authorization or credentials.cookie)

    async def _by_user_id(self, credentials: Credentials) -> Caller:
        user_id = credentials.user_id
        if user_id is None or not self._insecure_dev_auth or credentials.forwarded:
            raise ChatError("unauthenticated", "A token is needed.")
        if not is_valid_id(user_id) or is_own_id(user_id):
            raise ChatError("unauthenticated", "This user id is invalid.")
        return await self._caller(user_id, None, None)

    async def _caller(self, user_id: str, name: str | None, identity: Identity | None) -> Caller:
        role = "user" if identity is None else identity.role
        known = self._chat.directory.peek(user_id)
        if known is None or known.user is None or known.user.banned or known.user.should_adopt_name(name):
            found = await self._chat.user_of_token(user_id, name or user_id, role=role, create=self._create_users)
            user, entry = found
        else:
            user, entry = known.user, known
        require(may_act(entry.user))  # banned or erased since the user was looked up
        if identity is not None and identity.session_id is not None and identity.session_id not in entry.login_ids:
            raise ChatError("unauthenticated", "This device has signed out.")
        actor = Actor(user.id, user.name) if identity is None else _actor(user, identity)
        return Caller(actor, user, entry, identity)


def _actor(user: User, identity: Identity) -> Actor:
    return Actor(user.id, user.name, identity.role, identity.claims)
