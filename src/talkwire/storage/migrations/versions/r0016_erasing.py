"""Migration: adds erasures of users, holds (which stop all deletions), and a retention time for each conversation."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.create_table(
        "erasures",
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("redact", sa.Boolean, nullable=False),
        sa.Column("stage", sa.Text, nullable=False),
        sa.Column("after_pos", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("user_id", name="pk_erasures"),
    )
    op.add_column("users", sa.Column("erased", sa.Text))
    op.add_column("users", sa.Column("hold", sa.Boolean, nullable=False, server_default=sa.false()))
    op.add_column("conversations", sa.Column("retention_days", sa.Integer))
    op.add_column("conversations", sa.Column("hold", sa.Boolean, nullable=False, server_default=sa.false()))
    op.add_column("conversations", sa.Column("pruned_seq", sa.BigInteger))
    for name, table, condition in (
        ("ix_users_hold", "users", "hold"),
        ("ix_conversations_hold", "conversations", "hold"),
        ("ix_conversations_pruned", "conversations", "pruned_seq IS NOT NULL"),
    ):
        where = sa.text(condition)
        op.create_index(name, table, ["id"], sqlite_where=where, postgresql_where=where)
