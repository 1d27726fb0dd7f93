"""Migration: cards, and the digests of decided ones in the audit log."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0051"
down_revision = "0050"


def upgrade() -> None:
    op.create_table(
        "open_cards",
        sa.Column("message_id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("conversation_id", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("message_id", name="pk_open_cards"),
    )
    op.create_index("ix_open_cards_conversation_id", "open_cards", ["conversation_id"])
    op.create_table(
        "card_choices",
        sa.Column("message_id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("action_ids", sa.Text, nullable=False),
        sa.Column("input", sa.Text, nullable=True),
        sa.Column("comment", sa.Text, nullable=True),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("message_id", "user_id", name="pk_card_choices"),
    )
    op.create_index("ix_card_choices_user_id", "card_choices", ["user_id"])
    op.add_column("audit", sa.Column("digest", sa.Text, nullable=True))
