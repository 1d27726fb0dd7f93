"""What the back end says of users."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0010"


def upgrade() -> None:
    op.add_column("users", sa.Column("metadata", sa.Text))
    op.add_column("users", sa.Column("named", sa.Boolean, nullable=False, server_default=sa.false()))
