"""Rows of the tables as the domain's values, and back."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Row, Select, select

from talkwire.core.events import ConversationCreated, Durable, MemberAdded, MemberRemoved, MessageSent
from talkwire.core.model import Account, Conversation, LoginSession, Member, Message, User
from talkwire.storage.schema import messages, users

AnyRow = Row[Any]
Values = tuple[int | str | None, ...]

message_select: Select[Any] = select(
    messages, users.c.name.label("sender_name"), users.c.avatar.label("sender_avatar")
).join(users, users.c.id == messages.c.sender_id)
"""Messages with their senders' names as they are now."""

_events: msgspec.json.Decoder[Durable] = msgspec.json.Decoder(Durable)
_json = msgspec.json.Encoder()


def to_user(row: AnyRow) -> User:
    return User(row.id, row.name, row.created_ms, row.email, bool(row.banned), row.avatar)


def to_account(row: AnyRow) -> Account:
    return Account(row.user_id, row.email, row.password_hash)


def to_login(row: AnyRow) -> LoginSession:
    return LoginSession(row.id, row.user_id, row.token_hash, row.created_ms, row.expires_ms)


def to_conversation(row: AnyRow) -> Conversation:
    return Conversation(
        id=row.id,
        kind=row.kind,
        name=row.name,
        owner_id=row.owner_id,
        member_count=row.member_count,
        last_seq=row.last_seq,
        created_ms=row.created_ms,
        updated_ms=row.updated_ms,
    )


def to_member(row: AnyRow) -> Member:
    return Member(row.conversation_id, row.user_id, row.role, row.joined_ms)


def to_message(row: AnyRow) -> Message:
    """A row of `message_select`."""
    return Message(
        id=row.id,
        conversation_id=row.conversation_id,
        seq=row.seq,
        sender_id=row.sender_id,
        sender_name=row.sender_name,
        sender_avatar=row.sender_avatar,
        content=row.content,
        created_ms=row.created_ms,
        client_message_id=row.client_message_id,
        metadata=None if row.metadata is None else msgspec.json.decode(row.metadata),
        command_hash=row.command_hash,
    )


MESSAGE_COLUMNS = (
    "id",
    "conversation_id",
    "seq",
    "sender_id",
    "content",
    "client_message_id",
    "command_hash",
    "metadata",
    "created_ms",
)

LOG_COLUMNS = ("pos", "type", "conversation_id", "message_id", "data", "at_ms", "batch")


def message_values(message: Message) -> Values:
    """What a new message's row holds, by `MESSAGE_COLUMNS`."""
    return (
        message.id,
        message.conversation_id,
        message.seq,
        message.sender_id,
        message.content,
        message.client_message_id,
        message.command_hash,
        None if message.metadata is None else _json.encode(message.metadata).decode(),
        message.created_ms,
    )


def log_values(event: Durable, batch: int | None) -> Values:
    """What an event's row in the log holds, by `LOG_COLUMNS`."""
    if type(event) is MessageSent:
        message = event.message
        return event.pos, "MessageSent", message.conversation_id, message.id, None, event.at_ms, batch
    data = _json.encode(event).decode()
    return event.pos, type(event).__name__, _conversation_of(event), None, data, event.at_ms, batch


def _conversation_of(event: Durable) -> str | None:
    match event:
        case ConversationCreated():
            return event.conversation.id
        case MemberAdded() | MemberRemoved():
            return event.conversation_id
        case _:
            return None


def to_event(row: AnyRow, message: Message | None) -> Durable:
    """A row of the log; `message` is the one it names."""
    if message is not None:
        return MessageSent(row.pos, row.at_ms, message)
    return _events.decode(row.data)
