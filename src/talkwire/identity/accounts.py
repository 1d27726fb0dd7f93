"""Registers accounts and signs their users in and out, with passwords and tokens.

A refresh token is `<session id>.<secret>`; the database stores a hash of the secret. Each use replaces it with a new
one.
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
    RegisterAccount,
    RehashPassword,
    RotateLogin,
)
from talkwire.core.domain.errors import ChatError, invalid
from talkwire.core.domain.model import Actor, User
from talkwire.core.engine.chat import Chat
from talkwire.core.engine.limits import Kind, Limits, address_key, site_key
from talkwire.identity.issuer import TokenIssuer
from talkwire.identity.passwords import Passwords

PASSWORD_MIN_LENGTH = 8
_NOBODY = Actor("", "")
"""The actor of requests that nobody has signed in for."""


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """Lifetimes of tokens, in seconds."""

    access_s: float = 3600
    refresh_s: float = 30 * 24 * 3600


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A client's new tokens. `expires_in_s` is the access token's lifetime, in seconds."""

    access_token: str
    refresh_token: str
    expires_in_s: float
    user: User


@dataclass(frozen=True, slots=True)
class Registration:
    """The data of a user who registers. `invitation` is the code of an invitation, if there is one."""

    email: str
    password: str
    name: str
    invitation: str | None = None


class Accounts:
    """The accounts of this server.

    Raises `unauthenticated`, `banned`, `conflict`, `forbidden`, `invalid_request`, and `rate_limited` for too many
    attempts with passwords. `limits` None turns the limits off. With `invited_only`, registering needs an invitation.
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
    ) -> None:
        self._chat = chat
        self._invited_only = invited_only
        self._passwords = passwords
        self._issuer = issuer
        self._lifetimes = lifetimes
        self._limits = limits

    async def register(self, asked: Registration, device: Device = NO_DEVICE) -> SignedIn:
        """Creates an account and returns it, signed in."""
        await self._take(Kind.SIGN_INS, address_key(device.address))
        if self._invited_only and asked.invitation is None:
            raise ChatError("forbidden", "Registering needs an invitation. Ask a member of this server for a link.")
        return await self._sign_in(await self._create(_NOBODY, asked), device)

    async def create(self, actor: Actor, email: str, password: str, name: str, user_id: str | None = None) -> User:
        """Creates an account and returns its user. Only operators may choose the id."""
        return await self._create(actor, Registration(email, password, name), user_id)

    async def _create(self, actor: Actor, asked: Registration, user_id: str | None = None) -> User:
        _check_password("password", asked.password)
        password_hash = await self._passwords.hash(asked.password)
        command = RegisterAccount(asked.email, asked.name, password_hash, user_id, asked.invitation)
        return await self._chat.execute(actor, command)

    async def login(self, email: str, password: str, device: Device = NO_DEVICE) -> SignedIn:
        """Signs in and returns new tokens. A wrong password and an unknown address get the same error after the same
        time.
        """
        await self._take(Kind.SIGN_INS, address_key(device.address))
        account = _hash(email.casefold())
        await self._take(Kind.ACCOUNT_SIGN_INS, f"{account} {address_key(device.address)}")
        found = await self._find(email)
        await self._take_guess(account, found, device)
        if not await self._matches(found, password) or found is None:
            raise ChatError("unauthenticated", "The e-mail address or the password is wrong.")
        password_hash = found.password_hash
        if self._passwords.needs_rehash(password_hash):
            password_hash = await self._passwords.hash(password)
            await self._chat.execute(_NOBODY, RehashPassword(found.user.id, found.password_hash, password_hash))
        return await self._sign_in(found.user, device, password_hash)

    async def change_password(self, actor: Actor, session_id: str | None, current: str, new: str) -> None:
        """Changes the password of the actor's account, and ends all its sign-ins except `session_id`.

        Raises `forbidden` for a wrong password, and after the same time if the actor has no account.
        """
        _check_password("newPassword", new)
        await self._take(Kind.ACCOUNT_SIGN_INS, f"{actor.user_id} {session_id or ''}")
        found = await self._chat.execute(actor, FindOwnAccount())
        if not await self._matches(found, current) or found is None:
            raise ChatError("forbidden", "The current password is wrong.")
        new_hash = await self._passwords.hash(new)
        await self._chat.execute(actor, ChangePassword(found.password_hash, new_hash, session_id))

    async def erase(self, actor: Actor, session_id: str | None, password: str | None, *, redact: bool) -> None:
        """Erases the actor. Raises `forbidden` if the actor has an account and the password is wrong."""
        found = await self._chat.execute(actor, FindOwnAccount())
        if found is None:
            await self._chat.execute(actor, EraseUser(actor.user_id, redact))
            return
        await self._take(Kind.ACCOUNT_SIGN_INS, f"{actor.user_id} {session_id or ''}")
        if password is None or not await self._matches(found, password):
            raise ChatError("forbidden", "The password is wrong.")
        await self._chat.execute(actor, EraseUser(actor.user_id, redact, found.password_hash))

    async def refresh(self, refresh_token: str, device: Device = NO_DEVICE) -> SignedIn:
        """Returns new tokens for a refresh token. One that was used before ends its whole sign-in, since it may be
        stolen.
        """
        if self._limits is not None:
            self._limits.take_or_refuse(Kind.REFRESHES, address_key(device.address), time.monotonic())
        session_id, _, secret = refresh_token.partition(".")
        renewed_secret = token_urlsafe(32)
        lifetime_ms = round(self._lifetimes.refresh_s * 1000)
        command = RotateLogin(session_id, _hash(secret), _hash(renewed_secret), lifetime_ms, device)
        try:
            login = await self._chat.execute(_NOBODY, command)
        except ChatError as error:
            if error.code != "invalid_request":
                raise
            login = None  # not a refresh token that this server has issued
        if login is None:
            raise ChatError("unauthenticated", "The refresh token is invalid or expired.")
        return self._signed_in(login, renewed_secret)

    async def logout(self, actor: Actor, session_id: str) -> None:
        """Ends the sign-in of the actor's token and closes its sockets."""
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
        """Limits guesses at one account from many addresses, but not its owner.

        Addresses where a device of the account is signed in are free, and so are the first attempts from any other
        address.
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
        """Returns whether a bucket had a token; then the attempt takes none from the account's bucket."""
        return self._limits is None or not await self._limits.take_everywhere(kind, key, time.monotonic())

    async def _matches(self, found: AccountRecord | None, password: str) -> bool:
        return await self._passwords.verify(None if found is None else found.password_hash, password)

    async def _sign_in(self, user: User, device: Device, password_hash: str | None = None) -> SignedIn:
        secret = token_urlsafe(32)
        lifetime_ms = round(self._lifetimes.refresh_s * 1000)
        command = OpenLogin(user.id, _hash(secret), lifetime_ms, device, password_hash)
        return self._signed_in(await self._chat.execute(_NOBODY, command), secret)

    def _signed_in(self, login: Login, secret: str) -> SignedIn:
        if self._issuer is None:
            raise ChatError("unavailable", "This server has no secret to sign tokens with.")
        token = self._issuer.issue(
            login.user.id, ttl_s=self._lifetimes.access_s, name=login.user.name, session_id=login.session.id
        )
        return SignedIn(token, f"{login.session.id}.{secret}", self._lifetimes.access_s, login.user)

    async def _take(self, kind: Kind, key: str) -> None:
        """Takes a token before a password is checked, from the bucket that all nodes share. Raises `rate_limited`."""
        if self._limits is not None:
            await self._limits.take_or_refuse_everywhere(kind, key, time.monotonic())


def _check_password(path: str, password: str) -> None:
    if len(password) < PASSWORD_MIN_LENGTH:
        raise invalid(path, f"must have at least {PASSWORD_MIN_LENGTH} characters")


def _hash(secret: str) -> str:
    return sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
