"""The log as far as it concerns one user.

What a user may see lies in a few conversations of many, and in stretches of time. It is looked for in windows of the
log that grow until enough is found, so that neither a busy user nor a quiet one among busy others costs more than
about what they are given. Only conversations whose newest event lies behind the cursor are looked into.

Whether the user is a member is asked as of now: of a conversation that they are not in, only the events that ended
their memberships are found.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
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

from talkwire.core.domain.events import Durable, MessagesDelivered, MessagesRead, UserUpdated
from talkwire.core.domain.model import MESSAGE_ID_BASE, HistoryStart
from talkwire.storage.messages.covered import with_covered
from talkwire.storage.messages.message_rows import read_messages
from talkwire.storage.schema import blocks, conversations, log, log_head, members, messages, spans
from talkwire.storage.sql.keys import keys_parameter
from talkwire.storage.sql.lookups import Lookups
from talkwire.storage.tables.rows import KNOWN_EVENTS, to_events

WINDOW = 1024
"""Positions that are looked through first."""

GROWTH = 8

CONTACTS_MAX = 100_000
"""Contacts of whom it is told how they look."""

_low, _high = bindparam("low", type_=BigInteger), bindparam("high", type_=BigInteger)
_LAST_SEQ = 2**62


_lasts = spans.c.to_pos.is_(None)


def _of_member_now(column: ColumnElement[int]) -> ScalarSelect[int]:
    """Returns a column of the user's row as a member now, NULL where there is none. It is a scalar and no join, so that
    it is looked up only where a membership has ended: nearly all of them last, and the span says all of these."""
    return (
        select(column)
        .where(members.c.conversation_id == spans.c.conversation_id, members.c.user_id == spans.c.user_id)
        .scalar_subquery()
    )


_since_joined_seq = _of_member_now(members.c.history_seq)
_since_joined_pos = _of_member_now(members.c.history_pos)


def _spans() -> Select[Any]:
    """Selects the user's stretches of membership in which something may have happened within the window, of
    conversations that they are in now, with their history there now."""
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
    """The `seq` of an indexed message of the conversation near a position, on its one side or the other."""
    near = messages.alias("milestones")
    id_ = pos + MESSAGE_ID_BASE
    found = select(near.c.seq).where(near.c.conversation_id == spans.c.conversation_id, near.c.seq % 64 == 0)
    if before:
        found = found.where(near.c.id <= id_).order_by(near.c.id.desc())
    else:
        found = found.where(near.c.id > id_).order_by(near.c.id)
    return func.coalesce(found.limit(1).scalar_subquery(), 0 if before else _LAST_SEQ)


_sent_pos = messages.c.id - MESSAGE_ID_BASE

# A page must not count what a newer version has written and this one would leave out of it.
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
"""Positions within a window, each with the user's history in the conversation."""


class SyncRows:
    """Implements `core.ports.stores.SyncLog`."""

    def __init__(self, connection: Connection, lookups: Lookups) -> None:
        self._connection = connection
        self._lookups = lookups

    def floor(self) -> int:
        floor: int = self._connection.execute(select(log_head.c.floor)).scalar_one()
        return floor

    def events_of(self, user_id: str, after_pos: int, limit: int) -> Sequence[tuple[Durable, HistoryStart]]:
        found: list[tuple[Durable, HistoryStart]] = []
        # Events that cannot be read are left out, and a page that others fit into is not its last.
        while len(found) < limit:
            wanted = limit - len(found)
            places = self._places(user_id, after_pos, wanted)
            found += self._events_at(places)
            if len(places) < wanted:
                break
            after_pos = max(places)
        return self._withheld(user_id, found)

    def _withheld(
        self, user_id: str, found: Sequence[tuple[Durable, HistoryStart]]
    ) -> Sequence[tuple[Durable, HistoryStart]]:
        """Marks receipts of users that have blocked this one as withheld."""
        doers = {event.user_id for event, _ in found if isinstance(event, MessagesRead | MessagesDelivered)}
        if not doers:
            return found
        blocking = select(blocks.c.user_id).where(blocks.c.blocked_id == user_id, blocks.c.user_id.in_(doers))
        blocker_ids = frozenset(self._connection.execute(blocking).scalars())
        return [
            (replace(event, withheld=(user_id,)), history)
            if isinstance(event, MessagesRead | MessagesDelivered) and event.user_id in blocker_ids
            else (event, history)
            for event, history in found
        ]

    def _events_at(self, places: Mapping[int, HistoryStart]) -> Sequence[tuple[Durable, HistoryStart]]:
        """The events at these positions that can be read."""
        if not places:
            return []
        rows = self._connection.execute(self._lookups.log, keys_parameter([(str(pos),) for pos in places])).all()
        message_ids = {row.message_id for row in rows if row.message_id is not None}
        found = {message.id: message for message in self._messages(sorted(message_ids))}
        return [(event, places[event.pos]) for event in to_events(rows, found)]

    def with_covered(self, events: Sequence[Durable]) -> Sequence[Durable]:
        return with_covered(self._connection, self._lookups.covered, events)

    def count_of(self, user_id: str, after_pos: int, limit: int) -> int:
        return len(self._places(user_id, after_pos, limit))

    def looks_of_contacts(self, user_id: str, members_max: int, after_pos: int, limit: int) -> Sequence[Durable]:
        contacts = self._lookups.presence.contacts.subquery()
        looks = (
            select(log)
            .join(contacts, contacts.c.user_id == log.c.user_id)
            .where(log.c.type == UserUpdated.__name__, log.c.pos > after_pos)
            .order_by(log.c.pos)
            .limit(literal(limit))
        )
        parameters = {"user_id": user_id, "members_max": members_max, "limit": CONTACTS_MAX}
        return to_events(self._connection.execute(looks, parameters))

    def _places(self, user_id: str, after_pos: int, limit: int) -> dict[int, HistoryStart]:
        head = self._connection.execute(select(log_head.c.pos)).scalar_one()
        places: dict[int, HistoryStart] = {}
        low, width = after_pos, WINDOW
        while low < head and len(places) < limit:
            high = min(low + width, head)
            parameters = {"user_id": user_id, "low": low, "high": high, "limit": limit - len(places)}
            found = self._connection.execute(_found, parameters)
            places |= {pos: HistoryStart(history_seq, history_pos) for pos, history_seq, history_pos in found}
            low, width = high, width * GROWTH
        return places

    def _messages(self, ids: Sequence[int]) -> Sequence[Any]:
        if not ids:
            return []
        keys = keys_parameter([(str(id_),) for id_ in ids])
        return read_messages(self._connection, self._lookups.reactions, self._lookups.messages, keys)
