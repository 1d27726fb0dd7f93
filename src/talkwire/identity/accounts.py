"""Signing up, in and out of accounts of our own (contract, section 2): passwords and tokens in, commands out.

A refresh token is `<session id>.<secret>`; the database holds the secret's hash. Each use trades it for the next one.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from secrets import token_urlsafe

from talkwire.core.chat import Chat
from talkwire.core.commands.accounts import (
    CloseLogin,
    FindAccount,
    Login,
    OpenLogin,
    RegisterAccount,
    RotateLogin,
    SetPassword,
)
from talkwire.core.errors import ChatError, invalid
from talkwire.core.model import Actor, User
from talkwire.identity.issuer import TokenIssuer
from talkwire.identity.passwords import Passwords

PASSWORD_MIN_LENGTH = 8
_NOBODY = Actor("", "")
"""Who asks before anyone has signed in."""


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """How long tokens are good for, in seconds."""

    access_s: float = 3600
    refresh_s: float = 30 * 24 * 3600


@dataclass(frozen=True, slots=True)
class SignedIn:
    """What a client gets when it has signed in. `expires_in_s` is of the access token."""

    access_token: str
    refresh_token: str
    expires_in_s: float
    user: User


class Accounts:
    """The accounts that sign in here. Raises `unauthenticated`, `banned`, `conflict`, `invalid_request`."""

    def __init__(self, chat: Chat, passwords: Passwords, issuer: TokenIssuer | None, lifetimes: Lifetimes) -> None:
        self._chat = chat
        self._passwords = passwords
        self._issuer = issuer
        self._lifetimes = lifetimes

    async def register(self, email: str, password: str, name: str) -> SignedIn:
        """A new account, signed in."""
        user = await self.create(_NOBODY, email, password, name)
        return await self._sign_in(user)

    async def create(self, actor: Actor, email: str, password: str, name: str, user_id: str | None = None) -> User:
        """A new account. Only an operator chooses the id."""
        _check_password(password)
        password_hash = await self._passwords.hash(password)
        return await self._chat.execute(actor, RegisterAccount(email, name, password_hash, user_id))

    async def login(self, email: str, password: str) -> SignedIn:
        """The same refusal, after the same time, for a wrong password and for an address that nobody has."""
        try:
            found = await self._chat.execute(_NOBODY, FindAccount(email))
        except ChatError as error:
            if error.code != "invalid_request":
                raise
            found = None
        matches = await self._passwords.verify(found.password_hash if found is not None else None, password)
        if found is None or not matches:
            raise ChatError("unauthenticated", "The e-mail address or the password is wrong.")
        if self._passwords.needs_rehash(found.password_hash):
            password_hash = await self._passwords.hash(password)
            operator = Actor(found.user.id, found.user.name, "admin")
            await self._chat.execute(operator, SetPassword(found.user.id, password_hash))
        return await self._sign_in(found.user)

    async def refresh(self, refresh_token: str) -> SignedIn:
        """Trades a refresh token for new tokens. One that was used before ends the sign-in it belongs to."""
        session_id, _, secret = refresh_token.partition(".")
        renewed_secret = token_urlsafe(32)
        lifetime_ms = round(self._lifetimes.refresh_s * 1000)
        command = RotateLogin(session_id, _hash(secret), _hash(renewed_secret), lifetime_ms)
        try:
            login = await self._chat.execute(_NOBODY, command)
        except ChatError as error:
            if error.code != "invalid_request":
                raise
            login = None  # no text of ours
        if login is None:
            raise ChatError("unauthenticated", "The refresh token is not good, or not any more.")
        return self._signed_in(login, renewed_secret)

    async def logout(self, actor: Actor, session_id: str) -> None:
        """Ends a sign-in; its sockets close."""
        await self._chat.execute(actor, CloseLogin(session_id))

    async def _sign_in(self, user: User) -> SignedIn:
        secret = token_urlsafe(32)
        command = OpenLogin(user.id, _hash(secret), round(self._lifetimes.refresh_s * 1000))
        return self._signed_in(await self._chat.execute(_NOBODY, command), secret)

    def _signed_in(self, login: Login, secret: str) -> SignedIn:
        if self._issuer is None:
            raise ChatError("unavailable", "This server has no secret to sign tokens with.")
        token = self._issuer.issue(
            login.user.id, ttl_s=self._lifetimes.access_s, name=login.user.name, session_id=login.session.id
        )
        return SignedIn(token, f"{login.session.id}.{secret}", self._lifetimes.access_s, login.user)


def _check_password(password: str) -> None:
    if len(password) < PASSWORD_MIN_LENGTH:
        raise invalid("password", f"must have at least {PASSWORD_MIN_LENGTH} characters")


def _hash(secret: str) -> str:
    return sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
