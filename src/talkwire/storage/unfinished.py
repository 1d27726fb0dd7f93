"""The mark on a database that is being filled by a copy or a restore: nothing serves it before it is whole.

The mark is a table of its own, which no version of the schema has. It is made before the first row and goes in the
transaction that makes the database whole, so that whatever kills the work in between leaves it there.
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
"""One row. `source` is what it comes from, as people name it: without a password."""


class UnfinishedMark(NamedTuple):
    """What fills the database: from `source`, whose log was of this epoch and had come to `pos`."""

    what: What
    source: str
    epoch: str
    pos: int


class UnfinishedError(Exception):
    """The database holds a part of a chat only."""

    def __init__(self, mark: UnfinishedMark) -> None:
        again = f"run the same talkwire {mark.what} again"
        super().__init__(f"the database holds an unfinished {mark.what} of {mark.source}: {again}")


def mark_of(connection: Connection) -> UnfinishedMark | None:
    """The mark, if there is one."""
    if not inspect(connection).has_table(unfinished.name):
        return None
    return UnfinishedMark(*connection.execute(select(unfinished)).one())


def put_mark(connection: Connection, mark: UnfinishedMark) -> None:
    """Makes the mark, or changes what it says."""
    unfinished.create(connection, checkfirst=True)
    connection.execute(delete(unfinished))
    connection.execute(insert(unfinished), mark._asdict())


def drop_mark(connection: Connection) -> None:
    """The database is whole."""
    unfinished.drop(connection)


def refuse_unfinished(connection: Connection) -> None:
    """Raises UnfinishedError."""
    mark = mark_of(connection)
    if mark is not None:
        raise UnfinishedError(mark)
