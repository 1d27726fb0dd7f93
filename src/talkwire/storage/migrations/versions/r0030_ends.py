"""Migration: adds the section of a conversation in a member's list, and the ends of a member's own mute, of the status
`dnd` and of the status text.

Nodes of the previous version ignore these columns.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"


def upgrade() -> None:
    op.add_column("members", sa.Column("unmute_ms", sa.BigInteger))
    op.add_column("members", sa.Column("section", sa.Text))
    for name in ("status_until_ms", "text_until_ms"):
        op.add_column("presence", sa.Column(name, sa.BigInteger))
