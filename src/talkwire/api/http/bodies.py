"""Types of request bodies and of list responses that several REST routes share and that are not payloads of a dialect
(one client application's vocabulary)."""

from __future__ import annotations

from typing import Generic, TypeVar

import msgspec

from talkwire.identity.accounts import SignedIn
from talkwire.identity.address_tokens import Purpose
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


class EraseMeBody(Body, frozen=True):
    """The caller's password, to confirm that the caller's own data is to be erased. A user whose account has a password
    on this server must give it."""

    password: str | None = None


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
