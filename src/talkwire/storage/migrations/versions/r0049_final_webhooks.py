"""Migration: webhooks that receive streams at their first end."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0049"
down_revision = "0048"


def upgrade() -> None:
    op.add_column("webhooks", sa.Column("final", sa.Boolean, nullable=False, server_default=sa.false()))
