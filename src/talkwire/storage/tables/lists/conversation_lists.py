"""Reads the conversations that filters select, in the order of their ids or of a list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, literal, or_, select

from talkwire.core.commands.conversations import ListOrder
from talkwire.core.domain.model import Conversation
from talkwire.core.ports.stores import NOBODY_WAITS_MS, ConversationFilter, ListPlace
from talkwire.storage.schema import conversation_teams, conversations, members
from talkwire.storage.sql.reads import Reads
from talkwire.storage.tables.conversations import LISTED_POS, SHOWN_POS, to_conversation

_waiting_ms = func.coalesce(conversations.c.waiting_since_ms, NOBODY_WAITS_MS)
_waiting_for_team_ms = case((members.c.via.is_(None), NOBODY_WAITS_MS), else_=_waiting_ms)


class ConversationListRows(Reads):
    """Reads lists of conversations. Implements `core.ports.stores.ConversationLists`."""

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
    """Returns a query for the conversations that a filter selects, and the column of their ids in the table by whose
    index the database finds them, which has them in the order of ids."""
    id_: ColumnElement[str] = conversations.c.id
    statement = select(conversations).where(conversations.c.deleted_ms.is_(None))
    if wanted.member_id is not None:
        id_ = members.c.conversation_id
        statement = statement.join(members, id_ == conversations.c.id).where(members.c.user_id == wanted.member_id)
        if wanted.as_member and wanted.team_id is None:
            statement = statement.where(members.c.listed)
        if wanted.archived:
            statement = statement.where(members.c.archived_seq.is_not(None))
    if wanted.team_id is not None:
        id_ = conversation_teams.c.conversation_id
        statement = statement.join(conversation_teams, id_ == conversations.c.id)
        statement = statement.where(conversation_teams.c.team_id == wanted.team_id)
    return statement.where(*_of_desk(wanted)), id_


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
    """Returns SQL for whether a conversation has a team. Only the list of all users' conversations spells it as the
    partial index does: a member's own list is read by the member's rows, however few of all open ones these are."""
    if wanted.as_member:
        return func.coalesce(conversations.c.team_ids, "") != ""
    return conversations.c.team_ids.is_not(None)
