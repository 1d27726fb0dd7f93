"""What Talkwire needs of a PostgreSQL session and its database: settings that are made after connecting, and a check of
what no session can set.

The settings are made by a statement, since a pooler such as PgBouncer may refuse or drop what a client asks for while
it connects. They override those of the role and the database. What is asked of PostgreSQL's catalogues is SQL text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, PoolProxiedConnection, text

from talkwire.storage.schema import metadata

if TYPE_CHECKING:
    import psycopg

SESSION_SETTINGS: Mapping[str, str] = {
    "synchronous_commit": "on",
    "lock_timeout": "10000",
    "statement_timeout": "30000",
    "idle_session_timeout": "0",
    "transaction_timeout": "0",
    "default_transaction_isolation": "read committed",
    "client_encoding": "UTF8",
    # Every statement finds its rows by an index. A plan that was made while a table was empty would read all of it, and
    # be kept for minutes, until PostgreSQL has counted the rows.
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
}
"""Settings of every session, times in milliseconds. Older versions of PostgreSQL lack some; those are left out."""

_SET = (
    "SELECT set_config(name, setting, false) FROM unnest(%s::text[], %s::text[]) AS wanted (name, setting) "
    "WHERE current_setting(name, true) IS NOT NULL"
)

_LOOK = text(
    "SELECT current_setting('server_encoding') AS encoding, pg_is_in_recovery() AS is_standby, "
    "current_setting('default_transaction_read_only') = 'on' AS is_read_only, quote_ident(current_user) AS role, "
    "current_setting('search_path') AS search_path, quote_ident(current_schema()) AS schema, "
    "has_schema_privilege(current_schema(), 'CREATE') AS may_create, "
    # What the server has not kept has another source than the session.
    "array(SELECT name FROM pg_settings WHERE name = ANY(:settings) AND source <> 'session') AS not_kept, "
    "array(SELECT name FROM pg_settings WHERE name = ANY(:options) AND source NOT IN ('client', 'session')) AS dropped"
)

_WITHOUT_RIGHTS = text(
    "WITH own AS (SELECT oid, relname, relowner FROM pg_class WHERE oid = ANY "
    "(SELECT to_regclass(quote_ident(name)) FROM unnest(CAST(:tables AS text[])) AS name)) "
    "SELECT relname FROM own WHERE NOT CASE WHEN :owns THEN pg_has_role(relowner, 'USAGE') ELSE "
    "has_table_privilege(oid, 'SELECT') AND has_table_privilege(oid, 'INSERT') "
    "AND has_table_privilege(oid, 'UPDATE') AND has_table_privilege(oid, 'DELETE') END "
    # The sequences from which columns get their numbers, which have rights of their own.
    "UNION ALL SELECT sequence.relname FROM own JOIN pg_depend ON refobjid = own.oid AND deptype = 'a' "
    "JOIN pg_class AS sequence ON sequence.oid = objid WHERE NOT :owns "
    "AND CASE sequence.relkind WHEN 'S' THEN NOT has_sequence_privilege(sequence.oid, 'USAGE') ELSE false END "
    "ORDER BY relname"
)

_OPTION = re.compile(r"(?:-c\s*|--)([\w.-]+)=")
"""Pattern of the name of a setting in the connection parameter `options`, such as `-c search_path=chat`."""

_ROUNDS = 3
"""Number of times that two connections are compared to find out whether they share sessions."""

_NEEDS_SESSIONS = (
    "a pooler in front of PostgreSQL gives each transaction another session, so locks and settings do not last; "
    "use session mode (PgBouncer: pool_mode = session), or the address of PostgreSQL itself"
)

_NEEDS_OPTIONS = (
    "a pooler in front of PostgreSQL does not pass on the connection parameter options; set the same for the role "
    "(ALTER ROLE … SET …) and remove options, or use the address of PostgreSQL itself"
)

_HINTS = {
    "unsupported startup parameter": _NEEDS_OPTIONS,
    "statement pooling mode": _NEEDS_SESSIONS,
}
"""Hints about what to do about an error of PgBouncer, by a part of the error's text."""


class UnsuitableDatabaseError(Exception):
    """The PostgreSQL database cannot hold a chat as it is, or is reached in a way that does not keep what durability
    and locks need. The text has all reasons."""


def prepare(driver: psycopg.Connection, idle_ms: int) -> None:
    """Makes the settings of a new session. PostgreSQL ends a transaction that is idle for `idle_ms` milliseconds."""
    settings = {**SESSION_SETTINGS, "idle_in_transaction_session_timeout": str(idle_ms)}
    driver.execute(_SET, (list(settings), list(settings.values())))
    driver.commit()


def refuse_unsuitable(engine: Engine, *, changes_tables: bool) -> None:
    """Raises UnsuitableDatabaseError if a PostgreSQL database cannot be served. `changes_tables` says whether its
    tables have to be created or migrated first. Does nothing on SQLite."""
    if engine.dialect.name != "postgresql":
        return
    reasons = _reasons_against(engine, changes_tables=changes_tables)
    if reasons:
        raise UnsuitableDatabaseError("; ".join(reasons))


def hint_for(error: str) -> str | None:
    """Returns what to do about an error text of a pooler, or None if nothing is known about the text."""
    return next((hint for part, hint in _HINTS.items() if part in error), None)


def _reasons_against(engine: Engine, *, changes_tables: bool) -> list[str]:
    with engine.connect() as connection:
        if _shares_sessions(connection, engine):
            return [_NEEDS_SESSIONS]
        options = _OPTION.findall(_driver(connection.connection).info.options)
        names = [name.replace("-", "_").lower() for name in options]
        found = connection.execute(_LOOK, {"settings": list(SESSION_SETTINGS), "options": names}).one()
        refusals = {
            f"the database has the encoding {found.encoding}; Talkwire needs UTF8, which is chosen when a database is "
            "created (CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0)": found.encoding != "UTF8",
            "this PostgreSQL server is a standby, which is read-only; use the address of the primary": found.is_standby,
            f"the database is read-only for the role {found.role} (default_transaction_read_only is on)": (
                found.is_read_only and not found.is_standby
            ),
            f"the settings {', '.join(found.not_kept)} do not last in this session": bool(found.not_kept),
            f"{', '.join(found.dropped)} is not set as the address says: {_NEEDS_OPTIONS}": bool(found.dropped),
            f"the role {found.role} may use no schema of its search_path ({found.search_path})": found.schema is None,
            f"permission denied for schema {found.schema}: the role {found.role} has to create or migrate tables there "
            f"(GRANT CREATE ON SCHEMA {found.schema} TO {found.role})": changes_tables and found.may_create is False,
        }
        reasons = [reason for reason, applies in refusals.items() if applies]
        return reasons + _refused_tables(connection, found.role, owns=changes_tables)


def _refused_tables(connection: Connection, role: str, *, owns: bool) -> list[str]:
    """Returns the reason if the role does not own the tables, or else if it may not read and write them."""
    names = connection.execute(_WITHOUT_RIGHTS, {"tables": list(metadata.tables), "owns": owns}).scalars().all()
    if not names:
        return []
    if owns:
        needs = "has to migrate it and is not its owner; run talkwire migrate as the owner"
    else:
        needs = "needs SELECT, INSERT, UPDATE and DELETE on all tables of Talkwire, and USAGE on their sequences"
    others = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return [f"permission denied for {names[0]}{others}: the role {role} {needs}"]


def _shares_sessions(connection: Connection, engine: Engine) -> bool:
    """Returns whether a pooler lets two connections use the same session in turns, as in PgBouncer's transaction mode.

    A pooler shows itself by another process id than that of the session; nothing else is tried without one. If other
    clients use the pool in the same moment, its sessions may by chance look as if they belonged to one connection each.
    """
    if _driver(connection.connection).info.backend_pid == _session_of(connection.connection):
        return False
    others = engine.pool.recreate()
    other = others.connect()
    try:
        return any(_met(connection.connection, other) for _ in range(_ROUNDS))
    finally:
        other.close()
        others.dispose()


def _met(one: PoolProxiedConnection, other: PoolProxiedConnection) -> bool:
    """Returns whether `one` gets different sessions, or `other` gets a session that `one` has had."""
    # A pooler that hands out the session which was unused for the longest time gives `one` the next one at once.
    own = {_session_of(one), _session_of(one)}
    taken = _session_of(other, ends=False)
    try:
        # While `other` holds its session, `one` needs a further one. It would wait for ever if there is only that one.
        return len(own) > 1 or taken in own or _session_of(one) not in own
    finally:
        other.rollback()


def _session_of(connection: PoolProxiedConnection, *, ends: bool = True) -> int:
    """Returns the process id of the PostgreSQL session that a transaction gets, and ends the transaction if `ends`."""
    driver = _driver(connection)
    row = driver.execute("SELECT pg_backend_pid()").fetchone()
    assert row is not None
    if ends:
        driver.rollback()
    return int(row[0])


def _driver(connection: PoolProxiedConnection) -> psycopg.Connection:
    driver: psycopg.Connection | None = connection.driver_connection
    assert driver is not None
    return driver
