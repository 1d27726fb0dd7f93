"""Registers accounts with e-mail and password, signs their users in and out, and issues their tokens.

A refresh token is `<session id>.<secret>`; the database stores a hash of the secret. Each use of a refresh token
replaces the secret with a new one.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from hashlib import sha256
from secrets import token_urlsafe

from talkwire.core.commands.accounts import (
    NO_DEVICE,
    AccountRecord,
    ChangePassword,
    CloseLogin,
    Device,
    EraseUser,
    FindAccount,
    FindOwnAccount,
    Login,
    OpenLogin,
    OpenProviderLogin,
    RegisterAccount,
    RehashPassword,
    RotateLogin,
)
from talkwire.core.commands.invitations import InvitedConversation, ListInvitedConversations
from talkwire.core.domain.errors import ChatError, invalid
from talkwire.core.domain.model import Actor, ProviderProfile, User
from talkwire.core.engine.chat import Chat
from talkwire.core.engine.limits import Kind, Limits, address_key, site_key
from talkwire.identity.issuer import TokenIssuer
from talkwire.identity.passwords import Passwords
from talkwire.observability.sign_ins import SignInAttempt, logged_sign_in, note_refused_token

PASSWORD_MIN_LENGTH = 8
"""Shortest password of an account, in characters."""

FIRST_REFRESH_S = 60
"""Seconds within which a page exchanges the refresh token that it receives from a sign-in through an OpenID provider.
"""

_NOBODY = Actor("", "")
"""Actor of requests that nobody has signed in for."""


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """The lifetimes of access tokens and of unused refresh tokens, in seconds."""

    access_s: float = 3600
    refresh_s: float = 30 * 24 * 3600


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The tokens of a client that has signed in, and its user. `expires_in_s` is the access token's lifetime in
    seconds."""

    access_token: str
    refresh_token: str
    expires_in_s: float
    user: User


@dataclass(frozen=True, slots=True)
class Registration:
    """The data with which a user registers. `invitation` is the code of an invitation; None if there is none."""

    email: str
    password: str
    name: str
    invitation: str | None = None


@dataclass(frozen=True, slots=True)
class ProviderUser:
    """A user whom an OpenID provider has identified: the provider's URL (`issuer`), the user's id there (`subject`) and
    profile. If `links_by_email` is true, the first sign-in may belong to an existing user with the same e-mail address.
    If `keeps_missing` is true, values that the profile lacks were not available this time.
    """

    issuer: str
    subject: str
    profile: ProviderProfile
    links_by_email: bool = False
    keeps_missing: bool = False


class Accounts:
    """Registers and signs in users: those with an account on this server, and those of an OpenID provider.

    Methods raise ChatError: `unauthenticated`, `banned`, `conflict`, `forbidden`, `invalid_request`, `rate_limited` for
    too many attempts with passwords, and `unavailable` if `issuer`, which signs tokens, is None. If `limits` is None,
    attempts are not limited. With `invited_only`, registering needs an invitation. `creates_users` says whether the
    first sign-in through an OpenID provider creates a user.
    """

    def __init__(  # noqa: PLR0913 (what it joins)
        self,
        chat: Chat,
        passwords: Passwords,
        issuer: TokenIssuer | None,
        lifetimes: Lifetimes,
        limits: Limits | None = None,
        *,
        invited_only: bool = False,
        creates_users: bool = True,
    ) -> None:
        self._chat = chat
        self._invited_only = invited_only
        self._creates_users = creates_users
        self._passwords = passwords
        self._issuer = issuer
        self._lifetimes = lifetimes
        self._limits = limits

    async def register(self, asked: Registration, device: Device = NO_DEVICE) -> SignedIn:
        """Creates an account, signs its user in, and returns the tokens."""
        with logged_sign_in("register", device.address) as attempt:
            await self._take(Kind.SIGN_INS, address_key(device.address))
            if self._invited_only and asked.invitation is None:
                raise ChatError(
                    "forbidden",
                    "Registering needs an invitation. Ask a member of this server for a link.",
                    cause="server_policy",
                )
            signed_in = await self._sign_in(await self._create(_NOBODY, asked), device)
            attempt.user_id = signed_in.user.id
        return signed_in

    async def invited_conversations(self, code: str, device: Device) -> tuple[InvitedConversation, ...]:
        """Returns the conversations that an invitation leads to, for someone who has not signed in; empty for an
        invitation to the server only. Raises `not_found` for an unknown code, `forbidden` for an invitation that cannot
        be used any more, and `rate_limited` like a sign-in."""
        await self._take(Kind.SIGN_INS, address_key(device.address))
        return await self._chat.execute(_NOBODY, ListInvitedConversations(code))

    async def create(self, actor: Actor, email: str, password: str, name: str, user_id: str | None = None) -> User:
        """Creates an account and returns its user, without signing in. Only operators may choose `user_id`: a new id,
        or the id of a user without an account. Raises `conflict` if the e-mail address has an account.
        """
        return await self._create(actor, Registration(email, password, name), user_id)

    async def _create(self, actor: Actor, asked: Registration, user_id: str | None = None) -> User:
        _check_password("password", asked.password)
        password_hash = await self._passwords.hash(asked.password)
        command = RegisterAccount(asked.email, asked.name, password_hash, user_id, asked.invitation)
        return await self._chat.execute(actor, command)

    async def login(self, email: str, password: str, device: Device = NO_DEVICE) -> SignedIn:
        """Signs a user in by e-mail address and password, and returns new tokens. A wrong password and an unknown
        address get the same error after the same time, so the response does not show whether the address has an
        account."""
        with logged_sign_in("password", device.address) as attempt:
            return await self._login(email, password, device, attempt)

    async def _login(self, email: str, password: str, device: Device, attempt: SignInAttempt) -> SignedIn:
        await self._take(Kind.SIGN_INS, address_key(device.address))
        account = _hash(email.casefold())
        await self._take(Kind.ACCOUNT_SIGN_INS, f"{account} {address_key(device.address)}")
        found = await self._find(email)
        if found is not None:
            attempt.user_id = found.user.id
        await self._take_guess(account, found, device)
        if not await self._matches(found, password) or found is None:
            raise ChatError("unauthenticated", "The e-mail address or the password is wrong.")
        password_hash = found.password_hash
        if self._passwords.needs_rehash(password_hash):
            password_hash = await self._passwords.hash(password)
            await self._chat.execute(_NOBODY, RehashPassword(found.user.id, found.password_hash, password_hash))
        return await self._sign_in(found.user, device, password_hash)

    async def take_provider_attempt(self, device: Device) -> None:
        """Counts a step of a sign-in through an OpenID provider. Call this before sending a request to the provider.
        Raises `rate_limited` after too many attempts from the device's address.
        """
        await self._take(Kind.SIGN_INS, address_key(device.address))

    async def sign_in_provider_user(self, user: ProviderUser, device: Device = NO_DEVICE) -> tuple[str, User]:
        """Signs in a device of a user whom an OpenID provider has identified.

        Returns the device's first refresh token, which is valid for `FIRST_REFRESH_S` seconds, and the user. Raises
        `banned`, and `forbidden` for a new user if this server does not create users at the first sign-in.
        """
        secret = token_urlsafe(32)
        login = await self._chat.execute(
            _NOBODY,
            OpenProviderLogin(
                user.issuer,
                user.subject,
                user.profile,
                _hash(secret),
                FIRST_REFRESH_S * 1000,
                device,
                self._creates_users,
                user.links_by_email,
                user.keeps_missing,
            ),
        )
        return self._own_issuer().refresh_token(login.session.id, secret), login.user

    async def change_password(self, actor: Actor, session_id: str | None, current: str, new: str) -> None:
        """Changes the password of the actor's account from `current` to `new`, and signs out all devices of the account
        except `session_id` (None: all devices).

        Raises `forbidden` for a wrong `current` and, after the same time, if the actor has no account; `rate_limited`
        after too many attempts.
        """
        _check_password("newPassword", new)
        await self._take(Kind.ACCOUNT_SIGN_INS, f"{actor.user_id} {session_id or ''}")
        found = await self._chat.execute(actor, FindOwnAccount())
        if not await self._matches(found, current) or found is None:
            raise ChatError("forbidden", "The current password is wrong.", cause="wrong_password")
        new_hash = await self._passwords.hash(new)
        await self._chat.execute(actor, ChangePassword(found.password_hash, new_hash, session_id))

    async def erase(self, actor: Actor, session_id: str | None, password: str | None, *, redact: bool) -> None:
        """Erases the user `actor` and their data; with `redact`, the user's messages too. `session_id` is the device
        that asks for it.

        If the user has an account, `password` must be its password: raises `forbidden` for another one or None, and
        `rate_limited` after too many attempts.
        """
        found = await self._chat.execute(actor, FindOwnAccount())
        if found is None:
            await self._chat.execute(actor, EraseUser(actor.user_id, redact))
            return
        await self._take(Kind.ACCOUNT_SIGN_INS, f"{actor.user_id} {session_id or ''}")
        if password is None or not await self._matches(found, password):
            raise ChatError("forbidden", "The password is wrong.", cause="wrong_password")
        await self._chat.execute(actor, EraseUser(actor.user_id, redact, found.password_hash))

    async def refresh(self, refresh_token: str, device: Device = NO_DEVICE) -> SignedIn:
        """Returns new tokens in exchange for a refresh token, which becomes invalid. Using a refresh token a second
        time signs out its device, since one of the two clients must have stolen the token; a token that this server has
        never issued does not, since anyone can make it up. Raises `unauthenticated` for an invalid token.
        """
        if self._limits is not None:
            self._limits.take_or_refuse(Kind.REFRESHES, address_key(device.address), time.monotonic())
        session_id, _, rest = refresh_token.partition(".")
        secret = rest.partition(".")[0]
        issued = self._issuer is not None and self._issuer.has_issued(refresh_token)
        renewed_secret = token_urlsafe(32)
        lifetime_ms = round(self._lifetimes.refresh_s * 1000)
        command = RotateLogin(session_id, _hash(secret), _hash(renewed_secret), lifetime_ms, device, issued)
        try:
            login = await self._chat.execute(_NOBODY, command)
        except ChatError as error:
            if error.code != "invalid_request":
                note_refused_token("refresh", error, device.address)
                raise
            login = None  # not a refresh token that this server has issued
        if login is None:
            refused = ChatError("unauthenticated", "The refresh token is invalid or expired.")
            note_refused_token("refresh", refused, device.address)
            raise refused
        return self._signed_in(login, renewed_secret)

    async def logout(self, actor: Actor, session_id: str) -> None:
        """Signs out the actor's device `session_id` and closes its sockets. Does nothing if the device is signed out
        already.
        """
        try:
            await self._chat.execute(actor, CloseLogin(session_id))
        except ChatError as error:
            if error.code != "forbidden":
                raise  # `forbidden`: it has ended meanwhile

    async def _find(self, email: str) -> AccountRecord | None:
        try:
            return await self._chat.execute(_NOBODY, FindAccount(email))
        except ChatError as error:
            if error.code != "invalid_request":
                raise
            return None

    async def _take_guess(self, account: str, found: AccountRecord | None, device: Device) -> None:
        """Limits guesses of one account's password from many addresses, without locking out the account's owner. Raises
        `rate_limited` if the limit is used up.

        Attempts from addresses where a device of the account is signed in do not count against the limit, and neither
        do the first attempts from any other address.
        """
        address = address_key(device.address)
        if self._limits is None or (found is not None and address in map(address_key, found.addresses)):
            return
        first = await self._is_free(Kind.FIRST_SIGN_INS, f"{account} {address}")
        site = site_key(device.address)
        if first and site is not None:
            first = await self._is_free(Kind.SITE_FIRST_SIGN_INS, f"{account} {site}")
        if not first:
            await self._take(Kind.ACCOUNT_GUESSES, account)

    async def _is_free(self, kind: Kind, key: str) -> bool:
        """Takes a token from the rate-limit bucket `key`, whose kind is in `EXEMPTING_KINDS`. Returns True if there was
        one, or if attempts are not limited: the attempt then does not count against the account's limit.
        """
        return self._limits is None or not await self._limits.take_everywhere(kind, key, time.monotonic())

    async def _matches(self, found: AccountRecord | None, password: str) -> bool:
        return await self._passwords.verify(None if found is None else found.password_hash, password)

    async def _sign_in(self, user: User, device: Device, password_hash: str | None = None) -> SignedIn:
        secret = token_urlsafe(32)
        lifetime_ms = round(self._lifetimes.refresh_s * 1000)
        command = OpenLogin(user.id, _hash(secret), lifetime_ms, device, password_hash)
        return self._signed_in(await self._chat.execute(_NOBODY, command), secret)

    def _signed_in(self, login: Login, secret: str) -> SignedIn:
        issuer = self._own_issuer()
        token = issuer.issue(
            login.user.id,
            ttl_s=self._lifetimes.access_s,
            name=login.user.name,
            role=None if login.role == "user" else login.role,
            session_id=login.session.id,
            provider=login.session.issuer,
        )
        refresh_token = issuer.refresh_token(login.session.id, secret)
        return SignedIn(token, refresh_token, self._lifetimes.access_s, login.user)

    def _own_issuer(self) -> TokenIssuer:
        if self._issuer is None:
            raise ChatError("unavailable", "This server has no secret to sign tokens with.")
        return self._issuer

    async def _take(self, kind: Kind, key: str) -> None:
        """Counts an attempt to register, to sign in or to prove a password against a limit that all nodes share. Raises
        `rate_limited` if the limit is used up.
        """
        if self._limits is not None:
            await self._limits.take_or_refuse_everywhere(kind, key, time.monotonic())


def _check_password(path: str, password: str) -> None:
    if len(password) < PASSWORD_MIN_LENGTH:
        raise invalid(path, f"must have at least {PASSWORD_MIN_LENGTH} characters")


def _hash(secret: str) -> str:
    return sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
