"""Detects that a PostgreSQL database has lost its newest transactions, by comparing its lineage (cluster identifier and
timeline) with the stored one.

A PostgreSQL that takes over without the last transactions, or that was recovered to an earlier time, assigns log
positions a second time. No table can show that, since all tables went back together. But PostgreSQL starts a new
timeline whenever it ends a recovery from an archive or from another server (its manual, "Timelines"), and every cluster
has an identifier of its own. Both together are the lineage. The table `log_head` stores the lineage to which the log's
epoch belongs.

Calls of PostgreSQL's functions for this are written as SQL text.
"""

from __future__ import annotations

import platform
from pathlib import Path
from secrets import token_hex
from typing import Any, NamedTuple

import structlog
from sqlalchemy import Connection, Engine, literal_column, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from talkwire.storage.migrations import new_epoch
from talkwire.storage.schema import log_head, secrets
from talkwire.storage.sql.upsert import upsert

_LINEAGE = (
    "((SELECT system_identifier FROM pg_control_system()) || '/' || left(pg_walfile_name(pg_current_wal_lsn()), 8))"
)

_CLUSTER = "(SELECT system_identifier FROM pg_control_system())"
_DATABASE = "(SELECT oid FROM pg_database WHERE datname = current_database())"

_BUS_SECRET = "bus"  # noqa: S105 (its name)

_logger = structlog.get_logger(__name__)


class LogIdentity(NamedTuple):
    """The identity that all nodes of one database share: the database's `name`, which is another one for a copy (see
    `identify`), and a `secret` stored in the database. What nodes send each other is encrypted with a key derived from
    it."""

    name: str
    secret: bytes


class IsSameLog(FunctionElement[Any]):
    """A SQL expression for statements over the table `log_head`: whether the database still has the lineage
    (PostgreSQL's cluster and timeline) that `adopt_log` stored. If not, it may have lost transactions.

    Always true if no lineage is stored: on SQLite, and on servers that do not provide it.
    """

    inherit_cache = True


@compiles(IsSameLog, "sqlite")
def _on_sqlite(_element: IsSameLog, _compiler: SQLCompiler, **_: Any) -> str:  # noqa: ANN401 (SQLAlchemy's)
    return "1"


@compiles(IsSameLog, "postgresql")
def _on_postgresql(_element: IsSameLog, _compiler: SQLCompiler, **_: Any) -> str:  # noqa: ANN401 (SQLAlchemy's)
    # Only CASE promises that PostgreSQL does not compute what is not needed.
    return f"CASE WHEN lineage IS NULL THEN true ELSE lineage = {_LINEAGE} END"


def adopt_log(engine: Engine) -> None:
    """Stores the database's lineage (PostgreSQL's cluster and timeline) in `log_head`. If another one was stored,
    begins a new epoch of the log, so that clients with an older cursor reload everything. Does nothing on SQLite. Call
    it before a node reads the log."""
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
        _logger.warning("database_history_changed", before=adopted, now=lineage)
        connection.execute(update(log_head).values(lineage=lineage, epoch=new_epoch()))


def end_epoch(connection: Connection, epoch: str) -> None:
    """Begins a new epoch of the log if `epoch` is still the current one, so that clients reload everything. A node
    calls this when log positions are assigned a second time although the lineage is the same, for example after a crash
    in which the database lost acknowledged transactions."""
    connection.execute(update(log_head).where(log_head.c.epoch == epoch).values(epoch=new_epoch()))


def identify(engine: Engine) -> LogIdentity:
    """Returns the name and secret by which the nodes of this database recognize each other. The first node creates the
    secret.

    Databases restored from a dump or created from a template get another name. A copy of the cluster's files has the
    same name and secret; its nodes are distinguished by their leases.
    """
    with engine.begin() as connection:
        new = upsert(secrets).values(name=_BUS_SECRET, value=token_hex(32)).on_conflict_do_nothing()
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
        _logger.warning("database_history_unknown")
    return found


def _control_data(connection: Connection, expression: str) -> str | None:
    """Returns the value of a SQL expression that uses PostgreSQL's control data functions. Returns None if the server
    does not have these functions, as some compatible products do not. Raises DBAPIError if the connection is lost."""
    try:
        with connection.begin_nested():
            found: str = connection.execute(select(literal_column(expression))).scalar_one()
    except DBAPIError as error:
        if error.connection_invalidated:
            raise
        return None
    return found
