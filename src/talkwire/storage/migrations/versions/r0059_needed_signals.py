"""Migration: which nodes need the signals of all conversations.

A node of the previous version does not set it. Its revision says that it needs them.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0059"
down_revision = "0054"


def upgrade() -> None:
    op.add_column("nodes", sa.Column("needs_signals", sa.Boolean, nullable=False, server_default=sa.false()))
