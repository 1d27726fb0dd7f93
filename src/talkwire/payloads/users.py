"""Payloads of users and their signed-in devices."""

from __future__ import annotations

from dataclasses import astuple
from typing import Any

from talkwire.core.domain.access_policy import Rights
from talkwire.core.domain.model import Actor, LoginSession, User, UserKind
from talkwire.payloads.payload import Payload, iso, iso_or_none


class UserPayload(Payload, frozen=True):
    id: str
    name: str
    created_at: str
    kind: UserKind
    avatar: str | None = None
    email: str | None = None
    text: str | None = None
    metadata: dict[str, Any] | None = None
    banned: bool | None = None
    erased: bool | None = None
    hold: bool | None = None
    handle: str | None = None
    ban_reason: str | None = None
    banned_until: str | None = None
    backend: bool | None = None
    owner_id: str | None = None


class RightsPayload(Payload, frozen=True):
    """The caller's rights on this server: the kinds of conversations that the caller may create, whether the caller may
    delete conversations that they own, and whether they may choose their own handle (a unique name)."""

    create_direct: bool
    create_group: bool
    create_channel: bool
    delete_conversation: bool
    choose_handle: bool


class SessionPayload(Payload, frozen=True):
    """A signed-in device of a user. `current` is true for the device that made the request."""

    id: str
    created_at: str
    last_seen_at: str
    address: str
    user_agent: str
    current: bool


def user_payload(user: User, *, own: bool) -> UserPayload:
    """Returns a user's profile as other users see it; with `own`, including the e-mail address."""
    return UserPayload(
        user.id,
        user.name,
        iso(user.created_ms),
        user.kind,
        user.avatar,
        user.email if own else None,
        user.text,
        erased=True if user.erased else None,
        handle=user.handle,
        owner_id=user.owner_id,
    )


def own_user_payload(user: User) -> UserPayload:
    """Returns a user's profile as the user sees it."""
    return user_payload(user, own=True)


def other_user_payload(user: User) -> UserPayload:
    """Returns a user's profile as other users see it."""
    return user_payload(user, own=False)


def whole_user_payload(user: User) -> UserPayload:
    """Returns a user's profile with all members, for the application's backend and for admins."""
    return UserPayload(
        user.id,
        user.name,
        iso(user.created_ms),
        user.kind,
        user.avatar,
        user.email,
        user.text,
        user.metadata,
        user.banned,
        True if user.erased else None,
        user.hold or None,
        user.handle,
        user.ban_reason,
        iso_or_none(user.ban_until_ms),
        user.backend or None,
        user.owner_id,
    )


def user_payload_for(user: User, actor: Actor) -> UserPayload:
    """Returns a user's profile with the members that `actor`, the caller, may see."""
    return whole_user_payload(user) if actor.is_trusted else user_payload(user, own=user.id == actor.user_id)


def rights_payload(rights: Rights) -> RightsPayload:
    return RightsPayload(*astuple(rights))


def session_payload(session: LoginSession, *, current: bool) -> SessionPayload:
    return SessionPayload(
        id=session.id,
        created_at=iso(session.created_ms),
        last_seen_at=iso(session.last_seen_ms),
        address=session.address,
        user_agent=session.user_agent,
        current=current,
    )
