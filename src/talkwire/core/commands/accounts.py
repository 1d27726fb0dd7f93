"""What is asked about users, the accounts that sign in here, and their signed-in devices."""

from __future__ import annotations

import msgspec

from talkwire.core.commands.command import Change, Page, Query
from talkwire.core.model import LoginSession, User


class Login(msgspec.Struct, frozen=True):
    """A signed-in device and the account it belongs to."""

    session: LoginSession
    user: User


class RegisterAccount(Change[User], frozen=True, tag="RegisterAccount"):
    """A new account of our own. The password arrives hashed: hashing takes long and must not hold the writer."""

    email: str
    name: str
    password_hash: str
    id: str | None = None


class SetPassword(Change[None], frozen=True, tag="SetPassword"):
    """Gives the account of `user_id` a new password; an operator's command."""

    user_id: str
    password_hash: str


class OpenLogin(Change[Login], frozen=True, tag="OpenLogin"):
    """Records a device whose password was right. `token_hash` is the hash of its first refresh token."""

    user_id: str
    token_hash: str
    lifetime_ms: int


class RotateLogin(Change["Login | None"], frozen=True, tag="RotateLogin"):
    """Trades a refresh token for the next one. A token that was traded before ends its whole family and is answered
    None: a refusal that has to be stored."""

    session_id: str
    token_hash: str
    new_token_hash: str
    lifetime_ms: int


class CloseLogin(Change[None], frozen=True, tag="CloseLogin"):
    """Signs the actor's device out."""

    session_id: str


class EnsureUser(Change[User], frozen=True, tag="EnsureUser"):
    """The user of a token seen for the first time. Answers the stored user, banned or not."""

    user_id: str
    name: str


class BanUser(Change[User], frozen=True, tag="BanUser"):
    user_id: str


class UnbanUser(Change[User], frozen=True, tag="UnbanUser"):
    user_id: str


class AccountRecord(msgspec.Struct, frozen=True):
    """An account with its user."""

    user: User
    password_hash: str


class FindAccount(Query["AccountRecord | None"], frozen=True, tag="FindAccount"):
    """Internal: what a sign-in is checked against."""

    email: str


class GetUser(Query[User], frozen=True, tag="GetUser"):
    user_id: str


class ListUsers(Query[Page[User]], frozen=True, tag="ListUsers"):
    """An operator's list, by id."""

    cursor: str | None = None
    limit: int = 100
