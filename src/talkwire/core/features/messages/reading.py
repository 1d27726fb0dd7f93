"""Decides which read positions (up to which message members have read) a reader sees, and whether a message has been
read."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from msgspec.structs import replace

from talkwire.core.commands.conversations import MemberView
from talkwire.core.commands.receipts import MessageReader
from talkwire.core.domain.model import LARGE_CONVERSATION, Message, User

READERS_MAX = LARGE_CONVERSATION
"""Most of the members who have read furthest that are examined. Two would suffice if nobody had joined after the
message."""


def has_been_read(message: Message, readers: Iterable[MessageReader]) -> bool:
    """Returns whether a member other than the sender has read a message. Only the members in `readers` are examined.
    Members who joined after the message do not count."""
    return any(
        reader.history_seq < message.seq <= reader.read_seq and reader.user_id != message.sender_id
        for reader in readers
    )


def shares_reads(user: User | None) -> bool:
    """Returns whether a user shows others what they have read, and therefore sees what others have read. Returns True
    for `user` None."""
    return user is None or user.read_receipts


def may_see_reads(view: MemberView, reader_id: str, *, sees_reads: bool) -> bool:
    """Returns whether a reader sees what the member `view` has read: always for themselves, otherwise if both share
    their read positions. `sees_reads` says whether the reader shares theirs."""
    return view.member.user_id == reader_id or (view.read_receipts and sees_reads)


def as_shown_to(
    view: MemberView, reader_id: str, blocker_ids: Collection[str], *, sees_reads: bool = True
) -> MemberView:
    """Returns a member with the read and delivery positions that the reader may see.

    Readers see their own private read position. Members in `blocker_ids`, who have blocked the reader, appear as having
    received and read nothing; members who do not share their read positions with the reader appear as having read
    nothing.
    """
    member = view.member
    if member.user_id in blocker_ids:
        return replace(view, member=replace(member, read_seq=0, read_ms=0, delivered_seq=0, delivered_ms=0))
    if not may_see_reads(view, reader_id, sees_reads=sees_reads):
        return replace(view, member=replace(member, read_seq=0, read_ms=0))
    if member.user_id == reader_id and member.own_seq != member.read_seq:
        return replace(view, member=replace(member, read_seq=member.own_seq))
    return view
