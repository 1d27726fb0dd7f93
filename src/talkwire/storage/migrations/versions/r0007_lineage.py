"""Migration: adds a column for the database's lineage (PostgreSQL's cluster and timeline), which shows whether the
database went back to an earlier time."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column("log_head", sa.Column("lineage", sa.Text))
