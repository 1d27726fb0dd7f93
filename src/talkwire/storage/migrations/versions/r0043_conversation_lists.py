"""Migration: the indexes by which conversations are listed: those of teams by handler and state, others by keys of
their metadata.

A node of the previous version does not index the metadata that it writes, and does not set `indexes_keys`: nothing is
indexed while such a node runs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0043"
down_revision = "0042"


def upgrade() -> None:
    op.add_column("nodes", sa.Column("indexes_keys", sa.Boolean, nullable=False, server_default=sa.false()))
    op.create_table(
        "conversation_keys",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("value", sa.Text, primary_key=True),
        sa.Column("conversation_id", sa.Text, primary_key=True),
    )
    op.create_table("indexed_keys", sa.Column("key", sa.Text, primary_key=True), sa.Column("after_id", sa.Text))
    for name, where, columns in (
        ("ix_conversations_desk", "team_ids IS NOT NULL", ["closed", "id"]),
        ("ix_conversations_handler", "handler_id IS NOT NULL", ["handler_id", "id"]),
    ):
        op.create_index(name, "conversations", columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))
