"""Migration: adds the audit log of administrative actions, and reasons and end times of bans."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    op.add_column("users", sa.Column("ban_reason", sa.Text))
    op.add_column("users", sa.Column("ban_until_ms", sa.BigInteger))
    ends = sa.text("ban_until_ms IS NOT NULL")
    op.create_index("ix_users_ban_until_ms", "users", ["ban_until_ms"], sqlite_where=ends, postgresql_where=ends)
    op.create_table(
        "audit",
        sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("actor_id", sa.Text, nullable=False),
        sa.Column("target_id", sa.Text, nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.Column("address", sa.Text),
        sa.Column("conversation_id", sa.Text),
        sa.Column("reason", sa.Text),
    )
    for name in ("action", "actor_id", "target_id"):
        op.create_index(f"ix_audit_{name}_id", "audit", [name, "id"])
