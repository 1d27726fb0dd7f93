"""The settings of a PostgreSQL session, on which durability and locks rest.

They are made by a statement after connecting, since a pooler such as PgBouncer may refuse or drop what a client asks
for while it connects. They override those of the role and the database.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import psycopg

SETTINGS: Mapping[str, str] = {
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


def prepare(driver: psycopg.Connection, idle_ms: int) -> None:
    """Makes the settings of a new session. PostgreSQL ends a transaction that is idle for `idle_ms` milliseconds."""
    settings = {**SETTINGS, "idle_in_transaction_session_timeout": str(idle_ms)}
    driver.execute(_SET, (list(settings), list(settings.values())))
    driver.commit()
