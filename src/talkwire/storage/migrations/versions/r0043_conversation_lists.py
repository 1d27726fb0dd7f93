"""Migration: the indexes by which conversations of teams are listed, by handler and state."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0043"
down_revision = "0042"


def upgrade() -> None:
    for name, where, columns in (
        ("ix_conversations_desk", "team_ids IS NOT NULL", ["closed", "id"]),
        ("ix_conversations_handler", "handler_id IS NOT NULL", ["handler_id", "id"]),
    ):
        op.create_index(name, "conversations", columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))
