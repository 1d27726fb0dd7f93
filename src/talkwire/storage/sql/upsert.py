"""Builds `INSERT … ON CONFLICT` statements, which have the same syntax in both databases."""

from __future__ import annotations

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql


def upsert(table: Table) -> postgresql.Insert:
    """Returns an insertion into a table with the methods `on_conflict_do_update` and `on_conflict_do_nothing`. It works
    on both databases: SQLite's compiler accepts SQLAlchemy's class for PostgreSQL too.
    """
    return postgresql.insert(table)
