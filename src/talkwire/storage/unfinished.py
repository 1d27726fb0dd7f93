"""Marks a database that a copy or restore is filling, so that no server starts on it before it is complete.

The mark is a table that no version of the schema has. It is created before the first row and dropped in the transaction
that completes the database, so that it remains if the work is killed.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from sqlalchemy import BigInteger, Column, Connection, MetaData, Table, Text, delete, insert, inspect, select

What = Literal["copy", "restore"]

unfinished = Table(
    "unfinished",
    MetaData(),
    Column("what", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("epoch", Text, nullable=False),
    Column("pos", BigInteger, nullable=False),
)
"""The table with the mark of an unfinished copy or restore, in one row. `source` names the source of the data, without
a password."""


class UnfinishedMark(NamedTuple):
    """The mark of an unfinished copy or restore: `what` it is, a name of its source, and the epoch and newest position
    of the source's log."""

    what: What
    source: str
    epoch: str
    pos: int


class UnfinishedError(Exception):
    """The database contains an unfinished copy or restore, so no server may use it."""

    def __init__(self, mark: UnfinishedMark) -> None:
        again = f"run the same talkwire {mark.what} again"
        super().__init__(f"the database holds an unfinished {mark.what} of {mark.source}: {again}")


def mark_of(connection: Connection) -> UnfinishedMark | None:
    """Returns the mark of an unfinished copy or restore in the database, or None if it has none."""
    if not inspect(connection).has_table(unfinished.name):
        return None
    return UnfinishedMark(*connection.execute(select(unfinished)).one())


def put_mark(connection: Connection, mark: UnfinishedMark) -> None:
    """Stores the mark of an unfinished copy or restore in the database, replacing an earlier one."""
    unfinished.create(connection, checkfirst=True)
    connection.execute(delete(unfinished))
    connection.execute(insert(unfinished), mark._asdict())


def drop_mark(connection: Connection) -> None:
    """Removes the mark of an unfinished copy or restore, because the database is complete."""
    unfinished.drop(connection)


def refuse_unfinished(connection: Connection) -> None:
    """Raises UnfinishedError if the database contains an unfinished copy or restore."""
    mark = mark_of(connection)
    if mark is not None:
        raise UnfinishedError(mark)
