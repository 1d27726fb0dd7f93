"""Migration: adds columns for data that the application's backend stores with users, and a table that records which
messages were imported from another system."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.add_column("users", sa.Column("metadata", sa.Text))
    op.add_column("users", sa.Column("named", sa.Boolean, nullable=False, server_default=sa.false()))
    op.create_table(
        "imports",
        sa.Column("conversation_id", sa.Text, nullable=False),
        sa.Column("from_seq", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("to_seq", sa.BigInteger, nullable=False),
        sa.Column("earlier", sa.BigInteger, nullable=False),
        sa.Column("due_ms", sa.BigInteger),
        sa.PrimaryKeyConstraint("conversation_id", "from_seq", name="pk_imports"),
    )
    due = sa.text("due_ms IS NOT NULL")
    op.create_index("ix_imports_due_ms", "imports", ["due_ms"], sqlite_where=due, postgresql_where=due)
