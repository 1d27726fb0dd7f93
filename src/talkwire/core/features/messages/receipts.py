"""Delivery and read receipts. They are stored as one delivery position and one read position for each member, not as a
row for each message."""

from __future__ import annotations

from types import MappingProxyType

from talkwire.core.commands.messages import GetMessage
from talkwire.core.commands.receipts import (
    CountUnread,
    GetMessageStatus,
    GetUnread,
    ListReaders,
    ListReceipts,
    MarkDelivered,
    MarkRead,
    MarkUnread,
    MessageReader,
    MessageStatus,
    ReadMark,
    Receipt,
    Status,
    Unread,
    UnreadTotal,
)
from talkwire.core.domain.access import history_for, may_act, may_take_part, message_for_reader, require
from talkwire.core.domain.errors import forbidden, invalid
from talkwire.core.domain.events import MessagesDelivered, MessagesRead, ReadPositionMoved
from talkwire.core.domain.log.positions import id_at
from talkwire.core.domain.model import (
    LARGE_CONVERSATION,
    Actor,
    Conversation,
    Member,
    Message,
    message_number,
)
from talkwire.core.domain.texts import check_id
from talkwire.core.features.messages.messages import get_message
from talkwire.core.features.messages.reading import READERS_MAX, may_see_reads, shares_reads
from talkwire.core.features.notifying.notifications import read_with_messages
from talkwire.core.ports.handler import ChangeHandler, Changes, Queries
from talkwire.core.ports.transaction import Prefetch, Snapshot, Transaction

Mark = MarkRead | MarkUnread | MarkDelivered


def check_mark(command: Mark) -> None:
    check_id("conversationId", command.conversation_id)


def needs_of_mark(actor: Actor, command: Mark, needs: Prefetch) -> None:
    """Adds to `needs` the keys of the rows that moving a member's read or delivery position will look up; the writer
    fetches them for a whole batch of commands at once."""
    needs.members.add((command.conversation_id, actor.user_id))
    number = None if command.message_id is None else message_number(command.message_id)
    if number is not None:
        needs.marked.add((command.conversation_id, number))


def needs_of_read(actor: Actor, command: MarkRead, needs: Prefetch) -> None:
    """Adds to `needs` the keys of the rows that `mark_read` will look up; the writer fetches them for a whole batch of
    commands at once."""
    needs_of_mark(actor, command, needs)
    needs.unread_notifications.add((command.conversation_id, actor.user_id))


def mark_read(tx: Transaction, actor: Actor, command: MarkRead) -> ReadMark:
    """Moves the actor's read position in a conversation forward to a message, and returns the position; it stays if it
    is already at the message or after it. Marks the notifications of the read messages as read.

    Other members receive a receipt only when the position passes the furthest one that they have seen, and only if the
    actor shares what they have read.
    """
    conversation, member = _participation(tx, actor, command)
    target = _target(tx, conversation, member, command.message_id)
    if target is None:
        return ReadMark(conversation.id, member.own_seq, tx.unread(conversation.id, member.user_id))
    if target[0] <= member.own_seq:
        mark = ReadMark(conversation.id, member.own_seq, tx.unread(conversation.id, member.user_id))
    elif target[0] <= member.read_seq:
        mark = _move_own(tx, member, target[0])
    else:
        mark = _move(tx, conversation, member, target)
    read_with_messages(tx, conversation.id, member.user_id, target[1], without_replies=command.without_replies)
    return mark


def _move(tx: Transaction, conversation: Conversation, member: Member, target: tuple[int, int]) -> ReadMark:
    """Moves a member's furthest read position, which others see unless the member's receipts are private, to the
    message `target` (number in the conversation, id). Returns the position with the unread counts."""
    seq, message_id = target
    authors = None
    if conversation.member_count > LARGE_CONVERSATION:
        authors = tuple(tx.authors(conversation.id, member.read_seq, seq))
    user = tx.user(member.user_id)
    private = user is not None and not user.read_receipts
    if private and seq > member.delivered_seq:
        # Others may know that the message was received, which reading would imply to them.
        _record_delivered(tx, member, target)
    receipt = MessagesRead(
        tx.next_pos(),
        tx.now_ms,
        conversation.id,
        member.user_id,
        seq,
        message_id,
        authors,
        since=member.read_seq,
        private=private,
    )
    tx.record(receipt)
    # A member who has read everything has nothing unread; this common case needs no query.
    unread = Unread(0, 0) if seq == conversation.last_seq else tx.unread(conversation.id, member.user_id)
    return ReadMark(conversation.id, seq, unread)


def mark_unread(tx: Transaction, actor: Actor, command: MarkUnread) -> ReadMark:
    """Moves the actor's own read position back to just before a message, or for None before the newest one of another
    member, and returns it; never moves it forward. Other members do not see this."""
    conversation, member = _participation(tx, actor, command)
    if command.message_id is None:
        seq = tx.newest_of_others(conversation.id, member.user_id, member.history.seq)
        if seq is None:
            raise invalid("messageId", "there is no message of another member to mark as unread")
    else:
        named = _message_named(tx, member, command.message_id)
        if named.imported:
            raise invalid("messageId", "an imported message is never unread")
        seq = named.seq
    if seq > member.own_seq:
        return ReadMark(conversation.id, member.own_seq, tx.unread(conversation.id, member.user_id))
    return _move_own(tx, member, seq - 1)


def _move_own(tx: Transaction, member: Member, seq: int) -> ReadMark:
    """Moves the read position that only the member sees to the number `seq`, and returns it with the unread counts."""
    id_, user_id = member.conversation_id, member.user_id
    unread = tx.unread_after(id_, user_id, seq)
    counts = (unread.unread_count, unread.mention_count)
    tx.record(ReadPositionMoved(tx.next_pos(), tx.now_ms, id_, user_id, seq, *counts))
    return ReadMark(id_, seq, unread)


def mark_delivered(tx: Transaction, actor: Actor, command: MarkDelivered) -> None:
    """Moves the actor's delivery position (up to which message the actor's devices have received a conversation)
    forward. Does nothing for a member who is not listed."""
    conversation, member = _participation(tx, actor, command)
    if not member.listed:
        return
    target = _target(tx, conversation, member, command.message_id)
    if target is not None and target[0] > member.delivered_seq:
        _record_delivered(tx, member, target)


def _record_delivered(tx: Transaction, member: Member, target: tuple[int, int]) -> None:
    """Records that the member has received the messages up to the one given as (number in the conversation, id)."""
    id_, user_id = member.conversation_id, member.user_id
    tx.record(MessagesDelivered(tx.next_pos(), tx.now_ms, id_, user_id, *target, member.delivered_seq))


def _participation(tx: Transaction, actor: Actor, command: Mark) -> tuple[Conversation, Member]:
    member = tx.member(command.conversation_id, actor.user_id)
    refusal = may_take_part(tx.user(actor.user_id), member)
    conversation = tx.conversation(command.conversation_id)
    if refusal is not None or member is None or conversation is None:
        raise refusal or forbidden("not_found")
    return conversation, member


def _target(
    tx: Transaction, conversation: Conversation, member: Member, message_id: str | None
) -> tuple[int, int] | None:
    """Returns (number in the conversation, id) of the named message, or of the newest one for None. Returns None if the
    conversation has no messages. Raises `forbidden` for a message that the member may not see."""
    if message_id is None:
        # Once there is a message, `active_pos` is the position of the newest one.
        return (conversation.last_seq, id_at(conversation.active_pos)) if conversation.last_seq else None
    number = message_number(message_id)
    seq = None if number is None else tx.seq_of(conversation, number)
    if number is None or seq is None or seq <= member.history_seq:
        raise forbidden("not_found")
    return seq, number


def _message_named(tx: Transaction, member: Member, message_id: str) -> Message:
    """Returns a message of the member's conversation. Raises `forbidden` if the member may not see it."""
    number = message_number(message_id)
    message = None if number is None else tx.message(number)
    if (
        message is None
        or message.conversation_id != member.conversation_id
        or message_for_reader(message, member.history) is None
    ):
        raise forbidden("not_found")
    return message


def list_receipts(snapshot: Snapshot, actor: Actor, query: ListReceipts) -> tuple[Receipt, ...]:
    """Returns a receipt for each member other than the sender who can see the message: when they received it and when
    they read it, each None if not yet. Of members who are not listed, only those who have read it have a receipt.
    Raises `forbidden` if the actor may not see the message.

    A member who has blocked the actor is shown as not having received the message, and a member who does not share
    their reads with the actor as not having read it.
    """
    message = get_message(snapshot, actor, GetMessage(query.message_id))
    views = snapshot.members_of((message.conversation_id,)).get(message.conversation_id, ())
    blocker_ids = snapshot.blockers_of(actor.user_id)
    sees_reads = shares_reads(snapshot.user(actor.user_id))
    receipts = []
    for view in views:
        member = view.member
        if member.user_id == message.sender_id or message_for_reader(message, member.history) is None:
            continue
        delivered_ms = read_ms = None
        if member.user_id not in blocker_ids:
            delivered_ms = _reached(member, message, member.delivered_seq, member.delivered_ms)
            if may_see_reads(view, actor.user_id, sees_reads=sees_reads):
                read_ms = _reached(member, message, member.read_seq, member.read_ms)
        if read_ms is None and not member.listed:
            continue
        receipts.append(Receipt(member.user_id, view.name, view.avatar, delivered_ms, read_ms))
    return tuple(receipts)


def _reached(member: Member, message: Message, seq: int, moved_ms: int) -> int | None:
    """Returns when the member received or read the message, in milliseconds since 1970, or None if they did not. `seq`
    is how far the member's position (of receiving or of reading) is, `moved_ms` when it moved there.

    The positions of a new member start at the newest message without having moved, which does not count.
    """
    return moved_ms if seq >= message.seq and moved_ms >= member.joined_ms else None


def list_readers(snapshot: Snapshot, actor: Actor, query: ListReaders) -> tuple[MessageReader, ...]:
    """Returns the at most `READERS_MAX` members whose read positions are the furthest, with these positions. Raises
    `forbidden` unless the actor may read the conversation."""
    check_id("conversationId", query.conversation_id)
    history_for(snapshot, actor, query.conversation_id)
    return tuple(snapshot.readers(query.conversation_id, actor.user_id, READERS_MAX))


def get_message_status(snapshot: Snapshot, actor: Actor, query: GetMessageStatus) -> MessageStatus:
    """Returns a message with its delivery state (sent, delivered or read). Raises `forbidden` unless the actor may see
    the message."""
    message = get_message(snapshot, actor, GetMessage(query.message_id))
    return MessageStatus(message, status_of(message, snapshot.least_progress(message, actor.user_id)))


def status_of(message: Message, least: tuple[int, int] | None) -> Status:
    """Returns a message's delivery state: sent, delivered or read. `least` is (received, read): the numbers up to which
    all other members have received and read the conversation; None if there are no others."""
    if least is None or least[0] < message.seq:
        return "sent"
    return "read" if least[1] >= message.seq else "delivered"


def get_unread(snapshot: Snapshot, actor: Actor, query: GetUnread) -> UnreadTotal:
    """Returns the unread counts of all conversations of the actor together."""
    require(may_act(snapshot.user(actor.user_id)))
    return snapshot.unreads.totals((actor.user_id,), snapshot.now_ms)[actor.user_id]


def count_unread(snapshot: Snapshot, actor: Actor, query: CountUnread) -> tuple[tuple[str, str, Unread], ...]:
    """Returns (conversation id, user id, unread counts) for those of the query's (conversation id, user id) keys where
    the user is a member."""
    found = snapshot.unreads.of(query.keys)
    return tuple((conversation_id, user_id, unread) for (conversation_id, user_id), unread in found.items())


CHANGES: Changes = MappingProxyType(
    {
        MarkRead: ChangeHandler(mark_read, check_mark, needs_of_read),
        MarkUnread: ChangeHandler(mark_unread, check_mark, needs_of_mark),
        MarkDelivered: ChangeHandler(mark_delivered, check_mark, needs_of_mark),
    }
)

QUERIES: Queries = MappingProxyType(
    {
        ListReceipts: list_receipts,
        ListReaders: list_readers,
        GetMessageStatus: get_message_status,
        GetUnread: get_unread,
        CountUnread: count_unread,
    }
)
