"""Users."""

from __future__ import annotations

from talkwire.core.model import User
from talkwire.dialects.payloads.payload import Payload, iso


class UserPayload(Payload, frozen=True):
    id: str
    name: str
    created_at: str
    avatar: str | None = None
    email: str | None = None


def user_payload(user: User, *, own: bool) -> UserPayload:
    """A user; the e-mail address is for themselves only."""
    return UserPayload(user.id, user.name, iso(user.created_ms), user.avatar, user.email if own else None)
