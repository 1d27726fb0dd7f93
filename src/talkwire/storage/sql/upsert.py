"""Builds `INSERT … ON CONFLICT` statements, which have the same syntax in both databases."""

from __future__ import annotations

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql


def upsert(table: Table) -> postgresql.Insert:
    """Returns an insertion into a table that has the methods `on_conflict_do_update` and `on_conflict_do_nothing`, for
    both databases.

    SQLAlchemy has one class for each database. SQLite's compiler accepts PostgreSQL's as well.
    """
    return postgresql.insert(table)
