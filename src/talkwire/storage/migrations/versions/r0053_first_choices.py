"""Migration: an index for the first choices of a card, which each answer about a card has."""

from __future__ import annotations

from alembic import op

revision = "0053"
down_revision = "0052"


def upgrade() -> None:
    op.create_index("ix_card_choices_message_id_at_ms", "card_choices", ["message_id", "at_ms", "user_id"])
