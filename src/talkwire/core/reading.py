"""Whether anybody has read a message beside who wrote it, which follows from how far the members have read."""

from __future__ import annotations

from collections.abc import Iterable

from talkwire.core.commands.receipts import Reader
from talkwire.core.model import LARGE_CONVERSATION, Message

READERS_MAX = LARGE_CONVERSATION
"""How many of those who have read furthest are looked at. Two would do, if nobody joined after a message."""


def has_been_read(message: Message, readers: Iterable[Reader]) -> bool:
    """`readers` are those of the message's conversation who have read furthest."""
    return any(
        reader.history_seq < message.seq <= reader.read_seq and reader.user_id != message.sender_id
        for reader in readers
    )
