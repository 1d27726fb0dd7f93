"""Migration: streams that are to stop, and messages whose answers are."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0048"
down_revision = "0047"


def upgrade() -> None:
    op.add_column("streams", sa.Column("stopped_by", sa.Text, nullable=True))
    op.add_column("streams", sa.Column("stopped_ms", sa.BigInteger, nullable=True))
    op.create_index("ix_streams_conversation_id", "streams", ["conversation_id"])
    op.create_table(
        "stopped_answers",
        sa.Column("message_id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("stopped_by", sa.Text, nullable=False),
        sa.Column("stopped_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("message_id", name="pk_stopped_answers"),
    )
    op.create_index("ix_stopped_answers_stopped_ms", "stopped_answers", ["stopped_ms"])
