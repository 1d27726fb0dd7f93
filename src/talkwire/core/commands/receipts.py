"""What is asked about who has received and read what."""

from __future__ import annotations

from typing import Literal

import msgspec

from talkwire.core.commands.command import Change, Query
from talkwire.core.domain.model import Message


class Unread(msgspec.Struct, frozen=True):
    """How many messages of others lie behind a member's read position, and how many of these mention them. Deleted ones
    and those of people whom the member has blocked do not count."""

    unread_count: int
    mention_count: int


class ReadMark(msgspec.Struct, frozen=True):
    """How far a member has read."""

    conversation_id: str
    seq: int
    unread: Unread


class Receipt(msgspec.Struct, frozen=True):
    """What has become of a message at one member. The times say when that member's cursor moved last, at or beyond the
    message; None: not yet."""

    user_id: str
    name: str
    avatar: str | None
    delivered_ms: int | None
    read_ms: int | None


class MarkRead(Change[ReadMark], frozen=True, tag="MarkRead"):
    """Everything up to a message is read; the newest one when none is named. Positions only move forward."""

    conversation_id: str
    message_id: str | None = None


class MarkUnread(Change[ReadMark], frozen=True, tag="MarkUnread"):
    """Move the actor's own read position back to before a message; before the newest message of others when none is
    named. Others do not learn of it."""

    conversation_id: str
    message_id: str | None = None


class MarkDelivered(Change[None], frozen=True, tag="MarkDelivered"):
    """The actor's device has received everything up to a message; the newest one when none is named."""

    conversation_id: str
    message_id: str | None = None


class ListReceipts(Query[tuple[Receipt, ...]], frozen=True, tag="ListReceipts"):
    """Who, beside its sender, has received and read a message."""

    message_id: str


class MessageReader(msgspec.Struct, frozen=True):
    """A member who has read something, as far as `read_seq`. Messages up to `history_seq` are not for them."""

    user_id: str
    read_seq: int
    history_seq: int = 0


class ListReaders(Query[tuple[MessageReader, ...]], frozen=True, tag="ListReaders"):
    """Who has read furthest in a conversation: at most `READERS_MAX`, which is enough to say of its messages whether
    anybody but their senders has read them."""

    conversation_id: str


Status = Literal["sent", "delivered", "read"]
"""What has become of a message."""


class MessageStatus(msgspec.Struct, frozen=True):
    """A message with the least that all other members have reached of it."""

    message: Message
    status: Status


class GetMessageStatus(Query[MessageStatus], frozen=True, tag="GetMessageStatus"):
    """How far a message has come."""

    message_id: str


class CountUnread(Query[tuple[tuple[str, str, Unread], ...]], frozen=True, tag="CountUnread"):
    """Internal: what several members have not read, as (conversation id, user id, figures)."""

    keys: tuple[tuple[str, str], ...]
