"""Migration: the parts of earlier versions of messages, and which messages quote others in their parts.

The parts of a message itself are in the column `extra`. A node of the previous version ignores them: it shows the text,
and an edit there leaves a message that is only a text."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0046"
down_revision = "0045"


def upgrade() -> None:
    op.add_column("message_versions", sa.Column("parts", sa.Text))
    op.create_table(
        "source_quotes",
        sa.Column("message_id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("quoted_id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("message_id", "quoted_id", name="pk_source_quotes"),
    )
    op.create_index("ix_source_quotes_quoted_id", "source_quotes", ["quoted_id"])
