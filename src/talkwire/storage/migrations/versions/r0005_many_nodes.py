"""Migration: adds the columns and tables with which several nodes (server processes) work on one database."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("nodes", sa.Column("since_ms", sa.BigInteger, nullable=False, server_default="0"))
    op.add_column("nodes", sa.Column("address", sa.Text))
    op.add_column("nodes", sa.Column("users_until_ms", sa.BigInteger))
    op.add_column("online", sa.Column("away", sa.Boolean, nullable=False, server_default=sa.false()))
    op.add_column("online", sa.Column("since_pos", sa.BigInteger, nullable=False, server_default="0"))
    op.create_index("ix_online_node_id", "online", ["node_id"])
    op.create_table(
        "calls",
        sa.Column("conversation_id", sa.Text, nullable=False),
        sa.Column("call_id", sa.Text, nullable=False),
        sa.Column("node_id", sa.Text, nullable=False),
        sa.Column("caller_id", sa.Text, nullable=False),
        sa.Column("member_ids", sa.Text, nullable=False),
        sa.Column("ringing_ids", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("conversation_id", name="pk_calls"),
    )
    op.create_index("ix_calls_node_id", "calls", ["node_id"])
