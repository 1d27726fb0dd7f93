"""Migration: adds the end of a member's own mute of a conversation.

Nodes of the previous version ignore the end: for them, such a mute has none.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"


def upgrade() -> None:
    op.add_column("members", sa.Column("unmute_ms", sa.BigInteger))
