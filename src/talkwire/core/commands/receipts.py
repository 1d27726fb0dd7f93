"""Commands about delivery and read receipts."""

from __future__ import annotations

from typing import Literal

import msgspec

from talkwire.core.commands.command import Change, Query
from talkwire.core.domain.model import Message


class Unread(msgspec.Struct, frozen=True):
    """The number of messages from others after a member's read position, and how many of these mention the member.

    Deleted messages and messages from users whom the member has blocked do not count.
    """

    unread_count: int
    mention_count: int


class ReadMark(msgspec.Struct, frozen=True):
    """A member's read position in a conversation, with the unread counts after it."""

    conversation_id: str
    seq: int
    unread: Unread


class Receipt(msgspec.Struct, frozen=True):
    """A message's receipts of one member.

    The times, in milliseconds since 1970, are of the member's last cursor move at or beyond the message; None: not
    delivered or not read yet.
    """

    user_id: str
    name: str
    avatar: str | None
    delivered_ms: int | None
    read_ms: int | None


class MarkRead(Change[ReadMark], frozen=True, tag="MarkRead"):
    """Marks all messages up to one as read, up to the newest by default. The position only moves forward."""

    conversation_id: str
    message_id: str | None = None


class MarkUnread(Change[ReadMark], frozen=True, tag="MarkUnread"):
    """Moves the actor's own read position back to before a message, by default the newest message from others.

    Other members are not notified.
    """

    conversation_id: str
    message_id: str | None = None


class MarkDelivered(Change[None], frozen=True, tag="MarkDelivered"):
    """Records that the actor's devices have received all messages up to one, up to the newest by default."""

    conversation_id: str
    message_id: str | None = None


class ListReceipts(Query[tuple[Receipt, ...]], frozen=True, tag="ListReceipts"):
    """Lists which members other than the sender have received and read a message."""

    message_id: str


class MessageReader(msgspec.Struct, frozen=True):
    """A member who has read messages, up to `read_seq`. The member cannot see messages up to `history_seq`."""

    user_id: str
    read_seq: int
    history_seq: int = 0


class ListReaders(Query[tuple[MessageReader, ...]], frozen=True, tag="ListReaders"):
    """Lists the members who have read furthest in a conversation, at most `READERS_MAX`.

    That suffices to compute for each message whether anyone but its sender has read it.
    """

    conversation_id: str


Status = Literal["sent", "delivered", "read"]
"""The lowest delivery state of a message among its recipients."""


class MessageStatus(msgspec.Struct, frozen=True):
    """A message with the delivery state that all other members have reached."""

    message: Message
    status: Status


class GetMessageStatus(Query[MessageStatus], frozen=True, tag="GetMessageStatus"):
    """Returns a message with its delivery state."""

    message_id: str


class CountUnread(Query[tuple[tuple[str, str, Unread], ...]], frozen=True, tag="CountUnread"):
    """Internal: returns the unread counts of several members as (conversation id, user id, counts)."""

    keys: tuple[tuple[str, str], ...]
