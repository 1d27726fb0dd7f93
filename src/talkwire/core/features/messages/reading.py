"""How far members have read, as one of them sees it, and whether anybody but its sender has read a message."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from msgspec.structs import replace

from talkwire.core.commands.conversations import MemberView
from talkwire.core.commands.receipts import MessageReader
from talkwire.core.domain.model import LARGE_CONVERSATION, Message

READERS_MAX = LARGE_CONVERSATION
"""How many of those who have read furthest are looked at. Two would do, if nobody joined after a message."""


def has_been_read(message: Message, readers: Iterable[MessageReader]) -> bool:
    """`readers` are those of the message's conversation who have read furthest."""
    return any(
        reader.history_seq < message.seq <= reader.read_seq and reader.user_id != message.sender_id
        for reader in readers
    )


def as_shown_to(view: MemberView, reader_id: str, blocker_ids: Collection[str]) -> MemberView:
    """Returns a member with the positions that a reader sees: with their own position where they look at themselves,
    and at the beginning of the conversation for `blocker_ids`, who have blocked the reader."""
    member = view.member
    if member.user_id in blocker_ids:
        return replace(view, member=replace(member, read_seq=0, read_ms=0, delivered_seq=0, delivered_ms=0))
    if member.user_id == reader_id and member.own_seq != member.read_seq:
        return replace(view, member=replace(member, read_seq=member.own_seq))
    return view
