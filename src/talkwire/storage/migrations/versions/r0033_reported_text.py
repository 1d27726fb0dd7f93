"""Migration: stores with a report the text of the message as it was reported."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"


def upgrade() -> None:
    op.add_column("reports", sa.Column("content", sa.Text))
