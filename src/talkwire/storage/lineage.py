"""Which history the database has, so that a log that went back is noticed.

A PostgreSQL that takes over without the last transactions, or that was recovered to an earlier time, gives positions a
second time. No table can tell, since all of them went back together. But PostgreSQL begins a new timeline whenever it
ends a recovery from an archive or from another server (its manual, "Timelines"), and every cluster has an identifier of
its own. Both together are the lineage; `log_head` keeps the one that its epoch goes by.
"""

from __future__ import annotations

import structlog
from sqlalchemy import Connection, Dialect, Engine, literal_column, select, update
from sqlalchemy.exc import DBAPIError

from talkwire.storage.migrations import new_epoch
from talkwire.storage.schema import log_head

_LINEAGE = (
    "((SELECT system_identifier FROM pg_control_system()) || '/' || left(pg_walfile_name(pg_current_wal_lsn()), 8))"
)

_logger = structlog.get_logger(__name__)


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


def _lineage(connection: Connection) -> str | None:
    """None where the server, which speaks PostgreSQL's language and is another one, has no such functions."""
    try:
        with connection.begin_nested():
            found: str = connection.execute(select(literal_column(_LINEAGE))).scalar_one()
    except DBAPIError as error:
        if error.connection_invalidated:
            raise
        _logger.warning("this database cannot tell whether it went back to an earlier time", error=str(error.orig))
        return None
    return found
