"""Migration: adds the log position at which the history that a member sees begins, so that earlier offers (proposed
prices) are hidden.

For existing memberships it is the position at which they started. For a member that joined before the first message it
is unknown whether history starts with joining: such members continue to see all offers.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    for table in ("members", "spans"):
        op.add_column(table, sa.Column("history_pos", sa.BigInteger, nullable=False, server_default="0"))
    op.execute("UPDATE spans SET history_pos = from_pos WHERE history_seq > 0")
    op.execute(
        "UPDATE members SET history_pos = coalesce((SELECT from_pos FROM spans "
        "WHERE spans.user_id = members.user_id AND spans.conversation_id = members.conversation_id "
        "AND spans.to_pos IS NULL), 0) WHERE history_seq > 0"
    )
