"""The mark on a database that a copy or a restore is filling: no server starts on it before it is complete.

The mark is a table of its own, which no version of the schema has. It is created before the first row and dropped in
the transaction that completes the database, so that it stays when the work is killed in between.
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
"""One row. `source` names where the data comes from, without a password."""


class UnfinishedMark(NamedTuple):
    """What fills the database: from `source`, whose log had this epoch and position."""

    what: What
    source: str
    epoch: str
    pos: int


class UnfinishedError(Exception):
    """The database holds only a part of a chat."""

    def __init__(self, mark: UnfinishedMark) -> None:
        again = f"run the same talkwire {mark.what} again"
        super().__init__(f"the database holds an unfinished {mark.what} of {mark.source}: {again}")


def mark_of(connection: Connection) -> UnfinishedMark | None:
    """Returns the mark, if there is one."""
    if not inspect(connection).has_table(unfinished.name):
        return None
    return UnfinishedMark(*connection.execute(select(unfinished)).one())


def put_mark(connection: Connection, mark: UnfinishedMark) -> None:
    """Creates the mark, or replaces it."""
    unfinished.create(connection, checkfirst=True)
    connection.execute(delete(unfinished))
    connection.execute(insert(unfinished), mark._asdict())


def drop_mark(connection: Connection) -> None:
    """Removes the mark: the database is complete."""
    unfinished.drop(connection)


def refuse_unfinished(connection: Connection) -> None:
    """Raises UnfinishedError."""
    mark = mark_of(connection)
    if mark is not None:
        raise UnfinishedError(mark)
