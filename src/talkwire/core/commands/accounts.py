"""Commands about users, the accounts that sign in on this server, and their signed-in devices."""

from __future__ import annotations

import msgspec

from talkwire.core.commands.command import Change, Page, Query
from talkwire.core.domain.model import LoginSession, User


class Device(msgspec.Struct, frozen=True):
    """The origin of a sign-in, shown to the user in the list of devices."""

    address: str = ""
    user_agent: str = ""


NO_DEVICE = Device()


class Login(msgspec.Struct, frozen=True):
    """A signed-in device and the user that it belongs to."""

    session: LoginSession
    user: User


class RegisterAccount(Change[User], frozen=True, tag="RegisterAccount"):
    """Creates an account with e-mail and password and returns its user.

    The password is already hashed, because hashing is slow and must not block the writer.
    """

    email: str
    name: str
    password_hash: str
    id: str | None = None
    invitation: str | None = None
    """The code of an invitation. The account joins the invitation's conversations."""


class SetPassword(Change[None], frozen=True, tag="SetPassword"):
    """Sets a new password for the account of `user_id` and signs its devices out. Only for operators."""

    user_id: str
    password_hash: str


class ChangePassword(Change[None], frozen=True, tag="ChangePassword"):
    """Sets a new password for the actor's account and signs all devices but `session_id` out.

    `current_hash` is the hash that the current password was checked against. Raises an error if the password has
    changed since.
    """

    current_hash: str
    new_hash: str
    session_id: str | None = None


class RehashPassword(Change[None], frozen=True, tag="RehashPassword"):
    """Internal: stores the hash of the same password with other cost parameters, unless the password has changed
    since."""

    user_id: str
    current_hash: str
    new_hash: str


class OpenLogin(Change[Login], frozen=True, tag="OpenLogin"):
    """Stores a signed-in device.

    `token_hash` is the hash of its first refresh token. `password_hash` is the hash that the password was checked
    against, None for a sign-in without a password. `lifetime_ms` is in milliseconds.
    """

    user_id: str
    token_hash: str
    lifetime_ms: int
    device: Device = NO_DEVICE
    password_hash: str | None = None


class RotateLogin(Change["Login | None"], frozen=True, tag="RotateLogin"):
    """Replaces a refresh token by the next one.

    A token that was already replaced has probably been stolen: it signs the device out. The result is then None and not
    an error, because an error would roll the sign-out back.
    """

    session_id: str
    token_hash: str
    new_token_hash: str
    lifetime_ms: int
    device: Device = NO_DEVICE


class CloseLogin(Change[None], frozen=True, tag="CloseLogin"):
    """Signs out one of the actor's devices."""

    session_id: str


class EnsureUser(Change[User], frozen=True, tag="EnsureUser"):
    """Stores the user of a token on first sight. Returns the stored user, also if that user is banned."""

    user_id: str
    name: str


class EraseUser(Change[None], frozen=True, tag="EraseUser"):
    """Erases a user for good: the account, the profile and everything that is stored for the user.

    With `redact`, the user's messages become tombstones; the server does this in steps, also after a restart. Users
    erase themselves, the backend and admins anyone. `password_hash` is the hash that the user's password was checked
    against, None for a user without an account. Erasing again changes nothing, but with `redact` after an erasure
    without it the messages are redacted too.
    """

    user_id: str
    redact: bool
    password_hash: str | None = None


class BanUser(Change[User], frozen=True, tag="BanUser"):
    user_id: str


class UnbanUser(Change[User], frozen=True, tag="UnbanUser"):
    user_id: str


class UpdateUser(Change[User], frozen=True, tag="UpdateUser"):
    """Changes the actor's profile. Fields that are not set stay the same; None removes a picture or a text."""

    name: str | msgspec.UnsetType = msgspec.UNSET
    avatar: str | msgspec.UnsetType | None = msgspec.UNSET
    text: str | msgspec.UnsetType | None = msgspec.UNSET


class PutUser(Change[User], frozen=True, tag="PutUser"):
    """Creates or changes any user. Only for the application's backend and admins.

    Fields that are not set stay the same; None clears a field.
    """

    user_id: str
    name: str | msgspec.UnsetType = msgspec.UNSET
    avatar: str | msgspec.UnsetType | None = msgspec.UNSET
    email: str | msgspec.UnsetType | None = msgspec.UNSET
    text: str | msgspec.UnsetType | None = msgspec.UNSET
    metadata: dict[str, object] | msgspec.UnsetType | None = msgspec.UNSET
    hold: bool | msgspec.UnsetType = msgspec.UNSET
    """Whether nothing of the user may be deleted."""


class PutUsers(Change[tuple[User, ...]], frozen=True, tag="PutUsers"):
    """Creates or changes these users: all of them, or none if one is refused."""

    users: tuple[PutUser, ...]


class AccountRecord(msgspec.Struct, frozen=True):
    """An account with its user. `addresses` are the IP addresses of the latest sign-in or renewal of its signed-in
    devices."""

    user: User
    password_hash: str
    addresses: frozenset[str] = frozenset()


class FindAccount(Query["AccountRecord | None"], frozen=True, tag="FindAccount"):
    """Internal: returns the account to check a sign-in against."""

    email: str


class FindOwnAccount(Query["AccountRecord | None"], frozen=True, tag="FindOwnAccount"):
    """Internal: returns the account to check the actor's current password against."""


class ListLogins(Query[tuple[LoginSession, ...]], frozen=True, tag="ListLogins"):
    """Lists the actor's signed-in devices, most recently used first, without those expired by `now_ms`."""

    now_ms: int


class GetUser(Query[User], frozen=True, tag="GetUser"):
    """Returns a user's profile as the actor may see it."""

    user_id: str


class ListUsers(Query[Page[User]], frozen=True, tag="ListUsers"):
    """Lists all users in the order of their ids. Only for operators."""

    cursor: str | None = None
    limit: int = 100


class SearchUsers(Query[Page[User]], frozen=True, tag="SearchUsers"):
    """Finds users whose name starts with `text`, ignoring case, and the user with that id.

    An empty text finds all users. The setting `directory` restricts which users an ordinary user finds.
    """

    text: str = ""
    cursor: str | None = None
    limit: int = 50
