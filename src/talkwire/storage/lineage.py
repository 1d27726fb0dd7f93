"""Which history the database has, so that a log that went back is noticed.

A PostgreSQL that takes over without the last transactions, or that was recovered to an earlier time, gives positions a
second time. No table can tell, since all of them went back together. But PostgreSQL begins a new timeline whenever it
ends a recovery from an archive or from another server (its manual, "Timelines"), and every cluster has an identifier of
its own. Both together are the lineage; `log_head` keeps the one that its epoch goes by.
"""

from __future__ import annotations

import platform
from pathlib import Path
from secrets import token_hex
from typing import NamedTuple

import structlog
from sqlalchemy import Connection, Dialect, Engine, literal_column, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError

from talkwire.storage.migrations import new_epoch
from talkwire.storage.schema import log_head, secrets

_LINEAGE = (
    "((SELECT system_identifier FROM pg_control_system()) || '/' || left(pg_walfile_name(pg_current_wal_lsn()), 8))"
)

_CLUSTER = "(SELECT system_identifier FROM pg_control_system())"
_DATABASE = "(SELECT oid FROM pg_database WHERE datname = current_database())"

_BUS_SECRET = "bus"  # noqa: S105 (its name)

_logger = structlog.get_logger(__name__)


class LogIdentity(NamedTuple):
    """What the nodes of one database have in common: the database's `name`, which a copy of it does not share, and a
    `secret` that is stored in it."""

    name: str
    secret: bytes


def is_same_log(dialect: Dialect) -> str:
    """SQL, for a statement over `log_head`: whether the log has gone on from where it was adopted. One that was never
    adopted (SQLite's, and those of servers which cannot tell) always has."""
    if dialect.name != "postgresql":
        return "1"
    # Of CASE alone PostgreSQL says that what is not needed is not computed.
    return f"CASE WHEN lineage IS NULL THEN true ELSE lineage = {_LINEAGE} END"


def adopt_log(engine: Engine) -> None:
    """To be called before a node goes by the log. Where that has another lineage than when it was adopted, a new epoch
    begins: whoever has a cursor is told to load everything afresh."""
    if engine.dialect.name != "postgresql":
        return
    with engine.begin() as connection:
        adopted = connection.execute(select(log_head.c.lineage).with_for_update()).scalar_one()
        lineage = _lineage(connection)
        if lineage == adopted:
            return
        if adopted is None:
            connection.execute(update(log_head).values(lineage=lineage))
            return
        _logger.warning(
            "the database is not on the history that it was on: clients load everything afresh",
            before=adopted,
            now=lineage,
        )
        connection.execute(update(log_head).values(lineage=lineage, epoch=new_epoch()))


def end_epoch(connection: Connection, epoch: str) -> None:
    """Begins a new epoch, if the log is still of this one: for positions that are given a second time though the
    lineage is the same, as after a crash without what was acknowledged."""
    connection.execute(update(log_head).where(log_head.c.epoch == epoch).values(epoch=new_epoch()))


def identify(engine: Engine) -> LogIdentity:
    """Returns by what nodes of this database recognize each other. The first one makes the secret.

    A dump or a template becomes another database of the cluster, and a dump in another cluster has that one's
    identifier. A copy of the cluster's files has the same of both: its nodes are told apart by their leases.
    """
    insert = postgresql.insert if engine.dialect.name == "postgresql" else sqlite.insert
    with engine.begin() as connection:
        new = insert(secrets).values(name=_BUS_SECRET, value=token_hex(32)).on_conflict_do_nothing()
        connection.execute(new)
        secret: str = connection.execute(select(secrets.c.value).where(secrets.c.name == _BUS_SECRET)).scalar_one()
        name = _name_on_postgresql(connection) if engine.dialect.name == "postgresql" else _name_of_file(engine)
    return LogIdentity(name, secret.encode())


def _name_on_postgresql(connection: Connection) -> str:
    oid: int = connection.execute(select(literal_column(_DATABASE))).scalar_one()
    cluster = _control_data(connection, _CLUSTER) or "unknown"
    return f"postgresql {cluster}/{oid}"


def _name_of_file(engine: Engine) -> str:
    file = Path(engine.url.database or "").resolve()
    return f"sqlite {platform.node()} {file} {file.stat().st_ino}"


def _lineage(connection: Connection) -> str | None:
    found = _control_data(connection, _LINEAGE)
    if found is None:
        _logger.warning("this database cannot tell whether it went back to an earlier time")
    return found


def _control_data(connection: Connection, expression: str) -> str | None:
    """Returns what PostgreSQL says of its cluster; None where the server speaks its language and is another one, which
    has no such functions."""
    try:
        with connection.begin_nested():
            found: str = connection.execute(select(literal_column(expression))).scalar_one()
    except DBAPIError as error:
        if error.connection_invalidated:
            raise
        return None
    return found
