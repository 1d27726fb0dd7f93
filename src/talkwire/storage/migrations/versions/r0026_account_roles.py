"""Migration: adds the role of accounts, and of the accounts that people register with an invitation."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    for table in ("accounts", "invitations"):
        op.add_column(table, sa.Column("role", sa.Text, nullable=False, server_default="user"))
