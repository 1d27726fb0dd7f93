"""Migration: adds the table of reports, in which users report messages to moderators."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    op.create_table(
        "reports",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("message_id", sa.BigInteger, nullable=False),
        sa.Column("conversation_id", sa.Text, nullable=False),
        sa.Column("author_id", sa.Text, nullable=False),
        sa.Column("reporter_id", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("note", sa.Text),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("action", sa.Text),
        sa.Column("decision", sa.Text),
        sa.Column("decided_ms", sa.BigInteger),
        sa.Column("decided_by", sa.Text),
        sa.Column("decided_pos", sa.BigInteger),
    )
    op.create_index("ix_reports_state_id", "reports", ["state", "id"])
    for name, columns, condition, unique in (
        ("ix_reports_open", ["message_id", "reporter_id"], "state = 'open'", True),
        ("ix_reports_decided_pos", ["decided_pos"], "decided_pos IS NOT NULL", False),
    ):
        where = sa.text(condition)
        op.create_index(name, "reports", columns, unique=unique, sqlite_where=where, postgresql_where=where)
