"""Reads the log (the ordered list of all committed events) for clients that catch up: all events, or those that one
user may see.

The events that a user may see are in a few conversations of many, and in the spans of time in which the user was a
member. The search reads the log in windows that grow until it has found enough events, so its cost depends on the
number of events that it returns. Conversations without an event after the client's position are skipped.

Only present members see a conversation's events. Of a conversation that the user has left, only the events that ended
the memberships are found.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    ScalarSelect,
    Select,
    bindparam,
    case,
    func,
    literal,
    or_,
    select,
    union_all,
)

from talkwire.core.commands.sync import LogFilter
from talkwire.core.domain.errors import LogReplaced
from talkwire.core.domain.events import Durable, UserErased, UserUpdated
from talkwire.core.domain.model import HistoryStart
from talkwire.core.ports.stores import LogWindow
from talkwire.storage.catching_up.log_events import read_events, read_window
from talkwire.storage.lineage import IsSameLog
from talkwire.storage.messages.receipts import with_covered_messages
from talkwire.storage.schema import conversations, log, log_head, members, messages, spans
from talkwire.storage.sql.ids import sql_id_at, sql_pos_of
from talkwire.storage.sql.keys import keys_parameter
from talkwire.storage.sql.reads import Reads
from talkwire.storage.tables.log import KNOWN_EVENTS, log_by_pos, to_events
from talkwire.storage.tables.presence import contacts_select

FIRST_WINDOW = 1024
"""Number of log positions that a search reads first. Each further window is `WINDOW_GROWTH` times as large."""

WINDOW_GROWTH = 8
"""Number of times that a window of a search is larger than the one before."""

CONTACTS_SEARCHED_MAX = 100_000
"""Most contacts that are searched for changed profiles."""

_low, _high = bindparam("low", type_=BigInteger), bindparam("high", type_=BigInteger)

_LAST_SEQ = 2**62
"""Number above the `seq` of every message."""


_lasts = spans.c.to_pos.is_(None)


def _of_member_now(column: ColumnElement[int]) -> ScalarSelect[int]:
    """Returns a subquery for a column of `members`, read for the user and conversation of a row of `spans` (one
    membership, from joining to leaving). It is NULL if the user is not a member now.

    A scalar subquery is evaluated only where a statement needs it: for memberships that have ended, which are few.
    """
    return (
        select(column)
        .where(members.c.conversation_id == spans.c.conversation_id, members.c.user_id == spans.c.user_id)
        .scalar_subquery()
    )


_since_joined_seq = _of_member_now(members.c.history_seq)
_since_joined_pos = _of_member_now(members.c.history_pos)


def _spans() -> Select[Any]:
    """Returns a query for the user's spans of membership (from joining to leaving) that may have events between the log
    positions `low` and `high`, in conversations of which the user is a member now. Its columns, `history_seq` and
    `history_pos`, say where the history begins that the user sees now. Parameters: `user_id`, `low`, `high`."""
    return (
        select(
            case((_lasts, spans.c.history_seq), else_=_since_joined_seq).label("history_seq"),
            case((_lasts, spans.c.history_pos), else_=_since_joined_pos).label("history_pos"),
        )
        .select_from(spans)
        .join(conversations, conversations.c.id == spans.c.conversation_id)
        .where(
            spans.c.user_id == bindparam("user_id"),
            conversations.c.last_pos > _low,
            spans.c.from_pos <= _high,
            or_(_lasts, spans.c.to_pos > _low),
            or_(_lasts, _since_joined_seq.is_not(None)),
        )
    )


def _within(pos: ColumnElement[int]) -> tuple[ColumnElement[bool], ...]:
    return pos > _low, pos <= _high, pos >= spans.c.from_pos, or_(_lasts, pos <= spans.c.to_pos)


def _milestone(pos: ColumnElement[int], *, before: bool) -> ColumnElement[int]:
    """Returns a SQL expression for the `seq` of an indexed message near the log position `pos`, in the conversation of
    a row of `spans`. It limits a search by log position: every 64th message of a conversation is in a small index.

    With `before`, this is the last indexed message up to `pos`, or 0 without one. Otherwise it is the first indexed
    message after `pos`, or a number above every `seq`.
    """
    near = messages.alias("milestones")
    id_ = sql_id_at(pos)
    found = select(near.c.seq).where(near.c.conversation_id == spans.c.conversation_id, near.c.seq % 64 == 0)
    if before:
        found = found.where(near.c.id <= id_).order_by(near.c.id.desc())
    else:
        found = found.where(near.c.id > id_).order_by(near.c.id)
    return func.coalesce(found.limit(1).scalar_subquery(), 0 if before else _LAST_SEQ)


_sent_pos = sql_pos_of(messages.c.id)

# Events of a newer version would be left out of a page, so they must not count for its length.
_known = log.c.type.in_(sorted(KNOWN_EVENTS))

_window = union_all(
    _spans()
    .add_columns(_sent_pos.label("pos"))
    .join(messages, messages.c.conversation_id == spans.c.conversation_id)
    .where(
        messages.c.seq > _milestone(_low, before=True),
        messages.c.seq <= _milestone(_high, before=False),
        messages.c.seq > spans.c.history_seq,
        *_within(_sent_pos),
    ),
    _spans()
    .add_columns(log.c.pos)
    .join(log, (log.c.conversation_id == spans.c.conversation_id) & log.c.data.is_not(None))
    .where(_known, *_within(log.c.pos)),
    select(literal(0), literal(0), spans.c.to_pos).where(
        spans.c.user_id == bindparam("user_id"),
        spans.c.to_pos > _low,
        spans.c.to_pos <= _high,
        _since_joined_seq.is_(None),
    ),
    select(literal(0), literal(0), log.c.pos).where(
        _known, log.c.user_id == bindparam("user_id"), log.c.pos > _low, log.c.pos <= _high
    ),
).subquery()

_found = (
    select(_window.c.pos, _window.c.history_seq, _window.c.history_pos)
    .order_by(_window.c.pos)
    .limit(bindparam("limit"))
)
"""Statement that selects log positions within a window, each with the start of the user's history in the event's
conversation."""


class LogReads(Reads):
    """The methods of `core.ports.transaction.Snapshot` that read the log: its head and its events. `TableSnapshot`
    inherits them."""

    def head(self) -> tuple[str, int]:
        epoch, pos, is_same = self._connection.execute(_head).one()
        if not is_same:
            raise LogReplaced
        return epoch, pos

    def events_after(self, pos: int, limit: int) -> Sequence[Durable]:
        rows = self._connection.execute(select(log).where(log.c.pos > pos).order_by(log.c.pos).limit(limit)).all()
        return with_covered_messages(self._connection, read_events(self._connection, rows))


_head = select(log_head.c.epoch, log_head.c.pos, IsSameLog())


class SyncRows(Reads):
    """Reads the log for clients that catch up: the events that one user may see, or all events. Implements
    `core.ports.stores.SyncLog`."""

    def floor(self) -> int:
        floor: int = self._connection.execute(select(log_head.c.floor)).scalar_one()
        return floor

    def log_window(self, wanted: LogFilter, after_pos: int, until_pos: int, limit: int) -> LogWindow:
        return read_window(self._connection, wanted, after_pos, until_pos, limit)

    def events_of(self, user_id: str, after_pos: int, limit: int) -> Sequence[tuple[Durable, HistoryStart]]:
        found: list[tuple[Durable, HistoryStart]] = []
        # Events that cannot be read are left out; the page is filled with later ones.
        while len(found) < limit:
            wanted = limit - len(found)
            places = self._places(user_id, after_pos, wanted)
            found += self._events_at(places)
            if len(places) < wanted:
                break
            after_pos = max(places)
        return found

    def _events_at(self, places: Mapping[int, HistoryStart]) -> Sequence[tuple[Durable, HistoryStart]]:
        """Returns the events at the log positions that are the keys of `places`, each with its value there: the start
        of the user's history in the event's conversation. Leaves out events that this version cannot decode."""
        if not places:
            return []
        rows = self._connection.execute(log_by_pos, keys_parameter([(str(pos),) for pos in places])).all()
        return [(event, places[event.pos]) for event in read_events(self._connection, rows)]

    def with_covered_messages(self, events: Sequence[Durable]) -> Sequence[Durable]:
        return with_covered_messages(self._connection, events)

    def count_events_of(self, user_id: str, after_pos: int, limit: int) -> int:
        return len(self._places(user_id, after_pos, limit))

    def profile_changes_of_contacts(
        self, user_id: str, members_max: int, after_pos: int, limit: int
    ) -> Sequence[Durable]:
        contacts = contacts_select.subquery()
        looks = (
            select(log)
            .join(contacts, contacts.c.user_id == log.c.user_id)
            .where(log.c.type.in_((UserUpdated.__name__, UserErased.__name__)), log.c.pos > after_pos)
            .order_by(log.c.pos)
            .limit(literal(limit))
        )
        parameters = {"user_id": user_id, "members_max": members_max, "limit": CONTACTS_SEARCHED_MAX}
        return to_events(self._connection.execute(looks, parameters))

    def _places(self, user_id: str, after_pos: int, limit: int) -> dict[int, HistoryStart]:
        head = self._connection.execute(select(log_head.c.pos)).scalar_one()
        places: dict[int, HistoryStart] = {}
        low, width = after_pos, FIRST_WINDOW
        while low < head and len(places) < limit:
            high = min(low + width, head)
            parameters = {"user_id": user_id, "low": low, "high": high, "limit": limit - len(places)}
            found = self._connection.execute(_found, parameters)
            places |= {pos: HistoryStart(history_seq, history_pos) for pos, history_seq, history_pos in found}
            low, width = high, width * WINDOW_GROWTH
        return places
