"""Statements that every read is made of. They are compiled once and go to the driver as they are: making a statement
anew, and handling its parameters and results, took longer than SQLite took to find a page of messages
(docs/decisions/0003-bulk-statements.md tells the same of writing)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Dialect, Select, bindparam, select

from talkwire.storage.messages.message_rows import message_select
from talkwire.storage.schema import members, messages, users
from talkwire.storage.tables.rows import AnyRow


class PreparedStatement:
    """One statement. All its parameters are named, and are values as the driver takes them."""

    __slots__ = ("_fixed", "_places", "_text")

    def __init__(self, statement: Select[Any], dialect: Dialect) -> None:
        compiled = statement.compile(dialect=dialect)
        self._text = str(compiled)
        self._fixed = {name: value for name, value in compiled.params.items() if value is not None}
        self._places = tuple(compiled.positiontup or ()) if compiled.positional else None

    def rows(self, connection: Connection, **parameters: object) -> list[AnyRow]:
        named, places = self._fixed | parameters, self._places
        given: Any = named if places is None else tuple(named[name] for name in places)
        return list(connection.exec_driver_sql(self._text, given).all())


class PreparedReads:
    """Parameters are named as the columns that they are compared with."""

    __slots__ = ("member", "message", "messages_after", "messages_before", "user")

    def __init__(self, dialect: Dialect) -> None:
        def prepared(statement: Select[Any]) -> PreparedStatement:
            return PreparedStatement(statement, dialect)

        of_conversation = message_select.where(
            messages.c.conversation_id == bindparam("conversation_id"), messages.c.seq > bindparam("after_seq")
        ).limit(bindparam("limit"))
        self.user = prepared(select(users).where(users.c.id == bindparam("id")))
        self.member = prepared(
            select(members).where(
                members.c.conversation_id == bindparam("conversation_id"), members.c.user_id == bindparam("user_id")
            )
        )
        self.message = prepared(message_select.where(messages.c.id == bindparam("id")))
        self.messages_after = prepared(of_conversation.order_by(messages.c.seq))
        """The first ones, ascending."""
        self.messages_before = prepared(
            of_conversation.where(messages.c.seq < bindparam("before_seq")).order_by(messages.c.seq.desc())
        )
        """The last ones, descending."""
