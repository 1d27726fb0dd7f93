"""Migration: numbers the changes of each node's list of connected users."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"


def upgrade() -> None:
    op.add_column("nodes", sa.Column("users_version", sa.BigInteger))
    op.add_column("online", sa.Column("version", sa.BigInteger, nullable=False, server_default="0"))
