"""Migration: stores which users are people and which are agents, and the person who owns an agent. Existing users are
people."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0039"


def upgrade() -> None:
    op.add_column("users", sa.Column("kind", sa.Text, nullable=False, server_default=sa.text("'person'")))
    op.add_column("users", sa.Column("owner_id", sa.Text))
    owned = sa.text("owner_id IS NOT NULL")
    op.create_index("ix_users_owner_id", "users", ["owner_id"], sqlite_where=owned, postgresql_where=owned)
