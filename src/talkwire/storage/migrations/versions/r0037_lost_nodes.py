"""Migration: lets operators see for a day that a node has died."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"


def upgrade() -> None:
    op.add_column("nodes", sa.Column("host", sa.Text))
    op.create_table(
        "lost_nodes",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("host", sa.Text),
        sa.Column("seen_ms", sa.BigInteger, nullable=False),
        sa.Column("users", sa.Integer, nullable=False),
    )
