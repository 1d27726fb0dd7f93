"""Migration: a conversation has a setting of what its members are notified of who have chosen nothing themselves.

Nodes of the previous version ignore it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0041"
down_revision = "0040"


def upgrade() -> None:
    op.add_column("conversations", sa.Column("notify", sa.Text))
