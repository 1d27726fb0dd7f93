"""Commands about delivery and read receipts: how far each member of a conversation has received and read it."""

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


class UnreadTotal(msgspec.Struct, frozen=True):
    """The unread counts of all conversations of a user together.

    `messages`: the unread messages; of muted and archived conversations only those that mention the user. `mentions`:
    the unread messages that mention the user. `conversations`: how many conversations have some of `messages`.
    """

    messages: int = 0
    mentions: int = 0
    conversations: int = 0


class ReadMark(msgspec.Struct, frozen=True):
    """A member's read position in a conversation (the number `seq` of the last read message), with the unread counts
    after it."""

    conversation_id: str
    seq: int
    unread: Unread


class Receipt(msgspec.Struct, frozen=True):
    """The delivery and read times of one message for one member.

    The times, in milliseconds since 1970, are when the member's position last moved to this message or beyond it. None:
    not delivered or not read yet.
    """

    user_id: str
    name: str
    avatar: str | None
    delivered_ms: int | None
    read_ms: int | None


class MarkRead(Change[ReadMark], frozen=True, tag="MarkRead"):
    """Marks all messages of a conversation up to `message_id` as read, or up to the newest if that is None, and returns
    the read position. It only moves forward.

    The notifications of these messages become read too; with `without_replies` not those of replies in threads, which
    become read with their thread.
    """

    conversation_id: str
    message_id: str | None = None
    without_replies: bool = False


class MarkUnread(Change[ReadMark], frozen=True, tag="MarkUnread"):
    """Moves the actor's own read position back to before the message `message_id` (None: the newest message from
    others), and returns it. Never moves it forward; other members are not notified.

    Raises `invalid_request` if there is no message from others, and for an imported message.
    """

    conversation_id: str
    message_id: str | None = None


class MarkDelivered(Change[None], frozen=True, tag="MarkDelivered"):
    """Records that the actor's devices have received all messages of a conversation up to `message_id`, or up to the
    newest if that is None. The position only moves forward."""

    conversation_id: str
    message_id: str | None = None


class ListReceipts(Query[tuple[Receipt, ...]], frozen=True, tag="ListReceipts"):
    """Returns a receipt of a message for each member, other than the sender, who can see the message: when the member
    received and read it. A member who has blocked the actor appears as not having received it, one who does not share
    read receipts as not having read it."""

    message_id: str


class MessageReader(msgspec.Struct, frozen=True):
    """A member who has read a conversation's messages up to number `read_seq`. The member cannot see messages up to
    number `history_seq`, which were sent before they joined."""

    user_id: str
    read_seq: int
    history_seq: int = 0


class ListReaders(Query[tuple[MessageReader, ...]], frozen=True, tag="ListReaders"):
    """Lists the members who have read furthest in a conversation, at most `READERS_MAX`, without those whose read
    positions the actor may not see.

    That suffices to compute for each message whether anyone but its sender has read it.
    """

    conversation_id: str


Status = Literal["sent", "delivered", "read"]
"""Lowest delivery state of a message among its recipients."""


class MessageStatus(msgspec.Struct, frozen=True):
    """A message with its delivery state: `read` or `delivered` if all members other than the sender have read or
    received it, else `sent`."""

    message: Message
    status: Status


class GetMessageStatus(Query[MessageStatus], frozen=True, tag="GetMessageStatus"):
    """Returns a message with its delivery state (`MessageStatus`). Raises `forbidden` unless the actor may see the
    message."""

    message_id: str


class GetUnread(Query[UnreadTotal], frozen=True, tag="GetUnread"):
    """Returns the unread counts of all conversations of the actor together. `messages` is the number that a push has as
    `badge`."""


class CountUnread(Query[tuple[tuple[str, str, Unread], ...]], frozen=True, tag="CountUnread"):
    """Internal: returns (conversation id, user id, unread counts) for each of the memberships `keys`, which are given
    as (conversation id, user id). Leaves out users who are not members."""

    keys: tuple[tuple[str, str], ...]
