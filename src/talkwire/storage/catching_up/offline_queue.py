"""Stores the offline queue (events that are kept for a user who is not connected), and finds the messages that a user
missed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from heapq import nlargest
from typing import Any

from sqlalchemy import Select, bindparam, case, delete, func, insert, or_, select, text

from talkwire.core.commands.server.offline_queue import Arrival, Mail, MissedMessage
from talkwire.core.domain.log.positions import id_at, pos_of
from talkwire.core.domain.model import Notify
from talkwire.storage.messages.messages import rows_of_ranges, to_extra
from talkwire.storage.schema import blocks, conversations, log, mailbox, mailbox_cursors, members, messages
from talkwire.storage.sql.ids import sql_id_at
from talkwire.storage.sql.keys import KEYS, key_text, keys_parameter
from talkwire.storage.sql.reads import Reads
from talkwire.storage.sql.upsert import upsert
from talkwire.storage.sql.values import AnyRow

FORGOTTEN_AT_ONCE = 1000
"""Most stored events that are deleted at once because they are too old."""

MISSED_CONVERSATIONS_MAX = 1000
"""Most conversations that are searched, the most recently active first. The newest thousand messages cannot be in
more."""

FIRST_SEARCHED = 2000
"""Number of messages that are read first in the search for missed ones, spread over the conversations."""

SEARCHED_MESSAGES_MAX = 20_000
"""Most messages that are read in the search for missed ones. If many of them are the user's own, fewer missed messages
are found."""

_put = upsert(mailbox_cursors)
_move = _put.on_conflict_do_update(
    index_elements=["user_id"], set_={"pos": _put.excluded.pos}, where=mailbox_cursors.c.pos < _put.excluded.pos
)
_newest = (
    select(mailbox.c.id)
    .where(mailbox.c.user_id == bindparam("user_id"))
    .order_by(mailbox.c.id.desc())
    .limit(1)
    .offset(bindparam("kept"))
)
_keep_newest = delete(mailbox).where(
    mailbox.c.user_id == bindparam("user_id"), mailbox.c.id <= _newest.scalar_subquery()
)

_unseen_seq = case((members.c.read_seq > members.c.history_seq, members.c.read_seq), else_=members.c.history_seq)

_MISSING = (
    members.c.listed,
    conversations.c.last_seq > _unseen_seq,
    or_(members.c.muted.is_(False), members.c.unmute_ms.is_not(None)),
    func.coalesce(members.c.notify, conversations.c.notify, "all") != "none",
)
"""Conditions under which a member can have missed messages of a conversation."""

_conversations: Select[Any] = (
    select(members.c.conversation_id, _unseen_seq.label("low"), conversations.c.last_seq.label("high"))
    .add_columns(case((members.c.muted, members.c.unmute_ms)).label("muted_until_ms"))
    .join(conversations, conversations.c.id == members.c.conversation_id)
    .where(
        members.c.user_id == bindparam("user_id"),
        *_MISSING,
        conversations.c.active_pos > bindparam("after_pos"),
    )
    .order_by(conversations.c.active_pos.desc())
    .limit(MISSED_CONVERSATIONS_MAX)
)
_ends: Select[Any] = (
    select(messages.c.id, messages.c.deleted_ms, messages.c.extra)
    .select_from(members)
    .join(conversations, conversations.c.id == members.c.conversation_id)
    .join(log, log.c.conversation_id == members.c.conversation_id)
    .join(messages, messages.c.id == log.c.message_id)
    .outerjoin(blocks, (blocks.c.user_id == members.c.user_id) & (blocks.c.blocked_id == messages.c.sender_id))
    .where(
        members.c.user_id == bindparam("user_id"),
        *_MISSING,
        text("log.type = 'StreamStateChanged'"),  # as the index ix_log_stream_ends has it
        log.c.pos > bindparam("after_pos"),
        messages.c.id <= sql_id_at(bindparam("after_pos")),
        messages.c.created_ms > bindparam("since_ms"),
        messages.c.seq > _unseen_seq,
        messages.c.sender_id != members.c.user_id,
        blocks.c.user_id.is_(None),
        or_(members.c.muted.is_(False), messages.c.created_ms >= members.c.unmute_ms),
    )
    .order_by(log.c.pos.desc())
    .limit(bindparam("limit"))
)
_defaults: Select[Any] = (
    select(conversations.c.id, conversations.c.notify)
    .select_from(KEYS)
    .join(conversations, conversations.c.id == key_text(0))
    .where(conversations.c.notify.is_not(None))
)


@dataclass(slots=True)
class _SeqRange:
    """The part of one conversation that the search for missed messages has not read yet: messages with `low` < `seq` <=
    `high`. `oldest_id` is the id of the oldest message that the latest read returned, 0 if it returned none."""

    conversation_id: str
    low: int
    high: int
    oldest_id: int = 0

    def take_newest(self, width: int) -> tuple[str, int, int]:
        """Removes the newest `width` messages from the unread range, or all if it has fewer, and returns them as
        (conversation id, `seq` before the first, `seq` of the last)."""
        high, self.high = self.high, max(self.low, self.high - width)
        return self.conversation_id, self.high, high


def _place_of(row: AnyRow) -> int:
    """Returns the log position at which users were notified of a message; 0 if they were not, because the message was
    deleted or imported from another system, or is a stream that has not ended once."""
    extra = to_extra(row.extra)
    if row.deleted_ms is not None or extra.imported:
        return 0
    return pos_of(row.id) if extra.first_end_pos is None else extra.first_end_pos


class OfflineQueueRows(Reads):
    """Reads the tables of the offline queue: events kept for users who are not connected, and how far each user has
    received them. Implements `core.ports.stores.OfflineQueue`."""

    def position(self, user_id: str) -> int:
        found = select(mailbox_cursors.c.pos).where(mailbox_cursors.c.user_id == user_id)
        return self._connection.execute(found).scalar_one_or_none() or 0

    def notify_defaults(self, conversation_ids: Collection[str]) -> Mapping[str, Notify]:
        found = self._connection.execute(_defaults, keys_parameter([(id_,) for id_ in conversation_ids]))
        return {row.id: row.notify for row in found}

    def stored(self, user_id: str, after_id: int, since_ms: int, limit: int) -> Sequence[Mail]:
        waiting = select(mailbox).where(
            mailbox.c.user_id == user_id, mailbox.c.id > after_id, mailbox.c.created_ms > since_ms
        )
        rows = self._connection.execute(waiting.order_by(mailbox.c.id).limit(limit))
        return [Mail(row.id, row.event, row.payload) for row in rows]

    def missed(self, user_id: str, after_pos: int, since_ms: int, limit: int) -> Sequence[MissedMessage]:
        """Returns the newest `limit` messages that a user missed, oldest first: sent after log position `after_pos` and
        after `since_ms` (milliseconds since 1970), or streams that have ended for the first time since.

        Searches the newest messages of all conversations first, and older ones only in conversations where they can
        still be among the newest `limit`. Stops after about SEARCHED_MESSAGES_MAX (20,000) messages, and then returns
        what it has found, which may be fewer than `limit`.
        """
        parameters = {"user_id": user_id, "after_pos": after_pos}
        found = self._connection.execute(_conversations, parameters).all()
        ended = self._ended(parameters, since_ms, limit)
        ranges = [_SeqRange(row.conversation_id, row.low, row.high) for row in found]
        muted_until_ms = {row.conversation_id: row.muted_until_ms or 0 for row in found}
        blocked = select(blocks.c.blocked_id).where(blocks.c.user_id == user_id)
        silent_ids = {user_id, *self._connection.execute(blocked).scalars()} if ranges else set()
        after_id = id_at(after_pos)
        newest: list[MissedMessage] = ended
        looked_at, width = 0, FIRST_SEARCHED // max(1, len(ranges)) + 1
        while ranges and looked_at < SEARCHED_MESSAGES_MAX:
            rows = self._look(ranges, width)
            looked_at, width = looked_at + len(rows), width * 2
            recent = [row for row in rows if row.id > after_id and row.created_ms > since_ms]
            notifying = [
                MissedMessage(place, row.id)
                for row in recent
                if row.sender_id not in silent_ids
                and row.created_ms >= muted_until_ms[row.conversation_id]
                and (place := _place_of(row))
            ]
            newest = nlargest(limit, [*newest, *notifying])
            least = id_at(newest[-1].pos) if len(newest) == limit else after_id
            too_old = {row.conversation_id for row in rows if row.created_ms <= since_ms}
            ranges = [
                span
                for span in ranges
                if span.high > span.low and span.oldest_id > least and span.conversation_id not in too_old
            ]
        return newest[::-1]

    def _ended(self, parameters: Mapping[str, Any], since_ms: int, limit: int) -> list[MissedMessage]:
        """Returns the newest `limit` streams, newest first, that were begun up to the log position `after_pos` and have
        ended for the first time since. The other missed messages were sent after that position."""
        rows = self._connection.execute(_ends, {**parameters, "since_ms": since_ms, "limit": limit})
        places = {MissedMessage(_place_of(row), row.id) for row in rows}
        return nlargest(limit, (each for each in places if each.pos > parameters["after_pos"]))

    def _look(self, ranges: Sequence[_SeqRange], width: int) -> Sequence[AnyRow]:
        """Returns rows of the newest `width` messages of each conversation's unread range, and removes these messages
        from the ranges."""
        rows = rows_of_ranges(self._connection, [span.take_newest(width) for span in ranges])
        oldest_ids: dict[str, int] = {}
        for row in rows:
            oldest_ids[row.conversation_id] = min(row.id, oldest_ids.get(row.conversation_id, row.id))
        for span in ranges:
            span.oldest_id = oldest_ids.get(span.conversation_id, 0)
        return rows


class WritableOfflineQueueRows(OfflineQueueRows):
    def keep(self, user_ids: Iterable[str], event: str, payload: str, now_ms: int) -> None:
        rows = [{"user_id": id_, "event": event, "payload": payload, "created_ms": now_ms} for id_ in user_ids]
        if rows:
            self._connection.execute(insert(mailbox), rows)

    def keep_newest(self, user_ids: Iterable[str], kept: int) -> None:
        rows = [{"user_id": user_id, "kept": kept} for user_id in user_ids]
        if rows:
            self._connection.execute(_keep_newest, rows)

    def forget(self, before_ms: int) -> None:
        oldest = select(mailbox.c.id).where(mailbox.c.created_ms <= before_ms).limit(FORGOTTEN_AT_ONCE)
        self._connection.execute(delete(mailbox).where(mailbox.c.id.in_(oldest)))

    def confirm(self, arrivals: Collection[Arrival]) -> None:
        moved = [{"user_id": each.user_id, "pos": each.pos} for each in arrivals if each.pos]
        if moved:
            self._connection.execute(_move, moved)
        for each in arrivals:
            if each.mail_id:
                arrived = delete(mailbox).where(mailbox.c.user_id == each.user_id, mailbox.c.id <= each.mail_id)
                self._connection.execute(arrived)
