"""Reads the lists of the operators' console. Each page is a range of an index, so it costs the same however many rows
there are.

A separate statement is built for each combination of filters, because a database uses a partial index only for a
condition that is spelt as in `schema.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, get_args

from sqlalchemy import ColumnElement, Select, and_, func, not_, select, text, tuple_
from sqlalchemy.sql.selectable import Subquery

from talkwire.core.commands.server.console import ConversationRecord, FailingPush, LostNode, PushState, Totals
from talkwire.core.domain.model import ConversationKind, User
from talkwire.core.domain.search.name_search import NameKey, NamePage
from talkwire.storage.schema import NOT_DELETED, conversations, lost_nodes, messages, push_subscriptions, users
from talkwire.storage.sql.keys import KEYS, key_text, keys_parameter
from talkwire.storage.sql.reads import Reads
from talkwire.storage.sql.values import AnyRow
from talkwire.storage.tables.conversations import to_conversation
from talkwire.storage.tables.names import Condition, ids_found, of_name, united
from talkwire.storage.tables.users import users_by_name

_KINDS: tuple[ConversationKind, ...] = get_args(ConversationKind)

# As the indexes spell their conditions.
_BANNED = text("users.banned")
_EXISTS = text(f"conversations.{NOT_DELETED}")
_NAMED = text("conversations.name IS NOT NULL")
_DUE = text("push_subscriptions.due_ms IS NOT NULL")

_SQLITE_SIZE = text("SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()")
_POSTGRESQL_SIZE = text("SELECT pg_database_size(current_database())")


class ConsoleRows(Reads):
    """Reads totals and the lists of users, conversations and failing push subscriptions for the operators' console.
    Implements `core.ports.stores.ConsoleReads`."""

    def users(
        self, folded_text: str, after: NameKey | None, limit: int, *, banned: bool | None = None
    ) -> NamePage[User]:
        conditions: tuple[Condition, ...] = ()
        if banned is True:
            conditions = _BANNED, users.c.erased.is_(None)
        elif banned is False:
            conditions = (not_(and_(users.c.banned, users.c.erased.is_(None))),)
        return users_by_name(self._connection, folded_text, after, limit, conditions)

    def conversation(self, conversation_id: str) -> ConversationRecord | None:
        found = select(conversations).where(conversations.c.id == conversation_id, _EXISTS)
        records = self._records(found.subquery())
        return records[0] if records else None

    def conversations_by_age(
        self, kind: ConversationKind | None, before: tuple[int, str] | None, limit: int
    ) -> Sequence[ConversationRecord]:
        order = (conversations.c.created_ms, conversations.c.id)

        def of_kind(kind: str) -> Select[Any]:
            found = select(conversations).where(conversations.c.kind == kind, _EXISTS)
            if before is not None:
                found = found.where(tuple_(*order) < before)
            return found.order_by(*(each.desc() for each in order)).limit(limit)

        some = united([of_kind(each) for each in ((kind,) if kind else _KINDS)])
        return self._records(some, some.c.created_ms.desc(), some.c.id.desc())[:limit]

    def conversations_by_name(
        self, folded_text: str, kind: ConversationKind | None, after: NameKey | None, limit: int
    ) -> NamePage[ConversationRecord]:
        queries: list[Select[Any]] = []
        for each in (kind,) if kind else _KINDS:
            conditions = conversations.c.kind == each, _NAMED, _EXISTS
            queries += of_name(conversations.c.folded_name, each, folded_text, after, conditions)
        ids, next_ = ids_found(self._connection, queries, folded_text, limit)
        found = select(conversations).select_from(KEYS).join(conversations, conversations.c.id == key_text(0))
        records = self._records(found.params(keys_parameter([(id_,) for id_ in ids])).subquery())
        by_id = {record.conversation.id: record for record in records}
        return NamePage([by_id[id_] for id_ in ids], next_)

    def _records(self, found: Subquery, *order: ColumnElement[Any]) -> list[ConversationRecord]:
        """Returns the conversations of a query, in the given order, each with the time of its newest message."""
        newest = and_(messages.c.conversation_id == found.c.id, messages.c.seq == found.c.last_seq)
        statement = select(found, messages.c.created_ms.label("last_message_ms")).outerjoin(messages, newest)
        rows = self._connection.execute(statement.order_by(*order))
        return [ConversationRecord(to_conversation(row), row.last_message_ms) for row in rows]

    def totals(self) -> Totals:
        living = select(func.count()).select_from(users).where(users.c.erased.is_(None))
        of_conversations = select(func.count(), func.coalesce(func.sum(conversations.c.last_seq), 0))
        count, sent = self._connection.execute(of_conversations.where(_EXISTS)).one()
        size = _SQLITE_SIZE if self._connection.dialect.name == "sqlite" else _POSTGRESQL_SIZE
        return Totals(
            self._connection.execute(living).scalar_one(),
            count,
            int(sent),
            self._connection.execute(size).scalar_one(),
        )

    def lost_nodes(self, since_ms: int, limit: int) -> Sequence[LostNode]:
        found = select(lost_nodes).where(lost_nodes.c.seen_ms >= since_ms)
        rows = self._connection.execute(found.order_by(lost_nodes.c.seen_ms.desc(), lost_nodes.c.id).limit(limit))
        return [LostNode(row.id, row.host, row.seen_ms, row.users) for row in rows]

    def push_state(self, limit: int) -> PushState:
        subscriptions = push_subscriptions.c
        by_kind = select(subscriptions.kind, func.count()).group_by(subscriptions.kind)
        waiting = select(func.count()).select_from(push_subscriptions).where(_DUE)
        failing = select(push_subscriptions).where(_DUE, subscriptions.failures > 0)
        failing = failing.order_by(subscriptions.failures.desc(), subscriptions.id).limit(limit)
        return PushState(
            {row[0]: row[1] for row in self._connection.execute(by_kind)},
            self._connection.execute(waiting).scalar_one(),
            tuple(map(_failing, self._connection.execute(failing))),
        )


def _failing(row: AnyRow) -> FailingPush:
    return FailingPush(row.id, row.user_id, row.kind, row.service, row.failures, row.due_ms)
