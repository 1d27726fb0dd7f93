"""Migration: of a conversation with the notes of teams, which conversation the notes are about.

A node of the previous version makes no notes. It would list those of a newer node for the back end, and let the teams
of a conversation change without those of its notes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0044"
down_revision = "0043"


def upgrade() -> None:
    op.add_column("conversations", sa.Column("notes_of", sa.Text))
