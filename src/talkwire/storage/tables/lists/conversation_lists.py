"""Reads the conversations that filters select, in the order of their ids or of a list."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, and_, case, exists, func, literal, or_, select

from talkwire.core.commands.conversations import ListOrder
from talkwire.core.domain.model import Conversation
from talkwire.core.ports.stores import NOBODY_WAITS_MS, ConversationFilter, ListPlace
from talkwire.storage.schema import conversation_keys, conversation_teams, conversations, indexed_keys, members
from talkwire.storage.sql.reads import Reads
from talkwire.storage.tables.conversations import LISTED_POS, SHOWN_POS, to_conversation

_waiting_ms = func.coalesce(conversations.c.waiting_since_ms, NOBODY_WAITS_MS)
_waiting_for_team_ms = case((members.c.via.is_(None), NOBODY_WAITS_MS), else_=_waiting_ms)


class ConversationListRows(Reads):
    """Reads lists of conversations. Implements `core.ports.stores.ConversationLists`."""

    def is_indexed(self, key: str) -> bool:
        complete = select(indexed_keys.c.key).where(indexed_keys.c.key == key, indexed_keys.c.after_id.is_(None))
        return self._connection.execute(complete).first() is not None

    def by_id(self, wanted: ConversationFilter, after_id: str | None, limit: int) -> Sequence[Conversation]:
        statement, id_ = _selected(wanted)
        if after_id is not None:
            statement = statement.where(id_ > after_id)
        return [to_conversation(row) for row in self._connection.execute(statement.order_by(id_).limit(limit))]

    def in_order(
        self, wanted: ConversationFilter, order: ListOrder, after: ListPlace | None, limit: int
    ) -> Sequence[tuple[Conversation, ListPlace]]:
        statement, _ = _selected(wanted)
        waiting_ms, id_ = _waiting(wanted, order), conversations.c.id
        pos = LISTED_POS if wanted.as_member else SHOWN_POS
        statement = statement.add_columns(waiting_ms.label("place_ms"), pos.label("place_pos"))
        if after is not None:
            later = or_(pos < after.pos, and_(pos == after.pos, id_ > after.id))
            statement = statement.where(or_(waiting_ms > after.waiting_ms, and_(waiting_ms == after.waiting_ms, later)))
        rows = self._connection.execute(statement.order_by("place_ms", pos.desc(), id_).limit(limit))
        return [(to_conversation(row), ListPlace(row.place_ms, row.place_pos, row.id)) for row in rows]


def _waiting(wanted: ConversationFilter, order: ListOrder) -> ColumnElement[int]:
    """Returns SQL for the time since when a customer waits, by which a list is sorted first. Members who are in a
    conversation without a team do not see this time, so their own lists are not sorted by it."""
    if order == "updatedAt":
        return literal(NOBODY_WAITS_MS)
    return _waiting_for_team_ms if wanted.as_member else _waiting_ms


def _selected(wanted: ConversationFilter) -> tuple[Select[Any], ColumnElement[str]]:
    """Returns a query for the conversations that a filter selects, and the column of their ids in the table that is
    read first, whose index has them in the order of ids.

    That table is the first one of a member's rows, a team's rows and the rows of a key, and the other conditions are
    checked for each of its rows. So a member's list never reads more than the member's conversations, and a team's list
    never more than the team's.
    """
    shown = conversations.c.deleted_ms.is_(None), conversations.c.notes_of.is_(None)
    statement = select(conversations).where(*shown, *_of_desk(wanted))
    id_: ColumnElement[str] = conversations.c.id
    for place, (table, conditions) in enumerate(_of_tables(wanted)):
        if place:
            statement = statement.where(exists().where(table.c.conversation_id == id_, *conditions))
        else:
            id_ = table.c.conversation_id
            statement = statement.join(table, id_ == conversations.c.id).where(*conditions)
    return statement, id_


def _of_tables(wanted: ConversationFilter) -> Iterator[tuple[Table, list[ColumnElement[bool]]]]:
    """Yields the tables that have rows of conversations, each with the conditions of a filter on its rows."""
    if wanted.member_id is not None:
        mine = [members.c.user_id == wanted.member_id]
        if wanted.as_member and wanted.team_id is None:
            mine.append(members.c.listed)
        if wanted.archived:
            mine.append(members.c.archived_seq.is_not(None))
        yield members, mine
    if wanted.team_id is not None:
        yield conversation_teams, [conversation_teams.c.team_id == wanted.team_id]
    if wanted.keyed is not None:
        key, value = conversation_keys.c.key, conversation_keys.c.value
        yield conversation_keys, [key == wanted.keyed.key, value == wanted.keyed.text]


def _of_desk(wanted: ConversationFilter) -> list[ColumnElement[bool]]:
    """Returns the conditions of a filter that only conversations with a team meet."""
    found: list[ColumnElement[bool]] = []
    if wanted.closed is not None:
        found.append(conversations.c.closed.is_(wanted.closed))
    if wanted.is_unhandled:
        found.append(conversations.c.handler_id.is_(None))
    if wanted.handler_id is not None:
        found.append(conversations.c.handler_id == wanted.handler_id)
    return [_has_team(wanted), *found] if found else []


def _has_team(wanted: ConversationFilter) -> ColumnElement[bool]:
    """Returns SQL for whether a conversation has a team. Only a list that reads no other table spells it as the partial
    index of these conversations does, so that no other reads all of them."""
    if wanted.member_id is None and wanted.team_id is None and wanted.keyed is None:
        return conversations.c.team_ids.is_not(None)
    return func.coalesce(conversations.c.team_ids, "") != ""
