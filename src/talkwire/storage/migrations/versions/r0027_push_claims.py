"""Migration: records which node sends to a push subscription, so that another one continues once its lease has ended.

Nodes of the previous version ignore the column. What such a node has claimed waits for the end of the claim, as before.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    op.add_column("push_subscriptions", sa.Column("node_id", sa.Text))
