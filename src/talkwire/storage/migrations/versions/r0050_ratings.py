"""Migration: ratings of agents' messages."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0050"
down_revision = "0049"


def upgrade() -> None:
    op.create_table(
        "message_ratings",
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("message_id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("rating", sa.Integer, nullable=False),
        sa.Column("comment", sa.Text, nullable=True),
        sa.Column("rated_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("user_id", "message_id", name="pk_message_ratings"),
    )
    op.create_index("ix_message_ratings_message_id", "message_ratings", ["message_id"])
    op.create_table(
        "rating_sums",
        sa.Column("message_id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("up", sa.BigInteger, nullable=False),
        sa.Column("down", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("message_id", name="pk_rating_sums"),
    )
