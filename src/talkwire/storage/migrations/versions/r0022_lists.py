"""Migration: adds favourite and archived conversations, saved messages, and the log position of each conversation's
newest offer (a proposed price)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"

# The id of an offer is 10^12 and the log position at which it was made.
_OFFER_POS = """
UPDATE conversations SET offer_pos = (
    SELECT MAX(offers.id) - 1000000000000 FROM offers WHERE offers.conversation_id = conversations.id
)
WHERE EXISTS (SELECT 1 FROM offers WHERE offers.conversation_id = conversations.id)
"""


def upgrade() -> None:
    op.add_column("members", sa.Column("favourite", sa.Boolean, nullable=False, server_default=sa.false()))
    op.add_column("members", sa.Column("archived_seq", sa.BigInteger))
    op.add_column("conversations", sa.Column("offer_pos", sa.BigInteger, nullable=False, server_default="0"))
    op.execute(sa.text(_OFFER_POS))
    op.create_table(
        "saved_messages",
        sa.Column("user_id", sa.Text, primary_key=True),
        sa.Column("message_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("conversation_id", sa.Text, nullable=False),
        sa.Column("saved_ms", sa.BigInteger, nullable=False),
        sa.Column("pos", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_saved_messages_message_id", "saved_messages", ["message_id"])
