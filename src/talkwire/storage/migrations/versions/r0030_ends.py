"""Migration: adds the ends of a member's own mute of a conversation, of the status `dnd` and of the status text.

Nodes of the previous version ignore the ends: for them, there are none.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"


def upgrade() -> None:
    op.add_column("members", sa.Column("unmute_ms", sa.BigInteger))
    for name in ("status_until_ms", "text_until_ms"):
        op.add_column("presence", sa.Column(name, sa.BigInteger))
