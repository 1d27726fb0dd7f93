"""Migration: adds columns for the log position up to which each node has delivered events, and when it renewed its
lease."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("nodes", sa.Column("pos", sa.BigInteger))
    op.add_column("nodes", sa.Column("renewed_ms", sa.BigInteger))
