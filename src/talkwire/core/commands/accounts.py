"""What is asked about users, the accounts that sign in here, and their signed-in devices."""

from __future__ import annotations

import msgspec

from talkwire.core.commands.command import Change, Page, Query
from talkwire.core.domain.model import LoginSession, User


class Device(msgspec.Struct, frozen=True):
    """Where a sign-in comes from, for the user to know it again."""

    address: str = ""
    user_agent: str = ""


NO_DEVICE = Device()


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
    invitation: str | None = None
    """The code of an invitation, whose conversations the account joins."""


class SetPassword(Change[None], frozen=True, tag="SetPassword"):
    """Gives the account of `user_id` a new password and signs its devices out; an operator's command."""

    user_id: str
    password_hash: str


class ChangePassword(Change[None], frozen=True, tag="ChangePassword"):
    """Gives the actor's account a new password and signs all devices but `session_id` out.

    `current_hash` is what the current password was compared with.
    """

    current_hash: str
    new_hash: str
    session_id: str | None = None


class RehashPassword(Change[None], frozen=True, tag="RehashPassword"):
    """Internal: keeps the same password at another cost, unless it was changed since."""

    user_id: str
    current_hash: str
    new_hash: str


class OpenLogin(Change[Login], frozen=True, tag="OpenLogin"):
    """Records a device. `token_hash` is the hash of its first refresh token, `password_hash` what its password was
    compared with, if it gave one."""

    user_id: str
    token_hash: str
    lifetime_ms: int
    device: Device = NO_DEVICE
    password_hash: str | None = None


class RotateLogin(Change["Login | None"], frozen=True, tag="RotateLogin"):
    """Trades a refresh token for the next one. A token that was traded before ends its whole family and is answered
    None: a refusal that has to be stored."""

    session_id: str
    token_hash: str
    new_token_hash: str
    lifetime_ms: int
    device: Device = NO_DEVICE


class CloseLogin(Change[None], frozen=True, tag="CloseLogin"):
    """Signs one of the actor's devices out."""

    session_id: str


class EnsureUser(Change[User], frozen=True, tag="EnsureUser"):
    """The user of a token seen for the first time. Answers the stored user, banned or not."""

    user_id: str
    name: str


class BanUser(Change[User], frozen=True, tag="BanUser"):
    user_id: str


class UnbanUser(Change[User], frozen=True, tag="UnbanUser"):
    user_id: str


class UpdateUser(Change[User], frozen=True, tag="UpdateUser"):
    """Changes how others see the actor. What is left out stays; None takes a picture or a text away."""

    name: str | msgspec.UnsetType = msgspec.UNSET
    avatar: str | msgspec.UnsetType | None = msgspec.UNSET
    text: str | msgspec.UnsetType | None = msgspec.UNSET


class PutUser(Change[User], frozen=True, tag="PutUser"):
    """Creates or changes any user; for the back end and admins. What is left out stays; None clears."""

    user_id: str
    name: str | msgspec.UnsetType = msgspec.UNSET
    avatar: str | msgspec.UnsetType | None = msgspec.UNSET
    email: str | msgspec.UnsetType | None = msgspec.UNSET
    text: str | msgspec.UnsetType | None = msgspec.UNSET
    metadata: dict[str, object] | msgspec.UnsetType | None = msgspec.UNSET


class PutUsers(Change[tuple[User, ...]], frozen=True, tag="PutUsers"):
    """Creates or changes all of these users, or none of them when one is refused."""

    users: tuple[PutUser, ...]


class AccountRecord(msgspec.Struct, frozen=True):
    """An account with its user. `addresses` are those where its devices signed in or were last renewed, of the devices
    that are signed in."""

    user: User
    password_hash: str
    addresses: frozenset[str] = frozenset()


class FindAccount(Query["AccountRecord | None"], frozen=True, tag="FindAccount"):
    """Internal: what a sign-in is checked against."""

    email: str


class FindOwnAccount(Query["AccountRecord | None"], frozen=True, tag="FindOwnAccount"):
    """Internal: what the actor's current password is checked against."""


class ListLogins(Query[tuple[LoginSession, ...]], frozen=True, tag="ListLogins"):
    """The actor's signed-in devices, the one that was used last first. Those whose time was over before `now_ms` have
    signed out by themselves."""

    now_ms: int


class GetUser(Query[User], frozen=True, tag="GetUser"):
    """A user as the actor may see them."""

    user_id: str


class ListUsers(Query[Page[User]], frozen=True, tag="ListUsers"):
    """An operator's list, by id."""

    cursor: str | None = None
    limit: int = 100


class SearchUsers(Query[Page[User]], frozen=True, tag="SearchUsers"):
    """The users whose name begins with `text`, without regard to case, and the one whose id it is; all when it is
    empty. The setting `directory` says which users an ordinary user finds."""

    text: str = ""
    cursor: str | None = None
    limit: int = 50
