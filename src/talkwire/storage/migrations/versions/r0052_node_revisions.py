"""Migration: the version of each node, as the newest migration that it knows.

A node of the previous version does not set it, and counts as one that knows none."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0052"
down_revision = "0051"


def upgrade() -> None:
    op.add_column("nodes", sa.Column("revision", sa.BigInteger, nullable=False, server_default="0"))
