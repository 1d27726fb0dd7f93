"""Migration: adds the tables of the offline queue (events that are kept for users who are not connected)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "mailbox",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False, autoincrement=True),
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_mailbox"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_mailbox_user_id_id", "mailbox", ["user_id", "id"])
    op.create_index("ix_mailbox_created_ms", "mailbox", ["created_ms"])
    op.create_table(
        "mailbox_cursors",
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("pos", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("user_id", name="pk_mailbox_cursors"),
    )
