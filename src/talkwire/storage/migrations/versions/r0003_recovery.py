"""Migration: adds the tables for session recovery, which lets sockets resume after a broken connection."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "secrets",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )
    op.create_table(
        "sessions",
        sa.Column("socket_id", sa.Text, primary_key=True),
        sa.Column("node_id", sa.Text, nullable=False),
        sa.Column("ended_ms", sa.BigInteger),
        sa.Column("changed_ms", sa.BigInteger, nullable=False, index=True),
    )
    op.create_table(
        "session_rooms",
        sa.Column("socket_id", sa.Text, primary_key=True),
        sa.Column("conversation_id", sa.Text, primary_key=True),
        sa.Column("opened", sa.Boolean, nullable=False),
        sa.Column("changed_ms", sa.BigInteger, nullable=False, index=True),
    )
    op.create_table(
        "ended_nodes",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("ended_ms", sa.BigInteger, nullable=False),
    )
