"""The lineage of the database that the log's epoch belongs to."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column("log_head", sa.Column("lineage", sa.Text))
