"""What requests carry and lists answer, where the dialects' payloads do not say it already."""

from __future__ import annotations

from typing import Any, Generic, Literal, TypeVar

import msgspec

from talkwire.dialects.payloads.users import UserPayload, user_payload
from talkwire.identity.accounts import SignedIn

T = TypeVar("T")


class Body(msgspec.Struct, frozen=True, rename="camel"):
    """A request's JSON object."""


class RegisterBody(Body, frozen=True):
    email: str
    password: str
    name: str


class LoginBody(Body, frozen=True):
    email: str
    password: str


class RefreshBody(Body, frozen=True):
    refresh_token: str


class CreateConversationBody(Body, frozen=True):
    kind: Literal["direct", "group"]
    member_ids: tuple[str, ...]
    name: str | None = None
    id: str | None = None


class SendMessageBody(Body, frozen=True):
    """`senderId` is for the role `service`. `attachments`, `replyToId` and `threadId` may be sent empty."""

    conversation_id: str
    content: str
    client_message_id: str | None = None
    metadata: dict[str, Any] | None = None
    sender_id: str | None = None
    attachments: tuple[()] | None = None
    reply_to_id: None = None
    thread_id: None = None


class TypingBody(Body, frozen=True):
    is_typing: bool = True


class AddMembersBody(Body, frozen=True):
    user_ids: tuple[str, ...]


class ListAnswer(msgspec.Struct, Generic[T], frozen=True):
    """A page; `next` is the value to pass on for the following one, null at the end."""

    items: tuple[T, ...]
    next: str | None


class SignedInAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """`token` equals `accessToken`; `expiresIn` is in seconds."""

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
