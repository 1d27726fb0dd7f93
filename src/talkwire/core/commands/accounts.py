"""Commands about users, the accounts that sign in on this server, and their signed-in devices."""

from __future__ import annotations

from typing import Annotated

import msgspec

from talkwire.core.commands.command import Change, Page, Query
from talkwire.core.commands.meanings import a_text
from talkwire.core.domain.model import ID_MAX_LENGTH, AccountRole, LoginSession, ProviderProfile, User, UserKind

_KIND = msgspec.Meta(description="Whether the user is a person or an agent: a program that writes messages by itself.")
_OWNER = a_text("The person who is responsible for the agent; people have none.", longest=ID_MAX_LENGTH, shortest=1)


class Device(msgspec.Struct, frozen=True):
    """The IP address and user agent with which a device signed in, shown to the user in the list of devices."""

    address: str = ""
    user_agent: str = ""


NO_DEVICE = Device()


class Login(msgspec.Struct, frozen=True):
    """The result of signing in or renewing a sign-in: the signed-in device, its user, and the role of the device's
    tokens."""

    session: LoginSession
    user: User
    role: AccountRole = "user"


class RegisterAccount(Change[User], frozen=True, tag="RegisterAccount"):
    """Creates an account with an e-mail address and a password, for a new user or for a user without an account, and
    returns the user.

    The password is already hashed, because hashing is slow and must not block the writer. Raises `conflict` if the
    address has an account, and `forbidden` for an invitation that is invalid, expired or used up.
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
    """Sets a new password for the account of `user_id` and signs all its devices out. Only for operators. Raises
    `not_found` for a user without an account."""

    user_id: str
    password_hash: str


class ChangePassword(Change[None], frozen=True, tag="ChangePassword"):
    """Sets a new password for the actor's account and signs all devices but `session_id` out.

    `current_hash` is the hash that the current password was checked against. Raises `conflict` if the account has
    another hash, because the password was changed since that check.
    """

    current_hash: str
    new_hash: str
    session_id: str | None = None


class RehashPassword(Change[None], frozen=True, tag="RehashPassword"):
    """Internal: stores a hash of the same password with other cost parameters. Does nothing if the account's hash is no
    longer `current_hash`, because the password was changed meanwhile."""

    user_id: str
    current_hash: str
    new_hash: str


class OpenLogin(Change[Login], frozen=True, tag="OpenLogin"):
    """Signs a device in: stores it with its first refresh token and returns it with its user.

    `token_hash` is the hash of the refresh token. `password_hash` is the hash that the password was checked against,
    None for a sign-in without a password; raises `unauthenticated` if the password was changed since. The sign-in ends
    after `lifetime_ms` milliseconds unless it is renewed (`RotateLogin`).
    """

    user_id: str
    token_hash: str
    lifetime_ms: int
    device: Device = NO_DEVICE
    password_hash: str | None = None


class OpenProviderLogin(Change[Login], frozen=True, tag="OpenProviderLogin"):
    """Signs in a device of a user whom an OpenID provider has identified by `issuer` and `subject`, and returns it with
    the user. Later sign-ins also copy changes of the provider's profile to the user, except in fields that were changed
    here.

    The first sign-in creates the user, or raises `forbidden` if `create_user` is false. With `links_by_email`, it uses
    an existing user instead if exactly one has the profile's e-mail address and no other way to sign in; the caller
    ensures that the provider has verified the address. With `keeps_missing`, the user keeps an e-mail address and a
    picture that the profile lacks.
    """

    issuer: str
    subject: str
    profile: ProviderProfile
    token_hash: str
    lifetime_ms: int
    device: Device = NO_DEVICE
    create_user: bool = True
    links_by_email: bool = False
    keeps_missing: bool = False


class RotateLogin(Change["Login | None"], frozen=True, tag="RotateLogin"):
    """Replaces a device's refresh token by the next one and extends the sign-in by `lifetime_ms` from now. Returns None
    if the device is not signed in or `token_hash` is not its newest token.

    An older token was probably stolen, so it also signs the device out. That needs `issued`: this server issued the
    token. Anyone who knows the id of a session can make other tokens up. The result is None and not an error, because
    an error would roll the sign-out back.
    """

    session_id: str
    token_hash: str
    new_token_hash: str
    lifetime_ms: int
    device: Device = NO_DEVICE
    issued: bool = True


class CloseLogin(Change[None], frozen=True, tag="CloseLogin"):
    """Signs out the actor's device `session_id`, which also closes its sockets. Raises `forbidden` for a device that is
    unknown or of another user."""

    session_id: str


class EnsureUser(Change[User], frozen=True, tag="EnsureUser"):
    """Returns the user whom a verified token names, also if that user is banned. A user who is not stored yet is stored
    first; a stored user whose name is only the id receives the token's name, and one that stood for the backend becomes
    an ordinary user with a token of another role.

    Raises `unauthenticated` for an id without a stored user in the range of ids that only the server generates
    (`is_own_id`).
    """

    user_id: str
    name: str


class EraseUser(Change[None], frozen=True, tag="EraseUser"):
    """Erases a user for good: the account, the profile and everything that is stored for the user. Users erase
    themselves, the backend and admins anyone. Raises `conflict` for a user on hold.

    With `redact`, the user's messages become tombstones (messages without content); the server does this in steps, also
    after a restart. Erasing a user again changes nothing, except that `redact` also redacts the messages that an
    erasure without it has kept.

    `password_hash` is the stored hash with which the password of a user who erases themselves was verified: the command
    is refused if the password has changed since. It is None if no password was verified.
    """

    user_id: str
    redact: bool
    password_hash: str | None = None


class BanUser(Change[User], frozen=True, tag="BanUser"):
    """Bans a user from the server, replacing the reason and the end of an earlier ban, and returns the user. Only for
    the application's backend and admins.

    Without `until_ms`, the ban lasts until it is lifted. The user's sockets close on all nodes.
    """

    user_id: str
    reason: str | None = None
    until_ms: int | None = None


class UnbanUser(Change[User], frozen=True, tag="UnbanUser"):
    user_id: str


class UpdateUser(Change[User], frozen=True, tag="UpdateUser"):
    """Changes the actor's profile and returns the user. Fields that are not set stay the same; None removes a picture,
    a text or a handle.

    Users choose their handles (unique names) only where they sign in on this server; elsewhere the backend sets them.
    """

    name: str | msgspec.UnsetType = msgspec.UNSET
    avatar: str | msgspec.UnsetType | None = msgspec.UNSET
    text: str | msgspec.UnsetType | None = msgspec.UNSET
    handle: str | msgspec.UnsetType | None = msgspec.UNSET


class PutUser(Change[User], frozen=True, tag="PutUser"):
    """Creates or changes the user `user_id` and returns the user. Only for the application's backend and admins.

    Fields that are not set stay the same; None clears a field. A new user without a name is named by the id, and so is
    one whose name shows nothing; characters in it that change the writing direction are removed.

    Only an agent has an `owner_id`, which must be a stored person; an agent that becomes a person loses its owner.
    Raises `conflict` for a person who owns agents and is to become one.
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
    kind: Annotated[UserKind, _KIND] | msgspec.UnsetType = msgspec.UNSET
    owner_id: Annotated[str, _OWNER] | msgspec.UnsetType | None = msgspec.UNSET


class PutUsers(Change[tuple[User, ...]], frozen=True, tag="PutUsers"):
    """Creates or changes 1 to `USERS_BATCH_MAX` users, each as `PutUser` does, and returns them in the same order: all
    of them, or none if one is refused. Raises `invalid_request` for a larger number of users."""

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
    """Lists the actor's signed-in devices, most recently used first, without those whose sign-in has ended by `now_ms`
    (milliseconds since 1970)."""

    now_ms: int


class GetUser(Query[User], frozen=True, tag="GetUser"):
    """Returns a user's profile. Ordinary users receive the profiles of others without e-mail address and metadata, and
    `forbidden` for a user whom they may not see, even if no such user exists."""

    user_id: str


class ListUsers(Query[Page[User]], frozen=True, tag="ListUsers"):
    """Lists all users in the order of their ids. Only for operators."""

    cursor: str | None = None
    limit: int = 100


class SearchUsers(Query[Page[User]], frozen=True, tag="SearchUsers"):
    """Finds users in whose names a word starts with `text`, or whose handles start with it, ignoring case, and the user
    whose id is `text`. An empty text finds all users.

    An ordinary user finds neither banned users nor those that stand for the backend. The setting `directory` restricts
    the others: all, those who share a conversation with the user, or none. The first page starts with the users found
    by id or handle, then those who share a conversation with an ordinary user, in addition to `limit`; the others are
    sorted by name.
    """

    text: str = ""
    cursor: str | None = None
    limit: int = 50
