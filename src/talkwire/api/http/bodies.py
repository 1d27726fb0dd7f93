"""Types of request bodies and of list responses that several REST routes share and that are not payloads of a dialect
(one client application's vocabulary)."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

import msgspec

from talkwire.core.domain.model import ConversationKind, History, MemberRole
from talkwire.identity.accounts import SignedIn
from talkwire.identity.address_tokens import Purpose
from talkwire.operations.shapes import Moment
from talkwire.payloads.users import UserPayload, user_payload

T = TypeVar("T")


class Body(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """The base class of types for the JSON object in a request's body. A body with an unknown member is refused."""


class TolerantBody(Body, frozen=True, forbid_unknown_fields=False):
    """The base class of bodies in which unknown members are ignored: those of dialects whose existing clients send more
    than the server needs."""


class RegisterBody(Body, frozen=True):
    """A new account. `invitation` is the code of an invitation, whose conversations the new user joins. Some servers
    require an invitation."""

    email: str
    password: str
    name: str
    invitation: str | None = None


class LoginBody(Body, frozen=True):
    email: str
    password: str


class RefreshBody(Body, frozen=True):
    refresh_token: str


class ChangePasswordBody(Body, frozen=True):
    current_password: str
    new_password: str


class AddressTokenBody(Body, frozen=True):
    """What an address token is to open: `files`, or an `export` of a user's data."""

    purpose: Purpose = "files"


class AddressTokenAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """A token for addresses, and in how many seconds it expires."""

    token: str
    expires_in: int


class CreateConversationBody(Body, frozen=True):
    """A conversation to create. Only callers with the role `service` may set `id`, `ownerId`, `roles` and `createdAt`
    (for a conversation from another system), or name users that do not exist yet. A group or channel that such a caller
    creates without `ownerId` has no owner. `public` applies to groups and channels."""

    kind: ConversationKind
    member_ids: tuple[str, ...]
    name: str | None = None
    id: str | None = None
    avatar: str | None = None
    public: bool = False
    history: History = "all"
    slow_mode_s: int = 0
    metadata: dict[str, Any] | None = None
    owner_id: str | None = None
    roles: dict[str, MemberRole] | None = None
    topic: str | None = None
    description: str | None = None
    created_at: Moment | None = None


class UpdateConversationBody(Body, frozen=True):
    """Changes to a conversation. An omitted member stays unchanged; null removes a text, a picture or metadata."""

    name: str | msgspec.UnsetType | None = msgspec.UNSET
    avatar: str | msgspec.UnsetType | None = msgspec.UNSET
    public: bool | msgspec.UnsetType = msgspec.UNSET
    history: History | msgspec.UnsetType = msgspec.UNSET
    slow_mode_s: int | msgspec.UnsetType = msgspec.UNSET
    metadata: dict[str, Any] | msgspec.UnsetType | None = msgspec.UNSET
    retention_days: int | msgspec.UnsetType | None = msgspec.UNSET
    hold: bool | msgspec.UnsetType = msgspec.UNSET
    topic: str | msgspec.UnsetType | None = msgspec.UNSET
    description: str | msgspec.UnsetType | None = msgspec.UNSET


class EraseMeBody(Body, frozen=True):
    """The caller's password, to confirm that the caller's own data is to be erased. A user whose account has a password
    on this server must give it."""

    password: str | None = None


class TypingBody(Body, frozen=True):
    is_typing: bool = True



    until: Moment | None = None


class ListAnswer(msgspec.Struct, Generic[T], frozen=True):
    """One page of a list. Pass `next` as the cursor to get the following page; it is null on the last one."""

    items: tuple[T, ...]
    next: str | None


class SignedInAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """The tokens of a new sign-in. `token` equals `accessToken`."""

    access_token: str
    token: str
    refresh_token: str
    expires_in: int
    user: UserPayload


def signed_in_answer(signed_in: SignedIn) -> SignedInAnswer:
    return SignedInAnswer(
        access_token=signed_in.access_token,
        token=signed_in.access_token,
        refresh_token=signed_in.refresh_token,
        expires_in=round(signed_in.expires_in_s),
        user=user_payload(signed_in.user, own=True),
    )
