"""Sign-ins through an OpenID provider: finds or creates the user of this server for a user of the provider, and updates
name, picture and handle from the provider's profile.

A new user gets an id of this server (`own_id_at`).

A user of the provider is identified by `issuer` and `subject` only. An e-mail address identifies nobody: users who can
set their address at the provider would sign in here as another user with that address. The exception is a first sign-in
on a server whose operator lets verified addresses link people to imported users.
"""

from __future__ import annotations

from types import MappingProxyType

from msgspec.structs import replace

from talkwire.core.commands.accounts import Login, OpenProviderLogin
from talkwire.core.domain.access import may_act, require
from talkwire.core.domain.errors import ChatError, invalid
from talkwire.core.domain.events import UserCreated, UserUpdated
from talkwire.core.domain.log.positions import own_id_at
from talkwire.core.domain.model import Actor, ProviderIdentity, ProviderProfile, User
from talkwire.core.domain.texts import check_avatar, check_name, check_text
from talkwire.core.features.users.accounts import normal_email, store_login
from talkwire.core.features.users.handles import is_free_handle, normal_handle
from talkwire.core.ports.handler import ChangeHandler, Changes
from talkwire.core.ports.transaction import Transaction

SUBJECT_MAX_LENGTH = 255
"""Longest `sub` of an OpenID provider, in characters (OpenID Connect Core 1.0, section 2: `sub` "MUST NOT exceed 255
ASCII characters in length")."""

_NOTHING = ProviderProfile("")
"""Profile of a user that is not stored yet: nothing has been taken over from the OpenID provider."""

_MIRRORED = ("name", "email", "avatar")


def check_open(command: OpenProviderLogin) -> None:
    """Raises `invalid_request` for an invalid issuer or subject, and for a profile with values that no user can
    have."""
    check_text("issuer", command.issuer)
    check_text("subject", command.subject)
    if not 1 <= len(command.subject) <= SUBJECT_MAX_LENGTH:
        raise invalid("subject", f"must have 1 to {SUBJECT_MAX_LENGTH} characters")
    profile = command.profile
    check_name("name", profile.name)
    if profile.email is not None:
        normal_email(profile.email)
    if profile.avatar is not None:
        check_avatar("avatar", profile.avatar)
    if profile.handle is not None:
        normal_handle(profile.handle)


def open_provider_login(tx: Transaction, actor: Actor, command: OpenProviderLogin) -> Login:
    """Signs in a device of an OpenID provider's user and returns the sign-in, creating the user if needed. Raises
    `banned` for a banned user, and `forbidden` for a new user where the server creates none."""
    known = tx.provider_identity(command.issuer, command.subject) or _link(tx, command)
    if known is None:
        return store_login(tx, _create_user(tx, command), command)
    user = tx.user(known.user_id)
    assert user is not None, "an identity is deleted with its user"
    require(may_act(user))
    profile = _completed(command.profile, known.profile) if command.keeps_missing else command.profile
    after, taken = _with_profile(tx, user, known.profile, profile)
    if after != user:
        tx.record(UserUpdated(tx.next_pos(), tx.now_ms, after))
    if taken != known.profile:
        tx.put_provider_identity(replace(known, profile=taken))
    return store_login(tx, after, command)


def _completed(profile: ProviderProfile, before: ProviderProfile) -> ProviderProfile:
    """Returns the profile with the earlier values of what it lacks."""
    return replace(profile, email=profile.email or before.email, avatar=profile.avatar or before.avatar)


def _link(tx: Transaction, command: OpenProviderLogin) -> ProviderIdentity | None:
    """Links the person at the provider to the user who has the same e-mail address (`normal_email`) and no way to sign
    in here. Returns None if there is not exactly one such user, or if linking is not allowed. Raises `banned` for a
    banned user."""
    email = command.profile.email
    if not command.links_by_email or email is None:
        return None
    found = tx.users_without_sign_in(email)
    if len(found) != 1:
        return None
    require(may_act(tx.user(found[0])))
    identity = ProviderIdentity(command.issuer, command.subject, found[0], tx.now_ms, _NOTHING)
    tx.put_provider_identity(identity)
    return identity


def _create_user(tx: Transaction, command: OpenProviderLogin) -> User:
    if not command.create_user:
        raise ChatError("forbidden", "This server creates no new users.", cause="server_policy")
    pos = tx.next_pos()
    nameless = User(own_id_at(pos), _NOTHING.name, tx.now_ms)
    user, taken = _with_profile(tx, nameless, _NOTHING, command.profile)
    tx.record(UserCreated(pos, tx.now_ms, user))
    tx.put_provider_identity(ProviderIdentity(command.issuer, command.subject, user.id, tx.now_ms, taken))
    return user


def _with_profile(
    tx: Transaction, user: User, before: ProviderProfile, now: ProviderProfile
) -> tuple[User, ProviderProfile]:
    """Returns the user with changed values from the OpenID provider's profile, and all values that have been taken from
    the profile until now.

    A field that the user or the application's backend has changed is kept, and so is a handle once the user has one.
    """
    untouched = [name for name in _MIRRORED if getattr(user, name) == getattr(before, name)]
    news = {name: getattr(now, name) for name in untouched}
    if user.handle == before.handle and now.handle is not None and is_free_handle(tx, now.handle, user.id):
        news["handle"] = now.handle
    return replace(user, **news), replace(before, **news)


CHANGES: Changes = MappingProxyType({OpenProviderLogin: ChangeHandler(open_provider_login, check_open)})
