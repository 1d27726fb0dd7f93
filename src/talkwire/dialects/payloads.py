"""The contract's objects as JSON (section 4), for the messenger vocabulary and for REST. Empty members are left out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache

import msgspec

from talkwire.core.commands import ConversationView, MemberView
from talkwire.core.errors import ChatError
from talkwire.core.model import Conversation, Message, User


class Payload(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A JSON object with camelCase members."""


_PLACE = re.compile(r" - at `\$\.?(.*)`$")
_MISSING = re.compile("required field `([^`]+)`$")


def invalid_payload(error: msgspec.ValidationError) -> ChatError:
    """`invalid_request` with the place where a payload does not fit its type, such as `memberIds[3]`."""
    text = str(error)
    place = _PLACE.search(text)
    message = text if place is None else text[: place.start()]
    path = "" if place is None else place.group(1)
    missing = _MISSING.search(message)
    if missing is not None:
        path = f"{path}.{missing.group(1)}".lstrip(".")
    return ChatError("invalid_request", f"{path}: {message}".lstrip(": "), [{"path": path, "message": message}])


class PersonPayload(Payload, frozen=True):
    id: str
    name: str
    avatar: str | None = None


class MessagePayload(Payload, frozen=True):
    id: str
    conversation_id: str
    seq: int
    sender_id: str
    sender: PersonPayload
    type: str
    content: str
    created_at: str
    client_message_id: str | None = None
    metadata: dict[str, object] | None = None


class MemberPayload(Payload, frozen=True):
    user_id: str
    name: str
    role: str
    joined_at: str
    avatar: str | None = None


class ConversationPayload(Payload, frozen=True):
    id: str
    kind: str
    member_count: int
    last_seq: int
    created_at: str
    updated_at: str
    name: str | None = None
    avatar: str | None = None
    owner_id: str | None = None
    last_message: MessagePayload | None = None
    members: tuple[MemberPayload, ...] | None = None


class UserPayload(Payload, frozen=True):
    id: str
    name: str
    created_at: str
    avatar: str | None = None
    email: str | None = None


# Formatting takes longer than encoding a whole message, and all messages of a commit have the same time.
@lru_cache(maxsize=1024)
def iso(ms: int) -> str:
    """ISO 8601 in UTC with milliseconds."""
    seconds, rest = divmod(ms, 1000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:03d}Z"


def message_payload(message: Message) -> MessagePayload:
    return MessagePayload(
        id=str(message.id),
        conversation_id=message.conversation_id,
        seq=message.seq,
        sender_id=message.sender_id,
        sender=PersonPayload(message.sender_id, message.sender_name, message.sender_avatar),
        type="text",
        content=message.content,
        created_at=iso(message.created_ms),
        client_message_id=message.client_message_id,
        metadata=message.metadata,
    )


def member_payload(view: MemberView) -> MemberPayload:
    member = view.member
    return MemberPayload(member.user_id, view.name, member.role, iso(member.joined_ms), view.avatar)


def conversation_payload(view: ConversationView) -> ConversationPayload:
    """A conversation as one reader sees it."""
    return _conversation(
        view.conversation,
        name=view.name,
        avatar=view.avatar,
        last_message=None if view.last_message is None else message_payload(view.last_message),
        members=None if view.members is None else tuple(map(member_payload, view.members)),
    )


def shared_conversation_payload(conversation: Conversation) -> ConversationPayload:
    """A conversation without what differs by reader: the same bytes for all."""
    return _conversation(conversation, name=conversation.name)


def _conversation(
    conversation: Conversation,
    *,
    name: str | None,
    avatar: str | None = None,
    last_message: MessagePayload | None = None,
    members: Sequence[MemberPayload] | None = None,
) -> ConversationPayload:
    return ConversationPayload(
        id=conversation.id,
        kind=conversation.kind,
        member_count=conversation.member_count,
        last_seq=conversation.last_seq,
        created_at=iso(conversation.created_ms),
        updated_at=iso(conversation.updated_ms),
        name=name,
        avatar=avatar,
        owner_id=conversation.owner_id,
        last_message=last_message,
        members=None if members is None else tuple(members),
    )


def user_payload(user: User, *, own: bool) -> UserPayload:
    """A user; the e-mail address is for themselves only."""
    return UserPayload(user.id, user.name, iso(user.created_ms), user.avatar, user.email if own else None)
