"""`INSERT … ON CONFLICT`, which both databases spell the same."""

from __future__ import annotations

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql


def upsert(table: Table) -> postgresql.Insert:
    """Returns an insertion that takes `on_conflict_do_update` and `on_conflict_do_nothing`.

    SQLAlchemy has one class for each database. SQLite's compiler accepts PostgreSQL's as well.
    """
    return postgresql.insert(table)
