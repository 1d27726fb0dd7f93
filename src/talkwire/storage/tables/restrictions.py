"""Rows of what moderators have put on users."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Connection, Select, select

from talkwire.core.domain.model import Restriction, RestrictionKind
from talkwire.storage.schema import restrictions
from talkwire.storage.sql.keys import keys_parameter
from talkwire.storage.tables.rows import to_restriction


class RestrictionRows:
    """Implements `core.ports.stores.Restrictions`. `statement` is `Lookups.restrictions`."""

    def __init__(self, connection: Connection, statement: Select[Any]) -> None:
        self._connection = connection
        self._statement = statement

    def find(self, conversation_id: str, user_id: str, kind: RestrictionKind) -> Restriction | None:
        found = self.on_users(conversation_id, (user_id,))
        return next((restriction for restriction in found if restriction.kind == kind), None)

    def on_users(self, conversation_id: str, user_ids: Collection[str]) -> Sequence[Restriction]:
        return self.of_keys([(conversation_id, user_id) for user_id in user_ids])

    def of_keys(self, keys: Collection[tuple[str, str]]) -> Sequence[Restriction]:
        return [to_restriction(row) for row in self._connection.execute(self._statement, keys_parameter(keys))]

    def of_conversation(
        self, conversation_id: str, kind: RestrictionKind, now_ms: int, after_id: str | None, limit: int
    ) -> Sequence[Restriction]:
        statement = select(restrictions).where(
            restrictions.c.conversation_id == conversation_id,
            restrictions.c.kind == kind,
            restrictions.c.until_ms > now_ms,
        )
        if after_id is not None:
            statement = statement.where(restrictions.c.user_id > after_id)
        rows = self._connection.execute(statement.order_by(restrictions.c.user_id).limit(limit))
        return [to_restriction(row) for row in rows]
