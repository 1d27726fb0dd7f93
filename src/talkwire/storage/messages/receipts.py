"""Receipts: how far members have received and read a conversation. Stores their cursors (positions by `seq`), counts
unread messages, and finds the messages that a moved cursor covers.

    unread = newest seq - read position
             - own messages behind it - others' deleted messages behind it - imported messages behind it

Own and deleted messages are counted without those that were imported. Each part is a column or the range of an index,
so the count costs the same after ten messages and after a hundred thousand. Only for a reader that has blocked a member
are the messages behind the read position counted one by one.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from msgspec.structs import replace
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    CompoundSelect,
    Connection,
    Exists,
    Select,
    Text,
    and_,
    bindparam,
    case,
    cast,
    exists,
    func,
    literal,
    null,
    or_,
    select,
    union_all,
)

from talkwire.core.commands.receipts import MessageReader, Unread, UnreadTotal
from talkwire.core.domain.events import (
    COVERED_MESSAGES_MAX,
    Durable,
    MessagesDelivered,
    MessagesRead,
    ReadPositionMoved,
)
from talkwire.core.domain.model import NOT_MARKED, Member, MemberPreferences, Message
from talkwire.storage.messages.changes import write_messages, write_staged
from talkwire.storage.messages.imports import imported_count, is_imported
from talkwire.storage.schema import (
    EVERYONE,
    blocks,
    conversations,
    members,
    mentions,
    messages,
    spans,
    tombstones,
    users,
)
from talkwire.storage.sql.keys import KEYS, JsonArrayOf, key_number, key_text, keys_parameter
from talkwire.storage.sql.reads import Reads
from talkwire.storage.sql.values import from_json
from talkwire.storage.tables.conversations import known_conversation
from talkwire.storage.tables.members import change_member, known_member
from talkwire.storage.tables.projection import Projections
from talkwire.storage.workspace import Changes, Workspace

AUTHORS_LOOK_BACK = 1000
"""Most messages that are searched for their authors, to whom a read receipt is sent, and for the newest message of
another user."""

READ_LOOK_BACK = 1000
"""Most of the messages that a moved position covers that are searched for messages of other users."""

_imported = is_imported(messages.c.conversation_id, messages.c.seq)

# --- unread counts ----------------------------------------------------------------------------------------------------

_is_marked = members.c.marked_at_seq == members.c.read_seq
_own_seq: ColumnElement[int] = case((_is_marked, members.c.marked_seq), else_=members.c.read_seq)
"""SQL for `Member.own_seq`: the read position that the member sees, which marking messages as unread moves back."""
_own_sent: ColumnElement[int] = case((_is_marked, members.c.marked_sent), else_=members.c.read_sent)
"""SQL for `Member.own_sent`: how many messages up to `own_seq` the member has sent."""


def _unread_select(found: ColumnElement[bool]) -> Select[Any]:
    """Returns a query for the numbers of unread messages and unread mentions of those members that `found` selects by
    the keys."""
    behind = members.c.conversation_id, _own_seq
    deleted = (
        select(func.count())
        .select_from(tombstones)
        .where(
            tombstones.c.conversation_id == behind[0],
            tombstones.c.seq > behind[1],
            tombstones.c.sender_id != members.c.user_id,
        )
        .scalar_subquery()
    )
    mentioned = (
        select(func.count(mentions.c.seq.distinct()))
        .where(
            mentions.c.conversation_id == behind[0],
            mentions.c.user_id.in_([members.c.user_id, EVERYONE]),
            mentions.c.seq > behind[1],
            mentions.c.sender_id != members.c.user_id,
        )
        .scalar_subquery()
    )
    own = members.c.sent_count - _own_sent
    imported = func.coalesce(imported_count(behind[0]), 0) - func.coalesce(imported_count(*behind), 0)
    return (
        select()
        .select_from(KEYS)
        .join(members, found)
        .add_columns(
            members.c.conversation_id,
            members.c.user_id,
            (conversations.c.last_seq - _own_seq - own - deleted - imported).label("unread"),
            mentioned.label("mentions"),
        )
        .join(conversations, conversations.c.id == members.c.conversation_id)
    )


_unread = _unread_select((members.c.conversation_id == key_text(0)) & (members.c.user_id == key_text(1)))

_unread_of_users: Select[Any] = (
    _unread_select(members.c.user_id == key_text(0))
    .where(members.c.listed, conversations.c.last_seq > _own_seq)
    .add_columns(
        members.c.muted,
        members.c.unmute_ms,
        (members.c.archived_seq >= conversations.c.last_seq).label("is_archived"),
    )
)
"""Statement that selects the listed memberships of the users in the keys, where a message is behind the read position.
A conversation that was archived before its newest message counts as not archived: only a muted one may still be."""

_with_blocked: Select[Any] = (
    select(key_text(0), key_text(1))
    .select_from(KEYS)
    .where(
        exists().where(
            blocks.c.user_id == key_text(1),
            spans.c.user_id == blocks.c.blocked_id,
            spans.c.conversation_id == key_text(0),
        )
    )
)
"""Statement that selects those of the keys (conversation id, user id) where a user whom the user has blocked is or was
a member of the conversation, so that messages of blocked users may be in it."""

_mentioned_after: Select[Any] = (
    select(key_text(0))
    .select_from(KEYS)
    .where(
        exists().where(
            mentions.c.conversation_id == key_text(0),
            mentions.c.user_id.in_([key_text(1), EVERYONE]),
            mentions.c.seq > key_number(2),
            mentions.c.sender_id != key_text(1),
            mentions.c.sender_id.not_in(select(blocks.c.blocked_id).where(blocks.c.user_id == key_text(1))),
        )
    )
)
"""Statement that selects those conversations of the keys (conversation id, user id, `seq`) in which a message after
`seq` mentions the user."""


class UnreadRows(Reads):
    """Counts the unread messages and mentions of members. Implements `core.ports.stores.Unreads`."""

    def of(self, keys: Collection[tuple[str, str]]) -> Mapping[tuple[str, str], Unread]:
        if not keys:
            return {}
        rows = self._connection.execute(_unread, keys_parameter(keys))
        found = {(row.conversation_id, row.user_id): Unread(row.unread, row.mentions) for row in rows}
        return found | self._without_blocked(found)

    def totals(self, user_ids: Collection[str], now_ms: int) -> Mapping[str, UnreadTotal]:
        rows = self._connection.execute(_unread_of_users, keys_parameter([(user_id,) for user_id in user_ids])).all()
        found = {(row.conversation_id, row.user_id): Unread(row.unread, row.mentions) for row in rows}
        found |= self._without_blocked(found)
        totals = dict.fromkeys(user_ids, UnreadTotal())
        for row in rows:
            unread = found[row.conversation_id, row.user_id]
            is_muted = MemberPreferences(bool(row.muted), unmute_ms=row.unmute_ms).is_muted(now_ms)
            counted = unread.mention_count if is_muted or row.is_archived else unread.unread_count
            before = totals[row.user_id]
            totals[row.user_id] = UnreadTotal(
                before.messages + counted,
                before.mentions + unread.mention_count,
                before.conversations + (counted > 0),
            )
        return totals

    def mentioned_after(self, positions: Mapping[str, int], user_id: str) -> Collection[str]:
        if not positions:
            return ()
        keys = keys_parameter([(id_, user_id, str(seq)) for id_, seq in positions.items()])
        return self._connection.execute(_mentioned_after, keys).scalars().all()

    def _without_blocked(self, found: Mapping[tuple[str, str], Unread]) -> dict[tuple[str, str], Unread]:
        """Returns corrected unread counts, without messages of blocked users, for those members that have blocked
        another member or former member of the conversation. `found` are the uncorrected counts; keys are (conversation
        id, user id)."""
        blocking = select(blocks.c.user_id).distinct().where(blocks.c.user_id.in_({user_id for _, user_id in found}))
        user_ids = set(self._connection.execute(blocking).scalars())
        if not user_ids:
            return {}
        keys = [key for key, unread in found.items() if key[1] in user_ids and unread.unread_count]
        affected = self._connection.execute(_with_blocked, keys_parameter(keys)).all() if keys else ()
        return {(id_, user_id): self._corrected((id_, user_id), found[id_, user_id]) for id_, user_id in affected}

    def _corrected(self, key: tuple[str, str], unread: Unread) -> Unread:
        conversation_id, user_id = key
        position = (
            select(_own_seq)
            .where(members.c.conversation_id == conversation_id, members.c.user_id == user_id)
            .scalar_subquery()
        )
        of_blocked = select(func.count()).where(
            messages.c.conversation_id == conversation_id,
            messages.c.seq > position,
            messages.c.sender_id.in_(_blocked_by(user_id)),
            messages.c.deleted_ms.is_(None),
            ~_imported,
        )
        return Unread(
            unread.unread_count - self._connection.execute(of_blocked).scalar_one(),
            self._mentions_behind(conversation_id, user_id, position),
        )

    def unread_after(self, conversation_id: str, user_id: str, seq: int) -> Unread:
        """Returns the numbers of unread messages and mentions that a member would have with the read position `seq`.
        Counts the messages after it one by one, so it is slow for an old position."""
        of_others = select(func.count()).where(
            messages.c.conversation_id == conversation_id,
            messages.c.seq > seq,
            messages.c.sender_id != user_id,
            messages.c.sender_id.not_in(_blocked_by(user_id)),
            messages.c.deleted_ms.is_(None),
            ~_imported,
        )
        return Unread(
            self._connection.execute(of_others).scalar_one(),
            self._mentions_behind(conversation_id, user_id, literal(seq)),
        )

    def _mentions_behind(self, conversation_id: str, user_id: str, seq: ColumnElement[int]) -> int:
        mentioned = select(func.count(mentions.c.seq.distinct())).where(
            mentions.c.conversation_id == conversation_id,
            mentions.c.user_id.in_([user_id, EVERYONE]),
            mentions.c.seq > seq,
            mentions.c.sender_id != user_id,
            mentions.c.sender_id.not_in(_blocked_by(user_id)),
        )
        return self._connection.execute(mentioned).scalar_one()


def _blocked_by(user_id: str) -> Select[Any]:
    return select(blocks.c.blocked_id).where(blocks.c.user_id == user_id)


# --- receipts ---------------------------------------------------------------------------------------------------------


def _blocks_user(user_id: str) -> Exists:
    """Returns the SQL condition that the member of a row of `members` has blocked the user."""
    return exists().where(blocks.c.user_id == members.c.user_id, blocks.c.blocked_id == user_id)


def _hides_reads_from(user_id: str) -> ColumnElement[bool]:
    """Returns the SQL condition that the user must not see how far the member of a row of `members` has read, because
    the user or the member does not share read receipts."""
    hides = exists().where(users.c.id.in_([members.c.user_id, user_id]), ~users.c.read_receipts)
    return (members.c.user_id != user_id) & hides


class ReceiptReads(Reads):
    """The methods of `core.ports.transaction.Snapshot` that read receipts (how far members have received and read).
    `TableSnapshot` inherits them."""

    def readers(self, conversation_id: str, asker_id: str, limit: int) -> Sequence[MessageReader]:
        # New members start at the newest message without having read anything.
        statement = (
            select(members.c.user_id, members.c.read_seq, members.c.history_seq)
            .where(members.c.conversation_id == conversation_id, members.c.read_ms > 0)
            .where(~_blocks_user(asker_id), ~_hides_reads_from(asker_id))
            .order_by(members.c.read_seq.desc(), members.c.user_id)
            .limit(limit)
        )
        rows = self._connection.execute(statement)
        return [MessageReader(row.user_id, row.read_seq, row.history_seq) for row in rows]

    def least_progress(self, message: Message, asker_id: str) -> tuple[int, int] | None:
        is_withheld = _blocks_user(asker_id)
        statement = select(
            func.min(case((is_withheld, 0), else_=members.c.delivered_seq)),
            func.min(case((is_withheld, 0), (_hides_reads_from(asker_id), 0), else_=members.c.read_seq)),
        ).where(
            members.c.conversation_id == message.conversation_id,
            members.c.user_id != message.sender_id,
            members.c.history_seq < message.seq,
            or_(members.c.listed, and_(members.c.read_ms > 0, members.c.read_seq >= message.seq)),
        )
        delivered_seq, read_seq = self._connection.execute(statement).one()
        return None if delivered_seq is None else (delivered_seq, read_seq)


class ReceiptLookups(Changes):
    """The methods of `core.ports.transaction.Transaction` that look up receipts and unread counts, with the
    transaction's uncommitted changes. `BatchTransaction` inherits them."""

    def unread(self, conversation_id: str, user_id: str) -> Unread:
        write_staged(self._workspace)
        key = (conversation_id, user_id)
        return UnreadRows(self._workspace.connection).of((key,))[key]

    def unread_after(self, conversation_id: str, user_id: str, seq: int) -> Unread:
        write_staged(self._workspace)
        return UnreadRows(self._workspace.connection).unread_after(conversation_id, user_id, seq)

    def newest_of_others(self, conversation_id: str, user_id: str, after_seq: int) -> int | None:
        write_messages(self._workspace)
        newest = (
            select(messages.c.seq, messages.c.sender_id, messages.c.deleted_ms, _imported.label("imported"))
            .where(messages.c.conversation_id == conversation_id, messages.c.seq > after_seq)
            .order_by(messages.c.seq.desc())
            .limit(AUTHORS_LOOK_BACK)
            .subquery()
        )
        of_others = select(func.max(newest.c.seq)).where(
            newest.c.sender_id != user_id, newest.c.deleted_ms.is_(None), ~newest.c.imported
        )
        seq: int | None = self._workspace.connection.execute(of_others).scalar_one()
        return seq

    def authors(self, conversation_id: str, after_seq: int, up_to_seq: int) -> Sequence[str]:
        write_messages(self._workspace)
        newest = (
            select(messages.c.sender_id)
            .where(
                messages.c.conversation_id == conversation_id, messages.c.seq > after_seq, messages.c.seq <= up_to_seq
            )
            .order_by(messages.c.seq.desc())
            .limit(AUTHORS_LOOK_BACK)
            .subquery()
        )
        found = select(newest.c.sender_id).distinct().order_by(newest.c.sender_id)
        return self._workspace.connection.execute(found).scalars().all()

    def has_been_read(self, message: Message) -> bool:
        write_staged(self._workspace)
        reader = (
            select(members.c.user_id)
            .where(
                members.c.conversation_id == message.conversation_id,
                members.c.user_id != message.sender_id,
                members.c.read_ms > 0,
                members.c.history_seq < message.seq,
                members.c.read_seq >= message.seq,
                ~_blocks_user(message.sender_id),
                ~_hides_reads_from(message.sender_id),
            )
            .limit(1)
        )
        return self._workspace.connection.execute(reader).first() is not None


# --- events -----------------------------------------------------------------------------------------------------------


def _read(workspace: Workspace, event: MessagesRead) -> None:
    """Applies a `MessagesRead` event: moves the member's read position, and also the delivery position if that is
    behind, since a member who has read a message has received it."""
    member = known_member(workspace, event.conversation_id, event.user_id)
    conversation = known_conversation(workspace, event.conversation_id)
    read_sent = _read_sent(workspace, member, event.seq, conversation.last_seq)
    changes = {"read_seq": event.seq, "read_ms": event.at_ms, "read_sent": read_sent}
    if event.seq > member.delivered_seq:
        changes |= {"delivered_seq": event.seq, "delivered_ms": event.at_ms}
    workspace.move_member(member, **changes)


def _read_sent(workspace: Workspace, member: Member, seq: int, last_seq: int) -> int:
    """Returns how many of the messages up to the new read position `seq` the member has sent; `last_seq` is the
    conversation's newest `seq`. Counts only the messages between the old and the new position, or those after the new
    one, if they are fewer."""
    if seq == last_seq:
        return member.sent_count
    if seq - member.read_seq < last_seq - seq:
        return member.read_sent + _count_own(workspace, member, member.read_seq, seq)
    return member.sent_count - _count_own(workspace, member, seq, last_seq)


_own_count: Select[Any] = (
    select(func.count())
    .select_from(messages)
    .where(
        messages.c.conversation_id == bindparam("conversation_id"),
        messages.c.seq > bindparam("after_seq"),
        messages.c.seq <= bindparam("up_to_seq"),
        messages.c.sender_id == bindparam("user_id"),
        ~_imported,
    )
)


def _count_own(workspace: Workspace, member: Member, after_seq: int, up_to_seq: int) -> int:
    write_messages(workspace)
    parameters = {
        "conversation_id": member.conversation_id,
        "user_id": member.user_id,
        "after_seq": after_seq,
        "up_to_seq": up_to_seq,
    }
    return int(workspace.connection.execute(_own_count, parameters).scalar_one())


def _own_position_moved(workspace: Workspace, event: ReadPositionMoved) -> None:
    """Applies a `ReadPositionMoved` event: sets the read position that only the member sees (after marking messages as
    unread), or removes it if it equals the position that others see."""
    member = known_member(workspace, event.conversation_id, event.user_id)
    if event.seq == member.read_seq:
        change_member(workspace, event.conversation_id, event.user_id, marked_at_seq=NOT_MARKED)
        return
    low, high = sorted((event.seq, member.own_seq))
    between = _count_own(workspace, member, low, high)
    change_member(
        workspace,
        event.conversation_id,
        event.user_id,
        marked_seq=event.seq,
        marked_sent=member.own_sent + (between if high == event.seq else -between),
        marked_at_seq=member.read_seq,
    )


def _delivered(workspace: Workspace, event: MessagesDelivered) -> None:
    member = known_member(workspace, event.conversation_id, event.user_id)
    workspace.move_member(member, delivered_seq=event.seq, delivered_ms=event.at_ms)


PROJECTIONS: Projections = MappingProxyType(
    {MessagesRead: _read, ReadPositionMoved: _own_position_moved, MessagesDelivered: _delivered}
)

# --- covered messages -------------------------------------------------------------------------------------------------


def _covered_select() -> CompoundSelect[Any]:
    """Returns a query for the messages that moved read or delivery positions cover, at most the newest
    COVERED_MESSAGES_MAX of each move.

    Its keys are (index in the list of events, conversation id, user id, `seq` before, `seq` after). Its rows are
    (index, sender id, message ids as a JSON array) for each other user with covered messages, and (index, user id,
    NULL) for each member that the user has blocked.
    """
    place, conversation_id, user_id = (key_text(index) for index in range(3))
    since, seq = key_number(3), key_number(4)
    nth = messages.alias("nth")
    first_seq = (
        select(nth.c.seq)
        .where(nth.c.conversation_id == conversation_id, nth.c.seq > since, nth.c.seq <= seq)
        .where(nth.c.sender_id != user_id)
        .order_by(nth.c.seq.desc())
        .offset(COVERED_MESSAGES_MAX - 1)
        .limit(1)
        .scalar_subquery()
    )
    # Nearly every move is short.
    first = case((seq - since > COVERED_MESSAGES_MAX, func.coalesce(first_seq, since + 1)), else_=since + 1)
    covered = (
        select(cast(place, BigInteger).label("place"), messages.c.sender_id, JsonArrayOf(messages.c.id).label("ids"))
        .select_from(KEYS)
        .join(messages, (messages.c.conversation_id == conversation_id) & (messages.c.seq >= first))
        .where(messages.c.seq <= seq, messages.c.sender_id != user_id)
        .group_by(place, messages.c.sender_id)
    )
    withheld = (
        select(cast(place, BigInteger), blocks.c.blocked_id, cast(null(), Text))
        .select_from(KEYS)
        .join(blocks, blocks.c.user_id == user_id)
        .join(members, (members.c.conversation_id == conversation_id) & (members.c.user_id == blocks.c.blocked_id))
    )
    return union_all(covered, withheld)


_covered = _covered_select()


_MOVES = MessagesRead | MessagesDelivered
"""The events that move a member's position. Each event is compared with them, so their union is made once."""


def with_covered_messages(connection: Connection, events: Sequence[Durable]) -> list[Durable]:
    """Returns the events. `MessagesRead` and `MessagesDelivered`, which move a member's position, get the messages
    between the old and the new position as `covered` (at most the newest COVERED_MESSAGES_MAX), and as `withheld` the
    members that the user has blocked, who must not see the receipt.

    The log stores only the positions, so the messages are read by one statement for all events, if there are such
    events.
    """
    places = [place for place, event in enumerate(events) if isinstance(event, _MOVES)]
    if not places:
        return list(events)
    covered: dict[int, list[tuple[int, str]]] = {place: [] for place in places}
    withheld: dict[int, list[str]] = {place: [] for place in places}
    moves = [_move(place, events[place]) for place in places]
    for place, user_id, ids in connection.execute(_covered, keys_parameter(moves)):
        if ids is None:
            withheld[place].append(user_id)
        else:
            covered[place] += [(id_, user_id) for id_ in from_json(ids)]
    return [
        replace(event, covered=tuple(sorted(covered[place])), withheld=tuple(sorted(withheld[place])))
        if place in covered
        else event
        for place, event in enumerate(events)
    ]


def _move(place: int, event: Durable) -> tuple[str, ...]:
    assert isinstance(event, _MOVES), "nothing else moves a cursor"
    since = max(event.since, event.seq - READ_LOOK_BACK)
    return str(place), event.conversation_id, event.user_id, str(since), str(event.seq)
