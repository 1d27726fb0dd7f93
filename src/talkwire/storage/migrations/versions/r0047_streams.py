"""Migration: messages that are written while others read them.

A node of the previous version shows such a message without a text until it has ended."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0047"
down_revision = "0046"


def upgrade() -> None:
    op.create_table(
        "streams",
        sa.Column("message_id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("conversation_id", sa.Text, nullable=False),
        sa.Column("author_id", sa.Text, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("node_id", sa.Text, nullable=False),
        sa.Column("lease_ms", sa.Integer, nullable=False),
        sa.Column("until_ms", sa.BigInteger, nullable=False),
        sa.Column("has_ended", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("message_id", name="pk_streams"),
    )
    op.create_index("ix_streams_author_id", "streams", ["author_id"])
    ends = sa.text("type = 'StreamStateChanged'")
    op.create_index("ix_log_stream_ends", "log", ["conversation_id", "pos"], sqlite_where=ends, postgresql_where=ends)
