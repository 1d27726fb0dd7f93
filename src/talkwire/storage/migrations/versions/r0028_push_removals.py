"""Migration: adds the table of push subscriptions that their user has removed, which devices must not renew.

Nodes of the previous version ignore the table: what a user removes there may be renewed.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    op.create_table(
        "push_removals",
        sa.Column("subscription_id", sa.Text, primary_key=True),
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("removed_ms", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_push_removals_user_id", "push_removals", ["user_id"])
