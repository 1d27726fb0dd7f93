"""Commands about users, the accounts that sign in on this server, and their signed-in devices."""

from __future__ import annotations

import msgspec

from talkwire.core.commands.command import Change, Page, Query
from talkwire.core.domain.model import AccountRole, LoginSession, ProviderProfile, User


class Device(msgspec.Struct, frozen=True):
    """The IP address and user agent with which a device signed in, shown to the user in the list of devices."""

    address: str = ""
    user_agent: str = ""


NO_DEVICE = Device()


class Login(msgspec.Struct, frozen=True):
    """A signed-in device and the user that it belongs to."""

    session: LoginSession
    user: User
    role: AccountRole = "user"


class RegisterAccount(Change[User], frozen=True, tag="RegisterAccount"):
    """Creates an account with e-mail and password and returns its user.

    The password is already hashed, because hashing is slow and must not block the writer.
    """

    email: str
    name: str | None
    """The name of a new user. A user who exists keeps theirs."""
    password_hash: str
    id: str | None = None
    """The id of the user: a new one, or a user who has no account. Only operators may choose it."""
    invitation: str | None = None
    """The code of an invitation. The account joins the invitation's conversations."""
    role: AccountRole | None = None
    """The account's role. Only operators may choose it; otherwise it is that of the invitation."""


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
    """Signs a device in: stores it with its first refresh token and returns it with its user.

    `token_hash` is the hash of the refresh token. `password_hash` is the hash that the password was checked against,
    None for a sign-in without a password. The sign-in ends after `lifetime_ms` milliseconds unless it is renewed.
    """

    user_id: str
    token_hash: str
    lifetime_ms: int
    device: Device = NO_DEVICE
    password_hash: str | None = None


class OpenProviderLogin(Change[Login], frozen=True, tag="OpenProviderLogin"):
    """Signs in a device of a user whom an OpenID provider has identified by `issuer` and `subject`, and returns it with
    the user.

    Creates the user at the first sign-in, unless `create_user` is false, and copies the provider's changes of the
    profile later. With `links_by_email`, the first sign-in takes the only user who has the profile's e-mail address and
    no way to sign in here, if there is one. The provider must have verified the address.
    """

    issuer: str
    subject: str
    profile: ProviderProfile
    token_hash: str
    lifetime_ms: int
    device: Device = NO_DEVICE
    create_user: bool = True
    links_by_email: bool = False


class RotateLogin(Change["Login | None"], frozen=True, tag="RotateLogin"):
    """Replaces a device's refresh token by the next one.

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
    """Stores the user that a token names, if the user is not stored yet. Returns the stored user, also if that user is
    banned."""

    user_id: str
    name: str


class EraseUser(Change[None], frozen=True, tag="EraseUser"):
    """Erases a user for good: the account, the profile and everything that is stored for the user.

    With `redact`, the user's messages become tombstones (messages without content); the server does this in steps, also
    after a restart. Users erase themselves, the backend and admins anyone. `password_hash` is the hash that the user's
    password was checked against, None for a user without an account. Erasing a user again changes nothing, except that
    `redact` also redacts the messages that an erasure without it has kept.
    """

    user_id: str
    redact: bool
    password_hash: str | None = None


class BanUser(Change[User], frozen=True, tag="BanUser"):
    """Bans a user from the server, replacing the reason and the end of an earlier ban.

    Without `until_ms`, the ban lasts until it is lifted.
    """

    user_id: str
    reason: str | None = None
    until_ms: int | None = None


class UnbanUser(Change[User], frozen=True, tag="UnbanUser"):
    user_id: str


class EndBans(Change["int | None"], frozen=True, tag="EndBans"):
    """Internal: lifts the bans from the server whose time has ended, and returns when the next one ends, in
    milliseconds since 1970, or None. Only for operators."""


class UpdateUser(Change[User], frozen=True, tag="UpdateUser"):
    """Changes the actor's profile. Fields that are not set stay the same; None removes a picture, a text or a handle.

    Users choose their handles only where the server has accounts; elsewhere the backend sets them.
    """

    name: str | msgspec.UnsetType = msgspec.UNSET
    avatar: str | msgspec.UnsetType | None = msgspec.UNSET
    text: str | msgspec.UnsetType | None = msgspec.UNSET
    handle: str | msgspec.UnsetType | None = msgspec.UNSET


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
    handle: str | msgspec.UnsetType | None = msgspec.UNSET


class PutUsers(Change[tuple[User, ...]], frozen=True, tag="PutUsers"):
    """Creates or changes several users: all of them, or none if one is refused."""

    users: tuple[PutUser, ...]


class AccountRecord(msgspec.Struct, frozen=True):
    """An account with its user and the hash of its password. `addresses` are the IP addresses of the latest sign-in or
    renewal of its signed-in devices."""

    user: User
    password_hash: str
    addresses: frozenset[str] = frozenset()


class FindAccount(Query["AccountRecord | None"], frozen=True, tag="FindAccount"):
    """Internal: returns the account with this e-mail address, to check the password of a sign-in, or None if there is
    none."""

    email: str


class HasAdmin(Query[bool], frozen=True, tag="HasAdmin"):
    """Internal: returns whether an account has the role admin."""


class FindOwnAccount(Query["AccountRecord | None"], frozen=True, tag="FindOwnAccount"):
    """Internal: returns the actor's own account, to check its current password, or None if the actor has no account."""


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
    """Finds users in whose name a word starts with `text`, ignoring case, users whose handle does, and the user whose
    id is `text`.

    An empty text finds all users. The setting `directory` restricts which users an ordinary user finds.
    """

    text: str = ""
    cursor: str | None = None
    limit: int = 50
