"""Migration: lets moderators delete offers, lets users report them, and notifies who is removed from a conversation."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"


def upgrade() -> None:
    op.add_column("offers", sa.Column("deleted_ms", sa.BigInteger))
    op.add_column("offers", sa.Column("deleted_by", sa.Text))
    op.add_column("reports", sa.Column("about", sa.Text, nullable=False, server_default=sa.text("'message'")))
    op.add_column("notifications", sa.Column("body", sa.Text))
